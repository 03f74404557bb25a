//! The guided mode on the smallest terminal, 80 columns and 24 rows, as a person sees it: tmux is the terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use interop::peers::absent;

use crate::person::noted;
use crate::{DEFINITION, HEAD};

const COLUMNS: usize = 80;
const ROWS: usize = 24;
/// How what is seen ends where something is to be typed.
const ENDS: [&str; 3] = [":", "--", "end with an empty line"];
/// How long a person waits for the next question.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal on which the program runs. It ends with the value.
struct Screen {
    place: tempfile::TempDir,
}

impl Screen {
    fn shows(arguments: &str) -> Self {
        let screen = Self { place: tempfile::tempdir().unwrap() };
        let program = env!("CARGO_BIN_EXE_espalier-ceremony");
        // What it ended with stays to be seen.
        let command = format!("sh -c '{program} {arguments}; echo ended with $?; read -r _'");
        let (columns, rows) = (COLUMNS.to_string(), ROWS.to_string());
        let words = ["new-session", "-d", "-x", &columns, "-y", &rows, &command];
        let started = screen.tmux(&words);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        screen
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        tmux.args(["-f", "/dev/null", "-S"])
            .arg(self.place.path().join("tmux"))
            .args(words)
            .output()
            .unwrap()
    }

    /// The lines that are seen now, without those below the last that is not empty. They are readable: the
    /// terminal broke none, so that there are as many when broken ones are joined.
    fn lines(&self) -> Vec<String> {
        const BETWEEN: &str = "=====";
        let seen = self.tmux(&[
            "capture-pane",
            "-p",
            ";",
            "display-message",
            "-p",
            BETWEEN,
            ";",
            "capture-pane",
            "-p",
            "-J",
        ]);
        let text = String::from_utf8_lossy(&seen.stdout).into_owned();
        let (lines, joined) = text.split_once(BETWEEN).unwrap_or_else(|| panic!("{text}"));
        let lines: Vec<String> = lines.trim_end().lines().map(str::to_owned).collect();
        let joined = joined.strip_prefix('\n').unwrap_or(joined).trim_end();
        assert_eq!(joined.lines().count(), lines.len(), "{lines:#?}");
        assert!(lines.len() <= ROWS);
        lines
    }

