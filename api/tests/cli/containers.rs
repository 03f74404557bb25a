//! `espalier pkcs12` and `espalier pkcs7`.

use ca_core::pem::{self, Label};

use crate::certificates::{Authority, leaf_and_key};
use crate::workbench::Workbench;

const QUICK: &str = "--iterations 2048 --password-file password";

/// A folder with `key.pem`, `chain.pem` (leaf and root), `root.pem`, and two files of passwords.
fn bench(algorithm: &str) -> Workbench {
    let bench = Workbench::new();
    let root = Authority::new("p256");
    let (leaf, key) = leaf_and_key(&root, algorithm);
    let root = pem::encode(Label::Certificate, root.der());
    bench.write("key.pem", &*pem::encode_secret(Label::PrivateKey, &key.to_pkcs8_der().unwrap()));
    bench.write("chain.pem", pem::encode(Label::Certificate, &leaf) + &root);
    bench.write("root.pem", root);
    bench.write("password", "correct-horse\n");
    bench.write("wrong", "wrong-horse\n");
    bench
}

#[test]
fn a_key_and_its_chain_go_into_a_file_and_come_out_as_they_were() {
    for algorithm in ["ed25519", "hybrid"] {
        let bench = bench(algorithm);
        let create = format!("pkcs12 create --key key.pem --cert chain.pem --name app {QUICK}");
        bench.run(&format!("{create} --out app.p12")).done();
        assert_eq!(bench.mode("app.p12"), 0o600);
        let open = "app.p12 --password-file password";
        let shown = bench.run(&format!("pkcs12 show {open} --json")).done().json();
        assert_eq!(shown["keys"][0]["name"], "app");
        assert_eq!(shown["keys"][0]["has_certificate"], true);
        assert_eq!(shown["certificates"].as_array().unwrap().len(), 2);
        let text = bench.run(&format!("pkcs12 show {open}")).done();
        assert!(text.stdout().contains("\nPrivate key \"app\"\nPublic key\n"), "{}", text.stdout());
        let out = "--key-out out.pem --cert-out out-chain.pem --no-passphrase";
        bench.run(&format!("pkcs12 extract {open} {out}")).done();
        assert_eq!(bench.read("out.pem"), bench.read("key.pem"));
        assert_eq!(bench.read("out-chain.pem"), bench.read("chain.pem"));
        assert_eq!(bench.mode("out.pem"), 0o600);

        // A file that holds a key replaces nothing, and nothing replaces it.
        bench.run(&format!("{create} --out app.p12")).fails(2, &["app.p12", "exists", "--force"]);
        bench.run("pkcs7 create chain.pem --out app.p12").fails(2, &["app.p12", "private key"]);
    }
}

#[test]
fn a_wrong_password_and_a_flipped_bit_are_exit_code_2() {
    let bench = bench("p256");
    bench
        .run(&format!("pkcs12 create --key key.pem --cert chain.pem {QUICK} --out app.p12"))
        .done();
    for command in ["show", "extract --cert-out -"] {
        let run = bench.run(&format!("pkcs12 {command} app.p12 --password-file wrong"));
        run.fails(2, &["app.p12", "password is wrong, or the file is damaged"]);
    }
    let mut file = bench.read("app.p12");
    let middle = file.len() / 2;
    file[middle] ^= 1;
    bench.write("bent.p12", file);
    let run = bench.run("pkcs12 show bent.p12 --password-file password");
    run.fails(2, &["bent.p12", "wrong, or the file is damaged"]);
    bench.run("pkcs12 show app.p12").fails(2, &["--password-file or --password-env"]);
    bench.run("pkcs12 show chain.pem --password-file password").fails(2, &["PKCS#12", "chain.pem"]);
    // Without the password its protection shows, and no more.
    let run = bench.run("inspect app.p12").done();
    assert!(run.stdout().contains("HMAC-SHA-256 by RFC 7292"), "{}", run.stdout());
    let json = bench.run("inspect app.p12 --json").done().json();
    assert_eq!((&json[0]["kind"], &json[0]["mac_iterations"]), (&"pkcs12".into(), &2048.into()));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let bench = bench("p256");
    let run = bench.run(&format!("pkcs12 create --key key.pem --cert root.pem {QUICK}"));
    run.fails(1, &["allowed: that of the private key", "certificate of the key first"]);
    let run = bench.run("pkcs12 create --cert root.pem --iterations 2047 --password-file password");
    run.fails(2, &["found 2047, allowed: 2048 to 3000000"]);
    assert_eq!(bench.run(&format!("pkcs12 create --key key.pem {QUICK}")).code, 2);
}

#[test]
fn a_trust_store_has_no_key_to_take_out() {
    let bench = bench("p256");
    bench.run(&format!("pkcs12 create --cert root.pem --name root {QUICK} --out t.p12")).done();
    let open = "t.p12 --password-file password";
    let run = bench.run(&format!("pkcs12 extract {open} --key-out k.pem --no-passphrase"));
    run.fails(1, &["found no private key", "--cert-out"]);
    let out = bench.run(&format!("pkcs12 extract {open} --cert-out -")).done();
    assert_eq!(out.stdout, bench.read("root.pem"));
    let run = bench.run(&format!("pkcs12 extract {open} --name app --cert-out -"));
    run.fails(2, &["found 0 private keys, allowed is one"]);
}

#[test]
fn bags_hold_certificates_in_their_order() {
    let bench = bench("ml-dsa-44");
    bench.run("pkcs7 create chain.pem --out chain.p7b").done();
    bench.run("pkcs7 create chain.pem --der --out chain.p7c").done();
    for file in ["chain.p7b", "chain.p7c"] {
        let out = bench.run(&format!("pkcs7 extract {file}")).done();
        assert_eq!(out.stdout, bench.read("chain.pem"));
        let json = bench.run(&format!("pkcs7 show {file} --json")).done().json();
        assert_eq!(json[0]["certificates"].as_array().unwrap().len(), 2);
        assert_eq!(json, bench.run(&format!("inspect {file} --json")).done().json());
    }
    let text = String::from_utf8(bench.read("chain.p7b")).unwrap();
    assert!(text.starts_with("-----BEGIN PKCS7-----\n"), "{text}");
    bench.write("cms.pem", text.replace("PKCS7", "CMS"));
    bench.run("pkcs7 extract cms.pem").done();
    bench.write("wrong.pem", text.replace("PKCS7", "CERTIFICATE"));
    bench.run("pkcs7 extract wrong.pem").fails(2, &["found a block CERTIFICATE", "PKCS7, CMS"]);
    bench.run("inspect wrong.pem").fails(2, &["labelled CERTIFICATE", "PKCS#7 bag"]);
    let mut cut = bench.read("chain.p7c");
    cut.pop();
    bench.write("cut.p7c", cut);
    bench.run("pkcs7 show cut.p7c").fails(2, &["cut.p7c", "truncated"]);
}
