//! `ca import`: what an offline ceremony made signs here, when its transcript is true.

use std::fs;

use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Label};
use ceremony::audit::{add_signature, audit};
use ceremony::digest::Digest;
use ceremony::folder::Folder;
use ceremony::rehearsal::{Answers, Rehearsed};
use ceremony::share::Cost;
use ceremony::sitting::{Part, Purpose, Sitting, SittingError, World};
use ceremony::transcript::Program;
use ceremony::witness;
use interop::issue::{now, rng};
use jiff::SignedDuration;

use crate::data::{certificates, classical, records, sound};
use crate::workbench::Workbench;

const ANSWERS: &str = "
version: 1
definition: ceremony.yaml
operator: Olga
witnesses: [Wim]
reason: a test
present: [Ana, Ben]
";

/// A root that signs the request `west.csr`, and another authority that a list revokes.
const MAKE: &str = r#"
custody: {threshold: 2, custodians: [Ana, Ben]}
keys:
  - {name: root, algorithm: MLDSA44-Ed25519-SHA512}
  - {name: lost, algorithm: P-256}
make:
  - root: {name: root, key: root, subject: "CN=Example Root,O=Example"}
  - issuing: {name: west, issuer: root, csr: west.csr}
  - issuing: {name: lost, issuer: root, key: lost, subject: "CN=Lost CA,O=Example"}
"#;

/// A ceremony in the folder `made`, about a key of the workbench; gives the head of its transcript.
fn held(bench: &Workbench, rehearsal: bool) -> String {
    held_before(bench, rehearsal, "")
}

/// The same, before the witnesses of some more lines of the definition.
fn held_before(bench: &Workbench, rehearsal: bool, witnesses: &str) -> String {
    let key = "key generate --algorithm p256 --no-passphrase --out west.key --force";
    bench.run(key).done();
    bench.run("csr create --key west.key --subject CN=West,O=Example --out west.csr").done();
    let place = bench.path("made");
    fs::create_dir(&place).unwrap();
    fs::copy(bench.path("west.csr"), place.join("west.csr")).unwrap();
    let second = |days: i64| {
        let time = now() + SignedDuration::from_hours(24 * days);
        jiff::Timestamp::from_second(time.as_second()).unwrap()
    };
    let list = format!(
        "  - crl: {{name: root-crl, issuer: root, number: 1, next_update: {}, \
         revoked: [{{certificate: lost, reason: cACompromise}}]}}\n",
        second(300)
    );
    let definition =
        format!("version: 1\ntitle: Example\nat: {}\n{witnesses}{MAKE}{list}", second(-1));
    fs::write(place.join("ceremony.yaml"), definition).unwrap();
    let (mut screen, folder) = (Vec::new(), Folder::new(&place));
    let mut table = Rehearsed::new(Answers::from_yaml(ANSWERS).unwrap(), &mut screen);
    for part in [Part::Keys, Part::Plan, Part::Run] {
        sit(&folder, Purpose { part, rehearsal }, &mut table).unwrap();
    }
    audit(&folder).unwrap().head.to_string()
}

fn sit(
    folder: &Folder,
    purpose: Purpose,
    table: &mut Rehearsed<'_>,
) -> Result<Digest, SittingError> {
    let world = World {
        clock: now,
        rng: &mut rng(),
        program: Program { version: "0".into(), digest: None },
        cost: Cost::REAL,
        findings: Vec::new(),
        look: Vec::new,
    };
    Sitting::hold(folder.clone(), purpose, table, world)
}

/// A sitting in which nothing is done, as all is done already; gives the head after it.
fn held_once_more(bench: &Workbench) -> String {
    let (mut screen, folder) = (Vec::new(), Folder::new(bench.path("made")));
    let mut table = Rehearsed::new(Answers::from_yaml(ANSWERS).unwrap(), &mut screen);
    let purpose = Purpose { part: Part::Plan, rehearsal: false };
    sit(&folder, purpose, &mut table).unwrap_err();
    audit(&folder).unwrap().head.to_string()
}

