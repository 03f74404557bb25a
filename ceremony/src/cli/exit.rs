//! How a command fails: an exit code and a message.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use ca_core::escape::quoted;
use qrcode::types::QrError;

use crate::audit::{AddError, AuditError};
use crate::causes::told;
use crate::digest::Digest;
use crate::export::ExportError;
use crate::folder::FolderError;
use crate::rehearsal::{AnswersError, RehearsalError};
use crate::signing::SigningError;
use crate::sitting::SittingError;
use crate::table::TableError;
use crate::transcript::WriteError;
use crate::transfer::ItemError;
use crate::transfer::parts::{PartError, TooMany};
use crate::witness::WitnessError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    code: u8,
    message: String,
}

/// What the answer no gives.
const REFUSED: u8 = 1;
/// What can't be read, or is used in another way.
const USAGE: u8 = 2;
/// What surrounds the program.
const ENVIRONMENT: u8 = 3;
/// A fault of the program or machine.
const FAULT: u8 = 4;

impl CliError {
    fn new(code: u8, error: &dyn Error) -> Self {
        Self { code, message: told(error) }
    }

    pub(super) fn environment(error: &io::Error) -> Self {
        Self::new(ENVIRONMENT, error)
    }

    /// The transcript is not the one of the paper.
    pub(super) fn other_head(found: Digest) -> Self {
        let message = format!(
            "head of the transcript: found {found}, allowed is what --head says, from paper; lines may be missing, or it is another ceremony"
        );
        Self { code: REFUSED, message }
    }

    /// A file that is not of a ceremony's folder.
    pub(super) fn file(path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists => USAGE,
            _ => ENVIRONMENT,
        };
        Self { code, message: format!("{}: {error}", path.display()) }
    }

    /// What a file holds can't be used.
    pub(super) fn input(path: &Path, error: &dyn Error) -> Self {
        Self { code: USAGE, message: format!("{}: {}", path.display(), told(error)) }
    }

    /// A signature that was not added.
    pub(super) fn adding(path: &Path, error: &AddError) -> Self {
        match error {
            AddError::Audit(error) => Self::new(of_audit(error), error),
            AddError::Folder(error) => Self::new(of_folder(error), error),
            AddError::Signature(error) => Self {
                code: of_witness(error, REFUSED),
                message: format!("{}: {}", path.display(), told(error)),
            },
        }
    }

    /// Not the head of a transcript.
    pub(super) fn no_head(found: &str) -> Self {
        let found = quoted(found.chars().take(80).collect::<String>());
        let message = format!(
            "--head: found {found}, allowed are the 64 hexadecimal digits of the head, or its 24 words"
        );
        Self { code: USAGE, message }
    }

    /// The terminal shows no picture.
    pub(super) fn small(columns: usize, rows: usize) -> Self {
        let message = format!(
            "terminal: found {columns} columns and {rows} rows, too few for a picture of this size; allowed are 29 and 17 or more for the smallest; or write files with --png"
        );
        Self { code: ENVIRONMENT, message }
    }

    /// The end came before the last picture.
    pub(super) fn missing(total: usize, missing: &[usize]) -> Self {
        let numbers: Vec<String> = missing.iter().take(20).map(ToString::to_string).collect();
        let message = match total {
            0 => "pictures: found none of `transfer show`".to_owned(),
            _ => format!("pictures: missing are {} of {total}", numbers.join(", ")),
        };
        Self { code: REFUSED, message }
    }

    pub(super) fn exit(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

fn of_sitting(error: &SittingError) -> u8 {
    match error {
        SittingError::Folder(error) => of_folder(error),
        SittingError::Definition(_) | SittingError::State { .. } => USAGE,
        SittingError::Transcript(error) => match error {
            WriteError::File { .. } => ENVIRONMENT,
            WriteError::Key(_) | WriteError::Sign(_) => FAULT,
            WriteError::Transcript(_) | WriteError::Clock { .. } | WriteError::Jump { .. } => {
                REFUSED
            }
        },
        SittingError::Table(error) => of_table(error),
        SittingError::Signing(SigningError::NotPlanned { .. } | SigningError::OtherKey { .. }) => {
            REFUSED
        }
        SittingError::Signing(_) => FAULT,
        SittingError::Custody(_)
        | SittingError::Share(_)
        | SittingError::Passphrase(_)
        | SittingError::Seal(_)
        | SittingError::Planning(_)
        | SittingError::Plan(_)
        | SittingError::OtherShares { .. }
        | SittingError::Changed { .. }
        | SittingError::OtherPaper { .. }
        | SittingError::Audit(_)
        | SittingError::NotConfirmed { .. }
        | SittingError::NotReadBack { .. }
        | SittingError::NoShare { .. } => REFUSED,
    }
}

/// What the folder holds is the input's fault; what can't be read or written is not.
fn of_folder(error: &FolderError) -> u8 {
    match error {
        FolderError::TooLarge { .. } | FolderError::Outside { .. } | FolderError::Kind { .. } => {
            USAGE
        }
        FolderError::Busy { .. } | FolderError::Failed { .. } => ENVIRONMENT,
    }
}

fn of_table(error: &TableError) -> u8 {
    match error {
        TableError::Terminal(_) => ENVIRONMENT,
        TableError::Answer { .. } => USAGE,
    }
}

/// `wrong` is for what was given.
fn of_witness(error: &WitnessError, wrong: u8) -> u8 {
    match error {
        WitnessError::Field { .. } | WitnessError::Nobody { .. } => wrong,
        WitnessError::Sign(_) | WitnessError::Key(_) => FAULT,
    }
}

fn of_audit(error: &AuditError) -> u8 {
    // A file that is missing is one that was taken away.
    match error {
        AuditError::Folder(FolderError::Busy { .. }) => ENVIRONMENT,
        _ => REFUSED,
    }
}

impl From<SittingError> for CliError {
    fn from(error: SittingError) -> Self {
        Self::new(of_sitting(&error), &error)
    }
}

impl From<TableError> for CliError {
    fn from(error: TableError) -> Self {
        Self::new(of_table(&error), &error)
    }
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        Self::new(of_audit(&error), &error)
    }
}

