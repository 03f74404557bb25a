//! The first five minutes: authorities, one certificate, and the proof that it is right.

use std::fs;
use std::path::PathBuf;

use ca_core::algorithm::{Algorithm, Family};
use ca_core::certificate::Certificate;
use ca_core::general_name::{AltName, NameKind};
use ca_core::key::{KeyDerivation, PrivateKey};
use ca_core::lint::lint;
use ca_core::name::{AttributeType, DistinguishedName};
use ca_core::path::{self, Outcome, SecurityPolicy, ServerName};
use ca_core::pem;
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::serial::SerialNumber;
use ledger::Ledger;

use crate::authority::Authority;
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed, make_folder, write_file};
use crate::hierarchy::{Hierarchy, found_hierarchy};
use crate::issuance::{self, Asker};
use crate::key_file;
use crate::output::{Content, Encoding};
use crate::passphrase::{Passphrase, PassphraseOptions};
use crate::profiles::shipped;

/// What was made, or was there before.
#[derive(Debug)]
pub struct Demonstration {
    /// The certificate that was issued, or found from before.
    pub certificate: Certificate,
    /// Its issuing CA's certificate.
    pub issuing: Certificate,
    /// The root's certificate.
    pub root: Certificate,
    /// The certificate's folder.
    pub folder: PathBuf,
    /// Whether the certificate was there before.
    pub reused: bool,
    /// How the path from the certificate to the root was judged.
    pub outcome: Outcome,
}

/// Makes the data folder unless it is there, issues a certificate for the names unless there is a
/// valid one, and checks it.
///
/// # Errors
/// `CliError` with exit code 1 when a profile refuses or the check fails, 2 and 3 as the data
/// folder's functions say.
pub async fn quickstart(
    folder: &DataFolder,
    hierarchy: Hierarchy,
    names: &[AltName],
    context: &mut Context,
) -> Result<Demonstration, CliError> {
    if !folder.has_ledger() {
        let passphrase = Passphrase::random(context.rng());
        found_hierarchy(folder, hierarchy, Some(&passphrase), true, context).await?;
    }
    let ledger = folder.open_ledger().await?;
    let made = demonstrate(folder, &ledger, names, context).await;
    ledger.close().await.map_err(ledger_failed)?;
    made
}

async fn demonstrate(
    folder: &DataFolder,
    ledger: &Ledger,
    names: &[AltName],
    context: &mut Context,
) -> Result<Demonstration, CliError> {
    let first = names.first().ok_or_else(|| CliError::usage("--dns: found no name"))?;
    let place = folder.certificate(&first.value().replace('*', "_"));
    let chain = crate::authority::chain(ledger, "issuing").await?;
    let [issuing, root] = &chain[..] else {
        return Err(CliError::environment(format!(
            "{}: it has no authority `issuing` below a root; quickstart works only in a folder that quickstart or init made",
            folder.path().display()
        )));
    };
    let found = found_before(&place, issuing, names, context)?;
    let reused = found.is_some();
    let certificate = match found {
        Some(certificate) => certificate,
        None => issue(folder, ledger, &place, names, context).await?,
    };
    let outcome = check(&certificate, issuing, root, first, context);
    Ok(Demonstration {
        certificate,
        issuing: issuing.clone(),
        root: root.clone(),
        folder: place,
        reused,
        outcome,
    })
}

/// The certificate of an earlier run: still valid, from the same authority, for the same names.
fn found_before(
    place: &std::path::Path,
    issuing: &Certificate,
    names: &[AltName],
    context: &Context,
) -> Result<Option<Certificate>, CliError> {
    let path = place.join("certificate.pem");
    if !path.exists() || !place.join("key.pem").exists() {
        return Ok(None);
    }
    let failed = |error: &dyn std::error::Error| CliError::of(Exit::Usage, path.display(), error);
    let octets = fs::read(&path).map_err(|error| failed(&error))?;
    let certificate = pem::read_one_certificate(&octets).map_err(|error| failed(&error))?;
    let held = certificate.extensions().subject_alt_name();
    let held = held.map(|held| held.0.iter().map(AltName::from_general_name));
    let held: Result<Vec<AltName>, _> = held.into_iter().flatten().collect();
    let same = certificate.issuer() == issuing.subject()
        && certificate.validity().contains(context.now())
        && held.is_ok_and(|held| held == names);
    Ok(same.then_some(certificate))
}

