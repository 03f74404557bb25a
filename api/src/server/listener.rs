//! Sockets: connections are accepted, bounded, served, and at the end drained.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use super::access::Peer;
use super::config::Limits;
use super::state::App;
use super::tls::{Secured, Tls};

/// How long is waited before connections are accepted again, when the system has no descriptor
/// left for one.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves HTTP/1.1 and HTTP/2 on the socket, over TLS where there is one, until `stop` is done; then
/// what is under way gets `drain_timeout_seconds`.
pub async fn serve(
    socket: TcpListener,
    router: Router,
    app: &App,
    tls: Option<&Tls>,
    stop: impl Future<Output = ()>,
) {
    let limits = app.limits();
    let server = Server::new(limits);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        // Who finds no room waits in the socket's queue.
        let permit = tokio::select! {
            () = &mut stop => break,
            permit = Arc::clone(&room).acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = socket.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let (server, router, watcher) = (server.clone(), router.clone(), graceful.watcher());
        let (app, tls) = (App::clone(app), tls.cloned());
        tokio::spawn(async move {
            let _permit = permit;
            let open = app.metrics().connections().clone();
            open.inc();
            match tls {
                None => {
                    let peer = Peer { address, client_certificates: None };
                    server.connection(stream, peer, router, watcher).await;
                }
                Some(tls) => {
                    if let Some(Secured { stream, client_certificates }) =
                        tls.accept(stream, &app).await
                    {
                        let peer = Peer { address, client_certificates };
                        server.connection(stream, peer, router, watcher).await;
                    }
                }
            }
            open.dec();
        });
    }
    drop(socket);
    let drained = Duration::from_secs(limits.drain_timeout_seconds);
    if tokio::time::timeout(drained, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = limits.drain_timeout_seconds, "connections were cut off");
    }
}

/// How connections are served.
#[derive(Clone, Debug)]
pub struct Server {
    builder: Builder<TokioExecutor>,
    /// How long a connection may go without its first request. hyper's own limit starts with the
    /// first octets, and answers before this one.
    first_request: Duration,
}

impl Server {
    /// With these limits.
    pub fn new(limits: &Limits) -> Self {
        // What is a little too large is read, so that it is refused with a document.
        let head = limits.header_bytes.saturating_mul(2).saturating_add(limits.uri_bytes);
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(limits.header_read_timeout_seconds))
            .max_buf_size(head)
            .keep_alive(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.http2_streams)
            .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .max_send_buf_size(256 * 1024)
            .keep_alive_interval(Duration::from_secs(limits.idle_timeout_seconds))
            .keep_alive_timeout(Duration::from_secs(limits.header_read_timeout_seconds));
        let first_request = Duration::from_secs(limits.header_read_timeout_seconds + 1);
        Self { builder, first_request }
    }

    /// Serves one connection to its end, over TCP or TLS.
    pub fn connection<S>(
        &self,
        stream: S,
        peer: Peer,
        router: Router,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + 'static + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = TowerToHyperService::new(router);
        let address: SocketAddr = peer.address;
        let asked = Arc::new(Notify::new());
        let asks = Arc::clone(&asked);
        let service = service_fn(move |mut request: Request<Incoming>| {
            asks.notify_one();
            request.extensions_mut().insert(peer.clone());
            router.call(request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let connection = watcher.watch(connection.into_owned());
        let first_request = self.first_request;
        async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = asked.notified() => connection.await,
                () = tokio::time::sleep(first_request) => {
                    tracing::debug!(peer = %address, "a connection without a request is closed");
                    return;
                }
            };
            if let Err(error) = ended {
                tracing::debug!(peer = %address, error, "a connection ended early");
            }
        }
    }
}
