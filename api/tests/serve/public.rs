//! The public listener: revocation lists, OCSP and CA certificates over plain HTTP.

use std::time::{Duration, Instant};

use base64ct::{Base64, Base64Url, Encoding as _};

use crate::http::{self, Answer};
use crate::running::Running;
use crate::workbench::{Workbench, bent};

const MALFORMED: &[u8] = &[0x30, 3, 0x0a, 1, 1];
const UNAUTHORIZED: &[u8] = &[0x30, 3, 0x0a, 1, 6];
const OCSP_REQUEST: (&str, &str) = ("Content-Type", "application/ocsp-request");

/// A CA with two leaves, `app.pem` and `db.pem`, and requests about them without nonce.
fn bench() -> Workbench {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    for authority in ["root", "issuing"] {
        bench.run(&format!("ca show {authority} --pem --out {authority}.pem")).done();
    }
    for name in ["app", "db"] {
        bench.run(&format!("issue --dns {name}.test --key-out {name}.key --out {name}.pem")).done();
        let line = format!("ocsp request --issuer issuing.pem --no-nonce {name}.pem");
        bench.run(&format!("{line} --out {name}.req")).done();
    }
    bench
}

fn get(server: &Running, target: &str) -> Answer {
    http::send(server.public(), "GET", target, &[], b"")
}

fn post(server: &Running, request: &[u8]) -> Answer {
    http::send(server.public(), "POST", "/ocsp/issuing", &[OCSP_REQUEST], request)
}

