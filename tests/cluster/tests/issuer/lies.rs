//! A server that answers wrongly: broken off, nonsense, the wrong certificate, the wrong chain. Between
//! the issuer program and the real server stands one that alters answers. What is wrong never reaches a
//! status, people are told, and once the answers are right again, each request has its one certificate.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use test_cluster::{Asked, Between, Issuer, Namespace, Server, Stand, Twist, Wanted};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";
/// Where certificates are asked for.
const CERTIFICATES: &str = "/v1/certificates";
/// Answers that are altered before the right ones come: more than the client asks for again at once, and twice
/// that, as what the first try found is not told where the request was changed meanwhile.
const WRONG: usize = 6;

fn between(stand: &Stand) -> Between {
    let root = stand.server.certificate(&format!("{}-root", stand.server.door()));
    Between::before(&stand.server.url(), &root)
}

/// An issuer that asks through this.
fn issuer(stand: &Stand, name: &str, through: &Between) -> String {
    let manifest = stand.issuer(&Issuer::by_token(name, "composite"));
    manifest.replace(&stand.server.url(), &through.url())
}

fn wanted(name: &str) -> String {
    Wanted { name, issuer: ("PQIssuer", name), spec: SPEC }.manifest()
}

/// Certificates that the UID of a request has.
fn issued(server: &Server, shop: &Namespace<'_>, request: &str) -> usize {
    let request = shop.get(request);
    let uid = request["metadata"]["uid"].as_str().unwrap();
    server.issued(uid)
}

/// Alters the first answers to requests for certificates, and then no more.
fn first(through: &Between, twist: impl Fn(&Asked) -> Twist + Send + Sync + 'static) {
    let left = Arc::new(AtomicUsize::new(WRONG));
    through.does(move |asked| {
        let counts = asked.is("POST", CERTIFICATES);
        let one_less = |left: usize| left.checked_sub(1);
        let is_wrong =
            counts && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        if is_wrong { twist(asked) } else { Twist::Pass }
    });
}

fn problem(slug: &str, status: u16, title: &str) -> Twist {
    let text = json!({
        "type": format!("/docs/problems#{slug}"), "status": status, "title": title,
        "detail": "told to say so", "request_id": "none",
    });
    Twist::Instead(status, "application/problem+json", text.to_string())
}

/// The answer with another certificate in it.
fn with(change: impl Fn(&str, &Asked) -> String, asked: &Asked, answer: &str) -> String {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    let own = answer["certificate"].as_str().unwrap().to_owned();
    answer["certificate"] = change(&own, asked).into();
    answer.to_string()
}

/// A certificate by this authority for a request that is in a file of the server's folder.
fn by(server: &Server, authority: &str, csr: &str, out: &str) -> String {
    server.done(&format!(
        "issue --authority {authority} --profile tls-server --csr {csr} --out {out} --force"
    ));
    fs::read_to_string(server.file(out)).unwrap()
}

type Lie = Box<dyn Fn(&Asked) -> Twist + Send + Sync>;

/// Each lie by its name, and what people are told of it.
fn lies(stand: &'static Stand) -> Vec<(&'static str, &'static str, Lie)> {
    let server = &stand.server;
    server.done("csr create --algorithm p256 --no-passphrase --subject CN=lies.test --dns web.example.com --key-out lies.key --out lies.csr");
    let foreign = by(server, "composite", "lies.csr", "lies.pem");
    let instead = |status, kind, text: &str| {
        let text = text.to_owned();
        move |_: &Asked| Twist::Instead(status, kind, text.clone())
    };
    let long = " ".repeat(17 << 20);
    vec![
        (
            "half",
            "the connection broke before the answer was whole",
            Box::new(|_: &Asked| Twist::Half),
        ),
        (
            "text",
            "found an answer of other JSON",
            Box::new(instead(201, "application/json", "issued!")),
        ),
        (
            "page",
            "found an answer of other JSON",
            Box::new(instead(200, "text/html", "<p>Welcome")),
        ),
        ("empty", "found an answer of other JSON", Box::new(instead(201, "application/json", ""))),
        ("long", "octets", Box::new(instead(201, "application/json", &long))),
        (
            "gateway",
            "found status 502 without a problem",
            Box::new(instead(502, "text/html", "<p>Bad gateway")),
        ),
        (
            "error",
            "The server is at fault",
            Box::new(|_: &Asked| problem("internal", 500, "The server is at fault")),
        ),
        (
            "later",
            "Another time",
            Box::new(|_: &Asked| problem("request-under-way", 409, "Another time")),
        ),
        // It is told nothing: the next name is as good, until one is answered.
        (
            "abandoned",
            "issued",
            Box::new(|_: &Asked| problem("request-abandoned", 409, "It was cut off")),
        ),
        (
            "foreign",
            "public key: found another one",
            Box::new(move |asked: &Asked| {
                let (foreign, asked) = (foreign.clone(), asked.clone());
                Twist::changed(move |answer| with(|_, _| foreign.clone(), &asked, &answer))
            }),
        ),
        (
            "authority",
            "not of the issuer's authority",
            Box::new(move |asked: &Asked| {
                let asked = asked.clone();
                // The right key and the right names, by an authority of this server.
                let other = move |_: &str, asked: &Asked| {
                    let order: Value = serde_json::from_slice(&asked.body).unwrap();
                    fs::write(server.file("other.csr"), order["csr"].as_str().unwrap()).unwrap();
                    by(server, "classical", "other.csr", "other.pem")
                };
                Twist::changed(move |answer| with(other, &asked, &answer))
            }),
        ),
        (
            "bit",
            "not of the issuer's authority",
            Box::new(|asked: &Asked| {
                let asked = asked.clone();
                Twist::changed(move |answer| with(|own, _| flipped(own), &asked, &answer))
            }),
        ),
    ]
}

