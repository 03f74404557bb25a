//! `ca list`, `ca show`, `ca create`.

use crate::data::{
    certificates, classical, execute, made, open, raw, records, sound, verifies, wait,
};

const WEST: &str = "ca create --name west --parent root --subject CN=West,O=Example";
const EAST: &str = "\
version: 1
authorities:
  - {name: root, algorithm: p256, subject: CN=Root}
  - {name: east, parent: root, algorithm: p256, subject: CN=East}
";
const LEAF: &str =
    "issue --authority west --dns a.test --key-out k.pem --force --chain --out a.pem";
const ROOT: &str = "espalier-data/authorities/root/certificate.pem";

#[test]
fn an_authority_below_another_issues() {
    let bench = classical();
    let run = bench.run(&format!("{WEST} --no-passphrase --json --days 400")).done();
    let made = run.json();
    assert_eq!((&made["name"], &made["mode"]), (&"west".into(), &"composite".into()));
    let chain = certificates(&bench, made["chain"].as_str().unwrap());
    assert_eq!(chain.len(), 2);
    let days = |of: &ca_core::certificate::Certificate| {
        (of.validity().not_after().as_second() - of.validity().not_before().as_second()) / 86_400
    };
    assert_eq!(days(&chain[0]), 400);
    assert_eq!(bench.mode(made["key"].as_str().unwrap()), 0o600);
    bench.run(LEAF).done();
    verifies(&bench, "a.pem", ROOT, "any");
    // The root signs by P-256 alone, so the chain is no hybrid one.
    bench
        .run(&format!("verify --trust {ROOT} --policy hybrid a.pem"))
        .fails(1, &["alone, allowed"]);
    assert_eq!(records(&bench), 4);
}

#[test]
fn a_root_of_every_mode() {
    let bench = classical();
    for (name, options, mode, policy) in [
        ("one", "--algorithm ml-dsa-87", "post-quantum", "post-quantum"),
        ("two", "--algorithm p384 --alt-algorithm ml-dsa-65", "catalyst", "hybrid"),
        ("three", "--algorithm hybrid", "composite", "hybrid"),
        ("four", "--algorithm ed25519", "classical", "any"),
    ] {
        let create = format!("ca create --root --name {name} --no-passphrase --subject CN={name}");
        let run = bench.run(&format!("{create} {options} --json")).done();
        assert_eq!(run.json()["mode"], mode);
        let below = format!("ca create --name {name}-below --parent {name} --no-passphrase");
        bench.run(&format!("{below} --subject CN={name}-below {options}")).done();
        let leaf = format!("issue --authority {name}-below --dns a.test --key-out k.pem --force");
        bench.run(&format!("{leaf} --chain --out a.pem")).done();
        let root = format!("espalier-data/authorities/{name}/certificate.pem");
        verifies(&bench, "a.pem", &root, policy);
    }
    let list = bench.run("ca list --json").done().json();
    let rows = list["authorities"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names[2..6], ["one", "one-below", "two", "two-below"]);
    assert_eq!((&rows[4]["mode"], &rows[5]["parent"]), (&"catalyst".into(), &"two".into()));
    let table = bench.run("ca list").done();
    assert_eq!(table.stdout().lines().count(), 1 + 10);
    for word in ["CN=three-below", "post-quantum", "ECDSA-P384", "not after"] {
        assert!(table.stdout().contains(word), "no {word} in {}", table.stdout());
    }
    sound(&bench);
}

