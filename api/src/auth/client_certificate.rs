//! Client certificates: our own path verification, and the ledger's word on revocation.
//!
//! The TLS layer has proven that the client holds the leaf's key. Everything else is decided here,
//! with the rules of RFC 5280 as `espalier verify` applies them, so that composite and ML-DSA
//! certificates count as classical ones do.

use std::path::Path;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::path::{
    self, Extent, Options, Outcome, RevocationDemands, SecurityPolicy, Usage, same_name,
};
use ca_core::pem;
use ca_core::revocation::RevocationSources;
use ca_core::serial::SerialNumber;
use jiff::Timestamp;
use ledger::{Ledger, Status};
use tokio::sync::Semaphore;

use super::config::{ConfigError, RevocationConfig, TrustConfig};
use super::error::{AuthError, CredentialKind};
use super::identity::{CertificateHolder, Identity};
use super::quoted::quoted;
use super::rules::plain_name;
use crate::standing::stored;

/// The most certificates that a client may send.
const MAX_CHAIN: usize = 8;
/// The most intermediates that a path may have.
const MAX_DEPTH: usize = 5;
/// How many requests may wait until their certificates are judged.
const MAX_WAITING: usize = 256;

/// The certificates of an authority of this server.
#[derive(Clone, Debug)]
pub struct OwnAuthority {
    /// Its name.
    pub name: String,
    /// Its certificates, each in DER.
    pub certificates: Vec<Vec<u8>>,
}

/// Anchors and what else must hold for certificates below them.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    name: String,
    anchors: Vec<Certificate>,
    policy: SecurityPolicy,
    in_ledger: bool,
    lists: Option<Arc<RevocationSources>>,
}

impl Trust {
    /// Reads the anchors and lists.
    pub(super) fn new(
        config: &TrustConfig,
        base: &Path,
        authorities: &[OwnAuthority],
    ) -> Result<Self, ConfigError> {
        plain_name("trust", &config.trust)?;
        let mut anchors = Vec::new();
        for name in &config.authorities {
            let own = authorities.iter().find(|own| own.name == *name).ok_or_else(|| {
                let known: Vec<&str> = authorities.iter().map(|own| own.name.as_str()).collect();
                ConfigError::new("authorities", quoted(name), known.join(", "))
            })?;
            for der in &own.certificates {
                anchors.push(
                    Certificate::from_der(der).map_err(|error| {
                        ConfigError::reason(format!("authorities {name}"), error)
                    })?,
                );
            }
        }
        for file in &config.anchor_files {
            let fail = |error: &dyn ToString| {
                ConfigError::reason(format!("anchor_files {}", file.display()), error.to_string())
            };
            let octets = std::fs::read(base.join(file)).map_err(|error| fail(&error))?;
            anchors.extend(pem::read_certificates(&octets).map_err(|error| fail(&error))?);
        }
        if anchors.is_empty() {
            let allowed = "at least one of authorities and anchor_files";
            return Err(ConfigError::new("anchor_files", "no certificate", allowed));
        }
        let lists = lists(config, base)?;
        let in_ledger = config.revocation == RevocationConfig::Ledger;
        Ok(Self { name: config.trust.clone(), anchors, policy: config.policy, in_ledger, lists })
    }

    /// Looks for a path from the leaf to an anchor.
    fn verify(&self, leaf: &Certificate, others: &[Certificate], now: Timestamp) -> Outcome {
        let revocation = self.lists.as_ref().map(|sources| RevocationDemands {
            sources: Arc::clone(sources),
            extent: Extent::Chain,
            allow_unknown: false,
        });
        let usage = Some(Usage::ClientAuth);
        let options = Options {
            policy: self.policy,
            usage,
            max_depth: MAX_DEPTH,
            revocation,
            ..Options::at(now)
        };
        path::verify_path(leaf, others, &self.anchors, &options)
    }
}

fn lists(config: &TrustConfig, base: &Path) -> Result<Option<Arc<RevocationSources>>, ConfigError> {
    let wanted = config.revocation == RevocationConfig::Crl;
    if wanted == config.crl_files.is_empty() {
        let found = format!("{} files", config.crl_files.len());
        let allowed = "files with revocation: crl, and none otherwise";
        return Err(ConfigError::new("crl_files", found, allowed));
    }
    let mut lists = Vec::new();
    for file in &config.crl_files {
        let fail = |error: &dyn ToString| {
            ConfigError::reason(format!("crl_files {}", file.display()), error.to_string())
        };
        let octets = std::fs::read(base.join(file)).map_err(|error| fail(&error))?;
        lists.extend(pem::read_crls(&octets).map_err(|error| fail(&error))?);
    }
    Ok(wanted.then(|| Arc::new(RevocationSources::new(lists, Vec::new()))))
}

/// Every trust, and the bound of what they judge at once: a path may take many signatures, which are
/// checked on threads that may be kept busy.
#[derive(Debug)]
pub(super) struct Trusts {
    all: Arc<[Trust]>,
    waiting: Semaphore,
    turns: Semaphore,
}

/// A path that was found.
struct Judged {
    trust: usize,
    leaf: Certificate,
    /// The anchor first, the leaf last.
    path: Vec<Certificate>,
}

