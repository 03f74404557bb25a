//! Files of any kind, PEM or DER: they are shown or refused, and the readers agree with that.

use ca_core::inspect::{Report, inspect};
use ca_core::pem;

use super::{harmless, refusal, refused};

/// Shows a file.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let is_shown = match inspect(octets) {
        Ok(shown) => {
            assert!(!shown.is_empty(), "a file of nothing is refused");
            shown.iter().for_each(|shown| harmless(&shown.to_string()));
            harmless(&serde_json::to_string(&shown).expect("reports are plain data"));
            let is_certificate = |report: &Report| matches!(report, Report::Certificate(_));
            if shown.iter().all(|shown| is_certificate(&shown.report)) {
                let read = pem::read_certificates(octets).expect("what is shown can be read");
                assert_eq!(read.len(), shown.len());
            }
            true
        }
        Err(error) => refused(&error),
    };
    for error in [
        pem::read_certificates(octets).err(),
        pem::read_one_certificate(octets).err(),
        pem::read_one_request(octets).err(),
        pem::read_one_public_key(octets).err(),
        pem::read_one_private_key_der(octets).err(),
    ]
    .iter()
    .flatten()
    {
        refusal(error);
    }
    is_shown
}
