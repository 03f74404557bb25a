//! A server in this process, and every kind of credential for it: good ones of each role, and
//! whatever somebody could try.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ca_core::pem;
use espalier::auth::{Grant, GrantConfig, Role, SubjectRule, TokenOrder};
use espalier::cli::{Context, Terminal};
use espalier::server::config::ServerConfig;
use espalier::server::run::Server;
use jiff::Timestamp;
use ledger::NewTokenRevocation;
use serde_json::{Value, json};

use crate::forge::{Forge, base64, key_set, message, signed_by_hmac, with};
use crate::workbench::Workbench;

const ISSUER: &str = "https://issuer.example.com";
const CLUSTER: &str = "https://kubernetes.default.svc";

/// A running server without a socket, and what can be presented to it.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) credentials: Vec<Credential>,
    /// A request in PEM.
    pub(crate) csr: String,
    _bench: Workbench,
}

/// Something that a request presents.
pub(crate) struct Credential {
    pub(crate) name: String,
    pub(crate) authorization: Option<String>,
    pub(crate) chain: Option<Arc<Vec<Vec<u8>>>>,
    pub(crate) expected: Expected,
}

/// What must come of it.
pub(crate) enum Expected {
    /// It is somebody with this role.
    Role(Role),
    /// It is refused with this status, and these words are in the detail.
    Refused { status: u16, words: &'static str },
}

#[allow(clippy::disallowed_methods, reason = "certificates of the command are valid now")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn rng() -> espalier::cli::Rng {
    Box::new(rand_core::UnwrapErr(getrandom::SysRng))
}

impl World {
    pub(crate) async fn new() -> Self {
        let bench = Workbench::new();
        bench.run("init --algorithm p256 --no-passphrase").done();
        bench.run("csr create --algorithm p256 --subject CN=a.test --dns a.test --key-out a.key --no-passphrase --out a.csr").done();
        let csr = String::from_utf8(bench.read("a.csr")).unwrap();
        let (rsa, ec) = (Forge::rsa(), Forge::p256());
        bench.write("keys.json", key_set(&[rsa.jwk("r1"), ec.jwk("e1")]));
        bench.write("cluster.json", key_set(&[ec.jwk("c1")]));
        let mut credentials = certificates(&bench);
        credentials.extend(jwts(&rsa, &ec));
        credentials.extend(service_accounts(&ec));
        let config = configuration(&bench.path("espalier-data"));
        let config = ServerConfig::from_yaml(&config).unwrap();
        let mut context = Context::new(now, rng, Terminal::plain());
        let opened = Server::open(&config, &bench.path(""), &mut context).await;
        let server = opened.map_err(|error| error.message().to_owned()).unwrap();
        credentials.extend(api_tokens(&server).await);
        credentials.extend(nothing());
        Self { server, credentials, csr, _bench: bench }
    }
}

/// Rules that give each role to who is named as it.
fn configuration(data: &Path) -> String {
    let grant = |role: Role| {
        format!(
            "{{ roles: [{role}], authorities: ['*'], profiles: ['*'], names: ['*'], subject: any }}"
        )
    };
    let rule = |name: String, matches: String, role: Role| {
        format!("    - rule: {name}\n      match: {{ {matches} }}\n      grant: {}\n", grant(role))
    };
    let rules: String = Role::ALL
        .into_iter()
        .flat_map(|role| {
            [
                rule(
                    format!("jwt-{role}"),
                    format!("jwt: {{ issuer: '{ISSUER}', subject: '{role}' }}"),
                    role,
                ),
                rule(
                    format!("sa-{role}"),
                    format!("service_account: {{ cluster: prod, namespace: '{role}', name: web }}"),
                    role,
                ),
                rule(
                    format!("cert-{role}"),
                    format!(
                        "client_certificate: {{ trust: own, names: ['DNS:{role}.people.test'] }}"
                    ),
                    role,
                ),
            ]
        })
        .collect();
    format!(
        "version: 1
data: {}
listen: 127.0.0.1:0
auth:
  oidc:
    - {{ issuer: '{ISSUER}', audiences: [espalier], jwks_file: keys.json, max_token_seconds: 3600 }}
  kubernetes:
    - {{ cluster: prod, issuer: '{CLUSTER}', audiences: [espalier], verify: jwks, jwks_file: cluster.json }}
  client_certificates:
    - {{ trust: own, authorities: [root] }}
  rate_limits:
    {{ requester_per_second: 100000, requester_burst: 100000, unauthenticated_per_second: 100000, unauthenticated_burst: 100000 }}
  requesters:
{rules}",
        data.display()
    )
}

