//! Whether the machine gives two processors right now.
//!
//! Both implementations hash a large list at the same time. Where somebody else has the second processor, they take
//! turns, and a ratio to one hash alone says how busy the machine is instead of what making a list costs.

use std::thread::{available_parallelism, scope, sleep};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;

/// Octets that are hashed: some twenty milliseconds, more than a time slice of the scheduler.
const OCTETS: usize = 16 * 1024 * 1024;
/// Two threads at once may take this many times what one takes. On two processors it is 1.0, on one 2.0.
const SLOWER: f64 = 1.25;
/// Looks of which the median counts.
const LOOKS: usize = 5;
/// Between two looks at a busy machine.
const PAUSE: Duration = Duration::from_secs(5);
/// So often a busy machine is looked at.
const PATIENCE: usize = 12;

/// Whether two threads are as fast at once as one alone. A machine that has one processor is not asked for two.
pub(super) fn are_free() -> bool {
    if available_parallelism().is_ok_and(|processors| processors.get() < 2) {
        return true;
    }
    let octets = vec![0x5a; OCTETS];
    let hash = || digest::digest(&digest::SHA512, &octets);
    let mut ratios: Vec<f64> = (0..LOOKS)
        .map(|_| {
            let start = Instant::now();
            hash();
            let one = start.elapsed();
            let start = Instant::now();
            scope(|scope| {
                scope.spawn(hash);
                hash();
            });
            start.elapsed().as_secs_f64() / one.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[LOOKS / 2] <= SLOWER
}

/// Waits until they are free, a minute at most, and tells whether they are.
pub(super) fn wait() -> bool {
    (0..PATIENCE).any(|look| {
        if look > 0 {
            sleep(PAUSE);
        }
        are_free()
    })
}
