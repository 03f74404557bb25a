//! The description of the API, and pages to read it. They are the same on every server, need no
//! credential, and load nothing from elsewhere.

use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::server::{openapi, problem};

/// Pages run only what this server gave them, and talk only to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

type Answer<T> = ([(HeaderName, &'static str); 3], T);

fn answer<T>(media_type: &'static str, body: T) -> Answer<T> {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "public, max-age=300"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, body)
}

/// The description of this API (OpenAPI 3.1)
#[utoipa::path(get, path = "/openapi.json", operation_id = "readDescription", tag = "description", responses(
    (status = 200, description = "The description", content_type = "application/json", body = Object),
))]
pub(super) async fn openapi() -> Answer<&'static str> {
    answer("application/json", openapi::text())
}

/// A page to read the description and try it
#[utoipa::path(get, path = "/docs", operation_id = "readPage", tag = "description", responses(
    (status = 200, description = "The page", content_type = "text/html", body = String),
))]
pub(super) async fn page() -> Answer<&'static str> {
    answer("text/html; charset=utf-8", include_str!("docs/page.html"))
}

/// The page's program
#[utoipa::path(get, path = "/docs/page.js", operation_id = "readPageScript", tag = "description", responses(
    (status = 200, description = "The program", content_type = "text/javascript", body = String),
))]
pub(super) async fn script() -> Answer<&'static str> {
    answer("text/javascript; charset=utf-8", include_str!("docs/page.js"))
}

/// Every kind of problem, with what to do
#[utoipa::path(get, path = "/docs/problems", operation_id = "readProblems", tag = "description", responses(
    (status = 200, description = "The page", content_type = "text/html", body = String),
))]
pub(super) async fn problems() -> Answer<String> {
    answer("text/html; charset=utf-8", problem::page())
}