fn bearer(name: impl Into<String>, token: &str, expected: Expected) -> Credential {
    let authorization = Some(format!("Bearer {token}"));
    Credential { name: name.into(), authorization, chain: None, expected }
}

fn refused(status: u16, words: &'static str) -> Expected {
    Expected::Refused { status, words }
}

fn nothing() -> Vec<Credential> {
    let none = |name: &str, authorization: Option<&str>, words| Credential {
        name: name.to_owned(),
        authorization: authorization.map(str::to_owned),
        chain: None,
        expected: refused(401, words),
    };
    vec![
        none("no credential", None, "credential: found none"),
        none("a password", Some("Basic YWRtaW46YWRtaW4="), "Authorization: found another scheme"),
        none("no scheme", Some("espalier_x"), "Authorization: found another scheme"),
        none("an empty token", Some("Bearer "), "Authorization: found another scheme"),
        none("nonsense", Some("Bearer nonsense"), "token: form"),
        none("two tokens", Some("Bearer a, Bearer b"), "token: form"),
    ]
}

async fn api_tokens(server: &Server) -> Vec<Credential> {
    let ledger = server.app().ledger();
    let all = || vec!["*".to_owned()];
    let draw = |name: &str, role: Role, from: Timestamp, life: u64| {
        let config = GrantConfig {
            roles: vec![role],
            authorities: all(),
            profiles: all(),
            names: all(),
            wildcards: true,
            subject: SubjectRule::Any,
        };
        let order = TokenOrder {
            name: name.to_owned(),
            grant: Grant::new(&config).unwrap(),
            expires_at: from + Duration::from_secs(life),
            created_by: "local-uid:0".into(),
        };
        order.draw(from, &mut rand_core::UnwrapErr(getrandom::SysRng)).unwrap()
    };
    let mut credentials = Vec::new();
    for role in Role::ALL {
        let (token, kept) = draw(&format!("of-{role}"), role, now(), 600);
        ledger.add_token(kept).await.unwrap();
        let name = format!("API token, {role}");
        credentials.push(bearer(name, token.expose(), Expected::Role(role)));
    }
    let yesterday = now() - Duration::from_secs(86_400);
    let (expired, kept) = draw("old", Role::Admin, yesterday, 600);
    ledger.add_token(kept).await.unwrap();
    let (revoked, kept) = draw("revoked", Role::Admin, now(), 600);
    let id = ledger.add_token(kept).await.unwrap().content.id;
    let (revoked_at, revoked_by) = (now(), "local-uid:0".into());
    ledger.revoke_token(NewTokenRevocation { id, revoked_at, revoked_by }).await.unwrap();
    let (unknown, _) = draw("unknown", Role::Admin, now(), 600);
    let good = credentials.last().and_then(|it| it.authorization.clone()).unwrap();
    let bent = good["Bearer ".len()..].replacen("espalier_", "espalier_A", 1);
    credentials.extend([
        bearer("an expired API token", expired.expose(), refused(401, "one that ended at")),
        bearer("a revoked API token", revoked.expose(), refused(401, "a revoked one")),
        bearer("an unknown API token", unknown.expose(), refused(401, "an unknown one")),
        bearer("a changed API token", &bent[..60], refused(401, "a text that is none")),
    ]);
    credentials
}

