//! The first five minutes: authorities, one certificate, and the proof that it is right.

use std::path::{Path, PathBuf};
use std::slice::from_ref;

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::general_name::{AltName, NameKind};
use ca_core::key::{KeyDerivation, PrivateKey};
use ca_core::lint::lint;
use ca_core::path::{self, Outcome, SecurityPolicy, ServerName};
use ca_core::pem;
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::public_key::PublicKey;
use ca_core::serial::SerialNumber;
use ledger::Ledger;

use crate::authority::{Authority, Mode, Protection};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed, make_folder};
use crate::hierarchy::{Hierarchy, found_hierarchy};
use crate::input::Source;
use crate::issuance::{self, Asker, subject_of};
use crate::key_file;
use crate::key_making::make_key;
use crate::output::{Content, Encoding, Target};
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
/// valid one, and checks it. A folder of an earlier run keeps its algorithms; where `must_match`,
/// they have to be those of `hierarchy`.
///
/// # Errors
/// `CliError` with exit code 1 when a profile refuses or the check fails, 2 and 3 as the data
/// folder's functions say.
pub async fn quickstart(
    folder: &DataFolder,
    hierarchy: Hierarchy,
    must_match: bool,
    names: &[AltName],
    context: &mut Context,
) -> Result<Demonstration, CliError> {
    let wanted = must_match.then_some((hierarchy.algorithm, hierarchy.alt_algorithm));
    if !folder.has_ledger()? {
        let passphrase = Passphrase::random(context.rng());
        let protection = Protection { passphrase: Some(&passphrase), ..Protection::default() };
        let made = found_hierarchy(folder, hierarchy, protection, true, context).await;
        // Another quickstart may have been faster: what it made is as good.
        if let Err(error) = made
            && !folder.has_ledger()?
        {
            return Err(error);
        }
    }
    let ledger = folder.open_ledger().await?;
    let made = demonstrate(folder, &ledger, wanted, names, context).await;
    let closed = ledger.close().await.map_err(ledger_failed);
    made.and_then(|made| closed.map(|()| made))
}

type Algorithms = (&'static Algorithm, Option<&'static Algorithm>);

async fn demonstrate(
    folder: &DataFolder,
    ledger: &Ledger,
    wanted: Option<Algorithms>,
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
    if let Some(wanted) = wanted {
        check_algorithms(folder, ledger, issuing, wanted).await?;
    }
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

/// Whoever names algorithms gets them, not those of an earlier run.
async fn check_algorithms(
    folder: &DataFolder,
    ledger: &Ledger,
    issuing: &Certificate,
    (algorithm, alt_algorithm): Algorithms,
) -> Result<(), CliError> {
    let recorded = ledger.authority("issuing").await.map_err(ledger_failed)?;
    let found = recorded.map(|recorded| recorded.content.algorithm).unwrap_or_default();
    let alt_key = issuing.extensions().alt_public_key().map(PublicKey::kind);
    let alt_found = alt_key.map_or("none".into(), |kind| kind.to_string());
    let alt_wanted = alt_algorithm.map_or("none".into(), |wanted| wanted.key().to_string());
    if found == algorithm.name() && alt_found == alt_wanted {
        return Ok(());
    }
    let message = format!(
        "{}: its authorities were made with algorithm {found} and alternative {alt_found}; asked for were {algorithm} and {alt_wanted}",
        folder.path().display()
    );
    Err(CliError::usage(message)
        .with_hint("name a new folder by --data, or leave --algorithm out to use this one"))
}

/// The certificate of an earlier run: still valid, from the same authority, for the same names.
fn found_before(
    place: &Path,
    issuing: &Certificate,
    names: &[AltName],
    context: &mut Context,
) -> Result<Option<Certificate>, CliError> {
    let path = place.join("certificate.pem");
    if !path.exists() || !place.join("key.pem").exists() {
        return Ok(None);
    }
    let octets = context.read(&Source::File(path.clone()))?;
    let certificate = pem::read_one_certificate(&octets)
        .map_err(|error| CliError::of(Exit::Usage, path.display(), &error))?;
    let key = Source::File(place.join("key.pem"));
    // A run that was cut off may have left a new key beside an old certificate.
    let no_passphrase = || Err(CliError::usage(format!("{key}: encrypted, and not by quickstart")));
    let key = key_file::read(&key.to_string(), &context.read(&key)?, no_passphrase)?;
    let held = certificate.extensions().subject_alt_name();
    let held = held.map(|held| held.0.iter().map(AltName::from_general_name));
    let held: Result<Vec<AltName>, _> = held.into_iter().flatten().collect();
    let same = certificate.issuer() == issuing.subject()
        && certificate.validity().contains(context.now())
        && certificate.public_key() == key.public_key()
        && held.is_ok_and(|held| held == names);
    Ok(same.then_some(certificate))
}

async fn issue(
    folder: &DataFolder,
    ledger: &Ledger,
    place: &Path,
    names: &[AltName],
    context: &mut Context,
) -> Result<Certificate, CliError> {
    let mut ask = |context: &mut Context| folder.passphrase(&PassphraseOptions::default(), context);
    let authority = Authority::load(folder, ledger, "issuing", &mut ask, context).await?;
    let key = make_key(authority.algorithm(), context)?;
    let public_key = key.public_key().clone();
    let request = Request::new(subject_of(names), names.to_vec(), public_key);
    let derivation = KeyDerivation::default();
    let pem = key_file::encode(&key, None, derivation, Encoding::Pem, context.rng())?;
    make_folder(place)?;
    let file = |name: &str| Target::File(place.join(name));
    // Replaces the key of a certificate that expired.
    let staged_key = file("key.pem").stage(Content::Secret, &pem, true)?;
    let profile = shipped("tls-server")?;
    let issued =
        issuance::issue(ledger, &authority, &profile, request, Asker::local(None), context).await?;
    let chain = authority.chain_pem(issued.der());
    let own = pem::encode(pem::Label::Certificate, issued.der());
    let own = file("certificate.pem").stage(Content::Public, own.as_bytes(), false)?;
    let chain = file("chain.pem").stage(Content::Public, chain.as_bytes(), false)?;
    staged_key.publish()?;
    own.publish()?;
    chain.publish()?;
    Certificate::from_der(issued.der())
        .map_err(|error| CliError::of(Exit::Fault, "issued certificate", &error))
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
    path::verify_path(certificate, from_ref(issuing), from_ref(root), &options)
}

/// The strictest policy that an authority's certificates meet.
pub fn promised_policy(issuing: &Certificate) -> SecurityPolicy {
    match Mode::of(issuing) {
        Mode::Composite | Mode::Catalyst => SecurityPolicy::Hybrid,
        Mode::PostQuantum => SecurityPolicy::PostQuantum,
        Mode::Classical => SecurityPolicy::Any,
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
    let mut make = |profile: &str,
                    names: &[AltName],
                    key: &PrivateKey,
                    root: Option<&Certificate>| {
        let names_asked = if root.is_some() { names.to_vec() } else { Vec::new() };
        let request = Request::new(subject_of(names), names_asked, key.public_key().clone());
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
    let root = make("root", &root, &root_key, None)?;
    let root = Certificate::from_der(&root).map_err(|error| failed(&error))?;
    Ok(make("tls-server", names, &leaf_key, Some(&root))?.len())
}
