//! The foreign programs that tests talk to, as `cargo xtask peers` installed them.
//!
//! `cargo xtask test` sets `ESPALIER_PEERS` to the folder that holds `peers.json`. Plain `cargo test` finds the same
//! folder when `cargo xtask peers` was run before. A test asks for a peer by name and returns early when it is
//! missing; in continuous integration (`CI=true`) a missing peer is a panic instead, so that nothing is skipped there.
//!
//! ```no_run
//! use interop::peers::{self, Peer};
//! use serde_json::json;
//!
//! # fn certificate() -> Vec<u8> { Vec::new() }
//! let Peer::Present(bouncy_castle) = peers::peer("bouncycastle") else { return };
//! let mut harness = bouncy_castle.harness();
//! let cert = peers::base64(&certificate());
//! harness.call("verifyCert", json!({ "cert": cert, "issuer": cert })).expect("Bouncy Castle accepts it");
//! peers::tried("bouncycastle", "composite .45 root", "accepted");
//! ```
//!
//! # Peers and their commands
//!
//! | name | [`Installed::command`] | harness |
//! |---|---|---|
//! | `openssl` | `openssl` | - |
//! | `bouncycastle` | `harness`, `harness-brief` for a few questions; `keytool` of the JDK that it runs on; `harness-ml-dsa`, on a Java that knows ML-DSA by itself, where there is one | yes |
//! | `pyca` | `harness` | yes |
//! | `go` | `harness` | yes |
//! | `helm-unittest` | `helm-unittest`: the suites of charts/espalier | - |
//! | `pkilint` | `cert`, `chain`, `crl`, `ocsp`: each takes a file (PEM or DER) and prints JSON; see [`findings`] | - |
//! | `schemathesis` | `schemathesis` | - |
//! | `kubernetes` | `cluster`, a control plane with cert-manager (see the crate `test-cluster`); `kubectl`, `helm` | - |
//! | `nginx` | `nginx`, `curl`, both on OpenSSL 3.5 | - |
//! | `liboqs` | none: the crate `oqs`, under `cfg(feature = "oqs")` | - |
//!
//! # Commands of the harnesses
//!
//! Values are base64 of DER unless said otherwise; `?` marks what may be left out. A refusal is `Err` with the reason.
//!
//! `bouncycastle` (algorithms by OID, by `id-` name or by name; classical: `ECDSA-P256|P384|P521`,
//! `ECDSA-brainpoolP256r1|brainpoolP384r1`, `RSA-2048|3072|4096`, `Ed25519`, `Ed448`; pure: `ML-DSA-44|65|87`,
//! `SLH-DSA-SHA2|SHAKE-128|192|256s|f`):
//! - `verifyCert {cert, issuer}`: the signature under the issuer's key · `verifyCsr {csr}` ·
//!   `verifyAlt {cert, issuer}`: the alternative signature · `path {certs: [leaf, …, topmost], anchors: […], at?}`
//!   (RFC 3339), PKIX without revocation.
//! - `makeRoot {algorithm | key | spki+key, subject?, dns?: […], pathLength?, notBefore?, notAfter?, form?,
//!   signatureAlgorithm?}` gives `cert`, `key` (PKCS#8), `spki`. `makeIssuing` and `makeLeaf` take `issuerCert` and
//!   `issuerKey` as well, and a `csr` or `spki` in place of `algorithm`.
//! - `makeCsr {algorithm | key, subject?, dns?, signatureAlgorithm?}` gives `csr`, `key`, `spki`.
//! - `makeAltCert {algorithm, altAlgorithm, subject?, dns?, ca?: true, issuerCert?, issuerKey?, issuerAltKey?}` gives
//!   `cert`, `key`, `altKey`; without an issuer it is a root.
//! - `makeOcspRequest {cert, issuer, hash?: OID, nonce?, signerCert?, signerKey?, signatureAlgorithm?}` gives `request`
//!   (`nonce` here and below: its octets) · `readOcspRequest {request, cert, issuer}` gives `nonce`, when it is about
//!   this certificate · `makeOcspResponse {request, responderCert, responderKey, status: "good"|"revoked"|"unknown",
//!   byKey?: true, bare?: true, signatureAlgorithm?}` gives `response` · `checkOcsp {response, cert, issuer, nonce?}`:
//!   PKIX with the response as the only word on revocation.
//! - `loadKey {pkcs8, message, signatureAlgorithm?}` gives `spki`, `signature`, `signatureAlgorithm` ·
//!   `exportKey {algorithm | pkcs8, form?: "seed"|"both"|"expanded"}` gives `pkcs8`, `spki` ·
//!   `verify {spki, message, signature, signatureAlgorithm?}`.
//! - `readPkcs12 {file, password, provider?: "BC"|"SunJSSE"}` gives `entries: [{alias, key?, chain}]` ·
//!   `makePkcs12 {key, certs, password, alias, der?, old?}` gives `file`, in BER unless `der` · `readPkcs7 {file}` gives
//!   `certs`, `crls` · `makePkcs7 {certs}` gives `file`.
//! - `makeCrl {issuerCert, issuerKey, number, revoked?: [cert, …], base?, place?, signatureAlgorithm?}` gives `crl`, a
//!   full list, a delta to `base` or the shard of `place` · `checkCrl {crl, issuer}`: its signature · `pathCrl {cert,
//!   issuer, crls: […], at?}`: PKIX of one certificate with revocation, deltas included.
//! - `checkOnline {certs: [leaf, …], anchor, provider: "SUN"|"BC", by: "crl"|"ocsp"}` gives `java`, its version: PKIX by
//!   what lies at the URLs in the leaf.
//! - `checkRelated {cert, related}`: the extension of RFC 9763 · `verifyRelatedCsr {csr, related, relatedKey}` ·
//!   `makeRelatedRequest {related, relatedKey, locations: […], time?}` gives `value`, the attribute's.
//! - `kemKey {algorithm: ML-KEM-512|768|1024 | pkcs8, form?}` gives `pkcs8`, `spki` · `encapsulate {cert}` gives
//!   `ciphertext`, `secret` · `decapsulate {pkcs8, ciphertext}` gives `secret` · `makeStatedCsr {cert, key, spki, dns}`
//!   (RFC 9883) gives `csr` · `verifyStatedCsr {csr}`: by the certificate in it.
//! - `signatureAlgorithm` is a JCA name; RSA keys sign and verify `SHA256withRSA` unless it says otherwise, such as
//!   `SHA256withRSAandMGF1`.
//!
//! `pyca`: `verifyCert {cert, issuer}`, `verifyCsr {csr}` (all 18 composites, pure, classical), `verifySignature
//! {algorithm: OID, publicKey: raw, message, signature, context?}` (composite and pure), `loadKey {pkcs8, message}`
//! (pure in seed form, classical).
//!
//! `go` (pure and classical only): `verifyCert {cert, issuer}`, `verifyCsr {csr}`, `path {certs: [leaf, …], anchors,
//! dns?, at?}`, `loadKey {pkcs8, message}` (RSA and ECDSA with SHA-256).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

