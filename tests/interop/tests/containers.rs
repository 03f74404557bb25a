//! PKCS#12 files and PKCS#7 bags, both ways, with OpenSSL, Bouncy Castle and Java's keytool.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::process::Command;

use ca_core::algorithm::{Algorithm, KeyAlgorithm, KeyKind};
use ca_core::certificate::Certificate;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::pem::{self, Label};
use ca_core::pkcs7::CertificateBag;
use ca_core::pkcs12::{Bundle, Contents, MacDerivation, Password, Protection, Sealed, seal};
use ca_core::plan::Request;
use interop::issue::{self, Chain};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::openssl::OpenSsl;
use interop::peers::{self, Peer, base64, octets, tried};
use serde_json::{Value, json};

const PASSWORD: &str = "Correct-hörse";
const WRONG: &str = "wrong-horse";
/// Java 17 keeps seven bits of each character where it derives keys by PBKDF2.
const ASCII: &str = "Correct-horse";

/// Of every kind of key one, as far as its containers differ.
const OURS: &[&str] =
    &["p256", "ed25519", "rsa2048", "ml-dsa-65", "slh-dsa-sha2-128f", "ml-kem-768", "hybrid"];
/// The other lengths of keys that sign slowly or not at all.
const LENGTHS: &[&str] = &["slh-dsa-shake-192f", "slh-dsa-sha2-256f", "ml-kem-512", "ml-kem-1024"];

/// A key, its certificate, and those above.
struct Held {
    key: PrivateKey,
    /// From the leaf upwards, three of them.
    certificates: Vec<Certificate>,
}

impl Held {
    fn of(name: &str) -> Self {
        let of = |chain: &Chain| -> Vec<Certificate> {
            chain.ders().iter().map(|der| Certificate::from_der(der).unwrap()).collect()
        };
        match KeyAlgorithm::named(name).unwrap() {
            KeyAlgorithm::Signing(algorithm) if !name.starts_with("slh-dsa") => {
                let chain = Chain::of(algorithm);
                Self { certificates: of(&chain), key: chain.leaf_key.key }
            }
            // A quick authority: what is tried is the leaf's key.
            algorithm => {
                let chain = Chain::of(Algorithm::named("p256").unwrap());
                let key = PrivateKey::generate_for(algorithm, &mut issue::rng()).unwrap();
                let profile = match algorithm {
                    KeyAlgorithm::Signing(_) => "tls-server",
                    KeyAlgorithm::Kem(_) => "kem-recipient",
                };
                let subject = DistinguishedName::parse("CN=leaf.test").unwrap();
                let names = vec![AltName::parse(issue::LEAF_NAME).unwrap()];
                let request = Request::new(subject, names, key.public_key().clone());
                let mut certificates = of(&chain);
                certificates[0] = chain.issuing.issue(profile, request);
                Self { key, certificates }
            }
        }
    }

    fn leaf(&self) -> &Certificate {
        &self.certificates[0]
    }

    fn ders(&self) -> Vec<&[u8]> {
        self.certificates.iter().map(Certificate::der).collect()
    }

    fn spki(&self) -> &[u8] {
        self.key.public_key().spki_der()
    }
}

/// The key's family, for the table of what was tried.
fn kind(held: &Held) -> &'static str {
    match held.key.public_key().kind() {
        KeyKind::Classical(_) => "classical",
        KeyKind::MlDsa(_) => "ML-DSA",
        KeyKind::SlhDsa(_) => "SLH-DSA",
        KeyKind::MlKem(_) => "ML-KEM",
        KeyKind::Composite(_) => "composite",
        KeyKind::Other(_) => "unknown",
    }
}

/// Our file with the leaf's key and the chain.
fn ours(held: &Held, mac: MacDerivation) -> Vec<u8> {
    ours_by(held, mac, PASSWORD)
}

fn ours_by(held: &Held, mac: MacDerivation, password: &str) -> Vec<u8> {
    let bundle = Bundle::new(Some(&held.key), &held.certificates, Some("leaf")).unwrap();
    let password = Password::new(password.as_bytes()).unwrap();
    let protection = Protection::new(mac, 10_000).unwrap();
    seal(&bundle, password, protection, &mut issue::rng()).unwrap()
}

fn opened(file: &[u8]) -> Result<Contents, String> {
    opened_by(file, PASSWORD)
}

