//! From a definition to what will be signed, octet for octet, before any key is opened.
//!
//! What an issuer of this ceremony signs depends on its certificate, which is not signed yet. So each
//! certificate is also put together with a signature of zeros: a preview, whose fields are those of the
//! real one. Nobody but this module sees previews; the signature of one is never right.

mod error;
mod lists;

use std::borrow::Cow;
use std::collections::BTreeMap;

use ca_core::algorithm::{Algorithm, SignatureScheme};
use ca_core::certificate::Certificate;
use ca_core::crl::RevokedEntry;
use ca_core::lint::{Finding, Linted, lint};
use ca_core::name::DistinguishedName;
use ca_core::pem;
use ca_core::plan::{IssuerIdentity, Plan, Request, plan};
use ca_core::profile::Profile;
use ca_core::public_key::PublicKey;
use ca_core::serial::SerialNumber;
use jiff::Timestamp;

pub use error::PlanningError;

use crate::definition::{
    Action, CertificateStep, Definition, KeySource, ProfileSource, Step, SubjectSource,
};

/// Seconds of a day; certificates know no leap seconds.
const SECONDS_OF_DAY: u64 = 86_400;
/// What the subjects of a rehearsal begin with, so that no certificate of one is taken for real.
const REHEARSAL: &str = "OU=REHEARSAL - NOT FOR USE";

/// What a plan rests on beside the definition.
#[derive(Debug)]
pub struct Materials {
    /// The public keys, by the names of the definition.
    pub public_keys: BTreeMap<String, PublicKey>,
    /// The octets of each file that [`Definition::inputs`] names.
    pub inputs: BTreeMap<String, Vec<u8>>,
    /// The serial number of each certificate that is made.
    pub serials: BTreeMap<String, SerialNumber>,
    /// Whether it is a rehearsal, which marks every subject.
    pub rehearsal: bool,
}

/// A step, ready to be signed.
#[derive(Debug)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// The key that signs, or that is destroyed.
    pub key: String,
    /// What is done with the key.
    pub deed: Deed,
}

/// What is done with a key.
#[derive(Debug)]
pub enum Deed {
    /// It signs a certificate.
    Certificate {
        /// What is signed.
        linted: Box<Linted>,
        /// The certificate with a signature of zeros.
        preview: Box<Certificate>,
    },
    /// It signs a revocation list.
    Crl(Box<PreparedCrl>),
    /// It is destroyed.
    Destroy,
}

/// A revocation list, ready to be signed.
#[derive(Debug)]
pub struct PreparedCrl {
    /// The issuer's certificate or preview.
    issuer: Certificate,
    number: ca_core::crl::CrlNumber,
    this_update: Timestamp,
    next_update: Timestamp,
    entries: Vec<RevokedEntry>,
    scheme: SignatureScheme,
    tbs: Vec<u8>,
    findings: Vec<Finding>,
}

impl Prepared {
    /// What the signature covers; nothing for a key that is destroyed.
    pub fn tbs(&self) -> &[u8] {
        match &self.deed {
            // There are no alternative signatures here, so that there is a TBS.
            Deed::Certificate { linted, .. } => linted.tbs_der().unwrap_or_default(),
            Deed::Crl(list) => &list.tbs,
            Deed::Destroy => &[],
        }
    }

    /// How it is signed; none for a key that is destroyed.
    pub fn scheme(&self) -> Option<SignatureScheme> {
        match &self.deed {
            Deed::Certificate { linted, .. } => Some(linted.scheme()),
            Deed::Crl(list) => Some(list.scheme),
            Deed::Destroy => None,
        }
    }

    /// What the plan changed in what was asked for, and what the lints say that does not stop it; in
    /// words.
    pub fn remarks(&self) -> Vec<String> {
        let (notes, findings) = match &self.deed {
            Deed::Certificate { linted, .. } => (linted.notes(), linted.findings()),
            Deed::Crl(list) => (&[][..], list.findings()),
            Deed::Destroy => (&[][..], &[][..]),
        };
        let notes = notes.iter().map(|note| format!("note: {note}"));
        notes.chain(findings.iter().map(|finding| format!("lint: {finding}"))).collect()
    }
}

