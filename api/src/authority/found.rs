//! Founding an authority: its keys, its place in the ledger, its certificate.

use std::path::{Path, PathBuf};

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::key::{KeyDerivation, PrivateKey};
use ca_core::name::DistinguishedName;
use ca_core::pem::{self, Label};
use ca_core::plan::Request;
use ca_core::profile::Profile;
use ledger::{Authority as Recorded, Ledger, NewAuthority};
use zeroize::Zeroizing;

use super::{ALT_KEY, Authority, AuthorityKeys, KEY};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed, make_folder, write_file};
use crate::input::Source;
use crate::issuance::{self, Asker};
use crate::key_file;
use crate::key_making::make_key;
use crate::output::{Content, Encoding};
use crate::passphrase::Passphrase;

/// What an authority shall be.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Its name in the ledger and its folder's.
    pub name: String,
    /// How it signs.
    pub algorithm: &'static Algorithm,
    /// How it makes alternative signatures, if it does.
    pub alt_algorithm: Option<&'static Algorithm>,
    /// Whom its certificate names.
    pub subject: DistinguishedName,
    /// The profile of its certificate.
    pub profile: Profile,
    /// How long it is valid; the profile's default otherwise.
    pub validity_seconds: Option<u64>,
}

/// How the files of new keys are protected.
#[derive(Clone, Copy, Default)]
pub struct Protection<'a> {
    /// The passphrase; none writes them in the clear.
    pub passphrase: Option<&'a Passphrase>,
    /// How it becomes the key of AES-256.
    pub derivation: KeyDerivation,
}

/// Founds an authority: below `parent`, or as a root. If it was cut off before, it goes on with
/// the keys that are there.
///
/// # Errors
/// As [`begin`] and [`Begun::complete`].
pub async fn found(
    folder: &DataFolder,
    ledger: &Ledger,
    founding: Founding,
    parent: Option<&Authority>,
    protection: Protection<'_>,
    context: &mut Context,
) -> Result<Authority, CliError> {
    let begun = begin(folder, ledger, founding, parent, protection, context).await?;
    begun.complete(ledger, parent, context).await
}

/// An authority whose keys are written, and of which the ledger knows nothing yet: the time to
/// bring the keys to another place as well.
pub struct Begun {
    authority: Authority,
    profile: Profile,
    request: Request,
    new: NewAuthority,
    place: PathBuf,
}

/// Begins to found an authority. Whether the profile and the parent allow it is rehearsed before
/// anything is written; then the keys are.
///
/// # Errors
/// `CliError` with exit code 1 when the profile refuses, 2 when the name is taken or not a name,
/// 3 where files or ledger can't be read or written.
pub async fn begin(
    folder: &DataFolder,
    ledger: &Ledger,
    founding: Founding,
    parent: Option<&Authority>,
    protection: Protection<'_>,
    context: &mut Context,
) -> Result<Begun, CliError> {
    check_name(&founding.name)?;
    check_profile(&founding.profile)?;
    let known = ledger.authority(&founding.name).await.map_err(ledger_failed)?;
    if known.as_ref().is_some_and(|known| !known.certificates.is_empty()) {
        return Err(taken(&founding.name));
    }
    let place = folder.authority(&founding.name);
    let (keys, unwritten) = keys(&place, &founding, protection, context)?;
    let new = NewAuthority {
        name: founding.name.clone(),
        algorithm: founding.algorithm.name().to_owned(),
        key_digest: keys.key.public_key().fingerprint(),
        component_digests: component_digests(&keys),
        parent: parent.map(|parent| parent.name().to_owned()),
        created_at: context.now(),
    };
    if let Some(known) = known {
        check_begun(&known, &new)?;
    }
    let request = request(&founding, &keys);
    let (signer, alt_signer) = keys.signers(founding.algorithm)?;
    let authority =
        Authority::new(founding.name, founding.algorithm, signer, alt_signer, Vec::new());
    let issuer = parent.unwrap_or(&authority);
    issuance::rehearse(issuer, &founding.profile, request.clone(), context)?;

    unwritten.write(&place)?;
    Ok(Begun { authority, profile: founding.profile, request, new, place })
}

impl Begun {
    /// Completes it, with the same parent: the ledger learns of the authority, its certificate is
    /// issued and written into files. That the ledger takes it for the authority's own comes last:
    /// whoever finds an authority complete finds its files too, wherever an earlier run was cut off.
    ///
    /// # Errors
    /// `CliError` with exit code 1 when the profile refuses, 3 where files or ledger can't be
    /// written.
    pub async fn complete(
        self,
        ledger: &Ledger,
        parent: Option<&Authority>,
        context: &mut Context,
    ) -> Result<Authority, CliError> {
        let Self { mut authority, profile, request, new, place } = self;
        let issuer = parent.unwrap_or(&authority);
        let name = new.name.clone();
        ledger.add_authority(new).await.map_err(ledger_failed)?;
        let asker = Asker::local(None);
        let own = issuance::issue(ledger, issuer, &profile, request, asker, context).await?;
        let certificate = Certificate::from_der(own.der())
            .map_err(|error| CliError::of(Exit::Fault, "certificate", &error))?;
        let above = parent.map_or(&[][..], Authority::chain);
        authority.chain = std::iter::once(certificate).chain(above.iter().cloned()).collect();
        write_certificates(&place, authority.chain())?;
        let added =
            ledger.add_authority_certificate(&name, own.der().to_vec(), context.now()).await;
        added.map_err(ledger_failed)?;
        Ok(authority)
    }
}

