#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;

use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;
use rand_core::{Rng as _, UnwrapErr};

use super::*;
use crate::rehearsal::tests::{DEFINITION, Rehearsal, rehearsed};

const ANSWERS: &str = "
version: 1
definition: root.yaml
operator: Olga
witnesses: [Wim]
entropy: 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 
present: [Ana, Cem]
";

fn files(folder: &Folder) -> Vec<String> {
    let mut files: Vec<String> =
        [folder::DEFINITION, folder::TRANSCRIPT, folder::PLAN, folder::SHARE_SET]
            .map(str::to_owned)
            .to_vec();
    for place in ["keys", "out"] {
        for entry in fs::read_dir(folder.path(place)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            files.push(format!("{place}/{name}"));
        }
    }
    files
}

/// Wherever one byte is another, the audit says no, and names the file, of a transcript the line.
#[test]
fn any_changed_byte_is_found_and_its_place_is_named() {
    let rng = &mut UnwrapErr(getrandom::SysRng);
    let wim = PrivateKey::generate(Algorithm::named("ed25519").unwrap(), rng).unwrap();
    let key = pem::encode(Label::PublicKey, wim.public_key().spki_der());
    let key = key.trim_end().replace('\n', "\n      ");
    let witness = format!("witnesses:\n  - name: Wim\n    key: |\n      {key}\nkeys:");
    let rehearsal: Rehearsal = rehearsed(&DEFINITION.replacen("keys:", &witness, 1), ANSWERS);
    let head = rehearsal.result.as_ref().unwrap().head;
    let folder = Folder::new(rehearsal.folder());
    add_signature(&folder, &crate::witness::sign(head, &wim).unwrap()).unwrap();
    assert!(audit(&folder).unwrap().unsigned().is_empty());
    let mut files = files(&folder);
    files.extend(
        folder.names("signatures").unwrap().iter().map(|name| format!("signatures/{name}")),
    );
    for change in 0..500 {
        let file = &files[change % files.len()];
        let octets = fs::read(folder.path(file)).unwrap();
        let mut changed = octets.clone();
        let at = rng.next_u32() as usize % octets.len();
        changed[at] ^= 1 << (rng.next_u32() % 8);
        fs::write(folder.path(file), &changed).unwrap();
        let error = audit(&folder).unwrap_err().to_string();
        let line = 1 + octets[..at].iter().filter(|octet| **octet == b'\n').count();
        let named = match file.as_str() {
            // The end of the last line is what tells that it is whole.
            folder::TRANSCRIPT if at + 1 == octets.len() => error.contains("without its end"),
            folder::TRANSCRIPT => error.starts_with(&format!("transcript: line {line}: ")),
            name => error.starts_with(&format!("{name}: ")),
        };
        assert!(named, "{file}, octet {at}: {error}");
        fs::write(folder.path(file), &octets).unwrap();
    }
    audit(&folder).unwrap();
}

#[test]
fn what_is_missing_or_strange_is_named() {
    let rehearsal = rehearsed(DEFINITION, ANSWERS);
    let folder = Folder::new(rehearsal.folder());
    folder.write("out/stranger.pem", b"x").unwrap();
    let error = audit(&folder).unwrap_err().to_string();
    assert!(error.starts_with("out/stranger.pem: found a file"), "{error}");
    folder.wipe("out/stranger.pem").unwrap();
    folder.write("keys/next.json", b"x").unwrap();
    let error = audit(&folder).unwrap_err().to_string();
    assert_eq!(error, "keys/next.json: found a file, allowed: none: it was destroyed");
    folder.wipe("keys/next.json").unwrap();
    for file in files(&folder) {
        let octets = fs::read(folder.path(&file)).unwrap();
        fs::remove_file(folder.path(&file)).unwrap();
        let error = audit(&folder).unwrap_err().to_string();
        let name = file.rsplit('/').next().unwrap();
        assert!(error.contains(name), "{file}: {error}");
        fs::write(folder.path(&file), &octets).unwrap();
    }
    audit(&folder).unwrap();
}

/// A certificate of the same fields that another ceremony's key signed.
#[test]
fn outputs_of_another_ceremony_are_refused() {
    let (first, second) = (rehearsed(DEFINITION, ANSWERS), rehearsed(DEFINITION, ANSWERS));
    let (one, other) = (Folder::new(first.folder()), Folder::new(second.folder()));
    for file in ["out/root.pem", "out/root-crl.pem", "keys/root.json", "share-set.json"] {
        let (octets, theirs) =
            (fs::read(one.path(file)).unwrap(), fs::read(other.path(file)).unwrap());
        fs::write(one.path(file), theirs).unwrap();
        let error = audit(&one).unwrap_err().to_string();
        assert!(error.starts_with(file), "{file}: {error}");
        fs::write(one.path(file), octets).unwrap();
    }
    audit(&one).unwrap();
}
