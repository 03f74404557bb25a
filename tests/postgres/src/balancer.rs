//! HAProxy, which ends with the test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Ends the program with its input.
const GUARD: &str = r#"
"$1" -db -f "$2/haproxy.cfg" >"$2/log" 2>&1 </dev/null &
pid=$!
read -r _
kill "$pid" 2>/dev/null
wait "$pid"
"#;

/// A running HAProxy.
#[derive(Debug)]
pub struct Balancer {
    guard: Child,
    folder: TempDir,
}

impl Balancer {
    /// Starts it with a configuration.
    ///
    /// # Errors
    /// Where it is not installed.
    pub fn start(config: &str) -> Result<Self, String> {
        let program = program().ok_or("no HAProxy: install the package haproxy")?;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("haproxy.cfg"), config).unwrap();
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, "guard"]).arg(program).arg(folder.path());
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        Ok(Self { guard, folder })
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it logged this.
    ///
    /// # Panics
    /// When it did not within 20 seconds.
    pub fn waits_for(&self, words: &str) {
        let started = Instant::now();
        while !self.log().contains(words) {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "no {words:?} in:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').map(str::to_owned).chain(["/usr/sbin".into()]);
    folders.map(|folder| Path::new(&folder).join("haproxy")).find(|program| program.is_file())
}
