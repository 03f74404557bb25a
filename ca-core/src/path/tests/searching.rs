//! Building: candidates, circles, bounds, which failure is told.

use der::asn1::Ia5String;
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;

use super::drafts::{Party, with_wrong_signature};
use super::*;
use crate::extensions::oid;
use crate::path::{Check, MAX_SIGNATURE_CHECKS};

#[test]
fn the_right_issuer_is_found_among_others_of_its_name() {
    let root = Party::new("CN=Root", "p256");
    let issuing = Party::new("CN=Issuing", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&issuing);
    let other_key = Party::new("CN=Issuing", "p256").authority().sign(&root);
    let expired = issuing.authority().valid("2025-01-01", "2025-06-01").sign(&root);
    let right = issuing.authority().sign(&root);
    let pool = [other_key.clone(), expired.clone(), right.clone()];
    assert_valid(&verify(&leaf, &pool, &root.root()));
    // Without the right one, the path that got furthest is told first.
    let outcome = verify(&leaf, &[other_key, expired], &root.root());
    assert_refused(&outcome, Reason::Expired, "notAfter");
    assert_eq!(outcome.other_errors.len(), 1);
    assert_eq!(outcome.other_errors[0].reason, Reason::KeyIdentifier);
}

#[test]
fn names_are_compared_without_case_and_spaces() {
    let root = Party::new("CN=Root  CA", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&root);
    let root = root.renamed("CN=ROOT CA");
    assert_valid(&verify(&leaf, &[], &root.root()));
    let root = root.renamed("CN=ROOT CB");
    assert_refused(&verify(&leaf, &[], &root.root()), Reason::NoIssuer, "issuer");
}

#[test]
fn circles_end() {
    let [a, b] = ["CN=A", "CN=B"].map(|name| Party::new(name, "p256"));
    let root = Party::new("CN=Root", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&a);
    let pool = [a.authority().sign(&b), b.authority().sign(&a)];
    let outcome = verify(&leaf, &pool, &root.root());
    assert_refused(&outcome, Reason::NoIssuer, "issuer");
    let way_out = [pool[0].clone(), pool[1].clone(), b.authority().sign(&root)];
    assert_valid(&verify(&leaf, &way_out, &root.root()));
}

/// A pool of CAs of one name, each with its own key, that all have signed each other.
#[test]
fn a_hostile_pool_costs_a_bounded_number_of_checks() {
    let parties: Vec<Party> = (0..14).map(|_| Party::new("CN=Same", "p256")).collect();
    let identifier = oid::AUTHORITY_KEY_IDENTIFIER;
    let mut pool = Vec::new();
    for subject in &parties {
        for issuer in &parties {
            // Without identifiers nothing tells which issuer is meant.
            let draft = subject.authority().without(identifier);
            pool.push(draft.sign_as_it_is(issuer));
        }
    }
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&parties[0]);
    let root = Party::new("CN=Root", "p256").root();
    let outcome = verify(&leaf, &pool, &root);
    assert_refused(&outcome, Reason::TooMuchWork, "intermediates");
    assert!(outcome.error.unwrap().allowed.contains(&MAX_SIGNATURE_CHECKS.to_string()));
}

#[test]
fn the_path_is_only_as_deep_as_allowed() {
    let parties: Vec<Party> =
        (0..4).map(|index| Party::new(&format!("CN=CA {index}"), "p256")).collect();
    let pool: Vec<_> = parties.windows(2).map(|pair| pair[1].authority().sign(&pair[0])).collect();
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&parties[3]);
    let root = parties[0].root();
    let judge = |max_depth| {
        let options = Options { max_depth, ..options() };
        verify_path(&leaf, &pool, std::slice::from_ref(&root), &options)
    };
    assert_valid(&judge(3));
    assert_refused(&judge(2), Reason::TooDeep, "path");
}

