//! OpenSSL: private keys, both ways, in the clear and encrypted.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, Family};
use ca_core::key::{self, KeyDerivation, KeyError, KeyForm, PrivateKey};
use ca_core::pem::{Label, PrivateKeyDer, read_one_private_key_der};
use interop::issue::{self, Role, pkcs8};
use interop::openssl::OpenSsl;
use interop::peers::tried;

const PEER: &str = "openssl";
const PASSPHRASE: &str = "correct-horse";

#[test]
fn it_reads_our_keys() {
    let Some(openssl) = OpenSsl::present() else { return };
    for algorithm in Algorithm::all().iter().filter(|row| row.family() != Family::Composite) {
        let der = pkcs8(algorithm, Role::Leaf);
        let spki = issue::key(algorithm, Role::Leaf).public_key().spki_der().to_vec();
        let what = |how: &str| format!("our {} keys, {how}", algorithm.family());
        openssl.write_pem("key.pem", Label::PrivateKey, &der);
        assert_eq!(public_key(&openssl, "").unwrap(), spki, "{algorithm}");
        // Cut by an octet: nothing is made of what is left.
        openssl.write_pem("key.pem", Label::PrivateKey, &der[..der.len() - 1]);
        public_key(&openssl, "").unwrap_err();
        tried(PEER, &what("in the clear"), "read; cut by an octet refused");

        for (how, derivation) in
            [("scrypt", KeyDerivation::Scrypt), ("PBKDF2", KeyDerivation::Pbkdf2)]
        {
            let encrypted =
                key::encrypt(&der, PASSPHRASE.as_bytes(), derivation, &mut issue::rng()).unwrap();
            openssl.write_pem("key.pem", Label::EncryptedPrivateKey, &encrypted);
            let with =
                |passphrase: &str| public_key(&openssl, &format!("-passin pass:{passphrase}"));
            assert_eq!(with(PASSPHRASE).unwrap(), spki, "{algorithm}");
            with("wrong-horse").unwrap_err();
            tried(PEER, &what(how), "read; wrong passphrase refused");
        }
    }
}

fn public_key(openssl: &OpenSsl, options: &str) -> Result<Vec<u8>, String> {
    openssl.run(&format!("pkey -in key.pem {options} -pubout -outform DER")).map(|ran| ran.octets)
}

/// How `genpkey` is asked, and in which form an ML-DSA key is found then.
const THEIRS: &[(&str, Option<KeyForm>)] = &[
    ("-algorithm ML-DSA-44", Some(KeyForm::Both)),
    ("-algorithm ML-DSA-65", Some(KeyForm::Both)),
    ("-algorithm ML-DSA-87", Some(KeyForm::Both)),
    ("-algorithm ML-DSA-65 -provparam ml-dsa.output_formats=seed-only", Some(KeyForm::Seed)),
    ("-algorithm ML-DSA-65 -provparam ml-dsa.output_formats=priv-only", Some(KeyForm::ExpandedKey)),
    ("-algorithm SLH-DSA-SHA2-128s", None),
    ("-algorithm SLH-DSA-SHAKE-192f", None),
    ("-algorithm SLH-DSA-SHA2-256f", None),
    ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", None),
    ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", None),
    ("-algorithm EC -pkeyopt ec_paramgen_curve:P-521", None),
    ("-algorithm ED25519", None),
    ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", None),
    ("-algorithm RSA -pkeyopt rsa_keygen_bits:3072", None),
];

/// How `pkcs8 -topk8` encrypts.
const ENCRYPTIONS: &[&str] = &[
    "-v2 aes-256-cbc",
    "-v2 aes-128-cbc",
    "-v2 aes-256-cbc -v2prf hmacWithSHA512 -iter 100000",
    "-scrypt",
];

