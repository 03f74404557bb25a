#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;
use crate::Protection;
use crate::chain::tests::chain;
use crate::offer::tests::algorithm;

pub(crate) const DEADLINE: &str = "2027-01-01T00:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A policy as the example writes it.
fn example() -> Written {
    Written {
        algorithms: vec!["kyber768".to_owned(), "dilithium3".to_owned()],
        hybrid: Some(true),
        ..Written::default()
    }
}

fn refused(change: impl FnOnce(&mut Written)) -> Refusal {
    let mut written = example();
    change(&mut written);
    Rules::read(written).unwrap_err()
}

/// The example, changed.
pub(crate) fn rules(change: impl FnOnce(&mut Written)) -> Rules {
    let mut written = example();
    change(&mut written);
    Rules::read(written).unwrap()
}

/// The example in a mode.
pub(crate) fn of_mode(mode: Mode) -> Rules {
    rules(|policy| (policy.hybrid, policy.mode) = (None, Some(mode)))
}

#[test]
fn the_example_is_a_policy_of_composites() {
    let rules = rules(|_| {});
    assert_eq!(rules.mode(), Mode::Composite);
    assert_eq!(rules.algorithms().names(), ["ML-KEM-768", "ML-DSA-65"]);
    assert_eq!(rules.enforcement(), Enforcement::Warn);
    assert!(rules.is_active() && rules.has_way_back(Timestamp::MAX));
}

#[test]
fn fields_against_each_other_are_refused() {
    let classical = |policy: &mut Written| {
        (policy.hybrid, policy.mode) = (None, Some(Mode::Classical));
    };
    let found = [
        refused(|policy| policy.mode = Some(Mode::PostQuantum)),
        refused(|policy| (policy.hybrid, policy.mode) = (Some(false), Some(Mode::Catalyst))),
        refused(|policy| policy.algorithms = vec!["kyber768".into()]),
        refused(|policy| policy.rollback = Rollback::Disabled),
        refused(|policy| {
            classical(policy);
            policy.deadline = Some(at(DEADLINE));
        }),
        refused(|policy| {
            classical(policy);
            policy.rollback = Rollback::Disabled;
        }),
        refused(|policy| policy.peers = vec!["netscape".into()]),
        refused(|policy| policy.size_budget.chain_bytes = Some(0)),
        refused(|policy| policy.size_budget.secret_bytes = Some(0)),
    ];
    let words = [
        "mode: found PostQuantum, allowed: Catalyst, Composite, Dual beside hybrid: true; it would pass with hybrid: false",
        "mode: found Catalyst, allowed: PostQuantum, Classical beside hybrid: false; it would pass with hybrid: true",
        "algorithms: found ML-KEM-768 beside mode Composite, allowed: an ML-DSA or a composite of it among them; it would pass with ml-dsa-65 added to algorithms",
        "rollback: found disabled, allowed: enabled, or a deadline until which there is a way back; it would pass with rollback: enabled",
        "deadline: found 2027-01-01T00:00:00Z, allowed: none beside mode Classical, which it would refuse; it would pass with deadline left out",
        "rollback: found disabled, allowed: enabled beside mode Classical, from which there is nowhere to go back; it would pass with rollback: enabled",
        "peers: found \"netscape\"",
        "sizeBudget.chainBytes: found 0, allowed: 1 or more",
        "sizeBudget.secretBytes: found 0, allowed: 1 or more",
    ];
    assert_eq!(found.len(), words.len());
    for (found, words) in found.iter().map(ToString::to_string).zip(words) {
        assert!(found.starts_with(words), "{found}");
    }
}

/// Two slips at once: no single change passes, and none is named.
#[test]
fn a_change_that_would_not_pass_is_not_named() {
    let found = [
        refused(|policy| {
            policy.mode = Some(Mode::PostQuantum);
            policy.algorithms = vec!["hybrid".into()];
        }),
        refused(|policy| {
            (policy.hybrid, policy.mode) = (None, Some(Mode::Classical));
            (policy.rollback, policy.deadline) = (Rollback::Disabled, Some(at(DEADLINE)));
        }),
        refused(|policy| policy.algorithms = vec!["p256".into()]),
    ];
    assert_eq!(found.map(|refusal| refusal.change().map(ToOwned::to_owned)), [None, None, None]);
}

