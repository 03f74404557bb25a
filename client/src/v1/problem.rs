//! What went wrong (RFC 9457).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A problem document, of media type `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The kind of problem, as a reference to the page that explains it, relative to the server.
    #[cfg_attr(feature = "openapi", schema(example = "/docs/problems#csr-refused"))]
    pub r#type: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599, example = 422))]
    pub status: u16,
    /// The kind of problem in words, the same whenever it occurs.
    pub title: String,
    /// What is wrong this time: which field, what was found, what is allowed.
    pub detail: String,
    /// The request, as the server's log names it.
    pub request_id: String,
}

impl Problem {
    /// The name of the kind, such as `csr-refused`: what stands behind `#` in the type.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.r#type.rsplit_once('#').map_or("", |(_, slug)| slug)
    }
}

/// What is wrong, with the field, what was found and what is allowed; then the request by which an
/// administrator finds the cause.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (request {})", self.title, self.detail, self.request_id)
    }
}
