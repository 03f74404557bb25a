//! `espalier verify`.

use ca_core::certificate::Certificate;
use ca_core::crl::EntrySerial;
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

/// Beside the bench's files, lists of the root: `good.crl`, and `revoked.crl` with the leaf on it.
fn bench_with_lists() -> Workbench {
    let bench = Workbench::new();
    let root = Authority::new("p256");
    let leaf = Certificate::from_der(&leaf(&root, "p256")).unwrap();
    bench.write("root.pem", pem::encode(Label::Certificate, root.der()));
    bench.write("leaf.pem", pem::encode(Label::Certificate, leaf.der()));
    bench.write("good.crl", root.crl(1, &[]));
    let revoked = root.crl(2, &[EntrySerial::of(&leaf).unwrap()]);
    bench.write("revoked.crl", pem::encode(Label::Crl, &revoked));
    bench.write("bent.crl", bent(&root.crl(1, &[])));
    bench.write("other.crl", Authority::new("p256").crl(3, &[]));
    bench
}

#[test]
fn a_list_tells_good_from_revoked() {
    let bench = bench_with_lists();
    let line = format!("verify --trust root.pem {AT} leaf.pem");
    let without = bench.run(&line).done();
    assert!(!without.stdout().contains("revocation"), "{}", without.stdout());
    let good = bench.run(&format!("{line} --crl good.crl")).done();
    let words = "good, by CRL 1 (2030-01-01T00:00:00Z to 2030-01-02T00:00:00Z)";
    assert!(good.stdout().contains(words), "{}", good.stdout());

    for lists in ["--crl revoked.crl", "--crl good.crl --crl revoked.crl"] {
        for rule in ["", "--revocation require", "--revocation allow-unknown"] {
            let line = format!("{line} {lists} {rule}");
            let words = &["revocation", "revoked at 2029-12-31T23:00:00Z: keyCompromise"];
            bench.run(&line).fails(1, words);
            let json = bench.run(&format!("{line} --json")).fails(1, words).json();
            assert_eq!(json["error"]["reason"], "revoked");
            let last = json["steps"].as_array().unwrap().last().unwrap().clone();
            let revocation = &last["revocation"];
            assert_eq!(revocation["status"], "revoked");
            assert_eq!(revocation["reason"], "keyCompromise");
            assert_eq!(revocation["revoked_at"], "2029-12-31T23:00:00Z");
            assert_eq!(revocation["sources"][0]["number"], "2");
        }
    }
}

#[test]
fn where_nobody_can_tell_it_is_refused_with_the_reason_or_allowed() {
    let bench = bench_with_lists();
    let later = "--at 2030-01-03T00:00:00Z";
    for (options, why) in [
        (format!("{AT} --crl other.crl"), "authorityKeyIdentifier"),
        (format!("{AT} --crl bent.crl"), "signature"),
        (format!("{later} --crl good.crl"), "nextUpdate: found 2030-01-02T00:00:00Z"),
        (format!("{AT} --revocation require"), "no revocation list and no OCSP"),
    ] {
        let line = format!("verify --trust root.pem {options} leaf.pem");
        bench.run(&line).fails(1, &["revocation: found unknown", why]);
        let json = bench.run(&format!("{line} --json")).fails(1, &[why]).json();
        assert_eq!(json["error"]["reason"], "revocation-unknown");
        if options.contains("require") {
            continue;
        }
        let run = bench.run(&format!("{line} --revocation allow-unknown")).done();
        assert!(run.stdout().contains("--   revocation            unknown"), "{}", run.stdout());
        assert!(run.stdout().contains(why), "no {why:?} in {}", run.stdout());
    }
    let line = format!("verify --trust root.pem {AT} leaf.pem");
    for (options, words) in [
        ("--crl leaf.pem", &["leaf.pem", "X509 CRL"][..]),
        ("--crl missing.crl", &["missing.crl"]),
        ("--crl good.crl --revocation maybe", &["allow-unknown"]),
        ("--crl good.crl --revocation-of root", &["chain and leaf"]),
    ] {
        bench.run(&format!("{line} {options}")).fails(2, words);
    }
}
