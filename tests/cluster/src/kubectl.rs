//! kubectl, and what it said.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::tied::Tied;

/// kubectl for one cluster and, in a [`crate::Namespace`], for one namespace.
#[derive(Debug)]
pub struct Kubectl {
    command: Command,
}

/// How a command of kubectl came out.
#[derive(Debug)]
pub struct Said {
    words: String,
    code: Option<i32>,
    output: String,
    errors: String,
}

impl Kubectl {
    pub(crate) fn new(command: Command) -> Self {
        Self { command }
    }

    /// Sets options that all its commands have.
    #[must_use]
    pub fn with(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// Runs it with these words.
    ///
    /// # Panics
    /// When it can't be started.
    #[must_use]
    pub fn run(self, words: &[&str]) -> Said {
        self.run_on(words, "")
    }

    /// Starts it with these words. What it prints goes to `NAME.out` in a folder.
    ///
    /// # Panics
    /// As [`Self::run`].
    #[must_use]
    pub fn start(mut self, words: &[&str], folder: &Path, name: &str) -> Tied {
        Tied::start(self.command.args(words), folder, name)
    }

    /// Runs it with these words on an input.
    ///
    /// # Panics
    /// As [`Self::run`].
    #[must_use]
    pub fn run_on(mut self, words: &[&str], input: &str) -> Said {
        let command = &mut self.command;
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        // It may end without reading, because it refuses the words.
        let _ = running.stdin.take().unwrap().write_all(input.as_bytes());
        let done = running.wait_with_output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        Said {
            words: words.join(" "),
            code: done.status.code(),
            output: text(done.stdout),
            errors: text(done.stderr),
        }
    }
}

impl Said {
    /// What it printed, when it ended well.
    ///
    /// # Panics
    /// When it did not, with its words.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "kubectl {}: {}{}", self.words, self.output, self.errors);
        self.output
    }

    /// The same, read as JSON.
    ///
    /// # Panics
    /// When it did not end well or printed something else.
    #[track_caller]
    #[must_use]
    pub fn json(self) -> Value {
        let words = self.words.clone();
        let text = self.ok();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("kubectl {words}: {error}: {text}"))
    }

    /// What it said against the words, when it refused them.
    ///
    /// # Panics
    /// When it ended well.
    #[track_caller]
    #[must_use]
    pub fn refusal(self) -> String {
        assert_ne!(self.code, Some(0), "kubectl {}: ended well: {}", self.words, self.output);
        self.errors
    }

    /// Whether it ended well, as its exit code says.
    #[must_use]
    pub fn ended_well(&self) -> bool {
        self.code == Some(0)
    }

    /// What it printed, whether it ended well or not.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.output, self.errors)
    }
}
