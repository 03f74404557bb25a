//! OpenSSL's command, run in a folder of its own.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ca_core::pem::{self, Label};
use tempfile::TempDir;

use crate::peers::{self, Installed, Peer};

/// The longest that one command may take; RSA keys take seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// OpenSSL and a folder for its files, which goes when the value is dropped.
#[derive(Debug)]
pub struct OpenSsl {
    installed: Installed,
    folder: TempDir,
}

impl OpenSsl {
    /// OpenSSL, unless it is missing.
    ///
    /// # Panics
    /// As [`peers::peer`]; when no folder can be made.
    #[must_use]
    pub fn present() -> Option<Self> {
        let Peer::Present(installed) = peers::peer("openssl") else { return None };
        Some(Self { installed, folder: tempfile::tempdir().expect("a folder can be made") })
    }

    /// Writes a file into the folder.
    ///
    /// # Panics
    /// When it can't.
    pub fn write(&self, name: &str, octets: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), octets).expect("a file can be written");
    }

    /// Writes DER as PEM.
    ///
    /// # Panics
    /// When it can't.
    pub fn write_pem(&self, name: &str, label: Label, der: &[u8]) {
        self.write(name, pem::encode(label, der));
    }

    /// A file of the folder.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.folder.path().join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command in the folder, with words separated by blanks.
    #[must_use]
    pub fn command(&self, words: &str) -> Command {
        let mut command = self.installed.command("openssl");
        command.args(words.split_whitespace()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command and gives what it printed.
    ///
    /// # Errors
    /// What it said on standard error, when it ends with another status than 0.
    ///
    /// # Panics
    /// When it can't be run or takes more than a minute.
    pub fn run(&self, words: &str) -> Result<Output, String> {
        let child = self.command(words).spawn();
        let output = ended(child.unwrap_or_else(|error| panic!("openssl {words}: {error}")));
        if output.success { Ok(output) } else { Err(format!("openssl {words}: {}", output.error)) }
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Output {
    /// With status 0.
    pub success: bool,
    /// Standard output.
    pub octets: Vec<u8>,
    /// Standard error.
    pub error: String,
}

/// Waits for a process; it is ended when it takes too long.
///
/// # Panics
/// When it takes more than a minute.
#[must_use]
pub fn ended(mut child: Child) -> Output {
    // Both pipes are read while it runs, so that it never waits for a reader.
    let mut output = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        output.as_mut().map(|pipe| pipe.read_to_end(&mut octets));
        octets
    });
    let mut errors = child.stderr.take();
    let error_reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        errors.as_mut().map(|pipe| pipe.read_to_end(&mut octets));
        octets
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break status,
            None if started.elapsed() > PATIENCE => {
                let _ = child.kill(); // it may have ended by itself in between
                let _ = child.wait();
                panic!("openssl takes more than {} seconds", PATIENCE.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let read = |reader: std::thread::JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
    Output {
        success: status.success(),
        octets: read(reader),
        error: String::from_utf8_lossy(&read(error_reader)).into_owned(),
    }
}
