//! OpenSSL: certificates and requests, both ways; composites as far as it goes.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, Family};
use ca_core::path::SecurityPolicy;
use ca_core::pem::{self, Label};
use interop::issue::Chain;
use interop::judge::{self, our_csr, our_path};
use interop::openssl::OpenSsl;
use interop::peers::tried;
use interop::slh_dsa::takes_long;

const PEER: &str = "openssl";

/// What OpenSSL knows: everything but the composites.
fn known() -> impl Iterator<Item = &'static Algorithm> {
    let known = Algorithm::all().iter().filter(|row| row.family() != Family::Composite);
    known.filter(|row| !takes_long(row))
}

#[test]
fn it_accepts_our_chains_and_requests() {
    let Some(openssl) = OpenSsl::present() else { return };
    for algorithm in known() {
        let chain = Chain::of(algorithm);
        let [leaf, issuing, root] = chain.ders();
        openssl.write_pem("root.pem", Label::Certificate, root);
        let what = |kind: &str| format!("our {} {kind}", algorithm.family());
        // -check_ss_sig: its own signature of the root is looked at only when asked.
        let strict = "-x509_strict -check_ss_sig";
        judge::certificate(PEER, &what("root"), root, |cert| {
            openssl.write_pem("cert.pem", Label::Certificate, cert);
            verify(&openssl, &format!("{strict} -CAfile cert.pem cert.pem"))
        });
        judge::certificate(PEER, &what("issuing CA"), issuing, |cert| {
            openssl.write_pem("cert.pem", Label::Certificate, cert);
            verify(&openssl, &format!("{strict} -CAfile root.pem cert.pem"))
        });
        openssl.write_pem("issuing.pem", Label::Certificate, issuing);
        let usage = "-purpose sslserver -verify_hostname leaf.test";
        for (kind, options) in
            [("leaf", String::new()), ("leaf, -x509_strict", format!("{strict} {usage}"))]
        {
            judge::certificate(PEER, &what(kind), leaf, |cert| {
                openssl.write_pem("cert.pem", Label::Certificate, cert);
                let files = "-CAfile root.pem -untrusted issuing.pem cert.pem";
                verify(&openssl, &format!("{options} {files}"))
            });
        }
        let wrong_name =
            "-verify_hostname other.test -CAfile root.pem -untrusted issuing.pem cert.pem";
        openssl.write_pem("cert.pem", Label::Certificate, leaf);
        verify(&openssl, wrong_name).unwrap_err();
        judge::csr(PEER, &what("CSR"), chain.request.der(), |csr| {
            openssl.write_pem("csr.pem", Label::CertificateRequest, csr);
            openssl.run("req -verify -noout -in csr.pem").map(drop)
        });
    }
}

fn verify(openssl: &OpenSsl, arguments: &str) -> Result<(), String> {
    openssl.run(&format!("verify {arguments}")).map(drop)
}

/// OpenSSL has no composites: it reads them, names their identifier, and can't verify them.
#[test]
fn it_reads_our_composites() {
    let Some(openssl) = OpenSsl::present() else { return };
    for algorithm in Algorithm::all().iter().filter(|row| row.family() == Family::Composite) {
        let chain = Chain::of(algorithm);
        for der in chain.ders() {
            openssl.write_pem("cert.pem", Label::Certificate, der);
            let text = openssl.run("x509 -text -noout -in cert.pem").unwrap();
            let text = String::from_utf8(text.octets).unwrap();
            let oid = format!("Signature Algorithm: {}", algorithm.oid());
            assert!(text.contains(&oid), "{algorithm}: {text}");
            // Cut by an octet it is no certificate any more.
            openssl.write_pem("cert.pem", Label::Certificate, &der[..der.len() - 1]);
            openssl.run("x509 -text -noout -in cert.pem").unwrap_err();
            tried(PEER, "our composite certificates, x509 -text", "read; cut by an octet refused");
        }
        openssl.write_pem("csr.pem", Label::CertificateRequest, chain.request.der());
        openssl.run("req -text -noout -in csr.pem").unwrap();
        tried(PEER, "our composite CSRs, req -text", "read");
        openssl.write_pem("root.pem", Label::Certificate, chain.root.certificate.der());
        openssl.write_pem("cert.pem", Label::Certificate, chain.issuing.certificate.der());
        verify(&openssl, "-CAfile root.pem cert.pem").unwrap_err();
        tried(PEER, "our composite certificates, verify", "can't: knows no composites");
    }
}

