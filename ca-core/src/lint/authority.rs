//! Lints of what makes an authority, and of key usages.

use der::flagset::FlagSet;
use x509_cert::ext::pkix::KeyUsages;

use super::Severity::Error;
use super::extension::ANY_USAGE;
use super::{Lint, Subject};
use crate::algorithm::{ClassicalKey, KeyKind};
use crate::extensions::oid;
use crate::path::{check_planned_names, same_name};
use crate::profile::{ProfileKind, extended_key_usage_name, key_usage_text};

pub(super) static LINTS: &[Lint] = &[
    Lint {
        id: "basic_constraints_match_kind",
        source: "RFC 5280 section 4.2.1.9",
        severity: Error,
        check: basic_constraints,
    },
    Lint {
        id: "key_usage_present_and_critical",
        source: "RFC 5280 section 4.2.1.3",
        severity: Error,
        check: key_usage_present,
    },
    Lint {
        id: "key_cert_sign_matches_kind",
        source: "RFC 5280 section 4.2.1.3",
        severity: Error,
        check: key_cert_sign,
    },
    Lint {
        id: "key_usage_fits_key",
        source: "RFC 9881 section 5, RFC 9935 section 5, composite draft section 5.4, RFC 8410 section 5, RFC 8813, RFC 3279",
        severity: Error,
        check: key_usage_fits,
    },
    Lint {
        id: "authority_is_named",
        source: "RFC 5280 section 4.1.2.6",
        severity: Error,
        check: authority_is_named,
    },
    Lint {
        id: "name_constraints_only_in_authorities",
        source: "RFC 5280 section 4.2.1.10",
        severity: Error,
        check: name_constraints,
    },
    Lint {
        id: "leaf_is_not_self_issued",
        source: "RFC 5280 section 3.2",
        severity: Error,
        check: leaf_not_self_issued,
    },
    Lint {
        id: "names_inside_issuers_constraints",
        source: "RFC 5280 section 4.2.1.10",
        severity: Error,
        check: names_inside,
    },
    Lint {
        id: "usages_inside_issuers",
        source: "ADR 0020: an issuer's extendedKeyUsage limits what is below",
        severity: Error,
        check: usages_inside,
    },
];

fn basic_constraints(subject: &Subject<'_>) -> Option<String> {
    let authority = subject.plan.kind.is_authority();
    let Some(constraints) = subject.extensions.basic_constraints() else {
        return authority.then(|| "basicConstraints: found none, allowed is CA:TRUE".into());
    };
    if constraints.ca != authority {
        let kind = subject.plan.kind;
        return Some(format!(
            "basicConstraints: found CA:{}, allowed for a certificate of kind {kind} is CA:{}",
            constraints.ca, authority
        ));
    }
    if authority && !subject.extensions.is_critical(oid::BASIC_CONSTRAINTS) {
        return Some("basicConstraints: found not critical, allowed is critical".into());
    }
    (!authority && constraints.path_len_constraint.is_some())
        .then(|| "basicConstraints: found a path length without CA:TRUE, allowed is none".into())
}

fn key_usage_present(subject: &Subject<'_>) -> Option<String> {
    match subject.extensions.key_usage() {
        None => Some("keyUsage: found none, allowed is at least one usage".into()),
        Some(usage) if usage.0.is_empty() => {
            Some("keyUsage: found no usage, allowed is at least one".into())
        }
        Some(_) if !subject.extensions.is_critical(oid::KEY_USAGE) => {
            Some("keyUsage: found not critical, allowed is critical".into())
        }
        Some(_) => None,
    }
}

fn key_cert_sign(subject: &Subject<'_>) -> Option<String> {
    let signs = subject.extensions.key_usage().is_some_and(|usage| usage.key_cert_sign());
    let authority = subject.plan.kind.is_authority();
    (signs != authority).then(|| {
        format!(
            "keyUsage: found {} keyCertSign, allowed for a certificate of kind {} is the opposite",
            if signs { "a" } else { "no" },
            subject.plan.kind
        )
    })
}

