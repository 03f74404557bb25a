//! A list of a million entries: its time beside what can't be saved, and its memory.
//!
//! What can't be saved is hashing the octets that are signed, writing the list, and one signature
//! by the same key. Both run in turn and write to files of the same kind. Memory is the peak above
//! the start of a process that makes one list and nothing else.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature as lc;
use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::crl::{
    CertificateList, CrlBuilder, EntrySerial, RevocationReason, RevokedEntry, SignedCrl,
};
use ca_core::serial::SerialNumber;
use ca_core::sign::Signer;
use jiff::{SignedDuration, Timestamp};
use rand_core::Rng as _;

use super::{Failure, Pipeline, median, now, processors, rng};

/// Entries of the list.
const ENTRIES: usize = 1_000_000;
/// Entries of a page, as the server reads them from its ledger.
const PAGE: usize = 1000;
/// Rounds of each measurement; the median counts.
const ROUNDS: usize = 7;
/// Times that a measurement is made on a busy machine.
const TRIES: usize = 5;
/// A list may take this many times what can't be saved.
const TIME_BOUND: f64 = 2.0;
/// And that much memory above the start, in MiB.
const MEMORY_BOUND: f64 = 64.0;
/// The argument by which this program calls itself to measure memory.
pub(super) const MEMORY_OF: &str = "--crl-memory-of";

const ALGORITHMS: [&str; 3] = ["hybrid", "ML-DSA-65", "ECDSA-P256"];

/// Prints both and tells whether they keep their bounds.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub(super) fn run() -> Result<bool, Failure> {
    println!("\na CRL of {ENTRIES} entries, a quarter with a reason; medians of {ROUNDS} rounds\n");
    println!(
        "{:<28} {:>8} {:>10} {:>14} {:>6} {:>6} {:>11} {:>6}",
        "algorithm", "MB", "made in", "hash+write+sign", "ratio", "bound", "memory MiB", "bound"
    );
    let mut all_hold = true;
    for name in ALGORITHMS {
        let authority = Authority::new(name)?;
        let (octets, ours, bare) = authority.undisturbed()?;
        let memory = memory_of(name)?;
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        let holds = ratio <= TIME_BOUND && memory <= MEMORY_BOUND;
        all_hold &= holds;
        println!(
            "{:<28} {:>8.1} {:>7.0} ms {:>12.0} ms {:>6.2} {:>6.1} {:>11.1} {:>6.0}{}",
            authority.algorithm.name(),
            octets as f64 / 1e6,
            ours.as_secs_f64() * 1e3,
            bare.as_secs_f64() * 1e3,
            ratio,
            TIME_BOUND,
            memory,
            MEMORY_BOUND,
            if holds { "" } else { "  too much" }
        );
    }
    Ok(all_hold)
}

