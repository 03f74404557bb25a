//! Asking an API server about a token (authentication.k8s.io/v1 TokenReview).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::auth::error::{AuthError, CredentialKind};
use crate::auth::fetch::Fetcher;
use crate::auth::quoted::quoted;
use crate::auth::strict_json;

/// The largest answer, in octets: it repeats the token.
const MAX_ANSWER: usize = 128 * 1024;
/// The most reviews at a time; others wait.
const MAX_AT_ONCE: usize = 8;
/// How long one waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// The most answers that are kept.
const MAX_KEPT: usize = 10_000;

/// Reviews of one API server, and those of its answers that still hold.
#[derive(Debug)]
pub(super) struct TokenReviews {
    fetcher: Fetcher,
    url: Url,
    audiences: Vec<String>,
    keep_seconds: u32,
    turns: Semaphore,
    kept: Mutex<HashMap<Fingerprint, Kept>>,
}

/// An answer: the user, or why not.
#[derive(Clone, Debug)]
struct Kept {
    answer: Result<String, String>,
    from: i64,
    until: i64,
}

impl TokenReviews {
    pub(super) fn new(
        fetcher: Fetcher,
        url: Url,
        audiences: Vec<String>,
        keep_seconds: u32,
    ) -> Self {
        let turns = Semaphore::new(MAX_AT_ONCE);
        Self { fetcher, url, audiences, keep_seconds, turns, kept: Mutex::default() }
    }

    /// The user that the API server knows by the token, which says to end at `expires_at`.
    pub(super) async fn review(
        &self,
        token: &str,
        expires_at: i64,
        now: Timestamp,
    ) -> Result<String, AuthError> {
        let refused = |reason: String| AuthError::refused(CredentialKind::ServiceAccount, reason);
        let key = Fingerprint::of(token.as_bytes());
        if let Some(answer) = self.kept_answer(&key, now) {
            return answer.map_err(refused);
        }
        let unavailable = |cause: String| AuthError::unavailable("the API server", cause);
        let turn = tokio::time::timeout(MAX_WAIT, self.turns.acquire()).await;
        let _turn = match turn {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) | Err(_) => {
                return Err(unavailable(format!("{MAX_AT_ONCE} reviews are under way")));
            }
        };
        // Another may have asked the same meanwhile.
        if let Some(answer) = self.kept_answer(&key, now) {
            return answer.map_err(refused);
        }
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": self.audiences },
        });
        let body = body.to_string().into_bytes();
        let answer = self.fetcher.post(&self.url, body, MAX_ANSWER).await;
        let answer = answer.map_err(|error| unavailable(error.to_string()))?;
        let answer = self.read(&answer).map_err(unavailable)?;
        self.keep(key, &answer, expires_at, now);
        answer.map_err(refused)
    }

    /// What the answer says: the user, or why there is none.
    fn read(&self, answer: &[u8]) -> Result<Result<String, String>, String> {
        let answer = strict_json::read_object(answer).map_err(|error| error.to_string())?;
        let status = answer.get("status").and_then(Value::as_object);
        let status = status.ok_or("the answer to a TokenReview has no status")?;
        if status.get("authenticated") != Some(&Value::Bool(true)) {
            let why = status.get("error").and_then(Value::as_str).unwrap_or("it says no more");
            let why = quoted(why);
            return Ok(Err(format!("token: the API server does not know it: {why}")));
        }
        // A server that knows nothing of audiences leaves them out, and would take any token.
        let own = |audience: &Value| self.audiences.iter().any(|own| audience == own);
        let audiences = status.get("audiences").and_then(Value::as_array);
        if !audiences.is_some_and(|audiences| audiences.iter().any(own)) {
            let allowed = self.audiences.join(" or ");
            return Ok(Err(format!("token: aud: found others, allowed: {allowed}")));
        }
        let name = status.get("user").and_then(|user| user.get("username"));
        let name = name.and_then(Value::as_str).ok_or("a TokenReview without a user's name")?;
        Ok(Ok(name.to_owned()))
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Fingerprint, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_answer(&self, key: &Fingerprint, now: Timestamp) -> Option<Result<String, String>> {
        let now = now.as_second();
        let kept = self.answers().get(key).cloned();
        kept.filter(|kept| (kept.from..kept.until).contains(&now)).map(|kept| kept.answer)
    }

    fn keep(
        &self,
        key: Fingerprint,
        answer: &Result<String, String>,
        expires_at: i64,
        now: Timestamp,
    ) {
        let from = now.as_second();
        let until = from.saturating_add(self.keep_seconds.into()).min(expires_at);
        let mut kept = self.answers();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, one| one.until > from);
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
        }
        kept.insert(key, Kept { answer: answer.clone(), from, until });
    }
}
