//! Whether an issuer's authorities serve a policy.

use crate::{Mode, Offer, Offers, Refusal, Rules};

/// Which authorities of an issuer serve a policy, and why none does: forth to its mode, and on the way back. Each is
/// told by itself, so that what hinders the way forth never hinders the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service<'a> {
    /// In its mode.
    pub forth: Result<Signers<'a>, Refusal>,
    /// On the way back.
    pub back: Result<&'a Offer, Refusal>,
}

/// The authorities of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signers<'a> {
    /// One.
    One(&'a Offer),
    /// Those of a pair's two certificates.
    Pair {
        /// Of the classical one.
        classical: &'a Offer,
        /// Of the post-quantum one.
        post_quantum: &'a Offer,
    },
}

impl<'a> Signers<'a> {
    /// The authority, or of a pair's two the classical one first.
    pub fn offers(self) -> impl Iterator<Item = &'a Offer> {
        let (first, second) = match self {
            Self::One(offer) => (offer, None),
            Self::Pair { classical, post_quantum } => (classical, Some(post_quantum)),
        };
        std::iter::once(first).chain(second)
    }
}

impl<'a> Service<'a> {
    /// Looks for the authorities of the policy's mode and of the way back. The way back has no budget of size: a
    /// classical chain is the smallest that there is.
    #[must_use]
    pub fn of(rules: &Rules, offers: &'a Offers) -> Self {
        let back = classical(rules, offers, "rollback");
        let forth = forth(rules, offers).map_err(|refusal| {
            refusal.but_for(if back.is_ok() { passing(rules, offers) } else { None })
        });
        Self { forth, back }
    }
}

fn forth<'a>(rules: &Rules, offers: &'a Offers) -> Result<Signers<'a>, Refusal> {
    let signers = match rules.mode() {
        Mode::Classical => Signers::One(classical(rules, offers, "mode")?),
        Mode::Dual => {
            let classical = classical(rules, offers, "mode")?;
            // Peers that can't verify it are shown the other one.
            let post_quantum = of_mode(offers, Mode::PostQuantum, "mode")?;
            accept_algorithms(rules, post_quantum)?;
            Signers::Pair { classical, post_quantum }
        }
        mode => {
            let offer = of_mode(offers, mode, "mode")?;
            accept_algorithms(rules, offer)?;
            accept_peers(rules, offer, "peers")?;
            Signers::One(offer)
        }
    };
    accept_size(rules, &signers)?;
    Ok(signers)
}

/// The classical authority, if every peer can verify it. Whatever is wrong is told of this field.
fn classical<'a>(
    rules: &Rules,
    offers: &'a Offers,
    field: &'static str,
) -> Result<&'a Offer, Refusal> {
    let offer = of_mode(offers, Mode::Classical, field)?;
    accept_links(offer, field)?;
    accept_peers(rules, offer, if field == "mode" { "peers" } else { field })?;
    Ok(offer)
}

fn of_mode<'a>(offers: &'a Offers, mode: Mode, field: &'static str) -> Result<&'a Offer, Refusal> {
    offers.of(mode).ok_or_else(|| {
        let found: Vec<&str> = offers.all().map(|offer| offer.mode().name()).collect();
        let found = format!("an issuer with authorities of {}", found.join(", "));
        Refusal::of(field, found, format!("one with an authority of {mode}"))
    })
}

fn accept_algorithms(rules: &Rules, offer: &Offer) -> Result<(), Refusal> {
    rules.algorithms().admit(offer.gives())?;
    accept_links(offer, "mode")
}

/// A chain is worth what its weakest signature is, and is verified by whomever all of them can be. By which algorithm
/// of its mode the root signs is its own choice.
fn accept_links(offer: &Offer, field: &'static str) -> Result<(), Refusal> {
    let mode = offer.mode();
    let Some(odd) = offer.chain().odd_link(mode) else { return Ok(()) };
    let found = format!("{odd} in the chain of the authority {}", offer.authority());
    Err(Refusal::of(field, found, format!("signatures of mode {mode}")))
}

fn accept_peers(rules: &Rules, offer: &Offer, field: &'static str) -> Result<(), Refusal> {
    for link in offer.chain().links() {
        if let Some(peer) = rules.peers().iter().find(|peer| !peer.verifies(link)) {
            let (scheme, authority) = (link.scheme(), offer.authority());
            let found = format!(
                "{peer}, which can't verify {scheme} in the chain of the authority {authority}"
            );
            let allowed = format!("peers that verify the {} chain", offer.mode());
            return Err(Refusal::of(field, found, allowed));
        }
    }
    Ok(())
}

/// What a chain has at least must be less than what it may have: the certificate's names, key and purposes come on
/// top. A Secret has every chain in PEM, four octets for three, and the key.
fn accept_size(rules: &Rules, signers: &Signers<'_>) -> Result<(), Refusal> {
    let (largest, all) = match signers {
        Signers::One(offer) => (*offer, offer.least_bytes()),
        Signers::Pair { classical, post_quantum } => {
            (*post_quantum, classical.least_bytes() + post_quantum.least_bytes())
        }
    };
    let least = [largest.least_bytes(), all.div_ceil(3) * 4];
    for ((field, most), least) in rules.size_budget().bounds().into_iter().zip(least) {
        if let Some(most) = most.filter(|most| least >= *most) {
            let authority = largest.authority();
            let found = format!("more than {least} octets under the authority {authority}");
            return Err(Refusal::of(field, found, format!("at most {most}")));
        }
    }
    Ok(())
}

/// Another mode than the policy's in which these authorities serve it, as a policy would say it: hybrid ones first.
fn passing(rules: &Rules, offers: &Offers) -> Option<String> {
    if rules.mode() == Mode::Classical {
        return None;
    }
    let others = [Mode::Composite, Mode::Dual, Mode::Catalyst, Mode::PostQuantum];
    others.into_iter().filter(|mode| *mode != rules.mode()).find_map(|mode| {
        let (other, change) = rules.in_mode(mode)?;
        forth(&other, offers).is_ok().then_some(change)
    })
}

#[cfg(test)]
mod tests;
