//! Certification requests of every bad kind, through the API: each is refused by name, and nothing of
//! it is recorded. The twin of all of them is accepted.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use crate::issuing::served;
use crate::running::Running;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
const EXTENSION_REQUEST: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const CHALLENGE_PASSWORD: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7];
const ALT_NAME: &[u8] = &[6, 3, 0x55, 0x1d, 0x11];

/// A value of DER.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut head = vec![tag];
    match length {
        0..=0x7f => head.push(length as u8),
        0x80..=0xff => head.extend([0x81, length as u8]),
        0x100..=0xffff => head.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => head.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    [head, content].concat()
}

/// The parts of a request, right until one is changed.
struct Parts {
    version: Vec<u8>,
    subject: Vec<u8>,
    key_algorithm: Vec<u8>,
    key: Option<Vec<u8>>,
    attributes: Option<Vec<u8>>,
    signature_algorithm: Vec<u8>,
}

impl Parts {
    fn right() -> Self {
        Self {
            version: vec![2, 1, 0],
            subject: name(&[&common_name(b"bad.test")]),
            key_algorithm: tlv(SEQUENCE, &[ED25519]),
            key: None,
            attributes: Some(tlv(0xa0, &[&requested(&[&alt_names(&[b"bad.test"])])])),
            signature_algorithm: tlv(SEQUENCE, &[ED25519]),
        }
    }

    /// The request, signed as it is.
    fn signed(&self) -> Vec<u8> {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = self.key.clone().unwrap_or_else(|| pair.public_key().as_ref().to_vec());
        let spki = tlv(SEQUENCE, &[&self.key_algorithm, &tlv(3, &[&[0], &key])]);
        let attributes = self.attributes.clone().unwrap_or_default();
        let info = tlv(SEQUENCE, &[&self.version, &self.subject, &spki, &attributes]);
        let signature = tlv(3, &[&[0], pair.sign(&info).as_ref()]);
        tlv(SEQUENCE, &[&info, &self.signature_algorithm, &signature])
    }
}

fn common_name(text: &[u8]) -> Vec<u8> {
    tlv(SET, &[&tlv(SEQUENCE, &[COMMON_NAME, &tlv(0x0c, &[text])])])
}

fn name(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

fn attribute(oid: &[u8], values: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &[oid, &tlv(SET, values)])
}

/// The extensionRequest with these extensions.
fn requested(extensions: &[&[u8]]) -> Vec<u8> {
    attribute(EXTENSION_REQUEST, &[&tlv(SEQUENCE, extensions)])
}

fn alt_names(names: &[&[u8]]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = names.iter().map(|name| tlv(0x82, &[name])).collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    tlv(SEQUENCE, &[ALT_NAME, &tlv(4, &[&tlv(SEQUENCE, &names)])])
}

fn with(change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = Parts::right();
    change(&mut parts);
    parts.signed()
}

fn attributes(parts: &[&[u8]]) -> Vec<u8> {
    with(|it| it.attributes = Some(tlv(0xa0, parts)))
}

/// Each kind: what it is called here, the request, the kind of problem, and a word of its detail.
fn every_kind() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    const MALFORMED: &str = "csr-malformed";
    const REFUSED: &str = "csr-refused";
    let right = Parts::right().signed();
    let mut kinds = vec![
        ("nothing", vec![], MALFORMED, "csr: "),
        ("an octet behind", [&right[..], &[0]].concat(), MALFORMED, "DER"),
        ("half of it", right[..right.len() / 2].to_vec(), MALFORMED, "DER"),
        ("indefinite length", [&[0x30, 0x80], &right[3..], &[0, 0]].concat(), MALFORMED, "DER"),
        ("another version", with(|it| it.version = vec![2, 1, 1]), REFUSED, "version is 1"),
        ("no attributes", with(|it| it.attributes = None), REFUSED, "attributes"),
        ("a flipped bit", flipped(&right, b"bad.test"), REFUSED, "signature"),
        ("another key", with(|it| it.key = Some(other_key())), REFUSED, "signature"),
        ("a key of 31 octets", with(|it| it.key = Some(vec![7; 31])), REFUSED, "key"),
        (
            "a key that can't sign",
            with(|it| it.key_algorithm = tlv(SEQUENCE, &[&[6, 3, 0x2b, 0x65, 0x6e]])),
            REFUSED,
            "can't sign",
        ),
        (
            "NULL behind Ed25519",
            with(|it| it.signature_algorithm = tlv(SEQUENCE, &[ED25519, &[5, 0]])),
            REFUSED,
            "arameters",
        ),
        (
            "another signature algorithm",
            with(|it| it.signature_algorithm = tlv(SEQUENCE, &[&[6, 3, 0x2b, 0x65, 0x71]])),
            REFUSED,
            "made by Ed448",
        ),
        (
            "a common name of 65",
            with(|it| it.subject = name(&[&common_name(&[b'a'; 65])])),
            REFUSED,
            "65",
        ),
        (
            "a subject that is no UTF-8",
            with(|it| it.subject = name(&[&common_name(&[0xc3, 0x28])])),
            REFUSED,
            "those of its string type",
        ),
        (
            "a subject of 9,000",
            with(|it| it.subject = name(&vec![&common_name(&[b'a'; 60])[..]; 130])),
            REFUSED,
            "8192",
        ),
        ("a name twice as an extension", two_lists(), REFUSED, "xtension"),
        ("two values", values(2), REFUSED, "has 2 values"),
        ("no value", values(0), REFUSED, "has 0 values"),
        ("no extension", attributes(&[&requested(&[])]), REFUSED, "xtension"),
        ("no name", attributes(&[&requested(&[&alt_names(&[])])]), REFUSED, "subjectAltName"),
        ("an underscore", names(&[b"a.test", b"b_.test"]), REFUSED, "2"),
        ("a NUL in a name", names(&[b"a.test\0.evil"]), REFUSED, "subjectAltName"),
        ("attributes unsorted", unsorted(), MALFORMED, "canonical"),
        ("65 attributes", flood(65), REFUSED, "64"),
        (
            "a value that is no DER",
            attributes(&[&attribute(CHALLENGE_PASSWORD, &[&[0x30, 3, 1, 1, 0xfe]])]),
            REFUSED,
            "1.2.840.113549.1.9.7",
        ),
        ("a hundred and one names", many_names(101), REFUSED, "101"),
    ];
    let large = attribute(CHALLENGE_PASSWORD, &[&tlv(4, &[&[0; 66_000]])]);
    kinds.push(("too large", attributes(&[&large]), MALFORMED, "65536"));
    kinds
}

