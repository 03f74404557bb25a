//! How far something is that takes minutes: a bar where a person looks on, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How long nothing is said where there is no terminal.
const SILENCE: Duration = Duration::from_secs(30);

/// Something with a known number of steps.
pub(super) struct Progress {
    name: &'static str,
    bar: Option<ProgressBar>,
    all: usize,
    done: usize,
    started: Instant,
    said: Instant,
}

impl Progress {
    pub(super) fn start(name: &'static str, all: usize) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| bar(name, all));
        Self { name, bar, all, done: 0, started: now, said: now }
    }

    /// One step more is done; some may have been done before, so that the end comes early.
    pub(super) fn one_more(&mut self) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        } else if self.said.elapsed() >= SILENCE {
            self.said = Instant::now();
            let seconds = self.started.elapsed().as_secs();
            eprintln!("{}: {} of {}, {seconds} s", self.name, self.done, self.all);
        }
    }

    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, all: usize) -> ProgressBar {
    let bar = ProgressBar::new(all as u64).with_message(name.to_owned());
    // The template is ours and well-formed; were it not, the plain style would do.
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