#[test]
fn an_untrusted_root_is_named() {
    let root = Party::new("CN=Root", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&root);
    let stranger = Party::new("CN=Stranger", "p256").root();
    let outcome = verify(&leaf, &[root.root()], &stranger);
    assert_refused(&outcome, Reason::NoIssuer, "issuer");
    let error = outcome.error.unwrap();
    assert_eq!(error.certificate, "CN=Root");
    assert!(error.found.contains("not a trust anchor"), "{error}");
}

#[test]
fn the_outcome_tells_every_step_to_people_and_programs() {
    let root = Party::new("CN=Root", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&root);
    let outcome = verify(&leaf, &[], &root.root());
    let text = outcome.to_string();
    assert!(text.starts_with("valid at 2026-06-01T00:00:00Z (policy any)\n  CN=Root\n"), "{text}");
    assert!(text.contains("    ok   signature             ECDSA with SHA-256\n"), "{text}");
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["valid"], true);
    assert_eq!(json["steps"][0]["check"], "issuer");
    assert_eq!(json.get("error"), None);

    let wrong = verify(&with_wrong_signature(&leaf), &[], &root.root());
    let text = wrong.to_string();
    assert!(text.starts_with("NOT valid at"), "{text}");
    assert!(text.contains("    FAIL signature "), "{text}");
    let json = serde_json::to_value(&wrong).unwrap();
    assert_eq!(json["error"]["reason"], "signature");
    assert_eq!(json["error"]["certificate"], "CN=leaf");
    assert_eq!(wrong.steps.last().unwrap().check, Check::Signature);
}

/// RFC 5280 section 3.2: the certificate of a CA's new key, signed by its old one.
#[test]
fn a_trusted_certificate_that_its_own_key_did_not_sign_is_sought_among_the_other_anchors() {
    let [old, new] = [(); 2].map(|()| Party::new("CN=Root", "p256"));
    let rolled = new.authority().sign(&old);
    let judge = |anchors: &[Certificate]| verify_path(&rolled, &[], anchors, &options());
    assert_valid(&judge(&[rolled.clone(), old.root()]));
    // Alone, or beside another key of the name, it is not vouched for.
    let outcome = judge(std::slice::from_ref(&rolled));
    assert_refused(&outcome, Reason::Signature, "signatureValue");
    let other = Party::new("CN=Root", "p256").root();
    let outcome = judge(&[rolled.clone(), other]);
    assert_refused(&outcome, Reason::KeyIdentifier, "authorityKeyIdentifier");
}

#[test]
fn comparisons_of_names_are_bounded_over_all_paths() {
    let root = Party::new("CN=Root", "p256");
    let issuing = Party::new("CN=Issuing", "p256");
    // 400 constraints by 400 names: more than half of the bound. The last name is excluded, so
    // that each path is gone to its end.
    let host = |text: String| GeneralName::DnsName(Ia5String::new(&text).unwrap());
    let mut excluded: Vec<_> = (0..400).map(|index| host(format!("e{index}.example"))).collect();
    excluded.push(host("last.example".into()));
    let subtree = |base| GeneralSubtree { base, minimum: 0, maximum: None };
    let limits = NameConstraints {
        permitted_subtrees: None,
        excluded_subtrees: Some(excluded.into_iter().map(subtree).collect()),
    };
    let constrained = |serial| {
        let draft = issuing.authority().serial(&[0x40, serial]);
        draft.with(oid::NAME_CONSTRAINTS, true, &limits).sign(&root)
    };
    let mut asked: Vec<_> = (0..400).map(|index| host(format!("n{index}.example"))).collect();
    asked.push(host("last.example".into()));
    let leaf = Party::new("CN=leaf", "p256").leaf().names(asked).sign(&issuing);
    let [one, other] = [1, 2].map(constrained);
    let outcome = verify(&leaf, std::slice::from_ref(&one), &root.root());
    assert_refused(&outcome, Reason::NameConstraint, "subject or subjectAltName");
    let outcome = verify(&leaf, &[one, other], &root.root());
    assert_refused(&outcome, Reason::TooMuchWork, "nameConstraints");
    assert!(outcome.error.unwrap().allowed.contains("in all paths"));
}
