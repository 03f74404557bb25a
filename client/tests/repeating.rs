//! What is sent again, how, and what an answer may be: against a server that says what it is told.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::v1::{CreateToken, IssueCertificate, SearchCertificates, TokenGrant};
use client::{BearerToken, Client, ClientError, IdempotencyKey};

/// Gives one answer to each connection and ends; what it was sent.
fn stub(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(request(&mut stream));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (url, thread)
}

/// Reads a request with its body.
fn request(stream: &mut std::net::TcpStream) -> String {
    let mut text = String::new();
    let mut octets = [0; 4096];
    loop {
        let count = stream.read(&mut octets).unwrap();
        text += std::str::from_utf8(&octets[..count]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |text| text.parse().unwrap()) {
            return text;
        }
    }
}

fn answer(status: &str, media_type: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}",
        body.len()
    )
}

fn problem(status: &str, slug: &str, more: &str) -> String {
    let code = status.split(' ').next().unwrap();
    let body = format!(
        "{{\"type\":\"/docs/problems#{slug}\",\"status\":{code},\"title\":\"T\",\"detail\":\"profile: found a, allowed: b\",\"request_id\":\"r-1\"}}"
    );
    answer(status, "application/problem+json", more, &body)
}

const CERTIFICATE: &str = r#"{"serial":"4f","status":"stored","authority":"a","profile":"p","requester":"r","subject":"","names":[],"algorithm":"x","not_before":"2026-01-01T00:00:00Z","not_after":"2026-02-01T00:00:00Z","recorded_at":"2026-01-01T00:00:00Z","from_a_later_release":1}"#;

fn client(url: &str) -> Client {
    let token = BearerToken::new("espalier_x").unwrap();
    Client::builder(url).token(token).timeout(Duration::from_secs(5)).build().unwrap()
}

fn order() -> IssueCertificate {
    IssueCertificate { csr: "c".into(), ..IssueCertificate::default() }
}

#[tokio::test]
async fn an_order_is_sent_again_with_the_same_key_after_the_wait_that_was_told() {
    let (url, thread) = stub(vec![
        problem("503 Busy", "ledger-unavailable", "Retry-After: 1\r\n"),
        String::new(),
        problem("409 Wait", "request-under-way", ""),
        answer("201 Created", "application/json", "Idempotency-Replayed: true\r\n", CERTIFICATE),
    ]);
    let started = Instant::now();
    let key = IdempotencyKey::new("k-1").unwrap();
    let issued = client(&url).issue(&order(), &key).await.unwrap();
    assert!(issued.replayed && issued.certificate.serial == "4f");
    assert!(started.elapsed() >= Duration::from_secs(1), "Retry-After counts");
    let asked = thread.join().unwrap();
    for one in &asked {
        assert!(one.starts_with("POST /v1/certificates HTTP/1.1\r\n"), "{one}");
        assert!(one.contains("idempotency-key: k-1\r\n") && one.ends_with("{\"csr\":\"c\"}"));
        assert!(one.contains("authorization: Bearer espalier_x\r\n"), "{one}");
    }
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn what_may_have_been_done_without_a_key_is_not_sent_again() {
    let order = CreateToken {
        name: "ci".into(),
        expires_in_days: 1,
        take_over: false,
        grant: TokenGrant { roles: vec!["auditor".into()], ..TokenGrant::default() },
    };
    let (url, thread) = stub(vec![problem("503 Busy", "ledger-unavailable", "")]);
    let error = client(&url).create_token(&order).await.unwrap_err();
    assert!(error.is("ledger-unavailable") && thread.join().unwrap().len() == 1, "{error}");
    let (url, thread) = stub(vec![String::new()]);
    let error = client(&url).create_token(&order).await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. }), "{error}");
    assert_eq!(thread.join().unwrap().len(), 1);

    // Where nothing was done it is.
    let (url, thread) = stub(vec![
        problem("429 Slow", "too-many-requests", ""),
        problem("403 No", "forbidden", ""),
    ]);
    let error = client(&url).create_token(&order).await.unwrap_err();
    assert_eq!(error.to_string(), "T: profile: found a, allowed: b (request r-1)");
    assert_eq!(thread.join().unwrap().len(), 2);
}

