//! Before secrets are touched: what is around the machine, what its clock says, and dice.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::{Part, Sitting, SittingError};
use crate::transcript::Event;

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
            self.table.show(&format!("Finding: {finding}\n"))?;
            let answer = self.table.reason(&finding)?;
            if answer.words.is_empty() {
                let message =
                    format!("surroundings: found {finding}, allowed is none, or a reason to go on");
                return Err(SittingError::State { message });
            }
            let (by, reason) = (answer.by, answer.words);
            self.record(Event::Exception { finding, by, reason })?;
        }
        let findings = self.world.findings.len() as u64;
        self.record(Event::SurroundingsChecked { findings })?;
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
        self.record(Event::ClockConfirmed { time, by })?;
        let typed = self.table.entropy()?;
        // How much, and not what: it is part of what keys are made of.
        self.record(Event::EntropyTyped { octets: typed.len() as u64 })?;
        Ok(typed)
    }
}
