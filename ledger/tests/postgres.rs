//! The suite of every store, on PostgreSQL, as the role of a server: SELECT, INSERT, and UPDATE of the
//! few rows that are made for it.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod cluster;
mod suite;

use cluster::Database;

suite_for!(match Database::new("server").await {
    Some(database) => database,
    None => return,
});

#[tokio::test]
async fn the_schema_is_the_one_that_is_known() {
    let Some(database) = Database::new("server").await else { return };
    let objects = format!(
        "SET search_path = espalier, pg_temp; {}",
        include_str!("../src/postgres/schema.sql")
    );
    let found = cluster::cluster().unwrap().psql(&database.name, &objects).unwrap() + "\n";
    let known = include_str!("../src/postgres/schema.txt");
    assert!(found == known, "ledger/src/postgres/schema.txt should be:\n{found}");
}
