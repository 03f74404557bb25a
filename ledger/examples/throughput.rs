//! How many certificates a ledger takes in a second, record and store, by how many ask at once.
//!
//! `cargo run --release -p ledger --example throughput [SECONDS]`: SQLite and PostgreSQL in one run,
//! so that their figures can be compared. The folder of temporary files decides which disk it is.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report

#[path = "../tests/suite/material.rs"]
#[allow(dead_code, unreachable_pub)] // not all of it is used here
mod material;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ca_core::fingerprint::Fingerprint;
use ledger::{
    Ledger, NewCertificate, NewRecord, PostgresLocation,
    postgres::{PostgresStore, grants},
    sqlite::SqliteStore,
};
use test_postgres::Cluster;

/// About as large as a certificate with a composite key.
const CERTIFICATE_OCTETS: usize = 5_600;

static NAME: AtomicU64 = AtomicU64::new(0);

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, length[0], length[1]][..], content].concat()
}

async fn one(ledger: &Ledger) {
    let name = NAME.fetch_add(1, Ordering::Relaxed);
    let serial = material::serial(name);
    let filling = vec![name as u8; CERTIFICATE_OCTETS];
    let parts = [&[0xa0, 3, 2, 1, 2, 2, 20][..], serial.as_bytes(), &tlv(4, &filling)].concat();
    let tbs = tlv(0x30, &parts);
    let new = NewRecord { tbs_digest: Fingerprint::of(&tbs), ..material::record(name) };
    ledger.record(new).await.unwrap();
    let der = tlv(0x30, &[tbs, vec![0x30, 0, 3, 2, 0, 1]].concat());
    let certificate = NewCertificate::new(serial, der, material::time(60)).unwrap();
    ledger.store(certificate).await.unwrap();
}

/// Certificates per second.
async fn measure(ledger: &Ledger, tasks: u64, time: Duration) -> f64 {
    let started = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let ledger = Arc::clone(ledger);
            tokio::spawn(async move {
                let mut done = 0_u64;
                while started.elapsed() < time {
                    one(&ledger).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in running {
        done += task.await.unwrap();
    }
    done as f64 / started.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let sqlite: Ledger =
        Arc::new(SqliteStore::create(&folder.path().join("ledger.db")).await.unwrap());
    let server = Cluster::start(&[]).unwrap();
    server.role("owner");
    server.role("server");
    server.database("ledger", "owner");
    let location = |role| PostgresLocation::new(&server.url(role, "ledger")).unwrap();
    PostgresStore::migrate(&location("owner")).await.unwrap();
    server.psql_as("owner", "ledger", &grants("server").unwrap()).unwrap();
    let postgres: Ledger = Arc::new(PostgresStore::open(&location("server")).await.unwrap());
    println!("certificates per second (record and store)");
    println!("{:>5}  {:>8}  {:>10}  {:>5}", "tasks", "SQLite", "PostgreSQL", "ratio");
    for ledger in [&sqlite, &postgres] {
        ledger.add_authority(material::authority(material::AUTHORITY)).await.unwrap();
    }
    for tasks in [1, 8, 32, 64] {
        let file = measure(&sqlite, tasks, time).await;
        let database = measure(&postgres, tasks, time).await;
        println!("{tasks:>5}  {file:>8.0}  {database:>10.0}  {:>5.2}", database / file);
    }
    for ledger in [&sqlite, &postgres] {
        let stats = ledger.stats();
        let batch = stats.requests as f64 / stats.commits as f64;
        println!("{ledger:?}: {batch:.1} requests a commit, at most {}", stats.largest_batch);
        let report = ledger::check(&**ledger, &mut |_| ()).await.unwrap();
        assert!(report.is_sound() && report.checked.orphans == 0, "{:?}", report.found);
        ledger.close().await.unwrap();
    }
}
