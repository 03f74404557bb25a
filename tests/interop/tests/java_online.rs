//! Java's PKIX and Bouncy Castle's fetch a live server's list and ask it by OCSP, at the URLs that certificates carry.
//!
//! A Java process keeps the lists that it fetched, so that each question has a process of its own, for both validators
//! and both ways. Where Java does not know an algorithm, Bouncy Castle checks the signatures for Java's validator.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::net::SocketAddr;
use std::path::Path;

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::crl::CrlBuilder;
use ca_core::key::PrivateKey;
use ca_core::ocsp::{Answer, CertId, CertIdHash, CertStatus, Responder, UpdateWindow};
use ca_core::pem;
use interop::espalier::Espalier;
use interop::issue::{SigningKey, now};
use interop::judge::flipped;
use interop::online::{Impostor, LIST, Serving, found, free_address};
use interop::peers::{self, Installed, Peer, base64, tried};
use jiff::SignedDuration;
use serde_json::json;

const VALIDATORS: [&str; 2] = ["SUN", "BC"];
const WAYS: [&str; 2] = ["crl", "ocsp"];

/// What is said of a leaf.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Good,
    /// And why.
    Revoked,
    /// Refused, since nobody can tell.
    Unknown,
}

impl Verdict {
    fn is(self, said: &Result<(), String>) -> bool {
        // Java says REVOKED and KEY_COMPROMISE, Bouncy Castle `revocation after …, reason: keyCompromise`.
        let text = said.as_ref().err().map(|reason| reason.to_lowercase().replace('_', ""));
        let is_revoked = text.as_ref().map(|reason| reason.contains("keycompromise"));
        match self {
            Self::Good => is_revoked.is_none(),
            Self::Revoked => is_revoked == Some(true),
            Self::Unknown => is_revoked == Some(false),
        }
    }
}

/// A folder with a CA and its leaves.
struct World<'a> {
    java: &'a Installed,
    command: &'a str,
    folder: &'a Path,
    algorithm: &'a Algorithm,
}

impl World<'_> {
    fn certificate(&self, name: &str) -> Certificate {
        let octets = std::fs::read(self.folder.join(format!("{name}.pem"))).unwrap();
        pem::read_certificates(&octets).unwrap().remove(0)
    }

    /// Each validator says this of these leaves, by list and by OCSP.
    #[track_caller]
    fn all_say(&self, wanted: &[(&str, Verdict)]) {
        let mut java = self.java.harness_by(self.command);
        let [issuing, root] = ["issuing", "root"].map(|name| base64(self.certificate(name).der()));
        for (validator, by) in VALIDATORS.iter().flat_map(|one| WAYS.map(|by| (one, by))) {
            for (leaf, verdict) in wanted {
                let certs = [base64(self.certificate(leaf).der()), issuing.clone()];
                let fields =
                    json!({ "certs": certs, "anchor": root, "provider": validator, "by": by });
                let said = java.call("checkOnline", fields).map(drop);
                assert!(
                    verdict.is(&said),
                    "{}, {leaf}, {validator}, {by}: {said:?}",
                    self.algorithm
                );
            }
        }
    }

    /// Somebody who answers in the server's place, by what is refused.
    #[track_caller]
    fn refused(&self, address: SocketAddr, list: Vec<u8>, response: Vec<u8>) {
        let impostor = Impostor::start(address, list, response);
        self.all_say(&[("good", Verdict::Unknown)]);
        let asked = impostor.end();
        assert!(asked >= 4, "{asked} questions came, and there were four");
    }

    /// A list of yesterday, and an answer that was good for the authority's first minute, rightly signed.
    fn stale(&self) -> (Vec<u8>, Vec<u8>) {
        let octets = std::fs::read(self.folder.join("espalier-data/authorities/issuing/key.pem"));
        let pem::Input::Pem(blocks) = pem::read(&octets.unwrap()).unwrap() else {
            panic!("no PEM")
        };
        let key = PrivateKey::from_der(blocks[0].der()).unwrap();
        let key = SigningKey { key, scheme: self.algorithm.scheme() };
        let signer = key.key.signer(key.scheme).unwrap();
        let issuing = self.certificate("issuing");
        let (since, until) =
            (now() - SignedDuration::from_hours(48), now() - SignedDuration::from_hours(24));
        let mut list = Vec::new();
        let builder = CrlBuilder::new(&issuing, 1_u64.into(), since, until).unwrap();
        builder.sign([], &signer, &mut list).unwrap();
        let cert_id = CertId::of(&self.certificate("good"), &issuing, CertIdHash::Sha1).unwrap();
        let answer = Answer { cert_id, status: CertStatus::Good, archive_cutoff: None };
        // Nobody answers before the authority's time, which began a few minutes before it was made.
        let since = issuing.validity().not_before();
        let until = since + SignedDuration::from_mins(1);
        let window = UpdateWindow::new(since, since, Some(until)).unwrap();
        let responder = Responder::authority(&issuing, &signer).unwrap();
        (list, responder.sign(&[answer], &window, None).unwrap())
    }
}

