//! Building the control plane. It takes minutes and gigabytes, so the result is kept below the user's cache folder,
//! by a digest of its sources, and is found there by every checkout.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde::Deserialize;

use super::progress::Progress;
use crate::failure::Failure;
use crate::peers::{Installed, Place, go};
use crate::process::{capture, followed};
use crate::workspace;

/// Where the sources are, from the root of the checkout.
pub const SOURCES: &str = "tests/cluster/control-plane";
/// The release that builds it: the newest whose standard library has no ML-DSA yet, as most clusters are built today.
const TOOLCHAIN: &str = "go1.26.8";
/// The one whose standard library has it: such a cluster takes requests with ML-DSA keys.
pub const WITH_ML_DSA: &str = "go1.27.4";
/// What defines Gateways, which cert-manager's shim gives certificates to.
const GATEWAYS: &str = "gateway.networking.k8s.io_gateways.yaml";
/// Raised when the recipe below changes in a way that the sources do not show.
const RECIPE: u32 = 2;
/// How many builds of other sources are kept: one is 210 MB.
const KEPT: usize = 4;
/// Moves the folder of all builds.
const CACHE: &str = "ESPALIER_TEST_CLUSTER_CACHE";

/// What a build leaves, all in one folder: the program, `bin/kubectl` and `bin/helm`, cert-manager's chart,
/// and the definition of Gateways.
#[derive(Debug)]
pub struct Built {
    folder: PathBuf,
}

impl Built {
    /// The control plane itself.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.join("test-cluster")
    }

    /// The folder that holds `kubectl` and `helm`, and nothing else.
    #[must_use]
    pub fn tools(&self) -> PathBuf {
        self.folder.join("bin")
    }
}

/// The recipe of the peer `kubernetes`.
///
/// # Errors
/// When there is no Go and none can be had, or the sources do not compile.
pub fn install(place: &Place) -> Result<Installed, Failure> {
    let built = build(place, TOOLCHAIN)?;
    let version = version(&built)?;
    let program = |path: PathBuf| vec![path.display().to_string()];
    let commands = BTreeMap::from([
        ("cluster".to_owned(), program(built.program())),
        ("kubectl".to_owned(), program(built.tools().join("kubectl"))),
        ("helm".to_owned(), program(built.tools().join("helm"))),
    ]);
    Ok(Installed { version, commands })
}

/// The control plane by a Go with ML-DSA, beside the one that the tests use by default.
///
/// # Errors
/// As [`install`].
pub fn with_ml_dsa() -> Result<Built, Failure> {
    build(&crate::peers::place("kubernetes")?, WITH_ML_DSA)
}

/// The same, where somebody built it on this machine; `None` otherwise.
///
/// # Errors
/// When the sources or the folder of all builds can't be read.
pub fn with_ml_dsa_if_built() -> Result<Option<Built>, Failure> {
    let built = find(WITH_ML_DSA)?;
    Ok(built.program().exists().then_some(built))
}

/// Where a build of these sources is, once there is one.
fn find(toolchain: &str) -> Result<Built, Failure> {
    Ok(Built { folder: cache()?.join(format!("{toolchain}-{:016x}", digest(&sources())?)) })
}

/// Builds it, or finds what was built from the same sources.
fn build(place: &Place, toolchain: &'static str) -> Result<Built, Failure> {
    let cache = cache()?;
    fs::create_dir_all(&cache).map_err(Failure::file(&cache, "made"))?;
    let built = find(toolchain)?;
    if built.program().exists() {
        return Ok(built);
    }
    // Two builds at once would take twice the memory and be no sooner done.
    let lock = cache.join("lock");
    let lock = File::create(&lock).map_err(Failure::file(&lock, "made"))?;
    if lock.try_lock().is_err() {
        eprintln!("test cluster: somebody else builds one; waiting for that");
        lock.lock().map_err(Failure::file(&cache, "locked"))?;
    }
    if !built.program().exists() {
        let half = cache.join("half-built");
        if half.exists() {
            fs::remove_dir_all(&half).map_err(Failure::file(&half, "emptied"))?;
        }
        build_in(&half, place, toolchain)?;
        if built.folder.exists() {
            // What is left of one whose program somebody removed.
            fs::remove_dir_all(&built.folder).map_err(Failure::file(&built.folder, "emptied"))?;
        }
        fs::rename(&half, &built.folder).map_err(Failure::file(&built.folder, "made"))?;
        forget_old(&cache, &built.folder);
    }
    Ok(built)
}

