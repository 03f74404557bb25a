//! The targets: one file for each kind of input.

pub mod certificate;
pub mod encrypted_key;
pub mod inspected;
pub mod ocsp_request;
pub mod ocsp_response;
pub mod path;
pub mod pkcs12;
pub mod private_key;
pub mod profile;
pub mod request;
pub mod revocation_list;

use std::fmt::Display;

/// A kind of input and what must hold for it.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name, as in `cargo xtask fuzz --target NAME`.
    pub name: &'static str,
    /// Whether the octets were read; panics when a property breaks.
    pub check: fn(&[u8]) -> bool,
}

/// Every target, by name.
pub const TARGETS: [Target; 11] = [
    Target { name: "certificate", check: certificate::check },
    Target { name: "request", check: request::check },
    Target { name: "revocation_list", check: revocation_list::check },
    Target { name: "private_key", check: private_key::check },
    Target { name: "encrypted_key", check: encrypted_key::check },
    Target { name: "inspected", check: inspected::check },
    Target { name: "profile", check: profile::check },
    Target { name: "path", check: path::check },
    Target { name: "ocsp_request", check: ocsp_request::check },
    Target { name: "ocsp_response", check: ocsp_response::check },
    Target { name: "pkcs12", check: pkcs12::check },
];

/// The longest that a message to people may be, in octets.
const LONGEST_MESSAGE: usize = 2000;

/// A refusal says something, and neither drives a terminal nor fills a screen.
///
/// # Panics
/// When it does otherwise.
pub(crate) fn refusal(error: &dyn Display) {
    let text = error.to_string();
    assert!(!text.is_empty(), "a refusal says nothing");
    assert!(text.len() <= LONGEST_MESSAGE, "a refusal of {} octets: {text}", text.len());
    harmless(&text);
}

/// [`refusal`] of the whole input: it was not read.
pub(crate) fn refused(error: &dyn Display) -> bool {
    refusal(error);
    false
}

/// Text that a terminal neither obeys nor hides.
///
/// # Panics
/// When there is a character that it does.
pub(crate) fn harmless(text: &str) {
    let harm = text.chars().find(|character| {
        let control = character.is_control() && *character != '\n';
        let format = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        control || format
    });
    assert_eq!(harm, None, "{text:?}");
}
