//! The command line.

mod exit;
mod files;
mod terminal;
mod transfer;
mod witness;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ca_core::escape::escaped;
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use rand_core::CryptoRng;

pub use exit::CliError;
use files::{say, write_new};
use terminal::Terminal;
use transfer::TransferCommand;
use witness::WitnessCommand;

use crate::audit::{Audited, Report, audited};
use crate::digest::Digest;
use crate::export::{MANIFEST, export};
use crate::folder::Folder;
use crate::process;
use crate::rehearsal::{Answers, rehearse};
use crate::report;
use crate::share::Cost;
use crate::sitting::{Part, Purpose, Sitting, World};
use crate::surroundings;
use crate::transcript::Program;

/// The largest file of answers that is read, in octets.
const MAX_ANSWERS: usize = 64 * 1024;

/// Espalier's offline ceremonies: roots that several people make together, and a transcript that
/// anyone can check
#[derive(Debug, Parser)]
#[command(name = "espalier-ceremony", version, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  espalier-ceremony rehearse --answers drill/answers.yaml --folder drill/made
  espalier-ceremony keys root-2026
  espalier-ceremony plan root-2026
  espalier-ceremony run root-2026
  espalier-ceremony verify-transcript root-2026 --head \"$HEAD\"
  espalier-ceremony report root-2026 --head \"$HEAD\" --out report.html

Exit codes:
  0  done; what was checked is right
  1  not right, or refused
  2  usage, unreadable input
  3  a file or the terminal can't be used (full disk, read-only, another run)
  4  a fault of this program or machine; nothing was released")]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the keys of a ceremony and hand out the shares that open them
    #[command(after_help = "Example:\n  espalier-ceremony keys root-2026")]
    Keys(FolderOptions),
    /// Show what will be signed, octet for octet, and write it down
    #[command(after_help = "Example:\n  espalier-ceremony plan root-2026")]
    Plan(FolderOptions),
    /// Sign what the plan has, once people confirm it and custodians join their shares
    #[command(after_help = "Example:\n  espalier-ceremony run root-2026")]
    Run(FolderOptions),
    /// Work with the shares of custodians
    #[command(subcommand)]
    #[command(after_help = "Examples:
  espalier-ceremony share test root-2026 --shares 5
  espalier-ceremony share reshare root-2026 --threshold 2 --custodian Ana --custodian Fay --custodian Gil")]
    Share(ShareCommand),
    /// Check a ceremony from its folder: transcript, plan, keys and all that was signed
    #[command(
        after_help = "Example:\n  espalier-ceremony verify-transcript root-2026 --head \"$HEAD\""
    )]
    VerifyTranscript(VerifyOptions),
    /// Tell a ceremony for people, to be printed: who was there, what happened, fingerprints as QR codes
    Report(ReportOptions),
    /// Copy a ceremony to another medium, with a manifest that `sha256sum --check` reads
    Export(ExportOptions),
    /// Carry certificates, requests and lists between machines by QR codes
    #[command(subcommand)]
    #[command(after_help = "Examples:
  espalier-ceremony transfer show root-2026/out/root.pem
  zbarcam --raw | espalier-ceremony transfer read root.pem")]
    Transfer(TransferCommand),
    /// Have witnesses sign the transcript by keys of their own
    #[command(subcommand)]
    #[command(after_help = "Examples:
  espalier-ceremony witness sign --key wanda.key --head \"$HEAD\" --out wanda.json
  espalier-ceremony witness add root-2026 wanda.json wim.sig")]
    Witness(WitnessCommand),
    /// Rehearse a whole ceremony unattended, with throw-away keys; all that it makes is marked
    Rehearse(RehearseOptions),
}

#[derive(Debug, Subcommand)]
enum ShareCommand {
    /// Test that shares open the keys; nothing is opened or shown
    Test(TestOptions),
    /// Give the keys other custodians: old shares open the new files no more
    Reshare(ReshareOptions),
}

#[derive(Debug, clap::Args)]
struct FolderOptions {
    /// The folder of the ceremony, with ceremony.yaml in it
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

#[derive(Debug, clap::Args)]
struct VerifyOptions {
    #[command(flatten)]
    at: FolderOptions,

