//! Tells a person on a terminal that something slow is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Terminal;

/// What takes less time than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// Something that is under way until this is dropped. After two seconds it is shown on standard
/// error, where that is a terminal, and taken away again at the end.
#[derive(Debug)]
pub struct Progress {
    position: Arc<AtomicU64>,
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins. `what` is shown, such as "making the key"; with a `length` how much of it is done.
    pub fn start(terminal: Terminal, what: impl Into<String>, length: Option<u64>) -> Self {
        let position = Arc::new(AtomicU64::new(0));
        let drawing = terminal.stderr().then(|| {
            let (what, shared) = (what.into(), Arc::clone(&position));
            let (sender, receiver) = mpsc::channel();
            // Work that holds this thread, such as the search for primes, draws nothing itself.
            let thread = thread::Builder::new().name("progress".into());
            let spawned = thread.spawn(move || draw(what, length, &shared, &receiver));
            // Without a thread nothing is shown, and nothing else is lost.
            spawned.ok().map(|thread| (sender, thread))
        });
        Self { position, drawing: drawing.flatten() }
    }

    /// How much is done.
    pub fn set(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.drawing.take() {
            drop(sender);
            // A panic there was shown already, and the work here is done.
            let _ = thread.join();
        }
    }
}

fn draw(what: String, length: Option<u64>, position: &AtomicU64, until: &Receiver<()>) {
    let waits = |time| matches!(until.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    if !waits(PATIENCE) {
        return;
    }
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    let bar = bar.with_elapsed(PATIENCE);
    let template = match length {
        Some(_) => "{msg} {bar:30} {pos}/{len}, {eta} left",
        None => "{spinner} {msg}, {elapsed}",
    };
    // The default style is as good as any, should a template ever be wrong.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()));
    bar.set_message(what);
    loop {
        bar.set_position(position.load(Ordering::Relaxed));
        bar.tick();
        if !waits(FRAME) {
            break;
        }
    }
    bar.finish_and_clear();
}
