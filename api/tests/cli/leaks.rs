//! No octet of a private key comes out but into its file, however much is logged.

use base64ct::{Base64Unpadded, Encoding as _};
use ca_core::pem;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode as _;

use crate::workbench::{Run, Workbench};

/// The seed and scalar inside a PKCS#8 key, by algorithm.
fn secrets(algorithm: &str, pem: &[u8]) -> Vec<Vec<u8>> {
    let pem::Input::Pem(blocks) = pem::read(pem).unwrap() else { panic!("not PEM") };
    let info = PrivateKeyInfoRef::from_der(blocks[0].der()).unwrap();
    let inner = info.private_key.as_bytes();
    match algorithm {
        // [0] IMPLICIT seed.
        "ml-dsa-65" => vec![inner[2..34].to_vec()],
        // The seed, then ECPrivateKey: SEQUENCE, version, OCTET STRING of 32.
        "hybrid" => vec![inner[..32].to_vec(), inner[32 + 7..32 + 7 + 32].to_vec()],
        // An OCTET STRING of 32.
        "ed25519" => vec![inner[2..34].to_vec()],
        // ECPrivateKey.
        "p256" => vec![inner[7..39].to_vec()],
        other => panic!("{other}"),
    }
}

/// Whether 16 octets in a row of the secret stand in the output: raw, in hexadecimal, or 12 of
/// them as the 16 characters of base64 that any alignment has.
fn leaks(output: &[u8], secret: &[u8]) -> bool {
    let holds = |wanted: &[u8]| output.windows(wanted.len()).any(|found| found == wanted);
    let any_case = output.to_ascii_lowercase();
    let hex = |octets: &[u8]| base16ct::lower::encode_string(octets).into_bytes();
    let holds_hex = |wanted: &[u8]| any_case.windows(wanted.len()).any(|found| found == wanted);
    secret.windows(16).any(|run| holds(run) || holds_hex(&hex(run)))
        || secret.windows(12).any(|run| holds(Base64Unpadded::encode_string(run).as_bytes()))
}

fn output(run: &Run) -> Vec<u8> {
    [run.stdout.as_slice(), &run.stderr].concat()
}

#[test]
fn nothing_of_a_key_is_said_at_trace_level() {
    let bench = Workbench::new();
    bench.write("pass", "a passphrase that nobody must see");
    let trace = [("ESPALIER_LOG", "trace")];
    for algorithm in ["ml-dsa-65", "hybrid", "ed25519", "p256"] {
        let clear = format!("{algorithm}.pem");
        let made = bench.run_with(
            &format!("key generate -a {algorithm} --no-passphrase --out {clear}"),
            &trace,
            b"",
        );
        assert_eq!(made.code, 0, "{}", made.stderr());
        let mut said = output(&made);
        for line in [
            format!("csr create --key {clear} --dns a.test"),
            format!("inspect {clear}"),
            format!("inspect {clear} --json"),
            format!("csr verify {clear}"),
            format!("verify --trust {clear} {clear}"),
            format!("key generate -a {algorithm} --passphrase-file pass"),
            format!("key generate -a {algorithm} --no-passphrase --out {clear}"),
        ] {
            said.extend(output(&bench.run_with(&line, &trace, b"")));
        }
        let file = bench.read(&clear);
        for secret in secrets(algorithm, &file) {
            let lines: Vec<u8> = file.iter().copied().filter(|octet| *octet != b'\n').collect();
            assert!(leaks(&lines, &secret), "the search finds it where it is: {algorithm}");
            assert!(!leaks(&said, &secret), "{algorithm} leaks");
        }
        assert!(!leaks(&said, b"a passphrase that nobody must see"));
    }
}

#[test]
fn the_search_finds_every_form() {
    let secret: Vec<u8> = (100..132).collect();
    let hex = base16ct::upper::encode_string(&secret);
    for prefix in 0..3 {
        let shifted = [vec![b'x'; prefix], secret.clone()].concat();
        let text = Base64Unpadded::encode_string(&shifted);
        assert!(leaks(text.as_bytes(), &secret), "base64 shifted by {prefix}");
    }
    assert!(leaks(hex.as_bytes(), &secret) && leaks(&secret[8..24], &secret));
    assert!(!leaks(&secret[8..23], &secret));
}
