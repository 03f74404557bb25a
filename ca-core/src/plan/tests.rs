#![allow(clippy::unwrap_used)] // a panic is the failure report

mod authority;
mod refusals;

use der::Encode;
use der::flagset::FlagSet;
use rand_core::UnwrapErr;
use x509_cert::ext::pkix::KeyUsages;
use x509_cert::time::Time;

use super::*;
use crate::algorithm::{Algorithm, KeyKind, SlhDsa};
use crate::certificate::Certificate;
use crate::extensions::{Extension, Extensions, oid};
use crate::key::PrivateKey;
use crate::lint::lint;
use crate::profile::{extended_key_usage_extension, key_usage_extension};
use crate::sign::Signer;

/// An authority for tests: its signers and its certificate.
pub(crate) struct Authority {
    pub(crate) signer: Signer,
    pub(crate) alt_signer: Option<Signer>,
    pub(crate) certificate: Certificate,
}

pub(crate) fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// SLH-DSA but for its fastest sets: one signature takes up to seconds. The tests of its keys have
/// each set once.
pub(crate) fn takes_long(algorithm: &Algorithm) -> bool {
    match algorithm.key() {
        KeyKind::SlhDsa(set) => ![SlhDsa::Sha2_128f, SlhDsa::Shake128f].contains(&set),
        _ => false,
    }
}

pub(crate) fn signer(algorithm: &str) -> Signer {
    let algorithm = Algorithm::named(algorithm).unwrap();
    let key = PrivateKey::generate(algorithm, &mut rng()).unwrap();
    key.signer(algorithm.scheme()).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The moment at which tests issue, unless they say otherwise.
pub(crate) fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

pub(crate) fn profile(name: &str) -> &'static Profile {
    Profile::shipped(name).unwrap()
}

pub(crate) fn name(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

pub(crate) fn names(texts: &[&str]) -> Vec<AltName> {
    texts.iter().map(|text| AltName::parse(text).unwrap()).collect()
}

pub(crate) fn serial() -> SerialNumber {
    SerialNumber::generate(&mut rng())
}

/// A server's request for a new key.
pub(crate) fn server(algorithm: &str) -> Request {
    let key = signer(algorithm).public_key().clone();
    Request::new(name("CN=demo.localhost"), names(&["demo.localhost"]), key)
}

/// Plans, lints, signs and reads a certificate.
pub(crate) fn issue(profile: &Profile, request: Request, issuer: &Authority) -> Certificate {
    finish(plan(profile, request, issuer.identity(), serial(), now()).unwrap(), issuer)
}

fn finish(plan: Plan, issuer: &Authority) -> Certificate {
    sign(plan, &issuer.signer, issuer.alt_signer.as_ref())
}

fn sign(plan: Plan, signer: &Signer, alternative: Option<&Signer>) -> Certificate {
    let mut linted = lint(plan).unwrap();
    if let Some(pre_tbs) = linted.pre_tbs_der() {
        let signature = alternative.unwrap().sign(pre_tbs).unwrap();
        linted = linted.with_alt_signature(&signature).unwrap();
    }
    let signature = signer.sign(linted.tbs_der().unwrap()).unwrap();
    linted.assemble(&signature).unwrap().to_certificate().unwrap()
}

impl Authority {
    pub(crate) fn root(algorithm: &str) -> Self {
        Self::root_with(algorithm, None, now())
    }

    pub(crate) fn root_with(algorithm: &str, alternative: Option<&str>, now: Timestamp) -> Self {
        let (signer, alt_signer) = (signer(algorithm), alternative.map(signer));
        let subject = name(&format!("CN=Root {algorithm},O=Example"));
        let mut request = Request::new(subject, Vec::new(), signer.public_key().clone());
        request.alt_public_key = alt_signer.as_ref().map(|signer| signer.public_key().clone());
        let issuer = IssuerIdentity {
            certificate: None,
            public_key: signer.public_key(),
            scheme: signer.scheme(),
            alt_scheme: alt_signer.as_ref().map(Signer::scheme),
        };
        let plan = plan(profile("root"), request, issuer, serial(), now).unwrap();
        let certificate = sign(plan, &signer, alt_signer.as_ref());
        Self { signer, alt_signer, certificate }
    }

    pub(crate) fn below(issuer: &Self, algorithm: &str) -> Self {
        Self::below_by(profile("issuing-ca"), issuer, algorithm, &[])
    }

    /// With `more` extensions behind those of the profile.
    pub(crate) fn below_by(
        profile: &Profile,
        issuer: &Self,
        algorithm: &str,
        more: &[Extension],
    ) -> Self {
        let signer = signer(algorithm);
        let subject = name(&format!("CN=Issuing {algorithm},O=Example"));
        let request = Request::new(subject, Vec::new(), signer.public_key().clone());
        let mut planned = plan(profile, request, issuer.identity(), serial(), now()).unwrap();
        let extensions = planned.fields.extensions.as_mut().unwrap();
        extensions.extend(more.iter().map(|extension| encode::extension(extension).unwrap()));
        let certificate = finish(planned, issuer);
        Self { signer, alt_signer: None, certificate }
    }

    pub(crate) fn identity(&self) -> IssuerIdentity<'_> {
        IssuerIdentity {
            certificate: Some(&self.certificate),
            public_key: self.signer.public_key(),
            scheme: self.signer.scheme(),
            alt_scheme: self.alt_signer.as_ref().map(Signer::scheme),
        }
    }

    /// The verdict of the signature on `certificate`.
    pub(crate) fn verifies(&self, certificate: &Certificate) -> bool {
        let scheme = self.signer.scheme();
        let (tbs, signature) = (certificate.tbs_der(), certificate.signature());
        crate::signature::verify(self.signer.public_key(), scheme, tbs, signature).is_ok()
    }
}

