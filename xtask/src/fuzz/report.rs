//! What libFuzzer says of a run.

/// The figures of one target.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Report {
    name: String,
    executions: u64,
    per_second: u64,
    /// Edges of the program's control flow that were reached.
    reached: u64,
    /// Edges that were compiled in, most of them in libraries that the target never calls.
    edges: u64,
    features: u64,
    pub(super) corpus: usize,
    /// The file that libFuzzer wrote of what it found; empty when it found nothing.
    pub(super) artifact: String,
    broken: Option<String>,
}

impl Report {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes a line such as `#131072 pulse  cov: 900 ft: 4100 corp: 500/90Kb exec/s: 8000 rss: 90Mb`, one of the
    /// final `stat::` lines, or the one that names an artifact.
    pub(super) fn read(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let place = match word {
                "cov:" => &mut self.reached,
                "ft:" => &mut self.features,
                "stat::number_of_executed_units:" => &mut self.executions,
                "stat::average_exec_per_sec:" => &mut self.per_second,
                _ => continue,
            };
            if let Some(Ok(number)) = words.next().map(str::parse) {
                *place = number;
            }
        }
        if let Some((_, rest)) = line.split_once("INFO: Loaded 1 modules") {
            let digits: String = rest
                .chars()
                .skip_while(|character| !character.is_ascii_digit())
                .take_while(char::is_ascii_digit)
                .collect();
            self.edges = digits.parse().unwrap_or(self.edges);
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.artifact = path.trim().to_owned();
        }
    }

    /// How the program ended, and the path of the artifact from the root of the checkout.
    pub(super) fn ended(&mut self, with_success: bool, artifact: String) {
        if with_success {
            return;
        }
        let name = &self.name;
        self.broken = Some(if artifact.is_empty() {
            format!("{name}: the program ended without success; see above")
        } else {
            format!(
                "{name}: found {artifact}; see it again with `cargo xtask fuzz --target {name} --input {artifact}`, \
                 and keep it in tests/fuzz/regressions/{name}/"
            )
        });
    }

    /// What is told at the end when something was found.
    pub(super) fn told(&self) -> Option<String> {
        self.broken.clone()
    }

    pub(super) fn row(&self) -> [String; 8] {
        let verdict = if self.broken.is_some() { "FOUND SOMETHING" } else { "clean" };
        let numbers = [self.executions, self.per_second, self.reached, self.edges, self.features]
            .map(|number| number.to_string());
        let [executions, per_second, reached, edges, features] = numbers;
        let corpus = self.corpus.to_string();
        [
            self.name.clone(),
            executions,
            per_second,
            reached,
            edges,
            features,
            corpus,
            verdict.into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_taken_from_libfuzzers_lines() {
        let mut report = Report::new("certificate");
        report.read("INFO: Loaded 1 modules   (123456 inline 8-bit counters): 123456 [0x1, 0x2), ");
        report.read("#4 INITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb");
        report.read("#131072\tpulse  cov: 900 ft: 4100 corp: 500/90Kb exec/s: 8000 rss: 90Mb");
        report.read("stat::number_of_executed_units: 200000");
        report.read("stat::average_exec_per_sec:     1600");
        report.ended(true, String::new());
        let row = report.row();
        assert_eq!(
            row[..6],
            ["certificate", "200000", "1600", "900", "123456", "4100"].map(str::to_owned)
        );
        assert_eq!((row[7].as_str(), report.told()), ("clean", None));
    }

    #[test]
    fn what_was_found_is_told_with_the_way_to_see_it_again() {
        let mut report = Report::new("request");
        report.read("artifact_prefix='/x/'; Test unit written to /x/crash-1");
        assert_eq!(report.artifact, "/x/crash-1");
        report.ended(false, "x/crash-1".into());
        let told = report.told().unwrap_or_default();
        assert!(told.contains("--target request --input x/crash-1"), "{told}");
        assert_eq!(report.row()[7], "FOUND SOMETHING");
    }
}
