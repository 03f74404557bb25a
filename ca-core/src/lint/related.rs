//! Lints of the binding to another certificate of the holder (RFC 9763). That it is not critical is
//! checked with the other extensions.

use super::{Check, Lint, Subject};

pub(super) static LINTS: &[Lint] = &[
    Lint::error(
        "related_certificate_digest",
        "RFC 9763 section 4.1, ADR 0051",
        "RelatedCertificate holds a digest of SHA-256, SHA-384 or SHA-512, as long as that hash makes it.",
        Check::Certificate(digest),
    ),
    Lint::error(
        "related_certificate_only_in_leaves",
        "RFC 9763 section 1",
        "Only an end entity's certificate is bound to another one.",
        Check::Certificate(|subject| {
            let bound = subject.extensions().related().is_some();
            (bound && subject.is_authority()).then(|| {
                "RelatedCertificate: found in an authority's certificate, allowed is an end entity's"
                    .into()
            })
        }),
    ),
];

fn digest(subject: &Subject<'_>) -> Option<String> {
    let related = subject.extensions().related()?;
    let Some(hash) = related.hash() else {
        return Some(format!(
            "RelatedCertificate: hashAlgorithm: found {}, allowed are SHA-256, SHA-384 and SHA-512",
            related.hash_oid()
        ));
    };
    let (found, allowed) = (related.value().len(), hash.size());
    (found != allowed).then(|| {
        format!("RelatedCertificate: hashValue: found {found} octets, allowed are the {allowed} of {hash}")
    })
}
