//! Custody: who holds which share of the key that the keys of a ceremony lie under.
//!
//! A [`ShareSet`] is public. Its commitments are salted hashes: they name a wrong, mixed up or foreign
//! share, and tell nothing that helps to guess one (ADR 0140). Nothing here is broken by a quantum
//! computer.

mod error;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use error::CustodyError;

use crate::ceremony_id::CeremonyId;
use crate::digest::Digest;
use crate::shamir::{self, Quorum, SECRET_SIZE, Secret};
use crate::share::{Share, ShareHeader};

/// The longest name of a custodian, in characters.
pub const MAX_LABEL: usize = 64;

/// The key that key files are sealed with ([`crate::sealed_key`]); it exists only while it is used.
pub struct KeyEncryptionKey(Secret);

impl KeyEncryptionKey {
    /// Draws a new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut octets: Secret = Zeroizing::new([0; SECRET_SIZE]);
        rng.fill_bytes(&mut octets[..]);
        Self(octets)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; SECRET_SIZE] {
        &self.0
    }
}

impl std::fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyEncryptionKey(..)")
    }
}

/// A salted hash of something secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// 32 random octets.
    salt: Digest,
    /// What they hash to, together with the secret.
    digest: Digest,
}

impl Commitment {
    fn new(purpose: &str, parts: [&[u8]; 3], rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; Digest::SIZE];
        rng.fill_bytes(&mut salt);
        Self { salt: salt.into(), digest: Self::digest(purpose, &salt, parts) }
    }

    fn digest(purpose: &str, salt: &[u8], [a, b, c]: [&[u8]; 3]) -> Digest {
        Digest::of_parts(purpose, &[salt, a, b, c])
    }

    fn fits(&self, purpose: &str, parts: [&[u8]; 3]) -> bool {
        let found = Self::digest(purpose, self.salt.as_bytes(), parts);
        found.as_bytes().ct_eq(self.digest.as_bytes()).into()
    }
}

const OF_SHARE: &str = "espalier-ceremony share v1";
const OF_KEY: &str = "espalier-ceremony key-encryption key v1";

/// Who holds a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The index of the share, from 1.
    pub index: u8,
    /// The custodian's name.
    pub custodian: String,
    /// What the share must hash to.
    commitment: Commitment,
}

/// The shares of one key-encryption key, and what each must hash to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct ShareSet {
    ceremony: CeremonyId,
    rehearsal: bool,
    quorum: Quorum,
    key: Commitment,
    holders: Vec<Holder>,
}

/// As it stands in its file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u8,
    ceremony: CeremonyId,
    rehearsal: bool,
    threshold: u8,
    key: Commitment,
    shares: Vec<Holder>,
}

impl ShareSet {
    /// Splits `key` among the custodians: any `threshold` of their shares give it again.
    ///
    /// # Errors
    /// `CustodyError` for a quorum or names that are not allowed.
    pub fn deal(
        key: &KeyEncryptionKey,
        ceremony: CeremonyId,
        rehearsal: bool,
        threshold: u8,
        custodians: &[String],
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<Share>), CustodyError> {
        check_labels(custodians)?;
        let quorum = quorum(threshold, custodians.len())?;
        // Made large enough at once: growing would leave copies of shares behind.
        let (mut holders, mut shares) = (Vec::new(), Vec::with_capacity(custodians.len()));
        let values = shamir::split(&key.0, quorum, rng);
        for ((value, custodian), index) in values.into_iter().zip(custodians).zip(1..) {
            let share = Share::new(ShareHeader { ceremony, rehearsal, threshold, index }, value);
            let parts = committed(&share, custodian);
            let commitment =
                Commitment::new(OF_SHARE, [&parts.0, &share.value()[..], parts.1], rng);
            holders.push(Holder { index, custodian: custodian.clone(), commitment });
            shares.push(share);
        }
        let commitment = Commitment::new(OF_KEY, [ceremony.as_bytes(), &key.0[..], b""], rng);
        Ok((Self { ceremony, rehearsal, quorum, key: commitment, holders }, shares))
    }

    /// Its own name, drawn anew whenever shares are dealt.
    pub fn ceremony(&self) -> CeremonyId {
        self.ceremony
    }

    /// Whether it is of a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// How many shares there are, and how many give the key.
    pub fn quorum(&self) -> Quorum {
        self.quorum
    }

    /// Who holds the shares, by index.
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// Whose share it says it is.
    ///
    /// # Errors
    /// `CustodyError` for a share of another ceremony, a rehearsal, or with numbers that no share
    /// of this set has.
    pub fn holder(&self, header: &ShareHeader) -> Result<&Holder, CustodyError> {
        if header.ceremony != self.ceremony {
            return Err(CustodyError::Foreign { found: header.ceremony, allowed: self.ceremony });
        }
        if header.rehearsal != self.rehearsal {
            return Err(CustodyError::Rehearsal { found: header.rehearsal });
        }
        let allowed = self.quorum.threshold();
        if header.threshold != allowed {
            return Err(CustodyError::Threshold { found: header.threshold, allowed });
        }
        self.holders
            .iter()
            .find(|holder| holder.index == header.index)
            .ok_or(CustodyError::Index { found: header.index, allowed: self.quorum.shares() })
    }

