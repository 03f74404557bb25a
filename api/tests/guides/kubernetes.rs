//! The guide that installs the chart: with the real kubectl and Helm, and an API server of its own, since the kinds are
//! the whole cluster's.

use std::os::unix::fs::symlink;
use std::path::Path;

use interop::peers::{Peer, peer};
use test_cluster::{Cluster, Options};

use crate::shell::Shell;

/// A shell of an administrator of a cluster, in a folder with the chart; the cluster goes with its value.
pub(crate) fn shell() -> Option<(Cluster, Shell)> {
    let Peer::Present(programs) = peer("kubernetes") else { return None };
    let cluster = Cluster::start(Options::default())?;
    let mut shell = Shell::start();
    for program in ["kubectl", "helm"] {
        shell.also(program, &programs.command(program));
    }
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts").canonicalize().unwrap();
    symlink(charts, shell.folder().join("charts")).unwrap();
    let config = cluster.kubeconfig().display();
    // Discovery is cached by host and port, which another cluster may have had before.
    shell.before(&format!("export KUBECONFIG='{config}' KUBECACHEDIR=$HOME/.kubecache"));
    Some((cluster, shell))
}
