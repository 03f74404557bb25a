//! What an offline ceremony makes, judged by OpenSSL and Bouncy Castle, and that it opens no socket while it makes it.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use ca_core::pem::{self, Label};
use interop::crls::twins;
use interop::espalier::Espalier;
use interop::judge::{self, accepted_but_no_twin};
use interop::openssl::OpenSsl;
use interop::peers::{base64, harness, skip, tried};
use serde_json::json;
use tempfile::TempDir;

/// When everything is valid that the rehearsal makes: its definition says from when, and no clock does.
const AT: &str = "2026-12-02T00:00:00Z";
/// The same in seconds, for OpenSSL.
const AT_SECONDS: &str = "1796169600";

/// Each certificate of the rehearsal, and who signed it.
const CERTIFICATES: &[(&str, &str)] = &[
    ("classical", "classical"),
    ("pure", "pure"),
    ("hashes", "hashes"),
    ("pure-by-classical", "classical"),
    ("classical-by-pure", "pure"),
    ("hybrid", "hybrid"),
    ("west", "hybrid"),
];
/// Each list, and who signed it.
const LISTS: &[(&str, &str)] = &[("hashes-crl", "hashes"), ("hybrid-crl", "hybrid")];

fn answers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ceremony/tests/rehearsal/answers.yaml")
}

/// What the rehearsal made, once for all tests.
fn made(name: &str) -> Vec<u8> {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let place = MADE.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let words = format!("rehearse --answers {} --folder made", answers().display());
        Espalier::ceremony_in(place.path()).done(&words);
        place
    });
    fs::read(place.path().join(format!("made/out/{name}.pem"))).unwrap()
}

fn certificate(name: &str) -> Vec<u8> {
    pem::read_one_certificate(&made(name)).unwrap().der().to_vec()
}

fn list(name: &str) -> Vec<u8> {
    pem::read_one_crl(&made(name)).unwrap().der().to_vec()
}

/// By a composite key, which OpenSSL does not know.
fn is_composite(signer: &str) -> bool {
    signer == "hybrid"
}

#[test]
fn openssl_accepts_roots_crosses_and_lists() {
    let Some(openssl) = OpenSsl::present() else { return };
    let options = format!("-x509_strict -check_ss_sig -attime {AT_SECONDS}");
    for (name, signer) in CERTIFICATES {
        // As it lies in the folder, with the line before it that marks a rehearsal.
        openssl.write("marked.pem", made(name));
        openssl.run("x509 -noout -text -in marked.pem").unwrap();
        if is_composite(signer) {
            tried("openssl", "a ceremony's composite certificates, x509 -text", "read");
            continue;
        }
        openssl.write_pem("root.pem", Label::Certificate, &certificate(signer));
        judge::certificate("openssl", "a ceremony's certificate", &certificate(name), |der| {
            openssl.write_pem("cert.pem", Label::Certificate, der);
            let root = if name == signer { "cert.pem" } else { "root.pem" };
            openssl.run(&format!("verify {options} -CAfile {root} cert.pem")).map(drop)
        });
    }
    for (name, signer) in LISTS.iter().filter(|(_, signer)| !is_composite(signer)) {
        openssl.write_pem("root.pem", Label::Certificate, &certificate(signer));
        let der = list(name);
        accepted_but_no_twin("openssl", "a ceremony's SLH-DSA CRL", &der, &twins(&der), |der| {
            openssl.write("list.der", der);
            let words = "crl -verify -noout -inform DER -in list.der -CAfile root.pem";
            let output = openssl.run(words)?;
            if output.error.contains("verify OK") { Ok(()) } else { Err(output.error) }
        });
    }
}

#[test]
fn bouncy_castle_accepts_all_of_it() {
    let peer = "bouncycastle";
    let Some(mut bc) = harness(peer) else { return };
    for (name, signer) in CERTIFICATES {
        let issuer = base64(&certificate(signer));
        judge::certificate(peer, "a ceremony's certificate", &certificate(name), |der| {
            bc.call("verifyCert", json!({ "cert": base64(der), "issuer": issuer })).map(drop)
        });
    }
    for (name, anchor) in CERTIFICATES.iter().filter(|(name, signer)| name != signer) {
        let anchor = base64(&certificate(anchor));
        judge::certificate(peer, "a ceremony's path", &certificate(name), |der| {
            let fields = json!({ "certs": [base64(der)], "anchors": [anchor], "at": AT });
            bc.call("path", fields).map(drop)
        });
    }
    for (name, signer) in LISTS {
        let (der, issuer) = (list(name), base64(&certificate(signer)));
        accepted_but_no_twin(peer, &format!("a ceremony's {name}"), &der, &twins(&der), |der| {
            bc.call("checkCrl", json!({ "crl": base64(der), "issuer": issuer })).map(drop)
        });
    }
}

/// Runs a command under strace and gives the system calls on networks that it and its children make; none where this
/// machine lets nobody trace.
fn network_calls(place: &Path, command: &[&str]) -> Option<Vec<String>> {
    let log = place.join("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=%network", "-o"]).arg(&log).args(command);
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A folder of its own: what fails leaves no log of another run.
    let status = strace.current_dir(place).status().ok()?;
    let text = fs::read_to_string(&log).ok()?;
    assert!(status.success(), "{command:?}: {status}, {text}");
    Some(text.lines().filter(|line| line.contains('(')).map(str::to_owned).collect())
}

#[test]
fn no_system_call_on_a_network_is_made() {
    let place = tempfile::tempdir().unwrap();
    // A datagram to nobody on this machine: what opens a socket is seen.
    let socket = ["bash", "-c", "exec 3<>/dev/udp/127.0.0.1/9"];
    let traces = Command::new("strace").arg("true").stderr(Stdio::null()).status();
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(traces.is_ok() || !in_ci, "CI=true allows no missing peer: strace");
    if !traces.is_ok_and(|status| status.success()) {
        skip("strace: it is not there, or this machine lets nobody trace");
        tried("strace", "a rehearsal", "skipped");
        return;
    }
    let seen = network_calls(place.path(), &socket).unwrap();
    assert!(seen.iter().any(|line| line.contains("socket(AF_INET")), "{seen:?}");
    let (espalier, answers) = (Espalier::ceremony_in(place.path()), answers());
    let (program, answers) = (espalier.program().to_str().unwrap(), answers.to_str().unwrap());
    let rehearse = [program, "rehearse", "--answers", answers, "--folder", "made"];
    let seen = network_calls(place.path(), &rehearse).unwrap();
    assert!(seen.is_empty(), "{seen:?}");
    assert!(place.path().join("made/out/hybrid.pem").exists());
    let seen =
        network_calls(place.path(), &[program, "verify-transcript", "--without-paper", "made"])
            .unwrap();
    assert!(seen.is_empty(), "{seen:?}");
    tried("strace", "a rehearsal and its audit", "no call on a network; a socket of bash is seen");
}
