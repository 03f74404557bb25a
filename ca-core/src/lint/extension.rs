//! Lints of all extensions together: criticality, empty lists, order.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;

use super::{Check, Lint, Subject};
use crate::extensions::{Extensions, is_empty_sequence, oid};

pub(super) static LINTS: &[Lint] = &[
    Lint::error(
        "lists_not_empty",
        "RFC 5280 section 4.2.1",
        "Lists in extensions hold something.",
        Check::Claims(|claims| empty_lists(claims.extensions)),
    ),
    Lint::error(
        "extensions_critical",
        "RFC 5280 sections 4.2.1.10, 4.2.1.11 and 4.2.1.14",
        "nameConstraints, policyConstraints and inhibitAnyPolicy are critical.",
        Check::Certificate(|subject| {
            wrong_criticality(subject, &MUST_BE_CRITICAL, true, "allowed")
        }),
    ),
    Lint::error(
        "extensions_not_critical",
        "RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.1.8, 4.2.1.15 and 4.2.2, RFC 9763 section 4.1, X.509 (10/2019) clause 9.8",
        "Key identifiers, authorityInfoAccess, subjectInfoAccess, freshestCRL, RelatedCertificate and the alternative signature's extensions are not critical.",
        Check::Certificate(|subject| {
            wrong_criticality(subject, &MUST_NOT_BE_CRITICAL, false, "allowed")
        }),
    ),
    Lint::warning(
        "extensions_better_not_critical",
        "RFC 5280 sections 4.2.1.7 and 4.2.1.13, RFC 6960 section 4.2.2.2.1",
        "issuerAltName, cRLDistributionPoints and id-pkix-ocsp-nocheck are not critical.",
        Check::Certificate(|subject| {
            wrong_criticality(subject, &BETTER_NOT_CRITICAL, false, "better")
        }),
    ),
    Lint::error(
        "critical_extensions_known",
        "RFC 5280 section 4.2",
        "No critical extension is unknown: every verifier that does not know it refuses the certificate.",
        Check::Certificate(|subject| {
            let all = subject.extensions().all();
            let unknown = all.iter().find(|found| found.critical && !is_known(found.oid))?;
            Some(format!(
                "extension {}: found critical and unknown, allowed is not critical",
                unknown.oid
            ))
        }),
    ),
    Lint::error(
        "extension_order",
        "Espalier, ADR 0030",
        "Extensions stand in our one order; in others' certificates it counts only beside an alternative signature.",
        Check::Certificate(|subject| {
            subject.extensions().alt_signature_algorithm()?;
            order(subject.extensions())
        }),
    ),
    Lint::fixed(
        "extension_order_as_planned",
        "Espalier, ADR 0030",
        "Extensions stand in our one order.",
        Check::Planned(|subject, _| order(subject.extensions())),
    ),
];

const SUBJECT_DIRECTORY_ATTRIBUTES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.9");
const ISSUER_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.18");
const FRESHEST_CRL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.46");
const SUBJECT_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.11");
/// id-pe-tlsfeature, RFC 7633.
const TLS_FEATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");

const MUST_BE_CRITICAL: [(&str, ObjectIdentifier); 3] = [
    ("nameConstraints", oid::NAME_CONSTRAINTS),
    ("policyConstraints", oid::POLICY_CONSTRAINTS),
    ("inhibitAnyPolicy", oid::INHIBIT_ANY_POLICY),
];
const MUST_NOT_BE_CRITICAL: [(&str, ObjectIdentifier); 10] = [
    ("subjectKeyIdentifier", oid::SUBJECT_KEY_IDENTIFIER),
    ("authorityKeyIdentifier", oid::AUTHORITY_KEY_IDENTIFIER),
    ("subjectDirectoryAttributes", SUBJECT_DIRECTORY_ATTRIBUTES),
    ("authorityInfoAccess", oid::AUTHORITY_INFO_ACCESS),
    ("subjectInfoAccess", SUBJECT_INFO_ACCESS),
    ("freshestCRL", FRESHEST_CRL),
    ("RelatedCertificate", oid::RELATED_CERTIFICATE),
    ("subjectAltPublicKeyInfo", oid::SUBJECT_ALT_PUBLIC_KEY_INFO),
    ("altSignatureAlgorithm", oid::ALT_SIGNATURE_ALGORITHM),
    ("altSignatureValue", oid::ALT_SIGNATURE_VALUE),
];
const BETTER_NOT_CRITICAL: [(&str, ObjectIdentifier); 3] = [
    ("issuerAltName", ISSUER_ALT_NAME),
    ("cRLDistributionPoints", oid::CRL_DISTRIBUTION_POINTS),
    ("id-pkix-ocsp-nocheck", oid::OCSP_NO_CHECK),
];

/// The first value that stands twice. A stranger's list may hold tens of thousands.
pub(super) fn repeated<T: Copy + Ord>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    all.find(|one| !seen.insert(*one))
}

/// Those that common verifiers know.
fn is_known(found: ObjectIdentifier) -> bool {
    const OTHERS: [ObjectIdentifier; 8] = [
        oid::BASIC_CONSTRAINTS,
        oid::KEY_USAGE,
        oid::EXTENDED_KEY_USAGE,
        oid::SUBJECT_ALT_NAME,
        oid::CERTIFICATE_POLICIES,
        oid::POLICY_MAPPINGS,
        TLS_FEATURE,
        ISSUER_ALT_NAME,
    ];
    let listed = MUST_BE_CRITICAL.iter().chain(&MUST_NOT_BE_CRITICAL).chain(&BETTER_NOT_CRITICAL);
    OTHERS.contains(&found) || listed.into_iter().any(|(_, known)| *known == found)
}

fn wrong_criticality(
    subject: &Subject<'_>,
    table: &[(&str, ObjectIdentifier)],
    wanted: bool,
    word: &str,
) -> Option<String> {
    let state = |critical: bool| if critical { "critical" } else { "not critical" };
    table.iter().find_map(|(name, oid)| {
        let found = subject.extensions().get(*oid)?.critical;
        (found != wanted)
            .then(|| format!("{name}: found {}, {word} is {}", state(found), state(wanted)))
    })
}

fn empty_lists(extensions: &Extensions) -> Option<String> {
    let lists = [
        oid::SUBJECT_ALT_NAME,
        oid::EXTENDED_KEY_USAGE,
        oid::CERTIFICATE_POLICIES,
        oid::CRL_DISTRIBUTION_POINTS,
        oid::AUTHORITY_INFO_ACCESS,
        oid::NAME_CONSTRAINTS,
        oid::POLICY_MAPPINGS,
        oid::POLICY_CONSTRAINTS,
    ];
    let empty = |oid: &ObjectIdentifier| {
        extensions.get(*oid).is_some_and(|extension| is_empty_sequence(&extension.value))
    };
    lists
        .into_iter()
        .find(empty)
        .map(|oid| format!("extension {oid}: found an empty list, allowed is at least one item"))
}

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

fn order(extensions: &Extensions) -> Option<String> {
    let place = |oid: ObjectIdentifier| {
        let first = ORDER.iter().position(|known| *known == oid);
        let last = LAST.iter().position(|known| *known == oid);
        first.or(last.map(|place| ORDER.len() + 1 + place)).unwrap_or(ORDER.len())
    };
    extensions.all().windows(2).find(|pair| place(pair[0].oid) > place(pair[1].oid)).map(|pair| {
        format!("extensions: found {} before {}, allowed is after it", pair[0].oid, pair[1].oid)
    })
}