/// The folder of all builds.
fn cache() -> Result<PathBuf, Failure> {
    match std::env::var_os(CACHE) {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => Ok(super::base("XDG_CACHE_HOME", ".cache")?.join("test-cluster")),
    }
}

fn digest(sources: &Path) -> Result<u64, Failure> {
    let mut hasher = DefaultHasher::new();
    RECIPE.hash(&mut hasher);
    crate::peers::hash_files(sources, &mut hasher)?;
    Ok(hasher.finish())
}

fn build_in(folder: &Path, place: &Place, toolchain: &'static str) -> Result<(), Failure> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).map_err(Failure::file(&bin, "made"))?;
    let go = Go { program: go::find_or_unpack(place)?, toolchain, sources: sources() };
    eprintln!("test cluster: fetching modules, 0.9 GB the first time");
    followed(&mut go.command(&["mod", "download"]), &place.log, |_| {})?;
    let all = capture(&mut go.command(&["list", "-deps", "."]))?.lines().count();
    let mut build = go.command(&["build", "-v", "-trimpath", "-buildvcs=false"]);
    build
        .arg("-ldflags")
        .arg(linker_flags(&go)?)
        .arg("-o")
        .arg(folder.join("test-cluster"))
        .arg(".");
    let mut progress = Progress::start("test cluster: packages compiled", all);
    followed(&mut build, &place.log, |_package| progress.one_more())?;
    progress.end();
    let module = |path: &str| go.module(path, "{{.Dir}}").map(PathBuf::from);
    let chart = module("github.com/cert-manager/cert-manager")?.join("deploy/charts/cert-manager");
    copy(&chart, &folder.join("cert-manager"))?;
    let kinds = folder.join("gateway-api");
    fs::create_dir(&kinds).map_err(Failure::file(&kinds, "made"))?;
    let definitions = module("sigs.k8s.io/gateway-api")?.join("config/crd/standard");
    copy_file(&definitions.join(GATEWAYS), &kinds.join(GATEWAYS))?;
    for name in ["kubectl", "helm"] {
        let link = bin.join(name);
        symlink("../test-cluster", &link).map_err(Failure::file(&link, "made"))?;
    }
    Ok(())
}

/// The go command in the folder of the sources.
struct Go {
    program: PathBuf,
    toolchain: &'static str,
    sources: PathBuf,
}

impl Go {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.sources).args(arguments);
        // Without cgo no C compiler is asked for. Go's own cache of what it compiled stays where it is.
        command.env("GOTOOLCHAIN", self.toolchain).env("GOFLAGS", "").env("CGO_ENABLED", "0");
        command
    }

    /// A field of a module that the sources use.
    fn module(&self, path: &str, field: &str) -> Result<String, Failure> {
        Ok(capture(&mut self.command(&["list", "-m", "-f", field, path]))?.trim().to_owned())
    }
}

/// Kubernetes learns its version from its linker; helm refuses charts for a cluster of version 0.
fn linker_flags(go: &Go) -> Result<OsString, Failure> {
    let version = go.module("k8s.io/kubernetes", "{{.Version}}")?;
    let minor = version.split('.').nth(1).unwrap_or_default();
    let package = "k8s.io/component-base/version";
    Ok(format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor=1 -X {package}.gitMinor={minor} \
         -X {package}.gitTreeState=clean -X {package}.buildDate=1970-01-01T00:00:00Z"
    )
    .into())
}

