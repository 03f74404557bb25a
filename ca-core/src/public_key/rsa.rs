//! RSA moduli that look right and can be factored.
//!
//! Moduli are public, so the time that this takes may depend on them. It is bounded: callers
//! check the size first, and every loop here has a fixed number of rounds.

use std::sync::LazyLock;

use crypto_bigint::{BoxedUint, ConcatenatingSquare as _, Limb, NonZero, Resize as _, Word};

use super::PublicKeyError;

/// Rounds of Fermat's method (CA/Browser Forum Baseline Requirements, section 6.1.1.3: 100).
const FERMAT_ROUNDS: u32 = 100;
/// Primes up to here must not divide a modulus (NIST SP 800-89 section 5.3.3).
const LARGEST_SMALL_PRIME: u16 = 751;
/// The largest prime that every key of the ROCA library has in its generator's modulus, that of
/// the smallest keys.
const LARGEST_ROCA_PRIME: u16 = 167;

/// Refuses a modulus with a small factor, one made by the library of CVE-2017-15361, and one whose
/// factors lie close together.
pub(super) fn check_modulus(modulus: &[u8]) -> Result<(), PublicKeyError> {
    let modulus = BoxedUint::from_be_slice_vartime(modulus);
    let residues = Residues::of(&modulus);
    if let Some(factor) = residues.small_factor() {
        return Err(PublicKeyError::RsaSmallFactor { factor });
    }
    if residues.are_of_roca() {
        return Err(PublicKeyError::RsaRoca);
    }
    match close_factors(&modulus) {
        Some(round) => Err(PublicKeyError::RsaClosePrimes { round }),
        None => Ok(()),
    }
}

/// The odd primes up to 751, in runs whose product fits a machine word: one long division gives
/// the residues of a whole run.
static RUNS: LazyLock<Vec<(Word, Vec<u16>)>> = LazyLock::new(|| {
    let is_prime = |n: &u16| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    let mut runs: Vec<(Word, Vec<u16>)> = Vec::new();
    for prime in (3..=LARGEST_SMALL_PRIME).filter(is_prime) {
        let longer = runs.last().and_then(|(product, _)| product.checked_mul(prime.into()));
        match (runs.last_mut(), longer) {
            (Some((product, primes)), Some(longer)) => {
                *product = longer;
                primes.push(prime);
            }
            _ => runs.push((prime.into(), vec![prime])),
        }
    }
    runs
});

/// A modulus by each small prime.
struct Residues(Vec<(u16, u16)>);

impl Residues {
    fn of(modulus: &BoxedUint) -> Self {
        let mut all = Vec::with_capacity(132);
        for (product, primes) in RUNS.iter() {
            let product = NonZero::new(Limb(*product));
            // A product of primes is not zero.
            let Some(product) = product.into_option() else { continue };
            let of_run = modulus.rem_limb(product).0;
            // A residue is smaller than its prime.
            all.extend(primes.iter().map(|prime| (*prime, (of_run % Word::from(*prime)) as u16)));
        }
        Self(all)
    }

    fn small_factor(&self) -> Option<u16> {
        self.0.iter().find(|(_, residue)| *residue == 0).map(|(prime, _)| *prime)
    }

    /// The library made primes `k * M + (65537^a mod M)`, M a product of small primes, so that a
    /// modulus is a power of 65537 by each of them (Nemec and others, "The Return of
    /// Coppersmith's Attack", section 3). By chance one in 2^27 is.
    fn are_of_roca(&self) -> bool {
        let small = self.0.iter().take_while(|(prime, _)| *prime <= LARGEST_ROCA_PRIME);
        small.into_iter().all(|(prime, residue)| is_power_of_65537(*prime, *residue))
    }
}

fn is_power_of_65537(prime: u16, residue: u16) -> bool {
    let (prime, residue) = (u32::from(prime), u32::from(residue));
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * (65537 % prime) % prime;
    }
    false
}

/// Fermat's method (CVE-2022-26320): looks for a square `a^2 - n` from the root of n upwards.
/// Tells in which round, counted from 1.
pub(super) fn close_factors(modulus: &BoxedUint) -> Option<u32> {
    let root = modulus.floor_sqrt_vartime();
    // From here on everything fits half of the modulus and a word: `a^2 - n` starts below 2a.
    let width = modulus.bits_precision() / 2 + 2 * Limb::BITS;
    let mut a = root.resize_unchecked(width);
    let mut difference = a.concatenating_square().resize_unchecked(width);
    difference.wrapping_sub_assign(modulus.resize_unchecked(width));
    if !bool::from(difference.is_zero()) {
        difference = next(&difference, &a);
        a = a.wrapping_add(BoxedUint::one_with_precision(width));
    }
    for round in 1..=FERMAT_ROUNDS {
        if is_square(&difference) {
            return Some(round);
        }
        difference = next(&difference, &a);
        a = a.wrapping_add(BoxedUint::one_with_precision(width));
    }
    None
}

/// `(a + 1)^2 - n` from `a^2 - n`.
fn next(difference: &BoxedUint, a: &BoxedUint) -> BoxedUint {
    let one = BoxedUint::one_with_precision(a.bits_precision());
    difference.wrapping_add(a).wrapping_add(a).wrapping_add(one)
}

fn is_square(number: &BoxedUint) -> bool {
    // A square is one by every modulus, too: that leaves one candidate in a hundred for the root.
    let low = number.as_words().first().copied().unwrap_or_default() & 63;
    if !SQUARES_BY_64[low as usize] {
        return false;
    }
    let Some(product) = NonZero::new(Limb(63 * 65 * 11)).into_option() else { return true };
    // A residue is smaller than its modulus, which fits.
    let residue = number.rem_limb(product).0 as usize;
    SQUARES_BY_63[residue % 63]
        && SQUARES_BY_65[residue % 65]
        && SQUARES_BY_11[residue % 11]
        && number.checked_sqrt_vartime().is_some()
}

const SQUARES_BY_64: [bool; 64] = squares();
const SQUARES_BY_63: [bool; 63] = squares();
const SQUARES_BY_65: [bool; 65] = squares();
const SQUARES_BY_11: [bool; 11] = squares();

/// Which residues are squares.
const fn squares<const N: usize>() -> [bool; N] {
    let (mut squares, mut root) = ([false; N], 0);
    while root < N {
        squares[root * root % N] = true;
        root += 1;
    }
    squares
}
