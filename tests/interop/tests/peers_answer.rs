//! The peers themselves: each judges right what another one made, and refuses it with one bit flipped. Only when this
//! holds does a verdict about a certificate of ours mean anything.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use interop::peers::{self, Harness, Installed, Peer, base64, octets, tried};
use serde_json::{Value, json};

/// A DER structure with one bit of its last octets, the signature's, flipped.
fn flipped(answer: &Value, field: &str) -> String {
    let mut der = octets(answer, field);
    let at = der.len() - 9;
    der[at] ^= 1;
    base64(&der)
}

fn started(name: &str) -> Option<Harness> {
    match peers::peer(name) {
        Peer::Present(installed) => Some(installed.harness()),
        Peer::Missing { .. } => None,
    }
}

/// All 18 composites by the last arc of their OID.
fn composites() -> impl Iterator<Item = String> {
    (37..=54).map(|arc| format!("1.3.6.1.5.5.7.6.{arc}"))
}

#[test]
fn bouncy_castle_makes_every_family_and_refuses_each_flipped_bit() {
    let Some(mut peer) = started("bouncycastle") else { return };
    let pure = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"].map(str::to_owned);
    let classical =
        ["ECDSA-P256", "ECDSA-P384", "ECDSA-P521", "Ed25519", "RSA-2048"].map(str::to_owned);
    for algorithm in composites().chain(pure).chain(classical) {
        let root =
            peer.call("makeRoot", json!({ "algorithm": algorithm, "subject": "CN=Root" })).unwrap();
        let leaf = json!({ "algorithm": algorithm, "subject": "CN=Leaf", "dns": ["leaf.test"],
            "issuerCert": root["cert"], "issuerKey": root["key"] });
        let leaf = peer.call("makeLeaf", leaf).unwrap();
        let csr =
            peer.call("makeCsr", json!({ "algorithm": algorithm, "key": leaf["key"] })).unwrap();

        let path = |cert: &Value| json!({ "certs": [cert], "anchors": [root["cert"]] });
        peer.call("path", path(&leaf["cert"])).unwrap();
        peer.call("path", path(&flipped(&leaf, "cert").into())).unwrap_err();
        peer.call("verifyCsr", json!({ "csr": csr["csr"] })).unwrap();
        peer.call("verifyCsr", json!({ "csr": flipped(&csr, "csr") })).unwrap_err();
        assert_eq!(
            csr["spki"], leaf["spki"],
            "{algorithm}: the key that was given is the one that is used"
        );
        tried("bouncycastle", "itself: root, leaf, CSR", "accepted; flipped bit refused");
    }
}

#[test]
fn bouncy_castle_judges_its_own_alternative_signatures() {
    let Some(mut peer) = started("bouncycastle") else { return };
    let root =
        json!({ "algorithm": "ECDSA-P256", "altAlgorithm": "ML-DSA-65", "subject": "CN=Root" });
    let root = peer.call("makeAltCert", root).unwrap();
    let leaf = json!({ "algorithm": "ECDSA-P256", "altAlgorithm": "ML-DSA-44", "dns": ["leaf.test"],
        "issuerCert": root["cert"], "issuerKey": root["key"], "issuerAltKey": root["altKey"] });
    let leaf = peer.call("makeAltCert", leaf).unwrap();
    peer.call("verifyAlt", json!({ "cert": leaf["cert"], "issuer": root["cert"] })).unwrap();
    // One bit of the serial number: both signatures cover it.
    let mut der = octets(&leaf, "cert");
    der[20] ^= 1;
    peer.call("verifyAlt", json!({ "cert": base64(&der), "issuer": root["cert"] })).unwrap_err();
    tried("bouncycastle", "itself: alternative signature", "accepted; flipped bit refused");
}

#[test]
fn pyca_and_bouncy_castle_agree_on_all_composites() {
    let (Some(mut maker), Some(mut judge)) = (started("bouncycastle"), started("pyca")) else {
        return;
    };
    for algorithm in composites() {
        let csr = maker.call("makeCsr", json!({ "algorithm": algorithm })).unwrap();
        judge.call("verifyCsr", json!({ "csr": csr["csr"] })).unwrap();
        let refusal = judge.call("verifyCsr", json!({ "csr": flipped(&csr, "csr") })).unwrap_err();
        assert!(refusal.contains("classical half"), "{algorithm}: {refusal}");
        tried("pyca", "Bouncy Castle's composite CSR", "accepted; flipped bit refused");
    }
}

