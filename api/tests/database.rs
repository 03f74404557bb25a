//! The real `espalier` command on a ledger in PostgreSQL.

#![allow(clippy::unwrap_used)] // a panic is the failure report

#[path = "cli/workbench.rs"]
#[allow(dead_code)] // these tests do not use all of it
mod workbench;

use test_postgres::Cluster;
use workbench::Workbench;

/// A server with an owner, a role for servers, and databases of this name.
fn server(databases: &[&str]) -> Option<(Cluster, Workbench)> {
    let server = Cluster::start_or_skip(&[])?;
    server.role("owner");
    server.role("ca");
    let bench = Workbench::new();
    bench.write("password", format!("{}\n", Cluster::PASSWORD));
    let grants = bench.run("ledger grants --role ca").done();
    for database in databases {
        server.database(database, "owner");
        let url = server.tcp_url("owner", database);
        let migrate =
            bench.run(&format!("ledger migrate --ledger {url} --ledger-password-file password"));
        assert_eq!(migrate.done().stdout(), format!("ledger  {url}\nschema  0 -> 5\n"));
        server.psql_as("owner", database, grants.stdout()).unwrap();
    }
    Some((server, bench))
}

#[test]
fn a_ca_moves_from_a_file_to_a_database() {
    let Some((server, bench)) = server(&["ledger"]) else { return };
    let database =
        format!("--ledger {} --ledger-password-file password", server.tcp_url("ca", "ledger"));
    bench.run("init --algorithm p256 --no-passphrase").done();
    bench.run("issue --dns a.test --key-out a.key --out a.pem").done();
    bench.run("issue --dns b.test --key-out b.key --out b.pem").done();
    let export = bench.run("ledger export --out ledger.ndjson").done();
    assert_eq!(bench.mode("ledger.ndjson"), 0o600);
    let streamed = bench.run("ledger export").done();
    assert!(streamed.stdout == bench.read("ledger.ndjson"), "a file or a stream: the same");
    let import = bench.run(&format!("ledger import ledger.ndjson {database}")).done();
    let tail = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(tail(import.stdout()), tail(export.stdout()), "the same rows, the same digest");
    bench.run(&format!("ledger export --out again.ndjson {database}")).done();
    assert!(bench.read("again.ndjson") == bench.read("ledger.ndjson"), "exports differ");
    // The keys are in the data folder; from now on the ledger is in the database.
    bench.run(&format!("issue --dns c.test --key-out c.key --out c.pem {database}")).done();
    let list = bench.run(&format!("cert list {database}")).done();
    assert!(["a.test", "b.test", "c.test"].iter().all(|name| list.stdout().contains(name)));
    let check = bench.run(&format!("ledger check --json {database}")).done().json();
    assert_eq!(
        (check["sound"].as_bool(), check["checked"]["records"].as_u64()),
        (Some(true), Some(5))
    );
    // Not twice, nor what was changed on the way.
    bench.run(&format!("ledger import ledger.ndjson {database}")).fails(2, &["an empty ledger"]);
    let text = String::from_utf8(bench.read("ledger.ndjson")).unwrap();
    bench.write("changed.ndjson", text.replacen("a.test", "e.test", 1));
    bench
        .run("ledger import changed.ndjson --data elsewhere")
        .fails(2, &["line 6: a digest that does not fit", "start again with an empty one"]);
}

#[test]
fn a_ca_starts_in_a_database() {
    let Some((server, bench)) = server(&["fresh"]) else { return };
    let url = server.tcp_url("ca", "fresh");
    let env = [("ESPALIER_LEDGER", url.as_str()), ("PGPASSWORD", Cluster::PASSWORD)];
    let run = |line: &str| bench.run_with(line, &env, b"");
    let init = run("init --algorithm p256 --no-passphrase").done();
    assert!(init.stdout().contains(&url), "{}", init.stdout());
    assert!(!bench.path("espalier-data/ledger.sqlite").exists());
    run("issue --dns a.test --key-out a.key --out a.pem --chain").done();
    run("verify --trust espalier-data/authorities/root/certificate.pem --policy any a.pem").done();
    let check = run("ledger check").done();
    assert!(check.stdout().contains("The ledger is sound."), "{}", check.stdout());
    run("init --data second --algorithm p256 --no-passphrase")
        .fails(3, &["there are authorities in this ledger", "an empty database"]);
    run("quickstart --data third").fails(2, &["--ledger: quickstart makes a ledger of its own"]);
}

