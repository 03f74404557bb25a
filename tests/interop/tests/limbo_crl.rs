//! x509-limbo's CRL cases: a certificate passes when its path is valid and its status is good.
//! What can't be known counts as refused, as the suite wants of a verifier that asks for CRLs.

#![allow(clippy::print_stdout)] // the score is what this test tells

use ca_core::certificate::Certificate;
use ca_core::crl::{CertificateList, RevocationStatus, check_crls};
use ca_core::path::{Options, ServerName, Usage, verify_path};
use interop::vectors::{json, judged, vectors};
use serde::Deserialize;

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    features: Vec<String>,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
    crls: Vec<String>,
}

#[derive(Deserialize)]
struct PeerName {
    kind: String,
    value: String,
}

/// Each case and how our verdict starts: what is refused is refused for the reason that the case
/// is about.
const VERDICTS: [(&str, &str); 8] = [
    ("crl::revoked-certificate-with-crl", "revoked at 2023-12-31T00:00:00Z"),
    ("crl::crlnumber-missing", "CRL: cRLNumber: found none"),
    ("crl::certificate-not-on-crl", "good"),
    ("crl::certificate-serial-on-crl-different-issuer", "good"),
    ("crl::crlnumber-critical", "CRL: cRLNumber: found critical"),
    ("crl::issuer-missing-crlsign", "unknown: CRL: the issuer's keyUsage"),
    ("crl::issuer-no-keyusage-extension", "good"),
    ("crl::issuer-valid-crlsign-and-keycertsign", "good"),
];

#[test]
fn every_crl_case_is_judged_as_expected_for_its_own_reason() {
    let Some(file) = vectors("limbo/limbo.json") else { return };
    let suite: Suite = json(&file);
    let is_crl_case = |case: &&Case| case.features.iter().any(|feature| feature == "has-crl");
    let cases: Vec<&Case> = suite.testcases.iter().filter(is_crl_case).collect();
    let (mut accepted, mut refused) = (0, 0);
    for case in &cases {
        let verdict = verdict(case, &case.crls);
        println!("{}: {verdict}", case.id);
        let passes = verdict == "good";
        assert_eq!(passes, case.expected_result == "SUCCESS", "{}: {verdict}", case.id);
        let row = VERDICTS.iter().find(|(id, _)| *id == case.id);
        let (_, start) = row.unwrap_or_else(|| panic!("{} has no row", case.id));
        assert!(verdict.starts_with(start), "{}: {verdict}", case.id);
        if passes {
            accepted += 1;
            // The twin: without the issuer's list nobody knows.
            let without = self::verdict(case, &[]);
            assert!(without.starts_with("unknown: none of 0 lists"), "{without}");
        } else {
            refused += 1;
        }
    }
    assert_eq!(cases.len(), VERDICTS.len(), "a case for each row");
    println!("x509-limbo: {} CRL cases, {accepted} accepted, {refused} refused", cases.len());
    judged("x509-limbo CRL", cases.len(), "cases");
}

/// `good`, or why not.
fn verdict(case: &Case, crls: &[String]) -> String {
    let leaf = certificate(&case.peer_certificate);
    let all = |pems: &[String]| pems.iter().map(|pem| certificate(pem)).collect::<Vec<_>>();
    let (anchors, intermediates) = (all(&case.trusted_certs), all(&case.untrusted_intermediates));
    let at = case.validation_time.as_deref().unwrap_or("2026-06-01T00:00:00Z");
    let mut options = Options::at(at.parse().expect("validation_time is RFC 3339"));
    options.usage = Some(Usage::ServerAuth);
    let name = case.expected_peer_name.as_ref().expect("the CRL cases name their peer");
    assert_eq!(name.kind, "DNS", "{}", case.id);
    options.name = Some(ServerName::dns(&name.value).expect("a host name"));
    let outcome = verify_path(&leaf, &intermediates, &anchors, &options);
    if let Some(error) = outcome.error {
        return error.to_string();
    }
    let lists: Result<Vec<_>, _> =
        crls.iter().map(|pem| CertificateList::from_der(der(pem))).collect();
    let lists = match lists {
        Ok(lists) => lists,
        Err(error) => return error.to_string(),
    };
    // The path tells which certificates are on it, the anchor first.
    let on_path = |wanted: &Certificate| {
        let fingerprint = wanted.fingerprint().to_string();
        outcome.steps.iter().any(|step| step.fingerprint == fingerprint)
    };
    let is_issuer = |one: &&Certificate| one.subject() == leaf.issuer() && on_path(one);
    let issuer = anchors.iter().chain(&intermediates).find(is_issuer);
    let issuer = issuer.expect("a valid path has the issuer");
    match check_crls(&leaf, issuer, &lists, options.at) {
        RevocationStatus::Good => "good".into(),
        other => other.to_string(),
    }
}

fn certificate(pem: &str) -> Certificate {
    Certificate::from_der(&der(pem)).expect("the CRL cases have readable certificates")
}

fn der(pem: &str) -> Vec<u8> {
    pem_rfc7468::decode_vec(pem.as_bytes()).expect("limbo.json holds PEM").1
}