#[tokio::test]
async fn answers_of_others_are_refused() {
    let html = answer("502 Bad", "text/html", "", "<html>proxy</html>");
    let (url, _) = stub(vec![html]);
    let once = Client::builder(&url).retries(0).build().unwrap();
    let error = once.profiles().await.unwrap_err();
    assert!(error.to_string().contains("found status 502 without a problem"), "{error}");
    let (url, _) = stub(vec![answer("200 OK", "application/json", "", "{\"profiles\":7}")]);
    let error = client(&url).profiles().await.unwrap_err();
    assert!(error.to_string().contains("found an answer of other JSON"), "{error}");
    let moved = answer("307 There", "text/plain", "Location: http://127.0.0.1:9/\r\n", "");
    let (url, _) = stub(vec![moved]);
    let error = client(&url).profiles().await.unwrap_err();
    assert!(error.to_string().contains("found status 307"), "redirects are refused: {error}");
    let endless = "a".repeat(17 * 1024 * 1024);
    let (url, thread) = stub(vec![answer("200 OK", "application/json", "", &endless)]);
    let error = client(&url).profiles().await.unwrap_err();
    assert!(error.to_string().contains("more than 16777216 octets"), "{error}");
    drop(thread);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Client::builder(format!("http://{nobody}")).retries(1).build().unwrap();
    let error = gone.profiles().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn pages_follow_each_other_until_the_last() {
    let page = |next: &str| {
        let body = format!("{{\"certificates\":[{CERTIFICATE},{CERTIFICATE}]{next}}}");
        answer("200 OK", "application/json", "", &body)
    };
    let (url, thread) = stub(vec![page(",\"next\":\"00000000000000a1\""), page("")]);
    let mut all = client(&url).all_certificates(SearchCertificates::default());
    let mut count = 0;
    while let Some(found) = all.next().await {
        found.unwrap();
        count += 1;
    }
    assert_eq!(count, 4);
    let asked = thread.join().unwrap();
    assert!(asked[1].contains("?cursor=00000000000000a1 "), "{asked:?}");

    let again = page(",\"next\":\"00000000000000a1\"");
    let (url, _) = stub(vec![again.clone(), again]);
    let mut all = client(&url).all_certificates(SearchCertificates::default());
    let error = loop {
        match all.next().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("would never end"), "{error}");
}

#[tokio::test]
async fn an_export_that_breaks_off_is_no_export() {
    let body = format!("{CERTIFICATE}\n{CERTIFICATE}\n");
    for (end, whole) in [("{\"end\":true}\n", true), ("", false)] {
        let (url, _) =
            stub(vec![answer("200 OK", "application/x-ndjson", "", &format!("{body}{end}"))]);
        let mut export = client(&url).export().await.unwrap();
        for _ in 0..2 {
            assert_eq!(export.next().await.unwrap().unwrap().serial, "4f");
        }
        match export.next().await {
            Ok(None) => assert!(whole),
            other => {
                let error = other.unwrap_err().to_string();
                assert!(!whole && error.contains("not all of it"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn whether_it_is_ready_is_an_answer_either_way_and_a_problem_is_none() {
    let document = |ready: bool| {
        format!(
            r#"{{"ready":{ready},"checks":[{{"name":"crls","passes":{ready},"found":"a","allowed":"b"}}]}}"#
        )
    };
    let json = "application/json";
    let (url, stub) = stub(vec![
        answer("200 OK", json, "", &document(true)),
        answer("503 Service Unavailable", json, "", &document(false)),
        problem("503 Service Unavailable", "overloaded", ""),
        answer("500 Internal Server Error", json, "", &document(true)),
    ]);
    let client = client(&url);
    assert!(client.readiness().await.unwrap().ready);
    let lacking = client.readiness().await.unwrap();
    assert!(!lacking.ready && lacking.checks[0].name == "crls", "{lacking:?}");
    let busy = client.readiness().await.unwrap_err();
    assert!(matches!(busy, ClientError::Refused(_)), "{busy}");
    let broken = client.readiness().await.unwrap_err();
    assert!(matches!(broken, ClientError::Unexpected { status: 500, .. }), "{broken}");
    let asked = stub.join().unwrap();
    assert!(asked.iter().all(|request| request.starts_with("GET /readyz ")), "{asked:?}");
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_length_that_was_told() {
    for (most, is_read) in [(CERTIFICATE.len(), true), (CERTIFICATE.len() - 1, false)] {
        let (url, server) = stub(vec![answer("200 OK", "application/json", "", CERTIFICATE)]);
        let client = Client::builder(url).retries(0).longest_answer(most).build().unwrap();
        let found = client.certificate("4f").await;
        server.join().unwrap();
        match found {
            Ok(certificate) => assert!(is_read && certificate.serial == "4f", "{most}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!is_read && error.contains(&most.to_string()), "{most}: {error}");
            }
        }
    }
}
