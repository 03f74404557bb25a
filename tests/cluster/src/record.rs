//! What a server's ledger has, and whether anybody got more than one certificate.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A row of the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// The UID of the request that it was made for, and what a later try adds to it.
    pub idempotency_key: Option<String>,
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

/// The names of certificates whose request, by its UID, has several. A key may have several: when its caches
/// are late, cert-manager begins the next revision of a Certificate that it has just issued, with the same key.
#[must_use]
pub fn twice(records: &[Record]) -> Vec<String> {
    let mut requests = BTreeMap::<&str, Vec<&str>>::new();
    for record in records.iter().filter(|record| record.is_issued()) {
        if let (Some(uid), Some(name)) = (record.uid(), &record.idempotency_key) {
            requests.entry(uid).or_default().push(name);
        }
    }
    requests.into_values().filter(|names| names.len() > 1).map(|names| names.join(", ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_certificate_is_found() {
        let line = |key: &str, certificate: &str| {
            format!(r#"{{"kind":"record","idempotency_key":{key},"certificate":{certificate}}}"#)
        };
        let found = |lines: &[String]| twice(&Record::all(&lines.join("\n")));
        let end = r#"{"kind":"end","rows":1}"#.to_owned();
        let first = line(r#""u-1""#, "{}");
        // Cut off, then issued under another name of the same UID.
        let good = [line(r#""u-2""#, "null"), line(r#""u-2.2""#, "{}"), first.clone(), end];
        assert_eq!(found(&good), [""; 0]);
        assert_eq!(Record::all(&good.join("\n")).len(), 3);
        assert_eq!(found(&[first.clone(), line(r#""u-1.2""#, "{}")]), ["u-1, u-1.2"]);
        assert_eq!(found(&[first.clone(), first.clone()]), ["u-1, u-1"]);
        // An authority's own certificate is nobody's request.
        assert_eq!(found(&[first, line("null", "{}"), line("null", "{}")]), [""; 0]);
    }
}
