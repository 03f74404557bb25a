//! Signing what the plan has.

use super::{Sitting, SittingError};
use crate::digest::Digest;
use crate::folder::{self, Folder};
use crate::plan::{self, Plan, PlannedStep};
use crate::planning::{Deed, Prepared};
use crate::share_set::{KeyEncryptionKey, ShareSet};
use crate::signing;
use crate::table::CONFIRMING_WORDS;
use crate::transcript::Event;

impl Sitting<'_> {
    /// Signs what the plan has, step by step. The plan is made once more, and must be the same to the
    /// octet; people confirm its digest; custodians join their shares. What an earlier run signed is
    /// not signed again.
    ///
    /// # Errors
    /// `SittingError` when the plan differs, is not confirmed, the shares do not do, or a step fails.
    pub(super) fn run(&mut self) -> Result<(), SittingError> {
        let file = self.folder.read(folder::PLAN, plan::MAX_SIZE)?;
        let confirmed = Plan::from_json(&file)?;
        self.check_recorded(Digest::of(&file))?;
        let (now, prepared) = self.planned(confirmed.serials()?)?;
        confirmed.check_same(&now)?;
        let left: Vec<(Prepared, &PlannedStep)> = prepared
            .into_iter()
            .zip(confirmed.steps())
            .filter(|(step, _)| !self.is_done(step))
            .collect();
        if left.is_empty() {
            let message = "run: every step of the plan is done; nothing is left";
            return Err(SittingError::State { message: message.into() });
        }
        self.confirm("plan", Digest::of(&file))?;
        let (set, _) = self.share_set()?;
        let under = self.join(&set)?;
        for (step, planned) in left {
            self.step(step, planned, &set, &under)?;
        }
        Ok(())
    }

    /// The plan is the one that the last sitting of planning wrote down.
    fn check_recorded(&self, found: Digest) -> Result<(), SittingError> {
        let recorded = self.before.iter().rev().find_map(|event| match event {
            Event::Planned { plan } => Some(*plan),
            _ => None,
        });
        match recorded {
            Some(allowed) if allowed == found => Ok(()),
            Some(allowed) => {
                Err(SittingError::Changed { path: folder::PLAN.into(), found, allowed })
            }
            None => Err(SittingError::State {
                message: "run: the transcript has no plan yet; make one with `plan`".into(),
            }),
        }
    }

    fn is_done(&self, step: &Prepared) -> bool {
        self.before.iter().any(|event| match event {
            Event::Signed { step: done, .. } | Event::KeyDestroyed { step: done, .. } => {
                *done == step.name
            }
            _ => false,
        })
    }

    /// Somebody types the first words of a digest, from where they read it before.
    fn confirm(&mut self, what: &str, digest: Digest) -> Result<(), SittingError> {
        let confirmed = self.table.confirm(what, digest)?;
        let spoken = digest.spoken();
        let wanted = spoken.split(' ').take(CONFIRMING_WORDS);
        let typed = confirmed.words.split_whitespace().map(str::to_ascii_lowercase);
        if !wanted.eq(typed) {
            let what = what.to_owned();
            return Err(SittingError::NotConfirmed { what, by: confirmed.by });
        }
        self.record(Event::PlanConfirmed { plan: digest, by: confirmed.by })
    }

    fn step(
        &mut self,
        step: Prepared,
        planned: &PlannedStep,
        set: &ShareSet,
        under: &KeyEncryptionKey,
    ) -> Result<(), SittingError> {
        if matches!(step.deed, Deed::Destroy) {
            return self.destroy(&step);
        }
        let tbs = planned.tbs()?;
        self.record(Event::Signing { step: step.name.clone(), tbs: Digest::of(&tbs) })?;
        let key = self.open_key(&step.key, set, under)?;
        let name = step.name.clone();
        let made = signing::sign(step, &tbs, &key)?;
        drop(key);
        let file = Folder::output(&name);
        self.folder.write(&file, made.to_pem(self.rehearsal).as_bytes())?;
        let der = Digest::of(&made.der);
        self.table.show(&format!("{file}\n  SHA-256 {der}\n  {}\n", der.spoken()))?;
        self.record(Event::Signed { step: name, file, der })
    }

    /// Wipes the file of a key. After a power cut it may be gone already.
    fn destroy(&mut self, step: &Prepared) -> Result<(), SittingError> {
        let (keys, _) = self.keys()?;
        let ready = keys.iter().find(|key| key.name == step.key).cloned();
        let ready = ready.ok_or_else(|| SittingError::State {
            message: format!("{}: key {}: the transcript does not have it", step.name, step.key),
        })?;
        if self.folder.has(&ready.path) {
            self.folder.wipe(&ready.path)?;
        }
        let (step, key, file) = (step.name.clone(), step.key.clone(), ready.file);
        self.table.show(&format!("{} is wiped\n", ready.path))?;
        self.record(Event::KeyDestroyed { step, key, file })
    }
}
