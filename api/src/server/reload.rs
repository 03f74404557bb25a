//! A configuration that changes while the server runs: profiles, who may ask and the server's certificates are
//! taken over, after they were checked. A bad one changes nothing, and the log says what is wrong with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ca_core::fingerprint::Fingerprint;
use tokio::signal::unix::Signal;

use super::config::{MAX_CONFIG_SIZE, ServerConfig};
use super::run;
use super::state::{App, Policy};
use super::tls::{Tls, TlsConfig};
use crate::cli::{CliError, Context, Exit};

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_secs(5);

/// The file that is watched, and what was read from it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The file.
    pub file: PathBuf,
    /// What is in force.
    pub config: ServerConfig,
}

/// Reads the file again on SIGHUP and when it changed, for ever.
pub async fn whenever_asked(
    app: &App,
    tls: Option<&Tls>,
    watched: Option<Watched>,
    mut hang_up: Signal,
    context: &mut Context,
) {
    let Some(mut watched) = watched else {
        // Nothing can change; the signal that would end the process is taken and has no effect.
        while hang_up.recv().await.is_some() {
            tracing::info!("SIGHUP: there is no configuration to read again");
        }
        return std::future::pending().await;
    };
    let mut seen = digest(&watched).await;
    let mut due = tokio::time::interval(PERIOD);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            _ = hang_up.recv() => true,
            _ = due.tick() => false,
        };
        let found = digest(&watched).await;
        if !asked && found == seen {
            continue;
        }
        seen = found;
        match reload(app, tls, &mut watched, context).await {
            Ok(()) => {
                tracing::info!(file = %watched.file.display(), "the new configuration is in force")
            }
            Err(error) => tracing::error!(
                file = %watched.file.display(),
                %error,
                "the new configuration is wrong; the old one stays in force"
            ),
        }
    }
}

/// What the files say: the configuration, and the profiles and certificates that it names.
async fn digest(watched: &Watched) -> Vec<Option<Fingerprint>> {
    let mut digests = Vec::new();
    let base = watched.file.parent().map(PathBuf::from).unwrap_or_default();
    let tls = watched.config.tls.iter().flat_map(TlsConfig::files).map(|file| base.join(file));
    let profiles = watched.config.profiles.files.iter().cloned();
    for file in std::iter::once(watched.file.clone()).chain(profiles).chain(tls) {
        digests.push(tokio::fs::read(&file).await.ok().map(|octets| Fingerprint::of(&octets)));
    }
    digests
}

async fn reload(
    app: &App,
    tls: Option<&Tls>,
    watched: &mut Watched,
    context: &mut Context,
) -> Result<(), CliError> {
    let file = &watched.file;
    let failed = |error: &dyn std::error::Error| CliError::of(Exit::Usage, file.display(), error);
    let octets = tokio::fs::read(file).await.map_err(|error| failed(&error))?;
    let text = octets.get(..MAX_CONFIG_SIZE + 1).unwrap_or(&octets);
    let text = std::str::from_utf8(text).map_err(|error| failed(&error))?;
    let config = ServerConfig::from_yaml(text).map_err(|error| failed(&error))?;
    let base = file.parent().map(PathBuf::from).unwrap_or_default();
    let profiles = Arc::new(run::profiles(&config.profiles, context)?);
    let authenticator = run::authenticator(&config, &base, app.ledger()).await?;
    let secured = match tls {
        Some(tls) => tls.prepare(&config, &base, app).await?.map(|live| (tls, live)),
        None => None,
    };
    if watched.config.needs_restart(&config) {
        tracing::warn!(
            "what is neither `profiles` nor `auth` nor `tls` is taken over by a restart only"
        );
    }
    app.replace_policy(Policy { profiles, authenticator });
    if let Some((tls, live)) = secured {
        tls.replace(live, app);
    }
    watched.config = config;
    Ok(())
}