#[test]
fn go_judges_pure_and_classical_chains() {
    let (Some(mut maker), Some(mut judge)) = (started("bouncycastle"), started("go")) else {
        return;
    };
    for algorithm in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "ECDSA-P384", "Ed25519", "RSA-2048"] {
        let root = maker
            .call("makeRoot", json!({ "algorithm": algorithm, "subject": "CN=Root" }))
            .unwrap();
        let leaf = json!({ "algorithm": algorithm, "subject": "CN=Leaf", "dns": ["leaf.test"],
            "issuerCert": root["cert"], "issuerKey": root["key"] });
        let leaf = maker.call("makeLeaf", leaf).unwrap();
        let ask = |cert: Value, name: &str| json!({ "certs": [cert], "anchors": [root["cert"]], "dns": name });
        judge.call("path", ask(leaf["cert"].clone(), "leaf.test")).unwrap();
        judge.call("path", ask(flipped(&leaf, "cert").into(), "leaf.test")).unwrap_err();
        judge.call("path", ask(leaf["cert"].clone(), "other.test")).unwrap_err();
        tried("go", "Bouncy Castle's chain", "accepted; flipped bit refused");
    }
}

fn openssl_verifies(openssl: &Installed, root: &[u8], leaf: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let pem = |name: &str, der: &[u8]| {
        let path = folder.path().join(name);
        let text =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(der));
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut verify = openssl.command("openssl");
    verify.args(["verify", "-CAfile"]).arg(pem("root.pem", root)).arg(pem("leaf.pem", leaf));
    verify.output().unwrap().status.success()
}

#[test]
fn openssl_judges_pure_chains() {
    let Peer::Present(openssl) = peers::peer("openssl") else { return };
    let Some(mut maker) = started("bouncycastle") else { return };
    for algorithm in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        let root = maker
            .call("makeRoot", json!({ "algorithm": algorithm, "subject": "CN=Root" }))
            .unwrap();
        let leaf = json!({ "algorithm": algorithm, "subject": "CN=Leaf", "issuerCert": root["cert"],
            "issuerKey": root["key"] });
        let leaf = maker.call("makeLeaf", leaf).unwrap();
        let root = octets(&root, "cert");
        let mut der = octets(&leaf, "cert");
        assert!(openssl_verifies(&openssl, &root, &der), "{algorithm}");
        let at = der.len() - 9;
        der[at] ^= 1;
        assert!(!openssl_verifies(&openssl, &root, &der), "{algorithm}: a flipped bit");
        tried("openssl", "Bouncy Castle's chain", "accepted; flipped bit refused");
    }
}

#[test]
fn pkilint_finds_what_is_wrong_and_nothing_else() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let Some(mut maker) = started("bouncycastle") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut lint = |fields: Value| {
        let made = maker.call("makeRoot", fields).unwrap();
        let file = folder.path().join("root.der");
        std::fs::write(&file, octets(&made, "cert")).unwrap();
        peers::findings(&pkilint, "cert", &file)
    };
    let serious = |findings: Vec<peers::Finding>| {
        findings
            .into_iter()
            .filter(|finding| matches!(finding.severity.as_str(), "ERROR" | "FATAL"))
            .count()
    };
    assert_eq!(serious(lint(json!({ "algorithm": "ML-DSA-65", "subject": "CN=Root" }))), 0);
    let backwards = json!({ "algorithm": "ML-DSA-65", "subject": "CN=Root",
        "notBefore": "2027-01-01T00:00:00Z", "notAfter": "2026-01-01T00:00:00Z" });
    assert!(serious(lint(backwards)) > 0);
    tried("pkilint", "Bouncy Castle's root", "clean; swapped dates found");
}

#[cfg(feature = "oqs")]
#[test]
fn liboqs_signs_and_refuses_a_flipped_bit() {
    let Peer::Present(_) = peers::peer("liboqs") else { return };
    oqs::init();
    let scheme = oqs::sig::Sig::new(oqs::sig::Algorithm::MlDsa65).unwrap();
    let (public, secret) = scheme.keypair().unwrap();
    let signature = scheme.sign(b"message", &secret).unwrap();
    scheme.verify(b"message", &signature, &public).unwrap();
    scheme.verify(b"messagf", &signature, &public).unwrap_err();
    tried("liboqs", "itself: ML-DSA-65", "accepted; flipped bit refused");
}

#[test]
fn base64_reads_what_it_writes_and_matches_known_values() {
    for (octets_in, text) in
        [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foob", "Zm9vYg==")]
    {
        assert_eq!(base64(octets_in), text);
        assert_eq!(octets(&json!({ "x": text }), "x"), octets_in);
    }
}
