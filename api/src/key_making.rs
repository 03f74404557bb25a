//! Making a private key, which takes seconds for large RSA keys.

use ca_core::algorithm::KeyAlgorithm;
use ca_core::key::PrivateKey;

use crate::cli::{CliError, Context, Exit};
use crate::progress::Progress;

/// Makes a key; a person on a terminal sees that it is under way.
///
/// # Errors
/// `CliError` with exit code 4 when the library fails.
pub fn make_key(
    algorithm: impl Into<KeyAlgorithm>,
    context: &mut Context,
) -> Result<PrivateKey, CliError> {
    let algorithm = algorithm.into();
    let what = format!("making a key of {algorithm}");
    let _shown = Progress::start(context.terminal(), what, None);
    let made = PrivateKey::generate_for(algorithm, context.rng());
    made.map_err(|error| CliError::of(Exit::Fault, format!("key of {algorithm}"), &error))
}
