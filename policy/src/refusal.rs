//! Why something is refused.

use std::fmt;

use ca_core::escape::{escaped, quoted};

/// Characters of what somebody wrote that are repeated.
const LONGEST: usize = 80;
/// Characters of what is said in our own words, which may have names of others in them.
const LONGEST_WORDS: usize = 1000;

/// Why something is refused: which field, what was found, what is allowed, and the one change that would pass,
/// where one is known to. It is harmless for a terminal and of bounded length, whatever was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    field: &'static str,
    found: String,
    allowed: String,
    change: Option<String>,
}

impl Refusal {
    /// A refusal of text that somebody wrote: it is quoted.
    #[must_use]
    pub fn new(field: &'static str, found: &str, allowed: impl fmt::Display) -> Self {
        let found = quoted(cut(found, LONGEST));
        Self { field, found, allowed: harmless(allowed), change: None }
    }

    /// A refusal of something that is named in our own words.
    #[must_use]
    pub fn of(field: &'static str, found: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        Self { field, found: harmless(found), allowed: harmless(allowed), change: None }
    }

    /// The same, with the change that would pass, if one does.
    #[must_use]
    pub fn but_for(self, change: Option<impl fmt::Display>) -> Self {
        Self { change: change.map(harmless), ..self }
    }

    /// The field of the policy's spec.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The change that would pass.
    #[must_use]
    pub fn change(&self) -> Option<&str> {
        self.change.as_deref()
    }
}

fn harmless(words: impl fmt::Display) -> String {
    escaped(&cut(&words.to_string(), LONGEST_WORDS))
}

/// The beginning of a text.
fn cut(text: &str, most: usize) -> String {
    let mut rest = text.chars();
    let mut beginning: String = rest.by_ref().take(most).collect();
    if rest.next().is_some() {
        beginning.push('…');
    }
    beginning
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, found, allowed, change } = self;
        write!(f, "{field}: found {found}, allowed: {allowed}")?;
        match change {
            Some(change) => write!(f, "; it would pass with {change}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_is_cut_and_harmless_wherever_it_stands() {
        let long = format!("\u{1b}[2J{}", "a".repeat(5_000));
        for refusal in [
            Refusal::new("peers", &long, "go"),
            Refusal::of("peers", &long, "go"),
            Refusal::of("peers", "go", &long),
            Refusal::of("peers", "go", "go").but_for(Some(&long)),
        ] {
            let words = refusal.to_string();
            assert!(words.len() < 1_100 && !words.contains('\u{1b}'), "{words}");
            assert!(words.contains("a…"), "{words}");
        }
        let refusal = Refusal::of("canary", 101, "0 to 100").but_for(Some("canary.percent: 100"));
        let words = "canary: found 101, allowed: 0 to 100; it would pass with canary.percent: 100";
        assert_eq!(refusal.to_string(), words);
    }
}
