//! What is done with shares and keys.

use super::{AuditError, Dealt, Joined, Walk, refused};
use crate::digest::Digest;
use crate::transcript::KeyReady;

impl Walk {
    pub(super) fn share_handed_out(
        &mut self,
        line: u64,
        index: u8,
        custodian: &str,
    ) -> Result<(), AuditError> {
        self.sitting.check_prepared(line, "share_handed_out")?;
        if self.sitting.purpose == "keys" && !self.share_sets.is_empty() {
            return refused(line, "share_handed_out after keys_ready", "it before");
        }
        let handed_out = self.sitting.handed_out.len() + 1;
        let double = self.sitting.handed_out.iter().any(|(_, name)| name == custodian);
        if usize::from(index) != handed_out || double {
            let found = format!("share {index} for {custodian}");
            let allowed = format!("share {handed_out}, and each custodian once");
            return Err(AuditError::line(line, "share_handed_out", found, allowed));
        }
        if self.sitting.purpose != "keys" && !self.sitting.joined {
            return refused(line, "share_handed_out", "it after shares_joined, for a reshare");
        }
        self.sitting.handed_out.push((index, custodian.to_owned()));
        self.handed_out = true;
        Ok(())
    }

    /// Shares of the set that is good now.
    pub(super) fn typed_in(
        &mut self,
        line: u64,
        custodians: &[String],
        groups: Option<u64>,
    ) -> Result<(), AuditError> {
        self.sitting.check_prepared(line, "shares that were typed in")?;
        // Before keys_ready they are those of an earlier ceremony's set, which it names.
        let set = self.share_sets.len().saturating_sub(1);
        self.joined.push(Joined { line, custodians: custodians.to_vec(), set, groups });
        Ok(())
    }

    pub(super) fn shares_joined(
        &mut self,
        line: u64,
        custodians: &[String],
    ) -> Result<(), AuditError> {
        let confirmed = match self.sitting.purpose.as_str() {
            "run" => self.sitting.confirmed.is_some(),
            "keys" => self.share_sets.is_empty(),
            _ => self.sitting.reshare.is_some(),
        };
        if !confirmed {
            return refused(line, "shares_joined", "it after what they are for was confirmed");
        }
        self.typed_in(line, custodians, None)?;
        self.sitting.joined = true;
        Ok(())
    }

    pub(super) fn key_making(&mut self, line: u64, key: &str) -> Result<(), AuditError> {
        self.sitting.check_prepared(line, "key_making")?;
        let is_sealed = self.sitting.joined || !self.sitting.handed_out.is_empty();
        if !is_sealed || !self.share_sets.is_empty() {
            let allowed = "it after share_handed_out or shares_joined, and before keys_ready";
            return refused(line, "key_making", allowed);
        }
        self.making.push(key.to_owned());
        Ok(())
    }

    pub(super) fn keys_ready(
        &mut self,
        line: u64,
        keys: &[KeyReady],
        digest: Digest,
    ) -> Result<(), AuditError> {
        self.sitting.check_prepared(line, "keys_ready")?;
        if !self.share_sets.is_empty() {
            return refused(line, "keys_ready a second time", "it once");
        }
        let twice = keys.windows(2).any(|two| two[0].name >= two[1].name);
        if twice {
            return refused(line, "keys in another order", "each once, by name");
        }
        self.keys = keys.to_vec();
        self.dealt(line, digest, None);
        Ok(())
    }

    fn dealt(&mut self, line: u64, digest: Digest, threshold: Option<u8>) {
        let (holders, joined) = (std::mem::take(&mut self.sitting.handed_out), self.sitting.joined);
        self.share_sets.push(Dealt { line, digest, holders, threshold, joined });
        // What was joined before is no longer the key that the keys lie under.
        self.sitting.joined = false;
        self.sitting.confirmed = None;
    }

