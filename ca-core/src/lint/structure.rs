//! Lints of TBSCertificate's own fields.

use der::Encode;
use x509_cert::certificate::Version;
use x509_cert::time::Time;

use super::{Check, Lint, Subject};
use crate::algorithm::{SchemeError, SignatureScheme};
use crate::certificate::timestamp;
use crate::plan::Plan;
use crate::profile::ProfileKind;
use crate::validity::Validity;

/// The most days that a TLS server's certificate may last for Apple's systems, whoever issued it.
const TLS_SERVER_DAYS: u64 = 825;
const SERVER_AUTH: const_oid::ObjectIdentifier =
    const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "version_is_3",
        "RFC 5280 section 4.1.2.1",
        "The version is 3, which extensions need.",
        Check::Certificate(|subject| {
            let found = subject.fields.version;
            (found != Version::V3).then(|| format!("version: found {found:?}, allowed is V3"))
        }),
    ),
    Lint::fixed(
        "serial_positive_and_bounded",
        "RFC 5280 section 4.1.2.2",
        "The serial number is above zero and has at most 20 octets.",
        Check::Certificate(serial_bounds),
    ),
    Lint::warning(
        "serial_holds_64_random_bits",
        "CA/Browser Forum BR section 7.1",
        "The serial number is long enough for 64 bits from a random generator.",
        Check::Certificate(|subject| {
            let found = subject.fields.serial_number.as_bytes().len();
            (found < 8).then(|| {
                format!(
                    "serialNumber: found {found} octets, better are 8 or more with 64 random bits"
                )
            })
        }),
    ),
    Lint::fixed(
        "serial_is_20_positive_octets",
        "Espalier, at least 128 random bits",
        "The serial number is the planned one, of 20 octets.",
        Check::Planned(serial_as_planned),
    ),
    Lint::fixed(
        "signature_not_forgeable",
        "RFC 6151, RFC 9155, CA/Browser Forum BR section 7.1.3.2",
        "The signature uses no MD5 and no SHA-1.",
        Check::Certificate(|subject| match scheme(subject)? {
            Err(error @ SchemeError::Broken { .. }) => Some(error.to_string()),
            _ => None,
        }),
    ),
    Lint::fixed(
        "signature_parameters",
        "RFC 4055, RFC 5758, RFC 8410, RFC 9881 section 2, RFC 9909, composite draft section 5",
        "The signature's algorithm has the parameters that its RFC asks for: none for ECDSA, EdDSA, ML-DSA, SLH-DSA and composites.",
        Check::Certificate(signature_parameters),
    ),
    Lint::warning(
        "signature_algorithm_known",
        "Espalier, `espalier algorithms`",
        "The signature's algorithm is one that Espalier verifies.",
        Check::Certificate(|subject| match scheme(subject)? {
            Err(error @ SchemeError::Unknown { .. }) => Some(error.to_string()),
            _ => None,
        }),
    ),
    Lint::fixed(
        "signature_as_planned",
        "Espalier, ADR 0030",
        "The signature's algorithm is the planned one.",
        Check::Planned(|subject, plan| {
            let found = scheme(subject).and_then(Result::ok);
            (found != Some(plan.scheme)).then(|| {
                format!(
                    "signature: found another algorithm, allowed is the planned {}",
                    plan.scheme
                )
            })
        }),
    ),
    Lint::fixed(
        "signature_length",
        "FIPS 204 table 2, FIPS 205 table 2, RFC 8032 sections 5.1.6 and 5.2.6",
        "The signature has the length of its algorithm, where that is fixed.",
        Check::Read(|subject, parts| {
            let scheme = scheme(subject)?.ok()?;
            let (found, allowed) = (parts.outer.signature.len(), fixed_length(scheme)?);
            (found != allowed).then(|| {
                format!("signature: found {found} octets, allowed for {scheme} are {allowed}")
            })
        }),
    ),
    Lint::fixed(
        "issuer_is_named",
        "RFC 5280 section 4.1.2.4",
        "The issuer's name is not empty.",
        Check::Certificate(|subject| {
            subject
                .fields
                .issuer
                .is_empty()
                .then(|| "issuer: found an empty name, allowed is at least one attribute".into())
        }),
    ),
    Lint::fixed(
        "root_names_itself",
        "RFC 5280 section 3.2",
        "A root's issuer is its own subject.",
        Check::Certificate(|subject| {
            let other = subject.fields.issuer != subject.fields.subject;
            (subject.kind == ProfileKind::Root && other).then(|| {
                "issuer: found another name than the subject, allowed for a root is its own".into()
            })
        }),
    ),
    Lint::error(
        "validity_time_types",
        "RFC 5280 section 4.1.2.5",
        "Dates to 2049 are UTCTime, later ones GeneralizedTime.",
        Check::Certificate(time_types),
    ),
    Lint::fixed(
        "validity_ordered",
        "RFC 5280 section 4.1.2.5",
        "The validity ends after it starts.",
        Check::Certificate(|subject| validity(subject).err()),
    ),
    Lint::warning(
        "tls_server_validity_short",
        "Apple HT210176",
        "A TLS server's certificate lasts at most 825 days, beyond which Apple's systems refuse it whoever issued it.",
        Check::Certificate(|subject| {
            let tls_server =
                subject.kind == ProfileKind::Leaf && subject.claims.has_usage(SERVER_AUTH);
            let days = validity(subject).ok().filter(|_| tls_server)?.duration().as_secs() / 86_400;
            (days > TLS_SERVER_DAYS).then(|| {
                format!("validity: found {days} days, better are at most {TLS_SERVER_DAYS}")
            })
        }),
    ),
    Lint::fixed(
        "validity_as_planned",
        "RFC 5280 section 4.1.2.5",
        "The validity is the planned one.",
        Check::Planned(validity_as_planned),
    ),
    Lint::fixed(
        "subject_key_as_planned",
        "RFC 5280 section 4.1.2.7, RFC 9881 section 4",
        "The key that will be encoded is the one whose holder was proven.",
        Check::Planned(subject_key),
    ),
    Lint::error(
        "no_unique_identifiers",
        "RFC 5280 section 4.1.2.8",
        "There is no issuerUniqueID and no subjectUniqueID.",
        Check::Certificate(|subject| {
            let fields = subject.fields;
            (fields.issuer_unique_id.is_some() || fields.subject_unique_id.is_some())
                .then(|| "issuerUniqueID or subjectUniqueID: found one, allowed is none".into())
        }),
    ),
];

