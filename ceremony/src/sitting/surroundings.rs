//! Before secrets are touched: what is around the machine, what its clock says, and dice.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::{Part, Sitting, SittingError};
use crate::transcript::Event;

/// How many throws of a die have the 256 bits of a key: log2(6) is 2.58.
const THROWS: usize = 99;

impl Part {
    /// Whether secrets are made, typed in or used.
    pub(super) fn touches_secrets(&self) -> bool {
        !matches!(self, Self::Plan)
    }
}

impl Sitting<'_> {
    /// Goes through the findings, has two people confirm the clock, and takes what people bring to
    /// the generator.
    ///
    /// # Errors
    /// `SittingError::State` when nobody gives a reason to go on, or two people do not confirm.
    pub(super) fn prepare(&mut self) -> Result<Zeroizing<String>, SittingError> {
        for finding in self.world.findings.clone() {
            self.excuse(finding)?;
        }
        self.look()?;
        let time = (self.world.clock)();
        let by = self.table.clock(time)?;
        let different: BTreeSet<&String> = by.iter().collect();
        if different.len() < 2 {
            let message = format!(
                "clock: found {} who confirm {time}, allowed are two different people or more",
                different.len()
            );
            return Err(SittingError::State { message });
        }
        // Whether they are people of this sitting is for the transcript to say.
        self.record(Event::ClockConfirmed { time, by })?;
        let typed = self.table.entropy()?;
        let letters = typed.chars().filter(|letter| !letter.is_whitespace()).count();
        if letters < THROWS {
            self.excuse(format!("dice: {letters} throws or letters, wanted are {THROWS} or more"))?;
        }
        // How much, and not what: it is part of what keys are made of.
        self.record(Event::EntropyTyped { octets: typed.len() as u64 })?;
        Ok(typed)
    }

    /// Looks around the machine: before secrets are touched, and again before shares are joined. What
    /// somebody gave a reason for before is not asked again.
    ///
    /// # Errors
    /// `SittingError::State` when nobody gives a reason to go on.
    pub(super) fn look(&mut self) -> Result<(), SittingError> {
        for finding in (self.world.look)() {
            if !self.excused.contains(&finding) {
                self.excuse(finding)?;
            }
        }
        self.record(Event::SurroundingsChecked { findings: self.walk.exceptions() })
    }

    /// Shows a finding, and writes down the reason to go on in spite of it.
    ///
    /// # Errors
    /// `SittingError::State` when nobody gives one.
    pub(super) fn excuse(&mut self, finding: String) -> Result<(), SittingError> {
        self.table.show(&format!("Finding: {finding}\n"))?;
        let answer = self.table.reason(&finding)?;
        if answer.words.is_empty() {
            let message =
                format!("surroundings: found {finding}, allowed is none, or a reason to go on");
            return Err(SittingError::State { message });
        }
        let (by, reason) = (answer.by, answer.words);
        self.excused.push(finding.clone());
        self.record(Event::Exception { finding, by, reason })
    }
}