/// Copies a folder; what lies in Go's cache of modules may not be written to, and the copy may.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(Failure::file(to, "made"))?;
    for entry in fs::read_dir(from).map_err(Failure::file(from, "read"))? {
        let entry = entry.map_err(Failure::file(from, "read"))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Failure> {
    let content = fs::read(from).map_err(Failure::file(from, "read"))?;
    fs::write(to, content).map_err(Failure::file(to, "written"))
}

/// Removes the oldest builds of other sources. What can't be removed now is tried again after the next build.
fn forget_old(cache: &Path, newest: &Path) {
    let entries = fs::read_dir(cache).into_iter().flatten().filter_map(Result::ok);
    let mut others: Vec<(SystemTime, PathBuf)> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("test-cluster").exists() && path != newest)
        .filter_map(|path| {
            Some((fs::metadata(&path).and_then(|about| about.modified()).ok()?, path))
        })
        .collect();
    others.sort();
    let too_many = others.len().saturating_sub(KEPT - 1);
    for (_, path) in others.drain(..too_many) {
        if let Err(error) = fs::remove_dir_all(&path) {
            eprintln!("test cluster: {}: an old build can't be removed: {error}", path.display());
        }
    }
}

#[derive(Deserialize)]
struct Versions {
    kubernetes: String,
    #[serde(rename = "cert-manager")]
    cert_manager: String,
}

fn version(built: &Built) -> Result<String, Failure> {
    let text = capture(Command::new(built.program()).arg("versions"))?;
    let versions: Versions = serde_json::from_str(&text)
        .map_err(|source| Failure::Json { what: "test-cluster versions".to_owned(), source })?;
    let plain = |version: &str| version.trim_start_matches('v').to_owned();
    Ok(format!("{}, cert-manager {}", plain(&versions.kubernetes), plain(&versions.cert_manager)))
}

/// What was built of this checkout's sources, building it when it was not.
///
/// # Errors
/// As [`install`].
pub fn built() -> Result<Built, Failure> {
    let installed = crate::peers::install_one_now("kubernetes")?.into_installed()?;
    let program = installed.commands.get("cluster").and_then(|words| words.first());
    let folder = program.and_then(|path| Path::new(path).parent());
    let folder = folder
        .ok_or_else(|| Failure::Found("the peer kubernetes has no command cluster".into()))?;
    Ok(Built { folder: folder.to_owned() })
}

/// The folder of the sources in this checkout.
fn sources() -> PathBuf {
    workspace::root().join(SOURCES)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn other_sources_have_another_digest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.go");
        let digest_of = |text: &str| {
            fs::write(&file, text).unwrap();
            digest(folder.path()).unwrap()
        };
        let first = digest_of("package main");
        assert_ne!(first, digest_of("package Main"));
        assert_eq!(first, digest_of("package main"));
        fs::rename(&file, folder.path().join("other.go")).unwrap();
        assert_ne!(first, digest(folder.path()).unwrap());
    }

    #[test]
    fn the_oldest_builds_are_forgotten_and_nothing_else() {
        let cache = tempfile::tempdir().unwrap();
        let builds: Vec<PathBuf> = (0..6).map(|n| cache.path().join(format!("go-{n}"))).collect();
        for (age, build) in (0..6).rev().zip(&builds) {
            fs::create_dir(build).unwrap();
            fs::write(build.join("test-cluster"), "").unwrap();
            let then = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age);
            File::open(build).unwrap().set_modified(then).unwrap();
        }
        let foreign = cache.path().join("notes");
        fs::create_dir(&foreign).unwrap();
        // The newest by name is the oldest by time here: it stays all the same.
        forget_old(cache.path(), &builds[0]);
        let left: Vec<bool> = builds.iter().map(|build| build.exists()).collect();
        assert_eq!(left, [true, false, false, true, true, true]);
        assert!(foreign.exists());
    }

    #[test]
    fn a_copy_may_be_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("inner")).unwrap();
        let file = from.join("inner/file");
        fs::write(&file, "text").unwrap();
        let mut only_read = fs::metadata(&file).unwrap().permissions();
        only_read.set_readonly(true);
        fs::set_permissions(&file, only_read).unwrap();
        let to = folder.path().join("to");
        copy(&from, &to).unwrap();
        let copied = to.join("inner/file");
        assert_eq!(fs::read_to_string(&copied).unwrap(), "text");
        assert!(!fs::metadata(&copied).unwrap().permissions().readonly());
        assert!(copy(&from.join("absent"), &to).is_err());
    }
}
