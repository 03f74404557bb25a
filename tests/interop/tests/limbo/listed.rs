//! Cases that we judge otherwise than the suite expects, each with the reason.
//!
//! Nearly all of them ask for rules that the CA/Browser Forum (CABF) sets for public web sites.
//! Ours verifies private PKI by RFC 5280; ADR 0020 tells the decision.

/// The name of a case and why we differ.
pub(crate) type Listed = (&'static str, &'static str);

const COMMON_NAME: &str = "CABF BR 7.1.4.3 wants the common name repeated in subjectAltName; \
    RFC 9525 never looks at it, and cluster certificates (CN=kube-apiserver) do not repeat it";
const SUFFIX_LIST: &str = "needs the public suffix list, which says nothing about private names; \
    we ask for two labels behind a wildcard";

pub(crate) const LISTED: &[Listed] = &[
    ("webpki::cn::ipv4-hex-mismatch", COMMON_NAME),
    ("webpki::cn::ipv4-leading-zeros-mismatch", COMMON_NAME),
    ("webpki::cn::ipv6-uppercase-mismatch", COMMON_NAME),
    ("webpki::cn::ipv6-uncompressed-mismatch", COMMON_NAME),
    ("webpki::cn::ipv6-non-rfc5952-mismatch", COMMON_NAME),
    ("webpki::cn::punycode-not-in-san", COMMON_NAME),
    ("webpki::cn::utf8-vs-punycode-mismatch", COMMON_NAME),
    ("webpki::cn::not-in-san", COMMON_NAME),
    ("webpki::cn::case-mismatch", COMMON_NAME),
    ("webpki::san::public-suffix-multi-label-wildcard-san", SUFFIX_LIST),
    ("webpki::san::public-suffix-private-namespace-wildcard-san", SUFFIX_LIST),
    (
        "webpki::san::san-critical-with-nonempty-subject",
        "CABF forbids it; RFC 5280 section 4.2.1.6 says SHOULD NOT",
    ),
    (
        "webpki::eku::ee-anyeku",
        "CABF forbids anyExtendedKeyUsage beside serverAuth; RFC 5280 section 4.2.1.12 allows it",
    ),
    (
        "webpki::eku::ee-critical-eku",
        "CABF forbids it; RFC 5280 section 4.2.1.12: MAY be critical or non-critical",
    ),
    (
        "webpki::eku::ee-without-eku",
        "CABF wants it; contradicts rfc5280::eku::ee-without-eku, which we follow",
    ),
    (
        "webpki::eku::root-has-eku",
        "CABF forbids it; under RFC 5280 it limits what the root may issue for, which we enforce",
    ),
    (
        "webpki::nc::permitted-dns-match-noncritical",
        "contradicts rfc5280::nc::permitted-dns-match-noncritical, which we follow: MUST be critical",
    ),
    (
        "webpki::ca-as-leaf",
        "contradicts rfc5280::ca-as-leaf, which we follow: a CA certificate can be verified",
    ),
    (
        "webpki::ee-basicconstraints-ca",
        "CABF forbids cA without keyCertSign; RFC 5280 allows it, and it can sign no certificate",
    ),
    (
        "rfc5280::ski::root-missing-ski",
        "a trust anchor is trusted by its key; Bouncy Castle's roots in hackathon-r5 lack the \
         extension (intermediates must have it)",
    ),
    (
        "rfc5280::aki::cross-signed-root-missing-aki",
        "pedantic, and contradicts cve::cve-2024-0567, whose trusted cross-signed root lacks it \
         too: nobody looks for an anchor's issuer",
    ),
];
