//! Rules of RFC 5280 on single certificates and on what an issuer allows.

use const_oid::ObjectIdentifier;
use der::asn1::{Ia5String, Null, OctetString};
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    NameConstraints,
};

use super::drafts::{Draft, Party};
use super::*;
use crate::extensions::oid;
use crate::path::{ServerName, Usage};

fn dns(text: &str) -> GeneralName {
    GeneralName::DnsName(Ia5String::new(text).unwrap())
}

/// Judges a chain of root, issuing CA and leaf of which one or two are bent.
fn judge(
    issuing: impl FnOnce(Draft) -> Draft,
    leaf: impl FnOnce(Draft) -> Draft,
    options: &Options,
) -> Outcome {
    let [root, middle, end] =
        ["CN=Root", "CN=Issuing", "CN=leaf"].map(|name| Party::new(name, "p256"));
    let leaf = leaf(end.leaf()).sign(&middle);
    let pool = [issuing(middle.authority()).sign(&root)];
    verify_path(&leaf, &pool, &[root.root()], options)
}

fn judge_leaf(leaf: impl FnOnce(Draft) -> Draft) -> Outcome {
    judge(|draft| draft, leaf, &options())
}

fn judge_issuing(issuing: impl FnOnce(Draft) -> Draft) -> Outcome {
    judge(issuing, |draft| draft, &options())
}

#[test]
fn both_ends_of_the_validity_count_to_the_second() {
    let judge_at = |text: &str| judge(|draft| draft, |draft| draft, &at(text));
    assert_valid(&judge_at("2026-01-01T00:00:00Z"));
    assert_valid(&judge_at("2027-01-01T00:00:00.9Z"));
    let early = judge_at("2025-12-31T23:59:59Z");
    assert_refused(&early, Reason::NotYetValid, "notBefore");
    let late = judge_at("2027-01-01T00:00:01Z");
    assert_refused(&late, Reason::Expired, "notAfter");
    assert!(late.error.unwrap().found.contains("expired at 2027-01-01T00:00:00Z"));
}

#[test]
fn generalized_time_is_for_2050_and_later() {
    assert_valid(&judge_leaf(|draft| draft.valid("2026-01-01", "2049-12-31")));
    assert_valid(&judge_leaf(|draft| draft.valid_until_general("2050-01-01")));
    for bent in [
        judge_leaf(|draft| draft.valid_until_general("2049-12-31")),
        judge_issuing(|draft| draft.valid_until_general("2049-12-31")),
    ] {
        assert_refused(&bent, Reason::Field, "notAfter");
        assert!(bent.error.unwrap().found.contains("2049"));
    }
}

#[test]
fn an_issuer_must_be_an_authority() {
    let cases: [(Outcome, Reason, &str); 5] = [
        (
            judge_issuing(|draft| draft.without(oid::BASIC_CONSTRAINTS).without(oid::KEY_USAGE)),
            Reason::NotAnAuthority,
            "basicConstraints",
        ),
        (
            judge_issuing(|draft| {
                let end = BasicConstraints { ca: false, path_len_constraint: None };
                draft.with(oid::BASIC_CONSTRAINTS, true, &end).without(oid::KEY_USAGE)
            }),
            Reason::NotAnAuthority,
            "basicConstraints",
        ),
        (
            judge_issuing(|draft| {
                let authority = BasicConstraints { ca: true, path_len_constraint: None };
                draft.with(oid::BASIC_CONSTRAINTS, false, &authority)
            }),
            Reason::NotAnAuthority,
            "basicConstraints",
        ),
        (
            judge_issuing(|draft| {
                draft.with(oid::KEY_USAGE, true, &KeyUsage(KeyUsages::CRLSign.into()))
            }),
            Reason::KeyUsage,
            "keyUsage",
        ),
        (
            judge_issuing(|draft| draft.without(oid::SUBJECT_KEY_IDENTIFIER)),
            Reason::KeyIdentifier,
            "subjectKeyIdentifier",
        ),
    ];
    for (outcome, reason, field) in cases {
        assert_refused(&outcome, reason, field);
    }
    // keyUsage may be left out.
    assert_valid(&judge_issuing(|draft| draft.without(oid::KEY_USAGE)));
}

#[test]
fn path_length_counts_authorities_but_no_leaf_and_no_self_issued_one() {
    let [root, a, b] = ["CN=Root", "CN=A", "CN=B"].map(|name| Party::new(name, "p256"));
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&b);
    let judge = |a_draft: Draft| {
        let pool = [a_draft.sign(&root), b.authority().sign(&a)];
        verify(&leaf, &pool, &root.root())
    };
    assert_valid(&judge(a.authority().path_length(1)));
    assert_refused(&judge(a.authority().path_length(0)), Reason::PathLength, "pathLenConstraint");

    // A new key of the same CA: self-issued, not counted.
    let renewed = Party::new("CN=A", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&renewed);
    let pool = [a.authority().path_length(0).sign(&root), renewed.authority().sign(&a)];
    assert_valid(&verify(&leaf, &pool, &root.root()));
}

#[test]
fn unknown_critical_extensions_are_refused_and_others_ignored() {
    let unknown = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55738.666.1");
    assert_valid(&judge_leaf(|draft| draft.with(unknown, false, &Null)));
    let outcome = judge_leaf(|draft| draft.with(unknown, true, &Null));
    assert_refused(&outcome, Reason::UnknownCriticalExtension, "extensions");
    let outcome = judge_issuing(|draft| draft.with(unknown, true, &Null));
    assert_refused(&outcome, Reason::UnknownCriticalExtension, "extensions");
    assert!(outcome.error.unwrap().found.contains("1.3.6.1.4.1.55738.666.1"));
}

