//! API tokens: shown once, known by a digest, ended by time or revocation.

use ca_core::fingerprint::Fingerprint;
use espalier::auth::{ApiToken, AuthError, CredentialKind, FoundToken, Presented, Role};
use jiff::Timestamp;

use crate::desk::{Desk, nothing};
use crate::forge::NOW;

const SCOPE: &str = r#"{"roles":["requester"],"authorities":["issuing"],"profiles":["*"],"names":["DNS:*.example.com"]}"#;

fn made() -> (ApiToken, FoundToken) {
    let token = ApiToken::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let kept = FoundToken {
        name: "ci".into(),
        secret_digest: token.digest(),
        scope: SCOPE.into(),
        expires_at: Timestamp::from_second(NOW + 60).unwrap(),
        revoked: false,
    };
    (token, kept)
}

#[tokio::test]
async fn a_token_is_known_until_it_ends_or_is_revoked() {
    let desk = Desk::new("{}").await;
    let (token, kept) = made();
    let answer = desk.bearer(token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found an unknown one");
    desk.shelf.0.lock().unwrap().push(kept);
    let caller = desk.bearer(token.expose()).await.unwrap();
    assert_eq!((caller.name(), caller.credential()), ("token:ci", CredentialKind::ApiToken));
    assert_eq!(caller.roles(), [Role::Requester]);
    caller.require(Role::Auditor).unwrap_err();
    desk.bearer_after(59, token.expose()).await.unwrap();
    let answer = desk.bearer_after(60, token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found one that ended at 2026-11-18T11:07:40Z");
    // Nothing is remembered: the next request sees the revocation.
    desk.shelf.0.lock().unwrap()[0].revoked = true;
    let answer = desk.bearer(token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found a revoked one");
}

#[tokio::test]
async fn whatever_is_near_a_token_is_refused() {
    let desk = Desk::new("{}").await;
    let (token, kept) = made();
    desk.shelf.0.lock().unwrap().push(kept);
    let text = token.expose();
    let last = text.chars().last().unwrap();
    let other = if last == 'A' { 'B' } else { 'A' };
    for wrong in [
        format!("{}{other}", &text[..text.len() - 1]),
        text[..text.len() - 1].to_owned(),
        format!("{text}A"),
        format!("{text} "),
        "espalier_".into(),
        format!("espalier_{}", "A".repeat(51)),
        format!("espalier_{}", "A".repeat(100_000)),
    ] {
        let answer = desk.bearer(&wrong).await;
        Desk::expect_refusal(answer, 401, "API token: found a text that is none");
    }
    let answer = desk.bearer(&text.to_uppercase()).await;
    Desk::expect_refusal(answer, 401, "token: form");
    let answer = desk.bearer(&format!(" {text}")).await;
    Desk::expect_refusal(answer, 401, "token: form");
}

/// A store that answers with another's token does not make one somebody else.
#[tokio::test]
async fn the_digest_is_compared_again() {
    let desk = Desk::new("{}").await;
    let (token, kept) = made();
    let mut octets = *kept.secret_digest.as_bytes();
    octets[31] ^= 1;
    let bent = FoundToken { secret_digest: Fingerprint::from_bytes(octets), ..kept };
    desk.shelf.0.lock().unwrap().push(bent);
    let answer = desk.bearer(token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found an unknown one");
}

#[tokio::test]
async fn a_scope_that_can_not_be_read_gives_nothing() {
    let desk = Desk::new("{}").await;
    for scope in
        ["", "{}", r#"{"roles":[]}"#, r#"{"roles":["god"]}"#, r#"{"roles":["admin"],"x":1}"#]
    {
        let (token, kept) = made();
        desk.shelf.0.lock().unwrap().push(FoundToken { scope: scope.into(), ..kept });
        let answer = desk.bearer(token.expose()).await;
        Desk::expect_refusal(answer, 401, "API token: its scope can't be read");
    }
}

#[tokio::test]
async fn tokens_can_be_switched_off() {
    let desk = Desk::new("api_tokens: false").await;
    let (token, kept) = made();
    desk.shelf.0.lock().unwrap().push(kept);
    let answer = desk.bearer(token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found one, allowed are none");
}

#[tokio::test]
async fn nobody_is_let_in_without_a_credential() {
    let desk = Desk::new("{}").await;
    let now = Timestamp::from_second(NOW).unwrap();
    for chain in [None, Some(&[][..])] {
        let presented = Presented { client_certificates: chain, ..nothing() };
        let error = desk.authenticator.authenticate(presented, now).await.map(drop).unwrap_err();
        assert_eq!(error, AuthError::Missing);
        assert_eq!(error.status(), 401);
    }
}

/// A good token of this name.
pub(crate) fn shelved(desk: &Desk, name: &str) -> String {
    let (token, kept) = made();
    desk.shelf.0.lock().unwrap().push(FoundToken { name: name.into(), ..kept });
    token.expose().to_owned()
}
