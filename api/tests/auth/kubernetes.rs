//! Service accounts: by the cluster's keys, and by asking its API server.

use espalier::auth::CredentialKind;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::forge::{Forge, NOW, key_set, with};
use crate::stub::Stub;

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const REVIEWS: &str = "POST /apis/authentication.k8s.io/v1/tokenreviews";
const KEYS: &str = "GET /openid/v1/jwks";
const WEB: &str = "system:serviceaccount:shop:web";

fn claims(subject: &str) -> Value {
    let account = subject.rsplit(':').next().unwrap();
    json!({
        "iss": ISSUER, "aud": ["espalier"], "sub": subject, "jti": "b1",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600,
        "kubernetes.io": { "namespace": "shop", "serviceaccount": { "name": account, "uid": "u" } },
    })
}

/// A folder with what a pod finds in its own, and a configuration.
async fn desk(stub: &Stub, verify: &str) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "own-token\n").unwrap();
    std::fs::write(folder.path().join("ca.crt"), CA).unwrap();
    let yaml = format!(
        r#"
kubernetes:
  - cluster: prod
    issuer: {ISSUER}
    audiences: [espalier]
    verify: {verify}
    api_server: {}
    ca_file: ca.crt
    token_file: token
requesters:
  - rule: pods
    match: {{ service_account: {{ cluster: prod, namespace: shop, name: "web*" }} }}
    grant:
      roles: [requester]
      authorities: [issuing]
      profiles: [spiffe]
      names: ["URI:spiffe://prod/ns/{{namespace}}/sa/{{serviceaccount}}"]
"#,
        stub.url
    );
    Desk::at(&yaml, folder).await.unwrap()
}

/// Some certificate: the stub speaks plain HTTP.
const CA: &str = include_str!("root.pem");

fn review(username: &str) -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {},
        "spec": { "token": "…" },
        "status": {
            "authenticated": true, "audiences": ["espalier"],
            "user": { "username": username, "uid": "u", "groups": ["system:serviceaccounts"] },
        },
    })
}

#[tokio::test]
async fn by_keys_a_pods_token_is_known_and_its_twins_are_not() {
    let forge = Forge::rsa();
    let stub = Stub::start().await;
    stub.says(KEYS, key_set(&[forge.jwk("k1")]));
    let desk = desk(&stub, "jwks").await;
    let good = claims(WEB);
    let caller = desk.bearer(&forge.token("k1", &good)).await.unwrap();
    assert_eq!(caller.name(), "sa:prod/shop/web");
    assert_eq!(caller.credential(), CredentialKind::ServiceAccount);
    // The API server wants to know who asks for its keys.
    let asked = stub.asked();
    assert!(asked[0].head.to_lowercase().contains("authorization: bearer own-token\r\n"));
    let bound = |namespace: &str, name: &str| json!({ "namespace": namespace, "serviceaccount": { "name": name } });
    for (claims, status, words) in [
        (with(good.clone(), "aud", json!(["https://kubernetes.default.svc"])), 401, "token: aud"),
        (with(good.clone(), "iss", json!("https://other")), 401, "token: iss"),
        (with(good.clone(), "exp", json!(NOW - 60)), 401, "token: exp"),
        (with(good.clone(), "exp", Value::Null), 401, "token: exp"),
        (
            with(good.clone(), "sub", json!("system:serviceaccount:shop:web2")),
            401,
            "token: kubernetes.io",
        ),
        (with(good.clone(), "kubernetes.io", bound("other", "web")), 401, "token: kubernetes.io"),
        (with(good.clone(), "sub", json!("system:node:web")), 401, "token: sub"),
        (with(good.clone(), "sub", json!("web")), 401, "token: sub"),
        (claims("system:serviceaccount:shop:db"), 403, "requester: found sa:prod/shop/db"),
    ] {
        Desk::expect_refusal(desk.bearer(&forge.token("k1", &claims)).await, status, words);
    }
    let other = Forge::rsa().token("k1", &good);
    Desk::expect_refusal(desk.bearer(&other).await, 401, "token: signature");
}

