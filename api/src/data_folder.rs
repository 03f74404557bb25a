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

use ledger::postgres::PostgresOptions;
use ledger::sqlite::SqliteStore;
use ledger::{Ledger, LedgerError, Location};

use zeroize::Zeroizing;

use crate::cli::{CliError, Context, Exit};
use crate::input::{self, Source};
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

    /// The ledger, where it is not in the data folder: postgres://ROLE@HOST/DATABASE, or a file
    ///
    /// Never with a password: that comes from --ledger-password-file, PGPASSWORD or a PGPASSFILE.
    /// Hosts other than this machine must show a certificate that holds (sslmode=verify-full),
    /// unless the URL says otherwise: one of a public authority that browsers know, or of one in the
    /// file that `sslrootcert=FILE` of the URL names besides.
    // Read as text, and parsed by `folder`: clap repeats what it can't parse, password and all.
    #[arg(long, value_name = "URL", env = "ESPALIER_LEDGER", hide_env_values = true)]
    pub ledger: Option<String>,

    /// A file with the password of the ledger's role
    #[arg(long, value_name = "FILE", env = "ESPALIER_LEDGER_PASSWORD_FILE", requires = "ledger")]
    pub ledger_password_file: Option<PathBuf>,
}

impl DataOptions {
    /// The data folder that they name.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for a URL that is none or has a password, and when the file of
    /// the password can't be read, or is for no database.
    pub fn folder(&self) -> Result<DataFolder, CliError> {
        let ledger = self.ledger.as_deref().map(str::parse).transpose().map_err(ledger_failed)?;
        let ledger = match (ledger, &self.ledger_password_file) {
            (Some(Location::Postgres(location)), Some(file)) => {
                Some(Location::Postgres(location.with_password(password_in(file)?)))
            }
            (_, Some(file)) => {
                let message = format!("--ledger-password-file {}: a file has none", file.display());
                return Err(
                    CliError::usage(message).with_hint("name a postgres:// URL by --ledger")
                );
            }
            (ledger, None) => ledger,
        };
        Ok(DataFolder { path: self.data.clone(), ledger })
    }
}

/// The first line of a file.
fn password_in(file: &Path) -> Result<Zeroizing<String>, CliError> {
    let octets = input::read(&Source::File(file.to_owned()))?;
    let first = octets.split(|octet| matches!(octet, b'\n' | b'\r')).next().unwrap_or_default();
    match std::str::from_utf8(first) {
        Ok(password) if !password.is_empty() => Ok(password.to_owned().into()),
        _ => Err(CliError::usage(format!("{}: no password in its first line", file.display()))),
    }
}

/// A data folder.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Where the ledger is, when it is elsewhere.
    ledger: Option<Location>,
}

impl DataFolder {
    /// The folder at this path, whether it exists or not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ledger: None }
    }

    /// The same with the ledger where that of `other` is.
    #[must_use]
    pub fn with_ledger_of(self, other: &Self) -> Self {
        Self { ledger: other.ledger.clone(), ..self }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> Location {
        self.ledger.clone().unwrap_or_else(|| Location::File(self.path.join(LEDGER)))
    }

    /// Whether there is a ledger. Of a database it is known when it is opened.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when this user may not look.
    pub fn has_ledger(&self) -> Result<bool, CliError> {
        let Location::File(path) = self.ledger() else { return Ok(true) };
        match path.try_exists() {
            Err(error) if error.kind() != std::io::ErrorKind::NotADirectory => {
                Err(CliError::of(Exit::Environment, path.display(), &error)
                    .with_hint("run as the user who owns the data folder"))
            }
            found => Ok(found.unwrap_or(false)),
        }
    }

    /// The file of the passphrase that `quickstart` chose.
    pub fn passphrase_path(&self) -> PathBuf {
        self.path.join(PASSPHRASE)
    }

    /// The folder of an authority.
    pub fn authority(&self, name: &str) -> PathBuf {
        self.path.join("authorities").join(name)
    }

    /// The folder of a certificate that `quickstart` issued.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.path.join("certificates").join(name)
    }

    /// The folder of the revocation lists that a server makes and hands out.
    pub fn lists(&self) -> PathBuf {
        self.path.join("crl")
    }

    /// Opens the ledger.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when there is none, or it can't be opened.
    pub async fn open_ledger(&self) -> Result<Ledger, CliError> {
        self.open_ledger_with(PostgresOptions::default()).await
    }

    /// The same; the options are for a database.
    ///
    /// # Errors
    /// As [`Self::open_ledger`].
    pub async fn open_ledger_with(&self, options: PostgresOptions) -> Result<Ledger, CliError> {
        if !self.has_ledger()? {
            let message = format!("{}: there is no ledger in this folder", self.path.display());
            let hint = "make one with `espalier init` or `espalier quickstart`, or name another folder by --data";
            return Err(CliError::environment(message).with_hint(hint));
        }
        ledger::open_with(&self.ledger(), options).await.map_err(ledger_failed)
    }

    /// Makes the folder and an empty ledger; in a database, `espalier ledger migrate` made it.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when it can't be made, or something is in it.
    pub async fn create_ledger(&self) -> Result<Ledger, CliError> {
        make_folder(&self.path)?;
        let location = self.ledger();
        if let Location::File(path) = &location {
            let store = SqliteStore::create(path).await.map_err(ledger_failed)?;
            return Ok(Arc::new(store));
        }
        let ledger = ledger::open(&location).await.map_err(ledger_failed)?;
        if ledger.authorities().await.map_err(ledger_failed)?.is_empty() {
            return Ok(ledger);
        }
        let message = format!("{location}: there are authorities in this ledger");
        Err(CliError::environment(message)
            .with_hint("use it with --data, or name an empty database by --ledger"))
    }

    /// Waits until no other process publishes a revocation list of this ledger, and keeps others
    /// waiting until the value is dropped. The lock is on the folder itself, so that nothing is
    /// left behind.
    ///
    /// # Errors
    /// `CliError` with exit code 3 where the folder can't be locked.
    pub fn publishing(&self) -> Result<Publishing, CliError> {
        let locked = File::open(&self.path).and_then(|folder| folder.lock().map(|()| folder));
        let folder = locked.map_err(|error| {
            CliError::of(Exit::Environment, format!("{}: lock", self.path.display()), &error)
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
        let keys = format!("the keys in {}", self.path.display());
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
        CrlMismatch, HasCertificate, IdempotencyConflict, InvalidField, KeyBlocked, KeyTaken,
        MalformedCertificate, RevokedBeforeStored, SerialMismatch, TbsMismatch,
        TokenAlreadyRevoked, TokenNameTaken, TokenTaken, UnknownAuthority, UnknownCrl,
        UnknownSerial, UnknownToken,
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
        | HasCertificate { .. }
        | TokenTaken { .. }
        | TokenNameTaken { .. }
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
