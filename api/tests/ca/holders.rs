//! A key is certified for one holder: what `issue` refuses, and what it does not.

use ca_core::profile::Profile;

use crate::data::{classical, made, records};

#[test]
fn an_authoritys_key_is_no_leafs() {
    let bench = classical();
    let before = records(&bench);
    // The issuer's own key is refused by a lint, another authority's by the ledger.
    for (name, words) in [
        ("issuing", "found the issuer's own key"),
        ("root", "which authority \"root\" has; allowed: an authority's key only in"),
    ] {
        let key = format!("espalier-data/authorities/{name}/key.pem");
        bench.run(&format!("csr create --key {key} --dns a.test --out ca.csr --force")).done();
        bench.run("issue --csr ca.csr --out never.pem").fails(1, &["key: found ", words]);
        assert!(!bench.path("never.pem").exists());
    }
    assert_eq!(records(&bench), before);
    let own =
        "csr create --key-out k.pem --algorithm p256 --no-passphrase --dns a.test --out a.csr";
    bench.run(own).done();
    bench.run("issue --csr a.csr").done();
}

#[test]
fn a_key_is_renewed_unless_the_profile_refuses() {
    let bench = made("--algorithm hybrid --no-passphrase");
    let csr =
        "csr create --key-out k.pem --algorithm hybrid --no-passphrase --dns a.test --out a.csr";
    bench.run(csr).done();
    bench.run("issue --csr a.csr").done();
    bench.run("issue --csr a.csr").done();
    let text = include_str!("../../../ca-core/profiles/tls-server.yaml");
    let once = format!("{text}key_reuse: refused\n");
    Profile::from_yaml(&once).unwrap();
    bench.write("once.yaml", once);
    let words = ["key: found ", "which the record of serial ", "key_reuse", "make a new key"];
    bench.run("issue --csr a.csr --profile-file once.yaml").fails(1, &words);
    assert_eq!(records(&bench), 4);
}
