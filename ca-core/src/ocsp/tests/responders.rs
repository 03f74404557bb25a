//! Who may answer for an issuer.

use super::*;
use crate::crl::CrlBuilder;
use crate::crl::{CertificateList, RevokedEntry};
use crate::extensions::oid;

#[test]
fn an_authority_signs_only_with_its_key_and_usage() {
    let world = World::new();
    let other = signer("p256");
    let error = Responder::authority(&world.issuer.certificate, &other).unwrap_err();
    assert!(matches!(error, OcspBuildError::SignerMismatch), "{error}");
    // The shipped root has no digitalSignature: it answers by a delegate.
    let root = Authority::root("p256");
    let error = Responder::authority(&root.certificate, &root.signer).unwrap_err().to_string();
    says(&error, &["the issuer's keyUsage: found no digitalSignature", "or a delegate"]);
    let key = signer("p256");
    let delegate = delegate(&root, &key);
    Responder::delegate(&root.certificate, &delegate, &key).unwrap();
    let error = Responder::delegate(&root.certificate, &delegate, &other).unwrap_err();
    assert!(matches!(error, OcspBuildError::SignerMismatch), "{error}");
}

/// What verifying says of a response by the issuer's key, when its certificate has no
/// digitalSignature.
#[test]
fn an_issuer_without_digital_signature_is_not_believed() {
    let world = World::new();
    let response = world.says(CertStatus::Good);
    let usage = Some((true, hex("03020106")));
    let issuer = changed(&world.issuer.certificate, &world.issuer.signer, oid::KEY_USAGE, usage);
    let error = response.basic().unwrap().verify(&world.leaf, &issuer, &expect()).unwrap_err();
    assert_eq!(error, OcspError::IssuerKeyUsage);
    let issuer = changed(&world.issuer.certificate, &world.issuer.signer, oid::KEY_USAGE, None);
    response.basic().unwrap().verify(&world.leaf, &issuer, &expect()).unwrap();
}

/// A response that a delegate with this certificate signed, though it may not.
fn by(world: &World, delegate: &Certificate) -> OcspResponse {
    let der = world.delegated().sign(&[world.answer(CertStatus::Good)], &window(), None).unwrap();
    let response = read(&der);
    let basic = response.basic().unwrap();
    let bits = tlv(Tag::BitString, &[&[0], basic.signature()]).unwrap();
    let algorithm = basic.signature_algorithm().to_der().unwrap();
    let certs = tagged(0, &sequence(&[delegate.der()]));
    wrapped(&sequence(&[basic.tbs_der(), &algorithm, &bits, &certs]))
}

fn wrapped(basic: &[u8]) -> OcspResponse {
    let bytes = sequence(&[&hex("06092b0601050507300101"), &octet_string(basic)]);
    read(&sequence(&[&hex("0a0100"), &tagged(0, &bytes)]))
}

/// Building and verifying refuse a delegate for the same reason.
#[track_caller]
fn refused(world: &World, delegate: &Certificate, parts: &[&str]) {
    let issuer = &world.issuer.certificate;
    let built = Responder::delegate(issuer, delegate, &world.delegate_signer);
    says(&built.unwrap_err().to_string(), parts);
    let response = by(world, delegate);
    says(&world.verify(&response, &expect()).unwrap_err().to_string(), parts);
}

#[test]
fn a_delegate_is_one_by_its_extended_key_usage_alone() {
    let world = World::new();
    world.verify(&by(&world, &world.delegate), &expect()).unwrap();
    let signer = &world.issuer.signer;
    let change = |oid, value| changed(&world.delegate, signer, oid, value);
    let none = change(oid::EXTENDED_KEY_USAGE, None);
    refused(&world, &none, &["delegate's certificate: extendedKeyUsage: found none"]);
    // serverAuth and anyExtendedKeyUsage.
    for usage in ["300a06082b06010505070301", "300606 04551d2500"] {
        let usage = Some((false, hex(&usage.replace(' ', ""))));
        let wrong = change(oid::EXTENDED_KEY_USAGE, usage);
        refused(&world, &wrong, &["extendedKeyUsage: found no OCSPSigning, allowed: OCSPSigning"]);
    }
    // A certificate for something else, which nobody is asked not to check.
    let key = world.delegate_signer.public_key().clone();
    let request = Request::new(name("CN=a"), crate::plan::tests::names(&["a.example"]), key);
    let server = issue(profile("tls-server"), request, &world.issuer);
    refused(&world, &server, &["extendedKeyUsage: found no OCSPSigning"]);
    let usage = Some((true, hex("03020106")));
    refused(&world, &change(oid::KEY_USAGE, usage), &["keyUsage: found no digitalSignature"]);
    // A subordinate authority that is limited to OCSPSigning, among others.
    let authority = Some((true, hex("30030101ff")));
    refused(&world, &change(oid::BASIC_CONSTRAINTS, authority), &["basicConstraints: found a CA"]);
    let unknown = Some((true, vec![5, 0]));
    let unknown = change(ObjectIdentifier::new_unwrap("1.2.3.4"), unknown);
    refused(&world, &unknown, &["extensions: found critical extension 1.2.3.4"]);
}

#[test]
fn a_delegate_is_issued_by_the_issuer_itself() {
    let world = World::new();
    // Another authority's delegate.
    let other = Authority::root("ed25519");
    let foreign = delegate(&other, &world.delegate_signer);
    refused(&world, &foreign, &["issuer: found CN=Root ed25519", "allowed: CN=Issuing p256"]);
    // One of the same name, but another key.
    let twin = World::new();
    let forged = delegate(&twin.issuer, &world.delegate_signer);
    refused(
        &world,
        &forged,
        &["signature: found", "does not match", "one by the key of CN=Issuing"],
    );
    // One that the delegate itself issued.
    let mut fields = world.delegate.tbs_fields().clone();
    fields.issuer = world.delegate.subject().clone();
    let tbs = fields.to_der().unwrap();
    let signature = world.delegate_signer.sign(&tbs).unwrap();
    let algorithm = world.delegate.signature_algorithm().to_der().unwrap();
    let own = Certificate::from_der(&signed(&tbs, &algorithm, &signature).unwrap()).unwrap();
    refused(&world, &own, &["issuer: found CN=OCSP"]);
}

