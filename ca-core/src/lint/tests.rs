#![allow(clippy::unwrap_used)] // a panic is the failure report

mod examples;
mod of_extensions;
mod of_fields;
mod of_issuers;
mod of_others;
mod overrides;
mod records;

use std::sync::LazyLock;

use const_oid::ObjectIdentifier;
use der::asn1::{Any, BitString, GeneralizedTime, Ia5String, Int, OctetString, UintRef, UtcTime};
use der::flagset::FlagSet;
use der::{Decode, Encode, Tag};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages, PolicyMapping};
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::*;
use crate::algorithm::{ClassicalKey, KeyKind, MlKem, SlhDsa};
use crate::certificate::{Certificate, CertificateError};
use crate::extensions::oid;
use crate::fingerprint::Fingerprint;
use crate::plan::encode;
use crate::plan::tests::{Authority, issue, name, names, now, profile, serial, server, signer};
use crate::plan::{IssuerIdentity, Request, plan};
use crate::profile::Profile;
use crate::public_key::{PublicKey, RsaPublicKey, moduli};

fn root() -> &'static Authority {
    static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::root("ed25519"));
    &ROOT
}

/// A root that signs twice.
fn twofold_root() -> &'static Authority {
    static ROOT: LazyLock<Authority> =
        LazyLock::new(|| Authority::root_with("ed25519", Some("mldsa44"), now()));
    &ROOT
}

fn p256_key() -> PublicKey {
    static KEY: LazyLock<PublicKey> = LazyLock::new(|| signer("p256").public_key().clone());
    KEY.clone()
}

fn leaf_plan() -> Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        plan(profile("tls-server"), server("mldsa44"), root().identity(), serial(), now()).unwrap()
    });
    PLAN.clone()
}

fn leaf_with(key: PublicKey) -> Plan {
    let request = Request::new(name("CN=demo.localhost"), names(&["demo.localhost"]), key);
    plan(profile("tls-server"), request, root().identity(), serial(), now()).unwrap()
}

fn authority_plan() -> Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        let key = signer("mldsa44").public_key().clone();
        let request = Request::new(name("CN=Sub"), Vec::new(), key);
        plan(profile("issuing-ca"), request, root().identity(), serial(), now()).unwrap()
    });
    PLAN.clone()
}

fn root_plan() -> Plan {
    let key = root().signer.public_key();
    let scheme = root().signer.scheme();
    let issuer = IssuerIdentity { certificate: None, public_key: key, scheme, alt_scheme: None };
    let request = Request::new(name("CN=Root"), Vec::new(), key.clone());
    plan(profile("root"), request, issuer, serial(), now()).unwrap()
}

/// A leaf with policies and places.
fn full_plan() -> Plan {
    let text = include_str!("../../profiles/tls-server.yaml");
    let more = "policies: [1.2.3]\ncrl_distribution_points: [\"http://a.b/c.crl\"]\n\
        ocsp_urls: [\"http://a.b/o\"]\n";
    let profile = Profile::from_yaml(&format!("{text}{more}")).unwrap();
    plan(&profile, server("ed25519"), root().identity(), serial(), now()).unwrap()
}

/// A leaf with a second key, below an authority that signs twice.
fn alternative_plan() -> Plan {
    let mut request = server("p256");
    request.alt_public_key = Some(signer("mldsa44").public_key().clone());
    plan(profile("tls-server"), request, twofold_root().identity(), serial(), now()).unwrap()
}

/// Replaces an extension's value, adds it before the last one, or takes it away.
fn set(plan: &mut Plan, oid: ObjectIdentifier, critical: bool, value: Option<Vec<u8>>) {
    let all = plan.fields.extensions.as_mut().unwrap();
    let at = all.iter().position(|found| found.extn_id == oid);
    match (at, value) {
        (Some(at), Some(value)) => {
            all[at] = encode::raw_extension(oid, critical, value).unwrap();
        }
        (Some(at), None) => {
            all.remove(at);
        }
        (None, Some(value)) => all.push(encode::raw_extension(oid, critical, value).unwrap()),
        (None, None) => panic!("{oid} is not there"),
    }
}

