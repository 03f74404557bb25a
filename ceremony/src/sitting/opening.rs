//! Sitting down: who is there, what the folder holds, and whether it is the folder of the paper.

use std::collections::BTreeSet;

use super::{MAX_TRANSCRIPT, Part, Purpose, Sitting, SittingError, World};
use crate::audit::walk::{self, Walk};
use crate::ceremony_id::CeremonyId;
use crate::definition::{self, Definition};
use crate::digest::Digest;
use crate::entropy::Pool;
use crate::folder::{self, Folder};
use crate::table::{People, Table};
use crate::transcript::{self, Event, Opening, Transcript};

impl Part {
    /// What custodians type their shares in for.
    pub(super) fn purpose_of_shares(&self) -> String {
        match self {
            Self::Keys => "to seal new keys".into(),
            Self::Plan => "for nothing".into(),
            Self::Run => "to sign the plan".into(),
            Self::TestShares(_) => "to TEST shares; nothing is opened".into(),
            Self::Reshare { threshold, custodians } => {
                format!("to RESHARE: {threshold} of {} open the keys then", custodians.join(", "))
            }
        }
    }
}

impl<'a> Sitting<'a> {
    /// Sits down: the folder is locked, definition and transcript are read, who is there is asked and
    /// written down. Nothing is written before all that was there is found right.
    ///
    /// # Errors
    /// `SittingError` when another run is in the folder, a file is not right, the folder is not the one
    /// of the paper, or nobody watches.
    pub(super) fn open(
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
        let mut walk = Walk::through(&there)?;
        let ceremony = match there.opening() {
            Some(first) => first.ceremony,
            None => CeremonyId::generate(world.rng),
        };
        table.show(&what_sits(ceremony, purpose, &world))?;
        let people = table.people()?;
        check_people(&people)?;
        let compared = compare(&walk, table)?;
        let opening = Opening {
            ceremony,
            rehearsal: purpose.rehearsal,
            purpose: purpose.part.text().to_owned(),
            operator: people.operator,
            witnesses: people.witnesses,
            program: world.program.clone(),
            // The transcript puts its own there.
            key: String::new(),
            compared,
            cut_octets: 0,
        };
        let read = Event::DefinitionRead { definition: Digest::of(&definition_file) };
        let number = there.lines.len() as u64 + 1;
        let mut trial = walk.clone();
        trial.line(number, &Event::SittingOpened(Box::new(opening.clone())))?;
        trial.line(number + 1, &read)?;
        let path = folder.transcript()?;
        let transcript = Transcript::open(&path, opening.clone(), (world.clock)(), world.rng)?;
        let opening = Opening { key: transcript.public_key(), ..opening };
        walk.line(number, &Event::SittingOpened(Box::new(opening)))?;
        Ok(Self {
            folder,
            _lock: lock,
            ceremony,
            rehearsal: purpose.rehearsal,
            definition,
            definition_file,
            walk,
            excused: Vec::new(),
            transcript,
            table,
            world,
            purpose_of_shares: purpose.part.purpose_of_shares(),
            pool: Pool::new(""),
        })
    }

    /// What every sitting begins with: its key is noted, the definition is told, a reason for what was
    /// not compared with paper, and what a power cut left is completed or cleared away.
    pub(super) fn begin(&mut self) -> Result<(), SittingError> {
        let not_compared = self.walk.not_compared();
        self.table.note(walk::KEY, self.transcript.key())?;
        self.record(Event::DefinitionRead { definition: self.definition_digest() })?;
        for (what, digest) in not_compared {
            self.excuse(format!("{what}: {digest} was not compared with paper"))?;
        }
        self.folder.clear_begun()?;
        self.settle()
    }
}

/// What begins, for everybody to see before they type anything.
fn what_sits(ceremony: CeremonyId, purpose: &Purpose, world: &World<'_>) -> String {
    let kind = if purpose.rehearsal { "Rehearsal" } else { "Ceremony" };
    let program = &world.program;
    let digest = match &program.digest {
        Some(digest) => digest.told(),
        None => "none: the system does not show its file".into(),
    };
    let mut text = format!(
        "{kind} {ceremony}: {}\nProgram, version {}, SHA-256\n  {digest}\n",
        purpose.part.text(),
        program.version,
    );
    if let Part::Reshare { .. } = purpose.part {
        text += &format!("Shares are typed in {}\n", purpose.part.purpose_of_shares());
    }
    text
}

/// Somebody watches, by another name than the operator's.
fn check_people(people: &People) -> Result<(), SittingError> {
    let all = people.witnesses.iter().chain([&people.operator]);
    let different: BTreeSet<&String> = all.collect();
    if different.len() >= 2 && different.len() == people.witnesses.len() + 1 {
        return Ok(());
    }
    let message = format!(
        "people: found operator {} with witnesses {}, allowed are an operator and one witness or more, of different names",
        people.operator,
        if people.witnesses.is_empty() { "none".into() } else { people.witnesses.join(", ") },
    );
    Err(SittingError::State { message })
}

/// Asks for what people have on paper of the sittings before, so that nobody goes on with another
/// folder than the one that they left. What they have no paper of takes a reason later.
fn compare(walk: &Walk, table: &mut dyn Table) -> Result<Vec<Digest>, SittingError> {
    let mut compared = Vec::new();
    for (what, digest) in &walk.on_paper {
        let paper = table.on_paper(what)?;
        if paper.is_empty() {
            continue;
        }
        if !digest.is_on_paper(&paper) {
            return Err(SittingError::OtherPaper { what, found: *digest });
        }
        compared.push(*digest);
    }
    Ok(compared)
}
