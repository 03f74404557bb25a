//! Export and import: every row of a ledger as a line of JSON, whatever store keeps it.
//!
//! ```text
//! {"kind":"header","format":1,"digest":"…"}
//! {"kind":"authority","name":"root",…,"digest":"…"}
//! {"kind":"record",…,"certificate":{…},"digest":"…"}
//! …
//! {"kind":"end","rows":1234,"digest":"…"}
//! ```
//!
//! The digest of a line is SHA-256 of the digest of the line before it (32 octets; none before the
//! first) and of the line without its own digest, `{…}`. So no line can be changed, left out, moved
//! or cut off unseen, and the last digest stands for the whole ledger: two ledgers are the same when
//! theirs are. Digests and serial numbers are in hexadecimal, certificates in base64, times in
//! microseconds (`*_us`) or seconds (`*_s`) since 1970 UTC.
//!
//! Order: authorities and records as they were added, each with its certificates; then what was
//! revoked and the CRLs of each authority, as they followed each other; blocked keys by digest; audit
//! events; tokens. Leases are no part of a ledger.

use ca_core::fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};

use tokio::sync::mpsc;

use crate::{LedgerError, Store, certificate::hex};

/// The format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;
/// Rows of one page of an export, and of one transaction of an import.
pub const ROWS_AT_ONCE: usize = 500;
/// How long a line may be: a record with as many and as long names as there may be, and a
/// certificate.
pub const MAX_LINE_OCTETS: usize = 64 << 20;

/// One line, without its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(missing_docs)] // as the columns of the same names
pub enum ExportRow {
    Header(Header),
    Authority(ExportedAuthority),
    Record(Box<ExportedRecord>),
    Revocation(ExportedRevocation),
    Crl(ExportedCrl),
    BlockedKey(ExportedBlock),
    AuditEvent(ExportedEvent),
    Token(ExportedToken),
    End(End),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// How many lines there are between the first and this one.
    pub rows: u64,
}

/// A certificate, with the time when it was stored or added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedCertificate {
    pub der: Base64,
    #[sqlx(rename = "stored_at")]
    pub stored_at_us: i64,
}

/// A row of `authority` with its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedAuthority {
    pub name: String,
    pub algorithm: String,
    pub key_digest: Hex,
    pub component_digests: Option<Hex>,
    pub parent: Option<String>,
    #[sqlx(rename = "created_at")]
    pub created_at_us: i64,
    #[sqlx(skip)]
    pub certificates: Vec<ExportedCertificate>,
}

/// A row of `record` with its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedRecord {
    pub authority: String,
    pub position: i64,
    pub serial: Hex,
    pub profile: String,
    pub requester: String,
    pub idempotency_key: Option<String>,
    pub body_digest: Option<Hex>,
    pub tbs_digest: Hex,
    pub subject: String,
    /// A JSON array, as the stores keep it.
    pub names: String,
    pub algorithm: String,
    pub key_digest: Hex,
    pub component_digests: Hex,
    pub for_authority: Option<bool>,
    pub key_reuse: Option<i64>,
    /// A JSON array, as the stores keep it.
    pub crl_places: Option<String>,
    #[sqlx(rename = "not_before")]
    pub not_before_s: i64,
    #[sqlx(rename = "not_after")]
    pub not_after_s: i64,
    #[sqlx(rename = "recorded_at")]
    pub recorded_at_us: i64,
    #[sqlx(skip)]
    pub certificate: Option<ExportedCertificate>,
}

/// A row of `revocation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedRevocation {
    pub serial: Hex,
    pub position: i64,
    pub reason: i64,
    #[sqlx(rename = "invalidity_date")]
    pub invalidity_date_s: Option<i64>,
    #[sqlx(rename = "revoked_at")]
    pub revoked_at_us: i64,
    pub revoked_by: String,
}