/// The signature's scheme; nothing when TBSCertificate names none.
pub(super) fn scheme(subject: &Subject<'_>) -> Option<Result<SignatureScheme, SchemeError>> {
    subject.fields.signature.as_ref().map(SignatureScheme::from_identifier)
}

fn serial_bounds(subject: &Subject<'_>) -> Option<String> {
    let octets = subject.fields.serial_number.as_bytes();
    let wrong = match octets {
        [first, ..] if first & 0x80 != 0 => "a negative number".to_owned(),
        [] | [0] => "zero".to_owned(),
        long if long.len() > 20 => format!("{} octets", long.len()),
        _ => return None,
    };
    Some(format!("serialNumber: found {wrong}, allowed are positive numbers of at most 20 octets"))
}

fn serial_as_planned(subject: &Subject<'_>, plan: &Plan) -> Option<String> {
    let octets = subject.fields.serial_number.as_bytes();
    let positive = octets.first().is_some_and(|first| (1..0x80).contains(first));
    let planned = octets == plan.serial.as_bytes();
    (octets.len() != 20 || !positive || !planned).then(|| {
        format!(
            "serialNumber: found {} octets{}, allowed are 20 of the planned positive number",
            octets.len(),
            if positive { "" } else { ", not positive" }
        )
    })
}

fn signature_parameters(subject: &Subject<'_>) -> Option<String> {
    let Some(identifier) = &subject.fields.signature else {
        return Some("signature: found no algorithm, allowed is the issuer's".into());
    };
    match SignatureScheme::from_identifier(identifier) {
        Err(error @ SchemeError::Parameters { .. }) => Some(error.to_string()),
        // RFC 4055 lets a reader accept RSA without NULL, but not a writer.
        Ok(scheme) if *identifier != scheme.to_identifier() => {
            Some(format!("parameters of signature {scheme}: found others than its RFC asks for"))
        }
        _ => None,
    }
}

fn fixed_length(scheme: SignatureScheme) -> Option<usize> {
    use crate::algorithm::ClassicalScheme::{Ed448, Ed25519};
    match scheme {
        SignatureScheme::MlDsa(set) => Some(set.signature_size()),
        SignatureScheme::SlhDsa(set) => Some(set.signature_size()),
        SignatureScheme::Classical(Ed25519) => Some(64),
        SignatureScheme::Classical(Ed448) => Some(114),
        _ => None,
    }
}

fn time_types(subject: &Subject<'_>) -> Option<String> {
    let validity = &subject.fields.validity;
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

/// The validity, or what is wrong with it.
pub(super) fn validity(subject: &Subject<'_>) -> Result<Validity, String> {
    let encoded = &subject.fields.validity;
    Validity::new(timestamp(&encoded.not_before), timestamp(&encoded.not_after))
        .map_err(|error| error.to_string())
}

fn validity_as_planned(subject: &Subject<'_>, plan: &Plan) -> Option<String> {
    let encoded = &subject.fields.validity;
    let planned = plan.validity;
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

/// The planned key was read from DER; that the encoded one is the same octets is as much as
/// reading it again, and costs a fraction for a key of two kilobytes.
fn subject_key(subject: &Subject<'_>, plan: &Plan) -> Option<String> {
    let encoded = &subject.fields.subject_public_key_info;
    let planned = plan.public_key.spki_der();
    let header = encoded.header().to_der().unwrap_or_default();
    let same = planned.strip_prefix(&header[..]).is_some_and(|rest| rest == encoded.value());
    (!same || header.is_empty())
        .then(|| "public key: found another one, allowed is the planned one".into())
}
