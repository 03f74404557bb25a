//! Checking a ceremony later, on any machine, from its folder alone: transcript, plan, shares, keys and
//! all that was signed. Nothing is taken from the transcript that can be derived again: digests are
//! computed, the plan is made once more, every signature is verified by both implementations.

mod error;
pub(crate) mod walk;
mod witnesses;

use base64ct::{Base64, Encoding as _};
use ca_core::algorithm::SignatureScheme;
use ca_core::pem::{self, Label};

pub use error::AuditError;
pub use witnesses::{AddError, Witnessed, add_signature};

use crate::ceremony_id::CeremonyId;
use crate::definition::{self, Custody, Definition, KeySource};
use crate::digest::Digest;
use crate::folder::{self, Folder};
use crate::plan::{self, Plan, Setting};
use crate::planning::{Materials, Prepared};
use crate::sealed_key::{self, SealedKey};
use crate::share_set::ShareSet;
use crate::signing::{self, Made};
use crate::sitting::{inputs, public_keys};
use crate::transcript::{self, KeyReady, Read};
use walk::{Dealt, Joined, Walk};

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
    /// Steps that were begun, whose file is there and right, and which the next run makes anew.
    pub begun: Vec<String>,
    /// Whether the last sitting came to its end. Else lines may be missing, or it goes on.
    pub closed: bool,
    /// What was signed, in the order of the plan.
    pub made: Vec<Output>,
    /// The witnesses whose keys the definition has.
    pub witnesses: Vec<Witnessed>,
}

impl Report {
    /// The witnesses who signed the head of the transcript.
    pub fn signed(&self) -> Vec<&Witnessed> {
        self.witnesses.iter().filter(|witness| self.has_signed(witness)).collect()
    }

    /// The witnesses who did not.
    pub fn unsigned(&self) -> Vec<&Witnessed> {
        self.witnesses.iter().filter(|witness| !self.has_signed(witness)).collect()
    }

    fn has_signed(&self, witness: &Witnessed) -> bool {
        witness.line == u64::try_from(self.lines).ok()
    }
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

/// A ceremony that was found right, with what was read for that.
pub struct Audited {
    /// What was found.
    pub report: Report,
    /// The transcript.
    pub(crate) transcript: Read,
    /// The definition, once a sitting has read it.
    pub(crate) definition: Option<Definition>,
}

/// Checks the folder of a ceremony.
///
/// # Errors
/// `AuditError` names the file and the place in it, what was found and what is allowed.
pub fn audit(folder: &Folder) -> Result<Report, AuditError> {
    Ok(audited(folder)?.report)
}

/// The same, with what was read, so that nothing has to be read again to tell of it.
///
/// # Errors
/// As [`audit`].
pub fn audited(folder: &Folder) -> Result<Audited, AuditError> {
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
    if let Some(definition) = walk.definition {
        same(folder::DEFINITION, Digest::of(&definition_file), definition)?;
    }
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
        witnesses: Vec::new(),
        begun: Vec::new(),
        closed: walk.is_closed(),
    };
    let mut definition = None;
    if walk.definition.is_some() {
        let text = std::str::from_utf8(&definition_file)
            .map_err(|error| AuditError::new(folder::DEFINITION, error, "UTF-8"))?;
        let read_now = definition.insert(Definition::from_yaml(text)?);
        report.witnesses = witnesses::witnessed(folder, &read_now.witnesses, &read)?;
        let (definition, keys) = (&*read_now, &walk.keys[..]);
        let auditor = Auditor { folder, definition, definition_file, keys, report: &report };
        (report.made, report.left) = auditor.made(&walk)?;
    }
    report.begun = strangers(folder, &walk)?;
    Ok(Audited { report, transcript: read, definition })
}

fn same(path: &str, found: Digest, allowed: Digest) -> Result<(), AuditError> {
    if found == allowed {
        return Ok(());
    }
    let allowed = format!("{allowed}, as the transcript has it");
    Err(AuditError::new(path, format!("SHA-256 {found}"), allowed))
}

