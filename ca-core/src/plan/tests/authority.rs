//! Validity inside the issuer's, cross certificates, path lengths, alternative signatures.

use super::*;
use crate::alt_signature::verify_alt_signature;

#[test]
fn validity_ends_with_the_issuers_and_is_noted() {
    let root = Authority::root_with("ed25519", None, at("2020-01-01T00:00:00Z"));
    let end = root.certificate.validity().not_after();
    let ask = |now: Timestamp| {
        plan(profile("tls-server"), server("ed25519"), root.identity(), serial(), now)
    };
    let day = |days: i64| Timestamp::from_second(end.as_second() - days * 86_400).unwrap();
    let whole = ask(day(91)).unwrap();
    assert!(whole.notes().is_empty());
    let short = ask(day(10)).unwrap();
    assert_eq!(short.validity().not_after(), end);
    assert!(matches!(short.notes(), [PlanNote::EndsWithIssuer { .. }]), "{:?}", short.notes());
    // The last second, and the one after it.
    assert_eq!(ask(end).unwrap().validity().not_after(), end);
    let late = Timestamp::from_second(end.as_second() + 1).unwrap();
    let error = ask(late).unwrap_err();
    assert_eq!(error, PlanError::IssuerExpired { not_after: end, now: late });
    assert!(error.to_string().contains(&end.to_string()), "{error}");
}

#[test]
fn validity_starts_with_the_issuers_at_the_earliest() {
    let root = Authority::root_with("ed25519", None, at("2026-01-01T00:00:00Z"));
    let start = root.certificate.validity().not_before();
    let ask = |now: Timestamp| {
        plan(profile("tls-server"), server("ed25519"), root.identity(), serial(), now)
    };
    assert_eq!(ask(start).unwrap().validity().not_before(), start);
    let early = Timestamp::from_second(start.as_second() - 1).unwrap();
    let error = ask(early).unwrap_err();
    assert_eq!(error, PlanError::IssuerNotYetValid { not_before: start, now: early });
    assert!(error.to_string().contains(&start.to_string()), "{error}");
}

#[test]
fn a_cross_certificate_repeats_name_key_and_identifier() {
    let (old, new) = (Authority::root("p256"), Authority::root("hybrid"));
    let request = Request::cross(&new.certificate).unwrap();
    let cross = issue(profile("cross-ca"), request, &old);
    assert_eq!(cross.subject(), new.certificate.subject());
    assert_eq!(cross.public_key(), new.certificate.public_key());
    assert_eq!(
        cross.extensions().subject_key_identifier(),
        new.certificate.extensions().subject_key_identifier()
    );
    assert_ne!(cross.serial_octets(), new.certificate.serial_octets());
    assert_eq!(cross.issuer(), old.certificate.subject());
    assert!(old.verifies(&cross) && !new.verifies(&cross));
}

#[test]
fn a_cross_certificate_needs_an_authority_and_its_own_profile() {
    let (old, new) = (Authority::root("p256"), Authority::root("ed25519"));
    let leaf = issue(profile("tls-server"), server("p256"), &old);
    assert_eq!(Request::cross(&leaf).unwrap_err(), PlanError::CrossNotAuthority);
    let ask = |name: &str, request: Request| {
        plan(profile(name), request, old.identity(), serial(), now()).unwrap_err()
    };
    let error = ask("issuing-ca", Request::cross(&new.certificate).unwrap());
    assert!(matches!(error, PlanError::Cross { kind: ProfileKind::Issuing, .. }), "{error}");
    let error = ask("cross-ca", server("p256"));
    assert!(matches!(error, PlanError::Cross { kind: ProfileKind::Cross, .. }), "{error}");
    let error = ask("cross-ca", Request::cross(&old.certificate).unwrap());
    assert_eq!(error, PlanError::KeyIsIssuers);
}

