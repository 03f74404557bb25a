//! Which profile a certificate is issued by: a shipped one, or a file of the operator's.

use ca_core::profile::Profile;

use crate::cli::{CliError, Context, Exit};
use crate::input::Source;

/// Names a profile.
#[derive(Clone, Debug, clap::Args)]
pub struct ProfileOptions {
    /// A shipped profile: tls-server, tls-client, tls-peer, spiffe, code-signing, ocsp-responder
    #[arg(long, value_name = "NAME", default_value = "tls-server")]
    profile: String,

    /// A profile of your own, as docs/profiles.md describes
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    profile_file: Option<Source>,
}

impl ProfileOptions {
    /// The profile.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for an unknown name, or a file that is no profile.
    pub fn read(&self, context: &mut Context) -> Result<Profile, CliError> {
        match &self.profile_file {
            None => shipped(&self.profile),
            Some(source) => {
                let octets = context.read(source)?;
                let text = std::str::from_utf8(&octets)
                    .map_err(|error| CliError::of(Exit::Usage, source, &error))?;
                Profile::from_yaml(text).map_err(|error| CliError::of(Exit::Usage, source, &error))
            }
        }
    }
}

/// A shipped profile.
///
/// # Errors
/// `CliError` with exit code 2 and the names that are shipped.
pub fn shipped(name: &str) -> Result<Profile, CliError> {
    Profile::shipped(name).cloned().ok_or_else(|| {
        let names: Vec<&str> = Profile::all_shipped().iter().map(Profile::name).collect();
        let message = format!("profile: found {name:?}, allowed are {}", names.join(", "));
        CliError::usage(message).with_hint("name a profile of your own by --profile-file")
    })
}