    /// A reshare leaves the keys what they are, all that are not destroyed.
    pub(super) fn reshared(
        &mut self,
        line: u64,
        keys: &[KeyReady],
        digest: Digest,
    ) -> Result<(), AuditError> {
        let custodians: Vec<&String> =
            self.sitting.handed_out.iter().map(|(_, custodian)| custodian).collect();
        let Some((threshold, _)) =
            self.sitting.reshare.take().filter(|(_, names)| custodians.iter().copied().eq(names))
        else {
            let allowed = "it after a share was handed out to each custodian who was confirmed";
            return refused(line, "reshared", allowed);
        };
        if self.half_signed() {
            return refused(line, "reshared", "it before signing, or after all of the plan");
        }
        let mut left = self.living();
        for key in keys {
            let known = self.keys.iter_mut().find(|known| {
                (&known.name, &known.path, &known.public_key)
                    == (&key.name, &key.path, &key.public_key)
            });
            let Some(known) = known.filter(|known| left.contains(&known.name)) else {
                let allowed = "the keys of keys_ready that are there, with their public keys";
                return Err(AuditError::line(line, "keys", &key.name, allowed));
            };
            left.retain(|name| *name != key.name);
            known.file = key.file;
        }
        if !left.is_empty() {
            let found = format!("none of {}", left.join(", "));
            return Err(AuditError::line(line, "keys", found, "every key that is there"));
        }
        self.dealt(line, digest, Some(threshold));
        Ok(())
    }

    /// A step that was begun is not done.
    fn half_signed(&self) -> bool {
        self.signing.iter().any(|(_, step, _)| !self.signed.contains_key(step))
    }

    /// The keys that are not destroyed.
    pub(crate) fn living(&self) -> Vec<String> {
        let gone = |key: &&KeyReady| !self.destroyed.values().any(|name| *name == key.name);
        self.keys.iter().filter(gone).map(|key| key.name.clone()).collect()
    }

    pub(super) fn planned(&mut self, line: u64, plan: Digest) -> Result<(), AuditError> {
        if self.share_sets.is_empty() || !self.signing.is_empty() || !self.destroying.is_empty() {
            return refused(line, "planned", "it after keys_ready, and before signing");
        }
        self.plan = Some((plan, self.share_sets.len() - 1));
        Ok(())
    }

    pub(super) fn plan_confirmed(
        &mut self,
        line: u64,
        plan: Digest,
        by: &[String],
    ) -> Result<(), AuditError> {
        if self.plan.map(|(plan, _)| plan) != Some(plan) {
            return Err(AuditError::line(line, "plan", plan, "the plan made last"));
        }
        self.sitting.confirmed_by(line, by)?;
        self.sitting.confirmed = Some(plan);
        Ok(())
    }

    pub(super) fn signs(&mut self, line: u64, step: &str, tbs: Digest) -> Result<(), AuditError> {
        self.may_act(line, step)?;
        self.sitting.signing = Some(step.to_owned());
        self.signing.push((line, step.to_owned(), tbs));
        Ok(())
    }

    pub(super) fn has_signed(
        &mut self,
        line: u64,
        step: &str,
        (file, der): (&str, Digest),
    ) -> Result<(), AuditError> {
        if self.sitting.signing.take().as_deref() != Some(step) {
            return refused(line, "signed", "it after signing of the same step");
        }
        self.signed.insert(step.to_owned(), (file.to_owned(), der));
        Ok(())
    }

    pub(super) fn destroys(
        &mut self,
        line: u64,
        step: &str,
        key: &str,
        file: Digest,
    ) -> Result<(), AuditError> {
        self.may_act(line, step)?;
        let known = self.keys.iter().find(|known| known.name == key);
        let Some(known) = known.filter(|known| self.living().contains(&known.name)) else {
            return Err(AuditError::line(line, "key", key, "a key that is there"));
        };
        if known.file != file {
            return Err(AuditError::line(line, "file", file, known.file));
        }
        self.sitting.destroying = Some((step.to_owned(), file));
        self.destroying.insert(step.to_owned(), key.to_owned());
        Ok(())
    }

    pub(super) fn has_destroyed(
        &mut self,
        line: u64,
        step: &str,
        key: &str,
        file: Digest,
    ) -> Result<(), AuditError> {
        let begun = self.sitting.destroying.take();
        let same = self.destroying.get(step).is_some_and(|begun| begun == key);
        if begun != Some((step.to_owned(), file)) || !same {
            return refused(line, "key_destroyed", "it after key_destroying of the same");
        }
        self.destroyed.insert(step.to_owned(), key.to_owned());
        Ok(())
    }

    /// Keys act once for each step, and only when this plan and shares are there in this sitting.
    fn may_act(&self, line: u64, step: &str) -> Result<(), AuditError> {
        let sitting = &self.sitting;
        if sitting.confirmed.is_none() || !sitting.joined {
            return refused(line, step, "it after plan_confirmed and shares_joined");
        }
        if sitting.signing.is_some() || sitting.destroying.is_some() {
            return refused(line, step, "it after the step before was done");
        }
        if self.signed.contains_key(step) || self.destroyed.contains_key(step) {
            return refused(line, &format!("{step} a second time"), "each step once");
        }
        Ok(())
    }
}
