//! Traces, as a collector receives them. The receiver is a small one of our own, which decodes
//! OTLP's protobuf with the published types.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use serde_json::json;

use crate::issuing::csr;
use crate::running::Running;
use crate::workbench::Workbench;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Takes messages on a free port until the test ends.
fn collector() -> (u16, mpsc::Receiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || take(stream.unwrap(), &sender));
        }
    });
    (port, receiver)
}

/// Reads messages of one connection, and answers each.
fn take(mut stream: TcpStream, sender: &mpsc::Sender<ExportTraceServiceRequest>) {
    let mut octets = Vec::new();
    loop {
        let mut part = [0; 16 * 1024];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(read) => octets.extend_from_slice(&part[..read]),
        }
        let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&octets[..end]).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let whole = end + 4 + length.parse::<usize>().unwrap();
        if octets.len() < whole {
            continue;
        }
        let message = ExportTraceServiceRequest::decode(&octets[end + 4..whole]).unwrap();
        octets.drain(..whole);
        // The test may be over.
        let _ = sender.send(message);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

fn hex(octets: &[u8]) -> String {
    base16ct::lower::encode_string(octets)
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_collector_gets_each_step_of_a_request_in_the_trace_that_it_names() {
    let (port, messages) = collector();
    let bench = Workbench::new();
    bench.run("quickstart").done();
    let made = "token create --name ci --role requester --authority * --profile * --allow * --json";
    let token = bench.run(made).done().json()["token"].as_str().unwrap().to_owned();
    let server = Running::start_by_config(
        &bench,
        &format!(
            "version: 1\nlisten: 127.0.0.1:0\ntelemetry:\n  traces:\n    endpoint: http://127.0.0.1:{port}/v1/traces\n    service_name: ca-of-the-test\n"
        ),
    );
    let authorization = format!("Bearer {token}");
    let issue = |name: &str, traceparent: &str| {
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("traceparent", traceparent),
            ("tracestate", "vendor=as-long-as-a-stranger-likes"),
        ];
        let body = json!({"csr": csr(&bench, name)}).to_string();
        let answer = crate::http::send(
            server.address,
            "POST",
            "/v1/certificates",
            &headers,
            body.as_bytes(),
        );
        assert_eq!(answer.status, 201, "{answer:?}");
        (answer.header("x-request-id").unwrap().to_owned(), answer.json())
    };
    let (request_id, issued) = issue("traced.test", &format!("00-{TRACE}-{PARENT}-01"));
    // One that names no trace is traced by itself; one that wants no trace gets none.
    let (alone, _) = issue("alone.test", &format!("00-{}-{PARENT}-01", "0".repeat(32)));
    let strange = crate::http::send(server.address, "STRANGE", "/healthz", &[], b"");
    assert_eq!(strange.status, 405, "{strange:?}");
    let (untraced, _) = issue("untraced.test", &format!("00-{TRACE}-{PARENT}-00"));
    assert!(server.end().success());

    let mut spans = Vec::new();
    while let Ok(message) = messages.recv_timeout(Duration::from_secs(2)) {
        for of_resource in message.resource_spans {
            let resource = format!("{:?}", of_resource.resource.unwrap());
            assert!(resource.contains("ca-of-the-test"), "{resource}");
            spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let of_request =
        |id: &str| spans.iter().find(|span| attribute(span, "request_id").as_deref() == Some(id));
    let request = of_request(&request_id).unwrap();
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
    assert_eq!(attribute(steps["ca.sign"], "serial").as_deref(), issued["serial"].as_str());
    // Nothing of the certificate's names.
    assert!(!format!("{spans:?}").contains("traced.test"));

    let alone = of_request(&alone).unwrap();
    assert_ne!(hex(&alone.trace_id), TRACE);
    assert!(alone.parent_span_id.is_empty(), "{alone:?}");
    assert!(of_request(&untraced).is_none());
    // As long as a stranger likes, and so not kept.
    let strange = of_request(strange.header("x-request-id").unwrap()).unwrap();
    assert_eq!(attribute(strange, "http.request.method").as_deref(), Some("_OTHER"));
}

#[test]
fn a_collector_that_is_not_there_harms_no_request() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bench = Workbench::new();
    bench.run("quickstart").done();
    let config = format!(
        "version: 1\nlisten: 127.0.0.1:0\ntelemetry:\n  traces: {{endpoint: 'http://127.0.0.1:{port}/v1/traces', timeout_seconds: 1}}\n"
    );
    let server = Running::start_by_config(&bench, &config);
    assert_eq!(server.get("/healthz").status, 200);
    assert!(server.end().success());
    bench.write("wrong.yaml", config.replace("endpoint", "endpiont"));
    bench.run("serve --config wrong.yaml").fails(2, &["endpiont"]);
}