#[test]
fn we_read_its_keys() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (asked, form) in THEIRS {
        openssl.run(&format!("genpkey {asked} -out key.pem")).unwrap();
        let spki = public_key(&openssl, "").unwrap();
        let key = PrivateKey::from_der(&clear(&openssl, "key.pem")).unwrap();
        assert_eq!(key.public_key().spki_der(), spki, "{asked}");
        assert_eq!(key.form(), *form, "{asked}");
        refuse_cut(&clear(&openssl, "key.pem"));
        tried(PEER, "its keys, genpkey", "read; cut by an octet refused");

        for encryption in ENCRYPTIONS {
            openssl
                .run(&format!("pkcs8 -topk8 -in key.pem {encryption} -passout pass:{PASSPHRASE} -out encrypted.pem"))
                .unwrap();
            let PrivateKeyDer::Encrypted(der) =
                read_one_private_key_der(&openssl.read("encrypted.pem")).unwrap()
            else {
                panic!("{asked} {encryption}: not seen as encrypted")
            };
            let plain = key::decrypt(&der, PASSPHRASE.as_bytes()).unwrap();
            let key = PrivateKey::from_der(&plain).unwrap();
            assert_eq!(key.public_key().spki_der(), spki, "{asked} {encryption}");
            assert_eq!(key::decrypt(&der, b"wrong-horse").unwrap_err(), KeyError::Passphrase);
            assert_eq!(PrivateKey::from_der(&der).unwrap_err(), KeyError::Encrypted);
            tried(PEER, "its keys, encrypted by pkcs8 -topk8", "read; wrong passphrase refused");
        }
    }
}

fn clear(openssl: &OpenSsl, file: &str) -> Vec<u8> {
    match read_one_private_key_der(&openssl.read(file)).unwrap() {
        PrivateKeyDer::Clear(der) => der.to_vec(),
        PrivateKeyDer::Encrypted(_) => panic!("{file}: encrypted"),
    }
}

fn refuse_cut(der: &[u8]) {
    PrivateKey::from_der(&der[..der.len() - 1]).unwrap_err();
}

/// SEC1 and PKCS#1, as `-traditional` writes them.
#[test]
fn we_read_its_traditional_keys() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (asked, label) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "EC PRIVATE KEY"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "EC PRIVATE KEY"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "EC PRIVATE KEY"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "RSA PRIVATE KEY"),
    ] {
        openssl.run(&format!("genpkey {asked} -out new.pem")).unwrap();
        openssl.run("pkey -in new.pem -traditional -out key.pem").unwrap();
        let text = String::from_utf8(openssl.read("key.pem")).unwrap();
        assert!(text.contains(&format!("BEGIN {label}")), "{text}");
        let der = clear(&openssl, "key.pem");
        let key = PrivateKey::from_der(&der).unwrap();
        assert_eq!(key.public_key().spki_der(), public_key(&openssl, "").unwrap(), "{asked}");
        refuse_cut(&der);
        // The label says one thing, the content another.
        let other = if label.starts_with("EC") { "RSA PRIVATE KEY" } else { "EC PRIVATE KEY" };
        let relabelled = text.replace(label, other);
        let refused = read_one_private_key_der(relabelled.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(&format!("under the label {other}")), "{asked}: {refused}");
        tried(PEER, "its keys, traditional", "read; cut by an octet and relabelled refused");
    }
}

/// Encryption that is broken or unknown is refused by name, not tried.
#[test]
fn weak_encryption_is_refused() {
    let Some(openssl) = OpenSsl::present() else { return };
    openssl.run("genpkey -algorithm ED25519 -out key.pem").unwrap();
    for (encryption, named) in [
        ("-v1 PBE-SHA1-3DES", "encryption 1.2.840.113549.1.12.1.3"),
        ("-v2 aes-256-cbc -v2prf hmacWithSHA1", "HmacWithSha1"),
        ("-v2 des3", "cipher 1.2.840.113549.3.7"),
    ] {
        openssl
            .run(&format!(
                "pkcs8 -topk8 -in key.pem {encryption} -passout pass:{PASSPHRASE} -out weak.pem"
            ))
            .unwrap();
        let PrivateKeyDer::Encrypted(der) =
            read_one_private_key_der(&openssl.read("weak.pem")).unwrap()
        else {
            panic!("{encryption}: not seen as encrypted")
        };
        let refused = key::decrypt(&der, PASSPHRASE.as_bytes()).unwrap_err();
        assert!(matches!(refused, KeyError::Encryption { .. }), "{encryption}: {refused:?}");
        assert!(refused.to_string().contains(named), "{encryption}: {refused}");
        tried(PEER, "its keys, weakly encrypted", "refused");
    }
}
