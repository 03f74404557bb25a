//! Reading inputs of which the kind is known beforehand.

use super::{Input, Label, PemError, read};
use crate::certificate::{Certificate, CertificateError};

/// Reads one or more certificates: PEM blocks in the order in which they stand, or one DER
/// certificate.
///
/// # Errors
/// `ReadError` when the input is no PEM or DER, has another kind of block, or a certificate is
/// malformed.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, ReadError> {
    ders(bytes, &[Label::Certificate], |line, der| {
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

/// Decodes every block, each of which must have one of the labels.
fn ders<T>(
    bytes: &[u8],
    allowed: &'static [Label],
    mut decode: impl FnMut(Option<usize>, &[u8]) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    match read(bytes)? {
        Input::Der(der) => Ok(vec![decode(None, &der)?]),
        Input::Pem(blocks) => blocks
            .iter()
            .map(|block| {
                let (line, found) = (block.line(), block.label());
                if !allowed.contains(&found) {
                    return Err(ReadError::WrongLabel { line, found, allowed });
                }
                decode(Some(line), block.der())
            })
            .collect(),
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
}

/// `line 3: `, or nothing for DER.
pub(crate) fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}
