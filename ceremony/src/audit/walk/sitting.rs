//! What one sitting has come to, as far as its lines tell.

use std::collections::BTreeSet;

use super::{AuditError, refused};
use crate::digest::Digest;
use crate::transcript::{Event, Opening};

/// One sitting.
#[derive(Clone, Default)]
pub(super) struct Sitting {
    pub(super) open: bool,
    pub(super) failed: bool,
    pub(super) has_read: bool,
    pub(super) purpose: String,
    /// The operator and the witnesses.
    people: BTreeSet<String>,
    /// What is on paper and was not compared with it.
    pub(super) not_compared: Vec<(&'static str, Digest)>,
    /// Findings that people go on in spite of.
    pub(super) exceptions: u64,
    checked: bool,
    clock: bool,
    entropy: bool,
    /// Whom a reshare is to give shares to.
    pub(super) reshare: Option<(u8, Vec<String>)>,
    pub(super) handed_out: Vec<(u8, String)>,
    pub(super) confirmed: Option<Digest>,
    pub(super) joined: bool,
    /// The step that is about to be signed.
    pub(super) signing: Option<String>,
    /// The step that is about to destroy a key.
    pub(super) destroying: Option<(String, Digest)>,
}

impl Sitting {
    /// One that opens: somebody watches, by another name than the operator's.
    pub(super) fn new(line: u64, opening: &Opening) -> Result<Self, AuditError> {
        let people: BTreeSet<String> =
            opening.witnesses.iter().chain([&opening.operator]).cloned().collect();
        if people.len() < 2 || people.len() != opening.witnesses.len() + 1 {
            let found = format!("{} with {}", opening.operator, opening.witnesses.join(", "));
            let allowed = "an operator and one witness or more, of different names";
            return Err(AuditError::line(line, "witnesses", found, allowed));
        }
        let purpose = opening.purpose.clone();
        Ok(Self { open: true, purpose, people, ..Self::default() })
    }

    /// Two different people of the sitting, or more.
    pub(super) fn confirmed_by(&self, line: u64, by: &[String]) -> Result<(), AuditError> {
        let different: BTreeSet<&String> = by.iter().collect();
        let known = different.iter().all(|name| self.people.contains(*name));
        if known && different.len() >= 2 {
            return Ok(());
        }
        let people: Vec<&str> = self.people.iter().map(String::as_str).collect();
        let allowed = format!("two different people or more of {}", people.join(", "));
        Err(AuditError::line(line, "by", by.join(", "), allowed))
    }

    /// Surroundings, clock and what people bring to the generator, in this order.
    pub(super) fn prepared(&mut self, line: u64, event: &Event) -> Result<(), AuditError> {
        match event {
            Event::Exception { .. } => self.exceptions += 1,
            Event::SurroundingsChecked { findings } => {
                if *findings != self.exceptions {
                    let allowed = format!("{}, as many as exceptions before", self.exceptions);
                    return Err(AuditError::line(line, "findings", findings, allowed));
                }
                self.checked = true;
            }
            Event::ClockConfirmed { by, .. } => {
                if !self.checked {
                    return refused(line, "clock_confirmed", "it after surroundings_checked");
                }
                self.confirmed_by(line, by)?;
                self.clock = true;
            }
            _ => {
                if !self.clock {
                    return refused(line, "entropy_typed", "it after clock_confirmed");
                }
                self.entropy = true;
            }
        }
        Ok(())
    }

    /// Secrets are touched only when all of that was done.
    pub(super) fn check_prepared(&self, line: u64, found: &str) -> Result<(), AuditError> {
        if self.entropy {
            return Ok(());
        }
        let allowed = "it after surroundings_checked, clock_confirmed and entropy_typed";
        refused(line, found, allowed)
    }
}