#[test]
fn it_is_shown_and_written() {
    let bench = classical();
    let text = bench.run("ca show issuing").done();
    for word in ["name       issuing", "mode       classical", "parent     root", "Subject:"] {
        assert!(text.stdout().contains(word), "no {word} in {}", text.stdout());
    }
    let both = bench.run("ca show issuing --chain").done();
    assert_eq!(both.stdout().matches("Serial number:").count(), 2);
    let chain = bench.run("ca show issuing --chain --pem").done();
    assert_eq!(chain.stdout, bench.read("espalier-data/authorities/issuing/chain.pem"));
    bench.run("ca show issuing --out own.pem").done();
    bench.run("ca show issuing --der --out own.der").done();
    let own = certificates(&bench, "espalier-data/authorities/issuing/certificate.pem");
    assert!(certificates(&bench, "own.pem") == own);
    assert_eq!(bench.read("own.der"), own[0].der());
    let json = bench.run("ca show issuing --json --chain").done().json();
    assert_eq!(json["certificates"].as_array().unwrap().len(), 2);
    assert_eq!(json["authority"]["fingerprint_sha256"], own[0].fingerprint().to_string());
    bench.run("ca show issuing --der --chain").fails(2, &["--der", "--chain"]);
    bench.run("ca show nobody").fails(2, &["authority \"nobody\"", "espalier ca list"]);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let bench = classical();
    for (options, code, words) in [
        ("--name x --root --subject UID=x", 1, &["subject: found UID", "profile root allows"][..]),
        ("--name x --root --subject O=x", 1, &["subject: found no CN"]),
        ("--name x --parent issuing --subject CN=x", 1, &["path"]),
        ("--name x --parent root --subject CN=x --days 9000", 1, &["validity: found"]),
        ("--name x --parent root --subject CN=x --profile root", 1, &["root signs itself"]),
        ("--name x --root --subject CN=x --profile issuing-ca", 1, &["issuing-ca"]),
        (
            "--name x --parent root --subject CN=x --profile tls-server",
            1,
            &["profile tls-server is of kind leaf"],
        ),
        ("--name x --root --subject CN=x --alt-algorithm ml-dsa-44", 1, &["alternative"]),
        ("--name root --root --subject CN=x", 2, &["authority \"root\"", "hint: "]),
        ("--name ../x --root --subject CN=x", 2, &["authority name", "a-z"]),
        ("--name X --root --subject CN=x", 2, &["authority name: found \"X\""]),
        ("--name x --parent nobody --subject CN=x", 2, &["authority \"nobody\""]),
        ("--name x --root --subject CN=x --profile nope", 2, &["profile: found \"nope\""]),
    ] {
        bench.run(&format!("ca create --no-passphrase {options}")).fails(code, words);
        assert!(!bench.path("espalier-data/authorities/x").exists(), "{options}");
    }
    for options in ["--name x --subject CN=x", "--name x --root --parent root --subject CN=x"] {
        assert_eq!(bench.run(&format!("ca create --no-passphrase {options}")).code, 2);
    }
    let list = bench.run("ca list --json").done().json();
    assert_eq!(list["authorities"].as_array().unwrap().len(), 2);
    assert_eq!(records(&bench), 2);
}

#[test]
fn parent_and_child_may_have_their_own_passphrases() {
    let bench = crate::workbench::Workbench::new();
    for name in ["parent", "child"] {
        bench.write(name, name);
    }
    bench.run("init --algorithm p256 --passphrase-file parent").done();
    let west = format!("{WEST} --algorithm p256 --passphrase-file child");
    bench.run(&west).fails(2, &["authorities/root/key.pem", "passphrase"]);
    bench.run(&format!("{west} --parent-passphrase-file child")).fails(2, &["passphrase"]);
    bench.run(&format!("{west} --parent-passphrase-file parent")).done();
    bench.run(&format!("{LEAF} --passphrase-file parent")).fails(2, &["west/key.pem"]);
    bench.run(&format!("{LEAF} --passphrase-file child")).done();
    let other = "ca create --name east --parent root --subject CN=East --algorithm p256";
    bench.run(&format!("{other} --passphrase-file parent")).done();
    let open = "ca create --name open --parent root --subject CN=Open --algorithm p256";
    bench.run(&format!("{open} --no-passphrase")).fails(2, &["passphrase: none given"]);
    bench.run(&format!("{open} --no-passphrase --parent-passphrase-file parent")).done();
}

