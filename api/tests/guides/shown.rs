//! What a guide shows of a command's output, held against what it printed.
//!
//! `…` stands for anything within its line, a line of `…` alone for any lines. Times and long hexadecimal numbers are
//! different each time: one stands for every other. So does one blank for several, which line tables up.

const ANYTHING: char = '…';
/// From how many hexadecimal digits on a word is a serial number or a digest.
const LONG: usize = 16;

/// Whether the output is what is shown.
pub(crate) fn fits(shown: &[String], output: &str) -> bool {
    let shown: Vec<String> = shown.iter().map(|line| plain(line.trim_end())).collect();
    let lines: Vec<String> = output.trim_end().lines().map(|line| plain(line.trim_end())).collect();
    lines_fit(&shown, &lines)
}

fn lines_fit(shown: &[String], lines: &[String]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=lines.len()).any(|from| lines_fit(rest, &lines[from..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, others)| line_fits(first, line) && lines_fit(rest, others)),
    }
}

fn line_fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// The line with each time and each long hexadecimal number replaced by a word.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for letter in line.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || "-:.".contains(letter) {
            word.push(letter);
            continue;
        }
        text += &plain_word(&word);
        word.clear();
        text.push(letter);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

fn plain_word(word: &str) -> String {
    let (word, stop) = word.strip_suffix('.').map_or((word, ""), |word| (word, "."));
    if is_time(word) {
        return format!("TIME{stop}");
    }
    let digits = |part: &str| part.len() >= LONG && part.chars().all(|c| c.is_ascii_hexdigit());
    let parts: Vec<&str> =
        word.split(['-', ':']).map(|part| if digits(part) { "HEX" } else { part }).collect();
    parts.join(":") + stop
}

/// Whether a word is a time such as `2026-11-27T01:02:03Z`.
fn is_time(word: &str) -> bool {
    let shape: String =
        word.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    matches!(rest.strip_suffix('Z').map(|part| part.trim_end_matches('0')), Some("" | "."))
}

/// Whether the output has these words, on whatever lines and with whatever blanks between them.
pub(crate) fn says(output: &str, words: &str) -> bool {
    let output: Vec<&str> = output.split_whitespace().collect();
    output.join(" ").contains(words)
}

/// Words that are cut by `…` in a line that is shown, such as `espalier_…`, with what stands there in the output.
pub(crate) fn cut_words(shown: &[String], output: &str) -> Vec<(String, String)> {
    let of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let mut found = Vec::new();
    for line in shown {
        for (at, _) in line.match_indices(ANYTHING) {
            let before = &line[..at];
            let start = &before[before.trim_end_matches(of_word).len()..];
            let same = |found: &&str| line_fits(&plain(line), &plain(found));
            let same = output.lines().find(same).filter(|_| start.len() > 1);
            let Some((_, rest)) = same.and_then(|line| line.split_once(start)) else {
                continue;
            };
            let end = &rest[..rest.len() - rest.trim_start_matches(of_word).len()];
            found.push((format!("{start}{ANYTHING}"), format!("{start}{end}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_shown_fits_and_what_differs_does_not() {
        for (text, output) in [
            ("a\nb", "a\nb\n"),
            ("a … c", "a b c"),
            ("first\n…\nlast", "first\nlast\n"),
            ("first\n…\nlast", "first\n1\n2\nlast\n"),
            ("until 2026-01-02T03:04:05Z.", "until 2027-11-12T13:14:15.5Z."),
            ("serial 0123456789abcdef0123", "serial fedcba98765432100000"),
        ] {
            assert!(fits(&shown(text), output), "{text} / {output}");
        }
        for (text, output) in [
            ("a\nb", "a\n"),
            ("a", "a\nb"),
            ("a … c", "a b d"),
            ("first\n…\nlast", "first\n1\n"),
            ("until 2026-01-02T03:04:05Z", "until tomorrow"),
            ("port 8440", "port 8441"),
            ("", "anything"),
        ] {
            assert!(!fits(&shown(text), output), "{text} / {output}");
        }
    }

    #[test]
    fn a_word_that_is_cut_is_known_afterwards() {
        let found =
            cut_words(&shown("token:\n  espalier_…\n a …"), "token:\n  espalier_a-B_9\n a b\n");
        assert_eq!(found, [("espalier_…".to_owned(), "espalier_a-B_9".to_owned())]);
    }
}
