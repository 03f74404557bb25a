//! Lints of the key identifiers.

use super::{Check, Lint, Subject};
use crate::extensions::oid;
use crate::plan::Plan;
use crate::profile::ProfileKind;

pub(super) static LINTS: &[Lint] = &[
    Lint::error(
        "subject_key_identifier_in_authorities",
        "RFC 5280 section 4.2.1.2",
        "An authority has a subjectKeyIdentifier, by which paths are built.",
        Check::Certificate(|subject| {
            let identifier = subject.extensions().subject_key_identifier();
            (subject.is_authority() && identifier.is_none_or(<[u8]>::is_empty))
                .then(|| "subjectKeyIdentifier: found none, allowed for an authority is one".into())
        }),
    ),
    Lint::notice(
        "subject_key_identifier_in_leaves",
        "RFC 5280 section 4.2.1.2",
        "An end entity's certificate has a subjectKeyIdentifier.",
        Check::Certificate(|subject| {
            let identifier = subject.extensions().subject_key_identifier();
            (!subject.is_authority() && identifier.is_none_or(<[u8]>::is_empty))
                .then(|| "subjectKeyIdentifier: found none, better is one".into())
        }),
    ),
    Lint::fixed(
        "subject_key_identifier_as_planned",
        "Espalier, ADR 0030",
        "What we issue has a subjectKeyIdentifier.",
        Check::Planned(missing_in_plan),
    ),
    Lint::error(
        "authority_key_identifier_present",
        "RFC 5280 section 4.2.1.1",
        "There is an authorityKeyIdentifier with a key identifier; only a root may go without.",
        Check::Certificate(authority_key_identifier),
    ),
    Lint::error(
        "authority_key_identifier_complete",
        "RFC 5280 appendix A.2",
        "authorityKeyIdentifier names the issuer's issuer and serial number together or not at all.",
        Check::Certificate(|subject| {
            let found = subject.extensions().authority_key_identifier()?;
            let (issuer, serial) = (
                found.authority_cert_issuer.is_some(),
                found.authority_cert_serial_number.is_some(),
            );
            (issuer != serial).then(|| {
                "authorityKeyIdentifier: found one of authorityCertIssuer and authorityCertSerialNumber, allowed are both or neither".into()
            })
        }),
    ),
];

fn missing_in_plan(subject: &Subject<'_>, _: &Plan) -> Option<String> {
    let identifier = subject.extensions().subject_key_identifier();
    identifier
        .is_none_or(<[u8]>::is_empty)
        .then(|| "subjectKeyIdentifier: found none, allowed is one".into())
}

fn authority_key_identifier(subject: &Subject<'_>) -> Option<String> {
    // An unreadable one is another lint's.
    let present = subject.extensions().get(oid::AUTHORITY_KEY_IDENTIFIER).is_some();
    let identifier = subject.extensions().authority_key_identifier();
    if present && identifier.is_none() {
        return None;
    }
    let identifier = identifier.and_then(|identifier| identifier.key_identifier.as_ref());
    let identifier = identifier.map(|identifier| identifier.as_bytes());
    let own = subject.extensions().subject_key_identifier();
    match (subject.kind, identifier) {
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
