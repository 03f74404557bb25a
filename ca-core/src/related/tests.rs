#![allow(clippy::unwrap_used)] // a panic is the failure report

use der::Encode as _;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::csr::CertificateRequest;
use crate::extensions::Extension;
use crate::plan::tests::{Authority, issue, name, names, now, profile, serial, signer};
use crate::plan::{PlanError, PlanNote, Request, encode, plan};
use crate::profile::{Profile, RelatedRule};
use crate::sign::Signer;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A holder of a classical certificate, and a post-quantum authority that it asks for the second.
struct Pair {
    classical: Authority,
    post_quantum: Authority,
    first_key: Signer,
    first: Certificate,
    second_key: Signer,
}

impl Pair {
    fn new() -> Self {
        let (classical, post_quantum) = (Authority::root("p256"), Authority::root("ml-dsa-44"));
        let first_key = signer("p256");
        let first = Self::first(&classical, &first_key, "demo.localhost");
        Self { classical, post_quantum, first_key, first, second_key: signer("ml-dsa-44") }
    }

    fn first(authority: &Authority, key: &Signer, dns: &str) -> Certificate {
        let key = key.public_key().clone();
        issue(profile("tls-server"), Request::new(name("CN=demo"), names(&[dns]), key), authority)
    }

    fn request(&self) -> RelatedRequest {
        RelatedRequest::sign(&self.first, &self.first_key, now(), &[]).unwrap()
    }

    fn csr(&self, related: &RelatedRequest) -> CertificateRequest {
        self.csr_for("CN=demo", "demo.localhost", Some(related))
    }

    fn csr_for(
        &self,
        subject: &str,
        dns: &str,
        related: Option<&RelatedRequest>,
    ) -> CertificateRequest {
        let (subject, names) = (name(subject), names(&[dns]));
        CertificateRequest::build_related(&subject, &names, &[], related, &self.second_key).unwrap()
    }

    fn binding(&self) -> Binding<'_> {
        Binding {
            related: &self.first,
            intermediates: &[],
            anchors: std::slice::from_ref(&self.classical.certificate),
            now: now(),
            max_age: HOUR,
        }
    }

    fn prove(&self, csr: &CertificateRequest) -> Result<ProvenRelation, RelatedError> {
        self.binding().prove(csr.verify_possession().unwrap())
    }

    /// What the post-quantum authority makes of the CSR.
    fn issue(&self, csr: &CertificateRequest) -> Result<Certificate, PlanError> {
        let mut request = Request::from_csr(csr.verify_possession().unwrap());
        request.related = Some(self.prove(csr).unwrap());
        let issuer = self.post_quantum.identity();
        plan(profile("tls-server"), request.clone(), issuer, serial(), now())?;
        Ok(issue(profile("tls-server"), request, &self.post_quantum))
    }
}

#[test]
fn a_pair_is_asked_for_issued_and_found_to_be_bound() {
    let pair = Pair::new();
    let asked = pair.request();
    let csr = pair.csr(&asked);
    assert_eq!(csr.related_request(), Some(&asked));
    assert!(csr.ignored_attributes().is_empty());
    assert_eq!(asked.inline_certificate().as_deref(), Some(pair.first.der()));
    let second = pair.issue(&csr).unwrap();
    let extension = second.extensions().related().unwrap();
    assert_eq!(extension.hash(), Some(Hash::Sha256), "that of ecdsa-with-SHA256");
    assert!(!second.extensions().is_critical(RELATED_CERTIFICATE));
    assert_eq!(check_binding(&second, &pair.first).unwrap(), &second);
    assert_eq!(check_binding(&pair.first, &second).unwrap(), &second);
}

#[test]
fn the_hash_is_that_of_the_signature_or_sha_512() {
    for (algorithm, hash) in
        [("p384", Hash::Sha384), ("ed25519", Hash::Sha512), ("ml-dsa-65", Hash::Sha512)]
    {
        let root = Authority::root(algorithm).certificate;
        let extension = RelatedCertificate::to(&root).unwrap();
        assert_eq!(extension.hash(), Some(hash), "{algorithm}");
        assert!(extension.matches(&root));
        assert!(!extension.matches(&Authority::root(algorithm).certificate));
    }
}

