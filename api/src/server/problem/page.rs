//! The kinds of problems for people, as a page of HTML.

use std::fmt::Write as _;

use super::KINDS;

const STYLE: &str = ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
                     body{max-width:50rem;margin:2rem auto;padding:0 1rem}\
                     h2{font-size:1.1rem;margin:1.5rem 0 .3rem}:target{background:#fc36}";

/// The page. A kind's `type` is an anchor on it.
pub fn page() -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Espalier: problems</title>\n<style>{STYLE}</style>\n<h1>Problems</h1>\n"
    );
    for kind in KINDS {
        // Writing to a String can't fail.
        let _ = writeln!(
            page,
            "<h2 id=\"{0}\">{1} <code>{0}</code></h2>\n<p>{2}: {3}</p>\n<p>{4}</p>",
            kind.slug,
            kind.status,
            escaped(kind.title),
            escaped(kind.about),
            escaped(kind.action),
        );
    }
    page.push_str("</html>\n");
    page
}

/// The texts are ours; this keeps a `<` in one of them from becoming a tag.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
