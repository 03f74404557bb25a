//! Whether an authority can be used, as its server shows it.

use ca_core::algorithm::KeyKind;
use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::path::{Options, verify_path};
use ca_core::pem;
use client::v1::{Authority as Shown, Profile};
use jiff::Timestamp;

use crate::kinds::{IssuerSpec, Mode};
use crate::serving::Authority;
use client::with_causes;

/// What is told of an authority in an issuer's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The algorithm of its key.
    pub algorithm: String,
    /// What its signatures hold against.
    pub mode: Mode,
    /// SHA-256 of its chain.
    pub chain_digest: String,
    /// Octets of its chain without the root, in DER.
    pub chain_bytes: u32,
    /// The earliest end in its chain.
    pub not_after: Timestamp,
}

/// An authority that can be used.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What certificates are checked against.
    pub authority: Authority,
    /// What is told of it.
    pub facts: Facts,
}

/// Checks an authority and the profiles beside it.
///
/// # Errors
/// Why it can't be used: which field, what was found, what is allowed.
pub fn check(
    spec: &IssuerSpec,
    shown: &Shown,
    profiles: &[Profile],
    now: Timestamp,
) -> Result<Checked, String> {
    if !shown.signs {
        let name = &shown.name;
        return Err(format!(
            "spec.authority: found {name:?}, with which the server does not sign, allowed is one whose key it has"
        ));
    }
    for (field, wanted) in std::iter::once(("spec.profile", &spec.profile))
        .chain(spec.allowed_profiles.iter().map(|one| ("spec.allowedProfiles", one)))
    {
        if !profiles.iter().any(|profile| profile.name == *wanted) {
            let known: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
            let known = known.join(", ");
            return Err(format!("{field}: found {wanted:?}, allowed by the server: {known}"));
        }
    }
    let chain = pem::read_certificates(shown.chain.as_bytes())
        .map_err(|error| format!("chain of the authority: {}", with_causes(&error)))?;
    checked(&chain, now)
}

/// A chain whose signatures are right and which is valid now, from the authority up to its root.
fn checked(chain: &[Certificate], now: Timestamp) -> Result<Checked, String> {
    let (Some(own), Some(root)) = (chain.first(), chain.last()) else {
        return Err("chain of the authority: found nothing, allowed are certificates".into());
    };
    let above = chain.get(1..).unwrap_or_default();
    let outcome = verify_path(own, above, std::slice::from_ref(root), &Options::at(now));
    if let Some(error) = outcome.error {
        return Err(format!("chain of the authority: {error}"));
    }
    if !own.extensions().basic_constraints().is_some_and(|constraints| constraints.ca) {
        return Err("certificate of the authority: found none of a CA, allowed is one".into());
    }
    let not_after = chain.iter().map(|one| one.validity().not_after()).min().unwrap_or(now);
    let ders: Vec<u8> = chain.iter().flat_map(|one| one.der().to_vec()).collect();
    // A certificate is its own root where the chain is one long.
    let sent = &chain[..chain.len() - 1];
    let octets: usize = sent.iter().map(|one| one.der().len()).sum();
    let pem = |one: &Certificate| pem::encode(pem::Label::Certificate, one.der());
    Ok(Checked {
        facts: Facts {
            algorithm: own.public_key().kind().to_string(),
            mode: mode(own),
            chain_digest: Fingerprint::of(&ders).to_string(),
            chain_bytes: u32::try_from(octets).unwrap_or(u32::MAX),
            not_after,
        },
        authority: Authority {
            certificate: own.clone(),
            intermediates: sent.iter().map(pem).collect(),
            root: pem(root),
        },
    })
}

/// What the signatures of an authority are made of.
fn mode(authority: &Certificate) -> Mode {
    match authority.public_key().kind() {
        KeyKind::Composite(_) => Mode::Hybrid,
        KeyKind::MlDsa(_) | KeyKind::SlhDsa(_) => Mode::PostQuantum,
        KeyKind::Classical(_) | KeyKind::MlKem(_) | KeyKind::Other(_) => {
            match authority.extensions().alt_public_key() {
                Some(_) => Mode::Catalyst,
                None => Mode::Classical,
            }
        }
    }
}
