//! Client certificates as far as TLS goes: the client proves that it holds the key.
//!
//! Whether the certificate is one of those that may ask is found out with every request, by the
//! rules of `auth` and our own path verification: so a revocation counts on connections that are
//! open. A client that shows a certificate, and is refused there, gets 401 and nothing else.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use ca_core::certificate::Certificate;

use super::composite;

/// The most certificates above the client's own.
const MOST_ABOVE: usize = 7;

/// Asks for a certificate, takes none as well, and checks the signature over the handshake.
#[derive(Debug)]
pub(super) struct Possession {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    /// Whether composite keys count as well.
    pub(super) composite: bool,
}

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let readable = std::iter::once(end_entity)
            .chain(intermediates)
            .all(|der| Certificate::from_der(der).is_ok());
        if intermediates.len() > MOST_ABOVE || !readable {
            return Err(Error::InvalidCertificate(CertificateError::BadEncoding));
        }
        // The path is for `auth` to judge, not for TLS.
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.composite && signed.scheme == composite::SCHEME {
            return composite::verify(message, certificate, signed);
        }
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms.supported_schemes();
        schemes.extend(self.composite.then_some(composite::SCHEME));
        schemes
    }
}
