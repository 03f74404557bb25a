//! A few thousand mutated certificates: where OpenSSL and we differ, a class says why. The whole run of 100,000 is
//! `cargo xtask fuzz --differential 100000`.

#![allow(clippy::print_stdout)] // the counts are what this test tells

use interop::differential::{CLASSES, run};
use interop::peers::tried;

const COUNT: usize = 3000;

#[test]
fn no_difference_is_unexplained() {
    let Some(tally) = run(COUNT, 2026) else { return };
    println!("{} accepted by both, {} refused by both", tally.both_accept, tally.both_refuse);
    for (name, count) in &tally.explained {
        println!("{count}: {name}");
    }
    let shown: Vec<String> =
        tally.shown.iter().map(|case| format!("{} {:?}", case.verdicts(), case.changes)).collect();
    assert_eq!(tally.unexplained, 0, "\n{}", shown.join("\n"));
    // Neither side may refuse everything, nor agree by accepting everything.
    assert!(tally.both_accept > COUNT / 50, "{tally:?}");
    assert!(tally.both_refuse > COUNT / 4, "{tally:?}");
    assert!(!tally.explained.is_empty() && CLASSES.len() >= tally.explained.len());
    let outcome = format!(
        "{} judged alike, {} differences, all explained",
        tally.both_accept + tally.both_refuse,
        tally.explained.values().sum::<usize>()
    );
    tried("openssl", "mutated certificates", &outcome);
}
