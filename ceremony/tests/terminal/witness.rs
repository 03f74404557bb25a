//! Witnesses sign a rehearsal, one of them by a key under a passphrase.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ca_core::algorithm::Algorithm;
use ca_core::key::{self, KeyDerivation, PrivateKey};
use ca_core::pem::{self, Label};
use interop::issue::rng;

use crate::person::Person;

const ANSWERS: &str = "
version: 1
definition: root.yaml
operator: Olga
witnesses: [Wim, Wanda]
reason: a test
entropy: 3 1 4 1 5
present: [Ana, Ben]
";

fn definition(keys: [&PrivateKey; 2]) -> String {
    let [wim, wanda] = keys.map(|key| {
        let pem = pem::encode(Label::PublicKey, key.public_key().spki_der());
        pem.trim_end().replace('\n', "\n      ")
    });
    format!(
        "version: 1\ntitle: Signed by its witnesses\nat: 2026-12-01T09:00:00Z\n\
         custody: {{threshold: 2, custodians: [Ana, Ben]}}\n\
         witnesses:\n  - name: Wim\n    key: |\n      {wim}\n  - name: Wanda\n    key: |\n      {wanda}\n\
         keys:\n  - {{name: root, algorithm: P-256}}\n\
         make:\n  - root: {{name: root, key: root, subject: \"CN=Signed,O=Example\"}}\n"
    )
}

fn ceremony(place: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_espalier-ceremony"));
    command.current_dir(place).args(arguments.split_whitespace()).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn witnesses_sign_the_head_and_the_report_says_who_did() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let run = |arguments: &str| ceremony(place.path(), arguments);
    let done = |arguments: &str| {
        let run = run(arguments);
        assert!(run.status.success(), "{arguments}: {}", text(&run.stderr));
        text(&run.stdout)
    };
    let generated = |algorithm: &str| {
        PrivateKey::generate(Algorithm::named(algorithm).unwrap(), &mut rng()).unwrap()
    };
    let (wim, wanda) = (generated("p256"), generated("ml-dsa-65"));
    fs::write(path("root.yaml"), definition([&wim, &wanda])).unwrap();
    fs::write(path("answers.yaml"), ANSWERS).unwrap();
    let plain = wim.to_pkcs8_der().unwrap();
    fs::write(path("wim.key"), pem::encode_secret(Label::PrivateKey, &plain)).unwrap();
    let plain = wanda.to_pkcs8_der().unwrap();
    let sealed = key::encrypt(&plain, b"correct horse", KeyDerivation::Scrypt, &mut rng()).unwrap();
    fs::write(path("wanda.key"), pem::encode(Label::EncryptedPrivateKey, &sealed)).unwrap();
    let report = done("rehearse --answers answers.yaml --folder made");
    let words = report.split_whitespace();
    let head = words.skip_while(|word| *word != "head").nth(1).unwrap().to_owned();
    assert!(report.contains("not signed   by Wim: any of it\n"), "{report}");

    done(&format!("witness sign --key wim.key --head {head} --out wim.json"));
    // Wanda's key has a passphrase, and she types in the words of her paper.
    let spoken = head.parse::<ceremony::digest::Digest>().unwrap().spoken();
    let (key, out) = (path("wanda.key"), path("wanda.json"));
    let sign = |passphrase: &str| {
        let command = format!(
            "witness sign --key {} --head '{spoken}' --out {}",
            key.display(),
            out.display()
        );
        let mut person = Person::sits_down(&command);
        person.sees("Passphrase of ");
        person.types(passphrase);
        person.leaves()
    };
    let (code, screen) = sign("correct hors");
    assert_eq!(code, Some(2), "{screen}");
    assert!(screen.contains("wanda.key: ") && !screen.contains("hors"), "{screen}");
    let (code, screen) = sign("correct horse");
    assert_eq!(code, Some(0), "{screen}");

    let told = done("witness add made wim.json wanda.json");
    assert!(told.contains("wim.json: signed by Wim, to line "), "{told}");
    let verified = done(&format!("verify-transcript made --head {head}"));
    let key = |key: &PrivateKey| ceremony::digest::Digest::of(key.public_key().spki_der());
    let expected = format!(
        "signed by    Wim\n             {}\nsigned by    Wanda\n             {}\n",
        key(&wim),
        key(&wanda)
    );
    assert!(verified.ends_with(&expected), "{verified}");
    done(&format!("report made --head {head} --out report.html"));
    let page = fs::read_to_string(path("report.html")).unwrap();
    assert!(page.contains("<li>“Wanda” signed the head; key "), "{page}");
    let markdown = done(&format!("report made --head {head}"));
    assert!(markdown.starts_with("# Signed by its witnesses\n\n**A rehearsal"), "{markdown}");

    // One octet of a signature, a file that is none, another head.
    let refused = |arguments: &str, words: &str| {
        let run = run(arguments);
        let told = text(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{told}");
        assert!(told.contains(words), "no {words:?} in {told}");
    };
    let verify = format!("verify-transcript made --head {head}");
    for entry in fs::read_dir(path("made/signatures")).unwrap() {
        let file = entry.unwrap().path();
        let octets = fs::read(&file).unwrap();
        let mut changed = octets.clone();
        changed[octets.len() / 2] ^= 1;
        fs::write(&file, changed).unwrap();
        refused(&verify, file.file_name().unwrap().to_str().unwrap());
        fs::write(&file, octets).unwrap();
    }
    fs::write(path("made/signatures/note"), "x").unwrap();
    refused(&verify, "signatures/note: found another file");
    fs::remove_file(path("made/signatures/note")).unwrap();
    refused(
        &format!("report made --head 0{} --out other.html", &head[1..]),
        "head of the transcript",
    );
    assert!(!path("other.html").exists());
    done(&format!("witness sign --key wim.key --head {:064} --out other.json", 1));
    refused(
        "witness add made other.json",
        "other.json: signature: found one by another key or over something else",
    );
    let locked = fs::File::create(path("made/.lock")).unwrap();
    locked.lock().unwrap();
    let busy = run("witness add made wim.json");
    assert_eq!(busy.status.code(), Some(3), "{}", text(&busy.stderr));
    drop(locked);
    let none = run("witness sign --key wim.json --head 12");
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("allowed are the 64 hexadecimal digits"));
}
