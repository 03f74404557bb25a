//! Certificates of other implementers, judged: the IETF PQC hackathon's round 5 and Bouncy
//! Castle's alternative signatures.

#![allow(clippy::print_stdout)] // the counts are what this test tells

use std::path::{Path, PathBuf};

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::extensions::oid;
use ca_core::path::{Check, Options, Outcome, Reason, SecurityPolicy, Verdict, verify_path};
use ca_core::public_key::PublicKeyError;
use interop::vectors::{judged, vectors};
use jiff::Timestamp;

/// Inside the validity of every certificate of both sets, of which the shortest last a year.
const AT: &str = "2026-09-01T00:00:00Z";

/// All DER files below a folder of the vectors, by name; none when the vectors are absent.
fn files(folder: &str) -> Option<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![vectors(folder)?], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "der" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    Some(files)
}

fn options(policy: SecurityPolicy) -> Options {
    let at: Timestamp = AT.parse().expect("AT is RFC 3339");
    Options { policy, ..Options::at(at) }
}

fn verify(der: &[u8], anchors: &[Certificate], policy: SecurityPolicy) -> Outcome {
    let certificate = Certificate::from_der(der).expect("the certificate can be read");
    verify_path(&certificate, &[], anchors, &options(policy))
}

/// The last octet of a certificate belongs to its signature.
fn with_wrong_signature(der: &[u8]) -> Vec<u8> {
    let mut der = der.to_vec();
    *der.last_mut().expect("a certificate has octets") ^= 1;
    der
}

fn expect_reason(outcome: &Outcome, reason: Reason, context: &str) {
    let error = outcome.error.as_ref().unwrap_or_else(|| panic!("{context} is accepted"));
    assert_eq!(error.reason, reason, "{context}: {error}");
    let last = outcome.steps.last().expect("a refusal has a step");
    assert_eq!(last.verdict, Verdict::Failed, "{context}");
}

/// Whether the file is one of the six that must be refused: five with compressed points, and one
/// named .53 that holds a .52 identifier with an RSA-4096 key.
fn expected_refusal(error: &CertificateError) -> Option<&'static str> {
    match error {
        CertificateError::PublicKey(PublicKeyError::CompressedPoint { .. }) => {
            Some("compressed point")
        }
        CertificateError::PublicKey(PublicKeyError::CompositeRsaBits {
            bits: 4096,
            allowed: 3072,
            ..
        }) => Some("identifier of RSA-3072 over a key of RSA-4096"),
        _ => None,
    }
}

#[test]
fn every_hackathon_certificate_is_judged_right() {
    let Some(files) = files("hackathon-r5") else { return };
    let mut readable = Vec::new();
    let mut refusals: Vec<&str> = Vec::new();
    for path in &files {
        let der = std::fs::read(path).expect("a readable file");
        match Certificate::from_der(&der) {
            Ok(certificate) => readable.push((path, der, certificate)),
            Err(error) => {
                let why = expected_refusal(&error);
                let why = why.unwrap_or_else(|| panic!("{}: {error}", path.display()));
                assert!(path.to_string_lossy().contains("carl-redhound"), "{}", path.display());
                println!("refused as it must be: {}: {error}", path.display());
                refusals.push(why);
            }
        }
    }
    let compressed = refusals.iter().filter(|why| **why == "compressed point").count();
    assert_eq!((compressed, refusals.len()), (5, 6), "the six of carl-redhound are refused");

    let (mut anchors_judged, mut leaves_judged) = (0, 0);
    for (path, der, certificate) in &readable {
        let name = path.display().to_string();
        let anchors: Vec<Certificate> = if name.ends_with("_ta.der") {
            anchors_judged += 1;
            vec![certificate.clone()]
        } else {
            leaves_judged += 1;
            anchors_of(path, &readable)
        };
        let outcome = verify(der, &anchors, SecurityPolicy::PostQuantum);
        assert!(outcome.valid, "{name}:\n{outcome}");
        check_twin(&name, der, &anchors);
    }
    let how = format!(
        "certificates judged: {anchors_judged} trust anchors and {leaves_judged} end entities \
         valid, each with a flipped bit refused; {} refused",
        refusals.len()
    );
    judged("hackathon-r5", files.len(), &how);
}