/// A row of `crl` with its row of `crl_list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedCrl {
    pub authority: String,
    pub number: i64,
    pub subjects: i64,
    pub places: String,
    pub base: Option<i64>,
    pub since: i64,
    pub through: i64,
    pub settled_through: i64,
    #[sqlx(rename = "settled_at")]
    pub settled_at_s: i64,
    #[sqlx(rename = "this_update")]
    pub this_update_s: i64,
    #[sqlx(rename = "next_update")]
    pub next_update_s: i64,
    #[sqlx(skip)]
    pub list: Option<ExportedList>,
}

/// A row of `crl_list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedList {
    pub fingerprint: Hex,
    pub entries: i64,
    pub octets: i64,
    pub stored_at_us: i64,
}

/// A row of `blocked_key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedBlock {
    #[sqlx(rename = "digest")]
    pub digest_of_key: Hex,
    pub reason: i64,
    #[sqlx(rename = "blocked_at")]
    pub blocked_at_us: i64,
    pub blocked_by: String,
}

/// A row of `audit_event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedEvent {
    pub position: i64,
    #[sqlx(rename = "at")]
    pub at_us: i64,
    pub request_id: String,
    pub actor: String,
    pub action: String,
    pub subject: Option<String>,
    pub address: Option<String>,
    pub problem: Option<String>,
}

/// A row of `token` with its revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as the columns of the same names
pub struct ExportedToken {
    pub number: i64,
    pub id: String,
    pub name: String,
    pub secret_digest: Hex,
    pub scope: String,
    #[sqlx(rename = "created_at")]
    pub created_at_us: i64,
    #[sqlx(rename = "expires_at")]
    pub expires_at_us: i64,
    pub created_by: String,
    #[sqlx(rename = "revoked_at")]
    pub revoked_at_us: Option<i64>,
    pub revoked_by: Option<String>,
}

/// Octets that are written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(into = "String", try_from = "String")]
#[sqlx(transparent)]
pub struct Hex(pub Vec<u8>);

/// Octets that are written in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(into = "String", try_from = "String")]
#[sqlx(transparent)]
pub struct Base64(pub Vec<u8>);

impl From<Hex> for String {
    fn from(octets: Hex) -> Self {
        hex(&octets.0)
    }
}

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        base16ct::lower::decode_vec(text).map(Self).map_err(|_| "expected lower-case hexadecimal")
    }
}

impl From<Base64> for String {
    fn from(octets: Base64) -> Self {
        use base64ct::Encoding as _;
        base64ct::Base64::encode_string(&octets.0)
    }
}

impl TryFrom<String> for Base64 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        use base64ct::Encoding as _;
        base64ct::Base64::decode_vec(&text).map(Self).map_err(|_| "expected base64")
    }
}

/// Exports the whole ledger, line by line (each with its line end). Answers the last digest and how
/// many rows there were.
///
/// # Errors
/// What `write` gives; `fail` of what the ledger gives.
pub async fn export<E>(
    ledger: &dyn Store,
    fail: fn(LedgerError) -> E,
    mut write: impl FnMut(&str) -> Result<(), E>,
) -> Result<(Fingerprint, u64), E> {
    let mut lines = LineWriter::default();
    write(&lines.header().map_err(fail)?)?;
    // A page is read while the one before it is written.
    let (sender, pages) = mpsc::channel(1);
    let writing = async {
        // When writing fails, this block ends with the receiver, and so does the reading.
        let mut pages = pages;
        while let Some(rows) = pages.recv().await {
            for row in rows {
                write(&lines.row(&row).map_err(fail)?)?;
            }
        }
        Ok(())
    };
    let (exported, written): (_, Result<(), E>) = tokio::join!(ledger.export(sender), writing);
    written?;
    exported.map_err(fail)?;
    write(&lines.end().map_err(fail)?)?;
    Ok((lines.last.unwrap_or_else(|| Fingerprint::of(&[])), lines.rows))
}

