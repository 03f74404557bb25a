//! The packages and who uses whom, as `cargo metadata` tells it, reduced to what the rules ask.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::failure::Failure;
use crate::workspace;

/// A package of the graph.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// Its name in the registry.
    pub name: String,
    /// The SPDX expression of its manifest.
    pub licence: Option<String>,
    /// For a member of the workspace its folder, such as `api` or `tests/interop`.
    pub folder: Option<String>,
    /// Indices of the packages that it uses to run or to build; what only its tests use is not among them.
    pub uses: Vec<usize>,
}

/// All packages that the workspace resolves to, tests included.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// In no particular order.
    pub packages: Vec<Package>,
}

impl Graph {
    /// The graph of this checkout.
    ///
    /// # Errors
    /// When `cargo metadata` fails.
    pub fn of_checkout() -> Result<Self, Failure> {
        let mut command = MetadataCommand::new();
        command.manifest_path(workspace::root().join("Cargo.toml"));
        let platforms = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
        command.other_options(
            platforms.map(|platform| format!("--filter-platform={platform}")).to_vec(),
        );
        let metadata = command.exec().map_err(|error| Failure::Metadata(Box::new(error)))?;
        Ok(Self::from(&metadata))
    }

    /// The members of the workspace.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages.iter().filter_map(|package| Some((package.folder.as_deref()?, package)))
    }
}

impl From<&Metadata> for Graph {
    fn from(metadata: &Metadata) -> Self {
        let nodes =
            metadata.resolve.as_ref().map(|resolve| resolve.nodes.as_slice()).unwrap_or_default();
        let index: BTreeMap<&PackageId, usize> =
            nodes.iter().enumerate().map(|(at, node)| (&node.id, at)).collect();
        let runs_or_builds =
            |kind: DependencyKind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
        let packages = nodes.iter().map(|node| {
            let package = &metadata[&node.id];
            let used = node
                .deps
                .iter()
                .filter(|used| used.dep_kinds.iter().any(|info| runs_or_builds(info.kind)));
            let folder = package
                .manifest_path
                .parent()
                .and_then(|path| path.strip_prefix(&metadata.workspace_root).ok());
            Package {
                name: package.name.to_string(),
                licence: package.license.clone(),
                folder: folder
                    .filter(|_| metadata.workspace_members.contains(&node.id))
                    .map(|folder| folder.as_str().to_owned()),
                uses: used.filter_map(|used| index.get(&used.pkg).copied()).collect(),
            }
        });
        Self { packages: packages.collect() }
    }
}

#[cfg(test)]
pub(crate) mod made_up {
    use super::{Graph, Package};

    /// A graph from rows of name, folder (empty for a foreign package), licence and used names.
    pub(crate) fn graph(rows: &[(&str, &str, &str, &[&str])]) -> Graph {
        let position = |name: &str| rows.iter().position(|row| row.0 == name);
        let packages = rows.iter().map(|(name, folder, licence, uses)| Package {
            name: (*name).to_owned(),
            licence: (!licence.is_empty()).then(|| (*licence).to_owned()),
            folder: (!folder.is_empty()).then(|| (*folder).to_owned()),
            uses: uses.iter().filter_map(|used| position(used)).collect(),
        });
        Graph { packages: packages.collect() }
    }
}
