//! The guide that wants a cluster.

use std::fs;
use std::path::Path;

use interop::peers::{Peer, peer, tried};

use crate::follow;
use crate::shell::Shell;

#[test]
fn try_on_kubernetes() {
    let Peer::Present(kubernetes) = peer("kubernetes") else { return };
    let mut shell = Shell::start();
    // Programs of this checkout, as they were built with this test.
    let built = Path::new(env!("CARGO_BIN_EXE_espalier")).parent().unwrap();
    shell.also("espalier-issuer", &std::process::Command::new(built.join("espalier-issuer")));
    // What `cargo xtask` runs, and where it finds what it built: the home folder is another one here.
    let cluster = kubernetes.command("cluster");
    let builds = Path::new(cluster.get_program()).ancestors().nth(2).unwrap();
    shell.script(
        "cargo",
        &format!(
            "#!/bin/sh\n[ \"$1\" = xtask ] && shift\nESPALIER_TEST_CLUSTER_CACHE='{}' exec '{}' \"$@\"\n",
            builds.display(),
            built.join("xtask").display()
        ),
    );
    // The cluster that the guide starts goes on when its shell ends.
    shell.before("trap 'leave; cargo xtask cluster down' EXIT");
    shell.ports();
    // Nobody else's port for the issuer program either.
    fs::write(shell.folder().join("listen.yaml"), "version: 1\nlisten: 127.0.0.1:0\n").unwrap();
    shell.differs("espalier-issuer run 2>", "espalier-issuer run --config listen.yaml 2>");
    follow("try-on-kubernetes.md", &mut shell);
    tried("kubernetes", "docs/try-on-kubernetes.md", "every command does what it says");
}
