//! Commands that show files as pictures and read them again.

use std::fs;
use std::io::{self, BufRead, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use ca_core::escape::{escaped, escaped_lines};
use ca_core::pem::MAX_CRL_FILE_SIZE;
use clap::Subcommand;

use super::exit::CliError;
use super::files::{read, say, write_new};
use super::terminal::Terminal;
use crate::transfer::Item;
use crate::transfer::parts::{Joining, LONGEST, PartError, split};
use crate::transfer::picture::{Picture, capacity, largest_on};

/// The size of PNG files unless another is asked for: 117 modules a side, which any camera tells apart.
const ON_PAPER: u8 = 25;
/// Lines of a terminal below a picture.
const BELOW: usize = 2;

#[derive(Debug, Subcommand)]
pub(super) enum TransferCommand {
    /// Show a certificate, a request or a revocation list as QR codes
    #[command(after_help = "Examples:
  espalier-ceremony transfer show root-2026/out/root.pem
  espalier-ceremony transfer show root-2026/out/root.pem --every 300
  espalier-ceremony transfer show root-2026/out/root.pem --png pictures")]
    Show(ShowOptions),
    /// Read what was shown: a line for each QR code, from a scanner or a program that reads a camera
    #[command(after_help = "Examples:
  zbarcam --raw | espalier-ceremony transfer read root.pem
  zbarimg --quiet --raw pictures/*.png | espalier-ceremony transfer read root.pem")]
    Read(ReadOptions),
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowOptions {
    /// A file with one object, in PEM or DER
    file: PathBuf,

    /// Write PNG files into this new folder instead of showing them on the terminal
    #[arg(long, value_name = "FOLDER", conflicts_with = "every")]
    png: Option<PathBuf>,

    /// How large each QR code is: its version, 1 to 40 [default: the largest that the terminal shows; 25 in files]
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u8).range(1..=40))]
    size: Option<u8>,

    /// Show the next one after so many milliseconds and begin again after the last, until Ctrl-C;
    /// otherwise Enter shows the next
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(50..=60_000))]
    every: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ReadOptions {
    /// Where to write what was read, in PEM; nothing may be there yet
    file: PathBuf,
}

impl TransferCommand {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Show(options) => options.run(),
            Self::Read(options) => options.run(&mut io::stdin().lock()),
        }
    }
}

impl ShowOptions {
    fn run(self) -> Result<(), CliError> {
        let item = Item::from_file(&read(&self.file, MAX_CRL_FILE_SIZE)?)?;
        match self.png {
            Some(folder) => {
                let pictures = pictures(&item, self.size.unwrap_or(ON_PAPER))?;
                fs::create_dir(&folder).map_err(|error| CliError::file(&folder, &error))?;
                for (number, picture) in (1..).zip(&pictures) {
                    // As many digits as the highest number may have, for programs that sort by name.
                    let path = folder.join(format!("{number:04}.png"));
                    write_new(&path, |file| {
                        picture.png(io::BufWriter::new(file)).map_err(io::Error::other)
                    })?;
                }
                say(&format!(
                    "{} pictures in {}\n{}",
                    pictures.len(),
                    folder.display(),
                    told(&item)
                ))
            }
            None => show(&item, self.size, self.every.map(Duration::from_millis)),
        }
    }
}

/// The QR codes of an object, in this version.
fn pictures(item: &Item, size: u8) -> Result<Vec<Picture>, CliError> {
    let texts = split(item.der(), capacity(size)?)?;
    texts.iter().map(|text| Ok(Picture::of(text, size)?)).collect()
}

/// Shows one after the other on the terminal.
fn show(item: &Item, size: Option<u8>, every: Option<Duration>) -> Result<(), CliError> {
    let mut terminal = Terminal::open()?;
    let (columns, rows) = terminal.size()?;
    let fitting = largest_on(columns, rows.saturating_sub(BELOW));
    // One that tells no size is trusted with any.
    let fits = |size: &u8| fitting.is_some_and(|largest| *size <= largest) || columns == 0;
    let size = size.or(fitting).filter(fits).ok_or_else(|| CliError::small(columns, rows))?;
    let pictures = pictures(item, size)?;
    let total = pictures.len();
    let begins = format!("{total} pictures; Enter shows the first: ");
    terminal.page(&escaped_lines(&told(item)), &begins)?;
    terminal.enter()?;
    loop {
        for (number, picture) in (1..).zip(&pictures) {
            let words = match every {
                Some(_) => "Ctrl-C ends".to_owned(),
                None if number < total => "Enter shows the next".into(),
                None => "this is the last; Enter ends".into(),
            };
            terminal.page(&picture.lines(), &format!("{number} of {total}; {words}: "))?;
            match every {
                Some(pause) => std::thread::sleep(pause),
                None => terminal.enter()?,
            }
        }
        if every.is_none() {
            terminal.page("", "")?;
            return say(&told(item));
        }
    }
}

impl ReadOptions {
    fn run(self, input: &mut impl BufRead) -> Result<(), CliError> {
        // Nobody holds up pictures for what can't be written.
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if self.file.exists() {
            return Err(CliError::file(&self.file, &io::ErrorKind::AlreadyExists.into()));
        }
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(CliError::file(folder, &io::ErrorKind::NotFound.into()));
        }
        let item = joined(input)?;
        write_new(&self.file, |file| file.write_all(item.pem().as_bytes()))?;
        say(&told(&item))
    }
}

/// Takes pictures until none is missing. One that is none of ours is told and passed over: a camera sees
/// whatever is in front of it. One of another file ends it, as nobody knows which of the two was meant.
fn joined(input: &mut impl BufRead) -> Result<Item, CliError> {
    let (mut joining, mut errors) = (Joining::default(), io::stderr());
    let mut told = |words: &str| {
        // Where nobody reads errors, the exit code tells.
        let _ = writeln!(errors, "{}", escaped(words));
    };
    loop {
        let Some(line) = line(input)? else {
            return Err(CliError::missing(joining.total(), &joining.missing()));
        };
        match joining.take(&line) {
            Ok(false) => continue,
            Ok(true) => {
                let (total, left) = (joining.total(), joining.missing().len());
                told(&format!("{} of {total} pictures", total - left));
            }
            Err(error @ PartError::OtherFile { .. }) => return Err(error.into()),
            Err(_) if line.trim().is_empty() => continue,
            Err(error) => told(&format!("passed over: {error}")),
        }
        if let Some(octets) = joining.whole() {
            return Ok(Item::from_der(&octets)?);
        }
    }
}

/// One line; none at the end. Of a longer one than any picture holds, the rest is passed over.
fn line(input: &mut impl BufRead) -> Result<Option<String>, CliError> {
    let mut octets = Vec::new();
    let failed = |error: io::Error| CliError::environment(&error);
    let limit = LONGEST + 2;
    // A picture is shorter than memory counts.
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    if input.by_ref().take(most).read_until(b'\n', &mut octets).map_err(failed)? == 0 {
        return Ok(None);
    }
    if octets.len() == limit && !octets.ends_with(b"\n") {
        input.skip_until(b'\n').map_err(failed)?;
    }
    Ok(Some(String::from_utf8_lossy(&octets).into_owned()))
}

/// What both sides compare.
fn told(item: &Item) -> String {
    format!("{}\nSHA-256\n  {}\n", item.title(), item.digest().told())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    const REQUEST: &str = include_str!("../../../ca-core/tests/data/inspect/request.pem");

    fn texts() -> Vec<String> {
        let item = Item::from_file(REQUEST.as_bytes()).unwrap();
        split(item.der(), capacity(4).unwrap()).unwrap()
    }

    fn read_from(lines: &[String]) -> Result<Item, String> {
        joined(&mut lines.join("\n").as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_become_the_object_whatever_stands_between() {
        let mut lines = texts();
        lines.reverse();
        lines.insert(1, lines[0].clone());
        lines.insert(2, "https://example.com/a-poster".into());
        lines.insert(3, "A".repeat(3 * LONGEST));
        lines.insert(4, String::new());
        assert_eq!(read_from(&lines), Ok(Item::from_file(REQUEST.as_bytes()).unwrap()));
    }

    #[test]
    fn pictures_that_are_missing_are_named_and_a_changed_one_is_refused() {
        let mut lines = texts();
        let third = lines.remove(2);
        let error = read_from(&lines).unwrap_err();
        assert!(error.contains(&format!("missing are 3 of {}", lines.len() + 1)), "{error}");
        assert!(read_from(&[]).unwrap_err().contains("found none"));
        // Still Base32, and another octet.
        let at = third.len() - 9;
        let other = if &third[at..=at] == "A" { "B" } else { "A" };
        lines.insert(2, format!("{}{other}{}", &third[..at], &third[at + 1..]));
        let changed = read_from(&lines);
        assert_ne!(changed, Ok(Item::from_file(REQUEST.as_bytes()).unwrap()));
    }
}
