//! `ca cross-sign`: who trusts one root also trusts another, and nobody's chain changes.

use crate::data::{certificates, classical, made, records, sound};
use crate::workbench::bent;

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";

#[test]
fn a_foreign_root_becomes_trusted_through_ours() {
    let (ours, theirs) = (classical(), made("--algorithm ml-dsa-65 --no-passphrase"));
    ours.write("theirs.pem", theirs.read(ROOT));
    let run = ours.run("ca cross-sign --authority root --certificate theirs.pem --out cross.pem");
    assert_eq!((run.code, run.stdout()), (0, ""), "{}", run.stderr());
    let foreign = certificates(&ours, "theirs.pem").remove(0);
    assert!(run.stderr().contains(&foreign.fingerprint().to_string()), "{}", run.stderr());
    let cross = certificates(&ours, "cross.pem").remove(0);
    assert!(cross.public_key() == foreign.public_key());
    assert!(cross.subject() == foreign.subject());

    theirs.run("issue --dns a.test --key-out k.pem --chain --out a.pem").done();
    ours.write("a.pem", theirs.read("a.pem"));
    let verify = format!("verify --trust {ROOT} a.pem");
    ours.run(&verify).fails(1, &[]);
    assert_eq!(ours.run(&format!("{verify} --intermediate cross.pem")).code, 0);
    ours.write("bent.der", bent(cross.der()));
    ours.run(&format!("{verify} --intermediate bent.der")).fails(1, &["signature"]);
    assert_eq!(records(&ours), 3);
}

#[test]
fn a_target_of_this_ledger_keeps_its_own_chain() {
    let bench = classical();
    for (name, parent) in [("new", "--root"), ("below", "--parent new")] {
        let line = format!("ca create --name {name} {parent} --algorithm p384 --no-passphrase");
        bench.run(&format!("{line} --subject CN={name}")).done();
    }
    let issue = "issue --authority below --dns a.test --key-out k.pem --force --chain";
    let before = bench.run("ca show below --chain --pem").done().stdout;
    let run = bench.run("ca cross-sign --authority root --target new --json").done();
    let cross = run.json();
    assert_eq!(cross["profile"], "cross-ca");
    bench.write("cross.pem", cross["certificate"].as_str().unwrap());

    assert_eq!(bench.run("ca show below --chain --pem").done().stdout, before);
    bench.run(&format!("{issue} --out a.pem")).done();
    let new = "espalier-data/authorities/new/certificate.pem";
    bench.run(&format!("verify --trust {new} a.pem")).done();
    bench.run(&format!("verify --trust {ROOT} a.pem")).fails(1, &[]);
    bench.run(&format!("verify --trust {ROOT} --intermediate cross.pem a.pem")).done();

    let shown = bench.run("ca show new").done();
    let serial = cross["serial"].as_str().unwrap();
    assert!(shown.stdout().contains(&format!("also       {serial} by ")), "{}", shown.stdout());
    let json = bench.run("ca show new --json").done().json();
    assert_eq!(json["others"][0]["certificate"], cross["certificate"]);
    bench.run(&format!("cert show {serial}")).done();
    sound(&bench);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let bench = classical();
    let theirs = classical();
    bench.write("theirs.pem", theirs.read(ROOT));
    let foreign = certificates(&bench, "theirs.pem").remove(0);
    bench.write("bent.der", bent(foreign.der()));
    theirs.run("issue --dns a.test --key-out k.pem --out leaf.pem").done();
    bench.write("leaf.pem", theirs.read("leaf.pem"));
    bench.write("noise", "noise");
    for (options, code, words) in [
        ("--authority root --certificate bent.der", 1, &["bent.der", "signature"][..]),
        ("--authority root --certificate leaf.pem", 1, &["authority"]),
        ("--authority root --certificate noise", 2, &["noise"]),
        ("--authority root --certificate missing", 2, &["missing", "check the path"]),
        ("--authority issuing --certificate theirs.pem", 1, &["path"]),
        ("--authority root --target root", 1, &["key"]),
        ("--authority root --target issuing", 2, &["issuing", "root signed its own"]),
        ("--authority root --target nobody", 2, &["nobody", "ca list"]),
        ("--authority nobody --certificate theirs.pem", 2, &["nobody"]),
        ("--authority root --certificate theirs.pem --days 9000", 1, &["validity"]),
        ("--authority root --certificate theirs.pem --out missing/x", 3, &["missing/x"]),
    ] {
        let run = bench.run(&format!("ca cross-sign {options}"));
        assert_eq!(run.code, code, "{options}: {}", run.stderr());
        for word in words {
            assert!(run.stderr().contains(word), "{options}: no {word} in {}", run.stderr());
        }
        assert!(run.stdout.is_empty());
    }
    let both = "ca cross-sign --authority root --certificate theirs.pem --target issuing";
    assert_eq!(bench.run(both).code, 2);
    assert_eq!(records(&bench), 2);
}

