//! nginx and curl on an OpenSSL that knows ML-DSA.

use std::collections::BTreeMap;
use std::process::Command;

use super::{Installed, Place, debian};
use crate::failure::Failure;
use crate::process::capture;

/// Unpacks Debian's nginx and curl, each with a wrapper that uses its own libraries.
///
/// # Errors
/// When the packages can't be had, or what was unpacked does not run or has an OpenSSL older than 3.5.
pub fn install(place: &Place) -> Result<Installed, Failure> {
    let root = debian::unpack(place, &["nginx", "curl"])?;
    // The system's configuration of OpenSSL is for the system's OpenSSL.
    let exports = "OPENSSL_CONF=/dev/null\nexport OPENSSL_CONF\n";
    let wrapper = |name, program| debian::wrapper(place, &root, name, program, exports);
    let nginx = wrapper("nginx", "usr/sbin/nginx")?;
    let curl = wrapper("curl", "usr/bin/curl")?;
    // nginx tells about itself on standard error.
    let says = capture(Command::new("sh").args(["-c", "\"$0\" -V 2>&1"]).arg(&nginx))?;
    for text in [&says, &capture(Command::new(&curl).arg("--version"))?] {
        // As `OpenSSL 3.5.1` and `OpenSSL/3.5.1`.
        let version = after(text, "OpenSSL/").or_else(|| after(text, "OpenSSL "));
        if !version.is_some_and(knows_ml_dsa) {
            return Err(Failure::Found(format!("needs OpenSSL 3.5 or newer, found {text:?}")));
        }
    }
    let version = after(&says, "nginx version: nginx/").unwrap_or_default().to_owned();
    let words = |program: std::path::PathBuf| vec![program.display().to_string()];
    let commands =
        BTreeMap::from([("nginx".to_owned(), words(nginx)), ("curl".to_owned(), words(curl))]);
    Ok(Installed { version, commands })
}

/// The word that comes after this.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_whitespace().next()
}

/// Whether an OpenSSL of this version knows ML-DSA.
fn knows_ml_dsa(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return false };
    (major, minor) >= (3, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_versions_are_told_from_newer_ones() {
        let text = "nginx version: nginx/1.26.3\nbuilt with OpenSSL 3.5.1 1 Jul 2025\nTLS SNI";
        assert_eq!(after(text, "nginx version: nginx/"), Some("1.26.3"));
        assert_eq!(after(text, "OpenSSL "), Some("3.5.1"));
        for (version, knows) in [
            ("3.5.1", true),
            ("3.10.0", true),
            ("4.0.0", true),
            ("3.4.9", false),
            ("1.1.1w", false),
        ] {
            assert_eq!(knows_ml_dsa(version), knows, "{version}");
        }
        assert!(!knows_ml_dsa("SecureTransport"));
    }
}
