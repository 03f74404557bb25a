//! A small collector of our own, which decodes OTLP's protobuf with the published types.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// What it says to the message of this number, the first is 0; nothing where it is mute.
pub(crate) type Manner = fn(usize) -> Option<&'static str>;

/// Takes whatever comes.
pub(crate) fn takes(_: usize) -> Option<&'static str> {
    Some("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

/// A message as it came.
pub(crate) struct Received {
    /// Request line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) at: Instant,
    message: ExportTraceServiceRequest,
}

impl Received {
    /// Its spans.
    pub(crate) fn spans(self) -> impl Iterator<Item = Span> {
        let scopes = self.message.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        scopes.flat_map(|scope| scope.spans)
    }
}

/// Takes messages on a free port until the test ends.
pub(crate) struct Collector {
    pub(crate) port: u16,
    messages: Receiver<Received>,
}

impl Collector {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, messages) = mpsc::channel();
        let count = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (sender, count) = (sender.clone(), Arc::clone(&count));
                std::thread::spawn(move || take(stream.unwrap(), &sender, manner, &count));
            }
        });
        Self { port, messages }
    }

    /// The configuration of a server that sends its spans here, with more about that.
    pub(crate) fn config(&self, more: &str) -> String {
        let port = self.port;
        format!(
            "version: 1\nlisten: 127.0.0.1:0\ntelemetry:\n  traces:\n    endpoint: http://127.0.0.1:{port}/v1/traces\n{more}"
        )
    }

    /// The next message.
    pub(crate) fn next(&self) -> Received {
        self.messages.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// The spans of all messages, once no more come; each resource is looked at.
    pub(crate) fn spans(&self, look: impl Fn(&str)) -> Vec<Span> {
        let mut spans = Vec::new();
        while let Ok(received) = self.messages.recv_timeout(Duration::from_secs(2)) {
            for of_resource in received.message.resource_spans {
                look(&format!("{:?}", of_resource.resource.unwrap()));
                spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        spans
    }
}

/// Reads messages of one connection, and answers each.
fn take(mut stream: TcpStream, sender: &Sender<Received>, manner: Manner, count: &AtomicUsize) {
    let mut octets = Vec::new();
    loop {
        let mut part = [0; 16 * 1024];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(read) => octets.extend_from_slice(&part[..read]),
        }
        let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&octets[..end]).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let whole = end + 4 + length.parse::<usize>().unwrap();
        if octets.len() < whole {
            continue;
        }
        let message = ExportTraceServiceRequest::decode(&octets[end + 4..whole]).unwrap();
        octets.drain(..whole);
        let answer = manner(count.fetch_add(1, Ordering::Relaxed));
        // The test may be over.
        let _ = sender.send(Received { head, at: Instant::now(), message });
        if let Some(answer) = answer {
            let _ = stream.write_all(answer.as_bytes());
        }
    }
}

/// An attribute of a span.
pub(crate) fn attribute(span: &Span, name: &str) -> Option<String> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name}: {other:?}"),
    }
}