fn requested(all: Vec<Extension>) -> Extensions {
    Extensions::new(all).unwrap()
}

#[test]
fn a_chain_of_every_family_is_planned_signed_and_read() {
    for family in ["ed25519", "p256", "rsa2048", "mldsa65", "hybrid"] {
        let root = Authority::root(family);
        let issuing = Authority::below(&root, family);
        let leaf = issue(profile("tls-server"), server(family), &issuing);
        assert!(root.verifies(&root.certificate), "{family}");
        assert!(root.verifies(&issuing.certificate), "{family}");
        assert!(issuing.verifies(&leaf), "{family}");
        assert!(!root.verifies(&leaf), "{family}");
        assert_eq!(leaf.issuer(), issuing.certificate.subject());
        assert_eq!(leaf.serial_octets().len(), 20);
    }
}

#[test]
fn extensions_stand_in_their_order() {
    let root = Authority::root("p256");
    let text = include_str!("../../../docs/profiles.md").split("```yaml\n").nth(1).unwrap();
    let shop = Profile::from_yaml(text.split("```").next().unwrap()).unwrap();
    let key = signer("p256").public_key().clone();
    let request = Request::new(name("CN=a"), names(&["a.shop.example"]), key);
    let leaf = issue(&shop, request, &root);
    let oids: Vec<String> =
        leaf.extensions().all().iter().map(|found| found.oid.to_string()).collect();
    let expected = [
        "2.5.29.19",
        "2.5.29.17",
        "2.5.29.14",
        "2.5.29.35",
        "2.5.29.15",
        "2.5.29.37",
        "2.5.29.32",
        "2.5.29.31",
        "1.3.6.1.5.5.7.1.1",
    ];
    assert_eq!(oids, expected);
    let critical: Vec<bool> = leaf.extensions().all().iter().map(|e| e.critical).collect();
    assert_eq!(critical, [true, false, false, false, true, false, false, false, false]);
    // CA:FALSE is the default, which DER leaves out.
    assert_eq!(leaf.extensions().get(oid::BASIC_CONSTRAINTS).unwrap().value, [0x30, 0]);
    let url = leaf.extensions().crl_distribution_points().unwrap().to_der().unwrap();
    assert!(url.windows(15).any(|window| window == b"pki.shop.exampl"));
}

