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
