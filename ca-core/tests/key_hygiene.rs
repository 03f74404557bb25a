//! After keys were made, loaded, used and dropped, nothing of them is left in memory.
//!
//! The search runs in a process of its own, which makes keys of every family, and then reads its
//! whole address space. It remembers the secrets only with every octet inverted, so that it does
//! not find its own list.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::Command;

use ca_core::algorithm::{Algorithm, KeyAlgorithm, KeyKind, MlKem};
use ca_core::certificate::Certificate;
use ca_core::key::{KeyDerivation, PrivateKey, decrypt, encrypt};
use ca_core::lint::lint;
use ca_core::name::DistinguishedName;
use ca_core::pkcs12::{Bundle, MacDerivation, Password, Protection, Sealed, seal};
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;
use der::{Decode, Reader, SliceReader};
use rand_core::UnwrapErr;
use zeroize::{Zeroize, Zeroizing};

const CHILD: &str = "ESPALIER_KEY_HYGIENE_CHILD";
/// A run this long is no accident: the chance is 2^-128 a place.
const RUN: usize = 16;

#[test]
fn nothing_of_a_key_is_left_in_memory_after_drop() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let run = |mode: &str| {
        let tests = std::env::current_exe().unwrap();
        let mut command = Command::new(tests);
        command.args(["--exact", "in_a_process_of_its_own", "--nocapture", "--test-threads=1"]);
        let output = command.env(CHILD, mode).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find(|line| line.contains("runs looked for")).unwrap().to_owned()
    };
    let clean = run("drop");
    println!("{clean}");
    assert!(clean.contains(" 0 found"), "{clean}");
    // The twin: a secret that is kept is found, so the search does see.
    let kept = run("keep");
    assert!(kept.contains("MLDSA65-ECDSA-P256-SHA512"), "{kept}");
}

#[test]
fn in_a_process_of_its_own() {
    let Some(mode) = std::env::var_os(CHILD) else { return };
    let mut needles = Needles::default();
    for algorithm in families() {
        live_and_die(algorithm.into(), &mut needles);
    }
    for set in MlKem::ALL {
        live_and_die(set.into(), &mut needles);
    }
    let hybrid = Algorithm::hybrid();
    let kept = (mode == "keep").then(|| PrivateKey::generate(hybrid, &mut rng()).unwrap());
    if let Some(key) = &kept {
        needles.add_key(hybrid.into(), key);
    }
    // Last, so that nothing else has used the same stack before the search.
    open_and_forget(&mut needles);
    seal_and_forget(&mut needles);
    let found = needles.search_own_memory();
    let (families, runs) = (families().count() + MlKem::ALL.len(), needles.0.len());
    println!(
        "key hygiene: {families} algorithms, {runs} runs looked for, {} found {found:?}",
        found.len()
    );
    drop(kept);
}

/// Every algorithm, but for the sets of SLH-DSA that sign slowly: they run the same code as the
/// fast ones.
fn families() -> impl Iterator<Item = &'static Algorithm> {
    Algorithm::all()
        .iter()
        .filter(|row| !row.name().starts_with("SLH-DSA") || row.name().ends_with('f'))
}

fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// Makes a key, writes and reads it plain and encrypted, signs with it if it can, and drops
/// everything.
fn live_and_die(algorithm: KeyAlgorithm, needles: &mut Needles) {
    let key = PrivateKey::generate_for(algorithm, &mut rng()).unwrap();
    needles.add_key(algorithm, &key);
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let encrypted = encrypt(&pkcs8, b"passphrase", KeyDerivation::Scrypt, &mut rng()).unwrap();
    let loaded = PrivateKey::from_der(&decrypt(&encrypted, b"passphrase").unwrap()).unwrap();
    assert!(!format!("{key:?} {loaded:?}").is_empty());
    let KeyAlgorithm::Signing(algorithm) = algorithm else { return };
    let signer = loaded.signer(algorithm.scheme()).unwrap();
    signer.sign(b"message").unwrap();
    assert!(!format!("{signer:?}").is_empty());
}

