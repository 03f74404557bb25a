//! Client certificates of this server's own authorities and of others', classical, ML-DSA and
//! composite, and the twins of each that are refused.

use std::sync::Arc;

use ca_core::pem;
use espalier::auth::{AuthError, Caller, CredentialKind, OwnAuthority, Presented};
use fuzzing::tree::{Body, Node};
use jiff::Timestamp;
use ledger::Ledger;
use ledger::sqlite::SqliteStore;

use crate::desk::{Desk, nothing};
use crate::workbench::Workbench;

/// A CA that was made by the command, with its ledger.
struct Ca {
    bench: Workbench,
}

impl Ca {
    fn new(algorithm: &str) -> Self {
        let bench = Workbench::new();
        bench.run(&format!("init --algorithm {algorithm} --no-passphrase")).done();
        Self { bench }
    }

    /// Issues a certificate, and gives it with its chain, leaf first.
    fn issue(&self, options: &str) -> Vec<Vec<u8>> {
        let run = self.bench.run(&format!("issue --json --key-out k.pem --force {options}"));
        assert_eq!(run.code, 0, "{}", run.stderr());
        let json = run.json();
        let chain = json["chain"].as_str().or(json["certificate"].as_str()).unwrap();
        let read = pem::read_certificates(chain.as_bytes()).unwrap();
        read.iter().map(|one| one.der().to_vec()).collect()
    }

    async fn ledger(&self) -> Ledger {
        let path = self.bench.path("espalier-data/ledger.sqlite");
        Arc::new(SqliteStore::open(&path).await.unwrap())
    }

    async fn desk(&self, trust: &str, matches: &str) -> Desk {
        let ledger = self.ledger().await;
        let authorities: Vec<OwnAuthority> = ledger
            .authorities()
            .await
            .unwrap()
            .into_iter()
            .map(|one| OwnAuthority {
                name: one.content.name,
                certificates: one.certificates.into_iter().map(|it| it.der).collect(),
            })
            .collect();
        let yaml = format!(
            r#"
client_certificates:
  - trust: own
    {trust}
requesters:
  - rule: people
    match: {{ client_certificate: {{ trust: own, {matches} }} }}
    grant: {{ roles: [requester], authorities: ["*"], profiles: ["*"], names: ["*"] }}
"#
        );
        Desk::with(&yaml, &self.bench.path(""), ledger, &authorities).unwrap()
    }
}

#[allow(clippy::disallowed_methods, reason = "the command that issues uses the real clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn present(desk: &Desk, chain: &[Vec<u8>]) -> Result<Caller, AuthError> {
    present_at(desk, chain, now()).await
}

async fn present_at(desk: &Desk, chain: &[Vec<u8>], at: Timestamp) -> Result<Caller, AuthError> {
    let presented = Presented { client_certificates: Some(chain), ..nothing() };
    desk.authenticator.authenticate(presented, at).await
}

fn bent(chain: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut bent = chain.to_vec();
    *bent[0].last_mut().unwrap() ^= 1;
    bent
}

const CLIENT: &str = "--profile tls-client --dns ann.people.example.com";
const MATCH: &str = r#"names: ["DNS:*.people.example.com"]"#;

#[tokio::test]
async fn each_family_is_known_and_one_changed_bit_is_not() {
    for algorithm in ["p256", "ml-dsa-44", "hybrid"] {
        let ca = Ca::new(algorithm);
        let chain = ca.issue(CLIENT);
        for anchor in ["issuing", "root"] {
            let desk = ca.desk(&format!("authorities: [{anchor}]"), MATCH).await;
            let caller = present(&desk, &chain).await.unwrap();
            assert_eq!(caller.name(), "cert:own/DNS:ann.people.example.com", "{algorithm}");
            assert_eq!(caller.credential(), CredentialKind::ClientCertificate);
            Desk::expect_refusal(present(&desk, &bent(&chain)).await, 401, "signature");
        }
        // A policy on signatures is asked of the whole path.
        let desk = ca.desk("authorities: [root]\n    policy: hybrid", MATCH).await;
        assert_eq!(present(&desk, &chain).await.is_ok(), algorithm == "hybrid", "{algorithm}");
    }
}