#[test]
fn key_identifiers_must_name_the_issuer() {
    let other = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new([7; 20]).unwrap()),
        ..Default::default()
    };
    let outcome = judge_leaf(|draft| draft.with(oid::AUTHORITY_KEY_IDENTIFIER, false, &other));
    assert_refused(&outcome, Reason::KeyIdentifier, "authorityKeyIdentifier");
    let empty = AuthorityKeyIdentifier::default();
    let outcome = judge_leaf(|draft| draft.with(oid::AUTHORITY_KEY_IDENTIFIER, false, &empty));
    assert_refused(&outcome, Reason::KeyIdentifier, "authorityKeyIdentifier");
}

#[test]
fn serial_numbers_are_positive_and_short() {
    let mut longest = [0x7f; 20];
    assert_valid(&judge_leaf(|draft| draft.serial(&longest)));
    longest[0] = 0x80;
    for (octets, found) in [
        (longest.to_vec(), "negative"),
        (vec![0], "zero"),
        ([&[0x01][..], &[0; 20]].concat(), "21 octets"),
    ] {
        let outcome = judge_leaf(|draft| draft.serial(&octets));
        assert_refused(&outcome, Reason::Field, "serialNumber");
        assert!(outcome.error.unwrap().found.contains(found));
    }
}

#[test]
fn usages_hold_along_the_path() {
    let eku = |usages: &[Usage]| ExtendedKeyUsage(usages.iter().map(|one| one.oid()).collect());
    let wanted = Options { usage: Some(Usage::ServerAuth), ..options() };
    let judge = |issuing: &[Usage], leaf: &[Usage]| {
        let (issuing, leaf) = (eku(issuing), eku(leaf));
        judge(
            |draft| draft.with(oid::EXTENDED_KEY_USAGE, false, &issuing),
            |draft| draft.with(oid::EXTENDED_KEY_USAGE, false, &leaf),
            &wanted,
        )
    };
    let (server, client) = (Usage::ServerAuth, Usage::ClientAuth);
    assert_valid(&judge(&[server, client], &[server]));
    assert_refused(&judge(&[server], &[client]), Reason::ExtendedKeyUsage, "extendedKeyUsage");
    let outcome = judge(&[client], &[server, client]);
    assert_refused(&outcome, Reason::ExtendedKeyUsage, "extendedKeyUsage");
    assert_eq!(outcome.error.unwrap().certificate, "CN=Issuing");
}

#[test]
fn post_quantum_signing_keys_do_not_encrypt() {
    let root = Party::new("CN=Root", "p256");
    for algorithm in ["ml-dsa-44", "hybrid"] {
        let leaf = Party::new("CN=leaf", algorithm);
        let bits = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
        let wrong = leaf.leaf().with(oid::KEY_USAGE, true, &KeyUsage(bits)).sign(&root);
        let outcome = verify(&wrong, &[], &root.root());
        assert_refused(&outcome, Reason::KeyUsage, "keyUsage");
        assert_valid(&verify(&leaf.leaf().sign(&root), &[], &root.root()));
    }
}

#[test]
fn weak_rsa_keys_are_refused() {
    // Made by `openssl genrsa 1024 | openssl rsa -pubout -outform der`.
    let spki = include_bytes!("rsa1024.spki.der");
    let key = crate::public_key::PublicKey::from_spki(spki).unwrap();
    assert!(key.check_strength().is_err());
    let root = Party::new("CN=Root", "p256");
    let draft = Party::new("CN=leaf", "p256").leaf();
    assert_valid(&verify(&draft.sign(&root), &[], &root.root()));
    let weak = draft.public_key(spki).sign(&root);
    assert_refused(&verify(&weak, &[], &root.root()), Reason::WeakKey, "subjectPublicKeyInfo");
}

#[test]
fn the_name_must_be_in_the_subject_alt_name() {
    let judge = |name: &str| {
        let options = Options { name: Some(name.parse::<ServerName>().unwrap()), ..options() };
        let address = GeneralName::IpAddress(OctetString::new([192, 0, 2, 7]).unwrap());
        let names = vec![dns("example.com"), dns("*.example.org"), address];
        judge(|draft| draft, |draft| draft.names(names), &options)
    };
    for good in ["example.com", "EXAMPLE.com.", "a.example.org", "192.0.2.7"] {
        assert_valid(&judge(good));
    }
    for bad in ["leaf", "example.net", "a.b.example.org", "192.0.2.8", "a@example.com"] {
        assert_refused(&judge(bad), Reason::Name, "subjectAltName");
    }
}

#[test]
fn an_issuer_limits_names() {
    let limited = |base: &str| NameConstraints {
        permitted_subtrees: Some(vec![GeneralSubtree {
            base: dns(base),
            minimum: 0,
            maximum: None,
        }]),
        excluded_subtrees: None,
    };
    let judge = |base: &str, critical| {
        let constraints = limited(base);
        judge_issuing(|draft| draft.with(oid::NAME_CONSTRAINTS, critical, &constraints))
    };
    assert_valid(&judge("example.com", true));
    let outside = judge("example.org", true);
    assert_refused(&outside, Reason::NameConstraint, "subject or subjectAltName");
    assert!(outside.error.unwrap().to_string().contains("DNS:example.com"));
    assert_refused(&judge("example.com", false), Reason::Extension, "nameConstraints");
    assert_refused(&judge("*.example.com", true), Reason::NameConstraint, "nameConstraints");
    // Only a CA may have them.
    let constraints = limited("example.com");
    let outcome = judge_leaf(|draft| draft.with(oid::NAME_CONSTRAINTS, true, &constraints));
    assert_refused(&outcome, Reason::Extension, "nameConstraints");
}
