//! A request that was cut off between its record and its certificate, and comes again.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::http::Answer;
use crate::in_process::InProcess;
use crate::issuing::csr;
use crate::workbench::Workbench;

/// By how many seconds the server's clock is ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    interop::issue::now() + SignedDuration::from_secs(AHEAD.load(Ordering::Relaxed))
}

/// Changes the ledger beside the server.
fn alter(bench: &Workbench, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options =
            SqliteConnectOptions::new().filename(bench.path("espalier-data/ledger.sqlite"));
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn what_was_cut_off_is_given_up_after_a_minute_and_asked_for_under_another_key() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let made = bench.run("token create --name asker --role requester --authority * --profile * --allow DNS:**.test --any-subject --days 9 --json");
    let token = made.done().json()["token"].as_str().unwrap().to_owned();
    let body = json!({"csr": csr(&bench, "cut.test"), "profile": "tls-server"});
    let server = InProcess::start(&bench, clock);
    let ask = |key: &str, body: &Value| -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
        ];
        server.send("POST", "/v1/certificates", &headers, body.to_string().as_bytes())
    };
    let stored = ask("stored", &body);
    assert_eq!(stored.status, 201, "{stored:?}");
    alter(
        &bench,
        "CREATE TRIGGER broken BEFORE INSERT ON certificate BEGIN SELECT RAISE(ABORT, 'broken'); END",
    );
    ask("withdrawn", &body).is_problem(503, "not-stored", &["was not released"]);
    // Somebody sees it and is against it.
    let orphans = bench.run("cert list --status orphan --json").done().json();
    let withdrawn = orphans["certificates"][0]["serial"].as_str().unwrap().to_owned();
    bench.run(&format!("cert revoke {withdrawn} --reason privilegeWithdrawn")).done();
    ask("cut", &body).is_problem(503, "not-stored", &["was not released"]);
    alter(&bench, "DROP TRIGGER broken");

    AHEAD.store(30, Ordering::Relaxed);
    ask("cut", &body).is_problem(409, "request-under-way", &["no certificate yet"]);
    AHEAD.store(61, Ordering::Relaxed);
    // No other key was meant by that: whoever asks is told that it is over.
    ask("withdrawn", &body).is_problem(409, "not-issued", &[withdrawn.as_str(), "is revoked"]);
    // Nobody ends it by another body under the same name.
    let other = json!({"csr": csr(&bench, "other.test"), "profile": "tls-server"});
    ask("cut", &other).is_problem(409, "idempotency-conflict", &["another request"]);
    for _ in 0..2 {
        let words = ["was revoked before it had a certificate", "allowed is another key"];
        ask("cut", &body).is_problem(409, "request-abandoned", &words);
    }
    assert_eq!(ask("cut.2", &body).status, 201);
    // What was stored is given again, however old it is.
    let again = ask("stored", &body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json()["certificate"], stored.json()["certificate"]);

    let found = bench.run("cert list --status revoked --json").done().json();
    let revoked = &found["certificates"][0];
    assert_eq!(revoked["revocation"]["revoked_by"], "token:asker", "{found}");
    assert_eq!(revoked["certificate"], Value::Null);
    drop(server);
    bench.run("ledger check").done();
}
