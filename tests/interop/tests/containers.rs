//! PKCS#12 files and PKCS#7 bags, both ways, with OpenSSL, Bouncy Castle and Java's keytool.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::process::Command;

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Label};
use ca_core::pkcs7::CertificateBag;
use ca_core::pkcs12::{Bundle, Contents, MacDerivation, Password, Protection, Sealed, seal};
use interop::issue::{self, Chain, Role, pkcs8};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::openssl::OpenSsl;
use interop::peers::{self, Peer, base64, octets, tried};
use serde_json::{Value, json};

const PASSWORD: &str = "Correct-hörse";
/// Java 17 keeps seven bits of each character where it derives keys by PBKDF2.
const ASCII: &str = "Correct-horse";

/// Of every kind of key one, as far as its containers differ.
const OURS: &[&str] = &["p256", "ed25519", "rsa2048", "ml-dsa-65", "hybrid"];

fn chain_of(name: &str) -> Chain {
    Chain::of(Algorithm::named(name).unwrap())
}

fn certificates(chain: &Chain) -> Vec<Certificate> {
    chain.ders().iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

/// Our file with the leaf's key and the chain.
fn ours(chain: &Chain, mac: MacDerivation) -> Vec<u8> {
    ours_by(chain, mac, PASSWORD)
}

fn ours_by(chain: &Chain, mac: MacDerivation, password: &str) -> Vec<u8> {
    let certificates = certificates(chain);
    let bundle = Bundle::new(Some(&chain.leaf_key.key), &certificates, Some("leaf")).unwrap();
    let password = Password::new(password.as_bytes()).unwrap();
    let protection = Protection::new(mac, 10_000).unwrap();
    seal(&bundle, password, protection, &mut issue::rng()).unwrap()
}

fn opened(file: &[u8]) -> Result<Contents, String> {
    let password = Password::new(PASSWORD.as_bytes()).unwrap();
    let sealed = Sealed::from_der(file).map_err(|error| error.to_string())?;
    sealed.open(password).map_err(|error| error.to_string())
}

/// Our verdict on a file that should hold this chain.
fn holds(file: &[u8], chain: &Chain) -> Result<(), String> {
    let contents = opened(file)?;
    let [key] = contents.keys.as_slice() else { return Err("not one key".into()) };
    let spki = chain.leaf_key.key.public_key().spki_der();
    let found: Vec<&[u8]> = contents.certificates.iter().map(|it| it.certificate.der()).collect();
    let own = contents.certificate_of(&key.key).is_some();
    let named = key.name.as_deref() == Some("leaf");
    let all = chain.ders().iter().all(|der| found.contains(der));
    match key.key.public_key().spki_der() == spki && own && named && all {
        true => Ok(()),
        false => Err(format!("other things are in it: {contents:?}")),
    }
}

/// Flipped bits in the MAC's salt or digest at the end, and in what is encrypted.
fn twins(file: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let places = [("the MAC", file.len() - 40), ("a certificate", file.len() / 2)];
    places.map(|(what, at)| (what, flipped(file, at))).to_vec()
}

#[test]
fn openssl_reads_our_files() {
    let Some(openssl) = OpenSsl::present() else { return };
    for name in OURS.iter().filter(|name| **name != "hybrid") {
        let chain = chain_of(name);
        for mac in [MacDerivation::Rfc7292, MacDerivation::Pbmac1] {
            let file = ours(&chain, mac);
            let read = |file: &[u8], password: &str| -> Result<(), String> {
                openssl.write("our.p12", file);
                let pass = format!("pkcs12 -in our.p12 -passin pass:{password} -noenc");
                let out = openssl.run(&format!("{pass} -out all.pem"))?;
                let text = String::from_utf8(openssl.read("all.pem")).unwrap();
                assert!(text.contains("friendlyName: leaf"), "{text} {}", out.error);
                let spki = openssl.run("pkey -in all.pem -pubout -outform DER")?.octets;
                assert_eq!(spki, chain.leaf_key.key.public_key().spki_der(), "{name}");
                let certs = pem::encode(Label::Certificate, chain.leaf.der());
                let body: String = certs.lines().filter(|line| !line.starts_with('-')).collect();
                assert!(text.replace('\n', "").contains(&body), "{name}: the leaf is in it");
                assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 3, "{name}");
                Ok(())
            };
            let what = format!("our PKCS#12 files, {mac:?}");
            accepted_but_no_twin("openssl", &what, &file, &twins(&file), |file| {
                read(file, PASSWORD)
            });
            read(&file, "wrong-horse").unwrap_err();
        }
    }
}

