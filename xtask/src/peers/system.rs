//! What the peers need from the system itself: installed through apt where we are root or may become it.

use std::path::Path;
use std::process::Command;

use crate::process::{answers, logged};

/// A thing that a recipe needs, how to see that it is there, and the Debian packages that bring it.
struct Need {
    there: fn() -> bool,
    packages: &'static [&'static str],
}

const NEEDS: &[Need] = &[
    Need { there: || answers("javac", &["-version"]), packages: &["default-jdk-headless"] },
    Need { there: || answers("mvn", &["--version"]), packages: &["maven"] },
    Need {
        there: || answers("python3", &["-c", "import venv, ensurepip"]),
        packages: &["python3-venv"],
    },
    Need { there: || answers("cmake", &["--version"]), packages: &["cmake"] },
    Need { there: || answers("make", &["--version"]), packages: &["make"] },
    Need { there: || answers("curl", &["--version"]), packages: &["curl"] },
    Need { there: || answers("jq", &["--version"]), packages: &["jq"] },
    Need { there: || answers("strace", &["--version"]), packages: &["strace"] },
    Need { there: || answers("systemd-analyze", &["--version"]), packages: &["systemd"] },
    Need { there: || answers("tmux", &["-V"]), packages: &["tmux"] },
    Need { there: || answers("zbarimg", &["--version"]), packages: &["zbar-tools"] },
    // Beside it is ssh-keygen, which has no command that only tells its version.
    Need { there: || answers("ssh", &["-V"]), packages: &["openssh-client"] },
    Need { there: postgres_is_there, packages: &["postgresql"] },
    Need { there: haproxy_is_there, packages: &["haproxy"] },
    Need { there: libfaketime_is_there, packages: &["libfaketime"] },
    Need { there: libclang_is_there, packages: &["libclang-dev"] },
    Need {
        there: || Path::new(super::debian::KEYRING).exists(),
        packages: &["debian-archive-keyring"],
    },
    Need {
        there: || Path::new("/etc/ssl/certs/ca-certificates.crt").exists(),
        packages: &["ca-certificates"],
    },
];

/// Installs what is missing, as far as that is possible: a recipe that then lacks something says so itself.
pub fn install_missing(log: &Path) {
    let packages: Vec<&str> = NEEDS
        .iter()
        .filter(|need| !(need.there)())
        .flat_map(|need| need.packages.iter().copied())
        .collect();
    if packages.is_empty() {
        return;
    }
    println!("peers: the system lacks {}", packages.join(", "));
    let Some(mut update) = apt_get(&["update"]) else {
        println!(
            "peers: and they can't be installed here: no apt-get, or not root and no sudo without a password"
        );
        return;
    };
    // A stale list of one foreign repository makes `update` fail although Debian's own was fetched: go on and see.
    let updated = logged(&mut update, log);
    let installed = apt_get(&["install", "--yes", "--no-install-recommends"])
        .map(|mut install| logged(install.args(&packages), log));
    if let Some(Err(failure)) = installed {
        println!("peers: {}", failure.with_causes());
        if let Err(failure) = updated {
            println!("peers: {}", failure.with_causes());
        }
    }
}

fn apt_get(arguments: &[&str]) -> Option<Command> {
    if !answers("apt-get", &["--version"]) {
        return None;
    }
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if answers("sudo", &["-n", "true"]) {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    } else {
        return None;
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    Some(command)
}

fn is_root() -> bool {
    crate::process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Whether there is a PostgreSQL server for the tests of the ledger, where Debian puts it or beside
/// `pg_config` (the same places as in tests/postgres).
fn postgres_is_there() -> bool {
    let told = crate::process::capture(Command::new("pg_config").arg("--bindir")).ok();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.filter_map(Result::ok).map(|version| version.path().join("bin"));
    folders
        .chain(told.map(|folder| folder.trim().into()))
        .any(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// Whether there is an HAProxy, where Debian puts it or in the path.
fn haproxy_is_there() -> bool {
    Path::new("/usr/sbin/haproxy").exists() || answers("haproxy", &["-v"])
}

/// Whether there is a library that gives a program another clock, where the tests of faults look for it.
fn libfaketime_is_there() -> bool {
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    Path::new("/usr/lib").join(triplet).join("faketime/libfaketimeMT.so.1").exists()
}

/// Whether a libclang is where bindgen looks for it on Linux: `LIBCLANG_PATH`, or the folders of the system.
#[must_use]
pub fn libclang_is_there() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let versions = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    versions
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("llvm-"))
        })
        .map(|path| path.join("lib"))
        .chain([
            format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH).into(),
            "/usr/lib64".into(),
        ])
        .any(|folder| holds_libclang(&folder))
}

fn holds_libclang(folder: &Path) -> bool {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // libclang-cpp is the C++ interface, which other programs bring along: bindgen can't use it.
        let versioned = name.starts_with("libclang-") && !name.starts_with("libclang-cpp");
        name.starts_with("libclang.so") || versioned
    })
}