fn claims(issuer: &str, subject: &str) -> Value {
    let now = now().as_second();
    json!({ "iss": issuer, "aud": "espalier", "sub": subject, "iat": now, "nbf": now, "exp": now + 600 })
}

/// Tokens of the OpenID Connect issuer; those that are wrong would be an administrator's.
fn jwts(rsa: &Forge, ec: &Forge) -> Vec<Credential> {
    let mut credentials: Vec<Credential> = Role::ALL
        .into_iter()
        .map(|role| {
            let token = rsa.token("r1", &claims(ISSUER, &role.to_string()));
            bearer(format!("JWT, {role}"), &token, Expected::Role(role))
        })
        .collect();
    let now = now().as_second();
    let good = claims(ISSUER, "admin");
    let body = good.to_string();
    let changed = |name: &str, value: Value| rsa.token("r1", &with(good.clone(), name, value));
    let header = |alg: &str| json!({ "alg": alg, "kid": "r1", "typ": "JWT" }).to_string();
    let signed = rsa.token("r1", &good);
    let (head, signature) = signed.rsplit_once('.').unwrap();
    let own = head.split_once('.').unwrap().0;
    let twice = format!("{},\"sub\":\"requester\"}}", body.strip_suffix('}').unwrap());
    let public = key_set(&[rsa.jwk("r1"), ec.jwk("e1")]);
    let crit = json!({ "alg": "RS256", "kid": "r1", "crit": ["x"], "x": 1 }).to_string();
    let promoted = base64(claims(ISSUER, "admin ").to_string().as_bytes());
    for (name, token, words) in [
        ("expired", changed("exp", json!(now - 60)), "token: exp"),
        ("without end", changed("exp", Value::Null), "token: exp"),
        ("too long-lived", changed("exp", json!(now + 1_000_000)), "token: exp"),
        ("not yet valid", changed("nbf", json!(now + 600)), "token: nbf"),
        ("issued in the future", changed("iat", json!(now + 600)), "token: iat"),
        ("of a foreign audience", changed("aud", json!("other")), "token: aud"),
        ("without audience", changed("aud", Value::Null), "token: aud"),
        ("of a foreign issuer", changed("iss", json!("https://evil.example.com")), "token: iss"),
        ("without issuer", changed("iss", Value::Null), "token: iss"),
        ("without subject", changed("sub", Value::Null), "token: sub"),
        ("by alg none", format!("{}.", message(&header("none"), &body)), "token: signature"),
        ("by alg none, signed", rsa.signed(&header("none"), &body), "token: alg"),
        (
            "by HS256 with the public key",
            signed_by_hmac(&header("HS256"), &body, public.as_bytes()),
            "token: alg",
        ),
        ("by PS256 with an RS256 key", rsa.signed_by_pss(&header("PS256"), &body), "token: alg"),
        ("by PSS that says RS256", rsa.signed_by_pss(&header("RS256"), &body), "token: signature"),
        ("by ES256 with an RSA key's id", ec.signed(&header("ES256"), &body), "token: alg"),
        ("of an unknown key", rsa.token("r2", &good), "token: kid"),
        ("of another key", Forge::rsa().token("r1", &good), "token: signature"),
        ("with crit", rsa.signed(&crit, &body), "token: header"),
        ("with a claim twice", rsa.signed(&header("RS256"), &twice), "token: claims"),
        ("with other claims", format!("{own}.{promoted}.{signature}"), "token: signature"),
        (
            "too long",
            rsa.token("r1", &with(good.clone(), "x", json!("x".repeat(20_000)))),
            "token: length",
        ),
        ("cut short", signed[..signed.len() - 2].to_owned(), "token: signature"),
    ] {
        credentials.push(bearer(format!("a JWT {name}"), &token, refused(401, words)));
    }
    let stranger = rsa.token("r1", &claims(ISSUER, "stranger"));
    credentials.push(bearer("a JWT of no rule", &stranger, refused(403, "requester: found jwt:")));
    credentials
}

