//! Where API tokens are looked up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;
use ledger::LedgerError;

/// An API token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundToken {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its secret.
    pub secret_digest: Fingerprint,
    /// Its grant, in JSON.
    pub scope: String,
    /// From this instant on it is worth nothing.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// An answer of a [`TokenFinder`].
pub type TokenReply<'a> =
    Pin<Box<dyn Future<Output = Result<Option<FoundToken>, LedgerError>> + Send + 'a>>;

/// Finds API tokens by the digest of their secret. Every request asks anew, so that a revocation
/// counts at once.
pub trait TokenFinder: fmt::Debug + Send + Sync + 'static {
    /// The token with this digest, expired and revoked ones too.
    fn find(&self, secret_digest: Fingerprint) -> TokenReply<'_>;
}
