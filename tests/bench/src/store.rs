//! Where the ledger is: a file in the data folder, or a database of a PostgreSQL that runs as long as
//! the measurement.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use test_postgres::Cluster;

use crate::Failure;
use crate::options::Options;

/// A kind of ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A file in the data folder
    Sqlite,
    /// A database, with fsync and synchronous commit
    Postgres,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What ledgers can be made of.
pub(crate) struct Stores {
    cluster: Option<Cluster>,
    kinds: Vec<Kind>,
    databases: Cell<u32>,
}

/// A data folder with a hierarchy, and a token that may ask for certificates.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) token: String,
}

impl Stores {
    pub(crate) fn start(only: Option<Kind>) -> Result<Self, Failure> {
        let kinds = only.map_or(vec![Kind::Sqlite, Kind::Postgres], |one| vec![one]);
        let cluster = kinds.contains(&Kind::Postgres).then(|| Cluster::start(&[])).transpose()?;
        if let Some(cluster) = &cluster {
            cluster.role("owner");
            cluster.role("ca");
        }
        Ok(Self { cluster, kinds, databases: Cell::new(0) })
    }

    pub(crate) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Makes a ledger, a hierarchy that signs with `algorithm`, and one for TLS that every client
    /// can check.
    pub(crate) fn bench(
        &self,
        kind: Kind,
        algorithm: &str,
        options: &Options,
    ) -> Result<Bench, Failure> {
        let folder = tempfile::Builder::new().prefix("espalier-bench-").tempdir()?;
        let run = |words: &str| espalier(options, folder.path(), words);
        let ledger = match (kind, &self.cluster) {
            (Kind::Postgres, Some(cluster)) => Some(self.database(cluster, folder.path(), &run)?),
            _ => None,
        };
        let place = ledger
            .as_ref()
            .map_or(String::new(), |url| format!("--ledger {url} --ledger-password-file password"));
        run(&format!("init --algorithm {algorithm} --no-passphrase {place}"))?;
        run(&format!(
            "ca create --name tls-root --root --algorithm p256 --subject CN=TLS-root --no-passphrase {place}"
        ))?;
        run(&format!(
            "ca create --name tls --parent tls-root --algorithm p256 --subject CN=TLS --no-passphrase {place}"
        ))?;
        let token = run(&format!(
            "token create --name bench --role requester --authority issuing --profile tls-server --allow * --json {place}"
        ))?;
        let token: serde_json::Value = serde_json::from_str(&token)?;
        let token = token["token"].as_str().ok_or("token create: printed no token")?.to_owned();
        fs::write(folder.path().join("espalier.yaml"), configuration(ledger.as_deref()))?;
        Ok(Bench { folder, token })
    }

    /// A database of its own for a server role, as docs say.
    fn database(
        &self,
        cluster: &Cluster,
        folder: &Path,
        run: &impl Fn(&str) -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        let name = format!("ledger{}", self.databases.get());
        self.databases.set(self.databases.get() + 1);
        cluster.database(&name, "owner");
        fs::write(folder.join("password"), Cluster::PASSWORD)?;
        let owner = cluster.tcp_url("owner", &name);
        run(&format!("ledger migrate --ledger {owner} --ledger-password-file password"))?;
        cluster.psql_as("owner", &name, &run("ledger grants --role ca")?)?;
        Ok(cluster.tcp_url("ca", &name))
    }
}

/// TLS and the public listener are on, and no limit is in the way.
fn configuration(ledger: Option<&str>) -> String {
    let ledger = ledger
        .map_or(String::new(), |url| format!("ledger: {url}\nledger_password_file: password\n"));
    format!(
        "version: 1
listen: 127.0.0.1:0
{ledger}authorities: [issuing, tls]
tls:
  certificates:
    - issued: {{authority: tls, algorithm: ECDSA-P256, names: [localhost]}}
public:
  listen: 127.0.0.1:0
auth:
  rate_limits: {{requester_per_second: 1000000, requester_burst: 1000000}}
"
    )
}

/// Runs a command of the binary in the folder and answers what it prints.
fn espalier(options: &Options, folder: &Path, words: &str) -> Result<String, Failure> {
    let mut command = Command::new(&options.binary);
    command.current_dir(folder).args(words.split_whitespace()).stdin(Stdio::null());
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("espalier {words}: {}: {said}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