#[tokio::test]
async fn what_is_no_clients_certificate_of_ours_is_refused() {
    let (ca, other) = (Ca::new("p256"), Ca::new("p256"));
    let desk = ca.desk("authorities: [root]", MATCH).await;
    let good = ca.issue(CLIENT);
    present(&desk, &good).await.unwrap();
    let server = ca.issue("--profile tls-server --dns ann.people.example.com");
    Desk::expect_refusal(present(&desk, &server).await, 401, "extendedKeyUsage");
    Desk::expect_refusal(present(&desk, &good[1..]).await, 401, "basicConstraints: found a CA");
    // Without the one between, there is no path.
    Desk::expect_refusal(present(&desk, &good[..1]).await, 401, "client certificate: ");
    let foreign = other.issue(CLIENT);
    Desk::expect_refusal(present(&desk, &foreign).await, 401, "client certificate: ");
    let many = vec![good[0].clone(); 9];
    Desk::expect_refusal(present(&desk, &many).await, 401, "found 9 certificates");
    for junk in [vec![], vec![0x30], b"-----BEGIN CERTIFICATE-----".to_vec(), vec![0; 200_000]] {
        Desk::expect_refusal(present(&desk, &[junk]).await, 401, "client certificate: ");
    }
    let year = std::time::Duration::from_secs(3 * 366 * 86_400);
    Desk::expect_refusal(present_at(&desk, &good, now() + year).await, 401, "notAfter");
    Desk::expect_refusal(present_at(&desk, &good, now() - year).await, 401, "notBefore");
    let unknown = ca.issue("--profile tls-client --dns ann.machines.example.com");
    Desk::expect_refusal(present(&desk, &unknown).await, 403, "requester: found cert:");
}

#[tokio::test]
async fn a_revoked_certificate_ends_at_once() {
    let ca = Ca::new("p256");
    let desk = ca.desk("authorities: [root]", MATCH).await;
    let chain = ca.issue(CLIENT);
    let neighbour = ca.issue("--profile tls-client --dns bob.people.example.com");
    present(&desk, &chain).await.unwrap();
    ca.bench.write("leaf.der", &chain[0]);
    ca.bench.run("cert revoke leaf.der --reason key-compromise").done();
    let answer = present(&desk, &chain).await;
    Desk::expect_refusal(answer, 401, "revocation: found revoked");
    present(&desk, &neighbour).await.unwrap();
    // Its issuer is revoked: so is everything below it.
    ca.bench.write("issuing.der", &neighbour[1]);
    ca.bench.run("cert revoke issuing.der --reason ca-compromise").done();
    let answer = present(&desk, &neighbour).await;
    Desk::expect_refusal(answer, 401, "revocation: found revoked");
}

