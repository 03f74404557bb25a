//! OpenSSL 3.5, the first with ML-DSA.

use std::collections::BTreeMap;
use std::process::Command;

use super::{Installed, Place, debian};
use crate::failure::Failure;
use crate::process::capture;

/// Unpacks Debian's OpenSSL with a wrapper that uses its own libraries and configuration.
///
/// # Errors
/// When the packages can't be had, or what was unpacked is older than 3.5 or does not run.
pub fn install(place: &Place) -> Result<Installed, Failure> {
    let root = debian::unpack(place, &["openssl"])?;
    let configuration = root.join("etc/ssl/openssl.cnf");
    let exports = format!(
        "OPENSSL_CONF=\"${{OPENSSL_CONF:-{}}}\"\nexport OPENSSL_CONF\n",
        configuration.display()
    );
    let program = debian::wrapper(place, &root, "openssl", "usr/bin/openssl", &exports)?;
    let says = capture(Command::new(&program).arg("version"))?;
    let version = says.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let algorithms = capture(Command::new(&program).args(["list", "-signature-algorithms"]))?;
    if !algorithms.contains("ML-DSA-65") {
        return Err(Failure::Found(format!(
            "OpenSSL {version} has no ML-DSA; 3.5 or newer is needed"
        )));
    }
    let commands = BTreeMap::from([("openssl".to_owned(), vec![program.display().to_string()])]);
    Ok(Installed { version, commands })
}
