//! Lints of TBSCertificate's own fields.

use der::Encode;
use x509_cert::certificate::Version;
use x509_cert::time::Time;

use super::Severity::Error;
use super::{Lint, Subject};
use crate::algorithm::SignatureScheme;
use crate::certificate::{MAX_CERTIFICATE_SIZE, timestamp};
use crate::profile::ProfileKind;
use crate::signature::check_fit;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        id: "version_is_3",
        source: "RFC 5280 section 4.1.2.1",
        severity: Error,
        check: version,
    },
    Lint {
        id: "serial_is_20_positive_octets",
        source: "RFC 5280 section 4.1.2.2",
        severity: Error,
        check: serial,
    },
    Lint {
        id: "signature_parameters",
        source: "RFC 5280 section 4.1.1.2, RFC 9881 section 2",
        severity: Error,
        check: signature_parameters,
    },
    Lint {
        id: "signature_fits_issuer_key",
        source: "RFC 5280 section 4.1.1.2",
        severity: Error,
        check: signature_fits,
    },
    Lint {
        id: "issuer_is_named",
        source: "RFC 5280 section 4.1.2.4",
        severity: Error,
        check: issuer_is_named,
    },
    Lint {
        id: "validity_time_types",
        source: "RFC 5280 section 4.1.2.5",
        severity: Error,
        check: time_types,
    },
    Lint {
        id: "validity_as_planned",
        source: "RFC 5280 section 4.1.2.5",
        severity: Error,
        check: validity_as_planned,
    },
    Lint {
        id: "validity_inside_issuers",
        source: "Espalier, docs/profiles.md",
        severity: Error,
        check: validity_inside,
    },
    Lint {
        id: "subject_key_as_planned",
        source: "RFC 5280 section 4.1.2.7, RFC 9881 section 4",
        severity: Error,
        check: subject_key,
    },
    Lint {
        id: "no_unique_identifiers",
        source: "RFC 5280 section 4.1.2.8",
        severity: Error,
        check: unique_identifiers,
    },
    Lint {
        id: "size_bounded",
        source: "Espalier, certificates of at most 128 KiB are read",
        severity: Error,
        check: size,
    },
];

fn version(subject: &Subject<'_>) -> Option<String> {
    let found = subject.plan.fields.version;
    (found != Version::V3).then(|| format!("version: found {found:?}, allowed is V3"))
}

fn serial(subject: &Subject<'_>) -> Option<String> {
    let octets = subject.plan.fields.serial_number.as_bytes();
    let positive = octets.first().is_some_and(|first| (1..0x80).contains(first));
    let planned = octets == subject.plan.serial.as_bytes();
    (octets.len() != 20 || !positive || !planned).then(|| {
        format!(
            "serialNumber: found {} octets{}, allowed are 20 of the planned positive number",
            octets.len(),
            if positive { "" } else { ", not positive" }
        )
    })
}

fn signature_parameters(subject: &Subject<'_>) -> Option<String> {
    let planned = subject.plan.scheme;
    let Some(identifier) = &subject.plan.fields.signature else {
        return Some(format!("signature: found none, allowed is {planned}"));
    };
    match SignatureScheme::from_identifier(identifier) {
        Err(error) => Some(error.to_string()),
        Ok(found) if found != planned => {
            Some(format!("signature: found {found}, allowed is the planned {planned}"))
        }
        // RFC 4055 lets a reader accept RSA without NULL, but not a writer.
        Ok(_) if *identifier != planned.to_identifier() => {
            Some(format!("parameters of signature {}: found others than its RFC asks for", planned))
        }
        Ok(_) => None,
    }
}

fn signature_fits(subject: &Subject<'_>) -> Option<String> {
    let plan = subject.plan;
    check_fit(&plan.issuer_key, plan.scheme).err().map(|error| error.to_string())
}

fn issuer_is_named(subject: &Subject<'_>) -> Option<String> {
    let fields = &subject.plan.fields;
    if fields.issuer.is_empty() {
        return Some("issuer: found an empty name, allowed is at least one attribute".into());
    }
    let root = subject.plan.kind == ProfileKind::Root;
    (root && fields.issuer != fields.subject).then(|| {
        "issuer: found another name than the subject, allowed for a root is its own".into()
    })
}

fn time_types(subject: &Subject<'_>) -> Option<String> {
    let validity = &subject.plan.fields.validity;
    [("notBefore", &validity.not_before), ("notAfter", &validity.not_after)].into_iter().find_map(
        |(field, time)| {
            let year = time.to_date_time().year();
            let general = matches!(time, Time::GeneralTime(_));
            (general != (year >= 2050)).then(|| {
                let (found, allowed) = match general {
                    true => ("GeneralizedTime", "UTCTime"),
                    false => ("UTCTime", "GeneralizedTime"),
                };
                format!("{field}: found {found} for the year {year}, allowed is {allowed}")
            })
        },
    )
}

fn validity_as_planned(subject: &Subject<'_>) -> Option<String> {
    let encoded = &subject.plan.fields.validity;
    let planned = subject.plan.validity;
    let found = (timestamp(&encoded.not_before), timestamp(&encoded.not_after));
    (found != (planned.not_before(), planned.not_after())).then(|| {
        format!(
            "validity: found {} to {}, allowed is {} to {}",
            found.0,
            found.1,
            planned.not_before(),
            planned.not_after()
        )
    })
}

fn validity_inside(subject: &Subject<'_>) -> Option<String> {
    let (issuer, planned) = (subject.plan.issuer_validity?, subject.plan.validity);
    (!issuer.covers(&planned)).then(|| {
        format!(
            "validity: found {} to {}, allowed is the issuer's, {} to {}",
            planned.not_before(),
            planned.not_after(),
            issuer.not_before(),
            issuer.not_after()
        )
    })
}

/// The planned key was read from DER; that the encoded one is the same octets is as much as
/// reading it again, and costs a fraction for a key of two kilobytes.
fn subject_key(subject: &Subject<'_>) -> Option<String> {
    let plan = subject.plan;
    let (encoded, planned) = (&plan.fields.subject_public_key_info, plan.public_key.spki_der());
    let header = encoded.header().to_der().unwrap_or_default();
    let same = planned.strip_prefix(&header[..]).is_some_and(|rest| rest == encoded.value());
    if !same || header.is_empty() {
        return Some("public key: found another one, allowed is the planned one".into());
    }
    plan.public_key.check_strength().err().map(|error| error.to_string())
}

fn unique_identifiers(subject: &Subject<'_>) -> Option<String> {
    let fields = &subject.plan.fields;
    (fields.issuer_unique_id.is_some() || fields.subject_unique_id.is_some())
        .then(|| "issuerUniqueID or subjectUniqueID: found one, allowed is none".into())
}

fn size(subject: &Subject<'_>) -> Option<String> {
    // Two signatures are left room for; the largest of a registry's algorithms has 5 KiB.
    let allowed = MAX_CERTIFICATE_SIZE - 16 * 1024;
    let found = subject
        .plan
        .fields
        .encoded_len()
        .map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(usize::MAX));
    (found > allowed)
        .then(|| format!("TBSCertificate: found {found} octets, allowed are at most {allowed}"))
}
