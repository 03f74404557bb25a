//! Links: signatures of every family, alternative ones, security policies.

use super::drafts::{Party, with_wrong_signature};
use super::*;
use crate::extensions::oid;
use crate::path::{Check, Reason, Verdict};

/// Root, issuing CA and leaf of one algorithm.
fn chain(algorithm: &str) -> [Certificate; 3] {
    let [root, issuing, leaf] =
        ["CN=Root", "CN=Issuing", "CN=leaf"].map(|name| Party::new(name, algorithm));
    [leaf.leaf().sign(&issuing), issuing.authority().sign(&root), root.root()]
}

/// The same of P-256, with alternative signatures.
fn chain_with(alternative: &str) -> ([Certificate; 3], Party) {
    let party = |name| Party::with_alternative(name, "p256", alternative);
    let [root, issuing] = ["CN=Root", "CN=Issuing"].map(party);
    let leaf = Party::new("CN=leaf", "p256");
    let chain = [leaf.leaf().sign(&issuing), issuing.authority().sign(&root), root.root()];
    (chain, issuing)
}

#[test]
fn every_family_verifies_and_a_flipped_bit_is_refused() {
    for algorithm in [
        "p256",
        "p384",
        "ed25519",
        "ml-dsa-65",
        "slh-dsa-sha2-128f",
        "hybrid",
        "MLDSA44-Ed25519-SHA512",
    ] {
        let [leaf, issuing, root] = chain(algorithm);
        let pool = [issuing];
        assert_valid(&verify(&leaf, &pool, &root));
        let wrong_leaf = verify(&with_wrong_signature(&leaf), &pool, &root);
        assert_refused(&wrong_leaf, Reason::Signature, "signatureValue");
        let wrong_issuing = verify(&leaf, &[with_wrong_signature(&pool[0])], &root);
        assert_refused(&wrong_issuing, Reason::Signature, "signatureValue");
        assert_eq!(wrong_issuing.error.unwrap().certificate, "CN=Issuing");
    }
}

#[test]
fn policies_ask_for_kinds_of_signatures() {
    let (with_alternative, _) = chain_with("ml-dsa-44");
    let cases = [
        (chain("p256"), [true, false, false]),
        (chain("ml-dsa-44"), [true, true, false]),
        (chain("slh-dsa-sha2-128f"), [true, true, false]),
        (chain("hybrid"), [true, true, true]),
        (chain_with("slh-dsa-shake-128f").0, [true, true, true]),
        (with_alternative, [true, true, true]),
    ];
    for ([leaf, issuing, root], expected) in cases {
        let policies = [SecurityPolicy::Any, SecurityPolicy::PostQuantum, SecurityPolicy::Hybrid];
        for (policy, expected) in policies.into_iter().zip(expected) {
            let [pool, roots] = [[issuing.clone()], [root.clone()]];
            let outcome = verify_path(&leaf, &pool, &roots, &with_policy(policy));
            if expected {
                assert_valid(&outcome);
            } else {
                assert_refused(&outcome, Reason::SecurityPolicy, "signature");
            }
        }
    }
}

#[test]
fn one_classical_link_breaks_a_post_quantum_path() {
    let root = Party::new("CN=Root", "p256");
    let issuing = Party::new("CN=Issuing", "hybrid");
    let leaf = Party::new("CN=leaf", "hybrid").leaf().sign(&issuing);
    let pool = [issuing.authority().sign(&root)];
    assert_valid(&verify(&leaf, &pool, &root.root()));
    let options = with_policy(SecurityPolicy::PostQuantum);
    let outcome = verify_path(&leaf, &pool, &[root.root()], &options);
    assert_refused(&outcome, Reason::SecurityPolicy, "signature");
    assert_eq!(outcome.error.unwrap().certificate, "CN=Issuing");
}

#[test]
fn a_wrong_alternative_signature_is_refused_under_every_policy() {
    let ([_, issuing_certificate, root], issuing) = chain_with("ml-dsa-44");
    let leaf = Party::new("CN=leaf", "p256");
    // The classical signature is right: it is made over the wrong alternative one.
    let wrong = leaf.leaf().sign_bending(&issuing, |value| value[100] ^= 1);
    for policy in [SecurityPolicy::Any, SecurityPolicy::PostQuantum, SecurityPolicy::Hybrid] {
        let (pool, roots) = ([issuing_certificate.clone()], [root.clone()]);
        let outcome = verify_path(&wrong, &pool, &roots, &with_policy(policy));
        assert_refused(&outcome, Reason::AlternativeSignature, "altSignatureValue");
    }
}

