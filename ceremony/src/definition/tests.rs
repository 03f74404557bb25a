#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

const WHOLE: &str = r#"
version: 1
title: Example Root 2026
at: 2026-12-01T09:00:00Z
custody: {threshold: 3, custodians: [Ana, Ben, Cem, Dua, Eva]}
keys:
  - {name: root, algorithm: hybrid}
  - {name: west, algorithm: ML-DSA-65}
  - {name: old, file: old.key.json}
certificates:
  - {name: old, file: old.pem, key: old}
  - {name: other, file: other.pem}
make:
  - root: {name: root, key: root, subject: "CN=Example Root 2026,O=Example", days: 7305}
  - issuing: {name: west, issuer: root, key: west, subject: "CN=West CA,O=Example"}
  - issuing: {name: east, issuer: root, csr: east.csr}
  - cross: {name: other-by-root, issuer: root, certificate: other, days: 365}
  - rekey: {old: old, new: root}
  - crl:
      name: root-crl
      issuer: root
      number: 1
      next_update: 2027-12-01T09:00:00Z
      revoked:
        - {certificate: west, reason: superseded}
        - {serial: "40:01", revoked_at: 2026-11-30T09:00:00Z}
  - destroy: {key: old}
"#;

/// The refusal of `WHOLE` with `from` changed to `to`.
fn refused(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    Definition::from_yaml(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn the_whole_of_it_is_read() {
    let definition = Definition::from_yaml(WHOLE).unwrap();
    assert_eq!(definition.title, "Example Root 2026");
    let names: Vec<&str> = definition.steps.iter().map(|step| step.name.as_str()).collect();
    let expected = [
        "root",
        "west",
        "east",
        "other-by-root",
        "root-with-old",
        "old-with-root",
        "root-crl",
        "destroy-old",
    ];
    assert_eq!(names, expected);
    assert_eq!(definition.inputs(), ["east.csr", "old.pem", "other.pem"]);
    assert_eq!(definition.key_of_certificate("west"), Some("west"));
    assert_eq!(definition.key_of_certificate("old"), Some("old"));
    assert_eq!(definition.key_of_certificate("east"), None);
    let existing = WHOLE.replace(
        "{threshold: 3, custodians: [Ana, Ben, Cem, Dua, Eva]}",
        "{share_set: share-set.json}",
    );
    let share_set = "share-set.json".to_owned();
    let custody = Definition::from_yaml(&existing).unwrap().custody;
    assert_eq!(custody, Custody::Existing { share_set });
}

#[test]
fn wrong_fields_are_named_with_what_is_allowed() {
    let cases = [
        ("version: 1", "version: 2", "version: found \"2\", allowed: 1"),
        ("title: Example Root 2026", "title: ''", "title: found \"\", allowed: 1 to 100"),
        ("title:", "titel:", "titel"),
        ("at: 2026-12-01T09:00:00Z", "at: tomorrow", "at: found \"tomorrow\", allowed: a time"),
        ("09:00:00Z\ncustody", "09:00:00.5Z\ncustody", "whole seconds"),
        ("custodians: [Ana", "share_set: x, custodians: [Ana", "custody: found"),
        ("algorithm: hybrid", "algorithm: sha1", "keys: root: algorithm: found \"sha1\""),
        ("algorithm: hybrid", "algorithm: kyber768", "ML-KEM-768"),
        ("{name: west, algorithm: ML-DSA-65}", "{name: west}", "neither algorithm nor file"),
        (
            "{name: west, algorithm",
            "{name: root, algorithm",
            "keys: root: found \"the name twice\"",
        ),
        ("{name: west, algorithm", "{name: ../west, algorithm", "keys: name: found \"../west\""),
        (
            "key: root, subject",
            "key: rood, subject",
            "make: root: key: found \"rood\", allowed: one of keys: old, root, west",
        ),
        ("CN=Example Root 2026,O", "CN Example,O", "make: root: subject: found"),
        ("days: 7305", "days: 0", "make: root: days: found \"0\", allowed: 1 to 36500"),
        (
            "days: 7305",
            "profile: tls-server",
            "make: root: profile: found \"tls-server\", allowed: root",
        ),
        ("csr: east.csr", "csr: east.csr, key: west", "make: east: found \"another combination\""),
        (
            "name: east, issuer: root",
            "name: east, issuer: east",
            "make: east: issuer: found \"east\", allowed: one that is there before: old, other, root, west",
        ),
        (
            "name: east, issuer: root",
            "name: east, issuer: other",
            "\"other, whose key is not here\"",
        ),
        ("name: east", "name: west", "make: west: found \"the name twice\""),
        (
            "certificate: other, days",
            "certificate: othr, days",
            "make: other-by-root: certificate: found \"othr\"",
        ),
        (
            "csr: east.csr",
            "csr: ../east.csr",
            "make: east: csr: found \"../east.csr\", allowed: a relative path",
        ),
        ("file: old.key.json", "file: /old.key.json", "keys: old: file: found \"/old.key.json\""),
        ("number: 1", "number: 0", "make: root-crl: number: found \"0\", allowed: 1 or more"),
        (
            "next_update: 2027",
            "next_update: 2025",
            "make: root-crl: next_update: found \"2025-12-01",
        ),
        ("reason: superseded", "reason: bored", "make: root-crl: reason: found \"bored\""),
        ("reason: superseded", "reason: removeFromCRL", "only delta lists remove"),
        (
            "certificate: west, reason",
            "certificate: wst, reason",
            "make: root-crl: revoked: found \"wst\"",
        ),
        ("serial: \"40:01\"", "serial: \"4x\"", "make: root-crl: serial: found \"4x\""),
        ("revoked_at: 2026-11", "revoked_at: 2026-12", "allowed: not later than at"),
        ("destroy: {key: old}", "destroy: {key: rot}", "make: destroy-rot: key: found \"rot\""),
    ];
    for (from, to, part) in cases {
        let error = refused(from, to);
        assert!(error.starts_with("definition: ") && error.contains(part), "{to}: {error}");
    }
}

#[test]
fn what_is_destroyed_signs_no_more() {
    let early = WHOLE.replacen("  - rekey", "  - destroy: {key: old}\n  - rekey", 1);
    let error = Definition::from_yaml(&early).unwrap_err().to_string();
    assert!(error.contains("old, which an earlier step destroys"), "{error}");
}

#[test]
fn it_is_bounded_and_shows_no_control_characters() {
    let large = format!("{WHOLE}# {}", "x".repeat(MAX_SIZE));
    assert!(Definition::from_yaml(&large).unwrap_err().to_string().contains("allowed: 262144"));
    let error = refused("title: Example Root 2026", "title: \"a\\e[2J\"");
    assert!(!error.contains('\u{1b}'), "{error}");
    let none = WHOLE.split("make:").next().unwrap().to_owned() + "make: []\n";
    let error = Definition::from_yaml(&none).unwrap_err().to_string();
    assert!(error.contains("make: found \"0 of them\", allowed: 1 to 64"), "{error}");
}

#[test]
fn no_file_is_in_the_place_of_another() {
    let new = "version: 1\ntitle: Later\nat: 2026-12-01T09:00:00Z\n\
               custody: {share_set: share-set.json}\n\
               keys: [{name: old, file: keys/old.json}, {name: root, algorithm: P-256}]\n\
               certificates: [{name: known, file: known.pem}]\n\
               make:\n  - root: {name: root, key: root, subject: CN=Root}\n";
    Definition::from_yaml(new).unwrap();
    for (from, to) in [
        ("keys/old.json", "keys/root.json"),
        ("keys/old.json", "keys//root.json"),
        ("keys/old.json", "keys/./root.json"),
        ("keys/old.json", "keys"),
        ("keys/old.json", "share-set.json"),
        ("keys/old.json", "plan.json"),
        ("keys/old.json", "reshare/old.json"),
        ("known.pem", "out/root.pem"),
        ("known.pem", "out/other.pem"),
        ("known.pem", "keys/old.json"),
        ("known.pem", "transcript.jsonl"),
        ("known.pem", ".new"),
        ("share_set: share-set.json", "share_set: keys/root.json"),
    ] {
        assert!(new.contains(from), "{from}");
        let error = Definition::from_yaml(&new.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains("allowed: a file that has a place of its own"), "{to}: {error}");
    }
}

#[test]
fn a_later_list_has_one_before_it() {
    let list = |fields: &str| {
        let text = format!(
            "version: 1\ntitle: List\nat: 2026-12-01T09:00:00Z\n\
             custody: {{threshold: 2, custodians: [Ana, Ben]}}\n\
             keys: [{{name: root, algorithm: P-256}}]\nmake:\n\
             \x20 - root: {{name: root, key: root, subject: CN=Root}}\n\
             \x20 - crl: {{name: l, issuer: root, next_update: 2027-12-01T09:00:00Z, {fields}}}\n"
        );
        Definition::from_yaml(&text).map_err(|error| error.to_string())
    };
    for right in ["number: 1", "number: 7, first: true", "number: 2, previous: l.pem"] {
        list(right).unwrap();
    }
    for wrong in ["number: 2", "number: 2, first: false", "number: 2, first: true, previous: l.pem"]
    {
        let error = list(wrong).unwrap_err();
        assert!(error.contains("previous: found") && error.contains("first: true"), "{error}");
    }
}

#[test]
fn witnesses_have_names_and_keys_of_their_own() {
    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP9LE5p4SZq1BwslSqla//MWECmuyoezay6atFoOnjg2 wim";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEGp0XQBwL1s3VLDddpMItYDaFtwyRrHAz6uhAn9jjt4";
    let with = |witnesses: &str| {
        let text = WHOLE.replacen("keys:", &format!("witnesses: [{witnesses}]\nkeys:"), 1);
        Definition::from_yaml(&text)
    };
    let (wim, wanda) =
        (format!("{{name: Wim, key: '{SSH}'}}"), format!("{{name: Wanda, key: '{OTHER}'}}"));
    let read = with(&format!("{wim}, {wanda}")).unwrap();
    assert_eq!(read.witnesses.len(), 2);
    assert_eq!(read.witnesses[0].name, "Wim");
    assert!(Definition::from_yaml(WHOLE).unwrap().witnesses.is_empty());
    let refused = |witnesses: &str| with(witnesses).unwrap_err().to_string();
    let twice = refused(&format!("{wim}, {{name: Wim, key: '{OTHER}'}}"));
    assert_eq!(
        twice,
        "definition: witnesses: Wim: found \"the name or key twice\", allowed: each once"
    );
    assert!(refused(&format!("{wim}, {{name: Wanda, key: '{SSH}'}}")).contains("Wanda"));
    let error = refused("{name: Wim, key: 'ssh-rsa AAAA'}");
    assert!(error.starts_with("definition: witnesses: Wim: key: found"), "{error}");
    assert!(refused("{name: Wim}").contains("key"));
}
