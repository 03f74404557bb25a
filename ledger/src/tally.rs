//! Counting a large ledger a little at a time, for whoever asks every few seconds.

use std::collections::BTreeSet;

/// Most records that one look is about.
pub const RECORDS_PER_LOOK: usize = 20_000;
/// Most orphans that are remembered.
pub const MOST_ORPHANS: usize = 40_000;

/// What is known of a ledger; [`crate::Store::tally`] brings it up to date. A new one knows nothing.
///
/// Each look reads at most [`RECORDS_PER_LOOK`] records that it did not see before, and the orphans
/// that it knows of, however many records there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The last record that was looked at.
    pub(crate) through: i64,
    pub(crate) looked_at: u64,
    /// Rows of records that had neither certificate nor revocation.
    pub(crate) orphans: BTreeSet<i64>,
    pub(crate) records: u64,
}

impl Tally {
    /// Records in the ledger.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Records without certificate that are not revoked, among those that were looked at. Those
    /// under way are among them. At most [`MOST_ORPHANS`]; then no more are looked for.
    pub fn orphans(&self) -> u64 {
        self.orphans.len() as u64
    }

    /// Records that were not looked at yet.
    pub fn not_looked_at(&self) -> u64 {
        self.records.saturating_sub(self.looked_at)
    }

    /// How many records the next look may be about: each of them may be an orphan.
    pub(crate) fn next_look(&self) -> usize {
        RECORDS_PER_LOOK.min(MOST_ORPHANS.saturating_sub(self.orphans.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_orphans(number: i64) -> Tally {
        Tally { orphans: (0..number).collect(), ..Tally::default() }
    }

    #[test]
    fn no_look_can_find_more_orphans_than_are_remembered() {
        for (orphans, look) in
            [(0, 20_000), (20_000, 20_000), (20_001, 19_999), (39_999, 1), (40_000, 0)]
        {
            assert_eq!(with_orphans(orphans).next_look(), look, "{orphans}");
        }
    }
}
