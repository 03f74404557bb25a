//! A small HTTP server on loopback: an issuer, or an API server, that says what a test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path.
    pub(crate) what: String,
    /// The whole head.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What it says: status line and body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: String,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    asked: Vec<Asked>,
}

/// The server; it ends when it is dropped.
pub(crate) struct Stub {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Stub {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state, task }
    }

    /// From now on says this to `METHOD /path`.
    pub(crate) fn says(&self, what: &str, body: impl Into<String>) {
        self.answers(what, Answer { status: "200 OK", headers: String::new(), body: body.into() });
    }

    pub(crate) fn answers(&self, what: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(what.to_owned(), answer);
    }

    /// From now on says nothing but 503.
    pub(crate) fn fails(&self) {
        self.state.lock().unwrap().answers.clear();
    }

    /// What was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut octets = Vec::new();
    let head = loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap_or(0);
        if count == 0 {
            return;
        }
        octets.extend_from_slice(&part[..count]);
        if let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8(octets[..head].to_vec()).unwrap();
    let what = text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let lower = text.to_ascii_lowercase();
    let length = lower
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split("\r\n").next().unwrap().trim().parse().unwrap());
    while octets.len() < head + length {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        octets.extend_from_slice(&part[..count]);
    }
    let body = String::from_utf8(octets[head..].to_vec()).unwrap();
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push(Asked { what: what.clone(), head: text, body });
        state.answers.get(&what).cloned()
    };
    let answer = answer.unwrap_or_else(|| Answer {
        status: "503 Service Unavailable",
        headers: String::new(),
        body: String::new(),
    });
    let Answer { status, headers, body } = answer;
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // The other side may hang up before the end.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
}
