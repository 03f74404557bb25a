//! The clock goes ahead and is stepped back: the server issues, revokes and lists on, and what was
//! revoked is on the next list though its certificate had expired by the clock that was ahead.

use std::time::{Duration, Instant};

use ca_core::crl::{CertificateList, EntrySerial};
use interop::faketime::FakeClock;
use jiff::Timestamp;

use crate::dice::Dice;
use crate::http;
use crate::load::Load;
use crate::rounds;
use crate::running::Running;
use crate::stand::Stand;

/// How far the clock is ahead in the beginning, in seconds: more than it is set back by all steps
/// together, and less than the token of the load is valid.
const AHEAD: u64 = 20 * 86_400;
/// Steps are shorter than this, in seconds. Certificates of the load are valid for an hour.
const STEP: u64 = 8 * 3_600;

#[test]
fn the_clock_of_a_server_is_stepped_back_under_load() {
    let stand = Stand::on_sqlite();
    let Some(clock) = FakeClock::set_by(stand.bench().path("clock")) else { return };
    let mut ahead = AHEAD;
    clock.set(&format!("+{ahead}"));
    let started = Instant::now();
    let mut dice = Dice::new(6);
    let server = stand.start_with(&clock.variables());
    let load = Load::start(&stand, server.address, 6);
    for round in 1..=rounds() {
        load.waits_for(3);
        let wrong = ahead + 2 * 3_600 + dice.roll(STEP);
        clock.set(&format!("+{wrong}"));
        load.waits_for(3);
        if round == rounds() {
            // At the latest now a list is made whose time will not have come.
            wait_for_list(&server, |list| list.this_update() >= now(ahead + 3_600));
        }
        ahead -= dice.roll(STEP);
        clock.set(&format!("+{ahead}"));
        load.waits_for(3);
        load.is_kept(&stand);
    }
    let revoked = load.revoked();
    let tally = load.ends(&stand);
    assert_eq!(tally.busy, 0, "{tally:?}");
    // None has expired by this clock, though some had when earlier lists were made.
    wait_for_list(&server, |list| {
        let is_listed = |serial| list.find(&EntrySerial::from_hex(serial).unwrap()).is_some();
        list.this_update() <= now(ahead) && revoked.iter().all(|serial| is_listed(serial))
    });
    assert!(server.end().success());
    println!("{} times the clock stepped back in {:?}: {tally:?}", rounds(), started.elapsed());
}

/// Waits until the list that is handed out is like this.
fn wait_for_list(server: &Running, wanted: impl Fn(&CertificateList) -> bool) {
    let started = Instant::now();
    loop {
        let answer = http::send(server.public(), "GET", "/crl/issuing.crl", &[], b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        let list = CertificateList::from_der(answer.body).unwrap();
        if wanted(&list) {
            return;
        }
        let late = started.elapsed() > Duration::from_secs(20);
        assert!(!late, "number {} of {}", list.number(), list.this_update());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The time of a clock that is ahead by so many seconds; the system's is the one it stamps a new
/// file with.
fn now(ahead: u64) -> Timestamp {
    let file = tempfile::NamedTempFile::new().unwrap();
    let changed = file.as_file().metadata().unwrap().modified().unwrap();
    let since = changed.duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_second(i64::try_from(since.as_secs() + ahead).unwrap()).unwrap()
}
