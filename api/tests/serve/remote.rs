//! Commands that ask a server: what they do, and what they say when they may not or can't.

use serde_json::{Value, json};

use crate::issuing::served;
use crate::running::Running;
use crate::tls::{CLASSIC_ROOT, ISSUED, PQ_ROOT, bench, config};
use crate::workbench::{Run, Workbench};

/// A served folder whose server is the context in use.
fn in_use() -> (Workbench, Running, String) {
    let (bench, server) = served();
    bench.write("token", format!("{}\n", server.token));
    let url = format!("http://{}", server.address);
    bench.run(&format!("context add lab --server {url} --token-file token")).done();
    (bench, server, url)
}

/// A context's answer and that of the folder are the same.
fn same(bench: &Workbench, line: &str) -> Value {
    let there = bench.run(line).done().json();
    let here = bench.run(&format!("{line} --data espalier-data")).done().json();
    assert_eq!(there, here, "{line}");
    there
}

#[test]
fn certificates_are_issued_renewed_and_revoked_by_a_server() {
    let (bench, server, _) = in_use();
    let made = bench.run("issue --dns a.test --key-out a.key --out a.pem --chain --days 3");
    assert_eq!(made.code, 0, "{}", made.stderr());
    assert_eq!(bench.mode("a.key"), 0o600);
    bench.run("verify --trust espalier-data/authorities/root/certificate.pem a.pem").done();
    bench
        .run("csr create --algorithm p256 --no-passphrase --subject CN=b.test --dns b.test --key-out b.key --out b.csr")
        .done();
    let line = "issue --csr b.csr --idempotency-key one --json";
    let first = bench.run(line).done().json();
    let again = bench.run(line);
    assert!(again.stderr().contains("answered before"), "{}", again.stderr());
    assert_eq!(again.json()["certificate"], first["certificate"]);
    bench.run("issue --csr b.csr --idempotency-key one --days 2").fails(1, &["idempotency"]);
    bench.run("issue --csr b.csr --profile tls-king").fails(2, &["profile: found", "tls-king"]);
    bench.run("issue --csr a.pem").fails(2, &["a.pem"]);

    let serial = first["serial"].as_str().unwrap();
    let shown = same(&bench, &format!("cert show {serial} --json"));
    assert_eq!(shown["record"]["requester"], "token:first-admin");
    let listed = same(&bench, "cert list --name DNS:b.test --json");
    assert_eq!(listed["certificates"].as_array().unwrap().len(), 1, "{listed}");
    let page = bench.run("cert list --limit 1");
    assert!(page.stderr().contains("--after "), "{}", page.stderr());
    bench.write("b.pem", first["certificate"].as_str().unwrap());
    let renewed = bench.run("cert renew b.pem --json").done().json();
    assert_ne!(renewed["serial"], first["serial"]);
    bench.run("cert renew a.pem --grace-days 3").fails(2, &["--grace-days: found beside a server"]);

    let revoked = bench.run("cert revoke b.pem --reason superseded --json").done().json();
    assert_eq!(revoked["revoked"][0]["reason"], "superseded", "{revoked}");
    bench.run("cert revoke b.pem").fails(1, &["revoked before", serial]);
    bench.run("cert renew b.pem").fails(1, &["revoked"]);
    let unknown = "4".repeat(40);
    bench.run(&format!("cert show {unknown}")).fails(1, &[&unknown]);
    bench.run("cert show 12").fails(2, &["40 hexadecimal digits"]);
    server.end();
    bench.run("ledger check --data espalier-data").done();
}

