//! What is refused, with which problem; nothing of it is recorded.

use serde_json::json;

use crate::http;
use crate::issuing::csr;
use crate::running::Running;
use crate::workbench::Workbench;

#[test]
fn whatever_is_wrong_is_named_and_nothing_is_recorded() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let server = Running::start(&bench, "");
    let good = csr(&bench, "a.test");
    let post = |kind: &str, body: &[u8]| {
        server.send("POST", "/v1/certificates", &[("Content-Type", kind)], body)
    };
    let json_type = "application/json";
    for (kind, body, status, slug, words) in [
        (json_type, &b"{"[..], 400, "malformed-body", &["body: ", "line 1"][..]),
        (json_type, b"{\"csr\": \"\xff\"}", 400, "malformed-body", &["octet 9", "UTF-8"]),
        (json_type, b"{\"csr\":\"a\",\"csr\":\"b\"}", 400, "malformed-body", &["duplicate", "csr"]),
        (json_type, b"{\"csr\":\"a\",\"x\":1}", 400, "malformed-body", &["unknown field `x`"]),
        (json_type, b"[\"a\", null]", 400, "malformed-body", &["no object", "{…}"]),
        (json_type, b"{}", 400, "malformed-body", &["missing field `csr`"]),
        (json_type, b"{\"csr\":1}", 400, "malformed-body", &["invalid type", "string"]),
        (json_type, b"{\"csr\":\"\"}", 422, "csr-malformed", &["csr: "]),
        ("text/plain", b"x", 415, "unsupported-media-type", &["text/plain", "application/pkcs10"]),
        ("application/pkcs10", b"\x30\x00", 422, "csr-malformed", &["csr: "]),
    ] {
        post(kind, body).is_problem(status, slug, words);
    }
    let deep = format!("{{\"csr\":{}", "[".repeat(5_000));
    post(json_type, deep.as_bytes()).is_problem(400, "malformed-body", &["body: "]);
    let large = vec![b' '; 128 * 1024 + 1];
    post(json_type, &large).is_problem(413, "body-too-large", &["131073", "131072"]);

    let ask = |more: serde_json::Value| {
        let mut body = json!({"csr": good});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post_json("/v1/certificates", &body)
    };
    for (more, slug, words) in [
        (json!({"profile": "nope"}), "invalid-field", ["profile: found \"nope\"", "tls-server"]),
        (json!({"authority": "root"}), "invalid-field", ["authority: found \"root\"", "issuing"]),
        (json!({"validity_days": 0}), "invalid-field", ["validity_days: found 0", "1 to 36500"]),
        (
            json!({"validity_days": 1, "validity_seconds": 1}),
            "invalid-field",
            ["validity_seconds: found validity_days", "one of the two"],
        ),
        (
            json!({"validity_days": 36_500}),
            "certificate-refused",
            ["validity: found 3153600000", "allows 1 to"],
        ),
        (
            json!({"profile": "spiffe"}),
            "certificate-refused",
            ["found DNS:a.test", "profile spiffe allows"],
        ),
    ] {
        ask(more).is_problem(422, slug, &words);
    }
    let bent = good.replacen("MI", "MJ", 1);
    server.post_json("/v1/certificates", &json!({"csr": bent})).is_problem(
        422,
        "csr-malformed",
        &["csr: "],
    );

    server.end();
    let report = bench.run("ledger check --json").done().json();
    assert_eq!(report["checked"]["records"], 3, "{report}");
}

#[test]
fn who_is_slow_is_told_and_let_go() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let first = Running::start(&bench, "");
    let token = first.token.clone();
    first.end();
    let limits = "{header_read_timeout_seconds: 1, body_read_timeout_seconds: 1}";
    let config = format!("version: 1\nlisten: 127.0.0.1:0\nlimits: {limits}\n");
    let server = Running::start_by_config(&bench, &config);
    let head = format!(
        "POST /v1/certificates HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{{"
    );
    let answer = http::parse(&http::raw(server.address, head.as_bytes())).unwrap();
    answer.is_problem(408, "slow-request", &["body: found it unfinished after 1 s"]);
    // A head that never ends has no answer; the connection is closed, and others are served.
    let unfinished = http::raw(server.address, b"GET /healthz HTTP/1.1\r\nHost:");
    assert!(!unfinished.starts_with(b"HTTP/1.1 200"), "{unfinished:?}");
    // Nor is one kept that says nothing, or starts like HTTP/2 and stops.
    for start in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
        let started = std::time::Instant::now();
        assert_eq!(http::raw(server.address, start), b"");
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn who_is_not_known_learns_nothing() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let server = Running::start(&bench, "");
    let target = "/v1/certificates/5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203";
    for headers in [
        &[][..],
        &[("Authorization", "Bearer espalier_wrong")],
        &[("Authorization", "Basic YTpi")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Bearer  ")],
    ] {
        let answer = http::send(server.address, "GET", target, headers, b"");
        answer.is_problem(401, "unauthenticated", &["found"]);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{answer:?}");
    }
    server.get(target).is_problem(404, "not-found", &["serial"]);
    server.get("/v1/certificates/x").is_problem(400, "invalid-parameter", &["40 hexadecimal"]);
    server.get("/v2").is_problem(404, "not-found", &["/openapi.json"]);
    let method = server.send("DELETE", target, &[], b"");
    method.is_problem(405, "method-not-allowed", &["DELETE"]);
    assert_eq!(method.header("allow"), Some("GET,HEAD"));
    let long = format!("/v1/{}", "x".repeat(9_000));
    server.get(&long).is_problem(414, "uri-too-long", &["9004", "8192"]);
}
