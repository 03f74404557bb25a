//! Handing shares out, and joining them.

use zeroize::Zeroizing;

use super::{Sitting, SittingError};
use crate::share::{Share, WrittenShare};
use crate::share_set::{CustodyError, Holder, KeyEncryptionKey, ShareSet};
use crate::transcript::Event;

/// How often one share may be typed in.
const TRIES: usize = 10;

impl Sitting<'_> {
    /// Shows each custodian a share, once, and has it typed in again from paper.
    pub(super) fn hand_out(
        &mut self,
        set: &ShareSet,
        shares: Vec<Share>,
    ) -> Result<(), SittingError> {
        for (share, holder) in shares.into_iter().zip(set.holders()) {
            let custodian = &holder.custodian;
            let passphrase = self.table.choose_passphrase(custodian)?;
            let words = match &passphrase {
                Some(passphrase) => share.to_words_under(passphrase.as_bytes(), self.world.cost)?,
                None => share.to_words(),
            };
            // From here on the share is on paper alone.
            drop(share);
            self.table.hand_out(holder.index, custodian, &words)?;
            drop(words);
            self.read_back(set, holder)?;
            self.record(Event::ShareHandedOut {
                index: holder.index,
                custodian: custodian.clone(),
                under_passphrase: passphrase.is_some(),
            })?;
        }
        Ok(())
    }

    /// The custodian types in what is on the paper.
    fn read_back(&mut self, set: &ShareSet, holder: &Holder) -> Result<(), SittingError> {
        for _ in 0..TRIES {
            let words = self
                .table
                .ask_share(Some(&holder.custodian), "to see that it was written down rightly")?;
            match self.typed_share(set, &words) {
                Ok(share) if share.header().index == holder.index => return Ok(()),
                Ok(share) => {
                    let (found, allowed) = (share.header().index, holder.index);
                    self.table.show(&format!(
                        "share: index: found {found}, allowed is {allowed}, that of {}\n",
                        holder.custodian
                    ))?;
                }
                Err(error) => self.told(error)?,
            }
        }
        let (index, custodian) = (holder.index, holder.custodian.clone());
        Err(SittingError::NotReadBack { index, custodian, tries: TRIES })
    }

    /// Custodians type in shares until there are `wanted`, or as many as it takes.
    pub(super) fn collect(
        &mut self,
        set: &ShareSet,
        wanted: usize,
    ) -> Result<(Vec<Share>, Vec<String>), SittingError> {
        // Made large enough at once: growing would leave copies of shares behind.
        let (mut shares, mut custodians) = (Vec::<Share>::with_capacity(wanted), Vec::new());
        let mut tries = 0;
        while shares.len() < wanted {
            tries += 1;
            if tries > TRIES * wanted {
                return Err(SittingError::NoShare { tries: TRIES * wanted });
            }
            let words = self.table.ask_share(None, &self.purpose_of_shares)?;
            let share = match self.typed_share(set, &words) {
                Ok(share) => share,
                Err(error) => {
                    self.told(error)?;
                    continue;
                }
            };
            let holder = set.check(&share)?;
            let (index, custodian) = (holder.index, holder.custodian.clone());
            if custodians.contains(&custodian) {
                self.told(CustodyError::Twice { index, custodian }.into())?;
                continue;
            }
            custodians.push(custodian);
            shares.push(share);
        }
        Ok((shares, custodians))
    }

    /// The key-encryption key, from as many shares as it takes.
    pub(super) fn join(&mut self, set: &ShareSet) -> Result<KeyEncryptionKey, SittingError> {
        // People may have sat here for hours.
        self.look()?;
        let wanted = usize::from(set.quorum().threshold());
        let (shares, custodians) = self.collect(set, wanted)?;
        let key = set.recover(&shares)?;
        self.record(Event::SharesJoined { custodians })?;
        Ok(key)
    }

    /// Words that were typed, as a share of the set.
    fn typed_share(&mut self, set: &ShareSet, words: &str) -> Result<Share, SittingError> {
        let written = WrittenShare::read(words)?;
        let custodian = set.holder(&written.header())?.custodian.clone();
        let table = &mut *self.table;
        let ask = || Ok::<Zeroizing<String>, SittingError>(table.ask_passphrase(&custodian)?);
        let share = written.open(self.world.cost, ask)?;
        set.check(&share)?;
        Ok(share)
    }

    /// Tells what is wrong with a share, so that it is typed again; other errors end the sitting.
    fn told(&mut self, error: SittingError) -> Result<(), SittingError> {
        match error {
            SittingError::Share(_) | SittingError::Custody(_) | SittingError::Passphrase(_) => {
                Ok(self.table.show(&format!("{error}\n"))?)
            }
            other => Err(other),
        }
    }

    /// Custodians type in `count` shares, and every group of as many as it takes is joined. The key is
    /// not shown, and nothing is opened.
    ///
    /// # Errors
    /// `SittingError::Custody` when the shares do not give the key.
    pub(super) fn test_shares(&mut self, count: usize) -> Result<(), SittingError> {
        let (set, _) = self.kept()?;
        let (shares, custodians) = self.collect(&set, count)?;
        let groups = set.test(&shares)?;
        self.record(Event::SharesTested { custodians, groups: groups as u64 })?;
        let quorum = set.quorum();
        Ok(self.table.show(&format!(
            "{groups} groups of {} shares give the key of the share set, each of them\n",
            quorum.threshold()
        ))?)
    }
}
