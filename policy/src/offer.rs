//! What authorities offer.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::path::same_name;

use crate::{Chain, Mode, Protection, UnknownProtection};

/// An authority that an issuer names, as far as a policy asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    authority: String,
    chain: Chain,
    chain_bytes: usize,
    signature_bytes: usize,
}

/// Why a chain is no offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// There is no certificate.
    #[error("chain of the authority: found no certificate, allowed are its own and those above it")]
    Nothing,
    /// The certificates do not follow each other up to a root: what is missing could be the weakest link.
    #[error(
        "chain of the authority: found certificate {at} not issued by the next one, allowed is a chain up to its root, the root included"
    )]
    Broken {
        /// Which one, counted from 1.
        at: usize,
    },
    /// One of the signatures.
    #[error(transparent)]
    Unknown(UnknownProtection),
}

impl Offer {
    /// The offer of an authority of this name, by its chain: its own certificate first, the root last, without link
    /// certificates. That the signatures are right is for whoever verifies the chain.
    ///
    /// # Errors
    /// [`OfferError`] for a chain that does not end in a root, and for a key that can't sign.
    pub fn of(authority: &str, chain: &[Certificate]) -> Result<Self, OfferError> {
        let (own, root) = match chain {
            [own, .., root] => (own, root),
            [own] => (own, own),
            [] => return Err(OfferError::Nothing),
        };
        let broken = chain.windows(2).position(|two| !same_name(two[0].issuer(), two[1].subject()));
        let unfinished = (!root.is_self_issued()).then_some(chain.len() - 1);
        if let Some(at) = broken.or(unfinished) {
            return Err(OfferError::Broken { at: at + 1 });
        }
        // The root is sent to nobody, also where it is the authority itself.
        let sent = &chain[..chain.len() - 1];
        let chain = Protection::by(own).and_then(|gives| Chain::under(gives, sent));
        let keys = std::iter::once(own.public_key()).chain(own.extensions().alt_public_key());
        let algorithms = keys.filter_map(|key| Algorithm::of_key(key.kind(), false));
        Ok(Self {
            authority: authority.to_owned(),
            chain: chain.map_err(OfferError::Unknown)?,
            chain_bytes: sent.iter().map(|one| one.der().len()).sum(),
            signature_bytes: algorithms.map(Algorithm::signature_size).sum(),
        })
    }

    /// The authority's name at the server.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What it gives to the certificates that it signs.
    #[must_use]
    pub fn gives(&self) -> &Protection {
        self.chain.own()
    }

    /// The mode of the certificates that it signs.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.gives().mode()
    }

    /// A chain under it: the signature of the certificate, its own, and those above but for the root's.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Octets of what is sent behind each certificate, in DER: the authority's certificate and those above it
    /// without the root.
    #[must_use]
    pub fn chain_bytes(&self) -> usize {
        self.chain_bytes
    }

    /// Octets that a chain under it has more than the certificate's names, key and purposes, in DER: what is sent behind
    /// it, and the signatures on it (the most that they can be, where that varies by an octet or two, as with ECDSA).
    #[must_use]
    pub fn least_bytes(&self) -> usize {
        self.chain_bytes + self.signature_bytes
    }
}

/// What an issuer offers: the authority that signs where no policy chooses, and one for each mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    own: Offer,
    others: Vec<Offer>,
}

impl Offers {
    /// The authority that signs where no policy chooses, and those that policies may choose. The own one counts for
    /// its mode where no other does; of two others of one mode the first counts.
    #[must_use]
    pub fn new(own: Offer, others: Vec<Offer>) -> Self {
        Self { own, others }
    }

    /// The authority that signs where no policy chooses.
    #[must_use]
    pub fn own(&self) -> &Offer {
        &self.own
    }

    /// The one authority of a mode.
    #[must_use]
    pub fn of(&self, mode: Mode) -> Option<&Offer> {
        self.all().find(|offer| offer.mode() == mode)
    }

