//! Certificates: what is read is strict DER, stands for itself, and can be shown and judged.

use ca_core::certificate::Certificate;
use ca_core::inspect::{ContentError, inspect_certificate};
use ca_core::lint::{LintOverrides, lint_certificates};
use ca_core::path::{Options, verify_path};

use super::{harmless, linted, refusal, refused};
use crate::pki::verified_at;
use crate::strict_der;
use crate::tree::Node;

/// Reads a certificate.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let read = Certificate::from_der(octets);
    let found = lint_certificates(&[octets], None, &LintOverrides::default());
    found.iter().for_each(|findings| linted(findings, read.is_ok()));
    match read {
        Ok(certificate) => {
            holds(&certificate, octets);
            true
        }
        Err(error) => refused(&error),
    }
}

/// What every certificate that was read must be.
pub(super) fn holds(certificate: &Certificate, octets: &[u8]) {
    assert_eq!(certificate.der(), octets, "the octets that came are kept");
    // Another reader and writer give the same octets.
    if let Some(tree) = Node::parse(octets) {
        assert!(tree.to_der() == octets, "it has another encoding");
    }
    if let Err(breach) = strict_der::check(certificate.tbs_der()) {
        panic!("not DER, but read: {breach}");
    }
    assert!(certificate.validity().not_before() <= certificate.validity().not_after());
    assert!(certificate.record_digest().is_ok(), "what was read can be written");
    match inspect_certificate(certificate) {
        Ok(shown) => {
            harmless(&shown.to_string());
            harmless(&serde_json::to_string(&shown).expect("reports are plain data"));
        }
        // Parameters of a signature algorithm are judged, where it is known.
        Err(error @ ContentError::Scheme(_)) => refusal(&error),
        Err(error) => panic!("read, but not shown: {error}"),
    }
    judged(certificate);
}

/// A path to itself is judged, and the verdict is whole.
fn judged(certificate: &Certificate) {
    let alone = std::slice::from_ref(certificate);
    let outcome = verify_path(certificate, alone, alone, &Options::at(verified_at()));
    assert_eq!(outcome.valid, outcome.error.is_none());
    harmless(&outcome.to_string());
    outcome.error.iter().for_each(|error| refusal(error));
}
