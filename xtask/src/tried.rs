//! The table of what was tried with other people's software. Tests append a line of JSON for each attempt
//! (tests/interop/src/peers.rs); this sums them by peer and subject.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use comfy_table::{ContentArrangement, Table};
use serde::Deserialize;

#[derive(Deserialize)]
struct Attempt {
    peer: String,
    what: String,
    outcome: String,
}

/// The table, or nothing when no attempt was written down.
#[must_use]
pub fn table(folder: &Path) -> Option<Table> {
    let files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let text: Vec<String> = files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
    let sums = sum(text.iter().flat_map(|text| text.lines()));
    if sums.is_empty() {
        return None;
    }
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(120);
    table.set_header(["peer", "what", "outcome"]);
    for ((peer, what), outcomes) in sums {
        let outcomes: Vec<String> =
            outcomes.into_iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        table.add_row([peer, what, outcomes.join(", ")]);
    }
    Some(table)
}

/// Peer and subject to how often each outcome came.
type Sums = BTreeMap<(String, String), BTreeMap<String, usize>>;

fn sum<'a>(lines: impl Iterator<Item = &'a str>) -> Sums {
    let mut sums = Sums::new();
    for attempt in lines.filter_map(|line| serde_json::from_str::<Attempt>(line).ok()) {
        *sums
            .entry((attempt.peer, attempt.what))
            .or_default()
            .entry(attempt.outcome)
            .or_default() += 1;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_peer_subject_and_outcome() {
        let line = |outcome| format!(r#"{{"peer":"go","what":"chain","outcome":"{outcome}"}}"#);
        let lines = [line("accepted"), line("accepted"), line("refused"), "half a li".to_owned()];
        let sums = sum(lines.iter().map(String::as_str));
        let outcomes = &sums[&("go".to_owned(), "chain".to_owned())];
        assert_eq!((outcomes["accepted"], outcomes["refused"], sums.len()), (2, 1, 1));
    }
}
