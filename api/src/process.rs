//! Hardening of the process, so that private keys do not leave it by the system's back doors.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Hardens the process before it touches the first secret.
///
/// - `PR_SET_DUMPABLE` 0: no core dump, and no other process of the same user may attach with
///   ptrace or read `/proc/PID/mem`.
/// - `RLIMIT_CORE` 0: no core file either where a dump handler ignores the first.
/// - umask 077: whatever is written without a mode of its own is for this user alone. Files for
///   others, such as certificates, get their mode explicitly.
/// - `mlockall` with `MCL_ONFAULT`: nothing that was touched is swapped out. Only where
///   `RLIMIT_MEMLOCK` is unlimited, because under a limit later allocations would fail; there,
///   ca-core still locks the pages of each private key on their own.
///
/// What the system refuses is told, for the log, and the program goes on: a CA in a container
/// without these rights still works.
pub fn harden() -> Hardened {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    let steps = [
        ("PR_SET_DUMPABLE", set_dumpable_behavior(DumpableBehavior::NotDumpable)),
        ("RLIMIT_CORE", setrlimit(Resource::Core, no_core)),
        ("mlockall", lock_memory()),
    ];
    let refused: Vec<String> = steps
        .into_iter()
        .filter_map(|(step, result)| result.err().map(|error| format!("{step}: {error}")))
        .collect();
    Hardened { refused: refused.join(", ") }
}

/// That the process is hardened, as far as the system allows it.
#[must_use = "what the system refused belongs into the log"]
#[derive(Clone, Debug)]
pub struct Hardened {
    /// Empty where all was allowed.
    refused: String,
}

impl Hardened {
    /// Logs what the system refused, in one line, where it refused something.
    pub fn log(&self) {
        if !self.refused.is_empty() {
            tracing::warn!(
                refused = self.refused,
                "the system refuses to harden this process; its memory may reach a core dump or swap"
            );
        }
    }
}

/// Lets a server have as many sockets and files open as the system's hard limit allows: the soft
/// one is low for the sake of old programs that use select(2).
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if let Err(error) = raised {
        tracing::warn!(%error, soft = limit.current, "the limit of open files stays as it is");
    }
}

fn lock_memory() -> rustix::io::Result<()> {
    if getrlimit(Resource::Memlock).current.is_some() {
        return Ok(());
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn no_core_and_nothing_for_others() {
        harden().log();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
        let mask = rustix::fs::Mode::from_raw_mode(0o077);
        assert_eq!(rustix::process::umask(mask), mask);
    }
}
