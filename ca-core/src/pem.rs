//! PEM and DER as they come from strangers: files, standard input, request bodies (RFC 7468).
//!
//! Everything is bounded ([`MAX_FILE_SIZE`], [`MAX_CRL_FILE_SIZE`], [`MAX_BLOCKS`]) and every refusal
//! names the line, what was found and what is allowed. Decoded bytes are wiped on drop, since a block may be a key.

mod blocks;
mod error;
mod label;
mod typed;

use std::{fmt, io};

use zeroize::Zeroizing;

pub use error::{DerError, PemError};
pub use label::Label;
pub(crate) use typed::at_line;
pub use typed::{
    PrivateKeyDer, ReadError, read_certificates, read_crls, read_ocsp_responses, read_one_bag,
    read_one_certificate, read_one_crl, read_one_ocsp_request, read_one_private_key_der,
    read_one_public_key, read_one_request,
};

use crate::crl::MAX_CRL_SIZE;
use crate::inspect::Kind;

/// The largest input that is read, in octets: 1 MiB, room for about 60 ML-DSA-87 certificates.
pub const MAX_FILE_SIZE: usize = 1024 * 1024;

/// The largest input of revocation lists that is read, in octets: room for one of [`MAX_CRL_SIZE`]
/// in PEM.
pub const MAX_CRL_FILE_SIZE: usize = MAX_CRL_SIZE / 2 * 3;

/// The most PEM blocks that one input may have.
pub const MAX_BLOCKS: usize = 100;

/// What an input holds.
#[derive(Debug)]
pub enum Input {
    /// One or more PEM blocks.
    Pem(Vec<Block>),
    /// One DER value; its kind is not known yet.
    Der(Zeroizing<Vec<u8>>),
}

/// One PEM block, decoded. Its `Debug` shows no content.
pub struct Block {
    label: Label,
    line: usize,
    der: Zeroizing<Vec<u8>>,
}

impl Block {
    /// What the block says it is.
    pub fn label(&self) -> Label {
        self.label
    }

    /// The line of its BEGIN, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The decoded octets: exactly one DER SEQUENCE.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} at line {}, {} octets)", self.label, self.line, self.der.len())
    }
}

/// Takes an input apart: PEM blocks, or one DER SEQUENCE.
///
/// Text before and between blocks is passed over, as `openssl` writes it; so are `EC PARAMETERS`
/// blocks, which `openssl ecparam -genkey` puts before a key that names its curve itself. Lines
/// may have any length and end in LF, CRLF or CR.
///
/// An input of more than [`MAX_FILE_SIZE`] may hold revocation lists alone, and have
/// [`MAX_CRL_FILE_SIZE`] at most.
///
/// # Errors
/// `PemError` with the line of the first fault.
pub fn read(bytes: &[u8]) -> Result<Input, PemError> {
    check_size(bytes)?;
    if is_der(bytes) {
        check_der(bytes)?;
        return Ok(Input::Der(Zeroizing::new(bytes.to_vec())));
    }
    blocks::read(bytes).map(Input::Pem)
}

/// Writes one public block: 64 characters a line, LF.
pub fn encode(label: Label, der: &[u8]) -> String {
    std::mem::take(&mut encode_secret(label, der))
}

/// Writes one block whose text is wiped on drop; for private keys.
pub fn encode_secret(label: Label, der: &[u8]) -> Zeroizing<String> {
    let text = pem_rfc7468::encode_string(label.as_str(), pem_rfc7468::LineEnding::LF, der);
    // Our labels are valid ones, and what is in memory is far below the length that overflows.
    Zeroizing::new(text.expect("a known label and a length that memory holds"))
}

/// Whether an input that starts so may go on past [`MAX_FILE_SIZE`]: it starts with a revocation
/// list, in DER or PEM. A thousand octets are enough to tell.
pub fn may_be_large(start: &[u8]) -> bool {
    if is_der(start) {
        return Kind::starts_list(start);
    }
    let begin: &[u8] = b"-----BEGIN ";
    let first = start.windows(begin.len()).position(|octets| octets == begin);
    let label = first.map(|at| &start[at + begin.len()..]);
    label.is_some_and(|text| text.starts_with(Label::Crl.as_str().as_bytes()))
}

/// Writes one public block as [`encode`] has it, a part at a time: for what is large.
///
/// # Errors
/// What `out` says.
pub fn write(label: Label, der: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
    /// Octets of a line's 64 characters.
    const LINE: usize = 48;
    writeln!(out, "-----BEGIN {label}-----")?;
    for part in der.chunks(LINE * 1024) {
        let text = encode(label, part);
        // Every part but the last fills its lines: what stands between the boundaries joins.
        let lines = text.split_inclusive('\n').filter(|line| !line.starts_with('-'));
        lines.into_iter().try_for_each(|line| out.write_all(line.as_bytes()))?;
    }
    writeln!(out, "-----END {label}-----")
}

fn check_size(bytes: &[u8]) -> Result<(), PemError> {
    if bytes.is_empty() {
        return Err(PemError::Empty);
    }
    let found = bytes.len();
    let allowed = match found > MAX_FILE_SIZE && may_be_large(bytes) {
        true => MAX_CRL_FILE_SIZE,
        false => MAX_FILE_SIZE,
    };
    if found > allowed {
        return Err(PemError::TooLarge { found, allowed });
    }
    Ok(())
}

/// The tag octet of a SEQUENCE, also the digit `0` in text.
const SEQUENCE: u8 = 0x30;

/// Whether it starts as a SEQUENCE and is no text: DER of any kind has tags below 0x20.
fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEQUENCE) && is_binary(bytes)
}

/// Whether there are octets that text has not.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().any(|octet| *octet < 0x20 && !matches!(octet, b'\t' | b'\n' | 0x0c | b'\r'))
}

/// Checks the outer header: one SEQUENCE, a definite length in its shortest form, no octet
/// missing and none left over.
pub(crate) fn check_der(der: &[u8]) -> Result<(), DerError> {
    match der.first() {
        Some(&SEQUENCE) => {}
        found => return Err(DerError::NotSequence { found: found.copied() }),
    }
    let (header, length) = definite_length(&der[1..])?;
    let needed = 1 + header + length;
    match der.len() {
        found if found < needed => Err(DerError::Truncated { found, needed }),
        found if found > needed => Err(DerError::Trailing { extra: found - needed, needed }),
        _ => Ok(()),
    }
}

/// How many octets the length takes, and what it says.
fn definite_length(octets: &[u8]) -> Result<(usize, usize), DerError> {
    let truncated = DerError::Truncated { found: 1 + octets.len(), needed: 2 + octets.len() };
    let first = *octets.first().ok_or(truncated.clone())?;
    match first {
        0..=0x7f => Ok((1, first.into())),
        0x80 => Err(DerError::Indefinite),
        // Four octets of length go far past the largest input.
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let digits = octets.get(1..=count).ok_or(truncated)?;
            let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            let shortest = length > 0x7f && digits.first() != Some(&0);
            if shortest { Ok((1 + count, length)) } else { Err(DerError::LongLength) }
        }
        found => Err(DerError::Length { found }),
    }
}

#[cfg(test)]
mod tests;