/// A foreign program, or why it is not here.
#[derive(Debug)]
pub enum Peer {
    /// It can be run.
    Present(Installed),
    /// It can't; the reason was printed already.
    Missing {
        /// Why, as `cargo xtask peers` found out.
        reason: String,
    },
}

/// A foreign program that can be run.
#[derive(Debug, Clone, Deserialize)]
pub struct Installed {
    #[serde(skip)]
    name: String,
    version: String,
    commands: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    Present(Installed),
    Missing { missing: String },
}

/// The peer of this name.
///
/// # Panics
/// When `CI=true` and the peer is missing.
#[must_use]
pub fn peer(name: &str) -> Peer {
    let folder = std::env::var_os("ESPALIER_PEERS").map_or_else(default_folder, PathBuf::from);
    match find(name, &folder) {
        Ok(installed) => Peer::Present(installed),
        Err(reason) => {
            assert!(!in_ci(), "CI=true allows no missing peer: {name}: {reason}");
            skip(&format!("{name}: {reason}"));
            tried(name, "everything", "skipped");
            Peer::Missing { reason }
        }
    }
}

/// `target/peers` of the checkout.
fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers")
}

/// The harness of the peer of this name, started.
///
/// # Panics
/// As [`peer`] and [`Installed::harness`].
#[must_use]
pub fn harness(name: &str) -> Option<Harness> {
    match peer(name) {
        Peer::Present(installed) => Some(installed.harness()),
        Peer::Missing { .. } => None,
    }
}

