//! The targets: one file for each kind of input.

pub mod certificate;
pub mod encrypted_key;
pub mod inspected;
pub mod ocsp_request;
pub mod ocsp_response;
pub mod path;
pub mod pkcs12;
pub mod pkcs7;
pub mod private_key;
pub mod profile;
pub mod request;
pub mod revocation_list;

use std::fmt::Display;

use ca_core::lint::{Finding, Severity};

/// A kind of input and what must hold for it.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name, as in `cargo xtask fuzz --target NAME`.
    pub name: &'static str,
    /// Whether the octets were read; panics when a property breaks.
    pub check: fn(&[u8]) -> bool,
}

/// Every target, by name.
pub const TARGETS: [Target; 12] = [
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
    Target { name: "pkcs7", check: pkcs7::check },
];

/// The longest that a message to people may be, in characters.
const LONGEST_MESSAGE: usize = 2000;

/// A refusal says something, and neither drives a terminal nor fills a screen.
///
/// # Panics
/// When it does otherwise.
pub(crate) fn refusal(error: &dyn Display) {
    let text = error.to_string();
    assert!(!text.is_empty(), "a refusal says nothing");
    let length = text.chars().count();
    assert!(length <= LONGEST_MESSAGE, "a refusal of {length} characters: {text}");
    harmless(&text);
}

/// Lints say something of whatever was not read, and nothing that drives a terminal.
///
/// # Panics
/// When they do otherwise.
pub(crate) fn linted(findings: &[Finding], was_read: bool) {
    findings.iter().for_each(|finding| harmless(&finding.detail));
    let error = findings.iter().any(|finding| finding.severity == Severity::Error);
    assert!(was_read || error, "not read, and the lints found no error: {findings:?}");
}

/// [`refusal`] of the whole input: it was not read.
pub(crate) fn refused(error: &dyn Display) -> bool {
    refusal(error);
    false
}

/// Characters beside the control ones that move, reorder or hide what stands around them: joiners
/// and marks of direction, separators of lines, fillers without a glyph, selectors of variants,
/// tags.
const HIDES: [(char, char); 11] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{180b}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{e0000}', '\u{e01ef}'),
];

/// Text that a terminal neither obeys nor hides.
///
/// # Panics
/// When there is a character that it does.
pub(crate) fn harmless(text: &str) {
    let harm = text.chars().find(|character| {
        let control = character.is_control() && *character != '\n';
        control || HIDES.iter().any(|(first, last)| (first..=last).contains(&character))
    });
    assert_eq!(harm, None, "{text:?}");
}
