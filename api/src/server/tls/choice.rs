//! Which certificate a client gets.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificates in order of preference.
#[derive(Debug)]
pub(super) struct Choice(pub(super) Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Choice {
    /// The first whose key can make a signature that the client says to check (RFC 8446 section
    /// 4.2.3). Who knows ML-DSA says so there; who does not never sees such a certificate.
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let offered = client_hello.signature_schemes();
        self.0.iter().find(|one| one.key.choose_scheme(offered).is_some()).cloned()
    }
}
