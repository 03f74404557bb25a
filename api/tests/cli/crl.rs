//! `espalier crl show`, and lists in `espalier inspect`.

use ca_core::crl::EntrySerial;
use ca_core::pem::{self, Label};

use crate::certificates::Authority;
use crate::workbench::{Workbench, bent};

/// A serial number of 20 octets that starts with this one.
fn serial(number: u32) -> EntrySerial {
    let octets = [&number.to_be_bytes()[..], &[7; 16]].concat();
    EntrySerial::from_hex(&octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
        .unwrap()
}

/// A folder with a list of so many entries, `list.pem` and `list.der`.
fn bench(entries: u32) -> (Workbench, Vec<u8>) {
    let bench = Workbench::new();
    let serials: Vec<EntrySerial> = (1..=entries).map(|number| serial(number << 8)).collect();
    let der = Authority::new("p256").crl(12, &serials);
    bench.write("list.der", &der);
    bench.write("list.pem", pem::encode(Label::Crl, &der));
    (bench, der)
}

#[test]
fn a_list_is_shown_in_text_and_json() {
    let (bench, _) = bench(3);
    let text = bench.run("crl show list.pem").done();
    for words in [
        "Issuer:         CN=Test Root",
        "Number:         12",
        "This update:    2030-01-01T00:00:00Z",
        "Next update:    2030-01-02T00:00:00Z",
        "Certificates:   all of the issuer",
        "Entries:        3",
        "keyCompromise: 3",
        "2029-12-31T23:00:00Z  keyCompromise",
    ] {
        assert!(text.stdout().contains(words), "no {words:?} in {}", text.stdout());
    }
    assert_eq!(bench.run("crl show list.der").done().stdout, text.stdout);
    assert_eq!(bench.run("inspect list.pem").done().stdout, text.stdout);
    let json = bench.run("crl show list.der --json").done().json();
    assert_eq!((&json["kind"], &json["number"]), (&"crl".into(), &"12".into()));
    assert_eq!(json["entries"].as_array().unwrap().len(), 3);
    assert_eq!(bench.run("inspect --json list.pem").done().json()[0], json);
}

#[test]
fn a_large_list_is_shown_up_to_a_bound_and_counted() {
    let (bench, der) = bench(30_000);
    assert!(der.len() > pem::MAX_FILE_SIZE, "{} octets", der.len());
    for file in ["list.pem", "list.der"] {
        let text = bench.run(&format!("inspect {file}")).done();
        assert!(text.stdout().contains("and 29980 more"), "{}", text.stdout());
        let json = bench.run(&format!("crl show {file} --json --entries 5")).done().json();
        assert_eq!(json["entry_count"], 30_000);
        assert_eq!(json["entries"].as_array().unwrap().len(), 5);
        let last = serial(30_000 << 8);
        let text = bench.run(&format!("crl show {file} --serial {last}")).done();
        assert!(text.stdout().contains("keyCompromise"), "{}", text.stdout());
    }
    let run = bench.run_with("crl show -", &[], &der).done();
    assert!(run.stdout().contains("and 29980 more"), "{}", run.stdout());
    // What does not start as a list has the bound of everything else.
    let other = pem::encode(Label::Certificate, &der);
    bench.run_with("crl show -", &[], other.as_bytes()).fails(2, &["longer than 1048576"]);
}

#[test]
fn one_serial_number_is_looked_up() {
    let (bench, _) = bench(3);
    let (listed, other) = (serial(0x200).to_string(), serial(0x201).to_string());
    let text = bench.run(&format!("crl show list.pem --serial {listed}")).done();
    assert_eq!(text.stdout(), format!("{listed}  2029-12-31T23:00:00Z  keyCompromise\n"));
    let json = bench.run(&format!("crl show list.pem --json --serial {listed}")).done().json();
    assert_eq!((&json["listed"], &json["entry"]["serial"]), (&true.into(), &listed.into()));
    let words = &["list.pem", &other, "verify --crl"];
    bench.run(&format!("crl show list.pem --serial {other}")).fails(1, words);
    let run = bench.run(&format!("crl show list.pem --json --serial {other}")).fails(1, words);
    assert_eq!(run.json()["listed"], false);
}

#[test]
fn what_is_no_list_is_refused() {
    let (bench, der) = bench(1);
    bench.write("short.der", &der[..der.len() - 1]);
    bench.write("cert.pem", pem::encode(Label::Certificate, Authority::new("p256").der()));
    bench.write("two.pem", [bench.read("list.pem"), bench.read("list.pem")].concat());
    // The version, behind two headers of two and three octets: 2 (v3).
    let mut version = der.clone();
    let at = version.windows(3).position(|octets| octets == [2, 1, 1]).unwrap();
    version[at + 2] = 2;
    bench.write("version.der", &version);
    for (line, code, words) in [
        ("short.der", 2, &["truncated"][..]),
        ("cert.pem", 2, &["CERTIFICATE", "X509 CRL"]),
        ("two.pem", 2, &["exactly one"]),
        ("missing.pem", 2, &["missing.pem"]),
        ("version.der", 1, &["version: found 2"]),
        ("list.pem --serial 7", 2, &["hexadecimal"]),
        ("list.pem --entries 10001", 2, &["10000"]),
    ] {
        bench.run(&format!("crl show {line}")).fails(code, words);
    }
    bench.run("inspect two.pem").done();
    // Nobody checks the signature here, and it says so.
    bench.write("bent.der", bent(&der));
    let run = bench.run("crl show bent.der").done();
    assert!(run.stdout().contains("signature is not checked"), "{}", run.stdout());
}
