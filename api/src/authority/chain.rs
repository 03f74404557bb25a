//! An authority's certificates in the ledger: which one is its own, and the chain above it.
//!
//! The ledger keeps every certificate of an authority: its own, renewals, cross certificates. Its
//! own is the newest one that its parent signed, or for a root that it signed itself. So a cross
//! certificate, which another authority signed, never takes the place of the chain that relying
//! parties have, whenever it was added.

use ca_core::algorithm::{Algorithm, Family, SchemeError, SignatureScheme};
use ca_core::certificate::Certificate;
use ca_core::public_key::PublicKey;
use ca_core::signature::{SignatureError, verify};
use ledger::{Authority as Recorded, Ledger};
use serde::Serialize;

use super::unknown;
use crate::cli::{CliError, Exit};
use crate::data_folder::ledger_failed;

/// The longest chain that is followed in the ledger.
const MAX_CHAIN: usize = 10;

const CHECK: &str = "`espalier ledger check` tells what else is wrong with the ledger";

/// The certificate of an authority, and those of its parents above it, from the ledger. Empty
/// when the authority was begun and has no certificate yet.
///
/// # Errors
/// `CliError` with exit code 2 for an unknown name, 3 where the ledger fails or its certificates
/// make no chain.
pub async fn chain(ledger: &Ledger, name: &str) -> Result<Vec<Certificate>, CliError> {
    let line = line(ledger, name).await?;
    if line.first().is_some_and(|authority| authority.certificates.is_empty()) {
        return Ok(Vec::new());
    }
    let parents = line.iter().skip(1).chain(line.last());
    line.iter().zip(parents).map(|(authority, parent)| own_certificate(authority, parent)).collect()
}

/// An authority and its parents, up to the root.
async fn line(ledger: &Ledger, name: &str) -> Result<Vec<Recorded>, CliError> {
    let mut line = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next {
        if line.len() == MAX_CHAIN {
            let message = format!("authority {name}: more than {MAX_CHAIN} authorities in a line");
            return Err(CliError::environment(message).with_hint(CHECK));
        }
        let found = ledger.authority(&name).await.map_err(ledger_failed)?;
        let found = found.ok_or_else(|| unknown(&name))?;
        next = found.content.parent.clone();
        line.push(found);
    }
    Ok(line)
}

/// The newest certificate that the parent signed; a root is its own parent.
fn own_certificate(authority: &Recorded, parent: &Recorded) -> Result<Certificate, CliError> {
    let key = key_of(parent)?;
    let mut certificates = certificates(authority)?;
    while let Some(newest) = certificates.pop() {
        if verify_signature(&newest, &key).is_ok() {
            return Ok(newest);
        }
    }
    let (name, parent) = (&authority.content.name, &parent.content.name);
    let message =
        format!("authority {name}: none of its certificates in the ledger is signed by {parent}");
    Err(CliError::environment(message).with_hint(CHECK))
}

/// The key of an authority, out of the first of its certificates that has the recorded one.
fn key_of(authority: &Recorded) -> Result<PublicKey, CliError> {
    let certificates = certificates(authority)?;
    let keys = certificates.into_iter().map(|certificate| certificate.public_key().clone());
    let mut right = keys.filter(|key| key.fingerprint() == authority.content.key_digest);
    right.next().ok_or_else(|| {
        let name = &authority.content.name;
        let message = format!("authority {name}: no certificate in the ledger has its key");
        CliError::environment(message).with_hint(CHECK)
    })
}

/// Every certificate of an authority, the oldest first.
///
/// # Errors
/// `CliError` with exit code 3 when one can't be read.
pub fn certificates(authority: &Recorded) -> Result<Vec<Certificate>, CliError> {
    let read = |found: &ledger::Certificate| {
        Certificate::from_der(&found.der).map_err(|error| {
            let subject = format!("authority {}", authority.content.name);
            CliError::of(Exit::Environment, subject, &error).with_hint(CHECK)
        })
    };
    authority.certificates.iter().map(read).collect()
}

/// The certificates of an authority that are not its own one, the first of the chain: the oldest
/// first.
///
/// # Errors
/// As [`certificates`].
pub fn others(authority: &Recorded, chain: &[Certificate]) -> Result<Vec<Certificate>, CliError> {
    let mut all = certificates(authority)?;
    all.retain(|one| Some(one) != chain.first());
    Ok(all)
}

/// Verifies the signature of a certificate by the key of its issuer.
///
/// # Errors
/// `LinkError` when its algorithm is not known, the key can't make it, or it is wrong.
pub fn verify_signature(certificate: &Certificate, key: &PublicKey) -> Result<(), LinkError> {
    let scheme = SignatureScheme::from_identifier(certificate.signature_algorithm())?;
    Ok(verify(key, scheme, certificate.tbs_der(), certificate.signature())?)
}

/// A signature that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The algorithm is not known, or has wrong parameters.
    #[error("signatureAlgorithm: {0}")]
    Scheme(#[from] SchemeError),
    /// The signature is wrong, or not by this key.
    #[error("signatureValue: {0}")]
    Signature(#[from] SignatureError),
}

/// How an authority protects what it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By a classical signature alone.
    Classical,
    /// By a composite of a classical and a post-quantum signature.
    Composite,
    /// By a classical signature, and a post-quantum one in extensions that old software skips.
    Catalyst,
    /// By a post-quantum signature alone.
    PostQuantum,
}

impl Mode {
    /// The mode of the authority that has this certificate.
    pub fn of(certificate: &Certificate) -> Self {
        let algorithm = Algorithm::of_key(certificate.public_key().kind(), false);
        match algorithm.map(Algorithm::family) {
            Some(Family::Composite) => Self::Composite,
            Some(Family::PostQuantum) => Self::PostQuantum,
            _ if certificate.extensions().alt_public_key().is_some() => Self::Catalyst,
            _ => Self::Classical,
        }
    }

    /// The mode as text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classical => "classical",
            Self::Composite => "composite",
            Self::Catalyst => "catalyst",
            Self::PostQuantum => "post-quantum",
        }
    }
}
