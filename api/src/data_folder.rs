//! The data folder: the ledger and the authorities' keys of one machine.
//!
//! ```text
//! espalier-data/
//!   ledger.sqlite              what was issued
//!   passphrase                 of the keys; only where `quickstart` chose it
//!   authorities/NAME/          key.pem, alt-key.pem (0600), certificate.pem, chain.pem
//!   certificates/NAME/         what `quickstart` issued: key.pem, certificate.pem, chain.pem
//! ```

use std::fs::{self, File};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::sqlite::SqliteStore;
use ledger::{Ledger, LedgerError};

use crate::cli::{CliError, Context, Exit};
use crate::input::Source;
use crate::output::{Content, Target};
use crate::passphrase::{NewPassphraseOptions, Passphrase, PassphraseOptions};

/// The ledger's file in a data folder.
const LEDGER: &str = "ledger.sqlite";
/// The file of the passphrase that `quickstart` chose.
const PASSPHRASE: &str = "passphrase";

/// Where the data folder is.
#[derive(Clone, Debug, clap::Args)]
pub struct DataOptions {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "espalier-data", env = "ESPALIER_DATA")]
    pub data: PathBuf,
}

/// A data folder.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder at this path, whether it exists or not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether there is a ledger in it.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when this user may not look.
    pub fn has_ledger(&self) -> Result<bool, CliError> {
        let path = self.ledger_path();
        match path.try_exists() {
            Err(error) if error.kind() != std::io::ErrorKind::NotADirectory => {
                Err(CliError::of(Exit::Environment, path.display(), &error)
                    .with_hint("run as the user who owns the data folder"))
            }
            found => Ok(found.unwrap_or(false)),
        }
    }

    /// The ledger's file.
    pub fn ledger_path(&self) -> PathBuf {
        self.0.join(LEDGER)
    }

    /// The file of the passphrase that `quickstart` chose.
    pub fn passphrase_path(&self) -> PathBuf {
        self.0.join(PASSPHRASE)
    }

    /// The folder of an authority.
    pub fn authority(&self, name: &str) -> PathBuf {
        self.0.join("authorities").join(name)
    }

    /// The folder of a certificate that `quickstart` issued.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.0.join("certificates").join(name)
    }

    /// Opens the ledger.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when there is none, or it can't be opened.
    pub async fn open_ledger(&self) -> Result<Ledger, CliError> {
        if !self.has_ledger()? {
            let message = format!("{}: there is no ledger in this folder", self.0.display());
            let hint = "make one with `espalier init` or `espalier quickstart`, or name another folder by --data";
            return Err(CliError::environment(message).with_hint(hint));
        }
        let store = SqliteStore::open(&self.ledger_path()).await.map_err(ledger_failed)?;
        Ok(Arc::new(store))
    }

    /// Makes the folder and an empty ledger in it.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when it can't be made.
    pub async fn create_ledger(&self) -> Result<Ledger, CliError> {
        make_folder(&self.0)?;
        let store = SqliteStore::create(&self.ledger_path()).await.map_err(ledger_failed)?;
        Ok(Arc::new(store))
    }

    /// Waits until no other process publishes a revocation list of this ledger, and keeps others
    /// waiting until the value is dropped. The lock is on the folder itself, so that nothing is
    /// left behind.
    ///
    /// # Errors
    /// `CliError` with exit code 3 where the folder can't be locked.
    pub fn publishing(&self) -> Result<Publishing, CliError> {
        let locked = File::open(&self.0).and_then(|folder| folder.lock().map(|()| folder));
        let folder = locked.map_err(|error| {
            CliError::of(Exit::Environment, format!("{}: lock", self.0.display()), &error)
                .with_hint("keep the data folder on a file system that has locks (flock)")
        })?;
        Ok(Publishing(folder))
    }

    /// The passphrase of the authorities' keys: what the options name, else the file beside the
    /// ledger, else what a person types.
    ///
    /// # Errors
    /// As [`PassphraseOptions::read`].
    pub fn passphrase(
        &self,
        options: &PassphraseOptions,
        context: &mut Context,
    ) -> Result<Passphrase, CliError> {
        let keys = format!("the keys in {}", self.0.display());
        match self.passphrase_beside() {
            Some(beside) if !is_named(options) => beside.read(&keys, context),
            _ => options.read(&keys, context),
        }
    }

    /// The passphrase of a key that signs for a new one: what was named for it, else that of the new
    /// key, else what [`Self::passphrase`] finds.
    ///
    /// # Errors
    /// As [`PassphraseOptions::read`].
    pub fn passphrase_beside_new(
        &self,
        named: &PassphraseOptions,
        new: Option<&Passphrase>,
        context: &mut Context,
    ) -> Result<Passphrase, CliError> {
        match new {
            Some(passphrase) if !is_named(named) => Ok(passphrase.clone()),
            _ => self.passphrase(named, context),
        }
    }

    /// The passphrase of a key that is being made: what the options name, else the file beside the
    /// ledger, else what a person types twice; none with `--no-passphrase`.
    ///
    /// # Errors
    /// As [`NewPassphraseOptions::read`].
    pub fn new_passphrase(
        &self,
        options: &NewPassphraseOptions,
        context: &mut Context,
    ) -> Result<Option<Passphrase>, CliError> {
        match self.passphrase_beside() {
            Some(beside) if !is_named(&options.source) && !options.no_passphrase => {
                beside.read("the new key", context).map(Some)
            }
            _ => options.read("the new key", context),
        }
    }

    fn passphrase_beside(&self) -> Option<PassphraseOptions> {
        let beside = self.passphrase_path();
        let source = beside.exists().then_some(Source::File(beside))?;
        Some(PassphraseOptions { passphrase_file: Some(source), passphrase_env: None })
    }
}

