#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::key::PrivateKey;
use rand_core::UnwrapErr;

use super::*;

const DEFINITION: &str = r#"
version: 1
title: Example Root 2026
at: 2026-12-01T09:00:00Z
custody: {threshold: 2, custodians: [Ana, Ben, Cem]}
keys:
  - {name: root, algorithm: MLDSA44-Ed25519-SHA512}
  - {name: west, algorithm: P-256}
  - {name: next, algorithm: ML-DSA-44}
make:
  - root: {name: root, key: root, subject: "CN=Example Root 2026,O=Example", days: 7305}
  - root: {name: next, key: next, subject: "CN=Example Root 2026,O=Example", days: 7305}
  - issuing: {name: west, issuer: root, key: west, subject: "CN=West CA,O=Example", days: 1826}
  - rekey: {old: root, new: next, days: 365}
  - crl: {name: root-crl, issuer: root, number: 1, next_update: 2027-12-01T09:00:00Z,
          revoked: [{certificate: west, reason: superseded}, {serial: "4001"}]}
  - destroy: {key: next}
"#;

/// A definition with all that its plan rests on.
pub(crate) struct Example {
    pub(crate) definition: Definition,
    pub(crate) text: String,
    pub(crate) materials: Materials,
    pub(crate) keys: BTreeMap<String, PrivateKey>,
}

pub(crate) fn example(rehearsal: bool) -> Example {
    let rng = &mut UnwrapErr(getrandom::SysRng);
    let definition = Definition::from_yaml(DEFINITION).unwrap();
    let keys: BTreeMap<String, PrivateKey> = definition
        .keys
        .iter()
        .map(|(name, source)| {
            let KeySource::Made(algorithm) = source else { panic!("all are made") };
            (name.clone(), PrivateKey::generate(algorithm, rng).unwrap())
        })
        .collect();
    let public_keys =
        keys.iter().map(|(name, key)| (name.clone(), key.public_key().clone())).collect();
    let serials = crate::plan::draw_serials(&definition, rng);
    let materials = Materials { public_keys, inputs: BTreeMap::new(), serials, rehearsal };
    Example { definition, text: DEFINITION.to_owned(), materials, keys }
}

#[test]
fn previews_have_the_fields_of_what_is_signed() {
    let Example { definition, materials, .. } = example(false);
    let prepared = prepare(&definition, &materials).unwrap();
    assert_eq!(prepared.len(), 7);
    for step in &prepared {
        if let Deed::Certificate { linted, preview } = &step.deed {
            assert_eq!(preview.tbs_der(), linted.tbs_der().unwrap());
            assert_eq!(
                *preview.record_digest().unwrap().as_bytes(),
                *linted.record_digest().as_bytes()
            );
            let key = materials.public_keys[&step.key].clone();
            let scheme = linted.scheme();
            let verified =
                ca_core::signature::verify(&key, scheme, preview.tbs_der(), preview.signature());
            assert!(verified.is_err(), "the signature of a preview is never right");
        }
    }
}

#[test]
fn a_rehearsal_marks_every_subject() {
    let Example { definition, materials, .. } = example(true);
    for step in prepare(&definition, &materials).unwrap() {
        if let Deed::Certificate { preview, .. } = &step.deed {
            for name in [preview.subject(), preview.issuer()] {
                let text = ca_core::name::to_text(name);
                assert!(text.contains("OU=REHEARSAL - NOT FOR USE"), "{}: {text}", step.name);
            }
        }
    }
}

#[test]
fn what_profile_or_lint_refuses_is_told_with_the_step() {
    let Example { text, materials, .. } = example(false);
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let definition = Definition::from_yaml(&text.replacen(from, to, 1)).unwrap();
        prepare(&definition, &materials).unwrap_err().to_string()
    };
    let long = refused("days: 7305", "days: 20000");
    assert!(long.starts_with("root: ") && long.contains("validity"), "{long}");
    let nameless = refused("CN=West CA,O=Example", "O=Example");
    assert!(nameless.starts_with("west: "), "{nameless}");
    let twice = refused("{serial: \"4001\"}", "{serial: \"4001\"}, {serial: \"4001\"}");
    assert!(twice.contains("root-crl: revoked: found serial number 4001 twice"), "{twice}");
    let foreign =
        refused("{certificate: west, reason", "{certificate: west}, {certificate: west, reason");
    assert!(foreign.contains("twice"), "{foreign}");
}

#[test]
fn what_is_not_at_hand_is_named() {
    let Example { definition, mut materials, .. } = example(false);
    materials.serials.remove("west");
    let error = prepare(&definition, &materials).unwrap_err().to_string();
    assert!(error.starts_with("plan: serial of west"), "{error}");
    let Example { mut materials, .. } = example(false);
    materials.public_keys.remove("next");
    let error = prepare(&definition, &materials).unwrap_err().to_string();
    assert!(error.starts_with("plan: key next"), "{error}");
}

#[test]
fn a_profile_of_ones_own_is_an_input() {
    let Example { text, mut materials, .. } = example(false);
    let text =
        text.replacen("key: west, subject", "key: west, profile_file: west.yaml, subject", 1);
    let definition = Definition::from_yaml(&text).unwrap();
    assert_eq!(definition.inputs(), ["west.yaml"]);
    let error = prepare(&definition, &materials).unwrap_err().to_string();
    assert!(error.starts_with("plan: input west.yaml: it is not there"), "{error}");
    let own = "
version: 1
name: west
description: Below the root, with the place of its list.
kind: issuing
subject_keys: {families: [classical]}
key_usages: [key_cert_sign, crl_sign]
subject: {allowed: [CN, O], required: [CN]}
validity_days: 1826
max_validity_days: 3653
path_length: 0
crl_distribution_points: [\"http://crl.example/root.crl\"]
";
    let mut planned = |text: &str| {
        materials.inputs.insert("west.yaml".into(), text.as_bytes().to_vec());
        prepare(&definition, &materials)
    };
    let prepared = planned(own).unwrap();
    let west = prepared.iter().find(|step| step.name == "west").unwrap();
    let uri = b"http://crl.example/root.crl";
    assert!(west.tbs().windows(uri.len()).any(|part| part == uri));
    let error = planned(&own.replace("kind: issuing", "kind: root")).unwrap_err().to_string();
    assert!(error.starts_with("west.yaml: "), "{error}");
    let error = planned(&own.replace("name: west", "nome: west")).unwrap_err().to_string();
    assert!(error.starts_with("west.yaml: ") && error.contains("nome"), "{error}");
}