#[test]
fn a_delegate_is_valid_when_it_is_asked() {
    let world = World::new();
    let (first, last) =
        (world.delegate.validity().not_before(), world.delegate.validity().not_after());
    let der = world.delegated().sign(&[world.answer(CertStatus::Good)], &window(), None).unwrap();
    let response = read(&der);
    let second = SignedDuration::from_secs(1);
    for outside in [first - second, last + second] {
        // So much skew that the response's own times don't matter.
        let skew = std::time::Duration::from_secs(1 << 40);
        let expected = Expectation { skew, ..Expectation::at(outside) };
        let error = world.verify(&response, &expected).unwrap_err().to_string();
        says(&error, &["the delegate's certificate: validity: found", "a period with"]);
        let inside = Expectation { at: if outside < first { first } else { last }, ..expected };
        world.verify(&response, &inside).unwrap();
    }
}

/// The issuer's list, with or without the delegate.
fn list(world: &World, delegate: Option<&Certificate>) -> CertificateList {
    let builder = CrlBuilder::new(&world.issuer.certificate, 1.into(), made(), due()).unwrap();
    let entry = |one| RevokedEntry::new(EntrySerial::of(one).unwrap(), then());
    let mut der = Vec::new();
    builder.sign(delegate.map(entry), &world.issuer.signer, &mut der).unwrap();
    CertificateList::from_der(der).unwrap()
}

#[test]
fn a_delegate_that_may_be_revoked_is_looked_up() {
    let world = World::new();
    let checked = changed(&world.delegate, &world.issuer.signer, NO_CHECK, None);
    let response = by(&world, &checked);
    let error = world.verify(&response, &expect()).unwrap_err().to_string();
    says(&error, &["revocation: found unknown", "or id-pkix-ocsp-nocheck"]);
    let with = |list: &CertificateList, response: &OcspResponse| {
        let crls = std::slice::from_ref(list);
        world.verify(response, &Expectation { crls, ..expect() }).map(|_| ())
    };
    with(&list(&world, None), &response).unwrap();
    let revoked = list(&world, Some(&checked));
    let error = with(&revoked, &response).unwrap_err().to_string();
    says(&error, &["revocation: found revoked at 2026-05-31T08:09:10Z"]);
    // Who knows that a delegate is revoked does not believe it, nocheck or not.
    let response = by(&world, &world.delegate);
    says(&with(&revoked, &response).unwrap_err().to_string(), &["revocation: found revoked"]);
    with(&list(&world, None), &response).unwrap();
    let foreign = World::new();
    with(&list(&foreign, None), &response).unwrap();
}

#[test]
fn a_critical_no_check_counts_and_an_unknown_extension_does_not() {
    let world = World::new();
    let null = Some((true, vec![5, 0]));
    let critical = changed(&world.delegate, &world.issuer.signer, NO_CHECK, null.clone());
    world.verify(&by(&world, &critical), &expect()).unwrap();
    let oid = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.99");
    let unknown = changed(&world.delegate, &world.issuer.signer, oid, null);
    let error = world.verify(&by(&world, &unknown), &expect()).unwrap_err().to_string();
    says(&error, &["extensions: found critical extension 1.3.6.1.5.5.7.48.1.99"]);
}

#[test]
fn a_response_of_nobody_who_may_answer() {
    let world = World::new();
    // Signed by the leaf's issuer of the same name, but another key.
    let twin = World::new();
    let answers = [world.answer(CertStatus::Good)];
    let by_name = twin.authority().named().unwrap().sign(&answers, &window(), None).unwrap();
    let error = world.verify(&read(&by_name), &expect()).unwrap_err().to_string();
    says(&error, &["OCSP response: signature: does not match the message and key"]);
    let by_key = twin.authority().sign(&answers, &window(), None).unwrap();
    let error = world.verify(&read(&by_key), &expect()).unwrap_err().to_string();
    says(
        &error,
        &["responderID: found the key with the hash", "allowed: the issuer, CN=Issuing p256"],
    );
    // The delegate's certificate is not in the response.
    let der = world.delegated().sign(&answers, &window(), None).unwrap();
    let response = read(&der);
    let basic = response.basic().unwrap();
    let algorithm = basic.signature_algorithm().to_der().unwrap();
    let bare = wrapped(&signed(basic.tbs_der(), &algorithm, basic.signature()).unwrap());
    let error = world.verify(&bare, &expect()).unwrap_err();
    assert!(matches!(error, OcspError::Responder { .. }), "{error}");
}

#[test]
fn sha1_signs_no_response() {
    let world = World::new();
    let response = world.says(CertStatus::Good);
    let basic = response.basic().unwrap();
    // ecdsa-with-SHA1, sha1WithRSAEncryption
    for (algorithm, oid) in [
        ("300906072a8648ce3d0401", "1.2.840.10045.4.1"),
        ("300d06092a864886f70d0101050500", "1.2.840.113549.1.1.5"),
    ] {
        let forged = wrapped(&signed(basic.tbs_der(), &hex(algorithm), basic.signature()).unwrap());
        let error = world.verify(&forged, &expect()).unwrap_err().to_string();
        says(&error, &["OCSP response: signature algorithm: found", oid, "MD5 or SHA-1"]);
    }
}
