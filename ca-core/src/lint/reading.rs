//! Lints of what was read: DER, and extensions that can be read at all.

use super::{Check, Lint, Object};
use crate::extensions::ExtensionError;

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "certificate_readable",
        "RFC 5280 section 4.1",
        "The certificate can be read; found only when no other lint says why it can't.",
        Check::Unreadable(Object::Certificate),
    ),
    Lint::fixed(
        "canonical_der",
        "RFC 5280 section 4.1, X.690 clause 11",
        "TBSCertificate is in DER's one encoding: shortest forms, sorted sets, no default spelt out.",
        Check::Read(|_, parts| {
            (!parts.canonical).then(|| {
                "TBSCertificate: found another encoding than DER's, allowed is the shortest form without defaults".into()
            })
        }),
    ),
    Lint::fixed(
        "signature_algorithms_equal",
        "RFC 5280 section 4.1.1.2",
        "The signature's algorithm is the same inside and outside of TBSCertificate.",
        Check::Read(|subject, parts| {
            let (inner, outer) =
                (subject.fields.signature.as_ref()?, &parts.outer.signature_algorithm);
            (inner != outer).then(|| {
                format!(
                    "signatureAlgorithm: found {} or other parameters, allowed is what TBSCertificate says, {}",
                    outer.oid, inner.oid
                )
            })
        }),
    ),
    Lint::fixed(
        "extensions_readable",
        "RFC 5280 section 4.2",
        "Every known extension has the syntax that its RFC gives it.",
        Check::Claims(|claims| {
            errors(claims.unreadable, |error| !matches!(error, ExtensionError::Duplicate { .. }))
        }),
    ),
    Lint::fixed(
        "extensions_once",
        "RFC 5280 section 4.2",
        "No extension stands twice.",
        Check::Claims(|claims| {
            errors(claims.unreadable, |error| matches!(error, ExtensionError::Duplicate { .. }))
        }),
    ),
];

fn errors(all: &[ExtensionError], of_this_lint: fn(&&ExtensionError) -> bool) -> Option<String> {
    let texts: Vec<String> = all.iter().filter(of_this_lint).map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
