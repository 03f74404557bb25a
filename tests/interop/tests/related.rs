//! Related certificates (RFC 9763) with Bouncy Castle, which has its own reader and writer of both halves, and OpenSSL.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use ca_core::pem::Label;
use ca_core::plan::Request;
use ca_core::related::{Binding, RelatedRequest, check_binding};
use interop::issue::{self, Authority, Role, SigningKey, pkcs8, request_for};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::openssl::OpenSsl;
use interop::peers::{self, base64, octets, tried};
use jiff::SignedDuration;
use serde_json::json;

/// A classical certificate, and what a post-quantum authority needs for its sibling.
struct Pair {
    classical: Authority,
    first_key: SigningKey,
    first: Certificate,
    post_quantum: Authority,
    second_key: SigningKey,
}

impl Pair {
    fn of(first: &str, second: &str) -> Self {
        let (one, two) = (Algorithm::named(first).unwrap(), Algorithm::named(second).unwrap());
        let classical = Authority::root(one, None);
        let first_key = SigningKey::of(one, Role::Leaf);
        let request = request_for("CN=leaf.test", &[issue::LEAF_NAME], &first_key, None);
        let first = classical.issue("tls-server", request);
        let post_quantum = Authority::root(two, None);
        let second_key = SigningKey::of(two, Role::Leaf);
        Self { classical, first_key, first, post_quantum, second_key }
    }

    fn csr(&self, related: &RelatedRequest) -> CertificateRequest {
        let subject = DistinguishedName::parse("CN=leaf.test").unwrap();
        let names = [AltName::parse(issue::LEAF_NAME).unwrap()];
        let signer = self.second_key.key.signer(self.second_key.scheme).unwrap();
        CertificateRequest::build_related(&subject, &names, &[], Some(related), &signer).unwrap()
    }

    fn ask(&self) -> RelatedRequest {
        let signer = self.first_key.key.signer(self.first_key.scheme).unwrap();
        RelatedRequest::sign(&self.first, &signer, issue::now(), &[]).unwrap()
    }

    /// Our verdict on a request, and the certificate that comes of it.
    fn issue(&self, csr: &[u8]) -> Result<Certificate, String> {
        let csr = CertificateRequest::from_der(csr).map_err(|error| error.to_string())?;
        let proven = csr.verify_possession().map_err(|error| error.to_string())?;
        let binding = Binding {
            related: &self.first,
            intermediates: &[],
            anchors: std::slice::from_ref(&self.classical.certificate),
            now: issue::now(),
            max_age: SignedDuration::from_hours(1),
        };
        let related = Some(binding.prove(proven.clone()).map_err(|error| error.to_string())?);
        let mut request = Request::from_csr(proven);
        request.related = related;
        Ok(self.post_quantum.issue("tls-server", request))
    }
}

const PAIRS: &[(&str, &str)] = &[
    ("p256", "ml-dsa-65"),
    ("rsa2048", "ml-dsa-44"),
    ("p384", "hybrid"),
    ("ml-dsa-65", "ed25519"),
];

#[test]
fn bouncy_castle_accepts_our_requests_and_pairs() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for (first, second) in PAIRS {
        let pair = Pair::of(first, second);
        let csr = pair.csr(&pair.ask());
        let first_key = pkcs8(Algorithm::named(first).unwrap(), Role::Leaf);
        let key = base64(&first_key);
        let asked = csr.related_request().unwrap();
        // The serial number stands in what is signed, the proof behind it.
        let signature = csr.der().windows(9).position(|it| it == &asked.signature()[..9]).unwrap();
        let twins = vec![("the request's signature", flipped(csr.der(), signature + 20))];
        let what = "our related requests";
        accepted_but_no_twin("bouncycastle", what, csr.der(), &twins, |csr| {
            let ask = json!({ "csr": base64(csr), "related": base64(pair.first.der()),
                "relatedKey": key });
            peer.call("verifyRelatedCsr", ask).map(drop)
        });

        let bound = pair.issue(csr.der()).unwrap();
        let last = pair.first.der().len() - 1;
        let twins = vec![
            ("the related certificate", flipped(pair.first.der(), last)),
            ("another certificate", pair.classical.certificate.der().to_vec()),
        ];
        let what = "our related certificates";
        accepted_but_no_twin("bouncycastle", what, pair.first.der(), &twins, |related| {
            let ask = json!({ "cert": base64(bound.der()), "related": base64(related) });
            peer.call("checkRelated", ask).map(drop)
        });
        assert!(check_binding(&bound, &pair.first).is_ok());
        let twin = flipped(bound.der(), bound.der().len() - 1);
        peer.call(
            "verifyCert",
            json!({ "cert": base64(&twin),
            "issuer": base64(pair.post_quantum.certificate.der()) }),
        )
        .unwrap_err();
    }
}

