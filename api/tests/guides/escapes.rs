//! No command in docs/ stands where no test runs it.

use std::fs;
use std::path::Path;

use crate::blocks::{Block, blocks};
use crate::{GUIDES, read};

/// Pages whose commands another test runs, and its source below api/tests/.
const ELSEWHERE: &[(&str, &str)] = &[("failover.md", "failover/runbook.rs")];
/// What blocks without commands are written in.
const OTHERS: &[&str] = &["yaml", "json", "text", "sql", "ini", "mermaid"];
/// How commands begin.
const COMMANDS: &[&str] = &["$ ", "espalier ", "curl ", "psql ", "systemctl ", "sudo ", "openssl "];

/// The pages of docs/ that people write and follow: not the generated reference, not the decisions.
fn pages() -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let names = fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".md")).collect()
}

/// Those whose test is there and reads the page.
fn elsewhere() -> Vec<(&'static str, usize)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let reads = |(page, test): &&(&str, &str)| {
        fs::read_to_string(tests.join(test)).is_ok_and(|text| text.contains(page))
    };
    ELSEWHERE.iter().filter(reads).map(|(page, _)| (*page, 1)).collect()
}

/// What is wrong with a block.
fn wrong(block: &Block<'_>, runs: bool) -> Option<String> {
    match block.language {
        "console" | "sh" if runs => None,
        "console" | "sh" => Some("has commands, and no row of GUIDES says that they run".into()),
        other if OTHERS.contains(&other) => {
            let starts = |line: &&&str| COMMANDS.iter().any(|start| line.starts_with(start));
            let command = block.lines.iter().find(starts)?;
            Some(format!("has a command in {other}, which does not run: {command}"))
        }
        other => {
            Some(format!("is in {other:?}; commands are in sh or console, others in {OTHERS:?}"))
        }
    }
}

fn found(page: &str, text: &str) -> Vec<String> {
    let runs = GUIDES.iter().chain(&elsewhere()).any(|(name, _)| *name == page);
    let all = blocks(text);
    let wrong = all.iter().filter_map(|block| Some((block.line, wrong(block, runs)?)));
    wrong.map(|(line, what)| format!("docs/{page}:{line}: {what}")).collect()
}

#[test]
fn every_block_of_commands_runs() {
    let found: Vec<String> = pages().iter().flat_map(|page| found(page, &read(page))).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    for (name, _) in GUIDES {
        assert!(pages().iter().any(|page| page == name), "docs/{name}: is a row and no file");
    }
}

/// The README's commands start with `cargo run`: `cargo xtask test` runs those.
#[test]
fn the_readme_has_only_what_cargo_xtask_runs() {
    let readme = read("../README.md");
    for block in blocks(&readme).iter().filter(|block| block.language != "text") {
        let escapes = block.lines.iter().find(|line| !line.starts_with("cargo run "));
        assert!(
            block.language == "sh" && escapes.is_none(),
            "README.md:{}: {escapes:?}",
            block.line
        );
    }
}

#[test]
fn a_block_that_escapes_is_named() {
    for (page, text, words) in [
        ("new.md", "```sh\nespalier init\n```\n", "docs/new.md:2: has commands, and no row"),
        ("new.md", "```console\n$ espalier init\n```\n", "no row"),
        ("access.md", "```text\n$ espalier init\n```\n", "a command in text"),
        ("access.md", "```\nespalier init\n```\n", "commands are in sh or console"),
        ("access.md", "```bash\nespalier init\n```\n", "is in \"bash\""),
    ] {
        let found = found(page, text);
        assert!(found.len() == 1 && found[0].contains(words), "{text}: {found:?}");
    }
    assert!(found("access.md", "```sh\nespalier init\n```\n```yaml\na: 1\n```\n").is_empty());
}
