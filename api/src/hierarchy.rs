//! A root and an issuing CA below it, made together or not at all.

use std::fs;
use std::path::Path;

use ca_core::algorithm::Algorithm;
use ca_core::name::DistinguishedName;

use crate::authority::{Founding, found};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed, write_file};
use crate::output::Content;
use crate::passphrase::Passphrase;
use crate::profiles::shipped;

/// What the two authorities shall be.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// How both sign.
    pub algorithm: &'static Algorithm,
    /// How both make alternative signatures, if they do.
    pub alt_algorithm: Option<&'static Algorithm>,
    /// The root's name.
    pub root: DistinguishedName,
    /// The issuing CA's name.
    pub issuing: DistinguishedName,
}

/// Makes the data folder with the authorities `root` and `issuing`. Everything is made in a
/// folder beside it, which gets its name at the end: a crash leaves no half-made data folder.
///
/// With `keep_passphrase` the passphrase is written into the folder, mode 0600.
///
/// # Errors
/// `CliError` with exit code 2 when something is there already, 1 when a profile refuses the
/// algorithms, 3 when the folder can't be written.
pub async fn found_hierarchy(
    folder: &DataFolder,
    hierarchy: Hierarchy,
    passphrase: Option<&Passphrase>,
    keep_passphrase: bool,
    context: &mut Context,
) -> Result<(), CliError> {
    if !folder.is_free() {
        let message = format!("{}: something is there already", folder.path().display());
        return Err(CliError::usage(message)
            .with_hint("nothing was touched; name an empty or a new folder by --data"));
    }
    let failed =
        |error: &std::io::Error| CliError::of(Exit::Environment, folder.path().display(), error);
    let parent = folder.path().parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| failed(&error))?;
    let staging = tempfile::Builder::new().prefix(".espalier-new-").tempdir_in(parent);
    let staging = staging.map_err(|error| failed(&error))?;
    let staged = DataFolder::new(staging.path().join("data"));
    fill(&staged, hierarchy, passphrase, keep_passphrase, context).await?;
    fs::rename(staged.path(), folder.path()).map_err(|error| failed(&error))?;
    let synced = fs::File::open(parent).and_then(|parent| parent.sync_all());
    synced.map_err(|error| failed(&error))
}

async fn fill(
    folder: &DataFolder,
    hierarchy: Hierarchy,
    passphrase: Option<&Passphrase>,
    keep_passphrase: bool,
    context: &mut Context,
) -> Result<(), CliError> {
    let ledger = folder.create_ledger().await?;
    if let Some(passphrase) = passphrase.filter(|_| keep_passphrase) {
        write_file(folder.passphrase_path(), Content::Secret, passphrase.as_bytes())?;
    }
    let founding = |name: &str, subject, profile: &str| {
        Ok::<_, CliError>(Founding {
            name: name.to_owned(),
            algorithm: hierarchy.algorithm,
            alt_algorithm: hierarchy.alt_algorithm,
            subject,
            profile: shipped(profile)?,
            validity_seconds: None,
        })
    };
    let root = founding("root", hierarchy.root, "root")?;
    let root = found(folder, &ledger, root, None, passphrase, context).await?;
    let issuing = founding("issuing", hierarchy.issuing, "issuing-ca")?;
    found(folder, &ledger, issuing, Some(&root), passphrase, context).await?;
    ledger.close().await.map_err(ledger_failed)
}
