//! A primary, its synchronous standby and HAProxy before them, made and failed over by the commands of
//! docs/failover.md.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use test_postgres::{Balancer, Cluster, absent, free_port};

use crate::runbook::{balancer, block, settings};

const NAMES: [&str; 2] = ["pg_a", "pg_b"];
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two servers, one of which is the primary.
pub(crate) struct Pair {
    servers: [Cluster; 2],
    primary: usize,
    port: u16,
    balancer: Balancer,
    /// How often a standby had to be made anew.
    pub(crate) made_anew: u64,
}

impl Pair {
    /// Sets it up; nothing where a program is missing.
    pub(crate) fn start_or_skip() -> Option<Self> {
        Self::start().map_err(|reason| absent(&reason)).ok()
    }

    fn start() -> Result<Self, String> {
        // In memory where that is possible: a killed process loses nothing that the system has, and
        // a disk that others use as well makes each failover take a quarter of a minute.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        // Both are found by it from the start.
        let port = free_port();
        // A name of its own for each; the rest in the file, which pg_rewind reads and copies.
        let own = |name| settings(name).into_iter().find(|it| it.starts_with("cluster_name"));
        let own = NAMES.map(|name| own(name).unwrap());
        let file: Vec<String> = settings("").split_off(1);
        let words = |index: usize| vec![own[index].as_str(), "max_connections=60"];
        let mut primary = Cluster::start_in(&folder, &words(0))?;
        let config = primary.data().join("postgresql.conf");
        let rest = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{rest}\n{}\n", file.join("\n"))).unwrap();
        primary.stop();
        primary.start_again();
        let hba = primary.data().join("pg_hba.conf");
        let rest = fs::read_to_string(&hba).unwrap();
        fs::write(&hba, format!("{}{rest}", block("hba"))).unwrap();
        primary.psql("postgres", "SELECT pg_reload_conf()").unwrap();
        primary.shell(block("probe"), &[])?;
        let standby = Cluster::empty_in(&folder, &words(1))?;
        let servers = [primary, standby];
        let balancer = Balancer::start(&balancer(port, [servers[0].port(), servers[1].port()]))?;
        let mut pair = Self { servers, primary: 0, port, balancer, made_anew: 0 };
        pair.make_standby();
        for server in &pair.servers {
            server.shell(block("synchronous"), &[])?;
        }
        pair.waits_for_standby();
        pair.balancer.waits_for("pg_b is DOWN");
        Ok(pair)
    }

    /// HAProxy's port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn primary(&self) -> &Cluster {
        &self.servers[self.primary]
    }

    fn standby(&mut self) -> &mut Cluster {
        &mut self.servers[1 - self.primary]
    }

    /// Fills the empty standby, and starts it.
    fn make_standby(&mut self) {
        let primary = self.primary().words();
        let standby = self.standby();
        standby.shell(block("standby"), &[("PRIMARY", &primary)]).unwrap();
        standby.start_again();
    }

    /// Kills the primary and promotes the standby. When it `lives_on`, it is stopped only after that.
    pub(crate) fn fail_over(&mut self, lives_on: bool) {
        if !lives_on {
            self.servers[self.primary].kill();
        }
        self.standby().shell(block("promote"), &[]).unwrap();
        self.primary = 1 - self.primary;
    }

    /// Nothing that is committed on the old primary is answered, while it lives: a commit waits until
    /// somebody gives it up, for no timeout ends that wait.
    pub(crate) fn old_primary_answers_nothing(&self) {
        const GIVE_UP: &str = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity \
                               WHERE wait_event = 'SyncRep' AND query LIKE 'CREATE TABLE fenced%'";
        let old = &self.servers[1 - self.primary];
        thread::scope(|scope| {
            let asked = scope.spawn(|| old.psql("postgres", "CREATE TABLE fenced ()"));
            thread::sleep(Duration::from_secs(1));
            assert!(!asked.is_finished(), "{}", old.log());
            assert_eq!(old.psql("postgres", GIVE_UP).unwrap(), "1", "{}", old.log());
        });
        assert!(old.log().contains("canceling wait for synchronous replication"), "{}", old.log());
    }

    /// Stops the old primary where it still runs.
    pub(crate) fn fence(&mut self) {
        let standby = self.standby();
        if standby.psql("postgres", "SELECT 1").is_ok() {
            standby.shell(block("fence"), &[]).unwrap();
            standby.kill();
        }
    }

    /// Makes a standby of the old primary, and waits until commits wait for it.
    pub(crate) fn rejoin(&mut self) {
        let primary = self.primary().words();
        let started = Instant::now();
        // Processes of a killed server hold its memory for a moment.
        let rewound = loop {
            match self.standby().shell(block("rejoin"), &[("PRIMARY", &primary)]) {
                Err(_) if started.elapsed() < Duration::from_secs(3) => {
                    thread::sleep(Duration::from_millis(100));
                }
                done => break done,
            }
        };
        match rewound {
            Ok(_) => self.standby().start_again(),
            Err(reason) => {
                println!("a standby is made anew: {reason}");
                self.made_anew += 1;
                self.standby().shell("rm -rf \"$PGDATA\"", &[]).unwrap();
                self.make_standby();
            }
        }
        self.waits_for_standby();
    }

    fn waits_for_standby(&self) {
        let started = Instant::now();
        loop {
            let state = self.primary().shell(block("state"), &[]).unwrap();
            if state.contains("| streaming | quorum") {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "no standby: {state}\n{}\n{}",
                self.servers[0].log(),
                self.servers[1].log()
            );
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// The new primary serves without a standby.
    pub(crate) fn serve_alone(&self) {
        self.primary().shell(block("alone"), &[]).unwrap();
    }
}

/// Tells what the servers of a failed test said last: it is gone with them.
impl Drop for Pair {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let logs = [self.balancer.log(), self.servers[0].log(), self.servers[1].log()];
        for (name, log) in ["HAProxy", NAMES[0], NAMES[1]].iter().zip(logs) {
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(60)..].join("\n");
            println!("{name} logged at last:\n{last}");
        }
    }
}
