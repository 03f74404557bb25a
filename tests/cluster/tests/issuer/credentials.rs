//! As whom an issuer asks: each way, and what is refused.

use serde_json::{Value, json};
use test_cluster::{AUDIENCE, Grant, Issuer, Namespace, Pair, Server, Stand, Wanted};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";

/// Makes an issuer of this authority with this `auth`, and asks it for a certificate of the same name.
fn ask(stand: &Stand, shop: &Namespace<'_>, name: &str, auth: &str) {
    let issuer = Issuer { auth, ..Issuer::by_token(name, "composite") };
    shop.apply(&stand.issuer(&issuer));
    shop.apply(&Wanted { name, issuer: ("PQIssuer", name), spec: SPEC }.manifest());
}

fn is_issued(stand: &Stand, shop: &Namespace<'_>, name: &str) {
    shop.wait(&format!("certificate/{name}"), "condition=Ready");
    let ran = Pair::of(shop, name).verified(&stand.server, "composite", "--policy hybrid");
    assert_eq!(ran.code, Some(0), "{}", ran.text);
}

/// The issuer says why it is not ready, and the request waits for it: nothing is lost once the issuer
/// is mended.
fn is_refused(shop: &Namespace<'_>, name: &str, words: &str) {
    let issuer = format!("pqissuer/{name}");
    shop.wait(&issuer, "condition=Ready=False");
    let ready = shop.condition(&issuer, "Ready");
    let message = ready["message"].as_str().unwrap_or_default();
    assert!(message.contains(words), "{name}: no {words:?} in {ready}");
    let request = shop.request_of(name);
    shop.wait(&request, "condition=Ready=False");
    assert_eq!(shop.condition(&request, "Ready")["reason"], "Pending");
    assert_eq!(shop.get(&request)["status"]["failureTime"], Value::Null);
}

fn account(name: &str) -> String {
    format!("{{serviceAccount: {{name: {name}, audience: \"{AUDIENCE}\"}}}}")
}

/// Whose client certificate may ask the server for everything.
pub(crate) const HOLDER: &str = "controller.test";

/// What a Secret has for a holder of a client certificate of this name.
pub(crate) fn holder(server: &Server, file: &str, host: &str) -> Value {
    server.done(&format!(
        "csr create --algorithm p256 --no-passphrase --subject CN={host} --dns {host} --key-out {file}.key --out {file}.csr"
    ));
    server.done(&format!(
        "issue --authority classical --profile tls-client --csr {file}.csr --out {file}.pem --chain"
    ));
    let read = |end: &str| std::fs::read_to_string(server.file(&format!("{file}.{end}"))).unwrap();
    json!({ "tls.crt": read("pem"), "tls.key": read("key") })
}

pub(crate) fn secret(name: &str, data: &Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data,
    })
    .to_string()
}

#[test]
fn a_service_account_that_may_ask_gets_certificates() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("accounts");
    ask(stand, &shop, "good", &account("requester"));
    is_issued(stand, &shop, "good");
    // The server has no rule for this one.
    shop.apply("{apiVersion: v1, kind: ServiceAccount, metadata: {name: stranger}}");
    ask(stand, &shop, "stranger", &account("stranger"));
    is_refused(&shop, "stranger", "stranger");
    ask(stand, &shop, "absent", &account("absent"));
    is_refused(&shop, "absent", "absent");
    // A token for somebody else's ears.
    let other = "{serviceAccount: {name: requester, audience: \"https://other.tests\"}}";
    ask(stand, &shop, "audience", other);
    is_refused(&shop, "audience", "aud");
}