fn service_accounts(ec: &Forge) -> Vec<Credential> {
    let subject = |namespace: &str| format!("system:serviceaccount:{namespace}:web");
    let mut credentials: Vec<Credential> = Role::ALL
        .into_iter()
        .map(|role| {
            let token = ec.token("c1", &claims(CLUSTER, &subject(&role.to_string())));
            bearer(format!("service account, {role}"), &token, Expected::Role(role))
        })
        .collect();
    let good = claims(CLUSTER, &subject("admin"));
    let changed = |name: &str, value: Value| ec.token("c1", &with(good.clone(), name, value));
    let other = json!({ "namespace": "shop", "serviceaccount": { "name": "web" } });
    for (name, token, status, words) in [
        ("expired", changed("exp", json!(now().as_second() - 60)), 401, "token: exp"),
        ("of a foreign audience", changed("aud", json!([CLUSTER])), 401, "token: aud"),
        ("of another account", changed("kubernetes.io", other), 401, "token: kubernetes.io"),
        ("of a node", changed("sub", json!("system:node:admin")), 401, "token: sub"),
        ("of the issuer's key", ec.token("e1", &good), 401, "token: kid"),
        (
            "of no rule",
            ec.token("c1", &claims(CLUSTER, &subject("shop"))),
            403,
            "requester: found sa:",
        ),
    ] {
        let name = format!("a service account's token {name}");
        credentials.push(bearer(name, &token, refused(status, words)));
    }
    credentials
}

/// Certificates of this server's own CA, and of another of the same names.
fn certificates(bench: &Workbench) -> Vec<Credential> {
    let issue = |bench: &Workbench, profile: &str, name: &str| {
        let run = bench.run(&format!(
            "issue --json --key-out k.pem --force --profile {profile} --dns {name}.people.test"
        ));
        assert_eq!(run.code, 0, "{}", run.stderr());
        let chain = run.json()["chain"].as_str().unwrap().to_owned();
        let read = pem::read_certificates(chain.as_bytes()).unwrap();
        read.iter().map(|one| one.der().to_vec()).collect::<Vec<_>>()
    };
    let credential = |name: String, chain: Vec<Vec<u8>>, expected: Expected| Credential {
        name,
        authorization: None,
        chain: Some(Arc::new(chain)),
        expected,
    };
    let mut credentials: Vec<Credential> = Role::ALL
        .into_iter()
        .map(|role| {
            let chain = issue(bench, "tls-client", &role.to_string());
            credential(format!("client certificate, {role}"), chain, Expected::Role(role))
        })
        .collect();
    let good = issue(bench, "tls-client", "admin");
    let revoked = issue(bench, "tls-client", "admin");
    bench.write("leaf.der", &revoked[0]);
    bench.run("cert revoke leaf.der --reason key-compromise").done();
    let other = Workbench::new();
    other.run("init --algorithm p256 --no-passphrase").done();
    let foreign = issue(&other, "tls-client", "admin");
    let mut bent = good.clone();
    *bent[0].last_mut().unwrap() ^= 1;
    for (name, chain, status, words) in [
        ("that is revoked", revoked, 401, "revocation: found revoked"),
        ("of a foreign root", foreign, 401, "client certificate: "),
        ("with one bit changed", bent, 401, "signature"),
        ("for servers", issue(bench, "tls-server", "admin"), 401, "extendedKeyUsage"),
        ("of a CA", good[1..].to_vec(), 401, "basicConstraints"),
        ("without its chain", good[..1].to_vec(), 401, "client certificate: "),
        ("that is none", vec![vec![0x30, 0]], 401, "client certificate: "),
        ("of no rule", issue(bench, "tls-client", "stranger"), 403, "requester: found cert:"),
    ] {
        let name = format!("a client certificate {name}");
        credentials.push(credential(name, chain, refused(status, words)));
    }
    // A good certificate does not help a wrong token.
    let mut mixed =
        bearer("a wrong token beside a good certificate", "x", refused(401, "token: form"));
    mixed.chain = Some(Arc::new(good));
    credentials.push(mixed);
    credentials
}