fn opened_by(file: &[u8], password: &str) -> Result<Contents, String> {
    let password = Password::new(password.as_bytes()).unwrap();
    let sealed = Sealed::from_der(file).map_err(|error| error.to_string())?;
    sealed.open(password).map_err(|error| error.to_string())
}

/// Our verdict on a file that should hold this chain.
fn holds(file: &[u8], held: &Held) -> Result<(), String> {
    let contents = opened(file)?;
    let [key] = contents.keys.as_slice() else { return Err("not one key".into()) };
    let found: Vec<&[u8]> = contents.certificates.iter().map(|it| it.certificate.der()).collect();
    let own = contents.certificate_of(&key.key).is_some();
    let named = key.name.as_deref() == Some("leaf");
    let all = held.ders().iter().all(|der| found.contains(der));
    match key.key.public_key().spki_der() == held.spki() && own && named && all {
        true => Ok(()),
        false => Err(format!("other things are in it: {contents:?}")),
    }
}

/// That another passphrase does not open what `PASSWORD` opens.
fn refuses_another(file: &[u8], name: &str) {
    let refused = opened_by(file, WRONG).unwrap_err();
    assert!(refused.contains("password"), "{name}: {refused}");
}

/// Flipped bits in the MAC's salt or digest at the end, and in what is encrypted.
fn twins(file: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let places = [("the MAC", file.len() - 40), ("a certificate", file.len() / 2)];
    places.map(|(what, at)| (what, flipped(file, at))).to_vec()
}

#[test]
fn openssl_reads_our_files() {
    let Some(openssl) = OpenSsl::present() else { return };
    for name in OURS.iter().chain(LENGTHS).filter(|name| **name != "hybrid") {
        let held = Held::of(name);
        for mac in [MacDerivation::Rfc7292, MacDerivation::Pbmac1] {
            let file = ours(&held, mac);
            let read = |file: &[u8], password: &str| -> Result<(), String> {
                openssl.write("our.p12", file);
                let pass = format!("pkcs12 -in our.p12 -passin pass:{password} -noenc");
                let out = openssl.run(&format!("{pass} -out all.pem"))?;
                let text = String::from_utf8(openssl.read("all.pem")).unwrap();
                assert!(text.contains("friendlyName: leaf"), "{text} {}", out.error);
                let spki = openssl.run("pkey -in all.pem -pubout -outform DER")?.octets;
                assert_eq!(spki, held.spki(), "{name}");
                let certs = pem::encode(Label::Certificate, held.leaf().der());
                let body: String = certs.lines().filter(|line| !line.starts_with('-')).collect();
                assert!(text.replace('\n', "").contains(&body), "{name}: the leaf is in it");
                assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 3, "{name}");
                Ok(())
            };
            let what = format!("our PKCS#12 files, {}, {mac:?}", kind(&held));
            accepted_but_no_twin("openssl", &what, &file, &twins(&file), |file| {
                read(file, PASSWORD)
            });
            read(&file, WRONG).unwrap_err();
        }
    }
}

