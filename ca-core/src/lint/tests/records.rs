//! What the ledger records of a linted certificate.

use super::*;

#[test]
fn utc_time_can_not_hold_the_year_2050() {
    // der's UTCTime ends in 2049, so that only the reverse can be encoded at all.
    let year_2050 = der::DateTime::new(2050, 1, 1, 0, 0, 0).unwrap();
    assert!(UtcTime::from_date_time(year_2050).is_err());
}

#[test]
fn the_record_is_the_tbs_and_the_certificate_is_what_was_planned() {
    let plan = leaf_plan();
    let key = plan.public_key.clone();
    let linted = lint(plan).unwrap();
    let tbs = linted.tbs_der().unwrap().to_vec();
    assert_eq!(linted.record_digest(), Fingerprint::of(&tbs));
    assert_eq!(linted.pre_tbs_der(), None);
    assert_eq!(linted.subject(), "CN=demo.localhost");
    assert_eq!(linted.names(), ["DNS:demo.localhost"]);
    assert_eq!(linted.key_digests().whole, key.fingerprint());
    assert_eq!(linted.key_digests().components, [key.fingerprint()]);
    let (serial, validity) = (linted.serial(), linted.validity());
    let signature = root().signer.sign(&tbs).unwrap();
    assert_eq!(
        linted.clone().with_alt_signature(&signature).unwrap_err(),
        AssembleError::NoAltSignature
    );
    assert_eq!(linted.clone().assemble(&[]).unwrap_err(), AssembleError::EmptySignature);
    let assembled = linted.clone().assemble(&signature).unwrap();
    let certificate = assembled.to_certificate().unwrap();
    assert_eq!(certificate.tbs_der(), tbs);
    assert_eq!(certificate.signature(), signature);
    assert_eq!(certificate.serial_octets(), serial.as_bytes());
    assert_eq!(assembled.serial(), serial);
    assert_eq!(certificate.validity(), validity);
    assert_eq!(certificate.record_digest().unwrap(), linted.record_digest());
    // One bit less in the certificate is another record.
    let mut other = assembled.into_der();
    let at = other.windows(4).position(|window| window == b"demo").unwrap();
    other[at] ^= 1;
    let other = Certificate::from_der(&other).unwrap();
    assert_ne!(other.record_digest().unwrap(), linted.record_digest());
}

#[test]
fn composites_are_recorded_by_their_halves() {
    let request = server("hybrid");
    let key = request.public_key.clone();
    let plan = plan(profile("tls-server"), request, root().identity(), serial(), now()).unwrap();
    let linted = lint(plan).unwrap();
    let (ml_dsa, classical) = key.composite_keys().unwrap();
    let digests = linted.key_digests();
    assert_eq!(digests.whole, key.fingerprint());
    assert_eq!(digests.components, [ml_dsa.fingerprint(), classical.fingerprint()]);
}

#[test]
fn the_record_is_the_same_before_and_after_the_alternative_signature() {
    let root = Authority::root_with("p256", Some("mldsa44"), now());
    let mut request = server("p256");
    let alt_key = signer("mldsa44").public_key().clone();
    request.alt_public_key = Some(alt_key.clone());
    let key = request.public_key.clone();
    let plan = plan(profile("tls-server"), request, root.identity(), serial(), now()).unwrap();
    let linted = lint(plan).unwrap();
    let digest = linted.record_digest();
    assert_eq!(linted.key_digests().components, [key.fingerprint(), alt_key.fingerprint()]);
    // Nothing can be signed or assembled before the alternative signature.
    assert_eq!(linted.tbs_der().unwrap_err(), AssembleError::AltSignatureMissing);
    let error = linted.clone().assemble(&[1]).unwrap_err();
    assert_eq!(error, AssembleError::AltSignatureMissing);
    let error = linted.clone().with_alt_signature(&[]).unwrap_err();
    assert_eq!(error, AssembleError::EmptySignature);
    let alt_signer = root.alt_signer.as_ref().unwrap();
    let alternative = alt_signer.sign(linted.pre_tbs_der().unwrap()).unwrap();
    let linted = linted.with_alt_signature(&alternative).unwrap();
    assert_eq!(linted.pre_tbs_der(), None);
    assert_eq!(linted.record_digest(), digest);
    let tbs = linted.tbs_der().unwrap().to_vec();
    assert_ne!(Fingerprint::of(&tbs), digest, "the TBS holds the alternative signature");
    let signature = root.signer.sign(&tbs).unwrap();
    let certificate = linted.assemble(&signature).unwrap().to_certificate().unwrap();
    assert_eq!(certificate.record_digest().unwrap(), digest);
    assert_eq!(certificate.extensions().alt_signature_value(), Some(&alternative[..]));
    assert_eq!(certificate.extensions().alt_public_key(), Some(&alt_key));
}

#[test]
fn a_certificate_with_another_signature_algorithm_is_not_assembled_by_accident() {
    let linted = lint(leaf_plan()).unwrap();
    let signature = root().signer.sign(linted.tbs_der().unwrap()).unwrap();
    let der = linted.assemble(&signature).unwrap().into_der();
    // The outer algorithm stands behind the TBS: Ed25519, 1.3.101.112.
    let at = der.windows(3).rposition(|window| window == [0x2b, 0x65, 0x70]).unwrap();
    let mut other = der.clone();
    other[at + 2] = 0x71;
    assert!(matches!(
        Certificate::from_der(&other).unwrap_err(),
        CertificateError::AlgorithmsDiffer { .. }
    ));
    Certificate::from_der(&der).unwrap();
}
