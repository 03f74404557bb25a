#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;
use crate::Protection;
use crate::offer::tests::{algorithm, offer, offers, under};
use crate::rules::tests::{of_mode, rules};

/// Why the way forth is not served, and why the way back is not.
fn refusals(rules: &Rules, all: &[&Offer]) -> (Option<String>, Option<String>) {
    let offers = offers(all);
    let Service { forth, back } = Service::of(rules, &offers);
    (forth.err().map(|why| why.to_string()), back.err().map(|why| why.to_string()))
}

fn forth(rules: &Rules, all: &[&Offer]) -> Option<String> {
    refusals(rules, all).0
}

#[test]
fn each_way_is_served_or_refused_by_itself() {
    let (classical, composite) = (offer("p256", "p256"), offer("hybrid", "hybrid"));
    let policy = rules(|_| {});
    let both = offers(&[&classical, &composite]);
    let service = Service::of(&policy, &both);
    assert_eq!(service.forth, Ok(Signers::One(&composite)));
    assert_eq!(service.back, Ok(&classical));
    let (way_forth, back) = refusals(&policy, &[&classical]);
    let words = "mode: found an issuer with authorities of Classical, allowed: one with an authority of Composite";
    assert_eq!((way_forth.as_deref(), back), (Some(words), None));
    let (way_forth, back) = refusals(&policy, &[&composite]);
    let words = "rollback: found an issuer with authorities of Composite, allowed: one with an authority of Classical";
    assert_eq!((way_forth, back.as_deref()), (None, Some(words)));
}

#[test]
fn a_pair_is_of_a_classical_and_a_post_quantum_authority() {
    let (classical, pure) = (offer("p256", "p256"), offer("ml-dsa-87", "ml-dsa-65"));
    let (dual, both) = (of_mode(Mode::Dual), offers(&[&classical, &pure]));
    let pair = Signers::Pair { classical: &classical, post_quantum: &pure };
    assert_eq!(Service::of(&dual, &both).forth, Ok(pair));
    for lone in [&classical, &pure] {
        let refusal = forth(&dual, &[lone]).unwrap();
        assert!(refusal.starts_with("mode: found an issuer"), "{refusal}");
    }
}

#[test]
fn an_authority_is_refused_for_its_algorithm() {
    let strong = offer("hybrid", "MLDSA87-ECDSA-P384-SHA512");
    let refusal = forth(&rules(|_| {}), &[&strong]).unwrap();
    let words = "algorithms: found MLDSA87-ECDSA-P384-SHA512, allowed: ML-KEM-768, ML-DSA-65";
    assert_eq!(refusal, words);
    let named = rules(|policy| policy.algorithms = vec!["dilithium5".into()]);
    assert_eq!(forth(&named, &[&strong]), None);
}

/// Each mode with a root of its sort, and with roots that would make its chains weaker, or ones that fewer can verify.
#[test]
fn every_link_has_the_mode_of_the_certificate() {
    let catalyst = "p256+ml-dsa-65";
    for (mode, issuing, fine, weak) in [
        (Mode::Classical, "p256", &["p384", catalyst][..], &["hybrid", "ml-dsa-87"][..]),
        // Under other roots ca-core makes none; others do, see below.
        (Mode::Catalyst, catalyst, &[catalyst], &[]),
        (
            Mode::Composite,
            "hybrid",
            &["MLDSA87-ECDSA-P384-SHA512"],
            &["p256", catalyst, "ml-dsa-87"],
        ),
        (
            Mode::PostQuantum,
            "ml-dsa-65",
            &["slh-dsa-sha2-128s", "ml-dsa-87"],
            &["p256", catalyst, "hybrid"],
        ),
    ] {
        let policy = of_mode(mode);
        for root in fine {
            assert_eq!(forth(&policy, &[&offer(root, issuing)]), None, "{issuing} under {root}");
        }
        for root in weak {
            let refusal = forth(&policy, &[&offer(root, issuing)]).unwrap();
            let words = format!(
                "in the chain of the authority {issuing}, allowed: signatures of mode {mode}"
            );
            assert!(refusal.starts_with("mode: found ") && refusal.contains(&words), "{refusal}");
        }
    }
}

#[test]
fn an_alternative_signature_of_a_foreign_root_is_missed_in_the_chain() {
    let catalyst = of_mode(Mode::Catalyst);
    let second = algorithm("ml-dsa-65").scheme();
    let by = |name: &str| Protection::single(algorithm(name).scheme());
    for (link, is_served) in [
        (by("p256").with_alternative(second), true),
        (by("p256"), false),
        (by("hybrid"), false),
        (by("ml-dsa-65"), false),
    ] {
        let offer = under(link, offer("p256+ml-dsa-65", "p256+ml-dsa-65"));
        assert_eq!(forth(&catalyst, &[&offer]).is_none(), is_served, "{link}");
    }
}

#[test]
fn the_way_back_must_be_verified_by_the_peers_as_well() {
    let policy = |peers: &[&str]| {
        rules(|policy| policy.peers = peers.iter().map(|peer| (*peer).to_owned()).collect())
    };
    let composite = offer("hybrid", "hybrid");
    for (classical, peer, back) in [
        (offer("p256", "p256"), "bouncycastle1.86", true),
        (offer("ed25519", "ed25519"), "bouncycastle1.86", true),
        (offer("ed25519", "ed25519"), "java11", false),
    ] {
        let (_, refusal) = refusals(&policy(&[peer]), &[&classical, &composite]);
        assert_eq!(refusal.is_none(), back, "{refusal:?}");
        let words = "rollback: found java11, which can't verify Ed25519 in the chain";
        assert!(refusal.is_none_or(|refusal| refusal.starts_with(words)));
    }
}

