//! Hardening of the process before it touches a secret, and what is wiped after.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use zeroize::Zeroize as _;

/// Octets of stack that a sitting may have used. SLH-DSA, which takes more, has threads of its own.
const STACK: usize = 512 * 1024;

/// Wipes what functions that have returned left on the stack: moved values leave copies there.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut left = [0_u8; STACK];
    left.zeroize();
    std::hint::black_box(&left);
}

/// Makes the process undumpable, forbids core files, keeps new files for this user, and locks its
/// memory where `RLIMIT_MEMLOCK` is unlimited; under a limit later allocations would fail. Tells
/// what the system refused: a ceremony records it, and goes on.
pub(crate) fn harden() -> Vec<String> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limit = getrlimit(Resource::Memlock).current;
    let locked = match limit {
        Some(_) => Ok(()),
        None => mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT),
    };
    let steps = [
        ("PR_SET_DUMPABLE", set_dumpable_behavior(DumpableBehavior::NotDumpable)),
        ("RLIMIT_CORE", setrlimit(Resource::Core, none)),
        ("mlockall", locked),
    ];
    let refused = steps.into_iter().filter_map(|(step, done)| Some((step, done.err()?)));
    let refused = refused.map(|(step, error)| format!("{step}: {error}"));
    let limited = limit.map(|limit| {
        format!("mlockall: memory is not locked, RLIMIT_MEMLOCK is {limit} octets, wanted is none")
    });
    refused.chain(limited).collect()
}