/// Whether the file is a data folder's ledger, one that SQLite keeps beside it, or the passphrase:
/// without them the authorities' keys are of no use, and what was issued is forgotten.
pub(crate) fn is_kept_by_data_folder(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let has_ledger = path.parent().is_some_and(|folder| folder.join(LEDGER).exists());
    // What SQLite keeps beside the ledger comes and goes; its names are taken all the same.
    has_ledger && (name.starts_with(LEDGER) || (name == PASSPHRASE && path.exists()))
}

/// Whether a person said where the passphrase is.
fn is_named(options: &PassphraseOptions) -> bool {
    options.passphrase_file.is_some() || options.passphrase_env.is_some()
}

/// The right to publish; it ends when it is dropped.
#[derive(Debug)]
#[must_use = "others publish as soon as it is dropped"]
pub struct Publishing(#[expect(dead_code, reason = "the open folder holds the lock")] File);

/// Makes a folder that only its owner may enter, and those above it.
///
/// # Errors
/// `CliError` with exit code 3.
pub fn make_folder(path: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| CliError::of(Exit::Environment, path.display(), &error))
}

/// Writes a file in a data folder: all of it, or nothing.
///
/// # Errors
/// As [`Target::write`].
pub fn write_file(path: PathBuf, content: Content, octets: &[u8]) -> Result<(), CliError> {
    Target::File(path).write(content, octets, false)
}

/// Runs what waits for the ledger, on this thread.
///
/// # Errors
/// What the future gives; `CliError` with exit code 3 when the runtime can't be started.
pub fn wait_for<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::of(Exit::Environment, "runtime", &error))?;
    runtime.block_on(future)
}

/// How a command fails when the ledger does.
pub fn ledger_failed(error: LedgerError) -> CliError {
    use LedgerError::{
        AlreadyRevoked, AlreadyStored, AuthorityConflict, AuthorityKeyBlocked, CrlAlreadyStored,
        CrlMismatch, IdempotencyConflict, InvalidField, KeyBlocked, KeyTaken, MalformedCertificate,
        RevokedBeforeStored, SerialMismatch, TbsMismatch, TokenAlreadyRevoked, TokenTaken,
        UnknownAuthority, UnknownCrl, UnknownSerial, UnknownToken,
    };
    let exit = match error {
        InvalidField { .. }
        | UnknownAuthority { .. }
        | UnknownSerial { .. }
        | UnknownCrl { .. }
        | UnknownToken { .. } => Exit::Usage,
        AuthorityConflict { .. }
        | AuthorityKeyBlocked { .. }
        | KeyBlocked { .. }
        | KeyTaken { .. }
        | IdempotencyConflict { .. }
        | AlreadyRevoked { .. }
        | RevokedBeforeStored { .. }
        | TokenTaken { .. }
        | TokenAlreadyRevoked { .. } => Exit::Refused,
        AlreadyStored { .. }
        | CrlAlreadyStored { .. }
        | CrlMismatch { .. }
        | MalformedCertificate { .. }
        | SerialMismatch { .. }
        | TbsMismatch { .. } => Exit::Fault,
        _ => Exit::Environment,
    };
    // The words name the ledger or the field themselves.
    match std::error::Error::source(&error) {
        Some(source) => CliError::of(exit, &error, source),
        None => CliError::new(exit, error.to_string()),
    }
}
