//! pkilint and our own lints: what each finds in every kind of certificate that the shipped profiles make. They agree, or
//! the difference is in one list with its reason.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report; findings are printed

use std::collections::BTreeMap;

use ca_core::algorithm::{Algorithm, KeyKind, MlKem};
use ca_core::certificate::Certificate;
use ca_core::lint::{LintOverrides, Severity, lint_certificates};
use ca_core::name::DistinguishedName;
use ca_core::plan::Request;
use ca_core::profile::SHIPPED_NAMES;
use ca_core::public_key::PublicKey;
use interop::issue::{Authority, Chain, Role, SigningKey, request_for};
use interop::peers::{self, Finding, Peer, tried};

/// A finding of severity NOTICE or worse by one of them that the other does not have.
struct Accepted {
    /// Whose it is.
    by: Linter,
    code: &'static str,
    /// What its message or place must contain, so that the same finding elsewhere is not accepted.
    about: &'static str,
    reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linter {
    Pkilint,
    Ours,
}

const ACCEPTED: &[Accepted] = &[
    Accepted {
        by: Linter::Pkilint,
        code: "pkix.invalid_domain_name_syntax",
        about: "\"*.leaf.test\"",
        reason: "RFC 5280 section 4.2.1.6 leaves wildcards to applications; RFC 9525 section 6.3 defines them for \
                 TLS. pkilint's PKIX rules, which know no purpose, want a plain domain name",
    },
    Accepted {
        by: Linter::Pkilint,
        code: "pkix.invalid_uri_syntax",
        about: "\"spiffe://leaf.test/workload\"",
        reason: "a SPIFFE ID is a URI by RFC 3986; pkilint's URI parser knows only nine schemes, such as https and \
                 ftp",
    },
    Accepted {
        by: Linter::Pkilint,
        code: "pkix.public_key_algorithm_unsupported",
        about: "1.3.6.1.5.5.7.6.45",
        reason: "pkilint has no rules yet for the key usages of composite keys; the draft's section 5.2 is checked \
                 by ca-core's own lints",
    },
    Accepted {
        by: Linter::Ours,
        code: "chain_fits_first_flight",
        about: "of handshake",
        reason: "pkilint knows no sizes: two post-quantum certificates and a signature leave the first flight",
    },
];

/// Accepted beside those when a certificate is linted together with its issuer's.
const ACCEPTED_IN_CHAINS: &[Accepted] = &[Accepted {
    by: Linter::Pkilint,
    code: "pkix.unsupported_algorithm",
    about: "certificate.signature",
    reason: "pkilint verifies classical signatures only; OpenSSL, Go, pyca and Bouncy Castle verify these",
}];

const FAMILIES: &[&str] =
    &["ECDSA-P256", "ML-DSA-65", "MLDSA65-ECDSA-P256-SHA512", "SLH-DSA-SHA2-128f"];

/// Leaf profiles, a subject and names for each.
const LEAVES: &[(&str, &str, &[&str])] = &[
    (
        "tls-server",
        "CN=leaf.test",
        &["DNS:leaf.test", "DNS:*.leaf.test", "IP:192.0.2.7", "IP:2001:db8::7"],
    ),
    ("tls-server", "", &["DNS:leaf.test"]),
    ("tls-client", "CN=client,O=Espalier", &["email:client@leaf.test", "UPN:client@leaf.test"]),
    ("tls-client", "CN=client", &[]),
    ("tls-peer", "CN=peer.leaf.test", &["DNS:peer.leaf.test", "URI:https://peer.leaf.test/"]),
    ("spiffe", "", &["URI:spiffe://leaf.test/workload"]),
    ("code-signing", "CN=Publisher,O=Espalier,C=DE", &["email:publisher@leaf.test"]),
    ("ocsp-responder", "CN=OCSP responder", &[]),
];

/// A certificate of one kind, and its issuer's.
struct Made {
    kind: String,
    certificate: Certificate,
    issuer: Option<Certificate>,
}

impl Made {
    fn new(kind: &str, certificate: Certificate, issuer: Option<&Authority>) -> Self {
        let issuer = issuer.map(|issuer| issuer.certificate.clone());
        Self { kind: kind.to_owned(), certificate, issuer }
    }
}

/// Every kind of certificate in one family.
fn kinds(algorithm: &Algorithm, alternative: Option<&Algorithm>) -> Vec<Made> {
    let root = Authority::root(algorithm, alternative);
    let issuing = root.issuing(algorithm, alternative);
    let leaf_key = SigningKey::of(algorithm, Role::Leaf);
    let mut made = vec![
        Made::new("root", root.certificate.clone(), None),
        Made::new("issuing-ca", issuing.certificate.clone(), Some(&root)),
    ];
    if alternative.is_none() {
        // An authority of another family certifies the issuing authority's name and key.
        let other = Authority::root(Algorithm::named("ECDSA-P384").unwrap(), None);
        let request = Request::cross(&issuing.certificate).unwrap();
        made.push(Made::new("cross-ca", other.issue("cross-ca", request), Some(&other)));
        // A key that can't sign, whose holder is known in another way.
        let kem = PublicKey::from_raw(KeyKind::MlKem(MlKem::MlKem768), &[0; 1184]).unwrap();
        let subject = DistinguishedName::parse("CN=KEM recipient,O=Espalier").unwrap();
        let certificate = issuing.issue("kem-recipient", Request::new(subject, Vec::new(), kem));
        made.push(Made::new("kem-recipient", certificate, Some(&issuing)));
    }
    for (profile, subject, names) in LEAVES {
        let request = request_for(subject, names, &leaf_key, None);
        let kind = format!("{profile} of {subject:?} for {} names", names.len());
        made.push(Made::new(&kind, issuing.issue(profile, request), Some(&issuing)));
    }
    made
}

#[test]
fn both_find_nothing_in_our_certificates_without_a_reason() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.der");
    let (mut unexplained, mut explained) = (Vec::new(), BTreeMap::<&str, usize>::new());
    let second = Algorithm::named("ML-DSA-65").unwrap();
    let families = FAMILIES.iter().map(|name| (Algorithm::named(name).unwrap(), None));
    let hybrid = (Algorithm::named("ECDSA-P256").unwrap(), Some(second));
    for (algorithm, alternative) in families.chain([hybrid]) {
        for Made { kind, certificate, issuer } in kinds(algorithm, alternative) {
            std::fs::write(&file, certificate.der()).unwrap();
            let mut findings = peers::findings(&pkilint, "cert", &file);
            findings.retain(counts);
            let theirs = findings.iter().map(|finding| (Linter::Pkilint, finding.clone()));
            let ours = our_findings(&certificate, issuer.as_ref());
            for (by, finding) in theirs.chain(ours.into_iter().map(|one| (Linter::Ours, one))) {
                match accepted(&finding, ACCEPTED).filter(|row| row.by == by) {
                    Some(accepted) => *explained.entry(accepted.code).or_default() += 1,
                    None => unexplained.push(format!("{algorithm}, {kind}: {by:?}: {finding:?}")),
                }
            }
            let with = if alternative.is_some() { " with alternative signature" } else { "" };
            let what = format!("our {} certificates{with}", algorithm.family());
            tried("pkilint", &what, "no finding without a reason; our lints agree");
        }
    }
    assert!(unexplained.is_empty(), "findings without a reason:\n{}", unexplained.join("\n"));
    for Accepted { by, code, about, reason } in ACCEPTED {
        let count = explained.get(code).copied().unwrap_or_default();
        println!("{by:?}: accepted {count} times: {code} {about}: {reason}");
        assert!(count > 0, "{code}: is not found any more, the reason can go");
    }
}

