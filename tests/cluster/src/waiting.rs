//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// How long something may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds.
///
/// # Panics
/// After a minute, naming it.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    found(|| holds().then_some(()), || format!("not {what}"));
}

/// Looks for something until it is there.
///
/// # Panics
/// After a minute, with what is told then.
#[track_caller]
pub fn found<T>(look: impl FnMut() -> Option<T>, tell: impl Fn() -> String) -> T {
    found_within(PATIENCE, look, tell)
}

/// Looks for something until it is there, for as long as this.
///
/// # Panics
/// After this time, with what is told then.
#[track_caller]
pub fn found_within<T>(
    patience: Duration,
    mut look: impl FnMut() -> Option<T>,
    tell: impl Fn() -> String,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < patience, "after {patience:?}: {}", tell());
        std::thread::sleep(Duration::from_millis(50));
    }
}
