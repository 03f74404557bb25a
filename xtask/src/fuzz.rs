//! `cargo xtask fuzz`: runs the fuzz targets, each for a while, and tells what came of it.
//!
//! The programs are built by cargo-fuzz with nightly Rust from `fuzz/`, which is a workspace of its own. What they
//! start from is written by `fuzz-seeds` of `tests/fuzz`; what they add to it stays below `target/fuzz/corpus`.
//! `--differential` needs neither: it is a program of `tests/interop`, which asks OpenSSL; that is installed first.

mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfy_table::Table;

use crate::failure::Failure;
use crate::{peers, process, workspace};
use report::Report;

/// What is run, and for how long.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask fuzz --seconds 120
  cargo xtask fuzz --seconds 600 --target certificate
  cargo xtask fuzz --differential 100000
  cargo xtask fuzz --target certificate --input target/fuzz/artifacts/certificate/crash-…")]
pub struct Options {
    /// How long each target runs, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Run this target only; may be given more than once
    #[arg(long)]
    target: Vec<String>,
    /// Mutate so many certificates instead, and compare our verdicts with OpenSSL's
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["seconds", "target", "input"])]
    differential: Option<u32>,
    /// What the mutated certificates are made from
    #[arg(long, default_value_t = 1, requires = "differential")]
    seed: u64,
    /// Run the one target on this file and nothing else, to see again what was found
    #[arg(long, requires = "target", conflicts_with = "seconds")]
    input: Option<PathBuf>,
}

/// The longest that one input may take, and the most memory of a run.
const LIMITS: [&str; 3] = ["-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=512"];
/// The longest input that is tried. The bounds of ca-core lie above; what is read is all below.
const MAX_LENGTH: u32 = 16 * 1024;

/// Runs them.
///
/// # Errors
/// When nothing can be built or run, and when a target found something.
pub fn run(options: &Options) -> Result<(), Failure> {
    if let Some(count) = options.differential {
        peers::install_one_now("openssl")?.into_installed()?;
        let words = ["run", "--release", "--package", "interop", "--bin", "differential", "--"];
        let mut differential = workspace::cargo(&words);
        return process::run(differential.args([count.to_string(), options.seed.to_string()]));
    }
    let all = targets()?;
    if let Some(unknown) = options.target.iter().find(|name| !all.contains(name)) {
        let all = all.join(", ");
        return Err(Failure::Found(format!("--target: found {unknown}, allowed: {all}")));
    }
    let chosen: Vec<&String> = all
        .iter()
        .filter(|name| options.target.is_empty() || options.target.contains(name))
        .collect();
    build(&chosen)?;
    if let Some(input) = &options.input {
        return chosen
            .iter()
            .try_for_each(|name| process::run(Command::new(program(name)).arg(input)));
    }
    write_seeds()?;
    let mut reports = Vec::new();
    for name in chosen {
        println!("\n=== {name}, {} seconds", options.seconds);
        reports.push(fuzz(name, options.seconds)?);
    }
    println!("\n{}", table(&reports));
    let found: Vec<String> = reports.iter().flat_map(Report::told).collect();
    if found.is_empty() { Ok(()) } else { Err(Failure::Found(found.join("\n"))) }
}

fn folder() -> PathBuf {
    workspace::target().join("fuzz")
}

/// A program is named as its file in `fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>, Failure> {
    let folder = workspace::root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).map_err(Failure::file(&folder, "read"))?;
    let paths = files.filter_map(Result::ok).map(|entry| entry.path());
    let mut names: Vec<String> =
        paths.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// cargo-fuzz always names the platform, and so builds into its folder.
fn program(name: &str) -> PathBuf {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    folder().join(platform).join("release").join(name)
}

/// Builds the programs; with one target only that one.
fn build(chosen: &[&String]) -> Result<(), Failure> {
    if !process::answers("cargo", &["fuzz", "--version"]) {
        println!("installing cargo-fuzz");
        process::run(Command::new("cargo").args(["install", "cargo-fuzz", "--locked"]))?;
    }
    let mut build = Command::new("cargo");
    // The toolchain that runs xtask is not the one that builds the programs.
    build.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").current_dir(workspace::root());
    build.args(["+nightly", "fuzz", "build", "--fuzz-dir", "fuzz", "--target-dir"]).arg(folder());
    if let [only] = chosen {
        build.arg(only);
    }
    process::run(&mut build)
}

fn write_seeds() -> Result<(), Failure> {
    let mut seeds =
        workspace::cargo(&["run", "--quiet", "--package", "fuzzing", "--bin", "fuzz-seeds", "--"]);
    process::run(seeds.arg(folder().join("seeds")))
}

fn fuzz(name: &str, seconds: u32) -> Result<Report, Failure> {
    let [corpus, artifacts] = ["corpus", "artifacts"].map(|kind| folder().join(kind).join(name));
    for place in [&corpus, &artifacts] {
        fs::create_dir_all(place).map_err(Failure::file(place, "made"))?;
    }
    let mut run = Command::new(program(name));
    run.arg(&corpus).arg(folder().join("seeds").join(name));
    let regressions = workspace::root().join("tests/fuzz/regressions").join(name);
    run.args(regressions.is_dir().then_some(regressions));
    run.args(LIMITS).arg("-print_final_stats=1").arg(format!("-max_len={MAX_LENGTH}"));
    run.arg(format!("-max_total_time={seconds}"));
    run.arg(format!("-artifact_prefix={}/", artifacts.display()));
    // AddressSanitizer looks for leaks by itself; the ptrace that it needs is not everywhere.
    run.env("ASAN_OPTIONS", "detect_leaks=0").stdin(Stdio::null()).stderr(Stdio::piped());
    let mut report = Report::new(name);
    let ended = process::watch_errors(&mut run, |line| report.read(line));
    report.ended(ended.is_ok(), relative(&report.artifact));
    report.corpus = fs::read_dir(&corpus).map_err(Failure::file(&corpus, "read"))?.count();
    Ok(report)
}

/// A path as it is told: from the root of the checkout.
fn relative(path: &str) -> String {
    let root = workspace::root();
    Path::new(path).strip_prefix(root).unwrap_or(Path::new(path)).display().to_string()
}

fn table(reports: &[Report]) -> Table {
    let mut table = Table::new();
    table.set_header([
        "target",
        "executions",
        "per second",
        "edges reached",
        "of",
        "features",
        "corpus",
        "verdict",
    ]);
    for report in reports {
        table.add_row(report.row());
    }
    table
}
