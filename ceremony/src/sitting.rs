//! A sitting: people at a table, a folder, a transcript, and one of the steps of a ceremony.
//!
//! Each step checks that those before it are done, by the transcript. A step that was cut off is done
//! again by the same command; what it had finished is not repeated.

mod custody;
mod error;
mod kept;
mod keys;
mod opening;
mod planning;
mod resharing;
mod running;
mod surroundings;

use ca_core::key::PrivateKey;
use jiff::Timestamp;
use rand_core::CryptoRng;

pub use error::SittingError;
pub(crate) use planning::{inputs, public_keys};

use crate::audit::walk::{self, Walk};
use crate::ceremony_id::CeremonyId;
use crate::definition::{Custody, Definition, KeySource};
use crate::digest::Digest;
use crate::entropy::{Mixed, Pool};
use crate::folder::{self, Folder, Lock};
use crate::process;
use crate::share::Cost;
use crate::share_set::{KeyEncryptionKey, ShareSet};
use crate::table::Table;
use crate::transcript::{Event, Program, Transcript, WriteError};

/// The largest share set, in octets: sixteen names and commitments.
const MAX_SHARE_SET: usize = 64 * 1024;
/// The largest transcript that a sitting goes on with, in octets.
const MAX_TRANSCRIPT: usize = 64 * 1024 * 1024;
/// The largest file that a definition may name: a revocation list.
pub(crate) const MAX_INPUT: usize = ca_core::crl::MAX_CRL_SIZE * 2;

/// What a sitting takes of the world.
pub struct World<'a> {
    /// Tells the time.
    pub clock: fn() -> Timestamp,
    /// The cryptographic random generator.
    pub rng: &'a mut dyn CryptoRng,
    /// What runs.
    pub program: Program,
    /// What trying a passphrase costs.
    pub cost: Cost,
    /// What the hardening of the process found.
    pub findings: Vec<String>,
    /// Looks at what is around the machine ([`crate::surroundings`]), each time before secrets are used.
    pub look: fn() -> Vec<String>,
}

impl World<'_> {
    /// The same, for one of several sittings.
    pub fn lent(&mut self) -> World<'_> {
        World {
            clock: self.clock,
            rng: &mut *self.rng,
            program: self.program.clone(),
            cost: self.cost,
            findings: self.findings.clone(),
            look: self.look,
        }
    }
}

/// What a sitting is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// What is done.
    pub part: Part,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
}

/// A part of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Keys are made, and shares handed out.
    Keys,
    /// The plan is made and read.
    Plan,
    /// The plan is confirmed and signed.
    Run,
    /// So many shares are tested.
    TestShares(usize),
    /// Other custodians get shares, and the old ones become useless.
    Reshare {
        /// How many of the new shares it takes.
        threshold: u8,
        /// Who gets one.
        custodians: Vec<String>,
    },
}

impl Part {
    /// As the transcript has it.
    fn text(&self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Plan => "plan",
            Self::Run => "run",
            Self::TestShares(_) => "share test",
            Self::Reshare { .. } => "share reshare",
        }
    }
}

/// A sitting.
pub struct Sitting<'a> {
    folder: Folder,
    _lock: Lock,
    ceremony: CeremonyId,
    rehearsal: bool,
    definition: Definition,
    definition_file: Vec<u8>,
    /// What the transcript tells, this sitting included.
    walk: Walk,
    /// Findings that somebody gave a reason for.
    excused: Vec<String>,
    transcript: Transcript,
    table: &'a mut dyn Table,
    world: World<'a>,
    /// What custodians are told before they type in their shares.
    purpose_of_shares: String,
    /// What people brought to the generator.
    pool: Pool,
}

impl<'a> Sitting<'a> {
    fn part(&mut self, part: Part) -> Result<(), SittingError> {
        if part.touches_secrets() {
            let typed = self.prepare()?;
            self.pool = Pool::new(&typed);
        }
        match part {
            Part::Keys => self.make_keys(),
            Part::Plan => self.make_plan(),
            Part::Run => self.run(),
            Part::TestShares(count) => self.test_shares(count),
            Part::Reshare { threshold, custodians } => self.reshare(threshold, &custodians),
        }
    }

    /// The generator for keys and shares: the kernel's, with what people brought.
    fn rng(&mut self) -> Mixed<'_> {
        Mixed::new(self.world.rng, &mut self.pool)
    }

    /// Sits down, does the part, and closes the sitting; gives the head of the transcript. What it left on
    /// the stack is wiped.
    ///
    /// # Errors
    /// Whatever opening or the part gives; the transcript tells it, and a later sitting may go on.
    pub fn hold(
        folder: Folder,
        purpose: Purpose,
        table: &'a mut dyn Table,
        world: World<'a>,
    ) -> Result<Digest, SittingError> {
        let head = Self::held(folder, purpose, table, world);
        process::wipe_stack();
        head
    }

    // In a frame of its own: what would stay in that of `hold` is not wiped.
    #[inline(never)]
    fn held(
        folder: Folder,
        purpose: Purpose,
        table: &'a mut dyn Table,
        world: World<'a>,
    ) -> Result<Digest, SittingError> {
        let mut sitting = Self::open(folder, &purpose, table, world)?;
        let done = sitting.begin().and_then(|()| sitting.part(purpose.part));
        if let Err(error) = done {
            if matches!(error, SittingError::Transcript(WriteError::File { .. })) {
                // The medium takes no lines: another one would only do more harm.
                return Err(error);
            }
            // Where the transcript can't be written either, the first error is the one that matters.
            let message = crate::causes::told(&error);
            let _ = sitting.record(Event::Failed { message }).and_then(|()| sitting.close());
            return Err(error);
        }
        sitting.close()
    }

    /// Ends the sitting, and shows the head of the transcript, for paper.
    ///
    /// # Errors
    /// `SittingError` when the transcript can't be written.
    fn close(mut self) -> Result<Digest, SittingError> {
        self.record(Event::SittingClosed {})?;
        let head = self.transcript.head();
        self.table.note(walk::HEAD, head)?;
        Ok(head)
    }

    /// Writes a line, unless an audit would refuse it: a line can't be taken back.
    fn record(&mut self, event: Event) -> Result<(), SittingError> {
        let mut walk = self.walk.clone();
        walk.line(self.transcript.lines() + 1, &event)?;
        self.transcript.append(event, (self.world.clock)())?;
        walk.written(self.transcript.head());
        self.walk = walk;
        Ok(())
    }

    fn definition_digest(&self) -> Digest {
        Digest::of(&self.definition_file)
    }

    /// The file of the share set: this ceremony's own, or an earlier one's.
    fn share_set_path(&self) -> String {
        match &self.definition.custody {
            Custody::New { .. } => folder::SHARE_SET.to_owned(),
            Custody::Existing { share_set } => share_set.clone(),
        }
    }

    /// Where the sealed key of this name is.
    fn key_path(&self, name: &str) -> String {
        match self.definition.keys.get(name) {
            Some(KeySource::File { path, .. }) => path.clone(),
            Some(KeySource::Made(_)) | None => Folder::key(name),
        }
    }

    fn open_key(
        &self,
        name: &str,
        set: &ShareSet,
        under: &KeyEncryptionKey,
    ) -> Result<PrivateKey, SittingError> {
        Ok(self.sealed_key(name, set)?.0.open(under)?)
    }
}

#[cfg(test)]
mod tests;
