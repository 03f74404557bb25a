//! Certificates that are almost right: mutated by structure, signed again or not.

mod blind;
mod extensions;
mod fields;

use crate::choices::Choices;
use crate::pki::{Kind, Pki, certificate};
use crate::tree::{Body, Node};

/// A certificate that was mutated.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What was mutated.
    pub kind: Kind,
    /// Its octets.
    pub der: Vec<u8>,
    /// What its issuer signed: the part that is signed as it came out, or as it was before.
    pub covered: Vec<u8>,
    /// What was done to it, one word each.
    pub changes: Vec<&'static str>,
}

/// Mutates a certificate of this kind one to four times.
///
/// Four in five mutants are signed again by the issuer, so that what was changed is judged and not
/// only that it was; some of them are changed once more behind the signature.
///
/// # Panics
/// When the issuer's key can't sign, which its tests rule out.
#[must_use]
pub fn mutant(pki: &Pki, kind: Kind, choices: &mut Choices<'_>) -> Mutant {
    mutant_of(pki, kind, pki.tbs(kind), choices)
}

/// [`mutant`] of another certificate that the issuer of this kind signs.
///
/// # Panics
/// As [`mutant`].
#[must_use]
pub fn mutant_of(pki: &Pki, kind: Kind, mut tbs: Node, choices: &mut Choices<'_>) -> Mutant {
    let original = tbs.to_der();
    let mut algorithm = pki.algorithm.clone();
    let mut changes = Vec::new();
    for _ in 0..=choices.below(4) {
        changes.push(match choices.below(10) {
            0..=3 => extensions::mutate(&mut tbs, pki, choices),
            4..=6 => fields::mutate(&mut tbs, &mut algorithm, pki, choices),
            _ => blind::mutate(&mut tbs, choices),
        });
    }
    let covered = if choices.one_in(5) { original } else { tbs.to_der() };
    let signer = &pki.issuer(kind).signer;
    let signature = signer.sign(&covered).expect("both implementations agree");
    let mut all = certificate(&tbs, &algorithm, &signature);
    if choices.one_in(10) {
        changes.push(outside(&mut all, choices));
    }
    let mut der = all.to_der();
    if choices.one_in(40) {
        der.push(choices.octet());
        changes.push("an octet behind it");
    }
    Mutant { kind, der, covered, changes }
}

/// Changes something that the signature does not cover.
fn outside(all: &mut Node, choices: &mut Choices<'_>) -> &'static str {
    let Some(parts) = all.children_mut() else { return "nothing" };
    match choices.below(4) {
        0 => {
            // The count of unused bits, or the signature itself.
            if let Some(Body::Octets(bits)) = parts.last_mut().map(|part| &mut part.body) {
                let at = if choices.one_in(2) { 0 } else { choices.below(bits.len()) };
                if let Some(octet) = bits.get_mut(at) {
                    *octet ^= 1 << choices.below(8);
                }
            }
            "the signature"
        }
        1 => {
            if let Some(algorithm) = parts.get_mut(1) {
                blind::mutate(algorithm, choices);
            }
            "the outer algorithm"
        }
        2 => {
            let extra = parts[choices.below(parts.len())].clone();
            parts.push(extra);
            "a fourth part"
        }
        _ => {
            all.length = blind::length_form(choices);
            "the outer length"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_octets_to_be_signed_and_another_seed_others() {
        let pki = Pki::new("Ed25519");
        let tbs = |seed| mutant(&pki, Kind::Leaf, &mut Choices::seeded(seed)).covered;
        assert_eq!(tbs(3), tbs(3));
        let all: std::collections::BTreeSet<_> = (0..200).map(tbs).collect();
        assert!(all.len() > 120, "{} different ones of 200", all.len());
    }

    #[test]
    fn every_kind_of_change_occurs() {
        let pki = Pki::new("Ed25519");
        let mut seen = std::collections::BTreeSet::new();
        let mut choices = Choices::seeded(11);
        for _ in 0..3000 {
            seen.extend(mutant(&pki, Kind::Leaf, &mut choices).changes);
        }
        assert!(seen.len() >= 33, "{seen:?}");
    }
}
