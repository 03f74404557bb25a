//! `cert revoke`, `key block`, `ca revoke`: what they revoke, for ever, and what they refuse.

use crate::data::{certificates, classical, made, serial, sound};
use crate::workbench::{Run, Workbench};

/// Issues a certificate; gives its serial number.
fn issue(bench: &Workbench, options: &str) -> String {
    let run = bench.run(&format!("issue --json --key-out k.pem --force {options}"));
    assert_eq!(run.code, 0, "{}", run.stderr());
    bench.write("leaf.pem", run.json()["certificate"].as_str().unwrap());
    serial(&run)
}

#[track_caller]
fn status(bench: &Workbench, serial: &str) -> serde_json::Value {
    bench.run(&format!("cert show {serial} --json")).done().json()["record"].clone()
}

fn words(run: &Run) -> String {
    run.stdout().to_owned()
}

#[test]
fn certificates_are_revoked_by_serial_fingerprint_and_file() {
    let bench = classical();
    let [one, two] = ["one", "two"].map(|name| issue(&bench, &format!("--dns {name}.test")));
    let three = issue(&bench, "--dns three.test");
    let fingerprint = status(&bench, &two)["fingerprint_sha256"].as_str().unwrap().to_owned();
    let line = format!("cert revoke {one} {fingerprint} leaf.pem {three} --reason key-compromise");
    let run = bench.run(&format!("{line} --invalidity-date 2026-01-02T03:04:05Z")).done();
    assert_eq!(words(&run).lines().count(), 3, "{}", run.stdout());
    for serial in [&one, &two, &three] {
        assert!(words(&run).contains(&format!("revoked {serial} at ")), "{}", run.stdout());
        let record = status(&bench, serial);
        assert_eq!(record["status"], "revoked");
        let revocation = &record["revocation"];
        assert_eq!(revocation["reason"], "keyCompromise");
        assert_eq!(revocation["invalidity_date"], "2026-01-02T03:04:05Z");
        assert!(revocation["revoked_by"].as_str().unwrap().starts_with("local-uid:"));
        let at = revocation["revoked_at"].as_str().unwrap();
        let text = bench.run(&format!("cert show {serial}")).done();
        let shown = format!("status     revoked {at}: keyCompromise\n");
        assert!(text.stdout().contains(&shown), "no {shown:?} in {}", text.stdout());
        let list = bench.run("cert list --status revoked").done();
        assert!(list.stdout().contains(&format!("revoked {at}: keyCompromise")));
    }
    let four = issue(&bench, "--dns four.test");
    let json = bench.run(&format!("cert revoke {four} --json")).done().json();
    assert_eq!(json["revoked"][0]["serial"], four.as_str());
    assert_eq!(json["revoked"][0]["reason"], "unspecified");
    assert_eq!(sound(&bench)["checked"]["revocations"], 4);
}

#[test]
fn the_first_of_a_chain_is_meant_and_two_leaves_are_no_chain() {
    let bench = classical();
    let one = issue(&bench, "--dns one.test");
    let leaf = String::from_utf8(bench.read("leaf.pem")).unwrap();
    let above = "espalier-data/authorities/issuing/certificate.pem";
    let above = String::from_utf8(bench.read(above)).unwrap();
    let two = issue(&bench, "--dns two.test");
    let other = String::from_utf8(bench.read("leaf.pem")).unwrap();
    bench.write("leaves.pem", format!("{leaf}{other}"));
    let words = ["leaves.pem: certificate 2: found ", "allowed is the issuer of the one before"];
    for line in ["cert revoke leaves.pem", "cert renew leaves.pem"] {
        bench.run(line).fails(2, &words);
    }
    assert_eq!(status(&bench, &one)["status"], "stored");
    bench.write("chain.pem", format!("{leaf}{above}"));
    let renewed = bench.run("cert renew chain.pem --json").done().json();
    assert_ne!(renewed["serial"], one.as_str());
    let json = bench.run("cert revoke chain.pem --json").done().json();
    assert_eq!(json["revoked"].as_array().unwrap().len(), 1);
    assert_eq!(json["revoked"][0]["serial"], one.as_str());
    assert_eq!(status(&bench, &two)["status"], "stored");
}

#[test]
fn a_slip_revokes_nothing_and_a_second_revocation_says_when_the_first_was() {
    let bench = classical();
    let (one, two) = (issue(&bench, "--dns one.test"), issue(&bench, "--dns two.test"));
    let other = classical();
    issue(&other, "--dns other.test");
    bench.write("other.pem", other.read("leaf.pem"));
    let unknown = "4".repeat(40);
    for (line, code, words) in [
        (format!("{one} {unknown}"), 1, &[&*unknown, "not in this ledger"][..]),
        (format!("{one} other.pem"), 1, &["other.pem", "not in this ledger"]),
        (format!("{one} missing.pem"), 2, &["missing.pem", "40 hexadecimal digits"]),
        (format!("{one} k.pem"), 2, &["k.pem", "PRIVATE KEY"]),
        (format!("{one} --reason certificateHold"), 2, &["certificateHold", "never taken back"]),
        (format!("{one} --reason because"), 2, &["because", "keyCompromise"]),
        (format!("{one} --invalidity-date 2999-01-01T00:00:00Z"), 2, &["invalidity_date"]),
        (String::new(), 2, &["SERIAL"]),
    ] {
        bench.run(&format!("cert revoke {line}")).fails(code, words);
        assert_eq!(status(&bench, &one)["status"], "stored", "{line}");
    }
    bench.run(&format!("cert revoke {one} --reason superseded")).done();
    let first = status(&bench, &one)["revocation"].clone();
    let at = first["revoked_at"].as_str().unwrap();
    let again = bench.run(&format!("cert revoke {one} {two} --reason keyCompromise"));
    let again = again.fails(1, &[&one, &format!("revoked since {at}")]);
    assert!(words(&again).contains(&format!("revoked {two} at ")), "{}", again.stdout());
    assert_eq!(status(&bench, &one)["revocation"], first, "the first one stands");
    let again = bench.run(&format!("cert revoke {one} --json")).fails(1, &["revoked before"]);
    assert_eq!(again.json()["revoked_before"][0]["revoked_at"], at);
}

