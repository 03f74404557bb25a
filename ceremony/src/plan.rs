//! The plan: what people read and confirm before a key is opened, and what is signed then, octet for
//! octet.
//!
//! A plan is made of the definition, the files that it names, the public keys and the serial numbers,
//! and of nothing else. So `run` makes it once more and compares the two: one octet that differs, in
//! whatever of these, is a refusal that names the place. The key is behind the same gate: it signs
//! what the plan has, and refuses all else ([`crate::signing`]).

mod text;

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use ca_core::escape::{escaped, quoted};
use ca_core::serial::SerialNumber;
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::ceremony_id::CeremonyId;
use crate::definition::{Action, Definition};
use crate::digest::Digest;
use crate::planning::{Deed, Materials, PlanningError, Prepared, prepare};

pub use text::to_text;

/// The largest plan that is read, in octets: lists of a million entries are not made by hand.
pub const MAX_SIZE: usize = 16 * 1024 * 1024;

/// What will be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    version: u8,
    ceremony: CeremonyId,
    rehearsal: bool,
    title: String,
    /// SHA-256 of the definition's file.
    definition: Digest,
    /// SHA-256 of each file that it names.
    inputs: BTreeMap<String, Digest>,
    /// SHA-256 of the share set's file.
    share_set: Digest,
    keys: BTreeMap<String, PlannedKey>,
    steps: Vec<PlannedStep>,
}

/// A key that signs, or is certified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedKey {
    /// The kind of key.
    pub kind: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub public_key: Digest,
}

/// One step of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its name.
    pub name: String,
    /// The key that signs, or is destroyed.
    pub key: String,
    /// What is done.
    pub does: Does,
    /// The serial number of a certificate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<String>,
    /// How it is signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheme: Option<String>,
    /// What is signed, in Base64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tbs: Option<String>,
    /// SHA-256 of what is signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tbs_digest: Option<Digest>,
    /// What the plan changed in what was asked for, and what the lints say.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// A certificate is signed.
    Certificate,
    /// A revocation list is signed.
    Crl,
    /// A key is destroyed.
    Destroy,
}

/// What surrounds the definition.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// The definition's file.
    pub definition_file: &'a [u8],
    /// The share set's file.
    pub share_set_file: &'a [u8],
}

