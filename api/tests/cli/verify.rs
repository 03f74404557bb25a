//! `espalier verify`.

use ca_core::pem::{self, Label};

use crate::certificates::{Authority, leaf};
use crate::workbench::{Workbench, bent};

const AT: &str = "--at 2030-01-01T00:10:00Z";

/// A folder with `root.pem`, `other.pem` (another root of the same name) and `leaf.pem`.
fn bench(algorithm: &str) -> (Workbench, Vec<u8>) {
    let bench = Workbench::new();
    let root = Authority::new(algorithm);
    let leaf = leaf(&root, algorithm);
    bench.write("root.pem", pem::encode(Label::Certificate, root.der()));
    bench.write("root.der", root.der());
    bench.write("other.pem", pem::encode(Label::Certificate, Authority::new(algorithm).der()));
    bench.write("leaf.pem", pem::encode(Label::Certificate, &leaf));
    (bench, leaf)
}

#[test]
fn a_hybrid_chain_is_valid_and_explained() {
    let (bench, _) = bench("hybrid");
    let line = format!(
        "verify --trust root.pem {AT} --policy hybrid --hostname demo.test --usage server-auth"
    );
    let run = bench.run(&format!("{line} leaf.pem")).done();
    assert!(run.stdout().starts_with("valid at 2030-01-01T00:10:00Z"), "{}", run.stdout());
    assert!(run.stdout().contains("signature"), "{}", run.stdout());
    let json = bench.run(&format!("{line} --json leaf.pem")).done().json();
    assert_eq!(json["valid"], true);
    assert!(json["steps"].as_array().unwrap().len() > 5);
}

#[test]
fn the_first_reason_is_on_standard_error() {
    let (bench, leaf) = bench("hybrid");
    bench.write("bent.der", bent(&leaf));
    for (line, words) in [
        (format!("--trust root.pem {AT} bent.der"), &["signature"][..]),
        (format!("--trust other.pem {AT} leaf.pem"), &["leaf.pem"]),
        ("--trust root.pem --at 2029-12-31T00:00:00Z leaf.pem".into(), &["notBefore"]),
        ("--trust root.pem --at 2099-01-01T00:00:00Z leaf.pem".into(), &["notAfter"]),
        (format!("--trust root.pem {AT} --hostname other.test leaf.pem"), &["other.test"]),
        (format!("--trust root.pem {AT} --usage client-auth leaf.pem"), &["client-auth"]),
    ] {
        let run = bench.run(&format!("verify {line}")).fails(1, words);
        assert!(run.stdout().starts_with("NOT valid"), "{}", run.stdout());
        let run = bench.run(&format!("verify --json {line}")).fails(1, words);
        assert_eq!(run.json()["valid"], false, "{line}");
    }
}

#[test]
fn a_policy_is_enforced() {
    for (algorithm, policy, code) in [
        ("p256", "any", 0),
        ("p256", "hybrid", 1),
        ("p256", "post-quantum", 1),
        ("ml-dsa-44", "post-quantum", 0),
        ("ml-dsa-44", "hybrid", 1),
    ] {
        let (bench, _) = bench(algorithm);
        let run = bench.run(&format!("verify --trust root.pem {AT} --policy {policy} leaf.pem"));
        assert_eq!(run.code, code, "{algorithm} {policy}: {}", run.stderr());
    }
}

#[test]
fn a_self_signed_certificate_given_twice_has_its_signature_checked() {
    let (bench, _) = bench("hybrid");
    bench.run(&format!("verify --trust root.der {AT} root.der")).done();
    bench.write("bent.der", bent(&bench.read("root.der")));
    bench.run(&format!("verify --trust bent.der {AT} bent.der")).fails(1, &["signature"]);
}

#[test]
fn a_chain_in_one_file_and_standard_input_serve() {
    let (bench, leaf) = bench("p256");
    let chain = [bench.read("leaf.pem"), bench.read("root.pem")].concat();
    let line = format!("verify --trust root.pem {AT} -");
    bench.run_with(&line, &[], &chain).done();
    bench.run_with(&line, &[], &leaf).done();
    let line = format!("verify --trust other.pem --trust root.pem {AT} leaf.pem");
    bench.run(&line).done();
    let line = format!("verify --trust other.pem --intermediate root.pem {AT} leaf.pem");
    assert_eq!(bench.run(&line).code, 1, "an intermediate is not trusted");
    bench.run_with(&format!("verify --trust - {AT} -"), &[], &chain).fails(2, &["twice"]);
}

#[test]
fn unreadable_files_and_usage_are_2() {
    let (bench, leaf) = bench("p256");
    bench.write("short.der", &leaf[..leaf.len() - 1]);
    bench.run("key generate -a p256 --no-passphrase --out key.pem").done();
    for (line, words) in [
        ("--trust root.pem short.der", &["short.der"][..]),
        ("--trust short.der leaf.pem", &["short.der"]),
        ("--trust root.pem missing.pem", &["missing.pem"]),
        ("--trust root.pem --intermediate missing.pem leaf.pem", &["missing.pem"]),
        ("--trust key.pem leaf.pem", &["key.pem", "PRIVATE KEY", "CERTIFICATE"]),
        ("--trust root.pem .", &["directory"]),
        ("--trust root.pem --at yesterday leaf.pem", &["--at", "2031-01-31T12:00:00Z"]),
        ("--trust root.pem --policy quantum leaf.pem", &["--policy", "post-quantum"]),
        ("--trust root.pem --usage cooking leaf.pem", &["--usage", "server-auth"]),
        ("--trust root.pem --hostname a..b leaf.pem", &["--hostname", "a..b"]),
        ("leaf.pem", &["--trust"]),
    ] {
        bench.run(&format!("verify {line}")).fails(2, words);
    }
}
