//! The octets of a list while it is made.

use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

use super::MAX_CRL_SIZE;

/// From here on the kernel is asked for large pages; most lists are smaller.
#[cfg(target_os = "linux")]
const LARGE_PAGES_FROM: usize = 2 * 1024 * 1024;

/// Addresses for the largest list. Memory comes page by page when it is written, so that nothing
/// moves when a list grows. Large lists get large pages: ten thousand page faults take a quarter of
/// the time of their entries.
#[derive(Debug)]
pub(super) struct Buffer {
    pages: MmapMut,
    length: usize,
}

impl Buffer {
    /// An empty one.
    ///
    /// # Errors
    /// What the system says when it has no addresses left.
    pub(super) fn new() -> io::Result<Self> {
        let pages = MmapMut::map_anon(MAX_CRL_SIZE)?;
        #[cfg(target_os = "linux")]
        {
            let rest = MAX_CRL_SIZE - LARGE_PAGES_FROM;
            // A kernel without them is slower, no more.
            let _ = pages.advise_range(memmap2::Advice::HugePage, LARGE_PAGES_FROM, rest);
        }
        Ok(Self { pages, length: 0 })
    }

    /// Octets that may follow.
    pub(super) fn left(&self) -> usize {
        self.pages.len() - self.length
    }

    /// Writes into what follows, as many octets as `write` answers. There must be [`Self::left`].
    #[inline]
    pub(super) fn extend(&mut self, write: impl FnOnce(&mut [u8]) -> usize) {
        self.length += write(&mut self.pages[self.length..]);
    }

    /// Appends octets. There must be [`Self::left`].
    pub(super) fn extend_from_slice(&mut self, octets: &[u8]) {
        self.extend(|room| {
            room[..octets.len()].copy_from_slice(octets);
            octets.len()
        });
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.pages[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.pages[..self.length]
    }
}
