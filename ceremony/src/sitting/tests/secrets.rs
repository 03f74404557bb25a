//! What is secret stays on paper: it is in no file, and not on the screen.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::*;
use crate::share::WrittenShare;

/// What a secret looks like in a file: as it is, in Base64 at any place of three octets, in digits.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let in_base64 = (0..3).map(|skipped| {
        let part = &secret[skipped..];
        Base64::encode_string(&part[..part.len() / 3 * 3]).into_bytes()
    });
    let digits: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
    in_base64
        .chain([secret.to_vec(), digits.to_uppercase().into_bytes(), digits.into_bytes()])
        .collect()
}

fn files(place: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(std::fs::read(path).unwrap()),
        }
    }
}

fn holds(all: &[Vec<u8>], secrets: &[Vec<u8>]) -> bool {
    let within = |octets: &Vec<u8>, secret: &Vec<u8>| {
        octets.windows(secret.len()).any(|part| part == &secret[..])
    };
    all.iter().any(|octets| secrets.iter().any(|secret| within(octets, secret)))
}

#[test]
fn no_secret_is_left_behind() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let papers = ["Ana", "Ben", "Cem"].map(|name| ceremony.table.paper(name).unwrap());
    let file = ceremony.folder.read(folder::SHARE_SET, 1 << 20).unwrap();
    let set: ShareSet = serde_json::from_slice(&file).unwrap();
    let none = || -> Result<Zeroizing<String>, SittingError> { panic!("it takes no passphrase") };
    let shares: Vec<_> = papers
        .iter()
        .map(|words| WrittenShare::read(words).unwrap().open(Cost::TEST, none).unwrap())
        .collect();
    let under = set.recover(&shares).unwrap();
    let mut secrets: Vec<Vec<u8>> = forms(under.as_bytes());
    secrets.extend(shares.iter().flat_map(|share| forms(&share.value()[..])));
    for words in &papers {
        let words: Vec<&str> = words.split(' ').collect();
        // Behind the header, which is public: four words after each other, in any form of line.
        secrets.extend(words[8..].windows(4).map(|four| four.join(" ").into_bytes()));
        secrets.extend(words[8..].windows(4).map(|four| four.join("\n").into_bytes()));
    }
    for name in ["root", "next", "west"] {
        let sealed = ceremony.folder.read(&format!("keys/{name}.json"), 1 << 20).unwrap();
        let key = SealedKey::from_json(&sealed).unwrap().open(&under).unwrap();
        let der = key.to_pkcs8_der().unwrap();
        // The seed of ML-DSA, and with it or alone the key of the curve, stand near the end.
        let end = der.len() - usize::from(name == "west") * 70;
        secrets.extend(forms(&der[end - 32..end]));
    }
    ceremony.sit(Part::Plan).unwrap();
    ceremony.sit(Part::Run).unwrap();
    let names = custodians(&["Ana", "Ben"]);
    ceremony.sit(Part::Reshare { threshold: 2, custodians: names }).unwrap();
    drop(ceremony);
    let mut all = vec![seen];
    files(place.path(), &mut all);
    assert!(all.len() > 10);
    assert!(!holds(&all, &secrets));
    // The search finds each of them where it is.
    for secret in &secrets {
        let note = [b"x".as_slice(), secret, b"y"].concat();
        assert!(holds(&[note], &secrets[..]));
    }
    let leaked = format!("{{\"key\":\"{}\"}}", Base64::encode_string(under.as_bytes()));
    assert!(holds(&[leaked.into_bytes()], &secrets));
}