/// Imports an export into an empty ledger. `next` gives the next line, without its end. Answers the
/// last digest and how many rows there were; until then the ledger is not whole.
///
/// # Errors
/// What `next` gives; `fail` of what is wrong with a line, or of what the ledger gives.
pub async fn import<E>(
    ledger: &dyn Store,
    fail: fn(LedgerError) -> E,
    mut next: impl FnMut() -> Result<Option<String>, E>,
) -> Result<(Fingerprint, u64), E> {
    let (mut lines, mut rows, mut is_first) = (LineReader::default(), Vec::new(), true);
    while let Some(line) = next()? {
        rows.extend(lines.read(&line).map_err(fail)?);
        if rows.len() >= ROWS_AT_ONCE {
            ledger.import(std::mem::take(&mut rows), is_first).await.map_err(fail)?;
            is_first = false;
        }
    }
    // The last rows only when nothing is missing.
    let read = lines.finish().map_err(fail)?;
    ledger.import(rows, is_first).await.map_err(fail)?;
    Ok(read)
}

/// What stands before the digest of a line, and behind it.
const BEFORE: &str = ",\"digest\":\"";
const BEHIND: &str = "\"}";

/// Writes lines with their digests.
#[derive(Debug, Default)]
pub struct LineWriter {
    last: Option<Fingerprint>,
    rows: u64,
}

impl LineWriter {
    /// The header.
    ///
    /// # Errors
    /// None that a header has.
    pub fn header(&mut self) -> Result<String, LedgerError> {
        self.write(&ExportRow::Header(Header { format: FORMAT }))
    }

    /// A row, with the line end.
    ///
    /// # Errors
    /// `InvalidField` when it can't be JSON, which no row is.
    pub fn row(&mut self, row: &ExportRow) -> Result<String, LedgerError> {
        self.rows += 1;
        self.write(row)
    }

    /// The last line.
    ///
    /// # Errors
    /// None that it has.
    pub fn end(&mut self) -> Result<String, LedgerError> {
        self.write(&ExportRow::End(End { rows: self.rows }))
    }

    fn write(&mut self, row: &ExportRow) -> Result<String, LedgerError> {
        let json = serde_json::to_string(row).map_err(|error| refused(0, error.to_string()))?;
        let digest = chained(self.last, &json);
        self.last = Some(digest);
        // Every row is an object with at least its kind.
        let open = json.strip_suffix('}').unwrap_or(&json);
        Ok(format!("{open}{BEFORE}{}{BEHIND}\n", hex(digest.as_bytes())))
    }
}

/// Reads lines and checks their digests.
#[derive(Debug, Default)]
pub struct LineReader {
    last: Option<Fingerprint>,
    lines: u64,
    rows: u64,
    ended: bool,
}

impl LineReader {
    /// The row of the next line; `None` for the first and the last one.
    ///
    /// # Errors
    /// `InvalidField` with the number of the line, when it is not what was exported.
    pub fn read(&mut self, line: &str) -> Result<Option<ExportRow>, LedgerError> {
        self.lines += 1;
        let refuse = |found: &str| Err(refused(self.lines, found.to_owned()));
        if self.ended {
            return refuse("something behind the last line");
        }
        let length = BEFORE.len() + 64 + BEHIND.len();
        let parts = line.len().checked_sub(length).and_then(|at| line.split_at_checked(at));
        let digest = parts.and_then(|(_, tail)| {
            let digits = tail.strip_prefix(BEFORE)?.strip_suffix(BEHIND)?;
            base16ct::lower::decode_vec(digits).ok()?.try_into().ok()
        });
        let (Some((open, _)), Some(digest)) = (parts, digest) else {
            return refuse("no digest at its end");
        };
        let json = format!("{open}}}");
        if chained(self.last, &json) != Fingerprint::from_bytes(digest) {
            return refuse(
                "a digest that does not fit: this line or one before it was changed, \
                           moved or left out",
            );
        }
        self.last = Some(Fingerprint::from_bytes(digest));
        let row = serde_json::from_str(&json)
            .map_err(|error| refused(self.lines, format!("another row ({error})")))?;
        match (self.lines, row) {
            (1, ExportRow::Header(Header { format: FORMAT })) => Ok(None),
            (1, ExportRow::Header(Header { format })) => {
                let found = format!("format {format}, written by another release");
                Err(refused(1, found))
            }
            (1, _) | (_, ExportRow::Header(_)) => refuse("no header first, or another one"),
            (_, ExportRow::End(End { rows })) if rows == self.rows => {
                self.ended = true;
                Ok(None)
            }
            (_, ExportRow::End(End { rows })) => {
                let found = format!("the end of {rows} rows, after {} of them", self.rows);
                Err(refused(self.lines, found))
            }
            (_, row) => {
                self.rows += 1;
                Ok(Some(row))
            }
        }
    }

