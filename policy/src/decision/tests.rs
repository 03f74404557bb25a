#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::offer::tests::{offer, offers};
use crate::{Canary, Offer, Rollback, Written};

const DEADLINE: i64 = 1_000;
const GOOD: Progress =
    Progress { rolled_back: false, forth: Trust::Published, back: Trust::Published };

/// Issuers: one with everything, whose own authority is none of those that a policy chooses; and some that lack something.
static ALL: LazyLock<Offers> = LazyLock::new(|| {
    let others = [("p256", "p256"), ("hybrid", "hybrid"), ("ml-dsa-87", "ml-dsa-65")];
    let others = others.map(|(root, issuing)| offer(root, issuing));
    offers(&[&offer("p384", "p384"), &others[0], &others[1], &others[2]])
});
static CLASSICAL: LazyLock<Offers> = LazyLock::new(|| offers(&[&offer("p256", "p256")]));
static COMPOSITE: LazyLock<Offers> = LazyLock::new(|| offers(&[&offer("hybrid", "hybrid")]));
/// Its classical authority can't serve: its root is none.
static NO_WAY_BACK: LazyLock<Offers> =
    LazyLock::new(|| offers(&[&offer("ml-dsa-87", "p256"), &offer("hybrid", "hybrid")]));

fn written() -> Written {
    Written { algorithms: vec!["dilithium3".to_owned()], ..Written::default() }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Whether an object takes one certificate alone.
fn is_certificate(has: &str) -> bool {
    has.starts_with("one of ")
}

/// What an object has, by the name of the authority.
fn holds<'a>(offers: &'a Offers, name: &str) -> Holds<'a> {
    match name.trim_start_matches("one of ") {
        "nothing" => Holds::Nothing,
        "lost" => Holds::Lost(None),
        "replaced" => Holds::Lost(Some(Signers::One(named(offers, "hybrid")))),
        "pair" => Holds::Of(Signers::Pair {
            classical: named(offers, "p256"),
            post_quantum: named(offers, "ml-dsa-65"),
        }),
        name => Holds::Of(Signers::One(named(offers, name))),
    }
}

fn named<'a>(offers: &'a Offers, name: &str) -> &'a Offer {
    offers.all().find(|offer| offer.authority() == name).unwrap()
}

/// The decision, and the names of those who sign.
fn decided(
    offers: &Offers,
    written: &Written,
    progress: Progress,
    (has, now): (&str, i64),
) -> (Decision, String) {
    let (rules, labels) = (Rules::read(written.clone()).unwrap(), BTreeMap::new());
    let holds = holds(offers, has);
    let takes_pair = !is_certificate(has);
    let subject =
        Subject { namespace: "shop", name: Some("web"), labels: &labels, holds, takes_pair };
    let service = Service::of(&rules, offers);
    let Verdict { decision, choice } =
        decide(&rules, (offers, &service), progress, &subject, second(now));
    let signed = match choice {
        Choice::By(Signers::One(offer)) => offer.authority().to_owned(),
        Choice::By(Signers::Pair { classical, post_quantum }) => {
            format!("{} and {}", classical.authority(), post_quantum.authority())
        }
        Choice::Wait => "nobody yet".to_owned(),
        Choice::Refuse(refusal) => refusal.to_string(),
    };
    (decision, signed)
}

/// Checks what each of these objects gets: what it has, the decision, who signs.
fn check(
    offers: &Offers,
    written: &Written,
    progress: Progress,
    now: i64,
    wanted: &[(&str, Decision, &str)],
) {
    for (has, decision, signed) in wanted {
        let found = decided(offers, written, progress, (has, now));
        assert_eq!(found, (*decision, (*signed).to_owned()), "{has} {progress:?} {now}");
    }
}

#[test]
fn the_policy_chooses_its_mode() {
    use Decision::Moved;
    let all = [("nothing", Moved, "hybrid"), ("p384", Moved, "hybrid"), ("lost", Moved, "hybrid")];
    check(&ALL, &written(), GOOD, 0, &all);
    for enforcement in [Enforcement::Warn, Enforcement::Enforce] {
        check(&ALL, &Written { enforcement, ..written() }, GOOD, 0, &all);
    }
    let dual = Written { mode: Some(Mode::Dual), ..written() };
    let both = "p256 and ml-dsa-65";
    check(&ALL, &dual, GOOD, 0, &[("p384", Moved, both), ("pair", Moved, both)]);
}

