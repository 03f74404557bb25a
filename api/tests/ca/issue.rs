use ca_core::key::PrivateKey;
use ca_core::pem;

use crate::data::{certificates, classical, made, records, serial, sound, verifies};

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";

#[test]
fn from_a_request_of_every_family() {
    let bench = made("--no-passphrase");
    for algorithm in ["p256", "ed25519", "rsa-3072", "ml-dsa-44", "hybrid"] {
        let line = "csr create --dns app.test --subject CN=app,O=Example --key-out k.pem --force";
        bench.run(&format!("{line} --no-passphrase --algorithm {algorithm} --out r.csr")).done();
        bench.run("issue --csr r.csr --chain --out chain.pem").done();
        verifies(&bench, "chain.pem", ROOT, "hybrid");
        let csr = pem::read_one_request(&bench.read("r.csr")).unwrap();
        let leaf = certificates(&bench, "chain.pem").remove(0);
        assert!(leaf.public_key() == csr.public_key() && leaf.subject() == csr.subject().as_name());
        // One bit of the request's signature: nobody proved to have the key.
        bench.write("bent.csr", crate::workbench::bent(csr.der()));
        let words = ["bent.csr", "signature"];
        bench.run("issue --csr bent.csr --out never.pem").fails(1, &words);
    }
    assert!(!bench.path("never.pem").exists());
    assert_eq!(records(&bench), 2 + 5);
}

#[test]
fn with_a_key_that_is_made_here() {
    let bench = classical();
    for algorithm in ["", "--algorithm ml-dsa-65"] {
        let line = format!("issue --dns a.test --ip 192.0.2.1 --key-out k.pem {algorithm}");
        let run = bench.run(&format!("{line} --force --out a.pem")).done();
        assert!(run.stdout.is_empty());
        assert_eq!((bench.mode("k.pem"), bench.mode("a.pem")), (0o600, 0o644));
        let der = match pem::read(&bench.read("k.pem")).unwrap() {
            pem::Input::Pem(blocks) => blocks[0].der().to_vec(),
            pem::Input::Der(_) => panic!("PEM was written"),
        };
        let key = PrivateKey::from_der(&der).unwrap();
        let leaf = certificates(&bench, "a.pem").remove(0);
        assert!(key.public_key() == leaf.public_key());
    }
    let run = bench.run("inspect a.pem").done();
    for word in ["a.test", "192.0.2.1", "ML-DSA-65"] {
        assert!(run.stdout().contains(word), "no {word} in {}", run.stdout());
    }
}

