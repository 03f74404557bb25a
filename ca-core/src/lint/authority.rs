//! Lints of what makes an authority.

use super::{Check, Lint, Subject};
use crate::extensions::oid;
use crate::path::same_name;
use crate::plan::Plan;
use crate::profile::ProfileKind;

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "basic_constraints_match_kind",
        "RFC 5280 section 4.2.1.9",
        "CA:TRUE stands exactly in a certificate that was planned for an authority.",
        Check::Planned(match_kind),
    ),
    Lint::fixed(
        "basic_constraints_critical",
        "RFC 5280 section 4.2.1.9",
        "An authority's basicConstraints are critical.",
        Check::Certificate(|subject| {
            let critical = subject.extensions().is_critical(oid::BASIC_CONSTRAINTS);
            let present = subject.extensions().basic_constraints().is_some();
            (subject.is_authority() && present && !critical)
                .then(|| "basicConstraints: found not critical, allowed is critical".into())
        }),
    ),
    Lint::fixed(
        "path_length_only_in_authorities",
        "RFC 5280 section 4.2.1.9",
        "A path length stands only beside CA:TRUE.",
        Check::Certificate(|subject| {
            let constraints = subject.extensions().basic_constraints()?;
            (!constraints.ca && constraints.path_len_constraint.is_some()).then(|| {
                "basicConstraints: found a path length without CA:TRUE, allowed is none".into()
            })
        }),
    ),
    Lint::fixed(
        "key_cert_sign_matches_kind",
        "RFC 5280 section 4.2.1.3",
        "keyCertSign stands in authorities and nowhere else.",
        Check::Certificate(key_cert_sign),
    ),
    Lint::fixed(
        "authority_is_named",
        "RFC 5280 section 4.1.2.6",
        "An authority's subject is not empty.",
        Check::Certificate(|subject| {
            (subject.is_authority() && subject.fields.subject.is_empty())
                .then(|| "subject: found an empty name, allowed for an authority is a name".into())
        }),
    ),
    Lint::fixed(
        "leaf_is_not_self_issued",
        "RFC 5280 section 3.2",
        "An end entity has another name than its issuer.",
        Check::Certificate(|subject| {
            let fields = subject.fields;
            let same = same_name(&fields.issuer, &fields.subject);
            (subject.kind == ProfileKind::Leaf && same && !fields.subject.is_empty()).then(|| {
                "subject: found the issuer's name, allowed for a leaf is another one".into()
            })
        }),
    ),
    Lint::fixed(
        "extensions_only_in_authorities",
        "RFC 5280 sections 4.2.1.5, 4.2.1.10, 4.2.1.11 and 4.2.1.14",
        "nameConstraints, policyMappings, policyConstraints and inhibitAnyPolicy stand only in authorities.",
        Check::Certificate(only_in_authorities),
    ),
    Lint::warning(
        "authority_signs_crls",
        "RFC 5280 section 4.2.1.3",
        "An authority may sign its own revocation lists.",
        Check::Certificate(|subject| {
            let usage = subject.extensions().key_usage().filter(|_| subject.is_authority())?;
            (usage.key_cert_sign() && !usage.crl_sign())
                .then(|| "keyUsage: found no cRLSign, better for an authority is to have it".into())
        }),
    ),
];

fn match_kind(subject: &Subject<'_>, plan: &Plan) -> Option<String> {
    let authority = plan.kind.is_authority();
    match subject.extensions().basic_constraints() {
        None => authority.then(|| "basicConstraints: found none, allowed is CA:TRUE".into()),
        Some(constraints) if constraints.ca != authority => Some(format!(
            "basicConstraints: found CA:{}, allowed for a certificate of kind {} is CA:{authority}",
            constraints.ca, plan.kind
        )),
        Some(_) => None,
    }
}

fn key_cert_sign(subject: &Subject<'_>) -> Option<String> {
    let usage = subject.extensions().key_usage();
    let signs = usage.is_some_and(|usage| usage.key_cert_sign());
    // That an authority has a keyUsage at all is another lint.
    (usage.is_some() && signs != subject.is_authority()).then(|| {
        format!(
            "keyUsage: found {} keyCertSign, allowed for a certificate of kind {} is the opposite",
            if signs { "a" } else { "no" },
            subject.kind
        )
    })
}

fn only_in_authorities(subject: &Subject<'_>) -> Option<String> {
    let only = [
        ("nameConstraints", oid::NAME_CONSTRAINTS),
        ("policyMappings", oid::POLICY_MAPPINGS),
        ("policyConstraints", oid::POLICY_CONSTRAINTS),
        ("inhibitAnyPolicy", oid::INHIBIT_ANY_POLICY),
    ];
    let found = only.into_iter().find(|(_, oid)| subject.extensions().get(*oid).is_some());
    let (name, _) = found.filter(|_| !subject.is_authority())?;
    Some(format!("{name}: found in an end entity's certificate, allowed only in authorities"))
}
