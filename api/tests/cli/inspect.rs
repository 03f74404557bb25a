//! `espalier inspect`.

use ca_core::pem::{self, Label};

use crate::certificates::{Authority, leaf};
use crate::workbench::Workbench;

#[test]
fn every_kind_is_shown_as_text_and_json() {
    let bench = Workbench::new();
    let root = Authority::new("hybrid");
    bench.write("cert.pem", pem::encode(Label::Certificate, root.der()));
    bench.write("pass", "a passphrase");
    bench.run("key generate -a hybrid --no-passphrase --out key.pem --public-out pub.pem").done();
    bench.run("key generate -a p256 --passphrase-file pass --out encrypted.pem").done();
    bench.run("csr create --key key.pem --dns a.test --out demo.csr").done();
    for (file, kind) in [
        ("cert.pem", "certificate"),
        ("key.pem", "private-key"),
        ("pub.pem", "public-key"),
        ("encrypted.pem", "encrypted-private-key"),
        ("demo.csr", "certificate-request"),
    ] {
        let json = bench.run(&format!("inspect {file} --json")).done().json();
        assert_eq!(json[0]["kind"], kind, "{file}");
        let text = bench.run(&format!("inspect {file}")).done();
        assert!(text.stdout().ends_with('\n') && text.stdout().len() > 60, "{file}");
    }
    let text = bench.run("inspect cert.pem").done();
    for half in ["ML-DSA-65", "ECDSA P-256", "NIST level 3"] {
        assert!(text.stdout().contains(half), "no {half} in {}", text.stdout());
    }
}

#[test]
fn a_chain_is_shown_whole_from_standard_input() {
    let bench = Workbench::new();
    let root = Authority::new("p256");
    let leaf = leaf(&root, "p256");
    let chain = [leaf.as_slice(), root.der()].map(|der| pem::encode(Label::Certificate, der));
    let run = bench.run_with("inspect - --json", &[], chain.concat().as_bytes()).done();
    assert_eq!(run.json().as_array().unwrap().len(), 2);
}

#[test]
fn what_breaks_a_rule_is_1_and_what_is_unreadable_2() {
    let bench = Workbench::new();
    let root = Authority::new("p256");
    // A both-form ML-DSA key whose seed is another's.
    let mut both = vec![0x30, 0x82, 0x0a, 0x3e, 0x02, 0x01, 0x00, 0x30, 0x0b, 0x06, 0x09];
    both.extend([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11]);
    both.extend([0x04, 0x82, 0x0a, 0x2a, 0x30, 0x82, 0x0a, 0x26, 0x04, 0x20]);
    both.extend([7; 32]);
    both.extend([0x04, 0x82, 0x0a, 0x00]);
    both.extend([0; 2560]);
    bench.run_with("inspect -", &[], &both).fails(1, &["seed"]);

    let mut truncated = root.der().to_vec();
    truncated.pop();
    let mut longer = root.der().to_vec();
    longer.push(0);
    let mut indefinite = root.der().to_vec();
    indefinite[1] = 0x80;
    let mislabelled = pem::encode(Label::PublicKey, root.der());
    for (octets, words) in [
        (truncated.as_slice(), &["standard input"][..]),
        (&longer, &["standard input"]),
        (&indefinite, &["indefinite"]),
        (mislabelled.as_bytes(), &["PUBLIC KEY", "certificate"]),
        (b"-----BEGIN COFFEE-----\nMAA=\n-----END COFFEE-----\n", &["COFFEE"]),
        (b"hello", &["BEGIN"]),
        (&[0x30, 0x00], &["known"]),
        (&vec![b'a'; 1024 * 1024 + 1], &["1048576"]),
    ] {
        let run = bench.run_with("inspect -", &[], octets).fails(2, words);
        assert!(run.stdout.is_empty());
    }
}
