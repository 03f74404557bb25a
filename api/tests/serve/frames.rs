//! HTTP/2 by hand (RFC 9113): frames that no client library would send.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// Error codes (section 7).
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM.
    pub(crate) fn code(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.payload.get(..4)?.try_into().ok()?))
    }
}

/// The octets of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// How a client begins.
pub(crate) fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat()
}

/// An integer of HPACK with a prefix of seven bits (RFC 7541 section 5.1).
fn integer(mut value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![value as u8];
    }
    let mut octets = vec![127];
    value -= 127;
    while value >= 128 {
        octets.push((value % 128 + 128) as u8);
        value /= 128;
    }
    octets.push(value as u8);
    octets
}

/// A header field, literal; `first` says whether it goes into the table: 0x00 or 0x40.
pub(crate) fn field(first: u8, name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [integer(text.len()), text.as_bytes().to_vec()].concat();
    [vec![first], text(name), text(value)].concat()
}

/// The head of a request with these fields.
pub(crate) fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")]
    {
        block.extend(field(0, name, value));
    }
    for (name, value) in fields {
        block.extend(field(0, name, value));
    }
    block
}

/// A head in as many frames as it takes.
pub(crate) fn head_frames(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    let mut parts = block.chunks(16_000).peekable();
    let (mut kind, mut octets) = (HEADERS, Vec::new());
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_none() { END_HEADERS } else { 0 };
        let begin = if kind == HEADERS { flags } else { 0 };
        octets.extend(frame(kind, begin | end, stream, part));
        kind = CONTINUATION;
    }
    octets
}

/// Sends these octets behind the preface and gives what came until the end of the connection, or
/// until nothing came for a second.
pub(crate) fn talk(address: SocketAddr, octets: &[u8]) -> Vec<Frame> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let mut answer = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A server that has enough closes its side.
            let _ = writing.write_all(&[&preface(), octets].concat());
        });
        let _ = stream.read_to_end(&mut answer);
        let _ = stream.shutdown(Shutdown::Both);
    });
    frames(&answer)
}

fn frames(mut octets: &[u8]) -> Vec<Frame> {
    let mut found = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = octets {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some((payload, after)) = rest.split_at_checked(length) else { break };
        found.push(Frame { kind: *kind, payload: payload.to_vec() });
        octets = after;
    }
    found
}
