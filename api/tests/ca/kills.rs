//! SIGKILL at any moment: no half-made data folder, no certificate that the ledger does not know,
//! no key file without its certificate.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::pem;

use crate::data::{classical, sound};
use crate::workbench::Workbench;

/// Runs the command and kills it after this time; says whether it was done before.
fn kill(bench: &Workbench, line: &str, after: Duration) -> bool {
    let mut command = bench.command();
    command.args(line.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    sleep(after);
    // It may have ended, which is fine.
    child.kill().unwrap();
    child.wait().unwrap().success()
}

#[test]
fn an_interrupted_init_leaves_no_data_folder_or_a_whole_one() {
    let mut done = 0;
    for step in 0..40 {
        let bench = Workbench::new();
        if step % 2 == 0 {
            std::fs::create_dir(bench.path("espalier-data")).unwrap();
        }
        let line = "init --algorithm p256 --no-passphrase";
        let whole = kill(&bench, line, Duration::from_millis(step * 4));
        done += u64::from(whole);
        if bench.path("espalier-data/ledger.sqlite").exists() {
            let report = sound(&bench);
            assert_eq!(report["checked"]["certificates"], 2, "step {step}");
            assert_eq!(report["checked"]["orphans"], 0, "step {step}");
        } else {
            assert!(!whole);
            assert!(!bench.path("espalier-data/authorities").exists(), "step {step}");
            bench.run(line).done();
            sound(&bench);
        }
    }
    assert!(done < 40, "no run was cut off");
    println!("{} of 40 runs of init were cut off", 40 - done);
}

#[test]
fn an_interrupted_issue_leaves_nothing_that_the_ledger_does_not_know() {
    let bench = classical();
    let (mut done, mut keys) = (0, 0);
    for step in 0..60 {
        let (key, out) = (format!("{step}.key"), format!("{step}.pem"));
        let line = format!("issue --dns a.test --key-out {key} --out {out}");
        let whole = kill(&bench, &line, Duration::from_micros(step * 1_500));
        done += u64::from(whole);
        keys += u64::from(bench.path(&key).exists());
        assert!(!whole || bench.path(&out).exists(), "step {step}");
        if bench.path(&out).exists() {
            assert!(bench.path(&key).exists(), "step {step}: a certificate without its key");
            let der = pem::read_one_certificate(&bench.read(&out)).unwrap().der().to_vec();
            let fingerprint = Certificate::from_der(&der).unwrap().fingerprint();
            bench.run(&format!("cert show {fingerprint}")).done();
        }
        if bench.path(&key).exists() {
            // Whatever its certificate's file came to, the ledger has one for this key.
            let line = format!("csr create --key {key} --subject CN=x --out x.csr");
            bench.run(&line).done();
            assert!(in_ledger(&bench), "step {step}: a key without a certificate");
        }
    }
    let report = sound(&bench);
    let certificates = report["checked"]["certificates"].as_u64().unwrap() - 2;
    assert!(certificates >= keys && keys >= done, "{certificates} {keys} {done}");
    assert!(done < 60, "no run was cut off");
    println!("60 runs, {done} done, {keys} keys, {certificates} certificates");
}

/// Whether the ledger has a certificate for the key of `x.csr`.
fn in_ledger(bench: &Workbench) -> bool {
    let csr = pem::read_one_request(&bench.read("x.csr")).unwrap();
    crate::data::wait(async {
        let ledger = crate::data::open(bench).await;
        let filter = ledger::Filter {
            key: Some(csr.public_key().fingerprint()),
            status: Some(ledger::Status::Stored),
            ..ledger::Filter::default()
        };
        let found = ledger.search(filter, ledger::Page::newest(10)).await.unwrap();
        ledger.close().await.unwrap();
        found.entries.len() == 1
    })
}