#[test]
fn path_lengths_only_shrink() {
    let root = Authority::root("ed25519");
    let issuing = Authority::below(&root, "ed25519");
    let constraints = issuing.certificate.extensions().basic_constraints().unwrap();
    assert_eq!((constraints.ca, constraints.path_len_constraint), (true, Some(0)));
    // A crossed authority keeps its own limit.
    let other = Authority::root("p256");
    let request = Request::cross(&issuing.certificate).unwrap();
    let planned = plan(profile("cross-ca"), request, other.identity(), serial(), now()).unwrap();
    assert_eq!(planned.notes(), [PlanNote::PathLength { set: 0 }]);
    // Nothing with CA:TRUE fits below a path length of 0; a leaf does.
    let request = Request::new(name("CN=sub"), Vec::new(), signer("p256").public_key().clone());
    let below = issuing.identity();
    let error = plan(profile("issuing-ca"), request, below, serial(), now()).unwrap_err();
    assert_eq!(error, PlanError::PathLength);
    plan(profile("tls-server"), server("p256"), below, serial(), now()).unwrap();
}

#[test]
fn alternative_signatures_are_made_last_and_verify() {
    let root = Authority::root_with("p256", Some("mldsa65"), now());
    let alternative = root.alt_signer.as_ref().unwrap().public_key();
    let leaf = issue(profile("tls-server"), server("p256"), &root);
    let mut with_key = server("p256");
    with_key.alt_public_key = Some(signer("mldsa44").public_key().clone());
    let both = issue(profile("tls-server"), with_key, &root);
    for certificate in [&root.certificate, &leaf, &both] {
        assert!(root.verifies(certificate));
        verify_alt_signature(certificate, alternative).unwrap();
        let last = certificate.extensions().all().last().unwrap();
        assert_eq!(last.oid, oid::ALT_SIGNATURE_VALUE);
    }
    let tail = |certificate: &Certificate| -> Vec<String> {
        let all = certificate.extensions().all().iter().map(|found| found.oid.to_string());
        all.filter(|oid| ["72", "73", "74"].iter().any(|end| *oid == format!("2.5.29.{end}")))
            .collect()
    };
    assert_eq!(tail(&leaf), ["2.5.29.73", "2.5.29.74"]);
    assert_eq!(tail(&both), ["2.5.29.72", "2.5.29.73", "2.5.29.74"]);
    // Another key.
    let other = signer("mldsa65");
    assert!(verify_alt_signature(&leaf, other.public_key()).is_err());
}

#[test]
fn alternative_signatures_need_the_right_keys() {
    let plain = Authority::root("p256");
    let (ml_dsa, ed25519) = (signer("mldsa65"), signer("ed25519"));
    let ask = |change: &dyn Fn(&mut Request, &mut IssuerIdentity<'_>)| {
        let (mut request, mut issuer) = (server("p256"), plain.identity());
        change(&mut request, &mut issuer);
        plan(profile("tls-server"), request, issuer, serial(), now()).unwrap_err()
    };
    let error = ask(&|_, issuer| issuer.alt_scheme = Some(ml_dsa.scheme()));
    assert_eq!(error, PlanError::IssuerHasNoAltKey);
    let error = ask(&|_, issuer| issuer.alt_scheme = Some(ed25519.scheme()));
    assert!(matches!(error, PlanError::AltScheme { .. }), "{error}");
    let error = ask(&|request, _| request.alt_public_key = Some(ml_dsa.public_key().clone()));
    assert_eq!(error, PlanError::AltKeyUnprotected);
    let error = ask(&|request, _| request.alt_public_key = Some(ed25519.public_key().clone()));
    assert!(matches!(error, PlanError::AltKeyKind { .. }), "{error}");
    let catalyst = Authority::root_with("p256", Some("mldsa44"), now());
    let mut issuer = catalyst.identity();
    issuer.alt_scheme = Some(ml_dsa.scheme());
    let error = plan(profile("tls-server"), server("p256"), issuer, serial(), now()).unwrap_err();
    assert!(matches!(error, PlanError::AltSchemeMismatch(_)), "{error}");
}

