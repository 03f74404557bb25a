//! What was answered so far, and whether a later answer agrees with it.

use std::collections::HashSet;

use ca_core::{
    certificate::Certificate,
    crl::{CertificateList, EntrySerial, RevocationStatus, check_crls},
    fingerprint::Fingerprint,
    serial::SerialNumber,
};
use jiff::Timestamp;
use ledger::{Crl, SerialStatus};

use crate::world::{KEYS, World};

/// A moment of the story: how many answers there were. What starts at a moment comes later than what
/// was answered at or before it.
pub(crate) type Moment = usize;

/// A leaf that somebody tried to issue.
pub(crate) struct Leaf {
    pub(crate) serial: SerialNumber,
    pub(crate) authority: usize,
    pub(crate) key: usize,
    pub(crate) shard: usize,
    pub(crate) not_after: Timestamp,
    /// When its record was answered.
    pub(crate) recorded: Option<Moment>,
    /// Released, after it was stored, and when that was answered.
    pub(crate) certificate: Option<(Certificate, Moment)>,
    /// When somebody began to issue it.
    pub(crate) begun: Moment,
    /// Whether somebody tried to revoke it by its serial number.
    pub(crate) attempted: bool,
    /// When it was answered that it is revoked.
    pub(crate) revoked: Option<Moment>,
}

/// A list that was published.
pub(crate) struct Published {
    pub(crate) authority: usize,
    pub(crate) scope: usize,
    pub(crate) crl: Crl,
    pub(crate) list: CertificateList,
}

#[derive(Default)]
pub(crate) struct Knowledge {
    pub(crate) moment: Moment,
    pub(crate) leaves: Vec<Leaf>,
    /// Serial numbers under which something was signed.
    pub(crate) signed: Vec<SerialNumber>,
    pub(crate) published: Vec<Published>,
    /// When it was answered that a key is blocked, and whether somebody tried to block it.
    pub(crate) blocked: [Option<Moment>; KEYS],
    pub(crate) block_attempted: [bool; KEYS],
    /// When somebody last tried to revoke all that an authority issued.
    pub(crate) authority_attempted: [Option<Moment>; 2],
    /// Authority, number, and when it was reserved.
    numbers: Vec<(usize, u64, Moment)>,
    /// Leaf and scope: was on a complete list made after it expired.
    outlived: HashSet<(usize, usize)>,
}

impl Knowledge {
    /// Whether it was answered before this moment that the leaf is revoked.
    fn is_revoked(&self, leaf: usize, at: Moment) -> bool {
        self.leaves[leaf].revoked.is_some_and(|answered| answered <= at)
    }

    /// Notes that a leaf is revoked from now on.
    pub(crate) fn revoked(&mut self, leaf: usize) {
        self.leaves[leaf].revoked.get_or_insert(self.moment);
    }

    /// Whether nobody ever tried to revoke a leaf that was released before this moment.
    fn is_good(&self, leaf: &Leaf, at: Moment) -> bool {
        let released = leaf.certificate.as_ref().is_some_and(|(_, released)| *released <= at);
        released && !self.may_be_revoked(leaf)
    }

    /// Whether somebody tried to revoke it, by whatever, answered or not.
    pub(crate) fn may_be_revoked(&self, leaf: &Leaf) -> bool {
        let with_authority = self.authority_attempted[leaf.authority] >= Some(leaf.begun);
        leaf.attempted || self.block_attempted[leaf.key] || with_authority
    }

