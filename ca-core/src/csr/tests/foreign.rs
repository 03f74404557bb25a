//! Requests that other programs made.

use super::*;

/// Program, request, subject, names.
const FOREIGN: [(&str, &str, &str, &[&str]); 3] = [
    (
        "OpenSSL",
        include_str!("openssl-3.0.pem"),
        "CN=demo.example.com,O=Example,C=DE",
        &[
            "DNS:demo.example.com",
            "IP:10.0.0.1",
            "email:a@b.example",
            "URI:https://a.b/c",
            "UPN:x@y",
        ],
    ),
    (
        "Java keytool, with the older label",
        include_str!("keytool-17.pem"),
        "CN=demo,O=Example,C=DE",
        &["DNS:a.example"],
    ),
    (
        "Go crypto/x509",
        include_str!("go-x509.pem"),
        "CN=demo,O=a+O=b",
        &["DNS:a.b", "IP:10.0.0.1", "URI:spiffe://a/b"],
    ),
];

#[test]
fn requests_of_other_programs_are_read_and_proved_and_their_twins_are_not() {
    for (program, pem, wanted, asked) in FOREIGN {
        let csr = pem::read_one_request(pem.as_bytes())
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert_eq!(csr.subject().to_string(), wanted, "{program}");
        assert_eq!(csr.names(), names(asked), "{program}");
        csr.verify_possession().unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut wrong = csr.der().to_vec();
        let at = wrong.windows(4).position(|window| window == b"demo").unwrap();
        wrong[at] ^= 1;
        let error = CertificateRequest::from_der(&wrong).unwrap().verify_possession().unwrap_err();
        assert!(matches!(error, CsrError::Possession(_)), "{program}: {error}");
    }
}
