//! `espalier ledger export` and `import`: a ledger as lines of JSON, whatever store keeps it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::os::fd::AsFd as _;

use client::Client;
use ledger::transfer::{self, MAX_LINE_OCTETS};
use serde::Serialize;

use super::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed, wait_for};
use crate::input::Source;
use crate::output::{self, Content, Target};

/// Write every row of the ledger as a line of JSON with a digest
///
/// From one moment of the ledger, while others may use it. The last line's digest stands for all of
/// it: two ledgers with the same one are the same. The export has who asked for what: keep it as you
/// keep the ledger. A server (--server, --context) gives the records of certificates that its auditor
/// may see, a JSON object a line: for reading, not for `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ledger export --out ledger.ndjson
  espalier ledger export | zstd > ledger.ndjson.zst")]
pub(super) struct ExportOptions {
    #[command(flatten)]
    data: DataOptions,

    /// Where to; standard output when it is not given
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: Target,

    /// Replace the file
    #[arg(long)]
    force: bool,

    /// Print JSON about the export
    #[arg(long)]
    json: bool,
}

/// Read an export into an empty ledger, and check its digests
///
/// How a ledger moves from SQLite to PostgreSQL: stop whoever uses the old one, export it, import it
/// into a database where `espalier ledger migrate` made an empty ledger, and run `espalier ledger
/// check` on it. In a data folder without ledger, one is made. The rules of the ledger hold for
/// imported rows too. When it fails the ledger is not whole: start again with an empty one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ledger import ledger.ndjson --ledger postgres://espalier@db.example.org/ledger
  zstd -dc ledger.ndjson.zst | espalier ledger import -")]
pub(super) struct ImportOptions {
    /// The export; `-` is standard input
    #[arg(value_name = "FILE")]
    export: Source,

    #[command(flatten)]
    data: DataOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is told of an export or import.
#[derive(Serialize)]
struct Transferred {
    rows: u64,
    /// Of the chain of rows; a server's export has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

impl Transferred {
    fn print(&self, json: bool, ledger: &str, context: &Context) -> Result<(), CliError> {
        if json {
            return context.print_json(self);
        }
        let mut text = format!("ledger  {ledger}\nrows    {}\n", self.rows);
        if let Some(digest) = &self.digest {
            text += &format!("digest  {digest}\n");
        }
        context.print(&text)
    }
}

pub(super) fn run_export(options: &ExportOptions, context: &mut Context) -> Result<(), CliError> {
    let from = match context.client()? {
        Some(client) => Exported::Server(client),
        None => Exported::Folder(options.data.folder()?),
    };
    if matches!(options.out, Target::Stdout) {
        let stdout = io::stdout().as_fd().try_clone_to_owned();
        let stdout = stdout.map_err(|error| output::failed("standard output", &error))?;
        from.export(&mut BufWriter::new(File::from(stdout)))?;
        from.tell(context);
        return Ok(());
    }
    let mut done = Err(CliError::environment("nothing was exported"));
    let staged = options.out.stage_stream(Content::Secret, options.force, &mut |out| {
        done = from.export(&mut BufWriter::new(out));
        match &done {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::other(error.message().to_owned())),
        }
    });
    // What went wrong in the ledger is said better by itself.
    let transferred = match staged {
        Ok(staged) => staged.publish().and(done),
        Err(error) => done.and(Err(error)),
    }?;
    transferred.print(options.json, &from.to_string(), context)?;
    from.tell(context);
    Ok(())
}

/// What is exported.
enum Exported {
    Folder(DataFolder),
    Server(Client),
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.ledger().fmt(f),
            Self::Server(client) => client.server().fmt(f),
        }
    }
}

impl Exported {
    /// Says of an export what it is not for.
    fn tell(&self, context: &Context) {
        if matches!(self, Self::Server(_)) {
            context.note(
                "note: these are records of certificates, not the rows of the server's ledger; `espalier ledger import` reads an export of --data or --ledger",
            );
        }
    }

    fn export(&self, out: &mut dyn Write) -> Result<Transferred, CliError> {
        let transferred = match self {
            Self::Folder(folder) => rows(folder, out),
            Self::Server(client) => records(client, out),
        }?;
        out.flush().map_err(write_failed)?;
        Ok(transferred)
    }
}

fn write_failed(error: io::Error) -> CliError {
    output::failed("the export", &error)
}

fn rows(folder: &DataFolder, out: &mut dyn Write) -> Result<Transferred, CliError> {
    let (digest, rows) = wait_for(async {
        let ledger = folder.open_ledger().await?;
        let written = transfer::export(&*ledger, ledger_failed, |line| {
            out.write_all(line.as_bytes()).map_err(write_failed)
        })
        .await;
        let closed = ledger.close().await.map_err(ledger_failed);
        written.and_then(|written| closed.map(|()| written))
    })?;
    Ok(Transferred { rows, digest: Some(digest.to_string()) })
}

/// What a server exports: records, not rows, and only when the last one came.
fn records(client: &Client, out: &mut dyn Write) -> Result<Transferred, CliError> {
    wait_for(async {
        let mut export = client.export().await?;
        let mut rows = 0;
        while let Some(line) = export.next_line().await? {
            out.write_all(&line).and_then(|()| out.write_all(b"\n")).map_err(write_failed)?;
            rows += 1;
        }
        Ok(Transferred { rows, digest: None })
    })
}

pub(super) fn run_import(options: &ImportOptions, context: &mut Context) -> Result<(), CliError> {
    let folder = options.data.folder()?;
    let mut lines = Lines::open(&options.export)?;
    let (digest, rows) = wait_for(async {
        // A folder without ledger gets one; a database has one since `espalier ledger migrate`.
        let ledger = match folder.has_ledger()? {
            true => folder.open_ledger().await?,
            false => folder.create_ledger().await?,
        };
        let read = transfer::import(&*ledger, ledger_failed, || lines.next()).await;
        let closed = ledger.close().await.map_err(ledger_failed);
        read.and_then(|read| closed.map(|()| read))
    })
    .map_err(|error| match error.hint() {
        Some(_) => error,
        None => error.with_hint(
            "where rows were added the ledger is not whole: start again with an empty one",
        ),
    })?;
    let transferred = Transferred { rows, digest: Some(digest.to_string()) };
    transferred.print(options.json, &folder.ledger().to_string(), context)
}

/// Lines of bounded length.
struct Lines {
    input: Box<dyn io::BufRead + Send>,
    source: Source,
}

impl Lines {
    fn open(source: &Source) -> Result<Self, CliError> {
        let file = match source {
            Source::Stdin => io::stdin().as_fd().try_clone_to_owned().map(File::from),
            Source::File(path) => File::open(path),
        };
        let file = file.map_err(|error| CliError::of(Exit::Usage, source, &error))?;
        Ok(Self { input: Box::new(BufReader::new(file)), source: source.clone() })
    }

    fn next(&mut self) -> Result<Option<String>, CliError> {
        let mut line = String::new();
        let limit = MAX_LINE_OCTETS as u64;
        let read = self.input.by_ref().take(limit).read_line(&mut line);
        let octets = read.map_err(|error| CliError::of(Exit::Usage, &self.source, &error))?;
        if octets == MAX_LINE_OCTETS {
            let message = format!("{}: a line of more than {limit} octets", self.source);
            return Err(CliError::usage(message).with_hint("is it an export of a ledger?"));
        }
        if octets == 0 {
            return Ok(None);
        }
        if line.ends_with('\n') {
            line.pop();
        }
        Ok(Some(line))
    }
}