fn find(name: &str, folder: &Path) -> Result<Installed, String> {
    if folder == Path::new("off") {
        return Err("this run goes without peers (ESPALIER_PEERS=off)".to_owned());
    }
    let path = folder.join("peers.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{}: {error}; run `cargo xtask peers` first", path.display()))?;
    let mut rows: BTreeMap<String, Row> =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    match rows.remove(name) {
        Some(Row::Present(installed)) => Ok(Installed { name: name.to_owned(), ..installed }),
        Some(Row::Missing { missing }) => Err(missing),
        None => Err(format!("{}: has no row {name}", path.display())),
    }
}

/// Tells that a test is skipped, as something of the machine's is not there.
///
/// # Panics
/// When `CI=true`, where nothing is skipped.
pub fn absent(reason: &str) {
    assert!(!in_ci(), "CI=true allows nothing to be missing: {reason}");
    skip(reason);
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Says on standard error that a test is skipped, and why.
pub fn skip(reason: &str) {
    eprintln!("skip: {reason}");
}

/// Writes down an attempt for the table that `cargo xtask test` prints at its end: with which peer, on what, and how
/// it came out (`accepted`, `refused`, `skipped`, …). Attempts with the same words are counted together.
pub fn tried(peer: &str, what: &str, outcome: &str) {
    let Some(folder) = std::env::var_os("ESPALIER_TRIED") else { return };
    let file = Path::new(&folder).join(format!("{}.jsonl", std::process::id()));
    // One write of one line: threads of this process append whole lines.
    let line = format!("{}\n", json!({ "peer": peer, "what": what, "outcome": outcome }));
    let written = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        eprintln!("{}: can't be written: {error}; the closing table lacks a row", file.display());
    }
}

impl Installed {
    /// As the program itself tells it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the peer has a command of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.commands.contains_key(name)
    }

    /// One of the peer's commands, ready for arguments.
    ///
    /// # Panics
    /// When the peer has no command of this name; the table above lists them.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let words = self.commands.get(name).map(Vec::as_slice);
        let Some([program, arguments @ ..]) = words else {
            panic!("{}: has no command {name}, only {:?}", self.name, self.commands.keys());
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }

    /// Starts the peer's harness; it ends when the value is dropped.
    ///
    /// # Panics
    /// When the peer has no harness or it can't be started.
    #[must_use]
    pub fn harness(&self) -> Harness {
        self.harness_by("harness")
    }

    /// The same, by another of its commands.
    ///
    /// # Panics
    /// As [`Self::harness`].
    #[must_use]
    pub fn harness_by(&self, name: &str) -> Harness {
        let mut command = self.command(name);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: can't be started: {error}", self.name));
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("{}: was started without its pipes", self.name);
        };
        Harness {
            name: self.name.clone(),
            child,
            requests: Some(requests),
            answers: BufReader::new(answers),
        }
    }
}

