//! API tokens: shown once, known by a digest, ended by time or revocation.

use std::time::Duration;

use espalier::auth::{
    ApiToken, AuthError, CredentialKind, Grant, GrantConfig, Presented, Role, TokenOrder,
};
use jiff::Timestamp;
use ledger::{NewToken, NewTokenRevocation};

use crate::desk::{Desk, nothing};
use crate::forge::NOW;

const SCOPE: &str = r#"{"roles":["requester"],"authorities":["issuing"],"profiles":["*"],"names":["DNS:*.example.com"]}"#;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A token that ends in a minute, and what is kept of it.
fn drawn(name: &str) -> (ApiToken, NewToken) {
    let order = TokenOrder {
        name: name.into(),
        grant: Grant::new(&serde_json::from_str::<GrantConfig>(SCOPE).unwrap()).unwrap(),
        expires_at: now() + Duration::from_secs(60),
        created_by: "local-uid:0".into(),
    };
    order.draw(now(), &mut rand_core::UnwrapErr(getrandom::SysRng)).unwrap()
}

/// A good token of this name.
pub(crate) async fn good(desk: &Desk, name: &str) -> String {
    let (token, kept) = drawn(name);
    desk.ledger.add_token(kept).await.unwrap();
    token.expose().to_owned()
}

#[tokio::test]
async fn a_token_is_known_until_it_ends_or_is_revoked() {
    let desk = Desk::new("{}").await;
    let (token, kept) = drawn("ci");
    let answer = desk.bearer(token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found an unknown one");
    let id = desk.ledger.add_token(kept).await.unwrap().content.id;
    let caller = desk.bearer(token.expose()).await.unwrap();
    assert_eq!((caller.name(), caller.credential()), ("token:ci", CredentialKind::ApiToken));
    assert_eq!(caller.roles(), [Role::Requester]);
    caller.require(Role::Auditor).unwrap_err();
    desk.bearer_after(59, token.expose()).await.unwrap();
    let answer = desk.bearer_after(60, token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found one that ended at 2026-11-18T11:07:40Z");
    // Nothing is remembered: the next request sees the revocation.
    let revoked_by = "local-uid:0".into();
    let revocation = NewTokenRevocation { id, revoked_at: now(), revoked_by };
    desk.ledger.revoke_token(revocation).await.unwrap();
    let answer = desk.bearer(token.expose()).await;
    Desk::expect_refusal(answer, 401, "API token: found a revoked one");
}

#[tokio::test]
async fn whatever_is_near_a_token_is_refused() {
    let desk = Desk::new("{}").await;
    let text = good(&desk, "ci").await;
    desk.bearer(&text).await.unwrap();
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

#[tokio::test]
async fn a_scope_that_can_not_be_read_gives_nothing() {
    let desk = Desk::new("{}").await;
    for scope in ["{}", r#"{"roles":[]}"#, r#"{"roles":["god"]}"#, r#"{"roles":["admin"],"x":1}"#] {
        let (token, kept) = drawn("ci");
        desk.ledger.add_token(NewToken { scope: scope.into(), ..kept }).await.unwrap();
        let answer = desk.bearer(token.expose()).await;
        Desk::expect_refusal(answer, 401, "API token: its scope can't be read");
    }
}

#[tokio::test]
async fn tokens_can_be_switched_off() {
    let desk = Desk::new("api_tokens: false").await;
    let text = good(&desk, "ci").await;
    Desk::expect_refusal(desk.bearer(&text).await, 401, "API token: found one, allowed are none");
}

#[tokio::test]
async fn a_ledger_that_can_not_be_asked_is_no_refusal() {
    let desk = Desk::new("{}").await;
    let text = good(&desk, "ci").await;
    desk.ledger.close().await.unwrap();
    let answer = desk.bearer(&text).await;
    assert_eq!(answer.as_ref().map(drop).unwrap_err().retry_after_seconds(), Some(10));
    Desk::expect_refusal(answer, 503, "credential: the ledger can't be asked now");
}

#[tokio::test]
async fn nobody_is_let_in_without_a_credential() {
    let desk = Desk::new("{}").await;
    for chain in [None, Some(&[][..])] {
        let presented = Presented { client_certificates: chain, ..nothing() };
        let error = desk.authenticator.authenticate(presented, now()).await.map(drop).unwrap_err();
        assert_eq!(error, AuthError::Missing);
        assert_eq!(error.status(), 401);
    }
}
