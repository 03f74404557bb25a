//! PKCS#7 bags, in BER or DER: all that was read is in what is written, and nothing else.

use ca_core::certificate::Certificate;
use ca_core::crl::CertificateList;
use ca_core::inspect::inspect;
use ca_core::pem::{self, Label};
use ca_core::pkcs7::{CertificateBag, MAX_ELEMENTS};

use super::{harmless, refusal, refused};
use crate::strict_der;

/// Reads a bag.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let bag = match CertificateBag::from_der(octets) {
        Ok(bag) => bag,
        Err(error) => return refused(&error),
    };
    for count in [bag.certificates().len(), bag.lists().len()] {
        assert!(count <= MAX_ELEMENTS, "{count} elements");
    }
    assert!(!bag.certificates().is_empty() || !bag.lists().is_empty(), "an empty bag");
    for certificate in bag.certificates() {
        super::certificate::holds(certificate, certificate.der());
    }
    for list in bag.lists() {
        super::revocation_list::holds(list, list.der());
    }
    let written = bag.to_der().expect("what was read can be written");
    if let Err(breach) = strict_der::check(&written) {
        panic!("written, but not DER: {breach}");
    }
    let again = CertificateBag::from_der(&written).expect("what was written can be read");
    assert_eq!(ders(&again), ders(&bag), "the order is kept, and every octet");
    assert_eq!(again.to_der().expect("as before"), written, "one form of each bag is written");
    let text = pem::encode(Label::Pkcs7, &written);
    let read = pem::read_one_bag(text.as_bytes()).expect("what was written can be read as PEM");
    assert_eq!(ders(&read), ders(&bag));
    match inspect(&written) {
        Ok(shown) => {
            shown.iter().for_each(|shown| harmless(&shown.to_string()));
            harmless(&serde_json::to_string(&shown).expect("reports are plain data"));
        }
        // Parameters of a signature algorithm are judged only when it is shown.
        Err(error) => refusal(&error),
    }
    true
}

/// What stands in a bag, in its order.
fn ders(bag: &CertificateBag) -> Vec<&[u8]> {
    let certificates = bag.certificates().iter().map(Certificate::der);
    certificates.chain(bag.lists().iter().map(CertificateList::der)).collect()
}