/// Whoever joined shares: as many different holders as it takes, and each group of them where they
/// were tested.
fn check_joined(joined: &Joined, set: &ShareSet) -> Result<(), AuditError> {
    let (line, names) = (joined.line, &joined.custodians);
    let holds = |name: &String| set.holders().iter().any(|holder| holder.custodian == *name);
    let mut different = names.clone();
    different.sort_unstable();
    different.dedup();
    let threshold = set.quorum().threshold();
    let enough = different.len() >= usize::from(threshold) && different.len() == names.len();
    if enough && names.iter().all(holds) {
        let wanted = groups(names.len() as u64, threshold.into());
        return match joined.groups.filter(|found| *found != wanted) {
            Some(found) => Err(AuditError::line(line, "groups", found, wanted)),
            None => Ok(()),
        };
    }
    let allowed = format!("{threshold} or more different holders of shares");
    Err(AuditError::line(line, "custodians", names.join(", "), allowed))
}

/// How many groups of `threshold` there are among so many.
fn groups(among: u64, threshold: u64) -> u64 {
    (1..=threshold).fold(1, |groups, place| groups * (among + 1 - place) / place)
}

/// Whether the set is the one that the definition asks for. Checked before keys are used, too.
pub(crate) fn check_dealt(
    path: &str,
    set: &ShareSet,
    custody: &Custody,
    rehearsal: bool,
) -> Result<(), AuditError> {
    if set.is_rehearsal() != rehearsal {
        return Err(AuditError::new(path, flag(set.is_rehearsal()), flag(rehearsal)));
    }
    let Custody::New { threshold, custodians } = custody else { return Ok(()) };
    check_holders(path, set, *threshold, custodians)
}

fn flag(rehearsal: bool) -> &'static str {
    if rehearsal { "one of a rehearsal" } else { "one of a ceremony that is no rehearsal" }
}

fn check_holders(
    path: &str,
    set: &ShareSet,
    threshold: u8,
    custodians: &[String],
) -> Result<(), AuditError> {
    let holders: Vec<&str> = set.holders().iter().map(|holder| holder.custodian.as_str()).collect();
    if set.quorum().threshold() == threshold && holders == *custodians {
        return Ok(());
    }
    let found = format!("{} of {}", set.quorum().threshold(), holders.join(", "));
    let allowed = format!("{threshold} of {}", custodians.join(", "));
    Err(AuditError::new(path, found, allowed))
}

/// The keys of the transcript are those of the definition: names, places and kinds.
pub(crate) fn check_keys(definition: &Definition, keys: &[KeyReady]) -> Result<(), AuditError> {
    let place = "transcript: keys_ready";
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    if !names.iter().copied().eq(definition.keys.keys().map(String::as_str)) {
        let allowed: Vec<&str> = definition.keys.keys().map(String::as_str).collect();
        let allowed = format!("those of the definition: {}", allowed.join(", "));
        return Err(AuditError::new(place, names.join(", "), allowed));
    }
    let public_keys = public_keys(keys)
        .ok_or_else(|| AuditError::new(place, "a key that can't be read", "public keys"))?;
    for (key, source) in keys.iter().zip(definition.keys.values()) {
        let (path, algorithm) = match source {
            KeySource::Made(algorithm) => (&Folder::key(&key.name), Some(*algorithm)),
            KeySource::File { path, algorithm } => (path, *algorithm),
        };
        if key.path != *path {
            return Err(AuditError::new(place, &key.path, path));
        }
        let kind = public_keys[&key.name].kind();
        if let Some(algorithm) = algorithm.filter(|algorithm| algorithm.key() != kind) {
            let found = format!("{}, a key of {kind}", key.name);
            return Err(AuditError::new(place, found, algorithm));
        }
    }
    Ok(())
}

