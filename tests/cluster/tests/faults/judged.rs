//! A request that is approved and denied. cert-manager's webhook refuses that, so it is taken away.

use serde_json::{Value, json};
use test_cluster::Issuer;

use crate::{all_issued, bare, csr, ready, stand, told, uid};

const WEBHOOKS: &str = "validatingwebhookconfigurations";

#[test]
fn a_request_that_is_approved_and_denied_is_denied() {
    let Some(stand) = stand() else { return };
    stand.credentials_of_cluster_issuers();
    let shop = ready(&stand, "both");
    let csr = csr(&shop);
    let kind = "PQClusterIssuer";
    let kubectl = || stand.cluster.kubectl();
    let hooks = kubectl().run(&["get", WEBHOOKS, "--output=json"]).json();
    kubectl().run(&["delete", WEBHOOKS, "--all"]).ok();
    // Without the webhook cert-manager's approver approves whatever comes, so their issuer comes later.
    for name in ["both", "approved"] {
        shop.apply(&bare(name, &csr, kind, "both"));
        shop.wait(&format!("certificaterequest/{name}"), "condition=Approved");
    }
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "ByHand", "message": "judged by hand",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let both = ["Approved", "Denied"].map(condition);
    let patch = json!({ "status": { "conditions": both } }).to_string();
    let object = "certificaterequest/both";
    let words = ["patch", object, "--subresource=status", "--type=merge", "--patch", &patch];
    shop.kubectl().run(&words).ok();
    shop.apply(&stand.issuer(&Issuer { kind, ..Issuer::by_token("both", "composite") }));
    shop.wait("certificaterequest/approved", "condition=Ready");
    shop.wait("certificaterequest/both", "jsonpath={.status.failureTime}");
    let (ready, message) = told(&shop, "certificaterequest/both");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Denied")));
    shop.event("certificaterequest/both", &message);
    assert_eq!(shop.get("certificaterequest/both")["status"]["certificate"], Value::Null);
    let issued = all_issued(&stand.server);
    assert!(!issued.contains(&uid(&shop, "certificaterequest/both")));
    assert!(issued.contains(&uid(&shop, "certificaterequest/approved")));
    for mut hook in hooks["items"].as_array().unwrap().clone() {
        let name = hook["metadata"]["name"].clone();
        let labels = hook["metadata"]["labels"].clone();
        let annotations = hook["metadata"]["annotations"].clone();
        hook["metadata"] = json!({ "name": name, "labels": labels, "annotations": annotations });
        kubectl().run_on(&["create", "-f", "-"], &hook.to_string()).ok();
    }
}
