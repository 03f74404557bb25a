//! No secret of a private key shows: not in text, JSON, Debug or an error, in no encoding.
#![allow(clippy::unwrap_used)] // a panic is the failure report

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

/// Every 16-octet run of `secret` in each way that text could hold it.
fn shows(text: &str, secret: &[u8]) -> bool {
    let lower = text.to_lowercase();
    let bare: String = lower.chars().filter(|character| *character != ':').collect();
    let base64 = pem::encode_secret(pem::Label::PrivateKey, secret);
    let body: String = base64.lines().filter(|line| !line.starts_with('-')).collect();
    let in_base64 = body.as_bytes().windows(22).any(|run| {
        let run = std::str::from_utf8(run).unwrap();
        text.contains(run)
    });
    let runs = secret.windows(16).any(|run| {
        let list: Vec<String> = run.iter().map(ToString::to_string).collect();
        bare.contains(&hex(run))
            || text.as_bytes().windows(16).any(|window| window == run)
            || text.contains(&list.join(", "))
            || text.contains(&list.join(","))
    });
    in_base64 || runs
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
        let objects = inspect(&der_of(fixture)).unwrap();
        let outputs = [
            objects[0].to_string(),
            serde_json::to_string(&objects).unwrap(),
            serde_json::to_string_pretty(&objects).unwrap(),
            format!("{objects:?}"),
            format!("{objects:#?}"),
        ];
        for output in outputs {
            assert!(!shows(&output, &secret), "{fixture}: {output}");
        }
    }
}

#[test]
fn the_search_finds_a_secret_in_every_encoding() {
    let secret: Vec<u8> = (100..140).collect();
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
        String::from_utf8_lossy(run).into_owned(),
    ] {
        assert!(shows(&format!("before {text} after"), &secret), "{text}");
    }
    assert!(!shows("nothing of it", &secret));
}

#[test]
fn errors_of_damaged_keys_show_no_secret() {
    for (fixture, secret) in secrets() {
        let sound = der_of(fixture);
        let mut refused = 0;
        for at in (0..sound.len()).step_by(sound.len() / 60 + 1) {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            let text = encoded(&damaged);
            let outputs = match inspect(text.as_bytes()) {
                Err(error) => {
                    refused += 1;
                    [error.to_string(), format!("{error:?}")]
                }
                Ok(objects) => [objects[0].to_string(), format!("{objects:?}")],
            };
            assert!(outputs.iter().all(|output| !shows(output, &secret)), "{fixture}: {outputs:?}");
        }
        assert!(refused > 10, "{fixture}: only {refused} damaged keys were refused");
    }
}

fn encoded(der: &[u8]) -> String {
    pem::encode_secret(pem::Label::PrivateKey, der).to_string()
}
