//! Lints that hold a certificate against its issuer's.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsages;

use super::structure::{scheme, validity};
use super::usage::ANY_USAGE;
use super::{Check, Issuer, Lint, Subject};
use crate::path::{check_planned_names, same_name};
use crate::profile::extended_key_usage_name;
use crate::signature::{check_fit, verify};

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "issuer_name_matches",
        "RFC 5280 section 4.1.2.4",
        "The issuer's name is the subject of its certificate.",
        Check::Issued(|subject, issuer| {
            let issuer = issuer.certificate.as_ref()?;
            (!same_name(&subject.fields.issuer, issuer.subject)).then(|| {
                "issuer: found another name, allowed is the subject of the issuer's certificate"
                    .into()
            })
        }),
    ),
    Lint::fixed(
        "issuer_is_authority",
        "RFC 5280 sections 4.2.1.3 and 4.2.1.9",
        "The issuer's certificate has CA:TRUE and allows keyCertSign.",
        Check::Issued(is_authority),
    ),
    Lint::fixed(
        "authority_key_identifier_matches",
        "RFC 5280 section 4.2.1.1",
        "authorityKeyIdentifier is the issuer's subjectKeyIdentifier.",
        Check::Issued(key_identifier),
    ),
    Lint::fixed(
        "signature_fits_issuer_key",
        "RFC 5280 section 4.1.1.2",
        "The issuer's key can make a signature of this algorithm.",
        Check::Issued(|subject, issuer| {
            check_fit(issuer.key, scheme(subject)?.ok()?).err().map(|error| error.to_string())
        }),
    ),
    Lint::fixed(
        "signature_verifies",
        "RFC 5280 section 6.1.3",
        "The issuer's key made the signature.",
        Check::Issued(|subject, issuer| {
            issuer.certificate.as_ref()?.read?;
            let (own, scheme) = (subject.read?, scheme(subject)?.ok()?);
            // Another algorithm than the key's is another lint's.
            check_fit(issuer.key, scheme).ok()?;
            verify(issuer.key, scheme, own.tbs_der(), own.signature())
                .err()
                .map(|error| error.to_string())
        }),
    ),
    Lint::error(
        "validity_inside_issuers",
        "Espalier, docs/profiles.md",
        "The validity lies inside the issuer's.",
        Check::Issued(|subject, issuer| {
            let (own, issuer) = (validity(subject).ok()?, issuer.certificate.as_ref()?.validity);
            (!issuer.covers(&own)).then(|| {
                format!(
                    "validity: found {} to {}, allowed is the issuer's, {} to {}",
                    own.not_before(),
                    own.not_after(),
                    issuer.not_before(),
                    issuer.not_after()
                )
            })
        }),
    ),
    Lint::fixed(
        "path_length_left",
        "RFC 5280 section 4.2.1.9",
        "The issuer's path length leaves room for an authority below it.",
        Check::Issued(path_length),
    ),
    Lint::fixed(
        "key_is_not_issuers",
        "Composite draft section 11, \"Key Reuse\"",
        "Subject and issuer share no key and no half of one, unless they are the same authority.",
        Check::Issued(|subject, issuer| {
            let own = subject.claims.key.ok()?;
            let same = same_name(&subject.fields.issuer, &subject.fields.subject);
            (!same && own.shares_component(issuer.key)).then(|| {
                "public key: found the issuer's or a half of it, allowed is another key".into()
            })
        }),
    ),
    Lint::error(
        "names_inside_issuers_constraints",
        "RFC 5280 section 4.2.1.10",
        "Subject and alternative names lie within the issuer's nameConstraints.",
        Check::Issued(names_inside),
    ),
    Lint::error(
        "usages_inside_issuers",
        "Espalier, ADR 0020: an issuer's extendedKeyUsage limits what is below",
        "The extended key usages are among the issuer's.",
        Check::Issued(usages_inside),
    ),
];

fn is_authority(_: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let extensions = issuer.certificate.as_ref()?.read?.extensions();
    if extensions.basic_constraints().is_none_or(|constraints| !constraints.ca) {
        return Some("issuer: found a certificate without CA:TRUE, allowed is with it".into());
    }
    let usages = extensions.key_usage()?.0;
    (!usages.contains(KeyUsages::KeyCertSign))
        .then(|| "issuer: found a keyUsage without keyCertSign, allowed is with it".into())
}

fn key_identifier(subject: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let issuers = issuer.certificate.as_ref()?.key_identifier?;
    let found = subject.extensions().authority_key_identifier()?.key_identifier.as_ref()?;
    (found.as_bytes() != issuers).then(|| {
        "authorityKeyIdentifier: found another, allowed is the issuer's subjectKeyIdentifier".into()
    })
}

fn path_length(subject: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let left = issuer.certificate.as_ref()?.path_length?;
    let self_issued = same_name(&subject.fields.issuer, &subject.fields.subject);
    let authority = subject.is_authority() && !self_issued;
    (authority && left == 0)
        .then(|| "issuer: found a path length of 0, allowed above an authority is 1 or more".into())
}

/// The issuer's own constraints; those of authorities above it are not at hand.
fn names_inside(subject: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let constraints = issuer.certificate.as_ref()?.names?;
    let fields = subject.fields;
    // RFC 5280 section 6.1.3 (b): they do not apply to a self-issued authority.
    if subject.is_authority() && same_name(&fields.issuer, &fields.subject) {
        return None;
    }
    let names = subject.extensions().subject_alt_name();
    check_planned_names(constraints, &fields.subject, names).err()
}

fn usages_inside(subject: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let limits = &issuer.certificate.as_ref()?.usages?.0;
    if limits.contains(&ANY_USAGE) {
        return None;
    }
    let usages = subject.extensions().extended_key_usage()?;
    let limits: BTreeSet<&ObjectIdentifier> = limits.iter().collect();
    let found = usages.0.iter().find(|usage| !limits.contains(usage))?;
    let allowed: Vec<String> =
        limits.iter().map(|usage| extended_key_usage_name(**usage)).collect();
    Some(format!(
        "extendedKeyUsage: found {}, allowed are the issuer's own: {}",
        extended_key_usage_name(*found),
        allowed.join(", ")
    ))
}
