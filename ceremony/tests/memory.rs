//! After a ceremony nothing secret is left in the memory of the process: not the words of shares or
//! their QR codes, not their values, not the key that keys lie under, not the keys.
//!
//! What is looked for is kept under a mask, and memory is looked at under the same mask, so that the
//! search does not find itself.
#![allow(clippy::unwrap_used)] // a panic is the failure report
#![cfg(target_os = "linux")]

/// The program's own.
#[path = "../src/allocator.rs"]
mod allocator;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicI64, Ordering};

use aho_corasick::AhoCorasick;
use ceremony::digest::Digest;
use ceremony::folder::Folder;
use ceremony::sealed_key::SealedKey;
use ceremony::shamir;
use ceremony::share::{Cost, WrittenShare};
use ceremony::share_set::ShareSet;
use ceremony::sitting::{Part, Purpose, Sitting, SittingError, World};
use ceremony::table::{Confirmed, People, Table, TableError};
use ceremony::transcript::Program;
use ceremony::transfer::picture::Picture;
use ceremony::words;
use jiff::Timestamp;
use rand_core::UnwrapErr;
use zeroize::{Zeroize as _, Zeroizing};

const DEFINITION: &str = r#"
version: 1
title: Forgotten
at: 2026-12-01T09:00:00Z
custody: {threshold: 2, custodians: [Ana, Ben, Cem]}
keys:
  - {name: curve, algorithm: P-256}
  - {name: hashes, algorithm: SLH-DSA-SHA2-128f}
  - {name: lattice, algorithm: ML-DSA-65}
  - {name: root, algorithm: MLDSA44-Ed25519-SHA512}
make:
  - root: {name: root, key: root, subject: "CN=Forgotten,O=Example"}
  - root: {name: curve, key: curve, subject: "CN=Curve,O=Example"}
  - root: {name: hashes, key: hashes, subject: "CN=Hashes,O=Example"}
  - root: {name: lattice, key: lattice, subject: "CN=Lattice,O=Example"}
  - crl: {name: root-crl, issuer: root, number: 1, next_update: 2027-12-01T09:00:00Z}
"#;
const NAMES: [&str; 4] = ["curve", "hashes", "lattice", "root"];
const PASSPHRASE: &str = "correct horse battery";
const MASK: u8 = 0x5a;

fn masked(octets: &[u8]) -> Vec<u8> {
    octets.iter().map(|octet| octet ^ MASK).collect()
}

/// People whose papers are under the mask: nobody but the program holds a share.
#[derive(Default)]
struct Masked {
    papers: BTreeMap<String, Vec<u8>>,
    notes: BTreeMap<String, Digest>,
    given: usize,
}

impl Masked {
    fn paper(&self, custodian: &str) -> Zeroizing<String> {
        let octets = masked(&self.papers[custodian]);
        Zeroizing::new(String::from_utf8(octets).unwrap())
    }
}

impl Table for Masked {
    fn people(&mut self) -> Result<People, TableError> {
        self.given = 0;
        Ok(People { operator: "Olga".into(), witnesses: vec!["Wim".into()] })
    }

    fn show(&mut self, _: &str) -> Result<(), TableError> {
        Ok(())
    }

    fn note(&mut self, what: &str, digest: Digest) -> Result<(), TableError> {
        self.notes.insert(what.to_owned(), digest);
        Ok(())
    }

    fn on_paper(&mut self, what: &str) -> Result<String, TableError> {
        Ok(self.notes[what].to_string())
    }

    fn reason(&mut self, _: &str) -> Result<Confirmed, TableError> {
        Ok(Confirmed { by: "Olga".into(), words: "a test".into() })
    }

    fn clock(&mut self, _: Timestamp) -> Result<Vec<String>, TableError> {
        Ok(vec!["Olga".into(), "Wim".into()])
    }

    fn entropy(&mut self) -> Result<Zeroizing<String>, TableError> {
        Ok(Zeroizing::new("3141522653".repeat(10)))
    }

    fn choose_passphrase(
        &mut self,
        custodian: &str,
    ) -> Result<Option<Zeroizing<String>>, TableError> {
        let under = custodian == "Ben";
        Ok(under.then(|| Zeroizing::new(PASSPHRASE.to_owned())))
    }

