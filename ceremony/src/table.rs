//! The people at the table: what they are shown, and what they type.
//!
//! The steps of a ceremony talk through this alone, so that they are the same at a terminal and in an
//! unattended rehearsal.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::digest::Digest;

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// Who sits at the keyboard.
    pub operator: String,
    /// Who watches.
    pub witnesses: Vec<String>,
}

/// Someone who compared a digest, or gives a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Who.
    pub by: String,
    /// What was typed: words or digits of a digest, or the reason.
    pub words: String,
}

/// The people at the table.
pub trait Table {
    /// Who is there.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn people(&mut self) -> Result<People, TableError>;

    /// Shows text that is no secret.
    ///
    /// # Errors
    /// `TableError` when it can't be shown.
    fn show(&mut self, text: &str) -> Result<(), TableError>;

    /// Shows a digest, in digits and in words, for people to write down: they are asked for it later.
    ///
    /// # Errors
    /// `TableError` when it can't be shown.
    fn note(&mut self, what: &str, digest: Digest) -> Result<(), TableError> {
        self.show(&format!("{what}\n  {}\n", digest.told()))
    }

    /// What people have on paper of something that was noted in an earlier sitting: digits, or the
    /// first words; nothing when they have no paper.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn on_paper(&mut self, what: &str) -> Result<String, TableError>;

    /// The reason to go on in spite of a finding; nothing to stop.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn reason(&mut self, finding: &str) -> Result<Confirmed, TableError>;

    /// Who compared the clock with another one, by name.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn clock(&mut self, time: Timestamp) -> Result<Vec<String>, TableError>;

    /// Dice, cards or text that people bring to the generator; it may be nothing.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn entropy(&mut self) -> Result<Zeroizing<String>, TableError>;

    /// The passphrase that a custodian chooses for a new share; none for none.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn choose_passphrase(
        &mut self,
        custodian: &str,
    ) -> Result<Option<Zeroizing<String>>, TableError>;

    /// Shows a custodian the words of the share, once, and takes them from the screen when they are
    /// written down.
    ///
    /// # Errors
    /// `TableError` when it can't be shown.
    fn hand_out(&mut self, index: u8, custodian: &str, words: &str) -> Result<(), TableError>;

    /// The words of a share: of `custodian`, who reads back from paper, or of anyone who has not
    /// given one yet. `purpose` says what it is typed in for.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn ask_share(
        &mut self,
        custodian: Option<&str>,
        purpose: &str,
    ) -> Result<Zeroizing<String>, TableError>;

    /// The passphrase of a share.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn ask_passphrase(&mut self, custodian: &str) -> Result<Zeroizing<String>, TableError>;

    /// Somebody else than `others` confirms what was noted, by the words on paper.
    ///
    /// # Errors
    /// `TableError` when nobody answers.
    fn confirm(&mut self, what: &str, others: &[String]) -> Result<Confirmed, TableError>;
}

/// Nobody answers.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// No terminal, or it ended.
    #[error(
        "terminal: it can't be used; allowed is a process with a terminal, in front of which people sit"
    )]
    Terminal(#[source] std::io::Error),
    /// The answers of a rehearsal lack one.
    #[error("answers: {field}: found {found}, allowed is {allowed}")]
    Answer {
        /// Which field.
        field: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}
