//! `cargo xtask test`: every check in order, going on after a failure so that one run shows all of them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use comfy_table::{ContentArrangement, Table};

use crate::cluster::building;
use crate::failure::Failure;
use crate::peers::{self, Found, State};
use crate::{generate, process, tried, workspace};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What needs no peers and no release build.
    Quick,
    /// All of it.
    Full,
}

/// One line of the closing table.
struct Line {
    name: &'static str,
    verdict: Result<String, String>,
    took: Duration,
}

/// The steps so far, and the sum of what `cargo test` counted.
#[derive(Default)]
struct Suite {
    lines: Vec<Line>,
    counts: Counts,
}

/// Runs the checks and prints a closing table.
///
/// # Errors
/// When any of them failed, with their names.
pub fn run(extent: Extent) -> Result<(), Failure> {
    let mut suite = Suite::default();
    match extent {
        Extent::Quick => {
            suite.format();
            suite.lints(&[]);
            suite.step("generated files", || generate::run(true).map(|()| String::new()));
            suite.tests(&[], Path::new("off"));
        }
        Extent::Full => suite.full(),
    }
    suite.close()
}

impl Suite {
    fn full(&mut self) {
        // The peers download while the compiler works.
        let begin = Instant::now();
        let installing = peers::start();
        self.format();
        self.step("rustdoc", || {
            let mut doc =
                workspace::cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
            process::run(doc.env("RUSTDOCFLAGS", "-D warnings")).map(|()| String::new())
        });
        self.step("generated files", || generate::run(true).map(|()| String::new()));
        let (mut found, mut slow) = (Vec::new(), None);
        self.step("peers", || {
            let (quick, waited_for_later) = installing?.quick()?;
            (found, slow) = (quick, Some(waited_for_later));
            there(&found)
        });
        let has_liboqs = found
            .iter()
            .any(|peer| peer.name == "liboqs" && matches!(peer.state, State::Present(_)));
        let features: &[&str] = if has_liboqs { &["--features", "interop/oqs"] } else { &[] };
        self.lints(features);
        self.step("the README's commands", readme);
        self.step("peers that are built for minutes", || {
            let Some(slow) = slow else {
                return Err(Failure::Found("they were not begun; see the step peers".into()));
            };
            let found = slow.wait()?;
            let note = there(&found)?;
            Ok(format!("{note}, {:.0} s after the start", begin.elapsed().as_secs_f64()))
        });
        self.tests(features, &peers::folder());
        self.ml_dsa(features, &peers::folder());
    }

    fn format(&mut self) {
        self.step("rustfmt", || {
            process::run(&mut workspace::cargo(&["fmt", "--all", "--check"]))
                .map(|()| String::new())
        });
    }

    fn lints(&mut self, features: &[&str]) {
        self.step("clippy", || {
            let mut clippy =
                workspace::cargo(&["clippy", "--workspace", "--all-targets", "--locked"]);
            process::run(clippy.args(features).args(["--quiet", "--", "-D", "warnings"]))
                .map(|()| String::new())
        });
    }

    fn tests(&mut self, features: &[&str], peers: &Path) {
        let mut test = test(features, peers);
        test.arg("--no-fail-fast");
        self.run("tests", &mut test, "tried");
    }

    /// The rows that the default control plane refuses. The build of the other one takes as long as all peers together,
    /// so it is not made here.
    fn ml_dsa(&mut self, features: &[&str], peers: &Path) {
        const NAME: &str = "ML-DSA on a control plane that knows it";
        match building::with_ml_dsa_if_built() {
            Ok(Some(cluster)) => {
                let mut test = test(features, peers);
                test.args(["--test", "issuer", "ml_dsa"]);
                self.run(
                    NAME,
                    test.env("ESPALIER_TEST_CLUSTER", cluster.program()),
                    "tried-ml-dsa",
                );
            }
            Ok(None) => self.step(NAME, || {
                Ok("left out, `cargo xtask cluster build --ml-dsa` builds it in 8 minutes".into())
            }),
            Err(failure) => self.step(NAME, || Err(failure)),
        }
    }

