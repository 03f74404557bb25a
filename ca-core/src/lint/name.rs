//! Lints of subject and alternative names.

use super::Severity::{Error, Notice, Warning};
use super::{Lint, Subject, extension};
use crate::extensions::oid;
use crate::general_name::{AltName, MAX_NAMES};
use crate::name::DistinguishedName;
use crate::profile::ProfileKind;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        id: "subject_attributes",
        source: "RFC 5280 section 4.1.2.6 and appendix A.1",
        severity: Error,
        check: subject_attributes,
    },
    Lint {
        id: "alternative_names_valid",
        source: "RFC 5280 section 4.2.1.6",
        severity: Error,
        check: names_valid,
    },
    Lint {
        id: "tls_server_has_names",
        source: "RFC 9525 section 3",
        severity: Error,
        check: tls_server_names,
    },
    Lint {
        id: "alternative_names_critical_without_subject",
        source: "RFC 5280 section 4.2.1.6",
        severity: Error,
        check: critical_without_subject,
    },
    Lint {
        id: "alternative_names_not_critical_beside_subject",
        source: "RFC 5280 section 4.2.1.6",
        severity: Warning,
        check: critical_beside_subject,
    },
    Lint {
        id: "spiffe_id_is_the_only_uri",
        source: "SPIFFE X509-SVID section 2",
        severity: Error,
        check: spiffe,
    },
    Lint {
        id: "common_name_among_names",
        source: "CA/Browser Forum BR 7.1.4.3",
        severity: Notice,
        check: common_name,
    },
];

fn subject_attributes(subject: &Subject<'_>) -> Option<String> {
    let name = &subject.plan.fields.subject;
    if name != subject.plan.subject.as_name() {
        return Some("subject: found another name, allowed is the planned one".into());
    }
    // A cross certificate repeats whatever the other authority is called.
    if subject.plan.kind == ProfileKind::Cross {
        return None;
    }
    DistinguishedName::from_name(name.clone()).err().map(|error| format!("subject: {error}"))
}

fn names_valid(subject: &Subject<'_>) -> Option<String> {
    let Some(names) = subject.extensions.subject_alt_name() else {
        return (!subject.plan.names.is_empty())
            .then(|| "subjectAltName: found none, allowed are the planned names".into());
    };
    if names.0.len() > MAX_NAMES {
        return Some(format!(
            "subjectAltName: found {} names, allowed are at most 100",
            names.0.len()
        ));
    }
    let read: Result<Vec<AltName>, _> = names.0.iter().map(AltName::from_general_name).collect();
    match read {
        Err(error) => Some(format!("subjectAltName: {error}")),
        Ok(read) => (read != subject.plan.names)
            .then(|| "subjectAltName: found other names, allowed are the planned ones".into()),
    }
}

fn tls_server_names(subject: &Subject<'_>) -> Option<String> {
    (extension::is_tls_server(subject) && subject.plan.kind == ProfileKind::Leaf)
        .then(|| subject.extensions.subject_alt_name().is_none_or(|names| names.0.is_empty()))?
        .then(|| "subjectAltName: found none, allowed for a TLS server is at least one name".into())
}

fn critical_without_subject(subject: &Subject<'_>) -> Option<String> {
    let empty = subject.plan.fields.subject.is_empty();
    (empty && !subject.extensions.is_critical(oid::SUBJECT_ALT_NAME)).then(|| {
        "subjectAltName: found none or not critical beside an empty subject, allowed is critical"
            .into()
    })
}

fn critical_beside_subject(subject: &Subject<'_>) -> Option<String> {
    let named = !subject.plan.fields.subject.is_empty();
    (named && subject.extensions.is_critical(oid::SUBJECT_ALT_NAME))
        .then(|| "subjectAltName: found critical beside a subject, better is not critical".into())
}

fn spiffe(subject: &Subject<'_>) -> Option<String> {
    let uris = subject.plan.names.iter().filter_map(|name| match name {
        AltName::Uri(uri) => Some(uri.as_str()),
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
    let wanted = extension::is_tls_server(subject) && subject.plan.kind == ProfileKind::Leaf;
    let common_name = subject.plan.subject.common_name().filter(|_| wanted)?;
    let among = AltName::parse(common_name).is_ok_and(|name| subject.plan.names.contains(&name));
    (!among).then(|| {
        format!("subject: found CN={common_name:?}, which TLS clients ignore; better is one of the names")
    })
}
