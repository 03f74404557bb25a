//! Clocks that are wrong by hours. The clock is libfaketime's, a foreign library between the program and the
//! system's.

use std::fs;
use std::path::Path;

use interop::peers;
use rustix::process::Signal;
use test_cluster::Between;

use crate::{ready, stand, told, uid, wanted};

/// Debian's libfaketime.
fn library() -> Option<String> {
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let path = format!("/usr/lib/{triplet}/faketime/libfaketimeMT.so.1");
    if Path::new(&path).exists() {
        return Some(path);
    }
    peers::skip(&format!("no {path}: install the package libfaketime"));
    None
}

/// Sets a clock: by how much it is wrong, such as `+2h`.
fn set(clock: &Path, wrong: &str) {
    // It is read at any moment: it must be there, and whole.
    let next = clock.with_extension("next");
    fs::write(&next, format!("{wrong}\n")).unwrap();
    fs::rename(next, clock).unwrap();
}

/// A program whose clock is behind takes no certificate of its server, which it finds not valid yet, and
/// says so; once the clock is right, or ahead, it serves.
#[test]
fn an_issuer_program_whose_clock_is_wrong_says_what_it_finds_and_recovers() {
    let (Some(library), Some(mut stand)) = (library(), stand()) else { return };
    let name = ready(&stand, "clocks").name().to_owned();
    let ca = fs::read_to_string(stand.cluster.ca_file()).unwrap();
    // The way to the API server is without TLS here: its certificate would be the first thing in the way.
    let between = Between::before(stand.cluster.server(), &ca);
    let clock = stand.cluster.folder().join("clock");
    set(&clock, "-30d");
    stand.controllers.end(Signal::TERM);
    stand.controllers.asks_at(&between.url());
    stand.controllers.start_with(&[
        ("LD_PRELOAD", &library),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        // How long something takes is measured as ever.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ]);
    {
        let shop = stand.cluster.namespaced(&name);
        shop.wait("pqissuer/issuer", "condition=Ready=False");
        let (_, message) = told(&shop, "pqissuer/issuer");
        assert!(message.contains("not valid yet") || message.contains("NotValidYet"), "{message}");
        shop.apply(&wanted("web"));
        let request = shop.request_of("web");
        shop.wait(&request, "condition=Ready=False");
        let (ready, waits) = told(&shop, &request);
        assert_eq!(ready["reason"], "Pending");
        assert!(waits.contains("valid"), "{waits}");
        set(&clock, "+0");
        shop.wait("certificate/web", "condition=Ready");
        assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
        // Ahead, and back again in the middle of its work.
        for (name, wrong) in [("ahead", "+2h"), ("back", "-0"), ("ahead-again", "+20m")] {
            set(&clock, wrong);
            shop.apply(&wanted(name));
            shop.wait(&format!("certificate/{name}"), "condition=Ready");
            assert_eq!(stand.server.issued(&uid(&shop, &shop.request_of(name))), 1, "{name}");
        }
    }
    stand.controllers.end(Signal::TERM);
    let url = stand.cluster.server().to_owned();
    stand.controllers.asks_at(&url);
    stand.controllers.start();
}