#[test]
fn a_pair_is_for_whom_takes_two_certificates() {
    use Decision::{Inactive, TakesNoPair};
    let dual = Written {
        mode: Some(Mode::Dual),
        enforcement: Enforcement::Enforce,
        deadline: Some(second(DEADLINE)),
        ..written()
    };
    let stays = [
        ("one of nothing", TakesNoPair, "p384"),
        ("one of p256", TakesNoPair, "p256"),
        ("one of hybrid", TakesNoPair, "hybrid"),
    ];
    check(&ALL, &dual, GOOD, 0, &stays);
    let words = "deadline: found the classical authority p256 past the deadline, allowed: Dual";
    let ended = [("one of p256", TakesNoPair, words), ("one of hybrid", TakesNoPair, "hybrid")];
    check(&ALL, &dual, GOOD, DEADLINE, &ended);
    let inactive = Written { active: false, ..dual };
    check(&ALL, &inactive, GOOD, 0, &[("one of hybrid", Inactive, "p256")]);
}

/// It is as if there were no policy, also where it is not active.
#[test]
fn an_audit_changes_nothing() {
    use Decision::Audited;
    for active in [true, false] {
        let audit = Written { enforcement: Enforcement::Audit, active, ..written() };
        for has in ["nothing", "p256", "hybrid", "lost"] {
            check(&ALL, &audit, GOOD, 0, &[(has, Audited, "p384")]);
        }
    }
}

#[test]
fn others_go_first_and_nobody_goes_back_for_that() {
    use Decision::{Moved, NotYet};
    let nobody = Written { canary: Canary::percent(0).unwrap(), ..written() };
    let stays = [
        ("nothing", NotYet, "p384"),
        ("p256", NotYet, "p256"),
        // Of another mode than the policy's, as where it goes from one to the next.
        ("ml-dsa-65", NotYet, "ml-dsa-65"),
        ("lost", NotYet, "nobody yet"),
        ("replaced", NotYet, "hybrid"),
        ("hybrid", Moved, "hybrid"),
    ];
    check(&ALL, &nobody, GOOD, 0, &stays);
    let ends = Written { deadline: Some(second(DEADLINE)), ..nobody };
    check(&ALL, &ends, GOOD, DEADLINE - 1, &stays);
    check(&ALL, &ends, GOOD, DEADLINE, &[("p256", Moved, "hybrid"), ("lost", Moved, "hybrid")]);
}

#[test]
fn before_trust_everybody_stays() {
    use Decision::{AwaitsTrust, Moved};
    let stays = [
        ("nothing", AwaitsTrust, "p384"),
        ("p256", AwaitsTrust, "p256"),
        ("ml-dsa-65", AwaitsTrust, "ml-dsa-65"),
        ("lost", AwaitsTrust, "nobody yet"),
        // Whoever must trust it does: it has been there before.
        ("hybrid", Moved, "hybrid"),
    ];
    for progress in
        [Progress { forth: Trust::Awaited, ..GOOD }, Progress { back: Trust::Awaited, ..GOOD }]
    {
        check(&ALL, &written(), progress, 0, &stays);
    }
}

#[test]
fn what_does_not_serve_moves_nobody() {
    use Decision::{Moved, NotServed};
    let lost = [("p256", NotServed, "p256"), ("lost", NotServed, "nobody yet")];
    check(&CLASSICAL, &written(), GOOD, 0, &lost);
    // Nothing could bring back.
    for offers in [&*NO_WAY_BACK, &*COMPOSITE] {
        let own = offers.own().authority();
        let stays = [("nothing", NotServed, own), ("hybrid", Moved, "hybrid")];
        check(offers, &written(), GOOD, 0, &stays);
    }
}

