//! Verdicts: ours on what others made, and the rule that whoever accepts something refuses it with one bit flipped.

use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::path::{Options, SecurityPolicy, verify_path};

use crate::issue;
use crate::peers::tried;

/// Our verdict on a path: `certs` from the leaf upwards, `anchor` on top. A root alone is given as both.
///
/// # Errors
/// Why it is not valid, or not readable.
pub fn our_path(certs: &[&[u8]], anchor: &[u8], policy: SecurityPolicy) -> Result<(), String> {
    let read = |der: &&[u8]| Certificate::from_der(der).map_err(|error| error.to_string());
    let chain = certs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let (leaf, intermediates) = chain.split_first().ok_or("a path has a leaf")?;
    let options = Options { policy, ..Options::at(issue::now()) };
    let outcome = verify_path(leaf, intermediates, &[read(&anchor)?], &options);
    match outcome.error {
        None => Ok(()),
        Some(error) => Err(error.to_string()),
    }
}

/// Our verdict on a request: well-formed, and signed by its own key.
///
/// # Errors
/// Why not.
pub fn our_csr(der: &[u8]) -> Result<(), String> {
    let request = CertificateRequest::from_der(der).map_err(|error| error.to_string())?;
    request.verify_possession().map(drop).map_err(|error| error.to_string())
}

/// Copies of a certificate with one bit flipped: in the first half of the signature (a composite's ML-DSA half), in
/// its last octets (a composite's classical half) and in the subject.
///
/// # Panics
/// When it is no certificate.
#[must_use]
pub fn certificate_twins(der: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let certificate = Certificate::from_der(der).expect("a certificate");
    twins(der, certificate.signature(), certificate.public_key().spki_der())
}

/// Copies of a request with one bit flipped, at the places of [`certificate_twins`].
///
/// # Panics
/// When it is no request.
#[must_use]
pub fn csr_twins(der: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let request = CertificateRequest::from_der(der).expect("a request");
    twins(der, request.signature(), request.public_key().spki_der())
}

fn twins(der: &[u8], signature: &[u8], spki: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    // The signature stands at the end, and the subject's last letter right before the key.
    let spki = der.windows(spki.len()).position(|window| window == spki);
    let places = [
        ("the signature's first half", der.len() - signature.len() + 8),
        ("the signature's last octets", der.len() - 9),
        ("the subject", spki.expect("the key stands in it") - 1),
    ];
    places.map(|(field, at)| (field, flipped(der, at))).to_vec()
}

/// A copy with the lowest bit of one octet flipped.
#[must_use]
pub fn flipped(octets: &[u8], at: usize) -> Vec<u8> {
    let mut twin = octets.to_vec();
    twin[at] ^= 1;
    twin
}

/// Demands that `verdict` accepts `original` and refuses each of its twins, and writes the attempt down.
///
/// # Panics
/// When it does otherwise.
pub fn accepted_but_no_twin(
    peer: &str,
    what: &str,
    original: &[u8],
    twins: &[(&'static str, Vec<u8>)],
    mut verdict: impl FnMut(&[u8]) -> Result<(), String>,
) {
    if let Err(reason) = verdict(original) {
        tried(peer, what, "REFUSED");
        panic!("{peer}: {what}: refused: {reason}");
    }
    assert!(!twins.is_empty(), "{peer}: {what}: no twin to refuse");
    for (field, twin) in twins {
        if verdict(twin).is_ok() {
            tried(peer, what, "WRONGLY ACCEPTED");
            panic!("{peer}: {what}: accepted with a bit flipped in {field}");
        }
    }
    tried(peer, what, "accepted; flipped bits refused");
}

/// [`accepted_but_no_twin`] for a certificate.
pub fn certificate(
    peer: &str,
    what: &str,
    der: &[u8],
    verdict: impl FnMut(&[u8]) -> Result<(), String>,
) {
    accepted_but_no_twin(peer, what, der, &certificate_twins(der), verdict);
}

/// [`accepted_but_no_twin`] for a request.
pub fn csr(peer: &str, what: &str, der: &[u8], verdict: impl FnMut(&[u8]) -> Result<(), String>) {
    accepted_but_no_twin(peer, what, der, &csr_twins(der), verdict);
}
