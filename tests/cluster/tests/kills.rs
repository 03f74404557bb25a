//! The issuer program, the server and the API server are killed under load, in turn, while a policy flips: every request
//! gets its certificate in the end, and none gets two; every Certificate has what its policy wants.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report; what was met

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};
use interop::peers::tried;
use rustix::process::Signal;
use serde_json::{Value, json};
use test_cluster::{AUTHORITIES, Controllers, Issuer, Namespace, Pair, Stand, Wanted, decoded};

/// How often something is killed, unless `ESPALIER_KILLS` says otherwise: the whole proof is 500, and
/// takes half an hour.
const KILLS: usize = 9;
/// Requests that are made before each kill.
const REQUESTS: usize = 6;
/// Certificates whose policy flips.
const CERTIFICATES: usize = 6;
/// How long requests may take once nothing is killed any more: longer than any back-off.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn no_request_gets_two_certificates_however_often_something_is_killed() {
    let Some(mut stand) = Stand::start(&AUTHORITIES[..2]) else { return };
    let started = Instant::now();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let flipped = flipped(&stand);
    let name = {
        let shop = stand.namespace("kills");
        shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
        shop.wait("pqissuer/issuer", "condition=Ready");
        shop.name().to_owned()
    };
    let mut made = 0;
    for round in 0..kills() {
        stand.cluster.namespaced(&flipped).apply(&policy(&flipped, &any_spec(&mut dice)));
        let requests: Vec<String> = (made..made + REQUESTS).map(|n| request(&stand, n)).collect();
        stand.cluster.namespaced(&name).apply(&requests.join("---\n"));
        made += REQUESTS;
        std::thread::sleep(Duration::from_millis(dice.roll(400)));
        match round % 3 {
            0 => {
                stand.controllers.end(Signal::KILL);
                std::thread::sleep(Duration::from_millis(dice.roll(300)));
                stand.controllers.start();
            }
            1 => {
                stand.server.end(Signal::KILL);
                std::thread::sleep(Duration::from_millis(dice.roll(300)));
                stand.server.start();
            }
            _ => {
                stand.cluster.kill();
                stand.cluster.start_again();
            }
        }
    }
    agrees(&mut stand, &flipped);
    let shop = stand.cluster.namespaced(&name);
    let told = all_issued(&mut stand.controllers, &shop, made);
    let records = stand.server.records();
    let (mut issued, mut cut_off) = (BTreeSet::new(), 0);
    for record in records.iter().filter(|record| record.uid().is_some()) {
        if record.is_issued() {
            issued.insert(record.uid().unwrap().to_owned());
        } else {
            cut_off += 1;
        }
    }
    // `records` found that nobody has two; here, that nobody was told what the ledger does not know. Those whom the
    // policy had issued anew have requests that cert-manager has removed.
    let unknown: Vec<&String> = told.difference(&issued).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let took = started.elapsed();
    println!(
        "{} kills in {took:?}: {made} requests, each with one certificate; {cut_off} records were cut off",
        kills()
    );
    tried(
        "kubernetes",
        "kills of issuer, server and API server",
        "one certificate for each request",
    );
}

/// A namespace with Certificates of a classical authority, whose issuer names a composite one as well.
fn flipped(stand: &Stand) -> String {
    stand.publish(&["classical", "composite"]);
    let shop = stand.namespace("flips");
    let issuer = stand.issuer(&Issuer::by_token("issuer", "classical"));
    shop.apply(&format!("{issuer}  authorities: {{composite: composite}}\n"));
    let wanted = (0..CERTIFICATES).map(|number| {
        let (name, issuer) = (format!("web-{number}"), ("PQIssuer", "issuer"));
        let spec = "dnsNames: [web.kills.test]\nprivateKey: {algorithm: ECDSA, size: 256}";
        Wanted { name: &name, issuer, spec }.manifest()
    });
    shop.apply(&wanted.collect::<Vec<_>>().join("---\n"));
    for number in 0..CERTIFICATES {
        shop.wait(&format!("certificate/web-{number}"), "condition=Ready");
    }
    shop.name().to_owned()
}

