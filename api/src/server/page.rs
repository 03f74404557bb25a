//! Pages and filters of lists.

use ledger::{Cursor, Order, Page};

use super::problem::{INVALID_PARAMETER, Refusal};

/// How many rows a page has unless it is told.
const DEFAULT_LIMIT: u32 = 50;

/// The page that is asked for, the newest first.
///
/// # Errors
/// `invalid-parameter`.
pub fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page, Refusal> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=Page::MAX_LIMIT).contains(&limit) {
        let detail = format!("limit: found {limit}, allowed: 1 to {}", Page::MAX_LIMIT);
        return Err(Refusal::new(INVALID_PARAMETER, detail));
    }
    let after = cursor.map(|text| {
        text.parse::<Cursor>().map_err(|error| Refusal::new(INVALID_PARAMETER, error.to_string()))
    });
    Ok(Page { after: after.transpose()?, limit, order: Order::NewestFirst })
}

/// A filter's text, which some database might not take otherwise.
///
/// # Errors
/// `invalid-parameter`.
pub fn plain(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let length = text.chars().count();
    if (1..=most).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(Some(text));
    }
    let found = format!("{length} characters, control characters counted");
    let allowed = format!("1 to {most} characters without control characters");
    Err(Refusal::new(INVALID_PARAMETER, format!("{field}: found {found}, allowed: {allowed}")))
}