#[test]
fn a_token_gets_what_it_was_given_for() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("tokens");
    ask(stand, &shop, "good", "{token: {secretRef: {name: token}}}");
    is_issued(stand, &shop, "good");
    let elsewhere = Grant {
        name: "elsewhere",
        authority: "catalyst",
        profile: "*",
        names: "DNS:**.example.com",
    };
    let token = stand.server.token(&elsewhere);
    shop.apply(&secret("elsewhere", &json!({ "token": token })));
    ask(stand, &shop, "elsewhere", "{token: {secretRef: {name: elsewhere}}}");
    is_refused(&shop, "elsewhere", "authority");
    shop.apply(&secret("wrong", &json!({ "token": "espalier_wrong" })));
    ask(stand, &shop, "wrong", "{token: {secretRef: {name: wrong}}}");
    is_refused(&shop, "wrong", "token");
    ask(stand, &shop, "entry", "{token: {secretRef: {name: token}, key: other}}");
    is_refused(&shop, "entry", "other");
    ask(stand, &shop, "absent", "{token: {secretRef: {name: absent}}}");
    is_refused(&shop, "absent", "absent");
    // Mended, the issuer is ready by itself, and the request that waited is served.
    shop.apply(&secret("absent", &json!({ "token": stand.token })));
    is_issued(stand, &shop, "absent");
}

#[test]
fn a_client_certificate_gets_what_its_holder_may_have() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("holders");
    for (name, host) in [("good", HOLDER), ("stranger", "stranger.test")] {
        shop.apply(&secret(name, &holder(&stand.server, name, host)));
        ask(stand, &shop, name, &format!("{{clientCertificate: {{secretRef: {{name: {name}}}}}}}"));
    }
    is_issued(stand, &shop, "good");
    is_refused(&shop, "stranger", "requester: found cert:");
}

#[test]
fn a_server_that_another_authority_vouches_for_is_told_nothing() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("trust");
    let right = stand.server.bundle("classical-root");
    let wrong = stand.server.bundle("catalyst-root");
    let manifest = stand.issuer(&Issuer::by_token("wrong", "composite"));
    shop.apply(&manifest.replace(&right, &wrong));
    shop.apply(&Wanted { name: "wrong", issuer: ("PQIssuer", "wrong"), spec: SPEC }.manifest());
    is_refused(&shop, "wrong", "certificate");
    shop.apply(&manifest);
    is_issued(stand, &shop, "wrong");
    // The same certificates from an object.
    for (kind, field) in [("Secret", "stringData"), ("ConfigMap", "data")] {
        let name = kind.to_lowercase();
        let bundle = json!({
            "apiVersion": "v1", "kind": kind, "metadata": { "name": format!("bundle-{name}") },
            field: { "ca.crt": stand.server.certificate("classical-root") },
        });
        shop.apply(&bundle.to_string());
        let issuer = stand.issuer(&Issuer::by_token(&name, "composite"));
        let reference = format!("caBundleRef: {{kind: {kind}, name: bundle-{name}}}");
        shop.apply(&issuer.replace(&format!("caBundle: {right}"), &reference));
        let issuer = ("PQIssuer", name.as_str());
        shop.apply(&Wanted { name: &name, issuer, spec: SPEC }.manifest());
        is_issued(stand, &shop, &name);
    }
}

#[test]
fn an_issuer_that_contradicts_itself_is_refused_by_the_api_server() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("rules");
    let good = stand.issuer(&Issuer::by_token("issuer", "composite"));
    let bundle = format!("caBundle: {}", stand.server.bundle("classical-root"));
    for (from, to, words) in [
        ("auth: {token", "auth: {serviceAccount: {name: a}, token", "exactly one of"),
        ("auth: {token: {secretRef: {name: token}}}", "auth: {}", "exactly one of"),
        (bundle.as_str(), &format!("{bundle}, caBundleRef: {{kind: Secret, name: a}}"), "not both"),
        ("https://127", "http://ca.example.com/", "spec.server.url"),
        ("authority: composite", "authority: \"\"", "spec.authority"),
        ("authority: composite", "authorities: composite", "authorities"),
        ("[tls-client, tls-peer]", "[tls-client, \"\"]", "allowed are names of 1 to 64 characters"),
        ("tls-peer]", &format!("{}]", "p".repeat(65)), "spec.allowedProfiles[1]"),
        ("profile: tls-server", "profile: \"\"", "spec.profile"),
    ] {
        let refusal = shop.refused(&good.replace(from, to));
        assert!(refusal.contains(words), "{to}: no {words:?} in {refusal}");
    }
    shop.apply(&good);
}