#[test]
fn a_mode_that_breaks_a_named_peer_is_refused_with_one_that_does_not() {
    let (classical, catalyst) = (offer("p256", "p256"), offer("p256+ml-dsa-65", "p256+ml-dsa-65"));
    let (composite, pure) = (offer("hybrid", "hybrid"), offer("ml-dsa-87", "ml-dsa-65"));
    let all = [&classical, &catalyst, &composite, &pure];
    let with = |mode: Mode, peers: &[&str]| {
        rules(|policy| {
            (policy.hybrid, policy.mode) = (None, Some(mode));
            policy.peers = peers.iter().map(|peer| (*peer).to_owned()).collect();
        })
    };
    let everybody = ["go", "java", "openssl3.0", "openssl3.5", "bouncycastle1.86"];
    for mode in [Mode::Classical, Mode::Catalyst, Mode::Dual] {
        assert_eq!(forth(&with(mode, &everybody), &all), None, "{mode}");
    }
    assert_eq!(forth(&with(Mode::PostQuantum, &["openssl3.5", "go1.27"]), &all), None);
    assert_eq!(forth(&with(Mode::Composite, &["bouncycastle1.86"]), &all), None);
    let refusal = forth(&with(Mode::Composite, &everybody), &all).unwrap();
    assert_eq!(
        refusal,
        "peers: found go, which can't verify MLDSA65-ECDSA-P256-SHA512 in the chain of the authority hybrid, allowed: peers that verify the Composite chain; it would pass with mode: Dual"
    );
    let refusal = forth(&with(Mode::PostQuantum, &["openssl3.5", "go1.26"]), &all).unwrap();
    assert!(refusal.starts_with("peers: found go1.26, which can't verify ML-DSA-65"), "{refusal}");
}

/// What is said to pass does: by the modes that the issuer has authorities of, and by what the policy says of `hybrid`.
#[test]
fn the_change_that_would_pass_is_one_that_does() {
    let (classical, catalyst) = (offer("p256", "p256"), offer("p256+ml-dsa-65", "p256+ml-dsa-65"));
    let pure = offer("ml-dsa-87", "ml-dsa-65");
    let policy = rules(|policy| {
        policy.hybrid = Some(false);
        policy.peers = vec!["go1.26".into()];
    });
    let change = |all: &[&Offer]| {
        let offers = offers(all);
        let refusal = Service::of(&policy, &offers).forth.unwrap_err();
        refusal.change().map(ToOwned::to_owned)
    };
    assert_eq!(change(&[&pure]), None, "nothing would");
    assert_eq!(change(&[&pure, &catalyst]), None, "nothing would bring back");
    assert_eq!(change(&[&pure, &classical]).as_deref(), Some("hybrid: true, mode: Dual"));
    let weak = offer("hybrid", "ml-dsa-65");
    let both = [&weak, &catalyst, &classical];
    assert_eq!(change(&both).as_deref(), Some("hybrid: true, mode: Catalyst"));
    let changed = rules(|policy| {
        (policy.hybrid, policy.mode) = (Some(true), Some(Mode::Catalyst));
        policy.peers = vec!["go1.26".into()];
    });
    assert_eq!(forth(&changed, &both), None);
    // An algorithm that stands for composites alone serves no pair.
    let composites = rules(|policy| {
        policy.algorithms = vec!["hybrid".into()];
        policy.peers = vec!["go1.26".into()];
    });
    let refusal = forth(&composites, &[&offer("hybrid", "hybrid"), &classical, &pure]).unwrap();
    assert!(!refusal.contains("would pass"), "{refusal}");
}

#[test]
fn a_chain_that_can_not_fit_is_refused() {
    let (classical, composite) = (offer("p256", "p256"), offer("hybrid", "hybrid"));
    let least = composite.least_bytes();
    let chain = |most: usize| {
        let most = u32::try_from(most).unwrap();
        let policy = rules(|policy| policy.size_budget.chain_bytes = Some(most));
        forth(&policy, &[&classical, &composite])
    };
    assert_eq!(chain(least + 1), None);
    let words = format!(
        "sizeBudget.chainBytes: found more than {least} octets under the authority hybrid, allowed: at most {least}"
    );
    assert_eq!(chain(least), Some(words));
    // Four octets of PEM for three.
    let secret = |most: usize| {
        let most = u32::try_from(most).unwrap();
        let policy = rules(|policy| policy.size_budget.secret_bytes = Some(most));
        forth(&policy, &[&classical, &composite])
    };
    assert_eq!(secret(least.div_ceil(3) * 4 + 1), None);
    assert!(secret(least).unwrap().starts_with("sizeBudget.secretBytes: found more than "));
}

/// The larger chain of a pair is the one that counts, and both stand in its Secret.
#[test]
fn a_pair_needs_room_for_both_chains_in_its_secret() {
    let (classical, pure) = (offer("p256", "p256"), offer("ml-dsa-87", "ml-dsa-65"));
    let both = classical.least_bytes() + pure.least_bytes();
    let with = |chain: usize, secret: usize| {
        let policy = rules(|policy| {
            policy.mode = Some(Mode::Dual);
            policy.size_budget.chain_bytes = u32::try_from(chain).ok();
            policy.size_budget.secret_bytes = u32::try_from(secret).ok();
        });
        forth(&policy, &[&classical, &pure])
    };
    let (chain, secret) = (pure.least_bytes() + 1, both.div_ceil(3) * 4 + 1);
    assert_eq!(with(chain, secret), None);
    assert!(with(chain - 1, secret).unwrap().starts_with("sizeBudget.chainBytes"));
    assert!(with(chain, secret - 1).unwrap().starts_with("sizeBudget.secretBytes"));
}