#[test]
fn every_false_request_is_refused_by_its_reason() {
    let pair = Pair::new();
    let asked = pair.request();
    let csr = pair.csr(&asked);
    assert!(pair.prove(&csr).is_ok());

    // No wish at all.
    let plain = pair.csr_for("CN=demo", "demo.localhost", None);
    assert_eq!(pair.prove(&plain).unwrap_err(), RelatedError::NoRequest);

    // Another certificate of the same key.
    let again = Pair::first(&pair.classical, &pair.first_key, "demo.localhost");
    let other = Binding { related: &again, ..pair.binding() };
    let error = other.prove(csr.verify_possession().unwrap()).unwrap_err();
    assert!(matches!(error, RelatedError::OtherCertificate { .. }), "{error}");

    // Too old, and from the future.
    for (now, fresh) in [
        (now() + HOUR, true),
        (now() + HOUR + SignedDuration::from_secs(1), false),
        (now() - SignedDuration::from_mins(5), true),
        (now() - SignedDuration::from_secs(301), false),
    ] {
        let binding = Binding { now, ..pair.binding() };
        match binding.prove(csr.verify_possession().unwrap()) {
            Err(RelatedError::NotFresh { .. }) => assert!(!fresh, "{now}"),
            _ => assert!(fresh, "{now}"),
        }
    }

    // Signed by a key that is not the certificate's.
    let stranger = signer("p256");
    assert!(RelatedRequest::sign(&pair.first, &stranger, now(), &[]).is_err());
    let forged = resigned(&asked, &stranger);
    assert_eq!(pair.prove(&pair.csr(&forged)).unwrap_err(), RelatedError::Signature);

    // A valid request, but the certificate is nobody's that is known, or expired.
    let anchors = [Authority::root("p256").certificate];
    let unknown = Binding { anchors: &anchors, ..pair.binding() };
    let error = unknown.prove(csr.verify_possession().unwrap()).unwrap_err();
    assert!(matches!(error, RelatedError::Path(_)), "{error}");
    let later = now() + SignedDuration::from_hours(24 * 100);
    let expired = Binding { now: later, max_age: HOUR * 24 * 365, ..pair.binding() };
    let error = expired.prove(csr.verify_possession().unwrap()).unwrap_err();
    assert!(error.to_string().contains("notAfter"), "{error}");
}

/// The same request, signed by another key.
fn resigned(request: &RelatedRequest, by: &Signer) -> RelatedRequest {
    let signature = by.sign(request.signed()).unwrap();
    let signature = der::asn1::BitStringRef::from_bytes(&signature).unwrap().to_der().unwrap();
    let uri = der::asn1::Ia5StringRef::new("http://a.test/c").unwrap().to_der().unwrap();
    let uris = encode::tlv(der::Tag::Sequence, &[&uri]).unwrap();
    let all = encode::tlv(der::Tag::Sequence, &[request.signed(), &uris, &signature]).unwrap();
    RelatedRequest::from_der(&all).unwrap()
}

#[test]
fn every_flipped_bit_of_what_is_signed_is_seen() {
    let pair = Pair::new();
    let asked = pair.request();
    let signed = asked.signed().len();
    let start = asked.der().windows(signed).position(|it| it == asked.signed()).unwrap();
    for place in 0..signed {
        let mut bent = asked.der().to_vec();
        bent[start + place] ^= 1 << (place % 8);
        let Ok(bent) = RelatedRequest::from_der(&bent) else { continue };
        assert!(pair.prove(&pair.csr(&bent)).is_err(), "octet {place}");
    }
}

#[test]
fn authorities_and_shared_keys_are_no_pairs() {
    let pair = Pair::new();
    let root = &pair.classical;
    let asked = RelatedRequest::sign(&root.certificate, &root.signer, now(), &[]).unwrap();
    let binding = Binding { related: &root.certificate, ..pair.binding() };
    let csr = pair.csr(&asked);
    let error = binding.prove(csr.verify_possession().unwrap()).unwrap_err();
    assert_eq!(error, RelatedError::Authority);

    let (subject, names) = (name("CN=demo"), names(&["demo.localhost"]));
    let asked = pair.request();
    let same =
        CertificateRequest::build_related(&subject, &names, &[], Some(&asked), &pair.first_key);
    let same = same.unwrap();
    assert_eq!(pair.prove(&same).unwrap_err(), RelatedError::SameKey);
}

#[test]
fn other_names_and_more_usages_are_not_bound() {
    let pair = Pair::new();
    let asked = pair.request();
    for (subject, dns) in [("CN=other", "demo.localhost"), ("CN=demo", "other.localhost")] {
        let error = pair.issue(&pair.csr_for(subject, dns, Some(&asked))).unwrap_err();
        assert!(matches!(error, PlanError::Relation(BindingError::Names { .. })), "{error}");
    }
    // The server's certificate is no client's.
    let csr = pair.csr(&asked);
    let mut request = Request::from_csr(csr.verify_possession().unwrap());
    request.related = Some(pair.prove(&csr).unwrap());
    let issuer = pair.post_quantum.identity();
    let error = plan(profile("tls-peer"), request, issuer, serial(), now()).unwrap_err();
    let PlanError::Relation(BindingError::Usages { found }) = &error else { panic!("{error}") };
    assert!(found.contains("client"), "{found}");
}

