//! Inputs of a command: a file, or `-` for standard input.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use ca_core::pem::{self, MAX_CRL_FILE_SIZE};
use zeroize::Zeroizing;

use crate::cli::{CliError, Exit};

/// The largest input that is read, in octets; as ca-core's for PEM.
pub const MAX_INPUT_SIZE: usize = pem::MAX_FILE_SIZE;

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `-`: standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl From<OsString> for Source {
    fn from(text: OsString) -> Self {
        if text == "-" { Self::Stdin } else { Self::File(text.into()) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Reads all of it, at most [`MAX_INPUT_SIZE`]. It may be a private key: there is one copy of it,
/// past any buffer of the standard library, and that wipes itself.
///
/// Commands call [`Context::read`](crate::cli::Context::read), which knows that standard input can
/// be read once.
///
/// # Errors
/// `CliError` with exit code 2 when it can't be read or is longer.
pub fn read(source: &Source) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let octets = open(source).and_then(|file| read_bounded(&file));
    let octets = octets.map_err(|error| unreadable(source, &error))?;
    check_length(source, &octets, MAX_INPUT_SIZE)?;
    Ok(octets)
}

/// The same, but what starts as a revocation list may have [`MAX_CRL_FILE_SIZE`].
///
/// # Errors
/// As [`read`].
pub fn read_large(source: &Source) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let fail = |error| unreadable(source, &error);
    let file = open(source).map_err(fail)?;
    let mut octets = read_bounded(&file).map_err(fail)?;
    if octets.len() <= MAX_INPUT_SIZE || !pem::may_be_large(&octets) {
        check_length(source, &octets, MAX_INPUT_SIZE)?;
        return Ok(octets);
    }
    let rest = MAX_CRL_FILE_SIZE + 1 - octets.len();
    file.take(rest as u64).read_to_end(&mut octets).map_err(fail)?;
    check_length(source, &octets, MAX_CRL_FILE_SIZE)?;
    Ok(octets)
}

fn check_length(source: &Source, octets: &[u8], most: usize) -> Result<(), CliError> {
    if octets.len() <= most {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "{source}: longer than {most} octets, which is the most that is read"
    )))
}

fn open(source: &Source) -> io::Result<File> {
    match source {
        Source::Stdin => Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?)),
        Source::File(path) => File::open(path),
    }
}

/// Reads one octet past the bound at most. The buffer never grows, as growing would leave an
/// unwiped copy behind.
fn read_bounded(file: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = MAX_INPUT_SIZE + 1;
    // read_to_end reads the last octets by way of the stack when less than 32 are free.
    let mut octets = Zeroizing::new(Vec::with_capacity(most + 64));
    file.take(most as u64).read_to_end(&mut octets)?;
    Ok(octets)
}

fn unreadable(source: &Source, error: &io::Error) -> CliError {
    let failure = CliError::of(Exit::Usage, source, error);
    match error.kind() {
        io::ErrorKind::NotFound => failure.with_hint("check the path; `-` is standard input"),
        io::ErrorKind::PermissionDenied => {
            failure.with_hint("run as the user who may read it, or change its mode")
        }
        io::ErrorKind::IsADirectory => failure.with_hint("name a file in it"),
        _ => failure,
    }
}