fn flipped(right: &[u8], at: &[u8]) -> Vec<u8> {
    let mut wrong = right.to_vec();
    let at = wrong.windows(at.len()).position(|window| window == at).unwrap();
    wrong[at] ^= 1;
    wrong
}

fn other_key() -> Vec<u8> {
    Ed25519KeyPair::generate().unwrap().public_key().as_ref().to_vec()
}

fn names(all: &[&[u8]]) -> Vec<u8> {
    attributes(&[&requested(&[&alt_names(all)])])
}

fn many_names(count: usize) -> Vec<u8> {
    let all: Vec<Vec<u8>> = (0..count).map(|n| format!("n{n}.test").into_bytes()).collect();
    names(&all.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn two_lists() -> Vec<u8> {
    attributes(&[&requested(&[&alt_names(&[b"a.test"]), &alt_names(&[b"b.test"])])])
}

fn values(count: usize) -> Vec<u8> {
    let one = tlv(SEQUENCE, &[&alt_names(&[b"a.test"])]);
    let other = tlv(SEQUENCE, &[&alt_names(&[b"b.test"])]);
    attributes(&[&attribute(EXTENSION_REQUEST, &[&one[..], &other][..count])])
}

fn unsorted() -> Vec<u8> {
    let password = attribute(CHALLENGE_PASSWORD, &[&tlv(0x0c, &[b"secret"])]);
    let mut both = [password, requested(&[&alt_names(&[b"a.test"])])];
    both.sort();
    attributes(&[&both[1], &both[0]])
}

fn flood(count: usize) -> Vec<u8> {
    let all: Vec<Vec<u8>> =
        (0..count).map(|n| attribute(&[6, 4, 0x2a, 3, 4, n as u8], &[])).collect();
    attributes(&all.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn each_is_refused_by_name_and_none_is_recorded() {
    let (bench, server) = served();
    let post = |der: &[u8]| {
        server.send("POST", "/v1/certificates", &[("Content-Type", "application/pkcs10")], der)
    };
    let issued = post(&Parts::right().signed());
    assert_eq!(issued.status, 201, "{}", issued.text());
    let records = records(&server);
    let all = every_kind();
    let mut otherwise = Vec::new();
    for (kind, der, slug, word) in &all {
        let answer = post(der);
        let document = answer.json();
        let (place, detail) =
            (document["type"].as_str().unwrap(), document["detail"].as_str().unwrap());
        let expected = place == format!("/docs/problems#{slug}") && detail.contains(word);
        if answer.status != 422 || !expected {
            otherwise.push(format!("{kind}: {} {place}: {detail}", answer.status));
        }
    }
    assert!(otherwise.is_empty(), "{otherwise:#?}");
    assert_eq!(records, self::records(&server));
    for slug in ["csr-malformed", "csr-refused"] {
        let count = all.iter().filter(|(_, _, found, _)| *found == slug).count();
        assert_eq!(
            server.metric(&format!("espalier_problems_total{{kind=\"{slug}\"}}")),
            count as f64
        );
    }
    server.end();
    let report = bench.run("ledger check --json").done().json();
    assert_eq!(report["checked"]["records"], records, "{report}");
}

fn records(server: &Running) -> u64 {
    server.metric("espalier_ledger_records") as u64
}
