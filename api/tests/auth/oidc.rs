//! A real issuer on loopback: discovery, keys, rotation, outages, and what it could do to us.

use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use espalier::auth::{Asked, CredentialKind, Role};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::forge::{Forge, claims, key_set, signed_by_hmac, with};
use crate::stub::{Answer, Stub};

const DISCOVERY: &str = "GET /.well-known/openid-configuration";
const KEYS: &str = "GET /keys";

fn discovery(url: &str) -> String {
    json!({ "issuer": url, "jwks_uri": format!("{url}/keys"), "response_types_supported": [] })
        .to_string()
}

async fn issuer(keys: &[Value]) -> Stub {
    let stub = Stub::start().await;
    stub.says(DISCOVERY, discovery(&stub.url));
    stub.says(KEYS, key_set(keys));
    stub
}

/// One issuer, and a rule for the repositories of a shop.
fn config(url: &str) -> String {
    format!(
        r#"
oidc:
  - issuer: {url}
    audiences: [espalier]
    refresh_seconds: 60
    stale_seconds: 300
requesters:
  - rule: shop-web
    match:
      jwt:
        issuer: {url}
        subject: "repo:shop/*"
        claims:
          groups: [builders]
    grant:
      roles: [requester]
      authorities: [issuing]
      profiles: [tls-server]
      names: ["DNS:*.web.example.com", "DNS:{{claims.team}}.example.com"]
"#
    )
}

