//! Bouncy Castle: alternative signatures (X.509 (10/2019) clause 9.8), both ways.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::alt_signature::verify_alt_signature;
use ca_core::certificate::Certificate;
use ca_core::path::SecurityPolicy;
use interop::bouncy_castle::key_name;
use interop::issue::Chain;
use interop::judge::{self, accepted_but_no_twin, certificate_twins, flipped, our_path};
use interop::peers::{self, Harness, base64, octets, tried};
use serde_json::{Value, json};

const PEER: &str = "bouncycastle";

/// Classical algorithms and, beside each, an alternative one.
const PAIRS: &[(&str, &str)] = &[
    ("ECDSA-P256", "ML-DSA-44"),
    ("ECDSA-P256", "ML-DSA-65"),
    ("ECDSA-P384", "ML-DSA-87"),
    ("ECDSA-P521", "ML-DSA-87"),
    ("Ed25519", "ML-DSA-65"),
    ("RSA-2048", "ML-DSA-44"),
    ("ECDSA-P256", "SLH-DSA-SHA2-128f"),
    ("ECDSA-P256", "MLDSA65-ECDSA-P256-SHA512"),
];

fn pairs() -> impl Iterator<Item = (&'static Algorithm, &'static Algorithm)> {
    PAIRS.iter().map(|(first, second)| {
        (Algorithm::named(first).unwrap(), Algorithm::named(second).unwrap())
    })
}

/// What the alternative signature alone is judged by: a bit in its value, and a bit in the subject, which it covers.
fn alternative_twins(der: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let certificate = Certificate::from_der(der).unwrap();
    let value = certificate.extensions().alt_signature_value().unwrap();
    let at = der.windows(value.len()).position(|window| window == value).unwrap();
    let mut twins = vec![("altSignatureValue", flipped(der, at + 8))];
    twins.extend(certificate_twins(der).into_iter().filter(|(field, _)| *field == "the subject"));
    assert_eq!(twins.len(), 2);
    twins
}

#[test]
fn it_accepts_both_of_our_signatures() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for (first, second) in pairs() {
        let chain = Chain::with_alternative(first, second);
        let [leaf, issuing, root] = chain.ders();
        for (kind, cert, issuer) in
            [("root", root, root), ("issuing CA", issuing, root), ("leaf", leaf, issuing)]
        {
            let issuer = base64(issuer);
            let mut ask = |command: &str, cert: &[u8]| {
                let verdict = peer.call(command, json!({ "cert": base64(cert), "issuer": issuer }));
                verdict.map(drop).map_err(|reason| format!("{first} + {second}: {reason}"))
            };
            let what = format!("our alternative signature, {kind}");
            accepted_but_no_twin(PEER, &what, cert, &alternative_twins(cert), |cert| {
                ask("verifyAlt", cert)
            });
            let what = format!("our signature beside an alternative one, {kind}");
            judge::certificate(PEER, &what, cert, |cert| ask("verifyCert", cert));
        }
        let ask = json!({ "certs": [base64(leaf), base64(issuing)], "anchors": [base64(root)] });
        peer.call("path", ask).unwrap();
        tried(PEER, "our path with alternative signatures", "accepted");
    }
}

#[test]
fn we_accept_both_of_its_signatures() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for (first, second) in pairs() {
        let [root, issuing, leaf] = &make_theirs(&mut peer, first, second);
        let names = format!("{first} + {second}");
        for (kind, cert, issuers) in [
            ("root", root, vec![]),
            ("issuing CA", issuing, vec![]),
            ("leaf", leaf, vec![issuing.as_slice()]),
        ] {
            let what = format!("its path with alternative signatures, {kind}");
            judge::certificate(PEER, &what, cert, |cert| {
                let path: Vec<&[u8]> = [cert].into_iter().chain(issuers.iter().copied()).collect();
                our_path(&path, root, SecurityPolicy::Hybrid)
                    .map_err(|reason| format!("{names}: {reason}"))
            });
            let issuer = Certificate::from_der(issuers.first().copied().unwrap_or(root)).unwrap();
            let key = issuer.extensions().alt_public_key().unwrap();
            let what = format!("its alternative signature, {kind}");
            accepted_but_no_twin(PEER, &what, cert, &alternative_twins(cert), |cert| {
                let certificate = Certificate::from_der(cert).map_err(|error| error.to_string())?;
                let verdict = verify_alt_signature(&certificate, key);
                verdict.map(drop).map_err(|error| format!("{names}: {error}"))
            });
        }
    }
}

/// Root, issuing authority and leaf.
fn make_theirs(peer: &mut Harness, first: &Algorithm, second: &Algorithm) -> [Vec<u8>; 3] {
    let mut make = |subject: &str, issuer: Option<&Value>, ca: bool| {
        let mut ask = json!({ "algorithm": key_name(first), "altAlgorithm": key_name(second),
            "subject": subject, "dns": ["leaf.test"], "ca": ca });
        if let Some(issuer) = issuer {
            ask["issuerCert"] = issuer["cert"].clone();
            ask["issuerKey"] = issuer["key"].clone();
            ask["issuerAltKey"] = issuer["altKey"].clone();
        }
        peer.call("makeAltCert", ask).unwrap_or_else(|error| panic!("{first} + {second}: {error}"))
    };
    let root = make("CN=Their Root", None, true);
    let issuing = make("CN=Their Issuing CA", Some(&root), true);
    let leaf = make("CN=Their Leaf", Some(&issuing), false);
    [root, issuing, leaf].map(|made| octets(&made, "cert"))
}

/// A certificate without an alternative signature satisfies nobody who demands both kinds, whoever issued it.
#[test]
fn a_leaf_without_the_second_signature_is_refused_by_the_hybrid_policy() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    let root =
        json!({ "algorithm": "ECDSA-P256", "altAlgorithm": "ML-DSA-65", "subject": "CN=Root" });
    let root = peer.call("makeAltCert", root).unwrap();
    let leaf = json!({ "algorithm": "ECDSA-P256", "dns": ["leaf.test"], "subject": "CN=Leaf",
        "issuerCert": root["cert"], "issuerKey": root["key"] });
    let leaf = octets(&peer.call("makeLeaf", leaf).unwrap(), "cert");
    let root = octets(&root, "cert");
    our_path(&[&leaf], &root, SecurityPolicy::Any).unwrap();
    for policy in [SecurityPolicy::Hybrid, SecurityPolicy::PostQuantum] {
        let refused = our_path(&[&leaf], &root, policy).unwrap_err();
        assert!(refused.contains("found ECDSA with SHA-256 alone"), "{policy}: {refused}");
        tried(PEER, "its leaf without an alternative signature", "refused by policy");
    }
}
