//! A cluster that goes on running after the command has ended, until `down`.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::building::{self, Built};
use crate::failure::Failure;
use crate::process;

/// Where it is.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Folder of everything that the cluster keeps; at most 80 bytes [default: below the user's state folder]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// How it is started.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    place: Place,
}

/// Our issuers, whose requests cert-manager's approver may approve.
const APPROVED: &str = "pqissuers.espalier.dev/*,pqclusterissuers.espalier.dev/*";

/// What the control plane prints when it is ready, as far as it matters here; kept as `cluster.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Running {
    server: String,
    kubeconfig: PathBuf,
    process: u32,
}

impl Place {
    fn folder(&self) -> Result<PathBuf, Failure> {
        match &self.dir {
            Some(folder) => std::path::absolute(folder).map_err(Failure::file(folder, "found")),
            None => Ok(super::base("XDG_STATE_HOME", ".local/state")?.join("cluster")),
        }
    }
}

/// Starts one, unless it runs already, and prints what a shell needs.
pub(super) fn up(options: &Options) -> Result<(), Failure> {
    let folder = options.place.folder()?;
    let built = building::built()?;
    let running = match found(&folder) {
        Some(running) => {
            eprintln!("test cluster: runs already, as process {}", running.process);
            running
        }
        None => start(&folder, &built)?,
    };
    eprintln!("test cluster: {} answers; `cargo xtask cluster down` ends it", running.server);
    print!("{}", exports(&folder, &running, &built));
    Ok(())
}

/// Ends it.
pub(super) fn down(place: &Place) -> Result<(), Failure> {
    let folder = place.folder()?;
    let Some(running) = found(&folder) else {
        eprintln!("test cluster: none runs in {}", folder.display());
        return remove(&folder);
    };
    process::run(Command::new("kill").arg(running.process.to_string()))?;
    let started = Instant::now();
    while is_ours(running.process, &folder) {
        if started.elapsed() > Duration::from_secs(10) {
            return Err(Failure::Found(format!(
                "process {} has not ended 10 s after it was told to; look into {}/cluster.log",
                running.process,
                folder.display()
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    eprintln!("test cluster: ended");
    remove(&folder)
}

fn remove(folder: &Path) -> Result<(), Failure> {
    // Only a folder that a cluster was in: --dir may name anything.
    if !folder.join("cluster.log").exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(Failure::file(folder, "removed"))
}

/// The one that runs in this folder.
fn found(folder: &Path) -> Option<Running> {
    let text = fs::read_to_string(folder.join("cluster.json")).ok()?;
    let running: Running = serde_json::from_str(&text).ok()?;
    is_ours(running.process, folder).then_some(running)
}

/// Whether the process is a cluster of this folder: its number may have gone to another one since.
fn is_ours(process: u32, folder: &Path) -> bool {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|octet| *octet == 0).collect();
    words.first().is_some_and(|program| program.ends_with(b"test-cluster"))
        && words.contains(&folder.as_os_str().as_encoded_bytes())
}

fn start(folder: &Path, built: &Built) -> Result<Running, Failure> {
    remove(folder)?;
    fs::create_dir_all(folder).map_err(Failure::file(folder, "made"))?;
    let errors = folder.join("start.log");
    let errors_file = File::create(&errors).map_err(Failure::file(&errors, "made"))?;
    let mut command = Command::new(built.program());
    command.args(["up", "--detached", "--approve", APPROVED, "--dir"]).arg(folder);
    // A group of its own: what the terminal sends to this command does not concern it.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors_file);
    eprintln!("test cluster: starting, about 7 s");
    let mut child = command.spawn().map_err(|source| Failure::Start {
        program: built.program().display().to_string(),
        source,
    })?;
    let line = first_line(&mut child)?;
    let Ok(running) = serde_json::from_str(&line) else {
        let said = fs::read_to_string(&errors).unwrap_or_default();
        return Err(Failure::Found(format!("the test cluster did not start: {}", said.trim())));
    };
    let file = folder.join("cluster.json");
    fs::write(&file, line).map_err(Failure::file(&file, "written"))?;
    Ok(running)
}

/// The line that it prints when it is ready; empty when it ended before.
fn first_line(child: &mut Child) -> Result<String, Failure> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|source| Failure::Start { program: "test-cluster".to_owned(), source })?;
    }
    Ok(line)
}

/// Lines for a shell. Discovery is cached by host and port, which another cluster may have had before, so the cache
/// is the cluster's own.
fn exports(folder: &Path, running: &Running, built: &Built) -> String {
    let word = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    format!(
        "export KUBECONFIG={}\nexport KUBECACHEDIR={}\nexport PATH={}:\"$PATH\"\n",
        word(&running.kubeconfig),
        word(&folder.join("kubecache")),
        word(&built.tools())
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn another_process_with_the_number_of_an_ended_cluster_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let text =
            format!(r#"{{"server":"https://127.0.0.1:1","kubeconfig":"/k","process":{own}}}"#);
        fs::write(folder.path().join("cluster.json"), text).unwrap();
        assert!(found(folder.path()).is_none());
    }

    #[test]
    fn only_the_folder_of_a_cluster_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("of another program");
        fs::create_dir(&inner).unwrap();
        down(&Place { dir: Some(inner.clone()) }).unwrap();
        assert!(inner.exists());
        fs::write(inner.join("cluster.log"), "").unwrap();
        down(&Place { dir: Some(inner.clone()) }).unwrap();
        assert!(!inner.exists());
    }
}
