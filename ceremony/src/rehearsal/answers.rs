//! People whose answers stand in a file.

use std::collections::BTreeMap;
use std::io;

use ca_core::escape::{escaped, quoted};
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::digest::Digest;
use crate::table::{Confirmed, People, Table, TableError};

/// The largest file of answers, in octets.
const MAX_SIZE: usize = 64 * 1024;

/// What people would say.
#[derive(Clone)]
pub struct Answers(Written);

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rest holds passphrases and words of shares.
        write!(f, "Answers({:?}, ..)", self.0.definition)
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    definition: String,
    operator: String,
    witnesses: Vec<String>,
    /// Why people go on in spite of findings.
    #[serde(default)]
    reason: String,
    /// What people bring to the generator.
    #[serde(default)]
    entropy: Hidden,
    #[serde(default)]
    passphrases: BTreeMap<String, Hidden>,
    present: Vec<String>,
    #[serde(default)]
    shares: BTreeMap<String, Hidden>,
}

/// Text that is wiped, and that nothing shows.
#[derive(Clone, Default)]
struct Hidden(Zeroizing<String>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        String::deserialize(reader).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Answers {
    /// Reads YAML.
    ///
    /// # Errors
    /// `AnswersError` names the field, what was found and what is allowed.
    pub fn from_yaml(text: &str) -> Result<Self, AnswersError> {
        let wrong = |field, found: String, allowed| {
            Err(AnswersError::Field { field, found: quoted(found), allowed })
        };
        if text.len() > MAX_SIZE {
            return wrong("length", text.len().to_string(), "at most 65536 octets");
        }
        let written: Written = serde_saphyr::from_str(text).map_err(|error| {
            AnswersError::Malformed { found: escaped(&error.without_snippet().to_string()) }
        })?;
        if written.version != 1 {
            return wrong("version", written.version.to_string(), "1");
        }
        let plain = std::path::Path::new(&written.definition).file_name();
        if plain != Some(std::ffi::OsStr::new(&written.definition)) {
            return wrong(
                "definition",
                written.definition,
                "the name of a file beside the answers",
            );
        }
        Ok(Self(written))
    }

    /// The file of the definition, beside the answers.
    pub fn definition(&self) -> &str {
        &self.0.definition
    }
}

/// People at the table of a rehearsal. They keep their papers from one sitting to the next.
pub struct Rehearsed<'a> {
    answers: Written,
    /// The words that each custodian wrote down.
    papers: BTreeMap<String, Zeroizing<String>>,
    /// What they wrote down of what was noted.
    notes: BTreeMap<String, Digest>,
    /// How many of those present gave their share in this sitting.
    given: usize,
    screen: &'a mut dyn io::Write,
}

impl<'a> Rehearsed<'a> {
    /// People with these answers, in front of `screen`.
    pub fn new(answers: Answers, screen: &'a mut dyn io::Write) -> Self {
        let shares = answers.0.shares.iter();
        let papers = shares.map(|(name, words)| (name.clone(), words.0.clone()));
        Self {
            papers: papers.collect(),
            answers: answers.0,
            notes: BTreeMap::new(),
            given: 0,
            screen,
        }
    }

    /// Lets the same people answer otherwise; they keep their papers.
    #[cfg(test)]
    pub(crate) fn answer(&mut self, answers: Answers) {
        self.answers = answers.0;
    }

    /// Gives them another note than the one that they wrote down.
    #[cfg(test)]
    pub(crate) fn writes_down(&mut self, what: &str, digest: Digest) {
        self.notes.insert(what.to_owned(), digest);
    }

    /// Takes a note away.
    #[cfg(test)]
    pub(crate) fn loses(&mut self, what: &str) {
        self.notes.remove(what);
    }

    pub(crate) fn paper(&self, custodian: &str) -> Result<Zeroizing<String>, TableError> {
        self.papers.get(custodian).cloned().ok_or_else(|| TableError::Answer {
            field: format!("shares: {}", escaped(custodian)),
            found: "none".into(),
            allowed: "the words of a share".into(),
        })
    }
}

