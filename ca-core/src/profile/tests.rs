#![allow(clippy::unwrap_used)] // a panic is the failure report

use proptest::prelude::*;

use super::*;
use crate::algorithm::{Algorithm, Composite, MlDsa, MlKem};

const MINIMAL: &str = "\
version: 1
name: minimal
description: The least that a profile needs.
kind: leaf
subject_keys: {families: [classical]}
key_usages: [digital_signature]
validity_days: 1
max_validity_days: 2
";

/// The error of the minimal profile with one line in place of another.
fn refused(old: &str, new: &str) -> String {
    assert!(MINIMAL.contains(old), "{old}");
    Profile::from_yaml(&MINIMAL.replace(old, new)).unwrap_err().to_string()
}

/// The error of the minimal profile with more lines.
fn refused_with(lines: &str) -> String {
    Profile::from_yaml(&format!("{MINIMAL}{lines}\n")).unwrap_err().to_string()
}

fn accepted_with(lines: &str) -> Profile {
    Profile::from_yaml(&format!("{MINIMAL}{lines}\n")).unwrap()
}

#[test]
fn shipped_profiles_are_valid_and_named_as_their_files() {
    for (name, text) in SHIPPED_NAMES.into_iter().zip(shipped::TEXTS) {
        let profile = Profile::from_yaml(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(profile.name(), name);
        assert_eq!(Profile::shipped(name).unwrap().name(), name);
        let establishes = name == "kem-recipient";
        for key in Algorithm::all() {
            assert_eq!(profile.allows_key(key.key()), !establishes, "{name}: {key}");
        }
        for set in MlKem::ALL {
            assert_eq!(profile.allows_key(KeyKind::MlKem(set)), establishes, "{name}: {set}");
        }
    }
    assert_eq!(Profile::all_shipped().len(), SHIPPED_NAMES.len());
    assert!(Profile::shipped("tls_server").is_none());
}

#[test]
fn what_a_terminal_would_obey_or_hide_is_escaped_in_refusals() {
    for (hidden, shown) in [
        ("\u{feff}", "\\EF\\BB\\BF"),
        ("\u{202e}", "\\E2\\80\\AE"),
        ("\u{200b}", "\\E2\\80\\8B"),
        ("\u{3164}", "\\E3\\85\\A4"),
    ] {
        // A key that is not known, a value that is not one of the few, and a name.
        for error in [
            refused_with(&format!("na{hidden}mes: {{}}")),
            refused("kind: leaf", &format!("kind: \"le{hidden}af\"")),
            refused("digital_signature", &format!("\"digital{hidden}_signature\"")),
            refused("name: minimal", &format!("name: \"min{hidden}imal\"")),
        ] {
            assert!(error.contains(shown) && !error.contains(hidden), "{error}");
        }
    }
    // Without them each says what it said.
    assert!(refused_with("namez: {}").contains("namez"));
    let long = refused_with(&format!("{}: 1", "a".repeat(5000)));
    assert!(long.chars().count() < 1300 && long.contains('…'), "{long}");
}

#[test]
fn the_samples_in_the_documentation_are_profiles() {
    let text = include_str!("../../../docs/profiles.md");
    let samples: Vec<&str> =
        text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(samples.len(), 2);
    for sample in &samples {
        Profile::from_yaml(sample).unwrap_or_else(|error| panic!("{error}\n{sample}"));
    }
    let shop = Profile::from_yaml(samples[0]).unwrap();
    assert_eq!(shop.validity().max_seconds, 90 * 86_400);
    assert_eq!(shop.fixed_extensions().len(), 3, "policies, CRL, AIA");
    // Every field that the format knows stands in the table.
    for field in ["version", "subject_keys.families", "names.from_common_name", "ocsp_no_check"] {
        assert!(text.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn ml_kem_is_named_by_family_and_by_set_and_only_for_leaves() {
    let by_name = MINIMAL.replace("families: [classical]", "algorithms: [kyber768]");
    let profile = Profile::from_yaml(&by_name).unwrap();
    assert!(profile.allows_key(KeyKind::MlKem(MlKem::MlKem768)));
    assert!(!profile.allows_key(KeyKind::MlKem(MlKem::MlKem512)));
    assert!(profile.allowed_keys().contains("ML-KEM-768"), "{}", profile.allowed_keys());
    for text in shipped::TEXTS.iter().filter(|text| text.contains("key_cert_sign")) {
        let start = text.find("families: [").unwrap() + "families: [".len();
        let with_kem = format!("{}kem, {}", &text[..start], &text[start..]);
        let error = Profile::from_yaml(&with_kem).unwrap_err().to_string();
        assert!(error.contains("ML-KEM, which can't sign"), "{error}");
    }
}

#[test]
fn a_key_may_be_certified_again_unless_the_profile_refuses() {
    let rule = |profile: Profile| profile.key_reuse();
    assert_eq!(rule(Profile::from_yaml(MINIMAL).unwrap()), KeyReuse::SameKey);
    assert_eq!(rule(accepted_with("key_reuse: same_key")), KeyReuse::SameKey);
    assert_eq!(rule(accepted_with("key_reuse: refused")), KeyReuse::Refused);
    assert!(refused_with("key_reuse: never").contains("never"));
    let authority = MINIMAL
        .replace("kind: leaf", "kind: root\nkey_reuse: refused")
        .replace("[digital_signature]", "[key_cert_sign]");
    let error = Profile::from_yaml(&authority).unwrap_err().to_string();
    assert!(error.contains("key_reuse: refused is allowed only when kind is leaf"), "{error}");
    let places = "crl_distribution_points: ['http://a.b/1.crl', 'http://a.b/2.crl']";
    assert_eq!(accepted_with(places).crl_places(), ["http://a.b/1.crl", "http://a.b/2.crl"]);
}

#[test]
fn unknown_fields_are_refused_by_name() {
    Profile::from_yaml(MINIMAL).unwrap();
    let error = refused_with("max_validty_days: 3");
    assert!(error.contains("max_validty_days"), "{error}");
    let error = refused_with("names: {kinds: [dns], wildcard: true}");
    assert!(error.contains("wildcard"), "{error}");
    let error = refused("families: [classical]", "familes: [classical]");
    assert!(error.contains("familes"), "{error}");
}

#[test]
fn missing_twice_and_wrong_fields_are_refused_by_name() {
    assert!(refused("name: minimal\n", "").contains("name"));
    assert!(refused("kind: leaf", "kind: branch").contains("branch"));
    assert!(refused_with("kind: root").contains("kind"));
    assert!(refused("validity_days: 1\n", "validity_days: soon\n").contains("soon"));
    assert!(refused_with("path_length: 256").contains("found \"path_length: 256\""));
    assert!(refused_with("path_length: -1").contains("path_length: -1"));
    assert_eq!(refused("version: 1", "version: 2"), "profile: version is 2, allowed is 1");
    let future = MINIMAL.replace("version: 1", "version: 2") + "from_the_future: yes\n";
    assert_eq!(Profile::from_yaml(&future).unwrap_err(), ProfileError::Version { found: 2 });
}

#[test]
fn each_value_has_its_bounds() {
    let cases = [
        (refused("name: minimal", "name: Min imal"), "name is \"Min imal\""),
        (refused("[classical]", "[]"), "subject_keys"),
        (refused("[digital_signature]", "[]"), "key_usages"),
        (refused("[digital_signature]", "[sign]"), "key_usages is \"sign\""),
        (refused("[digital_signature]", "[key_cert_sign]"), "key_cert_sign"),
        (refused("kind: leaf", "kind: root"), "key_cert_sign"),
        (refused("max_validity_days: 2", "max_validity_seconds: 86399"), "longer than"),
        (refused("validity_days: 1\n", "validity_seconds: 0\n"), "a validity in seconds is \"0\""),
        (refused("max_validity_days: 2", "max_validity_days: 40000"), "100 years"),
        (refused("max_validity_days: 2\n", ""), "max_validity_seconds"),
        (refused_with("validity_seconds: 1"), "exactly one"),
        (refused_with("backdate_seconds: 86401"), "backdate_seconds is \"86401\""),
        (refused_with("extended_key_usages: [web]"), "extended_key_usages is \"web\""),
        (refused_with("extended_key_usages: [server_auth, server auth]"), "each usage once"),
        (refused_with("names: {kinds: [host]}"), "names.kinds is \"host\""),
        (refused_with("names: {kinds: [dns], max: 101}"), "names.max is \"101\""),
        (refused_with("names: {required: true}"), "names.required"),
        (refused_with("names: {from_common_name: true}"), "names.from_common_name"),
        (refused_with("names: {kinds: [dns], dns_suffixes: [a_b]}"), "names.dns_suffixes"),
        (refused_with("names: {kinds: [dns], dns_suffixes: ['..a.b']}"), "names.dns_suffixes"),
        (
            refused_with("names: {kinds: [email], email_domains: ['.example.com']}"),
            "without a dot in front",
        ),
        (refused_with("names: {kinds: [uri], uri_prefixes: ['spiffe://a']}"), "slash"),
        (refused_with("subject: {allowed: [XX]}"), "subject.allowed is \"XX\""),
        (refused_with("subject: {allowed: [O], required: [CN]}"), "subject.required"),
        (refused_with("path_length: 0"), "path_length"),
        (refused_with("name_constraints: {permitted: ['DNS:a.b']}"), "name_constraints"),
        (refused_with("policies: [one]"), "policies is \"one\""),
        (refused_with("ocsp_urls: ['https://a.b']"), "ocsp_urls"),
        (refused_with("crl_distribution_points: ['a.b']"), "crl_distribution_points"),
        (refused_with("copy_extensions: [basic_constraints]"), "copy_extensions"),
        (refused_with("copy_extensions: [2.5.29.19]"), "copy_extensions is \"2.5.29.19\""),
        (refused_with("copy_extensions: [1.3.6.1.5.5.7.1.1]"), "copy_extensions"),
        (refused_with("copy_extensions: ['2.05.29.19']"), "copy_extensions is \"2.05.29.19\""),
        (refused_with("policies: [1.2.3, 1.2.3]"), "policies is \"1.2.3\", allowed is each policy"),
    ];
    for (error, part) in cases {
        assert!(error.contains(part), "{part}: {error}");
        assert!(error.starts_with("profile \"minimal\"") || part.starts_with("name is"), "{error}");
    }
    let error = refused("{families: [classical]}", "{algorithms: [rsa1024]}");
    assert!(error.contains("rsa1024") && error.contains("espalier algorithms"), "{error}");
}

#[test]
fn sixty_four_kibibytes_are_read_and_one_octet_more_is_not() {
    let mut text = format!("{MINIMAL}#");
    text.extend(std::iter::repeat_n('x', MAX_PROFILE_SIZE - text.len()));
    Profile::from_yaml(&text).unwrap();
    text.push('x');
    assert_eq!(Profile::from_yaml(&text).unwrap_err(), ProfileError::TooLarge { found: 65_537 });
}

#[test]
fn keys_are_allowed_by_family_or_by_name() {
    let of =
        |keys: &str| Profile::from_yaml(&MINIMAL.replace("{families: [classical]}", keys)).unwrap();
    let p256 = KeyKind::Classical(ClassicalKey::Ec(Curve::P256));
    let ed25519 = KeyKind::Classical(ClassicalKey::Ed25519);
    let mldsa65 = KeyKind::MlDsa(MlDsa::MlDsa65);
    let composite = KeyKind::Composite(Composite::from_arc(45).unwrap());
    let profile = of("{families: [composite], algorithms: [dilithium3, p256]}");
    assert!([p256, mldsa65, composite].into_iter().all(|key| profile.allows_key(key)));
    assert!(!profile.allows_key(ed25519));
    assert!(!profile.allows_key(KeyKind::MlDsa(MlDsa::MlDsa87)));
    assert_eq!(profile.allowed_keys(), "every composite key, ML-DSA-65, ECDSA-P256");
    let classical = of("{families: [classical]}");
    assert!(classical.allows_key(ed25519) && !classical.allows_key(mldsa65));
    // These stand only inside composites, or can't sign.
    let brainpool = KeyKind::Classical(ClassicalKey::Ec(Curve::BrainpoolP256r1));
    assert!(!classical.allows_key(brainpool));
    assert!(!classical.allows_key(KeyKind::Classical(ClassicalKey::Ed448)));
    assert!(!classical.allows_key(KeyKind::Other(ObjectIdentifier::new_unwrap("1.3.101.110"))));
}

#[test]
fn name_rules_hold_for_each_kind() {
    let profile = accepted_with(
        "names: {kinds: [dns, email, uri, ip], dns_suffixes: [.Example.com], email_domains: [example.com], uri_prefixes: ['spiffe://example.com/']}",
    );
    let refuses = |text: &str| profile.names().refuses(&AltName::parse(text).unwrap());
    let twins = [
        ("a.example.com", "a.example.org"),
        ("example.com", "badexample.com"),
        ("a@example.com", "a@sub.example.com"),
        ("spiffe://example.com/a", "spiffe://example.com.evil/a"),
        ("192.0.2.1", "UPN:a@example.com"),
    ];
    for (right, wrong) in twins {
        assert_eq!(refuses(right), None, "{right}");
        assert!(refuses(wrong).is_some(), "{wrong}");
    }
    assert_eq!(refuses("*.example.com").unwrap(), "names without a wildcard");
}

#[test]
fn usages_are_read_in_every_spelling() {
    for text in ["digital_signature", "digital signature", "digitalSignature"] {
        assert_eq!(key_usage_named(text), Some(KeyUsages::DigitalSignature));
    }
    assert_eq!(key_usage_named("content commitment"), Some(KeyUsages::NonRepudiation));
    assert_eq!(key_usage_named("signature"), None);
    let server = extended_key_usage_named("server auth").unwrap();
    assert_eq!(extended_key_usage_named("1.3.6.1.5.5.7.3.1"), Some(server));
    assert_eq!(extended_key_usage_name(server), "server_auth");
    assert_eq!(extended_key_usage_named("web"), None);
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = Profile::from_yaml(&text);
    }

    #[test]
    fn no_mutation_panics(at in 0_usize..2000, letter in "[ -~\n]", cut in 0_usize..4) {
        for text in shipped::TEXTS {
            let at = at % text.len();
            let mutated: String = text
                .char_indices()
                .filter(|(index, _)| !(at..at + cut).contains(index))
                .flat_map(|(index, c)| (index == at + cut).then_some(&letter[..]).into_iter().flat_map(str::chars).chain([c]))
                .collect();
            let _ = Profile::from_yaml(&mutated);
        }
    }
}