#[test]
fn we_read_what_openssl_writes() {
    let Some(openssl) = OpenSsl::present() else { return };
    for name in ["p256", "ml-dsa-65"] {
        let chain = chain_of(name);
        let key = pkcs8(Algorithm::named(name).unwrap(), Role::Leaf);
        openssl.write_pem("key.pem", Label::PrivateKey, &key);
        openssl.write_pem("leaf.pem", Label::Certificate, chain.leaf.der());
        let rest = [&chain.issuing.certificate, &chain.root.certificate];
        let rest: String = rest.map(|it| pem::encode(Label::Certificate, it.der())).concat();
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
            accepted_but_no_twin("openssl", "its PKCS#12 files", &file, &twins(&file), |file| {
                holds(file, &chain)
            });
        }
        for (how, named) in [
            ("-keypbe PBE-SHA1-3DES", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
            ("-certpbe PBE-SHA1-3DES", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
            ("-macalg sha1", "HMAC-SHA-1"),
            ("-nomac", "found none, allowed: a MAC"),
            ("-iter 10000001", "allowed are 1 to 10000000"),
        ] {
            // The time that OpenSSL itself takes for so many iterations is spent once.
            if how.starts_with("-iter") && name != "p256" {
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
    let chain = chain_of("ml-dsa-65");
    let all: String = chain.ders().map(|der| pem::encode(Label::Certificate, der)).concat();
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

    let ours = CertificateBag::new(certificates(&chain), Vec::new()).unwrap().to_der().unwrap();
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
    for name in
        OURS.iter().chain(&["MLDSA65-ECDSA-brainpoolP256r1-SHA512", "MLDSA87-Ed448-SHAKE256"])
    {
        let chain = chain_of(name);
        for mac in [MacDerivation::Rfc7292, MacDerivation::Pbmac1] {
            let file = ours(&chain, mac);
            let what = format!("our PKCS#12 files, {mac:?}");
            accepted_but_no_twin("bouncycastle", &what, &file, &twins(&file), |file| {
                let ask = json!({ "file": base64(file), "password": PASSWORD });
                let answer = peer.call("readPkcs12", ask)?;
                check_entry(&answer, &chain).map_err(|reason| format!("{name}: {reason}"))
            });
        }
    }
}

/// That the one entry of a Java key store is our leaf with key and chain.
fn check_entry(answer: &Value, chain: &Chain) -> Result<(), String> {
    let [entry] = answer["entries"].as_array().unwrap().as_slice() else {
        return Err(format!("not one entry: {answer}"));
    };
    let key = PrivateKey::from_der(&octets(entry, "key")).map_err(|error| error.to_string())?;
    let same_key = key.public_key() == chain.leaf_key.key.public_key();
    let expected: Vec<Value> = chain.ders().iter().map(|der| base64(der).into()).collect();
    let same_chain = entry["chain"].as_array() == Some(&expected);
    match entry["alias"] == "leaf" && same_key && same_chain {
        true => Ok(()),
        false => Err(format!("another entry: {same_key} {same_chain} {}", entry["alias"])),
    }
}

#[test]
fn we_read_what_bouncy_castle_writes() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for name in OURS {
        let chain = chain_of(name);
        let key = pkcs8(Algorithm::named(name).unwrap(), Role::Leaf);
        let certs: Vec<String> = chain.ders().iter().map(|der| base64(der)).collect();
        let mut make = |der: bool, old: bool| {
            let ask = json!({ "key": base64(&key), "certs": certs, "password": PASSWORD,
                "alias": "leaf", "der": der, "old": old });
            octets(&peer.call("makePkcs12", ask).unwrap(), "file")
        };
        for der in [true, false] {
            let file = make(der, false);
            let what = if der { "its PKCS#12 files in DER" } else { "its PKCS#12 files in BER" };
            accepted_but_no_twin("bouncycastle", what, &file, &twins(&file), |file| {
                holds(file, &chain).map_err(|reason| format!("{name}: {reason}"))
            });
        }
        let refused = opened(&make(true, true)).unwrap_err();
        assert!(refused.contains("HMAC-SHA-1"), "{refused}");

        let its = octets(&peer.call("makePkcs7", json!({ "certs": certs })).unwrap(), "file");
        let bag = CertificateBag::from_der(&its).unwrap();
        let mut found: Vec<&[u8]> = bag.certificates().iter().map(Certificate::der).collect();
        let mut expected = chain.ders().to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
        CertificateBag::from_der(&flipped(&its, 4)).unwrap_err();
        let ours = CertificateBag::new(certificates(&chain), Vec::new()).unwrap();
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
        let chain = chain_of(name);
        let file = ours_by(&chain, MacDerivation::Rfc7292, ASCII);
        accepted_but_no_twin("keytool", "our PKCS#12 files, Java", &file, &twins(&file), |file| {
            let ask = json!({ "file": base64(file), "password": ASCII, "provider": "SunJSSE" });
            check_entry(&peer.call("readPkcs12", ask)?, &chain)
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
    let root = [chain_of("p256").root.certificate];
    let bundle = Bundle::new(None, &root, Some("root")).unwrap();
    let protection = Protection::default();
    let store = seal(&bundle, password, protection, &mut issue::rng()).unwrap();
    accepted_but_no_twin("keytool", "our trust stores", &store, &twins(&store), |file| {
        std::fs::write(folder.path().join("trust.p12"), file).unwrap();
        let listed = keytool("-list -keystore trust.p12 -storetype PKCS12")?;
        assert!(listed.contains("root") && listed.contains("trustedCertEntry"), "{listed}");
        Ok(())
    });
}
