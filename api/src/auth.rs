//! Who asks, what they may, and how often.
//!
//! [`Authenticator::authenticate`] turns what a request presents into a [`Caller`], or refuses it;
//! the caller then answers whether it may do what the request is about. Nothing is allowed that
//! neither an API token's grant nor a rule of the configuration allows.
//!
//! A bearer token is judged alone, even when a client certificate is there: what a request says
//! outweighs what its connection says, and a wrong token never falls back to anything.

mod api_token;
mod authenticator;
mod caller;
mod client_certificate;
pub mod config;
mod denied;
mod error;
mod facts;
pub(crate) mod fetch;
mod grants;
mod identity;
mod issuer;
mod jwt;
mod kubernetes;
mod name_pattern;
mod quoted;
mod rate_limit;
mod role;
mod rules;
mod strict_json;
mod token_order;

pub use api_token::{ApiToken, PREFIX as API_TOKEN_PREFIX};
pub use authenticator::{Authenticator, Presented, Resources};
pub use caller::Caller;
pub use client_certificate::OwnAuthority;
pub use config::{AuthConfig, ConfigError};
pub use denied::Denied;
pub use error::{AuthError, CredentialKind};
pub use facts::Facts;
pub use fetch::FetchError;
pub(crate) use fetch::{checked_url, https_client};
pub use grants::{Asked, Grant, GrantConfig, GrantError, Grants, SubjectRule};
pub use jwt::{Claims, Compact, Expected, JwtAlgorithm, KeySet, KeySetError, TokenRefusal};
pub use name_pattern::{NamePattern, PatternError, TextPattern};
pub use rate_limit::{Allowance, RateLimits};
pub use role::Role;
pub use strict_json::{read as read_strict_json, read_object as read_strict_json_object};
pub use token_order::{MAX_LIFE as MAX_TOKEN_LIFE, TokenOrder, TokenOrderError};
