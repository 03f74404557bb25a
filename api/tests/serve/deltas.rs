//! Shards and deltas, at the URLs that certificates and complete lists name.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ca_core::crl::CertificateList;

use crate::http;
use crate::replicas::database;
use crate::running::Running;
use crate::workbench::{Workbench, bent};

const CONFIG: &str = "version: 1
listen: 127.0.0.1:0
public:
  listen: 127.0.0.1:0
  crl:
    shards: {issuing: ['http://pki.test/crl/first.crl', 'http://pki.test/crl/second.crl']}
    deltas: {issuing: {url: 'http://pki.test/crl/changes.crl'}}
";

/// A CA with leaves of two shards, and a first token.
fn bench() -> (Workbench, String) {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    for authority in ["root", "issuing"] {
        bench.run(&format!("ca show {authority} --pem --out {authority}.pem")).done();
    }
    bench.run("crl make root --out root.crl").done();
    let shipped = include_str!("../../../ca-core/profiles/tls-server.yaml");
    for (leaf, shard) in [("app", "first"), ("web", "first"), ("db", "second")] {
        let named = shipped.replace("name: tls-server", &format!("name: in-{shard}"));
        let url = format!("crl_distribution_points: ['http://pki.test/crl/{shard}.crl']\n");
        bench.write(&format!("{shard}.yaml"), named + &url);
        let files = format!("--key-out {leaf}.key --out {leaf}.pem");
        bench.run(&format!("issue --profile-file {shard}.yaml --dns {leaf}.test {files}")).done();
    }
    let server = Running::start(&bench, "");
    let token = server.token.clone();
    server.until_ready();
    assert!(server.end().success());
    (bench, token)
}

