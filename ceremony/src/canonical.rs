//! Canonical JSON (RFC 8785): one text for one value, so that its octets can be hashed and signed.

use serde::Serialize;

/// The canonical JSON of `value`, which has text keys and whole numbers below 2^53 only.
///
/// # Panics
/// For a value that JSON does not know, such as a map whose keys are no texts. No type of this crate
/// has one.
pub(crate) fn of(value: &impl Serialize) -> Vec<u8> {
    // Our types have none of what JSON can't say; see above.
    serde_json_canonicalizer::to_vec(value).expect("text keys and whole numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8785 section 3.2.2 and 3.2.3, without its fractions.
    #[test]
    fn it_is_that_of_rfc_8785() {
        let value: serde_json::Value = serde_json::from_str(
            r#"{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false], "1": 10}"#,
        )
        .expect("it is JSON");
        let text = "{\"1\":10,\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(of(&value)).expect("it is UTF-8"), text);
    }
}
