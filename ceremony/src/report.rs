//! A ceremony told for people, to be printed and kept: who was there, what happened line for line, and each
//! certificate and list with its fingerprint in digits, in words and as a QR code.
//!
//! It is Markdown, whose pictures are in the text itself, and the same as one page of HTML. It tells what
//! was found right and proves nothing by itself: the folder does.

mod told;

use base64ct::{Base64, Encoding as _};
use ca_core::certificate::Certificate;
use ca_core::crl::CertificateList;
use ca_core::escape::escaped;
use ca_core::pem::Label;
use pulldown_cmark::html::push_html;
use pulldown_cmark::{Event as Part, Options, Parser};

use crate::audit::{Audited, Output, Report};
use crate::definition::{Custody, Definition};
use crate::digest::Digest;
use crate::folder::Folder;
use crate::transcript::{Event, KeyReady, Line, Opening};
use crate::transfer::picture::Picture;

/// The QR code that holds the 64 digits of a digest, with some room: version 4.
const SIZE: u8 = 4;
/// The most entries of a list that are told.
const MOST_ENTRIES: usize = 100;
/// How the page looks, on paper above all.
const STYLE: &str = "body{font:11pt/1.4 serif;max-width:48em;margin:2em auto;padding:0 1em}\
code{font:10pt monospace;overflow-wrap:anywhere}h1,h2,h3{font-family:sans-serif;break-after:avoid}\
li{break-inside:avoid}img{width:32mm;image-rendering:pixelated}";

/// Tells a ceremony that was found right, in Markdown. `on_paper` is whether its head was compared with the one
/// on paper.
pub fn markdown(found: &Audited, on_paper: bool) -> String {
    let Audited { report, transcript, definition } = found;
    let title = definition.as_ref().map_or("A ceremony", |definition| &definition.title);
    let mut text = format!("# {}\n\n", plain(title));
    if report.rehearsal {
        text += "**A rehearsal: nothing of it is for use.**\n\n";
    }
    text += &format!("- Ceremony: {}\n", plain(&report.ceremony.to_string()));
    text += &listed("Head of the transcript", report.head);
    text += &format!("- Lines of the transcript: {}\n", report.lines);
    text += &doubts(report, on_paper);
    if let Some(plan) = report.plan {
        text += &listed("Digest of the plan", plan);
    }
    text += &definition.as_ref().map_or_else(String::new, custody);
    text += &reshares(&transcript.lines);
    text += &witnesses(report);
    text += &made(&report.made);
    text += &keys(&transcript.lines);
    text += &sittings(&transcript.lines);
    text
}

/// What is not as it would be after a ceremony that came to its end.
fn doubts(report: &Report, on_paper: bool) -> String {
    let mut text = String::new();
    if !on_paper {
        text += "- **The head was not compared with paper**: it may be another ceremony, or lack its end\n";
    }
    if !report.closed {
        text += "- **The last sitting did not come to its end**\n";
    }
    if !report.begun.is_empty() {
        text += &format!("- **Begun and not told as done**: {}\n", plain(&report.begun.join(", ")));
    }
    if !report.left.is_empty() {
        text += &format!("- **Not done yet**: {}\n", plain(&report.left.join(", ")));
    }
    text
}

/// Where shares were dealt anew, so that others hold them than the definition says.
fn reshares(lines: &[Line]) -> String {
    let dealt = lines.iter().filter(|line| matches!(line.entry.event, Event::Reshared { .. }));
    dealt
        .map(|line| format!("- **Shares were dealt anew**: line {} below\n", line.entry.number))
        .collect()
}

/// Who holds the keys, as the definition has it.
fn custody(definition: &Definition) -> String {
    match &definition.custody {
        Custody::New { threshold, custodians } => {
            format!("- Shares, as the definition has it: {threshold} of {}\n", typed(custodians))
        }
        Custody::Existing { share_set } => {
            format!("- Shares, as the definition has it: those of {}\n", plain(share_set))
        }
    }
}

/// The Markdown of [`markdown`] as one page of HTML, with nothing outside it.
pub fn html(markdown: &str) -> String {
    let title = markdown.lines().next().unwrap_or_default().trim_start_matches("# ");
    // What is in a title or an attribute is text. No HTML of the Markdown's own gets through.
    let parts = Parser::new_ext(markdown, Options::empty()).map(|part| match part {
        Part::Html(text) | Part::InlineHtml(text) => Part::Text(text),
        part => part,
    });
    let mut body = String::new();
    push_html(&mut body, parts);
    let title: String = title.chars().filter(|letter| !"<>&\\".contains(*letter)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )
}

/// Text as Markdown shows it, whatever is in it. White space of any kind and width is one space: nothing
/// that was typed looks like a line of its own.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        let letter = escaped(&letter.to_string());
        if letter.starts_with(|first: char| first.is_ascii_punctuation()) {
            shown.push('\\');
        }
        shown.push_str(&letter);
    }
    shown
}

/// What people typed, each in quotation marks.
fn typed(names: &[String]) -> String {
    let plainly = |name: &String| plain(name).replace(['“', '”'], "\\\"");
    let quoted: Vec<String> = names.iter().map(|name| format!("“{}”", plainly(name))).collect();
    quoted.join(", ")
}

