//! OCSP responses: nothing that was invented is believed.

use std::sync::LazyLock;

use ca_core::crl::RevocationStatus;
use ca_core::ocsp::{Expectation, OcspResponse, check_responses};

use super::{refusal, refused};
use crate::pki::{Pki, verified_at};
use crate::strict_der;

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::new("Ed25519"));

/// Reads a response.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let response = match OcspResponse::from_der(octets) {
        Ok(response) => response,
        Err(error) => return refused(&error),
    };
    let (certificate, issuer) = (&PKI.issuing_certificate, &PKI.root_certificate);
    let mut signed = false;
    match response.basic() {
        Ok(basic) => {
            if let Err(breach) = strict_der::check(basic.tbs_der()) {
                panic!("not DER, but read: {breach}");
            }
            assert!(!basic.singles().is_empty(), "a response without an answer");
            match basic.verify(certificate, issuer, &Expectation::at(verified_at())) {
                Ok(_) => signed = true,
                Err(error) => refusal(&error),
            }
        }
        Err(error) => refusal(&error),
    }
    match check_responses(certificate, issuer, &[response], verified_at()) {
        RevocationStatus::Unknown { why } => refusal(&why),
        status => assert!(signed, "{status}, by a response with a wrong signature"),
    }
    true
}
