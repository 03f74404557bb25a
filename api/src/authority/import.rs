//! Taking over an authority that an offline ceremony made: what was signed there is recorded here as
//! if it had been signed here, so that the ledger knows all of it (ADR 0144).

use std::path::Path;

use ca_core::algorithm::{Algorithm, SignatureScheme};
use ca_core::certificate::Certificate;
use ca_core::crl::{CertificateList, EntrySerial};
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::{AltName, NameKind};
use ca_core::key::PrivateKey;
use ca_core::name;
use ca_core::pem::Label;
use ca_core::profile::KeyReuse;
use ca_core::serial::SerialNumber;
use ceremony::audit::Report;
use ledger::{Authority as Recorded, Ledger, NewAuthority, NewCertificate, NewRecord};

use super::found::{check_name, taken, write_certificates};
use super::{KEY, Protection, chain, verify_signature};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed, make_folder, write_file};
use crate::issuance::Asker;
use crate::key_file;
use crate::output::{Content, Encoding};

/// What records of a ceremony have in the place of a profile: the plan decided, not a profile here.
const PROFILE: &str = "ceremony";

/// What is taken over.
pub struct Importing {
    /// Its name in the ledger.
    pub name: String,
    /// The step of the ceremony that made its certificate.
    pub step: String,
    /// The authority that signed its certificate, which the ledger has; none for a root.
    pub parent: Option<String>,
    /// Its key, where it signs here.
    pub key: Option<PrivateKey>,
}

/// Takes an authority over from a ceremony that was audited, with records of all certificates that
/// its issuer signed there; gives its certificate and those above it. A key is kept under
/// `protection`. Cut off, it goes on.
///
/// # Errors
/// `CliError` with exit code 1 when the certificate is not the parent's, has ended, is revoked by a
/// list of the same ceremony, or is of another key; 2 when the name is taken or there is no such step;
/// 3 where files or ledger can't be read or written.
pub async fn import(
    folder: &DataFolder,
    ledger: &Ledger,
    report: &Report,
    importing: Importing,
    protection: Protection<'_>,
    context: &mut Context,
) -> Result<Vec<Certificate>, CliError> {
    let Importing { name, step, parent, key } = importing;
    check_name(&name)?;
    let certificates = certificates(report)?;
    let own = certificates.iter().find(|(made, _)| *made == step).map(|(_, found)| found);
    let own = own.ok_or_else(|| no_such_step(&step, &certificates))?.clone();
    let above = match &parent {
        Some(parent) => chain(ledger, parent).await?,
        None => Vec::new(),
    };
    let issuer = above.first().unwrap_or(&own);
    check_signed(&step, &own, issuer, parent.as_deref())?;
    check_stands(&step, &own, issuer, report, context)?;
    if let Some(key) = &key {
        check_key(&step, &own, key)?;
    }
    let known = ledger.authority(&name).await.map_err(ledger_failed)?;
    if known.as_ref().is_some_and(|known| !known.certificates.is_empty()) {
        return Err(taken(&name));
    }
    let new = NewAuthority {
        name: name.clone(),
        algorithm: algorithm(&own, parent.is_none())?.name().to_owned(),
        key_digest: own.public_key().fingerprint(),
        component_digests: own.public_key().component_fingerprints(),
        parent: parent.clone(),
        created_at: context.now(),
    };
    check_begun(known.as_ref(), &new)?;
    let place = folder.authority(&name);
    make_folder(&place)?;
    if let Some(key) = &key {
        write_key(&place, key, protection, context)?;
    }
    ledger.add_authority(new).await.map_err(ledger_failed)?;
    let requester = format!("{} ceremony:{}", Asker::local(None).requester, report.ceremony);
    let signed = certificates.iter().filter(|(_, made)| {
        made.issuer() == issuer.subject() && verify_signature(made, issuer.public_key()).is_ok()
    });
    for (_, made) in signed {
        record(ledger, parent.as_ref().unwrap_or(&name), made, &requester, context).await?;
    }
    let chain: Vec<Certificate> = std::iter::once(own.clone()).chain(above).collect();
    write_certificates(&place, &chain)?;
    // Last, as when one is founded: whoever finds an authority complete finds its files too.
    let added = ledger.add_authority_certificate(&name, own.der().to_vec(), context.now()).await;
    added.map_err(ledger_failed)?;
    Ok(chain)
}

