//! A server between a program and the one that it asks: it passes everything on, and alters what a test
//! tells it to.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Response, StatusCode};
use futures_util::stream;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The longest body that is held, in octets.
const MOST: usize = 64 << 20;

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Such as `POST`.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// Whether it is one of this method below this path.
    #[must_use]
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.starts_with(path)
    }
}

/// What becomes of a request.
pub enum Twist {
    /// It is passed on, and so is the answer.
    Pass,
    /// The same for another path.
    At(String),
    /// Nobody is asked, and this is answered: status, media type, body.
    Instead(u16, &'static str, String),
    /// It is passed on; of the answer comes a half, and then the connection ends.
    Half,
    /// It is passed on, and the answer is changed.
    Changed(Box<dyn FnOnce(String) -> String + Send>),
}

impl Twist {
    /// The answer is changed by this.
    pub fn changed(change: impl FnOnce(String) -> String + Send + 'static) -> Self {
        Self::Changed(Box::new(change))
    }
}

type Rule = Arc<dyn Fn(&Asked) -> Twist + Send + Sync>;

/// Stands between.
pub struct Between {
    address: SocketAddr,
    door: Arc<Door>,
    runtime: Option<Runtime>,
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Between").field("address", &self.address).finish_non_exhaustive()
    }
}

struct Door {
    to: String,
    client: reqwest::Client,
    rule: Mutex<Rule>,
    seen: Mutex<Vec<String>>,
}

impl Between {
    /// Before the server at this URL, whose certificate leads to one of these (PEM). It passes
    /// everything on until it is told otherwise.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn before(url: &str, trusted: &str) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.unwrap().with_root_certificates(roots).with_no_client_auth();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let door = Door {
            to: url.trim_end_matches('/').to_owned(),
            client: client.build().unwrap(),
            rule: Mutex::new(Arc::new(|_| Twist::Pass)),
            seen: Mutex::default(),
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut between = Self { address, door: Arc::new(door), runtime: None };
        between.open();
        between
    }

    /// From now on each request comes to what this says.
    pub fn does(&self, rule: impl Fn(&Asked) -> Twist + Send + Sync + 'static) {
        *self.door.rule.lock().unwrap() = Arc::new(rule);
    }

    /// From now on everything passes.
    pub fn passes(&self) {
        self.does(|_| Twist::Pass);
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, each as `METHOD path`.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.door.seen.lock().unwrap().clone()
    }

    /// Ends every connection, and listens again at the same address.
    pub fn cut(&mut self) {
        self.close();
        self.open();
    }

    fn close(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    fn open(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
        // The one before may hold the address for another moment.
        let bound = (0..100).find_map(|_| {
            let bound = runtime.block_on(TcpListener::bind(self.address)).ok();
            bound.or_else(|| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                None
            })
        });
        let listener = bound.unwrap();
        self.address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass).with_state(Arc::clone(&self.door));
        runtime.spawn(async move { axum::serve(listener, router).await });
        self.runtime = Some(runtime);
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.close();
    }
}

async fn pass(State(door): State<Arc<Door>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST).await.unwrap_or_default().to_vec();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let asked = Asked { method: parts.method.to_string(), path, body };
    door.seen.lock().unwrap().push(format!("{} {}", asked.method, asked.path));
    let rule = Arc::clone(&door.rule.lock().unwrap());
    let twist = rule(&asked);
    if let Twist::Instead(status, kind, text) = twist {
        let answer = Response::builder().status(status).header(CONTENT_TYPE, kind);
        return answer.body(Body::from(text)).unwrap();
    }
    let path = if let Twist::At(path) = &twist { path } else { &asked.path };
    let url = format!("{}{path}", door.to);
    let mut headers = parts.headers;
    for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let sent = door.client.request(parts.method, url).headers(headers).body(asked.body);
    let Ok(answer) = sent.send().await else {
        return Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap();
    };
    let status = answer.status();
    let mut headers = answer.headers().clone();
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
    match twist {
        Twist::Pass | Twist::At(_) | Twist::Instead(..) => {
            answered(status, headers, Body::new(reqwest::Body::from(answer)))
        }
        Twist::Changed(change) => {
            headers.remove(CONTENT_LENGTH);
            let text = answer.text().await.unwrap_or_default();
            answered(status, headers, Body::from(change(text)))
        }
        Twist::Half => {
            let whole = answer.bytes().await.unwrap_or_default();
            headers.insert(CONTENT_LENGTH, whole.len().into());
            let half: Bytes = whole.slice(..whole.len() / 2);
            let parts = [Ok(half), Err(io::Error::other("cut off"))];
            answered(status, headers, Body::from_stream(stream::iter(parts)))
        }
    }
}

fn answered(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
