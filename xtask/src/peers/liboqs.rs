//! liboqs by its `oqs` crate: built by cargo when the interop tests have the feature `oqs`, so that all there is to
//! see here is whether it can be.

use std::collections::BTreeMap;
use std::fs;

use super::{Installed, Place, system};
use crate::failure::Failure;
use crate::process::answers;
use crate::workspace;

/// Checks for what the crate's build needs, and reads the version of liboqs from the lock file.
///
/// # Errors
/// When cmake, make or libclang is missing.
pub fn install(_place: &Place) -> Result<Installed, Failure> {
    for tool in ["cmake", "make"] {
        if !answers(tool, &["--version"]) {
            return Err(Failure::Found(format!("needs {tool} to build: apt-get install {tool}")));
        }
    }
    if !system::libclang_is_there() {
        return Err(Failure::Found("needs libclang to build: apt-get install libclang-dev".into()));
    }
    let lock = workspace::root().join("Cargo.lock");
    let text = fs::read_to_string(&lock).map_err(Failure::file(&lock, "read"))?;
    Ok(Installed { version: version(&text), commands: BTreeMap::new() })
}

/// What follows `+liboqs-` in the version of oqs-sys.
fn version(lock: &str) -> String {
    let after = lock.split_once("+liboqs-").map(|(_, after)| after);
    after.and_then(|text| text.split('"').next()).unwrap_or("of unknown version").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_lock_file() {
        assert_eq!(version("name = \"oqs-sys\"\nversion = \"0.11.0+liboqs-0.13.0\"\n"), "0.13.0");
        assert_eq!(version("name = \"der\"\nversion = \"0.8.0\"\n"), "of unknown version");
    }
}
