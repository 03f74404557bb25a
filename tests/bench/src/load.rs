//! Clients that ask for certificates, each on a connection that it keeps.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::https::{Connection, Target};

/// What came of it.
pub(crate) struct Outcome {
    /// How long each certificate took, in order.
    latencies: Vec<Duration>,
    elapsed: Duration,
}

impl Outcome {
    /// Certificates per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the certificates did not take longer than, in milliseconds.
    pub(crate) fn milliseconds(&self, share: f64) -> f64 {
        percentile(&self.latencies, share).as_secs_f64() * 1_000.0
    }
}

fn percentile(ordered: &[Duration], share: f64) -> Duration {
    let rank = (ordered.len() as f64 * share).ceil() as usize;
    ordered.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Asks for certificates until the time is over or no request is left. Any other answer than a
/// certificate ends it all.
pub(crate) fn run(
    target: &Target,
    clients: usize,
    requests: &[Vec<u8>],
    time: Duration,
) -> Result<Outcome, Failure> {
    let (next, start) = (AtomicUsize::new(0), Barrier::new(clients + 1));
    std::thread::scope(|scope| {
        let client = || -> Result<Vec<Duration>, Failure> {
            let connection = Connection::open(target).and_then(|mut one| {
                // The handshake is no part of what is measured.
                one.get("/healthz").map(|_| one)
            });
            start.wait();
            let (mut connection, started) = (connection?, Instant::now());
            let mut latencies = Vec::new();
            while started.elapsed() < time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(number) else { break };
                let asked = Instant::now();
                let answer = connection.issue(request)?;
                if answer.status != 201 {
                    let said = String::from_utf8_lossy(&answer.body).into_owned();
                    return Err(format!("answer: found status {}: {said}", answer.status).into());
                }
                latencies.push(asked.elapsed());
            }
            Ok(latencies)
        };
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        start.wait();
        let started = Instant::now();
        let mut latencies = Vec::new();
        for thread in running {
            latencies.extend(thread.join().map_err(|_| "client: panicked")??);
        }
        let elapsed = started.elapsed();
        latencies.sort_unstable();
        Ok(Outcome { latencies, elapsed })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_is_there() {
        let ordered: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&ordered, 0.5), Duration::from_millis(100));
        assert_eq!(percentile(&ordered, 0.99), Duration::from_millis(198));
        assert_eq!(percentile(&ordered[..1], 0.99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 0.99), Duration::ZERO);
    }
}
