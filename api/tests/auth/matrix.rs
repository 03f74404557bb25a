//! Every route of the server's own description, with every kind of credential and every role: who
//! is let in, and who is not.
//!
//! A route without a row in [`ROWS`] fails the test, and so does a row without a route. Requests go
//! straight to the server's router, with the peer and client certificates that its listener would
//! tell it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use espalier::auth::Role;
use espalier::server::access::Peer;
use espalier::server::routes;
use ledger::{AuditFilter, AuditOutcome, Page};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::matrix_credentials::{Credential, Expected, World};

/// A route as it should be.
struct Row {
    method: &'static str,
    path: &'static str,
    /// None: open to everybody.
    roles: Option<&'static [Role]>,
    /// A path and a body to try it with.
    sample: fn(&World) -> Sample,
}

/// What is sent.
struct Sample {
    path: String,
    body: Option<Value>,
}

const REQUESTERS: Option<&[Role]> = Some(&[Role::Requester]);
const READERS: Option<&[Role]> =
    Some(&[Role::Requester, Role::Revoker, Role::Auditor, Role::Admin]);
const REVOKERS: Option<&[Role]> = Some(&[Role::Revoker]);
const AUDITORS: Option<&[Role]> = Some(&[Role::Auditor]);
const ADMINS: Option<&[Role]> = Some(&[Role::Admin]);
const OPEN: Option<&[Role]> = None;

fn get(path: &'static str) -> Sample {
    Sample { path: path.to_owned(), body: None }
}

fn post(path: &'static str, body: Value) -> Sample {
    Sample { path: path.to_owned(), body: Some(body) }
}

/// Who may use what. It is written here once more, by hand, so that a slip in the server's own
/// table is found.
const ROWS: &[Row] = &[
    Row {
        method: "post",
        path: "/v1/certificates",
        roles: REQUESTERS,
        sample: |world| Sample {
            path: "/v1/certificates".into(),
            body: Some(json!({ "csr": world.csr, "profile": "tls-server" })),
        },
    },
    Row {
        method: "get",
        path: "/v1/certificates/{serial}",
        roles: READERS,
        // Nobody's: whoever is let in is told that there is none.
        sample: |_| get("/v1/certificates/4000000000000000000000000000000000000000"),
    },
    Row {
        method: "get",
        path: "/v1/certificates",
        roles: READERS,
        sample: |_| get("/v1/certificates?limit=1"),
    },
    Row {
        method: "post",
        path: "/v1/certificates/{serial}/renew",
        roles: REQUESTERS,
        sample: |_| {
            post("/v1/certificates/4000000000000000000000000000000000000000/renew", json!({}))
        },
    },
    Row {
        method: "post",
        path: "/v1/certificates/{serial}/revoke",
        roles: REVOKERS,
        sample: |_| {
            post("/v1/certificates/4000000000000000000000000000000000000000/revoke", json!({}))
        },
    },
    Row {
        method: "post",
        path: "/v1/certificates:check",
        roles: REQUESTERS,
        sample: |world| post("/v1/certificates:check", json!({ "csr": world.csr })),
    },
    Row {
        method: "get",
        path: "/v1/authorities",
        roles: READERS,
        sample: |_| get("/v1/authorities"),
    },
    Row {
        method: "get",
        path: "/v1/authorities/{name}",
        roles: READERS,
        sample: |_| get("/v1/authorities/issuing"),
    },
    Row {
        method: "get",
        path: "/v1/authorities/{name}/crl",
        roles: READERS,
        sample: |_| get("/v1/authorities/issuing/crl"),
    },
    Row { method: "get", path: "/v1/profiles", roles: READERS, sample: |_| get("/v1/profiles") },
    Row {
        method: "get",
        path: "/v1/algorithms",
        roles: READERS,
        sample: |_| get("/v1/algorithms"),
    },
    Row {
        method: "post",
        path: "/v1/tokens",
        roles: ADMINS,
        sample: |_| {
            let grant = json!({ "roles": ["auditor"] });
            post("/v1/tokens", json!({ "name": "made", "expires_in_days": 1, "grant": grant }))
        },
    },
    Row { method: "get", path: "/v1/tokens", roles: ADMINS, sample: |_| get("/v1/tokens") },
    Row {
        method: "delete",
        path: "/v1/tokens/{id}",
        roles: ADMINS,
        sample: |_| get("/v1/tokens/nobody"),
    },
    Row { method: "get", path: "/v1/audit", roles: AUDITORS, sample: |_| get("/v1/audit") },
    Row {
        method: "get",
        path: "/v1/ledger/export",
        roles: AUDITORS,
        sample: |_| get("/v1/ledger/export"),
    },
    Row { method: "get", path: "/metrics", roles: AUDITORS, sample: |_| get("/metrics") },
    Row { method: "get", path: "/healthz", roles: OPEN, sample: |_| get("/healthz") },
    Row { method: "get", path: "/readyz", roles: OPEN, sample: |_| get("/readyz") },
    Row { method: "get", path: "/openapi.json", roles: OPEN, sample: |_| get("/openapi.json") },
    Row { method: "get", path: "/docs", roles: OPEN, sample: |_| get("/docs") },
    Row { method: "get", path: "/docs/page.js", roles: OPEN, sample: |_| get("/docs/page.js") },
    Row { method: "get", path: "/docs/problems", roles: OPEN, sample: |_| get("/docs/problems") },
];

/// What came back: the status, and the slug of the problem.
struct Answer {
    status: u16,
    problem: Option<String>,
    detail: String,
}

