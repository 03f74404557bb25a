//! Where PostgreSQL's programs are, and as whom they run.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
};

/// The programs of one installation.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    /// User and group to run as, when it is not who runs the test.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// Finds an installation that has a server: the one of `pg_config`, or the newest where Debian,
    /// Red Hat and the sources put theirs.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find() -> Result<Self, String> {
        let has_server = |folder: &PathBuf| {
            ["postgres", "initdb", "psql", "pg_isready"]
                .iter()
                .all(|name| folder.join(name).is_file())
        };
        let folder = told_by_pg_config()
            .into_iter()
            .chain(well_known())
            .find(has_server)
            .ok_or("no PostgreSQL server: neither pg_config nor the usual folders have one")?;
        Ok(Self { folder, user: user()? })
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A program, run as the right user in an environment of its own.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        self.run_as_user(Command::new(self.path(name)))
    }

    pub(crate) fn shell(&self) -> Command {
        // Not in the group of the test, which an impatient terminal ends as a whole.
        let mut shell = self.run_as_user(Command::new("/bin/sh"));
        shell.process_group(0);
        shell
    }

    /// Any command, run as the user that the programs run as, in an environment of its own.
    #[must_use]
    pub fn run_as_user(&self, mut command: Command) -> Command {
        command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder to whom the programs run as.
    ///
    /// # Panics
    /// When the file is not there.
    pub fn give(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
    }
}

fn told_by_pg_config() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(told.stdout).ok()?.trim()))
}

/// Folders of programs, the newest version first.
fn well_known() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        for entry in fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok());
            versions.extend(version.map(|version| (version, entry.path().join("bin"))));
        }
    }
    versions.sort_by(|one, other| other.cmp(one));
    let mut folders: Vec<_> = versions.into_iter().map(|(_, folder)| folder).collect();
    folders.extend(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders
}

/// Whom to run as: who runs the test, unless that is root.
fn user() -> Result<Option<(u32, u32)>, String> {
    let own = fs::metadata("/proc/self").map_err(|error| format!("/proc/self: {error}"))?;
    if own.uid() != 0 {
        return Ok(None);
    }
    let users =
        fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let numbers = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = numbers("postgres").or_else(|| numbers("nobody"));
    found.map(Some).ok_or_else(|| "root can't run PostgreSQL, and there is no user postgres".into())
}

/// Tells that a test is skipped, and why.
///
/// # Panics
/// In continuous integration (`CI` is set), where nothing is skipped.
pub fn absent(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}; nothing is skipped where CI is set");
    println!("skipped: {reason}");
}