#[test]
fn identifiers_are_those_of_rfc_7093_and_point_to_the_issuer() {
    use sha2::{Digest, Sha256};
    let root = Authority::root("p256");
    let leaf = issue(profile("tls-server"), server("mldsa44"), &root);
    let digest = Sha256::digest(leaf.public_key().key_bytes());
    assert_eq!(leaf.extensions().subject_key_identifier().unwrap(), &digest[..20]);
    let authority = leaf.extensions().authority_key_identifier().unwrap();
    let identifier = authority.key_identifier.as_ref().unwrap().as_bytes();
    assert_eq!(Some(identifier), root.certificate.extensions().subject_key_identifier());
    let own = root.certificate.extensions().authority_key_identifier().unwrap();
    assert_eq!(own.key_identifier.as_ref().unwrap().as_bytes(), identifier);
}

#[test]
fn an_empty_subject_makes_the_names_critical() {
    let root = Authority::root("p256");
    for (subject, critical) in [("", true), ("CN=demo.localhost", false)] {
        let mut request = server("p256");
        request.subject = name(subject);
        let leaf = issue(profile("tls-server"), request, &root);
        assert_eq!(leaf.extensions().is_critical(oid::SUBJECT_ALT_NAME), critical);
    }
}

/// Key usages that a certificate gets for a request that asks for what cert-manager asks for.
fn usages_for(algorithm: &str) -> (FlagSet<KeyUsages>, Vec<PlanNote>) {
    let root = Authority::root("p256");
    let asked = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
    let mut request = server(algorithm);
    request.extensions = requested(vec![key_usage_extension(asked).unwrap()]);
    let plan = plan(profile("tls-server"), request, root.identity(), serial(), now()).unwrap();
    let notes = plan.notes().to_vec();
    let leaf = finish(plan, &root);
    (leaf.extensions().key_usage().unwrap().0, notes)
}