async fn send(world: &World, method: &str, sample: Sample, credential: &Credential) -> Answer {
    let mut request = Request::builder().method(method.to_uppercase().as_str()).uri(&sample.path);
    if let Some(authorization) = &credential.authorization {
        request = request.header("authorization", authorization);
    }
    let body = match sample.body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    let peer = Peer {
        address: "192.0.2.7:40000".parse().unwrap(),
        client_certificates: credential.chain.clone(),
    };
    let request = request.extension(peer).body(body).unwrap();
    let answer = routes::router(world.server.app()).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 4 << 20).await.unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    let problem = text("type").and_then(|kind| Some(kind.rsplit_once('#')?.1.to_owned()));
    Answer { status, problem, detail: text("detail").unwrap_or_default() }
}

/// The method and path of every operation of the server's description, with who may use it.
async fn described(world: &World) -> Vec<(String, String, Option<Vec<String>>)> {
    let request = Request::builder().uri("/openapi.json").body(Body::empty()).unwrap();
    let answer = routes::router(world.server.app()).oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 4 << 20).await.unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let known = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
            if known.contains(&method.as_str()) {
                let roles = operation.get("x-roles").map(|roles| {
                    let roles = roles.as_array().unwrap().iter();
                    roles.map(|role| role.as_str().unwrap().to_owned()).collect()
                });
                operations.push((method.clone(), path.clone(), roles));
            }
        }
    }
    operations
}

#[tokio::test]
async fn every_route_with_every_credential_and_every_role() {
    let world = World::new().await;
    let operations = described(&world).await;
    let routes: BTreeSet<(String, String)> =
        operations.iter().map(|(method, path, _)| (method.clone(), path.clone())).collect();
    let rows: BTreeSet<(String, String)> =
        ROWS.iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
    assert_eq!(routes, rows, "each route has a row in ROWS (left: the server, right: the rows)");
    for (method, path, roles) in &operations {
        let row = ROWS.iter().find(|row| row.method == method && row.path == path).unwrap();
        let expected =
            row.roles.map(|roles| roles.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(*roles, expected, "who may {method} {path}");
    }

    // Whoever is refused first: nothing may come of it.
    let before = world.server.app().ledger().counts().await.unwrap();
    let (mut refused, mut admitted, mut wrong) = (0, 0, Vec::new());
    for row in ROWS {
        for credential in &world.credentials {
            if let Some((status, problem)) = refusal(row, credential) {
                let answer = send(&world, row.method, (row.sample)(&world), credential).await;
                let case = format!("{} {} with {}", row.method, row.path, credential.name);
                let told = &answer.detail;
                let words = match &credential.expected {
                    Expected::Refused { words, .. } => words,
                    Expected::Role(_) => "role: found",
                };
                let fits = answer.status == status
                    && answer.problem.as_deref() == Some(problem)
                    && ["found", "allowed", words].iter().all(|word| told.contains(word));
                if !fits {
                    wrong.push(format!("{case}: {} instead of {status}, {told}", answer.status));
                }
                refused += 1;
            }
        }
    }
    let after = world.server.app().ledger().counts().await.unwrap();
    assert_eq!(before, after, "a refused request leaves nothing behind");
    refusals_of_known_requesters_are_audited(&world).await;
    for row in ROWS {
        for credential in &world.credentials {
            if refusal(row, credential).is_none() {
                let answer = send(&world, row.method, (row.sample)(&world), credential).await;
                let case = format!("{} {} with {}", row.method, row.path, credential.name);
                let let_in = ![401, 403, 429].contains(&answer.status) && answer.status < 500;
                if !let_in {
                    wrong.push(format!("{case}: {} {}", answer.status, answer.detail));
                }
                admitted += 1;
            }
        }
    }
    println!(
        "{} routes, {} credentials: {refused} refused, {admitted} let in",
        ROWS.len(),
        world.credentials.len()
    );
}

/// Of what was refused so far, the audit log has each request of somebody known that would have
/// changed something, and nothing of anybody else.
async fn refusals_of_known_requesters_are_audited(world: &World) {
    let audited = |row: &Row| {
        routes::table().iter().any(|route| {
            let method = route.method.as_str().to_lowercase();
            method == row.method && route.path == row.path && route.action.is_some()
        })
    };
    let denied = |row: &Row, credential: &Credential| {
        matches!(credential.expected, Expected::Role(_)) && refusal(row, credential).is_some()
    };
    let expected: usize = ROWS
        .iter()
        .filter(|row| audited(row))
        .map(|row| world.credentials.iter().filter(|it| denied(row, it)).count())
        .sum();
    let (filter, page) = (AuditFilter::default(), Page::first(Page::MAX_LIMIT));
    let events = world.server.app().ledger().audit(filter, page).await.unwrap().events;
    assert_eq!(events.len(), expected);
    assert!(expected > 0 && expected < 1_000);
    for event in events {
        let outcome = AuditOutcome::Refused { problem: "forbidden".into() };
        assert_eq!(event.content.outcome, outcome, "{event:?}");
        assert_eq!(event.content.address.as_deref(), Some("192.0.2.7"));
        let kinds = ["token:of-", "jwt:https://", "sa:prod/", "cert:own/"];
        assert!(kinds.iter().any(|kind| event.content.actor.starts_with(kind)), "{event:?}");
    }
}

/// How the request must be refused; none when it must be let in.
fn refusal(row: &Row, credential: &Credential) -> Option<(u16, &'static str)> {
    let roles = row.roles?;
    match &credential.expected {
        Expected::Role(role) if *role == Role::Admin || roles.contains(role) => None,
        Expected::Role(_) => Some((403, "forbidden")),
        Expected::Refused { status: 403, .. } => Some((403, "forbidden")),
        Expected::Refused { status, .. } => Some((*status, "unauthenticated")),
    }
}
