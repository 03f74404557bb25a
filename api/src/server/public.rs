//! What everybody may fetch over plain HTTP: revocation lists, OCSP answers, certificates of
//! authorities. All of it is signed, so that nothing is gained by TLS (RFC 5280 section 8).
//!
//! | path | is |
//! |---|---|
//! | `/crl/{authority}.crl` | the newest complete list, DER |
//! | `/crl/{name}.crl` | a shard or a delta, as the configuration names it |
//! | `/ca/{authority}.cer` | its certificate, DER |
//! | `/ca/{authority}.pem` | its certificate and those above it |
//! | `/ocsp/{authority}` | OCSP by POST; by GET with the request behind it |

mod cache;
mod certificates;
pub mod config;
mod dated;
mod lease;
pub mod list_url;
pub mod lists;
mod making;
mod ocsp;
mod responder;
mod series;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use ca_core::certificate::Certificate;
use ca_core::ocsp::CertId;
use ledger::{CrlFilter, LedgerError};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::cache::ResponseCache;
use self::config::PublicConfig;
use self::lists::Expected;
pub use self::making::{CLOCKS_APART, is_ahead};
use self::responder::Answering;
use self::series::Series;
use super::exchange::{exchange, unknown_method};
use super::listener;
use super::problem::{self, NOT_FOUND, Refusal};
use super::state::{App, Room};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed, make_folder};
use crate::delegate::Delegate;
use crate::input::Source;
use crate::passphrase::PassphraseOptions;

/// The public listener's state; a clone is the same state.
#[derive(Clone)]
pub struct Public(Arc<Inner>);

impl std::ops::Deref for Public {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What [`Public`] is made of.
pub struct Inner {
    app: App,
    config: PublicConfig,
    folder: DataFolder,
    /// Who answers by OCSP; an authority without its key here and without a delegate is missing.
    answering: BTreeMap<String, Answering>,
    cache: ResponseCache<(String, CertId)>,
    /// Bounds the answers that wait for a signature: whoever asks needs no credential, and must not
    /// keep requesters from the signing threads.
    answers: Semaphore,
    /// Of these, the ones about numbers that were never issued: anybody can make up as many as they
    /// like, and none is answered from the cache.
    made_up: Semaphore,
    series: Vec<Series>,
    /// The number of each authority's last list when the server began; none is 0.
    last_before: BTreeMap<String, u64>,
}

/// A listener whose socket is open; nobody is served yet.
pub struct Listening {
    public: Public,
    socket: TcpListener,
}

impl Listening {
    /// Loads the delegates and opens the socket. Relative paths are below `base`.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for delegates of unknown authorities and files that can't be read,
    /// 1 for a delegate that may not answer, 3 where the socket can't be had.
    pub async fn open(
        app: &App,
        config: &PublicConfig,
        folder: DataFolder,
        base: &Path,
        context: &mut Context,
    ) -> Result<Self, CliError> {
        make_folder(&folder.lists())?;
        let answering = answering(app, config, base, context).await?;
        let socket = TcpListener::bind(config.listen).await.map_err(|error| {
            CliError::of(Exit::Environment, format!("listen {}", config.listen), &error)
                .with_hint("end whatever uses the address, or name another by public.listen")
        })?;
        let series = series::all(app, &config.crl)?;
        let signs = |one: &&Series| app.authorities()[&one.authority].signs.is_some();
        let expected = series
            .iter()
            .filter(signs)
            .map(|one| Expected { name: one.name.clone(), authority: one.authority.clone() });
        app.lists().expect(expected.collect());
        let last_before = last_lists(app).await.map_err(ledger_failed)?;
        let public = Public(Arc::new(Inner {
            app: app.clone(),
            config: config.clone(),
            folder,
            answering,
            cache: ResponseCache::new(config.ocsp.cache_bytes),
            answers: Semaphore::new((app.signing().capacity() / 4).max(1)),
            made_up: Semaphore::new((app.signing().capacity() / 16).max(1)),
            series,
            last_before,
        }));
        Ok(Self { public, socket })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves and makes lists until the token is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let Self { public, socket } = self;
        let (app, router) = (public.app.clone(), router(&public));
        let serving = listener::serve(socket, router, &app, None, stop.cancelled());
        tokio::join!(serving, making::keep_lists(&public, &stop));
    }
}

/// The number of the last list of each authority, whoever made it.
async fn last_lists(app: &App) -> Result<BTreeMap<String, u64>, LedgerError> {
    let mut last = BTreeMap::new();
    for name in app.authorities().keys() {
        let newest = app.ledger().crls(CrlFilter::of(name), 1).await?;
        last.insert(name.clone(), newest.first().map_or(0, |list| list.number));
    }
    Ok(last)
}

/// Who answers for which authority.
async fn answering(
    app: &App,
    config: &PublicConfig,
    base: &Path,
    context: &mut Context,
) -> Result<BTreeMap<String, Answering>, CliError> {
    let mut all = BTreeMap::new();
    for (name, served) in app.authorities() {
        let (Some(issuer), Some(authority)) = (served.chain.first(), &served.signs) else {
            continue;
        };
        let answering = Answering::authority(issuer.clone(), Arc::clone(authority));
        match answering.check() {
            Ok(()) => drop(all.insert(name.clone(), answering)),
            Err(error) => tracing::info!(authority = name, %error, "it answers by a delegate only"),
        }
    }
    for (name, files) in &config.ocsp.delegates {
        let issuer = app.authorities().get(name).and_then(|served| served.chain.first());
        let issuer: &Certificate = issuer.ok_or_else(|| {
            let known: Vec<&str> = app.authorities().keys().map(String::as_str).collect();
            let allowed = known.join(", ");
            CliError::usage(format!("public.ocsp.delegates: found {name:?}, allowed are {allowed}"))
        })?;
        let file = |path: &Path| Source::File(base.join(path));
        let passphrase = PassphraseOptions {
            passphrase_file: files.passphrase_file.as_deref().map(file),
            passphrase_env: None,
        };
        let (certificate, key) = (file(&files.certificate), file(&files.key));
        let ledger = app.ledger();
        let delegate = Delegate::load(&certificate, &key, &passphrase, ledger, context).await?;
        let answering = Answering::delegate(issuer.clone(), delegate);
        answering.check().map_err(|error| CliError::of(Exit::Refused, &certificate, &error))?;
        all.insert(name.clone(), answering);
    }
    Ok(all)
}

fn router(public: &Public) -> Router {
    Router::new()
        .route("/crl/{file}", get(lists::get))
        .route("/ca/{file}", get(certificates::get))
        .route("/ocsp/{authority}", post(ocsp::post))
        .route("/ocsp/{authority}/", post(ocsp::post))
        .route("/ocsp/{authority}/{*request}", get(ocsp::get))
        .route("/docs/problems", get(problems))
        .fallback(async || no_such())
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state((public.app.clone(), Room::Public), exchange))
        .with_state(public.clone())
}

impl Public {
    fn cache_seconds(&self) -> u64 {
        self.config.http_cache_seconds
    }
}

/// The page that the documents of refusals name.
async fn problems() -> impl axum::response::IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], problem::page())
}

/// The name in `NAME.EXTENSION`.
fn stem<'a>(file: &'a str, extension: &str) -> Option<&'a str> {
    file.strip_suffix(extension)?.strip_suffix('.')
}

fn no_such() -> Refusal {
    let allowed = "/crl/AUTHORITY.crl, /ca/AUTHORITY.cer, /ca/AUTHORITY.pem, /ocsp/AUTHORITY";
    Refusal::new(NOT_FOUND, format!("path: found one that names nothing, allowed are {allowed}"))
}