impl Plan {
    /// Makes the plan, and what will be signed.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn new(
        definition: &Definition,
        setting: Setting<'_>,
        materials: &Materials,
    ) -> Result<(Self, Vec<Prepared>), PlanningError> {
        let prepared = prepare(definition, materials)?;
        let digests = |(path, octets): (&String, &Vec<u8>)| (path.clone(), Digest::of(octets));
        let keys = materials.public_keys.iter().map(|(name, key)| {
            let (kind, public_key) = (key.kind().to_string(), Digest::of(key.spki_der()));
            (name.clone(), PlannedKey { kind, public_key })
        });
        let plan = Self {
            version: 1,
            ceremony: setting.ceremony,
            rehearsal: materials.rehearsal,
            title: definition.title.clone(),
            definition: Digest::of(setting.definition_file),
            inputs: materials.inputs.iter().map(digests).collect(),
            share_set: Digest::of(setting.share_set_file),
            keys: keys.collect(),
            steps: prepared.iter().map(|step| PlannedStep::of(step, materials)).collect(),
        };
        Ok((plan, prepared))
    }

    /// The file: canonical JSON, so that one plan has one digest.
    pub fn to_json(&self) -> Vec<u8> {
        canonical::of(self)
    }

    /// The digest of the file, which people compare.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    /// Reads the file.
    ///
    /// # Errors
    /// `PlanError` when it is too large, not a plan of this version, or not in the one form that it
    /// is written in.
    pub fn from_json(octets: &[u8]) -> Result<Self, PlanError> {
        if octets.len() > MAX_SIZE {
            return Err(PlanError::TooLarge { found: octets.len() });
        }
        let plan: Self = serde_json::from_slice(octets)
            .map_err(|error| PlanError::Malformed { found: escaped(&error.to_string()) })?;
        if plan.version != 1 {
            return Err(PlanError::Version { found: plan.version });
        }
        let canonical = plan.to_json();
        if canonical != octets {
            return Err(PlanError::NotCanonical { at: first_difference(&canonical, octets) });
        }
        for step in &plan.steps {
            let tbs = step.tbs()?;
            let digest = (step.does != Does::Destroy).then(|| Digest::of(&tbs));
            if digest != step.tbs_digest {
                return Err(step.differs("tbs_digest", step.tbs_digest, digest));
            }
        }
        Ok(plan)
    }

    /// The ceremony that it belongs to.
    pub fn ceremony(&self) -> CeremonyId {
        self.ceremony
    }

    /// Whether it is of a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// The digest of the definition that it was made from.
    pub fn definition(&self) -> Digest {
        self.definition
    }

    /// The digest of the share set's file.
    pub fn share_set(&self) -> Digest {
        self.share_set
    }

    /// The digests of the files that the definition names.
    pub fn inputs(&self) -> &BTreeMap<String, Digest> {
        &self.inputs
    }

    /// The keys, by name.
    pub fn keys(&self) -> &BTreeMap<String, PlannedKey> {
        &self.keys
    }

    /// The steps, in their order.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The serial numbers that it has given to certificates.
    ///
    /// # Errors
    /// `PlanError::Differs` for one that this CA does not make.
    pub fn serials(&self) -> Result<BTreeMap<String, SerialNumber>, PlanError> {
        let with_serial =
            self.steps.iter().filter_map(|step| Some((step, step.serial.as_deref()?)));
        with_serial
            .map(|(step, text)| {
                let read = SerialNumber::from_hex(text);
                let read = read.map_err(|error| step.differs("serial", text, error))?;
                Ok((step.name.clone(), read))
            })
            .collect()
    }

    /// Compares this plan, which was confirmed, with the one that was made now.
    ///
    /// # Errors
    /// `PlanError::Differs` with the first place that differs; this one's value is what is allowed.
    pub fn check_same(&self, now: &Self) -> Result<(), PlanError> {
        let fields = [
            ("ceremony", now.ceremony.to_string(), self.ceremony.to_string()),
            ("rehearsal", now.rehearsal.to_string(), self.rehearsal.to_string()),
            ("definition", now.definition.to_string(), self.definition.to_string()),
            ("share_set", now.share_set.to_string(), self.share_set.to_string()),
            ("title", now.title.clone(), self.title.clone()),
        ];
        if let Some((field, found, allowed)) =
            fields.into_iter().find(|(_, found, allowed)| found != allowed)
        {
            return Err(PlanError::differs(field, found, allowed));
        }
        same_maps("inputs", &now.inputs, &self.inputs)?;
        same_maps("keys", &now.keys, &self.keys)?;
        for (found, allowed) in now.steps.iter().zip(&self.steps) {
            found.check_same(allowed)?;
        }
        if self.to_json() == now.to_json() {
            return Ok(());
        }
        Err(PlanError::differs("steps", now.steps.len(), self.steps.len()))
    }
}

fn same_maps<T: PartialEq + std::fmt::Debug>(
    field: &str,
    found: &BTreeMap<String, T>,
    allowed: &BTreeMap<String, T>,
) -> Result<(), PlanError> {
    let names = found.keys().chain(allowed.keys());
    match names.into_iter().find(|name| found.get(*name) != allowed.get(*name)) {
        None => Ok(()),
        Some(name) => {
            let shown = |value: Option<&T>| {
                value.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"))
            };
            let (found, allowed) = (shown(found.get(name)), shown(allowed.get(name)));
            Err(PlanError::differs(format!("{field}: {name}"), found, allowed))
        }
    }
}

/// The place of the first octet that differs, from 0.
fn first_difference(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()))
}

