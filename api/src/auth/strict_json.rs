//! JSON in which no object may name a member twice: what one reader takes from the first, another
//! takes from the last (RFC 8259 section 4, RFC 7515 section 4).

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::quoted::quoted;

/// The most members and items in one text, all objects and arrays together.
const MAX_ITEMS: usize = 10_000;

/// Reads one JSON value. serde_json bounds the depth at 128; the caller bounds the length.
///
/// # Errors
/// What is wrong and where; a member that comes twice is named.
pub fn read(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut items = 0;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { items: &mut items }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads one JSON object.
///
/// # Errors
/// As [`read`], and for another kind of value.
pub fn read_object(text: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match read(text)? {
        Value::Object(members) => Ok(members),
        _ => Err(de::Error::custom("another kind of value than an object")),
    }
}

struct Strict<'a> {
    items: &'a mut usize,
}

impl Strict<'_> {
    fn count<E: de::Error>(&mut self) -> Result<(), E> {
        *self.items += 1;
        if *self.items > MAX_ITEMS {
            return Err(E::custom(format!(
                "found more than {MAX_ITEMS} values, allowed are fewer"
            )));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Strict { items: self.items })? {
            self.count()?;
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            self.count()?;
            let value = access.next_value_seed(Strict { items: self.items })?;
            if members.contains_key(&name) {
                let name = quoted(&name);
                return Err(de::Error::custom(format!("member {name} twice")));
            }
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn it_reads_what_serde_json_reads() {
        for text in [r#"{"a":[1,-2,3.5,null,true,"x\u0041"],"b":{"a":1}}"#, "[]", "\"a\"", "7"] {
            let plain: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text.as_bytes()).unwrap(), plain);
        }
    }

    #[test]
    fn a_member_that_comes_twice_is_refused_wherever_it_stands() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#]
        {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("member \"a\" twice"), "{error}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(1_000);
        let many = format!("[{}1]", "1,".repeat(MAX_ITEMS));
        for text in ["", "{", "{}x", "{'a':1}", "{\"a\":01}", "nul", "\"\u{1}\"", &deep, &many] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(b"\"\xff\"").is_err());
        assert!(read_object(b"[]").is_err());
    }
}