/// How OpenSSL is asked for a key, and what policy its certificates satisfy.
const THEIR_KEYS: &[(&str, &str, SecurityPolicy)] = &[
    ("ML-DSA-44", "-newkey ml-dsa-44", SecurityPolicy::PostQuantum),
    ("ML-DSA-65", "-newkey ml-dsa-65", SecurityPolicy::PostQuantum),
    ("ML-DSA-87", "-newkey ml-dsa-87", SecurityPolicy::PostQuantum),
    ("SLH-DSA-SHA2-128f", "-newkey slh-dsa-sha2-128f", SecurityPolicy::PostQuantum),
    ("SLH-DSA-SHAKE-128f", "-newkey slh-dsa-shake-128f", SecurityPolicy::PostQuantum),
    ("P-256", "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256", SecurityPolicy::Any),
    ("P-384", "-newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha384", SecurityPolicy::Any),
    ("P-521", "-newkey ec -pkeyopt ec_paramgen_curve:P-521 -sha512", SecurityPolicy::Any),
    ("Ed25519", "-newkey ed25519", SecurityPolicy::Any),
    ("RSA-2048", "-newkey rsa:2048 -sha256", SecurityPolicy::Any),
    ("RSA-3072", "-newkey rsa:3072 -sha384", SecurityPolicy::Any),
    (
        "RSA-2048 PSS",
        "-newkey rsa:2048 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
        SecurityPolicy::Any,
    ),
];

const LEAF_EXTENSIONS: &str = "basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:leaf.test
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
";

#[test]
fn we_accept_its_chains_and_requests() {
    let Some(openssl) = OpenSsl::present() else { return };
    openssl.write("leaf.cnf", LEAF_EXTENSIONS);
    for (name, key, policy) in THEIR_KEYS {
        make_theirs(&openssl, key).unwrap_or_else(|error| panic!("{name}: {error}"));
        let der = |file: &str| pem_rfc7468::decode_vec(&openssl.read(file)).unwrap().1;
        let (root, leaf, csr) = (der("ca.pem"), der("leaf.pem"), der("csr.pem"));
        let family = match policy {
            SecurityPolicy::Any => Family::Classical,
            SecurityPolicy::PostQuantum | SecurityPolicy::Hybrid => Family::PostQuantum,
        };
        let what = |kind: &str| format!("its {family} {kind}");
        let named =
            |verdict: Result<(), String>| verdict.map_err(|reason| format!("{name}: {reason}"));
        for (kind, cert) in [("root", &root), ("leaf", &leaf)] {
            judge::certificate(PEER, &what(kind), cert, |cert| {
                named(our_path(&[cert], &root, *policy))
            });
        }
        judge::csr(PEER, &what("CSR"), &csr, |csr| named(our_csr(csr)));
        // Their PEM as it came, for the reader that strangers' files go through.
        pem::read_one_certificate(&openssl.read("ca.pem")).unwrap();
        pem::read_one_request(&openssl.read("csr.pem")).unwrap();
    }
}

fn make_theirs(openssl: &OpenSsl, key: &str) -> Result<(), String> {
    let usage = "-addext keyUsage=critical,keyCertSign,cRLSign";
    openssl.run(&format!(
        "req -x509 {key} -noenc -keyout ca.key -out ca.pem -subj /CN=Theirs -days 30 {usage}"
    ))?;
    openssl.run(&format!(
        "req -new {key} -noenc -keyout leaf.key -out csr.pem -subj /CN=leaf.test \
         -addext subjectAltName=DNS:leaf.test"
    ))?;
    // The digest and padding of a certificate are those of its authority, so they are told once more.
    let mut words = key.split_whitespace().skip(1).peekable();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-sigopt" => options.extend([word, words.peek().copied().unwrap_or_default()]),
            word if word.starts_with("-sha") => options.push(word),
            _ => {}
        }
    }
    let options = options.join(" ");
    openssl.run(&format!(
        "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -days 20 -extfile leaf.cnf {options} -out leaf.pem"
    ))?;
    Ok(())
}