    /// Waits until the last lines ask this, with nothing typed behind it.
    fn asks(&self, question: &str) -> Vec<String> {
        let started = Instant::now();
        loop {
            let lines = self.lines();
            let last = lines.iter().rev().take(3).cloned().collect::<Vec<_>>();
            let asked = last.iter().rev().map(String::as_str).collect::<Vec<_>>().join(" ");
            if asked.contains(question) && ENDS.iter().any(|end| asked.trim_end().ends_with(end)) {
                return lines;
            }
            assert!(started.elapsed() < PATIENCE, "waits for {question:?}, sees {lines:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a line, and waits until the screen shows that something follows.
    fn types(&self, line: &str) {
        let before = self.lines();
        if !line.is_empty() {
            self.tmux(&["send-keys", "-l", line]);
        }
        self.tmux(&["send-keys", "Enter"]);
        self.changes(&before);
    }

    /// What can be scrolled back to, and what is seen.
    fn all(&self) -> String {
        let seen = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
        String::from_utf8_lossy(&seen.stdout).into_owned()
    }

    fn answers(&self, asked: &[(&str, &str)]) {
        for (question, answer) in asked {
            self.asks(question);
            self.types(answer);
        }
    }

    /// Goes on in spite of findings, confirms the clock and throws dice.
    fn prepares(&self) {
        loop {
            let lines = self.asks("");
            let asked = lines.iter().rev().take(3).rev().cloned().collect::<Vec<_>>().join(" ");
            let answers = [
                ("Throw dice", "3141526535".repeat(10)),
                ("another person's name (nothing", "Wim".into()),
                ("your name (nothing", "Olga".into()),
                ("in spite of it (nothing to stop):", "a test".into()),
                ("Your name:", "Olga".into()),
            ];
            let ends = |question: &str| asked.rfind(question);
            let best = answers.iter().filter(|(question, _)| ends(question).is_some());
            let (question, answer) = best.max_by_key(|(question, _)| ends(question)).unwrap();
            self.types(answer);
            if *question == "Throw dice" {
                return;
            }
        }
    }

    /// Waits until something else is seen.
    fn changes(&self, before: &[String]) {
        let started = Instant::now();
        while self.lines() == before {
            assert!(started.elapsed() < PATIENCE, "nothing follows {before:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(50));
    }

    /// Writes a share down from one screen; afterwards it is nowhere. `then` is typed below it.
    fn writes_down(&self, custodian: &str, then: &str) -> Vec<String> {
        let lines = self.asks("not shown again");
        assert!(lines[0].contains(&format!("for {custodian} alone")), "{lines:#?}");
        assert!(!lines.join("").contains("\\0A"), "{lines:#?}");
        let text = lines[1..lines.len() - 1].join(" ");
        let parts: Vec<&str> = text.split_whitespace().collect();
        let numbered = parts.chunks(2).map(|pair| pair[1].to_owned()).collect();
        self.types(then);
        assert!(!self.all().contains("Write down every word"), "{}", self.all());
        numbered
    }

    /// What somebody else's decoder reads of the QR code that is shown, which is nowhere afterwards; `None`
    /// without zbar.
    fn scans(&self) -> Option<String> {
        let lines = self.asks("Enter goes back to the words");
        let file = self.place.path().join("seen.png");
        photographs(&lines[..lines.len() - 1], &file);
        self.types("");
        self.asks("not shown again");
        assert!(!self.all().contains('█'), "{}", self.all());
        self.types("");
        assert!(!self.all().contains("Write down every word"), "{}", self.all());
        let Ok(read) = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&file).output()
        else {
            absent("zbarimg: apt-get install zbar-tools");
            return None;
        };
        Some(String::from_utf8_lossy(&read.stdout).trim().to_owned())
    }

    fn types_share(&self, words: &[String]) {
        // As they stand on paper.
        for line in words.chunks(5) {
            self.types(&line.join(" "));
        }
        self.types("");
    }

    /// A scanner that types lines that the screen does not break.
    fn types_digits(&self, digits: &str) {
        let half = digits.len() / 2;
        for line in [&digits[..half], &digits[half..], ""] {
            self.types(line);
        }
    }

    /// Whether there is another page than this.
    fn has_more(&self, before: &[String]) -> bool {
        let now = self.lines();
        now.last().is_some_and(|line| line.starts_with("-- Enter"))
            && now.iter().rev().nth(1) != before.iter().rev().nth(1)
    }

    /// Turns pages until something else is seen last; gives all that was seen.
    fn turns_pages(&self) -> String {
        let mut seen = Vec::new();
        let started = Instant::now();
        loop {
            let lines = self.lines();
            let last = lines.last().map(String::as_str).unwrap_or_default();
            let turns = last.starts_with("-- Enter");
            if turns || last.starts_with("ended with") || last.starts_with("Who confirms") {
                seen.extend(lines.clone());
                if !turns {
                    return seen.join("\n");
                }
                self.types("");
                // The echo of Enter moves the screen before the program does.
                let moved =
                    || self.lines().iter().rev().take(2).all(|line| !line.starts_with("-- Enter"));
                while !moved() && !self.has_more(&lines) {
                    assert!(started.elapsed() < PATIENCE, "{lines:#?}");
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            assert!(started.elapsed() < PATIENCE, "{lines:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Turns pages until the program ended, well; gives all that was seen.
    fn ends(&self) -> String {
        let seen = self.turns_pages();
        assert!(seen.ends_with("ended with 0"), "{seen}");
        seen
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A picture of half blocks as a camera sees it.
fn photographs(lines: &[String], file: &Path) {
    const SCALE: usize = 4;
    let rows: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    // The light at the end of a line is not told by tmux.
    let side = 2 * rows.len();
    let is_dark = |x: usize, y: usize| {
        let letter = rows[y / 2].get(x).copied().unwrap_or(' ');
        letter == '█' || letter == if y.is_multiple_of(2) { '▀' } else { '▄' }
    };
    let pixel = |at: usize| {
        let (x, y) = (at % (side * SCALE) / SCALE, at / (side * SCALE) / SCALE);
        if is_dark(x, y) { 0 } else { u8::MAX }
    };
    let pixels: Vec<u8> = (0..side * SCALE * side * SCALE).map(pixel).collect();
    let length = (side * SCALE) as u32;
    let mut encoder = png::Encoder::new(fs::File::create(file).unwrap(), length, length);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// The first words under a title, by as many letters as it takes.
fn brief(seen: &str, title: &str) -> String {
    let words = noted(seen, title);
    let four = |word: &str| word.chars().take(4).collect::<String>();
    words.split(' ').map(four).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_screen_of_the_guided_mode_is_readable_at_80_by_24() {
    if Command::new("tmux").arg("-V").output().is_err() {
        return absent("tmux: apt-get install tmux");
    }
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("root-2026");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("ceremony.yaml"), DEFINITION).unwrap();
    let folder = folder.to_str().unwrap();
    let people = [("Operator, your name", "Olga"), ("Witness, your name", "Wim"), ("Witness", "")];

    let screen = Screen::shows(&format!("keys {folder}"));
    screen.answers(&people);
    screen.prepares();
    screen.answers(&[
        ("Ana, a passphrase", "correct horse"),
        ("The same once more", "correct horse"),
    ]);
    let ana = screen.writes_down("Ana", "QR");
    screen.scans();
    screen.asks("end with an empty line");
    screen.types_share(&ana);
    screen.answers(&[("the passphrase of your share", "correct horse")]);
    screen.answers(&[("Ben, a passphrase", "none")]);
    let ben = screen.writes_down("Ben", "qr");
    let scanned = screen.scans();
    screen.asks("end with an empty line");
    match scanned {
        Some(digits) => {
            // The twin: another digit, and the word is named.
            let other = if &digits[3..4] == "1" { "2" } else { "1" };
            screen.types_digits(&format!("{}{other}{}", &digits[..3], &digits[4..]));
            let lines = screen.asks("end with an empty line");
            assert!(lines.join(" ").contains("word 1: found"), "{lines:#?}");
            screen.types_digits(&digits);
        }
        None => screen.types_share(&ben),
    }
    let seen = screen.ends();
    assert_eq!((ana.len(), ben.len()), (47, 35));
    for share in [&ana, &ben] {
        assert!(!screen.all().contains(&share[..3].join(" ")), "a share is still to be seen");
    }
    let head = brief(&seen, HEAD);
    drop(screen);

    let screen = Screen::shows(&format!("plan {folder}"));
    screen.answers(&people);
    screen.answers(&[("(nothing when there is no", &head)]);
    let seen = screen.ends();
    // Every octet that will be signed went by, a page at a time.
    assert!(seen.contains("Step 1 of 1: root, by key root"), "{seen}");
    assert!(seen.contains("  000000  30 82"), "{seen}");
    assert!(seen.matches("-- Enter").count() > 5, "{seen}");
    let (plan, head) = (brief(&seen, "Digest of the plan"), brief(&seen, HEAD));
    drop(screen);

    let screen = Screen::shows(&format!("run {folder}"));
    screen.answers(&people);
    screen.answers(&[("(nothing when there is no", &head)]);
    screen.prepares();
    screen.turns_pages();
    for (who, name) in [("Who confirms", "Wim"), ("Another person who confirms", "Olga")] {
        screen.answers(&[(who, name), ("words, as you have them", &plan)]);
    }
    for share in [&ben, &ana] {
        screen.asks("end with an empty line");
        screen.types_share(share);
    }
    screen.answers(&[("Ana, the passphrase of your share", "correct horse")]);
    let seen = screen.ends();
    assert!(seen.contains("out/root.pem"), "{seen}");
    assert!(!screen.all().contains(&ben[..3].join(" ")), "a share is still to be seen");
}

/// The whole of what was carried is told before the first picture; each is on one screen.
#[test]
fn pictures_fit_the_terminal_and_larger_ones_are_refused() {
    if Command::new("tmux").arg("-V").output().is_err() {
        return absent("tmux: apt-get install tmux");
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../ca-core/tests/data/inspect/request.pem");
    let screen = Screen::shows(&format!("transfer show {file}"));
    let lines = screen.asks("Enter shows the first").join("\n");
    assert!(lines.contains("request for ") && lines.contains("SHA-256"), "{lines}");
    let (before, _) = lines.rsplit_once(" pictures; Enter").unwrap();
    let total: usize = before.rsplit('\n').next().unwrap().parse().unwrap();
    assert!(total > 2, "{lines}");
    for number in 1..=total {
        screen.types("");
        let lines = screen.asks(&format!("{number} of {total}; "));
        // The light below the picture is there, and then the question.
        assert!(lines.len() > 17 && lines.iter().any(|line| line.contains('█')), "{lines:#?}");
    }
    screen.types("");
    let seen = screen.ends();
    assert!(seen.contains("SHA-256") && !seen.contains('█'), "{seen}");
    drop(screen);

    let screen = Screen::shows(&format!("transfer show {file} --size 25"));
    let started = Instant::now();
    while !screen.all().contains("ended with") {
        assert!(started.elapsed() < PATIENCE, "{}", screen.all());
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = screen.all();
    assert!(told.contains("found 80 columns and 24 rows, too few"), "{told}");
    assert!(told.contains("ended with 3"), "{told}");
}
