//! Certificates per second, by ledger, algorithm and number of clients.

use std::time::Duration;

use ca_core::algorithm::Algorithm;
use comfy_table::Table;

use crate::options::Options;
use crate::requests::Requests;
use crate::server::Server;
use crate::store::Stores;
use crate::{Failure, ceiling, load};

/// More certificates a second than this are not expected of one server and one machine; when the
/// requests run out, a measurement is shorter.
const MOST_PER_SECOND: usize = 4_000;

#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub(crate) fn measure(options: &Options, stores: &Stores) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism()?;
    let (time, seconds) = (Duration::from_secs(options.seconds), options.seconds);
    println!(
        "Certificates per second over TLS 1.3, {seconds} s each; load, server and database share {cores} cores.\n\
         The ceiling is the signer with its cross-check on {cores} threads and nothing else, just before.\n"
    );
    let mut table = Table::new();
    table.set_header([
        "ledger",
        "algorithm",
        "clients",
        "per second",
        "p50 ms",
        "p99 ms",
        "ceiling",
        "share",
    ]);
    for kind in stores.kinds() {
        for name in &options.algorithm {
            let algorithm = Algorithm::named(name)?;
            let bench = stores.bench(*kind, name, options)?;
            let server = Server::start(&bench, options)?;
            let mut requests = Requests::new(algorithm)?;
            // Connections, prepared statements and caches are warm when it counts.
            load::run(&server.target, 8, &requests.make(200)?, time)?;
            for clients in &options.clients {
                let ceiling = ceiling::measure(algorithm, time.min(Duration::from_secs(2)))?;
                let most = MOST_PER_SECOND.min(ceiling as usize);
                let pool = requests.make(most * usize::try_from(seconds)?)?;
                let outcome = load::run(&server.target, *clients, &pool, time)?;
                table.add_row([
                    kind.name().to_owned(),
                    algorithm.name().to_owned(),
                    clients.to_string(),
                    format!("{:.0}", outcome.rate()),
                    format!("{:.2}", outcome.milliseconds(0.50)),
                    format!("{:.2}", outcome.milliseconds(0.99)),
                    format!("{ceiling:.0}"),
                    format!("{:.0} %", outcome.rate() / ceiling * 100.0),
                ]);
            }
            server.end()?;
        }
    }
    println!("{table}\n");
    Ok(())
}