#[test]
fn we_read_what_openssl_writes() {
    let Some(openssl) = OpenSsl::present() else { return };
    for name in ["p256", "ml-dsa-65", "slh-dsa-sha2-128f", "ml-kem-768"].iter().chain(LENGTHS) {
        let held = Held::of(name);
        openssl.write_pem("key.pem", Label::PrivateKey, &held.key.to_pkcs8_der().unwrap());
        openssl.write_pem("leaf.pem", Label::Certificate, held.leaf().der());
        let rest = held.certificates[1..].iter();
        let rest: String = rest.map(|it| pem::encode(Label::Certificate, it.der())).collect();
        openssl.write("rest.pem", rest);
        let export = |how: &str| {
            let files = "-inkey key.pem -in leaf.pem -certfile rest.pem -name leaf";
            let words =
                format!("pkcs12 -export {files} {how} -passout pass:{PASSWORD} -out its.p12");
            openssl.run(&words).unwrap();
            openssl.read("its.p12")
        };
        for how in [
            "",
            "-macalg sha512 -iter 20000",
            "-keypbe aes-128-cbc -certpbe aes-192-cbc -macalg sha384",
            "-pbmac1_pbkdf2",
            "-pbmac1_pbkdf2 -pbmac1_pbkdf2_md sha512 -macalg sha512",
        ] {
            let file = export(how);
            let what = format!("its PKCS#12 files, {}", kind(&held));
            accepted_but_no_twin("openssl", &what, &file, &twins(&file), |file| {
                holds(file, &held).map_err(|reason| format!("{name}: {reason}"))
            });
            refuses_another(&file, name);
        }
        for (how, named) in [
            ("-keypbe PBE-SHA1-3DES", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
            ("-certpbe PBE-SHA1-3DES", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
            ("-macalg sha1", "HMAC-SHA-1"),
            ("-nomac", "found none, allowed: a MAC"),
            ("-iter 10000001", "allowed are 1 to 10000000"),
        ] {
            // The time that OpenSSL itself takes for so many iterations is spent once.
            if how.starts_with("-iter") && *name != "p256" {
                continue;
            }
            let refused = opened(&export(how)).unwrap_err();
            assert!(refused.contains(named), "{how}: {refused}");
            tried("openssl", "its PKCS#12 files, weak or costly", "refused by name");
        }
    }
}

#[test]
fn bags_go_both_ways_with_openssl() {
    let Some(openssl) = OpenSsl::present() else { return };
    let chain = Held::of("ml-dsa-65");
    let pem = |one: &Certificate| pem::encode(Label::Certificate, one.der());
    let all: String = chain.certificates.iter().map(pem).collect();
    openssl.write("chain.pem", &all);
    openssl.run("crl2pkcs7 -nocrl -certfile chain.pem -outform DER -out its.p7b").unwrap();
    let same = |file: &[u8]| -> Result<(), String> {
        let bag = CertificateBag::from_der(file).map_err(|error| error.to_string())?;
        let found: Vec<&[u8]> = bag.certificates().iter().map(Certificate::der).collect();
        if found == chain.ders() { Ok(()) } else { Err("other certificates".into()) }
    };
    let its = openssl.read("its.p7b");
    let bent = |file: &[u8]| vec![("a certificate", flipped(file, file.len() / 2))];
    accepted_but_no_twin("openssl", "its PKCS#7 bags", &its, &bent(&its), same);

    let ours =
        CertificateBag::new(chain.certificates.clone(), Vec::new()).unwrap().to_der().unwrap();
    assert_eq!(ours, its, "octet for octet");
    accepted_but_no_twin("openssl", "our PKCS#7 bags", &ours, &bent(&ours), |file| {
        openssl.write_pem("our.p7b", Label::Pkcs7, file);
        let printed = openssl.run("pkcs7 -in our.p7b -print_certs")?.octets;
        let printed = String::from_utf8(printed).unwrap();
        let bare = |text: &str| -> String {
            text.lines().filter(|line| !line.contains('=')).map(str::trim).collect()
        };
        if bare(&printed) == bare(&all) { Ok(()) } else { Err("other certificates".into()) }
    });
}

#[test]
fn bouncy_castle_reads_our_files() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    let others = ["MLDSA65-ECDSA-brainpoolP256r1-SHA512", "MLDSA87-Ed448-SHAKE256"];
    for name in OURS.iter().chain(LENGTHS).chain(&others) {
        let held = Held::of(name);
        for mac in [MacDerivation::Rfc7292, MacDerivation::Pbmac1] {
            let file = ours(&held, mac);
            let what = format!("our PKCS#12 files, {}, {mac:?}", kind(&held));
            let mut read = |file: &[u8], password: &str| {
                let ask = json!({ "file": base64(file), "password": password });
                let answer = peer.call("readPkcs12", ask)?;
                check_entry(&answer, &held).map_err(|reason| format!("{name}: {reason}"))
            };
            accepted_but_no_twin("bouncycastle", &what, &file, &twins(&file), |file| {
                read(file, PASSWORD)
            });
            read(&file, WRONG).unwrap_err();
        }
    }
}

/// That the one entry of a Java key store is our leaf with key and chain.
fn check_entry(answer: &Value, held: &Held) -> Result<(), String> {
    let [entry] = answer["entries"].as_array().unwrap().as_slice() else {
        return Err(format!("not one entry: {answer}"));
    };
    let key = PrivateKey::from_der(&octets(entry, "key")).map_err(|error| error.to_string())?;
    let same_key = key.public_key() == held.key.public_key();
    let expected: Vec<Value> = held.ders().iter().map(|der| base64(der).into()).collect();
    let same_chain = entry["chain"].as_array() == Some(&expected);
    match entry["alias"] == "leaf" && same_key && same_chain {
        true => Ok(()),
        false => Err(format!("another entry: {same_key} {same_chain} {}", entry["alias"])),
    }
}

#[test]
fn we_read_what_bouncy_castle_writes() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for name in OURS.iter().chain(LENGTHS) {
        let held = Held::of(name);
        let key = held.key.to_pkcs8_der().unwrap();
        let certs: Vec<String> = held.ders().iter().map(|der| base64(der)).collect();
        let mut make = |der: bool, old: bool| {
            let ask = json!({ "key": base64(&key), "certs": certs, "password": PASSWORD,
                "alias": "leaf", "der": der, "old": old });
            octets(&peer.call("makePkcs12", ask).unwrap(), "file")
        };
        for der in [true, false] {
            let file = make(der, false);
            let encoding = if der { "DER" } else { "BER" };
            let what = format!("its PKCS#12 files, {}, {encoding}", kind(&held));
            accepted_but_no_twin("bouncycastle", &what, &file, &twins(&file), |file| {
                holds(file, &held).map_err(|reason| format!("{name}: {reason}"))
            });
            refuses_another(&file, name);
        }
        let refused = opened(&make(true, true)).unwrap_err();
        assert!(refused.contains("HMAC-SHA-1"), "{refused}");

        let its = octets(&peer.call("makePkcs7", json!({ "certs": certs })).unwrap(), "file");
        let bag = CertificateBag::from_der(&its).unwrap();
        let mut found: Vec<&[u8]> = bag.certificates().iter().map(Certificate::der).collect();
        let mut expected = held.ders();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
        CertificateBag::from_der(&flipped(&its, 4)).unwrap_err();
        let ours = CertificateBag::new(held.certificates.clone(), Vec::new()).unwrap();
        let ours = ours.to_der().unwrap();
        let read = peer.call("readPkcs7", json!({ "file": base64(&ours) })).unwrap();
        assert_eq!(read["certs"].as_array().unwrap().len(), 3, "{name}");
        peer.call("readPkcs7", json!({ "file": base64(&flipped(&ours, 4)) })).unwrap_err();
        tried("bouncycastle", "PKCS#7 bags both ways", "accepted; flipped bits refused");
    }
}

