//! Helm without a cluster.

use std::path::Path;
use std::process::Command;

use interop::peers::{Installed, Peer, peer};
use tempfile::TempDir;

/// Helm with settings of its own.
pub(crate) struct Helm {
    programs: Installed,
    home: TempDir,
}

/// What came of a command.
pub(crate) struct Said {
    words: String,
    pub(crate) success: bool,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Helm {
    /// None where the peer is missing; the reason was told.
    pub(crate) fn found() -> Option<Self> {
        let Peer::Present(programs) = peer("kubernetes") else { return None };
        Some(Self { programs, home: tempfile::tempdir().unwrap() })
    }

    /// Runs it in the chart's folder.
    pub(crate) fn run(&self, chart: &Path, words: &[&str]) -> Said {
        let mut helm = self.programs.command("helm");
        for folder in ["CACHE", "CONFIG", "DATA"] {
            helm.env(format!("HELM_{folder}_HOME"), self.home.path().join(folder));
        }
        // No cluster of whoever runs the tests.
        helm.env("KUBECONFIG", self.home.path().join("none"));
        said(helm.current_dir(chart), words)
    }
}

/// Runs a command with these words.
pub(crate) fn said(command: &mut Command, words: &[&str]) -> Said {
    let done = command.args(words).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
    Said {
        words: words.join(" "),
        success: done.status.success(),
        output: text(done.stdout),
        errors: text(done.stderr),
    }
}

impl Said {
    /// What it printed, when it ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert!(self.success, "{}: {}{}", self.words, self.output, self.errors);
        self.output
    }

    /// It did not end well, and said each of these words.
    #[track_caller]
    pub(crate) fn refuses(&self, words: &[&str]) {
        let all = format!("{}{}", self.output, self.errors);
        assert!(!self.success, "{}: ended well", self.words);
        for word in words {
            assert!(all.contains(word), "{}: no {word:?} in {all}", self.words);
        }
    }
}
