//! What is not planned, each case beside one that is.

use super::*;
use crate::extensions::Extension;

#[test]
fn keys_are_held_to_the_profile() {
    let root = Authority::root("p256");
    let text = include_str!("../../../../docs/profiles.md").split("```yaml\n").nth(1).unwrap();
    let shop = Profile::from_yaml(text.split("```").next().unwrap()).unwrap();
    let ask = |algorithm: &str| {
        let mut request = server(algorithm);
        request.names = names(&["a.shop.example"]);
        plan(&shop, request, root.identity(), serial(), now())
    };
    for allowed in ["p256", "mldsa65", "hybrid"] {
        ask(allowed).unwrap();
    }
    let error = ask("ed25519").unwrap_err().to_string();
    assert_eq!(
        error,
        "public key: found Ed25519, profile shop-tls allows every composite key, every post-quantum key, ECDSA-P256"
    );
}

#[test]
fn names_and_subjects_are_held_to_the_profile() {
    let root = Authority::root("p256");
    let ask = |profile_name: &str, subject: &str, asked: &[&str]| {
        let key = signer("p256").public_key().clone();
        let request = Request::new(name(subject), names(asked), key);
        plan(profile(profile_name), request, root.identity(), serial(), now())
    };
    ask("tls-server", "CN=a", &["a.example"]).unwrap();
    ask("spiffe", "", &["spiffe://a/b"]).unwrap();
    ask("ocsp-responder", "CN=a", &[]).unwrap();
    let refused =
        |name: &str, subject: &str, asked: &[&str]| ask(name, subject, asked).unwrap_err();
    let error = refused("tls-server", "CN=a", &["a@b.example"]);
    assert!(matches!(error, PlanError::Name { .. }), "{error}");
    let error = refused("tls-server", "CN=not a host", &[]);
    assert!(matches!(error, PlanError::NoNames { .. }), "{error}");
    let error = refused("tls-server", "UID=a", &["a.example"]);
    assert!(matches!(error, PlanError::Attribute { .. }), "{error}");
    let error = refused("spiffe", "", &["spiffe://a/b", "spiffe://a/c"]);
    assert!(matches!(error, PlanError::TooManyNames { found: 2, allowed: 1, .. }), "{error}");
    let error = refused("spiffe", "", &["https://a/b"]);
    assert!(matches!(error, PlanError::Name { .. }), "{error}");
    let error = refused("ocsp-responder", "O=a", &[]);
    assert!(matches!(error, PlanError::AttributeMissing { .. }), "{error}");
    let error = refused("ocsp-responder", "CN=a", &["a.example"]);
    assert!(matches!(error, PlanError::Name { .. }), "{error}");
    let error = refused("tls-client", "", &[]);
    assert_eq!(error, PlanError::NoIdentity);
    let error = refused("issuing-ca", "", &[]);
    assert_eq!(error, PlanError::EmptySubject);
    // RFC 5280 section 7.1: case and runs of spaces do not make another name.
    for own in ["CN=Root p256,O=Example", "CN=ROOT  P256,O=example"] {
        for profile in ["tls-client", "issuing-ca"] {
            let error = refused(profile, own, &[]);
            assert!(matches!(error, PlanError::SubjectIsIssuer { .. }), "{own}: {error}");
        }
    }
}

#[test]
fn validity_is_held_to_the_profile() {
    let root = Authority::root("p256");
    let most = profile("tls-server").validity().max_seconds;
    let ask = |seconds: u64| {
        let mut request = server("p256");
        request.validity_seconds = Some(seconds);
        plan(profile("tls-server"), request, root.identity(), serial(), now())
    };
    // From backdate_seconds before now; the last second is included.
    let planned = ask(most).unwrap().validity();
    assert_eq!(planned.duration().as_secs(), most + 300);
    assert_eq!(ask(1).unwrap().validity().not_after(), now());
    for seconds in [0, most + 1, u64::MAX] {
        let error = ask(seconds).unwrap_err();
        assert!(matches!(error, PlanError::ValidityLength { found, .. } if found == seconds));
        assert!(error.to_string().contains(&seconds.to_string()), "{error}");
    }
}

#[test]
fn dates_that_no_certificate_can_name_are_refused() {
    let ask = |moment: &str| {
        let signer = signer("ed25519");
        let key = signer.public_key();
        let request = Request::new(name("CN=a"), Vec::new(), key.clone());
        let issuer = IssuerIdentity {
            certificate: None,
            public_key: key,
            scheme: signer.scheme(),
            alt_scheme: None,
        };
        plan(profile("root"), request, issuer, serial(), at(moment))
    };
    ask("9979-01-01T00:00:00Z").unwrap();
    let error = ask("9990-01-01T00:00:00Z").unwrap_err();
    assert!(matches!(error, PlanError::Validity(_)), "{error}");
    let error = ask("1960-01-01T00:00:00Z").unwrap_err();
    assert!(matches!(error, PlanError::Validity(_)), "{error}");
}

