//! Handshakes, and what a new configuration changes: connections that come from then on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig as RustlsConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::ServerCertificate;
use super::choice::Choice;
use super::config::{CertificateConfig, TlsConfig};
use super::own;
use super::possession::Possession;
use crate::cli::{CliError, Exit};
use crate::server::config::ServerConfig;
use crate::server::metrics::Handshake;
use crate::server::state::App;

/// How often it is looked whether a certificate is to be renewed.
const PERIOD: Duration = Duration::from_secs(60);
/// How long is waited after a renewal that failed.
const RETRY: Duration = Duration::from_secs(600);
/// HTTP/2 and HTTP/1.1, which clients choose from (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS as it is in force; a clone is the same.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    live: RwLock<Live>,
    /// Held while certificates are made, so that no two are made for one place.
    making: Mutex<()>,
}

/// What connections that come now get.
#[derive(Clone)]
pub struct Live {
    settings: Settings,
    certificates: Vec<ServerCertificate>,
    acceptor: TlsAcceptor,
}

#[derive(Clone)]
struct Settings {
    config: TlsConfig,
    data: PathBuf,
    /// Whether clients are asked for certificates: only where some are accepted.
    asks: bool,
}

/// A connection after its handshake.
pub struct Secured {
    /// The connection.
    pub stream: TlsStream<TcpStream>,
    /// The client's certificates in DER, its own first; it has proven to hold the key of that.
    pub client_certificates: Option<Arc<Vec<Vec<u8>>>>,
}

impl Tls {
    /// Reads or issues the certificates; none where the configuration has no `tls`.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where the configuration is wrong, 3 where no certificate can be
    /// issued.
    pub async fn open(
        config: &ServerConfig,
        base: &Path,
        app: &App,
    ) -> Result<Option<Self>, CliError> {
        let Some(live) = Live::new(config, base, app).await? else { return Ok(None) };
        live.measure(app);
        Ok(Some(Self(Arc::new(Inner { live: RwLock::new(live), making: Mutex::new(()) }))))
    }

    fn live(&self) -> Live {
        self.0.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Prepares what a new configuration says; none where it has no `tls`. Nothing changes yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn prepare(
        &self,
        config: &ServerConfig,
        base: &Path,
        app: &App,
    ) -> Result<Option<Live>, CliError> {
        let _making = self.0.making.lock().await;
        Live::new(config, base, app).await
    }

    /// Puts it in force. Connections that are open stay as they are.
    pub fn replace(&self, live: Live, app: &App) {
        live.measure(app);
        *self.0.live.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// Does the handshake; none when it fails, takes too long, or the client shows a certificate
    /// whose key it does not hold.
    pub async fn accept(&self, stream: TcpStream, app: &App) -> Option<Secured> {
        let live = self.live();
        let patience = Duration::from_secs(live.settings.config.handshake_timeout_seconds);
        let (stream, outcome) =
            match tokio::time::timeout(patience, live.acceptor.accept(stream)).await {
                Ok(Ok(stream)) => (Some(stream), Handshake::Done),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    (None, Handshake::Failed)
                }
                Err(_) => (None, Handshake::TimedOut),
            };
        app.metrics().handshake(outcome);
        let stream = stream?;
        let shown = stream.get_ref().1.peer_certificates();
        let client_certificates =
            shown.map(|chain| Arc::new(chain.iter().map(|one| one.to_vec()).collect()));
        Some(Secured { stream, client_certificates })
    }

    /// Renews what this server issued to itself, for ever.
    pub async fn renew(&self, app: &App) {
        let mut wait = PERIOD;
        loop {
            tokio::time::sleep(wait).await;
            wait = match self.renew_once(app).await {
                Ok(()) => PERIOD,
                Err(error) => {
                    tracing::error!(%error, "the server's certificate could not be renewed");
                    RETRY
                }
            };
        }
    }

    async fn renew_once(&self, app: &App) -> Result<(), CliError> {
        let _making = self.0.making.lock().await;
        let Live { settings, mut certificates, .. } = self.live();
        let mut renewed = false;
        for (of, held) in settings.config.certificates.iter().zip(&mut certificates) {
            if let CertificateConfig::Issued(issued) = of
                && own::renewal(held.leaf()) <= app.now()
            {
                *held = own::current(issued, &settings.data, app).await?;
                renewed = true;
            }
        }
        if renewed {
            self.replace(Live::of(settings, certificates)?, app);
        }
        Ok(())
    }
}

impl Live {
    async fn new(config: &ServerConfig, base: &Path, app: &App) -> Result<Option<Self>, CliError> {
        let Some(tls) = &config.tls else { return Ok(None) };
        let mut certificates = Vec::new();
        for one in &tls.certificates {
            certificates.push(match one {
                CertificateConfig::Files(files) => {
                    ServerCertificate::from_files(files, base, app.now())?
                }
                CertificateConfig::Issued(issued) => {
                    own::current(issued, &config.data, app).await?
                }
            });
        }
        let settings = Settings {
            config: tls.clone(),
            data: config.data.clone(),
            asks: !config.auth.client_certificates.is_empty(),
        };
        Self::of(settings, certificates).map(Some)
    }

    fn of(settings: Settings, certificates: Vec<ServerCertificate>) -> Result<Self, CliError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let versions: &[&SupportedProtocolVersion] =
            if settings.config.allow_tls12 { &[&TLS13, &TLS12] } else { &[&TLS13] };
        let builder =
            RustlsConfig::builder_with_provider(provider).with_protocol_versions(versions);
        let builder = builder.map_err(|error| CliError::of(Exit::Fault, "tls", &error))?;
        let builder = match settings.asks {
            true => {
                let composite = settings.config.draft_composite_clients;
                builder.with_client_cert_verifier(Arc::new(Possession { algorithms, composite }))
            }
            false => builder.with_no_client_auth(),
        };
        let choice = Choice(certificates.iter().map(ServerCertificate::certified).collect());
        let mut config = builder.with_cert_resolver(Arc::new(choice));
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { settings, certificates, acceptor })
    }

    fn measure(&self, app: &App) {
        let ends = self.certificates.iter().map(|one| {
            let not_after = one.leaf().validity().not_after();
            (one.algorithm(), not_after.as_second())
        });
        app.metrics().tls_certificates(ends);
    }
}
