//! `espalier ca create`.

use std::ffi::OsString;
use std::path::PathBuf;

use ca_core::algorithm::Algorithm;
use ca_core::name::DistinguishedName;
use ledger::Ledger;
use serde::Serialize;

use crate::authority::{Authority, Founding, Mode, Protection, found};
use crate::cli::issue::SECONDS_OF_DAY;
use crate::cli::{CliError, Context};
use crate::data_folder::{DataFolder, DataOptions};
use crate::input::Source;
use crate::passphrase::{NewPassphraseOptions, PassphraseOptions};
use crate::profiles::choose;

/// Make an authority: a root, or one below another; cut off, the same command goes on
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("signer").args(["root", "parent"]).required(true))]
#[command(after_help = "Examples:
  espalier ca create --name west --parent root --subject 'CN=West CA,O=Example'
  espalier ca create --name root-2027 --root --algorithm ML-DSA-87 --subject 'CN=Example Root 2027'
  espalier ca create --name old --root --algorithm p384 --alt-algorithm ml-dsa-65 --subject CN=Both")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// Its name in the ledger: a-z, 0-9, `-`, `_` and `.`
    #[arg(long, value_name = "NAME")]
    name: String,

    /// Make a root, which signs itself
    #[arg(long)]
    root: bool,

    /// The authority that signs its certificate
    #[arg(long, value_name = "NAME")]
    parent: Option<String>,

    /// How it signs; see `espalier algorithms`
    #[arg(long, value_name = "NAME", default_value = "hybrid", value_parser = Algorithm::named)]
    algorithm: &'static Algorithm,

    /// Sign a second time by this post-quantum algorithm, in extensions that old software skips;
    /// for a classical --algorithm only
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    alt_algorithm: Option<&'static Algorithm>,

    /// Whom its certificate names, such as `CN=West CA,O=Example`
    #[arg(long, value_name = "NAME", value_parser = DistinguishedName::parse)]
    subject: DistinguishedName,

    /// A shipped profile; root or issuing-ca by default
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// A profile of your own, as docs/profiles.md describes
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    profile_file: Option<Source>,

    /// How many days it shall be valid; the profile's default otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,

    /// Read the passphrase of the parent's key from this file, where it is another
    #[arg(long, value_name = "FILE", conflicts_with = "parent_passphrase_env")]
    parent_passphrase_file: Option<Source>,

    /// Read the passphrase of the parent's key from the environment variable of this name
    #[arg(long, value_name = "NAME")]
    parent_passphrase_env: Option<OsString>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    name: &'a str,
    algorithm: &'a str,
    mode: Option<Mode>,
    certificate: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let default = if options.root { "root" } else { "issuing-ca" };
    let profile = options.profile.as_deref().unwrap_or(default);
    let chosen = choose(profile, options.profile_file.as_ref(), context)?;
    let passphrase = folder.new_passphrase(&options.passphrase, context)?;
    let parent = match &options.parent {
        Some(name) => {
            let named = options.parent_passphrase();
            let mut ask = |context: &mut Context| {
                folder.passphrase_beside_new(&named, passphrase.as_ref(), context)
            };
            Some(Authority::load(folder, ledger, name, &mut ask, context).await?)
        }
        None => None,
    };
    let founding = Founding {
        name: options.name.clone(),
        algorithm: options.algorithm,
        alt_algorithm: options.alt_algorithm,
        subject: options.subject.clone(),
        profile: chosen.profile,
        validity_seconds: options.days.map(|days| days * SECONDS_OF_DAY),
    };
    let protection = Protection {
        passphrase: passphrase.as_ref(),
        derivation: options.passphrase.key_derivation(),
    };
    let made = found(folder, ledger, founding, parent.as_ref(), protection, context).await?;
    let place = folder.authority(made.name());
    let printed = Made {
        name: made.name(),
        algorithm: made.algorithm().name(),
        mode: made.certificate().map(Mode::of),
        certificate: place.join("certificate.pem"),
        chain: place.join("chain.pem"),
        key: place.join("key.pem"),
    };
    if options.json {
        return context.print_json(&printed);
    }
    context.print(&format!(
        "authority    {}\nalgorithm    {}\ncertificate  {}\nchain        {}\nkey          {}\n",
        printed.name,
        printed.algorithm,
        printed.certificate.display(),
        printed.chain.display(),
        printed.key.display(),
    ))
}

impl Options {
    /// Where the passphrase of the parent's key comes from, when it is another.
    fn parent_passphrase(&self) -> PassphraseOptions {
        PassphraseOptions {
            passphrase_file: self.parent_passphrase_file.clone(),
            passphrase_env: self.parent_passphrase_env.clone(),
        }
    }
}
