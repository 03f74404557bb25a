//! From a configuration to a server that answers, and its orderly end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use ca_core::profile::{Profile, ProfileKind};
use ledger::Ledger;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{ProfilesConfig, ServerConfig};
use super::metrics::Metrics;
use super::public::Listening;
use super::public::lists::Lists;
use super::reload::{self, Watched};
use super::signing::SigningPool;
use super::state::{App, Parts, Policy, Served, shipped_for_requesters};
use super::tls::Tls;
use super::{listener, routes};
use crate::auth::{Authenticator, OwnAuthority, Resources};
use crate::authority::{self, Authority};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed};
use crate::input::Source;
use crate::passphrase::PassphraseOptions;
use crate::profiles::{choose, shipped};

/// A server whose socket is open; nobody is served yet.
pub struct Server {
    app: App,
    socket: TcpListener,
    tls: Option<Tls>,
    signals: Signals,
    public: Option<Listening>,
}

impl Server {
    /// Opens the ledger, loads keys and profiles, and opens the socket. Relative paths in `auth`
    /// and `tls` are below `base`.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where the configuration names what is not there, 3 where ledger,
    /// keys or socket can't be had.
    pub async fn open(
        config: &ServerConfig,
        base: &Path,
        context: &mut Context,
    ) -> Result<Self, CliError> {
        config.check().map_err(|error| CliError::of(Exit::Usage, "configuration", &error))?;
        let folder = config.folder()?;
        crate::process::raise_descriptor_limit();
        let profiles = profiles(&config.profiles, context)?;
        let ledger = folder.open_ledger_with(config.database.options()).await?;
        let authorities = authorities(config, &folder, &ledger, context).await?;
        let threads = match config.signing.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        let signing = SigningPool::start(threads, config.signing.queue);
        let signing =
            signing.map_err(|error| CliError::of(Exit::Environment, "signing threads", &error))?;
        let authenticator = Arc::new(authenticator(config, base, &ledger).await?);
        let parts = Parts {
            ledger,
            authorities,
            policy: RwLock::new(Policy { profiles: Arc::new(profiles), authenticator }),
            metrics: Metrics::default(),
            lists: Lists::default(),
            signing,
            limits: config.limits.clone(),
            clock: context.clock(),
            rng: Mutex::new(context.another_rng()),
        };
        let socket = TcpListener::bind(config.listen).await;
        let socket = socket.map_err(|error| {
            CliError::of(Exit::Environment, format!("listen {}", config.listen), &error)
                .with_hint("end whatever uses the address, or name another by --listen")
        })?;
        let signals = Signals::receive()?;
        let app = App::new(parts, TaskTracker::new());
        let tls = Tls::open(config, base, &app).await?;
        let public = match &config.public {
            Some(public) => Some(Listening::open(&app, public, folder, base, context).await?),
            None => None,
        };
        Ok(Self { app, socket, tls, signals, public })
    }

    /// The state.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// How its addresses begin.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.socket.local_addr()
    }

    /// Where revocation lists, OCSP and CA certificates are served.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn public_address(&self) -> std::io::Result<Option<std::net::SocketAddr>> {
        self.public.as_ref().map(Listening::address).transpose()
    }

    /// Serves until the process is told to end (SIGTERM, SIGINT), then carries out what is under
    /// way and closes the ledger. A configuration that changes is taken over meanwhile.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when signals can't be received or the ledger can't be closed.
    pub async fn run(
        self,
        watched: Option<Watched>,
        context: &mut Context,
    ) -> Result<(), CliError> {
        let Self { app, socket, tls, signals, public } = self;
        let Signals { terminate, interrupt, hang_up } = signals;
        let stopping = CancellationToken::new();
        let public = public.map(|public| tokio::spawn(public.run(stopping.clone())));
        let stop = async {
            told_to_end(terminate, interrupt).await;
            stopping.cancel();
        };
        let serving = listener::serve(socket, routes::router(&app), &app, tls.as_ref(), stop);
        let renewing = async {
            match &tls {
                Some(tls) => tls.renew(&app).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = serving => {}
            () = reload::whenever_asked(&app, tls.as_ref(), watched, hang_up, context) => {}
            () = renewing => {}
        }
        stopping.cancel();
        if let Some(public) = public
            && let Err(error) = public.await
        {
            tracing::error!(%error, "the public listener ended early");
        }
        app.tasks().close();
        let drained = std::time::Duration::from_secs(app.limits().drain_timeout_seconds);
        if tokio::time::timeout(drained, app.tasks().wait()).await.is_err() {
            tracing::warn!(left = app.tasks().len(), "requests were cut off");
        }
        let closed = app.ledger().close().await.map_err(ledger_failed);
        tracing::info!("ended");
        closed
    }
}

