//! A CA that is served: `espalier serve` over TLS, on a data folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use interop::espalier::{Espalier, Ran};
use rustix::process::Signal;

use crate::record::{Record, twice};
use crate::tied::Tied;

/// An authority that signs for tests; its root is `NAME-root`, and signs in the same way.
#[derive(Debug, Clone, Copy)]
pub struct Authority {
    /// Its name.
    pub name: &'static str,
    /// How it signs.
    algorithm: &'static str,
    /// How it signs once more.
    second: Option<&'static str>,
    /// The policy of `espalier verify` that what it signs fulfils: `hybrid`, `post-quantum` or `any`.
    pub policy: &'static str,
    /// What an issuer's status calls it.
    pub mode: &'static str,
}

/// One authority of each mode.
pub const AUTHORITIES: [Authority; 4] = [
    Authority {
        name: "classical",
        algorithm: "p256",
        second: None,
        policy: "any",
        mode: "Classical",
    },
    Authority {
        name: "composite",
        algorithm: "hybrid",
        second: None,
        policy: "hybrid",
        mode: "Composite",
    },
    Authority {
        name: "catalyst",
        algorithm: "p256",
        second: Some("ML-DSA-65"),
        policy: "hybrid",
        mode: "Catalyst",
    },
    Authority {
        name: "ml-dsa",
        algorithm: "ML-DSA-65",
        second: None,
        policy: "post-quantum",
        mode: "PostQuantum",
    },
];

/// A server, running or not.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    espalier: Espalier,
    running: Option<Tied>,
    port: u16,
    door: &'static str,
}

/// A grant of a token.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The name of the token.
    pub name: &'a str,
    /// Authorities, or `*`.
    pub authority: &'a str,
    /// Profiles, or `*`.
    pub profile: &'a str,
    /// A pattern of names.
    pub names: &'a str,
}

impl Server {
    /// Makes these authorities in a folder. The first of them vouches for the server itself, by a
    /// certificate of an ECDSA key: it should be one that every client can check.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn make(folder: &Path, authorities: &[Authority]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let espalier = Espalier::in_folder(folder);
        // The ledger comes with two authorities of its own, which are not asked for anything.
        espalier.done("init --algorithm p256 --no-passphrase");
        for Authority { name, algorithm, second, .. } in authorities {
            let second = second.map(|name| format!("--alt-algorithm {name}")).unwrap_or_default();
            let create = format!("ca create --no-passphrase --algorithm {algorithm} {second}");
            espalier.done(&format!("{create} --name {name}-root --root --subject CN={name}-root"));
            espalier
                .done(&format!("{create} --name {name} --parent {name}-root --subject CN={name}"));
        }
        let door = authorities[0].name;
        let server = Self { folder: folder.to_owned(), espalier, running: None, port: 0, door };
        fs::write(server.file("as-asked.yaml"), include_str!("as-asked.yaml")).unwrap();
        server.configure("{}");
        server
    }

    /// Writes its configuration, with this value of `auth`.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn configure(&self, auth: &str) {
        let door = self.door;
        let config = format!(
            "version: 1\n\
             listen: 127.0.0.1:{}\n\
             profiles: {{shipped: [tls-server, tls-client, tls-peer], files: [as-asked.yaml]}}\n\
             tls:\n  certificates:\n    - issued: {{authority: {door}, algorithm: ECDSA-P256, names: [localhost, 127.0.0.1]}}\n\
             auth: {auth}\n",
            self.port
        );
        fs::write(self.file("espalier.yaml"), config).unwrap();
    }

    /// Decides on its port before it is started, for a test in which others know it earlier.
    ///
    /// # Panics
    /// When its configuration can't be written.
    pub fn listens_on(&mut self, port: u16) {
        self.port = port;
        self.configure("{}");
    }

    /// Starts it, at the address that it had before.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with these variables of the environment as well.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with(&mut self, variables: &[(&str, &str)]) {
        assert!(self.running.is_none(), "it runs already");
        let mut command = self.espalier.command("serve --config espalier.yaml --log-format json");
        command.envs(variables.iter().copied());
        let mut running = Tied::start(&command, &self.folder, "server");
        let port = running.says(|printed| {
            let (_, rest) = printed.split_once("https://127.0.0.1:")?;
            rest.split(',').next()?.parse().ok()
        });
        self.running = Some(running);
        if self.port == 0 {
            self.port = port;
            // Whoever starts it once more finds it where it was.
            let path = self.file("espalier.yaml");
            let config = fs::read_to_string(&path).unwrap();
            fs::write(path, config.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"))).unwrap();
        }
    }

    /// Ends it by a signal, and waits for its end.
    pub fn end(&mut self, signal: Signal) {
        if let Some(running) = self.running.take() {
            running.end(signal);
        }
    }

    /// Sends it a signal, such as one that stops it for a while.
    pub fn signal(&self, signal: Signal) {
        if let Some(running) = &self.running {
            running.signal(signal);
        }
    }

    /// The processor time that it has used so far; none while it does not run.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        self.running.as_ref().map(Tied::processor_time).unwrap_or_default()
    }

    /// The authority that vouches for it.
    #[must_use]
    pub fn door(&self) -> &str {
        self.door
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The command `espalier` in its folder.
    #[must_use]
    pub fn run(&self, words: &str) -> Ran {
        self.espalier.run(words)
    }

    /// The same, which must be done.
    #[track_caller]
    pub fn done(&self, words: &str) {
        self.espalier.done(words);
    }

    /// A file in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An authority's certificate in PEM.
    ///
    /// # Panics
    /// When there is no such authority.
    #[must_use]
    pub fn certificate(&self, authority: &str) -> String {
        let path = self.file("espalier-data/authorities").join(authority).join("certificate.pem");
        fs::read_to_string(path).unwrap()
    }

    /// An authority's certificate as an issuer's `caBundle` holds it.
    #[must_use]
    pub fn bundle(&self, authority: &str) -> String {
        Base64::encode_string(self.certificate(authority).as_bytes())
    }

    /// Makes a token.
    ///
    /// # Panics
    /// When that is refused.
    #[must_use]
    pub fn token(&self, grant: &Grant<'_>) -> String {
        let Grant { name, authority, profile, names } = grant;
        let ran = self.run(&format!(
            "token create --name {name} --role requester --authority {authority} --profile {profile} --allow {names} \
             --wildcards --any-subject --days 1 --json"
        ));
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        let answer: serde_json::Value = serde_json::from_str(&ran.text).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// What its ledger has; the ledger is sound, and no request got two certificates.
    ///
    /// # Panics
    /// When that is not so.
    #[track_caller]
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let checked = self.run("ledger check");
        assert_eq!(checked.code, Some(0), "{}", checked.text);
        let export = self.run("ledger export");
        assert_eq!(export.code, Some(0), "{}", export.text);
        let records = Record::all(&export.text);
        let twice = twice(&records);
        assert!(twice.is_empty(), "several certificates for a request: {twice:?}");
        records
    }

    /// How many certificates the request with this UID has.
    #[track_caller]
    #[must_use]
    pub fn issued(&self, uid: &str) -> usize {
        let records = self.records();
        records.iter().filter(|record| record.uid() == Some(uid) && record.is_issued()).count()
    }

    /// All that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.as_ref().map(Tied::log).unwrap_or_default()
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        self.running.as_ref().map(Tied::end_of_log).unwrap_or_default()
    }
}

