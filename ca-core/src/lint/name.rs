//! Lints of subject and alternative names.

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;

use super::subject::Claims;
use super::usage::SERVER_AUTH;
use super::{Check, Lint, Subject};
use crate::escape::quoted;
use crate::extensions::oid;
use crate::general_name::{AltName, AltNameError, MAX_NAMES};
use crate::name::DistinguishedName;
use crate::plan::Plan;
use crate::profile::ProfileKind;

const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "subject_as_planned",
        "Espalier, ADR 0030",
        "Subject and alternative names are the planned ones.",
        Check::Planned(as_planned),
    ),
    Lint::error(
        "subject_attributes",
        "RFC 5280 section 4.1.2.6 and appendix A.1",
        "The subject's attributes have the string types, characters and lengths of RFC 5280, and nothing that hides or reorders text.",
        Check::Claims(|claims| {
            // A cross certificate repeats whatever the other authority is called.
            if claims.subject_is_given {
                return None;
            }
            DistinguishedName::from_name(claims.subject.clone())
                .err()
                .map(|error| format!("subject: {error}"))
        }),
    ),
    Lint::warning(
        "email_not_in_subject",
        "RFC 5280 section 4.1.2.6",
        "Mail addresses stand among the alternative names.",
        Check::Claims(|claims| {
            claims.subject.iter().any(|attribute| attribute.oid == EMAIL_ADDRESS).then(|| {
                "subject: found emailAddress, better is an rfc822Name among the alternative names".into()
            })
        }),
    ),
    Lint::error(
        "alternative_names_valid",
        "RFC 5280 section 4.2.1.6, RFC 1034 section 3.5, RFC 5890, RFC 9525, RFC 5321, RFC 3986",
        "DNS names (wildcards only as a whole leftmost label), addresses, mailboxes, URIs, SPIFFE IDs and principal names have their syntax.",
        Check::Claims(names_valid),
    ),
    Lint::notice(
        "alternative_names_of_known_kinds",
        "Espalier, docs/profiles.md",
        "Names are of the kinds that Espalier certifies.",
        Check::Claims(|claims| {
            first_error(claims, |error| {
                matches!(error, AltNameError::Kind { .. } | AltNameError::OtherName { .. })
            })
        }),
    ),
    Lint::error(
        "alternative_names_bounded",
        "Espalier, at most 100 names",
        "There are at most 100 alternative names.",
        Check::Claims(|claims| {
            let found = claims.extensions.subject_alt_name()?.0.len();
            (found > MAX_NAMES).then(|| {
                format!("subjectAltName: found {found} names, allowed are at most {MAX_NAMES}")
            })
        }),
    ),
    Lint::warning(
        "alternative_names_once",
        "RFC 5280 section 4.2.1.6",
        "No alternative name stands twice.",
        Check::Claims(|claims| {
            let names = &claims.extensions.subject_alt_name()?.0;
            let names = &names[..names.len().min(MAX_NAMES)];
            let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            twice.map(|(at, _)| {
                format!("subjectAltName: found name {} before, better is each once", at + 1)
            })
        }),
    ),
    Lint::error(
        "tls_server_has_names",
        "RFC 9525 section 3",
        "A TLS server's certificate has alternative names; clients ignore the common name.",
        Check::Certificate(|subject| {
            let names = subject.extensions().subject_alt_name();
            (is_tls_server(subject) && names.is_none_or(|names| names.0.is_empty())).then(|| {
                "subjectAltName: found none, allowed for a TLS server is at least one name".into()
            })
        }),
    ),
    Lint::error(
        "alternative_names_critical_without_subject",
        "RFC 5280 section 4.2.1.6",
        "Without a subject there are alternative names, and they are critical.",
        Check::Certificate(|subject| {
            let empty = subject.fields.subject.is_empty();
            (empty && !subject.extensions().is_critical(oid::SUBJECT_ALT_NAME)).then(|| {
                "subjectAltName: found none or not critical beside an empty subject, allowed is critical".into()
            })
        }),
    ),
    Lint::warning(
        "alternative_names_not_critical_beside_subject",
        "RFC 5280 section 4.2.1.6",
        "Beside a subject the alternative names are not critical.",
        Check::Certificate(|subject| {
            let named = !subject.fields.subject.is_empty();
            (named && subject.extensions().is_critical(oid::SUBJECT_ALT_NAME)).then(|| {
                "subjectAltName: found critical beside a subject, better is not critical".into()
            })
        }),
    ),
    Lint::error(
        "spiffe_id_is_the_only_uri",
        "SPIFFE X509-SVID section 2",
        "A SPIFFE ID is the only URI.",
        Check::Claims(spiffe),
    ),
    Lint::notice(
        "common_name_among_names",
        "CA/Browser Forum BR section 7.1.4.3",
        "A TLS server's common name is one of its alternative names.",
        Check::Certificate(common_name),
    ),
];

fn is_tls_server(subject: &Subject<'_>) -> bool {
    subject.kind == ProfileKind::Leaf && subject.claims.has_usage(SERVER_AUTH)
}

fn as_planned(subject: &Subject<'_>, plan: &Plan) -> Option<String> {
    if subject.fields.subject != *plan.subject.as_name() {
        return Some("subject: found another name, allowed is the planned one".into());
    }
    let names = subject.claims.names();
    let same = names.len() == plan.names.len()
        && names.iter().zip(&plan.names).all(|(found, planned)| found.as_ref() == Ok(planned));
    (!same).then(|| "subjectAltName: found other names, allowed are the planned ones".into())
}

fn names_valid(claims: &Claims<'_>) -> Option<String> {
    first_error(claims, |error| {
        !matches!(error, AltNameError::Kind { .. } | AltNameError::OtherName { .. })
    })
}

/// What is wrong with the first name of which something of this kind is.
fn first_error(claims: &Claims<'_>, of_this_lint: fn(&AltNameError) -> bool) -> Option<String> {
    claims.names().iter().enumerate().find_map(|(at, name)| {
        let error = name.as_ref().err().filter(|error| of_this_lint(error))?;
        Some(format!("subjectAltName, name {}: {error}", at + 1))
    })
}

fn spiffe(claims: &Claims<'_>) -> Option<String> {
    let names = &claims.extensions.subject_alt_name()?.0;
    let uris = names.iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    });
    let (all, spiffe) = uris.fold((0, 0), |(all, spiffe), uri| {
        (all + 1, spiffe + usize::from(uri.starts_with("spiffe://")))
    });
    (spiffe > 0 && all > 1).then(|| {
        format!("subjectAltName: found {all} URIs, allowed beside a SPIFFE ID is no other URI")
    })
}

fn common_name(subject: &Subject<'_>) -> Option<String> {
    let name = DistinguishedName::as_found(subject.fields.subject.clone());
    let common_name = name.common_name().filter(|_| is_tls_server(subject))?;
    let names = subject.claims.names();
    let wanted = AltName::parse(common_name).ok().map(Ok);
    let among = wanted.is_some_and(|wanted| names.contains(&wanted));
    (!among).then(|| {
        format!(
            "subject: found CN={}, which TLS clients ignore; better is one of the names",
            quoted(common_name)
        )
    })
}