/// What finds out who asks.
pub(super) async fn authenticator(
    config: &ServerConfig,
    base: &Path,
    ledger: &Ledger,
) -> Result<Authenticator, CliError> {
    let recorded = ledger.authorities().await.map_err(ledger_failed)?;
    let own: Vec<OwnAuthority> = recorded
        .into_iter()
        .map(|one| OwnAuthority {
            name: one.content.name,
            certificates: one.certificates.into_iter().map(|one| one.der).collect(),
        })
        .collect();
    let resources = Resources { base, authorities: &own, ledger: Ledger::clone(ledger) };
    Authenticator::new(&config.auth, resources)
        .map_err(|error| CliError::of(Exit::Usage, "configuration: auth", &error))
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on they are received and no longer end the process by themselves.
    fn receive() -> Result<Self, CliError> {
        let receive =
            |kind| signal(kind).map_err(|error| CliError::of(Exit::Environment, "signals", &error));
        Ok(Self {
            terminate: receive(SignalKind::terminate())?,
            interrupt: receive(SignalKind::interrupt())?,
            hang_up: receive(SignalKind::hangup())?,
        })
    }
}

/// Done when the process is told to end.
async fn told_to_end(mut terminate: Signal, mut interrupt: Signal) {
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "ending: no more connections, what is under way is finished");
}

/// The profiles that may be asked for.
///
/// # Errors
/// `CliError` with exit code 2 for one that is unknown, not an end entity's, or there twice.
pub fn profiles(
    config: &ProfilesConfig,
    context: &mut Context,
) -> Result<BTreeMap<String, Arc<Profile>>, CliError> {
    let mut all: Vec<Profile> = match &config.shipped {
        None => shipped_for_requesters().cloned().collect(),
        Some(names) => names.iter().map(|name| shipped(name)).collect::<Result<_, _>>()?,
    };
    for file in &config.files {
        all.push(choose("", Some(&Source::File(file.clone())), context)?.profile);
    }
    let mut profiles = BTreeMap::new();
    for profile in all {
        let name = profile.name().to_owned();
        if profile.kind() != ProfileKind::Leaf {
            return Err(CliError::usage(format!(
                "profiles: found {name}, of kind {}, allowed are those of end entities",
                profile.kind()
            )));
        }
        if profiles.insert(name.clone(), Arc::new(profile)).is_some() {
            return Err(CliError::usage(format!("profiles: found {name} twice, allowed is once"))
                .with_hint(
                    "give yours another name, or leave the shipped one out by profiles.shipped",
                ));
        }
    }
    Ok(profiles)
}

/// Every authority of the ledger; those that sign with their keys.
async fn authorities(
    config: &ServerConfig,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<BTreeMap<String, Served>, CliError> {
    let recorded = ledger.authorities().await.map_err(ledger_failed)?;
    let names: Vec<&str> = recorded.iter().map(|one| one.content.name.as_str()).collect();
    if let Some(unknown) =
        config.authorities.iter().flatten().find(|name| !names.contains(&name.as_str()))
    {
        let message = format!("authorities: found {unknown:?}, allowed are {}", names.join(", "));
        return Err(CliError::usage(message));
    }
    let options = PassphraseOptions {
        passphrase_file: config.passphrase_file.clone().map(Source::File),
        passphrase_env: config.passphrase_env.clone().map(Into::into),
    };
    let mut asked = None;
    let mut served = BTreeMap::new();
    for one in &recorded {
        let name = &one.content.name;
        let signs = match &config.authorities {
            Some(named) => named.contains(name),
            None => {
                one.content.parent.is_some()
                    && !one.certificates.is_empty()
                    && folder.authority(name).join("key.pem").exists()
            }
        };
        let mut ask = |context: &mut Context| match &asked {
            Some(passphrase) => Ok(crate::passphrase::Passphrase::clone(passphrase)),
            None => Ok(asked.insert(folder.passphrase(&options, context)?).clone()),
        };
        let authority = match signs {
            true => Some(Authority::load(folder, ledger, name, &mut ask, context).await?),
            false => None,
        };
        let (chain, links) = match &authority {
            Some(authority) => (authority.chain().to_vec(), authority.links().to_vec()),
            None => (authority::chain(ledger, name).await?, Vec::new()),
        };
        let (parent, created_at) = (one.content.parent.clone(), one.content.created_at);
        let others = authority::others(one, &chain)?;
        let signs = authority.map(Arc::new);
        served.insert(name.clone(), Served { parent, created_at, signs, chain, others, links });
    }
    if served.values().all(|one| one.signs.is_none()) {
        return Err(CliError::usage("authorities: found none that can sign").with_hint(
            "name one with its key in the data folder, or make one by `espalier ca create`",
        ));
    }
    Ok(served)
}