/// A sealed key is of the set's shares, and the one that the transcript names.
pub(crate) fn check_sealed(
    key: &KeyReady,
    source: Option<&KeySource>,
    sealed: &SealedKey,
    set: &ShareSet,
) -> Result<(), AuditError> {
    let (path, found) = (&key.path, sealed.ceremony());
    if found != set.ceremony() || sealed.is_rehearsal() != set.is_rehearsal() {
        let allowed = format!("one of the share set, {}", set.ceremony());
        return Err(AuditError::new(path, format!("a key of the shares {found}"), allowed));
    }
    // A key of an earlier ceremony may have had another name there.
    if matches!(source, Some(KeySource::Made(_))) && sealed.name() != key.name {
        return Err(AuditError::new(path, sealed.name(), &key.name));
    }
    let found = Base64::encode_string(sealed.public_key().spki_der());
    if found == key.public_key {
        return Ok(());
    }
    let digest = |key: &str| Digest::of(&Base64::decode_vec(key).unwrap_or_default());
    let allowed = format!("public key {}, as the transcript has it", digest(&key.public_key));
    Err(AuditError::new(path, format!("public key {}", digest(&found)), allowed))
}

struct Auditor<'a> {
    folder: &'a Folder,
    definition: &'a Definition,
    definition_file: Vec<u8>,
    keys: &'a [KeyReady],
    report: &'a Report,
}