#[test]
fn an_issuer_with_an_alternative_key_never_leaves_its_signature_out() {
    let root = Authority::root_with("p256", Some("mldsa65"), now());
    let ask = |issuer| plan(profile("tls-server"), server("p256"), issuer, serial(), now());
    ask(root.identity()).unwrap();
    let error = ask(IssuerIdentity { alt_scheme: None, ..root.identity() }).unwrap_err();
    assert_eq!(error, PlanError::AltSignerMissing { own: "ML-DSA-65".into() });
    assert!(error.to_string().contains("ML-DSA-65"), "{error}");
}

/// A profile for authorities with more fields.
fn with_fields(shipped: &str, fields: &str) -> Profile {
    Profile::from_yaml(&format!("{shipped}\n{fields}\n")).unwrap()
}

const ISSUING: &str = include_str!("../../../profiles/issuing-ca.yaml");
const CROSS: &str = include_str!("../../../profiles/cross-ca.yaml");

#[test]
fn a_cross_certificate_keeps_the_limits_of_the_crossed_authority() {
    let (old, new) = (Authority::root("ed25519"), Authority::root("p256"));
    let limits =
        "extended_key_usages: [server_auth]\nname_constraints: {permitted: ['DNS:shop.example']}";
    let issuing = Authority::below_by(&with_fields(ISSUING, limits), &old, "ed25519", &[]);
    let request = || Request::cross(&issuing.certificate).unwrap();
    let cross = issue(profile("cross-ca"), request(), &new);
    let same = |oid| {
        let found = cross.extensions().get(oid);
        assert!(found.is_some() && found == issuing.certificate.extensions().get(oid), "{oid}");
    };
    same(oid::NAME_CONSTRAINTS);
    same(oid::EXTENDED_KEY_USAGE);
    assert!(cross.extensions().is_critical(oid::NAME_CONSTRAINTS));
    // Each limit once: a profile with its own is refused.
    for (fields, field) in [
        ("extended_key_usages: [client_auth]", "extendedKeyUsage"),
        ("name_constraints: {permitted: ['DNS:example']}", "nameConstraints"),
    ] {
        let own = with_fields(CROSS, fields);
        let error = plan(&own, request(), new.identity(), serial(), now()).unwrap_err();
        assert_eq!(error, PlanError::CrossLimit { found: field, profile: "cross-ca".into() });
        assert!(error.to_string().starts_with(field), "{error}");
        // Without a limit of its own, the crossed authority gets the profile's.
        let free = Request::cross(&old.certificate).unwrap();
        plan(&own, free, new.identity(), serial(), now()).unwrap();
    }
}

#[test]
fn a_cross_certificate_keeps_policy_limits() {
    let (old, new) = (Authority::root("ed25519"), Authority::root("p256"));
    let limits = [
        Extension {
            oid: oid::POLICY_CONSTRAINTS,
            critical: true,
            value: vec![0x30, 3, 0x80, 1, 1],
        },
        Extension { oid: oid::INHIBIT_ANY_POLICY, critical: true, value: vec![2, 1, 0] },
    ];
    let issuing = Authority::below_by(profile("issuing-ca"), &old, "ed25519", &limits);
    let request = Request::cross(&issuing.certificate).unwrap();
    let cross = issue(profile("cross-ca"), request, &new);
    for limit in &limits {
        assert_eq!(cross.extensions().get(limit.oid), Some(limit));
    }
    // Of an authority without them, none appear.
    let cross = issue(profile("cross-ca"), Request::cross(&old.certificate).unwrap(), &new);
    assert!(limits.iter().all(|limit| cross.extensions().get(limit.oid).is_none()));
}

#[test]
fn the_registry_says_what_can_be_an_alternative_signature() {
    let plain = Authority::root("p256");
    for algorithm in Algorithm::all() {
        let issuer = IssuerIdentity { alt_scheme: Some(algorithm.scheme()), ..plain.identity() };
        let error = plan(profile("tls-server"), server("p256"), issuer, serial(), now());
        // The next thing to miss is the key, where the algorithm is right.
        let right = error.unwrap_err() == PlanError::IssuerHasNoAltKey;
        assert_eq!(right, algorithm.can_be_alternative(), "{algorithm}");
    }
    let count = Algorithm::all().iter().filter(|row| row.can_be_alternative()).count();
    assert!(count > 3 && count < Algorithm::all().len());
}
