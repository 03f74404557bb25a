//! A data folder that is being made: hidden until it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, RenameFlags, StatxAttributes, StatxFlags, renameat_with, statx,
};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::cli::{CliError, Exit};
use crate::data_folder::{DataFolder, make_folder};

/// How hidden folders begin; what a crash left of them is in nobody's way.
const PREFIX: &str = ".espalier-new-";
/// A folder that file systems put at their top.
const OF_FILE_SYSTEM: &str = "lost+found";
/// What a data folder holds, in the order in which it moves to its place. The ledger is last: a
/// folder without it is no data folder.
const CONTENT: [&str; 3] = ["authorities", "passphrase", "ledger.sqlite"];

/// A hidden folder, gone when it is dropped.
pub(super) struct Staging {
    hidden: TempDir,
    target: PathBuf,
    place: Place,
}

/// Where the hidden folder is, which decides how its content gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Beside a target that is not there: one rename.
    BesideNothing,
    /// Beside an empty folder, which one rename replaces; its mode is kept.
    BesideEmpty,
    /// In a folder that can't be replaced, such as a mounted volume: a rename each. A crash
    /// between them leaves authorities without a ledger, which the next run tells.
    Within,
}

impl Staging {
    /// Makes the hidden folder: beside the target, or in it where it is there.
    pub(super) fn new(target: &Path) -> Result<Self, CliError> {
        let is_there = check_free(target)?;
        let hide_in = |folder: &Path| tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder);
        if is_there
            && is_replaceable(target)
            && let Ok(hidden) = hide_in(parent(target))
        {
            return Ok(Self { hidden, target: target.to_owned(), place: Place::BesideEmpty });
        }
        let within = if is_there { target } else { parent(target) };
        if !is_there {
            make_folder(within)?;
        }
        let place = if is_there { Place::Within } else { Place::BesideNothing };
        let hidden = hide_in(within).map_err(|error| {
            // The error speaks of the hidden name as well.
            let words = error.to_string();
            let words = words.split(" at path ").next().unwrap_or_default();
            CliError::environment(format!("{}: {words}", within.display()))
                .with_hint("name a folder by --data that this user may write to")
        })?;
        Ok(Self { hidden, target: target.to_owned(), place })
    }

    /// The data folder in it.
    pub(super) fn data(&self) -> DataFolder {
        DataFolder::new(self.hidden.path().join("data"))
    }

    /// An error that speaks of the place that was asked for, not of the hidden one.
    pub(super) fn in_final_words(&self, error: &CliError) -> CliError {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (hidden, target) = (self.data().path().to_owned(), &self.target);
        let mut message = error.message().to_owned();
        for (hidden, target) in
            [(absolute(&hidden), absolute(target)), (hidden.clone(), target.clone())]
        {
            let (hidden, target) = (hidden.display().to_string(), target.display().to_string());
            message = message.replace(&hidden, &target);
        }
        let said = CliError::new(error.exit(), message);
        match error.hint() {
            Some(hint) => said.with_hint(hint),
            None => said,
        }
    }

    /// Moves what was made to its place. Nothing that another process put there is replaced.
    pub(super) fn publish(self) -> Result<(), CliError> {
        let data = self.data().path().to_owned();
        let moved = match self.place {
            Place::BesideNothing => self.rename(&data, &self.target),
            Place::BesideEmpty => self.replace(&data),
            Place::Within => CONTENT
                .map(|name| (data.join(name), self.target.join(name)))
                .iter()
                .filter(|(from, _)| from.exists())
                .try_for_each(|(from, to)| self.rename(from, to)),
        };
        moved?;
        let within = match self.place {
            Place::Within => &self.target,
            Place::BesideNothing | Place::BesideEmpty => parent(&self.target),
        };
        let synced = File::open(within).and_then(|within| within.sync_all());
        synced.map_err(|error| CliError::of(Exit::Environment, within.display(), &error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), CliError> {
        renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
            .map_err(|error| self.not_moved(to, error))
    }

    /// Takes the place of an empty folder; the system refuses it for one that is not empty.
    fn replace(&self, data: &Path) -> Result<(), CliError> {
        let kept = fs::metadata(&self.target).map(|metadata| metadata.permissions());
        let kept = kept.and_then(|permissions| fs::set_permissions(data, permissions));
        kept.map_err(|error| CliError::of(Exit::Environment, self.target.display(), &error))?;
        rustix::fs::rename(data, &self.target).map_err(|error| self.not_moved(&self.target, error))
    }

    fn not_moved(&self, to: &Path, error: Errno) -> CliError {
        match error {
            Errno::EXIST | Errno::NOTEMPTY => taken(&self.target),
            error => CliError::of(Exit::Environment, to.display(), &error),
        }
    }
}

/// Whether an empty folder can be replaced by another one: not a mounted volume, not a link, and
/// nothing hidden in it.
fn is_replaceable(target: &Path) -> bool {
    let flags = (AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS);
    let Ok(found) = statx(CWD, target, flags.0, flags.1) else { return false };
    let is_folder = FileType::from_raw_mode(found.stx_mode.into()) == FileType::Directory;
    let mount = StatxAttributes::MOUNT_ROOT;
    let can_tell = found.stx_attributes_mask.contains(mount);
    let empty = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    is_folder && can_tell && !found.stx_attributes.contains(mount) && empty
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Checks that there is nothing but perhaps an empty folder, and says whether that is there.
pub(super) fn check_free(target: &Path) -> Result<bool, CliError> {
    if target.to_str().is_none() {
        let message = format!("--data: found {}, allowed is UTF-8", target.display());
        return Err(CliError::usage(message).with_hint("SQLite opens no ledger below another name"));
    }
    match fs::read_dir(target) {
        Ok(entries) => check_empty(target, entries).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(CliError::usage(
            format!("{}: a file, allowed is an empty or a new folder", target.display()),
        )),
        Err(error) => Err(CliError::of(Exit::Environment, target.display(), &error)
            .with_hint("name a folder by --data that this user may write to")),
    }
}

fn check_empty(target: &Path, entries: fs::ReadDir) -> Result<(), CliError> {
    for entry in entries {
        let entry =
            entry.map_err(|error| CliError::of(Exit::Environment, target.display(), &error))?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with(PREFIX);
        if !hidden && name != OF_FILE_SYSTEM {
            return Err(taken(target));
        }
    }
    Ok(())
}

fn taken(target: &Path) -> CliError {
    let there = |name| target.join(name).exists();
    let (what, hint) = if there("ledger.sqlite") {
        ("there is a CA in it already", "use it, or name an empty or a new folder by --data")
    } else if there("authorities") {
        let hint = "if a ledger was here, bring ledger.sqlite back from a backup: the keys here may have issued \
                    certificates; otherwise an `espalier init` was cut off, and another folder by --data will do";
        ("there are authorities in it, but no ledger.sqlite", hint)
    } else {
        let hint = "nothing was touched; name an empty or a new folder by --data";
        ("it is not empty, and has no ledger", hint)
    };
    CliError::usage(format!("{}: {what}", target.display())).with_hint(hint)
}
