//! What a ceremony makes: one strict YAML file, read once into what can't be wrong.
//!
//! ```yaml
//! version: 1
//! title: Example Root 2026
//! at: 2026-12-01T09:00:00Z
//! custody: {threshold: 3, custodians: [Ana, Ben, Cem, Dua, Eva]}
//! witnesses:
//!   - {name: Wim, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…}
//! keys:
//!   - {name: root, algorithm: MLDSA65-ECDSA-P256-SHA512}
//! make:
//!   - root: {name: root, key: root, subject: "CN=Example Root 2026,O=Example", days: 7305}
//!   - crl: {name: root-crl, issuer: root, number: 1, next_update: 2027-12-01T09:00:00Z}
//! ```
//!
//! Whatever decides on an octet of what is signed stands here, in the files that it names, in the keys,
//! or (the serial numbers) in the plan. There is no clock in it.

mod error;
mod places;
mod written;

use std::collections::BTreeMap;

use ca_core::algorithm::Algorithm;
use ca_core::crl::{CrlNumber, EntrySerial, RevocationReason};
use ca_core::name::DistinguishedName;
use ca_core::profile::{Profile, ProfileKind};
use jiff::Timestamp;

pub use error::DefinitionError;

use crate::witness::Witness;

/// The largest definition, in octets.
pub const MAX_SIZE: usize = 256 * 1024;
/// The most keys, certificates and steps, each.
pub const MAX_ITEMS: usize = 64;

/// What a ceremony makes.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What it is called on paper.
    pub title: String,
    /// From when certificates are valid, and when lists are issued.
    pub at: Timestamp,
    /// Who holds the shares.
    pub custody: Custody,
    /// Who signs the transcript by keys of their own.
    pub witnesses: Vec<Witness>,
    /// The keys, by name.
    pub keys: BTreeMap<String, KeySource>,
    /// Certificates that are there already, by name.
    pub certificates: BTreeMap<String, KnownCertificate>,
    /// What is made, in this order.
    pub steps: Vec<Step>,
}

/// Who holds the shares of the key that all private keys of the ceremony lie under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Custody {
    /// New shares: any `threshold` of them open the keys.
    New {
        /// How many shares it takes.
        threshold: u8,
        /// Who gets one.
        custodians: Vec<String>,
    },
    /// The shares of an earlier ceremony; new keys are sealed under the same key.
    Existing {
        /// The file of the share set.
        share_set: String,
    },
}

/// Where a key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// It is made in the ceremony.
    Made(&'static Algorithm),
    /// It was made in an earlier one.
    File {
        /// The sealed key.
        path: String,
        /// How it signs, where its kind leaves a choice (RSA).
        algorithm: Option<&'static Algorithm>,
    },
}

/// A certificate that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// Its file, PEM or DER.
    pub path: String,
    /// Its key, where it signs in this ceremony.
    pub key: Option<String>,
}

/// One thing that is made.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, and its file's.
    pub name: String,
    /// What it is.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// A certificate.
    Certificate(CertificateStep),
    /// A revocation list.
    Crl(CrlStep),
    /// The private key is wiped.
    Destroy {
        /// The key.
        key: String,
    },
}

/// A certificate that is made.
#[derive(Clone, Debug)]
pub struct CertificateStep {
    /// Who signs; none for a root.
    pub issuer: Option<String>,
    /// Whom it is for.
    pub subject: SubjectSource,
    /// What it may look like.
    pub profile: ProfileSource,
    /// How long it is valid; the profile's default otherwise.
    pub days: Option<u64>,
}

/// What a certificate may look like.
#[derive(Clone, Debug)]
pub enum ProfileSource {
    /// A profile that comes with Espalier.
    Shipped(Box<Profile>),
    /// One of the operator's own.
    File {
        /// The file.
        path: String,
        /// The kind that it must be of.
        kind: ProfileKind,
    },
}

/// Whom a certificate is for.
#[derive(Clone, Debug)]
pub enum SubjectSource {
    /// A key of this ceremony.
    Key {
        /// The key.
        key: String,
        /// Its holder's name.
        subject: DistinguishedName,
    },
    /// A request from elsewhere, which its key signed.
    Csr {
        /// The file.
        path: String,
        /// The name that it gets; the request's own otherwise.
        subject: Option<DistinguishedName>,
    },
    /// Another authority: its name and key from its certificate.
    Certificate {
        /// The certificate.
        name: String,
    },
}

