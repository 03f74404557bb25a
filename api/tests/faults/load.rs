//! Clients that ask for certificates, revoke some, and ask again for what they had, until told to
//! stop. A client that got no whole answer asks again with the same key.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ledger::LedgerError;
use serde_json::{Value, json};

use crate::book::{Book, Found, Tally, Told};
use crate::dice::Dice;
use crate::http::{self, Answer};
use crate::stand::Stand;

/// Clients at once. One whose record was cut off waits seconds to hear so.
const CLIENTS: u64 = 16;
/// Most milliseconds between two requests of a client.
const PAUSE: u64 = 250;
/// How long it may take until the server serves again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The problems of a record that was cut off: until it is given up, and from then on.
const CUT_OFF: [&str; 2] = ["request-under-way", "request-abandoned"];

/// Clients at work.
pub(crate) struct Load {
    desk: Arc<Desk>,
    /// What was in the ledger before.
    before: Found,
    clients: Vec<JoinHandle<()>>,
}

/// What the clients share.
struct Desk {
    address: Mutex<SocketAddr>,
    token: String,
    order: String,
    book: Mutex<Book>,
    /// No client begins anything new.
    resting: AtomicBool,
    stop: AtomicBool,
}

/// What came of a request.
enum Reply {
    Done(Box<Answer>),
    /// Worth to be sent again.
    Again,
    Conflict(String),
    Unexpected,
}

