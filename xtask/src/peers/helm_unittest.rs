//! helm-unittest, for the suites of charts/espalier, from the Go module of tests/cluster/helm-unittest, which pins it.

use std::collections::BTreeMap;
use std::process::Command;

use super::{Installed, Place, go};
use crate::failure::Failure;
use crate::process::{capture, logged};
use crate::workspace;

/// Where the module is, from the root of the checkout.
pub const SOURCES: &str = "tests/cluster/helm-unittest";
/// The same as the control plane's, so that one download serves both.
const TOOLCHAIN: &str = "go1.26.8";
const MODULE: &str = "github.com/helm-unittest/helm-unittest";

/// Compiles it.
///
/// # Errors
/// When there is no Go that can fetch toolchains, or something does not compile.
pub fn install(place: &Place) -> Result<Installed, Failure> {
    let go = go::find_or_unpack(place)?;
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&go);
        command.current_dir(workspace::root().join(SOURCES)).args(arguments);
        command.env("GOTOOLCHAIN", TOOLCHAIN).env("GOFLAGS", "-mod=readonly");
        command.env("CGO_ENABLED", "0");
        command
    };
    // Without it charts are rendered for Kubernetes 1.20, which ours refuses.
    let version = "helm.sh/helm/v3/pkg/chartutil.k8sVersion";
    let flags = format!("-ldflags=-s -w -X {version}Major=1 -X {version}Minor=37");
    let program = place.folder.join("helm-unittest");
    let mut build = command(&["build", "-trimpath", "-buildvcs=false", &flags, "-o"]);
    logged(build.arg(&program).arg(format!("{MODULE}/cmd/helm-unittest")), &place.log)?;
    let version = capture(&mut command(&["list", "-m", "-f", "{{.Version}}", MODULE]))?;
    let version = version.trim().trim_start_matches('v').to_owned();
    let words = vec![program.display().to_string()];
    Ok(Installed { version, commands: BTreeMap::from([("helm-unittest".to_owned(), words)]) })
}
