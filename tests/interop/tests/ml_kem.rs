//! ML-KEM (RFC 9935): keys, certificates and requests that others vouch for (RFC 9883), against OpenSSL, Bouncy Castle,
//! pkilint and the certificates of the hackathon.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, KeyAlgorithm, KeyKind, MlKem};
use ca_core::certificate::Certificate;
use ca_core::csr::{CertificateRequest, SignatureCertificate, Standing, Vouching};
use ca_core::general_name::AltName;
use ca_core::key::{self, KeyDerivation, KeyForm, PrivateKey};
use ca_core::name::DistinguishedName;
use ca_core::pem::{Label, PrivateKeyDer, read_one_private_key_der};
use ca_core::plan::Request;
use interop::issue::{self, Authority, LEAF_NAME, Role, SigningKey, request_for};
use interop::judge::{accepted_but_no_twin, certificate, certificate_twins, csr_twins, flipped};
use interop::openssl::OpenSsl;
use interop::peers::{self, Peer, base64, octets, tried};
use interop::vectors::{files, judged, vectors};
use serde_json::json;

const SUBJECT: &str = "CN=leaf.test";

/// Who has a signature certificate and wants one for ML-KEM.
struct Person {
    root: Authority,
    signing: SigningKey,
    signature: Certificate,
    kem: PrivateKey,
    request: CertificateRequest,
    leaf: Certificate,
}

fn made(set: MlKem) -> PrivateKey {
    PrivateKey::generate_for(KeyAlgorithm::Kem(set), &mut issue::rng()).unwrap()
}

fn person(algorithm: &str, set: MlKem) -> Person {
    let algorithm = Algorithm::named(algorithm).unwrap();
    let root = Authority::root(algorithm, None);
    let signing = SigningKey::of(algorithm, Role::Leaf);
    let signature = root.issue("tls-server", request_for(SUBJECT, &[LEAF_NAME], &signing, None));
    let kem = made(set);
    let signer = signing.key.signer(signing.scheme).unwrap();
    let by = SignatureCertificate { certificate: &signature, signer: &signer, included: true };
    let (subject, names) =
        (DistinguishedName::parse(SUBJECT).unwrap(), [AltName::parse(LEAF_NAME).unwrap()]);
    let key = kem.public_key();
    let request = CertificateRequest::build_stated(&subject, &names, &[], key, by).unwrap();
    let proven = request.verify_statement(&vouching(&root)).unwrap();
    let leaf = root.issue("kem-recipient", Request::from_csr(proven));
    Person { root, signing, signature, kem, request, leaf }
}

fn vouching(root: &Authority) -> Vouching<'_> {
    Vouching {
        known: &[],
        presented: None,
        anchors: std::slice::from_ref(&root.certificate),
        intermediates: &[],
        at: issue::now(),
        standing: &|_| Standing::Unknown,
    }
}

#[test]
fn openssl_reads_our_keys_and_certificates_and_both_belong_together() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (set, algorithm) in MlKem::ALL.into_iter().zip(["ECDSA-P256", "ML-DSA-65", "Ed25519"]) {
        let person = person(algorithm, set);
        let (der, spki) = (person.kem.to_pkcs8_der().unwrap(), person.kem.public_key().spki_der());
        openssl.write_pem("key.pem", Label::PrivateKey, &der);
        let public = |file: &str, options: &str| {
            let line = format!("pkey -in {file} {options} -pubout -outform DER");
            openssl.run(&line).map(|ran| ran.octets)
        };
        assert_eq!(public("key.pem", "").unwrap(), spki, "{set}");
        openssl.write_pem("cut.pem", Label::PrivateKey, &der[..der.len() - 1]);
        public("cut.pem", "").unwrap_err();
        let sealed =
            key::encrypt(&der, b"correct-horse", KeyDerivation::Scrypt, &mut issue::rng()).unwrap();
        openssl.write_pem("sealed.pem", Label::EncryptedPrivateKey, &sealed);
        assert_eq!(public("sealed.pem", "-passin pass:correct-horse").unwrap(), spki, "{set}");
        public("sealed.pem", "-passin pass:wrong-horse").unwrap_err();
        tried("openssl", "our ML-KEM keys", "read; cut and wrong passphrase refused");

        openssl.write_pem("root.pem", Label::Certificate, person.root.certificate.der());
        certificate("openssl", "our ML-KEM certificates", person.leaf.der(), |der| {
            openssl.write_pem("leaf.pem", Label::Certificate, der);
            openssl.run("verify -CAfile root.pem leaf.pem").map(drop)
        });
        openssl.write_pem("leaf.pem", Label::Certificate, person.leaf.der());
        openssl
            .run("pkeyutl -encap -certin -inkey leaf.pem -out sealed.bin -secret ours.bin")
            .unwrap();
        openssl.run("pkeyutl -decap -inkey key.pem -in sealed.bin -secret theirs.bin").unwrap();
        assert_eq!(openssl.read("ours.bin"), openssl.read("theirs.bin"), "{set}");
        // The twins: another key, and a flipped bit in what was encapsulated, open something else.
        openssl.write_pem("other.pem", Label::PrivateKey, &made(set).to_pkcs8_der().unwrap());
        openssl.run("pkeyutl -decap -inkey other.pem -in sealed.bin -secret other.bin").unwrap();
        assert_ne!(openssl.read("ours.bin"), openssl.read("other.bin"), "{set}");
        openssl.write("bent.bin", flipped(&openssl.read("sealed.bin"), 7));
        openssl.run("pkeyutl -decap -inkey key.pem -in bent.bin -secret other.bin").unwrap();
        assert_ne!(openssl.read("ours.bin"), openssl.read("other.bin"), "{set}");
        tried(
            "openssl",
            "encapsulated to our ML-KEM certificates",
            "opened by our key; not by another",
        );
    }
}

