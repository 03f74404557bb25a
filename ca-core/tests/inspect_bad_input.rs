//! Damaged, foreign and hostile inputs: each refused with its own reason, or shown harmlessly.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::Path;

use ca_core::inspect::{KeyFamily, Mode, Report, inspect};
use ca_core::pem::{self, Input, Label};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inspect").join(name);
    match pem::read(&fs::read(path).unwrap()).unwrap() {
        Input::Der(der) => der.to_vec(),
        Input::Pem(blocks) => blocks[0].der().to_vec(),
    }
}

fn refused(input: &[u8]) -> String {
    inspect(input).unwrap_err().to_string()
}

/// One DER value.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|digit| **digit == 0).count()..];
    let mut der = vec![tag];
    match content.len() {
        0..=0x7f => der.push(content.len() as u8),
        _ => {
            der.push(0x80 | digits.len() as u8);
            der.extend_from_slice(digits);
        }
    }
    der.extend_from_slice(content);
    der
}

/// A SubjectPublicKeyInfo.
fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0][..], key].concat();
    tlv(0x30, &[tlv(0x30, algorithm), tlv(0x03, &bits)].concat())
}

/// Replaces every occurrence; there must be as many as said.
fn replaced(der: &[u8], from: &[u8], to: &[u8], times: usize) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut der = der.to_vec();
    let places: Vec<usize> = (0..der.len()).filter(|at| der[*at..].starts_with(from)).collect();
    assert_eq!(places.len(), times);
    for at in places {
        der[at..at + to.len()].copy_from_slice(to);
    }
    der
}

