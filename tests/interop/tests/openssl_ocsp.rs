//! OpenSSL's own `ocsp` command: it judges our responses and requests, and makes some for us.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::ocsp::{CertId, CertIdHash, CertStatus, Nonce, OcspRequest};
use ca_core::pem::Label;
use interop::issue::{LEAF_NAME, Role, SigningKey, pkcs8, request_for, rng};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::ocsp::{Answering, By, revoked, twins};
use interop::openssl::OpenSsl;
use interop::peers::tried;

const PEER: &str = "openssl";

/// OpenSSL knows no composites.
const ALGORITHMS: &[&str] = &[
    "ECDSA-P256",
    "ECDSA-P384",
    "Ed25519",
    "RSA-2048",
    "RSA-2048-PSS",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "SLH-DSA-SHA2-128f",
];

fn worlds() -> impl Iterator<Item = (&'static Algorithm, Answering)> {
    ALGORITHMS.iter().map(|name| {
        let algorithm = Algorithm::named(name).unwrap();
        (algorithm, Answering::of(algorithm))
    })
}

fn write_certificates(openssl: &OpenSsl, world: &Answering) {
    let certificates = [
        ("root.pem", &world.chain.root.certificate),
        ("issuing.pem", world.issuer()),
        ("leaf.pem", &world.chain.leaf),
        ("delegate.pem", &world.delegate),
    ];
    for (file, certificate) in certificates {
        openssl.write_pem(file, Label::Certificate, certificate.der());
    }
}

/// What `openssl ocsp` says of the response in `response.der` about the leaf.
fn verdict(openssl: &OpenSsl, wanted: &str) -> Result<(), String> {
    let files = "-respin response.der -issuer issuing.pem -cert leaf.pem -CAfile root.pem";
    let output = openssl.run(&format!("ocsp {files} -verify_other issuing.pem -no_nonce"))?;
    let told = String::from_utf8_lossy(&output.octets).into_owned();
    let verified = output.error.contains("Response verify OK") && !output.error.contains("WARNING");
    if verified && told.starts_with(&format!("leaf.pem: {wanted}\n")) {
        return Ok(());
    }
    Err(format!("{told}{}", output.error))
}

#[test]
fn it_judges_our_responses() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (algorithm, world) in worlds() {
        write_certificates(&openssl, &world);
        let judge = |by: By, what: &str, der: &[u8], wanted: &str| {
            let what = format!("our {} OCSP response {}, {what}", algorithm.family(), by.name());
            accepted_but_no_twin(PEER, &what, der, &twins(der), |der| {
                openssl.write("response.der", der);
                verdict(&openssl, wanted).map_err(|error| format!("{algorithm}: {error}"))
            });
        };
        for by in By::ALL {
            let leaf = &world.chain.leaf;
            judge(by, "good", &world.answer(by, leaf, CertStatus::Good, None), "good");
            judge(by, "revoked", &world.answer(by, leaf, revoked(), None), "revoked");
            judge(by, "unknown", &world.answer(by, leaf, CertStatus::Unknown, None), "unknown");
            let never = world.answer(by, leaf, CertStatus::NeverIssued, None);
            judge(by, "never issued", &never, "revoked");
            refuses_others(&openssl, &world, by);
        }
        for by in By::ALL {
            ties_responses_to_requests(&openssl, algorithm, &world, by);
        }
    }
}

/// With a request from a file OpenSSL compares the nonces; with `-cert` beside it, it does not.
fn ties_responses_to_requests(openssl: &OpenSsl, algorithm: &Algorithm, world: &Answering, by: By) {
    let verdict = || {
        let files = "-respin response.der -reqin request.der -CAfile root.pem";
        let output = openssl.run(&format!("ocsp {files} -verify_other issuing.pem -no_nonce"))?;
        let verified = output.error == "Response verify OK\n";
        if verified { Ok(()) } else { Err(output.error) }
    };
    let nonce = Nonce::generate(&mut rng());
    let der = world.answer(by, &world.chain.leaf, CertStatus::Good, Some(&nonce));
    openssl.write("request.der", our_request(world, Some(&nonce)).der());
    let what = format!("our {} OCSP response {}, nonce", algorithm.family(), by.name());
    accepted_but_no_twin(PEER, &what, &der, &twins(&der), |der| {
        openssl.write("response.der", der);
        verdict().map_err(|error| format!("{algorithm}: {error}"))
    });
    openssl.write("response.der", &der);
    openssl.write("request.der", our_request(world, Some(&Nonce::generate(&mut rng()))).der());
    let error = verdict().unwrap_err();
    assert!(error.contains("Nonce Verify error"), "{algorithm}: {error}");
    tried(PEER, "our OCSP response to another nonce", "refused");
}

/// A response about another leaf.
fn refuses_others(openssl: &OpenSsl, world: &Answering, by: By) {
    let key = &world.chain.leaf_key;
    let request = request_for("CN=leaf.test", &[LEAF_NAME], key, None);
    let other: Certificate = world.chain.issuing.issue("tls-server", request);
    openssl.write("response.der", world.answer(by, &other, CertStatus::Good, None));
    let error = verdict(openssl, "good").unwrap_err();
    // The signature is right; it ends with another status because it finds nothing about the leaf.
    assert!(error.contains("Response verify OK"), "{error}");
    tried(PEER, "our OCSP response about another leaf", "refused");
}

fn our_request(world: &Answering, nonce: Option<&Nonce>) -> OcspRequest {
    let cert_id = CertId::of(&world.chain.leaf, world.issuer(), CertIdHash::Sha1).unwrap();
    OcspRequest::build(&[cert_id], nonce).unwrap()
}