    /// All, in the order in which they count.
    pub fn all(&self) -> impl Iterator<Item = &Offer> {
        self.others.iter().chain(std::iter::once(&self.own))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use interop::issue::Authority;

    use super::*;

    pub(crate) fn algorithm(name: &str) -> &'static Algorithm {
        Algorithm::named(name).unwrap()
    }

    fn chain(root: &str, issuing: &str) -> [Certificate; 2] {
        let of = |names: &str| match names.split_once('+') {
            Some((first, second)) => (algorithm(first), Some(algorithm(second))),
            None => (algorithm(names), None),
        };
        let (key, alternative) = of(root);
        let root = Authority::root(key, alternative);
        let (key, alternative) = of(issuing);
        [root.issuing(key, alternative).certificate, root.certificate]
    }

    /// An issuing authority under a root, each of an algorithm, or of two with `+` between them. Its name is its
    /// algorithm's.
    pub(crate) fn offer(root: &str, issuing: &str) -> Offer {
        Offer::of(issuing, &chain(root, issuing)).unwrap()
    }

    /// The same with this signature on the authority's own certificate.
    pub(crate) fn under(link: Protection, offer: Offer) -> Offer {
        Offer { chain: crate::chain::tests::chain(*offer.gives(), &[link]), ..offer }
    }

    /// Offers of these, the own one first.
    pub(crate) fn offers(all: &[&Offer]) -> Offers {
        let (own, others) = all.split_first().unwrap();
        Offers::new((*own).clone(), others.iter().map(|one| (*one).clone()).collect())
    }

    #[test]
    fn a_chain_has_the_links_that_are_sent() {
        let offer = offer("slh-dsa-sha2-128s", "hybrid");
        let links: Vec<String> = offer.chain().links().map(ToString::to_string).collect();
        assert_eq!(links, ["MLDSA65-ECDSA-P256-SHA512", "SLH-DSA-SHA2-128s"]);
        assert_eq!(offer.mode(), Mode::Composite);
        // An SLH-DSA-SHA2-128s signature has 7,856 octets (FIPS 205 table 2), a key of .45 more than 1,952.
        assert!((9_808..11_000).contains(&offer.chain_bytes()), "{}", offer.chain_bytes());
        // One of .45 has 3,309 and a signature of P-256, at most 72.
        assert_eq!(offer.least_bytes() - offer.chain_bytes(), 3_381);
    }

    #[test]
    fn a_root_that_signs_itself_is_sent_to_nobody() {
        let root = Authority::root(algorithm("p256"), None);
        let offer = Offer::of("root", std::slice::from_ref(&root.certificate)).unwrap();
        assert_eq!((offer.chain().links().count(), offer.chain_bytes()), (1, 0));
    }

    #[test]
    fn a_chain_without_its_root_is_no_offer() {
        let [issuing, root] = chain("p256", "p256");
        let of = |chain: &[Certificate]| Offer::of("a", chain).map(|_| ());
        assert_eq!(of(&[issuing.clone(), root.clone()]), Ok(()));
        assert_eq!(of(&[]), Err(OfferError::Nothing));
        assert_eq!(of(std::slice::from_ref(&issuing)), Err(OfferError::Broken { at: 1 }));
        assert_eq!(of(&[root.clone(), issuing.clone()]), Err(OfferError::Broken { at: 1 }));
        assert_eq!(of(&[issuing, root.clone(), root]), Ok(()), "a root names itself");
    }

    #[test]
    fn the_own_authority_counts_for_its_mode_where_no_other_does() {
        let [classical, other, composite] =
            [("p256", "p256"), ("p384", "p384"), ("hybrid", "hybrid")]
                .map(|(root, own)| offer(root, own));
        let all = offers(&[&classical, &composite]);
        assert_eq!((all.own(), all.of(Mode::Classical)), (&classical, Some(&classical)));
        assert_eq!(all.of(Mode::Composite), Some(&composite));
        assert_eq!(all.of(Mode::Catalyst), None);
        let named = offers(&[&classical, &other]);
        assert_eq!((named.own(), named.of(Mode::Classical)), (&classical, Some(&other)));
    }
}