fn policy(namespace: &str, spec: &Value) -> String {
    let mut spec = spec.clone();
    let selector = json!({ "matchLabels": { "kubernetes.io/metadata.name": namespace } });
    spec["namespaceSelector"] = selector;
    spec["algorithms"] = json!(["dilithium3"]);
    let object = json!({
        "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
        "metadata": { "name": namespace }, "spec": spec,
    });
    object.to_string()
}

fn any_spec(dice: &mut Dice) -> Value {
    json!({ "active": dice.roll(2) == 0, "canary": { "percent": dice.roll(3) * 50 } })
}

/// Every Certificate has what its policy wants, whatever it wanted before: first that all are composite, then that none is.
fn agrees(stand: &mut Stand, flipped: &str) {
    for (active, authority, verify) in
        [(true, "composite", "--policy hybrid"), (false, "classical", "")]
    {
        let spec = json!({ "active": active, "canary": { "percent": 100 } });
        stand.cluster.namespaced(flipped).apply(&policy(flipped, &spec));
        let started = Instant::now();
        loop {
            stand.controllers.start_if_ended();
            let shop = stand.cluster.namespaced(flipped);
            let status = shop.get(&format!("pqpolicy/{flipped}"))["status"].clone();
            let adopted = if active { 100 } else { 0 };
            let rests = status["conditions"].as_array().is_some_and(|all| {
                all.iter().any(|one| one["type"] == "Progressing" && one["status"] == "False")
            });
            let secrets = shop.list("secrets");
            let pairs: Vec<Pair> = secrets
                .iter()
                .filter(|secret| secret["type"] == "kubernetes.io/tls")
                .filter_map(Pair::read)
                .collect();
            let agreed = pairs
                .iter()
                .filter(|pair| pair.verified(&stand.server, authority, verify).code == Some(0));
            if rests && status["adoptedPercent"] == adopted && agreed.count() == CERTIFICATES {
                break;
            }
            let told = || shop.kubectl().run(&["describe", "certificates"]).text();
            assert!(started.elapsed() < PATIENCE, "{status:#}\n{}", told());
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

fn kills() -> usize {
    std::env::var("ESPALIER_KILLS").map_or(KILLS, |number| number.parse().unwrap())
}

/// A request with a key of its own. No Certificate stands behind it: nobody asks again for us.
fn request(stand: &Stand, number: usize) -> String {
    let host = format!("h{number}.kills.test");
    stand.server.done(&format!(
        "csr create --algorithm p256 --no-passphrase --force --subject CN={host} --dns {host} --key-out k.key --out k.csr"
    ));
    let csr = Base64::encode_string(&fs::read(stand.server.file("k.csr")).unwrap());
    let issuer = json!({ "group": "espalier.dev", "kind": "PQIssuer", "name": "issuer" });
    let object = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": { "name": format!("r{number}") },
        "spec": { "request": csr, "issuerRef": issuer, "duration": "24h" },
    });
    format!("{object}\n")
}

/// Waits until every request has its certificate; the UIDs.
fn all_issued(
    controllers: &mut Controllers,
    shop: &Namespace<'_>,
    made: usize,
) -> BTreeSet<String> {
    let started = Instant::now();
    loop {
        controllers.start_if_ended();
        let requests = shop.list("certificaterequests");
        assert_eq!(requests.len(), made, "a request is gone");
        let waits: Vec<&Value> = requests.iter().filter(|request| !is_ready(request)).collect();
        if waits.is_empty() {
            for request in &requests {
                let chain = decoded(&request["status"]["certificate"]);
                assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
            }
            let uid = |request: &Value| request["metadata"]["uid"].as_str().unwrap().to_owned();
            return requests.iter().map(uid).collect();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{} of {made} wait, such as {:#}\n{}",
            waits.len(),
            waits[0]["status"],
            controllers.running().end_of_log()
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn is_ready(request: &Value) -> bool {
    let conditions = request["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Xorshift: the same moments in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