/// The list, once it is as wanted; it is written into a file of its name.
#[track_caller]
fn fetched(
    bench: &Workbench,
    server: &Running,
    name: &str,
    wanted: impl Fn(&CertificateList) -> bool,
) -> CertificateList {
    let started = Instant::now();
    loop {
        let answer = http::send(server.public(), "GET", &format!("/crl/{name}.crl"), &[], b"");
        if answer.status == 200 {
            assert_eq!(answer.header("content-type"), Some("application/pkix-crl"));
            let list = CertificateList::from_der(answer.body.clone()).unwrap();
            if wanted(&list) {
                bench.write(&format!("{name}.crl"), &answer.body);
                return list;
            }
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{name}: {answer:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn shards_and_deltas_are_served_where_they_are_named() {
    let (bench, token) = bench();
    // Somebody has the list that the server without deltas made.
    let held = CertificateList::from_der(bench.read("espalier-data/crl/issuing.crl")).unwrap();
    bench.write("held.crl", held.der());
    let server = Running::start_by_config(&bench, CONFIG);
    // What the server without deltas made names none; it is made anew at once.
    let complete = fetched(&bench, &server, "issuing", |list| list.freshest_crl().next().is_some());
    let shown = bench.run("crl show issuing.crl").done().stdout().to_owned();
    assert!(shown.contains("http://pki.test/crl/changes.crl"), "{shown}");
    let delta = fetched(&bench, &server, "changes", |_| true);
    assert!(delta.number() > complete.number() && complete.number() > held.number());
    assert_eq!(delta.base_number(), Some(held.number()), "the oldest list that is current");
    let second = fetched(&bench, &server, "second", |_| true);
    assert!(second.is_empty() && fetched(&bench, &server, "first", |_| true).is_empty());
    server.until_ready();
    let metrics = server.as_token(&token, "GET", "/metrics", None);
    for list in ["issuing", "changes", "first", "second"] {
        let line = format!(r#"espalier_crl_age_seconds{{authority="issuing",list="{list}"}} "#);
        assert!(metrics.text().contains(&line), "no {line} in {}", metrics.text());
    }
    let ready = http::send(server.address, "GET", "/readyz", &[], b"").json().to_string();
    for name in ["issuing: number ", "first: number ", "second: number ", "changes: number "] {
        assert!(ready.contains(name), "{ready}");
    }

    bench.run("cert revoke app.pem --reason keyCompromise").done();
    fetched(&bench, &server, "changes", |list| list.len() == 1);
    fetched(&bench, &server, "first", |list| list.len() == 1);
    // That of the other shard has nothing to tell, and the complete one waits for its time.
    let second = fetched(&bench, &server, "second", |list| list.number() > second.number());
    assert!(second.is_empty());
    let again = fetched(&bench, &server, "issuing", |_| true);
    assert_eq!(again.number(), complete.number());

    let verify = "verify --trust root.pem --intermediate issuing.pem --revocation-of leaf";
    let judged = |lists: &str, leaf: &str| bench.run(&format!("{verify} {lists} {leaf}.pem"));
    judged("--crl first.crl", "app").fails(1, &["revoked"]);
    judged("--crl first.crl", "web").done();
    judged("--crl first.crl", "db").fails(1, &["unknown"]);
    judged("--crl second.crl", "db").done();
    judged("--crl second.crl", "app").fails(1, &["unknown"]);
    judged("--crl issuing.crl --crl changes.crl", "app").fails(1, &["delta CRL"]);
    judged("--crl issuing.crl --crl changes.crl", "web").done();
    // Whoever has an older list that is current is served as well.
    judged("--crl held.crl", "app").done();
    judged("--crl held.crl --crl changes.crl", "app").fails(1, &["delta CRL"]);
    judged("--crl held.crl --crl changes.crl", "web").done();
    bench.write("bent.crl", bent(&bench.read("first.crl")));
    judged("--crl bent.crl", "web").fails(1, &["unknown"]);

    // The same list for those with a token.
    let place = "/v1/authorities/issuing/crl";
    let told = server.as_token(&token, "GET", place, None).json();
    bench.write("told.pem", told["crl"].as_str().unwrap());
    assert_eq!(told["number"].to_string(), complete.number().to_string());
    judged("--crl told.pem --crl changes.crl", "web").done();
    let bearer = format!("Bearer {token}");
    let as_der = [("Authorization", bearer.as_str()), ("Accept", "application/pkix-crl")];
    let der = http::send(server.address, "GET", place, &as_der, b"");
    assert_eq!(der.header("content-type"), Some("application/pkix-crl"));
    assert!(der.body == bench.read("issuing.crl"));
    let none = server.as_token(&token, "GET", "/v1/authorities/root/crl", None);
    none.is_problem(404, "not-found", &["none of the authority root"]);
    let nobody = server.as_token(&token, "GET", "/v1/authorities/nobody/crl", None);
    nobody.is_problem(404, "not-found", &["nobody", "issuing"]);
    http::send(server.address, "GET", place, &[], b"").is_problem(401, "unauthenticated", &[]);
    assert!(server.end().success());
    bench.run("ledger check").done();
}

#[test]
fn a_delta_of_one_server_changes_the_list_of_another() {
    let Some((_cluster, bench, options)) = database() else { return };
    for authority in ["root", "issuing"] {
        let line = format!("ca show {authority} --pem --out {authority}.pem {options}");
        bench.run(&line).done();
    }
    bench.run(&format!("issue --dns app.test --key-out app.key --out app.pem {options}")).done();
    // The same keys in two folders: each server has lists of its own.
    let copied = Command::new("cp")
        .args(["-a", "espalier-data", "other-data"])
        .current_dir(bench.path("."))
        .status();
    assert!(copied.unwrap().success());
    let config = |data: &str| {
        let url = options.split_whitespace().nth(1).unwrap();
        format!(
            "version: 1
listen: 127.0.0.1:0
data: {data}
ledger: {url}
ledger_password_file: password
public:
  listen: 127.0.0.1:0
  crl: {{deltas: {{issuing: {{url: 'http://pki.test/crl/changes.crl'}}}}}}
"
        )
    };
    let servers = ["espalier-data", "other-data"].map(|data| {
        let server = Running::start_by_file(&bench, &format!("{data}.yaml"), &config(data), &[]);
        server.until_ready();
        server
    });
    bench.run(&format!("cert revoke app.pem --reason superseded {options}")).done();
    let lists = servers.each_ref().map(|server| {
        let complete = fetched(&bench, server, "issuing", |_| true);
        let delta = fetched(&bench, server, "changes", |list| list.len() == 1);
        (complete, delta)
    });
    assert_ne!(lists[0].0.number(), lists[1].0.number());
    let verify = "verify --trust root.pem --intermediate issuing.pem --revocation-of leaf";
    for (complete, delta) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        bench.write("complete.crl", lists[complete].0.der());
        bench.write("delta.crl", lists[delta].1.der());
        bench.run(&format!("{verify} --crl complete.crl app.pem")).done();
        bench
            .run(&format!("{verify} --crl complete.crl --crl delta.crl app.pem"))
            .fails(1, &["delta CRL"]);
    }
    drop(servers);
    bench.run(&format!("ledger check {options}")).done();
}

#[test]
fn two_servers_that_name_other_places_of_deltas_make_no_lists_by_turns() {
    let (bench, _) = bench();
    let others = CONFIG.replace("changes.crl", "others.crl");
    let names = |place: &'static str| {
        move |list: &CertificateList| list.freshest_crl().any(|url| url.ends_with(place))
    };
    let first = Running::start_by_config(&bench, CONFIG);
    fetched(&bench, &first, "issuing", names("changes.crl"));
    let second = Running::start_by_file(&bench, "others.yaml", &others, &[]);
    // It has another configuration than whoever made the list before it began.
    let last = fetched(&bench, &second, "issuing", names("others.crl"));
    thread::sleep(Duration::from_secs(5));
    for server in [&first, &second] {
        assert_eq!(fetched(&bench, server, "issuing", |_| true).number(), last.number());
        server.until_ready();
    }
    assert!(first.end().success() && second.end().success());
    bench.run("ledger check").done();
}

#[test]
fn lists_that_can_t_be_served_as_named_are_refused() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    for (lists, words) in [
        (
            "shards: {issuing: ['https://pki.test/crl/a.crl']}",
            ["https://pki.test", "http://HOST/crl/NAME.crl"],
        ),
        (
            "shards: {issuing: ['http://pki.test/a.crl']}",
            ["http://pki.test/a.crl", "http://HOST/crl/NAME.crl"],
        ),
        (
            "shards: {issuing: ['http://a.test/crl/a.crl', 'http://b.test/crl/a.crl']}",
            ["http://b.test", "another path"],
        ),
        ("shards: {issuing: ['http://pki.test/crl/issuing.crl']}", ["another name", "issuing"]),
        ("shards: {root: ['http://pki.test/crl/a.crl']}", ["found root", "sign here: issuing"]),
        (
            "deltas: {nobody: {url: 'http://pki.test/crl/a.crl'}}",
            ["found nobody", "sign here: issuing"],
        ),
        (
            "deltas: {issuing: {url: 'http://pki.test/crl/a.crl', valid_hours: 0}}",
            ["deltas.valid_hours", "1 to"],
        ),
        (
            "deltas: {issuing: {url: 'http://pki.test/crl/a.crl', every_minutes: 60, valid_hours: 1}}",
            ["deltas.valid_hours", "more than"],
        ),
    ] {
        let start = CONFIG.split("    shards").next().unwrap();
        bench.write("espalier.yaml", format!("{start}    {lists}\n"));
        bench.run("serve --config espalier.yaml").fails(2, &words);
    }
}
