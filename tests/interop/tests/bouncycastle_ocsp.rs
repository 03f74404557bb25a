//! Bouncy Castle: OCSP of every family, both ways; pkilint on our responses.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::ocsp::{CertId, CertIdHash, CertStatus, Nonce, OcspRequest};
use interop::bouncy_castle::signature_name;
use interop::issue::{LEAF_NAME, Role, pkcs8, request_for, rng};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::ocsp::{Answering, By, revoked, twins};
use interop::peers::{self, Harness, Peer, base64, octets, tried};
use serde_json::{Value, json};

const PEER: &str = "bouncycastle";

/// One of each kind of signature; the composites with every kind of classical half.
const ALGORITHMS: &[&str] = &[
    "ECDSA-P256",
    "RSA-2048",
    "RSA-2048-PSS",
    "Ed25519",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "SLH-DSA-SHA2-128f",
    "MLDSA44-RSA2048-PSS-SHA256",
    "MLDSA44-ECDSA-P256-SHA256",
    "MLDSA65-ECDSA-P256-SHA512",
    "MLDSA65-ECDSA-brainpoolP256r1-SHA512",
    "MLDSA65-Ed25519-SHA512",
    "MLDSA87-ECDSA-P384-SHA512",
    "MLDSA87-Ed448-SHAKE256",
];

fn worlds() -> impl Iterator<Item = (&'static Algorithm, Answering)> {
    ALGORITHMS.iter().map(|name| {
        let algorithm = Algorithm::named(name).unwrap();
        (algorithm, Answering::of(algorithm))
    })
}

/// Whether Bouncy Castle takes the leaf as valid and not revoked.
fn check(
    peer: &mut Harness,
    world: &Answering,
    response: &[u8],
    nonce: Option<&Nonce>,
) -> Result<(), String> {
    let mut fields = json!({
        "cert": base64(world.chain.leaf.der()),
        "issuer": base64(world.issuer().der()),
        "response": base64(response),
    });
    if let Some(nonce) = nonce {
        fields["nonce"] = base64(nonce.as_bytes()).into();
    }
    peer.call("checkOcsp", fields).map(drop)
}

#[test]
fn it_judges_our_responses() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for (algorithm, world) in worlds() {
        for by in By::ALL {
            let leaf = &world.chain.leaf;
            let nonce = Nonce::generate(&mut rng());
            let good = world.answer(by, leaf, CertStatus::Good, Some(&nonce));
            let what = format!("our {} OCSP response {}, good", algorithm.family(), by.name());
            accepted_but_no_twin(PEER, &what, &good, &twins(&good), |der| {
                let judged = check(&mut peer, &world, der, Some(&nonce));
                judged.map_err(|error| format!("{algorithm}: {error}"))
            });
            let mut refused = |what: &str, response: &[u8], nonce: Option<&Nonce>, why: &str| {
                let error = check(&mut peer, &world, response, nonce).unwrap_err();
                assert!(error.contains(why), "{algorithm}: {what}: {error}");
                tried(PEER, &format!("our OCSP response {}: {what}", by.name()), "refused");
            };
            refused("another nonce", &good, Some(&Nonce::generate(&mut rng())), "nonce mismatch");
            let other = request_for("CN=leaf.test", &[LEAF_NAME], &world.chain.leaf_key, None);
            let other = world.chain.issuing.issue("tls-server", other);
            let other = world.answer(by, &other, CertStatus::Good, None);
            refused("another leaf", &other, None, "");
            let status = world.answer(by, leaf, revoked(), None);
            refused("revoked", &status, None, "certificate revoked, reason=");
        }
    }
}

#[test]
fn it_reads_our_requests_and_we_judge_its_answers() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for (algorithm, world) in worlds() {
        for hash in CertIdHash::ALL {
            let nonce = Nonce::generate(&mut rng());
            let cert_id = CertId::of(&world.chain.leaf, world.issuer(), hash).unwrap();
            let request = OcspRequest::build(&[cert_id], Some(&nonce)).unwrap();
            let mut ask = |der: &[u8]| {
                let fields = json!({
                    "request": base64(der),
                    "cert": base64(world.chain.leaf.der()),
                    "issuer": base64(world.issuer().der()),
                });
                let answer = peer.call("readOcspRequest", fields)?;
                let found = octets(&answer, "nonce");
                if found == nonce.as_bytes() { Ok(()) } else { Err("another nonce".to_owned()) }
            };
            let serial = world.chain.leaf.serial_octets();
            let at = request.der().windows(20).position(|window| window == serial).unwrap();
            let twins = [
                ("the serial number", flipped(request.der(), at + 9)),
                ("the issuer's key hash", flipped(request.der(), at - 4)),
                ("the nonce", flipped(request.der(), request.der().len() - 1)),
            ];
            let what = format!("our OCSP request, {hash}");
            accepted_but_no_twin(PEER, &what, request.der(), &twins, &mut ask);
        }
        for (by, by_key) in [(By::Authority, true), (By::Delegate, false), (By::Delegate, true)] {
            for status in ["good", "revoked", "unknown"] {
                judge_its_answer(&mut peer, algorithm, &world, by, by_key, status);
            }
        }
    }
}

