//! Reading inputs of which the kind is known beforehand.

use std::fmt;

use zeroize::Zeroizing;

use super::{Block, Input, Label, PemError, read};
use crate::certificate::{Certificate, CertificateError};
use crate::crl::{CertificateList, CrlError};
use crate::csr::{CertificateRequest, CsrError};
use crate::inspect::Kind;
use crate::ocsp::{OcspError, OcspRequest, OcspResponse};
use crate::pkcs7::{CertificateBag, Pkcs7Error};
use crate::public_key::{PublicKey, PublicKeyError};

/// Reads one or more certificates: PEM blocks in the order in which they stand, or one DER
/// certificate.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block, or a certificate is
/// malformed.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, ReadError> {
    ders(bytes, &[Label::Certificate], |block, der| {
        let line = block.map(Block::line);
        Certificate::from_der(der).map_err(|error| ReadError::Certificate { line, error })
    })
}

/// Reads exactly one certificate.
///
/// # Errors
/// As [`read_certificates`], and `ReadError::NotOne` when there are several.
pub fn read_one_certificate(bytes: &[u8]) -> Result<Certificate, ReadError> {
    one(read_certificates(bytes)?)
}

/// Reads one certificate request: a PEM block (`CERTIFICATE REQUEST` or `NEW CERTIFICATE REQUEST`)
/// or DER.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block or several, or the
/// request is malformed.
pub fn read_one_request(bytes: &[u8]) -> Result<CertificateRequest, ReadError> {
    const ALLOWED: &[Label] = &[Label::CertificateRequest, Label::NewCertificateRequest];
    one(ders(bytes, ALLOWED, |block, der| {
        let line = block.map(Block::line);
        CertificateRequest::from_der(der).map_err(|error| ReadError::Request { line, error })
    })?)
}

/// Reads one bag of certificates: a PEM block (`PKCS7` or `CMS`), DER or BER.
///
/// # Errors
/// `ReadError` when the input is no PEM or BER, has another kind of block or several, or the bag is
/// malformed.
pub fn read_one_bag(bytes: &[u8]) -> Result<CertificateBag, ReadError> {
    let wrong = |line| move |error| ReadError::Bag { line, error };
    if bytes.first() == Some(&super::SEQUENCE) && super::is_binary(bytes) {
        return CertificateBag::from_der(bytes).map_err(wrong(None));
    }
    one(ders(bytes, &[Label::Pkcs7, Label::Cms], |block, der| {
        CertificateBag::from_der(der).map_err(wrong(block.map(Block::line)))
    })?)
}

/// Reads one OCSP request: a PEM block `OCSP REQUEST` or DER.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block or several, or the
/// request is malformed.
pub fn read_one_ocsp_request(bytes: &[u8]) -> Result<OcspRequest, ReadError> {
    one(ders(bytes, &[Label::OcspRequest], |block, der| {
        let line = block.map(Block::line);
        OcspRequest::from_der(der).map_err(|error| ReadError::Ocsp { line, error })
    })?)
}

/// Reads one or more OCSP responses: PEM blocks `OCSP RESPONSE`, or one in DER.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block, or a response is
/// malformed.
pub fn read_ocsp_responses(bytes: &[u8]) -> Result<Vec<OcspResponse>, ReadError> {
    ders(bytes, &[Label::OcspResponse], |block, der| {
        let line = block.map(Block::line);
        OcspResponse::from_der(der).map_err(|error| ReadError::Ocsp { line, error })
    })
}

/// Reads one or more revocation lists: PEM blocks `X509 CRL` in the order in which they stand, or
/// one in DER.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block, or a list is malformed.
pub fn read_crls(bytes: &[u8]) -> Result<Vec<CertificateList>, ReadError> {
    const ALLOWED: &[Label] = &[Label::Crl];
    // The octets are handed on: a list may have many.
    let list = |line, mut der: Zeroizing<Vec<u8>>| {
        CertificateList::from_der(std::mem::take(&mut *der))
            .map_err(|error| ReadError::Crl { line, error })
    };
    match read(bytes)? {
        Input::Der(der) => Ok(vec![list(None, der)?]),
        Input::Pem(blocks) => blocks
            .into_iter()
            .map(|block| {
                block.expect(ALLOWED)?;
                list(Some(block.line), block.der)
            })
            .collect(),
    }
}

/// Reads exactly one revocation list.
///
/// # Errors
/// As [`read_crls`], and `ReadError::NotOne` when there are several.
pub fn read_one_crl(bytes: &[u8]) -> Result<CertificateList, ReadError> {
    one(read_crls(bytes)?)
}

/// Reads one public key: a PEM block `PUBLIC KEY` or a DER SubjectPublicKeyInfo.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block or several, or the key
/// is malformed.
pub fn read_one_public_key(bytes: &[u8]) -> Result<PublicKey, ReadError> {
    one(ders(bytes, &[Label::PublicKey], |block, der| {
        let line = block.map(Block::line);
        PublicKey::from_spki(der).map_err(|error| ReadError::PublicKey { line, error })
    })?)
}