/// A revocation list that is made.
#[derive(Clone, Debug)]
pub struct CrlStep {
    /// Who signs.
    pub issuer: String,
    /// Its number.
    pub number: CrlNumber,
    /// When the next one is due.
    pub next_update: Timestamp,
    /// The file of the list before it, all of whose entries stay.
    pub previous: Option<String>,
    /// Whether it is the first list, and so has none before it.
    pub first: bool,
    /// What is revoked newly.
    pub revoked: Vec<Revocation>,
}

/// A certificate that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Which one.
    pub target: RevocationTarget,
    /// Why.
    pub reason: RevocationReason,
    /// When; the ceremony's own time otherwise.
    pub revoked_at: Option<Timestamp>,
}

/// How a revoked certificate is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationTarget {
    /// By its serial number.
    Serial(EntrySerial),
    /// By its name in this definition.
    Certificate(String),
}

impl Definition {
    /// Reads YAML.
    ///
    /// # Errors
    /// `DefinitionError` names the field, what was found and what is allowed.
    pub fn from_yaml(text: &str) -> Result<Self, DefinitionError> {
        if text.len() > MAX_SIZE {
            return Err(DefinitionError::new("length", format!("{} octets", text.len()), "262144"));
        }
        let definition = written::read(text)?;
        definition.check()?;
        definition.check_places()?;
        Ok(definition)
    }

    /// Every name is there once, and what is named is there before.
    fn check(&self) -> Result<(), DefinitionError> {
        let mut certificates: Vec<(&str, Option<&str>)> = Vec::new();
        for (name, known) in &self.certificates {
            if let Some(key) = &known.key {
                self.check_key(&format!("certificates: {name}: key"), key)?;
            }
            certificates.push((name, known.key.as_deref()));
        }
        let mut names: Vec<&str> = self.certificates.keys().map(String::as_str).collect();
        let mut destroyed: Vec<&str> = Vec::new();
        for step in &self.steps {
            let place = format!("make: {}", step.name);
            if names.contains(&step.name.as_str()) {
                return Err(DefinitionError::new(place, "the name twice", "each name once"));
            }
            for key in self.keys_of(step, &certificates, &place)? {
                self.check_key(&format!("{place}: key"), key)?;
                if destroyed.contains(&key) {
                    let found = format!("{key}, which an earlier step destroys");
                    return Err(DefinitionError::new(place, found, "a key that is still there"));
                }
            }
            match &step.action {
                Action::Certificate(made) => {
                    let key = match &made.subject {
                        SubjectSource::Key { key, .. } => Some(key.as_str()),
                        SubjectSource::Csr { .. } => None,
                        SubjectSource::Certificate { name } => {
                            known(&certificates, name, &format!("{place}: certificate"))?;
                            None
                        }
                    };
                    certificates.push((&step.name, key));
                }
                Action::Crl(list) => check_list(list, self.at, &certificates, &place)?,
                Action::Destroy { key } => destroyed.push(key),
            }
            names.push(&step.name);
        }
        Ok(())
    }

    fn check_key(&self, place: &str, key: &str) -> Result<(), DefinitionError> {
        if self.keys.contains_key(key) {
            return Ok(());
        }
        let known: Vec<&str> = self.keys.keys().map(String::as_str).collect();
        let allowed = format!("one of keys: {}", known.join(", "));
        Err(DefinitionError::new(place, key, allowed))
    }