/// Asks until the answer is as wanted; a list is made in the background.
fn until(server: &Running, target: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let started = Instant::now();
    loop {
        let answer = get(server, target);
        if wanted(&answer) {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What `espalier ocsp show` says of an answer.
fn shown(bench: &Workbench, answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/ocsp-response"));
    bench.write("answer.resp", &answer.body);
    bench.run("ocsp show answer.resp").done().stdout().to_owned()
}

fn numbers(bench: &Workbench) -> Vec<u64> {
    let rows = bench.run("crl list issuing --json").done().json();
    rows.as_array().unwrap().iter().map(|row| row["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_list_is_made_kept_and_fetched_and_nothing_else_is_there() {
    let bench = bench();
    let server = Running::start(&bench, "");
    let list = until(&server, "/crl/issuing.crl", |answer| answer.status == 200);
    assert_eq!(list.header("content-type"), Some("application/pkix-crl"));
    let control = list.header("cache-control").unwrap();
    assert_eq!(control, "max-age=300, public, no-transform, must-revalidate");
    bench.write("fetched.crl", &list.body);
    bench.run("crl show fetched.crl").done();
    bench.run("crl make root --out root.crl").done();
    let verify = "verify --trust root.pem --intermediate issuing.pem --crl root.crl";
    bench.run(&format!("{verify} --crl fetched.crl app.pem")).done();
    bench.write("bent.crl", bent(&list.body));
    bench.run(&format!("{verify} --crl bent.crl app.pem")).fails(1, &[]);

    let etag = list.header("etag").unwrap();
    let public = server.public();
    let with =
        |method, name, value| http::send(public, method, "/crl/issuing.crl", &[(name, value)], b"");
    let known = with("GET", "If-None-Match", etag);
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), Some(etag));
    assert_eq!(with("GET", "If-None-Match", "\"other\"").status, 200);
    let modified = list.header("last-modified").unwrap();
    // Whole seconds don't tell two lists of one second apart.
    assert_eq!(with("GET", "If-Modified-Since", modified).status, 200);
    let head = with("HEAD", "Accept", "*/*");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(list.body.len().to_string().as_str()));

    for target in [
        "/crl/root.crl",
        "/crl/nobody.crl",
        "/crl/issuing.pem",
        "/crl/..%2fledger.crl",
        "/crl/",
        "/ca/issuing.crl",
        "/ca/nobody.cer",
        "/ocsp/nobody/MA",
        "/v1/certificates",
    ] {
        get(&server, target).is_problem(404, "not-found", &["names nothing"]);
    }
    with("DELETE", "Accept", "*/*").is_problem(405, "method-not-allowed", &["DELETE"]);

    let own = get(&server, "/ca/issuing.cer");
    assert_eq!(own.header("content-type"), Some("application/pkix-cert"));
    let der = bench.run("ca show issuing --der").done().stdout;
    assert!(own.body == der, "it is the authority's own certificate");
    let chain = get(&server, "/ca/issuing.pem");
    assert_eq!(chain.header("content-type"), Some("application/pem-certificate-chain"));
    assert!(chain.body.starts_with(&bench.read("issuing.pem")));

    // The next server finds the list; one that was bent meanwhile is made anew.
    assert!(server.end().success());
    let server = Running::start(&bench, "");
    let again = until(&server, "/crl/issuing.crl", |answer| answer.status == 200);
    assert_eq!(again.body, list.body);
    assert!(server.end().success());
    bench.write("espalier-data/crl/issuing.crl", bent(&list.body));
    let server = Running::start(&bench, "");
    let other = until(&server, "/crl/issuing.crl", |answer| answer.status == 200);
    assert!(other.body != list.body && other.body != bent(&list.body));
    assert_eq!(numbers(&bench), [2, 1]);
}

#[test]
fn several_servers_make_one_list() {
    let bench = bench();
    let servers = [(); 3].map(|()| Running::start(&bench, ""));
    let lists: Vec<Vec<u8>> = servers
        .iter()
        .map(|server| until(server, "/crl/issuing.crl", |answer| answer.status == 200).body)
        .collect();
    assert!(lists.iter().all(|list| *list == lists[0]));
    bench.run("cert revoke app.pem --reason superseded").done();
    for server in &servers {
        until(server, "/crl/issuing.crl", |answer| answer.body != lists[0]);
    }
    assert_eq!(numbers(&bench), [2, 1]);
    bench.run("ledger check").done();
}

#[test]
fn a_revocation_shows_at_once_and_on_the_next_list() {
    let bench = bench();
    let server = Running::start(&bench, "");
    let first = until(&server, "/crl/issuing.crl", |answer| answer.status == 200);
    let request = bench.read("app.req");
    let good = post(&server, &request);
    assert!(shown(&bench, &good).contains("good"));
    let verify = "verify --trust root.pem --intermediate issuing.pem --revocation-of leaf";
    bench.run(&format!("{verify} --ocsp answer.resp app.pem")).done();
    bench.run(&format!("{verify} --ocsp answer.resp db.pem")).fails(1, &["unknown"]);
    // Without a nonce the same answer is given again, by GET too.
    assert_eq!(post(&server, &request).body, good.body);
    let escaped = Base64::encode_string(&request).replace('+', "%2B").replace('/', "%2F");
    for text in [
        escaped.replace('=', "%3D"),
        Base64::encode_string(&request),
        Base64Url::encode_string(&request),
    ] {
        let answer = get(&server, &format!("/ocsp/issuing/{text}"));
        assert_eq!(answer.body, good.body, "{text}");
        assert_eq!(answer.header("etag"), good.header("etag"));
        assert!(answer.header("expires").is_some() && answer.header("last-modified").is_some());
    }
    bench.run("cert revoke app.pem --reason keyCompromise").done();
    let revoked = post(&server, &request);
    assert!(shown(&bench, &revoked).contains("keyCompromise"), "{revoked:?}");
    bench.run(&format!("{verify} --ocsp answer.resp app.pem")).fails(1, &["revoked"]);
    assert!(shown(&bench, &post(&server, &bench.read("db.req"))).contains("good"));

    let next = until(&server, "/crl/issuing.crl", |answer| answer.body != first.body);
    bench.write("next.crl", &next.body);
    bench.run(&format!("{verify} --crl next.crl app.pem")).fails(1, &["revoked"]);
    bench.run(&format!("{verify} --crl next.crl db.pem")).done();
}

#[test]
fn requests_of_every_kind_have_their_answer() {
    let bench = bench();
    let server = Running::start(&bench, "");
    bench.run("cert revoke app.pem --reason superseded").done();
    bench.run("ocsp request --issuer issuing.pem app.pem db.pem --out both.req").done();
    let both = post(&server, &bench.read("both.req"));
    let text = shown(&bench, &both);
    assert!(text.contains("good") && text.contains("superseded"), "{text}");
    assert_eq!(both.header("cache-control"), Some("no-store"), "it has a nonce");
    assert!(post(&server, &bench.read("both.req")).body != both.body);
    let verify = "verify --trust root.pem --intermediate issuing.pem --revocation-of leaf";
    bench.run(&format!("{verify} --ocsp answer.resp db.pem")).done();
    bench.write("answer.resp", bent(&both.body));
    bench.run(&format!("{verify} --ocsp answer.resp db.pem")).fails(1, &[]);

    // A serial number that was never issued.
    let mut request = bench.read("db.req");
    let last = request.len() - 1;
    request[last] ^= 1;
    assert!(shown(&bench, &post(&server, &request)).contains("unknown"));
    // Of another issuer; of nobody here; no request at all.
    bench.run("ocsp request --issuer root.pem issuing.pem --out root.req").done();
    let error = |answer: &Answer, expected: &[u8]| {
        assert_eq!((answer.status, answer.body.as_slice()), (200, expected));
        assert_eq!(answer.header("content-type"), Some("application/ocsp-response"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    };
    let root = bench.read("root.req");
    error(&post(&server, &root), UNAUTHORIZED);
    let headers = [OCSP_REQUEST];
    error(&http::send(server.public(), "POST", "/ocsp/root", &headers, &root), UNAUTHORIZED);
    error(&post(&server, b"hello"), MALFORMED);
    error(&post(&server, b""), MALFORMED);
    let cut = bench.read("db.req");
    error(&post(&server, &cut[..cut.len() - 1]), MALFORMED);
    for text in ["MA", "%20", "=", "!!!!"] {
        error(&get(&server, &format!("/ocsp/issuing/{text}")), MALFORMED);
    }
    let db = bench.read("db.req");
    let send = |headers: &[(&str, &str)], target: &str, body: &[u8]| {
        http::send(server.public(), "POST", target, headers, body)
    };
    send(&[], "/ocsp/issuing", &db).is_problem(415, "unsupported-media-type", &["ocsp-request"]);
    send(&[("Content-Type", "application/json")], "/ocsp/issuing", &db).is_problem(
        415,
        "unsupported-media-type",
        &["application/json"],
    );
    send(&headers, "/ocsp/nobody", &db).is_problem(404, "not-found", &["/ocsp/AUTHORITY"]);
    send(&headers, "/ocsp/issuing", &vec![0; 64 * 1024 + 1]).is_problem(
        413,
        "body-too-large",
        &["65537", "65536"],
    );
    let long = format!("/ocsp/issuing/{}", "A".repeat(9_000));
    get(&server, &long).is_problem(414, "uri-too-long", &["8192"]);
    assert!(shown(&bench, &send(&headers, "/ocsp/issuing", &db)).contains("good"));
}

#[test]
fn a_delegate_answers_until_it_is_revoked() {
    let bench = bench();
    let line = "issue --profile ocsp-responder --subject CN=OCSP --key-out ocsp.key";
    bench.run(&format!("{line} --out ocsp.pem")).done();
    let config = |certificate: &str| {
        format!(
            "version: 1\nlisten: 127.0.0.1:0\npublic:\n  listen: 127.0.0.1:0\n  ocsp:\n    delegates:\n      issuing: {{certificate: {certificate}, key: ocsp.key}}\n"
        )
    };
    bench.write("wrong.yaml", config("app.pem"));
    bench.run("serve --config wrong.yaml").fails(1, &["app.pem"]);
    let server = Running::start_by_config(&bench, &config("ocsp.pem"));
    let request = bench.read("app.req");
    let answer = post(&server, &request);
    assert!(shown(&bench, &answer).contains("good"));
    let verify = "verify --trust root.pem --intermediate issuing.pem --revocation-of leaf";
    bench.run(&format!("{verify} --ocsp answer.resp app.pem")).done();
    bench.run("cert revoke ocsp.pem --reason keyCompromise").done();
    let refused = post(&server, &request);
    assert_eq!(refused.body, [0x30, 3, 0x0a, 1, 2], "internalError");
}