    /// Tests as a step, with a folder for what they try with other people's software.
    fn run(&mut self, name: &'static str, test: &mut Command, tried: &str) {
        let tried = workspace::target().join(tried);
        let (mut counts, mut total) = (Counts::default(), std::mem::take(&mut self.counts));
        self.step(name, || {
            if tried.exists() {
                fs::remove_dir_all(&tried).map_err(Failure::file(&tried, "emptied"))?;
            }
            fs::create_dir_all(&tried).map_err(Failure::file(&tried, "made"))?;
            let ended = process::watch(test.env("ESPALIER_TRIED", &tried), |line| {
                counts.add(line);
                total.add(line);
            });
            if let Some(table) = tried::table(&tried) {
                println!("\nWhat was tried with other people's software:\n{table}");
            }
            ended?;
            if counts.passed == 0 {
                return Err(Failure::Found("not one test ran".into()));
            }
            Ok(format!("{} passed, {} ignored", counts.passed, counts.ignored))
        });
        self.counts = total;
    }

    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<String, Failure>) {
        println!("\n=== {name}");
        let started = Instant::now();
        let verdict = work().map_err(|failure| failure.with_causes());
        if let Err(reason) = &verdict {
            println!("{name}: FAILED: {reason}");
        }
        self.lines.push(Line { name, verdict, took: started.elapsed() });
    }

    fn close(self) -> Result<(), Failure> {
        let mut table = Table::new();
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(120);
        table.set_header(["step", "result", "seconds"]);
        for line in &self.lines {
            let result = match &line.verdict {
                Ok(note) if note.is_empty() => "ok".to_owned(),
                Ok(note) => format!("ok: {note}"),
                Err(reason) => format!("FAILED: {reason}"),
            };
            table.add_row([line.name, &result, &format!("{:.0}", line.took.as_secs_f64())]);
        }
        println!("\n{table}\n\n{}", self.counts.line());
        let failed: Vec<&str> =
            self.lines.iter().filter(|line| line.verdict.is_err()).map(|line| line.name).collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(Failure::Found(format!("failed: {}", failed.join(", "))))
    }
}

/// `cargo test`, with where the peers are in its environment.
fn test(features: &[&str], peers: &Path) -> Command {
    let mut test = workspace::cargo(&["test", "--workspace", "--locked"]);
    test.args(features).env("ESPALIER_PEERS", peers);
    test
}

/// Prints the peers; a missing one is a failure in continuous integration.
fn there(found: &[Found]) -> Result<String, Failure> {
    println!("{}", peers::table(found));
    peers::refuse_missing_in_ci(found)?;
    let there = found.iter().filter(|peer| matches!(peer.state, State::Present(_))).count();
    let longest = found.iter().map(|peer| peer.took).max().unwrap_or_default();
    Ok(format!(
        "{there} of {}, in {:.0} s beside the other steps",
        found.len(),
        longest.as_secs_f64()
    ))
}

/// Runs the `cargo run` lines of the README in an empty folder below the checkout, where cargo still finds the
/// workspace, and demands that each says something.
fn readme() -> Result<String, Failure> {
    let path = workspace::root().join("README.md");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path, "read"))?;
    let commands = readme_commands(&text);
    if commands.is_empty() {
        return Err(Failure::Found(
            "README.md: has no code line that starts with `cargo run`".into(),
        ));
    }
    let folder = workspace::target().join("readme");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::file(&folder, "emptied"))?;
    }
    fs::create_dir_all(&folder).map_err(Failure::file(&folder, "made"))?;
    for command in &commands {
        println!("$ {command}");
        let mut said = 0;
        process::watch(workspace::shell(command).current_dir(&folder), |line| said += line.len())?;
        if said == 0 {
            return Err(Failure::Found(format!("README.md: `{command}` prints nothing")));
        }
    }
    Ok(format!("{} ran", commands.len()))
}

/// The lines inside fenced blocks that start with `cargo run`.
fn readme_commands(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && line.starts_with("cargo run ") {
            commands.push(line);
        }
    }
    commands
}

/// The sum of cargo test's result lines.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
    filtered: u64,
    seconds: f64,
}

impl Counts {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in
    /// 0.01s`; any other line is none of its business.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.trim().strip_prefix("test result: ") else { return };
        let Some((_verdict, rest)) = rest.split_once(". ") else { return };
        for part in rest.split("; ") {
            let mut words = part.split(' ');
            let (Some(Ok(number)), Some(what)) =
                (words.next().map(str::parse::<u64>), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                "filtered" => self.filtered += number,
                _ => {}
            }
        }
        let took = rest
            .rsplit("finished in ")
            .next()
            .and_then(|word| word.trim_end_matches('s').parse::<f64>().ok());
        self.seconds += took.unwrap_or_default();
    }

    /// The sum, worded as cargo words one.
    fn line(&self) -> String {
        let verdict = if self.failed == 0 && self.passed > 0 { "ok" } else { "FAILED" };
        format!(
            "test result: {verdict}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; finished in {:.2}s",
            self.passed, self.failed, self.ignored, self.filtered, self.seconds
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_worded_as_cargo_does() {
        let mut counts = Counts::default();
        counts.add("running 3 tests");
        counts.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.50s");
        counts.add("test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s");
        assert_eq!(
            counts.line(),
            "test result: FAILED. 7 passed; 1 failed; 1 ignored; 0 measured; 2 filtered out; finished in 1.75s"
        );
    }

    #[test]
    fn no_test_at_all_is_a_failure() {
        assert!(Counts::default().line().starts_with("test result: FAILED. 0 passed"));
    }

    #[test]
    fn only_cargo_run_lines_of_code_blocks_are_run() {
        let text = "cargo run --outside\n```sh\ngit clone x\ncargo run --release -- quickstart\n```\ncargo run no\n";
        assert_eq!(readme_commands(text), ["cargo run --release -- quickstart"]);
    }
}
