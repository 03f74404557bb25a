#![allow(clippy::unwrap_used)] // a panic is the failure report

use proptest::prelude::*;
use rand_core::UnwrapErr;
use vsss_rs::Gf256;

use super::*;

fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn secret(octet: u8) -> Secret {
    Zeroizing::new(std::array::from_fn(|at| octet.wrapping_add(at as u8)))
}

fn chosen(values: &[Secret], indices: &[usize]) -> Secret {
    let shares: Vec<_> = indices.iter().map(|at| (*at as u8 + 1, &values[*at])).collect();
    join(&shares).unwrap()
}

/// FIPS 197 section 4.2 has {57} x {83} = {c1}, and section 4.2.1 {57} x {13} = {fe}.
#[test]
fn the_field_is_that_of_aes() {
    assert_eq!(field::multiply(0x57, 0x83), 0xc1);
    assert_eq!(field::multiply(0x57, 0x13), 0xfe);
    assert_eq!(field::inverse(0x53), 0xca);
    assert_eq!(field::inverse(0), 0);
    for a in 1..=255 {
        assert_eq!(field::multiply(a, field::inverse(a)), 1, "{a}");
    }
}

#[test]
fn every_product_is_that_of_another_implementation() {
    for a in 0..=255 {
        for b in 0..=255 {
            assert_eq!(field::multiply(a, b), (Gf256(a) * Gf256(b)).0, "{a} x {b}");
        }
    }
}

#[test]
fn another_implementation_joins_our_shares_and_we_join_its() {
    for (threshold, shares) in [(2, 2), (2, 3), (3, 5), (16, 16)] {
        let quorum = Quorum::new(threshold, shares).unwrap();
        let ours = split(&secret(9), quorum, &mut rng());
        let theirs: Vec<Vec<u8>> = (1..=threshold)
            .map(|index| [&[index], &ours[usize::from(index) - 1][..]].concat())
            .collect();
        assert_eq!(Gf256::combine_bytes(&theirs).unwrap(), secret(9)[..]);
        // Without the last one it has another secret, as we would.
        if threshold > 2 {
            let short = &theirs[1..];
            assert_ne!(Gf256::combine_bytes(short).unwrap(), secret(9)[..]);
        }

        let made =
            Gf256::split_bytes(threshold.into(), shares.into(), &secret(7)[..], rng()).unwrap();
        let values: Vec<Secret> =
            made.iter().map(|share| Zeroizing::new(share[1..].try_into().unwrap())).collect();
        let pairs: Vec<_> = made.iter().map(|share| share[0]).zip(&values).collect();
        assert_eq!(*join(&pairs[..threshold.into()]).unwrap(), *secret(7));
    }
}

#[test]
fn ten_triples_of_three_of_five_have_the_secret_and_no_pair() {
    let values = split(&secret(1), Quorum::new(3, 5).unwrap(), &mut rng());
    let mut triples = 0;
    for a in 0..5 {
        for b in a + 1..5 {
            assert_ne!(*chosen(&values, &[a, b]), *secret(1), "{a} {b}");
            for c in b + 1..5 {
                assert_eq!(*chosen(&values, &[c, a, b]), *secret(1), "{a} {b} {c}");
                triples += 1;
            }
        }
    }
    assert_eq!(triples, 10);
}

/// With one octet and 2 of 2, each value of the second share belongs to one secret: the first share
/// alone excludes none. Zero as highest coefficient is among them.
#[test]
fn one_share_excludes_no_secret() {
    let first = 0x3c;
    let mut found = [false; 256];
    for second in 0..=255u8 {
        let (a, b) = (Zeroizing::new([first; 32]), Zeroizing::new([second; 32]));
        found[usize::from(join(&[(1, &a), (2, &b)]).unwrap()[0])] = true;
    }
    assert!(found.iter().all(|found| *found));
}

#[test]
fn indices_are_different_and_in_range() {
    let value = secret(0);
    for (indices, wrong) in [([1, 1], 1), ([0, 1], 0), ([2, 17], 17)] {
        let error = join(&indices.map(|index| (index, &value))).unwrap_err();
        assert_eq!(error, InvalidShares { index: wrong });
    }
    join(&[(1, &value), (16, &value)]).unwrap();
}

#[test]
fn quorums_are_bounded() {
    for (threshold, shares) in [(2, 2), (2, 16), (16, 16), (3, 5)] {
        Quorum::new(threshold, shares).unwrap();
    }
    for (threshold, shares) in [(1, 1), (1, 5), (0, 0), (4, 3), (2, 17), (17, 17)] {
        let error = Quorum::new(threshold, shares).unwrap_err().to_string();
        assert!(error.contains(&format!("found {threshold} of {shares}")), "{error}");
        assert!(error.contains("allowed are 2 to 16"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_quorum_joins_and_one_fewer_does_not(
        (shares, threshold) in (2u8..=16).prop_flat_map(|shares| (Just(shares), 2..=shares)),
        octets in any::<[u8; SECRET_SIZE]>(),
        order in any::<[u32; 16]>(),
    ) {
        let secret = Zeroizing::new(octets);
        let values = split(&secret, Quorum::new(threshold, shares).unwrap(), &mut rng());
        let mut indices: Vec<usize> = (0..usize::from(shares)).collect();
        indices.sort_by_key(|at| order[*at]);
        let enough = &indices[..usize::from(threshold)];
        prop_assert_eq!(*chosen(&values, enough), octets);
        prop_assert_eq!(*chosen(&values, &indices), octets);
        prop_assert_ne!(*chosen(&values, &enough[1..]), octets);
    }
}

/// A generator that only gives zeros.
struct Zeros;

impl rand_core::TryRng for Zeros {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Self::Error> {
        octets.fill(0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Zeros {}

/// No coefficient is made to be another than what was drawn, the highest included: were zero left out
/// there, a share would tell which secrets it can't be of.
#[test]
fn coefficients_are_what_was_drawn_zeros_too() {
    for (threshold, shares) in [(2, 2), (3, 5), (16, 16)] {
        let quorum = Quorum::new(threshold, shares).unwrap();
        for value in split(&secret(5), quorum, &mut Zeros) {
            assert_eq!(*value, *secret(5));
        }
        // And with others they are no longer the secret.
        assert!(split(&secret(5), quorum, &mut rng()).iter().all(|value| **value != *secret(5)));
    }
}