#[test]
fn one_field_brings_back_whoever_is_not_classical() {
    use Decision::{CannotGoBack, Inactive, RolledBack};
    let inactive = Written { active: false, ..written() };
    let rolled_back = Progress { rolled_back: true, ..GOOD };
    for (written, progress, back) in
        [(&inactive, GOOD, Inactive), (&written(), rolled_back, RolledBack)]
    {
        let all = [
            ("hybrid", back, "p256"),
            ("ml-dsa-65", back, "p256"),
            ("lost", back, "p256"),
            ("nothing", back, "p256"),
            // It never moved.
            ("p384", back, "p384"),
            ("p256", back, "p256"),
        ];
        check(&ALL, written, progress, 0, &all);
        let no_trust = Progress { back: Trust::Awaited, ..progress };
        let stays = [
            ("hybrid", CannotGoBack, "hybrid"),
            ("lost", CannotGoBack, "nobody yet"),
            ("nothing", CannotGoBack, "p384"),
            ("p384", back, "p384"),
        ];
        check(&ALL, written, no_trust, 0, &stays);
        check(&NO_WAY_BACK, written, progress, 0, &[("hybrid", CannotGoBack, "hybrid")]);
        // Nobody serves the mode any more: there is still a way back.
        check(&CLASSICAL, written, progress, 0, &[("lost", back, "p256")]);
        // Nobody need trust the new authority for it.
        let no_trust = Progress { forth: Trust::Awaited, ..progress };
        check(&ALL, written, no_trust, 0, &[("hybrid", back, "p256")]);
    }
}

#[test]
fn past_a_deadline_that_ends_the_way_back_everybody_stays() {
    use Decision::{Inactive, Stopped};
    let ended = |active, rollback| Written {
        enforcement: Enforcement::Enforce,
        deadline: Some(second(DEADLINE)),
        rollback,
        active,
        ..written()
    };
    let rolled_back = Progress { rolled_back: true, ..GOOD };
    for (active, progress) in [(false, GOOD), (true, rolled_back), (false, rolled_back)] {
        let stays = [
            ("hybrid", Stopped, "hybrid"),
            ("p256", Stopped, "p256"),
            ("nothing", Stopped, "nobody yet"),
            ("lost", Stopped, "nobody yet"),
        ];
        check(&ALL, &ended(active, Rollback::Disabled), progress, DEADLINE, &stays);
    }
    let off = ended(false, Rollback::Disabled);
    check(&ALL, &off, GOOD, DEADLINE - 1, &[("hybrid", Inactive, "p256")]);
    let off = ended(false, Rollback::Enabled);
    check(&ALL, &off, GOOD, DEADLINE, &[("hybrid", Inactive, "p256")]);
}

#[test]
fn past_the_deadline_nobody_enforced_gets_a_classical_one() {
    use Decision::{AwaitsTrust, Moved, NotServed};
    let with = |enforcement| Written { deadline: Some(second(DEADLINE)), enforcement, ..written() };
    let (warned, enforced) = (with(Enforcement::Warn), with(Enforcement::Enforce));
    let words =
        "deadline: found the classical authority p256 past the deadline, allowed: Composite";
    check(&CLASSICAL, &enforced, GOOD, DEADLINE, &[("p256", NotServed, words)]);
    check(&CLASSICAL, &enforced, GOOD, DEADLINE - 1, &[("p256", NotServed, "p256")]);
    check(&CLASSICAL, &warned, GOOD, DEADLINE, &[("p256", NotServed, "p256")]);
    let awaited = Progress { forth: Trust::Awaited, ..GOOD };
    check(&ALL, &enforced, awaited, DEADLINE, &[("p256", AwaitsTrust, "nobody yet")]);
    check(&ALL, &enforced, awaited, DEADLINE - 1, &[("p256", AwaitsTrust, "p256")]);
    check(&ALL, &warned, awaited, DEADLINE, &[("p256", AwaitsTrust, "p256")]);
    // From here on the way back holds up nobody.
    let awaited = Progress { back: Trust::Awaited, ..GOOD };
    check(&ALL, &enforced, awaited, DEADLINE, &[("p256", Moved, "hybrid")]);
    check(&NO_WAY_BACK, &enforced, GOOD, DEADLINE, &[("p256", Moved, "hybrid")]);
}