#[test]
fn the_owner_lets_a_role_serve_while_it_migrates() {
    let Some(server) = Cluster::start_or_skip(&[]) else { return };
    server.role("owner");
    server.role("ca");
    server.database("ledger", "owner");
    let bench = Workbench::new();
    bench.write("password", format!("{}\n", Cluster::PASSWORD));
    let url = |role: &str| server.tcp_url(role, "ledger");
    let run = |line: &str| bench.run(&format!("{line} --ledger-password-file password"));
    let migrate =
        |role: &str| run(&format!("ledger migrate --ledger {} --grant-to {role}", url("owner")));
    // Nobody is let in by a name that is no role's; the tables are there all the same.
    migrate("nobody").fails(3, &["role \"nobody\" does not exist"]);
    let first = format!("init --algorithm p256 --no-passphrase --ledger {}", url("ca"));
    run(&first).fails(3, &["permission denied"]);
    migrate("ca").done();
    // What was left of the first try is of no use to this one.
    run(&first).done();
    run(&format!("issue --dns a.test --key-out a.key --out a.pem --ledger {}", url("ca"))).done();
    // Once more changes nothing, and it is the same that `ledger grants` gives.
    migrate("ca").done();
    let rights = "SELECT string_agg(DISTINCT privilege_type, ',') FROM information_schema.role_table_grants WHERE grantee = 'ca'";
    assert_eq!(server.psql_as("owner", "ledger", rights).unwrap().trim(), "INSERT,SELECT");
    let refused = server.psql_as("ca", "ledger", "DELETE FROM espalier.record").unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    // A server can't give rights, and a name that PostgreSQL would cut is refused before it is asked.
    run(&format!("ledger migrate --ledger {} --grant-to ca", url("ca")))
        .fails(3, &["permission denied"]);
    migrate(&"r".repeat(64)).fails(2, &["role: found", "63"]);
    bench
        .run("ledger migrate --grant-to ca")
        .fails(2, &["--grant-to: found beside", "allowed is it only with a postgres:// URL"]);
}

#[test]
fn passwords_are_never_in_the_url_nor_in_a_message() {
    let bench = Workbench::new();
    for line in [
        "ledger check --ledger postgres://ca:hunter2@127.0.0.1:1/ledger",
        "ledger check --ledger postgres://ca@127.0.0.1:1/ledger?password=hunter2",
    ] {
        let run = bench.run(line).fails(2, &["found a password", "--ledger-password-file"]);
        assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
    }
    bench.write("password", "hunter2\n");
    let nobody = "ledger check --ledger postgres://ca@127.0.0.1:1/ledger --ledger-password-file";
    let run = bench.run(&format!("{nobody} password"));
    let run = run.fails(3, &["postgres://ca@127.0.0.1:1/ledger can't be reached"]);
    assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
    bench.run(&format!("{nobody} missing")).fails(2, &["missing"]);
    bench.write("empty", "\n");
    bench.run(&format!("{nobody} empty")).fails(2, &["no password in its first line"]);
    bench
        .run("ledger check --ledger file.sqlite --ledger-password-file password")
        .fails(2, &["--ledger-password-file password: a file has none"]);
    let env = [("ESPALIER_LEDGER", "postgres://ca:hunter2@db/ledger")];
    let help = bench.run_with("ledger check --help", &env, b"");
    assert!(!help.stdout().contains("hunter2"), "{}", help.stdout());
}
