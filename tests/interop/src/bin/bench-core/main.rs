//! `cargo xtask bench core`: what the pipeline costs beside the bare primitives, and a large
//! revocation list beside hashing and writing it, in one run.
//!
//! A certificate of the pipeline is plan, lint, sign, cross-check by the second implementation and
//! encode. The bare primitives are what cannot be saved: one signature by AWS-LC and one
//! verification by the other library, over the same octets. Both run in turn, in short rounds, so
//! that a noisy machine hits both; the medians are compared.

mod crl;
mod ocsp;
mod processors;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature as lc;
use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::lint::lint;
use ca_core::name::DistinguishedName;
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;
use ca_core::sign::Signer;
use jiff::Timestamp;
use libcrux_ml_dsa::ml_dsa_65;
use rand_core::{CryptoRng, Rng as _, UnwrapErr};

type Failure = Box<dyn std::error::Error>;

/// Rounds of a measurement that has a bound; the median counts. ML-DSA signs in a random number of attempts,
/// so that one signature in twenty takes three times the mean, and the time of a signature has a standard
/// deviation of 0.7 of the mean. With some 20 signatures in a round, so many rounds bring each median within
/// half a percent; of 600, as once, the share of the same program was between 88.8 and 92.4 %.
const ROUNDS: usize = 2_400;
/// Rounds of the others.
const FEW_ROUNDS: usize = 300;
/// How long a round takes at least. It is short, so that both sides of a pair have the same machine.
const ROUND: Duration = Duration::from_millis(10);

/// The families that have a bound: at least this share of what the primitives alone allow.
const BOUNDS: [(&str, f64); 3] = [("hybrid", 0.90), ("ML-DSA-65", 0.90), ("ECDSA-P256", 0.60)];
/// Families that are measured without one.
const OTHERS: [&str; 9] = [
    "ML-DSA-44",
    "ML-DSA-87",
    "ECDSA-P384",
    "Ed25519",
    "RSA-3072-PSS",
    "MLDSA44-ECDSA-P256-SHA256",
    "MLDSA65-Ed25519-SHA512",
    "MLDSA65-RSA3072-PSS-SHA512",
    "MLDSA87-ECDSA-P384-SHA512",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verdict = match &arguments[..] {
        [] => run(),
        [only] if only == "crl" => crl::run(),
        [option, name] if option == crl::MEMORY_OF => crl::print_memory(name).map(|()| true),
        [only] if only == "ocsp" => ocsp::run(),
        other => Err(format!("arguments: found {other:?}, allowed: none, crl or ocsp").into()),
    };
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn run() -> Result<bool, Failure> {
    let mut all_hold = true;
    println!(
        "one core; certificates per second; medians of {ROUNDS} rounds, without a bound {FEW_ROUNDS}\n"
    );
    println!(
        "{:<28} {:>10} {:>12} {:>7} {:>7}",
        "algorithm", "pipeline", "primitives", "share", "bound"
    );
    for (name, bound) in BOUNDS {
        let algorithm = Algorithm::named(name)?;
        let pipeline = Pipeline::new(algorithm)?;
        let tbs = pipeline.tbs()?;
        let mut primitives = primitives(algorithm, tbs)?;
        let (ours, bare) = in_turn(ROUNDS, &mut || pipeline.issue(), &mut *primitives)?;
        let share = bare.as_secs_f64() / ours.as_secs_f64();
        let holds = share >= bound;
        all_hold &= holds;
        let verdict = if holds { "" } else { "  too slow" };
        println!(
            "{:<28} {:>10.0} {:>12.0} {:>6.1}% {:>6.0}%{verdict}",
            algorithm.name(),
            1.0 / ours.as_secs_f64(),
            1.0 / bare.as_secs_f64(),
            share * 100.0,
            bound * 100.0
        );
    }
    for name in OTHERS {
        let algorithm = Algorithm::named(name)?;
        let pipeline = Pipeline::new(algorithm)?;
        let (tbs, signer) = (pipeline.tbs()?, &pipeline.signer);
        let mut sign = || {
            signer.sign(&tbs)?;
            Ok(())
        };
        let (ours, bare) = in_turn(FEW_ROUNDS, &mut || pipeline.issue(), &mut sign)?;
        println!(
            "{:<28} {:>10.0} {:>12.0} {:>6.1}%",
            algorithm.name(),
            1.0 / ours.as_secs_f64(),
            1.0 / bare.as_secs_f64(),
            bare.as_secs_f64() / ours.as_secs_f64() * 100.0
        );
    }
    println!("\nRows without a bound: the primitives are our own sign with its cross-check.");
    all_hold &= ocsp::run()?;
    all_hold &= crl::run()?;
    Ok(all_hold)
}

/// An issuing CA in memory and a request that comes again and again.
struct Pipeline {
    signer: Signer,
    issuer: Certificate,
    profile: &'static Profile,
    request: Request,
    now: Timestamp,
}

impl Pipeline {
    fn new(algorithm: &'static Algorithm) -> Result<Self, Failure> {
        let key = PrivateKey::generate(algorithm, &mut rng())?;
        let signer = key.signer(algorithm.scheme())?;
        let subject = DistinguishedName::parse("CN=Bench Issuing CA,O=Espalier")?;
        let now = now();
        let root = Request::new(subject, Vec::new(), key.public_key().clone());
        let profile = shipped("root")?;
        let identity = identity(&signer, None);
        let linted = lint(plan(profile, root, identity, serial(), now)?)?;
        let signature = signer.sign(linted.tbs_der()?)?;
        let issuer = Certificate::from_der(linted.assemble(&signature)?.der())?;
        let leaf = PrivateKey::generate(algorithm, &mut rng())?;
        let names = ["DNS:demo.example", "DNS:www.demo.example"];
        let names: Result<Vec<AltName>, _> = names.into_iter().map(AltName::parse).collect();
        let subject = DistinguishedName::parse("CN=demo.example")?;
        let request = Request::new(subject, names?, leaf.public_key().clone());
        Ok(Self { signer, issuer, profile: shipped("tls-server")?, request, now })
    }

    /// Plan, lint, sign with cross-check, encode.
    fn issue(&self) -> Result<(), Failure> {
        let identity = identity(&self.signer, Some(&self.issuer));
        let plan = plan(self.profile, self.request.clone(), identity, serial(), self.now)?;
        let linted = lint(plan)?;
        let signature = self.signer.sign(linted.tbs_der()?)?;
        std::hint::black_box(linted.assemble(&signature)?.into_der());
        Ok(())
    }

    /// What is signed.
    fn tbs(&self) -> Result<Vec<u8>, Failure> {
        let identity = identity(&self.signer, Some(&self.issuer));
        let linted = lint(plan(self.profile, self.request.clone(), identity, serial(), self.now)?)?;
        Ok(linted.tbs_der()?.to_vec())
    }
}

fn identity<'a>(signer: &'a Signer, certificate: Option<&'a Certificate>) -> IssuerIdentity<'a> {
    let (public_key, scheme) = (signer.public_key(), signer.scheme());
    IssuerIdentity { certificate, public_key, scheme, alt_scheme: None }
}

fn shipped(name: &str) -> Result<&'static Profile, Failure> {
    Profile::shipped(name).ok_or_else(|| format!("no shipped profile {name}").into())
}

