//! `espalier bootstrap`: the authorities of a plan.

use serde::Serialize;

use super::{CliError, Context, Exit};
use crate::authority::Protection;
use crate::bootstrap::{
    ApiServer, Bootstrap, InClusterOptions, InKubernetes, Outcome, Outcomes, Plan, open_or_create,
    publish,
};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed, wait_for};
use crate::input::Source;
use crate::passphrase::NewPassphraseOptions;

/// Make the authorities of a plan that are not there yet
///
/// For machines that set up a CA without a person, such as the Helm chart's. What is there stays as
/// it is, what was cut off is completed, and running it again does no harm. The plan is a YAML file,
/// described in docs/kubernetes.md; in a pod it may have keys kept in Secrets and certificates
/// published in a ConfigMap and a ClusterTrustBundle. No key is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier bootstrap --plan plan.yaml --passphrase-file passphrase
  espalier bootstrap --plan plan.yaml --no-passphrase --migrate --json")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// The plan; `-` is standard input
    #[arg(long, value_name = "FILE")]
    plan: Source,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,

    /// Bring the ledger of an older release up to date first
    #[arg(long)]
    migrate: bool,

    #[command(flatten)]
    in_cluster: InClusterOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    authority: &'a str,
    made: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let octets = context.read(&options.plan)?;
    let text = std::str::from_utf8(&octets);
    let text = text.map_err(|error| CliError::of(Exit::Usage, &options.plan, &error))?;
    let plan = Plan::from_yaml(text)?;
    let folder = options.data.folder()?;
    let outcomes = wait_for(carry_out(options, plan, &folder, context))?;
    let rows = outcomes
        .iter()
        .map(|(authority, outcome)| Row { authority, made: *outcome == Outcome::Made });
    if options.json {
        return context.print_json(&rows.collect::<Vec<_>>());
    }
    let lines = rows.map(|row| {
        let word = if row.made { "made" } else { "was there" };
        format!("{}: {word}\n", row.authority)
    });
    context.print(&lines.collect::<String>())
}

async fn carry_out(
    options: &Options,
    plan: Plan,
    folder: &DataFolder,
    context: &mut Context,
) -> Result<Outcomes, CliError> {
    let Plan { authorities, kubernetes } = plan;
    let kubernetes = kubernetes.unwrap_or_default();
    let wanted = kubernetes.key_secrets.is_some() || kubernetes.trust.is_some();
    let server = if wanted { Some(options.in_cluster.open()?) } else { None };
    let passphrase = folder.new_passphrase(&options.passphrase, context)?;
    let protection = Protection {
        passphrase: passphrase.as_ref(),
        derivation: options.passphrase.key_derivation(),
    };
    if options.migrate && folder.has_ledger()? {
        ledger::migrate(&folder.ledger()).await.map_err(ledger_failed)?;
    }
    let ledger = open_or_create(folder).await?;
    let key_secrets = server.as_ref().zip(kubernetes.key_secrets.as_deref());
    let published = server.as_ref().zip(kubernetes.trust.as_ref());
    let bootstrap = Bootstrap { folder, ledger: &ledger, protection, key_secrets, published };
    let made = bootstrap.run(authorities, context).await;
    let made = match made {
        Ok(outcomes) => {
            told(&kubernetes, &ledger, server.as_ref(), context).await.map(|()| outcomes)
        }
        Err(error) => Err(error),
    };
    let closed = ledger.close().await.map_err(ledger_failed);
    made.and_then(|outcomes| closed.map(|()| outcomes))
}

async fn told(
    kubernetes: &InKubernetes,
    ledger: &ledger::Ledger,
    server: Option<&ApiServer>,
    context: &Context,
) -> Result<(), CliError> {
    match kubernetes.trust.as_ref().zip(server) {
        Some((trust, server)) => publish(trust, ledger, server, context).await,
        None => Ok(()),
    }
}
