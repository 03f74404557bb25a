//! The API over TLS: which certificate each client gets, which client certificates count, and what
//! a changed certificate does to connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use interop::openssl::{OpenSsl, ended};
use interop::peers::tried;
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::running::Running;
use crate::workbench::{Workbench, bent};

/// Trust of clients: a post-quantum root and a classical one.
pub(crate) const PQ_ROOT: &str = "espalier-data/authorities/root/certificate.pem";
pub(crate) const CLASSIC_ROOT: &str = "espalier-data/authorities/classic-root/certificate.pem";

pub(crate) const ISSUED: &str = "
    - issued: {authority: issuing, algorithm: ML-DSA-65, names: [localhost, 127.0.0.1]}
    - issued: {authority: classic, algorithm: ECDSA-P256, names: [localhost, 127.0.0.1]}";

const AUTH: &str = "
auth:
  client_certificates:
    - {trust: own, authorities: [issuing, classic]}
    - {trust: partner, anchor_files: [partner.pem], revocation: none, policy: any}
  requesters:
    - rule: watchers
      match: {client_certificate: {trust: own, names: [\"DNS:*.clients.test\"]}}
      grant: {roles: [auditor]}
    - rule: partners
      match: {client_certificate: {trust: partner, names: [\"DNS:*.clients.test\"]}}
      grant: {roles: [auditor]}
";

pub(crate) fn config(certificates: &str, more: &str) -> String {
    format!(
        "version: 1\nlisten: 127.0.0.1:0\nauthorities: [issuing, classic]\ntls:\n  certificates:{certificates}\n{more}"
    )
}

/// A data folder with a post-quantum hierarchy and a classical one.
pub(crate) fn bench() -> Workbench {
    let bench = Workbench::new();
    bench.run("init --algorithm ml-dsa-65 --no-passphrase").done();
    for line in [
        "ca create --name classic-root --root --algorithm p256 --subject CN=Classic-root --no-passphrase",
        "ca create --name classic --parent classic-root --algorithm p256 --subject CN=Classic --no-passphrase",
    ] {
        let run = bench.run(line);
        assert_eq!(run.code, 0, "{}", run.stderr());
    }
    bench
}

/// Runs the system's curl, which knows no ML-DSA.
fn curl(bench: &Workbench, words: &str) -> Result<String, String> {
    let mut command = Command::new("curl");
    command.args(["-sS", "--fail-with-body", "--max-time", "20", "-w", " %{http_version}"]);
    command.args(words.split_whitespace()).current_dir(bench.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = ended(command.spawn().unwrap());
    let text = String::from_utf8_lossy(&output.octets).into_owned();
    if output.success { Ok(text) } else { Err(text + &output.error) }
}

/// Sends a request by OpenSSL 3.5's client; the answer, or what it says of the handshake.
fn s_client(
    openssl: &OpenSsl,
    bench: &Workbench,
    port: u16,
    target: &str,
    words: &str,
) -> (bool, String) {
    let mut command = openssl.command(&format!(
        "s_client -connect 127.0.0.1:{port} -servername localhost -verify_hostname localhost \
         -verify_return_error -brief -ign_eof {words}"
    ));
    command.current_dir(bench.path(".")).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    // A client that refuses the server does not read it.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    let output = ended(child);
    (output.success, String::from_utf8_lossy(&output.octets).into_owned() + &output.error)
}

#[test]
fn each_client_gets_the_certificate_that_it_can_check() {
    let bench = bench();
    let server = Running::start_by_config(&bench, &config(ISSUED, ""));
    let port = server.address.port();
    assert!(server.greeting.contains("https://"), "{}", server.greeting);
    assert_eq!(bench.mode("espalier-data/tls/issuing-ML-DSA-65.pem"), 0o600);

    let url = format!("https://localhost:{port}/healthz");
    let got = curl(&bench, &format!("--cacert {CLASSIC_ROOT} {url}")).unwrap();
    assert!(got.ends_with(" 2"), "HTTP/2: {got}");
    curl(&bench, &format!("--cacert {PQ_ROOT} {url}")).unwrap_err();
    let old = format!("--tls-max 1.2 --cacert {CLASSIC_ROOT} {url}");
    let refused = curl(&bench, &old).unwrap_err();
    assert!(refused.contains("protocol version"), "{refused}");
    curl(&bench, &format!("http://127.0.0.1:{port}/healthz")).unwrap_err();

    if let Some(openssl) = OpenSsl::present() {
        let ask = |words: &str| s_client(&openssl, &bench, port, "/healthz", words);
        let (accepted, said) = ask(&format!("-CAfile {PQ_ROOT}"));
        assert!(accepted, "{said}");
        for expected in ["TLSv1.3", "X25519MLKEM768", "mldsa65", "Verification: OK", "200 OK"] {
            assert!(said.contains(expected), "no {expected}: {said}");
        }
        let (accepted, said) = ask(&format!("-CAfile {CLASSIC_ROOT}"));
        assert!(!accepted, "another root: {said}");
        let (accepted, said) =
            ask(&format!("-CAfile {CLASSIC_ROOT} -sigalgs ecdsa_secp256r1_sha256"));
        assert!(accepted && said.contains("ecdsa_secp256r1_sha256"), "{said}");
        let outcome = "ML-DSA-65 with X25519MLKEM768 accepted; other root refused";
        tried("openssl", "the API's TLS", outcome);
    }
    assert!(server.end().success());

    // The same certificates are there after a restart; TLS 1.2 is there when it is asked for.
    let kept = bench.read("espalier-data/tls/classic-ECDSA-P256.pem");
    let server = Running::start_by_config(&bench, &config(ISSUED, "  allow_tls12: true"));
    let url = format!("https://localhost:{}/healthz", server.address.port());
    curl(&bench, &format!("--tls-max 1.2 --cacert {CLASSIC_ROOT} {url}")).unwrap();
    assert!(bench.read("espalier-data/tls/classic-ECDSA-P256.pem") == kept, "it is used again");
    let listed = bench.run("cert list --json").done();
    assert_eq!(listed.stdout().matches("server:tls").count(), 2, "{}", listed.stdout());

    // One that was revoked is replaced.
    let leaf = CertificateDer::pem_slice_iter(&kept).next().unwrap().unwrap();
    bench.write("leaf.der", &leaf);
    let run = bench.run("cert revoke leaf.der");
    assert_eq!(run.code, 0, "{}", run.stderr());
    server.signal(Signal::HUP);
    assert!(within(10, || bench.read("espalier-data/tls/classic-ECDSA-P256.pem") != kept));
    curl(&bench, &format!("--cacert {CLASSIC_ROOT} {url}")).unwrap();
    assert!(server.end().success());
}

/// Makes a client's certificate by OpenSSL, below an authority of its own; `dates` are its own.
fn partner(openssl: &OpenSsl, bench: &Workbench, name: &str, dates: &str) {
    let subject = "/CN=a.clients.test";
    bench.write(
        "client.ext",
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n\
         subjectAltName=DNS:a.clients.test\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n",
    );
    for words in [
        format!(
            "req -new -newkey ML-DSA-65 -noenc -keyout {name}.key -out {name}.csr -subj {subject}"
        ),
        format!(
            "x509 -req -in {name}.csr -CA partner.pem -CAkey partner.key -out {name}.pem -extfile client.ext {dates}"
        ),
    ] {
        let output = ended(openssl.command(&words).current_dir(bench.path(".")).spawn().unwrap());
        assert!(output.success, "{words}: {}", output.error);
    }
}

#[test]
fn client_certificates_count_when_they_are_known_and_give_nothing_otherwise() {
    let Some(openssl) = OpenSsl::present() else { return };
    let bench = bench();
    for authority in ["partner", "stranger"] {
        let words = format!(
            "req -x509 -newkey ML-DSA-65 -noenc -keyout {authority}.key -out {authority}.pem -subj /CN={authority} \
             -days 30 -addext keyUsage=critical,keyCertSign,cRLSign"
        );
        let made = ended(openssl.command(&words).current_dir(bench.path(".")).spawn().unwrap());
        assert!(made.success, "{}", made.error);
    }
    partner(&openssl, &bench, "good", "-days 10");
    partner(&openssl, &bench, "expired", "-not_before 20240101000000Z -not_after 20250101000000Z");
    let (good_ca, good_key) = (bench.read("partner.pem"), bench.read("partner.key"));
    bench.write("partner.pem", bench.read("stranger.pem"));
    bench.write("partner.key", bench.read("stranger.key"));
    partner(&openssl, &bench, "unknown", "-days 10");
    bench.write("partner.pem", good_ca);
    bench.write("partner.key", good_key);
    // Ours: a classical one, and a post-quantum one.
    for (name, authority, algorithm) in
        [("classic", "classic", "p256"), ("pq", "issuing", "ml-dsa-44")]
    {
        let line = format!(
            "issue --profile tls-client --authority {authority} --algorithm {algorithm} --dns {name}.clients.test \
             --key-out {name}.key --out {name}.pem"
        );
        let run = bench.run(&line);
        assert_eq!(run.code, 0, "{}", run.stderr());
    }
    let bent = bent(&CertificateDer::from_pem_slice(&bench.read("classic.pem")).unwrap());
    openssl.write_pem("bent.pem", ca_core::pem::Label::Certificate, &bent);
    bench.write("bent.pem", openssl.read("bent.pem"));

    let server = Running::start_by_config(&bench, &config(ISSUED, AUTH));
    let ask = |target: &str, words: &str| {
        let words = format!("-CAfile {PQ_ROOT} {words}");
        s_client(&openssl, &bench, server.address.port(), target, &words).1
    };
    let shown = |name: &str, key: &str| {
        ask("/v1/authorities", &format!("-cert {name}.pem -key {key}.key -cert_chain {name}.pem"))
    };
    for name in ["classic", "pq", "good"] {
        let said = shown(name, name);
        assert!(said.contains("200 OK") && said.contains("issuing"), "{name}: {said}");
    }
    let nothing = ask("/v1/authorities", "");
    assert!(nothing.contains("401 Unauthorized"), "{nothing}");
    for (name, key, reason) in
        [("expired", "expired", "notAfter"), ("unknown", "unknown", ""), ("bent", "classic", "")]
    {
        let said = shown(name, key);
        assert!(said.contains("401 Unauthorized") && said.contains(reason), "{name}: {said}");
        assert!(!said.contains("200 OK"), "{name}: {said}");
    }
    let run = bench.run("cert revoke pq.pem");
    assert_eq!(run.code, 0, "{}", run.stderr());
    let revoked = shown("pq", "pq");
    assert!(revoked.contains("401 Unauthorized") && revoked.contains("revoked"), "{revoked}");
    let outcome = "P-256 and ML-DSA accepted; unknown, expired, revoked, flipped bit refused";
    tried("openssl", "client certificates of the API", outcome);
    assert!(server.end().success());
}

/// Opens a connection that trusts the classical root.
fn connect(bench: &Workbench, port: u16) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&bench.read(CLASSIC_ROOT)).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    ping(&mut stream);
    stream
}

/// A request and its answer on a connection that stays open.
fn ping(stream: &mut StreamOwned<ClientConnection, TcpStream>) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 4096];
    let count = stream.read(&mut answer).unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 200"), "{:?}", &answer[..count]);
}

fn shown(stream: &StreamOwned<ClientConnection, TcpStream>) -> Vec<u8> {
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

fn within(seconds: u64, mut done: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn a_new_certificate_is_for_new_connections_and_a_wrong_one_for_none() {
    let bench = bench();
    let issue = |name: &str| {
        let line = format!(
            "issue --authority classic --algorithm p256 --dns localhost --key-out {name}.key --json"
        );
        let run = bench.run(&line).done().json();
        bench.write(&format!("{name}.pem"), run["chain"].as_str().unwrap());
    };
    let put = |chain: &str, key: &str| {
        bench.write("server.pem", bench.read(&format!("{chain}.pem")));
        bench.write("server.key", bench.read(&format!("{key}.key")));
    };
    issue("first");
    issue("second");
    put("first", "first");
    let files = "\n    - files: {chain_file: server.pem, key_file: server.key}\n  handshake_timeout_seconds: 1";
    let server = Running::start_by_config(&bench, &config(files, ""));
    let port = server.address.port();
    let mut old = connect(&bench, port);
    let first = shown(&old);
    put("second", "second");
    server.signal(Signal::HUP);
    assert!(within(10, || shown(&connect(&bench, port)) != first));
    ping(&mut old);
    assert_eq!(shown(&old), first, "it is the connection of before");

    // The key of another certificate is not taken over.
    let second = shown(&connect(&bench, port));
    put("first", "second");
    server.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(shown(&connect(&bench, port)), second);
    ping(&mut old);

    // Who says nothing is let go.
    let mut silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0, "the server closed it");
    drop(old);
    assert!(server.end().success());

    let run = bench.run("serve --config espalier.yaml");
    run.fails(2, &["server.pem and server.key: the key is not that of the first certificate"]);
}
