//! `token create|list|revoke`: shown once, kept as a digest, ended for ever.

use crate::data::{classical, everything, raw, wait};

const CI: &str = "token create --name ci --role requester --authority issuing --profile tls-server --allow DNS:*.example.com";

#[test]
fn a_token_is_shown_once_and_its_secret_is_nowhere() {
    let bench = classical();
    let run = bench.run(&format!("{CI} --days 30 --json"));
    assert_eq!((run.code, run.stderr()), (0, ""));
    let made = run.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("espalier_") && token.len() == 60, "{token}");
    assert_eq!(made["grant"]["names"][0], "DNS:*.example.com");
    let text = bench.run("token create --name ops --role revoker --role auditor");
    assert_eq!(text.code, 0);
    assert!(text.stdout().starts_with("token    espalier_"), "{}", text.stdout());
    assert!(text.stderr().contains("the only time"), "{}", text.stderr());

    let listed = bench.run("token list --json").done();
    let rows = listed.json()["tokens"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0]["name"].as_str(), rows[0]["status"].as_str()), (Some("ci"), Some("valid")));
    assert_eq!(rows[0]["id"], made["id"]);
    assert!(rows[0]["created_by"].as_str().unwrap().starts_with("local-uid:"));
    let table = bench.run("token list").done();
    assert!(table.stdout().contains("revoker, auditor"), "{}", table.stdout());
    // Neither lists nor the ledger's files hold it, not even a part.
    let secret = &token["espalier_".len()..][..43];
    for shown in [listed.stdout(), table.stdout()] {
        assert!(!shown.contains(secret));
    }
    for (path, octets) in everything(&bench.path("espalier-data")) {
        let found = octets.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the token is in {path}");
    }
}

#[test]
fn a_revoked_token_stays_revoked() {
    let bench = classical();
    let id = bench.run(&format!("{CI} --json")).json()["id"].as_str().unwrap().to_owned();
    let run = bench.run(&format!("token revoke {id}")).done();
    assert!(run.stdout().starts_with(&format!("revoked {id} (ci) at ")), "{}", run.stdout());
    bench.run(&format!("token revoke {id}")).fails(1, &[&id, "is revoked since"]);
    bench.run("token revoke t-0").fails(2, &["t-0", "not in this ledger"]);
    let rows = bench.run("token list --json").done().json();
    assert_eq!(rows["tokens"][0]["status"], "revoked");
    assert!(rows["tokens"][0]["revoked_by"].as_str().unwrap().starts_with("local-uid:"));
    wait(async {
        let mut connection = raw(&bench).await;
        let taken_back = sqlx::raw_sql("DELETE FROM token_revocation").execute(&mut connection);
        assert!(taken_back.await.unwrap_err().to_string().contains("DELETE is refused"));
    });
}

#[test]
fn a_name_that_a_token_has_is_taken_over_knowingly_or_not_at_all() {
    let bench = classical();
    let id = bench.run(&format!("{CI} --json")).json()["id"].as_str().unwrap().to_owned();
    bench.run(CI).fails(1, &["name: found that of token", &id, "--take-over"]);
    bench.run(&format!("token revoke {id}")).done();
    bench.run(CI).fails(1, &["name: found that of token", &id]);
    assert_eq!(bench.run(&format!("{CI} --take-over")).code, 0);
    let rows = bench.run("token list --json").done().json();
    assert_eq!(rows["tokens"].as_array().unwrap().len(), 2);
}

#[test]
fn a_token_without_sense_is_not_made() {
    let bench = classical();
    for (line, words) in [
        ("token create --name ci", &["--role"][..]),
        ("token create --name ci --role root", &["root", "requester"]),
        ("token create --name a/b --role admin", &["name: found \"a/b\""]),
        ("token create --name ci --role admin --days 367", &["expires_at", "at most a year later"]),
        ("token create --name ci --role admin --days 0", &["expires_at"]),
        ("token create --name ci --role requester --allow example.com", &["DNS:host"]),
        ("token create --name ci --role requester --allow DNS:*", &["DNS:*"]),
        (
            "token create --name ci --role requester --authority a/b",
            &["authorities: found \"a/b\""],
        ),
    ] {
        bench.run(line).fails(2, words);
    }
    assert_eq!(bench.run("token list --json").done().json()["tokens"].as_array().unwrap().len(), 0);
}

/// The commands of docs/access.md do what it says.
#[test]
fn the_guides_commands_run() {
    let bench = classical();
    let guide = include_str!("../../../docs/access.md");
    let block = guide.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let mut ids: Vec<String> = Vec::new();
    for line in block.lines() {
        let line = line.strip_prefix("espalier ").unwrap().replace('\'', "");
        let line = match ids.first() {
            Some(id) => line.replace("t-0123456789abcdef", id),
            None => line,
        };
        let run = bench.run(&line);
        assert_eq!(run.code, 0, "{line}: {}", run.stderr());
        let rows = bench.run("token list --json").done().json();
        let rows = rows["tokens"].as_array().unwrap();
        ids = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    }
    let rows = bench.run("token list --json").done().json();
    let statuses: Vec<_> =
        rows["tokens"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["revoked", "valid"]);
}
