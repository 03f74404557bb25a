//! Which processors the control plane has, and which everything else.
//!
//! A control plane has machines of its own. On one machine that all share, the share of the bound would tell
//! mostly how much processor time the CA and the issuer program take from the API server (ADR 0160).

use std::fs;
use std::io;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors that this process may use, in two halves.
pub(crate) struct Halves {
    control_plane: Vec<usize>,
    others: Vec<usize>,
}

impl Halves {
    /// Halves them; none where there is one processor, which cannot be halved.
    pub(crate) fn of_this_process() -> io::Result<Option<Self>> {
        let allowed = sched_getaffinity(None)?;
        let cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        Ok(Self::of(cores))
    }

    fn of(mut cores: Vec<usize>) -> Option<Self> {
        if cores.len() < 2 {
            return None;
        }
        let others = cores.split_off(cores.len() / 2);
        Some(Self { control_plane: cores, others })
    }

    /// Keeps this thread, and all threads and programs that it starts from now on, on the half of the others.
    pub(crate) fn keep_this_thread(&self) -> io::Result<()> {
        Ok(sched_setaffinity(None, &set(&self.others))?)
    }

    /// Gives a running program the half of the control plane.
    pub(crate) fn give_to(&self, program: Pid) -> io::Result<()> {
        let half = set(&self.control_plane);
        let threads = format!("/proc/{}/task", program.as_raw_nonzero());
        // A thread may be started by one that was not reached yet: until none is left, which is soon.
        loop {
            let mut moved = 0;
            for thread in fs::read_dir(&threads)? {
                let name = thread?.file_name();
                let number = name.to_str().and_then(|name| name.parse().ok());
                // Without a number this thread would be meant.
                if let Some(thread) = number.and_then(Pid::from_raw)
                    && is_moved(thread, &half)?
                {
                    moved += 1;
                }
            }
            if moved == 0 {
                return Ok(());
            }
        }
    }

    /// How many each has: the control plane, and everything else.
    pub(crate) fn numbers(&self) -> (usize, usize) {
        (self.control_plane.len(), self.others.len())
    }
}

/// Whether a thread had other processors before. One that has ended had not.
fn is_moved(thread: Pid, to: &CpuSet) -> io::Result<bool> {
    let moved = sched_getaffinity(Some(thread)).and_then(|has| {
        let moves = has != *to;
        if moves { sched_setaffinity(Some(thread), to).map(|()| true) } else { Ok(false) }
    });
    match moved {
        Err(rustix::io::Errno::SRCH) => Ok(false),
        moved => Ok(moved?),
    }
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    set
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn all_are_given_and_none_twice() {
        let halves = Halves::of(vec![0, 2, 5]).unwrap();
        assert_eq!((halves.control_plane, halves.others), (vec![0], vec![2, 5]));
        assert!(Halves::of(vec![3]).is_none());
        assert!(Halves::of(Vec::new()).is_none());
    }

    #[test]
    fn a_running_program_is_moved() {
        let Some(halves) = Halves::of_this_process().unwrap() else { return };
        let mut program = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let found = halves
            .give_to(Pid::from_child(&program))
            .and_then(|()| Ok(sched_getaffinity(Some(Pid::from_child(&program)))?));
        drop(program.stdin.take());
        program.wait().unwrap();
        assert!(found.unwrap() == set(&halves.control_plane));
    }
}