const ROOT: &str = "ca import root-2026 --ceremony made --step root";
const WEST: &str = "ca import west --parent root-2026 --ceremony made --step west --key west.key \
                    --no-passphrase";

#[test]
fn an_issuing_authority_signs_below_a_root_that_stays_offline() {
    let bench = Workbench::new();
    let head = held(&bench, false);
    let json = bench.run(&format!("{ROOT} --head {head} --new --json")).done().json();
    assert_eq!(json["key"], serde_json::Value::Null);
    // The head as people read it aloud.
    let spoken = head.parse::<Digest>().unwrap().spoken();
    let mut command = bench.command();
    command.args(WEST.split_whitespace()).args(["--head", &spoken]);
    assert!(command.output().unwrap().status.success());
    assert_eq!(bench.mode("espalier-data/authorities/west/key.pem"), 0o600);
    // The root's own certificate, that of west, and the revoked one.
    assert_eq!(records(&bench), 3);

    bench.run("issue --authority west --dns a.test --key-out k.pem --chain --out a.pem").done();
    let root = "espalier-data/authorities/root-2026/certificate.pem";
    bench.run(&format!("verify --trust {root} a.pem")).done();
    assert_eq!(certificates(&bench, "espalier-data/authorities/west/chain.pem").len(), 2);
    let foreign = classical();
    bench.write("foreign.pem", foreign.read("espalier-data/authorities/root/certificate.pem"));
    bench.run("verify --trust foreign.pem a.pem").fails(1, &[]);
    // The root's key is not here.
    bench.run("issue --authority root-2026 --dns a.test --out b.pem --key-out b.key").fails(3, &[]);
    bench.run(&format!("{ROOT} --head {head}")).fails(2, &["root-2026", "already"]);
    assert_eq!(records(&bench), 4);
}

#[test]
fn what_is_not_true_is_refused_and_leaves_nothing() {
    let bench = Workbench::new();
    let head = held(&bench, false);
    let other = format!("{}{}", &head[1..], &head[..1]);
    bench.run(&format!("{ROOT} --head {other} --new")).fails(1, &["head of the transcript", &head]);
    bench.run(&format!("{ROOT} --head {head} --new --rehearsal")).fails(1, &["a rehearsal"]);
    assert!(!bench.path("espalier-data").exists());
    bench.run(&format!("{ROOT} --head {head}")).fails(3, &["no ledger"]);

    bench.run(&format!("{ROOT} --head {head} --new")).done();
    bench.run("key generate --algorithm p256 --no-passphrase --out other.key").done();
    let import = |options: &str| bench.run(&format!("ca import {options} --head {head}"));
    let made = "--ceremony made --no-passphrase";
    let below = format!("{made} --parent root-2026");
    for (options, code, words) in [
        (format!("west {below} --step west --key other.key"), 1, &["key: found", "west"][..]),
        (format!("lost {below} --step lost"), 1, &["revoked by the list of step root-crl"]),
        (format!("west {made} --step west"), 1, &["issuer", "without --parent"]),
        (format!("west {below} --step root"), 1, &["key of its parent"]),
        (format!("west {below} --step root-crl"), 2, &["root-crl", "root, west, lost"]),
        (format!("west {made} --parent east --step west"), 2, &["east"]),
        (format!("West {below} --step west"), 2, &["authority name"]),
    ] {
        let run = import(&options);
        assert_eq!(run.code, code, "{options}: {}", run.stderr());
        for word in words {
            assert!(run.stderr().contains(word), "{options}: no {word:?} in {}", run.stderr());
        }
    }
    // A byte of the transcript, of the plan, of what was signed.
    for name in ["transcript.jsonl", "plan.json", "out/west.pem"] {
        let path = format!("made/{name}");
        let octets = bench.read(&path);
        let mut changed = octets.clone();
        changed[octets.len() / 2] ^= 1;
        bench.write(&path, changed);
        let run = bench.run(&format!("{WEST} --head {head}"));
        let named = name.trim_end_matches(".jsonl").trim_end_matches(".json");
        run.fails(1, &[named]);
        bench.write(&path, octets);
    }
    assert!(!bench.path("espalier-data/authorities/west").exists());
    assert_eq!(sound(&bench)["checked"]["authorities"], 1);
    bench.run(&format!("{WEST} --head {head}")).done();
}

