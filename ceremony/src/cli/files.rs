//! Files that a command names, and standard output.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ca_core::escape::escaped_lines;

use super::exit::CliError;

/// Reads a file, of `limit` octets and one more: what is longer its reader refuses.
///
/// # Errors
/// `CliError` when it can't be read.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut octets))
        .map_err(|error| CliError::file(path, &error))?;
    Ok(octets)
}

/// Writes a file that is not there yet, to the disk.
///
/// # Errors
/// `CliError` when there is one, or it can't be written.
pub(super) fn write_new(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), CliError> {
    let written = File::create_new(path).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    written.map_err(|error| CliError::file(path, &error))
}

/// Writes lines of text to standard output.
///
/// # Errors
/// `CliError` when nobody takes them.
pub(super) fn say(text: &str) -> Result<(), CliError> {
    let written = io::stdout().lock().write_all(escaped_lines(text).as_bytes());
    written.map_err(|error| CliError::environment(&error))
}
