//! Lints that a profile raises or lowers.

use super::*;

fn with(lints: &str) -> Result<Profile, String> {
    let text = include_str!("../../../profiles/tls-server.yaml");
    Profile::from_yaml(&format!("{text}lints:\n{lints}")).map_err(|error| error.to_string())
}

fn planned(profile: &Profile) -> Plan {
    let mut request = server("ed25519");
    request.names = names(&["other.localhost"]);
    plan(profile, request, root().identity(), serial(), now()).unwrap()
}

#[test]
fn a_raised_lint_stops_the_certificate_and_says_why() {
    let by_itself = lint(planned(profile("tls-server"))).unwrap();
    let [finding] = by_itself.findings() else { panic!("{:?}", by_itself.findings()) };
    assert_eq!((finding.id, finding.severity), ("common_name_among_names", Severity::Notice));
    let strict = with(
        "  - {id: common_name_among_names, severity: error, reason: Old clients read the CN.}\n",
    );
    let error = lint(planned(&strict.unwrap())).unwrap_err().to_string();
    assert!(error.contains("error common_name_among_names"), "{error}");
    assert!(error.contains("[notice by itself, changed by the profile: Old clients read the CN.]"));
}

#[test]
fn a_lowered_lint_lets_it_through_and_stays_with_the_findings() {
    let mut weak = leaf_with(examples::rsa(moduli::NORMAL, &[3]));
    assert!(lint(weak.clone()).is_err());
    let lenient =
        with("  - {id: rsa_exponent_not_small, severity: notice, reason: A fixed chip.}\n");
    weak.lints = lenient.unwrap().lints().clone();
    let linted = lint(weak).unwrap();
    let [finding] = linted.findings() else { panic!("{:?}", linted.findings()) };
    assert_eq!((finding.id, finding.severity), ("rsa_exponent_not_small", Severity::Notice));
    assert_eq!(finding.changed.as_ref().unwrap().reason, "A fixed chip.");
    assert_eq!(finding.changed.as_ref().unwrap().from, Severity::Error);
}

#[test]
fn what_a_profile_must_not_say_is_refused() {
    for (lints, wanted) in [
        ("{id: rsa_not_rocca, severity: error, reason: a}", "found \"rsa_not_rocca\", allowed are"),
        (
            "{id: list_is_small, severity: error, reason: a}",
            "allowed are the lints of certificates",
        ),
        ("{id: email_not_in_subject, severity: off, reason: a}", "found severity \"off\""),
        ("{id: email_not_in_subject, severity: error, reason: ' '}", "found a reason of 0 octets"),
        ("{id: email_not_in_subject, severity: error}", "missing field"),
        ("{id: rsa_not_roca, severity: warning, reason: a}", "allowed is only error"),
        ("{id: alternative_key_protected, severity: notice, reason: a}", "allowed is only error"),
        ("{id: alternative_of_two_families, severity: notice, reason: a}", "allowed is only error"),
    ] {
        let error = with(&format!("  - {lints}\n")).unwrap_err();
        assert!(error.contains(wanted), "{lints}: {error}");
    }
    let one = "  - {id: email_not_in_subject, severity: error, reason: a}\n";
    let error = with(&one.repeat(2)).unwrap_err();
    assert!(error.contains("found email_not_in_subject twice"), "{error}");
    let long =
        format!("  - {{id: email_not_in_subject, severity: error, reason: {}}}\n", "a".repeat(501));
    assert!(with(&long).unwrap_err().contains("501 octets"));
    // A fixed lint may be named with the severity that it has.
    with("  - {id: rsa_not_roca, severity: error, reason: a}\n").unwrap();
}