#[test]
fn the_profile_says_whether_it_binds() {
    let pair = Pair::new();
    let csr = pair.csr(&pair.request());
    let proven = pair.prove(&csr).unwrap();
    let yaml = include_str!("../../profiles/tls-server.yaml");
    let by = |rule: &str| {
        let yaml =
            yaml.replace("related_certificate: allow", &format!("related_certificate: {rule}"));
        Profile::from_yaml(&yaml).unwrap()
    };
    let planned = |rule: &str, request: Request| {
        plan(&by(rule), request, pair.post_quantum.identity(), serial(), now())
    };
    let unproven = Request::from_csr(csr.verify_possession().unwrap());
    let mut bound = unproven.clone();
    bound.related = Some(proven);
    let plain = pair.csr_for("CN=demo", "demo.localhost", None);
    let plain = Request::from_csr(plain.verify_possession().unwrap());
    assert_eq!(by("ignore").related(), RelatedRule::Ignore);
    for (rule, request, outcome) in [
        ("ignore", &plain, ""),
        ("ignore", &unproven, "note"),
        ("ignore", &bound, "binds to none"),
        ("allow", &plain, ""),
        ("allow", &unproven, "binds what asks for it"),
        ("allow", &bound, ""),
        ("require", &plain, "requires one"),
        ("require", &unproven, "requires one"),
        ("require", &bound, ""),
    ] {
        match planned(rule, request.clone()) {
            Ok(plan) => {
                let noted = plan.notes().contains(&PlanNote::RelationIgnored);
                assert_eq!(noted, outcome == "note", "{rule} {outcome}");
                assert!(outcome.is_empty() || noted, "{rule}: {outcome}");
            }
            Err(error) => {
                assert!(!outcome.is_empty() && error.to_string().contains(outcome), "{error}");
            }
        }
    }
    let authority = include_str!("../../profiles/issuing-ca.yaml");
    let error = Profile::from_yaml(&format!("{authority}related_certificate: allow\n"));
    assert!(error.unwrap_err().to_string().contains("for leaf profiles"));
    let copied = format!("{yaml}copy_extensions: [1.3.6.1.5.5.7.1.36]\n");
    assert!(Profile::from_yaml(&copied).is_err(), "nobody chooses the digest but the authority");
}

#[test]
fn a_pair_that_does_not_hold_is_refused_by_its_reason() {
    let pair = Pair::new();
    let second = pair.issue(&pair.csr(&pair.request())).unwrap();
    let again = Pair::first(&pair.classical, &pair.first_key, "demo.localhost");
    let error = check_binding(&second, &again).unwrap_err();
    assert!(matches!(error, BindingError::Hash { .. }), "{error}");
    assert_eq!(check_binding(&pair.first, &again).unwrap_err(), BindingError::Absent);
    let mut flipped = pair.first.der().to_vec();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let flipped = Certificate::from_der(&flipped).unwrap();
    let error = check_binding(&second, &flipped).unwrap_err();
    assert!(matches!(error, BindingError::Hash { .. }), "{error}");
    // SHA-1 is not known, whatever the digest.
    let sha1 = AlgorithmIdentifierOwned {
        oid: ObjectIdentifier::new_unwrap("1.3.14.3.2.26"),
        parameters: None,
    };
    let extension =
        RelatedCertificate { hash: sha1, value: OctetString::new([0; 20].to_vec()).unwrap() };
    assert!(!extension.matches(&pair.first));
    let fields =
        Extension { oid: RELATED_CERTIFICATE, critical: false, value: extension.to_der().unwrap() };
    let read = crate::extensions::Extensions::new(vec![fields]).unwrap();
    assert_eq!(read.related(), Some(&extension));
}

#[test]
fn malformed_requests_are_refused_by_their_field() {
    let pair = Pair::new();
    let asked = pair.request();
    let parts = |uris: &[&str], time: &[u8]| {
        let id = &asked.signed()[..asked.signed().len() - 6];
        let uris: Vec<Vec<u8>> = uris
            .iter()
            .map(|uri| encode::tlv(der::Tag::Ia5String, &[uri.as_bytes()]).unwrap())
            .collect();
        let uris = encode::tlv(der::Tag::Sequence, &[&uris.concat()]).unwrap();
        let all = encode::tlv(der::Tag::Sequence, &[id, time, &uris, &[3, 2, 0, 7]]).unwrap();
        RelatedRequest::from_der(&all)
    };
    let time = [2, 1, 7];
    assert!(parts(&["http://a.test/"], &time).is_ok());
    assert!(parts(&["http://a.test/"; 8], &time).is_ok());
    for (read, words) in [
        (parts(&[], &time), "locationInfo: found none, allowed: 1 to 8 URIs"),
        (parts(&["http://a.test/"; 9], &time), "locationInfo: found more than 8"),
        (parts(&["http://ä.test/"], &time), "not of the structure"),
        (parts(&["http://a.test/"], &[2, 1, 0x87]), "not of the structure"),
        (parts(&["http://a.test/"], &[2, 8, 0x7f, 1, 1, 1, 1, 1, 1, 1]), "before the year 10000"),
    ] {
        let error = read.unwrap_err().to_string();
        assert!(error.starts_with("relatedCertRequest: ") && error.contains(words), "{error}");
    }
}

proptest! {
    #[test]
    fn any_octets_end_in_an_answer(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = RelatedRequest::from_der(&octets);
    }
}
