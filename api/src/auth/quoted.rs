//! Texts from outside, as they stand in messages.

/// `text` between quotation marks, cut after 100 characters, without what a terminal would obey
/// or hide.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(100).collect();
    ca_core::escape::quoted(cut)
}

/// Whether the text holds nothing that controls, hides or reorders text.
pub(super) fn is_plain(text: &str) -> bool {
    ca_core::escape::escaped(text) == text
}
