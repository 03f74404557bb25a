//! Whether a certificate will have the usages that a request of Kubernetes' own asks for.

use std::collections::BTreeSet;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::profile::{
    extended_key_usage_name, extended_key_usage_named, key_usage_name, key_usage_named,
};
use client::v1::Profile;

use crate::certificate_request::PROFILE_ANNOTATION;

/// Kubernetes' names that are no names of X.509 (certificates.k8s.io/v1 `KeyUsage`), as profiles write them.
const OTHERS: [(&str, &str); 9] = [
    ("signing", "digital signature"),
    ("cert sign", "key cert sign"),
    ("s/mime", "email protection"),
    ("timestamping", "time stamping"),
    ("ipsec end system", "1.3.6.1.5.5.7.3.5"),
    ("ipsec tunnel", "1.3.6.1.5.5.7.3.6"),
    ("ipsec user", "1.3.6.1.5.5.7.3.7"),
    ("microsoft sgc", "1.3.6.1.4.1.311.10.3.3"),
    ("netscape sgc", "2.16.840.1.113730.4.1"),
];
/// What many keys can't do, post-quantum ones above all, and tools ask for by habit: where the key or the
/// profile lacks it, the certificate is issued without.
const HABITS: [&str; 5] =
    ["key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"];

/// Checks usages that stand beside a CSR: the profile allows each of them, and where purposes are
/// among them, they are the ones that the certificate will have, no fewer and no more. The profile
/// gives its own purposes, or takes over those that the CSR itself asks for.
///
/// # Errors
/// Which field, what was found, what is allowed.
pub(crate) fn check(
    asked: &[String],
    profile: &Profile,
    csr: &CertificateRequest,
) -> Result<(), String> {
    let name = &profile.name;
    let mut purposes = BTreeSet::new();
    for usage in asked {
        let found: String = usage.chars().take(64).collect();
        let refused = |allowed: &[String]| {
            let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
            format!("spec.usages: found {found:?}, allowed by the profile {name}: {allowed}")
        };
        match named(usage) {
            Some(Named::Usage(usage)) => {
                if !HABITS.contains(&usage) && !profile.key_usages.iter().any(|one| one == usage) {
                    return Err(refused(&profile.key_usages));
                }
            }
            // An authority's certificate without purposes has no limit in them.
            Some(Named::Purpose(_)) if profile.is_of_authorities() && none_given(profile) => {}
            Some(Named::Purpose(purpose)) => {
                if !profile.extended_key_usages.contains(&purpose) {
                    return Err(refused(&profile.extended_key_usages));
                }
                purposes.insert(purpose);
            }
            None => {
                let all = [&profile.key_usages[..], &profile.extended_key_usages].concat();
                return Err(refused(&all));
            }
        }
    }
    let given = given(profile, csr);
    if purposes.is_empty() || purposes == given {
        return Ok(());
    }
    Err(format!(
        "spec.usages: found {}, allowed by the profile {name} with this CSR is what the certificate will have: {}; \
         choose another profile by the annotation {PROFILE_ANNOTATION}",
        list(purposes),
        list(given)
    ))
}

/// Checks the purposes of a certificate that was answered, where purposes were asked for: it has none
/// beside them. One without any is good for every purpose (RFC 5280 section 4.2.1.12), which only an
/// authority's is meant to be.
///
/// # Errors
/// Which field, what was found, what is allowed.
pub(crate) fn answered(asked: &[String], leaf: &Certificate) -> Result<(), String> {
    let purpose = |usage: &String| match named(usage) {
        Some(Named::Purpose(purpose)) => Some(purpose),
        _ => None,
    };
    let asked: BTreeSet<String> = asked.iter().filter_map(purpose).collect();
    let found = leaf.extensions().extended_key_usage();
    let found: BTreeSet<String> = found
        .into_iter()
        .flat_map(|found| &found.0)
        .map(|one| extended_key_usage_name(*one))
        .collect();
    let is_authority = leaf.extensions().basic_constraints().is_some_and(|own| own.ca);
    let is_limited = !found.is_empty() || is_authority;
    if asked.is_empty() || (is_limited && found.is_subset(&asked)) {
        return Ok(());
    }
    let found = if found.is_empty() { "every purpose".to_owned() } else { list(found) };
    Err(format!("extended key usage: found {found}, allowed by spec.usages: {}", list(asked)))
}

