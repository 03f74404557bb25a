//! `ca rekey`: a root gets a new key, and who trusts either of both roots verifies what stands below either.

use crate::data::{certificates, classical, made, records, sound};
use crate::workbench::{Workbench, bent};

const OLD: &str = "espalier-data/authorities/root/certificate.pem";
const NEW: &str = "espalier-data/authorities/root-2/certificate.pem";
const LINKS: [&str; 2] = [
    "espalier-data/authorities/root-2/new-with-old.pem",
    "espalier-data/authorities/root-2/old-with-new.pem",
];

/// A leaf below each root, each with its chain.
fn leaves(bench: &Workbench) {
    let west = "ca create --name west --parent root-2 --algorithm p256 --subject CN=West";
    bench.run(&format!("{west} --no-passphrase")).done();
    for (authority, file) in [("issuing", "old"), ("west", "new")] {
        let issue = format!("issue --authority {authority} --dns a.test --key-out {file}.key");
        bench.run(&format!("{issue} --chain --out {file}.pem")).done();
    }
}

fn trust(bench: &Workbench, root: &str, leaf: &str) -> crate::workbench::Run {
    bench.run(&format!("verify --trust {root} {leaf}"))
}

#[test]
fn either_root_verifies_what_stands_below_either() {
    for algorithm in ["ml-dsa-44", "slh-dsa-sha2-128f", "hybrid"] {
        let bench = classical();
        bench
            .run(&format!("ca rekey root --name root-2 --algorithm {algorithm} --no-passphrase"))
            .done();
        leaves(&bench);
        let [old, new] = [OLD, NEW].map(|file| certificates(&bench, file).remove(0));
        assert!(old.subject() == new.subject() && old.public_key() != new.public_key());
        let links = LINKS.map(|file| certificates(&bench, file).remove(0));
        assert!(links[0].public_key() == new.public_key());
        assert!(links[1].public_key() == old.public_key());
        for leaf in ["old.pem", "new.pem"] {
            for root in [OLD, NEW] {
                let run = trust(&bench, root, leaf);
                assert_eq!(run.code, 0, "{algorithm} {root} {leaf}: {}", run.stderr());
            }
        }
        // Without the link, and with one whose signature is wrong, the other root is of no use.
        for (leaf, root, link) in [("old.pem", NEW, &links[1]), ("new.pem", OLD, &links[0])] {
            let chain = certificates(&bench, leaf);
            assert_eq!(chain.last().unwrap(), link, "the link stands last");
            let pem = |ders: &[&[u8]]| {
                let label = ca_core::pem::Label::Certificate;
                ders.iter().map(|der| ca_core::pem::encode(label, der)).collect::<String>()
            };
            bench.write("short.pem", pem(&[chain[0].der(), chain[1].der()]));
            trust(&bench, root, "short.pem").fails(1, &[]);
            let wrong = bent(link.der());
            bench.write("bent.pem", pem(&[chain[0].der(), chain[1].der(), &wrong]));
            trust(&bench, root, "bent.pem").fails(1, &["signature"]);
        }
        sound(&bench);
    }
}

/// Each key signs the lists of what it issued, and no list of the other key is taken for one: both
/// roots have one name.
#[test]
fn certificates_of_the_old_key_stay_revocable() {
    let bench = classical();
    bench.run("ca rekey root --name root-2 --algorithm ml-dsa-44 --no-passphrase").done();
    leaves(&bench);
    let all = ["root", "root-2", "issuing", "west"];
    let make = || {
        for authority in all {
            bench.run(&format!("crl make {authority} --out {authority}.crl")).done();
        }
    };
    let verify = |root: &str, leaf: &str, lists: &[&str]| {
        let lists: String = lists.iter().map(|name| format!("--crl {name}.crl ")).collect();
        bench.run(&format!("verify --trust {root} {lists} {leaf}.pem"))
    };
    make();
    for root in [OLD, NEW] {
        verify(root, "old", &all).done();
        verify(root, "new", &all).done();
    }
    // The authority below the old key is revoked: its list says so on every path.
    let issuing = certificates(&bench, "old.pem").remove(1).fingerprint();
    bench.run(&format!("cert revoke {issuing} --reason superseded")).done();
    make();
    for root in [OLD, NEW] {
        verify(root, "old", &all).fails(1, &["revoked at", "superseded"]);
        verify(root, "new", &all).done();
        // The list of the new key tells nothing of what the old one issued.
        verify(root, "old", &all[1..]).fails(1, &["revocation", "authorityKeyIdentifier"]);
    }
    sound(&bench);
}

#[test]
fn it_can_be_said_again_and_issues_nothing_twice() {
    let bench = made("--algorithm p256 --no-passphrase");
    let rekey = "ca rekey root --name root-2 --no-passphrase";
    let first = bench.run(&format!("{rekey} --json")).done().json();
    assert_eq!(first["algorithm"], "ECDSA-P256");
    // Root and issuing, the new root, two links.
    assert_eq!(records(&bench), 5);
    assert_eq!(bench.run(&format!("{rekey} --json")).done().json(), first);
    assert_eq!(records(&bench), 5);
    // The old root goes on.
    bench.run("ca show root").done();
    bench.run("ca create --name more --parent root --algorithm p256 --subject CN=More --no-passphrase").done();
}

#[test]
fn only_a_root_is_rekeyed_and_names_are_not_taken() {
    let bench = classical();
    let rekey = |options: &str| bench.run(&format!("ca rekey {options} --no-passphrase"));
    rekey("issuing --name new")
        .fails(2, &["issuing", "allowed is a root", "ca create --parent root"]);
    rekey("nobody --name new").fails(2, &["nobody", "ca list"]);
    rekey("root --name root").fails(2, &["root", "already"]);
    rekey("root --name issuing").fails(2, &["issuing", "already"]);
    rekey("root --name Root").fails(2, &["Root"]);
    assert_eq!(records(&bench), 2);
}
