//! What a DER value is, by its outermost tags.

use std::fmt;

use der::asn1::AnyRef;
use der::{Decode, Header, Reader, SliceReader, Tag, Tagged};

use crate::pem::Label;

/// Kinds of DER objects that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A certificate (RFC 5280).
    Certificate,
    /// A certificate request (RFC 2986).
    CertificateRequest,
    /// A certificate revocation list (RFC 5280 section 5).
    RevocationList,
    /// A SubjectPublicKeyInfo.
    PublicKey,
    /// A bare RSAPublicKey (RFC 8017).
    Pkcs1PublicKey,
    /// A PKCS#8 private key (RFC 5958).
    Pkcs8PrivateKey,
    /// An ECPrivateKey (RFC 5915).
    Sec1PrivateKey,
    /// An RSAPrivateKey (RFC 8017).
    Pkcs1PrivateKey,
    /// An encrypted PKCS#8 private key (RFC 5958).
    EncryptedPrivateKey,
    /// A PKCS#12 file (RFC 7292).
    Pkcs12,
    /// A PKCS#7 or CMS structure (RFC 5652).
    Pkcs7,
    /// An OCSP request (RFC 6960 section 4.1).
    OcspRequest,
    /// An OCSP response (RFC 6960 section 4.2).
    OcspResponse,
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;

impl Kind {
    /// The kind that the outermost tags show; `None` for any other structure. It promises nothing
    /// about what is inside.
    pub fn of(der: &[u8]) -> Option<Self> {
        let parts = children(der)?;
        Some(match tags(&parts).as_slice() {
            [SEQUENCE, SEQUENCE, BIT_STRING] => return Self::of_signed(parts[0]),
            [SEQUENCE, BIT_STRING] => Self::PublicKey,
            [SEQUENCE, OCTET_STRING] => Self::EncryptedPrivateKey,
            [INTEGER, SEQUENCE, OCTET_STRING, ..] => Self::Pkcs8PrivateKey,
            [INTEGER, OCTET_STRING, ..] => Self::Sec1PrivateKey,
            [INTEGER, INTEGER] => Self::Pkcs1PublicKey,
            [INTEGER, SEQUENCE] | [INTEGER, SEQUENCE, SEQUENCE] => Self::Pkcs12,
            [OBJECT_IDENTIFIER, CONTEXT_0] => Self::Pkcs7,
            [INTEGER, INTEGER, INTEGER, INTEGER, ..] => Self::Pkcs1PrivateKey,
            [ENUMERATED] | [ENUMERATED, CONTEXT_0] => Self::OcspResponse,
            [SEQUENCE] | [SEQUENCE, CONTEXT_0] if asks_for_status(parts[0]) => Self::OcspRequest,
            _ => return None,
        })
    }

    fn of_signed(signed: &[u8]) -> Option<Self> {
        let parts = children(signed)?;
        Some(match tags(&parts).as_slice() {
            [CONTEXT_0, ..] | [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, ..] => Self::Certificate,
            [INTEGER, SEQUENCE, SEQUENCE] | [INTEGER, SEQUENCE, SEQUENCE, CONTEXT_0] => {
                Self::CertificateRequest
            }
            [INTEGER, SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME, ..]
            | [SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME, ..] => Self::RevocationList,
            _ => return None,
        })
    }

    /// Whether this is the start of a revocation list, whose end may be missing.
    pub(crate) fn starts_list(start: &[u8]) -> bool {
        let enter = |octets| header(octets).filter(|(tag, ..)| *tag == SEQUENCE);
        let signed = enter(start).and_then(|(.., content)| enter(content));
        let Some((.., mut rest)) = signed else { return false };
        let mut tags = Vec::new();
        while tags.len() < 4 {
            let Some((tag, length, content)) = header(rest) else { break };
            tags.push(tag);
            let Some(behind) = content.get(length..) else { break };
            rest = behind;
        }
        matches!(
            tags.as_slice(),
            [INTEGER, SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME]
                | [SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME, ..]
        )
    }

    /// The kind that a PEM label promises.
    pub fn promised_by(label: Label) -> Self {
        match label {
            Label::Certificate => Self::Certificate,
            Label::CertificateRequest | Label::NewCertificateRequest => Self::CertificateRequest,
            Label::PublicKey => Self::PublicKey,
            Label::RsaPublicKey => Self::Pkcs1PublicKey,
            Label::PrivateKey => Self::Pkcs8PrivateKey,
            Label::EncryptedPrivateKey => Self::EncryptedPrivateKey,
            Label::EcPrivateKey => Self::Sec1PrivateKey,
            Label::RsaPrivateKey => Self::Pkcs1PrivateKey,
            Label::Pkcs7 | Label::Cms => Self::Pkcs7,
            Label::OcspRequest => Self::OcspRequest,
            Label::OcspResponse => Self::OcspResponse,
            Label::Crl => Self::RevocationList,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate",
            Self::CertificateRequest => "a certificate request",
            Self::RevocationList => "a certificate revocation list",
            Self::PublicKey => "a public key (SubjectPublicKeyInfo)",
            Self::Pkcs1PublicKey => "a bare RSA public key (PKCS#1)",
            Self::Pkcs8PrivateKey => "a private key (PKCS#8)",
            Self::Sec1PrivateKey => "a private key (SEC1)",
            Self::Pkcs1PrivateKey => "a private key (PKCS#1)",
            Self::EncryptedPrivateKey => "an encrypted private key (PKCS#8)",
            Self::Pkcs12 => "a PKCS#12 file",
            Self::Pkcs7 => "a PKCS#7 bag of certificates",
            Self::OcspRequest => "an OCSP request",
            Self::OcspResponse => "an OCSP response",
        })
    }
}

/// Whether it is a TBSRequest: behind version and requestorName a list whose first entry has a
/// CertID.
fn asks_for_status(der: &[u8]) -> bool {
    let cert_id = || {
        let parts = children(der)?;
        let is_optional =
            |part: &&&[u8]| part.first().is_some_and(|tag| [CONTEXT_0, CONTEXT_1].contains(tag));
        let list = parts.iter().find(|part| !is_optional(part))?;
        let request = children(list)?.into_iter().next()?;
        children(children(request)?.into_iter().next()?)
    };
    cert_id().is_some_and(|parts| tags(&parts) == [SEQUENCE, OCTET_STRING, OCTET_STRING, INTEGER])
}

/// The tag octet, the length, and what stands behind the header.
fn header(octets: &[u8]) -> Option<(u8, usize, &[u8])> {
    let mut reader = SliceReader::new(octets).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let behind = usize::try_from(reader.offset()).ok()?;
    Some((*octets.first()?, usize::try_from(header.length()).ok()?, octets.get(behind..)?))
}

/// The values inside a SEQUENCE, header included, at most 16 of them.
fn children(der: &[u8]) -> Option<Vec<&[u8]>> {
    let outer = AnyRef::from_der(der).ok().filter(|outer| outer.tag() == Tag::Sequence)?;
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let mut parts = Vec::new();
    while !reader.is_finished() && parts.len() < 16 {
        parts.push(reader.tlv_bytes().ok()?);
    }
    Some(parts)
}

fn tags(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().filter_map(|part| part.first().copied()).collect()
}
