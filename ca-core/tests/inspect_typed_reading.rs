//! Inputs of which the kind is known beforehand: the right one is read, any other is refused.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::Path;

use ca_core::key::PrivateKey;
use ca_core::ocsp::{ErrorStatus, OcspResponse};
use ca_core::pem::{
    Label, PrivateKeyDer, ReadError, encode, encode_secret, read_certificates, read_ocsp_responses,
    read_one_certificate, read_one_ocsp_request, read_one_private_key_der, read_one_public_key,
    read_one_request,
};

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inspect").join(name);
    fs::read(path).unwrap()
}

#[test]
fn certificates_are_read_in_their_order() {
    let chain = read_certificates(&file("chain.pem")).unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[0], read_one_certificate(&file("extensions.pem")).unwrap());
    assert_eq!(chain[1], read_one_certificate(&file("pure.der")).unwrap());
}

#[test]
fn several_where_one_is_wanted_are_refused() {
    let error = read_one_certificate(&file("chain.pem")).unwrap_err();
    assert_eq!(error.to_string(), "input: found 2 of them, allowed is exactly one");
    let request = file("request.pem");
    let error = read_one_request(&[&request[..], &request].concat()).unwrap_err();
    assert_eq!(error, ReadError::NotOne { found: 2 });
}

#[test]
fn requests_are_read_by_both_labels_and_as_der() {
    let request = read_one_request(&file("request.pem")).unwrap();
    request.verify_possession().unwrap();
    for label in [Label::CertificateRequest, Label::NewCertificateRequest] {
        assert_eq!(read_one_request(encode(label, request.der()).as_bytes()).unwrap(), request);
    }
    assert_eq!(read_one_request(request.der()).unwrap(), request);
    let mut damaged = request.der().to_vec();
    damaged[5] ^= 0x20;
    assert!(matches!(read_one_request(&damaged), Err(ReadError::Request { line: None, .. })));
}

#[test]
fn public_keys_are_read() {
    let key = read_one_public_key(&file("public.pem")).unwrap();
    assert_eq!(read_one_public_key(key.spki_der()).unwrap(), key);
    let text = encode(Label::PublicKey, &key.spki_der()[..0]);
    assert!(matches!(read_one_public_key(text.as_bytes()), Err(ReadError::Pem(_))));
}

#[test]
fn private_keys_are_read_from_every_container() {
    for name in ["both-key.der", "composite-key.der", "sec1-key.pem", "pkcs1-key.pem"] {
        let PrivateKeyDer::Clear(der) = read_one_private_key_der(&file(name)).unwrap() else {
            panic!("{name} is in the clear")
        };
        PrivateKey::from_der(&der).unwrap();
    }
    for name in ["pbkdf2-key.pem", "scrypt-key.pem"] {
        let PrivateKeyDer::Encrypted(der) = read_one_private_key_der(&file(name)).unwrap() else {
            panic!("{name} is encrypted")
        };
        let clear = ca_core::key::decrypt(&der, b"inspect-fixture").unwrap();
        let key = PrivateKey::from_der(&clear).unwrap();
        assert_eq!(key.public_key(), &read_one_public_key(&file("public.pem")).unwrap());
        assert!(ca_core::key::decrypt(&der, b"inspect-fixturf").is_err());
    }
}

#[test]
fn other_blocks_are_refused_by_line_and_what_is_allowed() {
    let error = read_certificates(&file("request.pem")).unwrap_err().to_string();
    assert_eq!(error, "line 1: found a block CERTIFICATE REQUEST, allowed are CERTIFICATE");
    let error = read_one_private_key_der(&file("extensions.pem")).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 1: found a block CERTIFICATE, allowed are PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY, RSA PRIVATE KEY"
    );
    let error = read_one_private_key_der(&file("pure.der")).unwrap_err().to_string();
    assert!(error.starts_with("found a certificate, allowed is a private key"), "{error}");
    let hidden = encode_secret(Label::PrivateKey, &file("pure.der"));
    let error = read_one_private_key_der(hidden.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 1: found a certificate under the label PRIVATE KEY, allowed is a private key (PKCS#8)"
    );
    let mixed = [file("extensions.pem"), file("sec1-key.pem")].concat();
    let error = read_certificates(&mixed).unwrap_err();
    assert!(matches!(error, ReadError::WrongLabel { found: Label::EcPrivateKey, .. }), "{error}");
}

#[test]
fn private_keys_under_another_ones_label_are_refused() {
    let PrivateKeyDer::Clear(der) = read_one_private_key_der(&file("composite-key.der")).unwrap()
    else {
        panic!("taken for encrypted");
    };
    let labels = [Label::EncryptedPrivateKey, Label::EcPrivateKey, Label::RsaPrivateKey];
    for (label, allowed) in labels.into_iter().zip([
        "an encrypted private key (PKCS#8)",
        "a private key (SEC1)",
        "a private key (PKCS#1)",
    ]) {
        let text = encode_secret(label, &der);
        let error = read_one_private_key_der(text.as_bytes()).unwrap_err().to_string();
        let expected = format!(
            "line 1: found a private key (PKCS#8) under the label {label}, allowed is {allowed}"
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn private_keys_show_nothing_in_debug() {
    let key = read_one_private_key_der(&file("composite-key.der")).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKeyDer(in the clear, 102 octets)");
}

#[test]
fn ocsp_messages_are_read_as_der_and_by_their_labels() {
    let (request, response) = (file("ocsp-request.der"), file("ocsp-response.der"));
    let read = read_one_ocsp_request(&request).unwrap();
    assert_eq!(read.cert_ids().len(), 2);
    read.check_signature().unwrap();
    let text = encode(Label::OcspRequest, &request);
    assert_eq!(read_one_ocsp_request(text.as_bytes()).unwrap().der(), request);
    let both = encode(Label::OcspResponse, &response).into_bytes();
    let both = read_ocsp_responses(&[&both[..], &file("ocsp-error.pem")].concat()).unwrap();
    let [OcspResponse::Basic(basic), OcspResponse::Error(ErrorStatus::Unauthorized)] = &both[..]
    else {
        panic!("{both:?}");
    };
    assert_eq!(basic.nonce(), read.nonce());
    // The other kind, and one octet less.
    let error = read_one_ocsp_request(&response).unwrap_err().to_string();
    assert!(error.starts_with("OCSP request: tbsRequest: found"), "{error}");
    let error = read_ocsp_responses(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "line 1: found a block OCSP REQUEST, allowed are OCSP RESPONSE");
    assert!(read_ocsp_responses(&response[..response.len() - 1]).is_err());
}
