//! Whether the lines of a transcript follow from each other.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};

use super::AuditError;
use crate::digest::Digest;
use crate::transcript::{Event, KeyReady, Read};

/// What a transcript tells, once its order is checked.
pub(super) struct Walk {
    /// The definition that was read last.
    pub(super) definition: Digest,
    /// The keys as they are now.
    pub(super) keys: Vec<KeyReady>,
    /// The share sets, the first one first; the last one opens the keys.
    pub(super) share_sets: Vec<Digest>,
    /// The plan that was made last, and which share set was good then, by its place.
    pub(super) plan: Option<(Digest, usize)>,
    /// The keys of the sittings.
    pub(super) sittings: Vec<Digest>,
    /// Who joined shares, by line, and of which share set, by its place.
    pub(super) joined: Vec<(u64, Vec<String>, usize)>,
    /// What was about to be signed: line, step and digest.
    pub(super) signing: Vec<(u64, String, Digest)>,
    /// What was signed: file and digest, by step.
    pub(super) signed: BTreeMap<String, (String, Digest)>,
    /// Which keys were destroyed, by step.
    pub(super) destroyed: BTreeMap<String, String>,
}

/// What this sitting has come to.
#[derive(Default)]
struct Sitting {
    open: bool,
    definition: Option<Digest>,
    confirmed: Option<Digest>,
    joined: bool,
    /// Findings that people go on in spite of.
    exceptions: u64,
    checked: bool,
    clock: bool,
    /// The step that is about to be signed.
    signing: Option<String>,
}

impl Walk {
    /// Follows the lines.
    ///
    /// # Errors
    /// `AuditError::Line` for one that does not follow from those before it.
    pub(super) fn through(read: &Read) -> Result<Self, AuditError> {
        let mut walk = Self {
            definition: Digest::of(b""),
            keys: Vec::new(),
            share_sets: Vec::new(),
            plan: None,
            sittings: Vec::new(),
            joined: Vec::new(),
            signing: Vec::new(),
            signed: BTreeMap::new(),
            destroyed: BTreeMap::new(),
        };
        let mut sitting = Sitting::default();
        for line in &read.lines {
            walk.line(&mut sitting, line.entry.number, &line.entry.event)?;
        }
        Ok(walk)
    }

    fn line(&mut self, sitting: &mut Sitting, line: u64, event: &Event) -> Result<(), AuditError> {
        let refuse =
            |found: &str, allowed: &str| Err(AuditError::line(line, "event", found, allowed));
        if !sitting.open && !matches!(event, Event::SittingOpened(_)) {
            return refuse("another one after the sitting was closed", "sitting_opened");
        }
        match event {
            Event::SittingOpened(opening) => {
                *sitting = Sitting { open: true, ..Sitting::default() };
                let key = Base64::decode_vec(&opening.key).unwrap_or_default();
                self.sittings.push(Digest::of(&key));
            }
            Event::DefinitionRead { definition } => {
                if !self.signing.is_empty() && *definition != self.definition {
                    let allowed = format!("{}, by which something was signed", self.definition);
                    return Err(AuditError::line(line, "definition", definition, allowed));
                }
                sitting.definition = Some(*definition);
                self.definition = *definition;
            }
            Event::SurroundingsChecked { findings } => {
                if *findings != sitting.exceptions {
                    let allowed = format!("{}, as many as exceptions before", sitting.exceptions);
                    return Err(AuditError::line(line, "findings", findings, allowed));
                }
                sitting.checked = true;
            }
            Event::Exception { .. } => sitting.exceptions += 1,
            Event::ClockConfirmed { by, .. } => {
                let mut different = by.clone();
                different.sort_unstable();
                different.dedup();
                if different.len() < 2 || !sitting.checked {
                    return refuse(
                        "clock_confirmed",
                        "it after surroundings_checked, by two people",
                    );
                }
                sitting.clock = true;
            }
            Event::ShareHandedOut { .. } if !sitting.clock => {
                return refuse("share_handed_out", "it after clock_confirmed");
            }
            Event::EntropyTyped { .. }
            | Event::ShareHandedOut { .. }
            | Event::SharesTested { .. }
            | Event::Failed { .. } => {}
            Event::KeysReady { keys, share_set } => {
                if !self.share_sets.is_empty() {
                    return refuse("keys_ready a second time", "it once");
                }
                self.keys = keys.clone();
                self.share_sets.push(*share_set);
            }
            Event::Reshared { share_set, keys } => {
                if self.share_sets.is_empty() || !sitting.joined {
                    return refuse("reshared", "it after keys_ready and shares_joined");
                }
                self.reshared(line, keys)?;
                self.share_sets.push(*share_set);
            }
            Event::Planned { plan } => {
                if self.share_sets.is_empty() || !self.signing.is_empty() {
                    return refuse("planned", "it after keys_ready, and before signing");
                }
                self.plan = Some((*plan, self.share_sets.len() - 1));
            }
            Event::PlanConfirmed { plan, .. } => {
                if self.plan.map(|(plan, _)| plan) != Some(*plan) {
                    return Err(AuditError::line(line, "plan", plan, "the plan made last"));
                }
                sitting.confirmed = Some(*plan);
            }
            Event::SharesJoined { custodians } => {
                sitting.joined = true;
                // Before keys_ready they are those of an earlier ceremony's set, which it names.
                let set = self.share_sets.len().saturating_sub(1);
                self.joined.push((line, custodians.clone(), set));
            }
            Event::Signing { step, tbs } => {
                self.may_act(sitting, line, step)?;
                sitting.signing = Some(step.clone());
                self.signing.push((line, step.clone(), *tbs));
            }
            Event::Signed { step, file, der } => {
                if sitting.signing.take().as_ref() != Some(step) {
                    return refuse("signed", "it after signing of the same step");
                }
                self.signed.insert(step.clone(), (file.clone(), *der));
            }
            Event::KeyDestroyed { step, key, .. } => {
                self.may_act(sitting, line, step)?;
                self.destroyed.insert(step.clone(), key.clone());
            }
            Event::SittingClosed {} => sitting.open = false,
        }
        Ok(())
    }

    /// A reshare leaves the keys what they are; those that are gone stay so.
    fn reshared(&mut self, line: u64, keys: &[KeyReady]) -> Result<(), AuditError> {
        for key in keys {
            let known = self.keys.iter_mut().find(|known| {
                (&known.name, &known.path, &known.public_key)
                    == (&key.name, &key.path, &key.public_key)
            });
            match known {
                Some(known) => known.file = key.file,
                None => {
                    let allowed = "the keys of keys_ready, with their public keys";
                    return Err(AuditError::line(line, "keys", &key.name, allowed));
                }
            }
        }
        Ok(())
    }

    /// Keys act once for each step, and only when plan and shares are there in this sitting.
    fn may_act(&self, sitting: &Sitting, line: u64, step: &str) -> Result<(), AuditError> {
        let refuse =
            |found: String, allowed: &str| Err(AuditError::line(line, "event", found, allowed));
        if sitting.confirmed.is_none() || !sitting.joined {
            return refuse(step.to_owned(), "it after plan_confirmed and shares_joined");
        }
        if !sitting.clock {
            return refuse(step.to_owned(), "it after clock_confirmed");
        }
        if sitting.definition != Some(self.definition) {
            return refuse(step.to_owned(), "it after definition_read");
        }
        if self.signed.contains_key(step) || self.destroyed.contains_key(step) {
            return refuse(format!("{step} a second time"), "each step once");
        }
        Ok(())
    }
}
