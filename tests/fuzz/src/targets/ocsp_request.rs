//! OCSP requests: what is read is answered, or refused with a status.

use std::sync::LazyLock;

use ca_core::ocsp::{CertStatus, OcspRequest, OcspResponse, Responder, UpdateWindow};

use super::refused;
use crate::pki::{Pki, verified_at};
use crate::strict_der;

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::new("Ed25519"));

/// Reads a request.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let request = match OcspRequest::from_der(octets) {
        Ok(request) => request,
        Err(error) => return refused(&error),
    };
    assert_eq!(request.der(), octets, "the octets that came are kept");
    if let Err(breach) = strict_der::check(request.tbs_der()) {
        panic!("not DER, but read: {breach}");
    }
    let responder = Responder::authority(&PKI.root_certificate, &PKI.root.signer);
    let responder = responder.expect("an authority may answer");
    let now = verified_at();
    let window = UpdateWindow::new(now, now, None).expect("a window of one instant");
    let answer = responder.respond(&request, &window, |_| CertStatus::Good);
    let answer = answer.expect("every request that was read is answered");
    if let Ok(basic) = OcspResponse::from_der(answer).expect("our own answer is read").basic() {
        assert_eq!(basic.singles().len(), request.cert_ids().len());
        assert_eq!(basic.nonce(), request.nonce());
    }
    true
}