#[test]
fn authorities_tokens_the_audit_log_and_the_export_are_had_from_a_server() {
    let (bench, server, url) = in_use();
    same(&bench, "ca list --json");
    same(&bench, "ca show issuing --chain --json");
    bench.run("ca show nobody").fails(1, &["authority: found", "nobody", "issuing"]);
    same(&bench, "token list --json");
    let line = "token create --name ci --role requester --authority issuing --profile tls-server --allow DNS:*.apps.test --days 1 --json";
    let made = bench.run(line);
    let token = made.json();
    bench.run(&line.replace("--days 1", "--days 366")).fails(2, &["expires_in_days: found 366"]);

    // The token of the grant, and what it does not cover.
    bench.write("ci", token["token"].as_str().unwrap());
    let ci = |line: &str| bench.run(&format!("{line} --token-file ci"));
    ci("issue --dns x.apps.test --key-out x.key --out x.pem --algorithm p256").done();
    let foreign =
        ci("issue --dns x.apps.test --profile tls-client --key-out y.key --algorithm p256");
    foreign.fails(1, &["profile", "tls-client", "tls-server"]);
    assert!(!bench.files().contains(&"y.key".to_owned()), "no certificate, no key");
    ci("audit").fails(1, &["auditor"]);
    ci("ledger export").fails(1, &["auditor"]);

    let events = same(&bench, "audit --json");
    assert_eq!(events["events"][0]["problem"], "forbidden", "{events}");
    // The refused one is newer.
    let narrow = bench.run("audit --action token.create --json").done().json();
    assert_eq!(
        narrow["events"][1]["subject"],
        json!(format!("token:{}", token["id"].as_str().unwrap()))
    );
    let exported = bench.run("ledger export --out export.ndjson");
    assert_eq!(exported.code, 0, "{}", exported.stderr());
    assert!(
        exported.stderr().contains("records of certificates, not the rows"),
        "{}",
        exported.stderr()
    );
    let here = bench.run("ledger export --data espalier-data --out rows.ndjson").done();
    assert!(here.stdout().contains("digest"), "{}", here.stdout());
    let export = String::from_utf8(bench.read("export.ndjson")).unwrap();
    assert_eq!(export.lines().count(), 4, "root, issuing, quickstart's own, and one");
    assert_eq!(bench.mode("export.ndjson"), 0o600);

    let id = token["id"].as_str().unwrap();
    bench.run(&format!("token revoke {id}")).done();
    bench.run(&format!("token revoke {id}")).fails(1, &["revoked"]);
    ci("cert list").fails(2, &["revoked", "--token-file"]);
    for line in ["profiles --json", "algorithms --json"] {
        let there = bench.run(&format!("{line} --context lab")).done().json();
        assert_eq!(
            there.as_array().unwrap().len(),
            bench.run(line).done().json().as_array().unwrap().len()
        );
    }
    drop(server);
    let gone = bench.run(&format!("cert list --server {url}"));
    gone.fails(3, &["found no connection", "--data asks a data folder"]);
}

#[test]
fn other_certificates_of_an_authority_are_told_by_a_server() {
    let (bench, server, _) = in_use();
    assert_eq!(same(&bench, "ca show root --json")["others"], json!([]));
    assert!(server.end().success());
    bench.run("ca rekey root --name root-2 --algorithm p256 --no-passphrase").done();
    let again = Running::start(&bench, "");
    let url = format!("http://{}", again.address);
    bench.run(&format!("context add lab --server {url} --token-file token")).done();
    let others = |name: &str| same(&bench, &format!("ca show {name} --json"))["others"].clone();
    let found: Vec<_> = ["root", "root-2", "issuing"].map(others).into_iter().collect();
    let count = |others: &Value| others.as_array().unwrap().len();
    assert_eq!(found.iter().map(count).sum::<usize>(), 2, "both links: {found:?}");
    assert_eq!(found[2], json!([]));
}

#[test]
fn the_nearer_word_says_where_a_command_asks() {
    let (bench, server, url) = in_use();
    let with = |line: &str, env: &[(&str, &str)]| bench.run_with(line, env, b"");
    let fails = |run: Run, words: &[&str]| run.fails(2, words);
    fails(
        bench.run("cert list --server http://127.0.0.1:1 --data espalier-data"),
        &["--data: found beside a server"],
    );
    fails(
        bench.run("cert list --server http://127.0.0.1:1 --context lab"),
        &["--context: found beside --server"],
    );
    fails(
        bench.run("key generate --algorithm p256 --no-passphrase --context lab"),
        &["works on this machine alone"],
    );
    fails(bench.run("cert list --context prod"), &["context: found \"prod\", allowed: lab"]);
    fails(bench.run("cert list --server http://ca.example"), &["allowed: an https URL"]);
    // The folder of the command line counts before the environment, which counts before the context.
    let elsewhere = [("ESPALIER_SERVER", "http://127.0.0.1:1")];
    with("cert list --data espalier-data", &elsewhere).done();
    assert_eq!(with("cert list", &elsewhere).code, 3);
    with("cert list", &[("ESPALIER_SERVER", &url), ("ESPALIER_TOKEN_FILE", "token")]).done();
    with("cert list", &[("ESPALIER_DATA", "nowhere")]).fails(3, &["nowhere"]);
    with("cert list --context lab", &[("ESPALIER_DATA", "nowhere")]).done();

    // A token that is none of this server's, and none at all.
    bench.write("wrong", "espalier_wrong");
    let refused = bench.run("cert list --token-file wrong");
    assert!(!refused.stderr().contains("espalier_wrong"), "{}", refused.stderr());
    refused.fails(2, &["Nobody is known to have asked", "--token-file"]);
    bench.run(&format!("cert list --server {url}")).fails(2, &["Nobody is known"]);
    bench.run("cert list --token-file missing").fails(2, &["token file missing"]);
    server.end();
}

