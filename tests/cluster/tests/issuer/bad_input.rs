//! What goes wrong on the way between issuer and server: the right words, no hot loop, and never a
//! second certificate.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use test_cluster::{Issuer, Namespace, Server, Stand, Wanted, free_port};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";
const OWN: &str = "{token: {secretRef: {name: own}}}";

fn issuer() -> Issuer<'static> {
    Issuer { auth: OWN, ..Issuer::by_token("issuer", "composite") }
}

fn wanted(name: &str) -> String {
    let spec = SPEC.replace("web", name);
    Wanted { name, issuer: ("PQIssuer", "issuer"), spec: &spec }.manifest()
}

fn uid(shop: &Namespace<'_>, request: &str) -> String {
    shop.get(request)["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// One certificate was issued for the newest request of a Certificate, and little was told of it.
fn issued_once(shop: &Namespace<'_>, server: &Server, certificate: &str) {
    let request = shop.request_of(certificate);
    assert_eq!(server.issued(&uid(shop, &request)), 1, "{certificate}");
    let notes = shop.notes(&request);
    assert!(notes.len() <= 6, "{certificate}: {notes:?}");
}

/// A namespace whose issuer is ready, at a server of its own.
fn ready(stand: &'static Stand, name: &str) -> (Namespace<'static>, Server) {
    let shop = stand.namespace(name);
    let mut server = stand.server_for(&shop);
    server.start();
    shop.apply(&issuer().at(&server));
    shop.wait("pqissuer/issuer", "condition=Ready");
    (shop, server)
}

#[test]
fn a_server_that_is_not_there_is_waited_for() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("unreachable");
    let mut server = stand.server_for(&shop);
    server.listens_on(free_port());
    shop.apply(&issuer().at(&server));
    shop.apply(&wanted("web"));
    shop.wait("pqissuer/issuer", "condition=Ready=False");
    let ready = shop.condition("pqissuer/issuer", "Ready");
    assert!(ready["message"].as_str().unwrap().contains(&server.url()), "{ready}");
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    assert_eq!(shop.condition(&request, "Ready")["reason"], "Pending");
    server.start();
    shop.wait("certificate/web", "condition=Ready");
    issued_once(&shop, &server, "web");
}

/// Events say why it waits: each reason once, and in its own words.
#[test]
fn a_request_that_waits_for_one_thing_and_then_for_another_tells_both() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("two-reasons");
    let mut server = stand.server_for(&shop);
    server.listens_on(free_port());
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    let reasons = ["found none of this name", &server.url()];
    shop.event(&request, reasons[0]);
    shop.apply(&issuer().at(&server));
    shop.event(&request, reasons[1]);
    // The issuer is checked again meanwhile, and finds the same.
    std::thread::sleep(Duration::from_secs(6));
    for reason in reasons {
        let notes = shop.notes(&request);
        let told = notes.iter().filter(|note| note.contains(reason)).count();
        assert_eq!(told, 1, "{reason:?} in {notes:?}");
    }
    server.start();
    shop.wait("certificate/web", "condition=Ready");
    issued_once(&shop, &server, "web");
}

#[test]
fn a_slow_server_is_waited_for_and_the_request_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, server) = ready(stand, "slow");
    server.signal(Signal::STOP);
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    let ready = shop.condition(&request, "Ready");
    assert_eq!(ready["reason"], "Pending", "{ready}");
    server.signal(Signal::CONT);
    shop.wait("certificate/web", "condition=Ready");
    issued_once(&shop, &server, "web");
}

#[test]
fn a_request_that_is_deleted_while_it_is_signed_leaves_nothing_behind() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, server) = ready(stand, "deleted");
    server.signal(Signal::STOP);
    shop.apply(&wanted("web"));
    let first = shop.request_of("web");
    shop.wait(&first, "condition=Ready=False");
    let first_uid = uid(&shop, &first);
    shop.kubectl().run(&["delete", &first]).ok();
    server.signal(Signal::CONT);
    // cert-manager asks again, by another request.
    shop.wait("certificate/web", "condition=Ready");
    let second_uid = uid(&shop, &shop.request_of("web"));
    assert_ne!(first_uid, second_uid);
    let issued = [&first_uid, &second_uid].map(|uid| server.issued(uid));
    assert!(issued[0] <= 1 && issued[1] == 1, "{issued:?}");
}

