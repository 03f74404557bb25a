//! What responses say of a certificate, taken together.

use super::*;

fn revoked(reason: RevocationReason) -> CertStatus {
    CertStatus::revoked(then(), reason)
}

fn status_of(reason: RevocationReason) -> RevocationStatus {
    RevocationStatus::Revoked { reason, at: then(), invalidity_date: None }
}

#[track_caller]
fn unknown(status: RevocationStatus) -> UnknownRevocation {
    match status {
        RevocationStatus::Unknown { why } => why,
        other => panic!("{other}"),
    }
}

/// A response of this age in seconds.
fn aged(world: &World, status: CertStatus, seconds: i64) -> OcspResponse {
    let produced = made() - SignedDuration::from_secs(seconds);
    world.says_in(status, &UpdateWindow::new(produced, produced, Some(due())).unwrap())
}

#[test]
fn good_revoked_or_nobody_knows() {
    let world = World::new();
    assert_eq!(world.status(&[world.says(CertStatus::Good)]), RevocationStatus::Good);
    assert_eq!(world.status(&[world.says(revoked(COMPROMISE))]), status_of(COMPROMISE));
    let why = unknown(world.status(&[world.says(CertStatus::Unknown)]));
    assert_eq!(why, UnknownRevocation::ResponderDoesNotKnow);
    assert_eq!(unknown(world.status(&[])), UnknownRevocation::NoResponse);
    let error = OcspResponse::Error(ErrorStatus::TryLater);
    let why = unknown(world.status(std::slice::from_ref(&error)));
    says(&why.to_string(), &["OCSP response: responseStatus: found tryLater"]);
    assert_eq!(world.status(&[error, world.says(CertStatus::Good)]), RevocationStatus::Good);
    let date = at("2026-05-01T00:00:00Z");
    let dated = CertStatus::Revoked { at: then(), reason: HOLD, invalidity_date: Some(date) };
    assert_eq!(
        world.status(&[world.says(dated)]),
        RevocationStatus::Revoked { reason: HOLD, at: then(), invalidity_date: Some(date) }
    );
}

#[test]
fn the_newest_response_counts_and_nothing_takes_a_revocation_back() {
    let world = World::new();
    let of = |older, newer| world.status(&[aged(&world, newer, 10), aged(&world, older, 20)]);
    assert_eq!(of(CertStatus::Good, revoked(HOLD)), status_of(HOLD));
    assert_eq!(of(revoked(HOLD), CertStatus::Good), RevocationStatus::Good);
    assert_eq!(of(revoked(COMPROMISE), CertStatus::Good), status_of(COMPROMISE));
    assert_eq!(
        of(CertStatus::Good, CertStatus::Unknown).to_string().split(':').next(),
        Some("unknown")
    );
    assert_eq!(of(CertStatus::Unknown, CertStatus::Good), RevocationStatus::Good);
    // Of one second the worst counts, within one response too.
    let both = [world.says(CertStatus::Good), world.says(revoked(HOLD))];
    assert_eq!(world.status(&both), status_of(HOLD));
    let answers = [world.answer(revoked(HOLD)), world.answer(CertStatus::Good)];
    let one = read(&world.authority().sign(&answers, &window(), None).unwrap());
    assert_eq!(world.status(&[one]), status_of(HOLD));
}

#[test]
fn what_is_for_ever_needs_no_current_response() {
    let world = World::new();
    let late = due() + SignedDuration::from_hours(1);
    let judge = |responses: &[OcspResponse]| {
        check_responses(&world.leaf, &world.issuer.certificate, responses, late)
    };
    let endless = UpdateWindow::new(made(), made(), None).unwrap();
    let endless = |status| world.says_in(status, &endless);
    let gone = revoked(COMPROMISE);
    for response in [world.says(gone), endless(gone)] {
        assert_eq!(judge(&[response]), status_of(COMPROMISE));
    }
    let now = UpdateWindow::new(late, late, Some(late + SignedDuration::from_hours(1))).unwrap();
    let both = [world.says(gone), world.says_in(CertStatus::Good, &now)];
    assert_eq!(judge(&both), status_of(COMPROMISE));
    // It says nothing else, and nothing with another's signature.
    for status in [CertStatus::Good, revoked(HOLD)] {
        for (response, is_old) in [(world.says(status), false), (endless(status), true)] {
            let why = unknown(judge(&[response]));
            let UnknownRevocation::RefusedResponse(error) = why else { panic!("{why}") };
            assert_eq!(matches!(error, OcspError::Old { .. }), is_old, "{error}");
            assert_eq!(matches!(error, OcspError::Expired { .. }), !is_old, "{error}");
        }
    }
    let OcspResponse::Basic(basic) = world.says(gone) else { panic!("no answer") };
    let stranger = Authority::root("ed25519");
    assert!(basic.verify_late(&world.leaf, &stranger.certificate, &expect()).is_err());
}