/// The same certificate with one character of its signature changed.
fn flipped(pem: &str) -> String {
    let end = pem.find("\n-----END").unwrap() - 6;
    let is_digit = |at: &usize| pem.as_bytes()[*at].is_ascii_alphanumeric();
    let at = (0..end).rev().find(is_digit).unwrap();
    let other = if pem.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &pem[..at], &pem[at + 1..])
}

#[test]
fn an_answer_that_is_wrong_is_told_and_asked_for_again() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("lies");
    let all: Vec<_> = lies(stand)
        .into_iter()
        .map(|(name, words, lie)| {
            let through = between(stand);
            first(&through, lie);
            shop.apply(&issuer(stand, name, &through));
            (name, words, through)
        })
        .collect();
    for (name, ..) in &all {
        shop.wait(&format!("pqissuer/{name}"), "condition=Ready");
    }
    shop.apply(&all.iter().map(|(name, ..)| wanted(name)).collect::<Vec<_>>().join("---\n"));
    for (name, words, through) in &all {
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        let request = shop.request_of(name);
        shop.event(&request, words);
        assert_eq!(issued(&stand.server, &shop, &request), 1, "{name}");
        let asked =
            through.seen().iter().filter(|one| one.starts_with("POST /v1/certificates")).count();
        assert!((WRONG + 1..=WRONG + 3).contains(&asked), "{name}: asked {asked} times");
    }
    let checked = stand.server.run("ledger check");
    assert_eq!(checked.code, Some(0), "{}", checked.text);
}

/// A chain of an authority by which its certificates could not be told from others.
#[test]
fn an_authority_whose_chain_is_wrong_is_not_used() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("chains");
    let certificate = |name: &str| stand.server.certificate(name);
    let other_root = format!("{}{}", certificate("composite"), certificate("catalyst-root"));
    let flipped_root =
        format!("{}{}", flipped(&certificate("composite")), certificate("composite-root"));
    let leaf = {
        let server = &stand.server;
        server.done("csr create --algorithm p256 --no-passphrase --subject CN=chains.test --dns chains.test --key-out chains.key --out chains.csr");
        by(server, "composite", "chains.csr", "chains.pem")
    };
    let whole = format!("{leaf}{}{}", certificate("composite"), certificate("composite-root"));
    let cases = [
        ("root", "chain of the authority", "chain", json!(other_root)),
        ("signature", "chain of the authority", "chain", json!(flipped_root)),
        ("leaf", "found none of a CA", "chain", json!(whole)),
        ("nothing", "chain of the authority", "chain", json!("")),
        ("text", "chain of the authority", "chain", json!("certificates")),
        ("signs", "with which the server does not sign", "signs", json!(false)),
    ];
    let all = cases.map(|(name, words, member, value)| {
        let through = between(stand);
        through.does(move |asked| {
            if !asked.is("GET", "/v1/authorities/") {
                return Twist::Pass;
            }
            let value = value.clone();
            Twist::changed(move |answer| {
                let mut answer: Value = serde_json::from_str(&answer).unwrap();
                assert!(answer[member] != Value::Null, "no {member} in {answer}");
                answer[member] = value;
                answer.to_string()
            })
        });
        shop.apply(&issuer(stand, name, &through));
        shop.apply(&wanted(name));
        (name, words, through)
    });
    for (name, words, through) in &all {
        let issuer = format!("pqissuer/{name}");
        shop.wait(&issuer, "condition=Ready=False");
        let ready = shop.condition(&issuer, "Ready");
        assert!(ready["message"].as_str().unwrap().contains(words), "{name}: {ready}");
        shop.event(&issuer, words);
        let request = shop.request_of(name);
        shop.wait(&request, "condition=Ready=False");
        assert_eq!(shop.condition(&request, "Ready")["reason"], "Pending", "{name}");
        assert_eq!(issued(&stand.server, &shop, &request), 0, "{name}: asked for nevertheless");
        through.passes();
    }
    for (name, ..) in &all {
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        assert_eq!(issued(&stand.server, &shop, &shop.request_of(name)), 1, "{name}");
    }
}

