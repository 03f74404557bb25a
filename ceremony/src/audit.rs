//! Checking a ceremony later, on any machine, from its folder alone: transcript, plan, shares, keys and
//! all that was signed. Nothing is taken from the transcript that can be derived again: digests are
//! computed, the plan is made once more, every signature is verified by both implementations.

mod error;
mod walk;

use std::fs;

use ca_core::algorithm::SignatureScheme;
use ca_core::pem::{self, Label};

pub use error::AuditError;

use crate::ceremony_id::CeremonyId;
use crate::definition::{self, Custody, Definition};
use crate::digest::Digest;
use crate::folder::{self, Folder};
use crate::plan::{self, Plan, Setting};
use crate::planning::{Materials, Prepared};
use crate::sealed_key::{self, SealedKey};
use crate::share_set::ShareSet;
use crate::signing::{self, Made};
use crate::sitting::{inputs, public_keys};
use crate::transcript::{self, KeyReady};
use walk::Walk;

/// The largest transcript that is checked, in octets.
const MAX_TRANSCRIPT: usize = 64 * 1024 * 1024;
/// The largest share set, in octets.
const MAX_SHARE_SET: usize = 64 * 1024;

/// What was found, when all is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
    /// How many lines the transcript has.
    pub lines: usize,
    /// SHA-256 of its last line, to compare with paper.
    pub head: Digest,
    /// SHA-256 of the key of each sitting, to compare with paper.
    pub sittings: Vec<Digest>,
    /// The plan, where there is one.
    pub plan: Option<Digest>,
    /// The steps that are done.
    pub done: Vec<String>,
    /// The steps that are not.
    pub left: Vec<String>,
    /// What was signed, in the order of the plan.
    pub made: Vec<Output>,
}

/// A certificate or list that a step made, which was found as the plan has it and rightly signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The step.
    pub step: String,
    /// What it is.
    pub label: Label,
    /// Its DER.
    pub der: Vec<u8>,
}

/// Checks the folder of a ceremony.
///
/// # Errors
/// `AuditError` names the file and the place in it, what was found and what is allowed.
pub fn audit(folder: &Folder) -> Result<Report, AuditError> {
    let octets = folder.read(folder::TRANSCRIPT, MAX_TRANSCRIPT)?;
    let read = transcript::read(&octets)?;
    let (Some(opening), Some(head)) = (read.opening(), read.head()) else {
        return Err(AuditError::new(folder::TRANSCRIPT, "no line", "one or more"));
    };
    if read.torn > 0 {
        let found = format!("{} octets of a line without its end", read.torn);
        return Err(AuditError::new(folder::TRANSCRIPT, found, "whole lines"));
    }
    let walk = Walk::through(&read)?;
    let definition_file = folder.read(folder::DEFINITION, definition::MAX_SIZE)?;
    same(folder::DEFINITION, Digest::of(&definition_file), walk.definition)?;
    let mut report = Report {
        ceremony: opening.ceremony,
        rehearsal: opening.rehearsal,
        lines: read.lines.len(),
        head,
        sittings: walk.sittings.clone(),
        plan: walk.plan.map(|(plan, _)| plan),
        done: walk.signed.keys().chain(walk.destroyed.keys()).cloned().collect(),
        left: Vec::new(),
        made: Vec::new(),
    };
    if !walk.share_sets.is_empty() {
        let definition = std::str::from_utf8(&definition_file)
            .map_err(|error| AuditError::new(folder::DEFINITION, error, "UTF-8"))?;
        let definition = Definition::from_yaml(definition)?;
        let auditor =
            Auditor { folder, definition, definition_file, keys: &walk.keys, report: &report };
        let sets = auditor.share_sets(&walk)?;
        auditor.keys(&walk)?;
        if let Some((digest, set)) = walk.plan {
            let (made, left) = auditor.plan(digest, &sets[set], &walk)?;
            (report.made, report.left) = (made, left);
        }
    }
    strangers(folder, &walk)?;
    Ok(report)
}

fn same(path: &str, found: Digest, allowed: Digest) -> Result<(), AuditError> {
    if found == allowed {
        return Ok(());
    }
    let allowed = format!("{allowed}, as the transcript has it");
    Err(AuditError::new(path, format!("SHA-256 {found}"), allowed))
}