impl Table for Rehearsed<'_> {
    fn people(&mut self) -> Result<People, TableError> {
        self.given = 0;
        let (operator, witnesses) = (self.answers.operator.clone(), self.answers.witnesses.clone());
        Ok(People { operator, witnesses })
    }

    fn show(&mut self, text: &str) -> Result<(), TableError> {
        self.screen.write_all(text.as_bytes()).map_err(TableError::Terminal)
    }

    fn note(&mut self, what: &str, digest: Digest) -> Result<(), TableError> {
        self.notes.insert(what.to_owned(), digest);
        self.show(&format!("{what}\n  {digest}\n  {}\n", digest.spoken()))
    }

    fn on_paper(&mut self, what: &str) -> Result<String, TableError> {
        Ok(self.notes.get(what).map(Digest::spoken).unwrap_or_default())
    }

    fn reason(&mut self, _: &str) -> Result<Confirmed, TableError> {
        let (by, words) = (self.answers.operator.clone(), self.answers.reason.clone());
        Ok(Confirmed { by, words })
    }

    fn clock(&mut self, _: Timestamp) -> Result<Vec<String>, TableError> {
        let operator = std::iter::once(&self.answers.operator);
        Ok(operator.chain(&self.answers.witnesses).cloned().collect())
    }

    fn entropy(&mut self) -> Result<Zeroizing<String>, TableError> {
        Ok(self.answers.entropy.0.clone())
    }

    fn choose_passphrase(
        &mut self,
        custodian: &str,
    ) -> Result<Option<Zeroizing<String>>, TableError> {
        Ok(self.answers.passphrases.get(custodian).map(|text| text.0.clone()))
    }

    fn hand_out(&mut self, _: u8, custodian: &str, words: &str) -> Result<(), TableError> {
        self.papers.insert(custodian.to_owned(), Zeroizing::new(words.to_owned()));
        Ok(())
    }

    fn ask_share(
        &mut self,
        custodian: Option<&str>,
        _: &str,
    ) -> Result<Zeroizing<String>, TableError> {
        if let Some(custodian) = custodian {
            return self.paper(custodian);
        }
        let next = self.answers.present.get(self.given).cloned();
        let next = next.ok_or_else(|| TableError::Answer {
            field: "present".into(),
            found: format!("{} custodians", self.answers.present.len()),
            allowed: "as many as it takes to open the keys".into(),
        })?;
        self.given += 1;
        self.paper(&next)
    }

    fn ask_passphrase(&mut self, custodian: &str) -> Result<Zeroizing<String>, TableError> {
        let found = self.answers.passphrases.get(custodian).map(|text| text.0.clone());
        found.ok_or_else(|| TableError::Answer {
            field: format!("passphrases: {}", escaped(custodian)),
            found: "none".into(),
            allowed: "the passphrase of the share".into(),
        })
    }

    fn confirm(&mut self, what: &str, others: &[String]) -> Result<Confirmed, TableError> {
        let people = std::iter::once(&self.answers.operator).chain(&self.answers.witnesses);
        let by = people.into_iter().find(|name| !others.contains(name)).cloned();
        let by = by.ok_or_else(|| TableError::Answer {
            field: "witnesses".into(),
            found: format!("{} people", others.len()),
            allowed: "one more than who confirmed already".into(),
        })?;
        let words = self.on_paper(what)?;
        self.show(&format!("Confirmed by {}: {what}\n", escaped(&by)))?;
        Ok(Confirmed { by, words })
    }
}

/// Answers that are not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswersError {
    /// Not YAML, or not these fields.
    #[error("answers: {found}")]
    Malformed {
        /// What the reader says, with line and column.
        found: String,
    },
    /// A value that is not allowed.
    #[error("answers: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        allowed: &'static str,
    },
}
