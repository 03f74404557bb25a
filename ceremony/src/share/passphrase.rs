//! The value of a share under a passphrase: Argon2id (RFC 9106), then AES-256-GCM (SP 800-38D).
//!
//! The salt is the share's header: the random name of the deal with the index, so that no two
//! shares have the same, even if shares are dealt a second time in one folder. A key seals one value
//! only, so the nonce is zeros. GCM does not commit to its key; the commitment of the opened share
//! does (ADR 0140).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::shamir::{SECRET_SIZE, Secret};

/// Octets of a sealed value: the value and the tag.
pub(super) const SEALED_SIZE: usize = SECRET_SIZE + 16;
/// The fewest octets of a passphrase.
pub const MIN_PASSPHRASE_LENGTH: usize = 8;

/// What trying one passphrase costs. The words do not say it: it belongs to their version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    kibibytes: u32,
    passes: u32,
}

impl Cost {
    /// What every share that people get has: 256 MiB, three passes, one lane; about a second.
    pub const REAL: Self = Self { kibibytes: 256 * 1024, passes: 3 };
    /// For tests that seal many shares: 64 KiB, one pass.
    #[cfg(test)]
    pub(crate) const TEST: Self = Self { kibibytes: 64, passes: 1 };
}

pub(super) fn seal(
    value: &Secret,
    header: &[u8],
    passphrase: &[u8],
    cost: Cost,
) -> Result<[u8; SEALED_SIZE], PassphraseError> {
    if passphrase.len() < MIN_PASSPHRASE_LENGTH {
        return Err(PassphraseError::Short { found: passphrase.len() });
    }
    let payload = Payload { msg: &value[..], aad: header };
    let sealed = cipher(passphrase, header, cost)?.encrypt(&Nonce::default(), payload);
    // It fails for messages of gigabytes only.
    sealed.ok().and_then(|sealed| sealed.try_into().ok()).ok_or(PassphraseError::Memory)
}

pub(super) fn open(
    sealed: &[u8; SEALED_SIZE],
    header: &[u8],
    passphrase: &[u8],
    cost: Cost,
) -> Result<Secret, PassphraseError> {
    let payload = Payload { msg: &sealed[..], aad: header };
    let opened = cipher(passphrase, header, cost)?.decrypt(&Nonce::default(), payload);
    let opened = Zeroizing::new(opened.map_err(|_| PassphraseError::Wrong)?);
    let mut value: Secret = Zeroizing::new([0; SECRET_SIZE]);
    // What was sealed has this size, and the tag is right.
    value.copy_from_slice(&opened);
    Ok(value)
}

fn cipher(passphrase: &[u8], header: &[u8], cost: Cost) -> Result<Aes256Gcm, PassphraseError> {
    let salt = Sha256::new_with_prefix("espalier-ceremony share passphrase v1\0")
        .chain_update(header)
        .finalize();
    let memory = |_| PassphraseError::Memory;
    let params = Params::new(cost.kibibytes, cost.passes, 1, Some(SECRET_SIZE)).map_err(memory)?;
    let mut blocks = Vec::new();
    let count = params.block_count();
    blocks.try_reserve_exact(count).map_err(|_| PassphraseError::Memory)?;
    blocks.resize(count, Block::default());
    let mut key = Zeroizing::new([0; SECRET_SIZE]);
    let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, &salt, &mut key[..], &mut blocks);
    blocks.iter_mut().for_each(Zeroize::zeroize);
    made.map_err(memory)?;
    // It is as long as a key of AES-256. By reference: no copy stays on the stack.
    Ok(Aes256Gcm::new_from_slice(&key[..]).expect("32 octets"))
}

/// A passphrase that does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Too short to be one.
    #[error("passphrase: found {found} octets, allowed are 8 or more; several words are better")]
    Short {
        /// Its length in octets.
        found: usize,
    },
    /// Not the one that it was sealed with.
    #[error("passphrase: it does not open this share; allowed is the one that its custodian chose")]
    Wrong,
    /// Argon2 needs 256 MiB.
    #[error("passphrase: no memory; 256 MiB must be free")]
    Memory,
}