    fn hand_out(&mut self, _: u8, custodian: &str, words: &str) -> Result<(), TableError> {
        self.papers.insert(custodian.to_owned(), masked(words.as_bytes()));
        // As a terminal shows it, by a crate that wipes nothing itself: what is freed is wiped.
        let digits = words::to_digits(&words::read(words).unwrap());
        let shown = Picture::of_digits(&digits).unwrap().lines();
        // Without the light around it, which every code has.
        let lines: Vec<_> = (2..19)
            .map(|at| (format!("line {at}"), masked(shown.lines().nth(at).unwrap().as_bytes())))
            .collect();
        let search = search_for(&lines);
        drop(shown);
        let left = found(&search, &lines);
        assert!(left.is_empty(), "{left:#?}");
        Ok(())
    }

    fn ask_share(
        &mut self,
        custodian: Option<&str>,
        _: &str,
    ) -> Result<Zeroizing<String>, TableError> {
        let next = ["Cem", "Ben"].get(self.given).copied();
        self.given += usize::from(custodian.is_none());
        Ok(self.paper(custodian.or(next).unwrap()))
    }

    fn ask_passphrase(&mut self, _: &str) -> Result<Zeroizing<String>, TableError> {
        Ok(Zeroizing::new(PASSPHRASE.to_owned()))
    }

    fn confirm(&mut self, what: &str, others: &[String]) -> Result<Confirmed, TableError> {
        let by = if others.is_empty() { "Olga" } else { "Wim" };
        Ok(Confirmed { by: by.into(), words: self.notes[what].to_string() })
    }
}

/// A second after the one before.
fn clock() -> Timestamp {
    static SECOND: AtomicI64 = AtomicI64::new(1_796_115_600);
    Timestamp::from_second(SECOND.fetch_add(1, Ordering::Relaxed)).unwrap()
}

fn sit(folder: &Folder, part: Part, table: &mut Masked) {
    let world = World {
        clock,
        rng: &mut UnwrapErr(getrandom::SysRng),
        program: Program { version: "0".into(), digest: None },
        cost: Cost::REAL,
        findings: Vec::new(),
        look: Vec::new,
    };
    let purpose = Purpose { part, rehearsal: false };
    Sitting::hold(folder.clone(), purpose, table, world).unwrap();
}

/// Four words of a share behind those of the header, which is public.
fn four(paper: &[u8]) -> Vec<u8> {
    let spaces: Vec<usize> = (0..paper.len()).filter(|at| paper[*at] == b' ' ^ MASK).collect();
    paper[spaces[10] + 1..spaces[14]].to_vec()
}

/// No words of the shares that were dealt last are in memory. Nothing is opened to know them.
fn assert_no_words(table: &Masked) {
    let words: Vec<_> =
        table.papers.iter().map(|(name, paper)| (name.clone(), four(paper))).collect();
    let left = found(&search_for(&words), &words);
    assert!(left.is_empty(), "{left:#?}");
}

/// What must be nowhere, by name, under the mask. It is found out by the same code, which leaves nothing behind
/// either.
fn secrets(folder: &Folder, table: &Masked) -> Vec<(String, Vec<u8>)> {
    let mut secrets = Vec::new();
    let mut shares = Vec::new();
    for (name, paper) in &table.papers {
        secrets.push((format!("words of {name}"), four(paper)));
        let ask = || Ok::<_, SittingError>(Zeroizing::new(PASSPHRASE.to_owned()));
        let share = WrittenShare::read(&table.paper(name)).unwrap();
        if !share.is_under_passphrase() {
            let read = words::read(&table.paper(name)).unwrap();
            let octets = words::decode(&read, 42).unwrap();
            secrets.push((format!("share of {name}"), masked(&octets[10..])));
        }
        shares.push(share.open(Cost::REAL, ask).unwrap());
    }
    let set = folder.read("share-set.json", 1 << 16).unwrap();
    let set: ShareSet = serde_json::from_slice(&set).unwrap();
    let under = set.recover(&shares).unwrap();
    let (ana, cem) = (value(table, "Ana"), value(table, "Cem"));
    let key = shamir::join(&[(1, &ana), (3, &cem)]).unwrap();
    secrets.push(("key of keys".into(), masked(&key[..])));
    for name in NAMES {
        let sealed = folder.read(&format!("keys/{name}.json"), 1 << 20).unwrap();
        let key = SealedKey::from_json(&sealed).unwrap().open(&under).unwrap();
        let der = key.to_pkcs8_der().unwrap();
        // The seed of ML-DSA, and with it or alone the key of the curve, stand near the end; behind what
        // is secret of SLH-DSA stands its public key.
        let end = der.len()
            - [("curve", 70), ("hashes", 32)]
                .iter()
                .find(|(of, _)| *of == name)
                .map_or(0, |(_, behind)| *behind);
        let secret = masked(&der[end - 32..end]);
        if name == "curve" {
            // As arithmetic has it, its lowest octet first.
            let reversed = secret.iter().rev().copied().collect();
            secrets.push((format!("key {name} as a number"), reversed));
        }
        secrets.push((format!("key {name}"), secret));
    }
    secrets
}