fn judge_its_answer(
    peer: &mut Harness,
    algorithm: &Algorithm,
    world: &Answering,
    by: By,
    by_key: bool,
    status: &str,
) {
    let nonce = Nonce::generate(&mut rng());
    let cert_id = CertId::of(&world.chain.leaf, world.issuer(), CertIdHash::Sha256).unwrap();
    let request = OcspRequest::build(&[cert_id], Some(&nonce)).unwrap();
    let (certificate, role) = world.responder(by);
    let fields = signed_by(
        algorithm,
        json!({
            "request": base64(request.der()),
            "responderCert": base64(certificate.der()),
            "responderKey": base64(&pkcs8(algorithm, role)),
            "byKey": by_key,
            "bare": by == By::Authority,
            "status": status,
        }),
    );
    let answer = peer.call("makeOcspResponse", fields);
    let answer = answer.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
    let theirs = octets(&answer, "response");
    let what = format!("its {} OCSP response {}, {status}", algorithm.family(), by.name());
    if status == "unknown" {
        let error = world.judge(&theirs, Some(&nonce), "good").unwrap_err();
        assert!(error.contains("the OCSP responder does not know"), "{algorithm}: {error}");
        tried(PEER, &what, "unknown");
        return;
    }
    accepted_but_no_twin(PEER, &what, &theirs, &twins(&theirs), |der| {
        let judged = world.judge(der, Some(&nonce), status);
        judged.map_err(|error| format!("{algorithm}: {error}"))
    });
    world.judge(&theirs, Some(&Nonce::generate(&mut rng())), status).unwrap_err();
}

fn signed_by(algorithm: &Algorithm, mut fields: Value) -> Value {
    if let Some(name) = signature_name(algorithm) {
        fields["signatureAlgorithm"] = name.into();
    }
    fields
}

#[test]
fn we_read_its_requests() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for (algorithm, world) in worlds() {
        let nonce = Nonce::generate(&mut rng());
        for hash in CertIdHash::ALL {
            let fields = json!({
                "cert": base64(world.chain.leaf.der()),
                "issuer": base64(world.issuer().der()),
                "hash": hash.oid().to_string(),
                "nonce": base64(nonce.as_bytes()),
            });
            let answer = peer.call("makeOcspRequest", fields).unwrap();
            let request = OcspRequest::from_der(octets(&answer, "request")).unwrap();
            let [cert_id] = request.cert_ids() else { panic!("{request:?}") };
            assert_eq!(cert_id.hash(), hash);
            assert!(cert_id.is_of(&world.chain.leaf, world.issuer()));
            assert!(!cert_id.is_of(&world.delegate, world.issuer()));
            assert_eq!(request.nonce(), Some(&nonce));
        }
        tried(PEER, "its OCSP requests, by four hash functions", "read");
        let fields = signed_by(
            algorithm,
            json!({
                "cert": base64(world.chain.leaf.der()),
                "issuer": base64(world.issuer().der()),
                "signerCert": base64(world.delegate.der()),
                "signerKey": base64(&pkcs8(algorithm, Role::Responder)),
            }),
        );
        let der = octets(&peer.call("makeOcspRequest", fields).unwrap(), "request");
        let request = OcspRequest::from_der(der.clone()).unwrap();
        let (_, signature) = request.signature().unwrap();
        let at = der.windows(signature.len()).position(|window| window == signature).unwrap();
        let twins = [("the signature", flipped(&der, at + 8))];
        let what = format!("its {} signed OCSP request", algorithm.family());
        accepted_but_no_twin(PEER, &what, &der, &twins, |der| {
            let request = OcspRequest::from_der(der).map_err(|error| error.to_string())?;
            request.check_signature().map(drop).map_err(|error| format!("{algorithm}: {error}"))
        });
    }
}

#[test]
fn pkilint_finds_nothing_in_our_responses() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("response.der");
    let lint = |der: &[u8]| {
        std::fs::write(&file, der).unwrap();
        let mut findings = peers::findings(&pkilint, "ocsp", &file);
        findings.retain(|found| !matches!(found.severity.as_str(), "INFO" | "DEBUG"));
        findings
    };
    for name in ["ECDSA-P256", "ML-DSA-65", "MLDSA65-ECDSA-P256-SHA512"] {
        let algorithm = Algorithm::named(name).unwrap();
        let world = Answering::of(algorithm);
        let nonce = Nonce::generate(&mut rng());
        let responses = [
            (By::Authority, CertStatus::Good, None),
            (By::Delegate, revoked(), Some(&nonce)),
            (By::Delegate, CertStatus::NeverIssued, None),
        ];
        for (by, status, nonce) in responses {
            let der = world.answer(by, &world.chain.leaf, status, nonce);
            assert_eq!(lint(&der), [], "{name}: {by:?}: {status}");
            tried("pkilint", &format!("our {} OCSP responses", algorithm.family()), "clean");
        }
        // The twin: nextUpdate a century before thisUpdate.
        let mut der = world.answer(By::Authority, &world.chain.leaf, CertStatus::Good, None);
        let next = der.windows(4).rposition(|header| header == [0xa0, 0x11, 0x18, 0x0f]);
        der[next.unwrap() + 4] = b'1';
        assert_ne!(lint(&der), [], "{name}");
        tried("pkilint", "our OCSP responses, end before beginning", "found");
    }
}
