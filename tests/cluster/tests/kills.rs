//! The issuer program, the server and the API server are killed under load, in turn: every request
//! gets its certificate in the end, and none gets two.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report; what was met

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};
use interop::peers::tried;
use rustix::process::Signal;
use serde_json::{Value, json};
use test_cluster::{AUTHORITIES, Controllers, Issuer, Namespace, Stand, decoded};

/// How often something is killed, unless `ESPALIER_KILLS` says otherwise: the whole proof is 500, and
/// takes half an hour.
const KILLS: usize = 9;
/// Requests that are made before each kill.
const REQUESTS: usize = 6;
/// How long requests may take once nothing is killed any more: longer than any back-off.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn no_request_gets_two_certificates_however_often_something_is_killed() {
    let Some(mut stand) = Stand::start(&AUTHORITIES[..2]) else { return };
    let started = Instant::now();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let name = {
        let shop = stand.namespace("kills");
        shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
        shop.wait("pqissuer/issuer", "condition=Ready");
        shop.name().to_owned()
    };
    let mut made = 0;
    for round in 0..kills() {
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
    // `records` found that nobody has two; here, that nobody was told what the ledger does not know.
    assert_eq!(told, issued);
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
