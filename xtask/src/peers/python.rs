//! pyca/cryptography behind our harness of tests/interop/peers/pyca, pkilint and schemathesis; each in a venv of its
//! own, because one may hold the others back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{Installed, Place};
use crate::failure::Failure;
use crate::process::{answers, capture, logged};

/// Installs `cryptography` 50 or newer, the first with ML-DSA contexts.
///
/// # Errors
/// When Python has no venv, or the package can't be had.
pub fn install_pyca(place: &Place) -> Result<Installed, Failure> {
    install(place, "cryptography>=50")?;
    let harness = place.sources.join("pyca/composite.py");
    let words = vec![program(place, "python"), harness.display().to_string()];
    let commands = BTreeMap::from([("harness".to_owned(), words)]);
    Ok(Installed { version: version(place, "cryptography")?, commands })
}

/// Installs pkilint and names its linters by what they lint.
///
/// # Errors
/// When Python has no venv, or the package can't be had.
pub fn install_pkilint(place: &Place) -> Result<Installed, Failure> {
    install(place, "pkilint==0.13.*")?;
    let linters = [
        ("cert", "lint_pkix_cert", &[][..]),
        ("chain", "lint_pkix_signer_signee_cert_chain", &[]),
        ("crl", "lint_crl", &["--type", "CRL", "--profile", "PKIX"]),
        ("ocsp", "lint_ocsp_response", &[]),
    ];
    let commands = linters.into_iter().map(|(name, linter, options)| {
        let mut words = vec![program(place, linter)];
        words.extend(
            ["lint", "--format", "JSON"].iter().chain(options).map(|&word| word.to_owned()),
        );
        (name.to_owned(), words)
    });
    Ok(Installed { version: version(place, "pkilint")?, commands: commands.collect() })
}

/// Installs schemathesis, which sends an API what its description allows, and what it does not. The version is exact:
/// another one draws other requests from the same seed.
///
/// # Errors
/// When Python has no venv, or the package can't be had.
pub fn install_schemathesis(place: &Place) -> Result<Installed, Failure> {
    install(place, "schemathesis==4.32.5")?;
    let words = vec![program(place, "schemathesis")];
    let commands = BTreeMap::from([("schemathesis".to_owned(), words)]);
    Ok(Installed { version: version(place, "schemathesis")?, commands })
}

fn install(place: &Place, requirement: &str) -> Result<(), Failure> {
    if !answers("python3", &["-c", "import venv, ensurepip"]) {
        return Err(Failure::Found("needs python3 with venv: apt-get install python3-venv".into()));
    }
    let venv = place.folder.join("venv");
    logged(Command::new("python3").args(["-m", "venv"]).arg(&venv), &place.log)?;
    let mut pip = Command::new(program(place, "python"));
    logged(
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]),
        &place.log,
    )
}

fn program(place: &Place, name: &str) -> String {
    Path::new(&place.folder).join("venv/bin").join(name).display().to_string()
}

fn version(place: &Place, package: &str) -> Result<String, Failure> {
    let ask = format!("import importlib.metadata as m; print(m.version('{package}'))");
    Ok(capture(Command::new(program(place, "python")).args(["-c", &ask]))?.trim().to_owned())
}
