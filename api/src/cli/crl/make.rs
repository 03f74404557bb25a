//! `espalier crl make`.

use std::path::{Path, PathBuf};

use ca_core::crl::{Scope, Subjects};
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AbsoluteUri;
use ca_core::pem::{self, Label};
use jiff::{SignedDuration, Timestamp};
use ledger::{CrlKind, Ledger, NewCrl};
use serde::Serialize;

use crate::authority::Authority;
use crate::cli::{CliError, Context};
use crate::crl_making;
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::output::{Content, OutputOptions, Target};
use crate::passphrase::PassphraseOptions;

/// Make a revocation list of an authority from the ledger
///
/// Every list has its number from the authority's one series. It lists what was revoked before the
/// number was reserved; a certificate that expired is left out once it was on a list. A delta lists
/// what was revoked since the newest complete list of the same scope. The file is written whole or
/// not at all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier crl make issuing --der --out issuing.crl
  espalier crl make issuing --delta --days 1 --der --out issuing-delta.crl
  espalier crl make issuing --shard http://pki.example/crl/1.crl --only leaf --der --out 1.crl")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// The authority
    #[arg(value_name = "AUTHORITY")]
    authority: String,

    /// Only what was revoked since the newest complete list of this scope
    #[arg(long)]
    delta: bool,

    /// Only what was revoked since this complete list
    #[arg(long, value_name = "NUMBER", conflicts_with = "delta")]
    base: Option<u64>,

    /// Only certificates whose profile names this place in crl_distribution_points; may be given
    /// more than once for places of one list
    #[arg(long, value_name = "URL", value_parser = AbsoluteUri::new)]
    shard: Vec<AbsoluteUri>,

    /// Only certificates of authorities, or only those of end entities
    #[arg(long, value_enum, value_name = "KIND")]
    only: Option<Only>,

    /// Where the delta to this list will be; may be given more than once
    #[arg(long, value_name = "URL", value_parser = AbsoluteUri::new, conflicts_with_all = ["delta", "base"])]
    freshest_crl: Vec<AbsoluteUri>,

    /// For how many days it is current
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=3_660))]
    days: i64,

    /// When the next list is due, instead of --days
    #[arg(long, value_name = "RFC3339", conflicts_with = "days")]
    next_update: Option<Timestamp>,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    #[command(flatten)]
    output: OutputOptions,

    /// Print JSON about the list that was written to --out
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Only {
    /// Authorities
    Ca,
    /// End entities
    Leaf,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    authority: String,
    number: u64,
    base_number: Option<u64>,
    this_update: Timestamp,
    next_update: Timestamp,
    entries: usize,
    octets: usize,
    sha256: String,
}

impl Options {
    fn scope(&self) -> Result<Scope, CliError> {
        let scope = match self.shard.as_slice() {
            [] => Scope::all(),
            places => Scope::shard(places)
                .map_err(|error| CliError::usage(format!("--shard: {error}")))?,
        };
        Ok(scope.only(match self.only {
            None => Subjects::All,
            Some(Only::Ca) => Subjects::Authorities,
            Some(Only::Leaf) => Subjects::EndEntities,
        }))
    }

    async fn plan(&self, ledger: &Ledger, now: Timestamp) -> Result<NewCrl, CliError> {
        let scope = self.scope()?;
        let base = match (self.base, self.delta) {
            (None, true) => Some(self.newest(&scope, ledger).await?),
            (base, _) => base,
        };
        let after = now.checked_add(SignedDuration::from_hours(24 * self.days));
        let next_update = match self.next_update {
            Some(instant) => instant,
            None => after.map_err(|error| CliError::usage(format!("--days: {error}")))?,
        };
        let authority = self.authority.clone();
        Ok(NewCrl { authority, scope, base, this_update: now, next_update })
    }

    /// The complete list that a delta changes.
    async fn newest(&self, scope: &Scope, ledger: &Ledger) -> Result<u64, CliError> {
        let newest = ledger.newest_crl(&self.authority, scope, CrlKind::Complete).await;
        let newest = newest.map_err(ledger_failed)?;
        newest.map(|list| list.number).ok_or_else(|| {
            let message = format!(
                "--delta: authority {:?} has no complete list of this scope to make a delta to",
                self.authority
            );
            CliError::refused(message).with_hint("make the complete list first, without --delta")
        })
    }

    /// A folder on the disk that the list will be on.
    fn folder(&self, data: &DataFolder) -> PathBuf {
        match &self.output.out {
            Target::File(path) => match path.parent() {
                Some(folder) if folder.is_dir() => folder.to_owned(),
                Some(folder) if folder == Path::new("") => PathBuf::from("."),
                _ => data.path().to_owned(),
            },
            Target::Stdout => data.path().to_owned(),
        }
    }
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let output = &options.output;
    if options.json && output.out == Target::Stdout {
        return Err(CliError::usage("--json: found beside a list on standard output")
            .with_hint("name a file for the list by --out"));
    }
    output.out.stage(Content::Public, b"", output.force).map(drop)?;
    let mut ask = |context: &mut Context| folder.passphrase(&options.passphrase, context);
    let authority = Authority::load(folder, ledger, &options.authority, &mut ask, context).await?;
    let new = options.plan(ledger, context.now()).await?;
    let freshest = &options.freshest_crl;
    crl_making::rehearse(&authority, &new, freshest)?;
    let base_number = new.base;
    let place = options.folder(folder);
    let terminal = context.terminal();
    let made = crl_making::make(ledger, &authority, new, freshest, &place, terminal).await?;
    let (list, number) = (made.list(), made.number());
    // On the disk before the ledger counts on it, under its name after.
    let staged = output.out.stage_stream(Content::Public, output.force, &mut |out| {
        if output.der { out.write_all(list.der()) } else { pem::write(Label::Crl, list.der(), out) }
    });
    let lost = |error: CliError| {
        let message = format!("CRL number {number}: made, but not published: {}", error.message());
        let hint = "the number is spent; mend what is wrong and make the list again";
        CliError::new(error.exit(), message).with_hint(error.hint().unwrap_or(hint))
    };
    let staged = staged.map_err(lost)?;
    // Nobody publishes a higher number between the ledger's word that there is none and the rename.
    let publishing = staged.is_file().then(|| folder.publishing()).transpose().map_err(lost)?;
    made.store(ledger, context.now()).await.map_err(lost)?;
    staged.publish().map_err(lost)?;
    drop(publishing);
    if !options.json {
        return Ok(());
    }
    context.print_json(&Report {
        authority: options.authority.clone(),
        number,
        base_number,
        this_update: list.this_update(),
        next_update: list.next_update(),
        entries: list.len(),
        octets: list.der().len(),
        sha256: Fingerprint::of(list.der()).to_string(),
    })
}
