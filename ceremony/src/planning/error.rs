//! Why there is no plan.

use std::error::Error;

use ca_core::fingerprint::Fingerprint;

/// A definition from which no plan is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanningError {
    /// Profile, lint or reader refuse.
    #[error("{place}: {message}")]
    Refused {
        /// Which step or file.
        place: String,
        /// Field, what was found, what is allowed.
        message: String,
    },
    /// Something that the definition names is not at hand.
    #[error("plan: {what} {found}: it is not there, allowed is one that the definition names")]
    Unknown {
        /// What it is.
        what: &'static str,
        /// Its name.
        found: String,
    },
    /// A certificate of another key than the one beside it.
    #[error(
        "certificates: {step}: public key: found {found}, allowed is {allowed}, the key that is named"
    )]
    OtherKey {
        /// Which certificate.
        step: String,
        /// Its key.
        found: Fingerprint,
        /// The key that is named.
        allowed: Fingerprint,
    },
    /// A list that does not go on from the one before it, or a profile of another kind.
    #[error("{place}: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which step.
        place: String,
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}

impl PlanningError {
    /// An error of the library with all its causes, and where it happened.
    pub(super) fn at(place: &str, error: &dyn Error) -> Self {
        let message = crate::causes::told(error);
        Self::Refused { place: place.to_owned(), message }
    }
}
