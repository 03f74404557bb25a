//! Revocation lists: every entry is found again, and nothing that was invented is believed.

use std::sync::LazyLock;

use ca_core::crl::{CertificateList, RevocationReason, RevocationStatus, check_crls};
use ca_core::lint::{LintOverrides, lint_list};

use super::{linted, refusal, refused};
use crate::pki::{Pki, verified_at};
use crate::strict_der;
use crate::tree::Node;

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::new("Ed25519"));

/// Entries that are looked up at most: each look-up walks over the list.
const LOOKED_UP: usize = 64;

/// Reads a list.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let read = CertificateList::from_der(octets);
    let found = lint_list(octets, Some(&PKI.root_certificate), &LintOverrides::default());
    linted(&found, read.is_ok());
    let list = match read {
        Ok(list) => list,
        Err(error) => return refused(&error),
    };
    holds(&list, octets);
    believed(list);
    true
}

/// What every list that was read must be.
pub(super) fn holds(list: &CertificateList, octets: &[u8]) {
    assert_eq!(list.der(), octets, "the octets that came are kept");
    if let Some(tree) = Node::parse(octets) {
        assert!(tree.to_der() == octets, "it has another encoding");
    }
    if let Err(breach) = strict_der::check(list.tbs_der()) {
        panic!("not DER, but read: {breach}");
    }
    assert_eq!(list.entries().count(), list.len(), "each entry is walked over");
    assert!(list.this_update() <= list.next_update());
    assert!(list.base_number().is_none_or(|base| base < list.number()));
    for entry in list.entries().take(LOOKED_UP) {
        let found = list.find(&entry.serial).expect("an entry is found by its serial number");
        assert_eq!(found.serial, entry.serial);
        let removes = |reason| reason == RevocationReason::RemoveFromCrl;
        assert!(!removes(found.reason) || removes(entry.reason), "a removal hides a revocation");
        assert!(list.is_delta() || !removes(entry.reason), "a removal in a complete list");
    }
}

/// A list by nobody who is trusted says nothing of a certificate.
fn believed(list: CertificateList) {
    let (certificate, issuer) = (&PKI.issuing_certificate, &PKI.root_certificate);
    let signed = list.verify(issuer);
    signed.as_ref().err().iter().for_each(|error| refusal(error));
    match check_crls(certificate, issuer, &[list], verified_at()) {
        RevocationStatus::Unknown { why } => refusal(&why),
        status => assert!(signed.is_ok(), "{status}, by a list with a wrong signature"),
    }
}
