//! Every command of the guides in docs/ runs, in order, each guide in a folder of its own, and does what it says.
//!
//! A guide is a row of [`GUIDES`]; a block of commands anywhere else in docs/ fails
//! [`escapes`]. How blocks are written stands in [`blocks`] and [`shown`].
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod blocks;
mod escapes;
mod kubernetes;
mod service;
mod shell;
mod shown;
mod trying;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use interop::peers::{Peer, absent, peer, tried};
use shell::Shell;
use test_postgres::{Cluster, Programs};

/// The guides, with the fewest commands that each has; a test of the same name runs it.
const GUIDES: &[(&str, usize)] = &[
    ("access.md", 4),
    ("api.md", 40),
    ("ceremony.md", 20),
    ("database.md", 50),
    ("getting-started.md", 16),
    ("installation.md", 10),
    ("kubernetes.md", 20),
    ("revocation.md", 50),
    ("server.md", 20),
    ("try-on-kubernetes.md", 30),
];
/// The text of a file of docs/.
fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs the commands of a guide.
fn follow(guide: &str, shell: &mut Shell) {
    let commands = blocks::commands(&read(guide));
    let (_, least) = GUIDES.iter().find(|(name, _)| *name == guide).unwrap();
    assert!(commands.len() >= *least, "docs/{guide}: only {} commands", commands.len());
    for command in &commands {
        if let Err(reason) = shell.follow(command) {
            panic!("docs/{guide}:{}: {}\n{reason}", command.line, command.text);
        }
    }
}

#[test]
fn access() {
    let mut shell = Shell::start();
    shell.before("espalier init --algorithm p256 --no-passphrase");
    follow("access.md", &mut shell);
}

#[test]
fn api() {
    let mut shell = Shell::start();
    shell.ports();
    follow("api.md", &mut shell);
}

#[test]
fn ceremony() {
    if std::process::Command::new("zbarimg").arg("--version").output().is_err() {
        return absent("zbarimg: apt-get install zbar-tools");
    }
    if std::process::Command::new("ssh").arg("-V").output().is_err() {
        return absent("ssh-keygen: apt-get install openssh-client");
    }
    let mut shell = Shell::start();
    let program = Path::new(env!("CARGO_BIN_EXE_espalier")).with_file_name("espalier-ceremony");
    shell.also("espalier-ceremony", &std::process::Command::new(program));
    follow("ceremony.md", &mut shell);
}

#[test]
fn database() {
    // The guide says that it takes a restart.
    let Some(server) = Cluster::start_or_skip(&["archive_mode=on"]) else { return };
    let mut shell = Shell::start_for_postgres(&Programs::find().unwrap());
    let secret = Cluster::PASSWORD;
    shell.before(&format!("(umask 077; echo '*:*:*:postgres:{secret}' > .pgpass)"));
    shell.differs("db.example.com", format!("127.0.0.1:{}", server.port()));
    shell.differs("alias.example.com", format!("localhost:{}", server.port()));
    shell.differs("--dns db.example.com", "--ip 127.0.0.1");
    let restored = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    shell.differs("5433", restored);
    follow("database.md", &mut shell);
}

#[test]
fn getting_started() {
    let Peer::Present(openssl) = peer("openssl") else { return };
    let mut shell = Shell::start();
    shell.also("openssl", &openssl.command("openssl"));
    shell.ports();
    follow("getting-started.md", &mut shell);
}

#[test]
fn installation() {
    let Some(mut shell) = service::shell() else { return };
    follow("installation.md", &mut shell);
}

#[test]
fn kubernetes() {
    let Some((_cluster, mut shell)) = kubernetes::shell() else { return };
    follow("kubernetes.md", &mut shell);
    tried("kubernetes", "docs/kubernetes.md", "every command does what it says");
}

#[test]
fn server() {
    let mut shell = Shell::start();
    shell.ports();
    follow("server.md", &mut shell);
}

#[test]
fn revocation() {
    let Peer::Present(openssl) = peer("openssl") else { return };
    let mut shell = Shell::start();
    shell.also("openssl", &openssl.command("openssl"));
    follow("revocation.md", &mut shell);
    tried("openssl", "docs/revocation.md", "every command does what it says");
}

/// A guide that is wrong is told so.
#[test]
fn what_a_guide_says_wrongly_is_named() {
    let mut shell = Shell::start();
    for (block, words) in [
        ("sh\nfalse", "exit 1, not 0"),
        ("sh\ntrue # exit 1", "exit 0, not 1"),
        ("sh\nfalse | true", "exit 1, not 0"),
        ("sh\necho yes # says no", "no \"no\" in"),
        ("console\n$ echo yes\nno", "prints\nyes"),
        ("sh\nespalier nonsense", "exit 2, not 0"),
    ] {
        let commands = blocks::commands(&format!("```{block}\n```\n"));
        let found = shell.follow(&commands[0]).unwrap_err();
        assert!(found.contains(words), "{block}: {found}");
    }
    assert_eq!(shell.follow(&blocks::commands("```console\n$ echo a b\na …\n```\n")[0]), Ok(()));
}