#[test]
fn we_read_the_keys_of_openssl_in_every_form() {
    let Some(openssl) = OpenSsl::present() else { return };
    for set in MlKem::ALL {
        for (option, form) in [
            ("", KeyForm::Both),
            ("-provparam ml-kem.output_formats=seed-only", KeyForm::Seed),
            ("-provparam ml-kem.output_formats=priv-only", KeyForm::ExpandedKey),
        ] {
            openssl.run(&format!("genpkey -algorithm {set} {option} -out key.pem")).unwrap();
            let spki = openssl.run("pkey -in key.pem -pubout -outform DER").unwrap().octets;
            let PrivateKeyDer::Clear(der) =
                read_one_private_key_der(&openssl.read("key.pem")).unwrap()
            else {
                panic!("{set}: encrypted")
            };
            let key = PrivateKey::from_der(&der).unwrap();
            assert_eq!((key.form(), key.public_key().spki_der()), (Some(form), &spki[..]), "{set}");
            PrivateKey::from_der(&der[..der.len() - 1]).unwrap_err();
            if form == KeyForm::Both {
                let refused = PrivateKey::from_der(&flipped(&der, der.len() / 2)).unwrap_err();
                assert!(refused.to_string().contains("seed"), "{set}: {refused}");
            }
            tried("openssl", "its ML-KEM keys", "read; cut and inconsistent refused");
        }
    }
}

#[test]
fn bouncy_castle_reads_ours_and_we_read_its_keys() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for set in MlKem::ALL {
        let person = person("ECDSA-P256", set);
        let pkcs8 = base64(&person.kem.to_pkcs8_der().unwrap());
        let read = peer.call("kemKey", json!({ "pkcs8": pkcs8 })).unwrap();
        assert_eq!(octets(&read, "spki"), person.kem.public_key().spki_der(), "{set}");
        let root = base64(person.root.certificate.der());
        certificate("bouncycastle", "our ML-KEM certificates", person.leaf.der(), |der| {
            let ask = json!({ "certs": [base64(der)], "anchors": [root] });
            peer.call("path", ask).map(drop)
        });
        let sealed =
            peer.call("encapsulate", json!({ "cert": base64(person.leaf.der()) })).unwrap();
        let mut open = |pkcs8: &str| {
            let ask = json!({ "pkcs8": pkcs8, "ciphertext": sealed["ciphertext"] });
            octets(&peer.call("decapsulate", ask).unwrap(), "secret")
        };
        assert_eq!(open(&pkcs8), octets(&sealed, "secret"), "{set}");
        let other = base64(&made(set).to_pkcs8_der().unwrap());
        assert_ne!(open(&other), octets(&sealed, "secret"), "{set}");
        let what = "encapsulated to our ML-KEM certificates";
        tried("bouncycastle", what, "opened by our key; not by another");

        for (name, form) in
            [("seed", KeyForm::Seed), ("expanded", KeyForm::ExpandedKey), ("both", KeyForm::Both)]
        {
            let ask = json!({ "algorithm": set.name(), "form": name });
            let made = peer.call("kemKey", ask).unwrap();
            let der = octets(&made, "pkcs8");
            let key = PrivateKey::from_der(&der).unwrap();
            assert_eq!(key.form(), Some(form), "{set}");
            assert_eq!(key.public_key().spki_der(), octets(&made, "spki"), "{set}");
            if form == KeyForm::Both {
                PrivateKey::from_der(&flipped(&der, der.len() / 2)).unwrap_err();
            }
            tried("bouncycastle", "its ML-KEM keys", "read; inconsistent refused");
        }
    }
}