#[test]
fn responses_about_others_say_nothing() {
    let world = World::new();
    let issuer = &world.issuer.certificate;
    let sign = |cert_id| {
        let answer = Answer { cert_id, status: CertStatus::Good, archive_cutoff: None };
        read(&world.authority().sign(&[answer], &window(), None).unwrap())
    };
    let other_leaf = sign(CertId::of(&world.delegate, issuer, CertIdHash::Sha1).unwrap());
    let why = unknown(world.status(std::slice::from_ref(&other_leaf)));
    says(
        &why.to_string(),
        &["OCSP response: certID: found", "allowed: serial number", "of CN=Issuing p256"],
    );
    // The serial number of the leaf, but another issuer: by key, and by name.
    let serial = EntrySerial::of(&world.leaf).unwrap();
    for other in [World::new().issuer.certificate, Authority::root("p256").certificate] {
        let response = sign(CertId::new(&other, &serial, CertIdHash::Sha256));
        let why = unknown(world.status(&[response]));
        assert!(matches!(
            why,
            UnknownRevocation::RefusedResponse(OcspError::OtherCertificate { .. })
        ));
    }
    for hash in CertIdHash::ALL {
        let response = sign(CertId::new(issuer, &serial, hash));
        assert_eq!(world.status(&[other_leaf.clone(), response]), RevocationStatus::Good);
    }
    let root = Authority::root("ed25519").certificate;
    let why = unknown(check_responses(&world.leaf, &root, &[other_leaf], made()));
    assert!(matches!(why, UnknownRevocation::IssuerMismatch { .. }), "{why}");
}

#[test]
fn times_are_those_of_the_window_give_or_take_the_skew() {
    let world = World::new();
    let response = world.says(CertStatus::Good);
    let judge = |at, skew| {
        let skew = std::time::Duration::from_secs(skew);
        world.verify(&response, &Expectation { skew, ..Expectation::at(at) }).map(|_| ())
    };
    let second = SignedDuration::from_secs(1);
    for inside in [made(), due()] {
        judge(inside, 0).unwrap();
    }
    let early = judge(made() - second, 0).unwrap_err();
    assert!(matches!(early, OcspError::NotYetValid { .. }));
    says(&early.to_string(), &["thisUpdate: found 2026-06-01T13:00:00Z, allowed: no later than"]);
    let late = judge(due() + second, 0).unwrap_err();
    assert!(matches!(late, OcspError::Expired { .. }));
    says(&late.to_string(), &["nextUpdate: found 2026-06-02T13:00:00Z", "ask again"]);
    judge(made() - second * 300, 300).unwrap();
    judge(due() + second * 300, 300).unwrap();
    assert!(judge(made() - second * 301, 300).is_err());
    assert!(judge(due() + second * 301, 300).is_err());
}

#[test]
fn without_next_update_a_response_is_soon_old() {
    let world = World::new();
    let endless = UpdateWindow::new(made(), made(), None).unwrap();
    let response = world.says_in(CertStatus::Good, &endless);
    let judge = |seconds| {
        let at = made() + SignedDuration::from_secs(seconds);
        world.verify(&response, &Expectation::at(at)).map(|_| ())
    };
    judge(3600).unwrap();
    let error = judge(3601).unwrap_err();
    assert!(matches!(error, OcspError::Old { .. }));
    says(&error.to_string(), &["nextUpdate: found none", "at most 3600 seconds before"]);
}

#[test]
fn nonces_tie_a_response_to_its_request() {
    let world = World::new();
    let (nonce, other) = (Nonce::generate(&mut rng()), Nonce::generate(&mut rng()));
    assert_ne!(nonce, other);
    let with = |nonce| {
        let answers = [world.answer(CertStatus::Good)];
        read(&world.authority().sign(&answers, &window(), nonce).unwrap())
    };
    let judge = |response: &OcspResponse, nonce| {
        world.verify(response, &Expectation { nonce, ..expect() }).map(|_| ())
    };
    let (bare, right) = (with(None), with(Some(&nonce)));
    for response in [&bare, &right] {
        judge(response, ExpectedNonce::Any).unwrap();
        judge(response, ExpectedNonce::SameOrNone(&nonce)).unwrap();
    }
    judge(&right, ExpectedNonce::Same(&nonce)).unwrap();
    let error = judge(&bare, ExpectedNonce::Same(&nonce)).unwrap_err().to_string();
    says(&error, &["nonce: found none, allowed: ", &nonce.to_string()]);
    for wrong in [ExpectedNonce::Same(&other), ExpectedNonce::SameOrNone(&other)] {
        let error = judge(&right, wrong).unwrap_err();
        assert!(matches!(error, OcspError::Nonce { .. }), "{error}");
    }
}
