//! The commands of a guide: what stands in its fenced blocks.
//!
//! A `console` block shows a terminal: a command behind `$ `, the lines that it goes on for behind `> `, and below it
//! what it prints. A `sh` block is to be copied: every line is a command, also one that goes on behind a backslash, as
//! a loop or with a here-document. Behind a command may stand ` # exit 1`, when it ends with another status than 0, and
//! ` # says words`, when its output has these words.

/// A command, and what the guide says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// Where it stands in the guide, from 1.
    pub(crate) line: usize,
    /// What the shell gets.
    pub(crate) text: String,
    /// The status that it ends with.
    pub(crate) exit: i32,
    /// Words of its output.
    pub(crate) says: Vec<String>,
    /// What it prints; empty where the guide does not show it.
    pub(crate) shown: Vec<String>,
}

/// A fenced block.
#[derive(Debug, Clone)]
pub(crate) struct Block<'a> {
    /// Where its first line inside stands, from 1.
    pub(crate) line: usize,
    /// The word behind the fence.
    pub(crate) language: &'a str,
    pub(crate) lines: Vec<&'a str>,
}

/// Every fenced block.
pub(crate) fn blocks(guide: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in guide.lines().enumerate() {
        match (open.as_mut(), line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { line: number + 2, language, lines: Vec::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.lines.push(line),
            (None, None) => {}
        }
    }
    found
}

/// Every command, in order.
pub(crate) fn commands(guide: &str) -> Vec<Command> {
    let mut found = Vec::new();
    for block in blocks(guide) {
        match block.language {
            "console" => found.extend(of_console(&block)),
            "sh" => found.extend(of_sh(&block)),
            _ => {}
        }
    }
    found
}

fn of_console(block: &Block<'_>) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    for (number, line) in (block.line..).zip(&block.lines) {
        let last = found.last_mut();
        if let Some(text) = line.strip_prefix("$ ") {
            found.push(Command {
                line: number,
                text: text.to_owned(),
                exit: 0,
                says: Vec::new(),
                shown: Vec::new(),
            });
        } else if let Some(last) = last {
            match line.strip_prefix("> ") {
                Some(more) if last.shown.is_empty() => last.text += &format!("\n{more}"),
                _ => last.shown.push((*line).to_owned()),
            }
        } else {
            panic!("line {number}: a console block begins with `$ `, found {line}");
        }
    }
    for command in &mut found {
        while command.shown.last().is_some_and(String::is_empty) {
            command.shown.pop();
        }
        comments(command);
    }
    found
}

fn of_sh(block: &Block<'_>) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    let mut lines = (block.line..).zip(&block.lines);
    while let Some((line, text)) = lines.next() {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let mut text = (*text).to_owned();
        let document = text.split_once("<<").map(|(_, word)| word.split_whitespace().next());
        let end = document.flatten().map(|word| word.trim_matches(['\'', '"', '-']).to_owned());
        let begins = |word: &str| text.starts_with(word) && !text.contains("; done");
        let looped = ["for ", "while", "until "].iter().any(|word| begins(word));
        while end.is_some() || looped || text.ends_with('\\') {
            let Some((_, more)) = lines.next() else { panic!("line {line}: has no end") };
            text += &format!("\n{more}");
            if end.as_deref() == Some(*more) || (looped && more.contains("done")) {
                break;
            }
        }
        let (says, shown) = (Vec::new(), Vec::new());
        let mut command = Command { line, text, exit: 0, says, shown };
        comments(&mut command);
        found.push(command);
    }
    found
}

/// Takes what the comments say of the command out of its last line.
fn comments(command: &mut Command) {
    while let Some((text, comment)) = command.text.rsplit_once(" # ") {
        match comment.split_once(' ') {
            Some(("exit", number)) => command.exit = number.trim().parse().unwrap(),
            Some(("says", words)) => command.says.push(words.trim().to_owned()),
            _ => break,
        }
        command.text = text.to_owned();
    }
}

#[test]
fn commands_are_read_with_what_is_said_of_them() {
    let guide = "Text\n```console\n$ a 1 # exit 2\nshown\n\n$ b \\\n> c\n```\n```yaml\nd: 1\n```\n```sh\ne # says f g # exit 1\n\ncat > h <<'END'\ni # says\nEND\nj \\\n  k # note\n```\n";
    let found = commands(guide);
    let texts: Vec<&str> = found.iter().map(|command| command.text.as_str()).collect();
    assert_eq!(
        texts,
        ["a 1", "b \\\nc", "e", "cat > h <<'END'\ni # says\nEND", "j \\\n  k # note"]
    );
    assert_eq!((found[0].line, found[0].exit, &found[0].shown), (3, 2, &vec!["shown".to_owned()]));
    assert_eq!((found[2].exit, &found[2].says), (1, &vec!["f g".to_owned()]));
    assert!(found[1].shown.is_empty());
}
