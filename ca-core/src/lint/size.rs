//! Lints of sizes: what is read at all, what fits the first flight of a connection, and the order
//! of a chain.

use super::subject::signature_size;
use super::usage::SERVER_AUTH;
use super::{Check, Issuer, Lint, Subject};
use crate::certificate::MAX_CERTIFICATE_SIZE;
use crate::path::same_name;
use crate::plan::Plan;

/// Octets that a TCP sender may send before it hears from the other side: ten segments of 1,460
/// octets (RFC 6928 section 2). What does not fit waits for one more round trip.
pub const FIRST_FLIGHT: usize = 10 * 1_460;

/// Octets of a TLS 1.3 server's first flight beside certificates and the signature in
/// CertificateVerify: ServerHello with a key share of X25519MLKEM768 (1,120 octets) is about
/// 1,220; change_cipher_spec, EncryptedExtensions, the frames of Certificate, CertificateVerify
/// and Finished, and the records around them are about 200.
pub const TLS_SERVER_OVERHEAD: usize = 1_420;

/// Octets before each certificate of the Certificate message and behind it (RFC 8446 section
/// 4.4.2).
const CERTIFICATE_FRAME: usize = 5;

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "size_bounded",
        "Espalier, certificates of at most 128 KiB are read",
        "The certificate leaves room for signatures below the largest that is read.",
        Check::Planned(size),
    ),
    Lint::warning(
        "chain_fits_first_flight",
        "RFC 6928 section 2, RFC 8446 section 4.4.2",
        "A TLS server's chain fits the first flight of a connection: 14,600 octets less 1,420 of handshake and one signature of its key; a larger one costs a round trip.",
        Check::Issued(first_flight),
    ),
    Lint::warning(
        "chain_in_order",
        "RFC 8446 section 4.4.2",
        "In a file of several certificates each certifies the one before it.",
        Check::Chain(|lower, upper| {
            (!same_name(&lower.fields.issuer, &upper.fields.subject)).then(|| {
                "issuer: found another name than the subject of the certificate behind it, better is a chain in order".into()
            })
        }),
    ),
];

fn size(subject: &Subject<'_>, _: &Plan) -> Option<String> {
    // What the signatures will take is an estimate.
    let allowed = MAX_CERTIFICATE_SIZE - 1024;
    let found = subject.size;
    (found > allowed)
        .then(|| format!("certificate: found {found} octets, allowed are at most {allowed}"))
}

fn first_flight(subject: &Subject<'_>, issuer: &Issuer<'_>) -> Option<String> {
    let above = issuer.certificate.as_ref()?.chain_size;
    let server = subject.claims.has_usage(SERVER_AUTH) && !subject.is_authority();
    let key = subject.claims.key.ok().filter(|_| server)?;
    let chain = subject.size + above + 2 * CERTIFICATE_FRAME;
    let signature = signature_size(key);
    let found = chain + signature + TLS_SERVER_OVERHEAD;
    (found > FIRST_FLIGHT).then(|| {
        format!(
            "chain: found {chain} octets, with a signature of {signature} and {TLS_SERVER_OVERHEAD} of handshake {found}, better are at most {FIRST_FLIGHT}"
        )
    })
}
