#![allow(clippy::unwrap_used)] // a panic is the failure report

use der::asn1::{BitString, GeneralizedTime, Int, UtcTime};
use der::flagset::FlagSet;
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::*;
use crate::certificate::{Certificate, CertificateError};
use crate::extensions::oid;
use crate::fingerprint::Fingerprint;
use crate::name::DistinguishedName;
use crate::plan::encode;
use crate::plan::tests::{Authority, issue, name, names, now, profile, serial, server, signer};
use crate::plan::{IssuerIdentity, Request, plan};
use crate::profile::Profile;
use crate::validity::Validity;

fn root() -> &'static Authority {
    static ROOT: std::sync::LazyLock<Authority> =
        std::sync::LazyLock::new(|| Authority::root("ed25519"));
    &ROOT
}

fn leaf_plan() -> Plan {
    plan(profile("tls-server"), server("mldsa44"), root().identity(), serial(), now()).unwrap()
}

fn authority_plan() -> Plan {
    let key = signer("mldsa44").public_key().clone();
    let request = Request::new(name("CN=Sub"), Vec::new(), key);
    plan(profile("issuing-ca"), request, root().identity(), serial(), now()).unwrap()
}

/// Replaces an extension's value, adds it before the last one, or takes it away.
fn set(plan: &mut Plan, oid: const_oid::ObjectIdentifier, critical: bool, value: Option<Vec<u8>>) {
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

/// The value that the extension has now.
fn value(plan: &Plan, oid: const_oid::ObjectIdentifier) -> Option<Vec<u8>> {
    let all = plan.fields.extensions.iter().flatten();
    all.filter(|found| found.extn_id == oid)
        .map(|found| found.extn_value.as_bytes().to_vec())
        .next()
}

type Change = fn(&mut Plan);

/// One wrong thing, and the lint that must find it.
fn mistakes_of_leaves() -> Vec<(&'static str, Change)> {
    vec![
        ("version_is_3", |plan| plan.fields.version = Version::V1),
        ("serial_is_20_positive_octets", |plan| {
            plan.fields.serial_number = Int::new(&[1; 19]).unwrap();
        }),
        ("serial_is_20_positive_octets", |plan| {
            let mut octets = *plan.serial.as_bytes();
            octets[0] |= 0x80;
            plan.fields.serial_number = Int::new(&octets).unwrap();
        }),
        ("signature_parameters", |plan| plan.fields.signature = None),
        ("signature_parameters", |plan| {
            plan.fields.signature = Some(AlgorithmIdentifierOwned {
                oid: plan.scheme.oid(),
                parameters: Some(der::asn1::Any::null()),
            });
        }),
        ("signature_fits_issuer_key", |plan| plan.issuer_key = plan.public_key.clone()),
        ("issuer_is_named", |plan| plan.fields.issuer = Name::default()),
        ("validity_time_types", |plan| {
            let time =
                GeneralizedTime::from_date_time(plan.fields.validity.not_after.to_date_time());
            plan.fields.validity.not_after = Time::GeneralTime(time);
        }),
        ("validity_as_planned", |plan| {
            plan.fields.validity.not_after = plan.fields.validity.not_before;
        }),
        ("validity_inside_issuers", |plan| {
            let start = plan.issuer_validity.unwrap().not_before();
            plan.issuer_validity = Some(Validity::new(start, start).unwrap());
        }),
        ("names_inside_issuers_constraints", |plan| {
            // Permitted is the DNS subtree `a`.
            let subtree = [0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'a'];
            plan.issuer_limits.names = Some(Decode::from_der(&subtree).unwrap());
        }),
        ("usages_inside_issuers", |plan| {
            let client = "1.3.6.1.5.5.7.3.2".parse().unwrap();
            plan.issuer_limits.usages = Some(x509_cert::ext::pkix::ExtendedKeyUsage(vec![client]));
        }),
        ("subject_key_as_planned", |plan| {
            let other = signer("ed25519").public_key().spki_der().to_vec();
            plan.fields.subject_public_key_info = der::asn1::Any::from_der(&other).unwrap();
        }),
        ("no_unique_identifiers", |plan| {
            plan.fields.subject_unique_id = Some(BitString::from_bytes(&[1]).unwrap());
        }),
        ("size_bounded", |plan| {
            set(plan, "1.2.3.4".parse().unwrap(), false, Some(vec![0; 120 * 1024]));
        }),
        ("extensions_readable", |plan| {
            let first = plan.fields.extensions.as_ref().unwrap()[0].clone();
            plan.fields.extensions.as_mut().unwrap().push(first);
        }),
        ("extensions_readable", |plan| set(plan, oid::KEY_USAGE, true, Some(vec![5, 0]))),
        ("basic_constraints_match_kind", |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, true, constraints(true, None));
        }),
        ("basic_constraints_match_kind", |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, true, constraints(false, Some(1)));
        }),
        ("key_usage_present_and_critical", |plan| set(plan, oid::KEY_USAGE, true, None)),
        ("key_usage_present_and_critical", |plan| {
            set(plan, oid::KEY_USAGE, true, usages(FlagSet::default()));
        }),
        ("key_usage_present_and_critical", |plan| {
            set(plan, oid::KEY_USAGE, false, usages(KeyUsages::DigitalSignature.into()));
        }),
        ("key_cert_sign_matches_kind", |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::KeyCertSign.into()));
        }),
        ("key_usage_fits_key", |plan| {
            let both = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
            set(plan, oid::KEY_USAGE, true, usages(both));
        }),
        ("name_constraints_only_in_authorities", |plan| {
            let subtree = [0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'a'];
            set(plan, oid::NAME_CONSTRAINTS, true, Some(subtree.to_vec()));
        }),
        ("leaf_is_not_self_issued", |plan| plan.fields.issuer = plan.fields.subject.clone()),
        ("subject_key_identifier_present", |plan| {
            set(plan, oid::SUBJECT_KEY_IDENTIFIER, false, None);
        }),
        ("authority_key_identifier_present", |plan| {
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, false, None);
        }),
        ("authority_key_identifier_present", |plan| {
            let found = value(plan, oid::AUTHORITY_KEY_IDENTIFIER);
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, true, found);
        }),
        ("lists_not_empty", |plan| {
            set(plan, oid::EXTENDED_KEY_USAGE, false, Some(vec![0x30, 0]));
        }),
        ("extension_order", |plan| {
            plan.fields.extensions.as_mut().unwrap().swap(0, 1);
        }),
        ("alternative_signature_consistent", |plan| {
            let identifier = signer("mldsa44").scheme().to_identifier().to_der().unwrap();
            set(plan, oid::ALT_SIGNATURE_ALGORITHM, false, Some(identifier));
        }),
        ("alternative_signature_consistent", |plan| {
            set(plan, oid::ALT_SIGNATURE_VALUE, false, Some(vec![3, 2, 0, 1]));
        }),
        ("alternative_signature_consistent", |plan| {
            plan.alt_scheme =
                Some(crate::algorithm::SignatureScheme::MlDsa(crate::algorithm::MlDsa::MlDsa44));
        }),
        ("subject_attributes", |plan| plan.fields.subject = name("CN=other").as_name().clone()),
        ("subject_attributes", |plan| {
            // An IA5String as common name, which RFC 5280 does not know.
            let der = [&[0x30, 0x0c, 0x31, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x16, 1][..], b"a"];
            let found = Name::from_der(&der.concat()).unwrap();
            plan.fields.subject = found.clone();
            plan.subject = DistinguishedName::as_found(found);
        }),
        ("alternative_names_valid", |plan| {
            let value = [&[0x30, 5, 0x82, 3][..], b"a_b"].concat();
            set(plan, oid::SUBJECT_ALT_NAME, false, Some(value));
        }),
        ("alternative_names_valid", |plan| plan.names = names(&["other.example"])),
        ("tls_server_has_names", |plan| set(plan, oid::SUBJECT_ALT_NAME, false, None)),
        ("alternative_names_critical_without_subject", |plan| {
            plan.fields.subject = Name::default();
            plan.subject = DistinguishedName::default();
        }),
        ("spiffe_id_is_the_only_uri", |plan| {
            plan.names = names(&["spiffe://a/b", "https://a.b/"]);
        }),
    ]
}

