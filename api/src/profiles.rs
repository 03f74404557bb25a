//! Which profile a certificate is issued by: a shipped one, or a file of the operator's.

use ca_core::fingerprint::Fingerprint;
use ca_core::profile::Profile;

use crate::cli::{CliError, Context, Exit};
use crate::input::Source;

/// Names the profile of an end entity's certificate.
#[derive(Clone, Debug, clap::Args)]
pub struct ProfileOptions {
    /// A shipped profile: tls-server, tls-client, tls-peer, spiffe, code-signing, ocsp-responder,
    /// kem-recipient
    #[arg(long, value_name = "NAME", default_value = "tls-server")]
    profile: String,

    /// A profile of your own, as docs/profiles.md describes
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    profile_file: Option<Source>,
}

/// A profile, and what tells it from another of the same name.
#[derive(Clone, Debug)]
pub struct ChosenProfile {
    /// The profile.
    pub profile: Profile,
    /// The digest of a shipped profile's name, or of the file.
    pub digest: Fingerprint,
}

impl ProfileOptions {
    /// Its name, for a server to find it by.
    pub fn name(&self) -> &str {
        &self.profile
    }

    /// Whether it is a file, which only this machine has.
    pub fn is_file(&self) -> bool {
        self.profile_file.is_some()
    }

    /// The profile.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn read(&self, context: &mut Context) -> Result<ChosenProfile, CliError> {
        choose(&self.profile, self.profile_file.as_ref(), context)
    }
}

/// The profile in this file, or else the shipped one of this name.
///
/// # Errors
/// `CliError` with exit code 2 for an unknown name, or a file that is no profile.
pub fn choose(
    name: &str,
    file: Option<&Source>,
    context: &mut Context,
) -> Result<ChosenProfile, CliError> {
    let Some(source) = file else {
        let digest = Fingerprint::of(name.as_bytes());
        return Ok(ChosenProfile { profile: shipped(name)?, digest });
    };
    let octets = context.read(source)?;
    let text =
        std::str::from_utf8(&octets).map_err(|error| CliError::of(Exit::Usage, source, &error))?;
    let profile =
        Profile::from_yaml(text).map_err(|error| CliError::of(Exit::Usage, source, &error))?;
    Ok(ChosenProfile { profile, digest: Fingerprint::of(&octets) })
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