async fn issue(
    folder: &DataFolder,
    ledger: &Ledger,
    place: &std::path::Path,
    names: &[AltName],
    context: &mut Context,
) -> Result<Certificate, CliError> {
    let mut ask = |context: &mut Context| folder.passphrase(&PassphraseOptions::default(), context);
    let authority = Authority::load(folder, ledger, "issuing", &mut ask, context).await?;
    let recorded = ledger.authority("issuing").await.map_err(ledger_failed)?;
    let algorithm = recorded.map(|found| found.content.algorithm).unwrap_or_default();
    let algorithm = Algorithm::named(&algorithm)
        .map_err(|error| CliError::of(Exit::Environment, "authority issuing", &error))?;
    let key = PrivateKey::generate(algorithm, context.rng())
        .map_err(|error| CliError::of(Exit::Fault, "key", &error))?;
    let request = request(names, &key, names.to_vec());
    let profile = shipped("tls-server")?;
    let issued =
        issuance::issue(ledger, &authority, &profile, request, Asker::local(None), context).await?;
    let derivation = KeyDerivation::default();
    let key = key_file::encode(&key, None, derivation, Encoding::Pem, context.rng())?;
    make_folder(place)?;
    // An expired certificate of an earlier run has its key here; both are replaced.
    let key_path = place.join("key.pem");
    crate::output::Target::File(key_path).write(Content::Secret, &key, true)?;
    let chain = authority.chain_pem(&issued.der);
    let own = pem::encode(pem::Label::Certificate, &issued.der);
    write_file(place.join("certificate.pem"), Content::Public, own.as_bytes())?;
    write_file(place.join("chain.pem"), Content::Public, chain.as_bytes())?;
    Certificate::from_der(&issued.der)
        .map_err(|error| CliError::of(Exit::Fault, "issued certificate", &error))
}

/// A request whose subject is the first of `names`.
fn request(names: &[AltName], key: &PrivateKey, alternative: Vec<AltName>) -> Request {
    let first = names.first().map(AltName::value).unwrap_or_default();
    let common_name = AttributeType::named("CN");
    let subject = common_name.and_then(|name| DistinguishedName::of(&[(name, &first)]));
    Request::new(subject.unwrap_or_default(), alternative, key.public_key().clone())
}

/// Checks the path as a client would that insists on what the algorithm promises.
fn check(
    certificate: &Certificate,
    issuing: &Certificate,
    root: &Certificate,
    name: &AltName,
    context: &Context,
) -> Outcome {
    let mut options = path::Options::at(context.now());
    options.policy = promised_policy(issuing);
    options.usage = Some(path::Usage::ServerAuth);
    options.name = match name {
        AltName::Dns(_) => ServerName::dns(&name.value().replace('*', "any")).ok(),
        _ => None,
    };
    path::verify_path(certificate, &[issuing.clone()], &[root.clone()], &options)
}

/// The strictest policy that an authority's certificates meet.
pub fn promised_policy(issuing: &Certificate) -> SecurityPolicy {
    let family = Algorithm::of_key(issuing.public_key().kind(), false).map(Algorithm::family);
    match family {
        Some(Family::Composite) => SecurityPolicy::Hybrid,
        Some(Family::MlDsa) => SecurityPolicy::PostQuantum,
        _ if issuing.extensions().alt_public_key().is_some() => SecurityPolicy::Hybrid,
        _ => SecurityPolicy::Any,
    }
}

/// How many octets a certificate with these names has when key and signature are P-256, made with
/// throw-away keys: what the reader compares with.
///
/// # Errors
/// `CliError` with exit code 4 when such a certificate can't be made.
pub fn size_with_p256(names: &[AltName], context: &mut Context) -> Result<usize, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::of(Exit::Fault, "comparison", error);
    let p256 = Algorithm::named("p256").map_err(|error| failed(&error))?;
    let mut key = || PrivateKey::generate(p256, context.rng()).map_err(|error| failed(&error));
    let (root_key, leaf_key) = (key()?, key()?);
    let signer = root_key.signer(p256.scheme()).map_err(|error| failed(&error))?;
    let mut make = |profile: &str, request, root: Option<&Certificate>| {
        let issuer = IssuerIdentity {
            certificate: root,
            public_key: root_key.public_key(),
            scheme: p256.scheme(),
            alt_scheme: None,
        };
        let serial = SerialNumber::generate(context.rng());
        let now = context.now();
        let plan = plan(&shipped(profile)?, request, issuer, serial, now);
        let linted = lint(plan.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
        let tbs = linted.tbs_der().map_err(|error| failed(&error))?;
        let signature = signer.sign(tbs).map_err(|error| failed(&error))?;
        Ok::<_, CliError>(linted.assemble(&signature).map_err(|error| failed(&error))?.into_der())
    };
    let root = [AltName::of_kind(NameKind::Dns, "root").map_err(|error| failed(&error))?];
    let root = make("root", request(&root, &root_key, Vec::new()), None)?;
    let root = Certificate::from_der(&root).map_err(|error| failed(&error))?;
    Ok(make("tls-server", request(names, &leaf_key, names.to_vec()), Some(&root))?.len())
}
