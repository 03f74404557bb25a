//! Our own commands, as the tests of their packages have them built: `cargo test --workspace` builds them before any
//! test runs, `cargo build -p espalier -p espalier-ceremony --bins` does it alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The command, to be run in one folder.
#[derive(Debug)]
pub struct Espalier {
    program: PathBuf,
    folder: PathBuf,
}

/// A program of ours, as it was built with the test or the bench that asks for it.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn beside_this_test(name: &str) -> PathBuf {
    let asking = std::env::current_exe().expect("a program knows where it is");
    // A test is target/PROFILE/deps/TEST, a bench target/PROFILE/BENCH.
    let built = asking.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let program = built.expect("it lies in target/PROFILE").join(name);
    assert!(program.exists(), "{}: not built; `cargo build --bin {name}`", program.display());
    program
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output, then standard error.
    pub text: String,
}

impl Espalier {
    /// Finds the command beside this test's own program.
    ///
    /// # Panics
    /// When it is not built.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { program: beside_this_test("espalier"), folder: folder.to_owned() }
    }

    /// The same for the command of offline ceremonies.
    ///
    /// # Panics
    /// When it is not built.
    #[must_use]
    pub fn ceremony_in(folder: &Path) -> Self {
        Self { program: beside_this_test("espalier-ceremony"), folder: folder.to_owned() }
    }

    /// Runs it with words separated by blanks.
    ///
    /// # Panics
    /// When it can't be run.
    #[must_use]
    pub fn run(&self, words: &str) -> Ran {
        let mut command = Command::new(&self.program);
        command.args(words.split_whitespace()).current_dir(&self.folder).stdin(Stdio::null());
        command.env_remove("ESPALIER_LOG").env_remove("ESPALIER_DATA");
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{} {words}: {error}", self.program.display()));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ran { code: output.status.code(), text }
    }

    /// The file of the command.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The command with words separated by blanks, to be run by the caller; what it prints is lost.
    #[must_use]
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words.split_whitespace()).current_dir(&self.folder);
        command.env_remove("ESPALIER_LOG").env_remove("ESPALIER_DATA");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs it, and sees that it is done.
    ///
    /// # Panics
    /// When it ends with another status than 0.
    #[track_caller]
    pub fn done(&self, words: &str) {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(0), "{} {words}: {}", self.program.display(), ran.text);
    }
}
