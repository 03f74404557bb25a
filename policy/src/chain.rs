//! The signatures of a chain.

use ca_core::certificate::Certificate;

use crate::{Mode, Protection, UnknownProtection};

/// The signatures of a chain as it is sent, that of the certificate first: of one that an object has, or of those that
/// an authority would sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    own: Protection,
    above: Vec<Protection>,
}

/// Why it can't be said what protects a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// There is no certificate.
    #[error("chain: found no certificate, allowed are one and those above it")]
    Nothing,
    /// What protects one of them is not known.
    #[error(transparent)]
    Unknown(UnknownProtection),
}

impl Chain {
    /// A chain of these certificates, with or without its root, whose signature on itself says nothing.
    ///
    /// # Errors
    /// [`ChainError`] for no certificate, and for a signature that is not known.
    pub fn of(certificates: &[Certificate]) -> Result<Self, ChainError> {
        let (own, above) = certificates.split_first().ok_or(ChainError::Nothing)?;
        let own = Protection::of(own).map_err(ChainError::Unknown)?;
        let above = above.iter().filter(|one| !one.is_self_issued());
        Self::under(own, above).map_err(ChainError::Unknown)
    }

    /// A chain of a certificate that has this, and of those above it.
    pub(crate) fn under<'a>(
        own: Protection,
        above: impl IntoIterator<Item = &'a Certificate>,
    ) -> Result<Self, UnknownProtection> {
        let above = above.into_iter().map(Protection::of).collect::<Result<_, _>>()?;
        Ok(Self { own, above })
    }

    /// What protects the certificate.
    #[must_use]
    pub fn own(&self) -> &Protection {
        &self.own
    }

    /// Every signature.
    pub fn links(&self) -> impl Iterator<Item = &Protection> {
        std::iter::once(&self.own).chain(&self.above)
    }

    /// The first signature that makes it something else than a chain of this mode: weaker, or one that fewer
    /// can check. Every link has the mode of the certificate's own; a classical chain may have Catalyst links, whose
    /// alternative signatures hinder nobody.
    pub(crate) fn odd_link(&self, mode: Mode) -> Option<&Protection> {
        self.links().find(|link| match (mode, link.mode()) {
            (Mode::Classical, Mode::Catalyst) => false,
            (mode, link) => mode != link,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::offer::tests::algorithm;

    /// A chain with these signatures.
    pub(crate) fn chain(own: Protection, above: &[Protection]) -> Chain {
        Chain { own, above: above.to_vec() }
    }

    #[test]
    fn a_chain_has_the_links_that_are_sent_and_not_the_roots() {
        let chain = interop::issue::Chain::of(algorithm("hybrid"));
        let ders =
            [&chain.leaf, &chain.issuing.certificate, &chain.root.certificate].map(Clone::clone);
        for sent in [&ders[..], &ders[..2]] {
            assert_eq!(Chain::of(sent).unwrap().links().count(), 2);
        }
        assert_eq!(Chain::of(&[]), Err(ChainError::Nothing));
    }
}
