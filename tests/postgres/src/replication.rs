//! Servers that follow others.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use crate::{Cluster, Programs, free_port};

impl Cluster {
    /// A cluster without data, in a folder that everybody may look into: something else fills [`Self::data`], before it is started.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn empty_in(parent: &Path, settings: &[&str]) -> Result<Self, String> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("espalier-postgres-").tempdir_in(parent);
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?.keep();
        programs.give(&folder);
        let settings = settings.iter().map(|it| (*it).to_owned()).collect();
        Ok(Self { programs, folder, port: free_port(), settings, running: None })
    }

    /// A standby of this server, which runs.
    ///
    /// # Panics
    /// When it can't be made, or does not follow within 30 seconds.
    #[must_use]
    pub fn standby(&self, settings: &[&str]) -> Self {
        let mut standby = Self::empty_in(&std::env::temp_dir(), settings).unwrap();
        let make = "pg_basebackup --pgdata \"$PGDATA\" --dbname \"$PRIMARY\" --checkpoint fast \
                    --no-sync --write-recovery-conf";
        standby.shell(make, &[("PRIMARY", &self.words())]).unwrap();
        standby.start_again();
        let started = Instant::now();
        while self.psql("postgres", "SELECT count(*) FROM pg_stat_replication").unwrap() == "0" {
            assert!(started.elapsed() < Duration::from_secs(30), "{}", standby.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        standby
    }

    /// How the superuser connects over the Unix socket, in the words of libpq.
    #[must_use]
    pub fn words(&self) -> String {
        format!("host={} port={} user=postgres", self.folder.display(), self.port)
    }

    /// Where the server keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs commands as who the server runs as, with its programs in the path and what they read
    /// (PGDATA, PGHOST, PGPORT, PGUSER) in the environment. Answers what they print.
    ///
    /// # Errors
    /// What they say against it.
    pub fn shell(&self, script: &str, environment: &[(&str, &str)]) -> Result<String, String> {
        let mut shell = self.programs.shell();
        let path = format!("{}:/usr/bin:/bin", self.programs.path("").display());
        shell.args(["-eu", "-c", script]).stdin(Stdio::null());
        shell.env("PATH", path).env("PGDATA", self.data()).env("PGHOST", &self.folder);
        shell.env("PGPORT", self.port.to_string()).env("PGUSER", "postgres");
        shell.envs(environment.iter().copied());
        // To files: what is started by it keeps them open.
        let log = || tempfile::NamedTempFile::new().unwrap();
        let (out, err) = (log(), log());
        shell.stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap());
        let done = shell.status().unwrap();
        let read = |file: &tempfile::NamedTempFile| fs::read_to_string(file.path()).unwrap();
        if done.success() { Ok(read(&out)) } else { Err(format!("{}{}", read(&out), read(&err))) }
    }
}
