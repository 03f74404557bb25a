//! OpenSSL checks revoked and good leaves by lists and responses that the `espalier` command made.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use interop::espalier::{Espalier, Ran};
use interop::openssl::{OpenSsl, ended};
use interop::peers::tried;

const CHAIN: &str = "-CAfile root.pem -untrusted issuing.pem";

/// Runs OpenSSL; both outputs together.
fn openssl(openssl: &OpenSsl, words: &str) -> Ran {
    let output = ended(openssl.command(words).spawn().unwrap());
    let text = format!("{}{}", String::from_utf8_lossy(&output.octets), output.error);
    Ran { code: Some(i32::from(!output.success)), text }
}

/// A CA with a good and a revoked leaf in OpenSSL's folder, `good.pem` and `bad.pem`.
fn world(algorithm: &str) -> Option<(OpenSsl, Espalier)> {
    let openssl = OpenSsl::present()?;
    let espalier = Espalier::in_folder(openssl.folder());
    espalier.done(&format!("init --algorithm {algorithm} --no-passphrase"));
    for authority in ["root", "issuing"] {
        espalier.done(&format!("ca show {authority} --pem --out {authority}.pem"));
    }
    for name in ["good", "bad"] {
        espalier.done(&format!("issue --dns {name}.test --key-out {name}.key --out {name}.pem"));
    }
    espalier.done("cert revoke bad.pem --reason keyCompromise");
    Some((openssl, espalier))
}

/// The same file with one bit of its last octet flipped.
fn bend(openssl: &OpenSsl, file: &str, bent: &str) {
    let mut octets = openssl.read(file);
    *octets.last_mut().unwrap() ^= 1;
    openssl.write(bent, octets);
}

#[track_caller]
fn says(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{}", ran.text);
    assert!(ran.text.contains(words), "no {words:?} in {}", ran.text);
}

#[test]
fn openssl_tells_a_revoked_leaf_from_a_good_one_by_our_list() {
    for algorithm in ["p256", "ed25519", "rsa-3072", "ml-dsa-65"] {
        let Some((peer, espalier)) = world(algorithm) else { return };
        espalier.done("crl make root --der --out root.crl");
        espalier.done("crl make issuing --der --out issuing.crl");
        bend(&peer, "issuing.crl", "bent.crl");
        let verify = |options: &str| openssl(&peer, &format!("verify {CHAIN} {options}"));
        says(&verify("-crl_check -CRLfile issuing.crl good.pem"), 0, "good.pem: OK");
        says(&verify("-crl_check -CRLfile issuing.crl bad.pem"), 1, "certificate revoked");
        let all = "-crl_check_all -CRLfile root.crl -CRLfile issuing.crl";
        says(&verify(&format!("{all} good.pem")), 0, "good.pem: OK");
        says(&verify(&format!("{all} bad.pem")), 1, "certificate revoked");
        says(&verify("-crl_check -CRLfile bent.crl good.pem"), 1, "CRL signature failure");
        says(&verify("-crl_check -CRLfile root.crl good.pem"), 1, "unable to get certificate CRL");
        tried(
            "openssl",
            &format!("espalier crl make: {algorithm}"),
            "accepted; flipped bits refused",
        );
    }
}

#[test]
fn openssl_tells_a_revoked_leaf_from_a_good_one_by_our_responses() {
    for algorithm in ["p256", "ed25519", "rsa-3072", "ml-dsa-65"] {
        let Some((peer, espalier)) = world(algorithm) else { return };
        let line = "issue --profile ocsp-responder --subject CN=OCSP --key-out ocsp.key";
        espalier.done(&format!("{line} --out ocsp.pem"));
        let delegate = "--responder-cert ocsp.pem --responder-key ocsp.key";
        for (who, options) in [("authority", ""), ("delegate", delegate)] {
            for (name, status) in [("good", "good.pem: good"), ("bad", "bad.pem: revoked")] {
                // OpenSSL's own request, with a nonce and SHA-1.
                let ask = format!("ocsp -issuer issuing.pem -cert {name}.pem -reqout {name}.req");
                says(&openssl(&peer, &ask), 0, "");
                let answer = format!("ocsp respond --authority issuing --request {name}.req");
                let force = format!("{name}.{who}.resp");
                espalier.done(&format!("{answer} --out {force} {options}"));
                let check = |response: &str| {
                    let files = format!("-reqin {name}.req -no_nonce -respin {response}");
                    let trust = "-CAfile root.pem -verify_other issuing.pem";
                    let about = format!("-issuer issuing.pem -cert {name}.pem");
                    openssl(&peer, &format!("ocsp {about} {files} {trust}"))
                };
                let ran = check(&force);
                says(&ran, 0, status);
                assert!(ran.text.contains("Response verify OK"), "{}", ran.text);
                bend(&peer, &force, "bent.resp");
                says(&check("bent.resp"), 1, "");
            }
            let what = format!("espalier ocsp respond by {who}: {algorithm}");
            tried("openssl", &what, "accepted; flipped bits refused");
        }
    }
}