#[test]
fn a_request_without_a_name_is_among_the_canaries_when_everybody_is() {
    let labels = BTreeMap::from([("tier".to_owned(), "edge".to_owned())]);
    let subject = |name| Subject {
        namespace: "shop",
        name,
        labels: &labels,
        holds: Holds::Nothing,
        takes_pair: false,
    };
    let decided = |canary: Canary, name| {
        let rules = Rules::read(Written { canary, ..written() }).unwrap();
        let service = Service::of(&rules, &ALL);
        decide(&rules, (&ALL, &service), GOOD, &subject(name), second(0)).decision
    };
    let percent = |percent| Canary::percent(percent).unwrap();
    assert_eq!(decided(percent(99), None), Decision::NotYet);
    assert_eq!(decided(percent(99), Some("web")), Decision::Moved);
    assert_eq!(decided(percent(100), None), Decision::Moved);
    let labelled = |key| Canary::labelled(key, None).unwrap();
    assert_eq!(decided(labelled("tier"), None), Decision::Moved);
    assert_eq!(decided(labelled("other"), None), Decision::NotYet);
}

prop_compose! {
    fn any_policy()(
        active in any::<bool>(),
        enforcement in prop_oneof![
            Just(Enforcement::Audit), Just(Enforcement::Warn), Just(Enforcement::Enforce),
        ],
        percent in 0u32..=100,
        mode in prop_oneof![
            Just(Mode::Classical), Just(Mode::Composite), Just(Mode::PostQuantum), Just(Mode::Dual),
        ],
        ends in any::<bool>(),
        disabled in any::<bool>(),
    ) -> Written {
        let ends = ends && mode != Mode::Classical;
        let rollback = if disabled && ends { Rollback::Disabled } else { Rollback::Enabled };
        Written {
            active, enforcement, rollback,
            mode: Some(mode),
            canary: Canary::percent(percent).unwrap(),
            deadline: ends.then(|| second(DEADLINE)),
            ..written()
        }
    }
}

fn any_trust() -> impl Strategy<Value = Trust> {
    prop_oneof![Just(Trust::Published), Just(Trust::Awaited)]
}

prop_compose! {
    fn any_progress()(
        rolled_back in any::<bool>(), forth in any_trust(), back in any_trust(),
    ) -> Progress {
        Progress { rolled_back, forth, back }
    }
}

const HOLDS: [&str; 8] =
    ["nothing", "lost", "replaced", "p384", "p256", "hybrid", "ml-dsa-65", "pair"];

proptest! {
    /// Whoever signs is the one that signed before, the issuer's own, or trusted.
    #[test]
    fn nothing_new_is_signed_before_it_is_trusted(
        written in any_policy(), progress in any_progress(), has in 0..HOLDS.len(), now in 0i64..2_000,
    ) {
        let rules = Rules::read(written.clone()).unwrap();
        let service = Service::of(&rules, &ALL);
        let holds = holds(&ALL, HOLDS[has]);
        let labels = BTreeMap::new();
        let subject =
            Subject { namespace: "shop", name: Some("web"), labels: &labels, holds, takes_pair: now % 2 == 0 };
        let found = decide(&rules, (&ALL, &service), progress, &subject, second(now));
        let Choice::By(signers) = found.choice else { return Ok(()) };
        let is_known = [Holds::Of(signers), Holds::Lost(Some(signers))].contains(&holds)
            || signers == Signers::One(ALL.own());
        let is_forth = Ok(signers) == service.forth && progress.forth == Trust::Published;
        let is_back = service.back.clone().map(Signers::One) == Ok(signers)
            && progress.back == Trust::Published;
        prop_assert!(is_known || is_forth || is_back, "{:?}", found);
    }

    /// Without trust in it, and with nobody to sign the like, nobody falls from post-quantum to classical but by an
    /// audit, or by the policy's own will.
    #[test]
    fn nobody_falls_to_classical_by_accident(
        written in any_policy(), progress in any_progress(), has in 0..HOLDS.len(), now in 0i64..2_000,
    ) {
        let post_quantum = ["lost", "replaced", "hybrid", "ml-dsa-65", "pair"];
        prop_assume!(post_quantum.contains(&HOLDS[has]) && written.mode != Some(Mode::Classical));
        let (decision, signed) = decided(&ALL, &written, progress, (HOLDS[has], now));
        let is_classical = signed == "p256" || signed == "p384";
        let goes_back = matches!(
            decision,
            Decision::Inactive | Decision::RolledBack | Decision::CannotGoBack | Decision::Stopped
        );
        prop_assert!(!is_classical || decision == Decision::Audited || goes_back, "{decision:?}");
    }
}