/// All of it for one algorithm, by one of the Javas.
fn judged(java: &Installed, command: &str, algorithm: &Algorithm) {
    use Verdict::{Good, Revoked};
    let folder = tempfile::tempdir().unwrap();
    let (espalier, address) = (Espalier::in_folder(folder.path()), free_address());
    found(&espalier, folder.path(), &algorithm.to_string(), address);
    let world = World { java, command, folder: folder.path(), algorithm };
    let server = Serving::start(&espalier, address);
    let first = server.fetch(LIST);
    world.all_say(&[("good", Good), ("bad", Good)]);
    let response = |name: &str| {
        let file = format!("{name}.req");
        let line = format!("ocsp request --issuer issuing.pem --no-nonce {name}.pem --out {file}");
        espalier.done(&line);
        server.ocsp(&std::fs::read(folder.path().join(file)).unwrap())
    };
    let (good, of_another) = (response("good"), response("bad"));

    espalier.done("cert revoke bad.pem --reason keyCompromise");
    let list = server.list_other_than(&first);
    world.all_say(&[("good", Good), ("bad", Revoked)]);
    drop(server);

    // The twin of all that follows: the impostor is believed when it says what the server said.
    let impostor = Impostor::start(address, list.clone(), good.clone());
    world.all_say(&[("good", Good)]);
    drop(impostor);
    world.refused(address, last_bent(&list), last_bent(&good));
    espalier.done("crl make root --der --out root.crl");
    let of_another_issuer = std::fs::read(folder.path().join("root.crl")).unwrap();
    world.refused(address, of_another_issuer, of_another);
    let (old_list, old_answer) = world.stale();
    world.refused(address, old_list, old_answer);
}

fn last_bent(der: &[u8]) -> Vec<u8> {
    flipped(der, der.len() - 9)
}

#[test]
fn java_and_bouncy_castle_check_revocation_through_the_urls_of_certificates() {
    let Peer::Present(java) = peers::peer("bouncycastle") else { return };
    for name in ["ECDSA-P256", "MLDSA65-ECDSA-P256-SHA512"] {
        judged(&java, "harness-brief", Algorithm::named(name).unwrap());
        let outcome = "accepted; revoked, foreign, stale and flipped ones refused";
        for peer in ["java", "bouncycastle"] {
            tried(peer, &format!("live CRL and OCSP URLs: {name}"), outcome);
        }
    }
}

#[test]
fn a_java_that_knows_ml_dsa_checks_revocation_through_the_urls_of_certificates() {
    let Peer::Present(java) = peers::peer("bouncycastle") else { return };
    let what = "live CRL and OCSP URLs: ML-DSA-65";
    // Without one, Bouncy Castle checks the signatures for an older one.
    let newer = java.has("harness-ml-dsa");
    let command = if newer { "harness-ml-dsa" } else { "harness-brief" };
    judged(&java, command, Algorithm::named("ML-DSA-65").unwrap());
    let by = if newer { "by itself" } else { "by Bouncy Castle's ML-DSA" };
    let outcome = format!("{by}: accepted; revoked, foreign, stale and flipped ones refused");
    for peer in ["java", "bouncycastle"] {
        tried(peer, what, &outcome);
    }
}
