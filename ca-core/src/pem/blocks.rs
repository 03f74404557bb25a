//! Finding and decoding PEM blocks.

use zeroize::Zeroizing;

use super::{Block, Label, MAX_BLOCKS, MAX_FILE_SIZE, PemError, check_der};
use crate::escape::{escaped, shortened};

/// Labels are short; a longer text is cut in messages.
const SHOWN: usize = 64;

/// A block that was begun.
struct Open<'a> {
    line: usize,
    label: &'a [u8],
    /// The base64 characters so far, without line ends and blanks.
    text: Zeroizing<Vec<u8>>,
}

/// Reads every block.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, PemError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut blocks = Vec::new();
    let mut begun = 0;
    let mut open: Option<Open<'_>> = None;
    let large = bytes.len() > MAX_FILE_SIZE;
    for (number, line) in lines(bytes) {
        match (boundary(number, line)?, open.take()) {
            (Some(Boundary::Begin(_)), Some(block)) => return Err(block.unterminated()),
            (Some(Boundary::Begin(label)), None) => {
                begun += 1;
                if begun > MAX_BLOCKS {
                    return Err(PemError::TooManyBlocks { line: number });
                }
                // Room for all the rest, so that a secret is never copied by growing. There is
                // none in a large input.
                let room = if large { 0 } else { bytes.len() };
                let text = Zeroizing::new(Vec::with_capacity(room));
                open = Some(Open { line: number, label, text });
            }
            (Some(Boundary::End(label)), Some(block)) => {
                blocks.extend(block.close(number, label, large)?);
            }
            (Some(Boundary::End(label)), None) => {
                return Err(PemError::EndAlone { line: number, found: shown(label) });
            }
            (None, Some(mut block)) => {
                block.push(number, line)?;
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    if let Some(block) = open {
        return Err(block.unterminated());
    }
    if blocks.is_empty() {
        return Err(PemError::NoBlock { first: bytes.first().copied().unwrap_or_default() });
    }
    Ok(blocks)
}

impl Open<'_> {
    fn unterminated(&self) -> PemError {
        PemError::Unterminated { line: self.line, label: shown(self.label) }
    }

    fn push(&mut self, line: usize, characters: &[u8]) -> Result<(), PemError> {
        for octet in characters {
            match octet {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => {
                    self.text.push(*octet);
                }
                b' ' | b'\t' => {}
                b':' => return Err(PemError::Header { line }),
                // `Proc-Type: 4,ENCRYPTED` has its dash before its colon.
                _ if characters.contains(&b':') => return Err(PemError::Header { line }),
                found => return Err(PemError::Character { line, found: *found }),
            }
        }
        Ok(())
    }

    /// Decodes the block; `None` for one that is passed over.
    fn close(
        self,
        end_line: usize,
        end_label: &[u8],
        large: bool,
    ) -> Result<Option<Block>, PemError> {
        let line = self.line;
        if end_label != self.label {
            return Err(PemError::EndLabel {
                line: end_line,
                found: shown(end_label),
                begun: shown(self.label),
            });
        }
        let label = match self.label {
            b"EC PARAMETERS" => return Ok(None),
            text => std::str::from_utf8(text).ok().and_then(Label::named),
        };
        let Some(label) = label else {
            return Err(PemError::UnknownLabel { line, found: shown(self.label) });
        };
        if large && label != Label::Crl {
            return Err(PemError::NotListInLarge { line, found: label });
        }
        let der = decode(line, &self.text)?;
        check_der(&der).map_err(|error| PemError::Content { line, error })?;
        Ok(Some(Block { label, line, der }))
    }
}

/// Decodes base64 characters by the PEM library, which does not branch on them.
fn decode(line: usize, base64: &[u8]) -> Result<Zeroizing<Vec<u8>>, PemError> {
    if base64.is_empty() {
        return Err(PemError::EmptyBlock { line });
    }
    let wrong = |_| PemError::Base64 { line, found: base64.len() };
    if !base64.len().is_multiple_of(4) {
        return Err(PemError::Base64 { line, found: base64.len() });
    }
    let mut decoder = pem_rfc7468::Base64Decoder::new(base64).map_err(wrong)?;
    let mut der = Zeroizing::new(Vec::with_capacity(base64.len()));
    decoder.decode_to_end(&mut der).map_err(wrong)?;
    Ok(der)
}

enum Boundary<'a> {
    Begin(&'a [u8]),
    End(&'a [u8]),
}

/// The boundary that the line is, if it is one.
fn boundary(number: usize, line: &[u8]) -> Result<Option<Boundary<'_>>, PemError> {
    let begin = line.strip_prefix(b"-----BEGIN ");
    let Some(rest) = begin.or_else(|| line.strip_prefix(b"-----END ")) else { return Ok(None) };
    let Some(label) = rest.strip_suffix(b"-----") else {
        return Err(PemError::Boundary { line: number, found: shown(line) });
    };
    Ok(Some(if begin.is_some() { Boundary::Begin(label) } else { Boundary::End(label) }))
}

/// Lines with their numbers from 1, without blanks at either end. CR, LF and CRLF end a line.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = Some(bytes);
    let mut number = 0;
    std::iter::from_fn(move || {
        let text = rest.filter(|text| !text.is_empty())?;
        let end = text.iter().position(|octet| matches!(octet, b'\n' | b'\r'));
        let end = end.unwrap_or(text.len());
        let skip = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = text.get(end + skip..);
        number += 1;
        Some((number, text[..end].trim_ascii()))
    })
}

fn shown(text: &[u8]) -> String {
    shortened(&escaped(&String::from_utf8_lossy(text)), SHOWN)
}
