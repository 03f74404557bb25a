//! A server that runs while it is measured.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::https::{Connection, Target};
use crate::options::Options;
use crate::store::Bench;

/// How long a server may take to start before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Kept open: the server prints to it.
    _stdout: BufReader<ChildStdout>,
    pub(crate) target: Target,
    /// From the start of the process to the first answer that it is ready, over TLS.
    pub(crate) ready_after: Duration,
}

/// Memory of the process, in octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All that is resident: what is its own, and pages of the binary.
    pub(crate) resident: u64,
    /// What is its own.
    pub(crate) own: u64,
}

impl Server {
    pub(crate) fn start(bench: &Bench, options: &Options) -> Result<Self, Failure> {
        let folder = bench.folder.path();
        let log = fs::File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = Command::new(&options.binary);
        command.current_dir(folder).args(["serve", "--config", "espalier.yaml"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let started = Instant::now();
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("espalier serve: has no output")?;
        let mut stdout = BufReader::new(stdout);
        let mut greeting = String::new();
        stdout.read_line(&mut greeting)?;
        let address = address(&greeting).ok_or_else(|| {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            format!("espalier serve: printed {greeting:?} instead of its address; {log}")
        })?;
        let roots =
            fs::read(folder.join(Path::new("espalier-data/authorities/tls-root/certificate.pem")))?;
        let target = Target::new(address, &roots, &bench.token)?;
        let mut server = Self { child, _stdout: stdout, target, ready_after: Duration::ZERO };
        while !server.is_ready() {
            if started.elapsed() > PATIENCE {
                return Err(format!("espalier serve: not ready within {PATIENCE:?}").into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    fn is_ready(&self) -> bool {
        let answer = Connection::open(&self.target).and_then(|mut one| one.get("/readyz"));
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// Memory now.
    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.trim_end_matches("kB").trim().parse().ok());
            kilobytes.map(|number: u64| number * 1_024).ok_or(format!("status: has no {name}"))
        };
        Ok(Memory { resident: of("VmRSS:")?, own: of("RssAnon:")? })
    }

    /// Ends it in good order.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("espalier serve: {status}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that ended is neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(greeting: &str) -> Option<SocketAddr> {
    let (_, rest) = greeting.split_once("https://")?;
    rest.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_greeting() {
        let greeting =
            "Serving https://127.0.0.1:41234, read more at https://127.0.0.1:41234/docs\n";
        assert_eq!(address(greeting), Some(SocketAddr::from(([127, 0, 0, 1], 41234))));
        assert_eq!(address("Serving http://127.0.0.1:41234, read more"), None);
    }
}