    /// The keys that a step needs.
    fn keys_of<'a>(
        &'a self,
        step: &'a Step,
        certificates: &[(&'a str, Option<&'a str>)],
        place: &str,
    ) -> Result<Vec<&'a str>, DefinitionError> {
        let issuer = |name: &'a str| {
            let (_, key) = known(certificates, name, &format!("{place}: issuer"))?;
            key.ok_or_else(|| {
                let found = format!("{name}, whose key is not here");
                DefinitionError::new(format!("{place}: issuer"), found, "one with a key")
            })
        };
        Ok(match &step.action {
            Action::Certificate(made) => {
                let signer = made.issuer.as_deref().map(issuer).transpose()?;
                let own = match &made.subject {
                    SubjectSource::Key { key, .. } => Some(key.as_str()),
                    SubjectSource::Csr { .. } | SubjectSource::Certificate { .. } => None,
                };
                signer.into_iter().chain(own).collect()
            }
            Action::Crl(list) => vec![issuer(&list.issuer)?],
            Action::Destroy { key } => vec![key],
        })
    }

    /// The key by which a certificate of this name signs; none where it has none here.
    pub fn key_of_certificate(&self, name: &str) -> Option<&str> {
        if let Some(known) = self.certificates.get(name) {
            return known.key.as_deref();
        }
        self.steps.iter().find(|step| step.name == name).and_then(|step| match &step.action {
            Action::Certificate(CertificateStep {
                subject: SubjectSource::Key { key, .. },
                ..
            }) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The files that the plan rests on, share set and sealed keys apart.
    pub fn inputs(&self) -> Vec<&str> {
        let known = self.certificates.values().map(|known| known.path.as_str());
        let steps = self.steps.iter().flat_map(|step| match &step.action {
            Action::Certificate(made) => [made.profile.path(), made.subject.path()],
            Action::Crl(list) => [list.previous.as_deref(), None],
            Action::Destroy { .. } => [None, None],
        });
        let mut all: Vec<&str> = known.chain(steps.flatten()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl ProfileSource {
    fn path(&self) -> Option<&str> {
        match self {
            Self::Shipped(_) => None,
            Self::File { path, .. } => Some(path),
        }
    }
}

impl SubjectSource {
    fn path(&self) -> Option<&str> {
        match self {
            Self::Csr { path, .. } => Some(path),
            Self::Key { .. } | Self::Certificate { .. } => None,
        }
    }
}

fn known<'a>(
    certificates: &[(&'a str, Option<&'a str>)],
    name: &str,
    place: &str,
) -> Result<(&'a str, Option<&'a str>), DefinitionError> {
    certificates.iter().find(|(known, _)| *known == name).copied().ok_or_else(|| {
        let known: Vec<&str> = certificates.iter().map(|(name, _)| *name).collect();
        let allowed = if known.is_empty() {
            "one of certificates, or one that an earlier step makes".into()
        } else {
            format!("one that is there before: {}", known.join(", "))
        };
        DefinitionError::new(place, name, allowed)
    })
}

fn check_list(
    list: &CrlStep,
    at: Timestamp,
    certificates: &[(&str, Option<&str>)],
    place: &str,
) -> Result<(), DefinitionError> {
    if list.next_update <= at {
        let allowed = format!("later than at, {at}");
        return Err(DefinitionError::new(
            format!("{place}: next_update"),
            list.next_update,
            allowed,
        ));
    }
    if list.previous.is_some() == list.first {
        let found = if list.first { "the first list with one before it" } else { "none" };
        let allowed =
            "the list before it, all of whose entries stay; `first: true` where there is none";
        return Err(DefinitionError::new(format!("{place}: previous"), found, allowed));
    }
    for revocation in &list.revoked {
        if let RevocationTarget::Certificate(name) = &revocation.target {
            known(certificates, name, &format!("{place}: revoked"))?;
        }
        if let Some(revoked_at) = revocation.revoked_at.filter(|time| *time > at) {
            let allowed = format!("not later than at, {at}");
            return Err(DefinitionError::new(format!("{place}: revoked"), revoked_at, allowed));
        }
        if revocation.reason == RevocationReason::RemoveFromCrl {
            let allowed = "the other reasons; only delta lists remove";
            return Err(DefinitionError::new(
                format!("{place}: reason"),
                revocation.reason,
                allowed,
            ));
        }
    }
    Ok(())
}

/// The shipped profile of this name, when it is of the right kind.
fn shipped(name: &str, kind: ProfileKind, place: &str) -> Result<ProfileSource, DefinitionError> {
    let found = Profile::shipped(name).filter(|profile| profile.kind() == kind);
    found.cloned().map(Box::new).map(ProfileSource::Shipped).ok_or_else(|| {
        let all = Profile::all_shipped().iter().filter(|profile| profile.kind() == kind);
        let allowed: Vec<&str> = all.map(Profile::name).collect();
        DefinitionError::new(format!("{place}: profile"), name, allowed.join(", "))
    })
}

#[cfg(test)]
mod tests;