/// A digest as an item of a list, in digits and in words.
fn listed(name: &str, digest: Digest) -> String {
    format!("- {name}: `{digest}`  \n  {}\n", digest.spoken())
}

fn witnesses(report: &Report) -> String {
    if report.witnesses.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n## Signatures of witnesses\n\n");
    for witness in &report.witnesses {
        let (name, key) = (typed(std::slice::from_ref(&witness.name)), plain(&witness.key));
        let signed = match witness.line {
            Some(line) if line == report.lines as u64 => "signed the head".to_owned(),
            Some(line) => format!("signed up to line {line}, **not the head**"),
            None => "**signed nothing yet**".to_owned(),
        };
        text += &format!("- {name} {signed}; key {key}\n");
    }
    text
}

fn made(outputs: &[Output]) -> String {
    let mut text = String::from("\n## What was made\n");
    if outputs.is_empty() {
        text += "\nNothing yet.\n";
    }
    for output in outputs {
        let digest = Digest::of(&output.der);
        text += &format!("\n### {}\n\n{}", plain(&Folder::output(&output.step)), content(output));
        text += &listed("SHA-256", digest);
        text += &format!("\n{}\n", picture(digest));
    }
    text
}

/// What is in a certificate or list, a few items.
fn content(output: &Output) -> String {
    let item = |name: &str, value: &dyn std::fmt::Display| {
        format!("- {name}: {}\n", plain(&value.to_string()))
    };
    // The audit read both kinds before.
    if output.label == Label::Crl {
        return CertificateList::from_der(output.der.clone()).map_or_else(
            |error| item("Can't be read", &error),
            |list| {
                let mut text = item("Revocation list of", list.issuer())
                    + &item("Number", &list.number())
                    + &item("Issued", &list.this_update())
                    + &item("Next one", &list.next_update())
                    + &item("Entries", &list.len());
                for entry in list.entries().take(MOST_ENTRIES) {
                    let told = format!("{}, {}: {}", entry.serial, entry.revoked_at, entry.reason);
                    text += &item("Revoked", &told);
                }
                if let Some(more @ 1..) = list.len().checked_sub(MOST_ENTRIES) {
                    text += &item("And more", &more);
                }
                text
            },
        );
    }
    Certificate::from_der(&output.der).map_or_else(
        |error| item("Can't be read", &error),
        |certificate| {
            let validity = certificate.validity();
            let serial = certificate.serial_octets();
            let serial: String = serial.iter().map(|octet| format!("{octet:02x}")).collect();
            item("Certificate of", certificate.subject())
                + &item("Issued by", certificate.issuer())
                + &item("Serial number", &serial)
                + &item("Key", &certificate.public_key().kind())
                + &item("Valid from", &validity.not_before())
                + &item("Valid until", &validity.not_after())
        },
    )
}

/// The digits of a digest as a picture in the text itself.
fn picture(digest: Digest) -> String {
    let drawn = Picture::of(&digest.to_string().to_uppercase(), SIZE).ok().and_then(|picture| {
        let mut png = Vec::new();
        picture.png(&mut png).ok().map(|()| Base64::encode_string(&png))
    });
    // Memory takes any PNG, and 64 digits fit.
    drawn.map_or_else(String::new, |png| {
        format!("![QR code of {digest}](data:image/png;base64,{png})")
    })
}

fn keys(lines: &[Line]) -> String {
    let keys: Option<&Vec<KeyReady>> =
        lines.iter().rev().find_map(|line| match &line.entry.event {
            Event::KeysReady { keys, .. } => Some(keys),
            _ => None,
        });
    let is_gone = |name: &str| {
        lines
            .iter()
            .any(|line| matches!(&line.entry.event, Event::KeyDestroyed { key, .. } if key == name))
    };
    let mut text = String::new();
    for key in keys.into_iter().flatten() {
        let public = Base64::decode_vec(&key.public_key).unwrap_or_default();
        let gone = if is_gone(&key.name) { ", **whose file was wiped**" } else { "" };
        text += &listed(&format!("Public key of {}{gone}", plain(&key.name)), Digest::of(&public));
    }
    if text.is_empty() { text } else { format!("\n## Keys\n\n{text}") }
}

/// Each sitting, a line for each line of the transcript.
fn sittings(lines: &[Line]) -> String {
    let mut text = String::from("\n## What happened\n");
    let mut sitting = 0;
    for Line { entry, .. } in lines {
        if let Event::SittingOpened(opening) = &entry.event {
            sitting += 1;
            text += &format!("\n### Sitting {sitting}: {}\n\n", plain(&opening.purpose));
            text += &opened(opening);
        }
        let words = told::told(&entry.event);
        text += &format!("- Line {}, {}: {words}\n", entry.number, plain(&entry.at.to_string()));
    }
    text
}

fn opened(opening: &Opening) -> String {
    let program = &opening.program;
    let key = Base64::decode_vec(&opening.key).unwrap_or_default();
    let mut text = format!(
        "- Operator: {}\n- Witnesses: {}\n- Program, version {}\n",
        typed(std::slice::from_ref(&opening.operator)),
        typed(&opening.witnesses),
        plain(&program.version)
    );
    if let Some(digest) = program.digest {
        text += &listed("SHA-256 of the program", digest);
    }
    text + &listed("Key of this sitting", Digest::of(&key))
}

#[cfg(test)]
mod tests;
