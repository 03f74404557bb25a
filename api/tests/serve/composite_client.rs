//! A client with a composite key: a rustls that was taught to sign by our core, for no stock one can.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, PrivateKeyDer};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    ClientConfig, ClientConnection, Error, RootCertStore, SignatureAlgorithm, SignatureScheme,
    StreamOwned,
};

use crate::running::Running;
use crate::workbench::Workbench;

const SCHEME: SignatureScheme = SignatureScheme::Unknown(0x0907);
const ALGORITHM: &str = "MLDSA44-ECDSA-P256-SHA256";

/// Signs by the core, or flips a bit of what it signed.
#[derive(Clone)]
struct Composite {
    signer: Arc<ca_core::sign::Signer>,
    bent: bool,
}

impl fmt::Debug for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Composite")
    }
}

impl SigningKey for Composite {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SCHEME).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Unknown(0)
    }
}

impl Signer for Composite {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.signer.sign(message);
        let mut signature = signature.map_err(|error| Error::General(error.to_string()))?;
        signature[100] ^= u8::from(self.bent);
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        SCHEME
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], offered: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        offered.contains(&SCHEME).then(|| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Who asks for the authorities with this certificate and key: the answer, or nothing.
fn ask(bench: &Workbench, server: &Running, bent: bool) -> String {
    let key = pem::read_one_private_key_der(&bench.read("client.key")).unwrap();
    let PrivateKeyDer::Clear(key) = key else { panic!("it has no passphrase") };
    let key = PrivateKey::from_der(&key).unwrap();
    let signer = Arc::new(key.signer(Algorithm::named(ALGORITHM).unwrap().scheme()).unwrap());
    let chain = CertificateDer::pem_slice_iter(&bench.read("client.pem"))
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let certified = CertifiedKey::new(chain, Arc::new(Composite { signer, bent }));
    let mut roots = RootCertStore::empty();
    let root = bench.read("espalier-data/authorities/classic/certificate.pem");
    roots.add(CertificateDer::from_pem_slice(&root).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = config.with_client_cert_resolver(Arc::new(Always(Arc::new(certified))));
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(server.address).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    let request = b"GET /v1/authorities HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if stream.write_all(request).is_err() {
        return String::new();
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_composite_key_counts_where_the_configuration_says_so_and_one_flipped_bit_does_not() {
    let bench = Workbench::new();
    bench.run("init --algorithm hybrid --no-passphrase").done();
    bench
        .run(
            "ca create --name classic --root --algorithm p256 --subject CN=Classic --no-passphrase",
        )
        .done();
    let line = format!(
        "issue --authority issuing --profile tls-client --algorithm {ALGORITHM} --dns a.clients.test --key-out client.key --json"
    );
    let issued = bench.run(&line).done().json();
    bench.write("client.pem", issued["chain"].as_str().unwrap());
    bench.run("ca create --name below --parent classic --algorithm p256 --subject CN=Below --no-passphrase").done();
    let config = |draft: bool| {
        format!(
            "\
version: 1
listen: 127.0.0.1:0
authorities: [below]
tls:
  certificates: [{{issued: {{authority: below, algorithm: ECDSA-P256, names: [localhost]}}}}]
  draft_composite_clients: {draft}
auth:
  client_certificates: [{{trust: own, authorities: [issuing]}}]
  requesters:
    - rule: watchers
      match: {{client_certificate: {{trust: own, names: ['DNS:*.clients.test']}}}}
      grant: {{roles: [auditor]}}
"
        )
    };
    let server = Running::start_by_config(&bench, &config(true));
    let answer = ask(&bench, &server, false);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let bent = ask(&bench, &server, true);
    assert_eq!(bent, "", "a flipped bit ends the handshake");
    server.end();
    // Nobody is asked for what no registry has unless the configuration says so.
    let server = Running::start_by_config(&bench, &config(false));
    let answer = ask(&bench, &server, false);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    server.end();
}
