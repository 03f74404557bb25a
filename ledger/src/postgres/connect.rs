//! Connecting, and refusing a database that would not keep what it answers.

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{PostgresOptions, fault::Place};
use crate::{LedgerError, location::PostgresLocation};

/// How to connect to a location, with what every session of the ledger sets.
pub(super) fn options(
    location: &PostgresLocation,
    options: &PostgresOptions,
) -> Result<PgConnectOptions, LedgerError> {
    let refuse = |error: sqlx::Error| LedgerError::InvalidField {
        field: "ledger URL",
        // The URL has no password, and the error names no more than a part of it.
        found: format!("{location} ({error})"),
        allowed: "postgres://ROLE@HOST:PORT/DATABASE".into(),
    };
    let mut connect: PgConnectOptions = location.url().parse().map_err(refuse)?;
    if let Some(password) = location.password() {
        connect = connect.password(password);
    }
    // Who names no mode gets the safe one wherever a network lies between.
    let said = location.url().contains("sslmode=") || std::env::var_os("PGSSLMODE").is_some();
    if !said && connect.get_socket().is_none() && !is_this_machine(connect.get_host()) {
        connect = connect.ssl_mode(PgSslMode::VerifyFull);
    }
    let milliseconds = |duration: std::time::Duration| format!("{}ms", duration.as_millis());
    Ok(connect
        .application_name("espalier")
        .options([
            ("search_path", "espalier,pg_temp".to_owned()),
            ("timezone", "UTC".to_owned()),
            // Statements are short; to compile them takes longer than to run them.
            ("jit", "off".to_owned()),
            ("lock_timeout", milliseconds(options.lock_timeout)),
            ("statement_timeout", milliseconds(options.statement_timeout)),
            // Whoever stops between two statements holds up all others.
            ("idle_in_transaction_session_timeout", milliseconds(options.statement_timeout)),
            // A client that is gone without a word is noticed, and its turn ends.
            ("tcp_user_timeout", milliseconds(options.commit_timeout)),
            ("tcp_keepalives_idle", "5s".to_owned()),
            ("tcp_keepalives_interval", "5s".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
        ])
        .disable_statement_logging())
}

/// The same for the connection that writes: its statements are few, over small arrays and large
/// tables, and planned once.
pub(super) fn for_writing(connect: PgConnectOptions) -> PgConnectOptions {
    connect.options([("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")])
}

/// The same for those that read: a statement alone has no BEGIN that says so.
pub(super) fn for_reading(connect: PgConnectOptions) -> PgConnectOptions {
    connect.options([("default_transaction_read_only", "on")])
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.starts_with('/')
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A connection to a server that may keep a ledger.
pub(super) async fn connect(
    name: &'static str,
    place: &Place,
    connect: &PgConnectOptions,
    options: &PostgresOptions,
) -> Result<PgConnection, LedgerError> {
    let limit = options.connect_timeout;
    let connecting = async {
        let mut connection = PgConnection::connect_with(connect)
            .await
            .map_err(|error| place.explain(name, error))?;
        expect_safe(name, place, &mut connection).await?;
        Ok(connection)
    };
    match tokio::time::timeout(limit, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(place.too_late(name, limit)),
    }
}

type IsSafe = fn(&str) -> bool;

/// What the settings of a server, database or role must be. A setting that this role may not see is
/// not there.
const SETTINGS: [(&str, IsSafe, &str); 5] = [
    (
        "server_version_num",
        |value| value.parse().is_ok_and(|version: u32| version >= 150_000),
        "150000 (PostgreSQL 15) and newer",
    ),
    ("server_encoding", |value| value == "UTF8", "UTF8"),
    ("fsync", |value| value == "on", "on"),
    ("full_page_writes", |value| value == "on", "on"),
    ("synchronous_commit", |value| matches!(value, "on" | "remote_apply"), "on, remote_apply"),
];

/// Refuses a server that only reads, or would not keep what it answers.
pub(super) async fn expect_safe(
    name: &'static str,
    place: &Place,
    connection: &mut PgConnection,
) -> Result<(), LedgerError> {
    let rows = sqlx::query_as(
        "SELECT name, current_setting(name) FROM unnest($1::text[]) s (name) \
         UNION ALL SELECT 'standby', pg_is_in_recovery()::text",
    )
    .bind(SETTINGS.map(|(setting, _, _)| setting.to_owned()).to_vec())
    .fetch_all(connection)
    .await;
    let found: Vec<(String, String)> = rows.map_err(|error| place.explain(name, error))?;
    let location = || place.location.clone();
    if found.iter().any(|(setting, value)| setting == "standby" && value == "true") {
        return Err(LedgerError::Standby { location: location() });
    }
    for (setting, is_safe, allowed) in SETTINGS {
        let value = found.iter().find(|(name, _)| name == setting).map(|(_, value)| value.as_str());
        if !value.is_some_and(is_safe) {
            let found = value.unwrap_or("not known").to_owned();
            return Err(LedgerError::Unsafe { location: location(), setting, found, allowed });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_network_is_not_crossed_without_a_checked_certificate_unless_asked_for() {
        let mode = |url: &str| {
            let location = PostgresLocation::new(url).unwrap();
            options(&location, &PostgresOptions::default()).unwrap().get_ssl_mode()
        };
        for url in ["postgres://ca@db.internal/ledger", "postgres://ca@10.0.0.1/ledger"] {
            assert!(matches!(mode(url), PgSslMode::VerifyFull), "{url}");
        }
        assert!(matches!(mode("postgres://ca@db.internal/l?sslmode=require"), PgSslMode::Require));
        for url in ["postgres://ca@127.0.0.1/l", "postgres://ca@[::1]/l", "postgres:///l?host=/run"]
        {
            assert!(matches!(mode(url), PgSslMode::Prefer), "{url}");
        }
    }
}
