//! OpenSSL fetches a live server's list and asks it by OCSP, at the URLs that certificates carry.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use interop::espalier::{Espalier, Ran};
use interop::openssl::{OpenSsl, ended};
use interop::peers::tried;

const PROFILE: &str = "leaf.yaml";

/// A running server, killed at the end.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts the server and waits until it has a list.
fn serve(espalier: &Espalier, address: SocketAddr) -> Serving {
    let mut command = espalier.command("serve --config espalier.yaml");
    let child = command.spawn().unwrap();
    let serving = Serving { child, address };
    let started = Instant::now();
    while fetch(address, "/crl/issuing.crl").is_none() {
        assert!(started.elapsed() < Duration::from_secs(60), "there is no list");
        std::thread::sleep(Duration::from_millis(100));
    }
    serving
}

/// The body of a 200; none otherwise.
fn fetch(address: SocketAddr, path: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    answer.starts_with(b"HTTP/1.1 200 ").then(|| answer.split_off(end + 4))
}

/// Runs OpenSSL; both outputs together.
fn openssl(openssl: &OpenSsl, words: &str) -> Ran {
    let output = ended(openssl.command(words).spawn().unwrap());
    let text = format!("{}{}", String::from_utf8_lossy(&output.octets), output.error);
    Ran { code: Some(i32::from(!output.success)), text }
}

#[track_caller]
fn says(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{}", ran.text);
    assert!(ran.text.contains(words), "no {words:?} in {}", ran.text);
}

/// A CA whose leaves name the server's URLs, `good.pem` and `bad.pem`, which is not revoked yet.
fn world(algorithm: &str, address: SocketAddr) -> Option<(OpenSsl, Espalier)> {
    let peer = OpenSsl::present()?;
    let espalier = Espalier::in_folder(peer.folder());
    espalier.done(&format!("init --algorithm {algorithm} --no-passphrase"));
    for authority in ["root", "issuing"] {
        espalier.done(&format!("ca show {authority} --pem --out {authority}.pem"));
    }
    let urls = format!(
        "crl_distribution_points: ['http://{address}/crl/issuing.crl']\nocsp_urls: ['http://{address}/ocsp/issuing']\nca_issuers_urls: ['http://{address}/ca/issuing.cer']\n"
    );
    let shipped = include_str!("../../../ca-core/profiles/tls-server.yaml");
    let own = shipped.replace("name: tls-server", "name: online");
    peer.write(PROFILE, format!("{own}{urls}"));
    for name in ["good", "bad"] {
        let files = format!("--key-out {name}.key --out {name}.pem");
        espalier.done(&format!("issue --profile-file {PROFILE} --dns {name}.test {files}"));
    }
    peer.write(
        "espalier.yaml",
        format!("version: 1\nlisten: 127.0.0.1:{}\npublic: {{listen: '{address}'}}\n", free_port()),
    );
    Some((peer, espalier))
}

#[test]
fn openssl_checks_revocation_through_the_urls_of_certificates() {
    for algorithm in ["p256", "ml-dsa-65"] {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let Some((peer, espalier)) = world(algorithm, address) else { return };
        let server = serve(&espalier, address);
        let first = fetch(server.address, "/crl/issuing.crl").unwrap();
        says(&openssl(&peer, "x509 -in good.pem -noout -ocsp_uri"), 0, &format!("{address}/ocsp/"));

        let ask = |issuer: &str, name: &str, path: &str| {
            let about = format!("ocsp -issuer {issuer}.pem -cert {name}.pem");
            let trust = "-CAfile root.pem -verify_other issuing.pem -trust_other";
            openssl(&peer, &format!("{about} -url http://{address}{path} {trust} -resp_text"))
        };
        let online = |name: &str| {
            let ran = ask("issuing", name, "/ocsp/issuing");
            assert!(ran.text.contains("Response verify OK"), "{}", ran.text);
            ran
        };
        // By the URL of the distribution point itself.
        let download = |name: &str| {
            let chain = "-CAfile root.pem -untrusted issuing.pem";
            openssl(&peer, &format!("verify {chain} -crl_check -crl_download {name}.pem"))
        };
        says(&online("good"), 0, "good.pem: good");
        says(&online("bad"), 0, "bad.pem: good");
        says(&download("bad"), 0, "bad.pem: OK");

        espalier.done("cert revoke bad.pem --reason keyCompromise");
        says(&online("bad"), 0, "bad.pem: revoked");
        says(&online("good"), 0, "good.pem: good");
        // Of another issuer, and at a path of nobody.
        says(&ask("root", "issuing", "/ocsp/issuing"), 1, "unauthorized");
        says(&ask("issuing", "good", "/ocsp/nobody"), 1, "");
        let started = Instant::now();
        let next = loop {
            let found = fetch(server.address, "/crl/issuing.crl").unwrap();
            if found != first {
                break found;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "there is no other list");
            std::thread::sleep(Duration::from_millis(50));
        };
        says(&download("bad"), 1, "certificate revoked");
        says(&download("good"), 0, "good.pem: OK");
        let verify = |file: &str, name: &str| {
            let chain = "-CAfile root.pem -untrusted issuing.pem";
            openssl(&peer, &format!("verify {chain} -crl_check -CRLfile {file} {name}.pem"))
        };
        peer.write("next.crl", &next);
        says(&verify("next.crl", "bad"), 1, "certificate revoked");
        says(&verify("next.crl", "good"), 0, "good.pem: OK");
        let mut bent = next;
        *bent.last_mut().unwrap() ^= 1;
        peer.write("bent.crl", bent);
        says(&verify("bent.crl", "good"), 1, "CRL signature failure");
        peer.write("issuing.cer", fetch(server.address, "/ca/issuing.cer").unwrap());
        says(&openssl(&peer, "verify -CAfile root.pem -untrusted issuing.cer good.pem"), 0, "OK");
        let what = format!("live CRL and OCSP URLs: {algorithm}");
        tried("openssl", &what, "accepted; revoked, other issuers and flipped bits refused");
    }
}
