//! No secret of a private key shows: not in text, JSON, Debug or an error, in no encoding.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use ca_core::inspect::inspect;
use ca_core::pem::{self, Input};

fn der_of(fixture: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inspect").join(fixture);
    match pem::read(&fs::read(path).unwrap()).unwrap() {
        Input::Der(der) => der.to_vec(),
        Input::Pem(blocks) => blocks[0].der().to_vec(),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Every 16-octet run of a secret, to be looked for in each way that text could hold it.
struct Search {
    runs: HashSet<Vec<u8>>,
    hex: HashSet<Vec<u8>>,
    base64: HashSet<Vec<u8>>,
}

impl Search {
    fn of(secret: &[u8]) -> Self {
        let runs: HashSet<Vec<u8>> = secret.windows(16).map(<[u8]>::to_vec).collect();
        // Base64 looks another way at each of three alignments. 21 characters hold 15 octets
        // whole at any of them.
        let base64 = (0..3).flat_map(|skip| {
            let block = pem::encode_secret(pem::Label::PrivateKey, &secret[skip..]);
            let lines = block.lines().filter(|line| !line.starts_with('-'));
            let body: Vec<u8> = lines.flat_map(str::bytes).filter(|octet| *octet != b'=').collect();
            body.windows(21).map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        Self {
            hex: runs.iter().map(|run| hex(run).into_bytes()).collect(),
            base64: base64.collect(),
            runs,
        }
    }

    fn finds(&self, text: &str) -> bool {
        let any = |octets: &[u8], length: usize, wanted: &HashSet<Vec<u8>>| {
            octets.windows(length).any(|window| wanted.contains(window))
        };
        let bare = text.to_lowercase().replace([':', ' '], "");
        let tight: String = text.split_whitespace().collect();
        // Lists of numbers, as Debug writes octets.
        let numbers = |part: &str| part.parse::<u8>().ok();
        let lists =
            tight.split(|character: char| !(character.is_ascii_digit() || character == ','));
        let mut octets = lists.map(|list| list.split(',').filter_map(numbers).collect::<Vec<u8>>());
        any(text.as_bytes(), 16, &self.runs)
            || any(bare.as_bytes(), 32, &self.hex)
            || any(tight.as_bytes(), 21, &self.base64)
            || octets.any(|list| any(&list, 16, &self.runs))
    }
}

/// Where the secret of each fixture stands, by its encoding.
fn secrets() -> Vec<(&'static str, Vec<u8>)> {
    let composite = der_of("composite-key.der");
    let both = der_of("both-key.der");
    let sec1 = der_of("sec1-key.pem");
    let pkcs1 = der_of("pkcs1-key.pem");
    // PKCS#1: version, modulus 257, exponent 3, then what is secret.
    let after_exponent = pkcs1.windows(5).position(|run| run == [2, 3, 1, 0, 1]).unwrap() + 5;
    vec![
        // The last 83 octets are seed and ECPrivateKey, whose curve name is public.
        ("composite-key.der", composite[composite.len() - 83..][..32 + 39].to_vec()),
        ("both-key.der", both[both.len() - 4032 - 40..].to_vec()),
        ("sec1-key.pem", sec1[7..39].to_vec()),
        ("pkcs1-key.pem", pkcs1[after_exponent..].to_vec()),
    ]
}

#[test]
fn reports_show_no_secret() {
    for (fixture, secret) in secrets() {
        let search = Search::of(&secret);
        let objects = inspect(&der_of(fixture)).unwrap();
        let outputs = [
            objects[0].to_string(),
            serde_json::to_string(&objects).unwrap(),
            serde_json::to_string_pretty(&objects).unwrap(),
            format!("{objects:?}"),
            format!("{objects:#?}"),
        ];
        for output in outputs {
            assert!(!search.finds(&output), "{fixture}: {output}");
        }
    }
}

#[test]
fn the_search_finds_a_secret_in_every_encoding() {
    let secret: Vec<u8> = (100..140).collect();
    let search = Search::of(&secret);
    let run = &secret[3..19];
    let list: Vec<String> = run.iter().map(ToString::to_string).collect();
    let colons: Vec<String> = run.iter().map(|octet| format!("{octet:02X}")).collect();
    let base64 = pem::encode_secret(pem::Label::PrivateKey, &secret);
    for text in [
        hex(run),
        colons.join(":"),
        list.join(", "),
        list.join(","),
        base64.to_string(),
        pem::encode_secret(pem::Label::PrivateKey, &[&[1, 2][..], &secret[5..30]].concat())
            .to_string(),
        format!("{run:#?}"),
        String::from_utf8_lossy(run).into_owned(),
    ] {
        assert!(search.finds(&format!("before [{text}] after")), "{text}");
    }
    assert!(!search.finds("nothing of it"));
    assert!(!search.finds(&hex(&[7; 40])));
}

#[test]
fn errors_of_damaged_keys_show_no_secret() {
    for (fixture, secret) in secrets() {
        let search = Search::of(&secret);
        let sound = der_of(fixture);
        let label = match fixture {
            "sec1-key.pem" => pem::Label::EcPrivateKey,
            "pkcs1-key.pem" => pem::Label::RsaPrivateKey,
            _ => pem::Label::PrivateKey,
        };
        let mut refused = 0;
        for at in (0..sound.len()).step_by(sound.len() / 60 + 1) {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            let text = pem::encode_secret(label, &damaged);
            let outputs = match inspect(text.as_bytes()) {
                Err(error) => {
                    refused += 1;
                    [error.to_string(), format!("{error:?}")]
                }
                Ok(objects) => [objects[0].to_string(), format!("{objects:?}")],
            };
            assert!(outputs.iter().all(|output| !search.finds(output)), "{fixture}: {outputs:?}");
        }
        assert!(refused > 10, "{fixture}: only {refused} damaged keys were refused");
    }
}