/// Opens an encrypted key: the key that the passphrase gives opens it too, and must not stay.
fn open_and_forget(needles: &mut Needles) {
    let key = PrivateKey::generate(Algorithm::hybrid(), &mut rng()).unwrap();
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let encrypted = encrypt(&pkcs8, b"passphrase", KeyDerivation::Pbkdf2, &mut rng()).unwrap();
    drop((key, pkcs8));
    drop(decrypt(&encrypted, b"passphrase").unwrap());
    let salt = encrypted.windows(2).position(|window| window == [4, 16]).unwrap() + 2;
    let mut derived = Zeroizing::new([0; 32]);
    aws_lc_rs::pbkdf2::derive(
        aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
        600_000.try_into().unwrap(),
        &encrypted[salt..salt + 16],
        b"passphrase",
        &mut *derived,
    );
    needles.add(&*derived, "the key of a passphrase");
}

/// Puts a key into a PKCS#12 file and takes it out again: neither it stays, nor the keys of the
/// password.
fn seal_and_forget(needles: &mut Needles) {
    const ITERATIONS: u32 = 10_000;
    /// The identifier of PBKDF2, up to its salt of 16 octets.
    const PBKDF2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
    let key = PrivateKey::generate(Algorithm::hybrid(), &mut rng()).unwrap();
    needles.add_key(KeyAlgorithm::Signing(Algorithm::hybrid()), &key);
    let certificates = [root(&key)];
    let password = Password::new(b"a password").unwrap();
    let protection = Protection::new(MacDerivation::Pbmac1, ITERATIONS).unwrap();
    let bundle = Bundle::new(Some(&key), &certificates, None).unwrap();
    let file = seal(&bundle, password, protection, &mut rng()).unwrap();
    drop(key);
    assert_eq!(Sealed::from_der(&file).unwrap().open(password).unwrap().keys.len(), 1);
    let places = file.windows(PBKDF2.len()).enumerate().filter(|(_, octets)| *octets == PBKDF2);
    let mut derived = Zeroizing::new([0; 32]);
    for (at, _) in places {
        let salt = file[at..].windows(2).position(|octets| octets == [4, 16]).unwrap() + at + 2;
        aws_lc_rs::pbkdf2::derive(
            aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
            ITERATIONS.try_into().unwrap(),
            &file[salt..salt + 16],
            b"a password",
            &mut *derived,
        );
        needles.add(&*derived, "a key of a PKCS#12 password");
    }
}

/// A root's certificate for this key.
fn root(key: &PrivateKey) -> Certificate {
    let scheme = Algorithm::hybrid().scheme();
    let subject = DistinguishedName::parse("CN=Root").unwrap();
    let request = Request::new(subject, Vec::new(), key.public_key().clone());
    let public_key = key.public_key();
    let issuer = IssuerIdentity { certificate: None, public_key, scheme, alt_scheme: None };
    let serial = SerialNumber::generate(&mut rng());
    let now = "2030-01-01T00:00:00Z".parse().unwrap();
    let plan = plan(Profile::shipped("root").unwrap(), request, issuer, serial, now).unwrap();
    let linted = lint(plan).unwrap();
    let signature = key.signer(scheme).unwrap().sign(linted.tbs_der().unwrap()).unwrap();
    linted.assemble(&signature).unwrap().to_certificate().unwrap()
}