impl Trusts {
    /// All of them.
    pub(super) fn new(all: Vec<Trust>) -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let (waiting, turns) = (Semaphore::new(MAX_WAITING), Semaphore::new(at_once));
        Self { all: all.into(), waiting, turns }
    }

    /// Who the certificates name, leaf first.
    ///
    /// # Errors
    /// `AuthError::Refused` with what is wrong, `AuthError::Unavailable` when the ledger can't be
    /// asked, or too many certificates are being judged.
    pub(super) async fn authenticate(
        &self,
        ders: &[Vec<u8>],
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<Identity, AuthError> {
        if self.all.is_empty() {
            let reason = "found one, allowed is none: no client_certificates are configured";
            return Err(refused(reason));
        }
        let judged = self.judged(ders.to_vec(), now).await?.map_err(refused)?;
        let Some(trust) = self.all.get(judged.trust) else { return Err(AuthError::Missing) };
        check_ledger(trust, &judged.path, ledger).await?;
        let holder = CertificateHolder::new(&trust.name, &judged.leaf);
        Ok(Identity::Certificate(Box::new(holder)))
    }

    /// Judges on a thread of its own, in turn.
    async fn judged(
        &self,
        ders: Vec<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Result<Judged, String>, AuthError> {
        const WHAT: &str = "whoever judges client certificates";
        let full = |_| AuthError::unavailable(WHAT, format!("{MAX_WAITING} are waiting"));
        let _waits = self.waiting.try_acquire().map_err(full)?;
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|error| AuthError::unavailable(WHAT, error))?;
        let all = Arc::clone(&self.all);
        let judging = tokio::task::spawn_blocking(move || judge(&all, &ders, now));
        judging.await.map_err(|error| AuthError::unavailable(WHAT, error))
    }
}

/// The first trust that has a path, or why none has.
fn judge(trusts: &[Trust], ders: &[Vec<u8>], now: Timestamp) -> Result<Judged, String> {
    let (leaf, others) = read(ders)?;
    check_leaf(&leaf)?;
    let mut failures = Vec::new();
    for (index, trust) in trusts.iter().enumerate() {
        let outcome = trust.verify(&leaf, &others, now);
        let Some(error) = &outcome.error else {
            let all: Vec<&Certificate> =
                trust.anchors.iter().chain(&others).chain([&leaf]).collect();
            let path = path_of(&outcome, &all);
            return Ok(Judged { trust: index, leaf, path });
        };
        failures.push(error.to_string());
    }
    Err(failures.join("; "))
}

/// The certificates that the steps are about, each once.
fn path_of(outcome: &Outcome, all: &[&Certificate]) -> Vec<Certificate> {
    let mut path: Vec<Certificate> = Vec::new();
    let mut last = None;
    for step in &outcome.steps {
        if last == Some(&step.fingerprint) {
            continue;
        }
        last = Some(&step.fingerprint);
        let found = all.iter().find(|one| one.fingerprint().to_string() == step.fingerprint);
        path.extend(found.map(|one| Certificate::clone(one)));
    }
    path
}

fn refused(reason: impl std::fmt::Display) -> AuthError {
    AuthError::refused(CredentialKind::ClientCertificate, format!("client certificate: {reason}"))
}

fn read(ders: &[Vec<u8>]) -> Result<(Certificate, Vec<Certificate>), String> {
    if ders.len() > MAX_CHAIN {
        return Err(format!("found {} certificates, allowed are at most {MAX_CHAIN}", ders.len()));
    }
    let read = ders.iter().enumerate().map(|(index, der)| {
        Certificate::from_der(der)
            .map_err(|error| format!("found as number {index}: {error}; allowed is one in DER"))
    });
    let mut chain = read.collect::<Result<Vec<_>, _>>()?.into_iter();
    let leaf = chain.next().ok_or("found no certificate, allowed is at least one")?;
    Ok((leaf, chain.collect()))
}

/// What path validation leaves to the application: a client says that it is one, and is no CA.
fn check_leaf(leaf: &Certificate) -> Result<(), String> {
    let extensions = leaf.extensions();
    if extensions.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return Err("basicConstraints: found a CA, allowed is an end entity".into());
    }
    if extensions.extended_key_usage().is_none() {
        return Err("extendedKeyUsage: found none, allowed is client-auth".into());
    }
    Ok(())
}

/// Refuses what the ledger knows to be revoked, and where the trust wants that, what it does not
/// know at all. The path is anchor first.
async fn check_ledger(
    trust: &Trust,
    path: &[Certificate],
    ledger: &Ledger,
) -> Result<(), AuthError> {
    for (index, certificate) in path.iter().enumerate() {
        let found = ledger.get_by_fingerprint(certificate.fingerprint()).await;
        let found = found.map_err(unavailable)?;
        let revoked = match &found {
            Some(entry) => entry.status() == Status::Revoked,
            None => is_revoked_as_another(certificate, ledger).await?,
        };
        let refuse = |field: &str, found: &str, allowed: &str| {
            let label = ca_core::name::to_text(certificate.subject());
            Err(refused(format!("{label}: {field}: found {found}, allowed is {allowed}")))
        };
        if revoked {
            return refuse("revocation", "revoked", "a certificate that is not revoked");
        }
        if found.is_none() && index > 0 && trust.in_ledger {
            return refuse("ledger", "nothing of it", "a certificate that this server issued");
        }
    }
    Ok(())
}

/// Whether issuer and serial number are those of a certificate that is revoked, though the octets
/// are not: whoever has an ECDSA signature can make another of the same message.
async fn is_revoked_as_another(
    certificate: &Certificate,
    ledger: &Ledger,
) -> Result<bool, AuthError> {
    let Ok(serial) = SerialNumber::from_bytes(certificate.serial_octets()) else {
        return Ok(false);
    };
    let found = ledger.get_by_serial(serial).await.map_err(unavailable)?;
    let Some(entry) = found.filter(|entry| entry.status() == Status::Revoked) else {
        return Ok(false);
    };
    // A record without a certificate has its serial number alone.
    let same_issuer = |ours: Certificate| same_name(ours.issuer(), certificate.issuer());
    Ok(stored(&entry).is_none_or(same_issuer))
}

fn unavailable(error: ledger::LedgerError) -> AuthError {
    AuthError::unavailable("the ledger", error)
}