impl PlannedStep {
    fn of(prepared: &Prepared, materials: &Materials) -> Self {
        let does = match prepared.deed {
            Deed::Certificate { .. } => Does::Certificate,
            Deed::Crl(_) => Does::Crl,
            Deed::Destroy => Does::Destroy,
        };
        let signs = does != Does::Destroy;
        let serial = materials.serials.get(&prepared.name).filter(|_| does == Does::Certificate);
        Self {
            name: prepared.name.clone(),
            key: prepared.key.clone(),
            does,
            serial: serial.map(ToString::to_string),
            scheme: prepared.scheme().map(|scheme| scheme.to_string()),
            tbs: signs.then(|| Base64::encode_string(prepared.tbs())),
            tbs_digest: signs.then(|| Digest::of(prepared.tbs())),
            findings: prepared.remarks(),
        }
    }

    /// What is signed; nothing for a key that is destroyed.
    ///
    /// # Errors
    /// `PlanError::Differs` when it is not Base64.
    pub fn tbs(&self) -> Result<Vec<u8>, PlanError> {
        let text = self.tbs.as_deref().unwrap_or_default();
        let start: String = text.chars().take(20).collect();
        Base64::decode_vec(text).map_err(|_| self.differs("tbs", start, "Base64"))
    }

    fn check_same(&self, allowed: &Self) -> Result<(), PlanError> {
        let (tbs, planned) = (self.tbs()?, allowed.tbs()?);
        if tbs != planned {
            let at = first_difference(&tbs, &planned);
            let octet = |octets: &[u8]| match octets.get(at) {
                Some(octet) => format!("{octet:02x} at octet {at}"),
                None => format!("the end at octet {at}"),
            };
            return Err(self.differs("tbs", octet(&tbs), octet(&planned)));
        }
        let fields = [("name", &self.name, &allowed.name), ("key", &self.key, &allowed.key)];
        if let Some((field, found, allowed)) = fields.into_iter().find(|(_, a, b)| a != b) {
            return Err(self.differs(field, found, allowed));
        }
        if self == allowed {
            return Ok(());
        }
        // Whatever else differs: what is done, by which scheme, or what the lints say.
        let rest = |step: &Self| {
            format!("{:?} {:?} {:?} {:?}", step.does, step.serial, step.scheme, step.findings)
        };
        Err(self.differs("step", rest(self), rest(allowed)))
    }

    fn differs(
        &self,
        field: &str,
        found: impl std::fmt::Debug,
        allowed: impl std::fmt::Debug,
    ) -> PlanError {
        let field = format!("steps: {}: {field}", self.name);
        PlanError::Differs {
            field,
            found: quoted(format!("{found:?}").trim_matches('"')),
            allowed: format!("{allowed:?}").trim_matches('"').to_owned(),
        }
    }
}

/// Draws a serial number for each certificate that is made.
pub fn draw_serials(
    definition: &Definition,
    rng: &mut dyn rand_core::CryptoRng,
) -> BTreeMap<String, SerialNumber> {
    let certificates =
        definition.steps.iter().filter(|step| matches!(step.action, Action::Certificate(_)));
    certificates.map(|step| (step.name.clone(), SerialNumber::generate(rng))).collect()
}

/// A plan that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Past the bound.
    #[error("plan: {found} octets, allowed are at most {MAX_SIZE}")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not JSON, or not these fields.
    #[error("plan: {found}")]
    Malformed {
        /// What the reader says, with line and column.
        found: String,
    },
    /// Another version.
    #[error("plan: version: found {found}, allowed is 1")]
    Version {
        /// The version.
        found: u8,
    },
    /// The same values in another text.
    #[error(
        "plan: octet {at}: it is not canonical JSON (RFC 8785), allowed is the file as it was written"
    )]
    NotCanonical {
        /// Where, from 0.
        at: usize,
    },
    /// Not what was planned.
    #[error("plan: {field}: found {found}, allowed is {allowed}")]
    Differs {
        /// Which field.
        field: String,
        /// What would be signed now.
        found: String,
        /// What was confirmed.
        allowed: String,
    },
}

impl PlanError {
    fn differs(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        allowed: impl std::fmt::Display,
    ) -> Self {
        Self::Differs {
            field: field.into(),
            found: quoted(found),
            allowed: escaped(&allowed.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
