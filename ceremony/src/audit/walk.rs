//! Whether the lines of a transcript follow from each other.
//!
//! A sitting asks this before it writes a line, and an audit after: what one refuses, the other does.

mod acts;
mod sitting;

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};

use super::AuditError;
use crate::digest::Digest;
use crate::transcript::{Event, KeyReady, Line, Opening, Read};
use sitting::Sitting;

/// What a transcript tells, once its order is checked.
#[derive(Clone, Default)]
pub(crate) struct Walk {
    /// The definition that was read last.
    pub(crate) definition: Option<Digest>,
    /// The keys as they are now.
    pub(crate) keys: Vec<KeyReady>,
    /// The share sets, the first one first; the last one opens the keys.
    pub(crate) share_sets: Vec<Dealt>,
    /// Whether shares were handed out.
    pub(crate) handed_out: bool,
    /// Keys whose making was begun.
    pub(crate) making: Vec<String>,
    /// The plan that was made last, and which share set was good then, by its place.
    pub(crate) plan: Option<(Digest, usize)>,
    /// The keys of the sittings.
    pub(crate) sittings: Vec<Digest>,
    /// Who joined shares, by line, and of which share set, by its place.
    pub(crate) joined: Vec<Joined>,
    /// What was about to be signed: line, step and digest.
    pub(crate) signing: Vec<(u64, String, Digest)>,
    /// What was signed: file and digest, by step.
    pub(crate) signed: BTreeMap<String, (String, Digest)>,
    /// Which keys were about to be destroyed, by step.
    pub(crate) destroying: BTreeMap<String, String>,
    /// Which keys were destroyed, by step.
    pub(crate) destroyed: BTreeMap<String, String>,
    /// What people have on paper and the next sitting compares: the head of the last sitting that was
    /// closed, and the keys of those that were cut off since.
    pub(crate) on_paper: Vec<(&'static str, Digest)>,
    /// What the sitting has come to.
    sitting: Sitting,
}

/// A share set, and what was told while it was dealt.
#[derive(Clone)]
pub(crate) struct Dealt {
    /// The line that has it.
    pub(crate) line: u64,
    /// SHA-256 of its file.
    pub(crate) digest: Digest,
    /// Who got a share, by index; nobody where the set was there.
    pub(crate) holders: Vec<(u8, String)>,
    /// The threshold that a reshare confirmed.
    pub(crate) threshold: Option<u8>,
    /// Whether its shares were joined in the same sitting.
    pub(crate) joined: bool,
}

/// Custodians who typed in their shares.
#[derive(Clone)]
pub(crate) struct Joined {
    /// The line that tells it.
    pub(crate) line: u64,
    /// Who.
    pub(crate) custodians: Vec<String>,
    /// Which share set, by its place.
    pub(crate) set: usize,
    /// How many groups gave the key, where they were tested.
    pub(crate) groups: Option<u64>,
}

/// What the head of a transcript is called, on screens and on paper.
pub(crate) const HEAD: &str = "Head of the transcript";
/// What the key of a sitting is called.
pub(crate) const KEY: &str = "Key of this sitting";

impl Walk {
    /// Follows the lines.
    ///
    /// # Errors
    /// `AuditError::Line` for one that does not follow from those before it.
    pub(crate) fn through(read: &Read) -> Result<Self, AuditError> {
        let mut walk = Self::default();
        for Line { entry, digest } in &read.lines {
            walk.line(entry.number, &entry.event)?;
            walk.written(*digest);
        }
        Ok(walk)
    }

    /// Whether the last sitting has come to its end.
    pub(crate) fn is_closed(&self) -> bool {
        !self.sitting.open
    }

    /// What this sitting did not compare with paper.
    pub(crate) fn not_compared(&self) -> Vec<(&'static str, Digest)> {
        self.sitting.not_compared.clone()
    }

    /// How many exceptions this sitting has.
    pub(crate) fn exceptions(&self) -> u64 {
        self.sitting.exceptions
    }

    /// Takes the digest of the line that was taken last.
    pub(crate) fn written(&mut self, line: Digest) {
        if !self.sitting.open {
            self.on_paper = vec![(HEAD, line)];
        }
    }

