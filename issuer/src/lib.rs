//! Kubernetes controllers that have certificates issued by an Espalier server.
//!
//! They hold no key of an authority and no password of a database: they ask the server's REST API,
//! as whom an issuer says. What is done with an object is decided as data ([`plan::Plan`]) by
//! functions that ask nobody; one function writes it ([`apply::status`]).

mod answered;
pub mod apply;
pub mod audience;
pub mod certificate;
pub mod certificate_request;
pub mod cli;
pub mod condition;
pub mod config;
pub mod context;
pub mod events;
pub mod fault;
pub mod go_duration;
pub mod history;
pub mod issuer;
pub mod kinds;
pub mod leader;
pub mod listener;
pub mod metrics;
pub mod places;
pub mod plan;
pub mod pq_policy;
pub mod run;
pub mod serving;
pub mod signing;
pub mod signing_request;
mod usages;
mod watching;
