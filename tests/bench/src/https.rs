//! HTTP/1.1 over TLS 1.3 on a connection that is kept, with as little work as can be: what the load
//! costs is missing to the server on the same machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Failure;

/// The longest head of an answer.
const MAX_HEAD: usize = 16 * 1024;

/// The server, and how to speak with it.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    token: Arc<str>,
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    target: Target,
    received: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Target {
    pub(crate) fn new(address: SocketAddr, roots_pem: &[u8], token: &str) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(roots_pem) {
            roots.add(certificate?)?;
        }
        let tls = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
        let tls = Arc::new(tls.with_root_certificates(roots).with_no_client_auth());
        Ok(Self { address, tls, token: token.into() })
    }
}

impl Connection {
    pub(crate) fn open(target: &Target) -> Result<Self, Failure> {
        let socket = TcpStream::connect(target.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let name = ServerName::try_from("localhost")?;
        let client = ClientConnection::new(Arc::clone(&target.tls), name)?;
        let stream = StreamOwned::new(client, socket);
        Ok(Self { stream, target: target.clone(), received: Vec::new() })
    }

    /// Asks for what everybody may see.
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    /// Asks for a certificate, as a chain in PEM.
    pub(crate) fn issue(&mut self, csr: &[u8]) -> Result<Answer, Failure> {
        let head = format!(
            "POST /v1/certificates?authority=issuing HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/pkcs10\r\n\
             Accept: application/pem-certificate-chain\r\nContent-Length: {}\r\n\r\n",
            self.target.token,
            csr.len()
        );
        self.exchange(&[head.as_bytes(), csr].concat())
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.stream.write_all(request)?;
        self.stream.flush()?;
        let head = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if self.received.len() > MAX_HEAD {
                return Err(format!("answer: its head has more than {MAX_HEAD} octets").into());
            }
            self.receive()?;
        };
        let (status, length) = status_and_length(&self.received[..head])?;
        while self.received.len() < head + length {
            self.receive()?;
        }
        let body = self.received[head..head + length].to_vec();
        self.received.drain(..head + length);
        Ok(Answer { status, body })
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let mut octets = [0; 16 * 1024];
        match self.stream.read(&mut octets)? {
            0 => Err("the server closed the connection".into()),
            read => {
                self.received.extend_from_slice(&octets[..read]);
                Ok(())
            }
        }
    }
}

fn status_and_length(head: &[u8]) -> Result<(u16, usize), Failure> {
    let head = std::str::from_utf8(head)?;
    let status = head.split(' ').nth(1).ok_or("answer: has no status")?.parse()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse())
    });
    Ok((status, length.ok_or("answer: has no Content-Length")??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_without_status_or_length_is_an_error() {
        let head = b"HTTP/1.1 201 Created\r\ncontent-length: 17\r\n\r\n";
        assert!(matches!(status_and_length(head), Ok((201, 17))));
        assert!(status_and_length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(status_and_length(b"HTTP/1.1\r\ncontent-length: 17\r\n\r\n").is_err());
    }
}