#[test]
fn key_encipherment_is_dropped_and_noted_but_for_rsa() {
    for algorithm in ["mldsa65", "slh-dsa-sha2-128f", "hybrid", "ed25519", "p256"] {
        let (usages, notes) = usages_for(algorithm);
        assert_eq!(usages, KeyUsages::DigitalSignature, "{algorithm}");
        let [PlanNote::KeyUsageDropped { dropped, .. }] = &notes[..] else {
            panic!("{algorithm}: {notes:?}");
        };
        assert_eq!(*dropped, KeyUsages::KeyEncipherment);
        assert!(notes[0].to_string().starts_with("keyUsage: dropped key_encipherment"));
    }
    let (usages, notes) = usages_for("rsa2048");
    assert_eq!(usages, KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment);
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn requested_usages_decide_only_where_the_profile_says_so() {
    let root = Authority::root("p256");
    let client = extended_key_usage_extension(&["1.3.6.1.5.5.7.3.2".parse().unwrap()]).unwrap();
    let ask = |profile: &Profile, extension: &Extension| {
        let mut request = server("p256");
        request.names = names(&["a.shop.example"]);
        request.extensions = requested(vec![extension.clone()]);
        plan(profile, request, root.identity(), serial(), now())
    };
    let planned = ask(profile("tls-server"), &client).unwrap();
    assert!(matches!(planned.notes(), [PlanNote::ExtendedKeyUsageSet { .. }]));
    // The documentation's sample copies usages.
    let text = include_str!("../../../docs/profiles.md").split("```yaml\n").nth(1).unwrap();
    let shop = Profile::from_yaml(text.split("```").next().unwrap()).unwrap();
    let error = ask(&shop, &client).unwrap_err();
    assert!(matches!(error, PlanError::ExtendedKeyUsage { .. }), "{error}");
    assert!(error.to_string().contains("client_auth") && error.to_string().contains("server_auth"));
    let agreement = key_usage_extension(KeyUsages::KeyAgreement.into()).unwrap();
    let error = ask(&shop, &agreement).unwrap_err();
    assert!(matches!(error, PlanError::KeyUsage { .. }), "{error}");
    let signature = key_usage_extension(KeyUsages::DigitalSignature.into()).unwrap();
    assert!(ask(&shop, &signature).unwrap().notes().is_empty());
    // tls-feature is copied by the sample and ignored by the shipped profile.
    let feature = Extension {
        oid: "1.3.6.1.5.5.7.1.24".parse().unwrap(),
        critical: false,
        value: vec![0x30, 3, 2, 1, 5],
    };
    let leaf = finish(ask(&shop, &feature).unwrap(), &root);
    assert_eq!(leaf.extensions().get(feature.oid), Some(&feature));
    let planned = ask(profile("tls-server"), &feature).unwrap();
    assert_eq!(planned.notes(), [PlanNote::ExtensionIgnored { oid: feature.oid }]);
}

#[test]
fn names_are_taken_once_and_from_the_common_name_only_if_there_are_none() {
    let root = Authority::root("p256");
    let ask = |asked: &[&str]| {
        let mut request = server("p256");
        request.names = names(asked);
        plan(profile("tls-server"), request, root.identity(), serial(), now()).unwrap()
    };
    let planned = ask(&["a.example", "DNS:A.example", "192.0.2.1"]);
    assert_eq!(planned.names(), names(&["a.example", "192.0.2.1"]));
    let planned = ask(&[]);
    assert_eq!(planned.names(), names(&["demo.localhost"]));
    assert!(matches!(planned.notes(), [PlanNote::NameFromCommonName { .. }]));
}

#[test]
fn dates_change_their_type_in_2050() {
    let cases = [
        ("2049-12-31T23:59:58Z", true, true),
        ("2049-12-31T23:59:59Z", true, false),
        ("2050-01-01T00:05:00Z", false, false),
    ];
    for (moment, before_utc, after_utc) in cases {
        let root = Authority::root_with("ed25519", None, at("2045-01-01T00:00:00Z"));
        let mut request = server("ed25519");
        request.validity_seconds = Some(2);
        let planned =
            plan(profile("tls-server"), request, root.identity(), serial(), at(moment)).unwrap();
        let validity = &planned.fields.validity;
        assert_eq!(matches!(validity.not_before, Time::UtcTime(_)), before_utc, "{moment}");
        assert_eq!(matches!(validity.not_after, Time::UtcTime(_)), after_utc, "{moment}");
        let leaf = finish(planned, &root);
        assert_eq!(leaf.validity().not_after().as_second(), at(moment).as_second() + 1);
        assert_eq!(leaf.validity().not_before().as_second(), at(moment).as_second() - 300);
    }
}

#[test]
fn a_usage_that_was_asked_for_twice_stands_once() {
    let root = Authority::root("p256");
    let text = include_str!("../../../docs/profiles.md").split("```yaml\n").nth(1).unwrap();
    let shop = Profile::from_yaml(text.split("```").next().unwrap()).unwrap();
    let server_auth = "1.3.6.1.5.5.7.3.1".parse().unwrap();
    for asked in [&[server_auth][..], &[server_auth, server_auth]] {
        let mut request = server("p256");
        request.names = names(&["a.shop.example"]);
        request.extensions = requested(vec![extended_key_usage_extension(asked).unwrap()]);
        let planned = plan(&shop, request.clone(), root.identity(), serial(), now()).unwrap();
        let leaf = finish(planned, &root);
        assert_eq!(leaf.extensions().extended_key_usage().unwrap().0, [server_auth]);
        // Where the profile decides, nothing differs that would be worth a note.
        request.names = names(&["a.example"]);
        let planned = plan(profile("tls-server"), request, root.identity(), serial(), now());
        assert_eq!(planned.unwrap().notes(), []);
    }
}
