//! How files look: their size, their names, and what they must not contain.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

const RUST_LINES: usize = 600;
const MAIN_LINES: usize = 30;
const NAMELESS: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc"];
const SKIPPED: &[&str] = &["target", "node_modules", "espalier-data"];
/// Endings of the files that people write; everything else is data.
const WRITTEN: &[&str] =
    &["rs", "md", "toml", "sh", "yaml", "yml", "json", "sql", "py", "java", "go", "xml"];

// The words below stand in two parts so that this file does not break its own rules.
const TO_DO: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!(")];
const UNSAFE: &str = concat!("un", "safe");
const UNSAFE_LINT: &str = concat!("un", "safe_code");
const IGNORE: &str = concat!("#[ig", "nore");
/// Starts of paths that exist on one person's machine only.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/ho", "me/")];
/// Where nothing has a clock, files or randomness of its own.
const PURE: &[&str] = &["ca-core/src/", "policy/src/"];
/// What a pure library has no business with.
const IMPURE: &[&str] = &[
    concat!("std::", "fs"),
    concat!("Tcp", "Stream"), // std::net itself is fine: its IP addresses are names in certificates
    concat!("Tcp", "Listener"),
    concat!("Udp", "Socket"),
    concat!("std::", "env::"),
    concat!("std::", "process"),
    concat!("Instant::", "now"),
    concat!("SystemTime::", "now"),
];

/// A file of the checkout: its path with forward slashes from the root, and its text.
#[derive(Debug, Clone)]
pub struct Written {
    /// Such as `ca-core/src/serial.rs`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// Every file below `root` that a person wrote, in order of path.
///
/// # Errors
/// When a folder or file can't be read.
pub fn written(root: &Path) -> Result<Vec<Written>, Failure> {
    let mut files = Vec::new();
    collect(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<Written>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::file(folder, "read"))?.filter_map(Result::ok)
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if path.is_dir() {
            let hidden =
                name.starts_with('.') && name != ".ci" && name != ".github" && name != ".cargo";
            if !hidden && !SKIPPED.contains(&name.as_str()) {
                collect(&path, &format!("{prefix}{name}/"), files)?;
            }
        } else if is_written(&path) || prefix == ".ci/" {
            let text = fs::read_to_string(&path).map_err(Failure::file(&path, "read"))?;
            files.push(Written { path: format!("{prefix}{name}"), text });
        }
    }
    Ok(())
}

fn is_written(path: &Path) -> bool {
    path.extension().is_some_and(|extension| WRITTEN.iter().any(|ending| extension == *ending))
}

/// Every rule that a file breaks, as `path:line: what to do`.
#[must_use]
pub fn broken(files: &[Written]) -> Vec<String> {
    let mut found: Vec<String> = files.iter().flat_map(broken_in).collect();
    found.extend(unlinked_decisions(files));
    found
}

fn broken_in(file: &Written) -> Vec<String> {
    let mut found = Vec::new();
    let parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    for part in parts.filter(|part| NAMELESS.contains(part)) {
        found.push(format!("{}: is named {part}; name it for what it holds", file.path));
    }
    for (number, line) in file.text.lines().enumerate() {
        for path in MACHINE_PATHS.iter().filter(|path| is_at_path_start(line, path)) {
            found.push(format!(
                "{}:{}: a path below {path} exists on one machine only",
                file.path,
                number + 1
            ));
        }
    }
    if file.path.ends_with(".rs") {
        found.extend(broken_in_rust(file));
    }
    found
}

/// Whether `path` stands in the line as the start of an absolute path and not in the middle of one.
fn is_at_path_start(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-./}$)>~:".contains(c))
    })
}

fn broken_in_rust(file: &Written) -> Vec<String> {
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    if lines > RUST_LINES {
        found.push(format!(
            "{}: has {lines} lines, {RUST_LINES} are allowed; split it by what it holds",
            file.path
        ));
    }
    if file.path.ends_with("src/main.rs") && lines >= MAIN_LINES {
        found.push(format!("{}: has {lines} lines, a main has fewer than {MAIN_LINES}", file.path));
    }
    let pure = PURE.iter().any(|folder| file.path.starts_with(folder));
    let pure = pure && !file.path.ends_with("tests.rs");
    let mut in_tests = false;
    for (number, line) in file.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        in_tests |= code.trim_start().starts_with("#[cfg(test)]");
        let mut say = |what: &str| found.push(format!("{}:{}: {what}", file.path, number + 1));
        if TO_DO.iter().any(|word| code.contains(word)) {
            say("is unfinished; finish it or open an issue");
        }
        if code.trim_start().starts_with(IGNORE) && !code.contains('"') {
            say("ignores a test without a reason in the same line");
        }
        if uses_unsafe(code) && !file.path.starts_with("ca-core/src/aws_lc") {
            say("is unsafe outside ca-core/src/aws_lc*; use a safe API or move it there");
        }
        if pure && !in_tests && IMPURE.iter().any(|word| code.contains(word)) {
            say("is in a pure crate: take what you need as an argument");
        }
    }
    found
}