#[test]
fn half_an_alternative_signature_is_refused() {
    let ([_, issuing_certificate, root], issuing) = chain_with("ml-dsa-44");
    let draft = Party::new("CN=leaf", "p256").leaf();
    let algorithm = crate::algorithm::Algorithm::named("ml-dsa-44").unwrap().scheme();
    let identifier = x509_cert::ext::pkix::AuthorityKeyIdentifier {
        key_identifier: issuing_certificate
            .extensions()
            .subject_key_identifier()
            .map(|octets| der::asn1::OctetString::new(octets).unwrap()),
        ..Default::default()
    };
    let half = draft
        .with(oid::AUTHORITY_KEY_IDENTIFIER, false, &identifier)
        .with(oid::ALT_SIGNATURE_ALGORITHM, false, &algorithm.to_identifier())
        .sign_as_it_is(&issuing);
    let outcome = verify(&half, &[issuing_certificate], &root);
    assert_refused(&outcome, Reason::AlternativeSignature, "altSignatureValue");
}

#[test]
fn an_alternative_signature_that_nobody_can_check_is_told_and_counts_for_nothing() {
    // The issuer signs twice, but its certificate does not show the alternative key.
    let root = Party::new("CN=Root", "p256");
    let issuing = Party::with_alternative("CN=Issuing", "p256", "ml-dsa-44");
    let pool = [issuing.authority().without(oid::SUBJECT_ALT_PUBLIC_KEY_INFO).sign(&root)];
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&issuing);
    let outcome = verify(&leaf, &pool, &root.root());
    assert_valid(&outcome);
    let step = outcome.steps.iter().find(|one| one.check == Check::AlternativeSignature).unwrap();
    assert_eq!(step.verdict, Verdict::NotChecked);
    let options = with_policy(SecurityPolicy::Hybrid);
    let strict = verify_path(&leaf, &pool, &[root.root()], &options);
    assert_refused(&strict, Reason::SecurityPolicy, "signature");
}

#[test]
fn a_certificate_that_is_its_own_anchor_has_its_signature_checked() {
    for algorithm in ["p256", "ml-dsa-44", "hybrid"] {
        let root = Party::new("CN=Root", algorithm).root();
        assert_valid(&verify(&root, &[], &root));
        let wrong = with_wrong_signature(&root);
        assert_refused(&verify(&wrong, &[], &wrong), Reason::Signature, "signatureValue");
        // Another certificate of the same name and key does not vouch for it.
        assert!(!verify(&wrong, &[], &root).valid);
    }
    // Its own signature is a link: a classical one does not satisfy a stricter policy.
    let root = Party::new("CN=Root", "p256").root();
    let outcome =
        verify_path(&root, &[], std::slice::from_ref(&root), &with_policy(SecurityPolicy::Hybrid));
    assert_refused(&outcome, Reason::SecurityPolicy, "signature");
}

#[test]
fn a_trusted_certificate_that_others_signed_satisfies_only_any() {
    let leaf = Party::new("CN=leaf", "hybrid").leaf().sign(&Party::new("CN=Far", "hybrid"));
    assert_valid(&verify(&leaf, &[], &leaf));
    let options = with_policy(SecurityPolicy::PostQuantum);
    let outcome = verify_path(&leaf, &[], std::slice::from_ref(&leaf), &options);
    assert_refused(&outcome, Reason::SecurityPolicy, "signature");
}

#[test]
fn no_bit_of_a_certificate_can_change() {
    let root = Party::new("CN=Root", "p256");
    let leaf = Party::new("CN=leaf", "p256").leaf().sign(&root);
    let anchors = [root.root()];
    assert_valid(&verify(&leaf, &[], &anchors[0]));
    for bit in 0..leaf.der().len() * 8 {
        let mut der = leaf.der().to_vec();
        der[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = Certificate::from_der(&der) {
            let outcome = verify(&changed, &[], &anchors[0]);
            assert!(!outcome.valid, "bit {bit} may change:\n{outcome}");
        }
    }
}
