//! JSON Web Tokens (RFC 7519) in compact form (RFC 7515 section 3.1), read strictly.
//!
//! What a token says of itself decides nothing but which key is tried: the key in the issuer's set
//! names its one algorithm, and the token must name the same. jsonwebtoken verifies the signature
//! over AWS-LC; the claims are checked here, against a time that is an argument.

mod claims;
mod compact;
mod key;
mod key_set;
mod refusal;

pub use claims::{Claims, Expected};
pub use compact::Compact;
pub use key::JwtAlgorithm;
pub use key_set::{KeySet, KeySetError};
pub use refusal::TokenRefusal;

/// The longest token that is read, in octets. Kubernetes' have about 1,200.
pub(super) const MAX_TOKEN: usize = 16 * 1024;