/// What our lints find, in pkilint's words. A notice of ours is no more than its INFO.
fn our_findings(certificate: &Certificate, issuer: Option<&Certificate>) -> Vec<Finding> {
    let found = lint_certificates(&[certificate.der()], issuer, &LintOverrides::default());
    let counts = found.into_iter().flatten().filter(|one| one.severity >= Severity::Warning);
    counts
        .map(|one| Finding {
            severity: one.severity.to_string(),
            code: one.id.to_owned(),
            message: one.detail,
            path: String::new(),
        })
        .collect()
}

/// What it is, octets to find, how far in a change starts, what to put there, and the lint that must see it.
type Mistake<'a> = (&'a str, &'a [u8], usize, &'a [u8], &'a str);

/// The twin: what is wrong is wrong for both.
#[test]
fn both_find_the_same_mistakes() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.der");
    let leaf = Chain::of(Algorithm::named("ML-DSA-44").unwrap()).leaf;
    let mistakes: &[Mistake<'_>] = &[
        // keyUsage: digitalSignature becomes keyEncipherment.
        ("usage", &[3, 2, 7, 0x80], 2, &[5, 0x20], "key_usage_fits_key"),
        // The DNS name gets an empty label.
        ("name", b"leaf.test", 0, b"l..f.test", "alternative_names_valid"),
        // The serial number gets a sign.
        ("serial", &[0xa0, 3, 2, 1, 2, 2, 20], 7, &[0x80], "serial_positive_and_bounded"),
    ];
    for (what, wanted, at, change, id) in mistakes {
        let mut der = leaf.der().to_vec();
        // The names stand behind the subject, so the last one is looked for.
        let found = der.windows(wanted.len()).rposition(|window| window == *wanted).unwrap() + at;
        der[found..found + change.len()].copy_from_slice(change);
        std::fs::write(&file, &der).unwrap();
        let theirs = peers::findings(&pkilint, "cert", &file);
        let severe = theirs.iter().any(|one| matches!(one.severity.as_str(), "ERROR" | "FATAL"));
        assert!(severe, "{what}: pkilint finds {theirs:?}");
        let ours = lint_certificates(&[&der], None, &LintOverrides::default()).remove(0);
        assert!(ours.iter().any(|one| one.id == *id), "{what}: we find {ours:?}");
        tried("pkilint", &format!("our certificates, wrong {what}"), "found by both");
    }
}

