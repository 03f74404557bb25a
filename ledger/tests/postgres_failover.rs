//! What the ledger does when the way to its PostgreSQL leads elsewhere, or goes silent.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod suite;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ledger::{
    Ledger, LedgerError, PostgresLocation, Recording, SerialStatus,
    postgres::{PostgresOptions, PostgresStore},
};
use suite::material::{AUTHORITY, certificate, record, revocation, serial, with_authority};
use test_postgres::{Cluster, Cut, Fault, Proxy, Way};

fn options() -> PostgresOptions {
    PostgresOptions {
        connect_timeout: Duration::from_secs(2),
        lock_timeout: Duration::from_secs(1),
        statement_timeout: Duration::from_secs(1),
        commit_timeout: Duration::from_secs(1),
        readers: 2,
    }
}

/// A ledger behind a proxy.
async fn behind_a_proxy(server: &Cluster) -> (Proxy, Ledger) {
    server.role("owner");
    server.database("ledger", "owner");
    let direct = PostgresLocation::new(&server.url("owner", "ledger")).unwrap();
    PostgresStore::migrate(&direct).await.unwrap();
    let proxy = Proxy::start(server.port());
    let url = format!("postgres://owner@127.0.0.1:{}/ledger", proxy.port());
    let location = PostgresLocation::new(&url).unwrap();
    let location = location.with_password(Cluster::PASSWORD.to_owned().into());
    let store = PostgresStore::open_with(&location, options()).await.unwrap();
    (proxy, Arc::new(store))
}

async fn status(ledger: &Ledger, name: u64) -> Result<SerialStatus, LedgerError> {
    let statuses = ledger.statuses(AUTHORITY, vec![serial(name)]).await;
    statuses.map(|statuses| statuses.into_iter().next().unwrap())
}

/// Asks again until it is answered.
async fn status_soon(ledger: &Ledger, name: u64) -> SerialStatus {
    let started = Instant::now();
    loop {
        match status(ledger, name).await {
            Ok(status) => return status,
            Err(error) if started.elapsed() > Duration::from_secs(20) => panic!("{error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// What a write says while the way leads elsewhere; the first may meet the connection that was cut.
async fn refusal_of_writing(ledger: &Ledger, name: u64) -> LedgerError {
    let mut refusal = ledger.record(record(name)).await.unwrap_err();
    if matches!(refusal, LedgerError::Unavailable { .. }) {
        refusal = ledger.record(record(name)).await.unwrap_err();
    }
    refusal
}

/// A proxy sends new connections to a standby that lags behind, and then to one that was promoted
/// without all that was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_behind_is_neither_read_nor_written() {
    let Some(mut primary) = Cluster::start_or_skip(&[]) else { return };
    let (proxy, ledger) = behind_a_proxy(&primary).await;
    with_authority(&ledger).await;
    for name in [1, 2] {
        ledger.record(record(name)).await.unwrap();
        ledger.store(certificate(name)).await.unwrap();
    }
    let mut standby = primary.standby(&[]);
    let own = standby.psql("postgres", "SELECT pg_wal_replay_pause()");
    own.unwrap();
    ledger.revoke(revocation(1)).await.unwrap();
    assert!(matches!(status(&ledger, 1).await, Ok(SerialStatus::Revoked { .. })));

    // Readers that were made before are cut, and new ones find the standby, where 1 is not revoked.
    proxy.redirect(standby.port());
    proxy.cut_all();
    for _ in 0..3 {
        let refusal = status(&ledger, 1).await.unwrap_err();
        assert!(matches!(refusal, LedgerError::Standby { .. }), "{refusal:?}");
    }
    let refusal = refusal_of_writing(&ledger, 3).await;
    assert!(matches!(refusal, LedgerError::Standby { .. }), "{refusal:?}");
    proxy.redirect(primary.port());
    assert!(matches!(status_soon(&ledger, 1).await, SerialStatus::Revoked { .. }));
    assert!(matches!(ledger.record(record(3)).await, Ok(Recording::New(_))));

    // The standby is promoted without what was written while it was away: rows are lost.
    standby.stop();
    ledger.revoke(revocation(2)).await.unwrap();
    primary.stop();
    standby.start_again();
    standby.shell("pg_ctl promote", &[]).unwrap();
    proxy.redirect(standby.port());
    for _ in 0..3 {
        let refusal = status(&ledger, 2).await.unwrap_err();
        let LedgerError::Behind { found, known, .. } = &refusal else { panic!("{refusal:?}") };
        assert!(found < known, "{refusal}");
        assert!(refusal.to_string().contains("before a failover"), "{refusal}");
    }
    let refusal = refusal_of_writing(&ledger, 4).await;
    assert!(matches!(refusal, LedgerError::Behind { .. }), "{refusal:?}");
    // The server that has them comes back.
    primary.start_again();
    proxy.redirect(primary.port());
    assert!(matches!(status_soon(&ledger, 2).await, SerialStatus::Revoked { .. }));
    assert!(matches!(ledger.record(record(4)).await, Ok(Recording::New(_))));
    suite::check_and_close(ledger).await;
}

/// The writer had to go elsewhere: nobody goes on reading where it was before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_follow_the_writer() {
    let Some(primary) = Cluster::start_or_skip(&[]) else { return };
    let (_proxy, ledger) = behind_a_proxy(&primary).await;
    with_authority(&ledger).await;
    let connections = || {
        let sql =
            "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE datname = 'ledger'";
        primary.psql("postgres", sql).unwrap()
    };
    assert_eq!(status(&ledger, 1).await.unwrap(), SerialStatus::Unknown);
    let before = connections();
    // The one that writes is the oldest.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ledger' \
               ORDER BY backend_start LIMIT 1";
    primary.psql("postgres", end).unwrap();
    while ledger.record(record(1)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let started = Instant::now();
    loop {
        let now = connections();
        if before.split(',').all(|pid| !now.split(',').any(|other| other == pid)) {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{before} and then {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(status(&ledger, 1).await, Ok(SerialStatus::Unknown)));
    suite::check_and_close(ledger).await;
}

/// Nothing comes back, and nobody says why: each request ends in its time, and the next ones are
/// answered, although more connections fell silent than there may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_given_up() {
    let Some(server) = Cluster::start_or_skip(&[]) else { return };
    let (proxy, ledger) = behind_a_proxy(&server).await;
    with_authority(&ledger).await;
    ledger.record(record(1)).await.unwrap();
    let stall = Cut::Stall(Duration::from_secs(60));
    for number in 0..3 {
        for way in [Way::ToServer, Way::ToClient] {
            proxy.arm(Fault { cut: stall, way, after: 70 * number });
            let started = Instant::now();
            while proxy.is_armed() {
                // Some are answered before their octet is reached.
                drop(status(&ledger, 1).await);
            }
            status_soon(&ledger, 1).await;
            assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        }
    }
    for (name, way) in [(2, Way::ToServer), (3, Way::ToClient)] {
        proxy.arm(Fault { cut: stall, way, after: 30 });
        let refusal = ledger.record(record(name)).await.unwrap_err();
        assert!(
            matches!(refusal, LedgerError::Unavailable { .. } | LedgerError::OutcomeUnknown { .. }),
            "{refusal:?}"
        );
        let started = Instant::now();
        while ledger.record(record(10 + name)).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(15));
        }
    }
    suite::check_and_close(ledger).await;
}
