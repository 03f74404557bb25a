//! What the server takes of the machine: memory at rest, time to start, size of the binary.

use std::time::Duration;

use ca_core::algorithm::Algorithm;
use comfy_table::Table;

use crate::options::Options;
use crate::requests::Requests;
use crate::server::{Memory, Server};
use crate::store::{Bench, Kind, Stores};
use crate::{Failure, load};

/// Memory at rest, in octets.
const MOST_MEMORY: u64 = 64_000_000;
/// What memory may grow by after the first tenth of the issuances, in octets.
const MOST_GROWTH: u64 = 6_000_000;
/// From start to ready.
const LONGEST_START: Duration = Duration::from_millis(300);
/// The stripped binary, in octets.
const LARGEST_BINARY: u64 = 30_000_000;

/// Requests at once while memory is watched.
const CLIENTS: usize = 32;
/// Requests that are made at a time.
const AT_ONCE: usize = 2_000;
/// How long the server is left alone before its memory is read.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it is started; the median counts.
const STARTS: usize = 7;

/// A figure with its bound.
struct Verdict {
    what: String,
    found: String,
    allowed: String,
    holds: bool,
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub(crate) fn measure(options: &Options, stores: &Stores) -> Result<bool, Failure> {
    let mut verdicts = vec![binary(options)?];
    for kind in stores.kinds() {
        verdicts.extend(of_store(*kind, options, stores)?);
    }
    let mut table = Table::new();
    table.set_header(["what", "found", "allowed", ""]);
    for Verdict { what, found, allowed, holds } in &verdicts {
        table.add_row([what.as_str(), found, allowed, if *holds { "ok" } else { "BROKEN" }]);
    }
    println!("{table}");
    Ok(verdicts.iter().all(|verdict| verdict.holds))
}

fn binary(options: &Options) -> Result<Verdict, Failure> {
    let size = std::fs::metadata(&options.binary)?.len();
    Ok(Verdict {
        what: "stripped release binary".to_owned(),
        found: megabytes(size),
        allowed: format!("under {}", megabytes(LARGEST_BINARY)),
        holds: size < LARGEST_BINARY,
    })
}

/// Issues certificates with the first of the algorithms, and looks at the server in between.
fn of_store(kind: Kind, options: &Options, stores: &Stores) -> Result<Vec<Verdict>, Failure> {
    let name = options.algorithm.first().ok_or("--algorithm: found none")?;
    let bench = stores.bench(kind, name, options)?;
    let server = Server::start(&bench, options)?;
    let mut requests = Requests::new(Algorithm::named(name)?)?;
    let (mut issued, mut verdicts, mut early) = (0, Vec::new(), None);
    for stop in [0, options.issuances / 10, options.issuances / 2, options.issuances] {
        while issued < stop {
            let pool = requests.make(AT_ONCE.min(stop - issued))?;
            load::run(&server.target, CLIENTS, &pool, Duration::from_secs(3_600))?;
            issued += pool.len();
        }
        std::thread::sleep(PAUSE);
        let memory = server.memory()?;
        verdicts.push(at_rest(kind, issued, memory));
        if issued > 0 {
            early.get_or_insert(memory);
        }
        if let Some(early) = early.filter(|_| issued == options.issuances) {
            verdicts.push(growth(kind, early, memory));
        }
    }
    server.end()?;
    verdicts.push(start_to_ready(kind, &bench, options)?);
    Ok(verdicts)
}

fn at_rest(kind: Kind, issued: usize, memory: Memory) -> Verdict {
    let (resident, own) = (megabytes(memory.resident), megabytes(memory.own));
    Verdict {
        what: format!("{}: memory at rest after {issued}", kind.name()),
        found: format!("{resident}, {own} of it not from files"),
        allowed: format!("under {}", megabytes(MOST_MEMORY)),
        holds: memory.resident < MOST_MEMORY,
    }
}

fn growth(kind: Kind, early: Memory, late: Memory) -> Verdict {
    let grown = late.resident.saturating_sub(early.resident);
    Verdict {
        what: format!("{}: growth since the first tenth", kind.name()),
        found: megabytes(grown),
        allowed: format!("at most {}", megabytes(MOST_GROWTH)),
        holds: grown <= MOST_GROWTH,
    }
}

fn start_to_ready(kind: Kind, bench: &Bench, options: &Options) -> Result<Verdict, Failure> {
    let start = |_| -> Result<Duration, Failure> {
        let server = Server::start(bench, options)?;
        let took = server.ready_after;
        server.end().map(|()| took)
    };
    let mut times = (0..STARTS).map(start).collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    let (median, longest) = (times[STARTS / 2], times[STARTS - 1]);
    Ok(Verdict {
        what: format!("{}: start to ready", kind.name()),
        found: format!("{:.3} s, at most {:.3}", median.as_secs_f64(), longest.as_secs_f64()),
        allowed: format!("under {:.1} s", LONGEST_START.as_secs_f64()),
        holds: median < LONGEST_START,
    })
}

fn megabytes(octets: u64) -> String {
    format!("{:.1} MB", octets as f64 / 1e6)
}