const ML_DSA_65: [u8; 11] = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18];
const ML_DSA_44: [u8; 11] = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17];
const ECDSA_SHA256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const P256: [u8; 19] =
    [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const NULL: [u8; 2] = [5, 0];

#[test]
fn every_truncation_is_refused() {
    for name in ["composite.der", "extensions.pem", "both-key.der", "pbkdf2-key.pem", "public.pem"]
    {
        let der = fixture(name);
        for length in (1..der.len()).step_by(der.len() / 200 + 1) {
            let error = refused(&der[..length]);
            assert!(error.contains("truncated") || error.contains("no line"), "{name}: {error}");
        }
    }
}

#[test]
fn trailing_octets_indefinite_and_long_lengths_are_refused() {
    let der = fixture("composite.der");
    let trailing = [&der[..], &[0]].concat();
    assert!(refused(&trailing).contains("1 octets after the DER value, which ends at 5651"));
    let twice = [&der[..], &der[..]].concat();
    assert!(refused(&twice).contains("5651 octets after the DER value"));
    let indefinite = [&[0x30, 0x80], &der[4..], &[0, 0]].concat();
    assert!(refused(&indefinite).contains("indefinite length"));
    let long = [&[0x30, 0x83, 0x00], &der[2..]].concat();
    assert!(refused(&long).contains("shortest form"));
}

#[test]
fn non_canonical_certificates_are_refused() {
    // The critical BOOLEAN of basicConstraints: DER's only TRUE is 0xff.
    let der = replaced(
        &fixture("composite.der"),
        &[0x55, 0x1d, 0x13, 1, 1, 0xff],
        &[0x55, 0x1d, 0x13, 1, 1, 0x01],
        1,
    );
    assert!(refused(&der).starts_with("certificate: not DER"), "{}", refused(&der));
    // A default that is spelt out: critical FALSE.
    let der = replaced(
        &fixture("composite.der"),
        &[0x55, 0x1d, 0x13, 1, 1, 0xff],
        &[0x55, 0x1d, 0x13, 1, 1, 0x00],
        1,
    );
    assert!(refused(&der).contains("not canonical DER"), "{}", refused(&der));
}

#[test]
fn arcs_that_are_not_in_their_shortest_form_are_refused() {
    // X.690 clause 8.19.2: an arc never starts with 0x80, which would write the same identifier twice.
    let basic_constraints = |arc| {
        let der = fixture("composite.der");
        replaced(&der, &[6, 3, 0x55, 0x1d, 0x13], &[6, 3, 0x55, arc, 0x13], 1)
    };
    let error = refused(&basic_constraints(0x80));
    assert!(error.contains("TBSCertificate is not canonical DER"), "{error}");
    assert!(inspect(&basic_constraints(0x81)).is_ok());

    // Inside an extension: serverAuth of extendedKeyUsage.
    let server_auth = |arc| {
        let der = fixture("extensions.pem");
        let from = [6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
        replaced(&der, &from, &[6, 8, 0x2b, 6, 1, 5, 5, arc, 3, 1], 1)
    };
    let error = refused(&server_auth(0x80));
    assert!(error.contains("extension 2.5.29.37: its value is malformed"), "{error}");
    assert!(inspect(&server_auth(0x81)).is_ok());
}

#[test]
fn wrong_labels_are_refused_by_what_they_hold() {
    let certificate = fixture("composite.der");
    for (label, found) in [
        (Label::PublicKey, "labelled PUBLIC KEY, but found a certificate;"),
        (Label::CertificateRequest, "labelled CERTIFICATE REQUEST, but found a certificate;"),
        (Label::EncryptedPrivateKey, "labelled ENCRYPTED PRIVATE KEY, but found a certificate;"),
    ] {
        let text = format!("# a comment\n{}", pem::encode(label, &certificate));
        let error = refused(text.as_bytes());
        assert!(error.starts_with("line 2: ") && error.contains(found), "{error}");
    }
    for (name, label, found) in [
        ("both-key.der", Label::Certificate, "found a private key (PKCS#8)"),
        ("sec1-key.pem", Label::PrivateKey, "found a private key (SEC1)"),
        ("pkcs1-key.pem", Label::EcPrivateKey, "found a private key (PKCS#1)"),
        ("pbkdf2-key.pem", Label::PrivateKey, "found an encrypted private key"),
        ("public.pem", Label::Certificate, "found a public key"),
        ("request.pem", Label::Certificate, "found a certificate request"),
    ] {
        let error = refused(pem::encode_secret(label, &fixture(name)).as_bytes());
        assert!(error.starts_with("line 1: labelled") && error.contains(found), "{error}");
    }
}

#[test]
fn the_faulty_block_of_a_chain_is_named_by_its_line() {
    let good = pem::encode(Label::PublicKey, &fixture("public.pem"));
    let bad = pem::encode(Label::PublicKey, &spki(&ML_DSA_65, &[0; 1312]));
    let error = refused(format!("{good}{bad}").as_bytes());
    assert!(error.starts_with("line 4: public key: ML-DSA-65 has 1312 octets"), "{error}");
    assert_eq!(inspect(format!("{good}{good}").as_bytes()).unwrap().len(), 2);
}

#[test]
fn unknown_signature_algorithms_are_shown_as_unknown() {
    let other = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 9];
    let der = replaced(&fixture("extensions.pem"), &ECDSA_SHA256, &other, 2);
    let objects = inspect(&der).unwrap();
    let Report::Certificate(report) = &objects[0].report else { panic!("{objects:?}") };
    assert_eq!((report.mode, report.signature.algorithm.as_str()), (Mode::Unknown, "unknown"));
    assert_eq!(report.signature.oid, "1.2.840.10045.4.3.9");
    assert!(objects[0].to_string().contains("1.2.840.10045.4.3.9, which is not known"));
}

#[test]
fn different_algorithms_inside_and_outside_are_refused() {
    let mut der = fixture("extensions.pem");
    let at = der.len() - der.windows(10).rev().position(|run| run == ECDSA_SHA256).unwrap() - 1;
    der[at] = 3;
    let error = refused(&der);
    assert!(
        error.contains("1.2.840.10045.4.3.3, TBSCertificate says 1.2.840.10045.4.3.2"),
        "{error}"
    );
}

#[test]
fn sha1_signatures_are_shown_with_a_warning() {
    // ecdsa-with-SHA1 is one octet shorter; sha1WithRSAEncryption takes the place of SHA-256's.
    let sha256_rsa = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    let sha1_rsa = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
    let certificate = resigned(&[&sha256_rsa[..], &NULL].concat());
    let der = replaced(&certificate, &sha256_rsa, &sha1_rsa, 2);
    let objects = inspect(&der).unwrap();
    assert!(
        objects[0].to_string().contains("uses MD5 or SHA-1 and can be forged"),
        "{}",
        objects[0]
    );
}

#[test]
fn pss_that_is_not_accepted_is_shown_with_a_warning() {
    let pss = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    let sha256 = [0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
    let mgf1 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    let with_salt = |salt: u8| {
        let mask = tlv(0x30, &[&mgf1[..], &sha256].concat());
        let salt = tlv(0xa2, &[2, 1, salt]);
        let parameters = [tlv(0xa0, &sha256), tlv(0xa1, &mask), salt].concat();
        resigned(&[&pss[..], &tlv(0x30, &parameters)].concat())
    };
    let shown = |der: &[u8]| {
        let objects = inspect(der).unwrap();
        let Report::Certificate(report) = &objects[0].report else { panic!("{objects:?}") };
        (report.mode, report.signature.clone())
    };
    let (_, fine) = shown(&with_salt(32));
    assert_eq!(fine.warnings, [""; 0]);
    // Another salt; and the defaults, which mean SHA-1 throughout.
    let defaults = resigned(&[&pss[..], &[0x30, 0]].concat());
    for der in [with_salt(20), defaults] {
        let (mode, signature) = shown(&der);
        assert_eq!((mode, signature.algorithm.as_str()), (Mode::Classical, "RSASSA-PSS"));
        let [warning] = &signature.warnings[..] else { panic!("{signature:?}") };
        assert!(warning.contains("1.2.840.113549.1.1.10: found others, allowed: SHA-256"));
    }
}

/// extensions.pem with another AlgorithmIdentifier inside and outside; its signature is not valid.
fn resigned(algorithm: &[u8]) -> Vec<u8> {
    let der = fixture("extensions.pem");
    let old = tlv(0x30, &ECDSA_SHA256);
    let new = tlv(0x30, algorithm);
    // SEQUENCE headers of 4 octets around the certificate and TBSCertificate.
    let places: Vec<usize> = (0..der.len()).filter(|at| der[*at..].starts_with(&old)).collect();
    let [inner, outer] = places[..] else { panic!("{places:?}") };
    let tbs = [&der[8..inner], &new, &der[inner + old.len()..outer]].concat();
    tlv(0x30, &[tlv(0x30, &tbs), new, der[outer + old.len()..].to_vec()].concat())
}

#[test]
fn null_parameters_are_refused_where_none_belong() {
    for (algorithm, name) in [
        ([&ECDSA_SHA256[..], &NULL].concat(), "1.2.840.10045.4.3.2"),
        ([&ML_DSA_65[..], &NULL].concat(), "2.16.840.1.101.3.4.3.18"),
    ] {
        let error = refused(&resigned(&algorithm));
        let wanted =
            format!("parameters of signature algorithm {name}: found others, allowed: none");
        assert_eq!(error, wanted);
    }
    assert!(inspect(&resigned(&ECDSA_SHA256)).is_ok());
    let key = spki(&[&ML_DSA_65[..], &NULL].concat(), &[7; 1952]);
    let wanted = "public key: parameters of ML-DSA-65 are not as allowed (none)";
    assert_eq!(refused(&key), wanted);
    assert!(inspect(&spki(&ML_DSA_65, &[7; 1952])).is_ok());
}

#[test]
fn compressed_points_are_refused() {
    let point = |first: u8, length: usize| [vec![first], vec![7; length - 1]].concat();
    assert!(inspect(&spki(&P256, &point(4, 65))).is_ok());
    let error = refused(&spki(&P256, &point(2, 33)));
    assert!(error.contains("ECDSA P-256 starts with 0x02, allowed is an uncompressed"), "{error}");
    let composite = [6, 8, 0x2b, 6, 1, 5, 5, 7, 6, 45];
    let key = |point: Vec<u8>| spki(&composite, &[vec![7; 1952], point].concat());
    assert!(inspect(&key(point(4, 65))).is_ok());
    assert!(refused(&key(point(3, 33))).contains("starts with 0x03"));
}

#[test]
fn identifiers_and_key_lengths_that_disagree_are_refused() {
    let error = refused(&spki(&ML_DSA_44, &[7; 1952]));
    assert_eq!(error, "public key: ML-DSA-44 has 1952 octets, allowed are 1312");
    // A composite certificate that calls its key ML-DSA-65.
    let arc_46 = [6, 8, 0x2b, 6, 1, 5, 5, 7, 6, 46];
    let arc_45 = [6, 8, 0x2b, 6, 1, 5, 5, 7, 6, 45];
    let der = replaced(&fixture("composite.der"), &arc_45, &arc_46, 3);
    let error = refused(&der);
    assert!(error.contains("ECDSA P-384 has 65 octets, allowed are 97"), "{error}");
    // The same for a private key.
    let der = replaced(&fixture("both-key.der"), &ML_DSA_65, &ML_DSA_44, 1);
    assert!(refused(&der).starts_with("private key: "), "{}", refused(&der));
}

#[test]
fn both_form_keys_whose_seed_does_not_match_are_refused() {
    let mut der = fixture("both-key.der");
    let length = der.len();
    der[length - 4032 - 10] ^= 1;
    let error = refused(&der);
    assert!(error.contains("seed does not expand to the expandedKey"), "{error}");
}

#[test]
fn unknown_and_weak_keys_are_shown_as_such() {
    let unknown = [6, 3, 0x2a, 3, 4];
    let objects = inspect(&spki(&unknown, &[7; 50])).unwrap();
    let Report::PublicKey(report) = &objects[0].report else { panic!("{objects:?}") };
    assert_eq!((report.family, report.oid.as_str()), (KeyFamily::Unknown, "1.2.3.4"));

    let rsa_1024 = {
        let modulus = [vec![0, 0x80], vec![7; 127]].concat();
        let key = tlv(0x30, &[tlv(2, &modulus), tlv(2, &[1, 0, 1])].concat());
        spki(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0], &key)
    };
    let text = inspect(&rsa_1024).unwrap()[0].to_string();
    assert!(text.contains("RSA with 1024 bits, allowed are 2048 to 8192"), "{text}");
}

#[test]
fn signatures_of_a_wrong_length_are_marked() {
    let mut der = fixture("composite.der");
    assert!(!inspect(&der).unwrap()[0].to_string().contains("can't be valid"));
    // One octet less: the BIT STRING, then the whole.
    let length = der.len();
    der.truncate(length - 1);
    let header = length - 3379 - 5;
    assert_eq!(der[header..header + 4], [3, 0x82, 0x0d, 0x34]);
    der[header + 3] = 0x33;
    let outer = u16::try_from(length - 5).unwrap().to_be_bytes();
    der[2..4].copy_from_slice(&outer);
    // ECDSA signatures vary in length, so only far shorter ones are surely wrong.
    assert!(inspect(&der).is_ok());
    let pure = fixture("pure.der");
    let outer = u16::try_from(pure.len() - 5).unwrap().to_be_bytes();
    let header = pure.len() - 3309 - 5;
    let mut short = pure[..pure.len() - 1].to_vec();
    short[2..4].copy_from_slice(&outer);
    short[header + 3] -= 1;
    let text = inspect(&short).unwrap()[0].to_string();
    assert!(text.contains("signature: 3308 octets, ML-DSA-65 has 3309 to 3309"), "{text}");
}

#[test]
fn names_can_not_drive_a_terminal() {
    let hostile = "\u{1b}[2J\u{202e}evil\u{7f}\r\n\u{9b}1m\u{200b}x";
    let name = "common-name-to-be-patched";
    assert_eq!(hostile.len() + 3, name.len());
    let der = fixture("extensions.pem");
    let times = der.windows(name.len()).filter(|run| run == &name.as_bytes()).count();
    let der = replaced(&der, name.as_bytes(), format!("{hostile}end").as_bytes(), times);
    let der = replaced(&der, b"dns-name-to-be-patched", b"\x1b]0;title\x07\r\n\x08-dns-name", 1);
    let objects = inspect(&der).unwrap();
    let outputs = [objects[0].to_string(), serde_json::to_string(&objects).unwrap()];
    for output in &outputs {
        let harmful = |character: &char| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{202e}' | '\u{200b}')
        };
        assert_eq!(output.chars().find(harmful), None, "{output:?}");
    }
    let text = &outputs[0];
    assert!(text.contains(r"CN=\1B[2J\E2\80\AEevil\7F\0D\0A\C2\9B1m\E2\80\8Bxend"), "{text}");
    assert!(text.contains(r"DNS:\1B]0;title\07\0D\0A\08-dns-name.example.org"), "{text}");
    assert_eq!(
        text.lines().count(),
        inspect(&fixture("extensions.pem")).unwrap()[0].to_string().lines().count()
    );
}

#[test]
fn encrypted_keys_with_unknown_parts_are_shown_and_malformed_ones_refused() {
    let der = fixture("pbkdf2-key.pem");
    let aes = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
    let unknown = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 99];
    let text = inspect(&replaced(&der, &aes, &unknown, 1)).unwrap()[0].to_string();
    assert!(text.contains("Cipher:         unknown (2.16.840.1.101.3.4.1.99)"), "{text}");
    let pbes2 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    let pbes1 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 3];
    let text = inspect(&replaced(&der, &pbes2, &pbes1, 1)).unwrap()[0].to_string();
    assert!(text.contains("only PBES2 can be decrypted here"), "{text}");
    let empty = tlv(0x30, &[tlv(0x30, &pbes2), tlv(4, &[1])].concat());
    assert!(refused(&empty).contains("parameters of PBES2 are malformed"));
    let nothing = tlv(0x30, &[tlv(0x30, &pbes1), tlv(4, &[])].concat());
    assert!(refused(&nothing).contains("nothing is encrypted"));
}
