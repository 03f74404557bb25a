//! Many requests at once, for an issuer whose server does not answer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use test_cluster::{Issuer, Namespace, Server};

use crate::{all_issued, bare, csr, ready, stand, wanted};

/// Requests of the flood, unless `ESPALIER_FLOOD` says otherwise: the whole proof is 10,000. More than all
/// issuers together have places.
const REQUESTS: usize = 300;
/// Requests that are sent to the API server together.
const TOGETHER: usize = 500;
/// What the issuer program may take of memory, in octets, and for each request that waits.
const MEMORY: (u64, u64) = (64 << 20, 8 << 10);
/// How long another issuer's certificate may take meanwhile: shorter than the patience with a server.
const MEANWHILE: Duration = Duration::from_secs(20);

fn requests() -> usize {
    std::env::var("ESPALIER_FLOOD").map_or(REQUESTS, |number| number.parse().unwrap())
}

#[test]
fn a_flood_at_a_server_that_is_stuck_starves_no_other_issuer() {
    let Some(stand) = stand() else { return };
    let (other, shop) = (ready(&stand, "calm"), stand.namespace("flood"));
    let mut server = stand.server_for(&shop);
    server.configure("{rate_limits: {requester_per_second: 100000, requester_burst: 100000}}");
    server.start();
    let own = Issuer {
        auth: "{token: {secretRef: {name: own}}}",
        ..Issuer::by_token("issuer", "composite")
    };
    shop.apply(&own.at(&server));
    shop.wait("pqissuer/issuer", "condition=Ready");
    let csr = csr(&shop);
    let started = Instant::now();
    server.signal(Signal::STOP);
    let count = requests();
    let all: Vec<usize> = (0..count).collect();
    for some in all.chunks(TOGETHER) {
        let manifests = some.iter().map(|n| bare(&format!("r{n}"), &csr, "PQIssuer", "issuer"));
        let words = ["create", "--validate=strict", "-f", "-"];
        shop.kubectl().run_on(&words, &manifests.collect::<String>()).ok();
    }
    println!("{count} requests made in {:?}", started.elapsed());
    // All places of the issuer are taken by now.
    shop.wait("certificaterequest/r40", "condition=Approved");
    let since = Instant::now();
    other.apply(&wanted("web"));
    other.wait("certificate/web", "condition=Ready");
    assert!(since.elapsed() < MEANWHILE, "another issuer waited {:?}", since.elapsed());
    println!("meanwhile another issuer's certificate took {:?}", since.elapsed());
    let stuck = readies(&shop).iter().filter(|(_, reason)| reason == "Issued").count();
    assert_eq!(stuck, 0, "the server was stopped: {stuck} were issued");
    server.signal(Signal::CONT);
    let told = all_served(&shop, count);
    println!("all have their certificates after {:?}", started.elapsed());
    let held = stand.controllers.running().memory();
    let most = MEMORY.0 + MEMORY.1 * count as u64;
    println!("the issuer program holds {held} octets");
    assert!(held <= most, "{held} octets, allowed are {most}");
    served_once(&server, &told);
}

/// UID and reason of `Ready` of each request of the flood.
fn readies(shop: &Namespace<'_>) -> Vec<(String, String)> {
    let columns = r#"jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.status.conditions[?(@.type=="Ready")].reason}{"\n"}{end}"#;
    let said = shop.kubectl().run(&["get", "certificaterequests", "--output", columns]).ok();
    let of_flood = said.lines().filter_map(|line| line.strip_prefix('r'));
    let pair = |line: &str| {
        let (_, line) = line.split_once(' ')?;
        line.split_once(' ').map(|(uid, reason)| (uid.to_owned(), reason.to_owned()))
    };
    of_flood.filter_map(pair).collect()
}

/// Waits until all are issued; their UIDs.
fn all_served(shop: &Namespace<'_>, count: usize) -> BTreeSet<String> {
    let patience = Duration::from_secs(120 + count as u64 / 5);
    let started = Instant::now();
    loop {
        let readies = readies(shop);
        let issued = readies.iter().filter(|(_, reason)| reason == "Issued").count();
        if issued == count {
            return readies.into_iter().map(|(uid, _)| uid).collect();
        }
        let failed = readies.iter().find(|(_, reason)| reason == "Failed");
        assert_eq!(failed, None, "nothing fails because there is much of it");
        assert!(started.elapsed() < patience, "{issued} of {count} are issued");
        std::thread::sleep(Duration::from_millis(500 + count as u64 / 4));
    }
}

/// Each of them has one certificate.
fn served_once(server: &Server, told: &BTreeSet<String>) {
    let mut issued = all_issued(server);
    issued.retain(|uid| told.contains(uid));
    issued.sort();
    assert!(issued.iter().eq(told.iter()), "{} of {}", issued.len(), told.len());
}
