//! What `main` hands to every command: clock, randomness, terminal, standard streams.

use std::io::{self, IsTerminal as _, Write as _};

use ca_core::escape::{escaped_json, escaped_lines};
use client::Client;
use jiff::Timestamp;
use rand_core::CryptoRng;
use serde::Serialize;
use zeroize::Zeroizing;

use super::contexts::file::Endpoint;
use super::error::CliError;
use crate::input::{self, Source};
use crate::issuance::{Clock, World};
use crate::output;

/// Which standard streams are a terminal, and whether colour is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    stdout: bool,
    stderr: bool,
    colour: bool,
}

impl Terminal {
    /// Looks at the process. Colour is for a terminal only, and not where `NO_COLOR` is set and
    /// not empty (no-color.org) or `TERM` is `dumb`.
    pub fn detect() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let stderr = io::stderr().is_terminal();
        Self {
            stdout: io::stdout().is_terminal(),
            stderr,
            colour: stderr && !dumb && !set("NO_COLOR"),
        }
    }

    /// No terminal at all.
    pub fn plain() -> Self {
        Self { stdout: false, stderr: false, colour: false }
    }

    /// Whether standard output is a terminal.
    pub fn stdout(self) -> bool {
        self.stdout
    }

    /// Whether standard error is a terminal.
    pub fn stderr(self) -> bool {
        self.stderr
    }

    /// Whether standard error gets colour.
    pub fn colour(self) -> bool {
        self.colour
    }

    /// Whether a person can be asked.
    pub fn can_prompt(self) -> bool {
        self.stderr || io::stdin().is_terminal()
    }
}

/// A cryptographic random generator.
pub type Rng = Box<dyn CryptoRng + Send>;

/// What a command may use of the world.
pub struct Context {
    clock: Clock,
    make_rng: fn() -> Rng,
    rng: Rng,
    terminal: Terminal,
    stdin_is_read: bool,
    endpoint: Option<Endpoint>,
}

impl Context {
    /// Joins the parts.
    pub fn new(clock: Clock, make_rng: fn() -> Rng, terminal: Terminal) -> Self {
        Self { clock, make_rng, rng: make_rng(), terminal, stdin_is_read: false, endpoint: None }
    }

    /// From now on this server is asked; none where commands work in a data folder.
    pub(super) fn ask(&mut self, endpoint: Option<Endpoint>) {
        self.endpoint = endpoint;
    }

    /// A client of the server that is asked, if one is.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for a URL that is not allowed, and files that can't be used.
    pub fn client(&self) -> Result<Option<Client>, CliError> {
        Ok(self.endpoint.as_ref().map(Endpoint::client).transpose()?)
    }

    /// What tells the time.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// A random generator for somebody who outlives this command's borrow.
    pub fn another_rng(&self) -> Rng {
        (self.make_rng)()
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The cryptographic random generator.
    pub fn rng(&mut self) -> &mut (dyn CryptoRng + Send) {
        &mut *self.rng
    }

    /// Where the standard streams go.
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// Reads a whole file or standard input, at most 1 MiB. The octets wipe themselves.
    ///
    /// # Errors
    /// `CliError` with exit code 2 when it can't be read, is longer, or standard input was read
    /// before.
    pub fn read(&mut self, source: &Source) -> Result<Zeroizing<Vec<u8>>, CliError> {
        self.take(source)?;
        input::read(source)
    }

    /// The same for what may be a revocation list, which may be larger.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_large(&mut self, source: &Source) -> Result<Zeroizing<Vec<u8>>, CliError> {
        self.take(source)?;
        input::read_large(source)
    }

    fn take(&mut self, source: &Source) -> Result<(), CliError> {
        if matches!(source, Source::Stdin) && std::mem::replace(&mut self.stdin_is_read, true) {
            return Err(CliError::usage("`-` is named twice, but standard input ends once")
                .with_hint("give one of the inputs as a file"));
        }
        Ok(())
    }

    /// Writes text for people to standard output; what a terminal would obey or hide is escaped,
    /// since much of it comes from other people's files. A reader that went away, as `head` does,
    /// is no failure.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when it can't be written.
    pub fn print(&self, text: &str) -> Result<(), CliError> {
        self.print_as_it_is(&escaped_lines(text))
    }

    /// Writes text of our own, such as a shell's script, to standard output.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn print_as_it_is(&self, text: &str) -> Result<(), CliError> {
        match output::write_stdout(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(|error| output::failed("standard output", &error)),
        }
    }

    /// Writes a value to standard output as JSON with a line end; JSON's own escapes stand for what
    /// a terminal would obey or hide.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn print_json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| CliError::fault(format!("JSON: {error}")))?;
        self.print_as_it_is(&(escaped_json(&text) + "\n"))
    }

    /// Tells the person something on standard error, beside the result on standard output; escaped
    /// as by [`Self::print`].
    pub fn note(&self, text: &str) {
        tell(&escaped_lines(text));
    }

    /// Asks a person whether to go on; with `yes` it was answered on the command line.
    ///
    /// # Errors
    /// `CliError` with exit code 2 when the answer is another than `yes`, or nobody can be asked.
    pub fn confirm(&self, question: &str, yes: bool) -> Result<(), CliError> {
        if yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(CliError::usage(format!("{question} Nobody can be asked"))
                .with_hint("give --yes if that is what you want"));
        }
        self.note(&format!("{question} Type yes to go on:"));
        let mut answer = String::new();
        // A terminal gives one line.
        let read = io::stdin().read_line(&mut answer);
        read.map_err(|error| CliError::of(super::Exit::Usage, "standard input", &error))?;
        match answer.trim() {
            "yes" => Ok(()),
            _ => Err(CliError::usage("not confirmed; nothing was changed")),
        }
    }

    /// Shows an error and its hint on standard error.
    pub fn report(&self, error: &CliError) {
        tell(&labelled("error", 31, error.message(), self.terminal));
        if let Some(hint) = error.hint() {
            tell(&labelled("hint", 36, hint, self.terminal));
        }
    }
}

impl World for Context {
    fn clock(&self) -> Clock {
        self.clock
    }

    fn rng(&mut self) -> &mut (dyn CryptoRng + Send) {
        &mut *self.rng
    }
}

/// Standard error is the last resort; when it is closed there is nobody to tell.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Text of a stranger's file may stand in a message, so it is escaped.
fn labelled(label: &str, colour: u8, text: &str, terminal: Terminal) -> String {
    let safe = escaped_lines(text);
    if terminal.colour() {
        format!("\u{1b}[1;{colour}m{label}:\u{1b}[0m {safe}")
    } else {
        format!("{label}: {safe}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_drive_the_terminal() {
        let shown = labelled("error", 31, "CN=\u{1b}[2J\u{9b}x\u{202e}\ny", Terminal::plain());
        assert_eq!(shown, "error: CN=\\1B[2J\\C2\\9Bx\\E2\\80\\AE\ny");
    }

    #[test]
    fn colour_is_for_a_terminal() {
        let terminal = Terminal { stdout: true, stderr: true, colour: true };
        assert_eq!(labelled("hint", 36, "x", terminal), "\u{1b}[1;36mhint:\u{1b}[0m x");
        assert_eq!(labelled("hint", 36, "x", Terminal::plain()), "hint: x");
    }
}
