//! Certificates on their way by pictures: shown by the program, read by somebody else's decoder (zbar), and
//! received by the program again.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ca_core::algorithm::Algorithm;
use ca_core::pem::{self, Label};
use interop::issue::Authority;
use interop::peers::{absent, tried};

fn transfer(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_espalier-ceremony"))
        .arg("transfer")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It stops reading once it has all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// What zbar reads in the pictures of a folder, a line for each; `None` without zbar.
fn decoded(folder: &Path) -> Option<Vec<String>> {
    let mut pictures: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pictures.sort();
    let Ok(read) = Command::new("zbarimg").args(["--quiet", "--raw"]).args(&pictures).output()
    else {
        absent("zbarimg: apt-get install zbar-tools");
        return None;
    };
    let lines: Vec<String> = text(&read.stdout).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), pictures.len(), "{}", text(&read.stderr));
    Some(lines)
}

#[test]
fn a_certificate_travels_by_pictures_that_another_decoder_reads() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    // A small one, the 9 kB that a large composite has, and one that is larger still.
    for (algorithm, least, size) in [
        ("p256", 400, None),
        ("MLDSA87-RSA4096-PSS-SHA512", 7_000, None),
        ("MLDSA87-RSA4096-PSS-SHA512", 7_000, Some("40")),
        ("slh-dsa-sha2-128f", 17_000, Some("10")),
    ] {
        let name = format!("{algorithm}-{}", size.unwrap_or("default"));
        let certificate = Authority::root(Algorithm::named(algorithm).unwrap(), None).certificate;
        assert!(certificate.der().len() > least, "{name}: {} octets", certificate.der().len());
        let (file, folder, out) = (path(&name), path(&format!("{name}.d")), path("out.pem"));
        let pem = pem::encode(Label::Certificate, certificate.der());
        fs::write(&file, &pem).unwrap();
        let mut words = vec!["show", file.as_str(), "--png", &folder];
        words.extend(size.iter().flat_map(|size| ["--size", size]));
        let shown = transfer(&words, "");
        assert!(shown.status.success(), "{}", text(&shown.stderr));
        let Some(lines) = decoded(Path::new(&folder)) else { return };
        let read = transfer(&["read", &out], &lines.join("\n"));
        assert!(read.status.success(), "{}", text(&read.stderr));
        assert_eq!(fs::read_to_string(&out).unwrap(), pem, "{name}");
        // Both sides are told the same to compare.
        let told = text(&shown.stdout);
        let (_, told) = told.split_once('\n').unwrap();
        assert_eq!(text(&read.stdout), told);
        assert!(told.contains("certificate of CN=Espalier Interop Root"), "{told}");
        fs::remove_file(&out).unwrap();
        tried("zbar", &format!("QR codes of a {algorithm} certificate"), "read");

        // The twin: one octet of one picture is another, and what is told is as well, or it is refused.
        let mut wrong = lines.clone();
        let line = wrong.last_mut().unwrap();
        let at = line.len() - 10;
        let other = if &line[at..=at] == "A" { "B" } else { "A" };
        line.replace_range(at..=at, other);
        let refused = transfer(&["read", &out], &wrong.join("\n"));
        assert_ne!(text(&refused.stdout), told);
        let _ = fs::remove_file(&out);
    }
}

#[test]
fn what_is_missing_foreign_or_already_there_is_named() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let (out, there) = (path("out.pem"), path("there.pem"));
    fs::write(&there, "").unwrap();
    let key = pem::encode(Label::PrivateKey, &[0x30, 0x03, 0x02, 0x01, 0x00]);
    fs::write(path("key.pem"), key).unwrap();
    for (arguments, input, code, words) in [
        (["read", &out], "B$2B0301MZXW6YTB\nhttps://example.com/\n", 1, "missing are 1, 3 of 3"),
        (["read", &out], "https://example.com/\n", 1, "found none of `transfer show`"),
        (["read", &out], "B$2B0100MZXW6YTB\n", 2, "object: found something else, allowed are"),
        (["read", &there], "", 2, "there.pem: entity already exists"),
        (
            ["read", &out],
            "B$2B0301MZXW6YTB\nB$2B0201MZXW6YTB\n",
            1,
            "picture 2: found one of another",
        ),
        (["read", &path("no/out.pem")], "", 2, "/no: entity not found"),
        (["show", &path("key.pem")], "", 2, "object: found PRIVATE KEY, allowed are"),
        (["show", &path("none.pem")], "", 2, "none.pem: No such file"),
    ] {
        let refused = transfer(&arguments, input);
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{told}");
        assert!(told.contains(words), "no {words:?} in {told}");
        assert!(!Path::new(&out).exists());
    }
}
