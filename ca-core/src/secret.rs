//! Memory for private keys: locked, left out of core dumps and child processes, wiped on drop.

use std::fmt;
use std::ops::Deref;
use std::sync::Once;

use memmap2::MmapMut;
use zeroize::{Zeroize, Zeroizing};

/// Octets of a private key, in pages of their own where the system allows.
///
/// The pages are anonymous, locked (`mlock`), left out of core dumps (`MADV_DONTDUMP`) and not
/// inherited by children (`MADV_DONTFORK`). Where a limit such as `RLIMIT_MEMLOCK` forbids that,
/// the octets are kept in ordinary memory, and one warning is logged for the whole process.
/// Either way they are overwritten before the memory is given back.
pub(crate) struct SecretBytes(Place);

enum Place {
    Pages { pages: MmapMut, length: usize },
    Heap(Zeroizing<Vec<u8>>),
}

impl SecretBytes {
    /// Copies `octets` into protected memory. The caller wipes its own copy.
    pub(crate) fn new(octets: &[u8]) -> Self {
        match protected_pages(octets.len()) {
            Ok(mut pages) => {
                pages[..octets.len()].copy_from_slice(octets);
                Self(Place::Pages { pages, length: octets.len() })
            }
            Err(error) => {
                warn_once(&error);
                Self(Place::Heap(Zeroizing::new(octets.to_vec())))
            }
        }
    }
}

fn protected_pages(length: usize) -> std::io::Result<MmapMut> {
    let pages = MmapMut::map_anon(length.max(1))?;
    #[cfg(unix)]
    pages.lock()?;
    #[cfg(target_os = "linux")]
    {
        pages.advise(memmap2::Advice::DontDump)?;
        pages.advise(memmap2::Advice::DontFork)?;
    }
    Ok(pages)
}

fn warn_once(error: &std::io::Error) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            %error,
            "private keys stay in ordinary memory, which may be swapped out: the system refused \
             locked pages; raise the limit on locked memory (ulimit -l)"
        );
    });
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Pages { pages, length } => &pages[..*length],
            Place::Heap(octets) => octets,
        }
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        if let Place::Pages { pages, .. } = &mut self.0 {
            pages[..].zeroize();
        }
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_it_was_given_and_shows_nothing() {
        for octets in [&b""[..], b"a secret of a few words", &[7; 5000]] {
            let secret = SecretBytes::new(octets);
            assert_eq!(&*secret, octets);
            assert_eq!(format!("{secret:?}"), "SecretBytes(..)");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn its_pages_are_locked_and_left_out_of_dumps() {
        let secret = SecretBytes::new(&[0x5a; 64]);
        if !matches!(secret.0, Place::Pages { .. }) {
            eprintln!("skip: this system refuses locked pages (ulimit -l)");
            return;
        }
        let address = secret.as_ptr() as usize;
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux has smaps");
        let flags = flags_of(&maps, address).expect("the page is mapped");
        for flag in ["lo", "dd", "dc"] {
            assert!(flags.split(' ').any(|found| found == flag), "{flag} is not in {flags}");
        }
    }

    /// The VmFlags line of the mapping that holds `address`.
    #[cfg(target_os = "linux")]
    fn flags_of(maps: &str, address: usize) -> Option<&str> {
        let mut inside = false;
        for line in maps.lines() {
            if let Some((start, rest)) = line.split_once('-')
                && let Ok(start) = usize::from_str_radix(start, 16)
            {
                let end = usize::from_str_radix(rest.split(' ').next()?, 16).ok()?;
                inside = (start..end).contains(&address);
            } else if inside && let Some(flags) = line.strip_prefix("VmFlags: ") {
                return Some(flags);
            }
        }
        None
    }
}
