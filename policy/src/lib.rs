//! What a `PQPolicy` of `espalier.dev` means, without Kubernetes: which authority signs for an object now, and
//! why.
//!
//! Everything here is a function of its arguments: no clock, no cluster, no file. The controllers read objects, ask
//! here, and do what is answered; a plan asks the same functions before anything is done, so that it can't
//! foretell something else than what happens.
//!
//! People's words become [`Rules`] once ([`Written`]). An issuer's authorities are its [`Offers`]; [`Service`] says which
//! of them serve the rules, and why none does. [`decide`] says for one object what it gets, and who signs that. [`Pace`] says
//! how many are moved at a time.

mod algorithms;
mod canary;
mod chain;
mod decision;
mod holding;
mod mode;
mod offer;
mod peer;
mod protection;
mod refusal;
mod rollout;
mod rules;
mod seniority;
mod service;

pub use algorithms::Algorithms;
pub use canary::{Canary, bucket};
pub use chain::{Chain, ChainError};
pub use decision::{Choice, Decision, Holds, Progress, Subject, Trust, Verdict, decide, stay};
pub use holding::{Holding, HoldingError};
pub use mode::Mode;
pub use offer::{Offer, OfferError, Offers};
pub use peer::{Peer, Product, Version};
pub use protection::{Protection, UnknownProtection};
pub use refusal::Refusal;
pub use rollout::{Census, Pace, Step};
pub use rules::{Enforcement, Rollback, Rules, SizeBudget, Written};
pub use seniority::{Read, Seniority, governing};
pub use service::{Service, Signers};
