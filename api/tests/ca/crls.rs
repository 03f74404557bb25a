//! `crl make` and `crl list`: full, delta and sharded lists from the ledger, and no half ones.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use ca_core::crl::CertificateList;
use ca_core::pem;

use crate::data::{certificates, classical, execute, serial, sound, tamper, wait};
use crate::workbench::Workbench;

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";
const ISSUING: &str = "espalier-data/authorities/issuing/certificate.pem";

/// Issues a certificate into `NAME.pem`; gives its serial number.
fn issue(bench: &Workbench, name: &str, options: &str) -> String {
    let line = format!("issue --json --dns {name}.test --key-out k.pem --force {options}");
    let run = bench.run(&line);
    assert_eq!(run.code, 0, "{}", run.stderr());
    bench.write(&format!("{name}.pem"), run.json()["certificate"].as_str().unwrap());
    serial(&run)
}

#[track_caller]
fn list(bench: &Workbench, name: &str) -> CertificateList {
    pem::read_one_crl(&bench.read(name)).unwrap()
}

/// The serial numbers on a list.
fn entries(list: &CertificateList) -> Vec<String> {
    list.entries().map(|entry| entry.serial.to_string()).collect()
}

#[track_caller]
fn verify(bench: &Workbench, leaf: &str, lists: &str) -> crate::workbench::Run {
    bench.run(&format!("verify --trust {ROOT} --intermediate {ISSUING} {lists} {leaf}.pem"))
}

#[test]
fn a_full_list_tells_revoked_from_good_and_numbers_grow() {
    let bench = classical();
    let (bad, _) = (issue(&bench, "bad", ""), issue(&bench, "good", ""));
    bench.run("crl make root --out root.crl").done();
    bench.run("crl make issuing --out first.crl").done();
    let lists = |name| format!("--crl root.crl --crl {name}");
    verify(&bench, "bad", &lists("first.crl")).done();
    bench.run(&format!("cert revoke {bad} --reason keyCompromise")).done();
    let json = bench.run("crl make issuing --days 1 --der --out second.crl --json").done().json();
    let (first, second) = (list(&bench, "first.crl"), list(&bench, "second.crl"));
    assert!(first.is_empty() && first.number() < second.number());
    assert_eq!(entries(&second), [bad]);
    assert_eq!(json["number"].to_string(), second.number().to_string());
    assert_eq!((&json["entries"], &json["octets"]), (&1.into(), &second.der().len().into()));
    let day = second.next_update().as_second() - second.this_update().as_second();
    assert_eq!(day, 86_400);
    verify(&bench, "bad", &lists("second.crl")).fails(1, &["keyCompromise"]);
    verify(&bench, "good", &lists("second.crl")).done();
    verify(&bench, "good", "--crl second.crl").fails(1, &["CN=", "unknown", "lists is by"]);
    verify(&bench, "good", "--crl second.crl --revocation-of leaf").done();

    let rows = bench.run("crl list issuing --json").done().json();
    assert_eq!((&rows[0]["number"], &rows[1]["number"]), (&2.into(), &1.into()));
    assert_eq!((&rows[0]["stored"], &rows[0]["entries"]), (&true.into(), &1.into()));
    let text = bench.run("crl list issuing").done();
    assert!(text.stdout().contains("full") && text.stdout().contains("all"), "{}", text.stdout());
    sound(&bench);
}

#[test]
fn a_delta_has_what_came_after_its_base() {
    let bench = classical();
    let [one, two] = ["one", "two"].map(|name| issue(&bench, name, ""));
    bench.run("crl make issuing --delta --out d.crl").fails(1, &["--delta", "complete list"]);
    bench.run("crl make issuing --base 1 --out d.crl").fails(2, &["base", "there is none yet"]);
    assert!(!bench.path("d.crl").exists());
    bench.run(&format!("cert revoke {one}")).done();
    let freshest = "--freshest-crl http://pki.test/delta.crl";
    bench.run(&format!("crl make issuing {freshest} --out full.crl")).done();
    bench.run(&format!("cert revoke {two}")).done();
    bench.run("crl make issuing --delta --out d.crl").done();
    let (full, delta) = (list(&bench, "full.crl"), list(&bench, "d.crl"));
    assert_eq!(full.freshest_crl().collect::<Vec<_>>(), ["http://pki.test/delta.crl"]);
    assert_eq!((entries(&full), entries(&delta)), (vec![one], vec![two]));
    assert_eq!(delta.base_number(), Some(full.number()));
    let leaf = "--revocation-of leaf";
    verify(&bench, "two", &format!("--crl full.crl {leaf}")).done();
    let both = format!("--crl full.crl --crl d.crl {leaf}");
    verify(&bench, "two", &both).fails(1, &["revoked at", "delta CRL"]);
    verify(&bench, "one", &format!("--crl d.crl {leaf}")).fails(1, &["only delta lists"]);
    // Revoked is known without the base.
    let alone = format!("--crl d.crl {leaf} --revocation allow-unknown");
    verify(&bench, "two", &alone).fails(1, &["revoked at", "delta CRL"]);
    verify(&bench, "one", &alone).done();
    // A delta to a delta is none, and neither is one to another scope's list.
    let number = delta.number();
    bench.run(&format!("crl make issuing --base {number} --out x.crl")).fails(2, &["base"]);
    bench.run("crl make issuing --delta --only leaf --out x.crl").fails(1, &["of this scope"]);
    bench.run(&format!("crl make issuing --delta {freshest}")).fails(2, &["--freshest-crl"]);
    sound(&bench);
}

