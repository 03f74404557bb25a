//! Two replicas of the issuer program: one works and the other waits, whatever happens to the first.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use test_cluster::{Controllers, Namespace, SYSTEM, Stand, until};

use crate::{ready, stand, told, uid, wanted};

/// What a replica says that is ready to take over.
const WAITS: &str = "standby: another replica leads\n";

/// A standby that is ready to take over.
fn standby(stand: &Stand) -> Controllers {
    let mut other = stand.controllers.another();
    other.start();
    until("another replica is standby", || is(&other, 200, WAITS));
    other
}

/// Whether it says of itself that it is so far; one that starts or ends may say nothing.
fn is(replica: &Controllers, status: u16, phase: &str) -> bool {
    replica.asked("/readyz").is_ok_and(|told| told == (status, phase.to_owned()))
}

fn leads(replica: &Controllers) -> bool {
    replica.asked("/metrics").is_ok_and(|(_, text)| text.contains("espalier_issuer_leader 1\n"))
}

fn lease(stand: &Stand) -> Value {
    stand.cluster.namespaced(SYSTEM).get("lease/espalier-issuer")["spec"].take()
}

/// A request that the leader has sent to a server that does not answer; its name.
fn under_way(stand: &Stand, shop: &Namespace<'_>) -> String {
    stand.server.signal(Signal::STOP);
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    assert_eq!(told(shop, &request).1, "the server is asked for the certificate");
    request
}

#[test]
fn a_standby_takes_over_from_a_leader_that_hangs_and_nothing_is_issued_twice() {
    let Some(mut stand) = stand() else { return };
    let mut other = standby(&stand);
    let name = ready(&stand, "hangs").name().to_owned();
    let shop = stand.cluster.namespaced(&name);
    let request = under_way(&stand, &shop);
    let before = lease(&stand);
    stand.controllers.running().signal(Signal::STOP);
    // What the leader asked for is issued now, and nobody hears of it.
    stand.server.signal(Signal::CONT);
    let uid = uid(&shop, &request);
    until("issued", || stand.server.issued(&uid) == 1);
    assert!(!leads(&other), "who asked for it");
    until("the standby leads", || leads(&other));
    let after = lease(&stand);
    assert_ne!(after["holderIdentity"], before["holderIdentity"]);
    assert_eq!(
        after["leaseTransitions"].as_u64(),
        before["leaseTransitions"].as_u64().map(|n| n + 1)
    );
    shop.wait("certificate/web", "condition=Ready");
    let certificate = shop.get(&request)["status"]["certificate"].take();
    // Awake again it finds that it no longer leads, and ends, as a kubelet starts it anew.
    stand.controllers.running().signal(Signal::CONT);
    let ended = stand.controllers.ends();
    assert_eq!(ended.code(), Some(3), "{ended:?}");
    stand.controllers.start();
    until("the first waits", || is(&stand.controllers, 200, WAITS));
    let shop = stand.cluster.namespaced(&name);
    assert_eq!(shop.get(&request)["status"]["certificate"], certificate);
    assert_eq!(stand.server.issued(&uid), 1);
    assert_eq!(lease(&stand)["holderIdentity"], after["holderIdentity"]);
    // A leader that is told to end does not keep the others waiting for the end of its lease.
    other.end(Signal::TERM);
    assert_ne!(lease(&stand)["holderIdentity"], after["holderIdentity"]);
    until("the first leads again", || leads(&stand.controllers));
}

#[test]
fn a_leader_that_is_told_to_end_finishes_what_is_under_way_and_keeps_its_lease_so_long() {
    let Some(mut stand) = stand() else { return };
    let mut other = standby(&stand);
    let name = ready(&stand, "told-to-end").name().to_owned();
    let shop = stand.cluster.namespaced(&name);
    let request = under_way(&stand, &shop);
    stand.controllers.running().signal(Signal::TERM);
    until("it ends", || is(&stand.controllers, 503, "ending\n"));
    let holder = lease(&stand)["holderIdentity"].take();
    // For longer than a lease lasts here.
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(lease(&stand)["holderIdentity"], holder);
    assert!(!leads(&other));
    stand.server.signal(Signal::CONT);
    let ended = stand.controllers.ends();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    let shop = stand.cluster.namespaced(&name);
    assert_eq!(told(&shop, &request).0["reason"], "Issued", "by whom it was asked for");
    shop.wait("certificate/web", "condition=Ready");
    assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
    until("the other leads", || leads(&other));
    stand.controllers.start();
    other.end(Signal::TERM);
    until("the first leads again", || leads(&stand.controllers));
}
