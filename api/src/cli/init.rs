//! `espalier init`: a root and an issuing CA in a data folder.

use std::path::Path;

use ca_core::algorithm::Algorithm;
use ca_core::name::{AttributeType, DistinguishedName};
use serde::Serialize;

use super::{CliError, Context, Exit};
use crate::authority::Protection;
use crate::data_folder::{DataOptions, wait_for};
use crate::hierarchy::{Hierarchy, check_free, found_hierarchy};
use crate::passphrase::NewPassphraseOptions;

/// Make a data folder with a root and an issuing CA below it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier init --passphrase-file passphrase
  espalier init --data /srv/ca --algorithm ML-DSA-87 --organization Example --no-passphrase
  espalier init --algorithm p256 --alt-algorithm ml-dsa-65 --passphrase-env CA_PASSPHRASE")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    hierarchy: HierarchyOptions,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the two authorities shall be.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct HierarchyOptions {
    /// How both authorities sign, `hybrid` by default; see `espalier algorithms`
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    pub(super) algorithm: Option<&'static Algorithm>,

    /// Sign a second time by this post-quantum algorithm, in extensions that old software skips;
    /// for a classical --algorithm only
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    pub(super) alt_algorithm: Option<&'static Algorithm>,

    /// The organization in both authorities' names
    #[arg(long, value_name = "TEXT", default_value = "Espalier")]
    pub(super) organization: String,
}

impl HierarchyOptions {
    /// How both authorities sign.
    pub(super) fn algorithm(&self) -> &'static Algorithm {
        self.algorithm.unwrap_or_else(Algorithm::hybrid)
    }

    /// Whether a person chose the algorithms.
    pub(super) fn names_algorithms(&self) -> bool {
        self.algorithm.is_some() || self.alt_algorithm.is_some()
    }

    /// Names both authorities after the algorithm, so that two hierarchies are told apart.
    pub(super) fn hierarchy(&self) -> Result<Hierarchy, CliError> {
        let algorithm = self.algorithm();
        let attribute = |name| AttributeType::named(name);
        let subject = |role: &str| {
            let name = format!("{} {algorithm} {role}", self.organization);
            let organization = (attribute("O")?, self.organization.as_str());
            DistinguishedName::of(&[organization, (attribute("CN")?, &name)])
        };
        let subject = |role| {
            subject(role).map_err(|error| CliError::of(Exit::Usage, "--organization", &error))
        };
        Ok(Hierarchy {
            algorithm,
            alt_algorithm: self.alt_algorithm,
            root: subject("Root CA")?,
            issuing: subject("Issuing CA")?,
        })
    }
}

#[derive(Serialize)]
struct Made<'a> {
    data: &'a Path,
    algorithm: &'a str,
    root_certificate: &'a Path,
    issuing_certificate: &'a Path,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let folder = options.data.folder()?;
    let hierarchy = options.hierarchy.hierarchy()?;
    check_free(&folder)?;
    let passphrase = options.passphrase.read("the authorities' keys", context)?;
    let protection = Protection {
        passphrase: passphrase.as_ref(),
        derivation: options.passphrase.key_derivation(),
    };
    wait_for(found_hierarchy(&folder, hierarchy, protection, false, context))?;
    let root = folder.authority("root").join("certificate.pem");
    let issuing = folder.authority("issuing").join("certificate.pem");
    if options.json {
        return context.print_json(&Made {
            data: folder.path(),
            algorithm: options.hierarchy.algorithm().name(),
            root_certificate: &root,
            issuing_certificate: &issuing,
        });
    }
    let data = folder.path().display();
    context.print(&format!(
        "root CA     {}\nissuing CA  {}\nledger      {}\n\nThe root's key signs nothing in daily work: keep {} in a safe.\n\nTry next:\n  espalier issue --data {data} --dns app.example --key-out app.key --out app.pem\n",
        root.display(),
        issuing.display(),
        folder.ledger(),
        folder.authority("root").join("key.pem").display(),
    ))
}
