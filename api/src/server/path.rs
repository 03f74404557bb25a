//! The place in a path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::{INVALID_PARAMETER, Refusal};
use super::state::App;

/// The one place in a route's path, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPart(pub String);

impl FromRequestParts<App> for PathPart {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(Refusal::new(
                INVALID_PARAMETER,
                "path: found octets that are not UTF-8, allowed are letters and digits",
            )),
        }
    }
}
