//! A private PostgreSQL for tests.
//!
//! [`Cluster::start`] makes a database cluster in a temporary folder and runs its server on a Unix
//! socket there and on a free loopback port. The server ends, and the folder goes, when the value is
//! dropped or the test process ends, however it ends: a shell between the two waits for the end of a
//! pipe. When root runs the test, the server runs as `postgres`, for it refuses to run as root.
//!
//! Local roles connect by the socket without password; over TCP with a password ([`Cluster::PASSWORD`]
//! is the superuser's).

#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests only: a panic is the failure report

mod balancer;
mod programs;
mod proxy;
mod replication;

use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

pub use balancer::Balancer;
pub use programs::{Programs, absent};
pub use proxy::{Cut, Fault, Proxy, Way};

/// Starts the server, tells its process id, and ends with it: a line `keep` waits for its end, which
/// somebody else sees to, and leaves the folder as it is; the end of the input ends the server at once
/// and removes the folder.
const GUARD: &str = r#"
folder=$1; shift
"$@" >>"$folder/log" 2>&1 </dev/null &
pid=$!
echo "$pid"
read -r word
[ "$word" = keep ] && { wait "$pid" 2>/dev/null; exit 0; }
kill -QUIT "$pid" 2>/dev/null
wait "$pid"
rm -rf "$folder"
"#;

/// A server with its data.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    guard: Child,
    input: ChildStdin,
    server: u32,
}

impl Cluster {
    /// Password of the superuser `postgres`, and of every role that [`Cluster::role`] makes.
    pub const PASSWORD: &str = "correct horse";

    /// Starts a server with more settings, such as `max_connections=20`.
    ///
    /// # Errors
    /// Why there can be none here: no PostgreSQL, or no user to run it as.
    pub fn start(settings: &[&str]) -> Result<Self, String> {
        Self::start_in(&std::env::temp_dir(), settings)
    }

    /// As [`Self::start`], in a folder that everybody may look into.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(parent: &Path, settings: &[&str]) -> Result<Self, String> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("espalier-postgres-").tempdir_in(parent);
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?.keep();
        programs.give(&folder);
        let port = free_port();
        let settings = settings.iter().map(|it| (*it).to_owned()).collect();
        let mut cluster = Self { programs, folder, port, settings, running: None };
        cluster.initialise();
        cluster.start_again();
        Ok(cluster)
    }

    /// As [`Self::start`]; without PostgreSQL it tells the reason and answers `None`, or panics in
    /// continuous integration, where nothing is skipped.
    #[must_use]
    pub fn start_or_skip(settings: &[&str]) -> Option<Self> {
        Self::start(settings).map_err(|reason| absent(&reason)).ok()
    }

    /// As [`Self::start_or_skip`], in a folder that everybody may look into.
    #[must_use]
    pub fn start_in_or_skip(parent: &Path, settings: &[&str]) -> Option<Self> {
        Self::start_in(parent, settings).map_err(|reason| absent(&reason)).ok()
    }

    fn initialise(&self) {
        let secret = self.folder.join("password");
        fs::write(&secret, Self::PASSWORD).unwrap();
        self.programs.give(&secret);
        let mut initdb = self.programs.command("initdb");
        initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--wal-segsize=1"]);
        initdb.arg("--pwfile").arg(&secret).arg("--pgdata").arg(self.folder.join("data"));
        let done = initdb.output().unwrap();
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Starts the server once more, after [`Self::stop`] or [`Self::kill`], on the same port.
    ///
    /// # Panics
    /// When it does not take connections within 30 seconds.
    pub fn start_again(&mut self) {
        self.spawn();
        let started = Instant::now();
        while !self.is_ready() {
            assert!(started.elapsed() < Duration::from_secs(30), "not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
            // What a killed server left behind may hold its shared memory for a moment.
            if !self.is_running() {
                self.kill();
                self.spawn();
            }
        }
    }

    fn spawn(&mut self) {
        let mut guard = self.programs.shell();
        guard.arg("-c").arg(GUARD).arg("guard").arg(&self.folder);
        guard.arg(self.programs.path("postgres")).arg("-D").arg(self.folder.join("data"));
        guard.arg("-k").arg(&self.folder).arg("-p").arg(self.port.to_string());
        for setting in ["listen_addresses=127.0.0.1", "max_connections=100"]
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            guard.arg("-c").arg(setting);
        }
        let mut guard = guard.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let input = guard.stdin.take().unwrap();
        self.running = Some(Running { guard, input, server: line.trim().parse().unwrap() });
    }

    fn is_ready(&self) -> bool {
        let mut ready = self.programs.command("pg_isready");
        ready.arg("-q").arg("-h").arg(&self.folder).arg("-p").arg(self.port.to_string());
        ready.status().unwrap().success()
    }

    /// Whether the server runs: it ends by itself when its disk is full, for example.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| is_alive(running.server))
    }

    /// Stops the server in good order: it ends transactions, and keeps what was committed.
    pub fn stop(&mut self) {
        self.end("INT");
    }

    /// Kills the server where it stands.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    fn end(&mut self, signal: &str) {
        let Some(Running { mut guard, mut input, server }) = self.running.take() else { return };
        self.signal(server, signal);
        input.write_all(b"keep\n").unwrap();
        drop(input);
        // Which has waited for the server.
        guard.wait().unwrap();
    }

    /// Sends a signal, such as `STOP` or `CONT`, to the server.
    pub fn signal_server(&self, signal: &str) {
        if let Some(running) = &self.running {
            self.signal(running.server, signal);
        }
    }

    fn signal(&self, process: u32, signal: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{signal}")).arg(process.to_string());
        assert!(kill.status().unwrap().success(), "kill -{signal} {process}");
    }

    /// The URL of a database for a role, over the Unix socket.
    #[must_use]
    pub fn url(&self, role: &str, database: &str) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        format!("postgres://{role}@localhost/{database}?host={folder}&port={port}")
    }

    /// The URL of a database for a role, over TCP.
    #[must_use]
    pub fn tcp_url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the data, the socket and the log are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Runs SQL as the superuser and answers its rows as text, or what psql says against it.
    ///
    /// # Errors
    /// The message of the server.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        self.psql_as("postgres", database, sql)
    }

    /// The same as another role.
    ///
    /// # Errors
    /// The message of the server.
    pub fn psql_as(&self, role: &str, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.programs.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", database]);
        psql.arg("-h").arg(&self.folder).arg("-p").arg(self.port.to_string());
        let mut running = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that finds no server ends without reading, and says so by its status.
        match running.stdin.take().unwrap().write_all(sql.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        let done = running.wait_with_output().unwrap();
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }

    /// Makes a role that may log in, with the password [`Self::PASSWORD`].
    pub fn role(&self, name: &str) {
        let sql = format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{}'", Self::PASSWORD);
        self.psql("postgres", &sql).unwrap();
    }

    /// Makes a database that belongs to a role.
    pub fn database(&self, name: &str, owner: &str) {
        self.psql("postgres", &format!("CREATE DATABASE \"{name}\" OWNER \"{owner}\"")).unwrap();
    }
}

/// A loopback port that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whether there is such a process, and it has not ended: who inherits it may not ask for some time.
fn is_alive(process: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat"));
    // After the name, which is in brackets.
    state.is_ok_and(|state| !state.rsplit(')').next().is_some_and(|it| it.starts_with(" Z")))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        match self.running.take() {
            Some(Running { mut guard, input, .. }) => {
                drop(input);
                guard.wait().ok();
            }
            None => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}
