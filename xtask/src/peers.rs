//! The foreign programs that the tests talk to: installed under `target/peers`, from the ordinary package registries,
//! once. `peers.json` there tells the tests what is where; tests/interop/src/peers.rs reads it. One that takes minutes
//! to build is kept below the user's cache folder instead, for all checkouts.

pub mod bouncy_castle;
pub mod debian;
pub mod go;
pub mod helm_unittest;
pub mod liboqs;
pub mod nginx;
pub mod openssl;
pub mod python;
pub mod system;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use comfy_table::{ContentArrangement, Table};
use serde::{Deserialize, Serialize};

use crate::cluster::building;
use crate::failure::Failure;
use crate::workspace;

/// What an installer leaves: the version, and the commands by name, each as the words to run it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// As the program itself tells it.
    pub version: String,
    /// Name of a command to the words that run it; empty for a library that the tests link.
    pub commands: BTreeMap<String, Vec<String>>,
}

/// A row of `peers.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum State {
    /// It is there.
    Present(Installed),
    /// It is not.
    Missing {
        /// Why, for the person who reads the skipped test.
        missing: String,
    },
}

/// One peer after `install`.
#[derive(Debug)]
pub struct Found {
    /// Its name in `peers.json`.
    pub name: &'static str,
    /// What came of it.
    pub state: State,
    /// How long that took.
    pub took: Duration,
}

impl Found {
    /// What was installed.
    ///
    /// # Errors
    /// The reason when it was not.
    pub fn into_installed(self) -> Result<Installed, Failure> {
        match self.state {
            State::Present(installed) => Ok(installed),
            State::Missing { missing } => Err(Failure::Found(format!("{}: {missing}", self.name))),
        }
    }
}

/// How long a peer takes where nothing of it is there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Seconds, most of which it waits for a registry.
    Quick,
    /// Minutes of all cores.
    Slow,
}

/// A peer: its name, what its recipe depends on, and the recipe.
struct Peer {
    name: &'static str,
    /// Folders of the checkout, from its root, whose change makes the peer be installed again.
    sources: &'static [&'static str],
    pace: Pace,
    install: fn(&Place) -> Result<Installed, Failure>,
}

const HARNESSES: &str = "tests/interop/peers";

const PEERS: &[Peer] = &[
    quick("openssl", &[], openssl::install),
    quick("bouncycastle", &["tests/interop/peers/bouncycastle"], bouncy_castle::install),
    quick("pyca", &["tests/interop/peers/pyca"], python::install_pyca),
    quick("pkilint", &["tests/interop/peers/pyca"], python::install_pkilint),
    quick("schemathesis", &[], python::install_schemathesis),
    quick("go", &["tests/interop/peers/go"], go::install),
    quick("liboqs", &[], liboqs::install),
    quick("nginx", &[], nginx::install),
    Peer {
        name: "kubernetes",
        sources: &[building::SOURCES],
        pace: Pace::Slow,
        install: building::install,
    },
    Peer {
        name: "helm-unittest",
        sources: &[helm_unittest::SOURCES],
        pace: Pace::Slow,
        install: helm_unittest::install,
    },
];

const fn quick(
    name: &'static str,
    sources: &'static [&'static str],
    install: fn(&Place) -> Result<Installed, Failure>,
) -> Peer {
    Peer { name, sources, pace: Pace::Quick, install }
}

/// Raised when a recipe changes in a way that its sources do not show, so that old installations are not reused.
const RECIPES: u32 = 1;

/// Where a recipe works.
#[derive(Debug)]
pub struct Place {
    /// The peer's own folder; it exists.
    pub folder: PathBuf,
    /// The sources of our harnesses, `tests/interop/peers`.
    pub sources: PathBuf,
    /// Where the output of the recipe's commands goes.
    pub log: PathBuf,
}

/// The folder of everything, and of `peers.json`.
#[must_use]
pub fn folder() -> PathBuf {
    workspace::target().join("peers")
}

/// Peers that are being installed, all at once, while the caller does something else.
#[derive(Debug)]
pub struct Installing {
    quick: JoinHandle<Result<Vec<Found>, Failure>>,
    slow: JoinHandle<Result<Vec<Found>, Failure>>,
}

impl Installing {
    /// Waits for those that take seconds.
    ///
    /// # Errors
    /// Only when the folder itself can't be used; a peer that can't be installed is a row with a reason.
    pub fn quick(self) -> Result<(Vec<Found>, Slow), Failure> {
        Ok((joined(self.quick)?, Slow(self.slow)))
    }
}

/// Peers that take minutes to build.
#[derive(Debug)]
pub struct Slow(JoinHandle<Result<Vec<Found>, Failure>>);

impl Slow {
    /// Waits for them.
    ///
    /// # Errors
    /// As [`Installing::quick`].
    pub fn wait(self) -> Result<Vec<Found>, Failure> {
        joined(self.0)
    }
}

