//! `Idempotency-Key`: the same request again gets the same certificate.

use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use ca_core::fingerprint::Fingerprint;
use jiff::SignedDuration;
use ledger::{Idempotency, Status};

use super::problem::{INVALID_PARAMETER, Refusal};
use super::state::App;
use crate::issuance::{self, Asker, IssueError, Issued};

/// The header field.
pub const HEADER: &str = "idempotency-key";
/// Marks an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";
/// The longest key, in characters; the ledger takes no longer one.
const MOST: usize = 256;
/// How long an answer is waited for that another request is working on.
const PATIENCE: Duration = Duration::from_secs(3);
/// So long after its record, at least, a request that has no certificate was cut off; it is twice the time
/// that a request may take where that is longer. One of another server that is slower than this is refused
/// by the ledger when it comes.
const ABANDONED_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// The first pause between two looks; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The key of a request, if it has one: bare, or as a quoted string.
///
/// # Errors
/// `invalid-parameter`.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let refuse = |found: String| {
        let allowed =
            format!("one of 1 to {MOST} visible ASCII characters other than a quotation mark");
        let detail = format!("Idempotency-Key: found {found}, allowed: {allowed}");
        Refusal::new(INVALID_PARAMETER, detail)
    };
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refuse("several".into()));
    }
    let text = value.to_str().map_err(|_| refuse("octets that are not ASCII".into()))?;
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let key = quoted.unwrap_or(text);
    if !(1..=MOST).contains(&key.len()) {
        return Err(refuse(format!("{} characters", key.len())));
    }
    match key.bytes().find(|byte| !byte.is_ascii_graphic() || *byte == b'"') {
        Some(_) => Err(refuse("a space, tab or quotation mark".into())),
        None => Ok(Some(key.to_owned())),
    }
}

/// A key with the digest of everything that decides on the certificate. Each part is digested by
/// itself, so that no two lists of parts are the same octets.
pub fn named(key: String, parts: &[&[u8]]) -> Idempotency {
    let digests: Vec<u8> =
        parts.iter().flat_map(|part| *Fingerprint::of(part).as_bytes()).collect();
    Idempotency { key, body_digest: Fingerprint::of(&digests) }
}

/// What the same request got before, if it came before. While another one is working on it, its
/// answer is waited for, a short time. What was cut off is ended a minute after its record or later
/// (ADR 0170); what this server still works on was not.
///
/// # Errors
/// As [`issuance::answered`]: `IssueError::NotRepeatable` when it has no certificate yet, or never
/// gets one.
pub async fn answered(app: &App, asker: &Asker) -> Result<Option<Issued>, IssueError> {
    let limit = app.limits().request_timeout_seconds.saturating_mul(2);
    let limit = i64::try_from(limit).map_or(SignedDuration::MAX, SignedDuration::from_secs);
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = issuance::answered(app.ledger(), asker).await;
        let Err(IssueError::NotRepeatable { serial, status: Status::Orphan, recorded_at, .. }) =
            answer
        else {
            return answer;
        };
        let now = app.now();
        let is_old = now.duration_since(recorded_at) >= limit.max(ABANDONED_AFTER);
        if is_old && !app.under_way().has(asker) {
            // Revoked or stored, it is no orphan at the next look.
            issuance::abandon(app.ledger(), serial, asker, now).await?;
        }
        if started.elapsed() + pause >= PATIENCE {
            return answer;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        key(&headers).map_err(|refusal| refusal.detail().to_owned())
    }

    #[test]
    fn keys_are_read_bare_and_quoted() {
        assert_eq!(read(&[]), Ok(None));
        for value in ["8e03978e-40d5", "\"8e03978e-40d5\""] {
            assert_eq!(read(&[value.as_bytes()]), Ok(Some("8e03978e-40d5".into())), "{value}");
        }
        let longest = "k".repeat(256);
        assert_eq!(read(&[longest.as_bytes()]), Ok(Some(longest)));
    }

    #[test]
    fn other_keys_are_refused_with_what_was_found() {
        let long = "k".repeat(257);
        for (values, words) in [
            (&[&b"a"[..], b"b"][..], "several"),
            (&[b""], "0 characters"),
            (&[b"\"\""], "0 characters"),
            (&[long.as_bytes()], "257 characters"),
            (&[b"a b"], "a space"),
            (&["ä".as_bytes()], "not ASCII"),
        ] {
            let detail = read(values).unwrap_err();
            assert!(detail.contains(words), "{detail}");
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let one = named("k".into(), &[b"ab", b"c"]);
        let other = named("k".into(), &[b"a", b"bc"]);
        assert_ne!(one.body_digest, other.body_digest);
    }
}
