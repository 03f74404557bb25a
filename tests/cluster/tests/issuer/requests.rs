//! Single requests: what is denied, what asks for too much, and what is nobody's business.

use std::time::Duration;

use serde_json::{Value, json};
use test_cluster::{Issuer, Namespace, Pair, Record, SYSTEM, Said, Stand, Wanted};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";

fn annotated(spec: &str, profile: &str) -> String {
    let wanted = Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec }.manifest();
    let named = "metadata: {name: web}";
    let annotations =
        format!("metadata: {{name: web, annotations: {{espalier.dev/profile: {profile}}}}}");
    wanted.replace(named, &annotations)
}

#[test]
fn a_request_may_choose_a_profile_that_the_issuer_allows() {
    let Some(stand) = Stand::shared() else { return };
    for (profile, usage) in [("tls-client", "client-auth"), ("tls-server", "server-auth")] {
        let shop = stand.namespace("profiles");
        shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
        shop.apply(&annotated(&format!("{SPEC}\nusages: [{}]", usage.replace('-', " ")), profile));
        shop.wait("certificate/web", "condition=Ready");
        let pair = Pair::of(&shop, "web");
        let verified = |usage: &str| {
            pair.verified(&stand.server, "composite", &format!("--usage {usage}")).code
        };
        assert_eq!(verified(usage), Some(0));
        let other = if usage == "client-auth" { "server-auth" } else { "client-auth" };
        assert_eq!(verified(other), Some(1));
    }
}

/// cert-manager asks for key encipherment unless it is told otherwise.
#[test]
fn a_usage_that_the_key_cant_have_is_left_out_and_an_event_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("encipherment");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let issuer = ("PQIssuer", "issuer");
    let rsa = SPEC.replace("ECDSA, size: 256", "RSA, size: 2048");
    for (name, spec) in [("curve", SPEC), ("rsa", rsa.as_str())] {
        shop.apply(&Wanted { name, issuer, spec }.manifest());
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
    }
    let dropped = "keyUsage: dropped key_encipherment, which a key of ";
    shop.event(&shop.request_of("curve"), dropped);
    let has = |name: &str| {
        let request = shop.get(&shop.request_of(name));
        let uid = request["metadata"]["uid"].clone();
        let events = shop.list("events.events.k8s.io");
        let mut of_request = events.iter().filter(|event| event["regarding"]["uid"] == uid);
        of_request.any(|event| event["note"].as_str().is_some_and(|note| note.contains(dropped)))
    };
    assert_eq!((has("curve"), has("rsa")), (true, false));
}

/// A Secret with `ca.crt` is what most want: it is there otherwise, as the tests of authorities find.
#[test]
fn a_request_is_told_no_root_where_its_issuer_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("no-root");
    let issuer = stand.issuer(&Issuer::by_token("issuer", "composite"));
    shop.apply(&issuer.replace("\n  authority:", "\n  caInStatus: false\n  authority:"));
    shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec: SPEC }.manifest());
    shop.wait("certificate/web", "condition=Ready");
    let pair = Pair::of(&shop, "web");
    assert_eq!((pair.root.as_str(), pair.length()), ("", 2));
    assert_eq!(shop.get(&shop.request_of("web"))["status"]["ca"], Value::Null);
}

#[test]
fn a_request_for_another_profile_fails_and_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("no-profile");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    shop.apply(&annotated(SPEC, "code-signing"));
    failed(&shop, &["code-signing", "tls-client"]);
}

#[test]
fn a_request_beyond_the_profile_fails_and_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("too-long");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let spec = format!("{SPEC}\nduration: 17520h");
    shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec: &spec }.manifest());
    failed(&shop, &["validity"]);
}

/// Its approver saw purposes that the certificate would not have, and the other way round.
#[test]
fn a_request_for_other_purposes_than_the_profile_gives_fails_and_says_so() {
    let Some(stand) = Stand::shared() else { return };
    for usages in ["client auth", "server auth, client auth"] {
        let shop = stand.namespace("purposes");
        shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
        let spec = format!("{SPEC}\nusages: [digital signature, {usages}]");
        shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec: &spec }.manifest());
        failed(&shop, &["spec.usages: found \"client auth\"", "tls-server: server_auth"]);
    }
}

#[test]
fn a_request_for_an_authority_fails_and_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("authority");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let spec = format!("{SPEC}\nisCA: true");
    shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec: &spec }.manifest());
    failed(&shop, &["spec.isCA: found true", "tls-server"]);
    // The profile's kind tells before anything is issued that nobody would get.
    let request = shop.get(&shop.request_of("web"));
    let uid = request["metadata"]["uid"].as_str().unwrap();
    let export = stand.server.run("ledger export");
    assert_eq!(export.code, Some(0), "{}", export.text);
    let records = Record::all(&export.text);
    assert!(records.iter().all(|record| record.uid() != Some(uid)), "recorded: {uid}");
}

