//! Where a ledger is: a file of this machine, or a PostgreSQL database.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    Ledger, LedgerError,
    postgres::{PostgresOptions, PostgresStore},
    sqlite::SqliteStore,
};

/// Where a ledger is.
#[derive(Debug, Clone)]
pub enum Location {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresLocation),
}

/// A PostgreSQL database: `postgres://ROLE@HOST:PORT/DATABASE?sslmode=…`, or with a folder of Unix
/// sockets `postgres://ROLE@/DATABASE?host=/run/postgresql`. What the URL leaves out is taken from the
/// environment variables that libpq reads (PGHOST, PGUSER, PGPASSWORD, PGPASSFILE, PGSSLMODE, …).
#[derive(Clone)]
pub struct PostgresLocation {
    url: String,
    password: Option<Zeroizing<String>>,
}

/// What a URL may say besides role, host, port and database.
const PARAMETERS: [&str; 9] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "application_name",
];

impl PostgresLocation {
    /// Takes a URL without password.
    ///
    /// # Errors
    /// `InvalidField` for a password, which everybody on the machine can read in a list of
    /// processes, and for a parameter that is not known; the message repeats no value.
    pub fn new(url: &str) -> Result<Self, LedgerError> {
        const FIELD: &str = "ledger URL";
        let refuse = |found: String, allowed: String| {
            Err(LedgerError::InvalidField { field: FIELD, found, allowed })
        };
        let Some((scheme @ ("postgres" | "postgresql"), rest)) = url.split_once("://") else {
            return refuse("another scheme".into(), "postgres://ROLE@HOST:PORT/DATABASE".into());
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = path.split_once('/').map_or(path, |(authority, _)| authority);
        let has_password = authority.rsplit_once('@').is_some_and(|(role, _)| role.contains(':'));
        let parameters = query.split('&').filter(|it| !it.is_empty());
        let mut names = parameters.map(|it| it.split_once('=').map_or(it, |(name, _)| name));
        if has_password || names.clone().any(|name| name == "password") {
            return refuse(
                "a password, which every list of processes shows".into(),
                "a URL without it; give the password by --ledger-password-file, PGPASSWORD or a \
                 PGPASSFILE"
                    .into(),
            );
        }
        if let Some(unknown) = names.find(|name| !PARAMETERS.contains(name)) {
            return refuse(format!("the parameter {unknown:?}"), PARAMETERS.join(", "));
        }
        debug_assert!(!scheme.is_empty());
        Ok(Self { url: url.to_owned(), password: None })
    }

    /// The same with the password of the role.
    #[must_use]
    pub fn with_password(self, password: Zeroizing<String>) -> Self {
        Self { password: Some(password), ..self }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }
}

impl fmt::Debug for PostgresLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresLocation({})", self.url)
    }
}

impl fmt::Display for PostgresLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(location) => location.fmt(f),
        }
    }
}

impl FromStr for Location {
    type Err = LedgerError;

    /// A URL is a database, all else the path of a file.
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        match text.split_once("://") {
            Some(_) => PostgresLocation::new(text).map(Self::Postgres),
            None => {
                let path: Result<PathBuf, Infallible> = text.parse();
                Ok(Self::File(path.unwrap_or_default()))
            }
        }
    }
}

/// Opens the ledger, whichever it is.
///
/// # Errors
/// As [`SqliteStore::open`] and [`PostgresStore::open`].
pub async fn open(location: &Location) -> Result<Ledger, LedgerError> {
    open_with(location, PostgresOptions::default()).await
}

/// The same; the options are for a database.
///
/// # Errors
/// As [`open`].
pub async fn open_with(
    location: &Location,
    options: PostgresOptions,
) -> Result<Ledger, LedgerError> {
    match location {
        Location::File(path) => Ok(Arc::new(SqliteStore::open(path).await?)),
        Location::Postgres(location) => {
            Ok(Arc::new(PostgresStore::open_with(location, options).await?))
        }
    }
}

/// Brings the schema of an older ledger up to date; in an empty database it makes the ledger. Answers
/// the schema version before and after.
///
/// # Errors
/// As [`SqliteStore::migrate`] and [`PostgresStore::migrate`].
pub async fn migrate(location: &Location) -> Result<(i64, i64), LedgerError> {
    match location {
        Location::File(path) => SqliteStore::migrate(path).await,
        Location::Postgres(location) => PostgresStore::migrate(location).await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_url_is_a_database_and_all_else_a_file() {
        for text in ["ledger.sqlite", "/srv/ca/ledger.sqlite", "postgres", "postgres:/x"] {
            let location: Location = text.parse().unwrap();
            assert!(matches!(&location, Location::File(_)), "{location:?}");
            assert_eq!(location.to_string(), text);
        }
        for text in [
            "postgres://ca@db.internal:5432/ledger?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgresql:///ledger?host=/run/postgresql",
        ] {
            let location: Location = text.parse().unwrap();
            assert!(matches!(&location, Location::Postgres(_)), "{location:?}");
            assert_eq!(location.to_string(), text);
        }
    }

    #[test]
    fn a_url_with_a_password_or_an_unknown_parameter_is_refused_without_repeating_it() {
        for (text, words) in [
            ("postgres://ca:hunter2@db/ledger", "--ledger-password-file"),
            ("postgres://ca:@db/ledger", "found a password"),
            ("postgres://ca@db/ledger?password=hunter2", "found a password"),
            ("postgres://ca@db/ledger?options=-cfsync%3Doff", "the parameter \"options\""),
            ("mysql://ca@db/ledger", "found another scheme; allowed: postgres://"),
        ] {
            let refusal = text.parse::<Location>().unwrap_err().to_string();
            assert!(refusal.starts_with("ledger URL") && refusal.contains(words), "{refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let location = PostgresLocation::new("postgres://ca@db/ledger").unwrap();
        let location = location.with_password("hunter2".to_owned().into());
        assert_eq!(location.password(), Some("hunter2"));
        let location = Location::Postgres(location);
        assert!(!format!("{location:?} {location}").contains("hunter2"));
    }
}
