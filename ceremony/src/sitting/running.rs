//! Signing what the plan has.

use super::planning::PLAN;
use super::{Sitting, SittingError};
use crate::digest::Digest;
use crate::folder::{self, Folder};
use crate::plan::{self, Plan, PlannedStep};
use crate::planning::{Deed, Prepared};
use crate::share_set::{KeyEncryptionKey, ShareSet};
use crate::signing;
use crate::transcript::Event;

/// How many people confirm what is signed.
const CONFIRMING: usize = 2;

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
        let text = plan::to_text(&now, &prepared, &self.definition.witnesses);
        let left: Vec<(Prepared, &PlannedStep)> = prepared
            .into_iter()
            .zip(confirmed.steps())
            .filter(|(step, _)| !self.is_done(step))
            .collect();
        if left.is_empty() {
            let message = "run: every step of the plan is done; nothing is left";
            return Err(SittingError::State { message: message.into() });
        }
        self.check_outputs(left.iter().map(|(step, _)| step))?;
        self.table.show(&text)?;
        let plan = Digest::of(&file);
        let by = self.confirmed(PLAN, plan)?;
        self.record(Event::PlanConfirmed { plan, by })?;
        let (set, _) = self.kept()?;
        let under = self.join(&set)?;
        for (step, planned) in left {
            self.step(step, planned, &set, &under)?;
        }
        Ok(())
    }

    /// The plan is the one that the last sitting of planning wrote down.
    fn check_recorded(&self, found: Digest) -> Result<(), SittingError> {
        match self.walk.plan.map(|(plan, _)| plan) {
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
        let name = &step.name;
        self.walk.signed.contains_key(name) || self.walk.destroyed.contains_key(name)
    }

    /// Nothing lies where something is to be written, but what an earlier run began.
    fn check_outputs<'s>(
        &self,
        left: impl Iterator<Item = &'s Prepared>,
    ) -> Result<(), SittingError> {
        for step in left {
            let begun = self.walk.signing.iter().any(|(_, name, _)| *name == step.name);
            let path = Folder::output(&step.name);
            if !begun && self.folder.has(&path) {
                let message = format!(
                    "{path}: found a file, allowed is none before the step is signed; take it out of the folder"
                );
                return Err(SittingError::State { message });
            }
        }
        Ok(())
    }

    /// Two people type the first words of a digest, from where they read it before; gives their names.
    pub(super) fn confirmed(
        &mut self,
        what: &str,
        digest: Digest,
    ) -> Result<Vec<String>, SittingError> {
        let mut by: Vec<String> = Vec::new();
        while by.len() < CONFIRMING {
            let confirmed = self.table.confirm(what, &by)?;
            if !digest.is_on_paper(&confirmed.words) {
                let what = what.to_owned();
                return Err(SittingError::NotConfirmed { what, by: confirmed.by });
            }
            by.push(confirmed.by);
        }
        Ok(by)
    }

    fn step(
        &mut self,
        step: Prepared,
        planned: &PlannedStep,
        set: &ShareSet,
        under: &KeyEncryptionKey,
    ) -> Result<(), SittingError> {
        if matches!(step.deed, Deed::Destroy) {
            return self.destroy(&step, set);
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
        self.table.show(&format!("{file}, SHA-256\n  {}\n", der.told()))?;
        self.record(Event::Signed { step: name, file, der })
    }

    /// Wipes the file of a key. After a power cut it may be gone already: only then it may be missing.
    fn destroy(&mut self, step: &Prepared, set: &ShareSet) -> Result<(), SittingError> {
        let ready = self.walk.keys.iter().find(|key| key.name == step.key).cloned();
        let ready = ready.ok_or_else(|| SittingError::State {
            message: format!("{}: key {}: the transcript does not have it", step.name, step.key),
        })?;
        let begun = self.walk.destroying.contains_key(&step.name);
        let path = self.key_path(&step.key);
        let there = self.folder.has(&path);
        if !begun {
            self.kept_key(&ready, set)?;
        }
        let (step, key, file) = (step.name.clone(), step.key.clone(), ready.file);
        self.record(Event::KeyDestroying { step: step.clone(), key: key.clone(), file })?;
        if there {
            self.folder.wipe(&path)?;
        }
        self.table.show(&format!("{path} is wiped\n"))?;
        self.record(Event::KeyDestroyed { step, key, file })
    }
}
