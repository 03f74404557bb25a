#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::process::Command;

use base64ct::{Base64, Encoding as _};
use ca_core::algorithm::KeyAlgorithm;
use ca_core::pem::Label;
use interop::peers::absent;
use proptest::prelude::*;
use rand_core::UnwrapErr;

use super::*;

const HEAD: &str = "5f1d7a84db00d2fce00b31a7fc73224afa4c5b5d4a0d9b6a8b1b1a3ba0dbb0c1";

fn head() -> Digest {
    HEAD.parse().unwrap()
}

fn other() -> Digest {
    Digest::of(b"another")
}

fn generated(algorithm: &str) -> (PrivateKey, WitnessKey) {
    let algorithm = Algorithm::named(algorithm).unwrap();
    let key = PrivateKey::generate(algorithm, &mut UnwrapErr(getrandom::SysRng)).unwrap();
    let pem = pem::encode(Label::PublicKey, key.public_key().spki_der());
    (key, WitnessKey::read(&pem).unwrap())
}

/// Whether OpenSSH is here; where it must be, its absence is a failure.
fn has_openssh() -> bool {
    let there = Command::new("ssh").arg("-V").output().is_ok();
    if !there {
        absent("ssh-keygen: apt-get install openssh-client");
    }
    there
}

/// A key of OpenSSH's own program and what it signs.
struct OpenSsh {
    place: tempfile::TempDir,
}

impl OpenSsh {
    fn new(kind: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", "", "-C", "wim@example", "-f"])
            .arg(place.path().join("key"))
            .status();
        assert!(made.unwrap().success());
        Self { place }
    }

    fn public(&self) -> String {
        std::fs::read_to_string(self.place.path().join("key.pub")).unwrap()
    }

    fn signs(&self, namespace: &str, message: &str) -> Vec<u8> {
        let (key, file) = (self.place.path().join("key"), self.place.path().join("head"));
        std::fs::write(&file, message).unwrap();
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .args([&key, &file])
            .output()
            .unwrap();
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        let signature = self.place.path().join("head.sig");
        let octets = std::fs::read(&signature).unwrap();
        std::fs::remove_file(signature).unwrap();
        octets
    }
}

#[test]
fn openssh_signs_a_head_and_nothing_else_is_taken_for_it() {
    if !has_openssh() {
        return;
    }
    let wim = OpenSsh::new("ed25519");
    let key = WitnessKey::read(&wim.public()).unwrap();
    let line = format!("{HEAD}\n");
    let signature = wim.signs(NAMESPACE, &line);
    key.check(&signature, head()).unwrap();

    assert!(key.fingerprint().starts_with("SHA256:"), "{}", key.fingerprint());
    let refused = |file: &[u8], head| key.check(file, head).unwrap_err().to_string();
    assert!(refused(&signature, other()).starts_with("signature: found"));
    let elsewhere = wim.signs("file", &line);
    let error = refused(&elsewhere, head());
    assert_eq!(error, "namespace: found \"file\", allowed: `espalier-ceremony`, by -n");
    let error = refused(&wim.signs(NAMESPACE, HEAD), head());
    assert!(error.contains("allowed: one over the head"), "without its line feed: {error}");
    let error = refused(&OpenSsh::new("ed25519").signs(NAMESPACE, &line), head());
    assert!(error.starts_with("key: found") && error.contains("definition"), "{error}");
    let error = refused(&OpenSsh::new("ecdsa").signs(NAMESPACE, &line), head());
    assert!(error.contains("allowed: one of Ed25519 that `ssh-keygen -Y sign` wrote"), "{error}");
    assert!(refused(&vec![b'x'; MAX_FILE + 1], head()).contains("found \"131073 octets\""));
    for (at, bit) in (0..signature.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = signature.clone();
        changed[at] ^= 1 << bit;
        assert!(key.check(&changed, head()).is_err(), "octet {at}, bit {bit}");
    }
}

#[test]
fn keys_of_any_family_sign() {
    let signing = [
        "ed25519",
        "p256",
        "rsa-3072",
        "ml-dsa-65",
        "slh-dsa-sha2-128s",
        "mldsa65-ecdsa-p256-sha512",
    ];
    for algorithm in signing {
        let (private, key) = generated(algorithm);
        let file = sign(head(), &private).unwrap();
        key.check(&file, head()).unwrap();
        let error = key.check(&file, other()).unwrap_err().to_string();
        assert_eq!(error, format!("head: found \"{HEAD}\", allowed: {}", other()));
        assert!(file.len() < MAX_FILE, "{algorithm}: {}", file.len());
    }
}