fn joined(thread: JoinHandle<Result<Vec<Found>, Failure>>) -> Result<Vec<Found>, Failure> {
    let panicked = |_| Failure::Found("installing peers panicked; see above".to_owned());
    thread.join().map_err(panicked)?
}

/// Begins to install what is not there yet. `peers.json` has a peer's row when it was waited for.
///
/// # Errors
/// When the folder can't be made.
pub fn start() -> Result<Installing, Failure> {
    let logs = logs()?;
    let (prepared, waits) = mpsc::channel::<()>();
    let quick = std::thread::spawn(move || {
        system::install_missing(&logs.join("system.log"));
        drop(prepared);
        install_all(PEERS.iter().filter(|peer| peer.pace == Pace::Quick))
    });
    let slow = std::thread::spawn(move || {
        // An error is what is waited for: nothing is ever sent, and the end of the sender ends this.
        let _ = waits.recv();
        install_all(PEERS.iter().filter(|peer| peer.pace == Pace::Slow))
    });
    Ok(Installing { quick, slow })
}

/// Installs what is not there yet, and waits for all of it.
///
/// # Errors
/// As [`Installing::quick`].
pub fn install() -> Result<Vec<Found>, Failure> {
    let (mut found, slow) = start()?.quick()?;
    found.extend(slow.wait()?);
    Ok(found)
}

/// Installs one peer, unless it is there, and writes its row.
///
/// # Errors
/// When there is no peer of this name, or the folder can't be used; that it can't be installed is in what is returned.
pub fn install_one_now(name: &str) -> Result<Found, Failure> {
    let peer = PEERS.iter().find(|peer| peer.name == name);
    let peer = peer.ok_or_else(|| Failure::Found(format!("{name}: there is no such peer")))?;
    logs()?;
    let found = install_one(peer, &folder());
    write_rows(std::slice::from_ref(&found))?;
    Ok(found)
}

/// Where a recipe works that is carried out besides that of the peer's row.
///
/// # Errors
/// When the folder can't be made.
pub fn place(name: &str) -> Result<Place, Failure> {
    logs()?;
    let folder = folder();
    let own = folder.join(name);
    fs::create_dir_all(&own).map_err(Failure::file(&own, "made"))?;
    place_in(&folder, name)
}

/// The place of a peer whose folder exists, with an empty log.
fn place_in(folder: &Path, name: &str) -> Result<Place, Failure> {
    let log = folder.join("log").join(format!("{name}.log"));
    fs::write(&log, "").map_err(Failure::file(&log, "written"))?;
    Ok(Place { folder: folder.join(name), sources: workspace::root().join(HARNESSES), log })
}

/// The folder of what recipes print; it exists.
fn logs() -> Result<PathBuf, Failure> {
    let logs = folder().join("log");
    fs::create_dir_all(&logs).map_err(Failure::file(&logs, "made"))?;
    Ok(logs)
}

fn install_all(peers: impl Iterator<Item = &'static Peer>) -> Result<Vec<Found>, Failure> {
    let folder = folder();
    let found: Vec<Found> = std::thread::scope(|scope| {
        let running: Vec<_> =
            peers.map(|peer| (peer.name, scope.spawn(|| install_one(peer, &folder)))).collect();
        running
            .into_iter()
            .map(|(name, thread)| thread.join().unwrap_or_else(|_| panicked(name)))
            .collect()
    });
    write_rows(&found)?;
    Ok(found)
}

/// Writes these rows into `peers.json` and leaves the others.
fn write_rows(found: &[Found]) -> Result<(), Failure> {
    // Two threads of this process write their own.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let path = folder().join("peers.json");
    // A file that is not there, or not what it should be, is written anew.
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut rows: BTreeMap<String, State> = serde_json::from_str(&text).unwrap_or_default();
    rows.retain(|name, _| PEERS.iter().any(|peer| peer.name == name));
    rows.extend(found.iter().map(|peer| (peer.name.to_owned(), peer.state.clone())));
    write_json(&path, &rows)
}

fn panicked(name: &'static str) -> Found {
    let missing = "its recipe panicked; see above".to_owned();
    Found { name, state: State::Missing { missing }, took: Duration::ZERO }
}

fn install_one(peer: &Peer, folder: &Path) -> Found {
    let started = Instant::now();
    let state = match installed(peer, folder) {
        Ok(installed) => State::Present(installed),
        Err(failure) => State::Missing { missing: failure.with_causes() },
    };
    Found { name: peer.name, state, took: started.elapsed() }
}

/// What an earlier run left, written beside the peer when its recipe had ended well.
#[derive(Serialize, Deserialize)]
struct Stamp {
    recipe: u64,
    installed: Installed,
}

