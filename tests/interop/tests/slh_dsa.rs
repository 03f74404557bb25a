//! SLH-DSA: each of its twelve sets by OpenSSL and Bouncy Castle, both ways. Chains and requests of its fast sets
//! stand beside those of other families (openssl_chains.rs, bouncycastle.rs), and so do their revocation lists
//! (openssl_crl.rs, bouncycastle_crl.rs) and PKCS#12 files (containers.rs).

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, SlhDsa};
use ca_core::certificate::Certificate;
use ca_core::key::PrivateKey;
use ca_core::path::SecurityPolicy;
use ca_core::pem::{Label, PrivateKeyDer, read_one_private_key_der};
use interop::issue::{Authority, Role, pkcs8};
use interop::judge::{self, flipped, our_path};
use interop::openssl::OpenSsl;
use interop::peers::{self, base64, octets, tried};
use serde_json::json;

const OPENSSL: &str = "openssl";
const BOUNCY_CASTLE: &str = "bouncycastle";

fn sets() -> impl Iterator<Item = &'static Algorithm> {
    SlhDsa::ALL.into_iter().map(|set| Algorithm::named(&set.to_string()).unwrap())
}

#[test]
fn they_accept_our_roots_and_keys_of_every_set() {
    let (openssl, mut bouncy_castle) = (OpenSsl::present(), peers::harness(BOUNCY_CASTLE));
    if openssl.is_none() && bouncy_castle.is_none() {
        return;
    }
    for algorithm in sets() {
        let root = Authority::root(algorithm, None).certificate;
        let (der, spki) = (pkcs8(algorithm, Role::Root), root.public_key().spki_der());
        let what = format!("our {algorithm} root");
        if let Some(openssl) = &openssl {
            judge::certificate(OPENSSL, &what, root.der(), |cert| {
                openssl.write_pem("cert.pem", Label::Certificate, cert);
                let strict = "verify -x509_strict -check_ss_sig -CAfile cert.pem cert.pem";
                openssl.run(strict).map(drop)
            });
            openssl.write_pem("key.pem", Label::PrivateKey, &der);
            let read = openssl.run("pkey -in key.pem -pubout -outform DER").unwrap();
            assert_eq!(read.octets, spki, "{algorithm}");
            openssl.write_pem("key.pem", Label::PrivateKey, &der[..der.len() - 1]);
            openssl.run("pkey -in key.pem -pubout -outform DER").unwrap_err();
            tried(OPENSSL, &format!("our {algorithm} key"), "read; cut by an octet refused");
        }
        if let Some(peer) = &mut bouncy_castle {
            judge::certificate(BOUNCY_CASTLE, &what, root.der(), |cert| {
                let ask = json!({ "cert": base64(cert), "issuer": base64(root.der()) });
                peer.call("verifyCert", ask).map(drop)
            });
            let written = peer.call("exportKey", json!({ "pkcs8": base64(&der) })).unwrap();
            assert_eq!(octets(&written, "spki"), spki, "{algorithm}");
            let again = PrivateKey::from_der(&octets(&written, "pkcs8")).unwrap();
            assert_eq!(again.public_key().spki_der(), spki, "{algorithm}");
            let cut = json!({ "pkcs8": base64(&der[..der.len() - 1]) });
            peer.call("exportKey", cut).unwrap_err();
            let outcome = "read and written; cut by an octet refused";
            tried(BOUNCY_CASTLE, &format!("our {algorithm} key"), outcome);
        }
    }
}

#[test]
fn we_accept_roots_and_keys_of_openssl_of_every_set() {
    let Some(openssl) = OpenSsl::present() else { return };
    for algorithm in sets() {
        let usage = "-addext keyUsage=critical,keyCertSign,cRLSign";
        openssl
            .run(&format!(
                "req -x509 -newkey {algorithm} -noenc -keyout ca.key -out ca.pem -subj /CN=Theirs {usage}"
            ))
            .unwrap();
        let root = pem_rfc7468::decode_vec(&openssl.read("ca.pem")).unwrap().1;
        judge::certificate(OPENSSL, &format!("its {algorithm} root"), &root, |cert| {
            our_path(&[cert], &root, SecurityPolicy::PostQuantum)
        });
        // SLH-DSA alone is not hybrid.
        our_path(&[&root], &root, SecurityPolicy::Hybrid).unwrap_err();
        let PrivateKeyDer::Clear(der) = read_one_private_key_der(&openssl.read("ca.key")).unwrap()
        else {
            panic!("{algorithm}: encrypted")
        };
        let own = PrivateKey::from_der(&der).unwrap();
        let certificate = Certificate::from_der(&root).unwrap();
        assert_eq!(own.public_key(), certificate.public_key(), "{algorithm}");
        // What it writes is what we write.
        assert_eq!(*own.to_pkcs8_der().unwrap(), *der, "{algorithm}");
        PrivateKey::from_der(&flipped(&der, der.len() - 1)).unwrap_err();
        tried(OPENSSL, &format!("its {algorithm} key"), "read; flipped bit refused");
    }
}

/// Bouncy Castle's small sets take a minute: Java's hash functions are slow.
#[test]
fn we_accept_roots_and_keys_of_bouncy_castle() {
    let Some(mut peer) = peers::harness(BOUNCY_CASTLE) else { return };
    for algorithm in sets().filter(|row| row.name().ends_with('f')) {
        let ask = json!({ "algorithm": algorithm.name(), "subject": "CN=Their Root" });
        let made = peer.call("makeRoot", ask).unwrap();
        let root = octets(&made, "cert");
        judge::certificate(BOUNCY_CASTLE, &format!("its {algorithm} root"), &root, |cert| {
            our_path(&[cert], &root, SecurityPolicy::PostQuantum)
        });
        let der = octets(&made, "key");
        let own = PrivateKey::from_der(&der).unwrap();
        assert_eq!(own.public_key().spki_der(), octets(&made, "spki"), "{algorithm}");
        tried(BOUNCY_CASTLE, &format!("its {algorithm} key"), "read");
    }
}
