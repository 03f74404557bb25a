//! Outputs of a command: written whole or not at all, private keys for their owner only.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ca_core::inspect::Kind;
use ca_core::pem::{self, Label};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::cli::{CliError, Exit};
use crate::data_folder::is_kept_by_data_folder;
use crate::input::MAX_INPUT_SIZE;

/// Where a command writes its result, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct OutputOptions {
    /// Where to write; `-` is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "-")]
    pub out: Target,

    /// Write DER instead of PEM
    #[arg(long)]
    pub der: bool,

    /// Replace a private key file that exists
    #[arg(long)]
    pub force: bool,
}

impl OutputOptions {
    /// PEM, or DER where that was asked for.
    pub fn encoding(&self) -> Encoding {
        if self.der { Encoding::Der } else { Encoding::Pem }
    }

    /// Writes a public object (a certificate, a request, a public key) as PEM or DER.
    ///
    /// # Errors
    /// As [`Target::write`].
    pub fn write_public(&self, label: Label, der: &[u8]) -> Result<(), CliError> {
        let octets = self.encoding().encode(label, der);
        self.out.write(Content::Public, &octets, self.force)
    }
}

/// How an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Text between BEGIN and END lines (RFC 7468).
    Pem,
    /// The octets themselves.
    Der,
}

impl Encoding {
    /// Encodes an object. The octets wipe themselves, as they may be a key.
    pub fn encode(self, label: Label, der: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Pem => pem::encode_secret(label, der).as_bytes().to_vec(),
            Self::Der => der.to_vec(),
        })
    }
}

/// What is written; it decides on the file's mode and on what may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A private key or passphrase: mode 0600, replaces nothing.
    Secret,
    /// Anything else: mode 0644, replaces what is there, unless that is a private key.
    Public,
}