/// What to tell of key usages that were asked for beside the CSR and that a certificate lacks: none where it
/// has them all. Those in `told` are left to the server, which tells of a CSR's the first time.
pub(crate) fn left_out(
    asked: &[String],
    told: Option<&CertificateRequest>,
    leaf: &Certificate,
) -> Option<String> {
    // Without the extension a key may be used for everything (RFC 5280 section 4.2.1.3).
    let given = leaf.extensions().key_usage()?.0;
    let told = told.and_then(|csr| csr.extensions().key_usage());
    let told = told.map(|own| own.0).unwrap_or_default();
    let is_left_out =
        |usage: &&str| key_usage_named(usage).is_some_and(|usage| !(given | told).contains(usage));
    let usage = |usage: &String| match named(usage) {
        Some(Named::Usage(usage)) => Some(usage),
        _ => None,
    };
    let missing: BTreeSet<&str> = asked.iter().filter_map(usage).filter(is_left_out).collect();
    if missing.is_empty() {
        return None;
    }
    let missing = missing.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!("spec.usages: left out {missing}, as key, profile or CSR lacks it"))
}

fn list(all: BTreeSet<String>) -> String {
    all.into_iter().collect::<Vec<_>>().join(", ")
}

fn none_given(profile: &Profile) -> bool {
    profile.extended_key_usages.is_empty()
}

/// The purposes that the certificate will have.
fn given(profile: &Profile, csr: &CertificateRequest) -> BTreeSet<String> {
    let copied = profile.copied_extensions.iter().any(|one| one == "extended_key_usage");
    let own = csr.extensions().extended_key_usage().filter(|own| copied && !own.0.is_empty());
    match own {
        Some(own) => own.0.iter().map(|one| extended_key_usage_name(*one)).collect(),
        None => profile.extended_key_usages.iter().cloned().collect(),
    }
}