#[test]
fn a_shard_has_the_certificates_whose_profile_names_its_place() {
    let bench = classical();
    let profile = |place: u32| {
        format!(
            "version: 1\nname: shard-{place}\ndescription: a shard\nkind: leaf\nsubject_keys: {{families: [classical]}}\n\
             key_usages: [digital_signature]\nextended_key_usages: [server_auth]\n\
             names: {{kinds: [dns]}}\nsubject: {{allowed: [CN]}}\nvalidity_days: 30\nmax_validity_days: 60\n\
             crl_distribution_points: ['http://pki.test/{place}.crl']\n"
        )
    };
    let serials = [1, 2].map(|place| {
        bench.write(&format!("{place}.yaml"), profile(place));
        issue(&bench, &format!("in{place}"), &format!("--profile-file {place}.yaml"))
    });
    let outside = issue(&bench, "outside", "");
    bench.run(&format!("cert revoke {} {} {outside}", serials[0], serials[1])).done();
    for place in [1, 2] {
        let shard = format!("--shard http://pki.test/{place}.crl");
        bench.run(&format!("crl make issuing {shard} --out {place}.crl")).done();
        let list = list(&bench, &format!("{place}.crl"));
        assert_eq!(entries(&list), [serials[place - 1].clone()]);
    }
    let leaf = "--revocation-of leaf";
    verify(&bench, "in1", &format!("--crl 1.crl {leaf}")).fails(1, &["revoked at"]);
    let words = &["unknown", "speak of other certificates"];
    verify(&bench, "in1", &format!("--crl 2.crl {leaf}")).fails(1, words);
    verify(&bench, "outside", &format!("--crl 1.crl {leaf}")).fails(1, words);
    // All three are leaves, and no certificate of an authority is among them.
    for (only, count) in [("leaf", 3), ("ca", 0)] {
        let line = format!("crl make issuing --only {only} --out {only}.crl --json");
        assert_eq!(bench.run(&line).done().json()["entries"], count, "{only}");
    }
    verify(&bench, "outside", &format!("--crl ca.crl {leaf}")).fails(1, words);
    let text = bench.run("crl list issuing").done();
    assert!(text.stdout().contains("all http://pki.test/1.crl"), "{}", text.stdout());
    bench.run("crl make issuing --shard nowhere").fails(2, &["--shard", "nowhere"]);
    sound(&bench);
}

#[test]
fn what_can_not_be_made_spends_no_number() {
    let bench = classical();
    bench.run("crl make issuing --out first.crl").done();
    std::fs::create_dir(bench.path("folder")).unwrap();
    bench.run("key generate -a p256 --no-passphrase --out key.pem").done();
    for (line, code, words) in [
        ("nobody --out x.crl", 2, &["nobody"][..]),
        ("issuing --out folder", 2, &["folder"]),
        ("issuing --out missing/x.crl", 3, &["missing/x.crl"]),
        ("issuing --out key.pem", 2, &["key.pem", "private key"]),
        ("issuing --json", 2, &["--json", "--out"]),
        ("issuing --days 0 --out x.crl", 2, &["--days"]),
        ("issuing --next-update 2001-01-01T00:00:00Z --out x.crl", 1, &["nextUpdate"]),
    ] {
        bench.run(&format!("crl make {line}")).fails(code, words);
    }
    assert!(!bench.path("x.crl").exists());
    assert_eq!(bench.run("crl list issuing --json").done().json().as_array().unwrap().len(), 1);
    let stdout = bench.run("crl make issuing --der").done().stdout;
    assert_eq!(CertificateList::from_der(stdout).unwrap().number(), 2.into());
}

