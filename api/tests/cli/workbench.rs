//! A folder to run the command in, and what came of a run.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A temporary folder; the command runs in it, without the caller's settings.
pub(crate) struct Workbench(TempDir);

/// What came of a run.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Workbench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, octets: impl AsRef<[u8]>) {
        fs::write(self.path(name), octets).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The permission bits of a file.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// The names of all files, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_espalier"));
        command.current_dir(self.0.path()).env_remove("ESPALIER_LOG").env_remove("NO_COLOR");
        // No context of whoever runs the tests.
        command.env("XDG_CONFIG_HOME", self.path(".config"));
        for name in ["SERVER", "CONTEXT", "TOKEN_FILE", "SERVER_CA", "DATA", "LEDGER"] {
            command.env_remove(format!("ESPALIER_{name}"));
        }
        command
    }

    /// Runs the command with the words of `line`.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_with(line, &[], b"")
    }

    /// The same, with environment variables and standard input.
    pub(crate) fn run_with(&self, line: &str, env: &[(&str, &str)], stdin: &[u8]) -> Run {
        let mut command = self.command();
        command.args(line.split_whitespace()).envs(env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that fails before it reads closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().expect("it ends by itself");
        Run { code, stdout: output.stdout, stderr: output.stderr }
    }
}

impl Run {
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).unwrap()
    }

    /// It is done, and says nothing on standard error.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!((self.code, self.stderr()), (0, ""), "{}", self.stdout());
        self
    }

    /// It fails with this code, and says each of `words` on standard error.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}", self.stderr());
        assert!(self.stderr().starts_with("error: "), "{}", self.stderr());
        for word in words {
            assert!(self.stderr().contains(word), "no {word:?} in {}", self.stderr());
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }
}

/// A copy with one bit of its last octet flipped.
pub(crate) fn bent(der: &[u8]) -> Vec<u8> {
    let mut bent = der.to_vec();
    *bent.last_mut().unwrap() ^= 1;
    bent
}
