//! The labels of PEM blocks that are read and written.

use std::fmt;

/// What stands after BEGIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// A certificate (RFC 7468 section 5).
    Certificate,
    /// A certificate request (RFC 7468 section 7).
    CertificateRequest,
    /// The older name of a certificate request, read only.
    NewCertificateRequest,
    /// A SubjectPublicKeyInfo (RFC 7468 section 13).
    PublicKey,
    /// A PKCS#1 public key (RFC 8017), read only.
    RsaPublicKey,
    /// A PKCS#8 private key (RFC 7468 section 10).
    PrivateKey,
    /// An encrypted PKCS#8 private key (RFC 7468 section 11).
    EncryptedPrivateKey,
    /// A SEC1 private key (RFC 5915), read only.
    EcPrivateKey,
    /// A PKCS#1 private key (RFC 8017), read only.
    RsaPrivateKey,
    /// An OCSP request (RFC 6960), by the name that OpenSSL's library gives it.
    OcspRequest,
    /// An OCSP response (RFC 6960), by the name that OpenSSL's library gives it.
    OcspResponse,
    /// A certificate revocation list (RFC 7468 section 6).
    Crl,
    /// A bag of certificates (RFC 7468 section 8).
    Pkcs7,
    /// The same by its newer name (RFC 7468 section 9), read only.
    Cms,
}

impl Label {
    /// Every label that is read.
    pub const ALL: [Self; 14] = [
        Self::Certificate,
        Self::CertificateRequest,
        Self::NewCertificateRequest,
        Self::PublicKey,
        Self::RsaPublicKey,
        Self::PrivateKey,
        Self::EncryptedPrivateKey,
        Self::EcPrivateKey,
        Self::RsaPrivateKey,
        Self::OcspRequest,
        Self::OcspResponse,
        Self::Crl,
        Self::Pkcs7,
        Self::Cms,
    ];

    /// The text between BEGIN and the dashes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "CERTIFICATE",
            Self::CertificateRequest => "CERTIFICATE REQUEST",
            Self::NewCertificateRequest => "NEW CERTIFICATE REQUEST",
            Self::PublicKey => "PUBLIC KEY",
            Self::RsaPublicKey => "RSA PUBLIC KEY",
            Self::PrivateKey => "PRIVATE KEY",
            Self::EncryptedPrivateKey => "ENCRYPTED PRIVATE KEY",
            Self::EcPrivateKey => "EC PRIVATE KEY",
            Self::RsaPrivateKey => "RSA PRIVATE KEY",
            Self::OcspRequest => "OCSP REQUEST",
            Self::OcspResponse => "OCSP RESPONSE",
            Self::Crl => "X509 CRL",
            Self::Pkcs7 => "PKCS7",
            Self::Cms => "CMS",
        }
    }

    /// The label with this text.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == text)
    }

    /// Whether the block holds a private key in the clear.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::PrivateKey | Self::EcPrivateKey | Self::RsaPrivateKey)
    }

    /// Some labels as a sentence lists them.
    pub(crate) fn list(labels: &[Self]) -> String {
        labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
