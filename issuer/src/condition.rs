//! Conditions, as Kubernetes objects have them in their status.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `status` of a condition that holds.
pub const TRUE: &str = "True";
/// `status` of a condition that does not hold.
pub const FALSE: &str = "False";
/// The longest message, in characters.
const MOST: usize = 1024;

/// One thing that holds of an object, or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which thing, such as `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in a word for programs.
    #[serde(default)]
    pub reason: String,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
    /// When `status` became what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_transition_time: Option<Timestamp>,
    /// The generation of the spec that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl Condition {
    /// A condition of an object that has `before`. It keeps its time where its status stays.
    #[must_use]
    pub fn after(
        before: &[Self],
        (kind, status): (&str, &str),
        reason: &str,
        message: &str,
        now: Timestamp,
    ) -> Self {
        let old = find(before, kind).filter(|old| old.status == status);
        let since = old.and_then(|old| old.last_transition_time).unwrap_or(whole(now));
        Self {
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.chars().take(MOST).collect(),
            last_transition_time: Some(since),
            observed_generation: None,
        }
    }

    /// The same, of this generation of the spec.
    #[must_use]
    pub fn of_generation(self, generation: i64) -> Self {
        Self { observed_generation: Some(generation), ..self }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.status == TRUE
    }
}

/// The condition of a kind.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Without fractions of a second, which times in Kubernetes don't have.
#[must_use]
pub fn whole(time: Timestamp) -> Timestamp {
    // Whole seconds of an instant that exists are an instant that exists.
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn the_time_changes_with_the_status_alone() {
        let [first, second]: [Timestamp; 2] =
            ["2026-11-27T05:00:00.5Z", "2026-11-27T06:00:00Z"].map(|text| text.parse().unwrap());
        let pending = Condition::after(&[], ("Ready", FALSE), "Pending", "waits", first);
        assert_eq!(pending.last_transition_time.unwrap().to_string(), "2026-11-27T05:00:00Z");
        let before = [pending.clone()];
        let failed = Condition::after(&before, ("Ready", FALSE), "Failed", "gone", second);
        assert_eq!(failed.last_transition_time, pending.last_transition_time);
        let ready = Condition::after(&before, ("Ready", TRUE), "Issued", "", second);
        assert_eq!(ready.last_transition_time, Some(second));
        let other = Condition::after(&before, ("InvalidRequest", FALSE), "", "", second);
        assert_eq!(other.last_transition_time, Some(second));
    }
}