#[test]
fn a_rehearsal_is_taken_for_a_drill_alone() {
    let bench = Workbench::new();
    let head = held(&bench, true);
    bench.run(&format!("{ROOT} --head {head} --new")).fails(1, &["found a rehearsal", "drills"]);
    bench.run(&format!("{ROOT} --head {head} --new --rehearsal")).done();
    bench.run(&format!("{WEST} --head {head} --rehearsal")).done();
    let run = bench.run("ca show west").done();
    assert!(run.stdout().contains("REHEARSAL"), "{}", run.stdout());
}

#[test]
fn what_its_witnesses_did_not_sign_is_refused_but_for_those_who_are_named() {
    let bench = Workbench::new();
    let algorithm = Algorithm::named("mldsa44-ed25519-sha512").unwrap();
    let [wim, wanda] = [(); 2].map(|()| PrivateKey::generate(algorithm, &mut rng()).unwrap());
    let line = |name: &str, key: &PrivateKey| {
        let pem = pem::encode(Label::PublicKey, key.public_key().spki_der());
        format!(
            "  - name: {name}\n    key: |\n      {}\n",
            pem.trim_end().replace('\n', "\n      ")
        )
    };
    let witnesses = format!("witnesses:\n{}{}", line("Wim", &wim), line("Wanda", &wanda));
    let head = held_before(&bench, false, &witnesses);
    let import = format!("{ROOT} --head {head} --new");
    let words = ["no signature over the head by Wim, Wanda", "witness add"];
    bench.run(&import).fails(1, &words);

    let folder = Folder::new(bench.path("made"));
    let signed = witness::sign(head.parse().unwrap(), &wim).unwrap();
    let added = add_signature(&folder, &signed).unwrap();
    assert_eq!(added.name, "Wim");
    bench.run(&import).fails(1, &["no signature over the head by Wanda,"]);
    // Of a stranger, of another head, or changed, none is added.
    let foreign = witness::sign(Digest::of(b"another"), &wanda).unwrap();
    let error = add_signature(&folder, &foreign).unwrap_err().to_string();
    assert!(error.starts_with("signature: found one by another key or over something"), "{error}");
    let stranger = PrivateKey::generate(algorithm, &mut rng()).unwrap();
    let foreign = witness::sign(head.parse().unwrap(), &stranger).unwrap();
    add_signature(&folder, &foreign).unwrap_err();

    bench.run(&format!("{import} --without-signature-of Wendy")).fails(2, &["Wendy", "witnesses"]);
    let name =
        fs::read_dir(folder.path("signatures")).unwrap().next().unwrap().unwrap().file_name();
    let path = format!("made/signatures/{}", name.to_str().unwrap());
    let octets = bench.read(&path);
    let mut changed = octets.clone();
    changed[octets.len() / 2] ^= 1;
    bench.write(&path, changed);
    let without = format!("{import} --without-signature-of Wanda");
    bench.run(&without).fails(1, &["signatures/", "signature"]);
    bench.write(&path, octets);
    assert!(!bench.path("espalier-data").exists());
    // The head of before is not the head: another sitting was held since.
    let later = held_once_more(&bench);
    let import = format!("{ROOT} --head {later} --new --without-signature-of Wanda --json");
    bench.run(&import).fails(1, &["no signature over the head by Wim,"]);
    bench.run(&format!("{ROOT} --head 12 --new")).fails(2, &["--head: found \"12\"", "24 words"]);
    let signed = witness::sign(later.parse().unwrap(), &wim).unwrap();
    add_signature(&folder, &signed).unwrap();
    // What is told is who signed, whatever was asked for.
    let json = bench.run(&format!("{import} --without-signature-of Wim")).done().json();
    assert_eq!(json["signed_by"][0]["name"], "Wim");
    assert_eq!(json["signed_by"][0]["key"], Digest::of(wim.public_key().spki_der()).to_string());
    assert_eq!(json["without_signature_of"], serde_json::json!(["Wanda"]));
}