    /// The head of the transcript from paper: 64 hexadecimal digits, or its first 12 words or more
    #[arg(long, value_name = "DIGEST", required_unless_present = "without_paper")]
    head: Option<String>,

    /// Check the folder by itself: whoever can write it can make another one that is right in itself
    #[arg(long, conflicts_with = "head")]
    without_paper: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier-ceremony report root-2026 --head \"$HEAD\" --out report.html
  espalier-ceremony report root-2026 --head \"$HEAD\" > report.md")]
struct ReportOptions {
    #[command(flatten)]
    verified: VerifyOptions,

    /// Where to write it, where nothing may be yet: a page of HTML where the name ends with .html, else
    /// Markdown [default: Markdown on standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier-ceremony export root-2026 /media/usb/root-2026
  cd /media/usb/root-2026 && sha256sum --check --quiet SHA256SUMS")]
struct ExportOptions {
    #[command(flatten)]
    at: FolderOptions,

    /// Where the copy shall be: a new folder, in one that is there
    #[arg(value_name = "PLACE")]
    to: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  espalier-ceremony share test root-2026 --shares 5")]
struct TestOptions {
    #[command(flatten)]
    at: FolderOptions,

    /// How many shares are typed in; every group that should open the keys is tried
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=16))]
    shares: u8,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  espalier-ceremony share reshare root-2026 --threshold 2 --custodian Ana --custodian Fay --custodian Gil")]
struct ReshareOptions {
    #[command(flatten)]
    at: FolderOptions,

    /// How many of the new shares open the keys
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u8).range(2..=16))]
    threshold: u8,

    /// Who gets a share; once for each custodian
    #[arg(long = "custodian", value_name = "NAME", required = true)]
    custodians: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  espalier-ceremony rehearse --answers drill/answers.yaml --folder drill/made"
)]
struct RehearseOptions {
    /// What people would say; the definition that it names stands beside it
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,

    /// Where the rehearsal takes place; nothing may be there yet
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
}

/// Runs the command; `clock` and `rng` are chosen by whoever puts the program together.
pub fn run(options: Options, clock: fn() -> Timestamp, rng: &mut dyn CryptoRng) -> ExitCode {
    let refused = process::harden();
    let mut errors = io::stderr();
    match options.command.run(clock, rng, refused) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads errors, the exit code tells.
            let _ = writeln!(errors, "error: {}", escaped(&error.to_string()));
            error.exit()
        }
    }
}

impl Command {
    /// `refused` is what the system did not let the process harden.
    fn run(
        self,
        clock: fn() -> Timestamp,
        rng: &mut dyn CryptoRng,
        refused: Vec<String>,
    ) -> Result<(), CliError> {
        // They open no key of a ceremony: what was not hardened is told by those that do.
        match self {
            Self::VerifyTranscript(options) => return options.run(),
            Self::Report(options) => return options.run(),
            Self::Export(options) => return options.run(),
            Self::Transfer(command) => return command.run(),
            Self::Witness(command) => return command.run(),
            _ => {}
        }
        let refused = refused.into_iter().map(|step| format!("hardening: {step}"));
        let (mut findings, program) = (refused.collect::<Vec<_>>(), program());
        if program.digest.is_none() {
            findings.push("program: its own file can't be read, so nobody can compare it".into());
        }
        let look = || surroundings::look(Path::new("/"));
        let world = World { clock, rng, program, cost: Cost::REAL, findings, look };
        match self {
            Self::Keys(at) => sit(at, Part::Keys, world),
            Self::Plan(at) => sit(at, Part::Plan, world),
            Self::Run(at) => sit(at, Part::Run, world),
            Self::Share(ShareCommand::Test(options)) => {
                sit(options.at, Part::TestShares(options.shares.into()), world)
            }
            Self::Share(ShareCommand::Reshare(options)) => {
                let ReshareOptions { at, threshold, custodians } = options;
                sit(at, Part::Reshare { threshold, custodians }, world)
            }
            Self::VerifyTranscript(_)
            | Self::Report(_)
            | Self::Export(_)
            | Self::Transfer(_)
            | Self::Witness(_) => Ok(()),
            Self::Rehearse(options) => options.run(world),
        }
    }
}

