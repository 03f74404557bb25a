//! Examples: usages, identifiers, all other extensions, names.

use super::examples::*;
use super::*;
use crate::related::RelatedCertificate;

pub(super) fn all() -> Vec<Example> {
    [usage(), identifiers(), extensions(), policies(), places(), related(), names_of_subjects()]
        .into_iter()
        .flatten()
        .collect()
}

fn extended(dotted: &[&str]) -> Option<Vec<u8>> {
    let usages: Vec<ObjectIdentifier> = dotted.iter().map(|one| one.parse().unwrap()).collect();
    Some(usages.to_der().unwrap())
}

fn usage() -> Vec<Example> {
    let (leaf, authority) = (leaf_plan(), authority_plan());
    [
        both("key_usage_in_authorities", &authority, |plan| set(plan, oid::KEY_USAGE, true, None)),
        both("key_usage_in_leaves", &leaf, |plan| set(plan, oid::KEY_USAGE, true, None)),
        planned("key_usage_as_planned", &leaf, |plan| set(plan, oid::KEY_USAGE, true, None)),
        both("key_usage_not_empty", &leaf, |plan| {
            set(plan, oid::KEY_USAGE, true, usages(FlagSet::default()));
        }),
        both("key_usage_critical", &leaf, |plan| {
            set(plan, oid::KEY_USAGE, false, usages(KeyUsages::DigitalSignature.into()));
        }),
        both("key_usage_fits_key", &leaf, |plan| {
            let both = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
            set(plan, oid::KEY_USAGE, true, usages(both));
        }),
        both("key_usage_fits_extended", &leaf, |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::CRLSign.into()));
        }),
        both("any_extended_key_usage", &leaf, |plan| {
            set(plan, oid::EXTENDED_KEY_USAGE, false, extended(&["2.5.29.37.0"]));
        }),
        both("extended_key_usage_once", &leaf, |plan| {
            let twice = extended(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.1"]);
            set(plan, oid::EXTENDED_KEY_USAGE, false, twice);
        }),
        both("time_stamping_alone_and_critical", &leaf, |plan| {
            set(plan, oid::EXTENDED_KEY_USAGE, false, extended(&["1.3.6.1.5.5.7.3.8"]));
        }),
        both("ocsp_responder_has_no_check", &leaf, |plan| {
            set(plan, oid::EXTENDED_KEY_USAGE, false, extended(&["1.3.6.1.5.5.7.3.9"]));
        }),
        both("ocsp_no_check_only_in_responders", &leaf, |plan| {
            set(plan, oid::OCSP_NO_CHECK, false, Some(vec![5, 0]));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn identifiers() -> Vec<Example> {
    let (leaf, authority) = (leaf_plan(), authority_plan());
    [
        both("subject_key_identifier_in_authorities", &authority, |plan| {
            set(plan, oid::SUBJECT_KEY_IDENTIFIER, false, None);
        }),
        both("subject_key_identifier_in_leaves", &leaf, |plan| {
            set(plan, oid::SUBJECT_KEY_IDENTIFIER, false, None);
        }),
        planned("subject_key_identifier_as_planned", &leaf, |plan| {
            set(plan, oid::SUBJECT_KEY_IDENTIFIER, false, None);
        }),
        both("authority_key_identifier_present", &leaf, |plan| {
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, false, None);
        }),
        planned("authority_key_identifier_present", &root_plan(), |plan| {
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, false, Some(vec![0x30, 3, 0x80, 1, 7]));
        }),
        both("authority_key_identifier_complete", &leaf, |plan| {
            let identifier = vec![0x30, 6, 0x80, 1, 7, 0x82, 1, 7];
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, false, Some(identifier));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn extensions() -> Vec<Example> {
    let (leaf, full) = (leaf_plan(), full_plan());
    let alternative = alternative_plan();
    let mut constrained = authority_plan();
    set(&mut constrained, oid::NAME_CONSTRAINTS, true, Some(SUBTREE.to_vec()));
    [
        both("lists_not_empty", &leaf, |plan| {
            set(plan, oid::EXTENDED_KEY_USAGE, false, Some(vec![0x30, 0]));
        }),
        both("extensions_critical", &constrained, |plan| {
            set(plan, oid::NAME_CONSTRAINTS, false, Some(SUBTREE.to_vec()));
        }),
        both("extensions_not_critical", &leaf, |plan| {
            let found = value(plan, oid::AUTHORITY_KEY_IDENTIFIER);
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, true, found);
        }),
        both("extensions_not_critical", &alternative, |plan| {
            let found = value(plan, oid::ALT_SIGNATURE_ALGORITHM);
            set(plan, oid::ALT_SIGNATURE_ALGORITHM, true, found);
        }),
        both("extensions_better_not_critical", &full, |plan| {
            let found = value(plan, oid::CRL_DISTRIBUTION_POINTS);
            set(plan, oid::CRL_DISTRIBUTION_POINTS, true, found);
        }),
        both("extensions_better_not_critical", &leaf, |plan| {
            set(plan, oid::OCSP_NO_CHECK, true, Some(vec![5, 0]));
        }),
        both("critical_extensions_known", &leaf, |plan| {
            set(plan, ObjectIdentifier::new_unwrap("1.2.3.4"), true, Some(vec![5, 0]));
        }),
        both("extension_order", &alternative, |plan| {
            plan.fields.extensions.as_mut().unwrap().swap(0, 1);
        }),
        planned("extension_order_as_planned", &leaf, |plan| {
            plan.fields.extensions.as_mut().unwrap().swap(0, 1);
        }),
        planned("alternative_signature_as_planned", &leaf, |plan| {
            let identifier = signer("mldsa44").scheme().to_identifier().to_der().unwrap();
            set(plan, oid::ALT_SIGNATURE_ALGORITHM, false, Some(identifier));
        }),
        planned("alternative_signature_as_planned", &alternative, |plan| {
            set(plan, oid::ALT_SIGNATURE_VALUE, false, Some(vec![3, 2, 0, 1]));
        }),
        both("alternative_signature_algorithm", &alternative, |plan| {
            let null = AlgorithmIdentifierOwned {
                oid: "2.16.840.1.101.3.4.3.17".parse().unwrap(),
                parameters: Some(Any::null()),
            };
            set(plan, oid::ALT_SIGNATURE_ALGORITHM, false, Some(null.to_der().unwrap()));
        }),
        both("alternative_of_two_families", &alternative, |plan| {
            let classical = signer("ed25519").scheme().to_identifier().to_der().unwrap();
            set(plan, oid::ALT_SIGNATURE_ALGORITHM, false, Some(classical));
        }),
        both("alternative_key_apart", &alternative, |plan| {
            let own = plan.public_key.spki_der().to_vec();
            set(plan, oid::SUBJECT_ALT_PUBLIC_KEY_INFO, false, Some(own));
        }),
        both("alternative_key_protected", &alternative, |plan| {
            set(plan, oid::ALT_SIGNATURE_ALGORITHM, false, None);
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn policy(oid: &str, qualifier: Option<&str>) -> PolicyInformation {
    let qualifier = qualifier.map(|id| PolicyQualifierInfo {
        policy_qualifier_id: id.parse().unwrap(),
        qualifier: Some(Any::null()),
    });
    PolicyInformation {
        policy_identifier: oid.parse().unwrap(),
        policy_qualifiers: qualifier.map(|one| vec![one]),
    }
}

fn mappings(from: &str, to: &str) -> Option<Vec<u8>> {
    let mapping = PolicyMapping {
        issuer_domain_policy: from.parse().unwrap(),
        subject_domain_policy: to.parse().unwrap(),
    };
    Some(vec![mapping].to_der().unwrap())
}

fn policies() -> Vec<Example> {
    let full = full_plan();
    let mut mapped = authority_plan();
    set(&mut mapped, oid::POLICY_MAPPINGS, true, mappings("1.2.3", "1.2.4"));
    [
        both("policies_once", &full, |plan| {
            let twice = vec![policy("1.2.3", None), policy("1.2.3", None)].to_der().unwrap();
            set(plan, oid::CERTIFICATE_POLICIES, false, Some(twice));
        }),
        both("policy_qualifiers_known", &full, |plan| {
            let other = vec![policy("1.2.3", Some("1.2.3.4"))].to_der().unwrap();
            set(plan, oid::CERTIFICATE_POLICIES, false, Some(other));
        }),
        both("any_policy_not_in_leaves", &full, |plan| {
            let any = vec![policy("2.5.29.32.0", None)].to_der().unwrap();
            set(plan, oid::CERTIFICATE_POLICIES, false, Some(any));
        }),
        both("any_policy_not_mapped", &mapped, |plan| {
            set(plan, oid::POLICY_MAPPINGS, true, mappings("2.5.29.32.0", "1.2.4"));
        }),
        both("policy_mappings_critical", &mapped, |plan| {
            set(plan, oid::POLICY_MAPPINGS, false, mappings("1.2.3", "1.2.4"));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn point(uri: &str) -> Option<Vec<u8>> {
    let name = GeneralName::UniformResourceIdentifier(Ia5String::new(uri).unwrap());
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![name])),
        reasons: None,
        crl_issuer: None,
    };
    Some(vec![point].to_der().unwrap())
}

fn places() -> Vec<Example> {
    let full = full_plan();
    [
        both("distribution_points_name_a_place", &full, |plan| {
            let reasons_alone = vec![0x30, 6, 0x30, 4, 0x81, 2, 6, 0x40];
            set(plan, oid::CRL_DISTRIBUTION_POINTS, false, Some(reasons_alone));
        }),
        both("places_are_uris", &full, |plan| {
            set(plan, oid::CRL_DISTRIBUTION_POINTS, false, point("no uri"));
        }),
        both("places_are_plain_http", &full, |plan| {
            set(plan, oid::CRL_DISTRIBUTION_POINTS, false, point("https://a.b/c.crl"));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// RelatedCertificate with this hash and a digest of so many octets.
fn bound(hash: &str, octets: usize) -> Option<Vec<u8>> {
    let hash: ObjectIdentifier = hash.parse().unwrap();
    let digest = OctetString::new(vec![7; octets]).unwrap();
    let algorithm = AlgorithmIdentifierOwned { oid: hash, parameters: None };
    let fields = [algorithm.to_der().unwrap(), digest.to_der().unwrap()].concat();
    Some(encode::tlv(Tag::Sequence, &[&fields]).unwrap())
}

const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const SHA_512: &str = "2.16.840.1.101.3.4.2.3";

fn related() -> Vec<Example> {
    let mut leaf = leaf_plan();
    let value = RelatedCertificate::to(&root().certificate).unwrap().to_der().unwrap();
    set(&mut leaf, oid::RELATED_CERTIFICATE, false, Some(value));
    [
        both("related_certificate_digest", &leaf, |plan| {
            set(plan, oid::RELATED_CERTIFICATE, false, bound(SHA_256, 64));
        }),
        both("related_certificate_digest", &leaf, |plan| {
            set(plan, oid::RELATED_CERTIFICATE, false, bound(SHA_512, 63));
        }),
        both("related_certificate_digest", &leaf, |plan| {
            set(plan, oid::RELATED_CERTIFICATE, false, bound("1.3.14.3.2.26", 20));
        }),
        both("extensions_not_critical", &leaf, |plan| {
            set(plan, oid::RELATED_CERTIFICATE, true, bound(SHA_512, 64));
        }),
        both("related_certificate_only_in_leaves", &authority_plan(), |plan| {
            set(plan, oid::RELATED_CERTIFICATE, false, bound(SHA_512, 64));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn alternative_names(names: &[GeneralName]) -> Option<Vec<u8>> {
    Some(names.to_vec().to_der().unwrap())
}

fn dns(name: &str) -> GeneralName {
    GeneralName::DnsName(Ia5String::new(name).unwrap())
}

fn uri(name: &str) -> GeneralName {
    GeneralName::UniformResourceIdentifier(Ia5String::new(name).unwrap())
}

fn names_of_subjects() -> Vec<Example> {
    let leaf = leaf_plan();
    [
        planned("subject_as_planned", &leaf, |plan| {
            plan.fields.subject = name("CN=other").as_name().clone();
        }),
        planned("subject_as_planned", &leaf, |plan| plan.names = names(&["other.example"])),
        both("subject_attributes", &leaf, |plan| {
            // An IA5String as common name, which RFC 5280 does not know.
            let der = [&[0x30, 0x0c, 0x31, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x16, 1][..], b"a"];
            plan.fields.subject = Name::from_der(&der.concat()).unwrap();
        }),
        both("email_not_in_subject", &leaf, |plan| {
            plan.fields.subject = name("CN=a,emailAddress=a@b.c").as_name().clone();
        }),
        both("alternative_names_valid", &leaf, |plan| {
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&[dns("a_b")]));
        }),
        both("alternative_names_valid", &leaf, |plan| {
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&[dns("a.*.example")]));
        }),
        both("alternative_names_of_known_kinds", &leaf, |plan| {
            let other = GeneralName::RegisteredId("1.2.3".parse().unwrap());
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&[other]));
        }),
        both("alternative_names_bounded", &leaf, |plan| {
            let many: Vec<GeneralName> = (0..101).map(|n| dns(&format!("a{n}.b"))).collect();
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&many));
        }),
        both("alternative_names_once", &leaf, |plan| {
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&[dns("a.b"), dns("a.b")]));
        }),
        both("tls_server_has_names", &leaf, |plan| set(plan, oid::SUBJECT_ALT_NAME, false, None)),
        both("alternative_names_critical_without_subject", &leaf, |plan| {
            plan.fields.subject = Name::default();
        }),
        both("alternative_names_not_critical_beside_subject", &leaf, |plan| {
            let found = value(plan, oid::SUBJECT_ALT_NAME);
            set(plan, oid::SUBJECT_ALT_NAME, true, found);
        }),
        both("spiffe_id_is_the_only_uri", &leaf, |plan| {
            let uris = [uri("spiffe://a/b"), uri("https://a.b/")];
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&uris));
        }),
        both("common_name_among_names", &leaf, |plan| {
            set(plan, oid::SUBJECT_ALT_NAME, false, alternative_names(&[dns("other.localhost")]));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