#[test]
fn an_issuer_that_is_deleted_while_it_signs_loses_no_request() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, server) = ready(stand, "no-issuer");
    server.signal(Signal::STOP);
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    shop.kubectl().run(&["delete", "pqissuer/issuer"]).ok();
    server.signal(Signal::CONT);
    // What was asked for may still be answered; if not, the request waits.
    shop.apply(&wanted("other"));
    let other = shop.request_of("other");
    shop.wait(&other, "condition=Ready=False");
    let ready = shop.condition(&other, "Ready");
    assert_eq!(ready["reason"], "Pending");
    assert!(ready["message"].as_str().unwrap().contains("issuer"), "{ready}");
    shop.apply(&issuer().at(&server));
    for name in ["web", "other"] {
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        issued_once(&shop, &server, name);
    }
}

#[test]
fn an_issuer_that_is_changed_while_it_signs_issues_once() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, server) = ready(stand, "changed");
    server.signal(Signal::STOP);
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    shop.apply(&Issuer { auth: OWN, ..Issuer::by_token("issuer", "classical") }.at(&server));
    server.signal(Signal::CONT);
    shop.wait("certificate/web", "condition=Ready");
    issued_once(&shop, &server, "web");
    // The twin: the spec of a request does not change under anybody.
    let patch = json!({ "spec": { "duration": "1h" } }).to_string();
    let said = shop.kubectl().run(&["patch", &request, "--type=merge", "--patch", &patch]);
    assert!(said.refusal().contains("webhook.cert-manager.io"));
}

/// A server that grants one request in a second, with five at once: all are served in the end.
#[test]
fn a_server_that_says_too_many_is_asked_later() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("too-many");
    let mut server = stand.server_for(&shop);
    server.configure("{rate_limits: {requester_per_second: 1, requester_burst: 2}}");
    server.start();
    shop.apply(&issuer().at(&server));
    shop.wait("pqissuer/issuer", "condition=Ready");
    let names = ["a", "b", "c", "d", "e"];
    shop.apply(&names.map(wanted).join("---\n"));
    for name in names {
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        issued_once(&shop, &server, name);
    }
    let log = fs::read_to_string(server.file("server.log")).unwrap();
    assert!(log.contains("too-many-requests") || log.contains("429"), "nobody was told to wait");
}

/// The server's token for the issuer is revoked: the issuer says so, its request waits, and it is
/// asked seldom.
#[test]
fn a_revoked_credential_stops_the_issuer_and_not_the_server() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, server) = ready(stand, "revoked");
    let listed = server.run("token list --json");
    let listed: Value = serde_json::from_str(&listed.text).unwrap();
    let token =
        listed["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "issuers");
    let id = token.unwrap()["id"].as_str().unwrap();
    server.done(&format!("token revoke {id}"));
    shop.apply(&wanted("web"));
    shop.wait("pqissuer/issuer", "condition=Ready=False");
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    assert_eq!(shop.condition(&request, "Ready")["reason"], "Pending");
    // No hot loop: it does not change, and is hardly asked for.
    let asked = || {
        fs::read_to_string(server.file("server.log")).unwrap().matches("unauthenticated").count()
    };
    let (version, before, started) =
        (shop.get(&request)["metadata"]["resourceVersion"].clone(), asked(), Instant::now());
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(shop.get(&request)["metadata"]["resourceVersion"], version);
    let notes = shop.notes(&request);
    assert!(notes.len() <= 3, "{notes:?}");
    let often = asked() - before;
    assert!(often <= 10, "asked {often} times in {:?}", started.elapsed());
}
