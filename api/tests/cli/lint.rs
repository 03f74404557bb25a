//! `espalier lint`.

use ca_core::pem::{self, Label};

use crate::certificates::{Authority, leaf};
use crate::workbench::{Workbench, bent};

/// A root, its list, a leaf below it, a request.
fn bench() -> Workbench {
    let bench = Workbench::new();
    let root = Authority::new("p256");
    let leaf = leaf(&root, "mldsa44");
    let certificate = |der: &[u8]| pem::encode(Label::Certificate, der);
    bench.write("root.pem", certificate(root.der()));
    bench.write("leaf.pem", certificate(&leaf));
    bench.write("chain.pem", [certificate(&leaf), certificate(root.der())].concat());
    bench.write("turned.pem", [certificate(root.der()), certificate(&leaf)].concat());
    bench.write("bent.pem", certificate(&bent(&leaf)));
    bench.write("ca.crl", root.crl(7, &[]));
    bench.write("bent.crl", bent(&root.crl(7, &[])));
    bench.run("key generate -a hybrid --no-passphrase --out key.pem").done();
    bench.run("csr create --key key.pem --dns a.test --out app.csr").done();
    bench
}

#[test]
fn what_we_make_is_clean_and_one_bit_is_found() {
    let bench = bench();
    let run = bench.run("lint chain.pem app.csr ca.crl --issuer root.pem --fail-on notice").done();
    assert_eq!(run.stdout(), "4 objects: no findings\n");
    let run =
        bench.run("lint bent.pem --issuer root.pem").fails(1, &["1 finding of severity error"]);
    assert!(run.stdout().contains("signature_verifies"), "{}", run.stdout());
    // Without its issuer nothing can be said of a signature.
    bench.run("lint bent.pem").done();
    let run = bench.run("lint bent.crl --issuer root.pem").fails(1, &["1 finding"]);
    assert!(run.stdout().contains("list_signature_verifies"), "{}", run.stdout());
    let run = bench.run("lint turned.pem --json").done();
    assert_eq!(run.json()[0]["findings"][0]["id"], "chain_in_order");
    assert_eq!(run.json()[1]["findings"].as_array().unwrap().len(), 0);
    bench.run("lint turned.pem --fail-on warning").fails(1, &["severity warning or more"]);
}

#[test]
fn the_lists_of_lints_agree() {
    let bench = Workbench::new();
    let table = bench.run("lint --list").done();
    let json = bench.run("lint --list --json").done().json();
    let lints = json.as_array().unwrap();
    assert!(lints.len() > 90, "{}", lints.len());
    assert_eq!(table.stdout().lines().count(), lints.len() + 1);
    for lint in lints {
        assert!(table.stdout().contains(lint["id"].as_str().unwrap()));
    }
}

#[test]
fn a_profile_changes_severities_with_its_reason() {
    let bench = bench();
    let profile = include_str!("../../../ca-core/profiles/tls-server.yaml");
    let lints = "lints: [{id: chain_in_order, severity: error, reason: Our clients are strict.}]\n";
    bench.write("own.yaml", format!("{profile}{lints}"));
    let run = bench.run("lint turned.pem --profile-file own.yaml --json");
    assert_eq!(run.code, 1);
    let finding = &run.json()[0]["findings"][0];
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["changed"]["from"], "warning");
    assert_eq!(finding["changed"]["reason"], "Our clients are strict.");
}

#[test]
fn what_can_not_be_read_as_certificate_is_a_finding_and_no_certificate_is_usage() {
    let bench = bench();
    let mut der = Authority::new("p256").der().to_vec();
    // The version: 3 becomes 4.
    let at = der.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
    der[at + 4] = 3;
    bench.write("four.der", der);
    let run = bench.run("lint four.der").fails(1, &["1 finding"]);
    assert!(run.stdout().contains("certificate_readable"), "{}", run.stdout());
    bench.run("lint key.pem").fails(2, &["key.pem", "a private key", "allowed are certificates"]);
    bench.run("lint missing.pem").fails(2, &["missing.pem"]);
    assert_eq!(bench.run("lint").code, 2);
    assert_eq!(bench.run("lint --list leaf.pem").code, 2);
    assert_eq!(bench.run("lint leaf.pem --fail-on fatal").code, 2);
}
