//! Moments and choices that come from a seed.

use std::time::Duration;

/// SplitMix64: the same seed, the same choices.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Waits for less than so many milliseconds.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        std::thread::sleep(Duration::from_micros(self.roll(milliseconds * 1_000)));
    }
}