#[tokio::test]
async fn by_review_the_api_server_decides() {
    let forge = Forge::p256();
    let stub = Stub::start().await;
    stub.says(REVIEWS, review(WEB).to_string());
    let desk = desk(&stub, "token-review").await;
    let token = forge.token("k1", &claims(WEB));
    let caller = desk.bearer(&token).await.unwrap();
    assert_eq!(caller.name(), "sa:prod/shop/web");
    let asked = stub.asked();
    let sent: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(sent["spec"], json!({ "token": token, "audiences": ["espalier"] }));
    assert!(asked[0].head.to_lowercase().contains("authorization: bearer own-token\r\n"));

    // The answer holds for ten seconds and not longer.
    stub.says(
        REVIEWS,
        json!({ "status": { "authenticated": false, "error": "gone" } }).to_string(),
    );
    desk.bearer_after(9, &token).await.unwrap();
    assert_eq!(stub.asked().len(), 0);
    let answer = desk.bearer_after(10, &token).await;
    Desk::expect_refusal(answer, 401, "token: the API server does not know it: \"gone\"");
    // So does a refusal.
    stub.says(REVIEWS, review(WEB).to_string());
    desk.bearer_after(15, &token).await.map(drop).unwrap_err();
    desk.bearer_after(21, &token).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_token_gives_nothing() {
    let forge = Forge::p256();
    let stub = Stub::start().await;
    let desk = desk(&stub, "token-review").await;
    let status = |name: &str, value: Value| {
        let review = review(WEB);
        with(review.clone(), "status", with(review["status"].clone(), name, value))
    };
    let user = |name: &str| json!({ "username": name });
    for (index, (answer, code, words)) in [
        (status("authenticated", json!(false)), 401, "the API server does not know it"),
        (status("authenticated", json!("true")), 401, "the API server does not know it"),
        (status("authenticated", Value::Null), 401, "the API server does not know it"),
        // An API server that knows no audiences would take any of its tokens.
        (status("audiences", Value::Null), 401, "token: aud: found others"),
        (status("audiences", json!([])), 401, "token: aud: found others"),
        (status("audiences", json!(["other"])), 401, "token: aud: found others"),
        (status("user", user("system:serviceaccount:shop:db")), 401, "token: sub"),
        (status("user", user("admin")), 401, "token: sub"),
        (status("user", Value::Null), 503, "the API server can't be asked"),
        (json!({}), 503, "the API server can't be asked"),
        (json!([]), 503, "the API server can't be asked"),
    ]
    .into_iter()
    .enumerate()
    {
        stub.says(REVIEWS, answer.to_string());
        let token = forge.token("k1", &with(claims(WEB), "jti", json!(index)));
        Desk::expect_refusal(desk.bearer(&token).await, code, words);
    }
    stub.fails();
    let token = forge.token("k1", &with(claims(WEB), "jti", json!("x")));
    Desk::expect_refusal(desk.bearer(&token).await, 503, "the API server can't be asked");
    stub.says(REVIEWS, review(WEB).to_string());
    desk.bearer(&token).await.unwrap();
}

#[tokio::test]
async fn tokens_of_others_are_not_shown_to_the_api_server() {
    let forge = Forge::p256();
    let stub = Stub::start().await;
    stub.says(REVIEWS, review(WEB).to_string());
    let desk = desk(&stub, "token-review").await;
    for (name, value, words) in [
        ("iss", json!("https://issuer.example.com"), "token: iss"),
        ("aud", json!("other"), "token: aud"),
        ("exp", json!(NOW - 60), "token: exp"),
        ("exp", json!(NOW + 1_000_000), "token: exp"),
        ("nbf", json!(NOW + 60), "token: nbf"),
    ] {
        let token = forge.token("k1", &with(claims(WEB), name, value));
        Desk::expect_refusal(desk.bearer(&token).await, 401, words);
    }
    assert_eq!(stub.asked().len(), 0);
}