#[test]
fn a_blocked_key_revokes_all_that_has_it_and_is_certified_no_more() {
    let bench = made("--no-passphrase");
    let csr = "csr create --dns a.test --algorithm hybrid --no-passphrase --key-out a.pem --out";
    bench.run(&format!("{csr} a.csr")).done();
    let issue_csr = "issue --csr a.csr --json";
    let serials = [bench.run(issue_csr), bench.run(issue_csr)].map(|run| serial(&run.done()));
    let other = issue(&bench, "--dns b.test");
    // By the request: the whole key and both halves.
    let run = bench.run("key block a.csr").done();
    for words in serials.iter().map(|serial| format!("revoked {serial}\n")) {
        assert!(run.stdout().contains(&words), "no {words:?} in {}", run.stdout());
    }
    assert!(run.stdout().contains("2 certificates were revoked"), "{}", run.stdout());
    assert_eq!(run.stdout().matches("blocked ").count(), 3, "{}", run.stdout());
    for serial in &serials {
        assert_eq!(status(&bench, serial)["revocation"]["reason"], "keyCompromise");
    }
    assert_eq!(status(&bench, &other)["status"], "stored");
    bench.run("issue --csr a.csr --out never.pem").fails(1, &["blocked since"]);
    // Again: nothing changes.
    let json = bench.run("key block a.pem --reason superseded --json").done().json();
    assert_eq!(
        (&json["revoked"], &json["keys"][0]["reason"]),
        (&0.into(), &"keyCompromise".into())
    );
    sound(&bench);
}

#[test]
fn a_blocked_half_revokes_the_composites_that_have_it() {
    let bench = made("--no-passphrase");
    let composite = issue(&bench, "--dns a.test --algorithm hybrid");
    let leaf = certificates(&bench, "leaf.pem").remove(0);
    let halves = leaf.public_key().component_fingerprints();
    assert_eq!(halves.len(), 2);
    let json = bench.run(&format!("key block {} --json", halves[1])).done().json();
    assert_eq!(json["serials"], serde_json::json!([composite]));
    assert_eq!(json["keys"].as_array().unwrap().len(), 1);
    assert_eq!(status(&bench, &composite)["status"], "revoked");
    // A digest that nobody knows yet is blocked as well.
    let json = bench.run(&format!("key block {} --json", "ab".repeat(32))).done().json();
    assert_eq!(json["revoked"], 0);
    for (key, code, words) in [
        ("missing", 2, &["missing", "64 hexadecimal digits"][..]),
        ("espalier-data/authorities/root/certificate.pem", 1, &["\"root\"", "ca revoke root"]),
        ("espalier-data/authorities/issuing/chain.pem", 2, &["2 PEM blocks"]),
    ] {
        bench.run(&format!("key block {key}")).fails(code, words);
    }
}

#[test]
fn an_authority_is_ended_with_all_that_it_issued_when_that_is_confirmed() {
    let bench = classical();
    let west = "ca create --name west --parent root --subject CN=West --algorithm p256";
    bench.run(&format!("{west} --no-passphrase")).done();
    let ours = [
        issue(&bench, "--authority west --dns a.test"),
        issue(&bench, "--authority west --dns b.test"),
    ];
    let other = issue(&bench, "--dns c.test");
    bench.run("ca revoke west").fails(2, &["west", "--yes"]);
    assert_eq!(status(&bench, &ours[0])["status"], "stored");
    bench.run("ca revoke east --yes").fails(2, &["east", "not in this ledger"]);

    let json = bench.run("ca revoke west --yes --json").done().json();
    assert_eq!((&json["own_revoked"], &json["issued_revoked"]), (&1.into(), &2.into()));
    assert_eq!(json["reason"], "cACompromise");
    for serial in &ours {
        assert_eq!(status(&bench, serial)["status"], "revoked");
    }
    assert_eq!(status(&bench, &other)["status"], "stored");
    let line = "issue --authority west --dns d.test --key-out k.pem --force";
    bench.run(line).fails(1, &["west", "blocked since"]);
    // It says what it revoked, and its parent that it is revoked.
    for (authority, entries) in [("west", 2), ("root", 1)] {
        let line = format!("crl make {authority} --out {authority}.crl --json");
        assert_eq!(bench.run(&line).done().json()["entries"], entries, "{authority}");
    }
    let root = "espalier-data/authorities/root/certificate.pem";
    let chain = "espalier-data/authorities/west/chain.pem";
    bench
        .run(&format!("verify --trust {root} --crl root.crl --crl west.crl {chain}"))
        .fails(1, &["CN=West", "revoked at", "cACompromise"]);
    let again = bench.run("ca revoke west --yes --json").done().json();
    assert_eq!((&again["own_revoked"], &again["issued_revoked"]), (&0.into(), &0.into()));
    sound(&bench);
}
