//! A configuration that changes while the server runs: profiles, who may ask and the server's certificates are
//! taken over, after they were checked. A bad one changes nothing, and the log says what is wrong with it.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ca_core::fingerprint::Fingerprint;
use tokio::signal::unix::Signal;

use super::config::{MAX_CONFIG_SIZE, ServerConfig};
use super::run;
use super::state::{App, Policy};
use super::tls::{Tls, TlsConfig};
use crate::cli::{CliError, Context, Exit};

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_secs(5);

/// The longest pause after a new configuration that could not be taken over.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// When files are read again: when they changed, and after a failure from time to time, for what
/// failed may lie elsewhere.
#[derive(Debug)]
struct Looking<D> {
    seen: D,
    again: Option<(Instant, Duration)>,
}

impl<D: PartialEq> Looking<D> {
    fn new(seen: D) -> Self {
        Self { seen, again: None }
    }

    /// Whether to read, now that the files are like this.
    fn is_due(&mut self, found: D, now: Instant) -> bool {
        let changed = self.seen != found;
        self.seen = found;
        changed || self.again.is_some_and(|(at, _)| now >= at)
    }

    /// It was read, and taken over or not.
    fn ended(&mut self, well: bool, now: Instant) {
        let pause = self.again.map_or(PERIOD, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
        self.again = (!well).then(|| (now + pause, pause));
    }
}

/// The file that is watched, and what was read from it.
#[derive(Clone, Debug)]
pub struct Watched {
    file: PathBuf,
    /// What is in force.
    config: ServerConfig,
    seen: Vec<Option<Fingerprint>>,
}

impl Watched {
    /// Watches the file from now on, and those that the configuration names: made before they are
    /// read, so that no change is missed.
    pub fn new(file: PathBuf, config: ServerConfig) -> Self {
        let mut watched = Self { file, config, seen: Vec::new() };
        watched.seen = watched.files().iter().map(Looked::digest).collect();
        watched
    }

    /// The configuration, and the profiles, certificates, keys and lists that it names.
    fn files(&self) -> Vec<Looked> {
        let base = self.file.parent().map(PathBuf::from).unwrap_or_default();
        let tls = self.config.tls.iter().flat_map(TlsConfig::files).map(|file| base.join(file));
        let profiles = self.config.profiles.files.iter().cloned();
        let read = std::iter::once(self.file.clone()).chain(profiles).chain(tls);
        // Revocation lists may be large: whether they are the same files as before is enough.
        let of_auth = self.config.auth.files().map(|file| Looked::At(base.join(file)));
        read.map(Looked::Into).chain(of_auth).collect()
    }
}

/// How a file is looked at.
#[derive(Clone, Debug)]
enum Looked {
    /// What it says.
    Into(PathBuf),
    /// Whether it is another file, or was written to.
    At(PathBuf),
}

impl Looked {
    /// Differs when the file does; none where it is not there.
    fn digest(&self) -> Option<Fingerprint> {
        match self {
            Self::Into(file) => Some(Fingerprint::of(&std::fs::read(file).ok()?)),
            Self::At(file) => {
                let found = std::fs::metadata(file).ok()?;
                let which = (found.ino(), found.len(), found.mtime(), found.mtime_nsec());
                Some(Fingerprint::of(format!("{which:?}").as_bytes()))
            }
        }
    }
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
    let mut looking = Looking::new(watched.seen.clone());
    let mut due = tokio::time::interval(PERIOD);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            _ = hang_up.recv() => true,
            _ = due.tick() => false,
        };
        let due = looking.is_due(digest(&watched).await, Instant::now());
        if !asked && !due {
            continue;
        }
        let ended = reload(app, tls, &mut watched, context).await;
        looking.ended(ended.is_ok(), Instant::now());
        match ended {
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

/// What the files say now.
async fn digest(watched: &Watched) -> Vec<Option<Fingerprint>> {
    let files = watched.files();
    let looking = move || files.iter().map(Looked::digest).collect();
    tokio::task::spawn_blocking(looking).await.unwrap_or_default()
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
    let authenticator = Arc::new(authenticator.succeeding(&app.authenticator()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_tried_again_ever_more_seldom_and_a_change_at_once() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut looking = Looking::new("a");
        assert!(!looking.is_due("a", start));
        assert!(looking.is_due("b", start));
        looking.ended(false, start);
        assert!(!looking.is_due("b", after(4)));
        assert!(looking.is_due("b", after(5)));
        looking.ended(false, after(5));
        assert!(!looking.is_due("b", after(14)));
        assert!(looking.is_due("b", after(15)));
        assert!(looking.is_due("c", after(1)));
        for _ in 0..10 {
            looking.ended(false, start);
        }
        assert!(!looking.is_due("c", after(299)));
        assert!(looking.is_due("c", after(300)));
        looking.ended(true, after(300));
        assert!(!looking.is_due("c", after(10_000)));
    }
}