/// The request of the Certificate `web` failed for good, with a time and words, and no certificate.
fn failed(shop: &Namespace<'_>, words: &[&str]) {
    let request = shop.request_of("web");
    shop.wait(&request, "jsonpath={.status.failureTime}");
    let ready = shop.condition(&request, "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Failed")));
    let message = ready["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message}");
    }
    assert_eq!(shop.get(&request)["status"]["certificate"], Value::Null);
    assert!(shop.kubectl().run(&["get", "secret/web"]).refusal().contains("NotFound"));
    // Whoever looks at the object sees the same, in the last screen of what is told of it.
    shop.event(&request, message);
    let described = shop.kubectl().run(&["describe", &request]).ok();
    let (object, events) = described.split_once("\nEvents:\n").unwrap();
    let last: Vec<&str> = object.lines().rev().take(24).collect();
    assert!(last.iter().any(|line| line.contains(message)), "condition: {described}");
    assert!(events.contains(message), "event: {described}");
}

/// A request that no Certificate stands behind, so that nobody but us acts on it.
fn bare(name: &str, csr: &str, issuer: &str) -> String {
    format!(
        "{{apiVersion: cert-manager.io/v1, kind: CertificateRequest, metadata: {{name: {name}}}, spec: {{request: {csr}, \
         issuerRef: {issuer}}}}}"
    )
}

/// A CSR, as a Certificate of cert-manager makes it, in Base64.
fn csr(shop: &Namespace<'_>) -> String {
    shop.apply(&Wanted { name: "source", issuer: ("PQIssuer", "issuer"), spec: SPEC }.manifest());
    shop.wait("certificate/source", "condition=Ready");
    let request = shop.get(&shop.request_of("source"));
    request["spec"]["request"].as_str().unwrap().to_owned()
}

/// cert-manager's approver has no right for this issuer: its requests are judged by hand.
#[test]
fn a_request_gets_what_its_approver_says() {
    let Some(stand) = Stand::shared() else { return };
    stand.credentials_of_cluster_issuers();
    let shop = stand.namespace("judged");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let (kind, issuer) =
        ("PQClusterIssuer", "{group: espalier.dev, kind: PQClusterIssuer, name: judged}");
    shop.apply(&stand.issuer(&Issuer { kind, ..Issuer::by_token("judged", "composite") }));
    shop.wait("pqclusterissuer/judged", "condition=Ready");
    let csr = csr(&shop);
    for name in ["denied", "approved", "open"] {
        shop.apply(&bare(name, &csr, issuer));
    }
    judge(&shop, "denied", &["Denied"]).ok();
    judge(&shop, "approved", &["Approved"]).ok();
    shop.wait("certificaterequest/approved", "condition=Ready");
    shop.wait("certificaterequest/denied", "jsonpath={.status.failureTime}");
    let ready = shop.condition("certificaterequest/denied", "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Denied")));
    assert_eq!(shop.get("certificaterequest/denied")["status"]["certificate"], Value::Null);
    // Nothing was said about this one, and nothing is said to it; nor can it be both.
    assert_eq!(shop.get("certificaterequest/open")["status"], Value::Null);
    let refusal = judge(&shop, "open", &["Approved", "Denied"]).refusal();
    assert!(refusal.contains("webhook.cert-manager.io"), "{refusal}");
    assert_eq!(shop.condition("certificaterequest/open", "Ready"), Value::Null);
}

/// What `cmctl approve` and `cmctl deny` do.
fn judge(shop: &Namespace<'_>, name: &str, kinds: &[&str]) -> Said {
    let condition = |kind: &&str| {
        json!({
            "type": kind, "status": "True", "reason": "ByHand", "message": "judged by hand",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let conditions: Vec<Value> = kinds.iter().map(condition).collect();
    let patch = json!({ "status": { "conditions": conditions } }).to_string();
    let object = format!("certificaterequest/{name}");
    shop.kubectl().run(&[
        "patch",
        &object,
        "--subresource=status",
        "--type=merge",
        "--patch",
        &patch,
    ])
}

#[test]
fn a_request_for_somebody_else_is_left_alone() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("foreign");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let csr = csr(&shop);
    shop.apply(&bare("kind", &csr, "{group: espalier.dev, kind: Issuer, name: issuer}"));
    shop.apply(&bare("group", &csr, "{group: other.dev, kind: PQIssuer, name: issuer}"));
    shop.apply(&bare("absent", &csr, "{group: espalier.dev, kind: PQIssuer, name: absent}"));
    // This one is ours, and waits for an issuer that may still come.
    shop.wait("certificaterequest/absent", "condition=Ready=False");
    let ready = shop.condition("certificaterequest/absent", "Ready");
    assert_eq!(ready["reason"], "Pending");
    assert!(ready["message"].as_str().unwrap().contains("absent"), "{ready}");
    shop.apply(&stand.issuer(&Issuer::by_token("absent", "catalyst")));
    shop.wait("certificaterequest/absent", "condition=Ready");
    for name in ["kind", "group"] {
        let ours = shop.condition(&format!("certificaterequest/{name}"), "Ready");
        assert_eq!(ours, Value::Null, "{name}");
    }
}

#[test]
fn an_issuer_of_another_namespace_serves_nobody_here() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, other) = (stand.namespace("neighbour"), stand.namespace("neighbour"));
    other.apply(&stand.issuer(&Issuer::by_token("there", "composite")));
    other.wait("pqissuer/there", "condition=Ready");
    shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "there"), spec: SPEC }.manifest());
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    assert_eq!(shop.condition(&request, "Ready")["reason"], "Pending");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(shop.get(&request)["status"]["certificate"], Value::Null);
    assert_ne!(shop.name(), SYSTEM);
}
