//! What no honest client sends: floods of HTTP/2, bombs of header fields, paths and heads that mean
//! to be misread. The server answers others meanwhile and after, records nothing, and stays small.

use std::net::TcpStream;
use std::time::Instant;

use crate::frames::{
    CANCEL, CONTINUATION, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, REFUSED_STREAM,
    RST_STREAM, SETTINGS, field, frame, head, head_frames, talk,
};
use crate::http;
use crate::issuing::{csr, served};
use crate::running::Running;

/// How much the server may grow while it is flooded, in KiB.
const MOST_GROWTH: u64 = 24 * 1024;

fn ended(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.kind == GOAWAY)
}

fn text_of(frames: &[Frame]) -> String {
    let data = frames.iter().filter(|frame| frame.kind == DATA);
    data.map(|frame| String::from_utf8_lossy(&frame.payload)).collect()
}

/// It does its work as before: a certificate is issued, none before it was, and it did not grow.
#[track_caller]
fn is_well(server: &Running, request: &serde_json::Value, records: f64, resident: u64) {
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.metric("espalier_ledger_records"), records);
    let grown = server.resident_kib().saturating_sub(resident);
    assert!(grown < MOST_GROWTH, "grown by {grown} KiB");
    let issued = server.post_json("/v1/certificates:check", request);
    assert_eq!(issued.status, 200, "{issued:?}");
    assert_eq!(server.metric("espalier_problems_total{kind=\"internal\"}"), 0.0);
}

#[test]
fn floods_of_frames_end_their_connection_and_nothing_else() {
    let (bench, server) = served();
    let request = serde_json::json!({"csr": csr(&bench, "a.test")});
    let address = server.address;
    let authorization = format!("Bearer {}", server.token);
    let asking = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let get = |stream| head_frames(stream, END_STREAM, &head("GET", "/v1/profiles", &asking));
    // The client by hand is right when it does nothing wrong.
    assert!(text_of(&talk(address, &get(1))).contains("tls-server"));
    is_well(&server, &request, 3.0, u64::MAX);
    let (records, resident) = (3.0, server.resident_kib());

    // Streams that are opened and given up at once (CVE-2023-44487).
    let reset = |stream| frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    let streams = (0..5_000_u32).map(|n| 2 * n + 1);
    let flood: Vec<u8> = streams.flat_map(|id| [get(id), reset(id)].concat()).collect();
    assert!(ended(&talk(address, &flood)), "rapid reset goes on for ever");
    is_well(&server, &request, records, resident);

    // A head that never ends (CVE-2024-27316).
    let begun = frame(HEADERS, END_STREAM, 1, &head("GET", "/healthz", &[]));
    let more = frame(CONTINUATION, 0, 1, &field(0, "x", &"y".repeat(1_000)));
    let flood = [begun, more.repeat(10_000)].concat();
    let answer = talk(address, &flood);
    assert!(ended(&answer) || answer.len() < 8, "a head of 10 MB: {}", answer.len());
    is_well(&server, &request, records, resident);

    // More streams at once than allowed, each waiting for its body.
    let post = |stream| head_frames(stream, 0, &head("POST", "/v1/certificates", &asking));
    let flood: Vec<u8> = (0..400_u32).flat_map(|n| post(2 * n + 1)).collect();
    let answer = talk(address, &flood);
    let refused = answer
        .iter()
        .filter(|frame| frame.kind == RST_STREAM && frame.code() == Some(REFUSED_STREAM));
    assert!(refused.count() >= 200 || ended(&answer), "{}", answer.len());
    is_well(&server, &request, records, resident);

    // What must be answered each time, without end.
    let flood = [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[7; 8])].concat().repeat(50_000);
    talk(address, &flood);
    is_well(&server, &request, records, resident);
    server.end();
}

#[test]
fn heads_that_are_too_large_are_told_so_or_cut_off() {
    let (bench, server) = served();
    let request = serde_json::json!({"csr": csr(&bench, "a.test")});
    is_well(&server, &request, 3.0, u64::MAX);
    let resident = server.resident_kib();
    let large = "y".repeat(40_000);
    let answer = server.send("GET", "/v1/profiles", &[("X-Large", &large)], b"");
    answer.is_problem(431, "headers-too-large", &["found 4", "at most 32768"]);
    let fits = "y".repeat(30_000);
    assert_eq!(server.send("GET", "/v1/profiles", &[("X-Large", &fits)], b"").status, 200);
    let block = head("GET", "/healthz", &[("x-large", large.as_str())]);
    let answer = text_of(&talk(server.address, &head_frames(1, END_STREAM, &block)));
    assert!(answer.contains("headers-too-large"), "{answer}");
    // Past what is read at all there is no document.
    let larger = "y".repeat(1_000_000);
    let head_line = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {larger}\r\n\r\n");
    let answer = http::raw(server.address, head_line.as_bytes());
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{answer:?}");
    let many = "X: y\r\n".repeat(1_000);
    let head_line = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    let answer = http::raw(server.address, head_line.as_bytes());
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{answer:?}");
    // One field of 4,000 octets in the table, and 16,000 octets that each stand for it.
    let bomb = [head("GET", "/healthz", &[]), field(0x40, "x", &"y".repeat(4_000))].concat();
    let bomb = [bomb, vec![0xbe; 16_000]].concat();
    let answer = talk(server.address, &head_frames(1, END_STREAM, &bomb).repeat(1));
    assert!(!text_of(&answer).contains("\"status\":\"ok\""), "{answer:?}");
    is_well(&server, &request, 3.0, resident);
    server.end();
}

