//! A server in the test's own process, by a clock that the test gives it.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ca_core::crl::CertificateList;
use espalier::cli::{Context, Terminal};
use espalier::server::config::ServerConfig;
use espalier::server::run::Server;
use jiff::Timestamp;
use rand_core::UnwrapErr;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::http;
use crate::workbench::Workbench;

/// A server in this process.
pub(crate) struct InProcess {
    api: SocketAddr,
    public: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl InProcess {
    /// Serves the data folder of the bench.
    pub(crate) fn start(bench: &Workbench, clock: fn() -> Timestamp) -> Self {
        let data = bench.path("espalier-data");
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_by(ServerConfig::of_data_folder(data, here), clock)
    }

    /// The same by a configuration with a public listener, whose paths are whole.
    pub(crate) fn start_by(config: ServerConfig, clock: fn() -> Timestamp) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let rng = || Box::new(UnwrapErr(getrandom::SysRng)) as _;
            let mut context = Context::new(clock, rng, Terminal::plain());
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let server = Server::open(&config, Path::new(""), &mut context).await.unwrap();
                let public = server.public_address().unwrap().unwrap();
                tell.send((server.address().unwrap(), public)).unwrap();
                tokio::select! {
                    ended = server.run(None, &mut context) => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let (api, public) = told.recv().unwrap();
        Self { api, public, stop: Some(stop), thread: Some(thread) }
    }

    /// The list of this name that is handed out.
    pub(crate) fn list(&self, name: &str) -> Option<CertificateList> {
        let answer = http::send(self.public, "GET", &format!("/crl/{name}.crl"), &[], b"");
        (answer.status == 200).then(|| CertificateList::from_der(answer.body).unwrap())
    }

    /// The number of the list that is handed out.
    pub(crate) fn number(&self) -> Option<String> {
        self.list("issuing").map(|list| list.number().to_string())
    }

    /// What it answers to a request.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> http::Answer {
        http::send(self.api, method, target, headers, body)
    }

    /// Status and document of `/readyz`.
    pub(crate) fn ready(&self) -> (u16, Value) {
        let answer = http::send(self.api, "GET", "/readyz", &[], b"");
        (answer.status, answer.json())
    }

    /// Waits until it is ready, or until this check alone fails; what that check found.
    #[track_caller]
    pub(crate) fn waits_for(&self, failing: Option<&str>, words: &[&str]) {
        let started = Instant::now();
        loop {
            let (status, document) = self.ready();
            let checks = document["checks"].as_array().unwrap();
            let failed: Vec<&str> = checks
                .iter()
                .filter(|check| check["passes"] == false)
                .map(|check| check["name"].as_str().unwrap())
                .collect();
            let wanted: Vec<&str> = failing.into_iter().collect();
            let text = document.to_string();
            if failed == wanted && words.iter().all(|word| text.contains(word)) {
                assert_eq!(status, if failing.is_some() { 503 } else { 200 });
                assert_eq!(document["ready"], failing.is_none());
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{document:#}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it hands out the list of this number.
    #[track_caller]
    pub(crate) fn hands_out(&self, number: &str) {
        let started = Instant::now();
        while self.number().as_deref() != Some(number) {
            assert!(started.elapsed() < Duration::from_secs(30), "{:?}", self.number());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}
