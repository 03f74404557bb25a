//! Where a mutation's choices come from: a seed, or the octets that a fuzzer invents.

/// A source of choices; the same source always makes the same ones.
#[derive(Debug, Clone)]
pub struct Choices<'a>(Source<'a>);

#[derive(Debug, Clone)]
enum Source<'a> {
    /// SplitMix64.
    Seed(u64),
    /// As long as they last; then every choice is the first one.
    Octets(&'a [u8]),
}

impl<'a> Choices<'a> {
    /// From a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seed(seed))
    }

    /// From a fuzzer's octets.
    #[must_use]
    pub fn from_octets(octets: &'a [u8]) -> Self {
        Self(Source::Octets(octets))
    }

    /// Any octet.
    pub fn octet(&mut self) -> u8 {
        match &mut self.0 {
            Source::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)).to_le_bytes()[3]
            }
            Source::Octets(octets) => match octets.split_first() {
                Some((first, rest)) => {
                    *octets = rest;
                    *first
                }
                None => 0,
            },
        }
    }

    /// A number below `bound`, which is at most 65,536; zero when `bound` is.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = match bound {
            0 | 1 => return 0,
            2..=256 => usize::from(self.octet()),
            _ => usize::from(u16::from_le_bytes([self.octet(), self.octet()])),
        };
        number % bound
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// So many octets.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.octet()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_choices_and_octets_run_out_into_the_first() {
        let draw = |seed| Choices::seeded(seed).octets(32);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut choices = Choices::from_octets(&[7, 1, 1]);
        assert_eq!([choices.below(5), choices.below(1000), choices.below(9)], [2, 257, 0]);
        assert_eq!(choices.pick(&["first", "second"]), "first");
    }
}
