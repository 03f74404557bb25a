//! The password of a PKCS#12 file, which is another one than its key's passphrase outside of it.

use std::ffi::OsString;

use crate::cli::{CliError, Context};
use crate::input::Source;
use crate::passphrase::{NewPassphraseOptions, Passphrase, PassphraseOptions, WAYS};

/// Where it comes from; a prompt where nothing is named.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)] // its name is that of the command's own options
pub(super) struct PasswordOptions {
    /// Read the PKCS#12 file's password from this file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    password_file: Option<Source>,

    /// Read the PKCS#12 file's password from the environment variable of this name
    #[arg(long, value_name = "NAME")]
    password_env: Option<OsString>,
}

impl PasswordOptions {
    fn source(&self) -> PassphraseOptions {
        PassphraseOptions {
            passphrase_file: self.password_file.clone(),
            passphrase_env: self.password_env.clone(),
        }
    }

    /// The password of a file that exists; `subject` says which.
    pub(super) fn read(
        &self,
        subject: &str,
        context: &mut Context,
    ) -> Result<Passphrase, CliError> {
        self.source().read(subject, context).map_err(by_these_options)
    }

    /// The password of a file that is being made; a person types it twice.
    pub(super) fn read_new(&self, context: &mut Context) -> Result<Passphrase, CliError> {
        let new = NewPassphraseOptions { source: self.source(), ..NewPassphraseOptions::default() };
        let given = new.read("the PKCS#12 file", context).map_err(by_these_options)?;
        given.ok_or_else(|| CliError::usage("password: none given"))
    }
}

/// The hint for passphrases names other options.
fn by_these_options(error: CliError) -> CliError {
    match error.hint() {
        Some(WAYS) => error.with_hint("give --password-file or --password-env"),
        _ => error,
    }
}