#[test]
fn beside_the_passphrase_of_quickstart_nothing_is_asked() {
    let bench = crate::workbench::Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    bench.run(WEST).done();
    let key = bench.read("espalier-data/authorities/west/key.pem");
    assert!(key.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    bench.run(LEAF).done();
}

#[test]
fn a_founding_that_was_cut_off_goes_on() {
    let bench = made("--algorithm p256 --no-passphrase");
    // The database refuses the certificate, as if the process had died after the record.
    let block = "CREATE TRIGGER block BEFORE INSERT ON certificate \
                 BEGIN SELECT RAISE(ABORT, 'blocked'); END";
    wait(async { execute(&mut raw(&bench).await, block).await });
    let west = format!("{WEST} --no-passphrase");
    bench.run(&format!("{west} --algorithm ed25519")).fails(3, &["blocked"]);
    wait(async { execute(&mut raw(&bench).await, "DROP TRIGGER block").await });
    let list = bench.run("ca list").done();
    assert!(list.stdout().contains("no certificate"), "{}", list.stdout());
    bench.run("ca show west").fails(3, &["no certificate yet", "espalier ca create"]);
    bench.run(LEAF).fails(3, &["no certificate yet", "espalier ca create"]);
    let report = sound(&bench);
    assert_eq!(report["found"]["orphan"], 1);
    assert_eq!(report["found"]["unfinished-authority"], 1);
    let key = bench.read("espalier-data/authorities/west/key.pem");
    bench.run(&format!("{west} --algorithm p256")).fails(2, &["west/key.pem", "Ed25519", "hint: "]);
    let other = west.replace("--parent root", "--root");
    bench.run(&format!("{other} --algorithm ed25519")).fails(2, &["its parent was \"root\""]);
    bench.run(&format!("{west} --algorithm ed25519")).done();
    assert_eq!(bench.read("espalier-data/authorities/west/key.pem"), key, "the same key");
    bench.run(LEAF).done();
    verifies(&bench, "a.pem", ROOT, "any");
    let report = sound(&bench);
    assert!(report["found"]["unfinished-authority"].is_null());
    let ledger_has = wait(async {
        let ledger = open(&bench).await;
        let found = ledger.authority("west").await.unwrap().unwrap().certificates.len();
        ledger.close().await.unwrap();
        found
    });
    assert_eq!(ledger_has, 1);
}

#[test]
fn an_authority_is_complete_only_with_its_files() {
    let bench = made("--algorithm p256 --no-passphrase");
    let create = format!("{WEST} --no-passphrase --algorithm p256");
    bench.write("plan.yaml", EAST);
    let bootstrap = "bootstrap --plan plan.yaml --no-passphrase";
    for (name, line) in [("west", create.as_str()), ("east", bootstrap)] {
        for file in ["certificate.pem", "chain.pem"] {
            // Something in its place lets no file be written, as if the process had died just then.
            let file = format!("espalier-data/authorities/{name}/{file}");
            std::fs::create_dir_all(bench.path(&file).join("in-the-way")).unwrap();
            bench.run(line).fails(2, &[&file]);
            assert_eq!(sound(&bench)["found"]["unfinished-authority"], 1, "{file}");
            std::fs::remove_dir_all(bench.path(&file)).unwrap();
        }
        bench.run(line).done();
        let files = format!("espalier-data/authorities/{name}");
        let shown = bench.run(&format!("ca show {name} --chain --pem")).done();
        assert_eq!(shown.stdout, bench.read(&format!("{files}/chain.pem")));
        let own = certificates(&bench, &format!("{files}/certificate.pem")).remove(0);
        assert_eq!(own.der(), certificates(&bench, &format!("{files}/chain.pem"))[0].der());
        assert!(sound(&bench)["found"]["unfinished-authority"].is_null());
    }
}

#[test]
fn a_key_that_is_kept_elsewhere_is_asked_for() {
    let bench = classical();
    let key = bench.path("espalier-data/authorities/root/key.pem");
    std::fs::rename(&key, bench.path("safe")).unwrap();
    let west = format!("{WEST} --no-passphrase --algorithm p256");
    bench.run(&west).fails(3, &["authorities/root/key.pem: No such file", "bring the file back"]);
    // Daily work does not need it.
    bench.run("issue --dns a.test --key-out k.pem").done();
    std::fs::rename(bench.path("safe"), &key).unwrap();
    bench.run(&west).done();
}

#[test]
fn keys_of_another_ledger_are_refused() {
    let (bench, other) = (classical(), classical());
    let key = "espalier-data/authorities/issuing/key.pem";
    bench.write(key, other.read(key));
    let run = bench.run("issue --dns a.test --key-out k.pem --out a.pem");
    run.fails(3, &["issuing/key.pem: not the key", "hint: ", "backup"]);
    assert_eq!(bench.files(), ["espalier-data"]);
    assert_eq!(records(&bench), 2);
}
