//! Lints of places to fetch from: revocation lists, OCSP, the issuer's certificate.

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;

use super::{Check, Lint, Subject};
use crate::escape::quoted;
use crate::general_name::AbsoluteUri;

const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

pub(super) static LINTS: &[Lint] = &[
    Lint::error(
        "distribution_points_name_a_place",
        "RFC 5280 section 4.2.1.13",
        "Each distribution point has a name or a CRL issuer; reasons alone say nothing.",
        Check::Certificate(|subject| {
            let points = &subject.extensions().crl_distribution_points()?.0;
            let empty = points
                .iter()
                .any(|point| point.distribution_point.is_none() && point.crl_issuer.is_none());
            empty.then(|| {
                "cRLDistributionPoints: found a point without name and CRL issuer, allowed is one of them".into()
            })
        }),
    ),
    Lint::error(
        "places_are_uris",
        "RFC 5280 sections 4.2.1.13 and 4.2.2.1, RFC 3986",
        "Places of revocation lists, OCSP and the issuer's certificate are absolute URIs.",
        Check::Certificate(|subject| {
            let wrong = |(field, name): (&'static str, &GeneralName)| match name {
                GeneralName::UniformResourceIdentifier(uri) => {
                    let error = AbsoluteUri::new(uri.as_str()).err()?;
                    Some(format!("{field}: {error}"))
                }
                // A directory's entry is a place, too.
                GeneralName::DirectoryName(_) => None,
                _ => Some(format!("{field}: found a name of another kind, allowed is a URI")),
            };
            places(subject).into_iter().find_map(wrong)
        }),
    ),
    Lint::warning(
        "places_are_plain_http",
        "RFC 5280 section 8",
        "What a verifier may need before it trusts a server is not fetched by https.",
        Check::Certificate(|subject| {
            let https = places(subject).into_iter().find_map(|(field, name)| match name {
                GeneralName::UniformResourceIdentifier(uri) => {
                    let uri = uri.as_str();
                    let secure =
                        uri.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"));
                    secure.then(|| (field, uri.chars().take(100).collect::<String>()))
                }
                _ => None,
            });
            https.map(|(field, uri)| format!("{field}: found {}, better is http://", quoted(uri)))
        }),
    ),
];

/// Every place, and the field that it stands in.
fn places<'a>(subject: &Subject<'a>) -> Vec<(&'static str, &'a GeneralName)> {
    let extensions = subject.extensions();
    let points = extensions.crl_places().map(|name| ("cRLDistributionPoints", name));
    let accesses = extensions.authority_info_access().into_iter().flat_map(|access| &access.0);
    let accesses = accesses
        .filter(|access| [OCSP, CA_ISSUERS].contains(&access.access_method))
        .map(|access| ("authorityInfoAccess", &access.access_location));
    points.chain(accesses).collect()
}