/// The certificates that the ceremony made, by step.
fn certificates(report: &Report) -> Result<Vec<(&str, Certificate)>, CliError> {
    let made = report.made.iter().filter(|made| made.label == Label::Certificate);
    made.map(|made| match Certificate::from_der(&made.der) {
        Ok(certificate) => Ok((made.step.as_str(), certificate)),
        Err(error) => Err(CliError::of(Exit::Refused, format!("step {}", made.step), &error)),
    })
    .collect()
}

fn no_such_step(step: &str, certificates: &[(&str, Certificate)]) -> CliError {
    let names: Vec<&str> = certificates.iter().map(|(name, _)| *name).collect();
    CliError::usage(format!(
        "step: found {step:?}, allowed are those that made a certificate: {}",
        names.join(", ")
    ))
}

/// The issuer's name and signature are on it; a root is its own issuer.
fn check_signed(
    step: &str,
    own: &Certificate,
    issuer: &Certificate,
    parent: Option<&str>,
) -> Result<(), CliError> {
    let who = parent.unwrap_or("itself, as it is without --parent");
    if own.issuer() != issuer.subject() {
        return Err(CliError::refused(format!(
            "step {step}: issuer: found {:?}, allowed is {:?}, the name of {who}",
            name::to_text(own.issuer()),
            name::to_text(issuer.subject())
        )));
    }
    let signed = verify_signature(own, issuer.public_key());
    signed.map_err(|error| {
        CliError::of(Exit::Refused, format!("step {step}: not signed by {who}"), &error)
    })?;
    let is_authority = own.extensions().basic_constraints().is_some_and(|found| found.ca);
    if !is_authority || (parent.is_some() && own.public_key() == issuer.public_key()) {
        let found = if is_authority { "the key of its parent" } else { "an end entity" };
        return Err(CliError::refused(format!(
            "step {step}: found {found}, allowed is an authority with a key of its own"
        )));
    }
    Ok(())
}

/// It has not ended, and no list of the ceremony revokes it.
fn check_stands(
    step: &str,
    own: &Certificate,
    issuer: &Certificate,
    report: &Report,
    context: &Context,
) -> Result<(), CliError> {
    let (ends, now) = (own.validity().not_after(), context.now());
    if ends < now {
        return Err(CliError::refused(format!(
            "step {step}: validity: found an end at {ends}, allowed is one after {now}"
        )));
    }
    let serial = EntrySerial::of(own)
        .map_err(|error| CliError::of(Exit::Refused, format!("step {step}: serial"), &error))?;
    for made in report.made.iter().filter(|made| made.label == Label::Crl) {
        let list = CertificateList::from_der(made.der.as_slice())
            .map_err(|error| CliError::of(Exit::Refused, format!("step {}", made.step), &error))?;
        if list.verify(issuer).is_ok() && list.find(&serial).is_some() {
            return Err(CliError::refused(format!(
                "step {step}: it is revoked by the list of step {}, allowed is one that is not",
                made.step
            )));
        }
    }
    Ok(())
}

fn check_key(step: &str, own: &Certificate, key: &PrivateKey) -> Result<(), CliError> {
    if key.public_key() == own.public_key() {
        return Ok(());
    }
    Err(CliError::refused(format!(
        "key: found {}, allowed is {}, the key in the certificate of step {step}",
        key.public_key().fingerprint(),
        own.public_key().fingerprint()
    )))
}

/// How the authority signs. An RSA key does not tell: a root's own signature does.
fn algorithm(own: &Certificate, is_root: bool) -> Result<&'static Algorithm, CliError> {
    let kind = own.public_key().kind();
    let scheme = SignatureScheme::from_identifier(own.signature_algorithm()).ok();
    let by_itself = Algorithm::all()
        .iter()
        .find(|row| is_root && row.key() == kind && Some(row.scheme()) == scheme);
    by_itself.or_else(|| Algorithm::of_key(kind, false)).ok_or_else(|| {
        CliError::refused(format!("key: found {kind}, allowed is a key that signs certificates"))
    })
}

