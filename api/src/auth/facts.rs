//! What is known of a requester beside its name, and how it fills the places of patterns.

use std::collections::BTreeMap;

/// The most characters that a value may have to fill a place.
const MAX_VALUE: usize = 253;

/// Values of the requester by the name of their place: `namespace` and `serviceaccount` of a
/// Kubernetes service account, `subject` and `claims.NAME` of other tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, String>);

impl Facts {
    /// Notes a value; one that is too long to be a part of a name is left out.
    pub(super) fn insert(&mut self, place: impl Into<String>, value: &str) {
        if value.len() <= MAX_VALUE {
            self.0.insert(place.into(), value.to_owned());
        }
    }

    /// The value for a place.
    pub fn get(&self, place: &str) -> Option<&str> {
        self.0.get(place).map(String::as_str)
    }

    /// `text` with every `{place}` filled. None when a place has no value, or one that `fits`
    /// refuses.
    pub(super) fn fill(&self, text: &str, fits: fn(&str) -> bool) -> Option<String> {
        replace(text, |place| self.get(place).filter(|value| fits(value)))
    }

    /// `text` with every place filled by the same value.
    pub(super) fn specimen(text: &str, value: &str) -> String {
        replace(text, |_| Some(value)).unwrap_or_default()
    }

    /// Checks that every brace belongs to a place of a known name.
    pub(super) fn check_places(text: &str) -> Result<(), String> {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}').ok_or("a } behind every {")?;
            let claim = place.strip_prefix("claims.").is_some_and(|claim| {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                (1..=64).contains(&claim.len()) && claim.bytes().all(fits)
            });
            if before.contains('}') || !(claim || KNOWN.contains(&place)) {
                return Err(format!("the places {{{}}} and {{claims.NAME}}", KNOWN.join("}, {")));
            }
            rest = behind;
        }
        if rest.contains('}') { Err("a { before every }".into()) } else { Ok(()) }
    }
}

const KNOWN: [&str; 3] = ["namespace", "serviceaccount", "subject"];

fn replace<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, behind) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(value(place)?);
        rest = behind;
    }
    filled.push_str(rest);
    Some(filled)
}