fn installed(peer: &Peer, folder: &Path) -> Result<Installed, Failure> {
    let own = folder.join(peer.name);
    let stamp_file = own.join("stamp.json");
    let recipe = recipe(peer)?;
    if let Some(installed) = still_good(&stamp_file, recipe) {
        return Ok(installed);
    }
    if own.exists() {
        fs::remove_dir_all(&own).map_err(Failure::file(&own, "emptied"))?;
    }
    fs::create_dir_all(&own).map_err(Failure::file(&own, "made"))?;
    let installed = (peer.install)(&place_in(folder, peer.name)?)?;
    write_json(&stamp_file, &Stamp { recipe, installed: installed.clone() })?;
    Ok(installed)
}

fn still_good(stamp: &Path, recipe: u64) -> Option<Installed> {
    let stamp: Stamp = serde_json::from_str(&fs::read_to_string(stamp).ok()?).ok()?;
    let absolute = |word: &&String| word.starts_with('/') && !word.contains(':');
    let words = stamp.installed.commands.values().flatten();
    let there = words.filter(absolute).all(|word| Path::new(word).exists());
    (stamp.recipe == recipe && there).then_some(stamp.installed)
}

fn recipe(peer: &Peer) -> Result<u64, Failure> {
    let mut hasher = DefaultHasher::new();
    RECIPES.hash(&mut hasher);
    for source in peer.sources {
        hash_files(&workspace::root().join(source), &mut hasher)?;
    }
    Ok(hasher.finish())
}

/// Adds the names and contents of the files in a folder, but not of folders in it, to a digest.
///
/// # Errors
/// When one can't be read.
pub fn hash_files(folder: &Path, hasher: &mut impl Hasher) -> Result<(), Failure> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(Failure::file(folder, "read"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    for file in files {
        file.file_name().hash(hasher);
        fs::read(&file).map_err(Failure::file(&file, "read"))?.hash(hasher);
    }
    Ok(())
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|source| Failure::Json { what: path.display().to_string(), source })?;
    fs::write(path, text).map_err(Failure::file(path, "written"))
}

/// The peers as a table for people.
#[must_use]
pub fn table(found: &[Found]) -> Table {
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(120);
    table.set_header(["peer", "version", "where, or why not", "seconds"]);
    for peer in found {
        let (version, place) = match &peer.state {
            State::Present(installed) if installed.commands.is_empty() => {
                (installed.version.as_str(), "linked".into())
            }
            State::Present(installed) => (installed.version.as_str(), shown(peer.name, installed)),
            State::Missing { missing } => ("missing", missing.clone()),
        };
        table.add_row([peer.name, version, &place, &format!("{:.1}", peer.took.as_secs_f64())]);
    }
    table
}

/// The peer's folder, from the root of the checkout where it is below it; for one that is kept elsewhere, that place.
fn shown(name: &str, installed: &Installed) -> String {
    let own = folder().join(name);
    let mut programs = installed.commands.values().filter_map(|words| words.first().map(Path::new));
    let elsewhere = programs.find(|program| program.is_absolute() && !program.starts_with(&own));
    let place = elsewhere.and_then(Path::parent).unwrap_or(&own);
    place.strip_prefix(workspace::root()).unwrap_or(place).display().to_string()
}

/// In continuous integration every peer must be there.
///
/// # Errors
/// When `CI=true` and one is missing.
pub fn refuse_missing_in_ci(found: &[Found]) -> Result<(), Failure> {
    let missing: Vec<&str> = found
        .iter()
        .filter(|peer| matches!(peer.state, State::Missing { .. }))
        .map(|peer| peer.name)
        .collect();
    if missing.is_empty() || !workspace::in_ci() {
        return Ok(());
    }
    Err(Failure::Found(format!("peers missing where CI=true allows none: {}", missing.join(", "))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn peer(install: fn(&Place) -> Result<Installed, Failure>) -> Peer {
        quick("made-up", &[], install)
    }

    #[test]
    fn a_peer_is_installed_once_and_again_when_its_program_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        let counting = peer(|place| {
            let counter = place.folder.with_extension("count");
            let count = fs::read_to_string(&counter).map_or(0, |text| text.len()) + 1;
            fs::write(&counter, "x".repeat(count)).unwrap();
            let program = place.folder.join("program");
            fs::write(&program, "").unwrap();
            let commands = BTreeMap::from([("p".to_owned(), vec![program.display().to_string()])]);
            Ok(Installed { version: count.to_string(), commands })
        });
        assert_eq!(installed(&counting, folder.path()).unwrap().version, "1");
        assert_eq!(installed(&counting, folder.path()).unwrap().version, "1");
        fs::remove_file(folder.path().join("made-up/program")).unwrap();
        assert_eq!(installed(&counting, folder.path()).unwrap().version, "2");
    }

    #[test]
    fn a_peer_that_can_not_be_installed_is_a_row_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        let broken = peer(|_| Err(Failure::Found("no registry answers".into())));
        let found = install_one(&broken, folder.path());
        assert_eq!(found.state, State::Missing { missing: "no registry answers".into() });
        assert!(table(&[found]).to_string().contains("no registry answers"));
    }
}