/// Plans and lints every step of the definition.
///
/// # Errors
/// `PlanningError` names the step, and what profile, lint or input refuses.
pub fn prepare(
    definition: &Definition,
    materials: &Materials,
) -> Result<Vec<Prepared>, PlanningError> {
    let mut known = BTreeMap::new();
    for (name, certificate) in &definition.certificates {
        let octets = materials.input(&certificate.path)?;
        let read = pem::read_one_certificate(octets)
            .map_err(|error| PlanningError::at(&certificate.path, &error))?;
        if let Some(key) = &certificate.key {
            let key = materials.public_key(key)?;
            if read.public_key() != key {
                return Err(PlanningError::OtherKey {
                    step: name.clone(),
                    found: read.public_key().fingerprint(),
                    allowed: key.fingerprint(),
                });
            }
        }
        known.insert(name.as_str(), read);
    }
    let mut planner = Planner { definition, materials, known };
    definition.steps.iter().map(|step| planner.step(step)).collect()
}

struct Planner<'a> {
    definition: &'a Definition,
    materials: &'a Materials,
    /// Certificates that are there, and previews of those that will be.
    known: BTreeMap<&'a str, Certificate>,
}

impl<'a> Planner<'a> {
    fn step(&mut self, step: &'a Step) -> Result<Prepared, PlanningError> {
        let (key, deed) = match &step.action {
            Action::Certificate(made) => self.certificate(&step.name, made)?,
            Action::Crl(list) => {
                let (issuer, key) = self.issuer(&list.issuer)?;
                let scheme = self.scheme(key)?;
                let serials = |name: &str| self.known.get(name);
                let made = lists::prepare(
                    &step.name,
                    list,
                    self.definition.at,
                    (issuer, scheme),
                    serials,
                    self.materials,
                )?;
                (key.to_owned(), Deed::Crl(Box::new(made)))
            }
            Action::Destroy { key } => (key.clone(), Deed::Destroy),
        };
        Ok(Prepared { name: step.name.clone(), key, deed })
    }

    fn certificate(
        &mut self,
        name: &'a str,
        made: &CertificateStep,
    ) -> Result<(String, Deed), PlanningError> {
        let (issuer, key) = match &made.issuer {
            Some(issuer) => {
                let (certificate, key) = self.issuer(issuer)?;
                (Some(certificate), key.to_owned())
            }
            None => (None, self.own_key(name, made)?.to_owned()),
        };
        let (public_key, scheme) = (self.materials.public_key(&key)?, self.scheme(&key)?);
        let identity = IssuerIdentity { certificate: issuer, public_key, scheme, alt_scheme: None };
        let mut request = self.request(name, &made.subject)?;
        request.validity_seconds = made.days.map(|days| days * SECONDS_OF_DAY);
        let serial = self.materials.serial(name)?;
        let profile = self.profile(&made.profile)?;
        let planned = plan(&profile, request, identity, serial, self.definition.at)
            .map_err(|error| PlanningError::at(name, &error))?;
        let preview = preview(name, planned.clone(), scheme)?;
        let linted = lint(planned).map_err(|error| PlanningError::at(name, &error))?;
        self.known.insert(name, preview.clone());
        Ok((key, Deed::Certificate { linted: Box::new(linted), preview: Box::new(preview) }))
    }

