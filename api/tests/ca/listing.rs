//! `cert list` and `cert show`.

use ca_core::pem;

use crate::data::{classical, serial};

#[test]
fn the_list_is_filtered_and_paged() {
    let bench = classical();
    for (name, more) in [("a.test", ""), ("b.test", "--days 3"), ("c.test", "--profile tls-client")]
    {
        bench.run(&format!("issue --dns {name} --key-out {name}.key --json {more}")).done();
    }
    let names = |options: &str| -> Vec<String> {
        let run = bench.run(&format!("cert list --json {options}")).done();
        let rows = run.json()["certificates"].as_array().unwrap().clone();
        let first = |row: &serde_json::Value| row["names"][0].as_str().map(str::to_owned);
        rows.iter().filter_map(first).collect()
    };
    assert_eq!(names(""), ["DNS:c.test", "DNS:b.test", "DNS:a.test"], "the newest first");
    assert_eq!(names("--name DNS:b.test"), ["DNS:b.test"]);
    assert_eq!(names("--profile tls-client"), ["DNS:c.test"]);
    let soon = jiff::Timestamp::from_second(now_by_file() + 10 * 86_400).unwrap();
    assert_eq!(names(&format!("--expires-before {soon}")), ["DNS:b.test"]);
    assert_eq!(names("--authority root").len(), 0);
    assert_eq!(names("--status orphan").len(), 0);
    assert_eq!(names("--status stored").len(), 3);
    let page = bench.run("cert list --json --limit 2").done().json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(names(&format!("--limit 2 --after {next}")), ["DNS:a.test"]);
    let table = bench.run("cert list --limit 1");
    assert_eq!(table.code, 0);
    assert!(table.stdout().contains("DNS:c.test") && !table.stdout().contains("DNS:b.test"));
    assert!(table.stderr().contains("there are more: --after "), "{}", table.stderr());
    for options in ["--limit 0", "--limit 1001", "--status lost", "--expires-before soon"] {
        assert_eq!(bench.run(&format!("cert list {options}")).code, 2, "{options}");
    }
}

/// The second now, by the file system: these tests read no clock.
pub(crate) fn now_by_file() -> i64 {
    let file = tempfile::NamedTempFile::new().unwrap();
    let changed = file.as_file().metadata().unwrap().modified().unwrap();
    let since = changed.duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn one_certificate_by_serial_or_fingerprint() {
    let bench = classical();
    let run = bench.run("issue --dns a.test --key-out k.pem --json").done();
    let issued = run.json();
    let serial = serial(&run);
    let colons: Vec<String> =
        serial.as_bytes().chunks(2).map(|pair| String::from_utf8(pair.to_vec()).unwrap()).collect();
    let fingerprint = issued["fingerprint_sha256"].as_str().unwrap();
    for which in [&serial, &serial.to_uppercase(), &colons.join(":"), fingerprint] {
        let shown = bench.run(&format!("cert show {which} --json")).done().json();
        assert_eq!(shown["record"]["serial"], *serial, "{which}");
        assert_eq!(shown["record"]["status"], "stored");
        let written = bench.run(&format!("cert show {which} --pem")).done();
        assert_eq!(written.stdout(), issued["certificate"].as_str().unwrap());
    }
    bench.run(&format!("cert show {serial} --pem --der --out a.der")).done();
    assert_eq!(bench.run("inspect a.der").code, 0);
    bench.run(&format!("cert show {serial} --der --out b.der")).done();
    assert_eq!(bench.read("a.der"), bench.read("b.der"));
    assert!(pem::read_one_certificate(&bench.read("b.der")).is_ok());
    let text = bench.run(&format!("cert show {serial}")).done();
    for word in ["status     stored", "profile    tls-server", "DNS:a.test"] {
        assert!(text.stdout().contains(word), "no {word} in {}", text.stdout());
    }
    let mut other = serial.clone();
    let last = if other.pop() == Some('0') { '1' } else { '0' };
    other.push(last);
    bench.run(&format!("cert show {other}")).fails(1, &[other.as_str(), "not in this ledger"]);
    for which in ["12", "zz", &fingerprint[1..]] {
        let run = bench.run(&format!("cert show {which}"));
        run.fails(2, &["40 hexadecimal digits"]);
    }
}