fn value(table: &Masked, name: &str) -> shamir::Secret {
    let read = words::read(&table.paper(name)).unwrap();
    let octets = words::decode(&read, 42).unwrap();
    let mut value = Zeroizing::new([0; shamir::SECRET_SIZE]);
    value.copy_from_slice(&octets[10..]);
    value
}

fn search_for(secrets: &[(String, Vec<u8>)]) -> AhoCorasick {
    AhoCorasick::new(secrets.iter().map(|(_, secret)| secret)).unwrap()
}

/// The names of secrets that are in memory that the process may write, with the name of each place.
fn found(search: &AhoCorasick, secrets: &[(String, Vec<u8>)]) -> Vec<String> {
    const PART: usize = 1 << 20;
    let longest = secrets.iter().map(|(_, secret)| secret.len()).max().unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    let mut part = vec![0; PART];
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if !words[1].starts_with("rw") {
            continue;
        }
        let (start, end) = words[0].split_once('-').unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        while at < end {
            let wanted = usize::try_from(end - at).unwrap().min(PART);
            // A page that was never touched reads as zeros; one that is guarded does not.
            let Ok(read @ 1..) = memory.read_at(&mut part[..wanted], at) else { break };
            part[..read].iter_mut().for_each(|octet| *octet ^= MASK);
            for seen in search.find_overlapping_iter(&part[..read]) {
                let place = words.get(5).copied().unwrap_or("unnamed");
                let address = at + seen.start() as u64;
                found.push(format!("{} in {place} at {address:#x}", secrets[seen.pattern()].0));
            }
            part[..read].zeroize();
            // So that what lies across two parts is whole in the next one.
            let step =
                if read > longest && at + (read as u64) < end { read - longest } else { read };
            at += step as u64;
        }
    }
    found
}

#[test]
fn nothing_secret_is_left_in_memory() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path());
    folder.write("ceremony.yaml", DEFINITION.as_bytes()).unwrap();
    let mut table = Masked::default();
    sit(&folder, Part::Keys, &mut table);
    assert_no_words(&table);
    let secrets = secrets(&folder, &table);
    assert_eq!(secrets.len(), 3 + 2 + 1 + 5);
    let search = search_for(&secrets);
    let custodians = vec!["Ana".to_owned(), "Dua".to_owned()];
    for part in
        [Part::Plan, Part::Run, Part::TestShares(2), Part::Reshare { threshold: 2, custodians }]
    {
        let name = format!("{part:?}");
        sit(&folder, part, &mut table);
        // At once, before anything else is written over the stack.
        let left = found(&search, &secrets);
        assert!(left.is_empty(), "{name}: {left:#?}");
        assert_no_words(&table);
    }
    // The search finds each of them where it is, on the heap and on what was the stack.
    let plain: Vec<Vec<u8>> = secrets.iter().map(|(_, secret)| masked(secret)).collect();
    let all = found(&search, &secrets);
    for (name, _) in &secrets {
        assert!(
            all.iter().any(|found| found.starts_with(&format!("{name} in "))),
            "{name}: {all:?}"
        );
    }
    drop(plain);
    assert!(found(&search, &secrets).is_empty());
    leaves_on_the_stack(&secrets[0].1);
    let left = found(&search, &secrets);
    assert!(left.iter().all(|found| found.starts_with("words of Ana in ")), "{left:?}");
    assert!(!left.is_empty());
}

/// What a function that wipes nothing leaves in its frame, below those that search.
#[inline(never)]
fn leaves_on_the_stack(secret: &[u8]) {
    let mut frame = [0_u8; 64 * 1024];
    frame.iter_mut().zip(secret).for_each(|(octet, secret)| *octet = secret ^ MASK);
    std::hint::black_box(&frame);
}
