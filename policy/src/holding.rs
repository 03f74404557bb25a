//! What an object has.

use std::fmt;

use ca_core::certificate::Certificate;
use ca_core::related::{BindingError, check_binding};

use crate::{Chain, ChainError, Mode};

/// The certificates that an object has, by what protects them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// One.
    One(Chain),
    /// A classical one and a post-quantum one, of which one is bound to the other (RFC 9763).
    Pair {
        /// The one that everybody can check.
        classical: Chain,
        /// The other one.
        post_quantum: Chain,
    },
}

/// Why certificates are nothing that a policy knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldingError {
    /// One of the chains.
    #[error(transparent)]
    Chain(ChainError),
    /// The two are not bound to each other.
    #[error("pair of certificates: not bound to each other")]
    NotBound(#[source] BindingError),
    /// The two are of the wrong modes.
    #[error(
        "pair of certificates: found {found}, allowed are one that is Classical and one that is PostQuantum"
    )]
    Modes {
        /// Their modes.
        found: String,
    },
}

impl Holding {
    /// What protects a certificate, by its chain.
    ///
    /// # Errors
    /// As [`Chain::of`].
    pub fn one(chain: &[Certificate]) -> Result<Self, HoldingError> {
        Chain::of(chain).map(Self::One).map_err(HoldingError::Chain)
    }

    /// What protects a pair of certificates, by their chains, in either order.
    ///
    /// # Errors
    /// [`HoldingError`] where they are not bound, or not a classical and a post-quantum one.
    pub fn pair(one: &[Certificate], other: &[Certificate]) -> Result<Self, HoldingError> {
        let (Some(first), Some(second)) = (one.first(), other.first()) else {
            return Err(HoldingError::Chain(ChainError::Nothing));
        };
        check_binding(first, second).map_err(HoldingError::NotBound)?;
        let of = |chain| Chain::of(chain).map_err(HoldingError::Chain);
        let (one, other) = (of(one)?, of(other)?);
        match (one.own().mode(), other.own().mode()) {
            (Mode::Classical, Mode::PostQuantum) => {
                Ok(Self::Pair { classical: one, post_quantum: other })
            }
            (Mode::PostQuantum, Mode::Classical) => {
                Ok(Self::Pair { classical: other, post_quantum: one })
            }
            (one, other) => Err(HoldingError::Modes { found: format!("{one} and {other}") }),
        }
    }

    /// Its mode: that of the certificate's own signature.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self {
            Self::One(chain) => chain.own().mode(),
            Self::Pair { .. } => Mode::Dual,
        }
    }

    /// Its chains, each with the mode that it should have throughout.
    pub(crate) fn chains(&self) -> Vec<(Mode, &Chain)> {
        match self {
            Self::One(chain) => vec![(chain.own().mode(), chain)],
            Self::Pair { classical, post_quantum } => {
                vec![(Mode::Classical, classical), (Mode::PostQuantum, post_quantum)]
            }
        }
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(chain) => chain.own().fmt(f),
            Self::Pair { classical, post_quantum } => {
                write!(f, "{} and {}", classical.own(), post_quantum.own())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::csr::CertificateRequest;
    use ca_core::general_name::AltName;
    use ca_core::name::DistinguishedName;
    use ca_core::plan::Request;
    use ca_core::related::{Binding, RelatedRequest};
    use interop::issue::{self, Authority, LEAF_NAME, Role, SigningKey, request_for};
    use jiff::SignedDuration;

    use super::*;
    use crate::offer::tests::algorithm;

    /// A certificate of an authority, and one of another authority that is bound to it.
    fn bound(first: &str, second: &str) -> (Certificate, Certificate) {
        let (one, two) = (algorithm(first), algorithm(second));
        let (classical, other) = (Authority::root(one, None), Authority::root(two, None));
        let (key, second_key) = (SigningKey::of(one, Role::Leaf), SigningKey::of(two, Role::Leaf));
        let first =
            classical.issue("tls-server", request_for("CN=leaf.test", &[LEAF_NAME], &key, None));
        let signer = key.key.signer(key.scheme).unwrap();
        let asked = RelatedRequest::sign(&first, &signer, issue::now(), &[]).unwrap();
        let subject = DistinguishedName::parse("CN=leaf.test").unwrap();
        let names = [AltName::parse(LEAF_NAME).unwrap()];
        let signer = second_key.key.signer(second_key.scheme).unwrap();
        let csr = CertificateRequest::build_related(&subject, &names, &[], Some(&asked), &signer)
            .unwrap();
        let proven = csr.verify_possession().unwrap();
        let binding = Binding {
            related: &first,
            intermediates: &[],
            anchors: std::slice::from_ref(&classical.certificate),
            now: issue::now(),
            max_age: SignedDuration::from_hours(1),
        };
        let related = Some(binding.prove(proven.clone()).unwrap());
        let mut request = Request::from_csr(proven);
        request.related = related;
        let second = other.issue("tls-server", request);
        (first, second)
    }

    #[test]
    fn a_pair_is_what_is_bound_and_of_both_modes() {
        let (first, second) = bound("p256", "ml-dsa-65");
        let (first, second) = ([first], [second]);
        for pair in [Holding::pair(&first, &second), Holding::pair(&second, &first)] {
            let pair = pair.unwrap();
            assert_eq!(pair.mode(), Mode::Dual);
            assert!(pair.to_string().ends_with(" and ML-DSA-65"), "{pair}");
        }
        // Half of it is no pair, whatever it names.
        assert_eq!(Holding::one(&first).unwrap().mode(), Mode::Classical);
        assert_eq!(Holding::one(&second).unwrap().mode(), Mode::PostQuantum);
    }

    #[test]
    fn certificates_that_are_not_bound_or_of_one_mode_are_no_pair() {
        let (_, second) = bound("p256", "ml-dsa-65");
        let (other, _) = bound("p384", "ml-dsa-44");
        let error = Holding::pair(&[other], &[second]).unwrap_err();
        assert!(matches!(error, HoldingError::NotBound(_)), "{error:?}");
        let (first, second) = bound("p384", "hybrid");
        let error = Holding::pair(&[first], &[second]).unwrap_err().to_string();
        let words = "pair of certificates: found Classical and Composite, allowed are one that is Classical and one that is PostQuantum";
        assert_eq!(error, words);
    }
}
