//! `cargo xtask fuzz --differential COUNT`: mutated certificates judged by us and by OpenSSL.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use interop::differential::{CLASSES, Tally, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Option<Vec<u64>> = arguments.iter().map(|word| word.parse().ok()).collect();
    let (count, seed) = match numbers.as_deref() {
        Some([count]) => (*count, 1),
        Some([count, seed]) => (*count, *seed),
        _ => {
            eprintln!("error: arguments: found {arguments:?}, allowed: a count, and a seed");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    let Some(tally) = run(usize::try_from(count).unwrap_or(usize::MAX), seed) else {
        eprintln!("error: openssl: is not installed; run `cargo xtask peers` first");
        return ExitCode::FAILURE;
    };
    print(&tally);
    eprintln!("seed {seed}, {:.0} seconds", started.elapsed().as_secs_f64());
    if tally.unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn print(tally: &Tally) {
    println!("{} mutated certificates judged by us and by OpenSSL", tally.judged);
    println!("{:>8} accepted by both", tally.both_accept);
    println!("{:>8} refused by both", tally.both_refuse);
    for class in CLASSES {
        let count = tally.explained.get(class.name).copied().unwrap_or_default();
        println!("{count:>8} {}: {}", class.name, class.why);
    }
    println!("{:>8} unexplained differences", tally.unexplained);
    let mut kinds: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, case) in tally.shown.iter().enumerate() {
        kinds.entry(case.kind()).or_default().push(at);
    }
    for (kind, cases) in kinds {
        let case = &tally.shown[cases[0]];
        println!(
            "\n{} times: {kind}\n  {}\n  {}, between: {}, as server: {}, changes: {:?}\n  {}",
            cases.len(),
            case.verdicts(),
            case.family,
            case.between,
            case.as_server,
            case.changes,
            base16ct::lower::encode_string(&case.der)
        );
    }
}