fn mistakes_of_authorities() -> Vec<(&'static str, Change)> {
    vec![
        ("basic_constraints_match_kind", |plan| set(plan, oid::BASIC_CONSTRAINTS, true, None)),
        ("basic_constraints_match_kind", |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, true, constraints(false, None));
        }),
        ("basic_constraints_match_kind", |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, false, constraints(true, None));
        }),
        ("key_cert_sign_matches_kind", |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::CRLSign.into()));
        }),
        ("authority_is_named", |plan| plan.fields.subject = Name::default()),
        ("name_constraints_only_in_authorities", |plan| {
            let subtree = [0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'a'];
            set(plan, oid::NAME_CONSTRAINTS, false, Some(subtree.to_vec()));
        }),
    ]
}

fn found_in(plan: Plan) -> Vec<Finding> {
    match lint(plan) {
        Err(LintError::Findings(findings)) => findings,
        Err(other) => panic!("{other}"),
        Ok(linted) => linted.findings().to_vec(),
    }
}

#[test]
fn every_mistake_is_found_and_the_plan_itself_is_clean() {
    let leaf = leaf_plan();
    assert_eq!(found_in(leaf.clone()), []);
    let authority = authority_plan();
    assert_eq!(found_in(authority.clone()), []);
    let leaves = mistakes_of_leaves().into_iter().map(|mistake| (&leaf, mistake));
    let authorities = mistakes_of_authorities().into_iter().map(|mistake| (&authority, mistake));
    for (plan, (id, change)) in leaves.chain(authorities) {
        let mut wrong = plan.clone();
        change(&mut wrong);
        let findings = found_in(wrong);
        let finding = findings.iter().find(|finding| finding.id == id);
        let finding = finding.unwrap_or_else(|| panic!("{id}: only {findings:?}"));
        assert_eq!(finding.severity, Severity::Error);
    }
}

