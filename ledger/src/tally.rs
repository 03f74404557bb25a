//! Counting a large ledger a little at a time, for whoever asks every few seconds.

use std::collections::BTreeSet;

/// Most records that one look is about.
pub const RECORDS_PER_LOOK: u32 = 20_000;
/// Most orphans that are remembered.
pub const MOST_ORPHANS: usize = 10_000;

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

    /// How many records the next look may be about.
    pub(crate) fn next_look(&self) -> u32 {
        if self.orphans.len() < MOST_ORPHANS { RECORDS_PER_LOOK } else { 0 }
    }
}