impl Load {
    /// Sends the clients to a server.
    pub(crate) fn start(stand: &Stand, address: SocketAddr, seed: u64) -> Self {
        let before = found(stand, &Told::default());
        let desk = Arc::new(Desk {
            address: Mutex::new(address),
            token: stand.token().to_owned(),
            order: json!({"csr": stand.csr(), "validity_seconds": 3600}).to_string(),
            book: Mutex::default(),
            resting: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let clients = (0..CLIENTS).map(|number| {
            let desk = Arc::clone(&desk);
            std::thread::spawn(move || desk.client(number, Dice::new(seed ^ number << 32)))
        });
        let clients = clients.collect();
        Self { desk, before, clients }
    }

    /// From now on the server is here.
    pub(crate) fn aim(&self, address: SocketAddr) {
        *self.desk.address.lock().unwrap() = address;
    }

    pub(crate) fn tally(&self) -> Tally {
        self.desk.book().tally
    }

    /// The serial numbers of what was revoked.
    pub(crate) fn revoked(&self) -> Vec<String> {
        self.desk.book().revoked.iter().cloned().collect()
    }

    /// Waits until so many more certificates were made.
    pub(crate) fn waits_for(&self, more: usize) {
        let wanted = self.tally().made + more;
        self.waits_until(|tally| tally.made >= wanted);
    }

    /// Waits until the tally is like this.
    pub(crate) fn waits_until(&self, mut wanted: impl FnMut(Tally) -> bool) {
        let started = Instant::now();
        while !wanted(self.tally()) {
            let book = self.desk.book();
            assert!(book.complaints.is_empty(), "{:#?}", book.complaints);
            assert!(started.elapsed() < PATIENCE, "nothing more is served: {:?}", book.tally);
            drop(book);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The ledger is sound, and knows all that was told since the last time. What is under way goes
    /// on; nothing else begins, or the ledger would grow with every look into it.
    pub(crate) fn is_kept(&self, stand: &Stand) {
        self.desk.resting.store(true, Ordering::Relaxed);
        let told = self.desk.book().take_fresh();
        found(stand, &told);
        self.desk.resting.store(false, Ordering::Relaxed);
        let book = self.desk.book();
        assert!(book.complaints.is_empty(), "{:#?}", book.complaints);
    }

    /// Stops the clients; the server serves. Every key has one certificate in the ledger, or its
    /// record was cut off and never will: nothing is there that nobody asked for.
    pub(crate) fn ends(self, stand: &Stand) -> Tally {
        self.desk.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        let open: Vec<String> = self.desk.book().open.iter().cloned().collect();
        std::thread::scope(|scope| {
            for key in &open {
                scope.spawn(|| self.desk.settle(key));
            }
        });
        let book = self.desk.book();
        assert!(book.complaints.is_empty(), "{:#?}", book.complaints);
        let found = found(stand, &book.told());
        let wanted = Found {
            certificates: self.before.certificates + book.certificates.len() as u64,
            cut_off: self.before.cut_off + book.cut_off.len() as u64,
        };
        assert_eq!(found, wanted, "{:?} cut off: {:?}", book.tally, book.cut_off);
        book.tally
    }
}

/// What is in the ledger, of all that was told. Who can't be reached for a moment is asked again, as
/// servers do: what counts is what is there.
fn found(stand: &Stand, told: &Told) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        loop {
            match look(stand, told).await {
                Ok(found) => return found,
                Err(LedgerError::Unavailable { source, .. }) if started.elapsed() < PATIENCE => {
                    println!("the ledger is looked at again: {source}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
            }
        }
    })
}

async fn look(stand: &Stand, told: &Told) -> Result<Found, LedgerError> {
    let ledger = ledger::open(stand.ledger()).await?;
    let found = told.is_in(&ledger).await;
    ledger.close().await?;
    found
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, Book> {
        // Whoever fails with the book in hand has said why.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn client(&self, number: u64, mut dice: Dice) {
        let mut known: Vec<(String, String)> = Vec::new();
        for count in 0.. {
            while self.resting.load(Ordering::Relaxed) && !self.stopped() {
                std::thread::sleep(Duration::from_millis(2));
            }
            if self.stopped() {
                return;
            }
            let key = format!("client-{number}-{count}");
            self.book().open.insert(key.clone());
            known.extend(self.issue(&key).map(|serial| (key, serial)));
            if known.is_empty() {
                continue;
            }
            let chosen = dice.roll(known.len() as u64) as usize;
            match dice.roll(6) {
                // What is revoked is not handed out again.
                0 => self.revoke(&known.swap_remove(chosen).1),
                1 => drop(self.issue(&known[chosen].0)),
                _ => {}
            }
            dice.wait(PAUSE);
        }
    }

    /// Asks until there is an answer; gives the serial number.
    fn issue(&self, key: &str) -> Option<String> {
        let headers = [("Idempotency-Key", key)];
        while !self.stopped() {
            match self.send("/v1/certificates", &headers, &self.order, 201) {
                Reply::Done(answer) => return Some(self.note(key, &answer)),
                Reply::Again => std::thread::sleep(Duration::from_millis(20)),
                Reply::Conflict(kind) if CUT_OFF.contains(&kind.as_str()) => {
                    let mut book = self.book();
                    book.open.remove(key);
                    book.cut_off.insert(key.to_owned());
                    return None;
                }
                Reply::Conflict(kind) => {
                    self.book().complaints.push(format!("{key}: {kind}"));
                    return None;
                }
                Reply::Unexpected => return None,
            }
        }
        None
    }

    fn note(&self, key: &str, answer: &Answer) -> String {
        let certificate = answer.json();
        let repeated = answer.header("idempotency-replayed") == Some("true");
        let text = certificate["certificate"].as_str().unwrap_or_default();
        self.book().certificate(key, text, repeated);
        certificate["serial"].as_str().unwrap_or_default().to_owned()
    }

    /// Asks for the last time: the server serves.
    fn settle(&self, key: &str) {
        let headers = [("Idempotency-Key", key)];
        let started = Instant::now();
        loop {
            match self.send("/v1/certificates", &headers, &self.order, 201) {
                Reply::Done(answer) => drop(self.note(key, &answer)),
                Reply::Again if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                Reply::Conflict(kind) if CUT_OFF.contains(&kind.as_str()) => {
                    self.book().cut_off.insert(key.to_owned());
                }
                _ => self.book().complaints.push(format!("{key} was never answered")),
            }
            return;
        }
    }

    fn revoke(&self, serial: &str) {
        let target = format!("/v1/certificates/{serial}/revoke");
        let body = json!({"reason": "superseded"}).to_string();
        while !self.stopped() {
            match self.send(&target, &[], &body, 200) {
                Reply::Done(_) => self.book().revocation(serial),
                // By this client, whose answer was lost on its way.
                Reply::Conflict(kind) if kind == "already-revoked" => {
                    self.book().revocation(serial);
                }
                Reply::Again => {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Reply::Conflict(kind) => self.book().complaints.push(format!("{serial}: {kind}")),
                Reply::Unexpected => {}
            }
            return;
        }
    }

    /// Sends a request, and judges the answer: told to come again, it says when.
    fn send(&self, target: &str, headers: &[(&str, &str)], body: &str, wanted: u16) -> Reply {
        let address = *self.address.lock().unwrap();
        let authorization = format!("Bearer {}", self.token);
        let mut all =
            vec![("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        let Ok(answer) = try_send(address, "POST", target, &all, body.as_bytes()) else {
            self.book().tally.lost += 1;
            return Reply::Again;
        };
        if answer.status == wanted {
            return Reply::Done(Box::new(answer));
        }
        let mut book = self.book();
        let kind = kind(&answer);
        let waits = answer.header("retry-after").is_some_and(|it| it.parse::<u64>().is_ok());
        match answer.status {
            503 if waits && kind == "not-stored" => {
                book.tally.not_stored += 1;
                Reply::Again
            }
            429 | 503 if waits => {
                book.tally.busy += 1;
                Reply::Again
            }
            409 => Reply::Conflict(kind),
            _ => {
                book.complaints.push(format!("{target}: {answer:?}"));
                Reply::Unexpected
            }
        }
    }
}

/// The kind of a problem.
fn kind(answer: &Answer) -> String {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = document["type"].as_str().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

/// Sends a request to a server that may be gone.
///
/// # Errors
/// When there is no connection, or it ended before the whole answer was there.
fn try_send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(&http::request(address, method, target, headers, body))?;
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets)?;
    let answer = http::parse(&octets).ok_or(io::ErrorKind::UnexpectedEof)?;
    let length: Option<usize> =
        answer.header("content-length").and_then(|length| length.parse().ok());
    match length {
        Some(length) if answer.body.len() == length => Ok(answer),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