/// Runs of secrets, each octet inverted.
#[derive(Default)]
struct Needles(HashMap<[u8; RUN], &'static str>);

impl Needles {
    fn add_key(&mut self, algorithm: KeyAlgorithm, key: &PrivateKey) {
        let pkcs8 = key.to_pkcs8_der().unwrap();
        let info = pkcs8::PrivateKeyInfoRef::try_from(&pkcs8[..]).unwrap();
        let inner = info.private_key.as_bytes();
        // SLH-DSA: SK.seed and SK.prf are secret, PK.seed and PK.root after them are not.
        let secrets = match algorithm.key() {
            KeyKind::SlhDsa(set) => {
                let halves = inner[..2 * set.part_size()].chunks(set.part_size());
                halves.map(|half| Zeroizing::new(half.to_vec())).collect()
            }
            _ => secrets(inner),
        };
        for secret in secrets {
            self.add(&secret, algorithm.name());
        }
    }

    fn add(&mut self, secret: &[u8], name: &'static str) {
        for window in secret.windows(RUN) {
            let mut inverted = [0; RUN];
            inverted.iter_mut().zip(window).for_each(|(to, from)| *to = !from);
            self.0.insert(inverted, name);
        }
    }

    /// Names of the algorithms whose secrets are somewhere in this process.
    fn search_own_memory(&self) -> BTreeSet<&'static str> {
        const CHUNK: usize = 1 << 20;
        let mut first = vec![false; 1 << 16];
        for needle in self.0.keys() {
            first[usize::from(u16::from_be_bytes([needle[0], needle[1]]))] = true;
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut memory = File::open("/proc/self/mem").unwrap();
        let mut found = BTreeSet::new();
        let mut buffer = vec![0; CHUNK];
        for (start, end) in maps.lines().filter_map(writable_range) {
            let mut position = start;
            while position < end {
                let length = CHUNK.min(usize::try_from(end - position).unwrap());
                let chunk = &mut buffer[..length];
                memory.seek(SeekFrom::Start(position)).unwrap();
                if memory.read_exact(chunk).is_err() {
                    break;
                }
                chunk.iter_mut().for_each(|octet| *octet = !*octet);
                for window in chunk.windows(RUN) {
                    let prefix = usize::from(u16::from_be_bytes([window[0], window[1]]));
                    if first[prefix]
                        && let Some(name) = self.0.get(window)
                    {
                        found.insert(*name);
                    }
                }
                // What was read is wiped, so that it is not found again in this buffer.
                chunk.zeroize();
                // Chunks overlap, so that a run across their border is seen.
                position += if length == CHUNK { (CHUNK - RUN) as u64 } else { length as u64 };
            }
        }
        found
    }
}

/// A range of the address space that may hold data; code and constants are read-only.
fn writable_range(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let (start, end) = range.split_once('-')?;
    let number = |hex| u64::from_str_radix(hex, 16).ok();
    rights.starts_with("rw").then_some((number(start)?, number(end)?))
}

/// The parts of a privateKey field that are secret: seeds and scalars, and the numbers of an RSA
/// key but for version, modulus and exponent.
fn secrets(inner: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let whole = |octets: &[u8]| Zeroizing::new(octets.to_vec());
    if let Ok(numbers) = rsa_numbers(inner) {
        return numbers;
    }
    if let Ok(ec) = sec1::EcPrivateKey::from_der(inner) {
        return vec![whole(ec.private_key)];
    }
    // ML-DSA's and ML-KEM's seed [0] and EdDSA's OCTET STRING have a header of two octets.
    if let [0x80 | 0x04, length, seed @ ..] = inner
        && usize::from(*length) == seed.len()
    {
        return vec![whole(seed)];
    }
    let (seed, classical) = inner.split_at(32);
    let mut parts = vec![whole(seed)];
    match classical.first() {
        Some(0x30) if classical.len() > 60 => parts.extend(secrets(classical)),
        _ => parts.push(whole(classical)),
    }
    parts
}

fn rsa_numbers(der: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>, der::Error> {
    let mut reader = SliceReader::new(der)?;
    let numbers = reader.sequence(|reader| {
        let mut numbers = Vec::new();
        while !reader.is_finished() {
            let number = der::asn1::UintRef::decode(reader)?;
            numbers.push(Zeroizing::new(number.as_bytes().to_vec()));
        }
        Ok::<_, der::Error>(numbers)
    })?;
    reader.finish()?;
    Ok(numbers.into_iter().skip(3).collect())
}
