//! Whole numbers as JSON Schema has them: `30.0` is one, and is the same as `30`.

use serde::{Deserialize, Deserializer, de};

/// A number, however it is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Fraction(f64),
}

impl Number {
    fn whole<E: de::Error>(self) -> Result<u64, E> {
        /// Up to here every whole number has its own float.
        const MOST: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Whole(number) => Ok(number),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            Self::Fraction(number) if number.fract() == 0.0 && (0.0..=MOST).contains(&number) => {
                Ok(number as u64)
            }
            Self::Fraction(number) => Err(E::custom(format_args!(
                "invalid value: found {number}, allowed is a whole number that is not negative"
            ))),
        }
    }
}

/// Reads one that must be there.
pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = Number::deserialize(deserializer)?.whole()?;
    u32::try_from(number).map_err(|_| {
        de::Error::custom(format_args!("invalid value: found {number}, allowed is less than 2^32"))
    })
}

/// Reads one that may be left out, or null.
pub(super) fn option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::<Number>::deserialize(deserializer)?.map(Number::whole).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::json;

    use crate::v1::RenewCertificate;

    #[test]
    fn thirty_and_a_half_is_no_number_of_days() {
        let read = |days| {
            serde_json::from_value::<RenewCertificate>(json!({"validity_days": days}))
                .map(|asked| asked.validity_days)
        };
        assert_eq!(read(json!(30)).unwrap(), Some(30));
        assert_eq!(read(json!(30.0)).unwrap(), Some(30));
        assert_eq!(read(json!(null)).unwrap(), None);
        for wrong in [json!(30.5), json!(-1), json!(-1.0), json!(1e300), json!("30"), json!([30])] {
            read(wrong.clone()).unwrap_err();
        }
        let error = read(json!(30.5)).unwrap_err().to_string();
        assert!(error.contains("found 30.5, allowed is a whole number"), "{error}");
    }
}