    /// Checks that it is the share that was given to its custodian, every bit of it.
    ///
    /// # Errors
    /// As [`Self::holder`]; `CustodyError::Wrong` when the commitment does not fit.
    pub fn check(&self, share: &Share) -> Result<&Holder, CustodyError> {
        let holder = self.holder(&share.header())?;
        let parts = committed(share, &holder.custodian);
        if holder.commitment.fits(OF_SHARE, [&parts.0, &share.value()[..], parts.1]) {
            return Ok(holder);
        }
        let custodian = holder.custodian.clone();
        Err(CustodyError::Wrong { index: holder.index, custodian })
    }

    /// Joins shares to the key, each of them checked before.
    ///
    /// # Errors
    /// As [`Self::check`]; `CustodyError` when there are too few or one is there twice, and when
    /// the key does not fit, which means that the set itself was changed.
    pub fn recover(&self, shares: &[Share]) -> Result<KeyEncryptionKey, CustodyError> {
        for (at, share) in shares.iter().enumerate() {
            let holder = self.check(share)?;
            let index = holder.index;
            if shares[..at].iter().any(|earlier| earlier.header().index == index) {
                return Err(CustodyError::Twice { index, custodian: holder.custodian.clone() });
            }
        }
        let (found, allowed) = (shares.len(), self.quorum.threshold());
        if found < usize::from(allowed) {
            return Err(CustodyError::TooFew { found, allowed });
        }
        let pairs: Vec<_> =
            shares.iter().map(|share| (share.header().index, share.value())).collect();
        let key = shamir::join(&pairs).map_err(CustodyError::Join)?;
        if self.key.fits(OF_KEY, [self.ceremony.as_bytes(), &key[..], b""]) {
            return Ok(KeyEncryptionKey(key));
        }
        Err(CustodyError::Key)
    }

    /// Joins every group of `threshold` of these shares, and tells how many groups there are. The key
    /// is wiped each time, and nothing shows it.
    ///
    /// # Errors
    /// As [`Self::recover`].
    pub fn test(&self, shares: &[Share]) -> Result<usize, CustodyError> {
        // Refuses strangers, doubles and too few of them.
        self.recover(shares)?;
        let mut groups = 0;
        for chosen in 0u32..1 << shares.len().min(31) {
            if chosen.count_ones() != u32::from(self.quorum.threshold()) {
                continue;
            }
            let group = shares.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
            let pairs: Vec<_> =
                group.map(|(_, share)| (share.header().index, share.value())).collect();
            let key = shamir::join(&pairs).map_err(CustodyError::Join)?;
            if !self.key.fits(OF_KEY, [self.ceremony.as_bytes(), &key[..], b""]) {
                return Err(CustodyError::Key);
            }
            groups += 1;
        }
        Ok(groups)
    }
}

/// What a commitment covers beside the value.
fn committed<'a>(share: &Share, custodian: &'a str) -> (Vec<u8>, &'a [u8]) {
    (share.header().committed().to_vec(), custodian.as_bytes())
}

fn quorum(threshold: u8, shares: usize) -> Result<Quorum, CustodyError> {
    Ok(Quorum::new(threshold, u8::try_from(shares).unwrap_or(u8::MAX))?)
}

/// Custodians have different names, which fit on a line and hide nothing.
fn check_labels(custodians: &[String]) -> Result<(), CustodyError> {
    for (at, label) in custodians.iter().enumerate() {
        let plain = ca_core::escape::escaped(label) == *label && label.trim() == label;
        if !plain || !(1..=MAX_LABEL).contains(&label.chars().count()) {
            return Err(CustodyError::Label { found: ca_core::escape::quoted(label) });
        }
        if custodians[..at].contains(label) {
            return Err(CustodyError::SameLabel { found: label.clone() });
        }
    }
    Ok(())
}

impl From<ShareSet> for Written {
    fn from(set: ShareSet) -> Self {
        let ShareSet { ceremony, rehearsal, quorum, key, holders: shares } = set;
        Self { version: 1, ceremony, rehearsal, threshold: quorum.threshold(), key, shares }
    }
}

impl TryFrom<Written> for ShareSet {
    type Error = CustodyError;

    fn try_from(written: Written) -> Result<Self, CustodyError> {
        let Written { version, ceremony, rehearsal, threshold, key, shares: holders } = written;
        if version != 1 {
            return Err(CustodyError::Version { found: version });
        }
        let quorum = quorum(threshold, holders.len())?;
        let labels: Vec<String> = holders.iter().map(|holder| holder.custodian.clone()).collect();
        check_labels(&labels)?;
        if let Some((holder, allowed)) =
            holders.iter().zip(1..).find(|(holder, index)| holder.index != *index)
        {
            return Err(CustodyError::Order { found: holder.index, allowed });
        }
        Ok(Self { ceremony, rehearsal, quorum, key, holders })
    }
}

#[cfg(test)]
mod tests;
