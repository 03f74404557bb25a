//! Text from strangers, made harmless for a terminal: the one place that knows how.
//!
//! A name may hold control characters that move the cursor, or bidirectional overrides that
//! reorder what is read. Each octet of such a character becomes `\` and two hexadecimal digits,
//! as RFC 4514 section 2.4 writes them, so nothing is lost. Errors and reports of this crate are
//! escaped where they are made; a program escapes once more what it prints, which changes nothing
//! that was escaped before.

use std::fmt::{Display, Write};

/// `text` with every character escaped that a terminal would obey or not show. Backslashes stay:
/// names in RFC 4514 form have them already.
pub fn escaped(text: &str) -> String {
    escaped_but(text, |_| false)
}

/// As [`escaped`], for text of several lines: the line ends stay.
pub fn escaped_lines(text: &str) -> String {
    escaped_but(text, |character| character == '\n')
}

fn escaped_but(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) && !stays(character) {
            push_octets(&mut safe, character);
        } else {
            safe.push(character);
        }
    }
    safe
}

/// As [`escaped`], for text that has no escapes of its own: a backslash is escaped as well, so
/// that the result can be read back.
pub(crate) fn escaped_raw(text: &str) -> String {
    escaped(&text.replace('\\', "\\5C"))
}

/// As [`escaped`], between quotation marks; those inside are escaped as well.
pub fn quoted(text: impl Display) -> String {
    format!("\"{}\"", escaped(&text.to_string()).replace('"', "\\22"))
}

/// JSON that says the same, and that a terminal neither obeys nor hides: it has escapes of its own
/// (RFC 8259 section 7). The line ends between its parts stay.
pub fn escaped_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmful(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String can't fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// At most `limit` characters, with an ellipsis when some were cut.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a name that is about to be certified may not hold the character: all that is harmful but
/// the joiners, which Persian and Indic scripts need to spell.
pub(crate) fn hides_or_reorders(character: char) -> bool {
    is_harmful(character) && !matches!(character, '\u{200c}' | '\u{200d}')
}

fn push_octets(safe: &mut String, character: char) {
    for octet in character.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String can't fail.
        let _ = write!(safe, "\\{octet:02X}");
    }
}

/// Control characters, and format characters that have no glyph or change the order or look of
/// their neighbours (Unicode general categories Cc, Cf, Zl and Zp, and the variation selectors
/// and tags, by their blocks).
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn terminal_sequences_and_overrides_become_octets() {
        assert_eq!(escaped("a\u{1b}[2Jb\r\n"), "a\\1B[2Jb\\0D\\0A");
        assert_eq!(escaped("\u{9b}31m\u{7f}"), "\\C2\\9B31m\\7F");
        assert_eq!(escaped("x\u{202e}gpj.exe"), "x\\E2\\80\\AEgpj.exe");
        assert_eq!(
            escaped("\u{2066}\u{feff}\u{e0041}"),
            "\\E2\\81\\A6\\EF\\BB\\BF\\F3\\A0\\81\\81"
        );
    }

    /// Every character of category Cf in Unicode 16 that no block above takes in.
    #[test]
    fn format_characters_of_every_script_become_octets() {
        let singles = ['\u{890}', '\u{891}', '\u{8e2}', '\u{110bd}', '\u{110cd}'];
        let ranges = ['\u{13430}'..='\u{1343f}', '\u{1bca0}'..='\u{1bca3}'];
        for character in singles.into_iter().chain(ranges.into_iter().flatten()) {
            assert!(escaped(&character.to_string()).starts_with('\\'), "{:x}", character as u32);
        }
        assert_eq!(escaped("\u{1bca0}"), "\\F0\\9B\\B2\\A0");
        // Their neighbours are letters.
        let letters = "\u{88f}\u{8e3}\u{110bc}\u{110ce}\u{1342f}\u{13440}\u{1bc99}";
        assert_eq!(escaped(letters), letters);
    }

    #[test]
    fn ordinary_text_of_any_script_stays() {
        for text in ["CN=Müller\\, Söhne", "株式会社", "Ωμέγα", "שלום"] {
            assert_eq!(escaped(text), text);
        }
        assert_eq!(escaped_raw("a\\b"), "a\\5Cb");
    }

    #[test]
    fn line_ends_stay_where_lines_are_meant() {
        assert_eq!(escaped_lines("a\r\n\tb\u{1b}"), "a\\0D\n\\09b\\1B");
        assert_eq!(escaped_lines("CN=\\1B\n"), "CN=\\1B\n", "what was escaped stays");
    }

    #[test]
    fn what_is_quoted_ends_at_its_mark() {
        assert_eq!(quoted("a\" b"), "\"a\\22 b\"");
        assert_eq!(quoted("CN=a\\,b\u{3164}"), "\"CN=a\\,b\\E3\\85\\A4\"");
        assert_eq!(quoted('ä'), "\"ä\"");
    }

    #[test]
    fn json_says_the_same() {
        let text = "\u{7f}\u{9b}1m\u{202e}\u{e0041} \u{1b}ä\n";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let safe = escaped_json(&json);
        assert!(safe.contains("\\u007f\\u009b1m\\u202e\\udb40\\udc41 \\u001bä\\n"), "{safe}");
        assert!(!safe.chars().any(|character| is_harmful(character) && character != '\n'));
        assert_eq!(serde_json::from_str::<[String; 1]>(&safe).unwrap(), [text]);
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
