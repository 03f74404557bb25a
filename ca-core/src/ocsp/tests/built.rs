//! Responses that are built are read and verify; what can't be told is not built.

use super::*;

#[test]
fn every_family_answers_by_itself_and_by_a_delegate() {
    for family in ["p256", "ed25519", "rsa2048", "mldsa65", "SLH-DSA-SHA2-128f", "hybrid"] {
        let world = World::of(family);
        for (responder, is_delegate) in [(world.authority(), false), (world.delegated(), true)] {
            let nonce = Nonce::generate(&mut rng());
            let revoked = CertStatus::revoked(then(), COMPROMISE);
            for status in [CertStatus::Good, revoked, CertStatus::Unknown] {
                let answers = [world.answer(status)];
                let der = responder.sign(&answers, &window(), Some(&nonce)).unwrap();
                let response = read(&der);
                let expected = Expectation { nonce: ExpectedNonce::Same(&nonce), ..expect() };
                let verified = world.verify(&response, &expected).unwrap();
                assert_eq!(verified.single.status(), status, "{family}");
                assert_eq!(verified.scheme, world.issuer.signer.scheme());
                match verified.signed_by {
                    SignedBy::Issuer => assert!(!is_delegate),
                    SignedBy::Delegate(by) => assert!(is_delegate && *by == world.delegate),
                }
            }
        }
    }
}

#[test]
fn what_a_response_says_is_read() {
    let world = World::new();
    let date = at("2026-05-01T00:00:00Z");
    let revoked = CertStatus::Revoked { at: then(), reason: HOLD, invalidity_date: Some(date) };
    let answers = [
        Answer { archive_cutoff: Some(date), ..world.answer(CertStatus::Good) },
        world.answer(revoked),
    ];
    let der = world.delegated().named().unwrap().sign(&answers, &window(), None).unwrap();
    let response = read(&der);
    let basic = response.basic().unwrap();
    assert_eq!(basic.produced_at(), made());
    assert_eq!(*basic.responder_id(), ResponderId::name_of(&world.delegate));
    assert_eq!(basic.responder_id().to_string(), "CN=OCSP");
    assert_eq!(basic.certificates(), std::slice::from_ref(&world.delegate));
    assert_eq!(basic.nonce(), None);
    assert!(!basic.has_extended_revoke());
    let [good, second] = basic.singles() else { panic!() };
    assert_eq!((good.status(), good.archive_cutoff()), (CertStatus::Good, Some(date)));
    assert_eq!((good.this_update(), good.next_update()), (made(), Some(due())));
    assert_eq!((second.status(), second.archive_cutoff()), (revoked, None));
    let endless = UpdateWindow::new(made(), made(), None).unwrap();
    let response = world.says_in(CertStatus::Good, &endless);
    assert_eq!(response.basic().unwrap().singles()[0].next_update(), None);
    let key = response.basic().unwrap().responder_id().to_string();
    says(&key, &["the key with the hash "]);
}

#[test]
fn a_certificate_that_was_never_issued_is_told_as_rfc_6960_has_it() {
    let world = World::new();
    let response = world.says(CertStatus::NeverIssued);
    let basic = response.basic().unwrap();
    assert!(basic.has_extended_revoke());
    assert_eq!(basic.singles()[0].status(), CertStatus::NeverIssued);
    // revoked [1] { 19700101000000Z, [0] certificateHold }
    let der = hex("a116180f31393730303130313030303030305aa0030a0106");
    assert!(basic.tbs_der().windows(der.len()).any(|window| window == der));
    assert_eq!(
        world.status(&[response]).to_string(),
        "revoked at 1970-01-01T00:00:00Z: certificateHold"
    );
    // Without the extension it is a hold like any other.
    let response = world.says(CertStatus::revoked(Timestamp::UNIX_EPOCH, HOLD));
    let status = response.basic().unwrap().singles()[0].status();
    assert_eq!(status, CertStatus::revoked(Timestamp::UNIX_EPOCH, HOLD));
}

#[test]
fn a_request_is_answered_certificate_by_certificate() {
    let world = World::new();
    let issuer = &world.issuer.certificate;
    let foreign = Authority::root("p256").certificate;
    let number = EntrySerial::from_integer_octets(&[7]).unwrap();
    let sha256 = CertId::of(&world.leaf, issuer, CertIdHash::Sha256).unwrap();
    let other = CertId::new(&foreign, &number, CertIdHash::Sha1);
    let nonce = Nonce::new(&[9; 16]).unwrap();
    let request =
        OcspRequest::build(&[sha256.clone(), world.cert_id(), other.clone()], Some(&nonce))
            .unwrap();
    let mut asked = Vec::new();
    let der = world.authority().respond(&request, &window(), |serial| {
        asked.push(*serial);
        CertStatus::revoked(then(), COMPROMISE)
    });
    assert_eq!(asked, [EntrySerial::of(&world.leaf).unwrap(); 2]);
    let response = read(&der.unwrap());
    let basic = response.basic().unwrap();
    assert_eq!(basic.nonce(), Some(&nonce));
    let cert_ids: Vec<&CertId> = basic.singles().iter().map(SingleResponse::cert_id).collect();
    assert_eq!(cert_ids, [&sha256, &world.cert_id(), &other]);
    assert_eq!(basic.singles()[2].status(), CertStatus::Unknown);
    world.verify(&response, &expect()).unwrap();
    // Nothing of ours: RFC 5019 section 2.2.3.
    let request = OcspRequest::build(&[other], None).unwrap();
    let answer = world.authority().respond(&request, &window(), |_| panic!("asked")).unwrap();
    assert_eq!(answer, [0x30, 3, 0x0a, 1, 6]);
}

