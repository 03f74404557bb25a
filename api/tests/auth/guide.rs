//! docs/access.md: the configuration that it shows is accepted, and its rules do what it says.

use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use espalier::auth::{Asked, AuthConfig};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::forge::{Forge, NOW, key_set};
use crate::stub::Stub;

/// The text below `auth:` of the guide's configuration.
fn configuration() -> String {
    let guide = include_str!("../../../docs/access.md");
    let (_, rest) = guide.split_once("```yaml\nauth:\n").unwrap();
    rest.split_once("```")
        .unwrap()
        .0
        .lines()
        .map(|line| {
            let indented = line.strip_prefix("  ").unwrap_or(line);
            format!("{indented}\n")
        })
        .collect()
}

#[tokio::test]
async fn the_configuration_of_the_guide_does_what_it_says() {
    let yaml = configuration();
    let config: AuthConfig = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!((config.oidc.len(), config.requesters.len()), (2, 5));

    let forge = Forge::rsa();
    let stub = Stub::start().await;
    stub.says("GET /keys", key_set(&[forge.jwk("k1")]));
    let review = json!({ "status": { "authenticated": true, "audiences": ["espalier.example.com"],
        "user": { "username": "system:serviceaccount:shop:web" } } });
    stub.says("POST /apis/authentication.k8s.io/v1/tokenreviews", review.to_string());
    // What the example would fetch from elsewhere comes from loopback.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("github.json"), key_set(&[forge.jwk("k1")])).unwrap();
    for file in ["ca.crt", "partner-root.pem"] {
        std::fs::write(folder.path().join(file), include_str!("root.pem")).unwrap();
    }
    std::fs::write(folder.path().join("token"), "own").unwrap();
    let yaml = yaml
        .replace("algorithms: [RS256]", "jwks_file: github.json")
        .replace("https://login.example.com/keys", &format!("{}/keys", stub.url))
        .replace("cluster: prod\n", &format!("cluster: prod\n    api_server: {}\n", stub.url))
        // There is no authority and no list in this test; certificates have tests of their own.
        .replace(
            "    authorities: [issuing]\n  - trust: partner",
            "    anchor_files: [ca.crt]\n  - trust: partner",
        )
        .replace("revocation: crl\n    crl_files: [partner.crl]", "revocation: none");
    let desk = Desk::at(&yaml, folder).await.unwrap();

    let claims = |issuer: &str, subject: &str, extra: Value| {
        let mut claims = json!({ "iss": issuer, "aud": "espalier.example.com", "sub": subject,
            "iat": NOW, "exp": NOW + 300 });
        claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        forge.token("k1", &claims)
    };
    let build = claims(
        "https://token.actions.githubusercontent.com",
        "repo:example/shop:ref:refs/heads/main",
        json!({ "environment": "production" }),
    );
    let account = claims(
        "https://kubernetes.default.svc.cluster.local",
        "system:serviceaccount:shop:web",
        json!({}),
    );
    let operator =
        claims("https://login.example.com", "ann", json!({ "groups": ["pki-operators"] }));
    for (token, rule, profile, name, other) in [
        (build, "builds-of-shop", "tls-server", "DNS:a.shop.example.com", "DNS:shop.example.com"),
        (
            account,
            "workloads",
            "spiffe",
            "URI:spiffe://prod.example.com/ns/shop/sa/web",
            "URI:spiffe://prod.example.com/ns/shop/sa/db",
        ),
    ] {
        let caller = desk.bearer(&token).await.unwrap();
        assert_eq!(caller.rules(), [rule]);
        let ask = |name: &str| {
            let names = [AltName::parse(name).unwrap()];
            let subject = DistinguishedName::default();
            let asked = Asked { authority: "issuing", profile, subject: &subject, names: &names };
            caller.may_issue(asked).map_err(|denied| denied.to_string())
        };
        ask(name).unwrap();
        let denied = ask(other).unwrap_err();
        assert!(denied.starts_with("names: found "), "{denied}");
    }
    let caller = desk.bearer(&operator).await.unwrap();
    assert_eq!(
        (caller.name(), caller.rules()),
        ("jwt:https://login.example.com#ann", &["operators".to_owned()][..])
    );
    let stranger = claims("https://login.example.com", "bob", json!({ "groups": ["sales"] }));
    Desk::expect_refusal(desk.bearer(&stranger).await, 403, "requester: found jwt:");
}
