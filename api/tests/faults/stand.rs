//! A CA on either store, its configuration, a token for the load, and the server.

use std::path::Path;

use ledger::Location;
use test_postgres::Cluster;

use crate::running::Running;
use crate::workbench::Workbench;

const TOKEN: &str = "token create --name load --role requester --role revoker \
                     --authority issuing --profile tls-server --allow DNS:a.test --json";

/// A CA to be served.
pub(crate) struct Stand {
    bench: Workbench,
    config: String,
    ledger: Location,
    token: String,
    csr: String,
}

impl Stand {
    /// On a file in the data folder.
    pub(crate) fn on_sqlite() -> Self {
        let bench = Workbench::new();
        let ledger = Location::File(bench.path("espalier-data/ledger.sqlite"));
        Self::made(bench, "", "", ledger)
    }

    /// On a file in a data folder there.
    pub(crate) fn on_sqlite_in(folder: &Path) -> Self {
        let data = folder.join("data");
        let ledger = Location::File(data.join("ledger.sqlite"));
        let data = data.display();
        let (options, config) = (format!("--data {data}"), format!("data: {data}\n"));
        Self::made(Workbench::new(), &options, &config, ledger)
    }

    /// On a database of this cluster.
    pub(crate) fn on_postgres(cluster: &Cluster) -> Self {
        cluster.role("owner");
        cluster.role("ca");
        let ledger = cluster.url("ca", "ledger").parse().unwrap();
        Self::on_database(cluster, "ledger", cluster.port(), ledger, "")
    }

    /// On a database of this cluster that the server finds at another port, with more in its
    /// configuration. `ledger` is where its rows are looked up.
    pub(crate) fn on_database(
        cluster: &Cluster,
        name: &str,
        port: u16,
        ledger: Location,
        config: &str,
    ) -> Self {
        cluster.database(name, "owner");
        let bench = Workbench::new();
        bench.write("password", format!("{}\n", Cluster::PASSWORD));
        let migrate = format!("ledger migrate --ledger {}", cluster.tcp_url("owner", name));
        bench.run(&format!("{migrate} --ledger-password-file password")).done();
        let grants = bench.run("ledger grants --role ca").done();
        cluster.psql_as("owner", name, grants.stdout()).unwrap();
        let url = format!("postgres://ca@127.0.0.1:{port}/{name}");
        let options = format!("--ledger {url} --ledger-password-file password");
        let config = format!("ledger: {url}\nledger_password_file: password\n{config}");
        Self::made(bench, &options, &config, ledger)
    }

    fn made(bench: Workbench, options: &str, config: &str, ledger: Location) -> Self {
        bench.run(&format!("init --algorithm p256 --no-passphrase {options}")).done();
        let token = bench.run(&format!("{TOKEN} {options}"));
        assert_eq!(token.code, 0, "{}", token.stderr());
        let token = token.json()["token"].as_str().unwrap().to_owned();
        let csr = "csr create --algorithm p256 --no-passphrase --subject CN=a.test --dns a.test \
                   --key-out a.key --out a.csr";
        bench.run(csr).done();
        let csr = String::from_utf8(bench.read("a.csr")).unwrap();
        // Lists are made at once after revocations, so that faults meet them too.
        let config = format!(
            "version: 1\nlisten: 127.0.0.1:0\npublic: {{listen: '127.0.0.1:0'}}\n\
             auth: {{rate_limits: {{requester_per_second: 100000, requester_burst: 100000}}}}\n\
             {config}"
        );
        Self { bench, config, ledger, token, csr }
    }

    /// Starts the server.
    pub(crate) fn start(&self) -> Running {
        Running::start_by_config(&self.bench, &self.config)
    }

    /// Starts it with these environment variables.
    pub(crate) fn start_with(&self, env: &[(&str, &str)]) -> Running {
        Running::start_by_config_with(&self.bench, &self.config, env)
    }

    pub(crate) fn bench(&self) -> &Workbench {
        &self.bench
    }

    pub(crate) fn ledger(&self) -> &Location {
        &self.ledger
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn csr(&self) -> &str {
        &self.csr
    }
}
