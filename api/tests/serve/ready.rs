//! `/readyz`, and lists that are made when they are due, by a clock that the test sets.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ca_core::crl::CertificateList;
use espalier::cli::{Context, Terminal};
use espalier::server::config::ServerConfig;
use espalier::server::run::Server;
use jiff::{SignedDuration, Timestamp};
use rand_core::UnwrapErr;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::http;
use crate::workbench::Workbench;

/// By how many minutes the server's clock is ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    interop::issue::now() + SignedDuration::from_mins(AHEAD.load(Ordering::Relaxed))
}

fn set_ahead(minutes: i64) {
    AHEAD.store(minutes, Ordering::Relaxed);
}

/// A server in this process.
struct InProcess {
    api: SocketAddr,
    public: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl InProcess {
    fn start(bench: &Workbench) -> Self {
        let data = bench.path("espalier-data");
        let config = ServerConfig::of_data_folder(data, SocketAddr::from(([127, 0, 0, 1], 0)));
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

    /// The number of the list that is handed out.
    fn number(&self) -> Option<String> {
        let answer = http::send(self.public, "GET", "/crl/issuing.crl", &[], b"");
        let list = (answer.status == 200).then(|| CertificateList::from_der(answer.body).unwrap());
        list.map(|list| list.number().to_string())
    }

    /// Status and document of `/readyz`.
    fn ready(&self) -> (u16, Value) {
        let answer = http::send(self.api, "GET", "/readyz", &[], b"");
        (answer.status, answer.json())
    }

    /// Waits until it is ready, or until this check alone fails; what that check found.
    #[track_caller]
    fn waits_for(&self, failing: Option<&str>, words: &[&str]) {
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

    #[track_caller]
    fn hands_out(&self, number: &str) {
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

#[test]
fn a_list_is_made_at_its_time_and_a_stale_one_is_told() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let server = InProcess::start(&bench);
    server
        .waits_for(None, &["issuing: number 1, until ", "\"allowed\":\"a list of each authority"]);
    let names: Vec<Value> = server.ready().1["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].clone())
        .collect();
    assert_eq!(names, ["ledger", "keys", "clock", "crls"]);

    // A list an hour; it is good for seven days.
    set_ahead(59);
    thread::sleep(Duration::from_millis(2_500));
    server.hands_out("1");
    set_ahead(61);
    server.hands_out("2");

    // Nobody can publish while the folder is locked.
    let folder = File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    set_ahead(61 + 160 * 60);
    server.waits_for(None, &["issuing: number 2, about to end, at "]);
    set_ahead(61 + 169 * 60);
    server.waits_for(Some("crls"), &["issuing: number 2, over since ", "before its nextUpdate"]);
    server.hands_out("2");
    drop(folder);
    server.waits_for(None, &["issuing: number 3, until "]);

    set_ahead(0);
    server.waits_for(Some("clock"), &["when the newest revocation list was made"]);
}

#[test]
fn a_server_without_its_lists_is_not_ready() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let folder = File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    let server = InProcess::start(&bench);
    server.waits_for(Some("crls"), &["issuing: none"]);
    drop(folder);
    server.waits_for(None, &["issuing: number 1, "]);
}
