//! Bare writes and the issuer program in turn, and whether the bounds hold.

use std::time::{Duration, Instant};

use comfy_table::Table;
use issuer::certificate_request::CertificateRequestStatus;
use tokio::runtime::Handle;

use crate::Failure;
use crate::batch::Batch;
use crate::cores::Halves;
use crate::ground::Ground;
use crate::options::Options;
use crate::ready::Watching;

/// The least share of the rate of bare writes.
const LEAST_SHARE: f64 = 0.8;
/// The most memory of the issuer program, in octets.
const MOST_MEMORY: u64 = 64_000_000;
/// Requests that are answered before it counts.
const WARM: u32 = 100;
/// How long everything is left alone before it counts.
const PAUSE: Duration = Duration::from_secs(2);

/// What a round found.
struct Round {
    /// Bare writes of status per second.
    bare: f64,
    /// How many of them were under way at once.
    at_once: usize,
    /// Milliseconds of the API server's processor time for each.
    bare_cost: f64,
    issued: Issued,
}

/// What the issuer program did.
struct Issued {
    /// Requests per second.
    rate: f64,
    /// From the start of the program to the first request that was Issued.
    start: Duration,
    /// The most memory that it held, in octets.
    memory: u64,
    /// Milliseconds of processor time for each request: of the cluster, the CA and the program itself.
    cost: [f64; 3],
}

impl Round {
    fn share(&self) -> f64 {
        self.issued.rate / self.bare
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub(crate) fn measure(
    options: &Options,
    ground: &mut Ground,
    halves: &Halves,
    runtime: &Handle,
) -> Result<bool, Failure> {
    let ((theirs, ours), requests) = (halves.numbers(), options.requests);
    println!(
        "{requests} approved CertificateRequests in each round. API server, its database and cert-manager have {theirs} \
         of the processors; the CA, the issuer program and this one have {ours}. Costs are milliseconds of processor \
         time for each request: of API server, database and cert-manager, then of CA and issuer program.\n"
    );
    let mut rows = Table::new();
    rows.set_header([
        "authority",
        "round",
        "bare writes/s",
        "cost",
        "Issued/s",
        "cost",
        "share",
        "start s",
        "memory",
    ]);
    let mut verdicts = Table::new();
    verdicts.set_header(["what", "found", "allowed", ""]);
    let mut all_hold = true;
    for authority in &options.authority {
        let rounds = runtime.block_on(of_authority(options, ground, authority))?;
        for (number, round) in (1..).zip(&rounds) {
            rows.add_row([
                authority.clone(),
                format!("{number}"),
                format!("{:.0}, {} at once", round.bare, round.at_once),
                format!("{:.1}", round.bare_cost),
                format!("{:.0}", round.issued.rate),
                round.issued.cost.map(|each| format!("{each:.1}")).join(" + "),
                format!("{:.1} %", round.share() * 100.0),
                format!("{:.2}", round.issued.start.as_secs_f64()),
                megabytes(round.issued.memory),
            ]);
        }
        let share = median(rounds.iter().map(Round::share).collect());
        let memory = rounds.iter().map(|round| round.issued.memory).max().unwrap_or_default();
        let bounds = [
            (
                format!("{authority}: Issued beside bare writes"),
                format!("{:.1} %", share * 100.0),
                format!("at least {:.0} %", LEAST_SHARE * 100.0),
                share >= LEAST_SHARE,
            ),
            (
                format!("{authority}: most memory of the issuer program"),
                megabytes(memory),
                format!("under {}", megabytes(MOST_MEMORY)),
                memory < MOST_MEMORY,
            ),
        ];
        for (what, found, allowed, holds) in bounds {
            all_hold &= holds;
            let verdict = if holds { "ok" } else { "BROKEN" };
            verdicts.add_row([what, found, allowed, verdict.to_owned()]);
        }
    }
    println!("{rows}\n\n{verdicts}");
    Ok(all_hold)
}

async fn of_authority(
    options: &Options,
    ground: &mut Ground,
    authority: &str,
) -> Result<Vec<Round>, Failure> {
    // Its status is what bare writes write.
    let warm = batch(ground, authority, WARM).await?;
    answer(ground, &warm).await?;
    let status = warm.status(&ground.admin).await?;
    warm.delete(&ground.admin).await?;
    let mut levels = options.at_once.clone();
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut best = (0.0, 0, 0.0);
        for at_once in &levels {
            let batch = batch(ground, authority, options.requests).await?;
            let (rate, cost) = bare(ground, &batch, &status, *at_once).await?;
            batch.delete(&ground.admin).await?;
            if rate > best.0 {
                best = (rate, *at_once, cost);
            }
        }
        // One number of writes at once is found, and is the best in the other rounds too.
        levels = vec![best.1];
        let batch = batch(ground, authority, options.requests).await?;
        let issued = answer(ground, &batch).await?;
        batch.delete(&ground.admin).await?;
        let (bare, at_once, bare_cost) = best;
        rounds.push(Round { bare, at_once, bare_cost, issued });
    }
    Ok(rounds)
}

async fn batch(ground: &mut Ground, authority: &str, requests: u32) -> Result<Batch, Failure> {
    let csrs = (0..requests).map(|_| ground.csr()).collect::<Result<_, _>>()?;
    Batch::make(&ground.admin, ground.namespace(), (authority, csrs)).await
}

/// Bare writes per second, and what each costs the cluster.
async fn bare(
    ground: &Ground,
    batch: &Batch,
    status: &CertificateRequestStatus,
    at_once: usize,
) -> Result<(f64, f64), Failure> {
    let watching = Watching::begin(&ground.admin, &batch.namespace, batch.number()).await?;
    tokio::time::sleep(PAUSE).await;
    let before = ground.used(false);
    batch.write(&ground.issuer, status, at_once).await?;
    let rate = watching.all_ready().await?.rate();
    let [cost, ..] = ground.used(false).each(before, batch.number());
    Ok((rate, cost))
}

/// Has the issuer program answer all of them.
async fn answer(ground: &mut Ground, batch: &Batch) -> Result<Issued, Failure> {
    let watching = Watching::begin(&ground.admin, &batch.namespace, batch.number()).await?;
    tokio::time::sleep(PAUSE).await;
    let (started, before) = (Instant::now(), ground.used(false));
    ground.start_issuer();
    let span = watching.all_ready().await?;
    let (memory, cost) = (ground.peak_memory(), ground.used(true).each(before, batch.number()));
    ground.end_issuer();
    Ok(Issued { rate: span.rate(), start: span.first - started, memory, cost })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn megabytes(octets: u64) -> String {
    format!("{:.1} MB", octets as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_that_went_otherwise_does_not_decide() {
        assert!((median(vec![0.9, 0.1, 0.8]) - 0.8).abs() < 1e-9);
        assert!((median(vec![0.7]) - 0.7).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }
}
