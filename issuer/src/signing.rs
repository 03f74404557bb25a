//! A certificate is asked for, and checked before anybody sees it.

use std::time::Duration;

use ca_core::algorithm::{Algorithm, KeyKind};
use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::path::{Options, verify_path};
use ca_core::pem;
use client::v1::{IssueCertificate, Profile};
use client::{ClientError, IdempotencyKey, Issued, with_causes};
use jiff::Timestamp;

use crate::context::Clock;
use crate::fault::Fault;
use crate::serving::{Authority, Serving};
use crate::{answered, usages};

/// The longest chain that cert-manager reads, in octets of PEM.
const LONGEST_CHAIN: usize = 95_000;

/// How the server answers to a name under which it was asked for something else.
const CONFLICT: &str = "idempotency-conflict";
/// How the server answers to a name whose record it has ended.
const ABANDONED: &str = "request-abandoned";
/// Names that a request may have: more than can be cut off, one a minute, before it is given up.
const MOST_NAMES: u32 = 100;

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
    /// Where the request says so.
    pub is_ca_field: &'static str,
    /// What it shall be used for, in the words of Kubernetes, where that stands beside the CSR.
    pub usages: &'a [String],
    /// Who knows the time.
    pub clock: Clock,
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

impl Signed {
    /// What people are told.
    #[must_use]
    pub fn words(&self) -> String {
        let words = format!("certificate {} issued", self.serial);
        if self.notes.is_empty() {
            return words;
        }
        format!("{words}, otherwise than asked for: {}", self.notes.join("; "))
    }
}

/// Asks the issuer's server for a certificate of this authority, and checks what it answers.
///
/// # Errors
/// [`Fault`], by what follows from it.
pub async fn sign(
    issuer: &Serving,
    authority: &Authority,
    wish: &Wish<'_>,
) -> Result<Signed, Fault> {
    let csr = pem::read_one_request(wish.csr)
        .map_err(|error| Fault::BadRequest(format!("spec.request: {}", with_causes(&error))))?;
    let profile = issuer.profile(wish.profile).map_err(Fault::BadRequest)?;
    foresee(authority, profile, &csr, wish)?;
    // What was read as PEM above is text.
    let text = String::from_utf8_lossy(wish.csr).into_owned();
    let order = |authority: &Authority| IssueCertificate {
        csr: text.clone(),
        authority: Some(authority.name.clone()),
        profile: Some(profile.name.clone()),
        validity_seconds: wish.seconds,
        validity_days: None,
    };
    let chosen = wish.profile.is_some_and(|chosen| chosen != issuer.spec.profile);
    let sort = if chosen { Fault::of_chosen_profile } else { Fault::from };
    let asked = asked(issuer, authority, order, &wish.key).await;
    let (issued, authority) = asked.map_err(sort)?;
    accept(authority, &csr, wish, issued)
}

/// Refuses what [`accept`] would refuse of any answer, before a certificate is issued that nobody
/// gets: by the profile's kind and usages, and by what the chain has at least.
///
/// # Errors
/// [`Fault::Refused`] or [`Fault::BadRequest`] with what was found and what is allowed.
fn foresee(
    authority: &Authority,
    profile: &Profile,
    csr: &CertificateRequest,
    wish: &Wish<'_>,
) -> Result<(), Fault> {
    if profile.is_of_authorities() != wish.is_ca {
        return Err(of_another_kind(wish, &profile.name));
    }
    usages::check(wish.usages, profile, csr).map_err(Fault::BadRequest)?;
    let own = &authority.certificate;
    let alternative = own.extensions().alt_public_key();
    let keys = std::iter::once(own.public_key()).chain(alternative);
    let signatures: usize = keys.map(|key| signature_size(key.kind())).sum();
    let octets = csr.public_key().spki_der().len() + signatures;
    // Base64 without its line ends.
    let least = authority.intermediates.len() + octets.div_ceil(3) * 4;
    if least > LONGEST_CHAIN { Err(too_long(&format!("more than {least}"))) } else { Ok(()) }
}