impl Content {
    fn mode(self) -> u32 {
        match self {
            Self::Secret => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// Where a result goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `-`, `/dev/stdout` and its other names.
    Stdout,
    /// A file, or a device or pipe that has a name.
    File(PathBuf),
}

impl From<OsString> for Target {
    fn from(text: OsString) -> Self {
        // Through the name, a redirected standard output would be replaced by a new file.
        let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
        if names.iter().any(|name| text == *name) { Self::Stdout } else { Self::File(text.into()) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Target {
    /// Writes all of it, or leaves everything as it was.
    ///
    /// # Errors
    /// `CliError` with exit code 2 when a file may not be replaced without `force`, with 3 when
    /// it can't be written.
    pub fn write(&self, content: Content, octets: &[u8], force: bool) -> Result<(), CliError> {
        self.stage(content, octets, force)?.publish()
    }

    /// Checks what can be known before there is anything to write: that the file may be made or
    /// replaced. For commands that ask a person or work long before they write.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn check(&self, content: Content, force: bool) -> Result<(), CliError> {
        let Self::File(named) = self else { return Ok(()) };
        match resolve(named)? {
            (_, Some(FileType::Stream)) => Ok(()),
            (path, _) => check_replacing(&path, content, force),
        }
    }

    /// Checks that two outputs of one command are not the same file.
    ///
    /// # Errors
    /// `CliError` with exit code 2.
    pub fn check_differs(&self, other: &Self) -> Result<(), CliError> {
        match self {
            Self::File(path) if self.place() == other.place() => {
                Err(CliError::usage(format!("{}: named for two outputs", path.display()))
                    .with_hint("name two files"))
            }
            _ => Ok(()),
        }
    }

    /// The file behind the name: `./key.pem` and a link to it are `key.pem`.
    fn place(&self) -> Option<PathBuf> {
        let Self::File(named) = self else { return None };
        let behind = fs::canonicalize(named)
            .ok()
            .or_else(|| Some(fs::canonicalize(folder(named)).ok()?.join(named.file_name()?)));
        Some(behind.unwrap_or_else(|| named.clone()))
    }

    /// Writes all of it to a temporary file beside the target, and syncs it. Nothing is seen
    /// under the target's name before [`Staged::publish`]; dropping it leaves no trace. A command
    /// with several outputs stages all of them first.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn stage(&self, content: Content, octets: &[u8], force: bool) -> Result<Staged, CliError> {
        let Self::File(named) = self else {
            return Ok(Staged(Place::Stream(Stream::Stdout, Zeroizing::new(octets.to_vec()))));
        };
        let (path, kind) = resolve(named)?;
        if kind == Some(FileType::Stream) {
            let stream = Stream::Named(path);
            return Ok(Staged(Place::Stream(stream, Zeroizing::new(octets.to_vec()))));
        }
        check_replacing(&path, content, force)?;
        let temporary = write_temporary(folder(&path), content, &mut |out| out.write_all(octets));
        let temporary = temporary.map_err(|error| failed(path.display(), &error))?;
        Ok(Staged(Place::File { temporary, path, content, force }))
    }

    /// The same for what is large: `write` writes it part by part. Only standard output, a device
    /// or a pipe gets it by way of memory.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn stage_stream(
        &self,
        content: Content,
        force: bool,
        write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<Staged, CliError> {
        let place = match self {
            Self::Stdout => None,
            Self::File(named) => Some(resolve(named)?),
        };
        if let Some((path, None | Some(FileType::Regular))) = place {
            check_replacing(&path, content, force)?;
            let temporary = write_temporary(folder(&path), content, write);
            let temporary = temporary.map_err(|error| failed(path.display(), &error))?;
            return Ok(Staged(Place::File { temporary, path, content, force }));
        }
        let mut octets = Vec::new();
        write(&mut octets).map_err(|error| failed(self, &error))?;
        self.stage(content, &octets, force)
    }
}

/// A result that is written, but not under its name yet.
#[must_use = "it vanishes unless it is published"]
pub struct Staged(Place);

enum Place {
    Stream(Stream, Zeroizing<Vec<u8>>),
    File { temporary: NamedTempFile, path: PathBuf, content: Content, force: bool },
}

enum Stream {
    Stdout,
    Named(PathBuf),
}

impl Staged {
    /// Whether publishing gives a file its name: standard output, a device or a pipe may keep the
    /// writer waiting.
    pub fn is_file(&self) -> bool {
        matches!(self.0, Place::File { .. })
    }

    /// Gives the file its name, in one step, and syncs the folder; or writes to the stream.
    ///
    /// # Errors
    /// As [`Target::write`].
    pub fn publish(self) -> Result<(), CliError> {
        match self.0 {
            Place::Stream(Stream::Stdout, octets) => {
                write_stdout(&octets).map_err(|error| failed("standard output", &error))
            }
            Place::Stream(Stream::Named(path), octets) => {
                write_stream(&path, &octets).map_err(|error| failed(path.display(), &error))
            }
            Place::File { temporary, path, content, force } => {
                check_replacing(&path, content, force)?;
                let persisted = match (content, force) {
                    (Content::Secret, false) => temporary.persist_noclobber(&path),
                    _ => temporary.persist(&path),
                };
                let synced = persisted
                    .map_err(|error| error.error)
                    .and_then(|_| File::open(folder(&path))?.sync_all());
                synced.map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&path, content),
                    _ => failed(path.display(), &error),
                })
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FileType {
    Regular,
    /// A device, pipe or socket: there is nothing to rename over.
    Stream,
}

/// Follows symbolic links, so that a link stays one, and says what is there.
fn resolve(named: &Path) -> Result<(PathBuf, Option<FileType>), CliError> {
    let fail = |error: io::Error| failed(named.display(), &error);
    let metadata = match fs::symlink_metadata(named) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((named.to_owned(), None));
        }
        Err(error) => return Err(fail(error)),
    };
    // `/dev/fd/3` and the like are links to what may have no name at all.
    let metadata =
        if metadata.is_symlink() { fs::metadata(named).map_err(fail)? } else { metadata };
    if metadata.is_dir() {
        let message = format!("{}: a folder, allowed is a file", named.display());
        return Err(CliError::usage(message).with_hint("name a file in it"));
    }
    let is_descriptor = named.starts_with("/dev/fd") || named.starts_with("/proc");
    if !metadata.is_file() || is_descriptor {
        return Ok((named.to_owned(), Some(FileType::Stream)));
    }
    Ok((fs::canonicalize(named).map_err(fail)?, Some(FileType::Regular)))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A private key replaces nothing and is replaced by nothing, unless by force. What a data folder
/// can't live without is never replaced.
fn check_replacing(path: &Path, content: Content, force: bool) -> Result<(), CliError> {
    if is_kept_by_data_folder(path) {
        let message = format!("{}: the ledger of a data folder or its passphrase", path.display());
        return Err(CliError::usage(message).with_hint("nothing replaces them; name another file"));
    }
    if force || fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    match content {
        Content::Secret => Err(exists(path, content)),
        Content::Public if holds_private_key(path) => Err(exists(path, content)),
        Content::Public => Ok(()),
    }
}

fn exists(path: &Path, content: Content) -> CliError {
    let what = match content {
        Content::Secret => "the file exists, and a private key replaces nothing",
        Content::Public => "the file holds a private key, which nothing replaces",
    };
    CliError::usage(format!("{}: {what}", path.display()))
        .with_hint("name another file, or give --force to replace it")
}

/// What can't be read or is no key counts as none.
fn holds_private_key(path: &Path) -> bool {
    let small = |metadata: &fs::Metadata| metadata.len() <= MAX_INPUT_SIZE as u64;
    if !fs::metadata(path).is_ok_and(|metadata| small(&metadata)) {
        return false;
    }
    let Ok(octets) = fs::read(path).map(Zeroizing::new) else { return false };
    let secret = |label: Label| label.is_secret() || label == Label::EncryptedPrivateKey;
    match pem::read(&octets) {
        Ok(pem::Input::Pem(blocks)) => blocks.iter().any(|block| secret(block.label())),
        Ok(pem::Input::Der(der)) => matches!(
            Kind::of(&der),
            Some(
                Kind::Pkcs8PrivateKey
                    | Kind::Sec1PrivateKey
                    | Kind::Pkcs1PrivateKey
                    | Kind::EncryptedPrivateKey
                    | Kind::Pkcs12
            )
        ),
        Err(_) => false,
    }
}

fn write_temporary(
    folder: &Path,
    content: Content,
    write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    // It is created with mode 0600, so that a secret is never open to others, not for a moment.
    let mut new = OpenOptions::new();
    new.write(true).create_new(true).mode(0o600);
    let mut file =
        tempfile::Builder::new().prefix(".espalier-").make_in(folder, |path| new.open(path))?;
    // By the File itself, since errors of NamedTempFile speak of the temporary name.
    write(file.as_file_mut())?;
    file.as_file().set_permissions(Permissions::from_mode(content.mode()))?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Writes to standard output past the standard library's buffer, which is never wiped.
///
/// # Errors
/// What the system says.
pub fn write_stdout(octets: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(octets)
}

fn write_stream(path: &Path, octets: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(octets)
}

/// An output that can't be written: exit code 3, and what to do about it.
pub fn failed(target: impl fmt::Display, error: &io::Error) -> CliError {
    let failure = CliError::of(Exit::Environment, target, error);
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.with_hint("free some space; no file was made or changed")
        }
        io::ErrorKind::ReadOnlyFilesystem => failure.with_hint("name a place that can be written"),
        io::ErrorKind::PermissionDenied => {
            failure.with_hint("name a folder that this user may write to")
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            failure.with_hint("make the folder first, or name another")
        }
        _ => failure,
    }
}