impl Auditor<'_> {
    /// Share sets, keys and plan are right, as far as there are any. Gives what was signed, and the
    /// steps that are left.
    fn made(&self, walk: &Walk) -> Result<(Vec<Output>, Vec<String>), AuditError> {
        let sets = self.share_sets(walk)?;
        let Some((_, last)) = sets.last() else { return Ok(Default::default()) };
        self.keys(walk, last)?;
        match walk.plan {
            Some((digest, set)) => self.plan(digest, &sets[set].0, walk),
            None => Ok(Default::default()),
        }
    }

    /// The share sets are those of the transcript, the first is the one that the definition asks for,
    /// and whoever joined shares held one. Gives their files.
    fn share_sets(&self, walk: &Walk) -> Result<Vec<(Vec<u8>, ShareSet)>, AuditError> {
        let now = match &self.definition.custody {
            Custody::New { .. } => folder::SHARE_SET,
            Custody::Existing { share_set } => share_set,
        };
        let mut sets = Vec::new();
        for (place, dealt) in walk.share_sets.iter().enumerate() {
            let retired = Folder::retired(dealt.digest);
            let path = if place + 1 == walk.share_sets.len() { now } else { &retired };
            let file = self.folder.read(path, MAX_SHARE_SET)?;
            same(path, Digest::of(&file), dealt.digest)?;
            let set: ShareSet = serde_json::from_slice(&file)
                .map_err(|error| AuditError::new(path, error, "a share set"))?;
            self.dealt(path, &set, dealt)?;
            sets.push((file, set));
        }
        for joined in &walk.joined {
            // Where a sitting of keys was cut off, its set is not told.
            if let Some((_, set)) = sets.get(joined.set) {
                check_joined(joined, set)?;
            }
        }
        Ok(sets)
    }

    /// The set is the one that was asked for, and everybody in it wrote a share down.
    fn dealt(&self, path: &str, set: &ShareSet, dealt: &Dealt) -> Result<(), AuditError> {
        let holders: Vec<String> = set.holders().iter().map(|one| one.custodian.clone()).collect();
        let handed_out: Vec<String> = dealt.holders.iter().map(|(_, name)| name.clone()).collect();
        let is_new = match dealt.threshold {
            Some(threshold) => {
                check_holders(path, set, threshold, &handed_out)?;
                true
            }
            None => {
                check_dealt(path, set, &self.definition.custody, self.report.rehearsal)?;
                matches!(self.definition.custody, Custody::New { .. })
            }
        };
        let wanted = if is_new { holders } else { Vec::new() };
        if set.is_rehearsal() != self.report.rehearsal || handed_out != wanted {
            let found = format!("shares handed out to {}", handed_out.join(", "));
            let allowed = format!("to {}", wanted.join(", "));
            return Err(AuditError::line(dealt.line, "share_set", found, allowed));
        }
        let makes = self.definition.keys.values().any(|key| matches!(key, KeySource::Made(_)));
        if !is_new && makes && !dealt.joined {
            return Err(AuditError::line(
                dealt.line,
                "event",
                "keys_ready",
                "it after shares_joined",
            ));
        }
        Ok(())
    }

    /// Each key file is the one of the transcript, or was wiped.
    fn keys(&self, walk: &Walk, set: &ShareSet) -> Result<(), AuditError> {
        check_keys(self.definition, self.keys)?;
        for key in self.keys {
            let destroyed = walk.destroyed.values().any(|name| *name == key.name);
            if destroyed {
                if self.folder.has(&key.path) {
                    return Err(AuditError::new(&key.path, "a file", "none: it was destroyed"));
                }
                continue;
            }
            if walk.destroying.values().any(|name| *name == key.name) {
                // A run that was cut off may have come to any part of it; the next one ends it.
                continue;
            }
            let file = self.folder.read(&key.path, sealed_key::MAX_FILE_SIZE)?;
            same(&key.path, Digest::of(&file), key.file)?;
            let sealed = SealedKey::from_json(&file)
                .map_err(|error| AuditError::new(&key.path, error, "a sealed key"))?;
            check_sealed(key, self.definition.keys.get(&key.name), &sealed, set)?;
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
            inputs: inputs(self.folder, self.definition)?,
            serials: plan.serials()?,
            rehearsal: self.report.rehearsal,
        };
        let setting = Setting {
            ceremony: self.report.ceremony,
            definition_file: &self.definition_file,
            share_set_file,
        };
        let (now, prepared) = Plan::new(self.definition, setting, &materials)?;
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
            self.begun(step, walk, &materials)?;
            let destroyed = walk.destroyed.get(&step.name);
            match (walk.signed.get(&step.name), step.scheme()) {
                (Some((file, der)), Some(scheme)) => {
                    outputs.push(self.output(step, scheme, file, Some(*der), &materials)?);
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

    /// What a step that was begun left: nothing, or a file that is as good as if it were told.
    fn begun(&self, step: &Prepared, walk: &Walk, materials: &Materials) -> Result<(), AuditError> {
        let begun = walk.signing.iter().any(|(_, name, _)| *name == step.name);
        let path = Folder::output(&step.name);
        match step.scheme() {
            Some(scheme) if begun && !walk.signed.contains_key(&step.name) => {
                if self.folder.has(&path) {
                    self.output(step, scheme, &path, None, materials)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a step made: the file to the octet, what it has signed, and by whom.
    fn output(
        &self,
        step: &Prepared,
        scheme: SignatureScheme,
        path: &str,
        der: Option<Digest>,
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
        let made = made.ok_or_else(|| {
            let found = match &read {
                pem::Input::Pem(blocks) => blocks
                    .first()
                    .map_or("no PEM".into(), |block| format!("PEM of {}", block.label())),
                pem::Input::Der(_) => "DER".into(),
            };
            AuditError::new(path, found, format!("PEM of one {wanted}"))
        })?;
        let written = made.to_pem(self.report.rehearsal).into_bytes();
        if written != file {
            let at = written.iter().zip(&file).position(|(a, b)| a != b);
            let at = at.unwrap_or(written.len().min(file.len()));
            let octet = |octets: &[u8]| {
                octets.get(at).map_or("no octet".into(), |octet| format!("octet {octet:#04x}"))
            };
            let found = format!("{} at {at}", octet(&file));
            return Err(AuditError::new(path, found, octet(&written)));
        }
        if let Some(der) = der {
            same(path, Digest::of(&made.der), der)?;
        }
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
fn strangers(folder: &Folder, walk: &Walk) -> Result<Vec<String>, AuditError> {
    let mut left = Vec::new();
    for name in folder.names("out")? {
        let path = format!("out/{name}");
        let signed = walk.signed.values().any(|(file, _)| *file == path);
        // A power cut leaves what was begun: the next run writes it anew.
        let begun = walk.signing.iter().find(|(_, step, _)| Folder::output(step) == path);
        match begun {
            _ if signed => {}
            Some((_, step, _)) => left.push(step.clone()),
            None => {
                return Err(AuditError::new(&path, "a file", "files that the transcript has"));
            }
        }
    }
    left.sort_unstable();
    Ok(left)
}

#[cfg(test)]
mod tests;
