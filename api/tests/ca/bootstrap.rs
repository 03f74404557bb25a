//! `espalier bootstrap`: what a plan says is made once, whatever happens on the way.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::data::{LEDGER, certificates, everything, sound, verifies};
use crate::workbench::Workbench;

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";
const BOTH_ROOT: &str = "espalier-data/authorities/both-root/certificate.pem";

const PLAN: &str = "\
version: 1
authorities:
  - {name: root, algorithm: hybrid, subject: CN=Root, days: 900}
  - {name: issuing, parent: root, algorithm: hybrid, subject: CN=Issuing}
  - {name: both-root, algorithm: p256, alt_algorithm: ml-dsa-65, subject: CN=Both-root}
  - {name: both, parent: both-root, algorithm: p256, alt_algorithm: ml-dsa-44, subject: CN=Both}
";

const SMALL: &str = "\
version: 1
authorities:
  - {name: root, algorithm: p256, subject: CN=Root}
  - {name: issuing, parent: root, algorithm: p256, subject: CN=Issuing}
";

fn planned(plan: &str) -> Workbench {
    let bench = Workbench::new();
    bench.write("plan.yaml", plan);
    bench.write("passphrase", "correct horse battery staple\n");
    bench
}

const LINE: &str = "bootstrap --plan plan.yaml --passphrase-file passphrase";

#[test]
fn a_plan_is_made_once_and_what_it_gains_is_made_beside_it() {
    let bench = planned(PLAN);
    let made = bench.run(LINE).done();
    assert_eq!(made.stdout(), "root: made\nissuing: made\nboth-root: made\nboth: made\n");
    for key in ["root/key.pem", "issuing/key.pem", "both/key.pem", "both/alt-key.pem"] {
        let path = format!("espalier-data/authorities/{key}");
        assert_eq!(bench.mode(&path), 0o600, "{key}");
        let text = String::from_utf8(bench.read(&path)).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{key}");
        assert!(!made.stdout().contains(text.lines().nth(1).unwrap()), "a key was printed");
    }
    let own = certificates(&bench, ROOT).remove(0);
    let validity = own.validity();
    assert_eq!(validity.not_after().duration_since(validity.not_before()).as_hours(), 900 * 24);
    for (authority, root) in [("issuing", ROOT), ("both", BOTH_ROOT)] {
        let issue = format!(
            "issue --authority {authority} --dns a.test --algorithm p256 --key-out {authority}.key --chain --out {authority}.pem --passphrase-file passphrase"
        );
        bench.run(&issue).done();
        verifies(&bench, &format!("{authority}.pem"), root, "hybrid");
    }
    let before = everything(&bench.path("espalier-data/authorities"));
    let again = bench.run(&format!("{LINE} --json")).done().json();
    let kept = |name: &str| serde_json::json!({"authority": name, "made": false});
    assert_eq!(again, serde_json::json!(["root", "issuing", "both-root", "both"].map(kept)));
    let more =
        format!("{PLAN}  - {{name: api, parent: root, algorithm: ML-DSA-65, subject: CN=Api}}\n");
    bench.write("plan.yaml", more);
    let run = bench.run(LINE).done();
    let there = "root: was there\nissuing: was there\nboth-root: was there\nboth: was there\n";
    assert_eq!(run.stdout(), format!("{there}api: made\n"));
    let after = everything(&bench.path("espalier-data/authorities"));
    assert!(before.iter().all(|file| after.contains(file)), "a file changed");
    assert_eq!(sound(&bench)["checked"]["orphans"], 0);
}

#[test]
fn an_authority_that_is_there_is_never_another() {
    let bench = planned(PLAN);
    bench.run(LINE).done();
    let before = everything(&bench.path("espalier-data/authorities"));
    for (planned, other, words) in [
        (
            "algorithm: hybrid, subject: CN=Issuing",
            "algorithm: p256, subject: CN=Issuing",
            ["issuing: its algorithm is MLDSA65-ECDSA-P256-SHA512", "ECDSA-P256 in the plan"],
        ),
        (
            "alt_algorithm: ml-dsa-44",
            "alt_algorithm: ml-dsa-65",
            ["both: its alt_algorithm is ML-DSA-44", "ML-DSA-65 in the plan"],
        ),
        (
            ", alt_algorithm: ml-dsa-44",
            "",
            ["both: its alt_algorithm is ML-DSA-44", "none in the plan"],
        ),
        (
            "{name: both, parent: both-root",
            "{name: both, parent: root",
            ["both: its parent is both-root", "root in the plan"],
        ),
    ] {
        assert!(PLAN.contains(planned));
        bench.write("plan.yaml", PLAN.replacen(planned, other, 1));
        bench.run(LINE).fails(2, &words).fails(2, &["plan another by another name"]);
    }
    assert!(before == everything(&bench.path("espalier-data/authorities")), "a file changed");
    assert_eq!(sound(&bench)["checked"]["certificates"], 4);
}

