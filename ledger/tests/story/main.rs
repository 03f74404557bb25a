//! One story, told a thousand times: a revoked certificate is never again reported good.
//!
//! Each telling is a random interleaving, from a seed, of issuing, revoking (by serial number, by
//! key, by authority), making CRLs (complete, delta, sharded), asking as OCSP does, and crashing,
//! by up to three processes on one SQLite file. Certificates and lists are real and signed; the
//! lists are judged by `ca_core::crl::check_crls`. What was answered is written down beside it, and
//! every later answer is held against that. At the end everything is checked once more.
//!
//! A crash drops the process's runtime inside a request: what it was doing ends at whatever point it
//! had come to. `tests/processes.rs` kills real processes.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report

mod dice;
mod knowledge;
mod process;
mod sabotage;
mod telling;
mod world;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use sabotage::Sabotage;
use telling::{Summary, tell};
use world::World;

const TELLINGS: u64 = 1_000;
/// How a forgotten revocation shows: to OCSP, in lists, when a certificate comes, in the ledger.
const FORGOTTEN: [&str; 4] =
    ["reported good", "is not on", "released after it was revoked", "refused: "];

#[test]
fn a_revoked_certificate_is_never_again_reported_good() {
    let world = World::new();
    let next = AtomicU64::new(0);
    let work = || {
        let mut sum = Summary::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= TELLINGS {
                break sum;
            }
            match tell(&world, seed, None) {
                Ok(summary) => sum += summary,
                Err(broken) => panic!("seed {seed}: {broken}"),
            }
        }
    };
    let sum = thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(
            Summary::default(),
            |mut all, one| {
                all += one;
                all
            },
        )
    });
    println!("{TELLINGS} interleavings: {sum:?}");
    // The dice reach every part of the story.
    for (what, count) in sum.parts() {
        assert!(count >= TELLINGS / 20, "{what}: only {count}: {sum:?}");
    }
}

/// The same story by a ledger that breaks one rule: it must be found.
#[test]
fn a_ledger_that_breaks_a_rule_is_found() {
    let world = World::new();
    for (sabotage, words) in [
        (Sabotage::ForgetRevocation, &FORGOTTEN[..]),
        (Sabotage::ShortList, &["is not on", "must not be published"]),
        (Sabotage::DropUnexpired, &["is not on", "must not be published"]),
        (Sabotage::RepeatNumber, &["number"]),
        (Sabotage::UnblockKey, &["a blocked key was certified"]),
    ] {
        let found = (0..25).filter_map(|seed| tell(&world, seed, Some(sabotage)).err());
        let found: Vec<String> = found.collect();
        println!("{sabotage:?}: found in {} of 25, first: {:?}", found.len(), found.first());
        assert!(found.len() >= 2, "{sabotage:?}: {found:?}");
        for broken in found {
            // Or the checker of the ledger itself sees it first.
            let told = words.iter().chain(&["not sound"]).any(|word| broken.contains(word));
            assert!(told, "{sabotage:?}: {broken}");
        }
    }
}