/// The trust anchors of the same implementer.
fn anchors_of(leaf: &Path, all: &[(&PathBuf, Vec<u8>, Certificate)]) -> Vec<Certificate> {
    all.iter()
        .filter(|(path, ..)| path.parent() == leaf.parent())
        .filter(|(path, ..)| path.to_string_lossy().ends_with("_ta.der"))
        .map(|(_, _, certificate)| certificate.clone())
        .collect()
}

fn check_twin(name: &str, der: &[u8], anchors: &[Certificate]) {
    let flipped = with_wrong_signature(der);
    // A self-signed one is given as trust and as file, so its twin is too.
    let twin = Certificate::from_der(&flipped).expect("the flipped bit is in the signature");
    let anchors = if anchors.len() == 1 { vec![twin] } else { anchors.to_vec() };
    let outcome = verify(&flipped, &anchors, SecurityPolicy::Any);
    expect_reason(&outcome, Reason::Signature, name);
}

#[test]
fn alternative_signatures_of_bouncy_castle_are_enforced() {
    let Some(files) = files("catalyst") else { return };
    assert_eq!(files.len(), 3);
    for path in &files {
        let name = path.display().to_string();
        let der = std::fs::read(path).expect("a readable file");
        let anchor = || vec![Certificate::from_der(&der).expect("the certificate can be read")];
        for policy in [SecurityPolicy::Any, SecurityPolicy::PostQuantum, SecurityPolicy::Hybrid] {
            let outcome = verify(&der, &anchor(), policy);
            assert!(outcome.valid, "{name}:\n{outcome}");
            let checked = outcome.steps.iter().find(|s| s.check == Check::AlternativeSignature);
            assert_eq!(checked.map(|step| step.verdict), Some(Verdict::Ok), "{name}");
        }
        refuse_wrong_alternative(&name, &der);
        refuse_wrong_tbs(&name, &der);
    }
    judged("catalyst", files.len(), "certificates judged, each with its twins refused");
}

/// The alternative value does not count for the alternative signature, but it does for the
/// classical one: a flipped bit in it breaks that first.
fn refuse_wrong_alternative(name: &str, der: &[u8]) {
    let certificate = Certificate::from_der(der).expect("the certificate can be read");
    let value = certificate.extensions().alt_signature_value().expect("it has one");
    let mut flipped = der.to_vec();
    flipped[position(der, value) + value.len() / 2] ^= 1;
    let twin = Certificate::from_der(&flipped).expect("only the value changed");
    let outcome = verify(&flipped, std::slice::from_ref(&twin), SecurityPolicy::Hybrid);
    expect_reason(&outcome, Reason::Signature, name);
    // Alone, by the alternative key:
    let key = twin.extensions().alt_public_key().expect("it has one");
    let error = ca_core::alt_signature::verify_alt_signature(&twin, key).expect_err(name);
    assert!(error.to_string().contains("altSignatureValue"), "{error}");
    let right = ca_core::alt_signature::verify_alt_signature(&certificate, key);
    assert!(right.expect("the untouched one is right").is_post_quantum());
}

/// A bit in the serial number is covered by both signatures.
fn refuse_wrong_tbs(name: &str, der: &[u8]) {
    let certificate = Certificate::from_der(der).expect("the certificate can be read");
    let serial = certificate.serial_octets();
    let mut flipped = der.to_vec();
    flipped[position(der, serial) + serial.len() - 1] ^= 1;
    let twin = Certificate::from_der(&flipped).expect("only the serial number changed");
    assert!(twin.extensions().get(oid::ALT_SIGNATURE_VALUE).is_some());
    let outcome = verify(&flipped, std::slice::from_ref(&twin), SecurityPolicy::Hybrid);
    expect_reason(&outcome, Reason::Signature, name);
    let key = twin.extensions().alt_public_key().expect("it has one");
    ca_core::alt_signature::verify_alt_signature(&twin, key).expect_err(name);
}

fn position(haystack: &[u8], needle: &[u8]) -> usize {
    let found = haystack.windows(needle.len()).position(|window| window == needle);
    found.expect("the value stands in the certificate")
}
