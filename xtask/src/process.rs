//! Running other programs.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::Failure;

/// Runs a program whose output goes to the person who started the task.
///
/// # Errors
/// When it can't be started or does not succeed.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|source| start(command, source))?;
    check(command, status, String::new)
}

/// Runs a program whose output goes to the end of `log`; a failure quotes the telling ones.
///
/// # Errors
/// When the log can't be written, or the program can't be started or does not succeed.
pub fn logged(command: &mut Command, log: &Path) -> Result<(), Failure> {
    let open = || {
        File::options().create(true).append(true).open(log).map_err(Failure::file(log, "written"))
    };
    command.stdin(Stdio::null()).stdout(open()?).stderr(open()?);
    let status = command.status().map_err(|source| start(command, source))?;
    check(command, status, || format!("; {} says: {}", log.display(), telling_lines(log)))
}

/// [`logged`], with each line of standard error handed to `line` as it comes.
///
/// # Errors
/// As [`logged`]; `line` has seen everything by then.
pub fn followed(
    command: &mut Command,
    log: &Path,
    mut line: impl FnMut(&str),
) -> Result<(), Failure> {
    let open = || {
        File::options().create(true).append(true).open(log).map_err(Failure::file(log, "written"))
    };
    let mut kept = open()?;
    command.stdin(Stdio::null()).stdout(open()?).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| start(command, source))?;
    let errors = child.stderr.take().into_iter().flat_map(|pipe| BufReader::new(pipe).split(b'\n'));
    for text in errors.map_while(Result::ok) {
        // A log that can't be written any more is no reason to stop what it is about.
        let _ = kept.write_all(&text).and_then(|()| kept.write_all(b"\n"));
        line(&String::from_utf8_lossy(&text));
    }
    let status = child.wait().map_err(|source| start(command, source))?;
    check(command, status, || format!("; {} says: {}", log.display(), telling_lines(log)))
}

/// Runs a program and returns what it wrote to standard output; a failure quotes its standard error.
///
/// # Errors
/// When it can't be started or does not succeed.
pub fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|source| start(command, source))?;
    check(command, output.status, || {
        format!("; it said: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program, prints its standard output as it comes, and hands each line to `line`.
///
/// # Errors
/// When it can't be started or does not succeed; `line` has seen everything by then.
pub fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<(), Failure> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|source| start(command, source))?;
    child.stdout.take().into_iter().for_each(|pipe| each_line(pipe, &mut line));
    let status = child.wait().map_err(|source| start(command, source))?;
    check(command, status, String::new)
}

/// [`watch`] for standard error, where some programs tell how far they are.
///
/// # Errors
/// As [`watch`].
pub fn watch_errors(command: &mut Command, mut line: impl FnMut(&str)) -> Result<(), Failure> {
    let mut child =
        command.stderr(Stdio::piped()).spawn().map_err(|source| start(command, source))?;
    child.stderr.take().into_iter().for_each(|pipe| each_line(pipe, &mut line));
    let status = child.wait().map_err(|source| start(command, source))?;
    check(command, status, String::new)
}

fn each_line(pipe: impl Read, line: &mut impl FnMut(&str)) {
    for text in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
}

/// Whether a program is there and answers these arguments with success.
#[must_use]
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let silent = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    silent.is_ok_and(|status| status.success())
}

fn start(command: &Command, source: std::io::Error) -> Failure {
    Failure::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

fn check(
    command: &Command,
    status: ExitStatus,
    hint: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    Err(Failure::Ended { command: line(command), status: status.to_string(), hint: hint() })
}

/// The command line as a person would type it, cut at 120 characters.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let text = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The lines that tell why: the first that speak of an error, or the last where none does.
fn telling_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let speaks =
        |line: &&&str| line.to_ascii_lowercase().contains("error") || line.starts_with("E: ");
    let errors: Vec<&str> = lines.iter().filter(speaks).take(2).copied().collect();
    let telling =
        if errors.is_empty() { &lines[lines.len().saturating_sub(2)..] } else { &errors[..] };
    telling.join(" | ").chars().take(600).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_quotes_what_the_program_said() {
        let failure =
            capture(&mut shell("echo no such mirror >&2; exit 3")).unwrap_err().to_string();
        assert!(failure.contains("no such mirror") && failure.contains('3'), "{failure}");
        assert_eq!(capture(&mut shell("echo fine")).unwrap(), "fine\n");
    }

    #[test]
    fn a_logged_failure_quotes_what_tells_why() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let failure =
            logged(&mut shell("echo one; echo two >&2; exit 1"), &log).unwrap_err().to_string();
        assert!(failure.contains("one | two"), "{failure}");
    }

    #[test]
    fn a_followed_program_is_seen_and_logged_and_its_failure_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut seen = Vec::new();
        let mut compiler = shell("echo out; echo one >&2; echo error: two >&2; exit 1");
        let failure = followed(&mut compiler, &log, |line| seen.push(line.to_owned()));
        assert!(failure.unwrap_err().to_string().contains("error: two"));
        assert_eq!(seen, ["one", "error: two"]);
        assert!(std::fs::read_to_string(&log).unwrap().contains("out\n"));
        followed(&mut shell("echo fine >&2"), &log, |_| {}).unwrap();
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(failure.with_causes().contains("no-such-program-here"), "{failure}");
        assert!(!answers("no-such-program-here", &[]));
        assert!(answers("sh", &["-c", "true"]) && !answers("sh", &["-c", "false"]));
    }

    #[test]
    fn watching_sees_every_line_of_a_failed_program() {
        let mut seen = Vec::new();
        let ended = watch(&mut shell("echo a; echo b; exit 1"), |line| seen.push(line.to_owned()));
        assert!(ended.is_err());
        assert_eq!(seen, ["a", "b"]);
    }
}
