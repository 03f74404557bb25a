//! Randomness of the kernel, mixed with what people bring: dice, cards, or text that they type.
//!
//! Each octet is one of the kernel's generator, XORed with one of a stream that SHA-256 makes of what
//! was typed (SP 800-90A section 10.1.1 makes its stream the same way: a counter is hashed). Whatever
//! people type, the result is no worse than the kernel's; and should the kernel's be known to somebody,
//! it is as good as the dice. RSA primes and the nonces of AWS-LC do not come from here (ca-core
//! says which).

use std::convert::Infallible;

use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// What the stream is for, so that it is no other hash of the same text.
const PURPOSE: &[u8] = b"espalier-ceremony entropy v1\0";

/// What people brought, and how far its stream was used. One lasts for a whole sitting: salts that are
/// published must not be of the same part of the stream as keys.
pub struct Pool {
    typed: Zeroizing<[u8; 32]>,
    blocks: u64,
}

impl Pool {
    /// The stream of what was typed.
    pub fn new(typed: &str) -> Self {
        let hash = Sha256::new_with_prefix(PURPOSE).chain_update(typed);
        let mut typed = Zeroizing::new([0; 32]);
        // In its place at once: no copy stays on the stack.
        hash.finalize_into((&mut *typed).into());
        Self { typed, blocks: 0 }
    }
}

/// A generator into which people mixed something.
pub struct Mixed<'a> {
    kernel: &'a mut dyn CryptoRng,
    pool: &'a mut Pool,
}

impl<'a> Mixed<'a> {
    /// The kernel's generator, with the pool.
    pub fn new(kernel: &'a mut dyn CryptoRng, pool: &'a mut Pool) -> Self {
        Self { kernel, pool }
    }

    fn mix(&mut self, octets: &mut [u8]) {
        self.kernel.fill_bytes(octets);
        for part in octets.chunks_mut(32) {
            self.pool.blocks += 1;
            let mut block: [u8; 32] = Sha256::new_with_prefix(PURPOSE)
                .chain_update(&self.pool.typed[..])
                .chain_update(self.pool.blocks.to_be_bytes())
                .finalize()
                .into();
            part.iter_mut().zip(block).for_each(|(octet, typed)| *octet ^= typed);
            block.zeroize();
        }
    }
}

impl TryRng for Mixed<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.mix(&mut octets);
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.mix(&mut octets);
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        self.mix(octets);
        Ok(())
    }
}

impl TryCryptoRng for Mixed<'_> {}

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    use super::*;

    /// A kernel that somebody knows: it always gives the same.
    struct Known;

    impl TryRng for Known {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(7)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(7)
        }

        fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
            octets.fill(7);
            Ok(())
        }
    }

    impl TryCryptoRng for Known {}

    fn drawn(typed: &str) -> [u8; 100] {
        let (mut octets, mut pool) = ([0; 100], Pool::new(typed));
        Mixed::new(&mut Known, &mut pool).fill_bytes(&mut octets);
        octets
    }

    #[test]
    fn dice_make_a_known_kernel_unknown() {
        assert_eq!(drawn("3 1 4 1 5"), drawn("3 1 4 1 5"));
        assert_ne!(drawn("3 1 4 1 5"), drawn("3 1 4 1 6"));
        let octets = drawn("");
        assert!(octets.chunks(32).all(|part| part[..4] != [7; 4]));
        assert_ne!(octets[..32], octets[32..64]);
    }
    #[test]
    fn no_part_of_the_stream_is_used_twice() {
        let (mut pool, mut seen) = (Pool::new("3 1 4"), std::collections::HashSet::new());
        for _ in 0..100 {
            let mut octets = [0; 40];
            Mixed::new(&mut Known, &mut pool).fill_bytes(&mut octets);
            for part in octets.chunks(8) {
                assert!(seen.insert(part.to_vec()));
            }
        }
    }
}
