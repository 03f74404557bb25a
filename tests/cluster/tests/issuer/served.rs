//! The files of a Secret in nginx, and who believes what it serves.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use interop::peers::{self, Installed, Peer, tried};
use test_cluster::{Issuer, Pair, Stand, Tied, Wanted, free_port};

const HOST: &str = "web.example.com";
const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";
/// What curl ends with when it does not believe a server's certificate.
const NOT_BELIEVED: Option<i32> = Some(60);

/// What a client is called, and how it is run.
type Client<'a> = (&'static str, &'a dyn Fn() -> Command);

/// nginx with a server for each folder of `tls.crt` and `tls.key`.
struct Nginx {
    _running: Tied,
    /// Names of the folders, and where each one's server listens.
    ports: Vec<(&'static str, u16)>,
}

impl Nginx {
    fn start(nginx: &Installed, folder: &Path, names: &[&'static str]) -> Self {
        let ports: Vec<_> = names.iter().map(|name| (*name, free_port())).collect();
        let mut config = String::from(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {}\nhttp {\n  access_log off;\n",
        );
        for part in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(config, "  {part}_temp_path {part};"); // a String takes everything
        }
        for (name, port) in &ports {
            let _ = writeln!(
                config,
                "  server {{\n    listen 127.0.0.1:{port} ssl;\n    server_name {HOST};\n    \
                 ssl_certificate {name}/tls.crt;\n    ssl_certificate_key {name}/tls.key;\n    \
                 ssl_protocols TLSv1.2 TLSv1.3;\n    location / {{ return 200 \"by {name}\"; }}\n  }}"
            );
        }
        config.push_str("}\n");
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut command = nginx.command("nginx");
        command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder).current_dir(folder);
        let running = Tied::start(&command, folder, "nginx");
        let started = Instant::now();
        for (name, port) in &ports {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                let log = running.end_of_log();
                assert!(started.elapsed() < Duration::from_secs(20), "{name}: no nginx: {log}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Self { _running: running, ports }
    }

    fn port(&self, name: &str) -> u16 {
        self.ports.iter().find(|(named, _)| *named == name).unwrap().1
    }

    /// Asks for a page under a name, believing this root alone. How curl ended, and what it said.
    fn asked(
        &self,
        mut curl: Command,
        name: &str,
        host: &str,
        root: &Path,
    ) -> (Option<i32>, String) {
        let port = self.port(name);
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"]).arg(root);
        curl.args(["--resolve", &format!("{host}:{port}:127.0.0.1")]);
        let output = curl.arg(format!("https://{host}:{port}/")).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Makes a connection by `openssl s_client`, believing this root alone, and with these options.
    fn reached(
        &self,
        openssl: &Installed,
        name: &str,
        root: &Path,
        options: &[&str],
    ) -> (bool, String) {
        let mut client = openssl.command("openssl");
        let address = format!("127.0.0.1:{}", self.port(name));
        client.args([
            "s_client",
            "-connect",
            &address,
            "-servername",
            HOST,
            "-verify_hostname",
            HOST,
        ]);
        client.args(["-verify_return_error", "-CAfile"]).arg(root).args(options);
        let output = client.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success() && text.contains("Verification: OK"), text)
    }
}

/// Certificates of these authorities, each in a folder of its name with what nginx wants and `ca.crt`.
fn issued(stand: &Stand, names: &[&'static str]) -> tempfile::TempDir {
    let shop = stand.namespace("served");
    for name in names {
        shop.apply(&stand.issuer(&Issuer::by_token(name, name)));
        shop.apply(&Wanted { name, issuer: ("PQIssuer", name), spec: SPEC }.manifest());
    }
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        let pair = Pair::of(&shop, name);
        let own = folder.path().join(name);
        fs::create_dir(&own).unwrap();
        for (file, text) in [("tls.crt", pair.chain), ("tls.key", pair.key), ("ca.crt", pair.root)]
        {
            fs::write(own.join(file), text).unwrap();
        }
    }
    folder
}

#[test]
fn nginx_with_the_files_of_a_secret_is_believed_by_those_who_trust_its_root() {
    let Some(stand) = Stand::shared() else { return };
    let Peer::Present(nginx) = peers::peer("nginx") else { return };
    let names = ["classical", "catalyst", "ml-dsa"];
    let folder = issued(stand, &names);
    let root = |name: &str| -> PathBuf { folder.path().join(name).join("ca.crt") };
    let served = Nginx::start(&nginx, folder.path(), &names);
    let curl = || nginx.command("curl");
    // One that has never heard of ML-DSA.
    let of_the_system = || Command::new("curl");
    let all: [Client<'_>; 2] = [("curl", &curl), ("the system's curl", &of_the_system)];
    for (name, other, clients) in [
        ("classical", "catalyst", &all[..]),
        ("catalyst", "classical", &all[..]),
        ("ml-dsa", "classical", &all[..1]),
    ] {
        for (about, client) in clients {
            let found = served.asked(client(), name, HOST, &root(name));
            assert_eq!(found, (Some(0), format!("by {name}")), "{about}");
            let (code, said) = served.asked(client(), name, HOST, &root(other));
            assert_eq!(code, NOT_BELIEVED, "{about}, {name} under the root of {other}: {said}");
            let (code, said) = served.asked(client(), name, "other.example.com", &root(name));
            assert_eq!(code, NOT_BELIEVED, "{about}, {name} by another name: {said}");
            let what = format!("a Secret of {name}, asked by {about}");
            tried("nginx", &what, "believed; another root or name not");
        }
    }
}

#[test]
fn nginx_with_an_ml_dsa_key_serves_clients_that_know_it() {
    let Some(stand) = Stand::shared() else { return };
    let Peer::Present(nginx) = peers::peer("nginx") else { return };
    let Peer::Present(openssl) = peers::peer("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("key");
    fs::create_dir(&own).unwrap();
    // cert-manager makes no such keys: this is the way beside it.
    let server = &stand.server;
    let file = |name: &str| own.join(name).display().to_string();
    server.done(&format!(
        "csr create --algorithm ML-DSA-65 --no-passphrase --subject CN={HOST} --dns {HOST} --key-out {} --out {}",
        file("tls.key"),
        file("csr.pem")
    ));
    server.done(&format!(
        "issue --authority ml-dsa --profile tls-server --csr {} --out {} --chain",
        file("csr.pem"),
        file("tls.crt")
    ));
    for root in ["ml-dsa", "classical"] {
        fs::write(own.join(root), server.certificate(&format!("{root}-root"))).unwrap();
    }
    let served = Nginx::start(&nginx, folder.path(), &["key"]);
    let found = served.asked(nginx.command("curl"), "key", HOST, &own.join("ml-dsa"));
    assert_eq!(found, (Some(0), "by key".to_owned()));
    let (code, said) = served.asked(nginx.command("curl"), "key", HOST, &own.join("classical"));
    assert_eq!(code, NOT_BELIEVED, "{said}");
    let reached =
        |root: &str, options: &[&str]| served.reached(&openssl, "key", &own.join(root), options);
    let (good, said) = reached("ml-dsa", &["-sigalgs", "mldsa65"]);
    assert!(good && said.contains("mldsa65"), "{said}");
    let (good, said) = reached("classical", &[]);
    assert!(!good && said.contains("unable to get local issuer certificate"), "{said}");
    // Whoever signs and checks by classical algorithms alone has no connection at all.
    let (good, said) = reached("ml-dsa", &["-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256"]);
    assert!(!good && said.contains("handshake failure"), "{said}");
    tried("nginx", "a key of ML-DSA-65", "served; a classical client and another root refused");
}
