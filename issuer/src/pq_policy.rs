//! Policies: what certificates in the chosen namespaces shall be.
//!
//! A policy is looked at as a whole: which objects it decides for, what each has, what it should have. That is a
//! [`survey::Survey`], data that is decided on without asking anybody ([`plan`]); one function does what is decided.

pub mod bundle;
pub mod choosing;
pub mod gone;
pub mod inventory;
pub mod known;
mod moving;
pub mod plan;
mod reconcile;
pub mod survey;

pub use reconcile::reconcile;
