//! What is written to the API server, and what follows from its answers: those that a real one gives
//! only now and then, by a server that answers as it is told and remembers what it was sent.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::IntoResponse;
use issuer::apply::{self, Owned};
use issuer::audience::ApiAudiences;
use issuer::certificate_request::CertificateRequest;
use issuer::config::LeaderElection;
use issuer::events::{Events, PATIENT_PLACES};
use issuer::fault::Fault;
use issuer::issuer::credential;
use issuer::kinds::IssuerSpec;
use issuer::leader::Election;
use issuer::metrics::Metrics;
use issuer::plan::Notice;
use kube::{Api, Client};
use serde_json::{Value, json};

/// A request as it came: its method, path with query, and body.
type Sent = (String, String, Value);

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Script {
    /// Serves these answers in turn, and then nothing but 500.
    async fn served(answers: &[(u16, Value)]) -> (Self, Client) {
        let script = Self::default();
        script.answers.lock().unwrap().extend(answers.iter().cloned());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(socket, router).await });
        let mut config = kube::Config::new(format!("http://{address}").parse().unwrap());
        config.default_retry = false;
        (script, Client::try_from(config).unwrap())
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Script>, request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let octets: Bytes = to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&octets).unwrap_or(Value::Null);
    script.sent.lock().unwrap().push((parts.method.to_string(), parts.uri.to_string(), body));
    let next = script.answers.lock().unwrap().pop_front();
    let (status, text) = next.unwrap_or((500, refusal(500, "InternalError")));
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/json")], text.to_string())
}

/// A refusal as the API server words it.
fn refusal(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("told to say {reason}"), "reason": reason, "code": code,
    })
}

fn request(version: &str) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1", "resourceVersion": version},
        "spec": {"issuerRef": {"group": "espalier.dev", "kind": "PQIssuer", "name": "hybrid"}, "request": ""},
    })
}

async fn applied(answer: (u16, Value)) -> (Script, Result<Owned, apply::ApplyError>) {
    let (script, client) = Script::served(&[answer]).await;
    let api: Api<CertificateRequest> = Api::namespaced(client, "shop");
    let object: CertificateRequest = serde_json::from_value(request("7")).unwrap();
    let result = apply::status(&api, &object, "7", &json!({"conditions": []})).await;
    (script, result)
}

#[tokio::test]
async fn a_status_is_applied_to_the_object_and_version_that_was_looked_at() {
    let (script, result) = applied((200, request("8"))).await;
    assert_eq!(result.unwrap(), Owned::Applied("8".into()));
    let sent = script.sent();
    let (method, path, body) = &sent[0];
    assert_eq!((sent.len(), method.as_str()), (1, "PATCH"));
    let place = "/apis/cert-manager.io/v1/namespaces/shop/certificaterequests/web-1/status?";
    assert!(path.starts_with(place), "{path}");
    assert!(path.contains("fieldManager=espalier-issuer") && path.contains("force=true"), "{path}");
    let metadata = json!({"name": "web-1", "uid": "u-1", "resourceVersion": "7"});
    assert_eq!((&body["metadata"], &body["status"]), (&metadata, &json!({"conditions": []})));
}

#[tokio::test]
async fn an_object_that_is_gone_or_changed_is_told_from_a_server_that_fails() {
    let (_, gone) = applied((404, refusal(404, "NotFound"))).await;
    assert_eq!(gone.unwrap(), Owned::Gone);
    let (_, stale) = applied((409, refusal(409, "Conflict"))).await;
    assert_eq!(stale.unwrap(), Owned::Stale);
    for (code, reason) in [(403, "Forbidden"), (422, "Invalid"), (500, "InternalError")] {
        let (_, failed) = applied((code, refusal(code, reason))).await;
        let error = failed.unwrap_err();
        assert_eq!(error.object, "CertificateRequest web-1");
        assert!(error.source.to_string().contains(reason), "{}", error.source);
    }
}

fn lease(holder: &str, version: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "espalier-issuer", "namespace": "n", "resourceVersion": version},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 3600},
    })
}

