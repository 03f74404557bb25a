//! A Reed-Solomon code over GF(2048), whose symbols are words.
//!
//! Four check symbols make any two texts of one length differ in five words or more. So one wrong
//! word is found by its position, and three wrong ones are never taken for one. The words of shares
//! are not secret from the program that checks them, so this may take a time that depends on them.

/// Check symbols behind the content.
pub(crate) const CHECKS: usize = 4;
/// x^11 + x^2 + 1, of which x generates all 2047 elements but zero.
const POLYNOMIAL: u16 = 0b1000_0000_0101;
/// The highest bit of an element, shifted once.
const OVERFLOW: u16 = 1 << 11;
/// Elements but zero.
const ORDER: usize = 2047;

/// What the check symbols say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All fit.
    Good,
    /// One is wrong.
    OneWrong {
        /// Which one, from 0.
        position: usize,
    },
    /// More are wrong, and nobody can tell which.
    SeveralWrong,
}

fn multiply(mut a: u16, mut b: u16) -> u16 {
    let mut product = 0;
    while b != 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & OVERFLOW != 0 {
            a ^= POLYNOMIAL;
        }
        b >>= 1;
    }
    product
}

/// x to the power of `exponent`.
fn power(exponent: usize) -> u16 {
    (0..exponent % ORDER).fold(1, |value, _| multiply(value, 2))
}

/// (y - 1)(y - x)(y - x^2)(y - x^3), the highest coefficient first, which is 1 and left out.
fn generator() -> [u16; CHECKS] {
    let mut whole = [0; CHECKS + 1];
    whole[CHECKS] = 1;
    for root in 0..CHECKS {
        let root = power(root);
        for at in 0..CHECKS {
            whole[at] = whole[at + 1] ^ multiply(whole[at], root);
        }
        whole[CHECKS] = multiply(whole[CHECKS], root);
    }
    let [_, rest @ ..] = whole;
    rest
}

/// The check symbols of `content`.
pub(crate) fn checks(content: &[u16]) -> [u16; CHECKS] {
    let generator = generator();
    let mut rest = [0; CHECKS];
    for symbol in content {
        let factor = symbol ^ rest[0];
        rest.rotate_left(1);
        rest[CHECKS - 1] = 0;
        for (place, coefficient) in rest.iter_mut().zip(generator) {
            *place ^= multiply(coefficient, factor);
        }
    }
    rest
}

/// Judges content and check symbols.
pub(super) fn verify(symbols: &[u16]) -> Verdict {
    let syndromes: [u16; CHECKS] = std::array::from_fn(|root| {
        let at = power(root);
        symbols.iter().fold(0, |value, symbol| multiply(value, at) ^ symbol)
    });
    if syndromes == [0; CHECKS] {
        return Verdict::Good;
    }
    // One wrong symbol at x^k makes the syndromes e, e x^k, e x^2k, e x^3k.
    let located = (0..symbols.len()).find(|from_end| {
        let locator = power(*from_end);
        syndromes[0] != 0 && syndromes.windows(2).all(|pair| multiply(pair[0], locator) == pair[1])
    });
    match located {
        Some(from_end) => Verdict::OneWrong { position: symbols.len() - 1 - from_end },
        None => Verdict::SeveralWrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_powers_of_x_are_all_elements() {
        let mut seen = [false; ORDER + 1];
        let mut value = 1;
        for _ in 0..ORDER {
            assert!(!std::mem::replace(&mut seen[usize::from(value)], true));
            value = multiply(value, 2);
        }
        assert_eq!(value, 1);
    }

    #[test]
    fn the_generator_has_its_roots_and_no_other() {
        let generator = generator();
        for exponent in 0..ORDER {
            let at = power(exponent);
            let value = generator.iter().fold(1, |value, next| multiply(value, at) ^ next);
            assert_eq!(value == 0, exponent < CHECKS, "{exponent}");
        }
    }
}