#[test]
fn paths_and_heads_that_mean_to_be_misread_are_refused() {
    let (_bench, server) = served();
    for (target, status, slug) in [
        ("/v1/certificates/%00", 400, "invalid-parameter"),
        ("/v1/certificates/%ff%fe", 400, "invalid-parameter"),
        ("/v1/certificates/..%2f..%2fetc%2fpasswd", 400, "invalid-parameter"),
        ("/v1/certificates/'%20OR%201=1--", 400, "invalid-parameter"),
        ("/v1/authorities/..", 404, "not-found"),
        ("/v1/authorities/%2e%2e%2froot", 404, "not-found"),
        ("/v1/../healthz", 404, "not-found"),
        ("//healthz", 404, "not-found"),
        ("/healthz/", 404, "not-found"),
        ("/HEALTHZ", 404, "not-found"),
        ("/healthz;a=b", 404, "not-found"),
        ("/v1/certificates?limit=1&limit=2", 400, "invalid-parameter"),
        ("/v1/certificates?limit=-1", 400, "invalid-parameter"),
        ("/v1/certificates?nonsense=1", 400, "invalid-parameter"),
        ("/v1/certificates?cursor=ffffffffffffffff", 400, "invalid-parameter"),
        ("/v1/certificates?name=%00", 400, "invalid-parameter"),
        ("/v1/certificates?name=%ff", 400, "invalid-parameter"),
        ("/v1/tokens?limit=1001", 400, "invalid-parameter"),
    ] {
        let before = server.metric(&format!("espalier_problems_total{{kind=\"{slug}\"}}"));
        server.get(target).is_problem(status, slug, &[]);
        let after = server.metric(&format!("espalier_problems_total{{kind=\"{slug}\"}}"));
        assert_eq!(after, before + 1.0, "{target}");
    }
    let authorization = format!("Authorization: Bearer {}", server.token);
    for lines in [
        // Two readers would see two requests in it.
        "POST /v1/certificates HTTP/1.1|Host: a|Content-Length: 5|Content-Length: 6||{}",
        "POST /v1/certificates HTTP/1.1|Host: a|Transfer-Encoding: chunked, identity||0||",
        "POST /v1/certificates HTTP/1.1|Host: a|Content-Length: +2||{}",
        "POST /v1/certificates HTTP/1.1|Host: a|Content-Length: 99999999999999999999||{}",
        "GET /v1/profiles HTTP/1.1|Host: a| folded: b||",
        "GET /v1/profiles HTTP/1.1|Host: a|Bad Name: b||",
        "GET /v1/profiles HTTP/1.1|Host: a|X: \0||",
        "GET /v1/profiles HTTP/9.9|Host: a||",
        "GET /v1/profi\u{0}les HTTP/1.1|Host: a||",
        "GET  /v1/profiles  HTTP/1.1|Host: a||",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}||",
    ] {
        let octets = lines.replacen("Host: a", &format!("Host: a|{authorization}"), 1);
        let octets = octets.replace('|', "\r\n");
        let answer = http::raw(server.address, octets.as_bytes());
        let status = http::parse(&answer).map_or(0, |answer| answer.status);
        assert!(answer.is_empty() || (400..500).contains(&status), "{lines}: {status}");
    }
    let twice = [("Authorization", "Bearer x")];
    server.send("GET", "/v1/profiles", &twice, b"").is_problem(
        400,
        "invalid-parameter",
        &["Authorization: found several"],
    );
    assert_eq!(server.metric("espalier_ledger_records"), 3.0);
    assert_eq!(server.metric("espalier_problems_total{kind=\"internal\"}"), 0.0);
    server.end();
}

#[test]
fn silent_and_slow_connections_keep_nobody_else_from_being_served() {
    let (_bench, server) = served();
    let mut silent = Vec::new();
    for n in 0..300 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let begun: &[u8] = match n % 3 {
            0 => b"",
            1 => b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ",
            _ => b"POST /v1/certificates HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
        };
        std::io::Write::write_all(&mut stream, begun).unwrap();
        silent.push(stream);
    }
    let started = Instant::now();
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/v1/profiles").status, 200);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    drop(silent);
    server.end();
}
