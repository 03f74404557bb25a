//! What Bouncy Castle calls our algorithms.

use ca_core::algorithm::{Algorithm, ClassicalScheme, Family, SignatureScheme};

/// For the field `algorithm`: composites by OID, RSA by size alone, the others as we call them.
#[must_use]
pub fn key_name(algorithm: &Algorithm) -> String {
    match algorithm.family() {
        Family::Composite => algorithm.oid().to_string(),
        Family::PostQuantum | Family::Classical | Family::Kem => {
            algorithm.name().trim_end_matches("-PSS").to_owned()
        }
    }
}

/// For the field `signatureAlgorithm`: only RSA keys don't tell by themselves how they sign.
#[must_use]
pub fn signature_name(algorithm: &Algorithm) -> Option<String> {
    match algorithm.scheme() {
        SignatureScheme::Classical(ClassicalScheme::RsaPkcs1(hash)) => {
            Some(format!("SHA{}withRSA", hash.size() * 8))
        }
        SignatureScheme::Classical(ClassicalScheme::RsaPss(hash)) => {
            Some(format!("SHA{}withRSAandMGF1", hash.size() * 8))
        }
        _ => None,
    }
}
