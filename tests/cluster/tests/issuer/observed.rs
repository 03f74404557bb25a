//! What whoever runs the issuer program sees of it: health, metrics and logs.

use serde_json::{Value, json};
use test_cluster::{Issuer, Namespace, Stand, Wanted, found};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";

/// A namespace in which one request got its certificate and one was refused.
fn shop(stand: &'static Stand) -> Namespace<'static> {
    let shop = stand.namespace("observed");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let issuer = ("PQIssuer", "issuer");
    let too_long = format!("{SPEC}\nduration: 17520h");
    shop.apply(&Wanted { name: "web", issuer, spec: SPEC }.manifest());
    shop.apply(&Wanted { name: "long", issuer, spec: &too_long }.manifest());
    shop.wait("certificate/web", "condition=Ready");
    shop.wait(&shop.request_of("long"), "jsonpath={.status.failureTime}");
    shop
}

/// The value of a metric, written as its line has it.
fn value(metrics: &str, metric: &str) -> Option<f64> {
    let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    lines.next()?.parse().ok()
}

#[test]
fn its_metrics_count_what_became_of_the_requests_of_each_issuer() {
    let Some(stand) = Stand::shared() else { return };
    let shop = shop(stand);
    assert_eq!(stand.controllers.answers("/healthz"), (200, "ok\n".into()));
    assert_eq!(stand.controllers.answers("/readyz"), (200, "working\n".into()));
    let namespace = shop.name();
    let requests = |metrics: &str, outcome: &str| {
        let labels = [
            r#"controller="certificate-requests",kind="PQIssuer""#,
            &format!(r#"namespace="{namespace}",issuer="issuer",outcome="{outcome}""#),
        ];
        value(metrics, &format!("espalier_issuer_requests_total{{{}}}", labels.join(",")))
    };
    let policy = json!({
        "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
        "metadata": { "name": namespace },
        "spec": {
            "algorithms": ["dilithium3"], "enforcement": "Audit",
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
        },
    });
    shop.apply(&policy.to_string());
    let adopted =
        format!(r#"espalier_issuer_policy_certificates{{policy="{namespace}",state="adopted"}}"#);
    // It counts what it has done, and the request shows it a moment before.
    let counted = || {
        let (status, metrics) = stand.controllers.answers("/metrics");
        assert_eq!(status, 200);
        let done = ["issued", "refused"].map(|outcome| requests(&metrics, outcome).is_some());
        (done == [true; 2] && value(&metrics, &adopted) == Some(1.0)).then_some(metrics)
    };
    let metrics = found(counted, || stand.controllers.answers("/metrics").1);
    let requests = |outcome: &str| requests(&metrics, outcome);
    assert_eq!((requests("issued"), requests("refused")), (Some(1.0), Some(1.0)), "{metrics}");
    assert_eq!((requests("bad-request"), requests("gave-up")), (None, None), "{metrics}");
    assert_eq!(value(&metrics, "espalier_issuer_leader"), Some(1.0));
    let at_least_one = [
        r#"espalier_issuer_reconcile_duration_seconds_count{controller="certificate-requests"}"#,
        r#"espalier_issuer_reconcile_duration_seconds_count{controller="issuers"}"#,
        "espalier_issuer_approval_to_issued_seconds_count",
        r#"espalier_issuer_issuers{state="ready"}"#,
    ];
    for metric in at_least_one {
        assert!(value(&metrics, metric).is_some_and(|value| value >= 1.0), "{metric}: {metrics}");
    }
    // The guide names each of them and no other.
    let guide = include_str!("../../../../docs/kubernetes.md");
    let mut named: Vec<&str> =
        guide.split('`').filter(|word| word.starts_with("espalier_issuer_")).collect();
    let kinds = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut served: Vec<String> = kinds
        .filter_map(|line| {
            let (name, kind) = line.split_once(' ')?;
            Some(if kind == "counter" { format!("{name}_total") } else { name.to_owned() })
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    served.sort_unstable();
    assert_eq!(named, served);
}

#[test]
fn its_log_is_json_and_has_no_credential() {
    let Some(stand) = Stand::shared() else { return };
    let shop = shop(stand);
    let log = stand.controllers.running().log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        for field in ["timestamp", "level", "target"] {
            assert!(line[field].is_string(), "{line}");
        }
    }
    let of_shop = lines.iter().filter(|line| line.to_string().contains(shop.name()));
    assert!(of_shop.count() > 0, "nothing was logged of requests that were answered");
    assert!(!log.contains(&stand.token) && !log.contains("PRIVATE KEY"));
    // What service accounts are asked as, and client certificates.
    assert!(!log.contains("eyJ") && !log.contains("BEGIN CERTIFICATE"), "{log}");
}