#[test]
fn contexts_are_saved_shown_changed_and_removed() {
    let bench = Workbench::new();
    bench.run("context show").fails(2, &["found none in use"]);
    bench.run("context add a/b --server https://ca.example").fails(2, &["NAME: found \"a/b\""]);
    bench.run("context add a --server http://ca.example").fails(2, &["server: found"]);
    bench
        .run("context add a --server https://ca.example --server-ca none.pem")
        .fails(2, &["none.pem"]);
    bench.run("context add a --server https://a.example --token-file token").done();
    bench.run("context add b --server https://b.example").done();
    assert_eq!(bench.mode(".config/espalier/contexts.yaml"), 0o600);
    let shown = bench.run("context show --json").done().json();
    assert_eq!(shown["server"], "https://a.example");
    assert!(shown["token_file"].as_str().unwrap().starts_with('/'), "{shown}");
    bench.run("context use c").fails(2, &["context: found \"c\", allowed: a, b"]);
    bench.run("context use b").done();
    let listed = bench.run("context list").done();
    assert!(listed.stdout().contains("*  b"), "{}", listed.stdout());
    bench.run("context remove b").done();
    bench.run("context remove b").fails(2, &["allowed: a"]);
    bench.run("context show").fails(2, &["found none in use"]);
    bench.write(".config/espalier/contexts.yaml", "version: 1\ncontexts: {}\ntoken: x\n");
    bench.run("context list").fails(2, &["contexts.yaml", "token"]);
    bench.run("inspect --help").done();
}

#[test]
fn a_server_proves_who_it_is_before_it_is_told_a_token() {
    let bench = bench();
    let made = bench.run("token create --name ops --role auditor --authority * --profile * --json");
    bench.write("token", made.json()["token"].as_str().unwrap());
    let server = Running::start_by_config(&bench, &config(ISSUED, ""));
    let url = format!("https://localhost:{}", server.address.port());
    let ask = |ca: &str| {
        bench.run(&format!("cert list --server {url} --token-file token --server-ca {ca}"))
    };
    ask(PQ_ROOT).done();
    // The first certificate of the server is below the post-quantum root, and this client knows it.
    ask(CLASSIC_ROOT).fails(3, &["TLS failed", "--server-ca"]);
    ask("token").fails(2, &["CA file token", "certificates in PEM"]);
    bench.run(&format!("cert list --server {url} --token-file token")).fails(3, &["TLS failed"]);
    let other = url.replace("localhost", "127.0.0.2");
    let run =
        bench.run(&format!("cert list --server {other} --token-file token --server-ca {PQ_ROOT}"));
    assert_eq!(run.code, 3, "another name, or nobody there: {}", run.stderr());
    assert!(server.end().success());
}

#[test]
fn a_context_shows_a_client_certificate() {
    let bench = bench();
    for name in ["me", "other"] {
        let files = format!("--key-out {name}.key --out {name}.pem");
        let line = format!(
            "issue --profile tls-client --authority issuing --algorithm ml-dsa-44 --dns {name}.clients.test {files}"
        );
        let run = bench.run(&line);
        assert_eq!(run.code, 0, "{}", run.stderr());
    }
    let auth = "
auth:
  client_certificates: [{trust: own, authorities: [issuing]}]
  requesters:
    - rule: watchers
      match: {client_certificate: {trust: own, names: ['DNS:me.clients.test']}}
      grant: {roles: [auditor], authorities: ['*'], profiles: ['*']}
";
    let server = Running::start_by_config(&bench, &config(ISSUED, auth));
    let add = format!("--server https://localhost:{} --server-ca {PQ_ROOT}", server.address.port());
    let shows = |name: &str, certificate: &str, key: &str| {
        let files = format!("--client-certificate {certificate}.pem --client-key {key}.key");
        bench.run(&format!("context add {name} {add} {files}"))
    };
    shows("mine", "me", "me").done();
    let seen = bench.run("cert list --name DNS:me.clients.test --json").done().json();
    assert_eq!(seen["certificates"].as_array().unwrap().len(), 1, "{seen}");
    // Known, and nobody's rule; the key of another; nothing shown; revoked.
    shows("other", "other", "other").done();
    bench.run("cert list --context other").fails(1, &["auth.requesters"]);
    shows("mixed", "me", "other").fails(2, &["other.key"]);
    bench.run(&format!("context add nobody {add}")).done();
    bench.run("cert list --context nobody").fails(2, &["Nobody is known"]);
    bench.run("cert revoke me.pem --data espalier-data").done();
    bench.run("cert list --context mine").fails(2, &["revoked"]);
    assert!(server.end().success());
}