    /// Takes one line.
    ///
    /// # Errors
    /// `AuditError::Line` when it does not follow from those before it; nothing holds then.
    pub(crate) fn line(&mut self, line: u64, event: &Event) -> Result<(), AuditError> {
        self.may_follow(line, event)?;
        match event {
            Event::SittingOpened(opening) => self.opened(line, opening)?,
            Event::DefinitionRead { definition } => self.definition_read(line, *definition)?,
            Event::SurroundingsChecked { .. }
            | Event::Exception { .. }
            | Event::ClockConfirmed { .. }
            | Event::EntropyTyped { .. } => self.sitting.prepared(line, event)?,
            Event::ReshareConfirmed { threshold, custodians, by } => {
                self.sitting.confirmed_by(line, by)?;
                self.sitting.reshare = Some((*threshold, custodians.clone()));
            }
            Event::ShareHandedOut { index, custodian, .. } => {
                self.share_handed_out(line, *index, custodian)?;
            }
            Event::SharesTested { custodians, groups } => {
                self.typed_in(line, custodians, Some(*groups))?;
            }
            Event::KeyMaking { key } => self.key_making(line, key)?,
            Event::KeysReady { keys, share_set } => self.keys_ready(line, keys, *share_set)?,
            Event::Reshared { share_set, keys } => self.reshared(line, keys, *share_set)?,
            Event::Planned { plan } => self.planned(line, *plan)?,
            Event::PlanConfirmed { plan, by } => self.plan_confirmed(line, *plan, by)?,
            Event::SharesJoined { custodians } => self.shares_joined(line, custodians)?,
            Event::Signing { step, tbs } => self.signs(line, step, *tbs)?,
            Event::Signed { step, file, der } => {
                self.has_signed(line, step, (file.as_str(), *der))?
            }
            Event::KeyDestroying { step, key, file } => self.destroys(line, step, key, *file)?,
            Event::KeyDestroyed { step, key, file } => {
                self.has_destroyed(line, step, key, *file)?;
            }
            Event::Failed { .. } => self.sitting.failed = true,
            Event::SittingClosed {} => self.sitting.open = false,
        }
        Ok(())
    }

    /// Whether the sitting is there, has not failed, and is for such a line.
    fn may_follow(&self, line: u64, event: &Event) -> Result<(), AuditError> {
        let refuse = |found: &str, allowed: &str| refused(line, found, allowed);
        if matches!(event, Event::SittingOpened(_)) {
            return Ok(());
        }
        if !self.sitting.open {
            return refuse("another one after the sitting was closed", "sitting_opened");
        }
        if matches!(event, Event::SittingClosed {} | Event::Failed { .. }) {
            return Ok(());
        }
        if self.sitting.failed {
            return refuse("another one after failed", "sitting_closed");
        }
        let is_reading = matches!(event, Event::DefinitionRead { .. });
        if is_reading == self.sitting.has_read {
            return refuse("another order", "definition_read once, after sitting_opened");
        }
        let purposes: &[&str] = match event {
            Event::KeyMaking { .. } | Event::KeysReady { .. } => &["keys"],
            Event::ShareHandedOut { .. } => &["keys", "share reshare"],
            Event::SharesJoined { .. } => &["keys", "share reshare", "run"],
            Event::Planned { .. } => &["plan"],
            Event::PlanConfirmed { .. }
            | Event::Signing { .. }
            | Event::Signed { .. }
            | Event::KeyDestroying { .. }
            | Event::KeyDestroyed { .. } => &["run"],
            Event::SharesTested { .. } => &["share test"],
            Event::ReshareConfirmed { .. } | Event::Reshared { .. } => &["share reshare"],
            _ => return Ok(()),
        };
        let purpose = self.sitting.purpose.as_str();
        if !purposes.contains(&purpose) {
            let allowed = format!("it in a sitting for {}", purposes.join(" or "));
            return refuse(&format!("another one in a sitting for {purpose}"), &allowed);
        }
        if self.sitting.exceptions < self.sitting.not_compared.len() as u64 {
            return refuse("it before a reason", "the paper compared, or an exception");
        }
        Ok(())
    }

    fn opened(&mut self, line: u64, opening: &Opening) -> Result<(), AuditError> {
        self.sitting = Sitting::new(line, opening)?;
        let missing = self.on_paper.iter().filter(|(_, digest)| !opening.compared.contains(digest));
        self.sitting.not_compared = missing.copied().collect();
        let key = Base64::decode_vec(&opening.key).unwrap_or_default();
        let key = Digest::of(&key);
        self.sittings.push(key);
        self.on_paper.push((KEY, key));
        Ok(())
    }

    fn definition_read(&mut self, line: u64, definition: Digest) -> Result<(), AuditError> {
        if let Some(signed) = self.definition.filter(|_| !self.signing.is_empty())
            && signed != definition
        {
            let allowed = format!("{signed}, by which something was signed");
            return Err(AuditError::line(line, "definition", definition, allowed));
        }
        self.definition = Some(definition);
        self.sitting.has_read = true;
        Ok(())
    }
}

/// A line that comes too early, too late, or twice.
fn refused(line: u64, found: &str, allowed: &str) -> Result<(), AuditError> {
    Err(AuditError::line(line, "event", found, allowed))
}

#[cfg(test)]
mod tests;
