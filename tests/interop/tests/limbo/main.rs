//! x509-limbo's path-validation cases, judged by ours, by OpenSSL and by rustls-webpki.
//!
//! Ours must judge each as the suite expects, but for the cases listed in `listed.rs` with a
//! reason. A listed case that agrees fails the test as well.

#![allow(clippy::print_stdout)] // the score is what this test tells

mod cases;
mod listed;
mod tools;

use cases::{Case, Expected, Kind};
use listed::LISTED;
use tools::{OpenSsl, Verdict};

/// How often a tool agreed with the suite.
#[derive(Default)]
struct Score {
    agrees: usize,
    accepts_wrongly: usize,
    refuses_wrongly: usize,
    unable: usize,
}

impl Score {
    /// Whether the tool agrees with the suite on this case.
    fn count(&mut self, case: &Case, verdict: &Verdict) -> bool {
        let counter = match (verdict, case.expected_result) {
            (Verdict::Unable, _) => &mut self.unable,
            (Verdict::Accepts, Expected::Success) | (Verdict::Refuses(_), Expected::Failure) => {
                &mut self.agrees
            }
            (Verdict::Accepts, Expected::Failure) => &mut self.accepts_wrongly,
            (Verdict::Refuses(_), Expected::Success) => &mut self.refuses_wrongly,
        };
        *counter += 1;
        match verdict {
            Verdict::Accepts => case.expected_result == Expected::Success,
            Verdict::Refuses(_) => case.expected_result == Expected::Failure,
            Verdict::Unable => true,
        }
    }
}

/// Options of a case that the judges do not look at must not occur.
fn check_inputs(case: &Case) {
    let usage = match case.validation_kind {
        Kind::Server => "serverAuth",
        Kind::Client => "clientAuth",
    };
    assert!(case.extended_key_usage.iter().all(|one| one == usage), "{}", case.id);
    // Both verifiers of ours that look at keyUsage accept digitalSignature for a TLS server.
    assert!(case.key_usage.iter().all(|one| one == "digitalSignature"), "{}", case.id);
    assert!(case.signature_algorithms.is_empty(), "{}", case.id);
}

#[test]
fn every_case_is_judged_as_expected_or_listed_with_a_reason() {
    let Some(suite) = cases::load() else { return };
    let openssl = OpenSsl::find();
    let [mut ours, mut theirs, mut webpki] = [Score::default(), Score::default(), Score::default()];
    let mut wrong = Vec::new();
    let mut seen: Vec<&(&str, &str)> = Vec::new();
    let waits = suite.testcases.iter().filter(|case| case.has("has-crl")).count();
    let judged = suite.testcases.iter().filter(|case| !case.has("has-crl"));
    for case in judged.clone() {
        check_inputs(case);
        let verdict = tools::espalier(case);
        let agrees = ours.count(case, &verdict);
        let listed = LISTED.iter().find(|(id, _)| *id == case.id);
        seen.extend(listed);
        let told = match &verdict {
            Verdict::Refuses(reason) => reason.as_str(),
            _ => "accepted",
        };
        match (agrees, listed) {
            (false, None) => wrong.push(format!("{}: {told}", case.id)),
            (true, Some(_)) => wrong.push(format!("{}: is listed, but agrees: {told}", case.id)),
            _ => {}
        }
        if std::env::var_os("LIMBO_VERBOSE").is_some() {
            println!("{}: {told}", case.id);
        }
        webpki.count(case, &tools::webpki(case));
        if let Some(openssl) = &openssl {
            theirs.count(case, &openssl.judge(case));
        }
    }
    let openssl_name = openssl.map_or("no openssl found".into(), |openssl| openssl.version);
    let columns = [("espalier", &ours), (&openssl_name, &theirs), ("rustls-webpki 0.103", &webpki)];
    print_scores(judged.count(), waits, columns);
    assert_eq!(seen.len(), LISTED.len(), "every listed case is in the suite, once");
    assert!(wrong.is_empty(), "judged otherwise than expected:\n{}", wrong.join("\n"));
}

fn print_scores(judged: usize, waits: usize, columns: [(&str, &Score); 3]) {
    println!("x509-limbo: {judged} path-validation cases, {waits} more wait for CRLs");
    for (name, score) in columns {
        let outcome = format!(
            "{} agree, {} accepted that must fail, {} refused that must pass, {} without the option",
            score.agrees, score.accepts_wrongly, score.refuses_wrongly, score.unable
        );
        interop::peers::tried(
            "vectors: x509-limbo",
            &format!("{judged} cases by {name}"),
            &outcome,
        );
    }
    let row = |title: &str, values: [String; 3]| {
        println!("{title:<26}{:>22}{:>22}{:>22}", values[0], values[1], values[2]);
    };
    let counts = |count: fn(&Score) -> usize| columns.map(|(_, score)| count(score).to_string());
    row("", columns.map(|(name, _)| name.to_owned()));
    row("agrees", counts(|score| score.agrees));
    row("accepts what must fail", counts(|score| score.accepts_wrongly));
    row("refuses what must pass", counts(|score| score.refuses_wrongly));
    row("has no such option", counts(|score| score.unable));
    println!("espalier's disagreements: {}, each listed with its reason:", LISTED.len());
    let mut told = "";
    for (id, reason) in LISTED {
        if *reason != told {
            println!("  {reason}:");
        }
        told = reason;
        println!("    {id}");
    }
}
