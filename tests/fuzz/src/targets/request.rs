//! Requests: what is read stands for itself, and what is planned from it can be read.

use std::sync::LazyLock;

use ca_core::csr::CertificateRequest;
use ca_core::inspect::inspect;
use ca_core::lint::{LintOverrides, lint, lint_request};
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;

use super::{harmless, refusal, refused};
use crate::pki::{Pki, verified_at};
use crate::strict_der;

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::new("Ed25519"));

/// Reads a request.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let read = CertificateRequest::from_der(octets);
    super::linted(&lint_request(octets, &LintOverrides::default()), read.is_ok());
    let request = match read {
        Ok(request) => request,
        Err(error) => return refused(&error),
    };
    assert_eq!(request.der(), octets, "the octets that came are kept");
    if let Err(breach) = strict_der::check(request.info_der()) {
        panic!("not DER, but read: {breach}");
    }
    match inspect(octets) {
        Ok(shown) => shown.iter().for_each(|shown| harmless(&shown.to_string())),
        Err(error) => panic!("read, but not shown: {error}"),
    }
    let wanted = match request.verify_possession() {
        Ok(proven) => Request::from_csr(proven),
        // Nobody can sign what a fuzzer invents: it is planned as if its key had been proven.
        Err(error) => {
            refusal(&error);
            let names = request.names().to_vec();
            let mut wanted =
                Request::new(request.subject().clone(), names, request.public_key().clone());
            wanted.extensions = request.extensions().clone();
            wanted
        }
    };
    for profile in Profile::all_shipped() {
        planned(profile, &wanted);
    }
    true
}

/// Whatever passes the lints is a certificate that can be read.
pub(super) fn planned(profile: &Profile, wanted: &Request) {
    let issuer = IssuerIdentity {
        certificate: Some(&PKI.issuing_certificate),
        public_key: PKI.issuing.signer.public_key(),
        scheme: PKI.issuing.signer.scheme(),
        alt_scheme: None,
    };
    let serial = SerialNumber::from_bytes(&[0x55; SerialNumber::LENGTH]);
    let serial = serial.expect("a serial number of ours");
    let linted = match plan(profile, wanted.clone(), issuer, serial, verified_at()) {
        Ok(planned) => lint(planned),
        Err(error) => return refusal(&error),
    };
    let linted = match linted {
        Ok(linted) => linted,
        Err(error) => return refusal(&error),
    };
    let tbs = linted.tbs_der().expect("no alternative signature is due");
    if let Err(breach) = strict_der::check(tbs) {
        panic!("profile {}: planned, but not DER: {breach}", profile.name());
    }
    let signature = [0; 64];
    let assembled = linted.assemble(&signature).expect("a signature of the right length");
    if let Err(error) = assembled.to_certificate() {
        panic!("profile {}: planned, but not read: {error}", profile.name());
    }
}
