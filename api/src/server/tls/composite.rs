//! Composite client certificates in TLS 1.3, by the one code point that was ever written down for a
//! composite of today's final algorithms (docs/adr/0106).

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::signature;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// `mldsa44_ecdsa_secp256r1_sha256` of draft-reddy-tls-composite-mldsa-01. No registry has it, and
/// later versions of the draft say "to be done".
pub(super) const SCHEME: SignatureScheme = SignatureScheme::Unknown(0x0907);
/// The algorithm of the keys that make it.
const ALGORITHM: &str = "MLDSA44-ECDSA-P256-SHA256";

/// Checks the signature over the handshake (RFC 8446 section 4.4.3), with an empty context.
pub(super) fn verify(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let wrong = |error: CertificateError| Error::InvalidCertificate(error);
    let certificate =
        Certificate::from_der(certificate).map_err(|_| wrong(CertificateError::BadEncoding))?;
    // The name stands in the registry, and a test verifies by it.
    let scheme =
        Algorithm::named(ALGORITHM).map_err(|error| Error::General(error.to_string()))?.scheme();
    signature::verify(certificate.public_key(), scheme, message, signed.signature())
        .map_err(|_| wrong(CertificateError::BadSignature))?;
    Ok(HandshakeSignatureValid::assertion())
}
