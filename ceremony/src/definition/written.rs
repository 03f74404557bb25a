//! The YAML as it stands there.

use std::collections::BTreeMap;
use std::fmt::Display;

use ca_core::algorithm::Algorithm;
use ca_core::crl::EntrySerial;
use ca_core::name::DistinguishedName;
use ca_core::profile::ProfileKind;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Action, CertificateStep, CrlStep, Custody, Definition, DefinitionError, KeySource,
    KnownCertificate, MAX_ITEMS, ProfileSource, Revocation, RevocationTarget, Step, SubjectSource,
    shipped,
};

use crate::witness::{Witness, WitnessError, WitnessKey};

/// Read first, so that a newer file says that it is newer, and not which field is unknown.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: u32,
    title: String,
    at: String,
    custody: WrittenCustody,
    #[serde(default)]
    witnesses: Vec<WrittenWitness>,
    #[serde(default)]
    keys: Vec<WrittenKey>,
    #[serde(default)]
    certificates: Vec<WrittenCertificate>,
    make: Vec<WrittenStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCustody {
    threshold: Option<u8>,
    custodians: Option<Vec<String>>,
    share_set: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWitness {
    name: String,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    name: String,
    algorithm: Option<String>,
    file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCertificate {
    name: String,
    file: String,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenStep {
    Root(WrittenRoot),
    Issuing(WrittenIssuing),
    Cross(WrittenCross),
    Rekey(WrittenRekey),
    Crl(WrittenCrl),
    Destroy(WrittenDestroy),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRoot {
    name: String,
    key: String,
    subject: String,
    days: Option<u64>,
    profile: Option<String>,
    profile_file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIssuing {
    name: String,
    issuer: String,
    key: Option<String>,
    csr: Option<String>,
    subject: Option<String>,
    days: Option<u64>,
    profile: Option<String>,
    profile_file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCross {
    name: String,
    issuer: String,
    certificate: String,
    days: Option<u64>,
    profile: Option<String>,
    profile_file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRekey {
    old: String,
    new: String,
    days: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCrl {
    name: String,
    issuer: String,
    number: u64,
    next_update: String,
    previous: Option<String>,
    first: Option<bool>,
    #[serde(default)]
    revoked: Vec<WrittenRevocation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRevocation {
    serial: Option<String>,
    certificate: Option<String>,
    reason: Option<String>,
    revoked_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDestroy {
    key: String,
}

pub(super) fn read(text: &str) -> Result<Definition, DefinitionError> {
    let malformed = |error: serde_saphyr::Error| DefinitionError::Malformed {
        found: ca_core::escape::escaped(&error.without_snippet().to_string()),
    };
    let VersionOnly { version } = serde_saphyr::from_str(text).map_err(malformed)?;
    if version != 1 {
        return Err(DefinitionError::new("version", version, "1"));
    }
    let written: Written = serde_saphyr::from_str(text).map_err(malformed)?;
    let mut steps = Vec::new();
    bounded("make", written.make.len(), 1)?;
    for step in written.make {
        steps.extend(step.read()?);
    }
    Ok(Definition {
        title: line("title", &written.title)?,
        at: time("at", &written.at)?,
        custody: written.custody.read()?,
        witnesses: witnesses(written.witnesses)?,
        keys: keys(written.keys)?,
        certificates: certificates(written.certificates)?,
        steps,
    })
}

/// Each has a name and a key of their own.
fn witnesses(written: Vec<WrittenWitness>) -> Result<Vec<Witness>, DefinitionError> {
    bounded("witnesses", written.len(), 0)?;
    let mut all: Vec<Witness> = Vec::new();
    for WrittenWitness { name, key } in written {
        let name = line("witnesses: name", &name)?;
        let place = format!("witnesses: {name}");
        let key = WitnessKey::read(&key).map_err(|error| match error {
            WitnessError::Field { field, found, allowed } => {
                DefinitionError::Field { field: format!("{place}: {field}"), found, allowed }
            }
            other => DefinitionError::new(&place, other, "a public key"),
        })?;
        if all.iter().any(|other| other.name == name || other.key.digest() == key.digest()) {
            return Err(DefinitionError::new(place, "the name or key twice", "each once"));
        }
        all.push(Witness { name, key });
    }
    Ok(all)
}

fn bounded(field: &str, found: usize, least: usize) -> Result<(), DefinitionError> {
    if (least..=MAX_ITEMS).contains(&found) {
        return Ok(());
    }
    Err(DefinitionError::new(field, format!("{found} of them"), format!("{least} to {MAX_ITEMS}")))
}

/// One line of text that a terminal shows as it is.
fn line(field: &str, text: &str) -> Result<String, DefinitionError> {
    let fine = (1..=100).contains(&text.chars().count())
        && text.trim() == text
        && ca_core::escape::escaped(text) == text;
    if fine {
        return Ok(text.to_owned());
    }
    Err(DefinitionError::new(field, text, "1 to 100 characters that a terminal shows"))
}

/// An instant in whole seconds, as certificates have them.
fn time(field: &str, text: &str) -> Result<Timestamp, DefinitionError> {
    let read = text.parse::<Timestamp>().ok().filter(|time| time.subsec_nanosecond() == 0);
    read.ok_or_else(|| {
        DefinitionError::new(field, text, "a time in whole seconds, such as 2026-12-01T09:00:00Z")
    })
}

/// Names are files as well, so they are kept plain.
fn name(field: &str, text: &str) -> Result<String, DefinitionError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.') {
        return Ok(text.to_owned());
    }
    let allowed = "1 to 64 of a-z, 0-9, `-`, `_` and `.`, the first no `.`";
    Err(DefinitionError::new(format!("{field}: name"), text, allowed))
}

/// A file in the ceremony's folder or below: the folder is whole when it is carried elsewhere.
fn path(field: impl Display, text: String) -> Result<String, DefinitionError> {
    if crate::folder::is_inside(&text) {
        return Ok(text);
    }
    Err(DefinitionError::new(field, text, crate::folder::INSIDE))
}

/// Reads a value by the function of its own type.
fn parsed<T, E: Display>(
    field: impl Display,
    text: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, DefinitionError> {
    read(text).map_err(|error| DefinitionError::new(field, text, error.to_string()))
}

fn keys(written: Vec<WrittenKey>) -> Result<BTreeMap<String, KeySource>, DefinitionError> {
    bounded("keys", written.len(), 0)?;
    let mut keys = BTreeMap::new();
    for key in written {
        let field = format!("keys: {}", key.name);
        let algorithm = key.algorithm.as_deref();
        let algorithm = algorithm
            .map(|text| parsed(format!("{field}: algorithm"), text, Algorithm::named))
            .transpose()?;
        let source = match (algorithm, key.file) {
            (algorithm, Some(file)) => {
                KeySource::File { path: path(format!("{field}: file"), file)?, algorithm }
            }
            (Some(algorithm), None) => KeySource::Made(algorithm),
            (None, None) => {
                let allowed = "algorithm for a new key, or file for one that is there";
                return Err(DefinitionError::new(field, "neither algorithm nor file", allowed));
            }
        };
        if keys.insert(name("keys", &key.name)?, source).is_some() {
            return Err(DefinitionError::new(field, "the name twice", "each name once"));
        }
    }
    Ok(keys)
}

fn certificates(
    written: Vec<WrittenCertificate>,
) -> Result<BTreeMap<String, KnownCertificate>, DefinitionError> {
    bounded("certificates", written.len(), 0)?;
    let mut all = BTreeMap::new();
    for WrittenCertificate { name: text, file: path, key } in written {
        let path = self::path(format!("certificates: {text}: file"), path)?;
        let known = KnownCertificate { path, key };
        if all.insert(name("certificates", &text)?, known).is_some() {
            let field = format!("certificates: {text}");
            return Err(DefinitionError::new(field, "the name twice", "each name once"));
        }
    }
    Ok(all)
}

impl WrittenCustody {
    fn read(self) -> Result<Custody, DefinitionError> {
        match self {
            Self { threshold: Some(threshold), custodians: Some(custodians), share_set: None } => {
                Ok(Custody::New { threshold, custodians })
            }
            Self { threshold: None, custodians: None, share_set: Some(share_set) } => {
                Ok(Custody::Existing { share_set: path("custody: share_set", share_set)? })
            }
            _ => Err(DefinitionError::new(
                "custody",
                "another combination",
                "threshold and custodians for new shares, or share_set for those that are there",
            )),
        }
    }
}

impl WrittenStep {
    /// A re-key is two certificates; everything else is one step.
    fn read(self) -> Result<Vec<Step>, DefinitionError> {
        match self {
            Self::Root(root) => root.read(),
            Self::Issuing(issuing) => issuing.read(),
            Self::Cross(cross) => cross.read(),
            Self::Rekey(rekey) => rekey.read(),
            Self::Crl(list) => list.read(),
            Self::Destroy(WrittenDestroy { key }) => {
                let step = format!("destroy-{key}");
                Ok(vec![Step {
                    name: name("make: destroy", &step)?,
                    action: Action::Destroy { key },
                }])
            }
        }
    }
}

fn certificate_step(
    kind: &str,
    step_name: &str,
    made: CertificateStep,
) -> Result<Vec<Step>, DefinitionError> {
    let name = name(&format!("make: {kind}"), step_name)?;
    if let Some(days) = made.days.filter(|days| !(1..=36_500).contains(days)) {
        return Err(DefinitionError::new(format!("make: {name}: days"), days, "1 to 36500"));
    }
    Ok(vec![Step { name, action: Action::Certificate(made) }])
}

fn subject(place: &str, text: &str) -> Result<DistinguishedName, DefinitionError> {
    parsed(format!("{place}: subject"), text, DistinguishedName::parse)
}

/// The profile: a shipped one by its name, or a file.
fn profile(
    (name, file): (Option<String>, Option<String>),
    default: &str,
    kind: ProfileKind,
    place: &str,
) -> Result<ProfileSource, DefinitionError> {
    match (name, file) {
        (name, None) => shipped(name.as_deref().unwrap_or(default), kind, place),
        (None, Some(file)) => {
            let path = path(format!("{place}: profile_file"), file)?;
            Ok(ProfileSource::File { path, kind })
        }
        (Some(_), Some(_)) => {
            let allowed = "profile with a shipped name, or profile_file";
            Err(DefinitionError::new(place, "profile and profile_file", allowed))
        }
    }
}

impl WrittenRoot {
    fn read(self) -> Result<Vec<Step>, DefinitionError> {
        let place = format!("make: {}", self.name);
        let subject =
            SubjectSource::Key { key: self.key, subject: subject(&place, &self.subject)? };
        let named = (self.profile, self.profile_file);
        let profile = profile(named, "root", ProfileKind::Root, &place)?;
        let made = CertificateStep { issuer: None, subject, profile, days: self.days };
        certificate_step("root", &self.name, made)
    }
}

impl WrittenIssuing {
    fn read(self) -> Result<Vec<Step>, DefinitionError> {
        let place = format!("make: {}", self.name);
        let named = self.subject.as_deref().map(|text| subject(&place, text)).transpose()?;
        let subject = match (self.key, self.csr, named) {
            (Some(key), None, Some(subject)) => SubjectSource::Key { key, subject },
            (None, Some(csr), subject) => {
                SubjectSource::Csr { path: path(format!("{place}: csr"), csr)?, subject }
            }
            _ => {
                let allowed = "key and subject, or csr with or without subject";
                return Err(DefinitionError::new(place, "another combination", allowed));
            }
        };
        let named = (self.profile, self.profile_file);
        let profile = profile(named, "issuing-ca", ProfileKind::Issuing, &place)?;
        let issuer = Some(self.issuer);
        let made = CertificateStep { issuer, subject, profile, days: self.days };
        certificate_step("issuing", &self.name, made)
    }
}

impl WrittenCross {
    fn read(self) -> Result<Vec<Step>, DefinitionError> {
        let place = format!("make: {}", self.name);
        let named = (self.profile, self.profile_file);
        let profile = profile(named, "cross-ca", ProfileKind::Cross, &place)?;
        let subject = SubjectSource::Certificate { name: self.certificate };
        let made = CertificateStep { issuer: Some(self.issuer), subject, profile, days: self.days };
        certificate_step("cross", &self.name, made)
    }
}

impl WrittenRekey {
    /// The link certificates of RFC 4210 section 4.4: the new key signed by the old one, and the
    /// old one signed by the new.
    fn read(self) -> Result<Vec<Step>, DefinitionError> {
        let Self { old, new, days } = self;
        let pairs = [(&new, &old), (&old, &new)];
        let links = pairs.map(|(subject, issuer)| WrittenCross {
            name: format!("{subject}-with-{issuer}"),
            issuer: issuer.clone(),
            certificate: subject.clone(),
            days,
            profile: None,
            profile_file: None,
        });
        let links: Result<Vec<_>, _> = links.into_iter().map(WrittenCross::read).collect();
        Ok(links?.concat())
    }
}

impl WrittenCrl {
    fn read(self) -> Result<Vec<Step>, DefinitionError> {
        let name = name("make: crl", &self.name)?;
        let place = format!("make: {name}");
        if self.number == 0 {
            return Err(DefinitionError::new(format!("{place}: number"), 0, "1 or more"));
        }
        let revoked = self.revoked.into_iter().map(|one| one.read(&place));
        // Number 1 says by itself that there is none before.
        let first = self.first.unwrap_or(self.number == 1 && self.previous.is_none());
        let list = CrlStep {
            issuer: self.issuer,
            number: self.number.into(),
            next_update: time(&format!("{place}: next_update"), &self.next_update)?,
            previous: self
                .previous
                .map(|text| path(format!("{place}: previous"), text))
                .transpose()?,
            first,
            revoked: revoked.collect::<Result<_, _>>()?,
        };
        Ok(vec![Step { name, action: Action::Crl(list) }])
    }
}

impl WrittenRevocation {
    fn read(self, place: &str) -> Result<Revocation, DefinitionError> {
        let target = match (self.serial, self.certificate) {
            (Some(serial), None) => {
                let serial = parsed(format!("{place}: serial"), &serial, EntrySerial::from_hex)?;
                RevocationTarget::Serial(serial)
            }
            (None, Some(name)) => RevocationTarget::Certificate(name),
            _ => {
                let field = format!("{place}: revoked");
                let allowed = "serial, or certificate with a name of this file";
                return Err(DefinitionError::new(field, "both or neither", allowed));
            }
        };
        let reason = self.reason.as_deref().unwrap_or("unspecified");
        let reason = parsed(format!("{place}: reason"), reason, str::parse)?;
        let field = format!("{place}: revoked_at");
        let revoked_at = self.revoked_at.map(|text| time(&field, &text)).transpose()?;
        Ok(Revocation { target, reason, revoked_at })
    }
}
