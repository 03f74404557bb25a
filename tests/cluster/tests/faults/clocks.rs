//! Clocks that are wrong by hours.

use std::fs;

use interop::faketime::FakeClock;
use rustix::process::Signal;
use test_cluster::{Between, Issuer, Wanted, until};

use crate::{SPEC, ready, stand, told, uid, wanted};

/// A program whose clock is behind takes no certificate of its server, which it finds not valid yet, and
/// says so; once the clock is right, or ahead, it serves.
#[test]
fn an_issuer_program_whose_clock_is_wrong_says_what_it_finds_and_recovers() {
    let Some(mut stand) = stand() else { return };
    let file = stand.cluster.folder().join("clock");
    let Some(clock) = FakeClock::set_by(file) else { return };
    let name = ready(&stand, "clocks").name().to_owned();
    let ca = fs::read_to_string(stand.cluster.ca_file()).unwrap();
    // The way to the API server is without TLS here: its certificate would be the first thing in the way.
    let between = Between::before(stand.cluster.server(), &ca);
    clock.set("-30d");
    stand.controllers.end(Signal::TERM);
    stand.controllers.asks_at(&between.url());
    stand.controllers.start_with(&clock.variables());
    {
        let shop = stand.cluster.namespaced(&name);
        shop.wait("pqissuer/issuer", "condition=Ready=False");
        let (_, message) = told(&shop, "pqissuer/issuer");
        let early = "its certificate begins at";
        assert!(message.contains(early), "{message}");
        shop.apply(&wanted("web"));
        let request = shop.request_of("web");
        shop.wait(&request, "condition=Ready=False");
        let (ready, waits) = told(&shop, &request);
        assert_eq!(ready["reason"], "Pending");
        assert!(waits.contains(early), "{waits}");
        clock.set("+0");
        shop.wait("certificate/web", "condition=Ready");
        assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
        // Ahead, and back again in the middle of its work.
        for (name, wrong) in [("ahead", "+2h"), ("back", "-0"), ("ahead-again", "+20m")] {
            clock.set(wrong);
            shop.apply(&wanted(name));
            shop.wait(&format!("certificate/{name}"), "condition=Ready");
            assert_eq!(stand.server.issued(&uid(&shop, &shop.request_of(name))), 1, "{name}");
        }
        // By a clock that is ahead it has ended when it comes: it would be asked for without end.
        clock.set("+2h");
        let spec = format!("{SPEC}\nduration: 1h");
        shop.apply(
            &Wanted { name: "short", issuer: ("PQIssuer", "issuer"), spec: &spec }.manifest(),
        );
        let request = shop.request_of("short");
        let ended = "validity: found one that has ended at";
        until("told", || told(&shop, &request).1.contains(ended));
        assert_eq!(told(&shop, &request).0["reason"], "Pending");
        clock.set("+0");
        shop.wait("certificate/short", "condition=Ready");
        assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
    }
    stand.controllers.end(Signal::TERM);
    let url = stand.cluster.server().to_owned();
    stand.controllers.asks_at(&url);
    stand.controllers.start();
}

/// What a server whose clock is ahead issues is handed on to nobody before its time, and is not asked for
/// without end.
#[test]
fn of_a_server_whose_clock_is_wrong_no_certificate_is_handed_on_before_its_time() {
    let Some(stand) = stand() else { return };
    let shop = stand.namespace("server-clock");
    let mut server = stand.server_for(&shop);
    let Some(clock) = FakeClock::set_by(server.file("clock")) else { return };
    server.start_with(&clock.variables());
    let auth = "{token: {secretRef: {name: own}}}";
    let issuer = Issuer { auth, ..Issuer::by_token("issuer", "composite") }.at(&server);
    shop.apply(&format!("{issuer}  retry: {{limitSeconds: 5}}\n"));
    shop.wait("pqissuer/issuer", "condition=Ready");
    clock.set("+2h");
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    let early = "validity: found one that begins at";
    until("told", || told(&shop, &request).1.contains(early));
    // Its name at the server is that of this one certificate.
    shop.wait(&request, "jsonpath={.status.failureTime}");
    assert_eq!(told(&shop, &request).0["reason"], "Failed");
    assert_eq!(server.issued(&uid(&shop, &request)), 1);
    // Right, and ahead by less than profiles begin before now (300 s).
    for (name, wrong) in [("right", "+0"), ("ahead", "+4m")] {
        clock.set(wrong);
        shop.apply(&wanted(name));
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        assert_eq!(server.issued(&uid(&shop, &shop.request_of(name))), 1, "{name}");
    }
}
