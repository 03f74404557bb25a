//! A sitting: people at a table, a folder, a transcript, and one of the steps of a ceremony.
//!
//! Each step checks that those before it are done, by the transcript. A step that was cut off is done
//! again by the same command; what it had finished is not repeated.

mod custody;
mod error;
mod keys;
mod planning;
mod resharing;
mod running;
mod surroundings;

use ca_core::escape::escaped;
use ca_core::key::PrivateKey;
use jiff::Timestamp;
use rand_core::CryptoRng;

pub use error::SittingError;
pub(crate) use planning::{inputs, public_keys};

use crate::ceremony_id::CeremonyId;
use crate::definition::{self, Custody, Definition, KeySource};
use crate::digest::Digest;
use crate::entropy::{Mixed, Pool};
use crate::folder::{self, Folder, Lock};
use crate::sealed_key::{self, SealedKey};
use crate::share::Cost;
use crate::share_set::{KeyEncryptionKey, ShareSet};
use crate::table::Table;
use crate::transcript::{self, Event, Opening, Program, Transcript};

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
    /// What [`crate::surroundings`] and the hardening of the process found.
    pub findings: Vec<String>,
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
    /// What earlier sittings wrote.
    before: Vec<Event>,
    transcript: Transcript,
    table: &'a mut dyn Table,
    world: World<'a>,
    /// What people brought to the generator.
    pool: Pool,
}

impl<'a> Sitting<'a> {
    fn part(&mut self, part: Part) -> Result<(), SittingError> {
        if part.touches_secrets() {
            self.pool = Pool::new(&self.prepare()?);
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

    /// Sits down: the folder is locked, definition and transcript are read, who is there is asked and
    /// written down.
    ///
    /// # Errors
    /// `SittingError` when another run is in the folder, or a file is not right.
    fn open(
        folder: Folder,
        purpose: &Purpose,
        table: &'a mut dyn Table,
        world: World<'a>,
    ) -> Result<Self, SittingError> {
        let lock = folder.lock()?;
        let definition_file = folder.read(folder::DEFINITION, definition::MAX_SIZE)?;
        let text = std::str::from_utf8(&definition_file).map_err(|error| SittingError::State {
            message: format!("{}: it is not UTF-8 text ({error})", folder::DEFINITION),
        })?;
        let definition = Definition::from_yaml(text)?;
        let there = match folder.has(folder::TRANSCRIPT) {
            true => transcript::read(&folder.read(folder::TRANSCRIPT, MAX_TRANSCRIPT)?)
                .map_err(transcript::WriteError::from)?,
            false => transcript::read(&[]).map_err(transcript::WriteError::from)?,
        };
        let ceremony = match there.opening() {
            Some(first) => first.ceremony,
            None => CeremonyId::generate(world.rng),
        };
        let people = table.people()?;
        let opening = Opening {
            ceremony,
            rehearsal: purpose.rehearsal,
            purpose: purpose.part.text().to_owned(),
            operator: people.operator,
            witnesses: people.witnesses,
            program: world.program.clone(),
            // The transcript puts its own there.
            key: String::new(),
            cut_octets: 0,
        };
        let path = folder.path(folder::TRANSCRIPT);
        let transcript = Transcript::open(&path, opening, (world.clock)(), world.rng)?;
        let mut sitting = Self {
            folder,
            _lock: lock,
            ceremony,
            rehearsal: purpose.rehearsal,
            definition,
            definition_file,
            before: there.events().cloned().collect(),
            transcript,
            table,
            world,
            pool: Pool::new(""),
        };
        let key = sitting.transcript.key();
        sitting.table.show(&format!(
            "Ceremony {ceremony}\nKey of this sitting\n  {key}\n  {}\n",
            key.spoken()
        ))?;
        sitting.record(Event::DefinitionRead { definition: sitting.definition_digest() })?;
        sitting.settle()?;
        Ok(sitting)
    }

    /// Sits down, does the part, and closes the sitting; gives the head of the transcript.
    ///
    /// # Errors
    /// Whatever opening or the part gives; the transcript tells it, and a later sitting may go on.
    pub fn hold(
        folder: Folder,
        purpose: Purpose,
        table: &'a mut dyn Table,
        world: World<'a>,
    ) -> Result<Digest, SittingError> {
        let mut sitting = Self::open(folder, &purpose, table, world)?;
        let done = sitting.part(purpose.part);
        if let Err(error) = done {
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
        let text = format!("Head of the transcript\n  {head}\n  {}\n", head.spoken());
        self.table.show(&text)?;
        Ok(head)
    }

    fn record(&mut self, event: Event) -> Result<(), SittingError> {
        Ok(self.transcript.append(event, (self.world.clock)())?)
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

    fn share_set(&self) -> Result<(ShareSet, Vec<u8>), SittingError> {
        let path = self.share_set_path();
        let file = self.folder.read(&path, MAX_SHARE_SET)?;
        let set: ShareSet = serde_json::from_slice(&file).map_err(|error| SittingError::State {
            message: escaped(&format!("{path}: {error}")),
        })?;
        if set.is_rehearsal() != self.rehearsal {
            return Err(
                crate::share_set::CustodyError::Rehearsal { found: set.is_rehearsal() }.into()
            );
        }
        Ok((set, file))
    }

    /// Where the sealed key of this name is.
    fn key_path(&self, name: &str) -> String {
        match self.definition.keys.get(name) {
            Some(KeySource::File { path, .. }) => path.clone(),
            Some(KeySource::Made(_)) | None => Folder::key(name),
        }
    }

    /// A sealed key, which must be of these shares.
    fn sealed_key(&self, name: &str, set: &ShareSet) -> Result<(SealedKey, Vec<u8>), SittingError> {
        let path = self.key_path(name);
        let file = self.folder.read(&path, sealed_key::MAX_FILE_SIZE)?;
        let sealed = SealedKey::from_json(&file)?;
        if sealed.ceremony() != set.ceremony() || sealed.is_rehearsal() != set.is_rehearsal() {
            let found = (sealed.ceremony(), sealed.is_rehearsal());
            let allowed = (set.ceremony(), set.is_rehearsal());
            return Err(SittingError::OtherShares { path, found, allowed });
        }
        Ok((sealed, file))
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