#[test]
fn without_hybrid_a_mode_stands_for_itself() {
    for mode in Mode::ALL {
        assert_eq!(of_mode(mode).mode(), mode);
    }
    assert_eq!(rules(|policy| policy.hybrid = None).mode(), Mode::Composite);
    assert_eq!(rules(|policy| policy.hybrid = Some(false)).mode(), Mode::PostQuantum);
}

#[test]
fn a_certificate_complies_by_mode_and_algorithm() {
    let by = |name: &str| Holding::One(chain(signed_by(name), &[]));
    let composite = rules(|_| {});
    assert_eq!(composite.admit(&by("hybrid")), Ok(()));
    let refusal = composite.admit(&by("p256")).unwrap_err().to_string();
    assert_eq!(refusal, "mode: found Classical, allowed: Composite");
    let refusal = composite.admit(&by("MLDSA87-ECDSA-P384-SHA512")).unwrap_err();
    assert_eq!(refusal.field(), "algorithms");
    let classical = of_mode(Mode::Classical);
    assert_eq!(classical.admit(&by("p256")), Ok(()));
    assert!(classical.admit(&by("hybrid")).is_err());
}

fn signed_by(name: &str) -> Protection {
    Protection::single(algorithm(name).scheme())
}

#[test]
fn a_chain_complies_as_a_whole() {
    let under = |name: &str| Holding::One(chain(signed_by("hybrid"), &[signed_by(name)]));
    let composite = rules(|_| {});
    assert_eq!(composite.admit(&under("MLDSA87-ECDSA-P384-SHA512")), Ok(()));
    let refusal = composite.admit(&under("p384")).unwrap_err().to_string();
    let words =
        "mode: found ECDSA with SHA-384 in the chain, allowed: signatures of mode Composite";
    assert_eq!(refusal, words);
}

#[test]
fn a_pair_complies_as_a_pair_and_each_half_alone_does_not() {
    let pair = |name: &str| {
        let (classical, post_quantum) =
            (chain(signed_by("p256"), &[]), chain(signed_by(name), &[]));
        Holding::Pair { classical, post_quantum }
    };
    let dual = of_mode(Mode::Dual);
    assert_eq!(dual.admit(&pair("ml-dsa-65")), Ok(()));
    for half in ["p256", "ml-dsa-65"] {
        let half = Holding::One(chain(signed_by(half), &[]));
        assert_eq!(dual.admit(&half).unwrap_err().field(), "mode");
    }
    assert_eq!(dual.admit(&pair("ml-dsa-44")).unwrap_err().field(), "algorithms");
}

#[test]
fn the_way_back_ends_with_the_deadline_if_it_is_disabled() {
    let (before, after) = (at("2026-12-31T23:59:59Z"), at(DEADLINE));
    for (rollback, then) in [(Rollback::Enabled, true), (Rollback::Disabled, false)] {
        let rules = rules(|policy| (policy.rollback, policy.deadline) = (rollback, Some(after)));
        assert!(rules.has_way_back(before), "{rollback:?}");
        assert_eq!(rules.has_way_back(after), then, "{rollback:?}");
        assert!(!rules.is_past_deadline(before) && rules.is_past_deadline(after));
    }
}

#[test]
fn what_is_larger_than_its_budget_is_refused() {
    let budget = |chain_bytes, secret_bytes| {
        rules(|policy| policy.size_budget = SizeBudget { chain_bytes, secret_bytes })
    };
    assert_eq!(budget(None, None).admit_size(usize::MAX, usize::MAX), Ok(()));
    let both = budget(Some(10_000), Some(30_000));
    assert_eq!(both.admit_size(10_000, 30_000), Ok(()));
    let refusal = both.admit_size(10_001, 0).unwrap_err().to_string();
    assert_eq!(refusal, "sizeBudget.chainBytes: found 10001 octets, allowed: at most 10000");
    assert_eq!(both.admit_size(0, 30_001).unwrap_err().field(), "sizeBudget.secretBytes");
}
