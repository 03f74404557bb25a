//! A certificate that this server issues to itself: by the way that every certificate goes, from
//! an authority of its own, and again when two thirds of its life are over.
//!
//! It is kept with its key in the data folder, in one file of mode 0600, so that a server that
//! starts again takes the certificate that it has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Label};
use ca_core::plan::Request;
use ca_core::profile::Profile;
use jiff::Timestamp;
use ledger::{Entry, Status};
use zeroize::Zeroizing;

use super::certificate::{ServerCertificate, read_chain, read_key};
use super::config::IssuedConfig;
use crate::authority::Authority;
use crate::cli::{CliError, Exit};
use crate::data_folder::{ledger_failed, make_folder};
use crate::issuance::{self, Asker, subject_of};
use crate::output::{Content, Target};
use crate::profiles::shipped;
use crate::server::signing::OnThreads;
use crate::server::state::App;

/// Who asks, in the record of such a certificate.
pub const REQUESTER: &str = "server:tls";

/// When a certificate is renewed: two thirds of its life are over.
pub fn renewal(certificate: &Certificate) -> Timestamp {
    let validity = certificate.validity();
    let life = validity.not_after().duration_since(validity.not_before());
    validity.not_before().checked_add(life / 3 * 2).unwrap_or(validity.not_after())
}

/// The certificate that is kept, or a new one where there is none that fits.
///
/// # Errors
/// `CliError` with exit code 2 where the configuration names what is not there, as
/// [`issuance::complete`] where it can't be issued.
pub async fn current(
    issued: &IssuedConfig,
    data: &Path,
    app: &App,
) -> Result<ServerCertificate, CliError> {
    let wish = Wish::new(issued, data, app)?;
    if let Some(kept) = wish.kept(app).await? {
        return Ok(kept);
    }
    // A task of its own: the server's end waits until what was recorded is stored.
    let made = app.tasks().spawn(wish.issue(App::clone(app))).await;
    made.map_err(|error| CliError::of(Exit::Fault, "tls: certificate", &error))?
}

/// What the configuration asks for.
struct Wish {
    authority: Arc<Authority>,
    profile: Arc<Profile>,
    algorithm: &'static ca_core::algorithm::Algorithm,
    names: Vec<AltName>,
    file: PathBuf,
}

impl Wish {
    fn new(issued: &IssuedConfig, data: &Path, app: &App) -> Result<Self, CliError> {
        let wrong = |error| CliError::of(Exit::Usage, "configuration", &error);
        let name = &issued.authority;
        let signing = app.authorities().get(name).and_then(|one| one.signs.as_ref());
        let authority = signing.map(Arc::clone).ok_or_else(|| {
            let signing = app.authorities().iter().filter(|(_, one)| one.signs.is_some());
            let known: Vec<&str> = signing.map(|(name, _)| name.as_str()).collect();
            let allowed = known.join(", ");
            CliError::usage(format!(
                "tls.certificates.issued.authority: found {name:?}, allowed are those that sign here: {allowed}"
            ))
        })?;
        let profile = match app.profiles().get(&issued.profile) {
            Some(profile) => Arc::clone(profile),
            None => Arc::new(shipped(&issued.profile)?),
        };
        let algorithm = issued.algorithm().map_err(wrong)?;
        let file = data.join("tls").join(format!("{name}-{}.pem", algorithm.name()));
        Ok(Self { authority, profile, algorithm, names: issued.alt_names().map_err(wrong)?, file })
    }