#[test]
fn a_plan_that_is_refused_leaves_nothing() {
    let bench = planned(SMALL);
    let files = bench.files();
    bench.run("bootstrap --plan plan.yaml --passphrase-file none").fails(2, &["none"]);
    bench.run("bootstrap --plan none.yaml --no-passphrase").fails(2, &["none.yaml"]);
    bench.write("plan.yaml", SMALL.replace("parent: root", "parent: other"));
    bench.run(LINE).fails(2, &["issuing: parent: found other", "stands before it: root"]);
    // Whoever is in no pod has no API server of Kubernetes, until it is told of one, by TLS.
    let inside = format!("{SMALL}kubernetes: {{key_secrets: ca-}}\n");
    bench.write("plan.yaml", inside);
    let nowhere = [("KUBERNETES_SERVICE_HOST", ""), ("KUBERNETES_SERVICE_PORT", "")];
    bench.run_with(LINE, &nowhere, b"").fails(3, &["KUBERNETES_SERVICE_HOST", "--api-server"]);
    let there = format!("{LINE} --service-account . --api-server");
    bench.run(&format!("{there} http://10.0.0.1")).fails(2, &["--api-server: found", "https"]);
    bench
        .run(&format!("{there} https://127.0.0.1:1"))
        .fails(3, &["namespace", "automountServiceAccountToken"]);
    assert_eq!(bench.files(), files);
}

#[test]
fn keys_without_their_ledger_get_no_new_one() {
    let bench = planned(SMALL);
    bench.run(LINE).done();
    fs::rename(bench.path("espalier-data/ledger.sqlite"), bench.path("saved")).unwrap();
    bench.run(LINE).fails(3, &["there are authorities in it, but no ledger", "from a backup"]);
    assert!(!bench.path("espalier-data/ledger.sqlite").exists());
    fs::rename(bench.path("saved"), bench.path("espalier-data/ledger.sqlite")).unwrap();
    bench.run(LINE).done();
}

#[test]
fn a_parent_whose_passphrase_is_another_signs_nothing() {
    let bench = planned(SMALL);
    bench.run(LINE).done();
    bench.write(
        "plan.yaml",
        format!("{SMALL}  - {{name: api, parent: root, algorithm: p256, subject: CN=Api}}\n"),
    );
    bench.write("other", "another one altogether\n");
    let other = LINE.replace("-file passphrase", "-file other");
    bench.run(&other).fails(2, &["passphrase"]);
    assert!(!bench.path("espalier-data/authorities/api").exists());
    bench.run(LINE).done();
}

#[test]
fn a_ledger_of_an_older_release_is_brought_up_to_date_only_when_that_is_said() {
    let bench = planned(SMALL);
    older(&bench);
    let kept = bench.read(LEDGER);
    bench.run(LINE).fails(3, &["schema 4", "espalier ledger migrate"]);
    assert!(bench.read(LEDGER) == kept, "the older ledger was changed");
    bench.run(&format!("{LINE} --migrate")).done();
    sound(&bench);
    // One of a newer release is no business of this one.
    crate::data::wait(async {
        let mut connection = crate::data::raw(&bench).await;
        let newer = "INSERT INTO _sqlx_migrations SELECT 9999, 'x', 'now', TRUE, x'00', 0";
        sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    });
    for line in [LINE.to_owned(), format!("{LINE} --migrate")] {
        bench.run(&line).fails(3, &["schema 9999", "use the newer Espalier"]);
    }
}

/// An empty ledger as it was before the newest migration, in the data folder.
fn older(bench: &Workbench) {
    fs::create_dir(bench.path("espalier-data")).unwrap();
    fs::create_dir(bench.path("migrations")).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let mut files: Vec<_> = fs::read_dir(shipped).unwrap().map(Result::unwrap).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files.iter().take(4) {
        let copy = bench.path("migrations").join(file.file_name());
        fs::copy(file.path(), copy).unwrap();
    }
    crate::data::wait(async {
        let options = SqliteConnectOptions::new().filename(bench.path(LEDGER));
        let mut connection =
            SqliteConnection::connect_with(&options.create_if_missing(true)).await.unwrap();
        let migrations = Migrator::new(bench.path("migrations")).await.unwrap();
        migrations.run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn whatever_moment_it_is_killed_at_the_next_run_completes_it() {
    let mut cut = 0;
    for step in 0..30 {
        let bench = planned(SMALL);
        let line = "bootstrap --plan plan.yaml --no-passphrase";
        for round in 0..2 {
            let mut command = bench.command();
            command.args(line.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            sleep(Duration::from_millis(step * 3 + round));
            // It may have ended, which is fine.
            child.kill().unwrap();
            cut += u64::from(!child.wait().unwrap().success());
        }
        let run = bench.run(line).done();
        assert_eq!(run.stdout().lines().count(), 2, "step {step}: {}", run.stdout());
        sound(&bench);
        bench.run("issue --dns a.test --key-out a.key --chain --out a.pem").done();
        verifies(&bench, "a.pem", ROOT, "any");
        let again = bench.run(line).done();
        assert_eq!(again.stdout(), "root: was there\nissuing: was there\n", "step {step}");
    }
    assert!(cut > 0, "no run was cut off");
    println!("{cut} of 60 runs were cut off");
}