/// Octets of a signature; 0 where this program does not know the algorithm.
fn signature_size(kind: KeyKind) -> usize {
    Algorithm::of_key(kind, false).map_or(0, Algorithm::signature_size)
}

fn of_another_kind(wish: &Wish<'_>, profile: &str) -> Fault {
    let Wish { is_ca, is_ca_field, .. } = wish;
    Fault::Refused(format!(
        "{is_ca_field}: found {is_ca}, allowed by the profile {profile} is {}",
        !is_ca
    ))
}

fn too_long(found: &str) -> Fault {
    Fault::Refused(format!(
        "certificate chain: found {found} octets of PEM, allowed by cert-manager are {LONGEST_CHAIN}; choose an authority with smaller signatures"
    ))
}

/// Asks under the request's name. Where the server has ended what was cut off under it, no certificate
/// ever comes of that, and the next name is as good as the first: no other is (ADR 0170).
async fn asked<'a>(
    issuer: &'a Serving,
    chosen: &'a Authority,
    order: impl Fn(&Authority) -> IssueCertificate,
    name: &str,
) -> Result<(Issued, &'a Authority), ClientError> {
    let mut number = 1;
    loop {
        let key = match number {
            1 => IdempotencyKey::new(name)?,
            number => IdempotencyKey::new(format!("{name}.{number}"))?,
        };
        match asked_as_before(issuer, chosen, &order, &key).await {
            Err(error) if error.is(ABANDONED) && number < MOST_NAMES => number += 1,
            answer => return answer,
        }
    }
}

/// Asks for a certificate of this authority. Where another authority of the issuer was asked under the same name
/// before, and the answer was cut off, a policy changed its choice in between: what that one signed is the
/// request's certificate, and there is no second one (ADR 0181).
async fn asked_as_before<'a>(
    issuer: &'a Serving,
    chosen: &'a Authority,
    order: impl Fn(&Authority) -> IssueCertificate,
    key: &IdempotencyKey,
) -> Result<(Issued, &'a Authority), ClientError> {
    let conflict = match issuer.client.issue(&order(chosen), key).await {
        Err(error) if error.is(CONFLICT) => error,
        answer => return answer.map(|issued| (issued, chosen)),
    };
    for authority in issuer.authorities().filter(|one| one.name != chosen.name) {
        match issuer.client.issue(&order(authority), key).await {
            // It is another one's. What this one may not do, or not any more, says nothing of the request.
            Err(error) if error.is(CONFLICT) || is_refused(&error) => {}
            answer => return answer.map(|issued| (issued, authority)),
        }
    }
    Err(conflict)
}

/// Whether the server refuses an order as it is, whatever was asked before.
fn is_refused(error: &ClientError) -> bool {
    let is_final = |status: u16| matches!(status, 400 | 403 | 404 | 422);
    matches!(error, ClientError::Refused(refused) if is_final(refused.problem.status))
}