fn election(client: Client) -> Election {
    let settings = LeaderElection {
        lease_duration_seconds: 3,
        renew_deadline_seconds: 2,
        retry_period_seconds: 1,
        ..LeaderElection::default()
    };
    Election::new(client, "n", settings, "me".into(), || jiff::Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn of_two_that_make_the_lease_the_slower_waits() {
    let (script, client) = Script::served(&[
        (404, refusal(404, "NotFound")),
        (409, refusal(409, "AlreadyExists")),
        (200, lease("other", "1")),
        (200, lease("", "2")),
        (200, lease("me", "3")),
    ])
    .await;
    tokio::time::timeout(Duration::from_secs(20), election(client).win(|_| ())).await.unwrap();
    let sent = script.sent();
    let methods: Vec<&str> = sent.iter().map(|(method, ..)| method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST", "GET", "GET", "PUT"]);
    let written = &sent[4].2;
    assert_eq!(written["spec"]["holderIdentity"], "me");
    assert_eq!(
        written["metadata"]["resourceVersion"], "2",
        "whoever was faster is not overwritten"
    );
}

#[tokio::test]
async fn a_leader_ends_when_another_has_the_lease_or_nobody_answers() {
    let (script, client) = Script::served(&[
        (200, lease("me", "1")),
        (200, lease("me", "2")),
        (200, lease("other", "3")),
    ])
    .await;
    tokio::time::timeout(Duration::from_secs(20), election(client).keep()).await.unwrap();
    assert_eq!(script.sent().len(), 3, "kept once, and then it was another's");
    let (script, client) = Script::served(&[]).await;
    tokio::time::timeout(Duration::from_secs(20), election(client).keep()).await.unwrap();
    assert!(script.sent().len() <= 3, "within the deadline");
}

#[tokio::test]
async fn a_lease_is_given_back_by_its_holder_alone() {
    let (script, client) = Script::served(&[(200, lease("me", "1")), (200, lease("", "2"))]).await;
    election(client).release().await;
    let sent = script.sent();
    assert_eq!(sent[1].0, "PUT");
    assert_eq!(sent[1].2["spec"].get("holderIdentity"), None);
    let (script, client) = Script::served(&[(200, lease("other", "1"))]).await;
    election(client).release().await;
    assert_eq!(script.sent().len(), 1, "only looked at");
}

/// A client by an issuer's credential, as the author of an issuer chose it, or what is wrong.
async fn credentialed(auth: Value, answers: &[(u16, Value)]) -> (Script, Result<(), Fault>) {
    let (script, client) = Script::served(answers).await;
    let spec = json!({
        "server": {"url": "https://ca.example.com"}, "authority": "issuing", "auth": auth,
    });
    let spec: IssuerSpec = serde_json::from_value(spec).unwrap();
    let known = ApiAudiences::default();
    let made = credential::client(&client, &known, "shop", &spec).await;
    (script, made.map(|_| ()))
}

/// A Secret with this label, such as whoever made it gives it.
fn secret(made_by: &str) -> (u16, Value) {
    let labels = json!({"app.kubernetes.io/managed-by": made_by});
    let metadata = json!({"name": "told", "namespace": "shop", "labels": labels});
    let data = json!({"token": "dG9rZW4=", "ca.crt": "eA=="});
    (200, json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}))
}

#[tokio::test]
async fn a_secret_with_the_keys_of_an_authority_is_nobodys_credential() {
    let (token, certificate) = (
        json!({"token": {"secretRef": {"name": "told"}}}),
        json!({"clientCertificate": {"secretRef": {"name": "told"}}}),
    );
    let (script, made) = credentialed(token.clone(), &[secret("somebody")]).await;
    assert!(made.is_ok(), "{made:?}");
    assert_eq!(script.sent()[0].1, "/api/v1/namespaces/shop/secrets/told");
    for (auth, field) in [(token, "spec.auth.token"), (certificate, "spec.auth.clientCertificate")]
    {
        let (_, made) = credentialed(auth, &[secret("espalier-bootstrap")]).await;
        let Err(Fault::Issuer(words)) = made else { panic!("{made:?}") };
        let known = [field, "found Secret told", "keys of an authority", "allowed is"];
        assert!(known.iter().all(|word| words.contains(word)), "{words}");
        assert!(!words.contains("token="), "{words}");
    }
}

#[tokio::test]
async fn no_token_is_made_for_the_api_server_of_kubernetes() {
    let token = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": {"audiences": []},
        "status": {"token": "a.b.c", "expirationTimestamp": "2126-11-27T06:00:00Z"},
    });
    let account =
        |audience: &str| json!({"serviceAccount": {"name": "asker", "audience": audience}});
    let (script, made) = credentialed(account("espalier"), &[(201, token)]).await;
    assert!(made.is_ok(), "{made:?}");
    let (method, path, body) = &script.sent()[0];
    assert_eq!(method, "POST");
    assert!(path.starts_with("/api/v1/namespaces/shop/serviceaccounts/asker/token"), "{path}");
    assert_eq!(body["spec"]["audiences"], json!(["espalier"]));
    let (script, made) = credentialed(account("https://kubernetes.default.svc"), &[]).await;
    let Err(Fault::Issuer(words)) = made else { panic!("{made:?}") };
    let known = [
        "spec.auth.serviceAccount.audience: found \"https://kubernetes.default.svc\"",
        "allowed is",
    ];
    assert!(known.iter().all(|word| words.contains(word)), "{words}");
    assert_eq!(script.sent(), [], "the API server was asked for it");
}

