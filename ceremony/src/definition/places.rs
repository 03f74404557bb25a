//! No file of a ceremony is in the place of another one.

use std::path::Path;

use super::{Action, Custody, Definition, DefinitionError, KeySource};
use crate::folder::{self, Folder};
use crate::witness;

/// What the program keeps for itself, beside what it makes.
const OWN: [&str; 3] = [folder::DEFINITION, folder::PLAN, folder::TRANSCRIPT];
/// Folders in which nothing is that a definition names.
const OWN_FOLDERS: [&str; 4] = ["out", "reshare", "share-sets", witness::FOLDER];

/// Whether two names are of the same file, or one is a folder in the way of the other.
fn meet(one: &str, other: &str) -> bool {
    let (one, other) = (Path::new(one), Path::new(other));
    one.starts_with(other) || other.starts_with(one)
}

impl Definition {
    /// What is made is written where nothing is that the definition names: a new key would else take
    /// the place of an old one, whose only file that may be.
    pub(super) fn check_places(&self) -> Result<(), DefinitionError> {
        let mut taken: Vec<(String, String)> = OWN
            .iter()
            .map(|own| ((*own).to_owned(), "which the program keeps for itself".to_owned()))
            .collect();
        if matches!(self.custody, Custody::New { .. }) {
            taken.push((folder::SHARE_SET.into(), "where new shares are written".into()));
        }
        for step in &self.steps {
            if !matches!(step.action, Action::Destroy { .. }) {
                taken.push((Folder::output(&step.name), format!("what {} makes", step.name)));
            }
        }
        for (name, source) in &self.keys {
            if matches!(source, KeySource::Made(_)) {
                taken.push((Folder::key(name), format!("where the new key {name} is written")));
            }
        }
        for (name, source) in &self.keys {
            if let KeySource::File { path, .. } = source {
                check_free(&format!("keys: {name}: file"), path, &taken)?;
                taken.push((path.clone(), format!("the file of key {name}")));
            }
        }
        if let Custody::Existing { share_set } = &self.custody {
            check_free("custody: share_set", share_set, &taken)?;
            taken.push((share_set.clone(), "the share set".into()));
        }
        self.inputs().into_iter().try_for_each(|path| check_free("file", path, &taken))
    }
}

fn check_free(field: &str, path: &str, taken: &[(String, String)]) -> Result<(), DefinitionError> {
    let hidden = path.split('/').next().is_some_and(|first| first.starts_with('.'));
    let own = OWN_FOLDERS.iter().find(|folder| Path::new(path).starts_with(folder));
    let use_of_it = match own {
        Some(folder) => Some(format!("in {folder}/, where the program writes")),
        None if hidden => Some("whose name begins with a dot".into()),
        None => taken.iter().find(|(other, _)| meet(path, other)).map(|(_, what)| what.clone()),
    };
    match use_of_it {
        Some(what) => {
            let found = format!("{path}, {what}");
            Err(DefinitionError::new(field, found, "a file that has a place of its own"))
        }
        None => Ok(()),
    }
}
