//! Someone at a terminal, on which the program runs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a person waits for the next question; Argon2 takes about a second before some.
const PATIENCE: Duration = Duration::from_secs(120);

/// Someone in front of a terminal on which the program runs.
pub(crate) struct Person {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How much of the screen was read.
    read: usize,
}

/// The first words of what was shown last under this title.
pub(crate) fn noted(screen: &str, title: &str) -> String {
    let at = screen.rfind(title).unwrap_or_else(|| panic!("no {title} in {screen}"));
    // The digits come first.
    let words: Vec<&str> = screen[at + title.len()..].split_whitespace().skip(1).take(12).collect();
    words.join(" ")
}

impl Person {
    pub(crate) fn sits_down(arguments: &str) -> Self {
        let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_espalier-ceremony"));
        let mut child = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script is there: it is in bsdutils, which is essential");
        let (keyboard, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut octets) {
                shown.lock().unwrap().extend_from_slice(&octets[..count]);
            }
        });
        Self { child, keyboard, screen, read: 0 }
    }

    /// Waits until `text` is shown, and gives all that came before it.
    pub(crate) fn sees(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let screen = String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned();
            let fresh = screen.get(self.read..).unwrap_or_default();
            if let Some(at) = fresh.find(text) {
                let before = fresh[..at].to_owned();
                self.read += at + text.len();
                return before;
            }
            assert!(start.elapsed() < PATIENCE, "waits for {text:?}, sees {fresh}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Goes on in spite of findings, confirms the clock and throws dice. How many findings there are
    /// depends on the machine of the test.
    pub(crate) fn prepares(&mut self) {
        loop {
            let before = self.sees(": ");
            let answers = [
                ("A reason to go on", "a test"),
                ("another person's name", "Wim"),
                ("your name (nothing", "Olga"),
                ("Your name", "Olga"),
            ];
            let answer = answers.iter().find(|(question, _)| before.contains(question));
            if let Some((_, answer)) = answer {
                self.types(answer);
            } else if before.contains("Throw dice") {
                return self.types(&"3141526535".repeat(10));
            }
        }
    }

    /// As a console writes that is not set to UTF-8.
    pub(crate) fn types_octets(&mut self, line: &[u8]) {
        self.keyboard.write_all(&[line, b"\n"].concat()).unwrap();
    }

    pub(crate) fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Says who is there, and types in what stands on paper of the sittings before.
    pub(crate) fn introduces_people(&mut self, papers: &[&str]) {
        for (question, answer) in [("Operator", "Olga"), ("Witness", "Wim"), ("Witness", "")] {
            self.sees(question);
            self.sees(": ");
            self.types(answer);
        }
        for paper in papers {
            self.sees("(nothing when there is no");
            self.types(paper);
        }
    }

    /// Two people confirm the plan, by the words of its digest.
    pub(crate) fn confirms(&mut self, words: &str) {
        for name in ["Wim", "Olga"] {
            self.sees("confirms: Digest of the plan, your name");
            self.types(name);
            self.sees("words, as you have them");
            self.types(words);
        }
    }

    /// Writes a share down, in the order of its numbers.
    pub(crate) fn writes_down(&mut self, custodian: &str) -> Vec<String> {
        self.sees(&format!("for {custodian} alone. Write down every word:"));
        let shown = self.sees("press Enter");
        self.types("");
        // `  12 word`: each word behind its number.
        let parts: Vec<&str> = shown.split_whitespace().collect();
        let numbered = parts.windows(2).filter(|pair| pair[0].parse::<usize>().is_ok());
        numbered.map(|pair| pair[1].to_owned()).collect()
    }

    pub(crate) fn types_share(&mut self, words: &[String]) {
        for line in words.chunks(10) {
            self.types(&line.join(" "));
        }
        self.types("");
    }

    /// What the program ended with.
    pub(crate) fn leaves(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        (status.code(), String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned())
    }

    /// Ends the program as a power cut would.
    pub(crate) fn loses_power(&self) {
        let mut waiting = vec![self.child.id()];
        while let Some(process) = waiting.pop() {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            // The system keeps fifteen letters of a name.
            if "espalier-ceremony".starts_with(name.trim_end()) && name.len() > 9 {
                let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
                // It may have ended by itself.
                let _ = kill_process(process, Signal::KILL);
                return;
            }
            let children = format!("/proc/{process}/task/{process}/children");
            let children = fs::read_to_string(children).unwrap_or_default();
            waiting.extend(children.split_whitespace().map(|child| child.parse::<u32>().unwrap()));
        }
    }
}
