//! Lints of the alternative signature and key (X.509 (10/2019) clause 9.8).

use super::{Check, Issuer, Lint, Subject};
use crate::algorithm::{KeyKind, SignatureScheme};
use crate::alt_signature::{AltSignatureError, verify_alt_signature};
use crate::plan::Plan;
use crate::signature::check_fit;

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "alternative_signature_as_planned",
        "Espalier, ADR 0030",
        "The alternative key and algorithm are the planned ones, and no value stands before it is made.",
        Check::Planned(as_planned),
    ),
    Lint::fixed(
        "alternative_signature_complete",
        "X.509 (10/2019) clause 9.8",
        "altSignatureAlgorithm and altSignatureValue stand together.",
        Check::Read(|subject, _| {
            let extensions = subject.extensions();
            match (extensions.alt_signature_algorithm(), extensions.alt_signature_value()) {
                (Some(_), None) => Some(AltSignatureError::NoValue.to_string()),
                (None, Some(_)) => Some(AltSignatureError::NoAlgorithm.to_string()),
                _ => None,
            }
        }),
    ),
    Lint::fixed(
        "alternative_signature_algorithm",
        "X.509 (10/2019) clause 9.8, RFC 9881 section 2",
        "altSignatureAlgorithm is a known one with its RFC's parameters.",
        Check::Certificate(|subject| {
            let identifier = subject.extensions().alt_signature_algorithm()?;
            let error = SignatureScheme::from_identifier(identifier).err()?;
            Some(format!("altSignatureAlgorithm: {error}"))
        }),
    ),
    Lint::fixed(
        "alternative_of_two_families",
        "Espalier, ADR 0030",
        "One of signature and alternative signature is classical, the other post-quantum.",
        Check::Certificate(|subject| {
            let own = SignatureScheme::from_identifier(subject.fields.signature.as_ref()?).ok()?;
            let second = subject.extensions().alt_signature_algorithm()?;
            let second = SignatureScheme::from_identifier(second).ok()?;
            (own.is_post_quantum() || !second.is_post_quantum()).then(|| {
                format!("altSignatureAlgorithm: found {second} beside {own}, allowed is a post-quantum one beside a classical one")
            })
        }),
    ),
    Lint::fixed(
        "alternative_key_apart",
        "Composite draft section 11, \"Key Reuse\"",
        "The alternative key is post-quantum, beside a classical key, and shares no part with it.",
        Check::Certificate(|subject| {
            let (own, second) = (subject.claims.key.ok()?, subject.extensions().alt_public_key()?);
            let post_quantum = matches!(
                second.kind(),
                KeyKind::MlDsa(_) | KeyKind::SlhDsa(_) | KeyKind::Composite(_)
            );
            let fits = post_quantum && matches!(own.kind(), KeyKind::Classical(_));
            (!fits || second.shares_component(own)).then(|| {
                format!(
                    "subjectAltPublicKeyInfo: found {} beside {}, allowed is a post-quantum key beside a classical one that is no part of it",
                    second.kind(),
                    own.kind()
                )
            })
        }),
    ),
    Lint::fixed(
        "alternative_signature_verifies",
        "X.509 (10/2019) clause 9.8",
        "The issuer's alternative key made the alternative signature.",
        Check::Issued(verifies),
    ),
    Lint::fixed(
        "alternative_key_protected",
        "Espalier, ADR 0030",
        "A certificate with an alternative key has an alternative signature: otherwise a classical one alone vouches for it.",
        Check::Certificate(|subject| {
            subject.extensions().alt_public_key()?;
            subject.extensions().alt_signature_algorithm().is_none().then(|| {
                "subjectAltPublicKeyInfo: found without an alternative signature, allowed is with one".into()
            })
        }),
    ),
];

fn as_planned(subject: &Subject<'_>, plan: &Plan) -> Option<String> {
    let extensions = subject.extensions();
    if extensions.alt_public_key() != plan.alt_public_key.as_ref() {
        return Some("subjectAltPublicKeyInfo: allowed is only the planned key".into());
    }
    if extensions.alt_signature_value().is_some() {
        return Some("altSignatureValue: found one, allowed is none before it is made".into());
    }
    let found = extensions.alt_signature_algorithm().map(SignatureScheme::from_identifier);
    (found.and_then(Result::ok) != plan.alt_scheme)
        .then(|| "altSignatureAlgorithm: allowed is only the planned algorithm".into())
}

fn verifies(subject: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let issuer = issuer.certificate.as_ref()?.read?;
    let (key, own) = (issuer.extensions().alt_public_key(), subject.read?);
    match (key, subject.extensions().alt_signature_value()) {
        (Some(key), _) => match verify_alt_signature(own, key) {
            Err(error) => Some(error.to_string()),
            Ok(scheme) => check_fit(key, scheme).err().map(|error| error.to_string()),
        },
        (None, Some(_)) => {
            Some("altSignatureValue: found one, allowed from an issuer without an alternative key is none".into())
        }
        (None, None) => None,
    }
}