fn usages(usages: FlagSet<KeyUsages>) -> Option<Vec<u8>> {
    Some(usages.to_der().unwrap())
}

fn constraints(ca: bool, path_len_constraint: Option<u8>) -> Option<Vec<u8>> {
    Some(BasicConstraints { ca, path_len_constraint }.to_der().unwrap())
}

/// nameConstraints that permit the DNS names below `a`.
const SUBTREE: [u8; 9] = [0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'a'];

/// The value that the extension has now.
fn value(plan: &Plan, oid: ObjectIdentifier) -> Option<Vec<u8>> {
    let all = plan.fields.extensions.iter().flatten();
    all.filter(|found| found.extn_id == oid)
        .map(|found| found.extn_value.as_bytes().to_vec())
        .next()
}

fn found_in(plan: Plan) -> Vec<Finding> {
    match lint(plan) {
        Err(LintError::Findings(findings)) => findings,
        Err(other) => panic!("{other}"),
        Ok(linted) => linted.findings().to_vec(),
    }
}

fn every_example() -> Vec<examples::Example> {
    [of_fields::all(), of_extensions::all(), of_issuers::all(), of_others::all()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_lint_has_what_trips_it_and_what_does_not() {
    let examples = every_example();
    for (at, example) in examples.iter().enumerate() {
        let id = example.id;
        let clean = example.clean.found();
        assert!(clean.iter().all(|finding| finding.id != id), "example {at}: {id}: {clean:?}");
        let found = example.trips.found();
        let finding = found.iter().find(|finding| finding.id == id);
        let finding = finding.unwrap_or_else(|| panic!("example {at}: {id}: only {found:?}"));
        let lint = named(id).unwrap_or_else(|| panic!("{id} is no lint"));
        assert_eq!((finding.severity, finding.source), (lint.severity, lint.source));
        assert!(finding.changed.is_none());
    }
    let without: Vec<&str> =
        all().map(|lint| lint.id).filter(|id| examples.iter().all(|one| one.id != *id)).collect();
    assert!(without.is_empty(), "lints without an example: {without:?}");
}

#[test]
fn lints_are_named_once_and_say_what_they_check() {
    for lint in all() {
        let id = lint.id;
        assert_eq!(all().filter(|other| other.id == id).count(), 1, "{id}");
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(id.bytes().all(fits), "{id}");
        assert!(lint.about.ends_with('.') && !lint.source.is_empty(), "{id}");
        assert!(!lint.fixed || lint.severity == Severity::Error, "{id}");
        // What differs from the plan is never let through.
        assert!(!lint.needs_plan() || lint.fixed, "{id}");
    }
}

#[test]
fn what_we_plan_is_clean() {
    for (kind, plan) in [
        ("leaf", leaf_plan()),
        ("authority", authority_plan()),
        ("root", root_plan()),
        ("full", full_plan()),
        ("alternative", alternative_plan()),
    ] {
        assert_eq!(found_in(plan), [], "{kind}");
    }
    let mut rootless = root_plan();
    set(&mut rootless, oid::AUTHORITY_KEY_IDENTIFIER, false, None);
    assert_eq!(found_in(rootless), []);
}

#[test]
fn no_octets_panic_and_none_that_are_unreadable_are_clean() {
    let certificate = examples::encoded(&alternative_plan());
    let none = LintOverrides::default();
    for length in (0..certificate.len()).step_by(41) {
        let cut = &certificate[..length];
        let found = lint_certificates(&[cut], None, &none).remove(0);
        assert_eq!(found[0].id, "certificate_readable", "{length}");
        assert_eq!(lint_request(cut, &none)[0].id, "request_readable");
        assert_eq!(lint_list(cut, None, &none)[0].id, "list_readable");
    }
    for at in (0..900).step_by(3) {
        let mut bent = certificate.clone();
        bent[at] ^= 0x15;
        let found = lint_certificates(&[&bent], None, &none).remove(0);
        let readable = Certificate::from_der(&bent).is_ok();
        let error = found.iter().any(|finding| finding.severity == Severity::Error);
        assert!(readable || error, "octet {at}: {found:?}");
    }
}
