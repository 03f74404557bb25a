//! Shamir's secret sharing over GF(256), octet by octet: "How to share a secret", CACM 22 (1979).
//!
//! Any `threshold` shares give the secret, fewer say nothing about it, whatever one can compute: a
//! quantum computer is no help. Why this is our own module, and what it is compared with, is in ADR
//! 0140. It knows nothing of damaged shares: [`crate::share_set`] does.

mod field;

use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// Octets of a secret and of each share's value.
pub const SECRET_SIZE: usize = 32;
/// The fewest shares that may give the secret: with one, each share would be the secret.
pub const MIN_THRESHOLD: u8 = 2;
/// The most shares that one secret has.
pub const MAX_SHARES: u8 = 16;

/// Octets that wipe themselves: a secret, or the value of a share.
pub type Secret = Zeroizing<[u8; SECRET_SIZE]>;

/// How many shares there are, and how many of them give the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    threshold: u8,
    shares: u8,
}

impl Quorum {
    /// Any `threshold` of so many shares.
    ///
    /// # Errors
    /// `InvalidQuorum` unless 2 <= threshold <= shares <= 16.
    pub fn new(threshold: u8, shares: u8) -> Result<Self, InvalidQuorum> {
        let fine = MIN_THRESHOLD <= threshold && threshold <= shares && shares <= MAX_SHARES;
        if fine { Ok(Self { threshold, shares }) } else { Err(InvalidQuorum { threshold, shares }) }
    }

    /// How many shares give the secret.
    pub fn threshold(self) -> u8 {
        self.threshold
    }

    /// How many shares there are.
    pub fn shares(self) -> u8 {
        self.shares
    }
}

/// A quorum that is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "custody: found {threshold} of {shares} shares, allowed are 2 to 16 shares and a threshold from 2 to their number"
)]
pub struct InvalidQuorum {
    /// How many shares should give the secret.
    pub threshold: u8,
    /// How many shares there should be.
    pub shares: u8,
}

/// Splits `secret`: the values of the shares with the indices 1, 2, 3 and so on.
///
/// Each octet is the constant term of a polynomial whose other coefficients, the highest included,
/// are uniformly random. If the highest could not be zero, fewer shares would say something.
pub fn split(secret: &Secret, quorum: Quorum, rng: &mut dyn CryptoRng) -> Vec<Secret> {
    let mut coefficients: Vec<Secret> =
        (1..quorum.threshold).map(|_| Zeroizing::new([0; SECRET_SIZE])).collect();
    coefficients.iter_mut().for_each(|row| rng.fill_bytes(&mut row[..]));
    let share = |index: u8| {
        let mut value: Secret = Zeroizing::new([0; SECRET_SIZE]);
        // Horner's rule, from the highest coefficient down to the secret.
        for row in coefficients.iter().rev().chain([secret]) {
            for (octet, coefficient) in value.iter_mut().zip(row.iter()) {
                *octet = field::multiply(*octet, index) ^ coefficient;
            }
        }
        value
    };
    (1..=quorum.shares).map(share).collect()
}

/// Joins shares by their index and value. With fewer than the threshold, or a wrong one, the result
/// is another secret: whoever calls compares it with a commitment.
///
/// # Errors
/// `InvalidShares` for an index of 0 or above 16, or one that is there twice.
pub fn join(shares: &[(u8, &Secret)]) -> Result<Secret, InvalidShares> {
    for (position, (index, _)) in shares.iter().enumerate() {
        let twice = shares[..position].iter().any(|(earlier, _)| earlier == index);
        if twice || !(1..=MAX_SHARES).contains(index) {
            return Err(InvalidShares { index: *index });
        }
    }
    let mut secret: Secret = Zeroizing::new([0; SECRET_SIZE]);
    for (index, value) in shares {
        let mut weight = weight_at_zero(*index, shares.iter().map(|(other, _)| *other));
        for (octet, part) in secret.iter_mut().zip(value.iter()) {
            *octet ^= field::multiply(*part, weight);
        }
        weight.zeroize();
    }
    Ok(secret)
}

/// The Lagrange coefficient of `index` at zero: the product of x / (x - index) over the others.
fn weight_at_zero(index: u8, all: impl Iterator<Item = u8>) -> u8 {
    all.filter(|other| *other != index).fold(1, |product, other| {
        field::multiply(product, field::multiply(other, field::inverse(other ^ index)))
    })
}

/// Shares that can't be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "share index: found {index} twice or out of range, allowed are different ones from 1 to 16"
)]
pub struct InvalidShares {
    /// The index.
    pub index: u8,
}

#[cfg(test)]
mod tests;
