//! A CA whose leaves name the URLs of a server that runs, that server, and an impostor in its place.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::espalier::Espalier;

/// How long the server may take to start, or to make a list.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the list is, at the server's address.
pub const LIST: &str = "/crl/issuing.crl";
/// Where OCSP is.
pub const OCSP: &str = "/ocsp/issuing";

/// An address whose port is free now.
///
/// # Panics
/// When the system has none.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address")
}

/// Makes `root.pem`, `issuing.pem`, and two leaves that name the URLs at `address`, `good.pem` and `bad.pem`;
/// none is revoked. `espalier.yaml` is for a server there.
///
/// # Panics
/// When the command refuses, or a file can't be written.
pub fn found(espalier: &Espalier, folder: &Path, algorithm: &str, address: SocketAddr) {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("written");
    espalier.done(&format!("init --algorithm {algorithm} --no-passphrase"));
    for authority in ["root", "issuing"] {
        espalier.done(&format!("ca show {authority} --pem --out {authority}.pem"));
    }
    let urls = format!(
        "crl_distribution_points: ['http://{address}{LIST}']\nocsp_urls: ['http://{address}{OCSP}']\nca_issuers_urls: ['http://{address}/ca/issuing.cer']\n"
    );
    let shipped = include_str!("../../../ca-core/profiles/tls-server.yaml");
    write("leaf.yaml", shipped.replace("name: tls-server", "name: online") + &urls);
    for name in ["good", "bad"] {
        let files = format!("--key-out {name}.key --out {name}.pem");
        espalier.done(&format!("issue --profile-file leaf.yaml --dns {name}.test {files}"));
    }
    let api = free_address();
    write("espalier.yaml", format!("version: 1\nlisten: {api}\npublic: {{listen: '{address}'}}\n"));
}

/// A running server, killed at the end.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Starts it by `espalier.yaml` and waits until it has a list.
    ///
    /// # Panics
    /// When it has none after a minute.
    #[must_use]
    pub fn start(espalier: &Espalier, address: SocketAddr) -> Self {
        let child = espalier.command("serve --config espalier.yaml").spawn();
        let serving = Self { child: child.expect("it can be started"), address };
        let _ = serving.list_other_than(&[]);
        serving
    }

    /// What lies at a path.
    ///
    /// # Panics
    /// When the answer is another than 200.
    #[must_use]
    pub fn fetch(&self, path: &str) -> Vec<u8> {
        ask(self.address, "GET", path, "", b"").unwrap_or_else(|| panic!("{path}: no 200"))
    }

    /// The answer to an OCSP request by POST.
    ///
    /// # Panics
    /// When the answer is another than 200.
    #[must_use]
    pub fn ocsp(&self, request: &[u8]) -> Vec<u8> {
        let media_type = "Content-Type: application/ocsp-request\r\n";
        ask(self.address, "POST", OCSP, media_type, request).expect("an OCSP answer")
    }

    /// The list, once it is another than this one.
    ///
    /// # Panics
    /// When it is the same after a minute.
    #[must_use]
    pub fn list_other_than(&self, known: &[u8]) -> Vec<u8> {
        let started = Instant::now();
        loop {
            match ask(self.address, "GET", LIST, "", b"") {
                Some(list) if list != known => return list,
                _ => assert!(started.elapsed() < PATIENCE, "there is no other list"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The body of a 200; none otherwise.
fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    answer.starts_with(b"HTTP/1.1 200 ").then(|| answer.split_off(end + 4))
}

/// Somebody who answers in the server's place: whatever is asked below a path, by the same octets.
#[derive(Debug)]
pub struct Impostor {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u32>>,
}

impl Impostor {
    /// Answers with this list and this OCSP response until the value is dropped.
    ///
    /// # Panics
    /// When the address is taken.
    #[must_use]
    pub fn start(address: SocketAddr, list: Vec<u8>, response: Vec<u8>) -> Self {
        let listener = TcpListener::bind(address).expect("the server is gone");
        let answers = HashMap::from([
            (LIST, ("application/pkix-crl", list)),
            (OCSP, ("application/ocsp-response", response)),
        ]);
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut count = 0;
            for stream in listener.incoming() {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                count += u32::from(stream.is_ok_and(|stream| answer(stream, &answers).is_some()));
            }
            count
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// Ends it, and says how many requests it answered.
    ///
    /// # Panics
    /// When its thread did.
    #[must_use]
    pub fn end(mut self) -> u32 {
        self.stop_listening();
        self.thread.take().map_or(0, |thread| thread.join().expect("it ends"))
    }

    fn stop_listening(&self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // wakes it, if it is there at all
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop_listening();
            let _ = thread.join(); // a test that fails says so itself
        }
    }
}

/// Reads one request to its end, and answers it; none for one that is about nothing here.
fn answer(stream: TcpStream, answers: &HashMap<&str, (&str, Vec<u8>)>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<u64>().ok()?;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    let (_, (media_type, body)) = answers.iter().find(|(below, _)| path.starts_with(**below))?;
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    (&stream).write_all(&[head.as_bytes(), body].concat()).ok()
}