    fn profile<'b>(&self, source: &'b ProfileSource) -> Result<Cow<'b, Profile>, PlanningError> {
        let (path, kind) = match source {
            ProfileSource::Shipped(profile) => return Ok(Cow::Borrowed(profile)),
            ProfileSource::File { path, kind } => (path, *kind),
        };
        let text = std::str::from_utf8(self.materials.input(path)?)
            .map_err(|error| PlanningError::at(path, &error))?;
        let profile = Profile::from_yaml(text).map_err(|error| PlanningError::at(path, &error))?;
        if profile.kind() == kind {
            return Ok(Cow::Owned(profile));
        }
        Err(PlanningError::Field {
            place: path.clone(),
            field: "kind",
            found: profile.kind().to_string(),
            allowed: kind.to_string(),
        })
    }

    /// The key of a root, which signs itself.
    fn own_key<'b>(&self, name: &str, made: &'b CertificateStep) -> Result<&'b str, PlanningError> {
        match &made.subject {
            SubjectSource::Key { key, .. } => Ok(key),
            _ => Err(PlanningError::Unknown { what: "issuer", found: name.to_owned() }),
        }
    }

    fn request(&self, name: &str, source: &SubjectSource) -> Result<Request, PlanningError> {
        let failed = |error: &dyn std::error::Error| PlanningError::at(name, error);
        match source {
            SubjectSource::Key { key, subject } => {
                let key = self.materials.public_key(key)?.clone();
                Ok(Request::new(self.marked(name, subject)?, Vec::new(), key))
            }
            SubjectSource::Csr { path, subject } => {
                let octets = self.materials.input(path)?;
                let csr = pem::read_one_request(octets)
                    .map_err(|error| PlanningError::at(path, &error))?;
                let proven = csr.verify_possession().map_err(|error| failed(&error))?;
                let mut request = Request::from_csr(proven);
                request.subject =
                    self.marked(name, subject.as_ref().unwrap_or(&request.subject))?;
                Ok(request)
            }
            SubjectSource::Certificate { name: other } => {
                let certificate = self.known.get(other.as_str()).ok_or_else(|| {
                    PlanningError::Unknown { what: "certificate", found: other.clone() }
                })?;
                Request::cross(certificate).map_err(|error| failed(&error))
            }
        }
    }

    /// The subject, marked in a rehearsal.
    fn marked(
        &self,
        name: &str,
        subject: &DistinguishedName,
    ) -> Result<DistinguishedName, PlanningError> {
        if !self.materials.rehearsal {
            return Ok(subject.clone());
        }
        DistinguishedName::parse(&format!("{REHEARSAL},{subject}"))
            .map_err(|error| PlanningError::at(name, &error))
    }

    /// The certificate or preview of an issuer, and the name of its key.
    fn issuer(&self, name: &str) -> Result<(&Certificate, &'a str), PlanningError> {
        let key = self.definition.key_of_certificate(name);
        self.known
            .get(name)
            .zip(key)
            .ok_or_else(|| PlanningError::Unknown { what: "issuer", found: name.to_owned() })
    }

    /// How a key signs: as the definition says, otherwise as keys of its kind do.
    fn scheme(&self, key: &str) -> Result<SignatureScheme, PlanningError> {
        let named = match self.definition.keys.get(key) {
            Some(KeySource::Made(algorithm)) => Some(*algorithm),
            Some(KeySource::File { algorithm, .. }) => *algorithm,
            None => None,
        };
        let kind = self.materials.public_key(key)?.kind();
        let algorithm = named.or_else(|| Algorithm::of_key(kind, false));
        let unknown = || PlanningError::Unknown { what: "algorithm of key", found: key.to_owned() };
        Ok(algorithm.ok_or_else(unknown)?.scheme())
    }
}

/// The certificate as it will be, but for the signature, which is zeros.
fn preview(
    name: &str,
    planned: Plan,
    scheme: SignatureScheme,
) -> Result<Certificate, PlanningError> {
    let zeros = zeros(scheme);
    let linted = lint(planned).map_err(|error| PlanningError::at(name, &error))?;
    let made = linted.assemble(&zeros).map_err(|error| PlanningError::at(name, &error))?;
    made.to_certificate().map_err(|error| PlanningError::at(name, &error))
}

/// A signature of zeros, as long as one by this scheme.
fn zeros(scheme: SignatureScheme) -> Vec<u8> {
    let row = Algorithm::all().iter().find(|row| row.scheme() == scheme);
    vec![0; row.map_or(1, Algorithm::signature_size)]
}

impl Materials {
    fn input(&self, path: &str) -> Result<&[u8], PlanningError> {
        let found = self.inputs.get(path).map(Vec::as_slice);
        found.ok_or_else(|| PlanningError::Unknown { what: "input", found: path.to_owned() })
    }

    fn public_key(&self, name: &str) -> Result<&PublicKey, PlanningError> {
        let found = self.public_keys.get(name);
        found.ok_or_else(|| PlanningError::Unknown { what: "key", found: name.to_owned() })
    }

    fn serial(&self, name: &str) -> Result<SerialNumber, PlanningError> {
        let found = self.serials.get(name).copied();
        found.ok_or_else(|| PlanningError::Unknown { what: "serial of", found: name.to_owned() })
    }
}

#[cfg(test)]
pub(crate) mod tests;
