//! A root and an issuing CA below it, made together or not at all.

mod staging;

use ca_core::algorithm::Algorithm;
use ca_core::name::DistinguishedName;
use ledger::Ledger;

use crate::authority::{Founding, Protection, found};
use crate::cli::{CliError, Context};
use crate::data_folder::{DataFolder, ledger_failed, write_file};
use crate::output::Content;
use crate::profiles::shipped;
use staging::Staging;

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
/// hidden folder on the same disk and gets its name at the end: a crash leaves no half-made data
/// folder.
///
/// With `keep_passphrase` the passphrase is written into the folder, mode 0600.
///
/// # Errors
/// `CliError` with exit code 2 when something is there already, 1 when a profile refuses the
/// algorithms, 3 when the folder can't be written.
pub async fn found_hierarchy(
    folder: &DataFolder,
    hierarchy: Hierarchy,
    protection: Protection<'_>,
    keep_passphrase: bool,
    context: &mut Context,
) -> Result<(), CliError> {
    let staging = Staging::new(folder.path())?;
    let data = staging.data().with_ledger_of(folder);
    let made = make(&data, hierarchy, protection, keep_passphrase, context).await;
    made.map_err(|error| staging.in_final_words(&error))?;
    staging.publish()
}

async fn make(
    folder: &DataFolder,
    hierarchy: Hierarchy,
    protection: Protection<'_>,
    keep_passphrase: bool,
    context: &mut Context,
) -> Result<(), CliError> {
    let ledger = folder.create_ledger().await?;
    if let Some(passphrase) = protection.passphrase.filter(|_| keep_passphrase) {
        write_file(folder.passphrase_path(), Content::Secret, passphrase.as_bytes())?;
    }
    let filled = fill(folder, &ledger, hierarchy, protection, context).await;
    let closed = ledger.close().await.map_err(ledger_failed);
    filled.and(closed)
}

/// Checks that [`found_hierarchy`] may make a data folder here, before a person is asked for a
/// passphrase.
///
/// # Errors
/// `CliError` with exit code 2 when something is there already.
pub fn check_free(folder: &DataFolder) -> Result<(), CliError> {
    staging::check_free(folder.path()).map(|_| ())
}

async fn fill(
    folder: &DataFolder,
    ledger: &Ledger,
    hierarchy: Hierarchy,
    protection: Protection<'_>,
    context: &mut Context,
) -> Result<(), CliError> {
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
    let root = found(folder, ledger, root, None, protection, context).await?;
    let issuing = founding("issuing", hierarchy.issuing, "issuing-ca")?;
    found(folder, ledger, issuing, Some(&root), protection, context).await.map(|_| ())
}
