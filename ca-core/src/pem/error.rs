//! Why an input is not read. Text that the input itself brought is escaped and cut.

use super::MAX_FILE_SIZE;
use super::label::Label;

/// An input that is not PEM or DER as it is allowed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Nothing there.
    #[error("input: empty; allowed is PEM or one DER value")]
    Empty,
    /// Past the bound.
    #[error("input: {found} octets, allowed are at most {allowed}")]
    TooLarge {
        /// Octets found.
        found: usize,
        /// Octets allowed: more for revocation lists than for anything else.
        allowed: usize,
    },
    /// Neither DER nor a PEM block anywhere.
    #[error(
        "input: starts with {first:#04x} and has no line `-----BEGIN …-----`; allowed is PEM, or one DER SEQUENCE (0x30)"
    )]
    NoBlock {
        /// The first octet.
        first: u8,
    },
    /// Too many blocks.
    #[error("line {line}: block number 101, allowed are at most 100")]
    TooManyBlocks {
        /// Where the first one too many begins.
        line: usize,
    },
    /// A BEGIN line that is not ended by five dashes.
    #[error(
        "line {line}: found `{found}`, allowed is a boundary that ends in five dashes and nothing after them"
    )]
    Boundary {
        /// The line.
        line: usize,
        /// What it says.
        found: String,
    },
    /// A label that is not read.
    #[error("line {line}: found the label `{found}`, allowed are {}", Label::list(&Label::ALL))]
    UnknownLabel {
        /// The line of BEGIN.
        line: usize,
        /// The label.
        found: String,
    },
    /// Something else beside the revocation lists of a large input.
    #[error(
        "line {line}: found a block {found} in an input of more than {MAX_FILE_SIZE} octets, allowed are only revocation lists ({})",
        Label::Crl
    )]
    NotListInLarge {
        /// The line of BEGIN.
        line: usize,
        /// Its label.
        found: Label,
    },
    /// END names something else than BEGIN.
    #[error("line {line}: the block ends as `{found}`, allowed is `{begun}` as it began")]
    EndLabel {
        /// The line of END.
        line: usize,
        /// The label after END.
        found: String,
        /// The label after BEGIN.
        begun: String,
    },
    /// END without BEGIN.
    #[error(
        "line {line}: found an END of `{found}` without its BEGIN; the start of the file may be missing"
    )]
    EndAlone {
        /// The line of END.
        line: usize,
        /// The label after END.
        found: String,
    },
    /// No END.
    #[error("line {line}: the block `{label}` has no END line; the file may be truncated")]
    Unterminated {
        /// The line of BEGIN.
        line: usize,
        /// The label.
        label: String,
    },
    /// RFC 1421 headers, as the old encryption of keys has them.
    #[error(
        "line {line}: found a header line in the block, allowed is base64 alone; a key with the old PEM encryption is converted by `openssl pkcs8 -topk8`"
    )]
    Header {
        /// The line.
        line: usize,
    },
    /// A character that base64 does not have.
    #[error("line {line}: found the octet {found:#04x}, allowed is base64 (A-Z a-z 0-9 + / =)")]
    Character {
        /// The line.
        line: usize,
        /// The first octet that does not belong.
        found: u8,
    },
    /// Nothing between BEGIN and END.
    #[error("line {line}: the block is empty, allowed is the base64 of one DER value")]
    EmptyBlock {
        /// The line of BEGIN.
        line: usize,
    },
    /// Characters are missing or padding is wrong.
    #[error(
        "line {line}: the block's base64 has {found} characters or a wrong end; allowed is a multiple of 4, padded by `=` only at the end: it may be truncated"
    )]
    Base64 {
        /// The line of BEGIN.
        line: usize,
        /// Characters found.
        found: usize,
    },
    /// The block's content.
    #[error("line {line}: {error}")]
    Content {
        /// The line of BEGIN.
        line: usize,
        /// What is wrong.
        error: DerError,
    },
    /// The DER input.
    #[error("input: {0}")]
    Der(#[from] DerError),
}

/// The outer header of a DER value does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DerError {
    /// Another tag.
    #[error("not DER: found the tag {}, allowed is a SEQUENCE (0x30)", found.map_or("none".into(), |tag| format!("{tag:#04x}")))]
    NotSequence {
        /// The first octet, if any.
        found: Option<u8>,
    },
    /// BER's indefinite length.
    #[error("not DER: found an indefinite length (0x80), allowed is a definite one")]
    Indefinite,
    /// A length that could be shorter.
    #[error("not DER: the length is not in its shortest form")]
    LongLength,
    /// A length of more than four octets.
    #[error("not DER: found the length octet {found:#04x}, allowed are 0x00 to 0x7f, 0x81 to 0x84")]
    Length {
        /// The octet.
        found: u8,
    },
    /// Octets missing.
    #[error("truncated DER: found {found} octets, its header says at least {needed}")]
    Truncated {
        /// Octets found.
        found: usize,
        /// Octets that the header asks for.
        needed: usize,
    },
    /// Octets left over.
    #[error("{extra} octets after the DER value, which ends at {needed}; allowed are none")]
    Trailing {
        /// Octets left over.
        extra: usize,
        /// Where the value ends.
        needed: usize,
    },
}