/// The other signature that ECDSA has for the same octets (r, n - s): nobody needs the key for it.
fn malleated(der: &[u8]) -> Vec<u8> {
    /// The order of P-256.
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let whole = Node::parse(der).unwrap();
    let Body::Nodes(mut parts) = whole.body else { panic!("no SEQUENCE") };
    let Body::Wrapped(_, signature) = &parts[2].body else { panic!("no signature inside") };
    let Body::Nodes(numbers) = &signature[0].body else { panic!("no two numbers") };
    let Body::Octets(s) = &numbers[1].body else { panic!("no INTEGER") };
    let s: Vec<u8> = s.iter().copied().skip_while(|octet| *octet == 0).collect();
    let s = [vec![0; 32 - s.len()], s].concat();
    let (mut other, mut borrow) = ([0_u8; 32], 0);
    for at in (0..32).rev() {
        let digit = i16::from(N[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(digit < 0);
        other[at] = digit.rem_euclid(256) as u8;
    }
    let mut other: Vec<u8> = other.iter().copied().skip_while(|octet| *octet == 0).collect();
    if other[0] & 0x80 != 0 {
        other.insert(0, 0);
    }
    let numbers = vec![numbers[0].clone(), Node::octets(2, other)];
    parts[2].body = Body::Wrapped(vec![0], vec![Node::nodes(0x30, numbers)]);
    Node::nodes(0x30, parts).to_der()
}

#[tokio::test]
async fn another_signature_does_not_bring_a_revoked_certificate_back() {
    let ca = Ca::new("p256");
    let desk = ca.desk("authorities: [root]\n    revocation: none", MATCH).await;
    let strict = ca.desk("authorities: [root]", MATCH).await;
    let chain = ca.issue(CLIENT);
    let mut other = chain.clone();
    other[0] = malleated(&chain[0]);
    assert_ne!(other, chain);
    assert_eq!(malleated(&other[0]), chain[0]);
    // It is a good signature of the same holder; only the ledger knows that it is not ours.
    present(&desk, &other).await.unwrap();
    Desk::expect_refusal(present(&strict, &other).await, 401, "ledger: found nothing of it");
    ca.bench.write("leaf.der", &chain[0]);
    ca.bench.run("cert revoke leaf.der --reason key-compromise").done();
    for shown in [&chain, &other] {
        Desk::expect_refusal(present(&desk, shown).await, 401, "revocation: found revoked");
    }
    // So it is with what stands above.
    let neighbour = ca.issue("--profile tls-client --dns bob.people.example.com");
    ca.bench.write("issuing.der", &neighbour[1]);
    ca.bench.run("cert revoke issuing.der --reason ca-compromise").done();
    let mut other = neighbour.clone();
    other[1] = malleated(&neighbour[1]);
    Desk::expect_refusal(present(&desk, &other).await, 401, "revocation: found revoked");
}

/// Somebody restored an old ledger, or has the key: the signature is right, and nobody wrote it
/// down.
#[tokio::test]
async fn a_certificate_that_the_ledger_does_not_know_is_refused() {
    let ca = Ca::new("p256");
    let stolen = Ca { bench: Workbench::new() };
    for name in ["espalier-data", "espalier-data/keys"] {
        let _ = std::fs::create_dir(stolen.bench.path(name));
    }
    copy(&ca.bench.path("espalier-data"), &stolen.bench.path("espalier-data"));
    let chain = stolen.issue(CLIENT);
    let desk = ca.desk("authorities: [root]", MATCH).await;
    Desk::expect_refusal(present(&desk, &chain).await, 401, "ledger: found nothing of it");
    let open = ca.desk("authorities: [root]\n    revocation: none", MATCH).await;
    present(&open, &chain).await.unwrap();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn certificates_of_others_need_their_lists() {
    let (ca, other) = (Ca::new("p256"), Ca::new("p256"));
    let chain = other.issue(CLIENT);
    ca.bench.write("their-root.der", root_of(&other).await);
    let trust = "anchor_files: [their-root.der]";
    // By default everything must be in this server's ledger.
    let desk = ca.desk(trust, MATCH).await;
    Desk::expect_refusal(present(&desk, &chain).await, 401, "ledger: found nothing of it");
    let desk = ca.desk(&format!("{trust}\n    revocation: none"), MATCH).await;
    present(&desk, &chain).await.unwrap();
    for (authority, file) in [("root", "root.crl"), ("issuing", "issuing.crl")] {
        other.bench.run(&format!("crl make {authority} --out {file}")).done();
        ca.bench.write(file, other.bench.read(file));
    }
    let by_lists = |files: &str| format!("{trust}\n    revocation: crl\n    crl_files: [{files}]");
    let desk = ca.desk(&by_lists("root.crl, issuing.crl"), MATCH).await;
    present(&desk, &chain).await.unwrap();
    // One list is missing: nobody can tell.
    let desk = ca.desk(&by_lists("root.crl"), MATCH).await;
    Desk::expect_refusal(present(&desk, &chain).await, 401, "revocation: found");
    other.bench.write("leaf.der", &chain[0]);
    other.bench.run("cert revoke leaf.der").done();
    other.bench.run("crl make issuing --out issuing.crl --force").done();
    ca.bench.write("issuing.crl", other.bench.read("issuing.crl"));
    let desk = ca.desk(&by_lists("root.crl, issuing.crl"), MATCH).await;
    Desk::expect_refusal(present(&desk, &chain).await, 401, "revoked");
}

async fn root_of(ca: &Ca) -> Vec<u8> {
    let root = ca.ledger().await.authority("root").await.unwrap().unwrap();
    root.certificates[0].der.clone()
}

#[tokio::test]
async fn rules_know_certificates_by_name_subject_or_fingerprint() {
    let ca = Ca::new("p256");
    let chain = ca
        .issue(&format!("{CLIENT} --uri spiffe://people/ann --subject CN=ann.people.example.com"));
    let fingerprint = ca_core::fingerprint::Fingerprint::of(&chain[0]).to_string();
    for (matches, name) in [
        (
            r#"names: ["URI:spiffe://people/*"]"#.to_owned(),
            Some("cert:own/URI:spiffe://people/ann".to_owned()),
        ),
        (
            r#"subject: "CN=ann.people.example.com""#.to_owned(),
            Some("cert:own/CN=ann.people.example.com".to_owned()),
        ),
        (
            format!("fingerprints: ['{fingerprint}']"),
            Some(format!("cert:own/sha256:{fingerprint}")),
        ),
        (format!("{MATCH}, fingerprints: ['{}']", "0".repeat(64)), None),
        (format!(r#"{MATCH}, subject: "CN=bob""#), None),
        (format!(r#"names: ["DNS:*.other.example.com"], fingerprints: ['{fingerprint}']"#), None),
        (r#"names: ["email:*@example.com"]"#.to_owned(), None),
    ] {
        let desk = ca.desk("authorities: [issuing]", &matches).await;
        let answer = present(&desk, &chain).await;
        match name {
            Some(name) => assert_eq!(answer.unwrap().name(), name, "{matches}"),
            None => Desk::expect_refusal(answer, 403, "requester: found cert:"),
        }
    }
}

/// What a request says outweighs what its connection says.
#[tokio::test]
async fn a_wrong_token_does_not_fall_back_to_the_certificate() {
    let ca = Ca::new("p256");
    let desk = ca.desk("authorities: [issuing]", MATCH).await;
    let chain = ca.issue(CLIENT);
    present(&desk, &chain).await.unwrap();
    for wrong in ["", "x", "espalier_x", "a.b.c"] {
        let presented =
            Presented { bearer: Some(wrong), client_certificates: Some(&chain), ..nothing() };
        let answer = desk.authenticator.authenticate(presented, now()).await;
        assert_eq!(answer.map(drop).unwrap_err().status(), 401, "{wrong}");
    }
}
