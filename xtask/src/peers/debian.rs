//! Packages of a newer Debian in a folder of their own: nothing of the system is touched, nothing needs root.
//!
//! apt works on a private state with Debian's signing keys, `dpkg -x` unpacks, and each program runs through the
//! unpacked dynamic loader, so that it uses its own libc.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Place;
use crate::failure::Failure;
use crate::process::{answers, logged};

/// Debian's signing keys, as the package debian-archive-keyring installs them; bookworm's holds trixie's as well.
pub const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SUITE: &str = "trixie";
const DEFAULT_MIRROR: &str = "http://deb.debian.org/debian";

/// Unpacks packages and all that they depend on below `place`, and returns the root of what was unpacked.
///
/// # Errors
/// When apt or dpkg is not there, the mirror does not serve the suite, or a signature does not hold.
pub fn unpack(place: &Place, packages: &[&str]) -> Result<PathBuf, Failure> {
    if !answers("apt-get", &["--version"]) || !answers("dpkg", &["--version"]) {
        return Err(Failure::Found("needs apt-get and dpkg, which this system has not".into()));
    }
    if !Path::new(KEYRING).exists() {
        return Err(Failure::Found(format!(
            "needs Debian's signing keys, and {KEYRING} is not there"
        )));
    }
    let config = private_state(&place.folder.join("apt"))?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", &config).args(arguments);
        command
    };
    logged(&mut apt(&["update", "--error-on=any"]), &place.log)?;
    let install = ["install", "--download-only", "--yes", "--no-install-recommends"];
    logged(apt(&install).args(packages), &place.log)?;
    let root = place.folder.join("root");
    fs::create_dir_all(&root).map_err(Failure::file(&root, "made"))?;
    let archives = place.folder.join("apt/cache/archives");
    for entry in
        fs::read_dir(&archives).map_err(Failure::file(&archives, "read"))?.filter_map(Result::ok)
    {
        if entry.path().extension().is_some_and(|extension| extension == "deb") {
            logged(Command::new("dpkg").arg("-x").arg(entry.path()).arg(&root), &place.log)?;
        }
    }
    let apt = place.folder.join("apt");
    fs::remove_dir_all(&apt).map_err(Failure::file(&apt, "removed"))?;
    Ok(root)
}

/// Writes the configuration of a private apt below `folder` and returns its path.
fn private_state(folder: &Path) -> Result<PathBuf, Failure> {
    for part in ["state/lists/partial", "cache/archives/partial", "sources"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).map_err(Failure::file(&part, "made"))?;
    }
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(Failure::file(&path, "written")).map(|()| path)
    };
    // An empty status file: nothing counts as installed, so every dependency is fetched, libc with its loader too.
    write("state/status", "")?;
    let mirror = mirror(&sources_of_the_system());
    write(
        "sources/suite.sources",
        &format!(
            "Types: deb\nURIs: {mirror}\nSuites: {SUITE}\nComponents: main\nSigned-By: {KEYRING}\n"
        ),
    )?;
    let here = folder.display();
    write(
        "apt.conf",
        &format!(
            "Dir::State \"{here}/state\";\nDir::State::status \"{here}/state/status\";\nDir::Cache \"{here}/cache\";\n\
             Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{here}/sources\";\n\
             Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
             APT::Sandbox::User \"\";\n"
        ),
    )
}

/// The text of every apt source that the system has.
fn sources_of_the_system() -> String {
    let parts =
        fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().filter_map(Result::ok);
    let files = parts.map(|entry| entry.path()).chain([PathBuf::from("/etc/apt/sources.list")]);
    files.filter_map(|file| fs::read_to_string(file).ok()).collect::<Vec<_>>().join("\n")
}

/// The mirror that the system already takes Debian from, with any suite; Debian's own when there is none.
///
/// Reads both of apt's formats, `deb [options] URI suite components` and `URIs: URI`.
fn mirror(sources: &str) -> String {
    let words = sources
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace);
    let is_debian = |word: &&str| {
        let uri = word.trim_end_matches('/');
        (uri.starts_with("http://") || uri.starts_with("https://")) && uri.ends_with("/debian")
    };
    words.into_iter().find(is_debian).unwrap_or(DEFAULT_MIRROR).trim_end_matches('/').to_owned()
}

/// Writes `bin/NAME`, which runs `program` of an unpacked root with that root's own loader and libraries.
///
/// # Errors
/// When the root holds no loader, or the file can't be written.
pub fn wrapper(
    place: &Place,
    root: &Path,
    name: &str,
    program: &str,
    exports: &str,
) -> Result<PathBuf, Failure> {
    let loader = loader(root)?;
    let libraries = loader.parent().unwrap_or(root).display().to_string();
    let bin = place.folder.join("bin");
    fs::create_dir_all(&bin).map_err(Failure::file(&bin, "made"))?;
    let path = bin.join(name);
    let text = format!(
        "#!/bin/sh\n# Written by `cargo xtask peers`.\n{exports}exec '{}' --library-path '{libraries}' '{}' \"$@\"\n",
        loader.display(),
        root.join(program).display()
    );
    fs::write(&path, text).map_err(Failure::file(&path, "written"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .map_err(Failure::file(&path, "made executable"))?;
    Ok(path)
}

/// The dynamic loader in `usr/lib/TRIPLET/`, beside the libraries.
fn loader(root: &Path) -> Result<PathBuf, Failure> {
    let library = root.join("usr/lib");
    let folders =
        fs::read_dir(&library).map_err(Failure::file(&library, "read"))?.filter_map(Result::ok);
    let candidates = folders
        .filter_map(|folder| fs::read_dir(folder.path()).ok())
        .flatten()
        .filter_map(Result::ok);
    let is_loader = |name: &str| name.starts_with("ld-linux") && name.contains(".so.");
    let mut loaders = candidates.filter(|entry| is_loader(&entry.file_name().to_string_lossy()));
    loaders
        .next()
        .map(|entry| entry.path())
        .ok_or_else(|| Failure::Found(format!("{}: holds no ld-linux*.so", library.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_that_the_system_uses() {
        let deb822 = "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n\n\
                      Types: deb\nURIs: http://mirror.example/debian/\nSuites: bookworm bookworm-updates\n";
        assert_eq!(mirror(deb822), "http://mirror.example/debian");
        let one_line =
            "deb [signed-by=/usr/share/keyrings/x.gpg] https://near.example/debian bookworm main\n";
        assert_eq!(mirror(one_line), "https://near.example/debian");
    }

    #[test]
    fn sources_of_others_are_not_taken_for_debian() {
        let others = "deb http://archive.example/ubuntu noble main\n# deb http://old.example/debian sid main\n\
                      deb https://packages.example/debian-tools stable main\n";
        assert_eq!(mirror(others), DEFAULT_MIRROR);
    }
}