/// A peer that answers requests, one at a time, over a pipe.
#[derive(Debug)]
pub struct Harness {
    name: String,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Harness {
    /// Sends `fields` as a request of this command and returns the answer's fields.
    ///
    /// # Errors
    /// The peer's reason when it refuses.
    ///
    /// # Panics
    /// When the peer itself breaks: its process ends, or answers something else than JSON.
    pub fn call(&mut self, command: &str, mut fields: Value) -> Result<Value, String> {
        fields["command"] = command.into();
        let answer = self.exchange(&format!("{fields}\n"));
        if answer["ok"] == true {
            return Ok(answer);
        }
        Err(answer["error"].as_str().unwrap_or("refused without a reason").to_owned())
    }

    fn exchange(&mut self, request: &str) -> Value {
        let mut line = String::new();
        let sent = self
            .requests
            .as_mut()
            .map(|pipe| pipe.write_all(request.as_bytes()).and_then(|()| pipe.flush()));
        if !matches!(sent, Some(Ok(()))) {
            panic!("{}: its process takes no more requests: {sent:?}", self.name);
        }
        match self.answers.read_line(&mut line) {
            Ok(1..) => {}
            ended => {
                panic!("{}: its process ended in the middle of a request: {ended:?}", self.name)
            }
        }
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{}: answers no JSON: {error}: {line}", self.name))
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        // Closing its standard input ends it; waiting leaves no zombie.
        drop(self.requests.take());
        let _ = self.child.wait(); // nothing is left to be done about a harness that can't be waited for
    }
}

/// Base64 with padding, as the harnesses take it.
#[must_use]
pub fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits = group
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0, |bits, octet| bits << 8 | usize::from(*octet));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if digit <= group.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
}

/// The octets of a base64 field in a harness's answer.
///
/// # Panics
/// When the answer lacks the field, or it is not base64.
#[must_use]
pub fn octets(answer: &Value, field: &str) -> Vec<u8> {
    let text = answer[field]
        .as_str()
        .unwrap_or_else(|| panic!("field {field}: not in the answer {answer}"));
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | digit_value(*digit, field));
        let bits = bits << (6 * (4 - group.len()));
        octets.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    octets
}

fn digit_value(digit: u8, field: &str) -> u32 {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("field {field}: has the octet {other:#x}, which is not base64"),
    };
    u32::from(value)
}

/// One finding of pkilint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `FATAL`, `ERROR`, `WARNING`, `NOTICE`, `INFO` or `DEBUG`.
    pub severity: String,
    /// Such as `pkix.authority_key_identifier_extension_absent`.
    pub code: String,
    /// More about it, often empty.
    pub message: String,
    /// Where in the structure.
    pub path: String,
}

/// Lints a file by one of pkilint's commands (`cert`, `crl`, `ocsp`); pkilint's exit status is the number of findings.
///
/// # Panics
/// When pkilint can't be run or prints something else than its JSON, which it does for a file that it can't parse.
#[must_use]
pub fn findings(pkilint: &Installed, command: &str, file: &Path) -> Vec<Finding> {
    findings_of(pkilint.command(command).arg(file))
}

/// Lints a certificate beside its issuer's, by pkilint's command `chain`.
///
/// # Panics
/// As [`findings`].
#[must_use]
pub fn chain_findings(pkilint: &Installed, issuer: &Path, subject: &Path) -> Vec<Finding> {
    findings_of(pkilint.command("chain").arg(issuer).arg(subject))
}

fn findings_of(command: &mut Command) -> Vec<Finding> {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("pkilint: can't be started: {error}"));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("pkilint: prints no JSON: {error}: {}", String::from_utf8_lossy(&output.stderr))
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let results = report["results"].as_array().into_iter().flatten();
    let rows = results.flat_map(|row| {
        row["finding_descriptions"].as_array().into_iter().flatten().map(move |d| (row, d))
    });
    let finding = |(row, found): (&Value, &Value)| Finding {
        severity: text(&found["severity"]),
        code: text(&found["code"]),
        message: text(&found["message"]),
        path: text(&row["node_path"]),
    };
    rows.map(finding).collect()
}
