//! `/v1/tokens`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use client::v1::{self, CreateToken, PageParameters, Problem, Secret, TokenGrant, TokenPage};
use jiff::SignedDuration;
use ledger::{LedgerError, NewTokenRevocation};

use crate::auth::{Caller, Grant, GrantConfig, TokenOrder};
use crate::server::access::{Known, Subject};
use crate::server::body::{self, shortened};
use crate::server::page::page;
use crate::server::path::PathPart;
use crate::server::problem::{INVALID_FIELD, INVALID_PARAMETER, NOT_FOUND, Refusal, internal};
use crate::server::state::App;
use crate::wire;

/// The longest life of a token, in days.
const MOST_DAYS: u32 = 365;

/// Make a token
///
/// The answer has the token itself; it is told only this once. Its grant says what it may be used
/// for (docs/access.md).
#[utoipa::path(post, path = "/v1/tokens", operation_id = "createToken", tag = "tokens",
    request_body = CreateToken,
    responses(
        (status = 201, description = "The token, with its secret", body = v1::Token, links(
            ("revoke" = (operation_id = "revokeToken", parameters(("id" = "$response.body#/id")))),
        )),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn create(
    State(app): State<App>,
    Known(caller): Known,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let asked: CreateToken = body::json_request(&app, request).await?;
    let days = asked.expires_in_days;
    if !(1..=MOST_DAYS).contains(&days) {
        let detail = format!("expires_in_days: found {days}, allowed: 1 to {MOST_DAYS}");
        return Err(Refusal::new(INVALID_FIELD, detail));
    }
    let now = app.now();
    let refused = |error: &dyn std::error::Error| Refusal::new(INVALID_FIELD, error.to_string());
    let grant = Grant::new(&grant(&asked.grant)?).map_err(|error| refused(&error))?;
    caller.may_give(&grant)?;
    let last = check_name(&app, &caller, &asked.name, asked.take_over).await?;
    let order = TokenOrder {
        name: asked.name,
        grant,
        expires_at: now + SignedDuration::from_hours(24 * i64::from(days)),
        created_by: caller.name().to_owned(),
    };
    let drawn = app.with_rng(|rng| order.draw(now, &mut **rng));
    let (token, new) = drawn.map_err(|error| refused(&error))?;
    // Refused when somebody else gave the name away meanwhile.
    let mut shown = shown(&app.ledger().add_token_behind(new, last).await?)?;
    shown.secret = Some(Secret::new(token.expose().to_owned()));
    let subject = Subject(format!("token:{}", shown.id));
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    response.extensions_mut().insert(subject);
    Ok(response)
}

/// Whoever has a token of a name is the requester of that name: nobody becomes one by chance, or
/// becomes one that may more than they could give. Answers the id of the last token of the name.
async fn check_name(
    app: &App,
    caller: &Caller,
    name: &str,
    take_over: bool,
) -> Result<Option<String>, Refusal> {
    let earlier = app.ledger().tokens_named(name.to_owned()).await?;
    let Some(last) = earlier.last() else { return Ok(None) };
    let id = last.content.id.clone();
    if !take_over {
        let detail = format!(
            "name: found that of token {id}, allowed: one that no token has, or take_over: true"
        );
        return Err(Refusal::new(INVALID_FIELD, detail));
    }
    for token in &earlier {
        let grant = serde_json::from_str::<GrantConfig>(&token.content.scope);
        let grant = grant.map_err(|error| internal().with_cause(error))?;
        let grant = Grant::new(&grant).map_err(|error| internal().with_cause(error))?;
        caller.may_give(&grant)?;
    }
    Ok(Some(id))
}

/// The grant as authentication reads it.
fn grant(asked: &TokenGrant) -> Result<GrantConfig, Refusal> {
    wire::grant(asked).map_err(|error| {
        Refusal::new(INVALID_FIELD, format!("grant: {}", shortened(&error.to_string())))
    })
}

/// List the tokens
///
/// Expired and revoked ones too, the newest first; never their secrets.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "listTokens", tag = "tokens",
    params(PageParameters),
    responses(
        (status = 200, description = "One page", body = TokenPage),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Json<TokenPage>, Refusal> {
    let asked: PageParameters = body::query(uri.query())?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    let found = app.ledger().tokens(page).await?;
    let tokens = found.tokens.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Json(TokenPage { tokens, next: found.next.map(|cursor| cursor.to_string()) }))
}

/// Revoke a token, for ever
#[utoipa::path(delete, path = "/v1/tokens/{id}", operation_id = "revokeToken", tag = "tokens",
    params(("id" = String, Path, description = "Its id", pattern = "^[A-Za-z0-9-]{1,64}$")),
    responses(
        (status = 200, description = "The token, revoked", body = v1::Token),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn revoke(
    State(app): State<App>,
    Known(caller): Known,
    PathPart(id): PathPart,
) -> Result<Response<Body>, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
        let found = shortened(&id);
        let detail = format!("id: found \"{found}\", allowed: 1 to 64 letters, digits and hyphens");
        return Err(Refusal::new(INVALID_PARAMETER, detail));
    }
    let (revoked_at, revoked_by) = (app.now(), caller.name().to_owned());
    let revoked =
        app.ledger().revoke_token(NewTokenRevocation { id: id.clone(), revoked_at, revoked_by });
    let revoked = revoked.await.map_err(|error| match error {
        LedgerError::UnknownToken { .. } => {
            Refusal::new(NOT_FOUND, format!("id: found {id}, allowed is that of a token"))
        }
        other => other.into(),
    })?;
    let mut response = Json(shown(&revoked)?).into_response();
    response.extensions_mut().insert(Subject(format!("token:{id}")));
    Ok(response)
}

fn shown(token: &ledger::Token) -> Result<v1::Token, Refusal> {
    wire::token(token).map_err(|error| internal().with_cause(error))
}