/// What a name of Kubernetes stands for, as profiles write it.
enum Named {
    Usage(&'static str),
    Purpose(String),
}

fn named(asked: &str) -> Option<Named> {
    let other = OTHERS.into_iter().find(|(theirs, _)| *theirs == asked);
    let asked = other.map_or(asked, |(_, ours)| ours);
    let usage = key_usage_named(asked).map(|usage| Named::Usage(key_usage_name(usage)));
    usage.or_else(|| {
        extended_key_usage_named(asked).map(extended_key_usage_name).map(Named::Purpose)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::algorithm::Algorithm;
    use ca_core::pem;
    use interop::issue::{Authority, LEAF_NAME, Role, SigningKey, request_for};
    use serde_json::json;

    use super::*;

    /// It asks for `server auth`, `client auth` and 1.2.3.4.5 itself.
    const CSR: &str = include_str!("../../ca-core/tests/data/inspect/request.pem");

    fn profile() -> Profile {
        serde_json::from_value(json!({
            "name": "mail", "description": "", "kind": "leaf", "keys": "", "name_kinds": [],
            "key_usages": ["digital_signature"],
            "extended_key_usages": ["server_auth", "email_protection"],
            "copied_extensions": [],
            "default_validity_seconds": 1, "max_validity_seconds": 1,
        }))
        .unwrap()
    }

    fn asked(usages: &[&str]) -> Result<(), String> {
        asked_of(&profile(), usages)
    }

    fn asked_of(profile: &Profile, usages: &[&str]) -> Result<(), String> {
        let usages: Vec<String> = usages.iter().map(|one| (*one).to_owned()).collect();
        check(&usages, profile, &pem::read_one_request(CSR.as_bytes()).unwrap())
    }

    #[test]
    fn what_the_csr_asks_for_counts_where_the_profile_takes_it_over() {
        let all = ["server_auth", "client_auth", "email_protection", "1.2.3.4.5"];
        let taking = Profile {
            extended_key_usages: all.map(str::to_owned).to_vec(),
            copied_extensions: vec!["extended_key_usage".into()],
            ..profile()
        };
        asked_of(&taking, &["1.2.3.4.5", "server auth", "client auth"]).unwrap();
        let error = asked_of(&taking, &["server auth", "client auth"]).unwrap_err();
        assert!(error.contains("will have: 1.2.3.4.5, client_auth, server_auth;"), "{error}");
    }

    #[test]
    fn what_the_profile_gives_is_found_under_kubernetes_names() {
        asked(&["digital signature", "server auth", "email protection"]).unwrap();
        asked(&["signing", "key encipherment", "server auth", "s/mime"]).unwrap();
        asked(&["data encipherment", "key agreement"]).unwrap();
        asked(&["digital signature"]).unwrap();
        asked(&[]).unwrap();
    }

    #[test]
    fn an_authority_without_purposes_has_no_limit_in_them_and_a_leaf_none_of_them() {
        let bare = |kind: &str| Profile {
            kind: kind.into(),
            extended_key_usages: Vec::new(),
            key_usages: vec!["digital_signature".into(), "key_cert_sign".into()],
            ..profile()
        };
        let usages = ["cert sign", "server auth", "client auth"];
        asked_of(&bare("issuing"), &usages).unwrap();
        let error = asked_of(&bare("leaf"), &usages).unwrap_err();
        assert!(
            error.ends_with("found \"server auth\", allowed by the profile mail: none"),
            "{error}"
        );
    }

    #[test]
    fn every_other_usage_is_refused_with_what_is_allowed() {
        for (other, allowed) in [
            ("client auth", "server_auth, email_protection"),
            ("code signing", "server_auth, email_protection"),
            ("any", "server_auth, email_protection"),
            ("cert sign", "digital_signature"),
            ("netscape sgc", "server_auth, email_protection"),
            ("content commitment", "digital_signature"),
            ("client", "digital_signature, server_auth, email_protection"),
            ("", "digital_signature, server_auth, email_protection"),
        ] {
            let error = asked(&["digital signature", other]).unwrap_err();
            let wanted = format!("found {other:?}, allowed by the profile mail: {allowed}");
            assert!(error.ends_with(&wanted), "{error}");
        }
    }

    #[test]
    fn of_usages_beside_the_csr_those_are_told_that_the_certificate_lacks() {
        let algorithm = Algorithm::named("p256").unwrap();
        let key = SigningKey::of(algorithm, Role::Leaf);
        let leaf = Authority::root(algorithm, None).issue(
            "tls-server",
            request_for("CN=leaf.test", &[&format!("DNS:{LEAF_NAME}")], &key, None),
        );
        let by_server = pem::read_one_request(CSR.as_bytes()).unwrap();
        let told = |usages: &[&str], by_server| {
            let usages: Vec<String> = usages.iter().map(|one| (*one).to_owned()).collect();
            left_out(&usages, by_server, &leaf)
        };
        for all_given in [&["signing", "digital signature", "server auth"][..], &[]] {
            assert_eq!(told(all_given, None), None);
        }
        // It is in the CSR.
        assert_eq!(told(&["cert sign"], Some(&by_server)), None);
        assert!(told(&["cert sign"], None).unwrap().contains("left out key_cert_sign"));
        let usages = ["key encipherment", "digital signature", "key agreement"];
        let words = told(&usages, Some(&by_server)).unwrap();
        assert!(words.contains("left out key_agreement, key_encipherment, as"), "{words}");
    }

    #[test]
    fn a_certificate_for_more_than_was_asked_for_is_refused() {
        let error = asked(&["digital signature", "server auth"]).unwrap_err();
        assert!(error.contains("found server_auth, allowed by the profile mail"), "{error}");
        assert!(error.contains("will have: email_protection, server_auth;"), "{error}");
    }
}
