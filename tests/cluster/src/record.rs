//! What a server's ledger has, and whether anybody got more than one certificate.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A row of the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// The UID of the request that it was made for, and what a later try adds to it.
    pub idempotency_key: Option<String>,
    /// The digest of the holder's public key.
    pub key_digest: String,
    certificate: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Record(Record),
    #[serde(other)]
    Other,
}

impl Record {
    /// Whether it has a certificate; without one it was cut off before it was signed or stored.
    #[must_use]
    pub fn is_issued(&self) -> bool {
        self.certificate.is_some()
    }

    /// The UID of the request that it was made for.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.idempotency_key.as_deref()?.split('.').next()
    }

    /// The records of an export.
    ///
    /// # Panics
    /// When a line is no export's.
    #[must_use]
    pub fn all(export: &str) -> Vec<Self> {
        let read = |line: &str| match serde_json::from_str(line) {
            Ok(Line::Record(record)) => Some(record),
            Ok(Line::Other) => None,
            Err(error) => panic!("{line}: {error}"),
        };
        export.lines().filter_map(read).collect()
    }
}

/// Requests by their UIDs, and keys by their digests, that have more than one certificate, with the names
/// under which those were asked for.
#[must_use]
pub fn twice(records: &[Record]) -> Vec<String> {
    let mut names = BTreeMap::<String, Vec<&str>>::new();
    for record in records.iter().filter(|record| record.is_issued()) {
        let (Some(uid), Some(name)) = (record.uid(), &record.idempotency_key) else { continue };
        for thing in [format!("request {uid}"), format!("key {}", record.key_digest)] {
            names.entry(thing).or_default().push(name);
        }
    }
    let twice = names.into_iter().filter(|(_, names)| names.len() > 1);
    twice.map(|(thing, names)| format!("{thing}: {}", names.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_certificate_is_found() {
        let line = |key: &str, digest: &str, certificate: &str| {
            format!(
                r#"{{"kind":"record","idempotency_key":{key},"key_digest":"{digest}","certificate":{certificate}}}"#
            )
        };
        let found = |lines: &[String]| twice(&Record::all(&lines.join("\n")));
        let end = r#"{"kind":"end","rows":1}"#.to_owned();
        let first = line(r#""u-1""#, "a", "{}");
        // Cut off, then issued under another key of the same UID.
        let good =
            [line(r#""u-2""#, "b", "null"), line(r#""u-2.2""#, "b", "{}"), first.clone(), end];
        assert_eq!(found(&good), [""; 0]);
        assert_eq!(Record::all(&good.join("\n")).len(), 3);
        assert_eq!(
            found(&[first.clone(), line(r#""u-1.2""#, "c", "{}")]),
            ["request u-1: u-1, u-1.2"]
        );
        assert_eq!(found(&[first.clone(), line(r#""u-3""#, "a", "{}")]), ["key a: u-1, u-3"]);
        // An authority's own certificate is nobody's request.
        assert_eq!(found(&[first, line("null", "a", "{}")]), [""; 0]);
    }
}