#[test]
fn no_changed_octet_of_a_signature_is_accepted() {
    let (private, key) = generated("ed25519");
    let (_, stranger) = generated("ed25519");
    let file = sign(head(), &private).unwrap();
    for (at, bit) in (0..file.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = file.clone();
        changed[at] ^= 1 << bit;
        assert!(key.check(&changed, head()).is_err(), "octet {at}, bit {bit}");
    }
    let error = stranger.check(&file, head()).unwrap_err().to_string();
    assert!(error.starts_with("key: found"), "{error}");
    let text = String::from_utf8(file).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from));
        key.check(text.replacen(from, to, 1).as_bytes(), head()).unwrap_err().to_string()
    };
    let error = changed("\"Ed25519\"", "\"ML-DSA-65\"");
    assert_eq!(
        error,
        "algorithm: found \"ML-DSA-65\", allowed: one by which a key of Ed25519 signs"
    );
    assert_eq!(changed("\"version\":1", "\"version\":2"), "version: found \"2\", allowed: 1");
    assert!(changed("{", "{ ").contains("another form of the same JSON"));
    assert!(changed("{", "{\"note\":1,").contains("unknown field"));
}

#[test]
fn whose_a_signature_is_is_found_among_all() {
    if !has_openssh() {
        return;
    }
    let (wim, (wanda, wandas)) = (OpenSsh::new("ed25519"), generated("ml-dsa-44"));
    let witnesses = [
        Witness { name: "Wim".into(), key: WitnessKey::read(&wim.public()).unwrap() },
        Witness { name: "Wanda".into(), key: wandas },
    ];
    let heads = [other(), head()];
    let by_ssh = wim.signs(NAMESPACE, &format!("{}\n", other()));
    let found = whose(&by_ssh, &witnesses, &heads).unwrap();
    assert_eq!((found.0.name.as_str(), found.1), ("Wim", other()));
    let elsewhere = wim.signs("file", &format!("{}\n", other()));
    let error = whose(&elsewhere, &witnesses, &heads).unwrap_err().to_string();
    assert!(error.starts_with("namespace: found \"file\""), "{error}");
    let by_key = sign(head(), &wanda).unwrap();
    assert_eq!(whose(&by_key, &witnesses, &heads).unwrap().0.name, "Wanda");
    let error = whose(&by_key, &witnesses, &heads[..1]).unwrap_err().to_string();
    assert!(error.ends_with("by the key of Wim, Wanda"), "{error}");
    let error = whose(&by_key, &[], &heads).unwrap_err().to_string();
    assert!(error.ends_with("the definition names none"), "{error}");
    let error = whose(b"x", &witnesses, &heads).unwrap_err().to_string();
    assert!(error.contains("a file that `witness sign` wrote"), "{error}");
}

#[test]
fn keys_that_are_none_are_named() {
    if !has_openssh() {
        return;
    }
    let refused = |text: &str| WitnessKey::read(text).unwrap_err().to_string();
    let rsa = refused(&OpenSsh::new("rsa").public());
    assert!(rsa.starts_with("key: found \"ssh-rsa\", allowed: one line `ssh-ed25519"), "{rsa}");
    assert!(refused("ssh-ed25519 AAAA").starts_with("key: found"));
    let line = OpenSsh::new("ed25519").public();
    assert!(refused(&format!("{line}{line}")).contains("several lines"));
    // A point of small order: what it signs, anybody can sign.
    let zeros = format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{}", "A".repeat(43));
    assert!(refused(&zeros).starts_with("key: found"), "{}", refused(&zeros));
    let encoded = |key: &PublicKey| pem::encode(Label::PublicKey, key.spki_der());
    let pem = encoded(&generated("p256").1.key);
    assert!(refused(&format!("{pem}{pem}")).starts_with("key: found"));
    let kem = KeyAlgorithm::named("ml-kem-768").unwrap();
    let kem = PrivateKey::generate_for(kem, &mut UnwrapErr(getrandom::SysRng)).unwrap();
    assert!(refused(&encoded(kem.public_key())).contains("ML-KEM-768"));
    assert!(refused("hello").starts_with("key: found"));
    let request = include_str!("../../../ca-core/tests/data/inspect/request.pem");
    assert!(refused(request).starts_with("key: found"));
}

proptest! {
    /// Files come from whoever brings them: each is refused with words, whatever is in it.
    #[test]
    fn any_file_is_answered(octets in proptest::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let heads = [head()];
        prop_assert!(whose(&octets, &[], &heads).is_err());
        let lines = Base64::encode_string(&octets);
        let pem = format!("-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n");
        prop_assert!(whose(pem.as_bytes(), &[], &heads).is_err());
        for line in [text.clone(), format!("ssh-ed25519 {lines}"), format!("ssh-ed25519 {text}")] {
            prop_assert!(WitnessKey::read(&line).is_err());
        }
    }
}