#[test]
fn error_statuses_have_their_codes() {
    for (status, code) in [
        (ErrorStatus::MalformedRequest, 1),
        (ErrorStatus::InternalError, 2),
        (ErrorStatus::TryLater, 3),
        (ErrorStatus::SigRequired, 5),
        (ErrorStatus::Unauthorized, 6),
    ] {
        let der = OcspResponse::error_der(status);
        assert_eq!(der, [0x30, 3, 0x0a, 1, code]);
        let response = read(&der);
        let error = response.basic().unwrap_err();
        assert_eq!(error, OcspError::ErrorStatus(status));
        says(&error.to_string(), &["responseStatus: found ", status.name()]);
    }
}

#[test]
fn windows_are_ordered_and_inside_the_responders_validity() {
    let second = SignedDuration::from_secs(1);
    let window = |produced, this, next| {
        UpdateWindow::new(produced, this, next).map(|_| ()).map_err(|error| error.to_string())
    };
    window(made(), made(), None).unwrap();
    let error = window(made(), made() + second, None).unwrap_err();
    says(&error, &["thisUpdate: found 2026-06-01T13:00:01Z", "at most producedAt"]);
    let error = window(made(), made() - second, Some(made())).unwrap_err();
    says(&error, &["nextUpdate: found 2026-06-01T13:00:00Z", "later than producedAt"]);
    says(
        &window(made(), at("1949-12-31T23:59:59Z"), None).unwrap_err(),
        &["thisUpdate: found 1949"],
    );
    let world = World::new();
    let last = world.delegate.validity().not_after();
    let sign = |produced, next| {
        let window = UpdateWindow::new(produced, produced, Some(next)).unwrap();
        let answers = [world.answer(CertStatus::Good)];
        world.delegated().sign(&answers, &window, None).map_err(|error| error.to_string())
    };
    sign(made(), last).unwrap();
    let error = sign(made(), last + second).unwrap_err();
    says(&error, &["nextUpdate: found", "while the responder's certificate is valid"]);
    says(&sign(last + second, last + second * 2).unwrap_err(), &["producedAt: found"]);
}

#[test]
fn what_can_not_be_told_is_not_signed() {
    let world = World::new();
    let sign = |status| {
        let answers = [world.answer(status)];
        world.authority().sign(&answers, &window(), None).unwrap_err().to_string()
    };
    let error = sign(CertStatus::revoked(then(), RevocationReason::RemoveFromCrl));
    says(&error, &["revocationReason: found removeFromCRL"]);
    let error = sign(CertStatus::revoked(at("1949-01-01T00:00:00Z"), HOLD));
    says(&error, &["revocationTime: found 1949"]);
    let none = world.authority().sign(&[], &window(), None).unwrap_err().to_string();
    assert_eq!(none, "OCSP: responses: found 0, allowed are 1 to 1000");
    let many = vec![world.answer(CertStatus::Good); 1001];
    says(
        &world.authority().sign(&many, &window(), None).unwrap_err().to_string(),
        &["responses: found 1001"],
    );
    let most = world.authority().sign(&many[..1000], &window(), None).unwrap();
    assert_eq!(read(&most).basic().unwrap().singles().len(), 1000);
}

#[test]
fn a_whole_authority_is_answered_for_beforehand() {
    let world = World::new();
    let responder = world.delegated();
    for hash in [CertIdHash::Sha1, CertIdHash::Sha256] {
        let signer = PreSigner::new(&responder, &window(), hash).unwrap();
        let serial = EntrySerial::of(&world.leaf).unwrap();
        let other = EntrySerial::from_integer_octets(&[7]).unwrap();
        let statuses =
            [(serial, CertStatus::revoked(then(), COMPROMISE)), (other, CertStatus::Good)];
        let made: Result<Vec<_>, _> = signer.sign_all(statuses).collect();
        let made = made.unwrap();
        let responses: Vec<OcspResponse> = made.iter().map(|(_, der)| read(der)).collect();
        assert_eq!(made[0].0, serial);
        let verified = world.verify(&responses[0], &expect()).unwrap();
        assert_eq!(verified.single.status(), statuses[0].1);
        assert_eq!(verified.single.cert_id().hash(), hash);
        assert_eq!(responses[0].basic().unwrap().nonce(), None);
        let error = world.verify(&responses[1], &expect()).unwrap_err();
        assert!(matches!(error, OcspError::OtherCertificate { .. }), "{error}");
        // The same as one that is made alone.
        let cert_id = CertId::new(&world.issuer.certificate, &other, hash);
        let answer = Answer { cert_id, status: CertStatus::Good, archive_cutoff: None };
        let alone = read(&responder.sign(&[answer], &window(), None).unwrap());
        assert_eq!(alone.basic().unwrap().tbs_der(), responses[1].basic().unwrap().tbs_der());
    }
}

#[test]
fn only_what_can_be_kept_is_signed_beforehand() {
    let world = World::new();
    let responder = world.authority();
    let refusal = |window: &UpdateWindow, hash| {
        PreSigner::new(&responder, window, hash).unwrap_err().to_string()
    };
    let endless = UpdateWindow::new(made(), made(), None).unwrap();
    says(&refusal(&endless, CertIdHash::Sha1), &["nextUpdate: found none"]);
    says(&refusal(&window(), CertIdHash::Sha512), &["hashAlgorithm: found SHA-512"]);
    let signer = PreSigner::new(&responder, &window(), CertIdHash::Sha1).unwrap();
    let serial = EntrySerial::from_integer_octets(&[7]).unwrap();
    for status in [CertStatus::Unknown, CertStatus::NeverIssued] {
        let error = signer.sign(&serial, status).unwrap_err().to_string();
        says(&error, &["certStatus: found", "good or revoked"]);
    }
}
