//! The configuration: what is missing, double, misspelt or without sense is refused by its name.

use espalier::auth::AuthConfig;

use crate::desk::Desk;
use crate::forge::{Forge, key_set};

const GOOD: &str = r#"
clock_leeway_seconds: 10
oidc:
  - issuer: https://issuer.example.com
    audiences: [espalier]
    jwks_file: keys.json
kubernetes:
  - cluster: prod
    issuer: https://kubernetes.default.svc
    audiences: [espalier]
    verify: jwks
    jwks_file: keys.json
client_certificates:
  - trust: mesh
    anchor_files: [root.pem]
    revocation: none
requesters:
  - rule: ci
    match: { jwt: { issuer: "https://issuer.example.com", subject: "*" } }
    grant: { roles: [requester], authorities: [issuing], profiles: [tls-server], names: ["DNS:*.example.com"] }
  - rule: pods
    match: { service_account: { cluster: prod, namespace: "*", name: "*" } }
    grant: { roles: [requester] }
  - rule: people
    match: { client_certificate: { trust: mesh, names: ["email:*@example.com"] } }
    grant: { roles: [auditor, revoker], authorities: ["*"], profiles: ["*"] }
rate_limits: { requester_per_second: 5 }
"#;

async fn tried(yaml: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_set(&[Forge::p256().jwk("k1")]);
    std::fs::write(folder.path().join("keys.json"), keys).unwrap();
    std::fs::write(folder.path().join("root.pem"), include_str!("root.pem")).unwrap();
    Desk::at(yaml, folder).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn each_slip_is_refused_by_its_name() {
    tried(GOOD).await.unwrap();
    tried("{}").await.unwrap();
    for (from, to, words) in [
        (
            "clock_leeway_seconds: 10",
            "clock_leeway_seconds: 301",
            "auth.clock_leeway_seconds: found 301, allowed: at most 300",
        ),
        (
            "issuer: https://issuer.example.com\n",
            "issuer: http://issuer.example.com\n",
            "auth.oidc[0].issuer: found",
        ),
        (
            "issuer: https://kubernetes.default.svc",
            "issuer: https://issuer.example.com",
            "auth.kubernetes.issuer: found \"https://issuer.example.com\" twice",
        ),
        (
            "audiences: [espalier]\n    jwks_file",
            "audiences: []\n    jwks_file",
            "auth.oidc.audiences: found none",
        ),
        (
            "    jwks_file: keys.json\nkubernetes",
            "    jwks_file: keys.json\n    jwks_url: https://a\nkubernetes",
            "auth.oidc[0].jwks_url: found both",
        ),
        (
            "    jwks_file: keys.json\nkubernetes",
            "    jwks_file: none.json\nkubernetes",
            "auth.oidc[0].jwks_file: ",
        ),
        ("    jwks_file: keys.json\nkubernetes", "    jwks_file: root.pem\nkubernetes", "JWK set"),
        (
            "    jwks_file: keys.json\nkubernetes",
            "    refresh_seconds: 5\nkubernetes",
            "auth.oidc[0].refresh_seconds: found 5",
        ),
        ("verify: jwks", "verify: token-review", "auth.kubernetes[0].jwks_file: found a file"),
        (
            "verify: jwks",
            "verify: jwks\n    review_cache_seconds: 61",
            "auth.kubernetes[0].review_cache_seconds: found 61",
        ),
        (
            "verify: jwks",
            "verify: jwks\n    api_server: http://a",
            "auth.kubernetes[0].api_server: found",
        ),
        ("cluster: prod\n", "cluster: 'a b'\n", "auth.kubernetes[0].cluster: found \"a b\""),
        ("[root.pem]", "[]", "auth.client_certificates[0].anchor_files: found no certificate"),
        ("[root.pem]", "[keys.json]", "auth.client_certificates[0].anchor_files keys.json: "),
        (
            "[root.pem]",
            "[root.pem]\n    authorities: [west]",
            "auth.client_certificates[0].authorities: found \"west\"",
        ),
        (
            "revocation: none",
            "revocation: crl",
            "auth.client_certificates[0].crl_files: found 0 files",
        ),
        (
            "revocation: none",
            "crl_files: [a.crl]",
            "auth.client_certificates[0].crl_files: found 1 files",
        ),
        ("rule: pods", "rule: ci", "auth.requesters[1].rule: found \"ci\" twice"),
        (", subject: \"*\"", "", "auth.requesters[0].match.jwt: found neither subject nor claims"),
        ("subject: \"*\"", "subject: \"a*b\"", "auth.requesters[0].match.jwt.subject: "),
        (
            "subject: \"*\"",
            "claims: { a: [] }",
            "auth.requesters[0].match.jwt.claims.a: found no value",
        ),
        (
            "jwt: { issuer: \"https://issuer.example.com\"",
            "jwt: { issuer: \"https://b\"",
            "auth.requesters[0].match.jwt.issuer: found \"https://b\", allowed: https://issuer.example.com",
        ),
        (
            "cluster: prod, ",
            "cluster: dev, ",
            "auth.requesters[1].match.service_account.cluster: found \"dev\", allowed: prod",
        ),
        (
            "trust: mesh, ",
            "trust: none, ",
            "auth.requesters[2].match.client_certificate.trust: found \"none\"",
        ),
        (
            ", names: [\"email:*@example.com\"]",
            "",
            "auth.requesters[2].match.client_certificate: found no condition",
        ),
        (
            "\"email:*@example.com\"",
            "\"email:x\"",
            "auth.requesters[2].match.client_certificate.names: ",
        ),
        (
            "names: [\"email:*@example.com\"]",
            "fingerprints: [ab]",
            "match.client_certificate.fingerprints: found \"ab\"",
        ),
        ("names: [\"email:*@example.com\"]", "subject: ann", "match.client_certificate.subject: "),
        (
            "match: { service_account",
            "match: { jwt: { issuer: a }, service_account",
            "auth.requesters[1].match: found none or several",
        ),
        (
            "match: { service_account: { cluster: prod, namespace: \"*\", name: \"*\" } }",
            "match: {}",
            "auth.requesters[1].match: found none or several",
        ),
        ("roles: [auditor, revoker]", "roles: []", "auth.requesters[2].grant: roles: found none"),
        ("\"DNS:*.example.com\"", "\"DNS:*\"", "auth.requesters[0].grant: names: name pattern"),
    ] {
        let yaml = GOOD.replacen(from, to, 1);
        assert_ne!(yaml, GOOD, "{from} is not in the sample");
        let error = tried(&yaml).await.unwrap_err();
        assert!(error.contains(words), "{to}: no {words:?} in {error}");
    }
}

#[test]
fn unknown_keys_and_wrong_kinds_are_refused() {
    for (from, to) in [
        ("clock_leeway_seconds", "clock_leeway"),
        ("audiences", "audience"),
        ("cluster: prod\n", "cluster: prod\n    insecure: true\n"),
        ("revocation: none", "revocation: sometimes"),
        ("revocation: none", "policy: strong"),
        ("rule: ci", "name: ci"),
        ("subject: \"*\"", "sub: \"*\""),
        ("roles: [requester]", "roles: [root]"),
        ("requester_per_second: 5", "requester_per_second: 0"),
        ("verify: jwks", "verify: trust-me"),
    ] {
        let yaml = GOOD.replacen(from, to, 1);
        assert_ne!(yaml, GOOD, "{from} is not in the sample");
        assert!(serde_saphyr::from_str::<AuthConfig>(&yaml).is_err(), "{to}");
    }
}
