//! Which lists are published: for each authority the complete one, and what the configuration adds.

use ca_core::crl::Scope;
use ca_core::general_name::AbsoluteUri;
use jiff::SignedDuration;
use ledger::CrlKind;

use super::config::{CrlConfig, DeltaConfig};
use super::list_url::ListUrl;
use crate::cli::CliError;
use crate::server::config::value;
use crate::server::state::App;

/// Lists that follow each other under one name.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The file's name without `.crl`, in the data folder and in the URL.
    pub(super) name: String,
    pub(super) authority: String,
    pub(super) scope: Scope,
    pub(super) kind: CrlKind,
    /// Where the deltas to a complete list are.
    pub(super) freshest: Vec<AbsoluteUri>,
    /// How often one is made.
    pub(super) every: SignedDuration,
    /// How long it is good.
    pub(super) valid: SignedDuration,
    /// Whether a revocation leads to another one at once.
    pub(super) after_revocation: bool,
}

/// Every series of this server: complete lists before their deltas.
///
/// # Errors
/// `CliError` with exit code 2 for a list of an authority that does not sign here, and for one with
/// the name of an authority's complete list.
pub(super) fn all(app: &App, crl: &CrlConfig) -> Result<Vec<Series>, CliError> {
    let mut all: Vec<Series> =
        app.authorities().keys().map(|name| complete(name, crl, crl.deltas.get(name))).collect();
    for (authority, urls) in &crl.shards {
        for url in urls {
            refuse_wrong(app, "public.crl.shards", authority, url)?;
            all.push(shard(authority, url, crl)?);
        }
    }
    for (authority, delta) in &crl.deltas {
        refuse_wrong(app, "public.crl.deltas", authority, &delta.url)?;
        all.push(Series {
            name: delta.url.name().to_owned(),
            kind: CrlKind::Delta,
            freshest: Vec::new(),
            every: minutes(delta.every_minutes),
            valid: minutes(delta.valid_hours * 60),
            after_revocation: crl.after_revocation,
            ..complete(authority, crl, None)
        });
    }
    Ok(all)
}

/// The list of all certificates of an authority. Where there are deltas, they tell of revocations
/// sooner.
fn complete(authority: &str, crl: &CrlConfig, delta: Option<&DeltaConfig>) -> Series {
    Series {
        name: authority.to_owned(),
        authority: authority.to_owned(),
        scope: Scope::all(),
        kind: CrlKind::Complete,
        freshest: delta.map(|delta| delta.url.uri().clone()).into_iter().collect(),
        every: minutes(crl.every_minutes),
        valid: minutes(crl.valid_hours * 60),
        after_revocation: crl.after_revocation && delta.is_none(),
    }
}

/// The list of the certificates that name this URL.
fn shard(authority: &str, url: &ListUrl, crl: &CrlConfig) -> Result<Series, CliError> {
    let scope = Scope::shard(std::slice::from_ref(url.uri()));
    let scope = scope.map_err(|error| CliError::usage(format!("public.crl.shards: {error}")))?;
    Ok(Series { name: url.name().to_owned(), scope, ..complete(authority, crl, None) })
}

fn refuse_wrong(app: &App, field: &str, authority: &str, url: &ListUrl) -> Result<(), CliError> {
    let served = app.authorities();
    let refused = |found: &str, allowed: String| {
        Err(CliError::usage(value(field, found, allowed).to_string()))
    };
    if served.get(authority).is_none_or(|served| served.signs.is_none()) {
        let signing = served.iter().filter(|(_, served)| served.signs.is_some());
        let names: Vec<&str> = signing.map(|(name, _)| name.as_str()).collect();
        return refused(authority, format!("authorities that sign here: {}", names.join(", ")));
    }
    if served.contains_key(url.name()) {
        let name = url.name();
        return refused(url.uri().as_str(), format!("another name than the authority's, {name}"));
    }
    Ok(())
}

/// The configuration bounds them far below what fits.
fn minutes(minutes: u64) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX / 60))
}
