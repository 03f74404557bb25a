//! Lints of key usages and extended key usages.

use const_oid::ObjectIdentifier;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::KeyUsages;

use super::extension::repeated;
use super::{Check, Lint, Subject};
use crate::algorithm::{ClassicalKey, KeyKind};
use crate::extensions::oid;
use crate::profile::{extended_key_usage_name, key_usage_text};

pub(super) const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const EMAIL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
pub(super) const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
pub(super) const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "key_usage_in_authorities",
        "RFC 5280 section 4.2.1.3",
        "An authority has a keyUsage.",
        Check::Certificate(|subject| {
            (subject.is_authority() && subject.extensions().key_usage().is_none())
                .then(|| "keyUsage: found none, allowed for an authority is key_cert_sign".into())
        }),
    ),
    Lint::warning(
        "key_usage_in_leaves",
        "RFC 5280 section 4.2.1.3, RFC 9881 section 5",
        "An end entity's certificate says what its key is for.",
        Check::Certificate(|subject| {
            (!subject.is_authority() && subject.extensions().key_usage().is_none())
                .then(|| "keyUsage: found none, better is at least one usage".into())
        }),
    ),
    Lint::fixed(
        "key_usage_as_planned",
        "Espalier, docs/profiles.md",
        "What we issue has a critical keyUsage.",
        Check::Planned(|subject, _| {
            (!subject.extensions().is_critical(oid::KEY_USAGE))
                .then(|| "keyUsage: found none or not critical, allowed is a critical one".into())
        }),
    ),
    Lint::fixed(
        "key_usage_not_empty",
        "RFC 5280 section 4.2.1.3",
        "A keyUsage has at least one usage.",
        Check::Certificate(|subject| {
            let usage = subject.extensions().key_usage()?;
            usage.0.is_empty().then(|| "keyUsage: found no usage, allowed is at least one".into())
        }),
    ),
    Lint::warning(
        "key_usage_critical",
        "RFC 5280 section 4.2.1.3",
        "keyUsage is critical.",
        Check::Certificate(|subject| {
            subject.extensions().key_usage()?;
            (!subject.extensions().is_critical(oid::KEY_USAGE))
                .then(|| "keyUsage: found not critical, better is critical".into())
        }),
    ),
    Lint::fixed(
        "key_usage_fits_key",
        "RFC 9881 section 5, RFC 9909 section 6, RFC 9935 section 5, composite draft section 5.2, RFC 8410 section 5, RFC 8813, RFC 3279",
        "No usage that the key can't have: signature keys don't encipher, KEM keys do nothing else.",
        Check::Certificate(|subject| {
            let usages = subject.extensions().key_usage()?.0;
            usages_fit(usages, subject.claims.key.ok()?.kind())
        }),
    ),
    Lint::warning(
        "key_usage_fits_extended",
        "RFC 5280 section 4.2.1.12",
        "keyUsage leaves something of each extended key usage to do.",
        Check::Certificate(fits_extended),
    ),
    Lint::warning(
        "any_extended_key_usage",
        "RFC 5280 section 4.2.1.12",
        "Usages are named one by one.",
        Check::Claims(|claims| {
            claims.has_usage(ANY_USAGE).then(|| {
                "extendedKeyUsage: found anyExtendedKeyUsage, better are single usages".into()
            })
        }),
    ),
    Lint::warning(
        "extended_key_usage_once",
        "RFC 5280 section 4.2.1.12",
        "No extended key usage stands twice.",
        Check::Claims(|claims| {
            let usages = &claims.extensions.extended_key_usage()?.0;
            let twice = extended_key_usage_name(repeated(usages.iter().copied())?);
            Some(format!("extendedKeyUsage: found {twice} twice, better is each once"))
        }),
    ),
    Lint::error(
        "time_stamping_alone_and_critical",
        "RFC 3161 section 2.3",
        "A time stamping authority's extendedKeyUsage is critical and names nothing else.",
        Check::Certificate(|subject| {
            let stamps = subject.claims.has_usage(TIME_STAMPING) && !subject.is_authority();
            let usages = subject.extensions().extended_key_usage().filter(|_| stamps)?;
            let critical = subject.extensions().is_critical(oid::EXTENDED_KEY_USAGE);
            (usages.0.len() != 1 || !critical).then(|| {
                "extendedKeyUsage: found time_stamping with others or not critical, allowed is it alone and critical".into()
            })
        }),
    ),
    Lint::notice(
        "ocsp_responder_has_no_check",
        "RFC 6960 section 4.2.2.2.1",
        "An OCSP responder's certificate says that nobody need ask for its own state.",
        Check::Certificate(|subject| {
            let responder = subject.claims.has_usage(OCSP_SIGNING) && !subject.is_authority();
            (responder && subject.extensions().get(oid::OCSP_NO_CHECK).is_none()).then(|| {
                "id-pkix-ocsp-nocheck: found none in an OCSP responder's certificate, whose own state clients will ask for".into()
            })
        }),
    ),
    Lint::warning(
        "ocsp_no_check_only_in_responders",
        "RFC 6960 section 4.2.2.2.1",
        "id-pkix-ocsp-nocheck stands only where ocsp_signing does: elsewhere it says that a certificate can't be revoked.",
        Check::Certificate(|subject| {
            let other = !subject.claims.has_usage(OCSP_SIGNING);
            (other && subject.extensions().get(oid::OCSP_NO_CHECK).is_some()).then(|| {
                "id-pkix-ocsp-nocheck: found beside no ocsp_signing, better is none".into()
            })
        }),
    ),
];