#[test]
fn an_authority_that_another_signed_shows_that_it_has_its_key() {
    let (ours, theirs) = (classical(), classical());
    let issuing = "espalier-data/authorities/issuing";
    ours.write("theirs.pem", theirs.read(&format!("{issuing}/certificate.pem")));
    let csr = |key: &str, name: &str| {
        theirs.run(&format!("csr create --key {key} --subject CN=any --out {name}")).done();
        ours.write(name, theirs.read(name));
    };
    csr(&format!("{issuing}/key.pem"), "own.csr");
    csr("espalier-data/authorities/root/key.pem", "other.csr");
    let cross = "ca cross-sign --authority root --certificate theirs.pem --out cross.pem --force";
    ours.run(cross).fails(1, &["theirs.pem", "possession", "--csr", "--unproven"]);
    ours.run(&format!("{cross} --csr other.csr")).fails(1, &["other.csr", "public key"]);
    assert_eq!(records(&ours), 2);
    for proof in ["--csr own.csr", "--unproven"] {
        let run = ours.run(&format!("{cross} {proof}"));
        assert_eq!(run.code, 0, "{proof}: {}", run.stderr());
    }
    theirs.run("issue --dns a.test --key-out k.pem --out a.pem").done();
    ours.write("a.pem", theirs.read("a.pem"));
    ours.run(&format!("verify --trust {ROOT} --intermediate cross.pem a.pem")).done();
    assert_eq!(records(&ours), 4);
}

#[test]
fn every_family_crosses_every_other() {
    let bench = classical();
    let families = [
        ("pure", "--algorithm ml-dsa-44"),
        ("hash", "--algorithm slh-dsa-sha2-128f"),
        ("both", "--algorithm hybrid"),
        ("alt", "--algorithm p384 --alt-algorithm slh-dsa-shake-128f"),
        ("old", "--algorithm ed25519"),
    ];
    for (name, options) in families {
        let line = format!("ca create --name {name} --root {options} --subject CN={name}");
        bench.run(&format!("{line} --no-passphrase")).done();
    }
    let root = |name: &str| format!("espalier-data/authorities/{name}/certificate.pem");
    for (issuer, _) in families {
        for (target, _) in families.into_iter().filter(|(target, _)| *target != issuer) {
            // A key without an alternative signature can't vouch for an alternative key.
            let unprotected = target == "alt";
            let cross = format!("ca cross-sign --authority {issuer} --target {target}");
            let run = bench.run(&format!("{cross} --out cross.pem --force"));
            if unprotected {
                run.fails(1, &["alternative public key"]);
                continue;
            }
            assert_eq!(run.code, 0, "{issuer} {target}: {}", run.stderr());
            bench.run(&format!("verify --trust {} cross.pem", root(issuer))).done();
            bench.write("bent.der", bent(certificates(&bench, "cross.pem")[0].der()));
            let wrong = bench.run(&format!("verify --trust {} bent.der", root(issuer)));
            wrong.fails(1, &["signature"]);
        }
    }
    sound(&bench);
}
