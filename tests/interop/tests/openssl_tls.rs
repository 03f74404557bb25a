//! OpenSSL: TLS 1.3 on the loopback interface with our certificates, `s_server` against `s_client`.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ca_core::algorithm::Algorithm;
use ca_core::pem::{self, Label};
use interop::issue::{Authority, Chain, Role, pkcs8};
use interop::judge::certificate_twins;
use interop::openssl::{OpenSsl, ended};
use interop::peers::tried;

const PEER: &str = "openssl";

/// A server that is ended when it is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Takes the files leaf.pem, leaf.key and issuing.pem. The system chooses the port, the server prints it.
    fn start(openssl: &OpenSsl) -> Self {
        let words = "s_server -accept 127.0.0.1:0 -tls1_3 -cert leaf.pem -key leaf.key -cert_chain issuing.pem";
        // It goes on as long as its standard input is open.
        let mut child = openssl.command(words).stdin(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = std::sync::mpsc::channel();
        // The thread goes on reading until the server ends, so that the pipe never fills.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let port =
                    line.strip_prefix("ACCEPT 127.0.0.1:").and_then(|port| port.parse().ok());
                port.map(|port: u16| tell.send(port));
            }
        });
        match told.recv_timeout(Duration::from_secs(30)) {
            Ok(port) => Self { child, port },
            Err(_) => {
                let _ = child.kill();
                panic!("s_server does not listen: {}", ended(child).error)
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// What the client says of the connection.
fn connect(openssl: &OpenSsl, port: u16, trusted: &str, name: &str) -> Result<String, String> {
    let ran = openssl.run(&format!(
        "s_client -connect 127.0.0.1:{port} -tls1_3 -brief -verify_return_error -CAfile {trusted} \
         -servername {name} -verify_hostname {name}"
    ))?;
    Ok(ran.error)
}

#[test]
fn tls_holds_over_our_chains() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (name, signature) in [
        ("ML-DSA-44", "mldsa44"),
        ("ML-DSA-65", "mldsa65"),
        ("ML-DSA-87", "mldsa87"),
        ("ECDSA-P256", "ecdsa_secp256r1_sha256"),
        ("Ed25519", "ed25519"),
        ("RSA-2048", "rsa_pss_rsae_sha256"),
    ] {
        let algorithm = Algorithm::named(name).unwrap();
        let chain = Chain::of(algorithm);
        let [leaf, issuing, root] = chain.ders();
        // Another authority of the same name.
        let other = Authority::root(Algorithm::named("ECDSA-P521").unwrap(), None);
        for (file, der) in [("leaf.pem", leaf), ("issuing.pem", issuing), ("root.pem", root)] {
            openssl.write_pem(file, Label::Certificate, der);
        }
        openssl.write_pem("other.pem", Label::Certificate, other.certificate.der());
        openssl.write("leaf.key", pem::encode(Label::PrivateKey, &pkcs8(algorithm, Role::Leaf)));

        let started = Instant::now();
        let server = Server::start(&openssl);
        let said = connect(&openssl, server.port, "root.pem", "leaf.test").unwrap();
        for expected in ["Verification: OK", "TLSv1.3", signature] {
            assert!(said.contains(expected), "{name}: no {expected}: {said}");
        }
        let untrusted = connect(&openssl, server.port, "other.pem", "leaf.test").unwrap_err();
        assert!(untrusted.contains("certificate"), "{name}: {untrusted}");
        let misnamed = connect(&openssl, server.port, "root.pem", "other.test").unwrap_err();
        assert!(misnamed.contains("hostname"), "{name}: {misnamed}");
        drop(server);

        for (field, twin) in certificate_twins(leaf) {
            openssl.write_pem("leaf.pem", Label::Certificate, &twin);
            let server = Server::start(&openssl);
            let refused = connect(&openssl, server.port, "root.pem", "leaf.test").unwrap_err();
            assert!(
                refused.contains("verif") || refused.contains("signature"),
                "{name}: {field}: {refused}"
            );
        }
        println!("{name}: {} ms", started.elapsed().as_millis());
        let outcome = "accepted; other root, other name, flipped bits refused";
        tried(PEER, &format!("TLS 1.3 over our {} chain", algorithm.family()), outcome);
    }
}