#[test]
fn no_list_is_made_when_the_revocations_can_not_be_read_to_the_end() {
    let bench = classical();
    let serials = ["one", "two", "three"].map(|name| issue(&bench, name, ""));
    bench.run(&format!("cert revoke {}", serials.join(" "))).done();
    bench.run("crl make issuing --out list.crl").done();
    let before = bench.read("list.crl");
    wait(tamper(&bench, async |connection| {
        execute(connection, "UPDATE revocation SET reason = 99 WHERE position = 2").await;
    }));
    let run = bench.run("crl make issuing --out list.crl").fails(3, &["CRL number 2", "not made"]);
    assert!(run.stdout.is_empty());
    assert_eq!(bench.read("list.crl"), before, "the old list stays");
    let rows = bench.run("crl list issuing --json").done().json();
    assert_eq!((&rows[0]["number"], &rows[0]["stored"]), (&2.into(), &false.into()));
    wait(tamper(&bench, async |connection| {
        execute(connection, "UPDATE revocation SET reason = 0 WHERE position = 2").await;
    }));
    bench.run("crl make issuing --out list.crl").done();
    assert_eq!((list(&bench, "list.crl").number(), list(&bench, "list.crl").len()), (3.into(), 3));
}

#[test]
fn a_kill_leaves_a_whole_list_or_none_and_no_number_twice() {
    let bench = classical();
    let bad = issue(&bench, "bad", "");
    bench.run(&format!("cert revoke {bad}")).done();
    let issuing = certificates(&bench, ISSUING).remove(0);
    let mut numbers = Vec::new();
    let mut cut = 0;
    for step in 0..40_u64 {
        let name = format!("{step}.crl");
        let mut command = bench.command();
        command.args(["crl", "make", "issuing", "--out", &name]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_micros(step * 1_500));
        // It may have ended, which is fine.
        child.kill().unwrap();
        let whole = child.wait().unwrap().success();
        cut += u64::from(!whole);
        assert!(!whole || bench.path(&name).exists(), "step {step}");
        if bench.path(&name).exists() {
            let list = list(&bench, &name);
            list.verify(&issuing).unwrap();
            assert_eq!(entries(&list), std::slice::from_ref(&bad), "step {step}");
            numbers.push(list.number());
        }
    }
    assert!(cut > 0, "no run was cut off");
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    bench.run("crl make issuing --out last.crl").done();
    let last = list(&bench, "last.crl").number();
    assert!(numbers.iter().all(|number| *number < last));
    // Whatever was published is stored in the ledger.
    let rows = bench.run("crl list issuing --limit 1000 --json").done().json();
    let stored: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["stored"] == true)
        .map(|row| row["number"].to_string())
        .collect();
    assert!(numbers.iter().all(|number| stored.contains(&number.to_string())));
    sound(&bench);
    println!("{cut} of 40 runs of crl make were cut off, {} lists", numbers.len());
}

#[test]
fn whoever_publishes_keeps_others_waiting_and_the_highest_number_stays() {
    let bench = classical();
    let make = || {
        let mut command = bench.command();
        command.args("crl make issuing --out issuing.crl".split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    // Somebody else is between the ledger's word and the rename.
    let folder = std::fs::File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    let mut waits = make();
    let rows = || bench.run("crl list issuing --json").done().json();
    while rows().as_array().unwrap().is_empty() {
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(500));
    assert_eq!(rows()[0]["stored"], false, "it waits");
    assert!(waits.try_wait().unwrap().is_none() && !bench.path("issuing.crl").exists());
    drop(folder);
    assert!(waits.wait().unwrap().success());
    assert_eq!(list(&bench, "issuing.crl").number().to_string(), "1");

    // Many at once: what stays is the newest of those that were stored.
    let mut all: Vec<_> = (0..6).map(|_| make()).collect();
    let succeeded = all.iter_mut().map(|child| child.wait().unwrap().success());
    assert!(succeeded.filter(|one| *one).count() > 0);
    let rows = rows();
    let newest = rows.as_array().unwrap().iter().find(|row| row["stored"] == true).unwrap();
    assert_eq!(list(&bench, "issuing.crl").number().to_string(), newest["number"].to_string());
    assert_eq!(rows.as_array().unwrap().len(), 7);
    sound(&bench);
}