/// Java's own provider, and keytool on top of it, for the keys that it knows.
#[test]
fn java_and_keytool_go_both_ways() {
    let Peer::Present(installed) = peers::peer("bouncycastle") else { return };
    let mut peer = installed.harness();
    for name in ["p256", "ed25519", "rsa2048"] {
        let held = Held::of(name);
        let file = ours_by(&held, MacDerivation::Rfc7292, ASCII);
        accepted_but_no_twin("keytool", "our PKCS#12 files, Java", &file, &twins(&file), |file| {
            let ask = json!({ "file": base64(file), "password": ASCII, "provider": "SunJSSE" });
            check_entry(&peer.call("readPkcs12", ask)?, &held)
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let keytool = |words: &str| {
        let mut command: Command = installed.command("keytool");
        command.args(words.split_whitespace()).current_dir(folder.path());
        command.env("STORE_PASSWORD", "six-letters-or-more");
        let output = command.args(["-storepass:env", "STORE_PASSWORD"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(said) } else { Err(said) }
    };
    // Its key store is read by us.
    let made = "-genkeypair -keyalg EC -groupname secp256r1 -dname CN=its -alias leaf";
    keytool(&format!("{made} -keystore its.p12")).unwrap();
    let its = std::fs::read(folder.path().join("its.p12")).unwrap();
    let password = Password::new(b"six-letters-or-more").unwrap();
    accepted_but_no_twin("keytool", "its PKCS#12 files", &its, &twins(&its), |file| {
        let sealed = Sealed::from_der(file).map_err(|error| error.to_string())?;
        let contents = sealed.open(password).map_err(|error| error.to_string())?;
        assert_eq!(contents.keys[0].name.as_deref(), Some("leaf"));
        assert!(contents.certificate_of(&contents.keys[0].key).is_some());
        Ok(())
    });
    // Our trust store is read by it.
    let held = Held::of("p256");
    let bundle = Bundle::new(None, &held.certificates[2..], Some("root")).unwrap();
    let protection = Protection::default();
    let store = seal(&bundle, password, protection, &mut issue::rng()).unwrap();
    accepted_but_no_twin("keytool", "our trust stores", &store, &twins(&store), |file| {
        std::fs::write(folder.path().join("trust.p12"), file).unwrap();
        let listed = keytool("-list -keystore trust.p12 -storetype PKCS12")?;
        assert!(listed.contains("root") && listed.contains("trustedCertEntry"), "{listed}");
        Ok(())
    });
}