    /// Checks that the last line was there, and answers its digest and how many rows there were.
    ///
    /// # Errors
    /// `InvalidField` when lines are missing.
    pub fn finish(self) -> Result<(Fingerprint, u64), LedgerError> {
        match self.last {
            Some(digest) if self.ended => Ok((digest, self.rows)),
            _ => Err(refused(self.lines, "the end of the file, without a last line".into())),
        }
    }
}

/// A row that a ledger can't take, with the serial number that it is about.
pub(crate) fn refused_row(kind: &str, serial: &Hex, reason: &str) -> LedgerError {
    let serial = base16ct::lower::encode_string(&serial.0);
    LedgerError::Refused {
        transaction: "ledger.write",
        message: format!("{kind} of serial number {serial}: {reason}"),
    }
}

fn chained(last: Option<Fingerprint>, json: &str) -> Fingerprint {
    let before = last.as_ref().map_or(&[][..], |digest| digest.as_bytes());
    Fingerprint::of(&[before, json.as_bytes()].concat())
}

fn refused(line: u64, found: String) -> LedgerError {
    LedgerError::InvalidField {
        field: "export",
        found: format!("line {line}: {found}"),
        allowed: "every line as `espalier ledger export` wrote it".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn rows() -> Vec<ExportRow> {
        let event = |position| ExportedEvent {
            position,
            at_us: 5,
            request_id: "r".into(),
            actor: "user:\"alice\"".into(),
            action: "a".into(),
            subject: None,
            address: Some("127.0.0.1".into()),
            problem: None,
        };
        (1..=3).map(|position| ExportRow::AuditEvent(event(position))).collect()
    }

    fn written() -> Vec<String> {
        let mut writer = LineWriter::default();
        let mut lines = vec![writer.header().unwrap()];
        lines.extend(rows().iter().map(|row| writer.row(row).unwrap()));
        lines.push(writer.end().unwrap());
        lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
    }

    fn read(lines: &[String]) -> Result<Vec<ExportRow>, LedgerError> {
        let mut reader = LineReader::default();
        let mut rows = Vec::new();
        for line in lines {
            rows.extend(reader.read(line)?);
        }
        reader.finish()?;
        Ok(rows)
    }

    #[test]
    fn rows_come_back_from_their_lines() {
        assert_eq!(read(&written()).unwrap(), rows());
        assert!(written()[0].starts_with("{\"kind\":\"header\",\"format\":1,\"digest\":\""));
    }

    #[test]
    fn whatever_was_changed_is_refused_with_its_line() {
        let refusal = |lines: &[String]| read(lines).unwrap_err().to_string();
        let lines = written();
        let mut changed = lines.clone();
        changed[2] = changed[2].replace("alice", "alicf");
        assert!(refusal(&changed).contains("line 3: a digest that does not fit"));
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert!(refusal(&swapped).contains("line 2: a digest that does not fit"));
        let mut lost = lines.clone();
        lost.remove(2);
        assert!(refusal(&lost).contains("line 3: a digest that does not fit"));
        assert!(refusal(&lines[..4]).contains("line 4: the end of the file"));
        assert!(refusal(&lines[1..]).contains("line 1: a digest that does not fit"));
        let more = [lines.clone(), lines[4..].to_vec()].concat();
        assert!(refusal(&more).contains("line 6: something behind the last line"));
        for line in ["", "{}", "{\"kind\":\"end\"}", "é".repeat(60).as_str()] {
            assert!(refusal(&[line.to_owned()]).contains("line 1: no digest at its end"), "{line}");
        }
    }
}
