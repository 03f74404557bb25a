//! Help, completions, usage errors, logging and the table of algorithms.

use crate::workbench::Workbench;

/// The commands that `--help` lists below `line`.
fn listed(bench: &Workbench, line: &str) -> Vec<String> {
    let run = bench.run(&format!("{line} --help")).done();
    let text = run.stdout();
    assert!(text.contains("Example"), "`{line} --help` has no example:\n{text}");
    let Some((_, commands)) = text.split_once("\nCommands:\n") else { return Vec::new() };
    // A name is indented by two; what goes on below it, by more.
    let rows = commands.lines().take_while(|row| !row.is_empty());
    let names = rows.filter_map(|row| row.strip_prefix("  ").filter(|row| !row.starts_with(' ')));
    names.filter_map(|row| row.split(' ').next()).map(|it| format!("{line} {it}")).collect()
}

#[test]
fn every_help_has_an_example() {
    let bench = Workbench::new();
    let mut waiting = vec![String::new()];
    let mut seen = 0;
    while let Some(line) = waiting.pop() {
        seen += 1;
        waiting.extend(listed(&bench, &line));
    }
    assert!(seen >= 10, "only {seen} commands were found");
}

#[test]
fn the_exit_codes_are_documented() {
    let run = Workbench::new().run("--help").done();
    assert!(run.stdout().contains("Exit codes:\n  0  done"));
}

#[test]
fn usage_errors_are_exit_code_2() {
    let bench = Workbench::new();
    for line in ["", "nonsense", "verify x.pem", "algorithms --family quantum", "key generate"] {
        assert_eq!(bench.run(line).code, 2, "{line}");
    }
    let run = bench.run("key generate --algorithm p257 --no-passphrase");
    run.fails(2, &["\"p257\"", "espalier algorithms"]);
    bench.run("algorithms --log-level =x=").fails(2, &["--log-level"]);
}

#[test]
fn algorithms_are_listed_and_filtered() {
    let bench = Workbench::new();
    let all = bench.run("algorithms --json").done().json();
    let rows = all.as_array().unwrap();
    assert_eq!(rows.len(), 10 + 3 + 12 + 18 + 3);
    let default = rows.iter().find(|row| row["oid"] == "1.3.6.1.5.5.7.6.45").unwrap();
    assert_eq!(default["name"], "MLDSA65-ECDSA-P256-SHA512");
    assert_eq!(default["nist_level"], 3);
    assert_eq!(default["public_key_bytes"], 1952 + 65);
    assert!(default["aliases"].as_array().unwrap().contains(&"hybrid".into()));

    let pure = bench.run("algorithms --family post-quantum").done();
    let lines: Vec<&str> = pure.stdout().lines().collect();
    assert_eq!(lines.len(), 1 + 3 + 12, "{lines:?}");
    assert!(lines[4].contains("SLH-DSA-SHA2-128s") && lines[4].contains("sphincs+"), "{lines:?}");
    assert!(lines[2].contains("ML-DSA-65") && lines[2].contains("dilithium3"), "{lines:?}");
    // What can't sign has a table of its own, and no signature in JSON.
    let kem = bench.run("algorithms --family key-establishment").done();
    assert!(kem.stdout().trim_start().starts_with("Key establishment"), "{}", kem.stdout());
    assert!(kem.stdout().contains("kyber768"), "{}", kem.stdout());
    let kem = rows.iter().find(|row| row["name"] == "ML-KEM-768").unwrap();
    assert_eq!(
        (kem["signature_bytes"].as_u64(), kem["ciphertext_bytes"].as_u64()),
        (None, Some(1088))
    );
}

#[test]
fn completions_name_the_commands() {
    let bench = Workbench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = bench.run(&format!("completions {shell}")).done();
        assert!(run.stdout().contains("generate"), "{shell}");
    }
    assert_eq!(bench.run("completions cobol").code, 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let bench = Workbench::new();
    let mut command = bench.command();
    let mut child =
        command.arg("algorithms").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