/// Digests of the keys that the authority's keys are made of, as its records will have them.
fn component_digests(keys: &AuthorityKeys) -> Vec<Fingerprint> {
    let all = std::iter::once(&keys.key).chain(&keys.alt_key);
    all.flat_map(|key| key.public_key().component_fingerprints()).collect()
}

fn request(founding: &Founding, keys: &AuthorityKeys) -> Request {
    let public_key = keys.key.public_key().clone();
    let mut request = Request::new(founding.subject.clone(), Vec::new(), public_key);
    request.validity_seconds = founding.validity_seconds;
    request.alt_public_key = keys.alt_key.as_ref().map(|key| key.public_key().clone());
    request
}

fn check_profile(profile: &Profile) -> Result<(), CliError> {
    if profile.kind().is_authority() {
        return Ok(());
    }
    let (name, kind) = (profile.name(), profile.kind());
    Err(CliError::refused(format!(
        "profile {name} is of kind {kind}, allowed for an authority are the kinds root and issuing"
    )))
}

pub(super) fn taken(name: &str) -> CliError {
    CliError::usage(format!("authority {name:?}: there is one of this name already"))
        .with_hint("choose another name; `espalier ca list` names those that are there")
}

/// Checks that what was begun under this name and cut off is this one.
fn check_begun(known: &Recorded, new: &NewAuthority) -> Result<(), CliError> {
    let (old, name) = (&known.content, &new.name);
    let parent = |authority: &NewAuthority| {
        authority.parent.clone().map_or("none, a root".to_owned(), |parent| format!("{parent:?}"))
    };
    let fields = [
        ("algorithm", new.algorithm.clone(), old.algorithm.clone()),
        ("parent", parent(new), parent(old)),
        ("key", new.key_digest.to_string(), old.key_digest.to_string()),
    ];
    match fields.into_iter().find(|(_, new, old)| new != old) {
        None => Ok(()),
        Some((field, new, old)) => Err(CliError::usage(format!(
            "authority {name:?}: it was begun before and cut off; its {field} was {old}, found {new}"
        ))
        .with_hint("ask for what it was begun with, or choose another name")),
    }
}

/// Names are folders as well, so they are kept plain.
pub(super) fn check_name(name: &str) -> Result<(), CliError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "authority name: found {name:?}, allowed are 1 to 64 of a-z, 0-9, `-`, `_` and `.`, the first no `.`"
    )))
}

/// Keys that were made, and have no file yet: file names and contents.
#[derive(Default)]
struct Unwritten(Vec<(&'static str, Zeroizing<Vec<u8>>)>);

impl Unwritten {
    fn write(self, place: &Path) -> Result<(), CliError> {
        make_folder(place)?;
        self.0.iter().try_for_each(|(name, pem)| write_file(place.join(name), Content::Secret, pem))
    }
}

/// The keys in the authority's folder; those that are not there are made.
fn keys(
    place: &Path,
    founding: &Founding,
    protection: Protection<'_>,
    context: &mut Context,
) -> Result<(AuthorityKeys, Unwritten), CliError> {
    let mut unwritten = Unwritten::default();
    let mut key = |name: &'static str, algorithm: &'static Algorithm| {
        let path = place.join(name);
        if path.exists() {
            return key_left_behind(&path, algorithm, protection.passphrase, context);
        }
        let key = make_key(algorithm, context)?;
        let Protection { passphrase, derivation } = protection;
        let pem = key_file::encode(&key, passphrase, derivation, Encoding::Pem, context.rng())?;
        unwritten.0.push((name, pem));
        Ok(key)
    };
    let main = key(KEY, founding.algorithm)?;
    let alt_key = founding.alt_algorithm.map(|algorithm| key(ALT_KEY, algorithm)).transpose()?;
    if alt_key.is_none() && place.join(ALT_KEY).exists() {
        let path = place.join(ALT_KEY);
        let message =
            format!("{}: left when this authority was begun with --alt-algorithm", path.display());
        return Err(CliError::usage(message).with_hint("give the same --alt-algorithm again"));
    }
    Ok((AuthorityKeys { key: main, alt_key }, unwritten))
}

/// The key of an authority whose founding was cut off.
fn key_left_behind(
    path: &Path,
    algorithm: &'static Algorithm,
    passphrase: Option<&Passphrase>,
    context: &mut Context,
) -> Result<PrivateKey, CliError> {
    let name = path.display().to_string();
    let octets = context.read(&Source::File(path.to_owned()))?;
    let key = key_file::read(&name, &octets, || {
        passphrase
            .cloned()
            .ok_or_else(|| CliError::usage(format!("{name}: it is encrypted; give its passphrase")))
    })?;
    let found = key.public_key().kind();
    if found == algorithm.key() {
        return Ok(key);
    }
    Err(CliError::usage(format!(
        "{name}: found a key of {found}, left when this authority was begun; allowed is {algorithm}"
    ))
    .with_hint("remove the authority's folder, or name the algorithm that it was begun with"))
}

/// Writes `certificate.pem` and `chain.pem`, copies of what the ledger has; those of a run that was
/// cut off are replaced.
pub(super) fn write_certificates(place: &Path, chain: &[Certificate]) -> Result<(), CliError> {
    let pems = chain.iter().map(|found| pem::encode(Label::Certificate, found.der()));
    let pems: Vec<String> = pems.collect();
    let own = pems.first().map_or("", String::as_str);
    write_file(place.join("certificate.pem"), Content::Public, own.as_bytes())?;
    write_file(place.join("chain.pem"), Content::Public, pems.concat().as_bytes())
}
