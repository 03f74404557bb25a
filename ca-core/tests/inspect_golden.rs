//! What `inspect` says of each fixture, as text and as JSON, compared with the committed files.
//! `UPDATE_GOLDEN=1` writes them again.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::{Path, PathBuf};

use ca_core::inspect::inspect;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inspect")
}

/// Compares with the committed file, or writes it when asked to.
fn check(file: &Path, found: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, found).unwrap();
    }
    let wanted = fs::read_to_string(file).unwrap_or_default();
    assert!(
        wanted == found,
        "{} differs; UPDATE_GOLDEN=1 writes it again. Found:\n{found}",
        file.display()
    );
}

#[test]
fn text_and_json_of_every_fixture_are_the_committed_ones() {
    let mut fixtures: Vec<PathBuf> = fs::read_dir(data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "der" || kind == "pem"))
        .collect();
    fixtures.sort();
    assert!(fixtures.len() >= 14, "only {} fixtures", fixtures.len());
    for fixture in fixtures {
        let objects = inspect(&fs::read(&fixture).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", fixture.display()));
        let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
        check(&fixture.with_extension("txt"), &text.join("\n"));
        let json = serde_json::to_string_pretty(&objects).unwrap();
        check(&fixture.with_extension("json"), &(json + "\n"));
    }
}

#[test]
fn json_has_its_version_and_kind_first() {
    for (fixture, kind) in [
        ("composite.der", "certificate"),
        ("public.pem", "public-key"),
        ("both-key.der", "private-key"),
        ("pbkdf2-key.pem", "encrypted-private-key"),
        ("request.pem", "certificate-request"),
        ("ocsp-request.der", "ocsp-request"),
        ("ocsp-error.pem", "ocsp-response"),
        ("crl.pem", "crl"),
    ] {
        let objects = inspect(&fs::read(data().join(fixture)).unwrap()).unwrap();
        let json = serde_json::to_string(&objects[0]).unwrap();
        assert!(json.starts_with(&format!(r#"{{"version":1,"kind":"{kind}","#)), "{json}");
    }
}

#[test]
fn pem_and_der_of_one_certificate_say_the_same() {
    let der = fs::read(data().join("pure.der")).unwrap();
    let pem = ca_core::pem::encode(ca_core::pem::Label::Certificate, &der);
    assert_eq!(inspect(&der).unwrap(), inspect(pem.as_bytes()).unwrap());
    let chain = inspect(&fs::read(data().join("chain.pem")).unwrap()).unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[1], inspect(&der).unwrap()[0]);
}