    /// The certificate in the data folder, where it is what is asked for and not to be renewed.
    async fn kept(&self, app: &App) -> Result<Option<ServerCertificate>, CliError> {
        if !self.file.exists() {
            return Ok(None);
        }
        let read = || {
            let place = format!("tls: {}", self.file.display());
            let (chain, key) = (read_chain(&self.file)?, read_key(&self.file)?);
            let fits = self.fits(&chain, app.now());
            Ok::<_, CliError>((ServerCertificate::new(&place, chain, &key, app.now())?, fits))
        };
        let kept = match read() {
            Ok((kept, true)) => kept,
            Ok((_, false)) => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, "the kept certificate is of no use; another is issued");
                return Ok(None);
            }
        };
        let entry = app.ledger().get_by_fingerprint(kept.leaf().fingerprint()).await;
        let status = entry.map_err(ledger_failed)?.as_ref().map(Entry::status);
        Ok((status == Some(Status::Stored)).then_some(kept))
    }

    fn fits(&self, chain: &[Certificate], now: Timestamp) -> bool {
        let Some(leaf) = chain.first() else { return false };
        let names = leaf.extensions().subject_alt_name();
        let names = names.into_iter().flat_map(|names| &names.0).map(AltName::from_general_name);
        let names: Result<Vec<AltName>, _> = names.collect();
        let above = pem::read_certificates(self.authority.chain_pem(leaf.der()).as_bytes());
        let above = above.unwrap_or_default();
        leaf.public_key().kind() == self.algorithm.key()
            && names.is_ok_and(|names| names == self.names)
            && above.iter().map(Certificate::der).eq(chain.iter().map(Certificate::der))
            && now < renewal(leaf)
    }

    /// Issues one with a new key.
    async fn issue(self, app: App) -> Result<ServerCertificate, CliError> {
        let failed =
            |error: &dyn std::error::Error| CliError::of(Exit::Environment, "tls: issue", error);
        let key = app.with_rng(|rng| PrivateKey::generate(self.algorithm, &mut **rng));
        let key = key.map_err(|error| CliError::of(Exit::Fault, "tls: key", &error))?;
        let request =
            Request::new(subject_of(&self.names), self.names.clone(), key.public_key().clone());
        let slot = app.signing().enter().map_err(|error| failed(&error))?;
        let authority = Arc::clone(&self.authority);
        let prepared =
            issuance::prepare(&authority, &self.profile, request, app.serial(), app.now());
        let prepared = prepared.map_err(|error| failed(&error))?;
        let signatory = OnThreads::new(authority, slot, app.metrics().clone());
        let asker = Asker { requester: REQUESTER.to_owned(), idempotency: None };
        let issued =
            issuance::complete(app.ledger(), signatory, prepared, asker, app.clock()).await;
        let issued = issued.map_err(|error| failed(&error))?;
        let chain = self.authority.chain_pem(issued.der());
        if let Err(error) = self.keep(&chain, &key) {
            tracing::warn!(%error, "the server's certificate is in memory only");
        }
        let chain = pem::read_certificates(chain.as_bytes()).map_err(|error| failed(&error))?;
        let made = ServerCertificate::new("tls: issued", chain, &key, app.now())?;
        tracing::info!(
            serial = %issued.serial(),
            authority = self.authority.name(),
            algorithm = self.algorithm.name(),
            not_after = %made.leaf().validity().not_after(),
            "the server issued a certificate to itself"
        );
        Ok(made)
    }

    /// Writes certificate and key at once, so that a crash leaves the old pair or the new one.
    fn keep(&self, chain: &str, key: &PrivateKey) -> Result<(), CliError> {
        let pkcs8 = key.to_pkcs8_der();
        let pkcs8 = pkcs8.map_err(|error| CliError::of(Exit::Fault, "tls: key", &error))?;
        let key = pem::encode_secret(Label::PrivateKey, &pkcs8);
        let both = Zeroizing::new([key.as_bytes(), chain.as_bytes()].concat());
        if let Some(folder) = self.file.parent() {
            make_folder(folder)?;
        }
        Target::File(self.file.clone()).write(Content::Secret, &both, true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_life() {
        let root = include_bytes!("../../../tests/auth/root.pem");
        let certificate = pem::read_certificates(root).unwrap().remove(0);
        let validity = certificate.validity();
        let life = validity.not_after().duration_since(validity.not_before());
        let used = renewal(&certificate).duration_since(validity.not_before());
        assert!(used * 3 <= life * 2 && life * 2 - used * 3 < SignedDuration::from_secs(1));
    }
}
