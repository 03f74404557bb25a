//! TLS for the API: several certificates, of which each client gets the first that it can check.
//!
//! | room | holds |
//! |---|---|
//! | [`config`] | the keys of the configuration below `tls` |
//! | [`certificate`] | a certificate with its key, read from files |
//! | [`own`] | a certificate that this server issues to itself, and renews |
//! | [`choice`] | which certificate a client gets |
//! | [`possession`] | clients prove that they hold the key of their certificate |
//! | `composite` | the same with a composite key |
//! | [`acceptor`] | handshakes, and what a new configuration changes |

pub mod acceptor;
pub mod certificate;
pub mod choice;
mod composite;
pub mod config;
pub mod own;
pub mod possession;

pub use acceptor::{Secured, Tls};
pub use config::TlsConfig;
