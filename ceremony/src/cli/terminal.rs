//! The people in front of the machine's terminal.
//!
//! What is typed is read octet by octet into memory that is wiped: a buffered reader would keep words
//! of shares in a buffer of its own. Secrets are taken from the screen, and from what can be scrolled
//! back to, as soon as they were written down or typed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use ca_core::escape::{escaped, escaped_lines};
use jiff::Timestamp;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};
use zeroize::Zeroizing;

use crate::digest::CONFIRMING_WORDS;
use crate::table::{Confirmed, People, Table, TableError};
use crate::transfer::picture::Picture;
use crate::words;

/// Columns of a terminal that does not tell its size.
const COLUMNS: usize = 80;
/// Rows of a screen that are left to the question below a text.
const BELOW: usize = 4;
/// The longest line that is read, in octets; what is longer is asked for again.
const MAX_LINE: usize = 2048;
/// Clears the screen, what can be scrolled back to, and goes to the top.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// The terminal of the process.
pub(super) struct Terminal {
    tty: File,
    /// Rows that were written since somebody typed something.
    shown: usize,
}

impl Terminal {
    /// Opens it, whatever standard input and output are.
    ///
    /// # Errors
    /// `TableError::Terminal` when the process has none.
    pub(super) fn open() -> Result<Self, TableError> {
        let opened = File::options().read(true).write(true).open("/dev/tty");
        let tty = opened.map_err(TableError::Terminal)?;
        Ok(Self { tty, shown: 0 })
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// `TableError::Terminal` when the terminal does not tell.
    pub(super) fn size(&self) -> Result<(usize, usize), TableError> {
        let size = tcgetwinsize(&self.tty).map_err(|error| TableError::Terminal(error.into()))?;
        Ok((size.ws_col.into(), size.ws_row.into()))
    }

    /// Shows a page alone on the screen, with words below it.
    ///
    /// # Errors
    /// `TableError::Terminal`.
    pub(super) fn page(&mut self, page: &str, below: &str) -> Result<(), TableError> {
        self.write(&format!("{CLEAR}{page}{below}"))
    }

    /// Waits for Enter.
    ///
    /// # Errors
    /// `TableError::Terminal`.
    pub(super) fn enter(&mut self) -> Result<(), TableError> {
        self.octets().map(|_| ())
    }

    fn write(&mut self, text: &str) -> Result<(), TableError> {
        if text.starts_with(CLEAR) {
            self.shown = 0;
        }
        self.tty.write_all(text.as_bytes()).map_err(TableError::Terminal)
    }

    /// Writes text in lines that the terminal shows without breaking words.
    fn tell(&mut self, text: &str) -> Result<(), TableError> {
        let (columns, _) = self.size()?;
        let text = fitted(text, columns);
        self.shown += text.matches('\n').count();
        self.write(&text)
    }

    /// Writes text that may be longer than the screen: a console has no way back to what went over its top. So
    /// whoever reads it asks for more, whatever wrote what is there already.
    fn pages(&mut self, text: &str) -> Result<(), TableError> {
        let (columns, rows) = self.size()?;
        let page = rows.checked_sub(BELOW).filter(|page| *page > 0);
        let text = fitted(text, columns);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        // What fits a page stays together, such as a digest.
        let together = page.filter(|page| lines.len() <= *page).map_or(1, |_| lines.len());
        for (number, line) in lines.iter().enumerate() {
            let next = if number == 0 { together } else { 1 };
            if page.is_some_and(|page| self.shown > 0 && self.shown + next > page) {
                self.write("-- Enter shows more --")?;
                self.enter()?;
            }
            self.shown += 1;
            self.write(line)?;
        }
        Ok(())
    }

    /// One line, without its end. What can't be taken as it was typed is asked for again: a passphrase
    /// of letters that the console writes otherwise must not become none.
    fn line(&mut self) -> Result<Zeroizing<String>, TableError> {
        loop {
            let octets = self.octets()?;
            match taken(&octets) {
                Ok(line) => return Ok(line),
                Err(error) => self.tell(&format!("\n{error}\nOnce more: "))?,
            }
        }
    }

    /// The octets of one line.
    fn octets(&mut self) -> Result<Zeroizing<Vec<u8>>, TableError> {
        let mut octets = Zeroizing::new(Vec::with_capacity(MAX_LINE + 1));
        let mut octet = Zeroizing::new([0]);
        loop {
            if self.tty.read(&mut octet[..]).map_err(TableError::Terminal)? == 0 {
                let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(TableError::Terminal(ended));
            }
            match octet[0] {
                b'\n' => {
                    self.shown = 0;
                    return Ok(octets);
                }
                b'\r' => {}
                // Never past the room that was made at once: growing would leave a copy behind.
                typed if octets.len() <= MAX_LINE => octets.push(typed),
                _ => {}
            }
        }
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<String>, TableError> {
        self.tell(&format!("{}: ", escaped(question)))?;
        self.line()
    }

    /// Asks for words of a digest, which have a line of their own.
    fn ask_words(&mut self, question: &str) -> Result<String, TableError> {
        self.tell(&format!("{}:\n", escaped(question)))?;
        Ok(self.line()?.to_string())
    }

    /// Asks until there is an answer.
    fn ask_name(&mut self, question: &str) -> Result<String, TableError> {
        loop {
            let answer = self.ask(question)?;
            if !answer.is_empty() {
                return Ok(escaped(&answer));
            }
        }
    }

    /// Shows a share until whoever writes it down has done so.
    fn share(&mut self, index: u8, custodian: &str, text: &str) -> Result<(), TableError> {
        let mut note = String::new();
        loop {
            self.words(index, custodian, text)?;
            self.write(&format!("\n{note}"))?;
            let answer = self.ask(&format!(
                "When all is written down, press Enter; `{AS_PICTURE}` for a QR code; not shown again"
            ))?;
            if answer.is_empty() {
                return Ok(());
            }
            let as_picture = answer.eq_ignore_ascii_case(AS_PICTURE);
            note = if as_picture { self.picture(text)? } else { String::new() };
        }
    }

    /// Shows the words of a share, alone on the screen, with their numbers.
    fn words(&mut self, index: u8, custodian: &str, text: &str) -> Result<(), TableError> {
        let name = escaped(custodian);
        self.write(&format!("{CLEAR}Share {index}, for {name} alone. Write down every word:\n\n"))?;
        let words: Vec<&str> = text.split(' ').collect();
        for (line, five) in words.chunks(5).enumerate() {
            let mut text = Zeroizing::new(String::with_capacity(80));
            for (place, word) in five.iter().enumerate() {
                text.push_str(&format!("{:>4} ", line * 5 + place + 1));
                text.push_str(word);
                // The longest word has eight letters.
                text.push_str(&" ".repeat(9_usize.saturating_sub(word.len())));
            }
            text.push('\n');
            self.write(&text)?;
        }
        Ok(())
    }

    /// Shows the words of a share as a QR code of their numbers, for a device that keeps or prints it; gives
    /// what is to be told of one that does not fit.
    fn picture(&mut self, words: &str) -> Result<String, TableError> {
        let ((columns, rows), numbers) = (self.size()?, words::read(words));
        let picture = numbers.ok().and_then(|it| Picture::of_digits(&words::to_digits(&it)).ok());
        let Some(picture) = picture else { return Ok(String::new()) };
        let (width, height) = picture.room();
        // One that tells no size is trusted with any.
        if columns > 0 && (width > columns || height >= rows) {
            let below = height + 1;
            return Ok(format!(
                "The QR code takes {width} columns and {below} rows; here are {columns} and {rows}.\n"
            ));
        }
        self.page(&picture.lines(), "Enter goes back to the words: ")?;
        self.enter()?;
        Ok(String::new())
    }

    /// The lines of a share, up to an empty one.
    fn typed_share(&mut self) -> Result<Zeroizing<String>, TableError> {
        // Room for the longest share at once, whatever is typed.
        let mut words = Zeroizing::new(String::with_capacity(2 * MAX_LINE));
        loop {
            let line = self.line()?;
            if line.is_empty() || words.len() + line.len() >= 2 * MAX_LINE {
                return Ok(words);
            }
            words.push_str(&line);
            words.push(' ');
        }
    }

    /// Asks without an echo.
    ///
    /// # Errors
    /// `TableError::Terminal`.
    pub(super) fn ask_hidden(&mut self, question: &str) -> Result<Zeroizing<String>, TableError> {
        let failed = |error: rustix::io::Errno| TableError::Terminal(error.into());
        let before = tcgetattr(&self.tty).map_err(failed)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&self.tty, OptionalActions::Flush, &hidden).map_err(failed)?;
        let answer = self.ask(question);
        tcsetattr(&self.tty, OptionalActions::Flush, &before).map_err(failed)?;
        self.write("\n")?;
        answer
    }
}

/// A line with its longest words in pieces: octets with colons between them are parted behind one.
fn divided(line: &str, room: usize) -> String {
    let mut text = String::with_capacity(line.len());
    for word in line.split_inclusive(' ') {
        let mut length = 0;
        for part in word.split_inclusive(':') {
            if word.trim_end().len() > room && length > 0 && length + part.trim_end().len() > room {
                text.push(' ');
                length = 0;
            }
            length += part.len();
            text.push_str(part);
        }
    }
    text
}

/// Text in lines of at most so many columns. What goes on is indented further than its line, and words stay
/// whole: digests are compared by eye. Spaces at the end of a question stay.
fn fitted(text: &str, columns: usize) -> String {
    let columns = if columns == 0 { COLUMNS } else { columns };
    let fit = |line: &str| {
        let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
        // What goes on is no line of its own.
        let further = format!("{indent}    ");
        let line = &divided(line, columns.saturating_sub(further.len()));
        let written = line.trim_end_matches(' ');
        let options = textwrap::Options::new(columns.saturating_sub(line.len() - written.len()))
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .initial_indent(&indent)
            .subsequent_indent(&further);
        let lines = textwrap::wrap(written.trim_start_matches(' '), options);
        format!("{}{}", lines.join("\n"), &line[written.len()..])
    };
    text.split('\n').map(fit).collect::<Vec<_>>().join("\n")
}

/// A line as it was typed, without spaces at its ends.
fn taken(octets: &[u8]) -> Result<Zeroizing<String>, String> {
    if octets.len() > MAX_LINE {
        return Err(format!("Found more than {MAX_LINE} octets; allowed are at most so many."));
    }
    let text = std::str::from_utf8(octets).map_err(|error| {
        let at = error.valid_up_to() + 1;
        format!("Octet {at} is no UTF-8; allowed are letters as a UTF-8 console writes them.")
    })?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// What a custodian types to have no passphrase: nothing at all could be a slip.
const NONE: &str = "none";
/// What a custodian types to see the share as a QR code, too.
const AS_PICTURE: &str = "qr";

impl Table for Terminal {
    fn people(&mut self) -> Result<People, TableError> {
        let operator = self.ask_name("Operator, your name")?;
        let mut witnesses = Vec::new();
        loop {
            let witness = self.ask("Witness, your name (nothing when there is no other)")?;
            if witness.is_empty() {
                return Ok(People { operator, witnesses });
            }
            witnesses.push(escaped(&witness));
        }
    }

    fn show(&mut self, text: &str) -> Result<(), TableError> {
        self.pages(&escaped_lines(text))
    }

    fn reason(&mut self, _: &str) -> Result<Confirmed, TableError> {
        let words = escaped(&self.ask("A reason to go on in spite of it (nothing to stop)")?);
        let by = if words.is_empty() { String::new() } else { self.ask_name("Your name")? };
        Ok(Confirmed { by, words })
    }

    fn clock(&mut self, time: Timestamp) -> Result<Vec<String>, TableError> {
        self.tell(&format!("The clock says {time}. Compare it with another one.\n"))?;
        let first = self.ask("It is right: your name (nothing to stop)")?;
        if first.is_empty() {
            return Ok(Vec::new());
        }
        let second = self.ask("It is right: another person's name (nothing to stop)")?;
        Ok([first, second]
            .iter()
            .map(|name| escaped(name))
            .filter(|name| !name.is_empty())
            .collect())
    }

    fn entropy(&mut self) -> Result<Zeroizing<String>, TableError> {
        let text = self.ask_hidden("Throw dice, or type as you like, to mix into new keys")?;
        self.write(CLEAR)?;
        Ok(text)
    }

    fn choose_passphrase(
        &mut self,
        custodian: &str,
    ) -> Result<Option<Zeroizing<String>>, TableError> {
        loop {
            let question = format!("{custodian}, a passphrase for your share, or `{NONE}`");
            let first = self.ask_hidden(&question)?;
            if *first == NONE {
                self.tell("The share is under no passphrase: whoever reads the paper has it.\n")?;
                return Ok(None);
            }
            if first.len() < crate::share::MIN_PASSPHRASE_LENGTH {
                self.write("It needs 8 letters or more.\n")?;
                continue;
            }
            if *self.ask_hidden("The same once more")? == *first {
                return Ok(Some(first));
            }
            self.write("They are not the same.\n")?;
        }
    }

    fn hand_out(&mut self, index: u8, custodian: &str, text: &str) -> Result<(), TableError> {
        let shown = self.share(index, custodian, text);
        // However it ended: nobody else reads it there.
        let cleared = self.write(CLEAR);
        shown.and(cleared)
    }

    fn ask_share(
        &mut self,
        custodian: Option<&str>,
        purpose: &str,
    ) -> Result<Zeroizing<String>, TableError> {
        let whose = custodian.map_or("Custodian, type in your share".to_owned(), |name| {
            format!("{}, type in your share from paper", escaped(name))
        });
        self.tell(&format!(
            "{whose}, {}\nOn one or more lines; end with an empty line\n",
            escaped(purpose)
        ))?;
        let typed = self.typed_share();
        self.write(CLEAR)?;
        typed
    }

    fn ask_passphrase(&mut self, custodian: &str) -> Result<Zeroizing<String>, TableError> {
        self.ask_hidden(&format!("{custodian}, the passphrase of your share"))
    }

    fn on_paper(&mut self, what: &str) -> Result<String, TableError> {
        let question = format!(
            "{what}, from paper: its first {CONFIRMING_WORDS} words (nothing when there is no paper)"
        );
        self.ask_words(&question)
    }

    fn confirm(&mut self, what: &str, others: &[String]) -> Result<Confirmed, TableError> {
        let who = if others.is_empty() { "Who confirms" } else { "Another person who confirms" };
        let by = self.ask_name(&format!("{who}: {what}, your name"))?;
        // It is not shown here: its words come from where it was read before.
        let question = format!("{by}, its first {CONFIRMING_WORDS} words, as you have them");
        let words = self.ask_words(&question)?;
        Ok(Confirmed { by, words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_words_stay_whole_and_indents_go_on() {
        let text = "  a digest\n  abandon ability able about above absent\nName: ";
        let fit = "  a digest\n  abandon ability\n      able about\n      above absent\nName: ";
        assert_eq!(fitted(text, 20), fit);
        assert_eq!(fitted(text, 80), text);
        assert_eq!(fitted(text, 0), text);
        // Octets are parted between two of them, a name with a hyphen nowhere.
        assert_eq!(fitted("  aa:bb:cc:dd:ee:ff", 14), "  aa:bb:\n      cc:dd:\n      ee:ff");
        assert_eq!(fitted("see root-2026.crl", 12), "see\n    root-2026.crl");
        // A digest is longer than that, and in one piece all the same.
        assert_eq!(fitted("  0123456789abcdef", 8), "  0123456789abcdef");
        // Room is left for what is typed behind a question.
        assert_eq!(fitted("one two: ", 8), "one\n    two: ");
    }
}
