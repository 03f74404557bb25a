//! SLH-DSA: each of its twelve sets by OpenSSL and Bouncy Castle, both ways, and its revocation lists. Chains and
//! requests of its fast sets stand beside those of other families (openssl_chains.rs, bouncycastle.rs).

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, SlhDsa};
use ca_core::certificate::Certificate;
use ca_core::crl::{
    CertificateList, CrlBuilder, CrlNumber, EntrySerial, RevocationStatus, RevokedEntry, check_crls,
};
use ca_core::key::PrivateKey;
use ca_core::path::SecurityPolicy;
use ca_core::pem::{Label, PrivateKeyDer, read_one_private_key_der};
use interop::issue::{Authority, Chain, Role, key, now, pkcs8};
use interop::judge::{self, accepted_but_no_twin, flipped, our_path};
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

#[test]
fn openssl_judges_by_our_revocation_lists() {
    let Some(openssl) = OpenSsl::present() else { return };
    let algorithm = Algorithm::named("SLH-DSA-SHA2-128f").unwrap();
    let chain = Chain::of(algorithm);
    let [leaf, issuing, root] = chain.ders();
    openssl.write_pem("root.pem", Label::Certificate, root);
    openssl.write_pem("issuing.pem", Label::Certificate, issuing);
    openssl.write_pem("leaf.pem", Label::Certificate, leaf);
    let verify = |list: &[u8]| {
        openssl.write_pem("crl.pem", Label::Crl, list);
        let files = "-CAfile root.pem -untrusted issuing.pem leaf.pem";
        openssl.run(&format!("verify -crl_check -CRLfile crl.pem {files}")).map(drop)
    };
    let issuer = &chain.issuing.certificate;
    let signer = key(algorithm, Role::Issuing).signer(algorithm.scheme()).unwrap();
    let list = |serial: EntrySerial| {
        let next = now() + jiff::SignedDuration::from_hours(24);
        let number = CrlNumber::from_integer_octets(&[7]).unwrap();
        let mut out = Vec::new();
        let entry = RevokedEntry::new(serial, now());
        let builder = CrlBuilder::new(issuer, number, now(), next).unwrap();
        builder.sign([entry], &signer, &mut out).unwrap();
        out
    };
    let other = list(EntrySerial::from_integer_octets(&[1, 2, 3]).unwrap());
    let twins = [("its signature", flipped(&other, other.len() - 9))];
    accepted_but_no_twin(OPENSSL, "our SLH-DSA CRL", &other, &twins, verify);
    let revoked = verify(&list(EntrySerial::of(&chain.leaf).unwrap())).unwrap_err();
    assert!(revoked.contains("certificate revoked"), "{revoked}");
    tried(OPENSSL, "our leaf, revoked by our SLH-DSA CRL", "refused as revoked");
}

const AUTHORITY: &str = "[ca]
default_ca = theirs
[theirs]
database = index.txt
crlnumber = number.txt
default_md = default
default_crl_days = 10
crl_extensions = list
[list]
authorityKeyIdentifier = keyid
";

#[test]
fn we_judge_by_revocation_lists_of_openssl() {
    let Some(openssl) = OpenSsl::present() else { return };
    openssl.write("ca.cnf", AUTHORITY);
    openssl.write("number.txt", "07\n");
    let usage = "-addext keyUsage=critical,keyCertSign,cRLSign";
    openssl
        .run(&format!(
            "req -x509 -newkey slh-dsa-shake-128f -noenc -keyout ca.key -out ca.pem -subj /CN=Theirs {usage}"
        ))
        .unwrap();
    openssl
        .run("req -new -newkey ed25519 -noenc -keyout leaf.key -out csr.pem -subj /CN=leaf")
        .unwrap();
    openssl.run("x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -days 20 -out leaf.pem").unwrap();
    let der = |file: &str| pem_rfc7468::decode_vec(&openssl.read(file)).unwrap().1;
    let root = Certificate::from_der(&der("ca.pem")).unwrap();
    let leaf = Certificate::from_der(&der("leaf.pem")).unwrap();
    let list = || {
        let files = "-config ca.cnf -keyfile ca.key -cert ca.pem -out crl.pem";
        openssl.run(&format!("ca -gencrl {files}")).unwrap();
        der("crl.pem")
    };
    let status = |der: &[u8]| {
        let lists = [CertificateList::from_der(der).unwrap()];
        check_crls(&leaf, &root, &lists, now())
    };
    openssl.write("index.txt", "");
    let good = list();
    let twins = [("its signature", flipped(&good, good.len() - 9))];
    accepted_but_no_twin(OPENSSL, "its SLH-DSA CRL", &good, &twins, |der| match status(der) {
        RevocationStatus::Good => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let serial: String = leaf.serial_octets().iter().map(|octet| format!("{octet:02X}")).collect();
    openssl.write(
        "index.txt",
        format!("R\t360101000000Z\t260101000000Z\t{serial}\tunknown\t/CN=leaf\n"),
    );
    assert!(matches!(status(&list()), RevocationStatus::Revoked { .. }));
    tried(OPENSSL, "its leaf, revoked by its SLH-DSA CRL", "revoked");
}