/// The value of `auth` for a server that asks this cluster about service accounts: those named
/// `requester` may ask for everything, holders of the certificate of `controller.test` too, nobody
/// else for anything.
///
/// `api_server` is the cluster's address; `ca.crt` and `token` are in the server's folder. Client
/// certificates are those of the authority `own`.
#[must_use]
pub(crate) fn auth(api_server: &str, audience: &str, own: &str) -> String {
    let grant = "{roles: [requester], authorities: [\"*\"], profiles: [\"*\"], names: [\"*\"], wildcards: true, subject: any}";
    let mut yaml = String::new();
    // A String takes everything.
    let _ = write!(
        yaml,
        "\n  kubernetes:\n    - cluster: tests\n      issuer: {api_server}\n      audiences: [\"{audience}\"]\n      \
         api_server: {api_server}\n      ca_file: ca.crt\n      token_file: token\n  \
         client_certificates:\n    - {{trust: own, authorities: [{own}]}}\n  \
         requesters:\n    \
         - rule: issuers\n      match: {{service_account: {{cluster: tests, namespace: \"*\", name: requester}}}}\n      grant: {grant}\n    \
         - rule: controllers\n      match: {{client_certificate: {{trust: own, names: [\"DNS:controller.test\"]}}}}\n      grant: {grant}\n  \
         rate_limits: {{requester_per_second: 100000, requester_burst: 100000, unauthenticated_per_second: 1000, unauthenticated_burst: 1000}}"
    );
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn killed_it_starts_again_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::make(folder.path(), &AUTHORITIES);
        let grant = Grant { name: "all", authority: "*", profile: "*", names: "*" };
        let token = server.token(&grant);
        fs::write(server.file("asker"), &token).unwrap();
        server.start();
        let ask = format!(
            "ca list --server {} --token-file asker --server-ca espalier-data/authorities/classical-root/certificate.pem",
            server.url()
        );
        let listed = server.run(&ask);
        for authority in &AUTHORITIES {
            assert!(listed.text.contains(authority.name), "{}", listed.text);
        }
        server.end(Signal::KILL);
        assert_ne!(server.run(&ask).code, Some(0));
        server.start();
        server.done(&ask);
        assert!(!server.records().is_empty());
        fs::write(server.file("asker"), format!("{token}x")).unwrap();
        assert_ne!(server.run(&ask).code, Some(0));
    }
}
