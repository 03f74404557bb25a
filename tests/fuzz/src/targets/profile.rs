//! Profiles: what is read plans certificates that can be read, or says why not.

use std::sync::LazyLock;

use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use ca_core::plan::Request;
use ca_core::profile::Profile;

use super::refused;
use crate::pki::Pki;

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::new("Ed25519"));

/// Reads a profile.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let Ok(yaml) = std::str::from_utf8(octets) else { return false };
    let profile = match Profile::from_yaml(yaml) {
        Ok(profile) => profile,
        Err(error) => return refused(&error),
    };
    assert!(!profile.name().is_empty(), "a profile has a name");
    let again = Profile::from_yaml(yaml).expect("what was read is read again");
    assert_eq!(again.name(), profile.name());
    let names = ["DNS:demo.test", "IP:192.0.2.1", "email:a@demo.test", "URI:spiffe://demo.test/a"];
    let names = names.map(|name| AltName::parse(name).expect("a name"));
    let subject = DistinguishedName::parse("CN=demo.test,O=Fuzzed").expect("a subject");
    let key = PKI.leaf.signer.public_key();
    for names in [&names[..], &names[..1], &[]] {
        let wanted = Request::new(subject.clone(), names.to_vec(), key.clone());
        super::request::planned(&profile, &wanted);
    }
    true
}
