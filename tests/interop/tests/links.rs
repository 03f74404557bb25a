//! Link certificates between two generations of a root, by OpenSSL and Bouncy Castle: who trusts either root
//! verifies what stands below either.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::path::SecurityPolicy;
use ca_core::pem::{self, Label};
use ca_core::plan::Request;
use interop::issue::{Authority, LEAF_NAME, Role, SigningKey, request_for};
use interop::judge::{self, our_path};
use interop::openssl::OpenSsl;
use interop::peers::{self, base64};
use serde_json::json;

/// The old and the new root's algorithm. Both have one name, as `ca rekey` gives it.
const GENERATIONS: &[(&str, &str)] =
    &[("ECDSA-P256", "ML-DSA-65"), ("ML-DSA-44", "SLH-DSA-SHA2-128f"), ("RSA-2048", "Ed25519")];

/// A root, its link certificate by the other generation, and what it issued.
struct Generation {
    root: Certificate,
    link: Certificate,
    issuing: Certificate,
    leaf: Certificate,
}

fn generations(old: &str, new: &str) -> [Generation; 2] {
    let roots = [old, new].map(|name| Authority::root(Algorithm::named(name).unwrap(), None));
    let generation = |own: &Authority, other: &Authority| {
        let algorithm = Algorithm::named("ECDSA-P256").unwrap();
        let issuing = own.issuing(algorithm, None);
        let key = SigningKey::of(algorithm, Role::Leaf);
        let request = request_for("CN=leaf.test", &[LEAF_NAME], &key, None);
        Generation {
            root: own.certificate.clone(),
            link: other.issue("cross-ca", Request::cross(&own.certificate).unwrap()),
            leaf: issuing.issue("tls-server", request),
            issuing: issuing.certificate,
        }
    };
    let [old, new] = &roots;
    [generation(old, new), generation(new, old)]
}

/// For each direction: what was issued below one generation, and the root of the other.
fn directions() -> impl Iterator<Item = (String, Generation, Certificate)> {
    GENERATIONS.iter().flat_map(|(old, new)| {
        let [first, second] = generations(old, new);
        let roots = [second.root.clone(), first.root.clone()];
        let names = [format!("{old} by {new}"), format!("{new} by {old}")];
        names
            .into_iter()
            .zip([first, second])
            .zip(roots)
            .map(|((name, below), root)| (name, below, root))
    })
}

#[test]
fn we_verify_both_ways() {
    for (name, below, other) in directions() {
        let path = |link: &[u8]| {
            our_path(
                &[below.leaf.der(), below.issuing.der(), link],
                other.der(),
                SecurityPolicy::Any,
            )
        };
        judge::certificate("ca-core", &format!("link {name}"), below.link.der(), path);
        our_path(&[below.leaf.der(), below.issuing.der()], other.der(), SecurityPolicy::Any)
            .unwrap_err();
    }
}

#[test]
fn openssl_verifies_both_ways() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (name, below, other) in directions() {
        openssl.write_pem("root.pem", Label::Certificate, other.der());
        openssl.write_pem("leaf.pem", Label::Certificate, below.leaf.der());
        let verify = |ders: &[&[u8]]| {
            let text: String =
                ders.iter().map(|der| pem::encode(Label::Certificate, der)).collect();
            openssl.write("chain.pem", text);
            let files = "-CAfile root.pem -untrusted chain.pem leaf.pem";
            openssl.run(&format!("verify -x509_strict {files}")).map(drop)
        };
        let what = format!("our link certificate, {name}");
        judge::certificate("openssl", &what, below.link.der(), |link| {
            verify(&[below.issuing.der(), link])
        });
        verify(&[below.issuing.der()]).unwrap_err();
    }
}

#[test]
fn bouncy_castle_verifies_both_ways() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for (name, below, other) in directions() {
        let mut path = |certs: &[&[u8]]| {
            let certs: Vec<String> = certs.iter().map(|der| base64(der)).collect();
            let ask = json!({ "certs": certs, "anchors": [base64(other.der())] });
            peer.call("path", ask).map(drop)
        };
        let what = format!("our link certificate, {name}");
        judge::certificate("bouncycastle", &what, below.link.der(), |link| {
            path(&[below.leaf.der(), below.issuing.der(), link])
        });
        path(&[below.leaf.der(), below.issuing.der()]).unwrap_err();
    }
}