#[test]
fn as_chain_as_der_and_as_json() {
    let bench = classical();
    let line = "issue --dns a.test --key-out k.pem --force";
    let run = bench.run(&format!("{line} --chain")).done();
    let chain = pem::read_certificates(&run.stdout).unwrap();
    assert_eq!(chain.len(), 2, "the root is left out");
    assert!(chain[0].issuer() == chain[1].subject());
    let run = bench.run(&format!("{line} --der")).done();
    let leaf = ca_core::certificate::Certificate::from_der(&run.stdout).unwrap();
    let shown = bench.run(&format!("cert show {}", leaf.fingerprint())).done();
    assert!(shown.stdout().contains("DNS:a.test"), "{}", shown.stdout());
    let run = bench.run(&format!("{line} --json --profile tls-peer --days 7")).done();
    let json = run.json();
    assert_eq!((&json["authority"], &json["profile"]), (&"issuing".into(), &"tls-peer".into()));
    let leaf = pem::read_one_certificate(json["certificate"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(json["fingerprint_sha256"], leaf.fingerprint().to_string());
    let (start, end) = (leaf.validity().not_before(), leaf.validity().not_after());
    assert_eq!(end.as_second() - start.as_second() + 1, 7 * 86_400 + 300, "backdated 300 s");
    for both in ["--json --der", "--json --chain", "--der --chain", "--json --out x"] {
        assert_eq!(bench.run(&format!("{line} {both}")).code, 2, "{both}");
    }
}

#[test]
fn one_idempotency_key_is_one_certificate() {
    let bench = classical();
    let csr = "csr create --dns a.test --algorithm p256 --no-passphrase --force";
    bench.run(&format!("{csr} --key-out k.pem --out one.csr")).done();
    bench.run(&format!("{csr} --key-out k.pem --out two.csr")).done();
    let one = "issue --csr one.csr --idempotency-key order-7";
    let first = bench.run(one).done();
    let again = bench.run(one);
    assert_eq!((again.code, &again.stdout), (0, &first.stdout), "the same bytes");
    assert!(again.stderr().contains("answered before"), "{}", again.stderr());
    for other in [
        "issue --csr two.csr --idempotency-key order-7",
        "issue --csr one.csr --idempotency-key order-7 --days 3",
        "issue --csr one.csr --idempotency-key order-7 --profile tls-client",
    ] {
        bench.run(other).fails(1, &["idempotency key \"order-7\"", "another request", "new key"]);
    }
    assert_eq!(records(&bench), 3);
    let other = bench.run("issue --csr one.csr --idempotency-key order-8").done();
    assert!(other.stdout != first.stdout);
    // With a key made here the request is never the same twice.
    let line = "issue --dns a.test --key-out n.pem --idempotency-key order-9";
    assert_eq!(bench.run(line).code, 2);
}

#[test]
fn an_own_profile_is_part_of_the_request() {
    let bench = classical();
    let shipped = include_str!("../../../ca-core/profiles/tls-server.yaml");
    let own = shipped.replace("name: tls-server", "name: own");
    bench.write("own.yaml", &own);
    let csr = "csr create --dns a.test --algorithm p256 --key-out k.pem --no-passphrase";
    bench.run(&format!("{csr} --out r.csr")).done();
    let line = "issue --csr r.csr --profile-file own.yaml --idempotency-key k --json";
    assert_eq!(bench.run(line).done().json()["profile"], "own");
    bench.write("own.yaml", own.replace("validity_days: 90", "validity_days: 80"));
    bench.run(line).fails(1, &["another request"]);
    bench.write("own.yaml", own.replace("wildcards", "wildcats"));
    bench.run(line).fails(2, &["own.yaml", "wildcats"]);
    let both = "issue --csr r.csr --profile-file own.yaml --profile tls-server";
    assert_eq!(bench.run(both).code, 2);
}

#[test]
fn a_profile_refuses_with_the_field_and_leaves_nothing() {
    let bench = classical();
    let days = "validity: found 777600000 seconds, profile tls-server allows 1 to ";
    for (options, words) in [
        ("--email a@b.test", &["subjectAltName", "email:a@b.test", "tls-server allows"][..]),
        ("--uri https://a.test/", &["subjectAltName", "URI:https://a.test/"]),
        ("--subject CN=x,UID=y --dns a.test", &["subject: found UID", "allows CN"]),
        ("--subject O=Example", &["subjectAltName: found no names", "at least one"]),
        ("--dns a.test --days 9000", &[days]),
        ("--dns a.test --profile spiffe", &["subjectAltName", "DNS:a.test", "spiffe"]),
        ("--uri spiffe://a.test/x --profile tls-server", &["URI:spiffe://a.test/x"]),
        ("--dns a.test --profile issuing-ca", &["path length", "leaf profiles"]),
        ("--dns a.test --profile root", &["root"]),
        ("--dns a.test --profile cross-ca", &["cross-ca"]),
    ] {
        let run = bench.run(&format!("issue {options} --key-out never.key --out never.pem"));
        run.fails(1, &["certificate refused: "]).fails(1, words);
        assert_eq!(bench.files(), ["espalier-data"], "{options}");
    }
    for (options, words) in [
        ("--dns a.test --profile nope", &["profile: found \"nope\"", "tls-server", "hint: "][..]),
        ("--dns a.test --authority nope", &["authority \"nope\"", "espalier ca list"]),
        ("--dns a.test --data nope", &["nope: there is no ledger", "espalier init"]),
    ] {
        let run = bench.run(&format!("issue {options} --key-out never.key --out never.pem"));
        let code = if options.contains("--data") { 3 } else { 2 };
        run.fails(code, words);
        assert_eq!(bench.files(), ["espalier-data"], "{options}");
    }
    for options in ["", "--dns a.test", "--dns -bad- --key-out k", "--days 0 --key-out k"] {
        assert_eq!(bench.run(&format!("issue {options}")).code, 2, "{options}");
    }
    assert_eq!(records(&bench), 2, "no record of what was refused");
}

#[test]
fn a_root_that_issues_itself_is_an_authority_like_any() {
    let bench = classical();
    let run = bench.run("issue --authority root --dns a.test --key-out k.pem --json").done();
    bench.run(&format!("cert show {}", serial(&run))).done();
    assert_eq!(sound(&bench)["checked"]["certificates"], 3);
}

#[test]
fn a_lint_that_the_profile_changed_is_told_with_its_reason() {
    let bench = classical();
    let issue = |severity: &str| {
        let profile = include_str!("../../../ca-core/profiles/tls-server.yaml");
        let lint = "id: common_name_among_names, reason: Old clients read it.";
        bench.write("own.yaml", format!("{profile}lints: [{{{lint}, severity: {severity}}}]\n"));
        bench.run("issue --subject CN=b.test --dns a.test --key-out - --profile-file own.yaml")
    };
    let run = issue("warning");
    assert_eq!(run.code, 0, "{}", run.stderr());
    let told = "note: lint: warning common_name_among_names";
    assert!(run.stderr().starts_with(told), "{}", run.stderr());
    assert!(
        run.stderr().contains("notice by itself, changed by the profile: Old clients read it.")
    );
    issue("error").fails(1, &["error common_name_among_names", "Old clients read it."]);
}