fn sit(at: FolderOptions, part: Part, mut world: World<'_>) -> Result<(), CliError> {
    let mut table = Terminal::open()?;
    let purpose = Purpose { part, rehearsal: false };
    Sitting::hold(Folder::new(at.folder), purpose, &mut table, world.lent())?;
    Ok(())
}

impl VerifyOptions {
    fn run(self) -> Result<(), CliError> {
        print(&self.verified()?.report, self.head.is_some())
    }

    /// What an audit finds, once the head is the one on paper, where there is paper.
    fn verified(&self) -> Result<Audited, CliError> {
        let found = audited(&Folder::new(&self.at.folder))?;
        match &self.head {
            Some(paper) if !found.report.head.is_on_paper(paper) => {
                Err(CliError::other_head(found.report.head))
            }
            _ => Ok(found),
        }
    }
}

impl ExportOptions {
    fn run(self) -> Result<(), CliError> {
        let exported = export(&Folder::new(self.at.folder), &self.to)?;
        say(&format!(
            "{} files, {} octets in {}\nSHA-256 of {MANIFEST}\n  {}\n",
            exported.files,
            exported.octets,
            self.to.display(),
            exported.manifest.told()
        ))
    }
}

impl ReportOptions {
    fn run(self) -> Result<(), CliError> {
        let text = report::markdown(&self.verified.verified()?, self.verified.head.is_some());
        match self.out {
            Some(path) => {
                let is_page = path.extension().is_some_and(|ending| ending == "html");
                let text = if is_page { report::html(&text) } else { text };
                write_new(&path, |file| file.write_all(text.as_bytes()))
            }
            None => say(&text),
        }
    }
}

impl RehearseOptions {
    fn run(self, mut world: World<'_>) -> Result<(), CliError> {
        let beside = self.answers.parent().unwrap_or(Path::new("."));
        let name = self.answers.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = Folder::new(beside);
        let text = String::from_utf8_lossy(&beside.read(&name, MAX_ANSWERS)?).into_owned();
        let answers = Answers::from_yaml(&text)?;
        let mut screen = io::stderr();
        let report = rehearse(answers, &beside, &self.folder, &mut screen, &mut world)?;
        print(&report, true)
    }
}

/// This program, by its version and the digest of its file.
fn program() -> Program {
    // Not the path: another file may be there by now.
    let file = std::fs::read("/proc/self/exe").ok();
    let digest = file.map(|octets| Digest::of(&octets));
    Program { version: env!("CARGO_PKG_VERSION").to_owned(), digest }
}

/// Prints what an audit found.
fn print(report: &Report, on_paper: bool) -> Result<(), CliError> {
    let kind = if report.rehearsal { "rehearsal" } else { "ceremony" };
    let mut text = format!("{kind}    {}\n", report.ceremony);
    for (number, key) in (1..).zip(&report.sittings) {
        text += &format!("sitting {number}    {key}\n             {}\n", key.spoken());
    }
    if let Some(plan) = report.plan {
        text += &format!("plan         {plan}\n             {}\n", plan.spoken());
    }
    let head = report.head;
    text += &format!("lines        {}\nhead         {head}\n", report.lines);
    text += &format!("             {}\n", head.spoken());
    if !on_paper {
        text +=
            "             not compared with paper: it may be another ceremony, or lack its end\n";
    }
    if !report.closed {
        text += "             the last sitting did not come to its end\n";
    }
    if !report.begun.is_empty() {
        text += &format!("begun        {}\n", report.begun.join(", "));
    }
    text += &format!("done         {}\n", report.done.join(", "));
    let left = if report.left.is_empty() { "nothing".into() } else { report.left.join(", ") };
    text += &format!("left         {left}\n");
    text += &signatures(report);
    say(&text)
}

/// Who signed the head by a key of their own, and who did not yet.
fn signatures(report: &Report) -> String {
    let mut text = String::new();
    for witness in report.signed() {
        text += &format!("signed by    {}\n             {}\n", witness.name, witness.key);
    }
    for witness in report.unsigned() {
        let until = match witness.line {
            Some(line) => format!("the lines after {line}"),
            None => "any of it".into(),
        };
        text +=
            &format!("not signed   by {}: {until}\n             {}\n", witness.name, witness.key);
    }
    text
}
