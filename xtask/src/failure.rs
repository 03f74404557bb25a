//! Why a task did not do what it was asked.

use std::error::Error as _;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A failure of a task, told to the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A program could not be started at all.
    #[error("{program}: can't be started; install it or put it on PATH")]
    Start {
        /// The program's name or path.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended with something else than success.
    #[error("{command}: ended with {status}{hint}")]
    Ended {
        /// The command line, shortened.
        command: String,
        /// The exit status as the system words it.
        status: String,
        /// The last lines of its output, or where to read them; empty when they were printed already.
        hint: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: can't be {verb}", path.display())]
    File {
        /// What was being touched.
        path: PathBuf,
        /// `read`, `written`, `made`, …
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// `cargo metadata` failed or said something unexpected.
    #[error("cargo metadata: gives no picture of the workspace")]
    Metadata(#[source] Box<cargo_metadata::Error>),
    /// JSON that a program or an earlier run wrote is not what was expected.
    #[error("{what}: is not the JSON that was expected")]
    Json {
        /// Which JSON.
        what: String,
        /// Where and how it went wrong.
        source: serde_json::Error,
    },
    /// Everything ran, and something of it was found wrong.
    #[error("{0}")]
    Found(String),
}

impl Failure {
    /// The failure and the causes beneath it, joined by colons.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(next) = cause {
            let _ = write!(text, ": {next}"); // writing to a String can't fail
            cause = next.source();
        }
        text
    }

    /// For `map_err`: a file operation on `path` that failed; `verb` is `read`, `written`, `made`, …
    pub fn file(path: &std::path::Path, verb: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), verb, source }
    }
}