fn uses_unsafe(code: &str) -> bool {
    let lifted =
        ["allow(", "expect("].iter().any(|lint| code.contains(&format!("{lint}{UNSAFE_LINT}")));
    let words = ["{", "fn ", "impl ", "extern ", "trait "];
    lifted || words.iter().any(|word| code.contains(&format!("{UNSAFE} {word}")))
}

/// Decision records that the index of docs/adr does not link.
fn unlinked_decisions(files: &[Written]) -> Vec<String> {
    let folder = "docs/adr/";
    let index = files
        .iter()
        .find(|file| file.path == "docs/adr/README.md")
        .map_or("", |file| file.text.as_str());
    let names = files
        .iter()
        .filter_map(|file| file.path.strip_prefix(folder))
        .filter(|name| *name != "README.md");
    let unlinked = names.filter(|name| !index.contains(&format!("({name})")));
    unlinked.map(|name| format!("{folder}{name}: is not linked in {folder}README.md")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Written {
        Written { path: path.to_owned(), text: text.to_owned() }
    }

    fn one(path: &str, text: &str) -> String {
        let mut found = broken(&[file(path, text)]);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn fine(path: &str, text: &str) {
        assert_eq!(broken(&[file(path, text)]), [""; 0]);
    }

    #[test]
    fn long_files_are_named_and_files_at_the_limit_are_not() {
        fine("a/src/lib.rs", &"x\n".repeat(600));
        assert!(one("a/src/lib.rs", &"x\n".repeat(601)).contains("601 lines"));
        fine("a/src/main.rs", &"x\n".repeat(29));
        assert!(one("a/src/main.rs", &"x\n".repeat(30)).contains("fewer than 30"));
    }

    #[test]
    fn names_that_say_nothing_are_refused() {
        assert!(one("ca-core/src/utils.rs", "").contains("name it"));
        assert!(one("tests/interop/tests/common/mod.rs", "").contains("is named common"));
        fine("ca-core/src/common_name.rs", "");
    }

    #[test]
    fn an_ignored_test_needs_its_reason() {
        fine("a/src/x.rs", &format!("    {IGNORE} = \"needs a token\"]\n"));
        assert!(one("a/src/x.rs", &format!("    {IGNORE}]\n")).contains("x.rs:1:"));
    }

    #[test]
    fn unfinished_code_is_refused() {
        for word in TO_DO {
            assert!(
                one("a/src/x.rs", &format!("fn f() {{\n    {word})\n}}\n"))
                    .contains("x.rs:2: is unfinished")
            );
        }
    }

    #[test]
    fn unsafe_code_stays_in_its_module() {
        let text = format!("let x = {UNSAFE} {{ f() }};\n");
        fine("ca-core/src/aws_lc.rs", &text);
        fine(
            "ca-core/src/aws_lc/context.rs",
            &format!("#![expect({UNSAFE_LINT}, reason = \"x\")]\n{text}"),
        );
        assert!(one("ledger/src/lib.rs", &text).contains("is unsafe outside"));
        assert!(
            one("ca-core/src/keys.rs", &format!("#![allow({UNSAFE_LINT})]\n"))
                .contains("is unsafe outside")
        );
        fine("ledger/src/lib.rs", &format!("// {UNSAFE} {{ is not used here\n"));
    }

    #[test]
    fn a_pure_crate_has_no_clock_and_no_files_outside_its_tests() {
        let text = format!("use {};\n", IMPURE[0]);
        for folder in PURE {
            assert!(one(&format!("{folder}keys.rs"), &text).contains("pure"));
        }
        fine("ca-core/src/keys.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}}}\n"));
        fine("ledger/src/lib.rs", &text);
    }

    #[test]
    fn paths_of_one_machine_are_refused() {
        let [work, _, users, home] = MACHINE_PATHS else { unreachable!("four starts stand above") };
        assert!(one("README.md", &format!("see {work}x\n")).contains("one machine only"));
        assert!(one("docs/a.md", &format!("\"{users}ann/x\"\n")).contains("one machine only"));
        assert!(one(".ci/run", &format!("cd {home}ann\n")).contains("one machine only"));
        fine(
            "README.md",
            &format!("target{work}x and $HOME{home}x and https://example.org{users}\n"),
        );
    }

    #[test]
    fn every_decision_is_linked() {
        let index = file("docs/adr/README.md", "- [One](0001-one.md)\n");
        let decisions = [index, file("docs/adr/0001-one.md", ""), file("docs/adr/0002-two.md", "")];
        assert_eq!(
            broken(&decisions),
            ["docs/adr/0002-two.md: is not linked in docs/adr/README.md"]
        );
    }
}