/// Another program answers to requests alone, so that every check of the issuer finds all in order:
/// the request waits, the issuer says why, and nobody is flooded.
#[test]
fn a_fault_that_no_check_sees_leads_to_no_flood() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("unseen");
    let cases =
        [("unknown", 401_u16), ("forbidden", 403), ("elsewhere", 404)].map(|(name, status)| {
            let through = between(stand);
            through.does(move |asked| match asked.is("POST", CERTIFICATES) {
                true => Twist::Instead(status, "text/html", "<p>Who are you?".into()),
                false => Twist::Pass,
            });
            shop.apply(&issuer(stand, name, &through));
            (name, status, through)
        });
    for (name, ..) in &cases {
        shop.wait(&format!("pqissuer/{name}"), "condition=Ready");
        shop.apply(&wanted(name));
    }
    let asked = |through: &Between| {
        through.seen().iter().filter(|one| one.starts_with("POST /v1/certificates")).count()
    };
    for (name, status, _) in &cases {
        let words = format!("found status {status} without a problem document");
        shop.event(&format!("pqissuer/{name}"), &words);
        shop.event(&shop.request_of(name), &words);
    }
    let before: Vec<usize> = cases.iter().map(|(.., through)| asked(through)).collect();
    std::thread::sleep(Duration::from_secs(4));
    for ((name, _, through), before) in cases.iter().zip(before) {
        let often = asked(through) - before;
        assert!(before > 0 && often <= 6, "{name}: asked {often} times in four seconds");
        let request = shop.get(&shop.request_of(name));
        assert_eq!(request["status"]["failureTime"], Value::Null, "{name}");
        assert_eq!(request["status"]["certificate"], Value::Null, "{name}");
        through.passes();
    }
    for (name, ..) in &cases {
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        assert_eq!(issued(&stand.server, &shop, &shop.request_of(name)), 1, "{name}");
    }
}

/// The real server's 409: the name of the request belongs to another order of the same requester.
#[test]
fn a_name_that_is_taken_by_another_order_fails_the_request() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("taken");
    for name in ["taken", "free"] {
        shop.apply(&wanted(name));
    }
    let (taken, free) = (shop.request_of("taken"), shop.request_of("free"));
    let server = &stand.server;
    fs::write(server.file("taken.token"), &stand.token).unwrap();
    server.done("csr create --algorithm p256 --no-passphrase --subject CN=taken.test --dns taken.test --key-out taken.key --out taken.csr");
    let request = shop.get(&taken);
    let uid = request["metadata"]["uid"].as_str().unwrap();
    server.done(&format!(
        "issue --server {} --token-file taken.token --server-ca espalier-data/authorities/classical-root/certificate.pem \
         --authority composite --profile tls-server --csr taken.csr --out taken.pem --idempotency-key {uid}",
        server.url()
    ));
    for name in ["taken", "free"] {
        shop.apply(&stand.issuer(&Issuer::by_token(name, "composite")));
    }
    shop.wait("certificate/free", "condition=Ready");
    assert_eq!(issued(server, &shop, &free), 1);
    shop.wait(&taken, "jsonpath={.status.failureTime}");
    let ready = shop.condition(&taken, "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Failed")));
    let message = ready["message"].as_str().unwrap();
    assert!(message.contains("belongs to another request"), "{message}");
    shop.event(&taken, message);
    assert_eq!(shop.get(&taken)["status"]["certificate"], Value::Null);
}
