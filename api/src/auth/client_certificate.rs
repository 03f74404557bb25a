//! Client certificates: our own path verification, and the ledger's word on revocation.
//!
//! The TLS layer has proven that the client holds the leaf's key. Everything else is decided here,
//! with the rules of RFC 5280 as `espalier verify` applies them, so that composite and ML-DSA
//! certificates count as classical ones do.

use std::path::Path;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::path::{self, Extent, Options, Outcome, RevocationDemands, SecurityPolicy, Usage};
use ca_core::pem;
use ca_core::revocation::RevocationSources;
use jiff::Timestamp;
use ledger::{Entry, Ledger, Status};

use super::config::{ConfigError, RevocationConfig, TrustConfig};
use super::error::{AuthError, CredentialKind};
use super::identity::{CertificateHolder, Identity};
use super::quoted::quoted;
use super::rules::plain_name;

/// The most certificates that a client may send.
const MAX_CHAIN: usize = 8;
/// The most intermediates that a path may have.
const MAX_DEPTH: usize = 5;

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

/// Who the certificates name, leaf first.
///
/// # Errors
/// `AuthError::Refused` with what is wrong, `AuthError::Unavailable` when the ledger can't be
/// asked.
pub(super) async fn authenticate(
    trusts: &[Trust],
    ders: &[Vec<u8>],
    ledger: &Ledger,
    now: Timestamp,
) -> Result<Identity, AuthError> {
    let (leaf, others) = read(ders).map_err(refused)?;
    check_leaf(&leaf).map_err(refused)?;
    let mut failures = Vec::new();
    for trust in trusts {
        let outcome = trust.verify(&leaf, &others, now);
        match outcome.error {
            None => {
                check_ledger(trust, &outcome, ledger).await?;
                let holder = CertificateHolder::new(&trust.name, &leaf);
                return Ok(Identity::Certificate(Box::new(holder)));
            }
            Some(error) => failures.push(error.to_string()),
        }
    }
    if trusts.is_empty() {
        return Err(refused("found one, allowed is none: no client_certificates are configured"));
    }
    Err(refused(failures.join("; ")))
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
/// know at all.
async fn check_ledger(trust: &Trust, outcome: &Outcome, ledger: &Ledger) -> Result<(), AuthError> {
    let mut anchor = true;
    let mut last = None;
    for step in &outcome.steps {
        if last == Some(&step.fingerprint) {
            continue;
        }
        last = Some(&step.fingerprint);
        let Some(fingerprint) = Fingerprint::from_hex(&step.fingerprint) else { continue };
        let found = ledger.get_by_fingerprint(fingerprint).await;
        let found = found.map_err(|error| AuthError::unavailable("the ledger", error))?;
        match found.as_ref().map(Entry::status) {
            Some(Status::Revoked) => {
                let label = &step.certificate;
                return Err(refused(format!(
                    "{label}: revocation: found revoked, allowed is a certificate that is not revoked"
                )));
            }
            Some(_) => {}
            None if anchor || !trust.in_ledger => {}
            None => {
                let label = &step.certificate;
                return Err(refused(format!(
                    "{label}: ledger: found nothing of it, allowed is a certificate that this server issued"
                )));
            }
        }
        anchor = false;
    }
    Ok(())
}
