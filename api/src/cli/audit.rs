//! `espalier audit`: who did what.

use client::v1::SearchAudit;
use jiff::Timestamp;

use super::page_options::PageOptions;
use super::{CliError, Context};
use crate::data_folder::{DataOptions, wait_for};
use crate::registry::Registry;
use crate::table;

/// Search the audit log of the server: who did what, when, from where, and how it went
///
/// The newest first. Commands on a data folder are no events: the ledger's rows name who ran them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier audit --action certificate.issue --from 2026-11-01T00:00:00Z
  espalier audit --subject serial:5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203 --json")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Only of this requester, such as `token:ci`
    #[arg(long, value_name = "REQUESTER")]
    actor: Option<String>,

    /// Only of this action, such as `certificate.issue`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,

    /// Only about this, whole, such as `serial:5b1f…`
    #[arg(long, value_name = "KIND:VALUE")]
    subject: Option<String>,

    /// Only of this request, as problems and logs name it
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,

    /// Only at this time or later
    #[arg(long, value_name = "RFC3339")]
    from: Option<Timestamp>,

    /// Only before this time
    #[arg(long, value_name = "RFC3339")]
    before: Option<Timestamp>,

    #[command(flatten)]
    page: PageOptions,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let search = SearchAudit {
        actor: options.actor.clone(),
        action: options.action.clone(),
        subject: options.subject.clone(),
        request_id: options.request_id.clone(),
        from: options.from,
        before: options.before,
        limit: Some(options.page.limit),
        cursor: options.page.cursor(),
    };
    let found = wait_for(async {
        let registry = Registry::open(&options.data, context).await?;
        let found = registry.audit(search).await;
        registry.close(found).await
    })?;
    if options.page.json {
        return context.print_json(&found);
    }
    let rows = found.events.into_iter().map(|event| {
        let none = || "-".to_owned();
        [
            event.at.to_string(),
            event.actor,
            event.action,
            event.subject.unwrap_or_else(none),
            event.problem.unwrap_or_else(|| "done".to_owned()),
            event.address.unwrap_or_else(none),
        ]
    });
    let header = ["at", "actor", "action", "subject", "outcome", "address"];
    context.print(&table::render(context.terminal(), header, rows, &[]))?;
    PageOptions::tell_of_more(found.next, context);
    Ok(())
}