#[tokio::test]
async fn a_token_of_the_issuer_is_known_and_its_twins_are_not() {
    let forge = Forge::p256();
    let stub = issuer(&[forge.jwk("k1")]).await;
    let url = &stub.url;
    let desk = Desk::new(&config(url)).await;
    let good = with(claims(url), "team", json!("red"));
    let caller = desk.bearer(&forge.token("k1", &good)).await.unwrap();
    assert_eq!(caller.name(), format!("jwt:{url}#repo:shop/web"));
    assert_eq!(caller.credential(), CredentialKind::Jwt);
    assert_eq!(caller.rules(), ["shop-web"]);
    assert_eq!(caller.roles(), [Role::Requester]);
    let ask = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| AltName::parse(name).unwrap()).collect();
        let subject = DistinguishedName::default();
        let asked =
            Asked { authority: "issuing", profile: "tls-server", subject: &subject, names: &names };
        caller.may_issue(asked).map_err(|denied| denied.to_string())
    };
    ask(&["DNS:a.web.example.com", "DNS:red.example.com"]).unwrap();
    let denied = ask(&["DNS:blue.example.com"]).unwrap_err();
    assert!(denied.starts_with("names: found DNS:blue.example.com, allowed for jwt:"), "{denied}");

    let header = json!({ "alg": "HS256", "kid": "k1" }).to_string();
    let keys = key_set(&[forge.jwk("k1")]);
    for (token, status, words) in [
        (forge.token("k1", &with(good.clone(), "aud", json!("other"))), 401, "token: aud"),
        (
            forge.token("k1", &with(good.clone(), "iss", json!("https://evil.example.com"))),
            401,
            "token: iss",
        ),
        (
            forge.token("k1", &with(good.clone(), "iss", json!(format!("{url}/")))),
            401,
            "token: iss",
        ),
        (forge.token("k1", &with(good.clone(), "iss", Value::Null)), 401, "token: iss"),
        (forge.token("k1", &with(good.clone(), "exp", json!(1_794_000_000))), 401, "token: exp"),
        (forge.token("k1", &with(good.clone(), "nbf", json!(1_795_000_200))), 401, "token: nbf"),
        (forge.token("k2", &good), 401, "token: kid"),
        (Forge::p256().token("k1", &good), 401, "token: signature"),
        (signed_by_hmac(&header, &good.to_string(), keys.as_bytes()), 401, "token: alg"),
        ("nonsense".into(), 401, "token: form"),
        (String::new(), 401, "token: form"),
        (
            forge.token("k1", &with(good.clone(), "sub", json!("repo:other/web"))),
            403,
            "requester: found jwt:",
        ),
        (
            forge.token("k1", &with(good.clone(), "groups", json!(["web"]))),
            403,
            "requester: found jwt:",
        ),
        (
            forge.token("k1", &with(good.clone(), "groups", json!("builder"))),
            403,
            "requester: found jwt:",
        ),
        (
            forge.token("k1", &with(good.clone(), "groups", Value::Null)),
            403,
            "requester: found jwt:",
        ),
    ] {
        Desk::expect_refusal(desk.bearer(&token).await, status, words);
    }
    // A single text is as good as an array with one.
    desk.bearer(&forge.token("k1", &with(good, "groups", json!("builders")))).await.unwrap();
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_an_issuer_that_is_configured_as_before() {
    let forge = Forge::p256();
    let stub = issuer(&[forge.jwk("k")]).await;
    let token = forge.token("k", &claims(&stub.url));
    let desk = Desk::new(&config(&stub.url)).await;
    desk.bearer(&token).await.unwrap();
    assert_eq!(stub.asked().len(), 2, "discovery and keys");
    // It can't be reached any more: what was learned is enough, unless it is configured otherwise.
    stub.fails();
    let asked = stub.asked().len();
    let now = jiff::Timestamp::from_second(crate::forge::NOW).unwrap();
    let other = config(&stub.url).replace("refresh_seconds: 60", "refresh_seconds: 61");
    for (config, status) in [(config(&stub.url), None), (other, Some(503))] {
        let next = Desk::new(&config).await.authenticator.succeeding(&desk.authenticator);
        let presented =
            espalier::auth::Presented { bearer: Some(&token), ..crate::desk::nothing() };
        let answer = next.authenticate(presented, now).await.map(drop);
        assert_eq!(answer.err().map(|error| error.status()), status, "{config}");
        assert_eq!(stub.asked().len() > asked, status.is_some(), "{config}");
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_rotated_ones_are_found() {
    let (old, new) = (Forge::p256(), Forge::ed25519());
    let stub = issuer(&[old.jwk("old")]).await;
    let desk = Desk::new(&config(&stub.url)).await;
    let by_old = old.token("old", &claims(&stub.url));
    let by_new = new.token("new", &claims(&stub.url));
    let tries = (0..20).map(|_| desk.bearer(&by_old));
    for tried in tries {
        tried.await.unwrap();
    }
    assert_eq!(stub.asked().len(), 2, "discovery and keys, once");

    // The issuer has a new key. A token by it makes us look, but not more often than allowed.
    stub.says(KEYS, key_set(&[old.jwk("old"), new.jwk("new")]));
    Desk::expect_refusal(desk.bearer_after(5, &by_new).await, 401, "token: kid: found \"new\"");
    assert_eq!(stub.asked().len(), 0, "fetched a moment ago");
    desk.bearer_after(11, &by_new).await.unwrap();
    assert_eq!(stub.asked().len(), 2);
    desk.bearer_after(12, &by_old).await.unwrap();

    // The old key goes. Its tokens end with it at the next refresh, which no one waits for.
    stub.says(KEYS, key_set(&[new.jwk("new")]));
    let mut ended = false;
    for _ in 0..100 {
        match desk.bearer_after(75, &by_old).await {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            Err(error) => {
                assert!(error.to_string().contains("token: kid: found \"old\""), "{error}");
                ended = true;
                break;
            }
        }
    }
    assert!(ended, "the old key is still used");
    desk.bearer_after(76, &by_new).await.unwrap();
}

#[tokio::test]
async fn unknown_keys_do_not_flood_the_issuer() {
    let forge = Forge::p256();
    let stub = issuer(&[forge.jwk("k1")]).await;
    let desk = Desk::new(&config(&stub.url)).await;
    desk.bearer(&forge.token("k1", &claims(&stub.url))).await.unwrap();
    stub.asked();
    for index in 0..50 {
        let token = forge.token(&format!("x{index}"), &claims(&stub.url));
        Desk::expect_refusal(desk.bearer_after(20, &token).await, 401, "token: kid");
    }
    assert_eq!(stub.asked().len(), 2, "one look for fifty tokens");
}

#[tokio::test]
async fn an_outage_is_bridged_for_a_while() {
    let forge = Forge::p256();
    let stub = issuer(&[forge.jwk("k1")]).await;
    let desk = Desk::new(&config(&stub.url)).await;
    let long = with(claims(&stub.url), "exp", json!(1_795_004_000));
    let token = forge.token("k1", &long);
    desk.bearer(&token).await.unwrap();
    stub.fails();
    desk.bearer_after(70, &token).await.unwrap();
    desk.bearer_after(299, &token).await.unwrap();
    let answer = desk.bearer_after(600, &token).await;
    let error = answer.as_ref().map(|caller| caller.name().to_owned()).unwrap_err();
    assert_eq!(error.retry_after_seconds(), Some(10));
    assert!(error.cause().unwrap().contains("503"), "{:?}", error.cause());
    // What the log says is not for whoever asked.
    assert!(!error.to_string().contains("503"), "{error}");
    Desk::expect_refusal(answer, 503, "the token's issuer can't be asked now");
    // While it is down it is not asked again and again, once those have failed that nobody waits
    // for.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    stub.asked();
    for _ in 0..10 {
        Desk::expect_refusal(desk.bearer_after(601, &token).await, 503, "can't be asked now");
    }
    assert_eq!(stub.asked().len(), 0);
    // It comes back.
    stub.says(DISCOVERY, discovery(&stub.url));
    stub.says(KEYS, key_set(&[forge.jwk("k1")]));
    desk.bearer_after(615, &token).await.unwrap();
    // A clock that was set back makes the keys' age unknown: they are fetched again.
    stub.asked();
    desk.bearer_after(100, &token).await.unwrap();
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_not_what_it_says_gives_no_keys() {
    let forge = Forge::p256();
    let stub = issuer(&[forge.jwk("k1")]).await;
    let url = &stub.url;
    let token = forge.token("k1", &claims(url));
    let keys = key_set(&[forge.jwk("k1")]);
    let ok = |body: String| Answer { status: "200 OK", headers: String::new(), body };
    let moved = Answer {
        status: "302 Found",
        headers: format!("Location: {url}/elsewhere\r\n"),
        body: String::new(),
    };
    stub.says("GET /elsewhere", keys.clone());
    let member = |name: &str, value: Value| {
        ok(with(serde_json::from_str(&discovery(url)).unwrap(), name, value).to_string())
    };
    for (at, answer, cause) in [
        (
            DISCOVERY,
            member("issuer", json!("https://other.example.com")),
            "issuer: found \"https://other",
        ),
        (DISCOVERY, member("issuer", json!(format!("{url}/"))), "issuer: found"),
        (DISCOVERY, member("issuer", Value::Null), "issuer: found \"none\""),
        (DISCOVERY, member("jwks_uri", Value::Null), "jwks_uri is missing"),
        (DISCOVERY, member("jwks_uri", json!("http://192.0.2.1/keys")), "jwks_uri: found"),
        (DISCOVERY, member("jwks_uri", json!("file:///etc/passwd")), "jwks_uri: found"),
        (DISCOVERY, ok("<html>".into()), "expected value"),
        (DISCOVERY, ok(" ".repeat(300_000)), "more than 262144 octets"),
        (DISCOVERY, moved.clone(), "found a redirect (302 Found), allowed is none"),
        (KEYS, moved, "found a redirect (302 Found), allowed is none"),
        (KEYS, ok("{}".into()), "keys is not an array"),
        (KEYS, ok(key_set(&[])), "found no key"),
        (KEYS, ok(format!("{}{keys}", " ".repeat(300_000))), "more than 262144 octets"),
        (KEYS, Answer { status: "404 Not Found", ..ok(keys.clone()) }, "status 404"),
        (KEYS, Answer { status: "206 Partial Content", ..ok(keys.clone()) }, "status 206"),
    ] {
        stub.says(DISCOVERY, discovery(url));
        stub.says(KEYS, keys.clone());
        stub.answers(at, answer);
        let desk = Desk::new(&config(url)).await;
        let error = desk.bearer(&token).await.map(|caller| caller.name().to_owned()).unwrap_err();
        assert_eq!(error.status(), 503, "{error}");
        assert!(error.cause().unwrap().contains(cause), "no {cause:?} in {:?}", error.cause());
    }
    // Nobody followed the redirect.
    assert!(stub.asked().iter().all(|asked| asked.what != "GET /elsewhere"));
    stub.says(DISCOVERY, discovery(url));
    stub.says(KEYS, keys);
    Desk::new(&config(url)).await.bearer(&token).await.unwrap();
}

#[tokio::test]
async fn keys_of_a_file_need_no_network() {
    let forge = Forge::rsa();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.json"), key_set(&[forge.jwk("k1")])).unwrap();
    let url = "https://issuer.example.com";
    let yaml = config(url).replace("refresh_seconds: 60", "jwks_file: keys.json");
    let desk = Desk::at(&yaml, folder).await.unwrap();
    desk.bearer(&forge.token("k1", &claims(url))).await.unwrap();
    Desk::expect_refusal(desk.bearer(&forge.token("k2", &claims(url))).await, 401, "token: kid");
}
