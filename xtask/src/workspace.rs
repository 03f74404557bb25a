//! Where things are in the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::failure::Failure;
use crate::process;

/// The root of the checkout: the folder above this crate's, as cargo names it when it runs us. The
/// folder that it was compiled in is another one when the target folder was copied between checkouts.
#[must_use]
pub fn root() -> &'static Path {
    static HERE: LazyLock<PathBuf> = LazyLock::new(|| {
        let running = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let ours = running.filter(|folder| folder.ends_with("xtask"));
        ours.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")))
    });
    HERE.parent().unwrap_or(&HERE)
}

/// Cargo's target folder, as CARGO_TARGET_DIR moves it.
#[must_use]
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Whether this runs in continuous integration, where a missing peer is a failure.
#[must_use]
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// `cargo` in the root of the checkout.
#[must_use]
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// A command line as a person would type it.
#[must_use]
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

/// Our commands, just built in the dev profile.
#[derive(Debug)]
pub struct Programs {
    /// `espalier`.
    pub espalier: PathBuf,
    /// `espalier-issuer`.
    pub issuer: PathBuf,
    /// `espalier-ceremony`.
    pub ceremony: PathBuf,
}

/// Builds our commands in the dev profile and tells where they are.
///
/// # Errors
/// When one does not build.
pub fn programs() -> Result<Programs, Failure> {
    // --workspace: the features of all members together, as the tests are built, so that nothing is built twice.
    process::run(&mut cargo(&[
        "build",
        "--quiet",
        "--locked",
        "--workspace",
        "--bin",
        "espalier",
        "--bin",
        "espalier-issuer",
        "--bin",
        "espalier-ceremony",
    ]))?;
    let folder = target().join("debug");
    let program = |name: &str| folder.join(name);
    Ok(Programs {
        espalier: program("espalier"),
        issuer: program("espalier-issuer"),
        ceremony: program("espalier-ceremony"),
    })
}