/// Reads the DER of one private key, in the clear or encrypted: PKCS#8, SEC1 or PKCS#1 in PEM or
/// DER. [`PrivateKey::from_der`](crate::key::PrivateKey::from_der) or
/// [`key::decrypt`](crate::key::decrypt) takes it from there.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block, one that holds something
/// else than its label says, or several.
pub fn read_one_private_key_der(bytes: &[u8]) -> Result<PrivateKeyDer, ReadError> {
    const ALLOWED: &[Label] =
        &[Label::PrivateKey, Label::EncryptedPrivateKey, Label::EcPrivateKey, Label::RsaPrivateKey];
    one(ders(bytes, ALLOWED, |block, der| match (Kind::of(der), block) {
        (Some(found), Some(block)) if found != Kind::promised_by(block.label()) => {
            Err(ReadError::Mislabelled { line: block.line(), label: block.label(), found })
        }
        (Some(Kind::EncryptedPrivateKey), _) => Ok(PrivateKeyDer::Encrypted(der.to_vec())),
        (Some(Kind::Pkcs8PrivateKey | Kind::Sec1PrivateKey | Kind::Pkcs1PrivateKey), _) => {
            Ok(PrivateKeyDer::Clear(Zeroizing::new(der.to_vec())))
        }
        (found, _) => Err(ReadError::NotPrivateKey { line: block.map(Block::line), found }),
    })?)
}

/// The DER of a private key. Its `Debug` shows no octet of a key in the clear.
pub enum PrivateKeyDer {
    /// PKCS#8, SEC1 or PKCS#1.
    Clear(Zeroizing<Vec<u8>>),
    /// EncryptedPrivateKeyInfo of PKCS#8.
    Encrypted(Vec<u8>),
}

impl fmt::Debug for PrivateKeyDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(der) => write!(f, "PrivateKeyDer(in the clear, {} octets)", der.len()),
            Self::Encrypted(der) => write!(f, "PrivateKeyDer(encrypted, {} octets)", der.len()),
        }
    }
}

/// Decodes every block, each of which must have one of the labels; DER comes without a block.
fn ders<T>(
    bytes: &[u8],
    allowed: &'static [Label],
    mut decode: impl FnMut(Option<&Block>, &[u8]) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    match read(bytes)? {
        Input::Der(der) => Ok(vec![decode(None, &der)?]),
        Input::Pem(blocks) => blocks
            .iter()
            .map(|block| {
                block.expect(allowed)?;
                decode(Some(block), block.der())
            })
            .collect(),
    }
}

impl Block {
    fn expect(&self, allowed: &'static [Label]) -> Result<(), ReadError> {
        let (line, found) = (self.line, self.label);
        if allowed.contains(&found) {
            return Ok(());
        }
        Err(ReadError::WrongLabel { line, found, allowed })
    }
}

fn one<T>(all: Vec<T>) -> Result<T, ReadError> {
    let found = all.len();
    let mut all = all.into_iter();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(ReadError::NotOne { found }),
    }
}

/// An input that does not hold what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not PEM or DER.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A block of another kind.
    #[error("line {line}: found a block {found}, allowed are {}", Label::list(allowed))]
    WrongLabel {
        /// The line of BEGIN.
        line: usize,
        /// Its label.
        found: Label,
        /// The labels that are allowed here.
        allowed: &'static [Label],
    },
    /// Several where one is wanted.
    #[error("input: found {found} of them, allowed is exactly one")]
    NotOne {
        /// How many.
        found: usize,
    },
    /// A certificate is malformed.
    #[error("{}{error}", at_line(*line))]
    Certificate {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: CertificateError,
    },
    /// A certificate request is malformed.
    #[error("{}{error}", at_line(*line))]
    Request {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: CsrError,
    },
    /// An OCSP request or response is malformed.
    #[error("{}{error}", at_line(*line))]
    Ocsp {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: OcspError,
    },
    /// A revocation list is malformed.
    #[error("{}{error}", at_line(*line))]
    Crl {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: CrlError,
    },
    /// A public key is malformed.
    #[error("{}{error}", at_line(*line))]
    PublicKey {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: PublicKeyError,
    },
    /// A bag of certificates is malformed.
    #[error("{}{error}", at_line(*line))]
    Bag {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: Pkcs7Error,
    },
    /// A block that holds another kind of private key than its label says.
    #[error("line {line}: found {found} under the label {label}, allowed is {}", Kind::promised_by(*label))]
    Mislabelled {
        /// The line of BEGIN.
        line: usize,
        /// Its label.
        label: Label,
        /// What it holds.
        found: Kind,
    },
    /// Something else than a private key.
    #[error(
        "{}found {}, allowed is a private key (PKCS#8, SEC1, PKCS#1 or encrypted PKCS#8)",
        at_line(*line),
        found.map_or("an unknown structure".to_owned(), |kind| kind.to_string())
    )]
    NotPrivateKey {
        /// The line of BEGIN; none for DER.
        line: Option<usize>,
        /// What it is, if that is known.
        found: Option<Kind>,
    },
}

/// `line 3: `, or nothing for DER.
pub(crate) fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}
