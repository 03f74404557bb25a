//! What a transcript tells.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::TranscriptError;
use crate::ceremony_id::CeremonyId;
use crate::digest::Digest;
use crate::folder;

/// A file of the ceremony's folder. A transcript comes from whoever brings the folder: it names no
/// file elsewhere.
fn inside<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    let path = String::deserialize(reader)?;
    if folder::is_inside(&path) {
        return Ok(path);
    }
    let found = ca_core::escape::quoted(path.chars().take(80).collect::<String>());
    Err(D::Error::custom(format!("file: found {found}, allowed: {}", folder::INSIDE)))
}

/// One step of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// People sit down together.
    SittingOpened(Box<Opening>),
    /// The definition was read.
    DefinitionRead {
        /// SHA-256 of its file.
        definition: Digest,
    },
    /// Something about the surroundings is not as it should be, and people go on.
    Exception {
        /// What.
        finding: String,
        /// Who says so.
        by: String,
        /// Why.
        reason: String,
    },
    /// The surroundings were looked at.
    SurroundingsChecked {
        /// How many findings there were, each an exception before.
        findings: u64,
    },
    /// People compared the clock with another one.
    ClockConfirmed {
        /// What it said.
        time: Timestamp,
        /// Who.
        by: Vec<String>,
    },
    /// People brought something to the generator.
    EntropyTyped {
        /// How many octets; what they are is not told.
        octets: u64,
    },
    /// The custodians that a reshare is to give shares to were compared by several people.
    ReshareConfirmed {
        /// How many of the new shares open the keys.
        threshold: u8,
        /// Who gets one, by index.
        custodians: Vec<String>,
        /// Who confirmed it.
        by: Vec<String>,
    },
    /// A custodian wrote down a share, and typed it in again.
    ShareHandedOut {
        /// Which one.
        index: u8,
        /// Whose.
        custodian: String,
        /// Whether it is under a passphrase.
        under_passphrase: bool,
    },
    /// A key is about to be made, and its file written.
    KeyMaking {
        /// Its name.
        key: String,
    },
    /// The keys are made or found, and lie sealed in their files.
    KeysReady {
        /// SHA-256 of the share set's file.
        share_set: Digest,
        /// The keys.
        keys: Vec<KeyReady>,
    },
    /// A plan was made.
    Planned {
        /// SHA-256 of its file.
        plan: Digest,
    },
    /// People compared the plan's digest with what they read, by its words.
    PlanConfirmed {
        /// SHA-256 of its file.
        plan: Digest,
        /// Who typed the words: two people of the sitting or more.
        by: Vec<String>,
    },
    /// Custodians typed in their shares, and the key-encryption key came of them.
    SharesJoined {
        /// Who.
        custodians: Vec<String>,
    },
    /// A key is about to sign.
    Signing {
        /// The step.
        step: String,
        /// SHA-256 of what is signed.
        tbs: Digest,
    },
    /// It signed, and the file is on the disk.
    Signed {
        /// The step.
        step: String,
        /// The file, in the folder of the ceremony.
        #[serde(deserialize_with = "inside")]
        file: String,
        /// SHA-256 of the DER.
        der: Digest,
    },
    /// The file of a key is about to be wiped.
    KeyDestroying {
        /// The step.
        step: String,
        /// The key.
        key: String,
        /// SHA-256 of the file that is there.
        file: Digest,
    },
    /// The file of a key was wiped.
    KeyDestroyed {
        /// The step.
        step: String,
        /// The key.
        key: String,
        /// SHA-256 of the file that was there.
        file: Digest,
    },
    /// Shares were tested.
    SharesTested {
        /// Who typed theirs in.
        custodians: Vec<String>,
        /// How many groups of them gave the key.
        groups: u64,
    },
    /// Other custodians hold the keys now, which are sealed anew.
    Reshared {
        /// SHA-256 of the new share set's file.
        share_set: Digest,
        /// The keys that are there, with their new files.
        keys: Vec<KeyReady>,
    },
    /// A part was refused or failed; the sitting ends.
    Failed {
        /// Why.
        message: String,
    },
    /// The sitting is over.
    SittingClosed {},
}

/// How a sitting opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
    /// What for.
    pub purpose: String,
    /// Who sits at the keyboard.
    pub operator: String,
    /// Who watches.
    pub witnesses: Vec<String>,
    /// What runs.
    pub program: Program,
    /// The key that signs this sitting's entries: DER of SubjectPublicKeyInfo in Base64.
    pub key: String,
    /// What was compared with paper before: the head at the end of the last sitting, and the keys of
    /// those that were cut off since.
    pub compared: Vec<Digest>,
    /// How many octets of a line that a power cut left were cut off.
    pub cut_octets: u64,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// SHA-256 of its file; none where the system does not show it.
    pub digest: Option<Digest>,
}

/// A key in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyReady {
    /// Its name.
    pub name: String,
    /// Its file, in the folder of the ceremony.
    #[serde(deserialize_with = "inside")]
    pub path: String,
    /// SHA-256 of the file.
    pub file: Digest,
    /// DER of SubjectPublicKeyInfo in Base64.
    pub public_key: String,
}

impl Opening {
    /// A later sitting is of the same ceremony.
    pub(super) fn check_same_ceremony(&self, later: &Self) -> Result<(), TranscriptError> {
        if later.ceremony != self.ceremony {
            return Err(TranscriptError::Ceremony {
                found: later.ceremony,
                allowed: self.ceremony,
            });
        }
        if later.rehearsal != self.rehearsal {
            return Err(TranscriptError::Rehearsal { found: later.rehearsal });
        }
        Ok(())
    }
}