/// The peak of a process of its own.
fn memory_of(name: &str) -> Result<f64, Failure> {
    let output = Command::new(std::env::current_exe()?).args([MEMORY_OF, name]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let kibibytes: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(kibibytes as f64 / 1024.0)
}

/// What this program does when it is called with [`MEMORY_OF`]: prints the peak above the start,
/// in KiB.
#[expect(clippy::print_stdout, reason = "the process that asked reads it")]
pub(super) fn print_memory(name: &str) -> Result<(), Failure> {
    let authority = Authority::new(name)?;
    // Once with few entries, so that code and tables are there before the start.
    authority.make(10, &mut tempfile::tempfile()?)?;
    // The peak so far is forgotten where the kernel allows it; otherwise it counts against us.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let start = status_line("VmRSS")?;
    authority.make(ENTRIES, &mut tempfile::tempfile()?)?;
    println!("{}", status_line("VmHWM")?.saturating_sub(start));
    Ok(())
}

/// A line of /proc/self/status, in KiB.
fn status_line(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.ok_or_else(|| format!("/proc/self/status: has no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

struct Authority {
    algorithm: &'static Algorithm,
    signer: Signer,
    certificate: Certificate,
    made: Timestamp,
}

impl Authority {
    fn new(name: &str) -> Result<Self, Failure> {
        let algorithm = Algorithm::named(name)?;
        let Pipeline { signer, issuer, .. } = Pipeline::new(algorithm)?;
        Ok(Self { algorithm, signer, certificate: issuer, made: now() })
    }

    fn make(&self, entries: usize, out: &mut File) -> Result<SignedCrl, Failure> {
        let until = self.made + SignedDuration::from_hours(24);
        let builder = CrlBuilder::new(&self.certificate, 1_u64.into(), self.made, until)?;
        let mut list = builder.begin(&self.signer)?;
        let mut revoked = Revoked::new(entries, self.made);
        loop {
            let page = revoked.turn()?;
            if page.is_empty() {
                return Ok(list.sign(out)?);
            }
            page.iter().try_for_each(|entry| list.push(entry))?;
        }
    }

    /// What [`Self::in_turn`] measures while the machine gives two processors, before and after. That alone decides
    /// whether it counts, never the figures.
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    fn undisturbed(&self) -> Result<(usize, Duration, Duration), Failure> {
        let name = self.algorithm.name();
        let mut left = TRIES;
        loop {
            let were_free = processors::wait();
            let measured = self.in_turn()?;
            if were_free && processors::are_free() {
                return Ok(measured);
            }
            left -= 1;
            if left == 0 {
                println!(
                    "{name}: the machine is busy; what follows says more of it than of the list"
                );
                return Ok(measured);
            }
            println!("{name}: the machine gave one processor meanwhile; measured again");
        }
    }

    /// The list's size, and the median times of making it and of what can't be saved.
    fn in_turn(&self) -> Result<(usize, Duration, Duration), Failure> {
        let mut bare_signature = bare_signature(self.algorithm)?;
        let mut file = tempfile::tempfile()?;
        let octets = self.make(ENTRIES, &mut file)?.octets;
        let der = contents(&mut file, octets)?;
        let list = CertificateList::from_der(der)?;
        list.verify(&self.certificate)?;
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut file = tempfile::tempfile()?;
            let start = Instant::now();
            self.make(ENTRIES, &mut file)?;
            ours.push(start.elapsed());
            drop(file);
            let mut file = tempfile::tempfile()?;
            let start = Instant::now();
            bare_signature(list.tbs_der())?;
            file.write_all(list.der())?;
            bare.push(start.elapsed());
        }
        Ok((octets, median(ours), median(bare)))
    }
}

fn contents(file: &mut File, octets: usize) -> Result<Vec<u8>, Failure> {
    let mut der = Vec::with_capacity(octets);
    file.rewind()?;
    file.read_to_end(&mut der)?;
    Ok(der)
}

/// Entries as a ledger gives them, page by page.
struct Revoked {
    left: usize,
    /// Of SplitMix64: random enough for serial numbers of a bench, and it costs next to nothing.
    state: u64,
    /// Seconds since the epoch.
    at: i64,
    page: Vec<RevokedEntry>,
}

impl Revoked {
    fn new(entries: usize, made: Timestamp) -> Self {
        Self { left: entries, state: 7, at: made.as_second(), page: Vec::with_capacity(PAGE) }
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn entry(&mut self) -> Result<RevokedEntry, Failure> {
        self.left -= 1;
        let mut octets = [0x40; SerialNumber::LENGTH];
        octets[12..].copy_from_slice(&self.random().to_be_bytes());
        let serial = EntrySerial::from(&SerialNumber::from_bytes(&octets)?);
        let at = Timestamp::from_second(self.at - self.left as i64)?;
        let mut entry = RevokedEntry::new(serial, at);
        if self.left.is_multiple_of(4) {
            entry.reason = RevocationReason::KeyCompromise;
        }
        Ok(entry)
    }

    /// The next page; behind the last comes an empty one.
    fn turn(&mut self) -> Result<&[RevokedEntry], Failure> {
        self.page.clear();
        for _ in 0..self.left.min(PAGE) {
            let entry = self.entry()?;
            self.page.push(entry);
        }
        Ok(&self.page)
    }
}

type Signature = Box<dyn FnMut(&[u8]) -> Result<(), Failure>>;

/// Hashing and one signature by AWS-LC alone.
fn bare_signature(algorithm: &Algorithm) -> Result<Signature, Failure> {
    let (mut ml_dsa, mut p256) = (ml_dsa_65()?, p256()?);
    Ok(match algorithm.name() {
        "ECDSA-P256" => p256,
        "ML-DSA-65" => ml_dsa,
        "MLDSA65-ECDSA-P256-SHA512" => Box::new(move |message| {
            let digest = digest::digest(&digest::SHA512, message);
            ml_dsa(digest.as_ref())?;
            p256(digest.as_ref())
        }),
        other => return Err(format!("no bare signature for {other}").into()),
    })
}

fn ml_dsa_65() -> Result<Signature, Failure> {
    let mut seed = [0; 32];
    rng().fill_bytes(&mut seed);
    let signer = lc::PqdsaKeyPair::from_seed(&lc::ML_DSA_65_SIGNING, &seed)?;
    Ok(Box::new(move |message| {
        let mut signature = [0; 3309];
        signer.sign(message, &mut signature)?;
        Ok(())
    }))
}

fn p256() -> Result<Signature, Failure> {
    let signer = lc::EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_ASN1_SIGNING)?;
    Ok(Box::new(move |message| {
        signer.sign(&SystemRandom::new(), message)?;
        Ok(())
    }))
}