/// What was begun under this name and cut off is the same.
fn check_begun(known: Option<&Recorded>, new: &NewAuthority) -> Result<(), CliError> {
    let Some(known) = known else { return Ok(()) };
    let (old, name) = (&known.content, &new.name);
    if (old.key_digest, &old.parent) == (new.key_digest, &new.parent) {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "authority {name:?}: it was begun before with the key {}, found {}",
        old.key_digest, new.key_digest
    ))
    .with_hint("import what it was begun with, or choose another name"))
}

/// Writes the key; that of a run that was cut off is replaced by the same.
fn write_key(
    place: &Path,
    key: &PrivateKey,
    protection: Protection<'_>,
    context: &mut Context,
) -> Result<(), CliError> {
    if place.join(KEY).exists() {
        return Ok(());
    }
    let Protection { passphrase, derivation } = protection;
    let pem = key_file::encode(key, passphrase, derivation, Encoding::Pem, context.rng())?;
    write_file(place.join(KEY), Content::Secret, &pem)
}

/// Records a certificate and stores it, unless the ledger has it.
async fn record(
    ledger: &Ledger,
    issuer: &str,
    made: &Certificate,
    requester: &str,
    context: &mut Context,
) -> Result<(), CliError> {
    let subject = format!("certificate {}", made.fingerprint());
    let serial = SerialNumber::from_bytes(made.serial_octets())
        .map_err(|error| CliError::of(Exit::Refused, format!("{subject}: serial"), &error))?;
    let known = ledger.get_by_serial(serial).await.map_err(ledger_failed)?;
    let stored = known.as_ref().and_then(|known| known.certificate.as_ref());
    if stored.is_some_and(|stored| stored.der == made.der()) {
        return Ok(());
    }
    if known.is_none() {
        let digest =
            made.record_digest().map_err(|error| CliError::of(Exit::Fault, &subject, &error))?;
        let record = new_record(issuer, (serial, digest), made, requester, context);
        ledger.record(record).await.map_err(ledger_failed)?;
    }
    let certificate = NewCertificate::new(serial, made.der().to_vec(), context.now());
    ledger.store(certificate.map_err(ledger_failed)?).await.map_err(ledger_failed)?;
    Ok(())
}

/// What would have been recorded before this certificate was signed.
fn new_record(
    issuer: &str,
    (serial, tbs_digest): (SerialNumber, Fingerprint),
    made: &Certificate,
    requester: &str,
    context: &Context,
) -> NewRecord {
    let extensions = made.extensions();
    let kind = made.public_key().kind();
    let algorithm = Algorithm::of_key(kind, false);
    let names = extensions.subject_alt_name().into_iter().flat_map(|names| &names.0);
    let places = extensions.crl_places().filter_map(|place| AltName::from_general_name(place).ok());
    let alternative = extensions.alt_public_key().into_iter();
    let keys = std::iter::once(made.public_key()).chain(alternative);
    NewRecord {
        authority: issuer.to_owned(),
        serial,
        profile: PROFILE.to_owned(),
        requester: requester.to_owned(),
        idempotency: None,
        tbs_digest,
        subject: name::to_text(made.subject()),
        names: names
            .filter_map(|name| AltName::from_general_name(name).ok())
            .map(|name| name.to_string())
            .collect(),
        algorithm: algorithm.map_or_else(|| kind.to_string(), |row| row.name().to_owned()),
        key_digest: made.public_key().fingerprint(),
        component_digests: keys.flat_map(|key| key.component_fingerprints()).collect(),
        for_authority: extensions.basic_constraints().is_some_and(|found| found.ca),
        key_reuse: KeyReuse::SameKey,
        crl_places: places
            .filter(|place| place.kind() == NameKind::Uri)
            .map(|place| place.value())
            .collect(),
        validity: made.validity(),
        recorded_at: context.now(),
    }
}
