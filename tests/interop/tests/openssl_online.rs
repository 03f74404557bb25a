//! OpenSSL fetches a live server's list and asks it by OCSP, at the URLs that certificates carry.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use interop::espalier::{Espalier, Ran};
use interop::online::{LIST, Serving, found, free_address};
use interop::openssl::{OpenSsl, ended};
use interop::peers::tried;

/// Runs OpenSSL; both outputs together.
fn openssl(openssl: &OpenSsl, words: &str) -> Ran {
    let output = ended(openssl.command(words).spawn().unwrap());
    let text = format!("{}{}", String::from_utf8_lossy(&output.octets), output.error);
    Ran { code: Some(i32::from(!output.success)), text }
}

#[track_caller]
fn says(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{}", ran.text);
    assert!(ran.text.contains(words), "no {words:?} in {}", ran.text);
}

#[test]
fn openssl_checks_revocation_through_the_urls_of_certificates() {
    for algorithm in ["p256", "ml-dsa-65"] {
        let Some(peer) = OpenSsl::present() else { return };
        let (espalier, address) = (Espalier::in_folder(peer.folder()), free_address());
        found(&espalier, peer.folder(), algorithm, address);
        let server = Serving::start(&espalier, address);
        let first = server.fetch(LIST);
        says(&openssl(&peer, "x509 -in good.pem -noout -ocsp_uri"), 0, &format!("{address}/ocsp/"));

        let ask = |issuer: &str, name: &str, path: &str| {
            let about = format!("ocsp -issuer {issuer}.pem -cert {name}.pem");
            let trust = "-CAfile root.pem -verify_other issuing.pem -trust_other";
            openssl(&peer, &format!("{about} -url http://{address}{path} {trust} -resp_text"))
        };
        let online = |name: &str| {
            let ran = ask("issuing", name, "/ocsp/issuing");
            assert!(ran.text.contains("Response verify OK"), "{}", ran.text);
            ran
        };
        // By the URL of the distribution point itself.
        let download = |name: &str| {
            let chain = "-CAfile root.pem -untrusted issuing.pem";
            openssl(&peer, &format!("verify {chain} -crl_check -crl_download {name}.pem"))
        };
        says(&online("good"), 0, "good.pem: good");
        says(&online("bad"), 0, "bad.pem: good");
        says(&download("bad"), 0, "bad.pem: OK");

        espalier.done("cert revoke bad.pem --reason keyCompromise");
        says(&online("bad"), 0, "bad.pem: revoked");
        says(&online("good"), 0, "good.pem: good");
        // Of another issuer, and at a path of nobody.
        says(&ask("root", "issuing", "/ocsp/issuing"), 1, "unauthorized");
        says(&ask("issuing", "good", "/ocsp/nobody"), 1, "");
        let next = server.list_other_than(&first);
        says(&download("bad"), 1, "certificate revoked");
        says(&download("good"), 0, "good.pem: OK");
        let verify = |file: &str, name: &str| {
            let chain = "-CAfile root.pem -untrusted issuing.pem";
            openssl(&peer, &format!("verify {chain} -crl_check -CRLfile {file} {name}.pem"))
        };
        peer.write("next.crl", &next);
        says(&verify("next.crl", "bad"), 1, "certificate revoked");
        says(&verify("next.crl", "good"), 0, "good.pem: OK");
        let mut bent = next;
        *bent.last_mut().unwrap() ^= 1;
        peer.write("bent.crl", bent);
        says(&verify("bent.crl", "good"), 1, "CRL signature failure");
        peer.write("issuing.cer", server.fetch("/ca/issuing.cer"));
        says(&openssl(&peer, "verify -CAfile root.pem -untrusted issuing.cer good.pem"), 0, "OK");
        let what = format!("live CRL and OCSP URLs: {algorithm}");
        tried("openssl", &what, "accepted; revoked, other issuers and flipped bits refused");
    }
}