/// What each kind of key must not claim; written apart from the plan's own table on purpose.
fn key_usage_fits(subject: &Subject<'_>) -> Option<String> {
    let usages = subject.extensions.key_usage()?.0;
    let key = subject.plan.public_key.kind();
    let forbidden: FlagSet<KeyUsages> = match key {
        KeyKind::Classical(ClassicalKey::Ec(_)) => {
            KeyUsages::KeyEncipherment | KeyUsages::DataEncipherment
        }
        KeyKind::Classical(ClassicalKey::Rsa { .. }) => {
            KeyUsages::KeyAgreement | KeyUsages::EncipherOnly | KeyUsages::DecipherOnly
        }
        KeyKind::MlKem(_) => !FlagSet::from(KeyUsages::KeyEncipherment),
        KeyKind::Classical(ClassicalKey::Ed25519 | ClassicalKey::Ed448)
        | KeyKind::MlDsa(_)
        | KeyKind::SlhDsa(_)
        | KeyKind::Composite(_)
        | KeyKind::Other(_) => {
            KeyUsages::KeyEncipherment
                | KeyUsages::DataEncipherment
                | KeyUsages::KeyAgreement
                | KeyUsages::EncipherOnly
                | KeyUsages::DecipherOnly
        }
    };
    let found = usages & forbidden;
    if !found.is_empty() {
        let found = key_usage_text(found);
        let allowed = key_usage_text(!forbidden);
        return Some(format!("keyUsage: found {found}, allowed for a key of {key} are {allowed}"));
    }
    // RFC 5280 section 4.2.1.3: both have a meaning only beside keyAgreement.
    let only = usages & (KeyUsages::EncipherOnly | KeyUsages::DecipherOnly);
    (!only.is_empty() && !usages.contains(KeyUsages::KeyAgreement)).then(|| {
        format!(
            "keyUsage: found {} without key_agreement, allowed is with it",
            key_usage_text(only)
        )
    })
}

fn authority_is_named(subject: &Subject<'_>) -> Option<String> {
    (subject.plan.kind.is_authority() && subject.plan.fields.subject.is_empty())
        .then(|| "subject: found an empty name, allowed for an authority is a name".into())
}

fn name_constraints(subject: &Subject<'_>) -> Option<String> {
    subject.extensions.name_constraints()?;
    if !subject.plan.kind.is_authority() {
        return Some("nameConstraints: found some, allowed in a leaf are none".into());
    }
    (!subject.extensions.is_critical(oid::NAME_CONSTRAINTS))
        .then(|| "nameConstraints: found not critical, allowed is critical".into())
}

fn leaf_not_self_issued(subject: &Subject<'_>) -> Option<String> {
    let fields = &subject.plan.fields;
    (subject.plan.kind == ProfileKind::Leaf && same_name(&fields.issuer, &fields.subject))
        .then(|| "subject: found the issuer's name, allowed for a leaf is another one".into())
}

/// The issuer's own constraints; those of authorities above it are not at hand.
fn names_inside(subject: &Subject<'_>) -> Option<String> {
    let plan = subject.plan;
    let constraints = plan.issuer_limits.names.as_ref()?;
    let fields = &plan.fields;
    // RFC 5280 section 6.1.3 (b): they do not apply to a self-issued authority.
    if plan.kind.is_authority() && same_name(&fields.issuer, &fields.subject) {
        return None;
    }
    let names = subject.extensions.subject_alt_name();
    check_planned_names(constraints, &fields.subject, names).err()
}

fn usages_inside(subject: &Subject<'_>) -> Option<String> {
    let limits = &subject.plan.issuer_limits.usages.as_ref()?.0;
    if limits.contains(&ANY_USAGE) {
        return None;
    }
    let usages = subject.extensions.extended_key_usage()?;
    let found = usages.0.iter().find(|usage| !limits.contains(usage))?;
    let allowed: Vec<String> = limits.iter().map(|usage| extended_key_usage_name(*usage)).collect();
    Some(format!(
        "extendedKeyUsage: found {}, allowed are the issuer's own: {}",
        extended_key_usage_name(*found),
        allowed.join(", ")
    ))
}