/// Each certificate beside its issuer's: names and key identifiers that belong together.
#[test]
fn it_finds_nothing_between_our_certificates() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let lint = |issuer: &[u8], subject: &[u8]| {
        let (upper, lower) = (folder.path().join("issuer.der"), folder.path().join("subject.der"));
        std::fs::write(&upper, issuer).unwrap();
        std::fs::write(&lower, subject).unwrap();
        let mut findings = peers::chain_findings(&pkilint, &upper, &lower);
        findings.retain(counts);
        findings.retain(|finding| accepted(finding, ACCEPTED).is_none());
        findings.retain(|finding| accepted(finding, ACCEPTED_IN_CHAINS).is_none());
        findings
    };
    for row in ACCEPTED_IN_CHAINS {
        println!("pkilint: accepted: {} at {}: {}", row.code, row.about, row.reason);
    }
    for name in FAMILIES {
        let chain = Chain::of(Algorithm::named(name).unwrap());
        let [leaf, issuing, root] = chain.ders();
        assert_eq!(lint(root, issuing), [], "{name}: issuing CA below root");
        assert_eq!(lint(issuing, leaf), [], "{name}: leaf below issuing CA");
        assert_ne!(lint(root, leaf), [], "{name}: the root did not issue the leaf");
        tried("pkilint", "our chains", "clean; wrong issuer found");
    }
}

/// The twin: the year of the end is moved before the beginning.
#[test]
fn it_finds_an_end_before_the_beginning() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.der");
    for name in FAMILIES {
        let leaf = Chain::of(Algorithm::named(name).unwrap()).leaf;
        let mut der = leaf.der().to_vec();
        // Validity: a SEQUENCE of 30 octets, of which notBefore takes the first 15.
        let validity = der.windows(4).position(|header| header == [0x30, 0x1e, 0x17, 0x0d]);
        let not_after = validity.unwrap() + 2 + 15;
        der[not_after + 2] = b'1';
        std::fs::write(&file, &der).unwrap();
        let findings = peers::findings(&pkilint, "cert", &file);
        assert!(findings.iter().any(|finding| finding.severity == "ERROR"), "{name}: {findings:?}");
        tried("pkilint", "our certificates, end before beginning", "found");
    }
}

/// No shipped profile is left out.
#[test]
fn every_shipped_profile_is_tried() {
    let algorithm = Algorithm::named("ECDSA-P256").unwrap();
    let made = kinds(algorithm, None);
    for name in SHIPPED_NAMES {
        assert!(made.iter().any(|one| one.kind.starts_with(name)), "{name}");
    }
}

/// INFO and DEBUG tell what stands there, not what is wrong with it.
fn counts(finding: &Finding) -> bool {
    !matches!(finding.severity.as_str(), "INFO" | "DEBUG")
}

fn accepted(finding: &Finding, table: &'static [Accepted]) -> Option<&'static Accepted> {
    let about = [&finding.message, &finding.path];
    let is_about = |row: &&Accepted| about.iter().any(|text| text.contains(row.about));
    table.iter().find(|row| row.code == finding.code && is_about(row))
}
