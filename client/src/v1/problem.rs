//! What went wrong (RFC 9457).

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
