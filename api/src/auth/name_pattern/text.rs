//! Patterns of plain texts, such as subjects: exact, or a start and any rest.

use super::PatternError;

/// The longest text that a pattern may have, in octets.
const MAX_TEXT: usize = 512;

/// `text`, or `start*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPattern {
    start: String,
    open: bool,
}

impl TextPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// `PatternError` for an empty one, and a `*` elsewhere than at the end.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (start, open) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        if text.is_empty() || text.len() > MAX_TEXT || start.contains('*') {
            let allowed = "1 to 512 octets, with one * at most, and that at the end";
            return Err(PatternError::new(text, allowed));
        }
        Ok(Self { start: start.to_owned(), open })
    }

    /// Whether `text` is one of those that it stands for.
    pub fn covers(&self, text: &str) -> bool {
        if self.open { text.starts_with(&self.start) } else { text == self.start }
    }
}