/// What each kind of key must not claim; written apart from the plan's own table on purpose.
pub(super) fn usages_fit(usages: FlagSet<KeyUsages>, key: KeyKind) -> Option<String> {
    let forbidden: FlagSet<KeyUsages> = match key {
        KeyKind::Classical(ClassicalKey::Ec(_)) => {
            KeyUsages::KeyEncipherment | KeyUsages::DataEncipherment
        }
        KeyKind::Classical(ClassicalKey::Rsa { .. }) => {
            KeyUsages::KeyAgreement | KeyUsages::EncipherOnly | KeyUsages::DecipherOnly
        }
        KeyKind::Classical(ClassicalKey::Ed25519 | ClassicalKey::Ed448)
        | KeyKind::MlDsa(_)
        | KeyKind::SlhDsa(_)
        | KeyKind::Composite(_) => {
            KeyUsages::KeyEncipherment
                | KeyUsages::DataEncipherment
                | KeyUsages::KeyAgreement
                | KeyUsages::EncipherOnly
                | KeyUsages::DecipherOnly
        }
        KeyKind::MlKem(_) => !FlagSet::from(KeyUsages::KeyEncipherment),
        // Nothing is known of it; key_algorithm_known says so.
        KeyKind::Other(_) => FlagSet::default(),
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
        let only = key_usage_text(only);
        format!("keyUsage: found {only} without key_agreement, allowed is with it")
    })
}

/// RFC 5280 section 4.2.1.12 names the key usages that each extended one may be consistent with.
fn fits_extended(subject: &Subject<'_>) -> Option<String> {
    use KeyUsages::{DigitalSignature, KeyAgreement, KeyEncipherment, NonRepudiation};
    let usages = subject.extensions().key_usage().filter(|_| !subject.is_authority())?.0;
    let extended = subject.extensions().extended_key_usage()?;
    let consistent = [
        (SERVER_AUTH, DigitalSignature | KeyEncipherment | KeyAgreement),
        (CLIENT_AUTH, DigitalSignature | KeyAgreement),
        (CODE_SIGNING, FlagSet::from(DigitalSignature)),
        (EMAIL, DigitalSignature | NonRepudiation | KeyEncipherment | KeyAgreement),
        (TIME_STAMPING, DigitalSignature | NonRepudiation),
        (OCSP_SIGNING, DigitalSignature | NonRepudiation),
    ];
    let wrong = consistent
        .into_iter()
        .find(|(usage, wanted)| extended.0.contains(usage) && (usages & *wanted).is_empty());
    wrong.map(|(usage, wanted)| {
        format!(
            "keyUsage: found {}, better beside {} is one of {}",
            key_usage_text(usages),
            extended_key_usage_name(usage),
            key_usage_text(wanted)
        )
    })
}
