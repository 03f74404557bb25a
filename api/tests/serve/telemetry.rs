//! Traces, as a collector receives them, and what becomes of the server's work when it does not.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::json;

use crate::collector::{Collector, attribute, takes};
use crate::http::{self, Answer};
use crate::issuing::csr;
use crate::running::Running;
use crate::tls::{CLASSIC_ROOT, ISSUED, PQ_ROOT};
use crate::workbench::Workbench;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn hex(octets: &[u8]) -> String {
    base16ct::lower::encode_string(octets)
}

/// A served folder of quickstart, and a token that asks for certificates.
fn bench() -> (Workbench, String) {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let made = "token create --name ci --role requester --authority * --profile * --allow * --json";
    let token = bench.run(made).done().json()["token"].as_str().unwrap().to_owned();
    (bench, token)
}

/// Asks for a certificate of this name, with more headers.
fn issue(
    (bench, token): (&Workbench, &str),
    server: &Running,
    name: &str,
    more: &[(&str, &str)],
) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers =
        vec![("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    headers.extend_from_slice(more);
    let body = json!({"csr": csr(bench, name)}).to_string();
    let answer = http::send(server.address, "POST", "/v1/certificates", &headers, body.as_bytes());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

fn request_id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

/// Waits until the server has logged this.
#[track_caller]
fn until_logged(server: &Running, words: &[&str]) -> String {
    let started = Instant::now();
    loop {
        let log = server.log();
        if words.iter().all(|words| log.contains(words)) {
            return log;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "no {words:?} in {log}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_collector_gets_each_step_of_a_request_in_the_trace_that_it_names() {
    let collector = Collector::start(takes);
    let (bench, token) = bench();
    // Where the list should be stands a folder: the server is not ready, and says 503.
    fs::create_dir_all(bench.path("espalier-data/crl/issuing.crl")).unwrap();
    let more = "    service_name: ca-of-the-test\npublic: {listen: '127.0.0.1:0'}\n";
    let server = Running::start_by_config(&bench, &collector.config(more));
    let traced = |name: &str, traceparent: &str| {
        let tracestate = ("tracestate", "vendor=as-long-as-a-stranger-likes");
        issue((&bench, &token), &server, name, &[("traceparent", traceparent), tracestate])
    };
    let issued = traced("traced.test", &format!("00-{TRACE}-{PARENT}-01"));
    // One that names no trace is traced by itself; one that wants no trace gets none.
    let alone = traced("alone.test", &format!("00-{}-{PARENT}-01", "0".repeat(32)));
    let strange = http::send(server.address, "STRANGE", "/healthz", &[], b"");
    assert_eq!(strange.status, 405, "{strange:?}");
    let untraced = traced("untraced.test", &format!("00-{TRACE}-{PARENT}-00"));
    let unready = http::send(server.address, "GET", "/readyz", &[], b"");
    assert_eq!(unready.status, 503, "{unready:?}");
    // On the public listener strangers decide nothing.
    let unwanted = [("traceparent", format!("00-{TRACE}-{PARENT}-00"))];
    let unwanted = unwanted.each_ref().map(|(name, value)| (*name, value.as_str()));
    let public = http::send(server.public(), "GET", "/ca/issuing.cer", &unwanted, b"");
    assert_eq!(public.status, 200, "{public:?}");
    assert!(server.end().success());

    let spans =
        collector.spans(|resource| assert!(resource.contains("ca-of-the-test"), "{resource}"));
    let of_request =
        |id: &str| spans.iter().find(|span| attribute(span, "request_id").as_deref() == Some(id));
    let request = of_request(&request_id(&issued)).unwrap();
    assert_eq!(request.name, "http.request");
    assert_eq!(request.kind(), SpanKind::Server);
    assert!(request.trace_state.is_empty(), "{request:?}");
    assert_eq!(
        (hex(&request.trace_id), hex(&request.parent_span_id)),
        (TRACE.into(), PARENT.into())
    );
    for (name, value) in [
        ("http.route", "/v1/certificates"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "201"),
        ("requester", "token:ci"),
    ] {
        assert_eq!(attribute(request, name).as_deref(), Some(value), "{name}");
    }
    let in_trace = spans.iter().filter(|span| hex(&span.trace_id) == TRACE);
    let steps: BTreeMap<&str, &Span> = in_trace.map(|span| (span.name.as_str(), span)).collect();
    assert_eq!(
        steps.keys().copied().collect::<Vec<_>>(),
        ["ca.plan", "ca.sign", "http.request", "ledger.record", "ledger.store"]
    );
    let order = ["ca.plan", "ledger.record", "ca.sign", "ledger.store"].map(|name| steps[name]);
    for two in order.windows(2) {
        assert!(two[0].end_time_unix_nano <= two[1].start_time_unix_nano, "{two:?}");
    }
    for step in order {
        assert_eq!(step.parent_span_id, request.span_id, "{step:?}");
    }
    assert_eq!(attribute(steps["ca.sign"], "serial").as_deref(), issued.json()["serial"].as_str());
    // Nothing of the certificate's names.
    assert!(!format!("{spans:?}").contains("traced.test"));

    let alone = of_request(&request_id(&alone)).unwrap();
    assert_ne!(hex(&alone.trace_id), TRACE);
    assert!(alone.parent_span_id.is_empty(), "{alone:?}");
    assert!(of_request(&request_id(&untraced)).is_none());
    let public = of_request(&request_id(&public)).unwrap();
    assert_ne!(hex(&public.trace_id), TRACE);
    // As long as a stranger likes, and so not kept.
    let strange = of_request(&request_id(&strange)).unwrap();
    assert_eq!(attribute(strange, "http.request.method").as_deref(), Some("_OTHER"));
    // Only what the server could not do is an error of its own.
    let code = |span: &Span| span.status.as_ref().map(|status| status.code());
    assert_eq!(code(of_request(&request_id(&unready)).unwrap()), Some(StatusCode::Error));
    for span in [request, strange, public] {
        assert_ne!(code(span), Some(StatusCode::Error), "{span:?}");
    }
}

#[test]
fn the_share_that_is_traced_may_be_none_and_secrets_are_for_the_collector_alone() {
    let collector = Collector::start(takes);
    let (bench, token) = bench();
    let config = collector.config("    sample_ratio: 0\n");
    let secret = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20for-nobody-else"),
        ("ESPALIER_LOG", "debug"),
    ];
    let server = Running::start_by_config_with(&bench, &config, &secret);
    let lab = (&bench, token.as_str());
    let untraced = issue(lab, &server, "a.test", &[]);
    let named = format!("00-{TRACE}-{PARENT}-01");
    let traced = issue(lab, &server, "b.test", &[("traceparent", &named)]);
    let message = collector.next();
    assert!(message.head.contains("authorization: bearer for-nobody-else"), "{}", message.head);
    let log = until_logged(&server, &[&request_id(&traced)]);
    assert!(!log.contains("for-nobody-else"), "{log}");
    assert!(server.end().success());
    let spans = message.spans().chain(collector.spans(|_| ()));
    let of_requests: Vec<String> =
        spans.filter_map(|span| attribute(&span, "request_id")).collect();
    assert_eq!(of_requests, [request_id(&traced)]);
    assert!(!of_requests.contains(&request_id(&untraced)));
}

#[test]
fn a_collector_that_has_too_much_to_do_is_asked_again_when_it_says() {
    let collector = Collector::start(|number| match number {
        0 => Some("HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"),
        _ => takes(number),
    });
    let (bench, _) = bench();
    let server = Running::start_by_config(&bench, &collector.config(""));
    assert_eq!(server.get("/healthz").status, 200);
    let (first, again) = (collector.next(), collector.next());
    let waited = again.at.duration_since(first.at);
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
    let log = until_logged(&server, &["the collector takes traces again"]);
    assert_eq!(log.matches("the collector takes no traces").count(), 1, "{log}");
    assert!(log.contains("found status 503"), "{log}");
    assert!(server.end().success());
}

#[test]
fn a_collector_that_is_not_there_or_does_not_answer_keeps_nobody_waiting() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mute = Collector::start(|_| None);
    let (bench, token) = bench();
    for (port, cause) in [(nobody, "Connection refused"), (mute.port, "timed out")] {
        let config = mute.config("    timeout_seconds: 1\n");
        let config = config.replace(&format!(":{}/", mute.port), &format!(":{port}/"));
        let server = Running::start_by_config(&bench, &config);
        for name in ["a.test", "b.test", "c.test"] {
            let started = Instant::now();
            issue((&bench, &token), &server, name, &[]);
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
            // So long that each has a message of its own.
            std::thread::sleep(Duration::from_millis(2_500));
        }
        // Once, with the cause, and no line of the exporter beside it.
        let log = until_logged(&server, &["the collector takes no traces", cause]);
        assert_eq!(log.matches("the collector takes no traces").count(), 1, "{log}");
        assert!(!log.contains("opentelemetry") && !log.contains("ExportError"), "{log}");
        let started = Instant::now();
        assert!(server.end().success());
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
    bench.write("wrong.yaml", mute.config("    sample_ration: 1\n"));
    bench.run("serve --config wrong.yaml").fails(2, &["sample_ration"]);
    bench.run("ledger check").done();
}

#[test]
fn a_collector_proves_who_it_is() {
    let bench = crate::tls::bench();
    // Another server of ours, which has no such place: it is reached, or it is not.
    let collector =
        Running::start_by_file(&bench, "collector.yaml", &crate::tls::config(ISSUED, ""), &[]);
    let port = collector.address.port();
    for (ca_file, cause) in [(CLASSIC_ROOT, "certificate"), (PQ_ROOT, "found status 40")] {
        let server = Running::start_by_config(
            &bench,
            &format!(
                "version: 1\nlisten: 127.0.0.1:0\nauthorities: [issuing]\ntelemetry: {{traces: {{endpoint: 'https://localhost:{port}/v1/traces', ca_file: {ca_file}}}}}\n"
            ),
        );
        assert_eq!(http::send(server.address, "GET", "/healthz", &[], b"").status, 200);
        until_logged(&server, &["the collector takes no traces", cause]);
        assert!(server.end().success());
    }
    bench.write(
        "wrong.yaml",
        "version: 1\ntelemetry: {traces: {endpoint: 'https://localhost:1/', ca_file: none.pem}}\n",
    );
    bench.run("serve --config wrong.yaml").fails(2, &["telemetry.traces", "none.pem"]);
}
