//! Policies that go back by themselves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::key::PrivateKey;
use ca_core::path::{Options, verify_path};
use ca_core::pem::{self, PrivateKeyDer};
use jiff::Timestamp;
use serde_json::{Value, json};
use test_cluster::{Asked, Between, Pair, Stand, Twist, Vigil, found};

use super::{all_are_of, manifest, shop_at, signed_by, status};

/// Certificates of the policy.
const ALL: usize = 10;
/// So many are signed by the new authority before it begins to fail.
const SIGNED: usize = 3;

/// Whether a request is one to be signed by the composite authority.
fn asks_composite(asked: &Asked) -> bool {
    let body = String::from_utf8_lossy(&asked.body);
    asked.is("POST", "/v1/certificates") && body.contains(r#""authority":"composite""#)
}

fn refusal(status: u16, kind: &str) -> Twist {
    let problem = json!({
        "type": format!("/docs/problems#{kind}"), "status": status, "title": "Refused",
        "detail": "told to say so", "request_id": "none",
    });
    Twist::Instead(status, "application/problem+json", problem.to_string())
}

#[expect(clippy::disallowed_methods, reason = "this is where the test's time comes from")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// What is wrong with what a Secret of a certificate had at some moment: it must have one that is valid under one of
/// the roots, and that is of its key.
fn wrong(event: &Value, roots: &[Certificate]) -> Option<String> {
    let name = &event["object"]["metadata"]["name"];
    if event["type"] == "DELETED" {
        return Some(format!("{name} was deleted"));
    }
    let Some(pair) = Pair::read(&event["object"]) else {
        return Some(format!("{name} has no certificate"));
    };
    let chain = pem::read_certificates(pair.chain.as_bytes()).unwrap();
    let outcome = verify_path(&chain[0], &chain[1..], roots, &Options::at(now()));
    let der = match pem::read_one_private_key_der(pair.key.as_bytes()).unwrap() {
        PrivateKeyDer::Clear(der) => der,
        PrivateKeyDer::Encrypted(_) => return Some(format!("{name}: the key is encrypted")),
    };
    let key = PrivateKey::from_der(&der).unwrap();
    match outcome.error {
        Some(error) => Some(format!("{name}: {error}")),
        None if key.public_key().spki_der() != chain[0].public_key().spki_der() => {
            Some(format!("{name}: the key is another one"))
        }
        None => None,
    }
}

/// The new authority signs three of ten and then no more, whatever it says then. Nobody is without a valid certificate at any
/// moment, everybody comes back, and stays there until the policy changes.
fn goes_back(start: &str, refuses: impl Fn() -> Twist + Send + Sync + 'static) {
    let Some(stand) = Stand::shared() else { return };
    let root = stand.server.certificate(&format!("{}-root", stand.server.door()));
    let through = Between::before(&stand.server.url(), &root);
    let shop = shop_at(stand, start, ALL, &through.url());
    let left = AtomicUsize::new(SIGNED);
    through.does(move |asked: &Asked| {
        let one_less = |left: usize| left.checked_sub(1);
        let is_signed =
            || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        if asks_composite(asked) && !is_signed() { refuses() } else { Twist::Pass }
    });
    let vigil = Vigil::over(&shop, "secrets", stand.cluster.folder());
    shop.apply(&manifest(&shop, &json!({ "algorithms": ["dilithium3"] })));
    let back = status(&shop, |status| !status["lastRollback"].is_null());
    let why = back["lastRollback"]["why"].as_str().unwrap();
    let first = format!(" of {ALL} failed, the first {}/web-", shop.name());
    assert!(why.contains(&first) && why.contains("told to say so"), "{why}");
    all_are_of(stand, &shop, "classical", "any");
    // Events about objects of the cluster are kept there.
    let everywhere = stand.cluster.namespaced("default");
    everywhere.event(&format!("pqpolicy/{}", shop.name()), "told to say so");
    let is_back = status(&shop, |status| {
        let conditions = status["conditions"].as_array().unwrap();
        let holds = |kind: &str| {
            conditions.iter().any(|one| one["type"] == kind && one["status"] == "True")
        };
        holds("RolledBack") && !holds("Progressing")
    });
    assert_eq!(is_back["adoptedPercent"], 0);
    // It stays there, though everybody is well again.
    through.passes();
    sleep(Duration::from_secs(5));
    assert_eq!(signed_by(stand, &shop, "classical", "any"), ALL);
    let roots = ["classical", "composite"].map(|name| {
        let root = stand.server.certificate(&format!("{name}-root"));
        pem::read_one_certificate(root.as_bytes()).unwrap()
    });
    let events = vigil.events();
    let secrets: Vec<&Value> =
        events.iter().filter(|event| event["object"]["type"] == "kubernetes.io/tls").collect();
    let complaints: Vec<String> = secrets.iter().filter_map(|one| wrong(one, &roots)).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    // Each as it was, those that were signed, and these again on the way back.
    assert!(secrets.len() >= ALL + 2 * SIGNED, "{} states were seen", secrets.len());
    // Another spec is tried anew.
    shop.apply(&manifest(&shop, &json!({ "algorithms": ["dilithium3", "kyber768"] })));
    all_are_of(stand, &shop, "composite", "hybrid");
}

/// Its failures are final for cert-manager, which would try again in an hour.
#[test]
fn a_policy_whose_authority_begins_to_refuse_goes_back_by_itself() {
    goes_back("refusing", || refusal(422, "certificate-refused"));
}

/// The issuer's own authority is as well as before, and its requests don't wait.
#[test]
fn a_policy_whose_authority_may_not_be_asked_any_more_goes_back_by_itself() {
    goes_back("forbidden", || refusal(403, "forbidden"));
}

/// The answer of the new authority is cut off, and the policy is turned back in between: the request has the certificate
/// that was recorded for it, no second one, and the object comes back by another request.
#[test]
fn a_request_that_was_asked_for_stays_with_its_authority() {
    let Some(stand) = Stand::shared() else { return };
    let root = stand.server.certificate(&format!("{}-root", stand.server.door()));
    let through = Between::before(&stand.server.url(), &root);
    let shop = shop_at(stand, "cut-off", 1, &through.url());
    through.does(|asked: &Asked| if asks_composite(asked) { Twist::Half } else { Twist::Pass });
    shop.apply(&manifest(&shop, &json!({ "algorithms": ["dilithium3"] })));
    // It is recorded and issued at the server, and nobody is told.
    let second = || {
        let requests = shop.list("certificaterequests");
        let second = requests.iter().find(|one| one["metadata"]["name"] == "web-0-2")?;
        let uid = second["metadata"]["uid"].as_str().unwrap().to_owned();
        (stand.server.issued(&uid) == 1).then_some(uid)
    };
    let uid = found(second, || "nothing was issued".to_owned());
    let back = json!({ "algorithms": ["dilithium3"], "active": false });
    shop.apply(&manifest(&shop, &back));
    through.passes();
    all_are_of(stand, &shop, "classical", "any");
    assert_eq!(stand.server.issued(&uid), 1, "and no second one");
}
