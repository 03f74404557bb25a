//! An issuer over HTTPS with a certificate of our own CA: trusted by `ca_file`, and only then.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{NamedGroup, ServerConfig, ServerConnection, Stream};

use crate::desk::Desk;
use crate::forge::{Forge, claims, key_set};
use crate::workbench::Workbench;

/// Serves `body` to whoever asks; tells how each handshake went.
fn serve(chain: &str, key: &[u8], body: String) -> (u16, Receiver<Option<NamedGroup>>) {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut tls, &mut connection);
            let mut head = [0; 4096];
            let read = stream.read(&mut head);
            if read.is_ok_and(|count| count > 0) {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
                tls.send_close_notify();
                let _ = tls.complete_io(&mut connection);
            }
            let group = tls.negotiated_key_exchange_group().map(|group| group.name());
            if tell.send(group).is_err() {
                return;
            }
        }
    });
    (port, told)
}

fn config(host: &str, port: u16) -> String {
    format!(
        r#"
oidc:
  - issuer: https://issuer.example.com
    audiences: [espalier]
    jwks_url: https://{host}:{port}/keys
    ca_file: root.pem
requesters:
  - rule: all
    match: {{ jwt: {{ issuer: "https://issuer.example.com", subject: "*" }} }}
    grant: {{ roles: [auditor] }}
"#
    )
}

#[tokio::test]
async fn keys_over_https_come_from_whom_the_configuration_trusts() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let run = bench.run("issue --json --key-out k.pem --dns localhost").done().json();
    let forge = Forge::p256();
    let chain = run["chain"].as_str().unwrap();
    let (port, told) = serve(chain, &bench.read("k.pem"), key_set(&[forge.jwk("k1")]));
    let token = forge.token("k1", &claims("https://issuer.example.com"));
    let root = root_of(&bench);
    let desk = async |host: &str, root: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), root).unwrap();
        Desk::at(&config(host, port), folder).await.unwrap()
    };
    desk("localhost", &root).await.bearer(&token).await.unwrap();
    assert_eq!(told.recv().unwrap(), Some(NamedGroup::X25519MLKEM768));
    // The same server, but the certificate is not for this address; then another root.
    for (host, root) in [("127.0.0.1", root.as_slice()), ("localhost", include_bytes!("root.pem"))]
    {
        let answer = desk(host, root).await.bearer(&token).await;
        let error = answer.map(|caller| caller.name().to_owned()).unwrap_err();
        assert_eq!(error.status(), 503);
        let cause = error.cause().unwrap();
        assert!(cause.contains("invalid peer certificate"), "{cause}");
    }
}

fn root_of(bench: &Workbench) -> Vec<u8> {
    bench.run("ca show root --pem").done().stdout
}