#[test]
fn we_accept_bouncy_castles_requests() {
    let Some(mut peer) = peers::harness("bouncycastle") else { return };
    for (first, second) in PAIRS {
        let pair = Pair::of(first, second);
        let key = base64(&pkcs8(Algorithm::named(first).unwrap(), Role::Leaf));
        let mut make = |related: &Certificate, time: Option<String>| {
            let mut ask = json!({ "related": base64(related.der()), "relatedKey": key,
                "locations": ["https://ca.test/first.cer"] });
            if let Some(time) = time {
                ask["time"] = time.into();
            }
            octets(&peer.call("makeRelatedRequest", ask).unwrap(), "value")
        };
        let its = make(&pair.first, None);
        let twins = vec![("its signature", flipped(&its, its.len() - 1))];
        accepted_but_no_twin("bouncycastle", "its related requests", &its, &twins, |its| {
            let its = RelatedRequest::from_der(its).map_err(|error| error.to_string())?;
            pair.issue(pair.csr(&its).der()).map(drop)
        });
        let old = (issue::now() - SignedDuration::from_hours(2)).to_string();
        let old = RelatedRequest::from_der(&make(&pair.first, Some(old))).unwrap();
        let refused = pair.issue(pair.csr(&old).der()).unwrap_err();
        assert!(refused.contains("requestTime"), "{refused}");
        let other = RelatedRequest::from_der(&make(&pair.classical.certificate, None)).unwrap();
        let refused = pair.issue(pair.csr(&other).der()).unwrap_err();
        assert!(refused.contains("certID"), "{refused}");
        tried("bouncycastle", "its related requests, old or for another", "refused by name");
    }
}

#[test]
fn openssl_verifies_both_halves_and_shows_the_extension() {
    let Some(openssl) = OpenSsl::present() else { return };
    let pair = Pair::of("p256", "ml-dsa-65");
    let bound = pair.issue(pair.csr(&pair.ask()).der()).unwrap();
    for (certificate, authority) in [(&bound, &pair.post_quantum), (&pair.first, &pair.classical)] {
        openssl.write_pem("root.pem", Label::Certificate, authority.certificate.der());
        let der = certificate.der();
        let twins = vec![("its signature", flipped(der, der.len() - 9))];
        accepted_but_no_twin("openssl", "both halves of a related pair", der, &twins, |der| {
            openssl.write_pem("leaf.pem", Label::Certificate, der);
            openssl.run("verify -CAfile root.pem leaf.pem").map(drop)
        });
    }
    openssl.write_pem("bound.pem", Label::Certificate, bound.der());
    openssl.write("first.der", pair.first.der());
    let text = openssl.run("x509 -in bound.pem -noout -text").unwrap().octets;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains("1.3.6.1.5.5.7.1.36"), "{text}");
    // The digest that OpenSSL computes stands at the end of the extension.
    let digest = openssl.run("dgst -sha256 -binary first.der").unwrap().octets;
    let holds = |octets: &[u8]| bound.der().windows(32).any(|window| window == octets);
    assert!(holds(&digest));
    openssl.write("first.der", flipped(pair.first.der(), pair.first.der().len() - 1));
    assert!(!holds(&openssl.run("dgst -sha256 -binary first.der").unwrap().octets));
}