/// Statements of possession, both ways.
#[test]
fn bouncy_castle_and_we_agree_on_who_vouches() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for algorithm in ["ECDSA-P256", "ML-DSA-44"] {
        let person = person(algorithm, MlKem::MlKem768);
        let der = person.request.der();
        let what = "our statements of possession";
        accepted_but_no_twin("bouncycastle", what, der, &csr_twins(der), |der| {
            peer.call("verifyStatedCsr", json!({ "csr": base64(der) })).map(drop)
        });
        let ask = json!({
            "cert": base64(person.signature.der()),
            "key": base64(&person.signing.key.to_pkcs8_der().unwrap()),
            "spki": base64(person.kem.public_key().spki_der()),
            "dns": LEAF_NAME,
        });
        let theirs = octets(&peer.call("makeStatedCsr", ask).unwrap(), "csr");
        let what = "its statements of possession";
        accepted_but_no_twin("bouncycastle", what, &theirs, &csr_twins(&theirs), |der| {
            let request = CertificateRequest::from_der(der).map_err(|error| error.to_string())?;
            let proven = request.verify_statement(&vouching(&person.root));
            proven.map(drop).map_err(|error| error.to_string())
        });
        let request = CertificateRequest::from_der(&theirs).unwrap();
        let stranger = Authority::root(Algorithm::named("ECDSA-P384").unwrap(), None);
        request.verify_statement(&vouching(&stranger)).unwrap_err();
    }
}

#[test]
fn pkilint_finds_nothing_in_our_ml_kem_certificates() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.der");
    let found = |der: &[u8]| {
        std::fs::write(&file, der).unwrap();
        let mut findings = peers::findings(&pkilint, "cert", &file);
        findings.retain(|finding| !matches!(finding.severity.as_str(), "INFO" | "DEBUG"));
        findings
    };
    for set in MlKem::ALL {
        let leaf = person("ECDSA-P256", set).leaf;
        assert_eq!(found(leaf.der()), [], "{set}");
        // The twin: digitalSignature (0x80) in place of keyEncipherment.
        let usage = [3, 2, 5, 0x20];
        let at = leaf.der().windows(4).position(|window| window == usage).unwrap();
        let mut wrong = leaf.der().to_vec();
        (wrong[at + 2], wrong[at + 3]) = (7, 0x80);
        assert_ne!(found(&wrong), [], "{set}");
        tried("pkilint", "our ML-KEM certificates", "clean; digitalSignature found");
    }
}

/// The hackathon's ML-KEM certificates, which others made: keys that pass FIPS 203's check, below their authorities.
#[test]
fn the_ml_kem_certificates_of_the_hackathon_hold_sound_keys() {
    let Some(folder) = vectors("hackathon-r5") else { return };
    let mut count = 0;
    for implementer in ["bc", "ossl35"] {
        for path in files(&folder.join(implementer), "der") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.contains("ml-kem-") {
                continue;
            }
            let der = std::fs::read(&path).unwrap();
            let certificate = Certificate::from_der(&der).unwrap();
            let KeyKind::MlKem(set) = certificate.public_key().kind() else { panic!("{name}") };
            assert!(name.contains(&set.oid().to_string()), "{name}: {set}");
            certificate.public_key().check_strength().unwrap();
            let usage = certificate.extensions().key_usage().unwrap();
            assert!(usage.key_encipherment() && usage.0.bits().count_ones() == 1, "{name}");
            for (field, twin) in certificate_twins(&der) {
                assert_ne!(Certificate::from_der(&twin).ok(), Some(certificate.clone()), "{field}");
            }
            count += 1;
        }
    }
    assert_eq!(count, 9, "ML-KEM certificates of two implementers");
    judged("hackathon-r5 ML-KEM", count, "keys sound, keyEncipherment alone");
}