#[test]
fn issuers_that_may_not_issue_are_refused() {
    let root = Authority::root("p256");
    let (leaf_key, stranger) = (signer("p256"), signer("p256"));
    let request =
        Request::new(name("CN=leaf"), names(&["a.example"]), leaf_key.public_key().clone());
    let leaf = Authority {
        certificate: issue(profile("tls-server"), request, &root),
        signer: leaf_key,
        alt_signer: None,
    };
    let ask = |name: &str, request: Request, issuer: IssuerIdentity<'_>| {
        plan(profile(name), request, issuer, serial(), now()).unwrap_err()
    };
    let error = ask("tls-server", server("p256"), leaf.identity());
    assert!(matches!(error, PlanError::IssuerNotAuthority { .. }), "{error}");
    let other = IssuerIdentity { public_key: stranger.public_key(), ..root.identity() };
    assert_eq!(ask("tls-server", server("p256"), other), PlanError::IssuerKey);
    let ml_dsa = signer("mldsa65");
    let other = IssuerIdentity { scheme: ml_dsa.scheme(), ..root.identity() };
    let error = ask("tls-server", server("p256"), other);
    assert!(matches!(error, PlanError::SchemeMismatch(_)), "{error}");
    let none = IssuerIdentity { certificate: None, ..root.identity() };
    let error = ask("tls-server", server("p256"), none);
    assert!(matches!(error, PlanError::Issuer { kind: ProfileKind::Leaf, .. }), "{error}");
    let error = ask("root", server("p256"), root.identity());
    assert!(matches!(error, PlanError::Issuer { kind: ProfileKind::Root, .. }), "{error}");
    let mut request = server("p256");
    request.names = Vec::new();
    assert_eq!(ask("root", request, none), PlanError::RootKey);
    let mut request = server("p256");
    request.public_key = root.signer.public_key().clone();
    assert_eq!(ask("tls-server", request, root.identity()), PlanError::KeyIsIssuers);
}

#[test]
fn keys_that_share_a_half_are_refused() {
    let root = Authority::root("hybrid");
    let ask = |key: &PublicKey| {
        let request = Request::new(name("CN=a"), names(&["a.example"]), key.clone());
        plan(profile("tls-server"), request, root.identity(), serial(), now())
    };
    let (ml_dsa, classical) = root.signer.public_key().composite_keys().unwrap();
    assert_eq!(ask(&ml_dsa).unwrap_err(), PlanError::KeyIsIssuers);
    assert_eq!(ask(&classical).unwrap_err(), PlanError::KeyIsIssuers);
    ask(signer("p256").public_key()).unwrap();
    // An alternative key that is a composite of the key beside it.
    let root = Authority::root_with("p256", Some("mldsa65"), now());
    let composite = signer("hybrid").public_key().clone();
    let (_, half) = composite.composite_keys().unwrap();
    let ask = |key: &PublicKey, alternative: &PublicKey| {
        let mut request = Request::new(name("CN=a"), names(&["a.example"]), key.clone());
        request.alt_public_key = Some(alternative.clone());
        plan(profile("tls-server"), request, root.identity(), serial(), now())
    };
    let error = ask(&half, &composite).unwrap_err();
    assert!(matches!(error, PlanError::AltKeyShared { .. }), "{error}");
    let key = signer("p256").public_key().clone();
    ask(&key, &composite).unwrap();
    let own = root.alt_signer.as_ref().unwrap().public_key();
    assert_eq!(ask(&key, own).unwrap_err(), PlanError::KeyIsIssuers);
}

#[test]
fn an_authority_is_not_made_of_a_leaf_profile() {
    let root = Authority::root("p256");
    let ask = |value: &[u8]| {
        let mut request = server("p256");
        let constraints =
            Extension { oid: oid::BASIC_CONSTRAINTS, critical: true, value: value.to_vec() };
        request.extensions = requested(vec![constraints]);
        plan(profile("tls-server"), request, root.identity(), serial(), now())
    };
    assert!(ask(&[0x30, 0]).unwrap().notes().is_empty());
    let error = ask(&[0x30, 3, 1, 1, 0xff]).unwrap_err();
    assert!(matches!(error, PlanError::AuthorityRequested { .. }), "{error}");
}
