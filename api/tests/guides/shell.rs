//! One shell for one guide, in a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_postgres::Programs;

use crate::blocks::Command;
use crate::shown;

/// How long one command may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends what the guide left running, whichever way the shell ends: its input ends with the test's process.
const BEFORE: &str = r#"
set -o pipefail
leave() {
  for file in */postmaster.pid; do
    [ -e "$file" ] && kill -QUIT "$(head -n 1 "$file")"
  done
  kill $(jobs -p)
  [ -e pid ] && kill "$(cat pid)"
} 2>/dev/null
trap leave EXIT
"#;

/// Runs the commands of one guide.
pub(crate) struct Shell {
    child: Child,
    input: Option<ChildStdin>,
    ends: Receiver<String>,
    folder: TempDir,
    /// What stands in the guide, and what it is here.
    differs: Vec<(String, String)>,
    /// Words that the guide cuts, and what they were.
    cut: Vec<(String, String)>,
    count: usize,
}

impl Shell {
    /// A shell with `espalier` in its path.
    pub(crate) fn start() -> Self {
        let mut shell = std::process::Command::new("/bin/bash");
        shell.env_clear();
        Self::start_by(shell, &[], |_| {})
    }

    /// A shell of the user that PostgreSQL runs as, with its programs.
    pub(crate) fn start_for_postgres(programs: &Programs) -> Self {
        let shell = programs.run_as_user(std::process::Command::new("/bin/bash"));
        Self::start_by(shell, &[programs.folder()], |path| programs.give(path))
    }

    /// `shell` is a command that runs bash; `paths` come before the system's.
    pub(crate) fn start_by(
        mut shell: std::process::Command,
        paths: &[&Path],
        give: impl Fn(&Path),
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("espalier-guide-").tempdir().unwrap();
        let (work, kept) = (folder.path().join("work"), folder.path().join("kept"));
        for path in [&work, &kept] {
            fs::create_dir(path).unwrap();
        }
        let program = kept.join("espalier");
        fs::copy(env!("CARGO_BIN_EXE_espalier"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        for path in [folder.path(), &work, &kept, &program] {
            give(path);
        }
        let mut path = kept.display().to_string();
        for more in paths {
            let _ = write!(path, ":{}", more.display()); // a String takes everything
        }
        path += ":/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
        shell.env("PATH", path).env("HOME", &work).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        shell.args(["--noprofile", "--norc"]).current_dir(&work);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, ends) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        let mut input = child.stdin.take();
        let here = format!("cd '{}'\n{BEFORE}", work.display());
        input.as_mut().unwrap().write_all(here.as_bytes()).unwrap();
        Self { child, input, ends, folder, differs: Vec::new(), cut: Vec::new(), count: 0 }
    }

    /// Says that what stands in the guide as `guide` is `here` in this test, such as a port.
    pub(crate) fn differs(&mut self, guide: &str, here: impl ToString) {
        self.differs.insert(0, (guide.to_owned(), here.to_string()));
    }

    /// The server of this guide has ports of its own, also where it is not told.
    pub(crate) fn ports(&mut self) {
        let first = two_ports();
        for end in ["&", ">"] {
            let told = format!("espalier serve --listen 127.0.0.1:{first} {end}");
            self.differs(&format!("espalier serve {end}"), told);
        }
        self.differs("8440", first);
        self.differs("8441", first + 1);
    }

    /// Puts a program into the path under this name.
    pub(crate) fn also(&self, name: &str, command: &std::process::Command) {
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.display()))
            .collect();
        self.script(name, &format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")));
    }

    /// Puts a script into the path under this name.
    pub(crate) fn script(&self, name: &str, text: &str) {
        let path = self.folder.path().join("kept").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Where the guide's files are.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Runs what a reader has done before this guide.
    pub(crate) fn before(&mut self, text: &str) {
        let (code, file) = self.send(text).unwrap();
        assert_eq!(code, 0, "{text}: {}", self.printed(&file));
    }

    /// Runs a command and looks whether it did what the guide says.
    ///
    /// # Errors
    /// What it did instead.
    pub(crate) fn follow(&mut self, command: &Command) -> Result<(), String> {
        let (code, file) = self.send(&command.text)?;
        let started = Instant::now();
        let waits = command.text.trim_end().ends_with('&');
        let output = loop {
            let output = self.printed(&file);
            let good = command.shown.is_empty() || shown::fits(&command.shown, &output);
            let patient = waits && started.elapsed() < PATIENCE;
            if good || !patient {
                break output;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if code != command.exit {
            return Err(format!("exit {code}, not {}:\n{output}", command.exit));
        }
        if let Some(words) = command.says.iter().find(|words| !shown::says(&output, words)) {
            return Err(format!("no {words:?} in\n{output}"));
        }
        if !command.shown.is_empty() && !shown::fits(&command.shown, &output) {
            return Err(format!("prints\n{output}\nand not\n{}", command.shown.join("\n")));
        }
        let mut cut = shown::cut_words(&command.shown, &output);
        cut.append(&mut self.cut);
        self.cut = cut;
        Ok(())
    }

    /// Runs a command; the status, and the file with what it prints.
    fn send(&mut self, text: &str) -> Result<(i32, PathBuf), String> {
        self.count += 1;
        let kept = self.folder.path().join("kept");
        let (script, output) =
            (kept.join(format!("{}.sh", self.count)), kept.join(format!("{}.out", self.count)));
        let text = self
            .cut
            .iter()
            .chain(&self.differs)
            .fold(text.to_owned(), |text, (guide, here)| text.replace(guide.as_str(), here));
        fs::write(&script, text + "\n").unwrap();
        let (from, to) = (script.display(), output.display());
        let line = format!(". '{from}' >'{to}' 2>&1 </dev/null\nprintf '%s\\n' \"$?\"\n");
        let input = self.input.as_mut().ok_or("the shell has ended")?;
        input.write_all(line.as_bytes()).map_err(|error| format!("the shell ended: {error}"))?;
        let end = self.ends.recv_timeout(PATIENCE).map_err(|error| {
            format!("{error} after {} s:\n{}", PATIENCE.as_secs(), self.printed(&output))
        })?;
        Ok((end.parse().map_err(|_| format!("no status: {end}"))?, output))
    }

    fn printed(&self, file: &Path) -> String {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
        self.differs.iter().fold(text, |text, (guide, here)| text.replace(here.as_str(), guide))
    }
}

/// The first of two free ports that follow each other.
fn two_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.input = None;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill(); // it may have ended by itself in between
        let _ = self.child.wait();
    }
}
