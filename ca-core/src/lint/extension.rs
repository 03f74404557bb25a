//! Lints of the other extensions: identifiers, usages, order, the alternative signature.

use const_oid::ObjectIdentifier;

use super::Severity::{Error, Notice, Warning};
use super::{Lint, Subject};
use crate::algorithm::SignatureScheme;
use crate::extensions::{is_empty_sequence, oid};
use crate::profile::ProfileKind;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        id: "subject_key_identifier_present",
        source: "RFC 5280 section 4.2.1.2",
        severity: Error,
        check: subject_key_identifier,
    },
    Lint {
        id: "authority_key_identifier_present",
        source: "RFC 5280 section 4.2.1.1",
        severity: Error,
        check: authority_key_identifier,
    },
    Lint {
        id: "lists_not_empty",
        source: "RFC 5280 section 4.2.1",
        severity: Error,
        check: empty_lists,
    },
    Lint { id: "extension_order", source: "Espalier, ADR 0030", severity: Error, check: order },
    Lint {
        id: "alternative_signature_consistent",
        source: "X.509 (10/2019) clause 9.8",
        severity: Error,
        check: alternative,
    },
    Lint {
        id: "ocsp_responder_has_no_check",
        source: "RFC 6960 section 4.2.2.2.1",
        severity: Notice,
        check: ocsp_no_check,
    },
    Lint {
        id: "any_extended_key_usage",
        source: "RFC 5280 section 4.2.1.12",
        severity: Warning,
        check: any_usage,
    },
];

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
pub(super) const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const OCSP_NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

/// Where the known extensions stand; those not listed come between the last two groups.
const ORDER: [ObjectIdentifier; 6] = [
    oid::BASIC_CONSTRAINTS,
    oid::SUBJECT_ALT_NAME,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
];
const LAST: [ObjectIdentifier; 3] =
    [oid::SUBJECT_ALT_PUBLIC_KEY_INFO, oid::ALT_SIGNATURE_ALGORITHM, oid::ALT_SIGNATURE_VALUE];

fn has_usage(subject: &Subject<'_>, usage: ObjectIdentifier) -> bool {
    subject.extensions.extended_key_usage().is_some_and(|usages| usages.0.contains(&usage))
}

/// Whether the certificate is for TLS servers.
pub(super) fn is_tls_server(subject: &Subject<'_>) -> bool {
    has_usage(subject, SERVER_AUTH)
}

fn subject_key_identifier(subject: &Subject<'_>) -> Option<String> {
    match subject.extensions.subject_key_identifier() {
        None | Some([]) => Some("subjectKeyIdentifier: found none, allowed is one".into()),
        Some(_) if subject.extensions.is_critical(oid::SUBJECT_KEY_IDENTIFIER) => {
            Some("subjectKeyIdentifier: found critical, allowed is not critical".into())
        }
        Some(_) => None,
    }
}

fn authority_key_identifier(subject: &Subject<'_>) -> Option<String> {
    if subject.extensions.is_critical(oid::AUTHORITY_KEY_IDENTIFIER) {
        return Some("authorityKeyIdentifier: found critical, allowed is not critical".into());
    }
    let identifier = subject.extensions.authority_key_identifier();
    let identifier = identifier.and_then(|identifier| identifier.key_identifier.as_ref());
    let identifier = identifier.map(|identifier| identifier.as_bytes());
    let own = subject.extensions.subject_key_identifier();
    match (subject.plan.kind, identifier) {
        // A root may leave it out.
        (ProfileKind::Root, Some(found)) if Some(found) != own => Some(
            "authorityKeyIdentifier: found another than the root's own, allowed is that one".into(),
        ),
        (ProfileKind::Root, _) | (_, Some(_)) => None,
        (_, None) => Some(
            "authorityKeyIdentifier: found no keyIdentifier, allowed is one unless self-signed"
                .into(),
        ),
    }
}

fn empty_lists(subject: &Subject<'_>) -> Option<String> {
    let lists = [
        oid::SUBJECT_ALT_NAME,
        oid::EXTENDED_KEY_USAGE,
        oid::CERTIFICATE_POLICIES,
        oid::CRL_DISTRIBUTION_POINTS,
        oid::AUTHORITY_INFO_ACCESS,
        oid::NAME_CONSTRAINTS,
    ];
    let empty = |oid: &ObjectIdentifier| {
        subject.extensions.get(*oid).is_some_and(|extension| is_empty_sequence(&extension.value))
    };
    lists
        .into_iter()
        .find(empty)
        .map(|oid| format!("extension {oid}: found an empty list, allowed is at least one item"))
}

fn order(subject: &Subject<'_>) -> Option<String> {
    let place = |oid: ObjectIdentifier| {
        let first = ORDER.iter().position(|known| *known == oid);
        let last = LAST.iter().position(|known| *known == oid);
        first.or(last.map(|place| ORDER.len() + 1 + place)).unwrap_or(ORDER.len())
    };
    let all = subject.extensions.all();
    all.windows(2).find(|pair| place(pair[0].oid) > place(pair[1].oid)).map(|pair| {
        format!("extensions: found {} before {}, allowed is after it", pair[0].oid, pair[1].oid)
    })
}

fn alternative(subject: &Subject<'_>) -> Option<String> {
    let (plan, extensions) = (subject.plan, subject.extensions);
    if let Some(critical) = LAST.into_iter().find(|oid| extensions.is_critical(*oid)) {
        return Some(format!("extension {critical}: found critical, allowed is not critical"));
    }
    if extensions.alt_public_key() != plan.alt_public_key.as_ref() {
        return Some("subjectAltPublicKeyInfo: allowed is only the planned key".into());
    }
    if extensions.alt_signature_value().is_some() {
        return Some("altSignatureValue: found one, allowed is none before it is made".into());
    }
    let found = match extensions.alt_signature_algorithm().map(SignatureScheme::from_identifier) {
        None => None,
        Some(Ok(scheme)) => Some(scheme),
        Some(Err(error)) => return Some(format!("altSignatureAlgorithm: {error}")),
    };
    (found != plan.alt_scheme)
        .then(|| "altSignatureAlgorithm: allowed is only the planned algorithm".into())
}

fn ocsp_no_check(subject: &Subject<'_>) -> Option<String> {
    let responder = has_usage(subject, OCSP_SIGNING) && !subject.plan.kind.is_authority();
    (responder && subject.extensions.get(OCSP_NO_CHECK).is_none()).then(|| {
        "id-pkix-ocsp-nocheck: found none in an OCSP responder's certificate, whose own state clients will ask for".into()
    })
}

fn any_usage(subject: &Subject<'_>) -> Option<String> {
    has_usage(subject, ANY_USAGE)
        .then(|| "extendedKeyUsage: found anyExtendedKeyUsage, better are single usages".into())
}
