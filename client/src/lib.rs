//! Espalier's REST API as a client sees it: the wire types of [`v1`], and a [`Client`].
//!
//! ```no_run
//! # async fn ask(csr: String) -> Result<(), client::ClientError> {
//! use client::{Client, IdempotencyKey, v1::IssueCertificate};
//!
//! let client = Client::builder("https://ca.example:8440")
//!     .ca_file("/etc/espalier/ca.pem")
//!     .token_file("/var/run/secrets/espalier/token")
//!     .build()?;
//! let order = IssueCertificate { csr, profile: Some("tls-server".into()), ..Default::default() };
//! let issued = client.issue(&order, &IdempotencyKey::new("order-4711")?).await?;
//! # drop(issued); Ok(())
//! # }
//! ```
//!
//! Requests refuse members that they do not know, so that a slip is told and not ignored. Answers
//! may gain members in a later release: they are read leniently.

mod address;
mod answer;
mod builder;
mod causes;
mod credential;
mod error;
mod export;
mod http;
mod idempotency_key;
mod listing;
mod retry;
mod routes;
mod tls;
pub mod v1;

pub use address::checked_url;
pub use answer::{Unread, read_within};
pub use builder::ClientBuilder;
pub use causes::with_causes;
pub use credential::BearerToken;
pub use error::{ClientError, Refused};
pub use export::Export;
pub use http::Client;
pub use idempotency_key::IdempotencyKey;
pub use listing::Listing;
pub use routes::Issued;
pub use tls::trusted_roots;