impl From<WitnessError> for CliError {
    fn from(error: WitnessError) -> Self {
        Self::new(of_witness(&error, USAGE), &error)
    }
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        let code = match &error {
            ExportError::Place { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists => USAGE,
                _ => ENVIRONMENT,
            },
            ExportError::Audit(error) => of_audit(error),
            ExportError::Folder(error) => of_folder(error),
            ExportError::Other { .. } => ENVIRONMENT,
        };
        Self::new(code, &error)
    }
}

impl From<FolderError> for CliError {
    fn from(error: FolderError) -> Self {
        Self::new(of_folder(&error), &error)
    }
}

impl From<ItemError> for CliError {
    fn from(error: ItemError) -> Self {
        Self::new(USAGE, &error)
    }
}

impl From<TooMany> for CliError {
    fn from(error: TooMany) -> Self {
        Self::new(USAGE, &error)
    }
}

impl From<PartError> for CliError {
    fn from(error: PartError) -> Self {
        Self::new(REFUSED, &error)
    }
}

impl From<QrError> for CliError {
    fn from(error: QrError) -> Self {
        Self::new(FAULT, &error)
    }
}

impl From<AnswersError> for CliError {
    fn from(error: AnswersError) -> Self {
        Self::new(USAGE, &error)
    }
}

impl From<RehearsalError> for CliError {
    fn from(error: RehearsalError) -> Self {
        let code = match &error {
            RehearsalError::Exists { .. } => USAGE,
            RehearsalError::Folder(error) => of_folder(error),
            RehearsalError::Sitting(error) => of_sitting(error),
            RehearsalError::Audit(error) => of_audit(error),
        };
        Self::new(code, &error)
    }
}
