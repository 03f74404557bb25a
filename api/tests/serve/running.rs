//! A server that runs while a test does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::process::{Child, ExitStatus, Stdio};

use crate::http::{self, Answer};
use crate::workbench::Workbench;

/// A running server; it is killed when the test ends otherwise.
pub(crate) struct Running {
    child: Child,
    /// What it logged.
    stderr: File,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    /// What it printed first.
    pub(crate) greeting: String,
}

impl Running {
    /// Starts a server in the folder of the bench, on a port that the system picks.
    pub(crate) fn start(bench: &Workbench, options: &str) -> Self {
        let mut command = bench.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(options.split_whitespace());
        Self::spawn(command, "espalier verify")
    }

    /// Starts it with a configuration file that says where to listen.
    pub(crate) fn start_by_config(bench: &Workbench, config: &str) -> Self {
        Self::start_by_config_with(bench, config, &[])
    }

    /// The same, with environment variables.
    pub(crate) fn start_by_config_with(
        bench: &Workbench,
        config: &str,
        env: &[(&str, &str)],
    ) -> Self {
        Self::start_by_file(bench, "espalier.yaml", config, env)
    }

    /// The same, by a file of another name.
    pub(crate) fn start_by_file(
        bench: &Workbench,
        file: &str,
        config: &str,
        env: &[(&str, &str)],
    ) -> Self {
        bench.write(file, config);
        let mut command = bench.command();
        command.args(["serve", "--config", file]).envs(env.iter().copied());
        let last = if config.contains("public:") { "Revocation lists" } else { "Serving" };
        Self::spawn(command, last)
    }

    /// `last` is in the last line that it prints.
    fn spawn(mut command: std::process::Command, last: &str) -> Self {
        let mut stderr = tempfile::tempfile().unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        loop {
            let read = stdout.read_line(&mut greeting).unwrap();
            if read == 0 || greeting.contains(last) {
                break;
            }
        }
        let address = greeting
            .split_once("://")
            .and_then(|(_, rest)| rest.split([',', '\n']).next()?.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("no address in {greeting:?}; {}", last_of(&mut stderr));
        };
        let token = greeting.lines().map(str::trim).find(|line| line.starts_with("espalier_"));
        let token = token.unwrap_or_default().to_owned();
        Self { child, stderr, address, token, greeting }
    }

    /// Where revocation lists and OCSP are.
    pub(crate) fn public(&self) -> SocketAddr {
        let (_, rest) = self.greeting.split_once("OCSP: http://").unwrap();
        rest.lines().next().unwrap().parse().unwrap()
    }

    /// Sends a request with the first token.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("Authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        http::send(self.address, method, target, &all, body)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"")
    }

    pub(crate) fn post_json(&self, target: &str, body: &serde_json::Value) -> Answer {
        let json = [("Content-Type", "application/json")];
        self.send("POST", target, &json, body.to_string().as_bytes())
    }

    /// The same server, asked with another token.
    pub(crate) fn as_token(
        &self,
        token: &str,
        method: &str,
        target: &str,
        body: Option<&serde_json::Value>,
    ) -> Answer {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("Authorization", authorization.as_str())];
        let text = body.map(ToString::to_string).unwrap_or_default();
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        http::send(self.address, method, target, &headers, text.as_bytes())
    }

    /// What the server counts: the value of the line that begins like this, none is zero.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let answer = self.get("/metrics");
        let lines = answer.text().lines();
        let value = lines.filter_map(|line| line.strip_prefix(name)?.trim().parse().ok()).next();
        value.unwrap_or(0.0)
    }

    /// How much memory the process holds, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until it has all that it needs, its first list among it.
    pub(crate) fn until_ready(&self) {
        let started = std::time::Instant::now();
        while http::send(self.address, "GET", "/readyz", &[], b"").status != 200 {
            assert!(started.elapsed() < std::time::Duration::from_secs(30), "it is not ready");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        let mut octets = Vec::new();
        let mut part = [0; 16_384];
        // Without moving where the server writes next, which is the same handle's.
        while let Ok(read @ 1..) = self.stderr.read_at(&mut part, octets.len() as u64) {
            octets.extend_from_slice(&part[..read]);
        }
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Tells it to end, and waits.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap()
    }
}

/// The last lines of a log.
fn last_of(log: &mut File) -> String {
    const OCTETS: u64 = 16_384;
    let length = log.metadata().map_or(0, |about| about.len());
    let mut octets = Vec::new();
    let _ = log.seek(SeekFrom::Start(length.saturating_sub(OCTETS)));
    let _ = log.read_to_end(&mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = last_of(&mut self.stderr);
            let words = format!("the server at {} logged at last:\n{log}\n", self.address);
            let _ = std::io::stderr().write_all(words.as_bytes());
        }
    }
}