#[test]
fn a_root_points_to_itself_or_to_nobody() {
    let signer = signer("ed25519");
    let key = signer.public_key();
    let issuer = IssuerIdentity {
        certificate: None,
        public_key: key,
        scheme: signer.scheme(),
        alt_scheme: None,
    };
    let request = Request::new(name("CN=Root"), Vec::new(), key.clone());
    let planned = plan(profile("root"), request, issuer, serial(), now()).unwrap();
    assert_eq!(found_in(planned.clone()), []);
    let mut none = planned.clone();
    set(&mut none, oid::AUTHORITY_KEY_IDENTIFIER, false, None);
    assert_eq!(found_in(none), []);
    let mut other = planned.clone();
    set(&mut other, oid::AUTHORITY_KEY_IDENTIFIER, false, Some(vec![0x30, 3, 0x80, 1, 7]));
    assert_eq!(found_in(other)[0].id, "authority_key_identifier_present");
    let mut other = planned;
    other.fields.issuer = name("CN=Other").as_name().clone();
    assert_eq!(found_in(other)[0].id, "issuer_is_named");
}

#[test]
fn an_issuers_limits_hold_below_it() {
    let limited = Profile::from_yaml(
        &include_str!("../../profiles/issuing-ca.yaml").replace(
            "path_length: 0",
            "path_length: 0\nextended_key_usages: [server_auth]\nname_constraints: {permitted: ['DNS:localhost']}",
        ),
    );
    let signer = signer("ed25519");
    let request = Request::new(name("CN=Limited"), Vec::new(), signer.public_key().clone());
    let certificate = issue(&limited.unwrap(), request, root());
    let issuing = Authority { signer, alt_signer: None, certificate };
    let ask = |profile_name: &str, asked: &str| {
        let mut request = server("ed25519");
        request.names = names(&[asked]);
        found_in(plan(profile(profile_name), request, issuing.identity(), serial(), now()).unwrap())
    };
    assert_eq!(ask("tls-server", "demo.localhost"), []);
    let findings = ask("tls-server", "demo.example");
    assert_eq!(findings[0].id, "names_inside_issuers_constraints");
    let wanted = "subject or subjectAltName: found DNS:demo.example, allowed are names within";
    assert!(findings[0].detail.starts_with(wanted), "{findings:?}");
    let findings = ask("tls-peer", "demo.localhost");
    assert_eq!(findings[0].id, "usages_inside_issuers");
    assert!(findings[0].detail.contains("client_auth"), "{findings:?}");
}

#[test]
fn every_lint_has_a_mistake_that_it_finds() {
    let tried: Vec<&str> = mistakes_of_leaves()
        .into_iter()
        .chain(mistakes_of_authorities())
        .map(|(id, _)| id)
        .chain(["ocsp_responder_has_no_check", "any_extended_key_usage"])
        .chain(["alternative_names_not_critical_beside_subject", "common_name_among_names"])
        .collect();
    for lint in all() {
        assert!(tried.contains(&lint.id), "{}", lint.id);
        assert_eq!(all().filter(|other| other.id == lint.id).count(), 1, "{}", lint.id);
    }
}

#[test]
fn lesser_findings_stay_with_the_result() {
    let with_usage = |dotted: &str| {
        let mut plan = leaf_plan();
        let usage: const_oid::ObjectIdentifier = dotted.parse().unwrap();
        set(&mut plan, oid::EXTENDED_KEY_USAGE, false, Some(vec![usage].to_der().unwrap()));
        plan
    };
    let mut critical = leaf_plan();
    let san = value(&critical, oid::SUBJECT_ALT_NAME);
    set(&mut critical, oid::SUBJECT_ALT_NAME, true, san);
    let mut other_name = server("ed25519");
    other_name.names = names(&["other.localhost"]);
    let other_name =
        plan(profile("tls-server"), other_name, root().identity(), serial(), now()).unwrap();
    let cases = [
        (with_usage("1.3.6.1.5.5.7.3.9"), "ocsp_responder_has_no_check", Severity::Notice),
        (with_usage("2.5.29.37.0"), "any_extended_key_usage", Severity::Warning),
        (critical, "alternative_names_not_critical_beside_subject", Severity::Warning),
        (other_name, "common_name_among_names", Severity::Notice),
    ];
    for (plan, id, severity) in cases {
        let linted = lint(plan).unwrap();
        let [finding] = linted.findings() else { panic!("{id}: {:?}", linted.findings()) };
        assert_eq!((finding.id, finding.severity), (id, severity));
        assert!(finding.to_string().starts_with(&format!("{severity} {id} (")));
    }
}

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