    /// A record was answered.
    pub(crate) fn recorded(&mut self, leaf: usize, started: Moment) -> Result<(), String> {
        let key = self.leaves[leaf].key;
        self.leaves[leaf].recorded = Some(self.moment);
        match self.blocked[key] {
            Some(blocked) if blocked <= started => {
                Err(format!("a blocked key was certified: {}", self.leaves[leaf].serial))
            }
            // Both at the same time: the record came first, so blocking revoked it.
            Some(_) => {
                self.revoked(leaf);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Keys were blocked: everything recorded with them is revoked.
    pub(crate) fn key_blocked(&mut self, key: usize) {
        self.blocked[key].get_or_insert(self.moment);
        for leaf in 0..self.leaves.len() {
            if self.leaves[leaf].key == key && self.leaves[leaf].recorded.is_some() {
                self.revoked(leaf);
            }
        }
    }

    /// An authority was revoked: everything that was recorded before and not expired.
    pub(crate) fn authority_revoked(&mut self, authority: usize, at: Timestamp, started: Moment) {
        for index in 0..self.leaves.len() {
            let leaf = &self.leaves[index];
            let before = leaf.recorded.is_some_and(|recorded| recorded <= started);
            if leaf.authority == authority && before && leaf.not_after >= at {
                self.revoked(index);
            }
        }
    }

    /// A certificate was stored, which a revoked one never is.
    pub(crate) fn released(
        &mut self,
        leaf: usize,
        certificate: Certificate,
        started: Moment,
    ) -> Result<(), String> {
        if self.is_revoked(leaf, started) {
            return Err(format!("{} was released after it was revoked", self.leaves[leaf].serial));
        }
        self.leaves[leaf].certificate = Some((certificate, self.moment));
        Ok(())
    }

    /// A number was given out.
    pub(crate) fn reserved(
        &mut self,
        authority: usize,
        number: u64,
        started: Moment,
    ) -> Result<(), String> {
        let earlier = self.numbers.iter().filter(|(of, ..)| *of == authority);
        for (_, before, at) in earlier {
            if *before == number || (*at <= started && *before > number) {
                return Err(format!("number {number} was given out after {before}"));
            }
        }
        self.numbers.push((authority, number, self.moment));
        Ok(())
    }

    /// OCSP was told so; the question came at `started`.
    pub(crate) fn told(
        &self,
        asked: &[usize],
        statuses: &[SerialStatus],
        started: Moment,
    ) -> Result<(), String> {
        assert_eq!(asked.len(), statuses.len());
        for (leaf, status) in asked.iter().zip(statuses) {
            let known = &self.leaves[*leaf];
            let revoked = matches!(status, SerialStatus::Revoked { .. });
            if self.is_revoked(*leaf, started) && !revoked {
                return Err(format!(
                    "{} is revoked and was reported good: {status:?}",
                    known.serial
                ));
            }
            if self.is_good(known, started) && *status != SerialStatus::Good {
                return Err(format!("{} is good and was reported {status:?}", known.serial));
            }
        }
        Ok(())
    }

    /// Holds a list against what was answered before its number was asked for, at `started`.
    pub(crate) fn publish(
        &mut self,
        world: &World,
        published: Published,
        started: Moment,
    ) -> Result<(), String> {
        let base = self.base_of(&published);
        let lists: Vec<&CertificateList> = base.into_iter().chain([&published.list]).collect();
        let this_update = published.list.this_update();
        let complete = published.crl.content.base.is_none();
        let mut outlived = Vec::new();
        for (index, leaf) in self.leaves.iter().enumerate() {
            let spoken_of = world.speaks_of(published.scope, leaf.shard);
            if leaf.authority != published.authority || !spoken_of {
                continue;
            }
            let serial = EntrySerial::from(&leaf.serial);
            let listed = lists.iter().any(|list| list.find(&serial).is_some());
            let expired = leaf.not_after < this_update;
            let place = (index, published.scope);
            if complete && expired && listed {
                outlived.push(place);
            }
            let may_be_gone = expired && (!complete || self.outlived.contains(&place));
            if self.is_revoked(index, started) && !listed && !may_be_gone {
                return Err(format!(
                    "{} is revoked, and is not on list {} of {this_update} (it expires {})",
                    leaf.serial, published.crl.number, leaf.not_after
                ));
            }
        }
        self.judge(world, &published, &lists, started)?;
        self.outlived.extend(outlived);
        self.published.push(published);
        Ok(())
    }

    /// As somebody judges who has the certificates and the lists: a few of each kind, since every
    /// verdict checks the signatures.
    fn judge(
        &self,
        world: &World,
        published: &Published,
        lists: &[&CertificateList],
        started: Moment,
    ) -> Result<(), String> {
        let lists: Vec<CertificateList> = lists.iter().map(|list| (*list).clone()).collect();
        let issuer = &world.authorities[published.authority].certificate;
        let at = published.list.this_update();
        let (mut revoked, mut good) = (2, 1);
        for (index, leaf) in self.leaves.iter().enumerate() {
            let Some((certificate, _)) = &leaf.certificate else { continue };
            let spoken_of = world.speaks_of(published.scope, leaf.shard);
            if leaf.authority != published.authority || !spoken_of || leaf.not_after < at {
                continue;
            }
            let (left, must_be_revoked) = if self.is_revoked(index, started) {
                (&mut revoked, true)
            } else if self.is_good(leaf, started) {
                (&mut good, false)
            } else {
                continue;
            };
            if *left == 0 {
                continue;
            }
            *left -= 1;
            let status = check_crls(certificate, issuer, &lists, at);
            let agrees = match &status {
                RevocationStatus::Revoked { .. } => must_be_revoked,
                RevocationStatus::Good => !must_be_revoked,
                RevocationStatus::Unknown { .. } => false,
            };
            if !agrees {
                let number = published.crl.number;
                return Err(format!("{} was reported {status} by list {number}", leaf.serial));
            }
        }
        Ok(())
    }

    /// The complete list that a delta changes.
    fn base_of(&self, published: &Published) -> Option<&CertificateList> {
        let number = published.crl.content.base?;
        let same =
            |one: &&Published| one.authority == published.authority && one.crl.number == number;
        self.published.iter().find(same).map(|base| &base.list)
    }

    /// Numbers of complete lists that a delta may change.
    pub(crate) fn bases(&self, authority: usize, scope: usize) -> Vec<u64> {
        let fits = |one: &&Published| {
            one.authority == authority && one.scope == scope && one.crl.content.base.is_none()
        };
        self.published.iter().filter(fits).map(|one| one.crl.number).collect()
    }

    /// Authority, number and digest of every published list.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (usize, u64, Fingerprint)> {
        let digest = |one: &Published| Fingerprint::of(one.list.der());
        self.published.iter().map(move |one| (one.authority, one.crl.number, digest(one)))
    }
}
