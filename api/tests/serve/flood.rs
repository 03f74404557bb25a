//! Questions about serial numbers that nobody issued, more than can be answered.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use serde_json::json;

use crate::http;
use crate::issuing::csr;
use crate::running::Running;
use crate::workbench::Workbench;

const TRY_LATER: &[u8] = &[0x30, 3, 0x0a, 1, 3];
const OCSP_REQUEST: (&str, &str) = ("Content-Type", "application/ocsp-request");
/// Who ask at once.
const ASKERS: usize = 24;

fn ask(server: &Running, request: &[u8]) -> Vec<u8> {
    let answer = http::send(server.public(), "POST", "/ocsp/issuing", &[OCSP_REQUEST], request);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[test]
fn a_flood_about_made_up_numbers_keeps_nobody_else_waiting() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    bench.run("ca show issuing --pem --out issuing.pem").done();
    bench.run("issue --dns app.test --key-out app.key --out app.pem").done();
    let request = "ocsp request --issuer issuing.pem app.pem";
    bench.run(&format!("{request} --out nonce.req")).done();
    bench.run(&format!("{request} --no-nonce --out app.req")).done();
    let first = Running::start(&bench, "");
    let token = first.token.clone();
    assert!(first.end().success());
    // Two OCSP answers at once, of these one about numbers that nobody issued.
    let config = "version: 1\nlisten: 127.0.0.1:0\nsigning: {threads: 1, queue: 8}\npublic: {listen: '127.0.0.1:0'}\n";
    let server = Running::start_by_config(&bench, config);
    let kept = ask(&server, &bench.read("app.req"));
    let body = json!({"csr": csr(&bench, "b.test")});
    let (ended, refused) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for asker in 0..ASKERS {
            let (server, ended, refused) = (&server, &ended, &refused);
            let mut request = bench.read("app.req");
            scope.spawn(move || {
                let end = request.len();
                while !ended.load(Ordering::Relaxed) {
                    // Another number each time, and none that was issued.
                    request[end - 3] = asker as u8;
                    request[end - 1] = request[end - 1].wrapping_add(1);
                    let later = ask(server, &request) == TRY_LATER;
                    refused.fetch_add(u32::from(later), Ordering::Relaxed);
                }
            });
        }
        for round in 0..30 {
            // One that must be signed, one that is kept, and a certificate.
            let signed = ask(&server, &bench.read("nonce.req"));
            assert!(signed.len() > 100, "{round}: {signed:?}");
            assert!(ask(&server, &bench.read("app.req")) == kept, "{round}: it is kept");
            if round % 10 == 0 {
                let issued = server.as_token(&token, "POST", "/v1/certificates", Some(&body));
                assert_eq!(issued.status, 201, "{issued:?}");
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    assert!(refused.load(Ordering::Relaxed) > 0, "they were too many");
}