/// Writes the index of OpenSSL's own small authority: the leaf as valid or as revoked.
fn write_index(openssl: &OpenSsl, leaf: &Certificate, is_revoked: bool) {
    let serial: String = leaf.serial_octets().iter().map(|octet| format!("{octet:02X}")).collect();
    let (kind, revoked) = if is_revoked { ("R", "260101000000Z,keyCompromise") } else { ("V", "") };
    openssl.write(
        "index.txt",
        format!("{kind}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=leaf\n"),
    );
}

/// OpenSSL answers our requests; we judge its answers.
#[test]
fn it_answers_our_requests_and_we_judge_the_answers() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (algorithm, world) in worlds() {
        write_certificates(&openssl, &world);
        for by in By::ALL {
            let (certificate, role) = world.responder(by);
            openssl.write_pem("responder.pem", Label::Certificate, certificate.der());
            openssl.write_pem("responder.key", Label::PrivateKey, &pkcs8(algorithm, role));
            let padding = if algorithm.name().ends_with("PSS") {
                "-rmd sha256 -rsigopt rsa_padding_mode:pss -rsigopt rsa_pss_saltlen:digest"
            } else {
                ""
            };
            for (is_revoked, status, id) in [
                (false, "good", ""),
                (true, "revoked", "-resp_key_id"),
                (false, "good", "-ndays 2"),
            ] {
                write_index(&openssl, &world.chain.leaf, is_revoked);
                let nonce = Nonce::generate(&mut rng());
                openssl.write("request.der", our_request(&world, Some(&nonce)).der());
                let files =
                    "-index index.txt -CA issuing.pem -rsigner responder.pem -rkey responder.key";
                let words = format!(
                    "ocsp {files} -reqin request.der -no_nonce -respout theirs.der -noverify {padding} {id}"
                );
                openssl.run(&words).unwrap_or_else(|error| panic!("{algorithm}: {error}"));
                let theirs = openssl.read("theirs.der");
                let what =
                    format!("its {} OCSP response {}, {status}", algorithm.family(), by.name());
                accepted_but_no_twin(PEER, &what, &theirs, &twins(&theirs), |der| {
                    let judged = world.judge(der, Some(&nonce), status);
                    judged.map_err(|error| format!("{algorithm}: {error}"))
                });
                let other = Nonce::generate(&mut rng());
                world.judge(&theirs, Some(&other), status).unwrap_err();
            }
        }
        tried(PEER, &format!("our {} OCSP request, answered", algorithm.family()), "read");
    }
}

/// The hash functions of a CertID that OpenSSL is asked for.
const HASHES: &[(&str, CertIdHash)] = &[
    ("", CertIdHash::Sha1),
    ("-sha256", CertIdHash::Sha256),
    ("-sha384", CertIdHash::Sha384),
    ("-sha512", CertIdHash::Sha512),
];

#[test]
fn we_read_its_requests() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (algorithm, world) in worlds() {
        write_certificates(&openssl, &world);
        for (option, hash) in HASHES {
            let ask =
                format!("ocsp {option} -issuer issuing.pem -cert leaf.pem -reqout request.der");
            openssl.run(&ask).unwrap();
            let request = OcspRequest::from_der(openssl.read("request.der")).unwrap();
            let [cert_id] = request.cert_ids() else { panic!("{algorithm}: {request:?}") };
            assert_eq!(cert_id.hash(), *hash);
            assert!(cert_id.is_of(&world.chain.leaf, world.issuer()), "{algorithm}");
            assert!(!cert_id.is_of(&world.delegate, world.issuer()), "{algorithm}");
            assert!(request.nonce().is_some() && !request.is_signed());
        }
        tried(PEER, "its OCSP requests, by four hash functions", "read");
        signed_request(&openssl, algorithm, &world);
    }
}

fn signed_request(openssl: &OpenSsl, algorithm: &Algorithm, world: &Answering) {
    openssl.write_pem("delegate.key", Label::PrivateKey, &pkcs8(algorithm, Role::Responder));
    let files = "-issuer issuing.pem -cert leaf.pem -signer delegate.pem -signkey delegate.key";
    openssl.run(&format!("ocsp {files} -reqout request.der")).unwrap();
    let der = openssl.read("request.der");
    let judge = |der: &[u8]| -> Result<(), String> {
        let request = OcspRequest::from_der(der).map_err(|error| error.to_string())?;
        let signer = request.check_signature().map_err(|error| error.to_string())?;
        assert_eq!(signer, Some(&world.delegate));
        Ok(())
    };
    let request = OcspRequest::from_der(der.clone()).unwrap();
    let (_, signature) = request.signature().unwrap();
    let find = |part: &[u8]| der.windows(part.len()).position(|window| window == part).unwrap();
    let (signature, serial) = (find(signature), find(world.chain.leaf.serial_octets()));
    let twins = [
        ("the signature", flipped(&der, signature + 8)),
        ("the serial", flipped(&der, serial + 9)),
    ];
    let what = format!("its {} signed OCSP request", algorithm.family());
    accepted_but_no_twin(PEER, &what, &der, &twins, |der| {
        judge(der).map_err(|error| format!("{algorithm}: {error}"))
    });
}

/// Our keys sign as ca-core has it; the role's key is the one whose certificate was issued.
#[test]
fn the_delegates_key_is_its_own() {
    let algorithm = Algorithm::named("ECDSA-P256").unwrap();
    let world = Answering::of(algorithm);
    let key = SigningKey::of(algorithm, Role::Responder);
    assert_eq!(key.key.public_key(), world.delegate.public_key());
    assert_ne!(key.key.public_key(), world.issuer().public_key());
}