/// An answer becomes a certificate only when it is the one that was asked for: the request's key, signed by
/// the issuer's authority, and nothing beside the names, time and purposes that were asked for.
///
/// # Errors
/// [`Fault::Transient`] for an answer of another request or authority, as the authority may have
/// been made anew since it was looked at, and for one that is not valid now, as a clock may be set right;
/// [`Fault::Refused`] for a certificate that does not fit.
pub fn accept(
    authority: &Authority,
    csr: &CertificateRequest,
    wish: &Wish<'_>,
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
    answered::valid_at(&leaf, (wish.clock)()).map_err(foreign)?;
    answered::check(&leaf, csr, wish).map_err(Fault::Refused)?;
    let is = leaf.extensions().basic_constraints().is_some_and(|constraints| constraints.ca);
    if is != wish.is_ca {
        return Err(of_another_kind(wish, &answer.profile));
    }
    let mut chain = pem::encode(pem::Label::Certificate, leaf.der());
    chain.push_str(&authority.intermediates);
    if chain.len() > LONGEST_CHAIN {
        return Err(too_long(&chain.len().to_string()));
    }
    let (serial, mut notes, root) = (answer.serial, answer.notes, authority.root.clone());
    // An answer that is given once more has no notes of the server's (ADR 0072).
    let told = (!issued.replayed).then_some(csr);
    notes.extend(usages::left_out(wish.usages, told, &leaf));
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
pub const LONGEST_CALL: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use client::Client;
    use policy::{Offer, Offers};

    use super::*;
    use crate::kinds::{IssuerKind, IssuerRef};

    const ROOT: &str = include_str!("../../api/tests/auth/root.pem");
    const CSR: &str = include_str!("../../ca-core/tests/data/inspect/request.pem");

    fn profile(name: &str, kind: &str) -> Profile {
        serde_json::from_value(serde_json::json!({
            "name": name, "description": "", "kind": kind, "key_usages": ["digital_signature"],
            "extended_key_usages": [], "copied_extensions": [], "keys": "", "name_kinds": [],
            "default_validity_seconds": 1, "max_validity_seconds": 1,
        }))
        .unwrap()
    }

    /// An issuer whose server nobody can ask, with this much between leaf and root.
    fn nowhere(intermediates: usize) -> Serving {
        let spec = serde_json::json!({
            "server": {"url": "https://127.0.0.1:1"}, "authority": "issuing", "auth": {},
            "allowedProfiles": ["sub-ca"], "profile": "tls-server",
        });
        let reference = IssuerRef { kind: IssuerKind::Cluster, namespace: None, name: "x".into() };
        let root = pem::read_one_certificate(ROOT.as_bytes()).unwrap();
        Serving {
            others: Vec::new(),
            offers: Offers::new(
                Offer::of("issuing", std::slice::from_ref(&root)).unwrap(),
                Vec::new(),
            ),
            reference,
            spec: serde_json::from_value(spec).unwrap(),
            client: Client::builder("https://127.0.0.1:1").retries(0).build().unwrap(),
            authority: Authority {
                name: "issuing".into(),
                certificate: root.clone(),
                intermediates: "x".repeat(intermediates),
                root: ROOT.to_owned(),
                root_digest: root.fingerprint(),
            },
            profiles: vec![profile("tls-server", "leaf"), profile("sub-ca", "issuing")],
        }
    }

    async fn fault(intermediates: usize, profile: Option<&str>, is_ca: bool) -> Fault {
        let key = "u-1".to_owned();
        let csr = CSR.as_bytes();
        let is_ca_field = "spec.isCA";
        let wish = Wish {
            csr,
            key,
            profile,
            seconds: None,
            is_ca,
            is_ca_field,
            usages: &[],
            clock: || Timestamp::UNIX_EPOCH,
        };
        let serving = nowhere(intermediates);
        sign(&serving, &serving.authority, &wish).await.unwrap_err()
    }

    #[tokio::test]
    async fn nobody_is_asked_for_what_would_be_refused() {
        for (found, wanted) in [
            (
                fault(0, None, true).await,
                "spec.isCA: found true, allowed by the profile tls-server is false",
            ),
            (
                fault(0, Some("sub-ca"), false).await,
                "spec.isCA: found false, allowed by the profile sub-ca is true",
            ),
            (fault(LONGEST_CHAIN - 10, None, false).await, "certificate chain: found more than 95"),
        ] {
            let Fault::Refused(words) = &found else { panic!("{found:?}") };
            assert!(words.starts_with(wanted), "{words}");
        }
        // What may fit is asked for, of a server that is not there.
        for (intermediates, profile, is_ca) in
            [(0, None, false), (LONGEST_CHAIN / 2, None, false), (0, Some("sub-ca"), true)]
        {
            let found = fault(intermediates, profile, is_ca).await;
            assert!(matches!(found, Fault::Transient { .. }), "{found:?}");
        }
    }
}
