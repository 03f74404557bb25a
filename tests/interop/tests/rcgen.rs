//! rcgen, which makes certificates in most Rust projects: its certificates, requests and keys, and ours in its hands.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, Family};
use ca_core::key::PrivateKey;
use ca_core::path::SecurityPolicy;
use interop::issue::{Chain, LEAF_NAME, Role, SigningKey, csr, pkcs8};
use interop::judge::{self, flipped, our_csr, our_path};
use interop::peers::tried;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};

const PEER: &str = "rcgen";

/// Our name and rcgen's of each algorithm that both have.
const ALGORITHMS: &[(&str, &SignatureAlgorithm)] = &[
    ("ECDSA-P256", &rcgen::PKCS_ECDSA_P256_SHA256),
    ("ECDSA-P384", &rcgen::PKCS_ECDSA_P384_SHA384),
    ("ECDSA-P521", &rcgen::PKCS_ECDSA_P521_SHA512),
    ("Ed25519", &rcgen::PKCS_ED25519),
    ("RSA-2048", &rcgen::PKCS_RSA_SHA256),
    ("ML-DSA-44", &rcgen::PKCS_ML_DSA_44),
    ("ML-DSA-65", &rcgen::PKCS_ML_DSA_65),
    ("ML-DSA-87", &rcgen::PKCS_ML_DSA_87),
];

fn params(subject: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::new([LEAF_NAME.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.use_authority_key_identifier_extension = true;
    if ca {
        params.subject_alt_names.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    } else {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }
    params
}

#[test]
fn we_accept_its_chains_and_requests() {
    for (name, algorithm) in ALGORITHMS {
        let family = Algorithm::named(name).unwrap().family();
        let policy = match family {
            Family::PostQuantum => SecurityPolicy::PostQuantum,
            _ => SecurityPolicy::Any,
        };
        let key = || KeyPair::generate_for(algorithm).unwrap();
        let (root_key, issuing_key, leaf_key) = (key(), key(), key());
        let root = Issuer::new(params("Their Root", true), root_key);
        let root_der = params("Their Root", true).self_signed(root.key()).unwrap();
        let issuing_der = params("Their Issuing CA", true).signed_by(&issuing_key, &root).unwrap();
        let issuing = Issuer::new(params("Their Issuing CA", true), issuing_key);
        let leaf = params("Their Leaf", false).signed_by(&leaf_key, &issuing).unwrap();
        let mut wanted = params("Their Request", false);
        wanted.use_authority_key_identifier_extension = false; // the authority's business
        let request = wanted.serialize_request(&leaf_key).unwrap();

        let (root, issuing): (&[u8], &[u8]) = (root_der.der(), issuing_der.der());
        let what = |kind: &str| format!("its {family} {kind}");
        let named =
            |verdict: Result<(), String>| verdict.map_err(|reason| format!("{name}: {reason}"));
        judge::certificate(PEER, &what("root"), root, |cert| {
            named(our_path(&[cert], root, policy))
        });
        judge::certificate(PEER, &what("issuing CA"), issuing, |cert| {
            named(our_path(&[cert], root, policy))
        });
        judge::certificate(PEER, &what("leaf"), leaf.der(), |cert| {
            named(our_path(&[cert, issuing], root, policy))
        });
        judge::csr(PEER, &what("CSR"), request.der(), |csr| named(our_csr(csr)));
    }
}

#[test]
fn we_read_its_keys() {
    for (name, algorithm) in ALGORITHMS {
        let theirs = KeyPair::generate_for(algorithm).unwrap();
        let der = theirs.serialized_der();
        let key = PrivateKey::from_der(der).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(key.public_key().key_bytes(), theirs.public_key_raw(), "{name}");
        PrivateKey::from_der(&der[..der.len() - 1]).unwrap_err();
        tried(PEER, "its keys", "read; cut by an octet refused");
    }
}

/// rcgen signs with our issuing authority's key, in its name, what our request asks for; we verify the whole path.
#[test]
fn it_issues_from_our_request_under_our_authority() {
    for (name, algorithm) in ALGORITHMS {
        let ours = Algorithm::named(name).unwrap();
        // rcgen reads no ML-DSA keys, and x509-parser verifies neither ML-DSA nor P-521 requests.
        if ours.family() == Family::PostQuantum || *name == "ECDSA-P521" {
            let request = csr(&SigningKey::of(ours, Role::Leaf)).der().to_vec();
            CertificateSigningRequestParams::from_der(&request.into()).unwrap_err();
            tried(PEER, &format!("our {name} CSR"), "can't: x509-parser does not verify it");
            continue;
        }
        let chain = Chain::of(ours);
        let [_, issuing, root] = chain.ders();
        let issuing_pkcs8 = pkcs8(ours, Role::Issuing);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(issuing_pkcs8),
            algorithm,
        );
        let issuer =
            Issuer::from_ca_cert_der(&CertificateDer::from(issuing), key.unwrap()).unwrap();

        let read = |der: &[u8]| {
            let der = CertificateSigningRequestDer::from(der);
            CertificateSigningRequestParams::from_der(&der).map_err(|error| error.to_string())
        };
        let request = chain.request.der();
        judge::csr(PEER, &format!("our {} CSR", ours.family()), request, |csr| read(csr).map(drop));
        let mut wanted = read(request).unwrap();
        wanted.params.use_authority_key_identifier_extension = true;
        let leaf = wanted.signed_by(&issuer).unwrap();
        let what = format!("its leaf from our {} CSR and CA", ours.family());
        judge::certificate(PEER, &what, leaf.der(), |cert| {
            our_path(&[cert, issuing], root, SecurityPolicy::Any)
                .map_err(|reason| format!("{name}: {reason}"))
        });
    }
}

/// A key and an algorithm that don't belong together.
#[test]
fn it_refuses_our_key_under_another_algorithm() {
    let der = pkcs8(Algorithm::named("ECDSA-P256").unwrap(), Role::Leaf);
    let load = |der: &[u8], algorithm| {
        KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), algorithm)
    };
    assert!(load(&der, &rcgen::PKCS_ECDSA_P256_SHA256).is_ok());
    assert!(load(&der, &rcgen::PKCS_ECDSA_P384_SHA384).is_err());
    // The first octet of the algorithm identifier's OID.
    let at = der.windows(2).position(|pair| pair == [0x06, 0x07]).unwrap() + 2;
    assert!(load(&flipped(&der, at), &rcgen::PKCS_ECDSA_P256_SHA256).is_err());
    tried(PEER, "our keys", "read; under another algorithm refused");
}
