//! Why someone who is known may not do what it asked for.

/// A refusal: which field, what was found, what this requester may. Nothing of other requesters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, allowed for {who}: {allowed}")]
pub struct Denied {
    /// Who asked.
    pub who: String,
    /// The field at fault: `role`, `authority`, `profile`, `names` or `subject`.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// The most items that a refusal lists.
const MAX_LISTED: usize = 20;

/// Items of a refusal, sorted, each once, with a count of those that are left out.
pub(super) fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: std::collections::BTreeSet<String> =
        items.into_iter().map(|item| item.to_string()).collect();
    let mut text = items.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    match items.len() {
        0 => text.push_str("none"),
        found if found > MAX_LISTED => text.push_str(&format!(" and {} more", found - MAX_LISTED)),
        _ => {}
    }
    text
}
