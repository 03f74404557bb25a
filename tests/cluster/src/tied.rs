//! A program that runs beside the tests and can't outlive them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A test that was killed ends nothing itself, and a value that all tests share is never dropped. So
/// a shell stands between: it kills the program when its standard input ends, and that ends with the
/// test's process, however that ends. It prints the program's number first, and ends with its status.
const KEEPER: &str = r#"
exec 3<&0
"$@" >"$PRINTED" 2>>"$LOGGED" </dev/null 3<&- &
program=$!
echo "$program"
( read -r _ <&3; kill -KILL "$program" ) 2>/dev/null &
reader=$!
wait "$program"
status=$?
kill "$reader" 2>/dev/null
exit "$status"
"#;

/// How long a program may take to say that it is there, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program. It is killed when it is dropped.
#[derive(Debug)]
pub struct Tied {
    keeper: Child,
    program: Pid,
    printed: PathBuf,
    logged: PathBuf,
}

impl Tied {
    /// Runs a command. What it prints goes to `NAME.out` in the folder, which begins anew, and what
    /// it says on standard error is added to `NAME.log`.
    ///
    /// # Panics
    /// When it can't be started.
    #[must_use]
    pub fn start(command: &Command, folder: &Path, name: &str) -> Self {
        let in_folder = |end: &str| folder.join(format!("{name}.{end}"));
        let (printed, logged) = (in_folder("out"), in_folder("log"));
        File::create(&printed).unwrap();
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(command.get_program()).args(command.get_args());
        keeper.env("PRINTED", &printed).env("LOGGED", &logged);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => keeper.env(name, value),
                None => keeper.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            keeper.current_dir(folder);
        }
        // It tells of programs that were killed, which is what they are for.
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = keeper.spawn().unwrap();
        let mut number = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let program = Pid::from_raw(number.trim().parse().unwrap()).unwrap();
        Self { keeper, program, printed, logged }
    }

    /// Waits until it has printed something that `read` understands.
    ///
    /// # Panics
    /// After a minute, or when it has ended, with the end of its log.
    pub fn says<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = read(&fs::read_to_string(&self.printed).unwrap()) {
                return found;
            }
            let ended = self.keeper.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "it has not said what was waited for; ended: {ended:?}\n{}",
                self.end_of_log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has ended by itself.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.keeper.try_wait().unwrap().is_some()
    }

    /// The file to which it prints.
    #[must_use]
    pub fn printed(&self) -> &Path {
        &self.printed
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> Pid {
        self.program
    }

    /// Memory that it holds now, in octets.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.of_status("VmRSS:")
    }

    /// The most memory that it ever held, in octets.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.of_status("VmHWM:")
    }

    /// The processor time that it has used so far.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        processor_time(self.program)
    }

    /// A line of its status (proc_pid_status(5)) that counts kilobytes, in octets.
    fn of_status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.program.as_raw_nonzero());
        let status = fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1_024
    }

    /// Sends it a signal; one that has ended gets none.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.program, signal);
    }

    /// Sends it a signal and waits for its end.
    ///
    /// # Panics
    /// When it has not ended a minute later.
    pub fn end(self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.ends()
    }

    /// Waits for its end, which it comes to by itself.
    ///
    /// # Panics
    /// As [`Self::end`].
    pub fn ends(mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.keeper.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it has not ended\n{}", self.end_of_log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// All that it logged, in this run and those before.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.logged).unwrap_or_default()
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        last_lines(&self.log(), 30)
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.keeper.wait(); // it ends with its program
    }
}

/// The processor time that a process has used so far, by all of its threads (proc_pid_stat(5)).
///
/// # Panics
/// When it has ended.
pub(crate) fn processor_time(process: Pid) -> Duration {
    /// The kernel tells it in these, whatever its own clock does.
    const PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap();
    // The name may have blanks and brackets; after it come the fields from the third on.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11);
    let ticks: f64 = fields.take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    Duration::from_secs_f64(ticks / PER_SECOND)
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(words: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", words]);
        command
    }

    /// A process that has ended and was not waited for has no memory any more.
    fn runs(process: Pid) -> bool {
        let path = format!("/proc/{}/status", process.as_raw_nonzero());
        fs::read_to_string(path).is_ok_and(|status| status.contains("VmRSS"))
    }

    #[test]
    fn it_ends_with_its_status_or_by_its_signal() {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Tied::start(
            &shell("trap 'echo bye >&2; exit 3' TERM; echo hi; while :; do sleep 0.01; done"),
            folder.path(),
            "told",
        );
        assert_eq!(told.says(|text| text.strip_suffix('\n').map(str::to_owned)), "hi");
        let memory = told.memory();
        assert!(memory > 0 && told.peak_memory() >= memory);
        assert_eq!(told.end(Signal::TERM).code(), Some(3));
        assert_eq!(fs::read_to_string(folder.path().join("told.log")).unwrap(), "bye\n");
        let killed = Tied::start(&shell("sleep 1000"), folder.path(), "killed");
        assert!(!killed.end(Signal::KILL).success());
    }

    #[test]
    fn it_does_not_outlive_the_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let mut tied = Tied::start(&shell("exec sleep 1000"), folder.path(), "sleeper");
        let process = tied.process();
        assert!(runs(process));
        // What happens when the test's process ends.
        drop(tied.keeper.stdin.take());
        let _ = tied.keeper.wait();
        assert!(!runs(process));
    }
}
