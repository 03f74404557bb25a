//! A certificate is asked for, and checked before anybody sees it.

use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::path::{Options, verify_path};
use ca_core::pem;
use client::v1::IssueCertificate;
use client::{IdempotencyKey, Issued, with_causes};
use jiff::Timestamp;

use crate::fault::Fault;
use crate::serving::{Authority, Serving};

/// The longest chain that cert-manager reads, in octets of PEM.
const LONGEST_CHAIN: usize = 95_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The certification request in PEM.
    pub csr: &'a [u8],
    /// The name under which the server issues it once.
    pub key: String,
    /// The profile that the request chooses.
    pub profile: Option<&'a str>,
    /// How long it shall be valid, in seconds.
    pub seconds: Option<u64>,
    /// Whether it shall be a CA's.
    pub is_ca: bool,
}

/// A certificate that was issued and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// The certificate and those above it without the root, in PEM.
    pub chain: String,
    /// The root in PEM.
    pub root: String,
    /// What it has otherwise than was asked for.
    pub notes: Vec<String>,
    /// The certificate.
    pub certificate: Box<Certificate>,
}

/// Asks the issuer's server, and checks what it answers.
///
/// # Errors
/// [`Fault`], by what follows from it.
pub async fn sign(issuer: &Serving, wish: &Wish<'_>) -> Result<Signed, Fault> {
    let csr = pem::read_one_request(wish.csr)
        .map_err(|error| Fault::BadRequest(format!("spec.request: {}", with_causes(&error))))?;
    let profile = issuer.profile(wish.profile).map_err(Fault::BadRequest)?;
    // What was read as PEM above is text.
    let text = String::from_utf8_lossy(wish.csr).into_owned();
    let order = IssueCertificate {
        csr: text,
        authority: Some(issuer.spec.authority.clone()),
        profile: Some(profile),
        validity_seconds: wish.seconds,
        validity_days: None,
    };
    let key = IdempotencyKey::new(wish.key.as_str())?;
    let chosen = wish.profile.is_some_and(|chosen| chosen != issuer.spec.profile);
    let sort = if chosen { Fault::of_chosen_profile } else { Fault::from };
    let issued = issuer.client.issue(&order, &key).await.map_err(sort)?;
    accept(&issuer.authority, &csr, wish.is_ca, issued)
}

/// An answer becomes a certificate only when it is the one that was asked for: the request's key,
/// signed by the issuer's authority.
///
/// # Errors
/// [`Fault::Transient`] for an answer of another request or authority, as the authority may have
/// been made anew since it was looked at; [`Fault::Refused`] for a certificate that does not fit.
pub fn accept(
    authority: &Authority,
    csr: &CertificateRequest,
    is_ca: bool,
    issued: Issued,
) -> Result<Signed, Fault> {
    let answer = issued.certificate;
    let foreign = |words: String| Fault::Transient {
        words: format!("certificate {}: {words}", answer.serial),
        after: None,
    };
    let text = answer.certificate.as_deref().unwrap_or_default();
    let leaf = pem::read_one_certificate(text.as_bytes()).map_err(|error| {
        foreign(format!("found {}, allowed is one in PEM", with_causes(&error)))
    })?;
    if leaf.public_key().spki_der() != csr.public_key().spki_der() {
        return Err(foreign("public key: found another one, allowed is the request's".into()));
    }
    signed_by(authority, &leaf).map_err(foreign)?;
    let is = leaf.extensions().basic_constraints().is_some_and(|constraints| constraints.ca);
    if is != is_ca {
        return Err(Fault::Refused(format!(
            "spec.isCA: found {is_ca}, allowed by the profile {} is {is}",
            answer.profile
        )));
    }
    let mut chain = pem::encode(pem::Label::Certificate, leaf.der());
    chain.push_str(&authority.intermediates);
    if chain.len() > LONGEST_CHAIN {
        return Err(Fault::Refused(format!(
            "certificate chain: found {} octets of PEM, allowed by cert-manager are {LONGEST_CHAIN}; choose an authority with smaller signatures",
            chain.len()
        )));
    }
    let (serial, notes, root) = (answer.serial, answer.notes, authority.root.clone());
    Ok(Signed { serial, chain, root, notes, certificate: Box::new(leaf) })
}

/// The authority's own signature, checked at an instant in which both certificates are valid: the
/// clocks of controller and server may differ.
fn signed_by(authority: &Authority, leaf: &Certificate) -> Result<(), String> {
    let anchor = &authority.certificate;
    let at: Timestamp = leaf.validity().not_before().max(anchor.validity().not_before());
    let options = Options { max_depth: 0, ..Options::at(at) };
    let outcome = verify_path(leaf, &[], std::slice::from_ref(anchor), &options);
    match outcome.error {
        None => Ok(()),
        Some(error) => Err(format!("not of the issuer's authority: {error}")),
    }
}

/// How long one call of the server may take: longer than the server's own limit of 30 s.
pub const PATIENCE: Duration = Duration::from_secs(45);
