//! Certificate policies: required, mapped, inhibited.

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::{CertificatePolicies, InhibitAnyPolicy, PolicyConstraints};

use super::drafts::{Draft, Party};
use super::*;
use crate::extensions::oid;

const GOLD: &str = "1.3.6.1.4.1.55738.1";
const SILVER: &str = "1.3.6.1.4.1.55738.2";
const ANY: &str = "2.5.29.32.0";

fn policies(names: &[&str]) -> CertificatePolicies {
    let information = |name: &&str| PolicyInformation {
        policy_identifier: ObjectIdentifier::new_unwrap(name),
        policy_qualifiers: None,
    };
    CertificatePolicies(names.iter().map(information).collect())
}

/// The issuing CA with its policies, and requiring an explicit one.
fn requiring(draft: Draft, names: &[&str]) -> Draft {
    let constraints =
        PolicyConstraints { require_explicit_policy: Some(0), inhibit_policy_mapping: None };
    draft.with(oid::CERTIFICATE_POLICIES, false, &policies(names)).with(
        oid::POLICY_CONSTRAINTS,
        true,
        &constraints,
    )
}

fn judge(issuing: impl FnOnce(Draft) -> Draft, leaf: &[&str]) -> Outcome {
    let [root, middle, end] =
        ["CN=Root", "CN=Issuing", "CN=leaf"].map(|name| Party::new(name, "p256"));
    let mut draft = end.leaf();
    if !leaf.is_empty() {
        draft.set(oid::CERTIFICATE_POLICIES, false, &policies(leaf));
    }
    let pool = [issuing(middle.authority()).sign(&root)];
    verify(&draft.sign(&middle), &pool, &root.root())
}

#[test]
fn a_required_policy_must_be_shared() {
    assert_valid(&judge(|draft| requiring(draft, &[GOLD, SILVER]), &[GOLD]));
    assert_valid(&judge(|draft| requiring(draft, &[ANY]), &[GOLD]));
    assert_valid(&judge(|draft| requiring(draft, &[GOLD]), &[ANY]));
    // Nothing is required without the constraint.
    assert_valid(&judge(|draft| draft, &[]));
    for leaf in [&[SILVER][..], &[]] {
        let outcome = judge(|draft| requiring(draft, &[GOLD]), leaf);
        assert_refused(&outcome, Reason::CertificatePolicy, "certificatePolicies");
    }
}

#[test]
fn mappings_rename_policies() {
    let judge_mapped = |from, to, leaf| {
        // PolicyMappings is a list of pairs: the issuer's policy and the subject's.
        let mapping = vec![[from, to].map(ObjectIdentifier::new_unwrap).to_vec()];
        judge(|draft| requiring(draft, &[GOLD]).with(oid::POLICY_MAPPINGS, true, &mapping), &[leaf])
    };
    assert_valid(&judge_mapped(GOLD, SILVER, SILVER));
    let outcome = judge_mapped(GOLD, SILVER, GOLD);
    assert_refused(&outcome, Reason::CertificatePolicy, "certificatePolicies");
    let outcome = judge_mapped(GOLD, ANY, GOLD);
    assert_refused(&outcome, Reason::CertificatePolicy, "policyMappings");
}

#[test]
fn any_policy_can_be_inhibited() {
    let judge_inhibited = |leaf| {
        let inhibit = InhibitAnyPolicy(0);
        judge(
            |draft| requiring(draft, &[GOLD]).with(oid::INHIBIT_ANY_POLICY, true, &inhibit),
            &[leaf],
        )
    };
    assert_valid(&judge_inhibited(GOLD));
    let outcome = judge_inhibited(ANY);
    assert_refused(&outcome, Reason::CertificatePolicy, "certificatePolicies");
}

#[test]
fn a_policy_stands_once() {
    let outcome = judge(|draft| draft, &[GOLD, GOLD]);
    assert_refused(&outcome, Reason::CertificatePolicy, "certificatePolicies");
    assert!(outcome.error.unwrap().found.contains("twice"));
}