type Work<'a> = dyn FnMut() -> Result<(), Failure> + 'a;

/// The libraries themselves, without a line of ours around them.
fn primitives(algorithm: &Algorithm, tbs: Vec<u8>) -> Result<Box<Work<'static>>, Failure> {
    Ok(match algorithm.name() {
        "ECDSA-P256" => {
            let mut p256 = p256_primitives()?;
            Box::new(move || p256(&tbs))
        }
        "ML-DSA-65" => {
            let mut ml_dsa = ml_dsa_primitives()?;
            Box::new(move || ml_dsa(&tbs))
        }
        "MLDSA65-ECDSA-P256-SHA512" => {
            let (mut ml_dsa, mut p256) = (ml_dsa_primitives()?, p256_primitives()?);
            Box::new(move || {
                // Signer and second implementation each hash the message once.
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &tbs);
                std::hint::black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &tbs));
                ml_dsa(digest.as_ref())?;
                p256(digest.as_ref())
            })
        }
        other => return Err(format!("no bare primitives for {other}").into()),
    })
}

type Primitive = Box<dyn FnMut(&[u8]) -> Result<(), Failure>>;

fn ml_dsa_primitives() -> Result<Primitive, Failure> {
    let mut seed = [0; 32];
    rng().fill_bytes(&mut seed);
    let signer = lc::PqdsaKeyPair::from_seed(&lc::ML_DSA_65_SIGNING, &seed)?;
    let public: [u8; 1952] = lc::KeyPair::public_key(&signer).as_ref().try_into()?;
    let public = ml_dsa_65::MLDSA65VerificationKey::new(public);
    Ok(Box::new(move |message| {
        let mut signature = [0; 3309];
        signer.sign(message, &mut signature)?;
        let signature = ml_dsa_65::MLDSA65Signature::new(signature);
        let verified = ml_dsa_65::verify(&public, message, b"", &signature);
        verified.map_err(|error| format!("libcrux: {error:?}").into())
    }))
}

fn p256_primitives() -> Result<Primitive, Failure> {
    let random = SystemRandom::new();
    let signer = lc::EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let public = lc::KeyPair::public_key(&signer).as_ref().to_vec();
    let public = crrl::p256::PublicKey::decode(&public).ok_or("crrl: not a point")?;
    Ok(Box::new(move |message| {
        let signature = signer.sign(&random, message)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
        let verified = public.verify_hash(signature.as_ref(), digest.as_ref());
        if verified { Ok(()) } else { Err("crrl: wrong signature".into()) }
    }))
}

/// The median time of one call of each, measured in turn.
fn in_turn(
    rounds: usize,
    first: &mut Work<'_>,
    second: &mut Work<'_>,
) -> Result<(Duration, Duration), Failure> {
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    // Warms caches and clocks up.
    round(first)?;
    round(second)?;
    for _ in 0..rounds {
        firsts.push(round(first)?);
        seconds.push(round(second)?);
    }
    Ok((median(firsts), median(seconds)))
}

fn round(work: &mut Work<'_>) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < ROUND {
        for _ in 0..8 {
            work()?;
        }
        calls += 8;
    }
    Ok(start.elapsed() / calls)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn rng() -> impl CryptoRng {
    UnwrapErr(getrandom::SysRng)
}

fn serial() -> SerialNumber {
    SerialNumber::generate(&mut rng())
}

#[expect(clippy::disallowed_methods, reason = "the benchmark is its own composition root")]
fn now() -> Timestamp {
    Timestamp::now()
}
