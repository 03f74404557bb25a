//! Go's standard library behind our harness of tests/interop/peers/go.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::{Installed, Place, debian};
use crate::failure::Failure;
use crate::process::{capture, logged};

/// The first release line with crypto/mldsa; the go command fetches it as a module.
const TOOLCHAIN: &str = "go1.27.4";

/// Compiles the harness with the toolchain above.
///
/// # Errors
/// When no Go that can fetch toolchains (1.21 or newer) is there or can be unpacked, or the harness does not compile.
pub fn install(place: &Place) -> Result<Installed, Failure> {
    let program = place.folder.join("gopeer");
    let mut build = Command::new(find_or_unpack(place)?);
    build.current_dir(place.sources.join("go")).env("GOTOOLCHAIN", TOOLCHAIN).env("GOFLAGS", "");
    build.args(["build", "-trimpath", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    logged(&mut build, &place.log)?;
    let commands = BTreeMap::from([("harness".to_owned(), vec![program.display().to_string()])]);
    Ok(Installed { version: TOOLCHAIN.trim_start_matches("go").to_owned(), commands })
}

/// A go command that can fetch newer toolchains: the system's, or else one that is unpacked below `place`.
///
/// # Errors
/// When there is none and none can be unpacked.
pub fn find_or_unpack(place: &Place) -> Result<PathBuf, Failure> {
    match find() {
        Some(go) => Ok(go),
        None => Ok(debian::unpack(place, &["golang-go"])?.join("usr/lib/go/bin/go")),
    }
}

/// The system's go, when it is new enough to fetch a newer one.
fn find() -> Option<PathBuf> {
    let says = capture(Command::new("go").env("GOTOOLCHAIN", "local").arg("version")).ok()?;
    can_fetch_toolchains(&says).then(|| PathBuf::from("go"))
}

/// Judges the line of `go version`, such as `go version go1.26.8 linux/amd64`.
fn can_fetch_toolchains(says: &str) -> bool {
    let version = says.split_whitespace().nth(2).and_then(|word| word.strip_prefix("go1."));
    let minor =
        version.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    minor.and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|minor| minor >= 21)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_go_that_knows_toolchains_serves() {
        assert!(can_fetch_toolchains("go version go1.26.8 linux/amd64"));
        assert!(can_fetch_toolchains("go version go1.21rc2 linux/amd64"));
        assert!(!can_fetch_toolchains("go version go1.19.8 linux/amd64"));
        assert!(!can_fetch_toolchains("gccgo 12"));
    }
}
