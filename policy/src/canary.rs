//! Who goes first.

use std::collections::BTreeMap;
use std::fmt;

use ca_core::escape::escaped;
use ca_core::fingerprint::Fingerprint;

use crate::Refusal;

/// The longest key of a label, in octets: a prefix of 253, a slash and a name of 63.
const LONGEST_KEY: usize = 317;
/// The longest value of a label, in octets.
const LONGEST_VALUE: usize = 63;

/// Who goes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary(Who);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Everybody,
    Percent(u8),
    Labelled { key: String, value: Option<String> },
}

impl Canary {
    /// Everybody at once.
    pub const EVERYBODY: Self = Self(Who::Everybody);

    /// A share of all objects, in percent. A greater share has everybody of a smaller one: see [`bucket`].
    ///
    /// # Errors
    /// For more than 100.
    pub fn percent(percent: u32) -> Result<Self, Refusal> {
        match u8::try_from(percent) {
            Ok(percent @ 0..=100) => Ok(Self(Who::Percent(percent))),
            _ => Err(Refusal::of("canary.percent", percent, "0 to 100")),
        }
    }

    /// Those that have a label, of this value if one is told.
    ///
    /// # Errors
    /// For a key or a value that no label of Kubernetes can have, by its length.
    pub fn labelled(key: &str, value: Option<&str>) -> Result<Self, Refusal> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            let allowed = format!("1 to {LONGEST_KEY} octets");
            return Err(Refusal::new("canary.label.key", key, allowed));
        }
        if let Some(value) = value.filter(|value| value.len() > LONGEST_VALUE) {
            let allowed = format!("at most {LONGEST_VALUE} octets");
            return Err(Refusal::new("canary.label.value", value, allowed));
        }
        Ok(Self(Who::Labelled { key: key.to_owned(), value: value.map(ToOwned::to_owned) }))
    }

    /// Whether an object is among the first. One without a name is when everybody is, by a share.
    #[must_use]
    pub fn includes(
        &self,
        namespace: &str,
        name: Option<&str>,
        labels: &BTreeMap<String, String>,
    ) -> bool {
        match &self.0 {
            Who::Everybody => true,
            Who::Percent(percent) => name.map_or(99, |name| bucket(namespace, name)) < *percent,
            Who::Labelled { key, value } => labels
                .get(key)
                .is_some_and(|found| value.as_ref().is_none_or(|value| value == found)),
        }
    }
}

impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Who::Everybody => f.write_str("everybody"),
            Who::Percent(percent) => write!(f, "{percent} %"),
            Who::Labelled { key, value: None } => write!(f, "those labelled {}", escaped(key)),
            Who::Labelled { key, value: Some(value) } => {
                write!(f, "those labelled {}={}", escaped(key), escaped(value))
            }
        }
    }
}

/// The hundredth of all objects in which one is, 0 to 99: the first four octets of SHA-256 over
/// `namespace/name`, as a number in network order, modulo 100. It never changes, so that a share that grows
/// takes nobody back, and anybody can work it out:
///
/// ```text
/// echo $(( 0x$(printf %s shop/web | sha256sum | head -c 8) % 100 ))
/// ```
#[must_use]
pub fn bucket(namespace: &str, name: &str) -> u8 {
    let digest = Fingerprint::of(format!("{namespace}/{name}").as_bytes());
    let [a, b, c, d, ..] = *digest.as_bytes();
    // Less than 100.
    (u32::from_be_bytes([a, b, c, d]) % 100) as u8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use proptest::prelude::*;

    use super::*;

    fn included(canary: &Canary, name: &str) -> bool {
        canary.includes("shop", Some(name), &BTreeMap::new())
    }

    #[test]
    fn the_hundredth_is_the_one_that_sha256sum_gives() {
        // As the shell of the documentation above printed them.
        assert_eq!(bucket("shop", "web"), 82);
        assert_eq!(bucket("shop", "api"), 1);
    }

    #[test]
    fn a_share_is_about_that_share() {
        let share = Canary::percent(10).unwrap();
        let taken = (0..10_000).filter(|n| included(&share, &format!("web-{n}"))).count();
        assert!((900..1100).contains(&taken), "{taken}");
        let nobody = Canary::percent(0).unwrap();
        assert!(!(0..1_000).any(|n| included(&nobody, &format!("web-{n}"))));
        let all = Canary::percent(100).unwrap();
        assert!((0..1_000).all(|n| included(&all, &format!("web-{n}"))));
        for percent in [101, 256, u32::MAX] {
            let refusal = Canary::percent(percent).unwrap_err().to_string();
            assert_eq!(refusal, format!("canary.percent: found {percent}, allowed: 0 to 100"));
        }
    }

    #[test]
    fn a_label_counts_by_key_or_by_value() {
        let labels = BTreeMap::from([("tier".to_owned(), "edge".to_owned())]);
        for (value, found) in [(None, true), (Some("edge"), true), (Some("core"), false)] {
            let canary = Canary::labelled("tier", value).unwrap();
            assert_eq!(canary.includes("shop", Some("web"), &labels), found, "{canary}");
            assert!(!canary.includes("shop", Some("web"), &BTreeMap::new()), "{canary}");
        }
        assert!(!Canary::labelled("other", None).unwrap().includes("shop", Some("web"), &labels));
    }

    #[test]
    fn a_label_is_no_longer_than_one_of_kubernetes() {
        let of =
            |key: usize, value: usize| Canary::labelled(&"k".repeat(key), Some(&"v".repeat(value)));
        assert!(of(1, 0).is_ok() && of(317, 63).is_ok());
        assert_eq!(of(0, 1).unwrap_err().field(), "canary.label.key");
        assert_eq!(of(318, 1).unwrap_err().field(), "canary.label.key");
        assert_eq!(of(1, 64).unwrap_err().field(), "canary.label.value");
    }

    proptest! {
        #[test]
        fn a_share_that_grows_takes_nobody_back(name in "[a-z0-9.-]{1,40}", less in 0u32..=100, more in 0u32..=100) {
            prop_assume!(less <= more);
            let (less, more) = (Canary::percent(less).unwrap(), Canary::percent(more).unwrap());
            prop_assert!(!included(&less, &name) || included(&more, &name));
        }
    }
}
