//! What the commands that ask a server for a certificate have in common.

use client::IdempotencyKey;

use super::{CliError, Context};

/// Refuses the options that only work in a data folder; each is given with whether it was used.
///
/// # Errors
/// `CliError` with exit code 2 that names the first.
pub(super) fn only_here(options: &[(&str, bool)]) -> Result<(), CliError> {
    match options.iter().find(|(_, used)| *used) {
        None => Ok(()),
        Some((option, _)) => {
            Err(CliError::usage(format!("{option}: found beside a server, allowed with --data"))
                .with_hint("leave it out; the server's own configuration decides on it"))
        }
    }
}

/// The name of a request, or one that is drawn: whatever is sent again is issued once.
///
/// # Errors
/// `CliError` with exit code 2 where a given one is no name.
pub(super) fn idempotency_key(
    given: Option<&str>,
    context: &mut Context,
) -> Result<IdempotencyKey, CliError> {
    match given {
        Some(text) => Ok(IdempotencyKey::new(text)?),
        None => Ok(IdempotencyKey::random(context.rng())),
    }
}
