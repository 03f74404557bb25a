//! Whether an authority can be used, as its server shows it.

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::path::{Options, verify_path};
use ca_core::pem;
use client::v1::{Authority as Shown, Profile};
use jiff::Timestamp;
use policy::{Mode, Offer};

use crate::kinds::IssuerSpec;
use crate::serving::Authority;
use client::with_causes;

/// What is told of an authority in an issuer's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The algorithm of its key.
    pub algorithm: String,
    /// What its signatures are made of.
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
    /// What it offers to policies.
    pub offer: Offer,
    /// What is told of it.
    pub facts: Facts,
}

/// Checks the authority of an issuer, and the profiles beside it.
///
/// # Errors
/// Why it can't be used: which field, what was found, what is allowed.
pub fn check(
    spec: &IssuerSpec,
    shown: &Shown,
    profiles: &[Profile],
    now: Timestamp,
) -> Result<Checked, String> {
    signs("spec.authority", shown)?;
    for (field, wanted) in std::iter::once(("spec.profile", &spec.profile))
        .chain(spec.allowed_profiles.iter().map(|one| ("spec.allowedProfiles", one)))
    {
        if !profiles.iter().any(|profile| profile.name == *wanted) {
            let known: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
            let known = known.join(", ");
            return Err(format!("{field}: found {wanted:?}, allowed by the server: {known}"));
        }
    }
    read(shown, now)
}

/// Checks an authority that policies may choose for a mode, which this field of an issuer names.
///
/// # Errors
/// As [`check`], and where its signatures are of another mode.
pub fn check_of_mode(
    (field, mode): (&str, Mode),
    shown: &Shown,
    now: Timestamp,
) -> Result<Checked, String> {
    signs(field, shown)?;
    let checked = read(shown, now).map_err(|words| format!("{field}: {words}"))?;
    let found = checked.facts.mode;
    if found == mode {
        return Ok(checked);
    }
    let name = &shown.name;
    Err(format!(
        "{field}: found {name:?}, whose certificates are {found}, allowed is an authority of {mode}"
    ))
}

fn signs(field: &str, shown: &Shown) -> Result<(), String> {
    if shown.signs {
        return Ok(());
    }
    let name = &shown.name;
    Err(format!(
        "{field}: found {name:?}, with which the server does not sign, allowed is one whose key it has"
    ))
}

fn read(shown: &Shown, now: Timestamp) -> Result<Checked, String> {
    let chain = pem::read_certificates(shown.chain.as_bytes())
        .map_err(|error| format!("chain of the authority: {}", with_causes(&error)))?;
    checked(&shown.name, &chain, now)
}

/// A chain whose signatures are right and which is valid now, from the authority up to its root.
fn checked(name: &str, chain: &[Certificate], now: Timestamp) -> Result<Checked, String> {
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
    let offer = Offer::of(name, chain).map_err(|error| with_causes(&error))?;
    let not_after = chain.iter().map(|one| one.validity().not_after()).min().unwrap_or(now);
    let ders: Vec<u8> = chain.iter().flat_map(|one| one.der().to_vec()).collect();
    // A certificate is its own root where the chain is one long.
    let sent = &chain[..chain.len() - 1];
    let pem = |one: &Certificate| pem::encode(pem::Label::Certificate, one.der());
    Ok(Checked {
        facts: Facts {
            algorithm: own.public_key().kind().to_string(),
            mode: offer.mode(),
            chain_digest: Fingerprint::of(&ders).to_string(),
            chain_bytes: u32::try_from(offer.chain_bytes()).unwrap_or(u32::MAX),
            not_after,
        },
        authority: Authority {
            name: name.to_owned(),
            certificate: own.clone(),
            intermediates: sent.iter().map(pem).collect(),
            root: pem(root),
            root_digest: root.fingerprint(),
        },
        offer,
    })
}