/// The queues, and what tells the events of as many requests that wait in them.
fn events(
    client: Client,
    notices: &[&Notice],
) -> (Events, impl Future<Output = ()> + Send + use<>, Metrics) {
    let metrics = Metrics::default();
    let (events, telling) = Events::new(client, "replica".to_owned(), metrics.clone());
    for (number, notice) in notices.iter().enumerate() {
        let mut object: CertificateRequest = serde_json::from_value(request("7")).unwrap();
        object.metadata.name = Some(format!("web-{number}"));
        object.metadata.uid = Some(format!("u-{number}"));
        events.tell(&object, (*notice).clone());
    }
    (events, telling, metrics)
}

/// What the events say that were sent, in their order.
fn notes(script: &Script) -> Vec<String> {
    let sent = script.sent();
    sent.iter().map(|(_, _, event)| event["note"].as_str().unwrap().to_owned()).collect()
}

/// That a certificate was issued, as the object says as well.
fn issued() -> Notice {
    Notice { can_wait: true, ..Notice::normal("Issued", "issued") }
}

#[tokio::test]
async fn that_certificates_were_issued_is_told_last_and_in_measure() {
    let (issued, failed) = (issued(), Notice::warning("Failed", "failed"));
    let mut notices = vec![&issued; 21];
    notices.push(&failed);
    let (script, client) = Script::served(&[]).await;
    let started = Instant::now();
    let (_events, telling, _) = events(client, &notices);
    tokio::spawn(telling);
    while script.sent().len() < notices.len() {
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", notes(&script));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // 20 at once, and one in a second.
    assert!(started.elapsed() > Duration::from_millis(500), "{:?}", started.elapsed());
    let notes = notes(&script);
    assert_eq!(notes[0], "failed");
    assert_eq!(notes[1..], vec!["issued"; 21]);
}

#[tokio::test]
async fn of_one_object_a_reason_is_told_three_times_and_others_all_the_same() {
    let (script, client) = Script::served(&[]).await;
    let (events, telling, metrics) = events(client, &[]);
    let tell = |uid: &str, reason, note: &str| {
        let mut object: CertificateRequest = serde_json::from_value(request("7")).unwrap();
        object.metadata.uid = Some(uid.to_owned());
        events.tell(&object, Notice::warning(reason, note))
    };
    let told: Vec<bool> =
        (1..=5).map(|number| tell("u-1", "NotReady", &number.to_string())).collect();
    assert_eq!(told, [true, true, true, false, false]);
    assert!(
        tell("u-1", "NotWritten", "another reason") && tell("u-2", "NotReady", "another object")
    );
    drop(events);
    telling.await;
    assert_eq!(notes(&script), ["1", "2", "3", "another reason", "another object"]);
    assert!(
        metrics.text().contains("espalier_issuer_events_dropped_total 0\n"),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn nobody_waits_for_them_at_the_end() {
    let otherwise = Notice::normal("Issued", "issued, otherwise than asked for");
    let (issued, mut notices) = (issued(), vec![&otherwise; 60]);
    notices.extend(vec![&issued; 200]);
    let (script, client) = Script::served(&[]).await;
    let started = Instant::now();
    let (events, telling, _) = events(client, &notices);
    drop(events);
    telling.await;
    let most = 20.0 + started.elapsed().as_secs_f64();
    let notes = notes(&script);
    assert_eq!(notes[..60], vec![otherwise.note.as_str(); 60]);
    let patient = notes[60..].iter().filter(|note| *note == "issued").count();
    assert_eq!(patient, notes.len() - 60);
    assert!(patient >= 20 && patient as f64 <= most + 1.0, "{patient}, allowed are {most}");
}

#[tokio::test]
async fn of_those_that_can_wait_a_minutes_worth_waits() {
    let dropped =
        |metrics: &Metrics| metrics.text().contains("espalier_issuer_events_dropped_total 1\n");
    let (_, client) = Script::served(&[]).await;
    let issued = issued();
    let all = vec![&issued; PATIENT_PLACES + 1];
    let (_events, _telling, metrics) = events(client.clone(), &all[1..]);
    assert!(!dropped(&metrics), "{}", metrics.text());
    let (_events, _telling, metrics) = events(client, &all);
    assert!(dropped(&metrics), "{}", metrics.text());
}