/// Whoever joined shares: as many different holders as it takes.
fn check_joined(line: u64, names: &[String], set: &ShareSet) -> Result<(), AuditError> {
    let holds = |name: &String| set.holders().iter().any(|holder| holder.custodian == *name);
    let mut different = names.to_vec();
    different.sort_unstable();
    different.dedup();
    let threshold = set.quorum().threshold();
    let enough = different.len() >= usize::from(threshold) && different.len() == names.len();
    if enough && names.iter().all(holds) {
        return Ok(());
    }
    let allowed = format!("{threshold} or more different holders of shares");
    Err(AuditError::line(line, "custodians", names.join(", "), allowed))
}

struct Auditor<'a> {
    folder: &'a Folder,
    definition: Definition,
    definition_file: Vec<u8>,
    keys: &'a [KeyReady],
    report: &'a Report,
}

impl Auditor<'_> {
    /// The share sets are those of the transcript, the first is the one that the definition asks for,
    /// and whoever joined shares held one. Gives their files.
    fn share_sets(&self, walk: &Walk) -> Result<Vec<Vec<u8>>, AuditError> {
        let now = match &self.definition.custody {
            Custody::New { .. } => folder::SHARE_SET,
            Custody::Existing { share_set } => share_set,
        };
        let (mut files, mut sets) = (Vec::new(), Vec::new());
        for (place, digest) in walk.share_sets.iter().enumerate() {
            let retired = Folder::retired(*digest);
            let path = if place + 1 == walk.share_sets.len() { now } else { &retired };
            let file = self.folder.read(path, MAX_SHARE_SET)?;
            same(path, Digest::of(&file), *digest)?;
            let set: ShareSet = serde_json::from_slice(&file)
                .map_err(|error| AuditError::new(path, error, "a share set"))?;
            if place == 0 {
                self.dealt(path, &set)?;
            }
            files.push(file);
            sets.push(set);
        }
        for (line, names, place) in &walk.joined {
            check_joined(*line, names, &sets[*place])?;
        }
        Ok(files)
    }

    /// The set is the one that the definition asks for.
    fn dealt(&self, path: &str, set: &ShareSet) -> Result<(), AuditError> {
        let Custody::New { threshold, custodians } = &self.definition.custody else {
            return Ok(());
        };
        let holders: Vec<&str> =
            set.holders().iter().map(|holder| holder.custodian.as_str()).collect();
        let dealt = set.ceremony() == self.report.ceremony
            && set.is_rehearsal() == self.report.rehearsal
            && set.quorum().threshold() == *threshold;
        if dealt && holders == *custodians {
            return Ok(());
        }
        let found = format!("{} of {}", set.quorum().threshold(), holders.join(", "));
        let allowed = format!("{threshold} of {}", custodians.join(", "));
        Err(AuditError::new(path, found, allowed))
    }

    /// Each key file is the one of the transcript, or was wiped.
    fn keys(&self, walk: &Walk) -> Result<(), AuditError> {
        for key in self.keys {
            let destroyed = walk.destroyed.values().any(|name| *name == key.name);
            if destroyed {
                if self.folder.has(&key.path) {
                    return Err(AuditError::new(&key.path, "a file", "none: it was destroyed"));
                }
                continue;
            }
            let file = self.folder.read(&key.path, sealed_key::MAX_FILE_SIZE)?;
            same(&key.path, Digest::of(&file), key.file)?;
            let sealed = SealedKey::from_json(&file)
                .map_err(|error| AuditError::new(&key.path, error, "a sealed key"))?;
            let public_key = public_keys(std::slice::from_ref(key));
            let public_key = public_key.and_then(|mut keys| keys.remove(&key.name));
            if public_key.as_ref() != Some(sealed.public_key()) {
                let allowed = "the one that the transcript has";
                return Err(AuditError::new(&key.path, "another public key", allowed));
            }
        }
        Ok(())
    }

    /// The plan is the one of the transcript, comes out the same again, and what was signed is what it
    /// has. Gives that, and which steps are left.
    fn plan(
        &self,
        digest: Digest,
        share_set_file: &[u8],
        walk: &Walk,
    ) -> Result<(Vec<Output>, Vec<String>), AuditError> {
        let file = self.folder.read(folder::PLAN, plan::MAX_SIZE)?;
        same(folder::PLAN, Digest::of(&file), digest)?;
        let plan = Plan::from_json(&file)?;
        let keys = public_keys(self.keys);
        let materials = Materials {
            public_keys: keys.ok_or_else(|| {
                AuditError::new(folder::TRANSCRIPT, "a key that can't be read", "public keys")
            })?,
            inputs: inputs(self.folder, &self.definition)?,
            serials: plan.serials()?,
            rehearsal: self.report.rehearsal,
        };
        let setting = Setting {
            ceremony: self.report.ceremony,
            definition_file: &self.definition_file,
            share_set_file,
        };
        let (now, prepared) = Plan::new(&self.definition, setting, &materials)?;
        plan.check_same(&now)?;
        for (line, step, tbs) in &walk.signing {
            let planned = plan.steps().iter().find(|planned| planned.name == *step);
            if planned.and_then(|planned| planned.tbs_digest) != Some(*tbs) {
                return Err(AuditError::line(
                    *line,
                    "tbs",
                    tbs,
                    format!("that of {step} in the plan"),
                ));
            }
        }
        let (mut outputs, mut left) = (Vec::new(), Vec::new());
        for step in &prepared {
            let destroyed = walk.destroyed.get(&step.name);
            match (walk.signed.get(&step.name), step.scheme()) {
                (Some((file, der)), Some(scheme)) => {
                    outputs.push(self.output(step, scheme, file, *der, &materials)?);
                }
                (None, None) if destroyed.is_some_and(|key| *key == step.key) => {}
                (None, _) if destroyed.is_none() => left.push(step.name.clone()),
                _ => {
                    let found = format!("step {} done otherwise", step.name);
                    return Err(AuditError::new(folder::TRANSCRIPT, found, "as the plan has it"));
                }
            }
        }
        let planned = |name: &String| prepared.iter().any(|step| step.name == *name);
        if let Some(name) = self.report.done.iter().find(|name| !planned(name)) {
            let found = format!("step {name}");
            return Err(AuditError::new(folder::TRANSCRIPT, found, "steps of the plan"));
        }
        Ok((outputs, left))
    }

    /// What a step made: the file to the octet, what it has signed, and by whom.
    fn output(
        &self,
        step: &Prepared,
        scheme: SignatureScheme,
        path: &str,
        der: Digest,
        materials: &Materials,
    ) -> Result<Output, AuditError> {
        if path != Folder::output(&step.name) {
            let allowed = Folder::output(&step.name);
            return Err(AuditError::new(folder::TRANSCRIPT, path, allowed));
        }
        let file = self.folder.read(path, crate::sitting::MAX_INPUT)?;
        let read = pem::read(&file).map_err(|error| AuditError::new(path, error, "PEM"))?;
        let made = match &read {
            pem::Input::Pem(blocks) => {
                blocks.first().map(|block| Made { label: block.label(), der: block.der().to_vec() })
            }
            pem::Input::Der(_) => None,
        };
        let wanted = match step.deed {
            crate::planning::Deed::Crl(_) => Label::Crl,
            _ => Label::Certificate,
        };
        let made = made.filter(|made| made.label == wanted);
        let made =
            made.ok_or_else(|| AuditError::new(path, "something else", format!("one {wanted}")))?;
        let written = made.to_pem(self.report.rehearsal).into_bytes();
        if written != file {
            let at = written.iter().zip(&file).position(|(a, b)| a != b);
            let at = at.unwrap_or(written.len().min(file.len()));
            let allowed = "the file as it was written";
            return Err(AuditError::new(path, format!("another octet {at}"), allowed));
        }
        same(path, Digest::of(&made.der), der)?;
        let key = materials.public_keys.get(&step.key);
        let key = key.ok_or_else(|| {
            AuditError::new(path, format!("no key {}", step.key), "a key of the transcript")
        })?;
        signing::check(&step.name, &made, step.tbs(), key, scheme).map_err(|error| {
            AuditError::new(path, error, "what was planned, signed by its issuer")
        })?;
        Ok(Output { step: step.name.clone(), label: made.label, der: made.der })
    }
}

/// Nothing lies among the outputs that the transcript does not know.
fn strangers(folder: &Folder, walk: &Walk) -> Result<(), AuditError> {
    let place = folder.path("out");
    let Ok(entries) = fs::read_dir(&place) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = format!("out/{}", entry.file_name().to_string_lossy());
        let signed = walk.signed.values().any(|(file, _)| *file == path);
        // A power cut leaves what was begun: the next run writes it anew.
        let begun = walk.signing.iter().any(|(_, step, _)| Folder::output(step) == path);
        if !signed && !begun {
            return Err(AuditError::new(&path, "a file", "files that the transcript has"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
