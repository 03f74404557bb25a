//! Lists that are not read, each one change away from one that is.

use super::*;

#[test]
fn the_parts_unchanged_are_read() {
    let list = Parts::right().read().unwrap();
    assert_eq!((list.len(), list.number()), (1, 1.into()));
    assert_eq!(list.entries().next().unwrap().serial.as_bytes(), [7]);
}

/// What reading says of the list after a change.
fn refusal(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::right();
    change(&mut parts);
    parts.read().unwrap_err().to_string()
}

fn accepted(change: impl FnOnce(&mut Parts)) -> CertificateList {
    let mut parts = Parts::right();
    change(&mut parts);
    parts.read().unwrap()
}

/// What reading says of an entry with these extensions.
fn entry_refusal(extensions: &[&[u8]]) -> String {
    refusal(|parts| parts.entries = sequence(&[&raw_entry(&hex("020107"), extensions)]))
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn versions_algorithms_and_signatures() {
    says(&refusal(|p| p.version = Vec::new()), &["version: found none (v1), allowed: 1 (v2)"]);
    says(&refusal(|p| p.version = hex("020100")), &["version: found 0"]);
    says(&refusal(|p| p.version = hex("020102")), &["version: found 2"]);
    let sha384 = hex("300a06082a8648ce3d040303");
    says(&refusal(|p| p.outer_algorithm = sha384), &["signature: found another algorithm"]);
    let null = hex("300c06082a8648ce3d0403020500");
    says(
        &refusal(|p| p.algorithm = null),
        &["signature: found another algorithm or other parameters"],
    );
    says(&refusal(|p| p.unused_bits = 1), &["signatureValue: found unused bits"]);
}

#[test]
fn issuers() {
    says(&refusal(|p| p.issuer = hex("3000")), &["issuer: found an empty name"]);
    // Two attributes of one SET in the wrong order.
    let unsorted = hex("30163114300806035504030c0162300806035504030c0161");
    says(&refusal(|p| p.issuer = unsorted), &["issuer: found"]);
    let long = sequence(&[&vec![0x31; 9000]]);
    says(&refusal(|p| p.issuer = long), &["issuer: found 9004 octets, allowed: at most 8192"]);
}

#[test]
fn dates() {
    let utc = |text: &str| time(0x17, text);
    let general = |text: &str| time(0x18, text);
    says(&refusal(|p| p.next_update = Vec::new()), &["nextUpdate: found none"]);
    says(
        &refusal(|p| p.next_update = utc("260601115959Z")),
        &["nextUpdate: found 2026-06-01T11:59:59Z, before thisUpdate"],
    );
    accepted(|p| p.next_update = utc("260601120000Z"));
    for wrong in [
        "2606011200Z",
        "260601120000",
        "260601120000+",
        "261301120000Z",
        "260631120000Z",
        "260601240000Z",
        "260601126000Z",
        "260601120060Z",
        "2606011200 0Z",
        "",
    ] {
        let text = refusal(|p| p.this_update = utc(wrong));
        says(&text, &["thisUpdate: found", "allowed: UTCTime as YYMMDDhhmmssZ"]);
    }
    for wrong in ["20500601120000.5Z", "205006011200Z", "20500601120000+0100"] {
        let text = refusal(|p| p.next_update = general(wrong));
        says(&text, &["nextUpdate: found", "allowed: GeneralizedTime as YYYYMMDDhhmmssZ"]);
    }
    says(
        &refusal(|p| p.next_update = general("20491231235959Z")),
        &["nextUpdate: found GeneralizedTime of 2049-12-31T23:59:59Z, allowed: UTCTime through"],
    );
    accepted(|p| p.next_update = general("20500101000000Z"));
    // The end of time of RFC 5280 section 4.1.2.5.
    let forever = accepted(|p| p.next_update = general("99991231235959Z"));
    assert_eq!(forever.next_update(), Timestamp::MAX);
    says(&refusal(|p| p.this_update = hex("0500")), &["thisUpdate: found NULL"]);
    // UTCTime's fifty years before 2000.
    assert_eq!(
        accepted(|p| p.this_update = utc("500101000000Z")).this_update(),
        at("1950-01-01T00:00:00Z")
    );
}

#[test]
fn entries_by_their_position() {
    let good = raw_entry(&hex("020107"), &[]);
    let second = |wrong: Vec<u8>| refusal(|p| p.entries = sequence(&[&good, &wrong]));
    let negative = raw_entry(&hex("020180"), &[]);
    assert_eq!(accepted(|p| p.entries = sequence(&[&good, &negative])).len(), 2);
    says(
        &second(raw_entry(&hex("02020007"), &[])),
        &["entry 2: userCertificate: found serial number: not DER's shortest INTEGER"],
    );
    let long = [&hex("0215")[..], &[1; 21]].concat();
    says(
        &second(raw_entry(&long, &[])),
        &["entry 2: userCertificate: found serial number: 21 octets"],
    );
    says(&second(raw_entry(&hex("040107"), &[])), &["entry 2: userCertificate"]);
    says(&second(hex("3003020107")), &["entry 2: the entry: found"]);
    says(&second(hex("0500")), &["entry 2: the entry: found"]);
    says(&refusal(|p| p.entries = hex("3000")), &["revokedCertificates: found an empty list"]);
    accepted(|p| p.entries = Vec::new());
}

#[test]
fn extensions_of_entries() {
    let reason = |critical, value: &str| extension("551d15", critical, &hex(value));
    let with = |extensions: &[&[u8]]| {
        let entry = raw_entry(&hex("020107"), extensions);
        accepted(|p| p.entries = sequence(&[&entry])).entries().next().unwrap()
    };
    assert_eq!(with(&[&reason(false, "0a0101")]).reason, RevocationReason::KeyCompromise);
    // Nobody should encode it, but it says nothing wrong.
    assert_eq!(with(&[&reason(false, "0a0100")]).reason, RevocationReason::Unspecified);
    says(&entry_refusal(&[&reason(true, "0a0101")]), &["entry 1: reasonCode: found critical"]);
    says(
        &entry_refusal(&[&reason(false, "0a0107")]),
        &["entry 1: reasonCode: found ENUMERATED 07"],
    );
    says(
        &entry_refusal(&[&reason(false, "0a020001")]),
        &["entry 1: reasonCode: found ENUMERATED 0001"],
    );
    says(&entry_refusal(&[&reason(false, "020101")]), &["entry 1: reasonCode: found"]);
    says(
        &entry_refusal(&[&reason(false, "0a0108")]),
        &["entry 1: reasonCode: found removeFromCRL, allowed: removeFromCRL only in a delta CRL"],
    );
    let twice = entry_refusal(&[&reason(false, "0a0101"), &reason(false, "0a0101")]);
    says(&twice, &["entry 1: crlEntryExtensions: found 2.5.29.21 twice"]);
    let date = |tag, text: &str| extension("551d18", false, &time(tag, text));
    let dated = with(&[&date(0x18, "20260102030405Z")]);
    assert_eq!(dated.invalidity_date, Some(at("2026-01-02T03:04:05Z")));
    says(
        &entry_refusal(&[&date(0x17, "260102030405Z")]),
        &["entry 1: invalidityDate: found UTCTime"],
    );
    let issuer = extension("551d1d", true, &hex("3000"));
    says(&entry_refusal(&[&issuer]), &["entry 1: certificateIssuer: found an indirect CRL"]);
    let unknown = |critical| extension("551d63", critical, &hex("0500"));
    assert_eq!(with(&[&unknown(false)]).reason, RevocationReason::Unspecified);
    says(
        &entry_refusal(&[&unknown(true)]),
        &["entry 1: crlEntryExtensions: found critical extension 2.5.29.99"],
    );
    let empty = sequence(&[&hex("020107"), &time(0x17, "260531080910Z"), &hex("3000")]);
    says(
        &refusal(|p| p.entries = sequence(&[&empty])),
        &["entry 1: crlEntryExtensions: found an empty list"],
    );
}

#[test]
fn extensions_of_the_list() {
    let key = |critical, value: &str| extension("551d23", critical, &hex(value));
    let number = |critical, value: &str| extension("551d14", critical, &hex(value));
    says(&refusal(|p| p.extensions.clear()), &["crlExtensions: found none"]);
    says(&refusal(|p| drop(p.extensions.remove(0))), &["authorityKeyIdentifier: found none"]);
    says(&refusal(|p| drop(p.extensions.remove(1))), &["cRLNumber: found none"]);
    says(
        &refusal(|p| p.extensions[0] = key(true, "300480020102")),
        &["authorityKeyIdentifier: found critical"],
    );
    says(
        &refusal(|p| p.extensions[0] = key(false, "3000")),
        &["authorityKeyIdentifier: found no keyIdentifier"],
    );
    says(
        &refusal(|p| p.extensions[1] = number(true, "020101")),
        &["cRLNumber: found critical, allowed: not critical"],
    );
    says(
        &refusal(|p| p.extensions[1] = number(false, "0201ff")),
        &["cRLNumber: found CRL number: negative"],
    );
    let long = format!("0215{}", "01".repeat(21));
    says(
        &refusal(|p| p.extensions[1] = number(false, &long)),
        &["cRLNumber: found CRL number: 21 octets"],
    );
    says(
        &refusal(|p| p.extensions.push(number(false, "020101"))),
        &["crlExtensions: found 2.5.29.20 twice"],
    );
    let unknown = |critical| extension("551d63", critical, &hex("0500"));
    accepted(|p| p.extensions.push(unknown(false)));
    says(
        &refusal(|p| p.extensions.push(unknown(true))),
        &["crlExtensions: found critical extension 2.5.29.99"],
    );
    // criticality FALSE, spelt out.
    let spelt = sequence(&[&hex("0603551d63"), &hex("010100"), &hex("04020500")]);
    says(
        &refusal(|p| p.extensions.push(spelt)),
        &["crlExtensions: found another encoding than DER's"],
    );
    let many: Vec<_> =
        (0..40).map(|n| extension(&format!("551d{n:02x}"), false, &hex("0500"))).collect();
    says(&refusal(|p| p.extensions = many), &["crlExtensions: found"]);
}

#[test]
fn deltas() {
    let base = |critical, value: &str| extension("551d1b", critical, &hex(value));
    let delta = accepted(|p| p.extensions.push(base(true, "020100")));
    assert_eq!(delta.base_number(), Some(0.into()));
    says(
        &refusal(|p| p.extensions.push(base(false, "020100"))),
        &["deltaCRLIndicator: found not critical"],
    );
    says(
        &refusal(|p| p.extensions.push(base(true, "020101"))),
        &["deltaCRLIndicator: found the list's number or more"],
    );
    let fresh = extension("551d2e", false, &hex("300d300ba009a0078605687474703a"));
    accepted(|p| p.extensions.push(fresh.clone()));
    says(
        &refusal(|p| p.extensions.extend([base(true, "020100"), fresh])),
        &["freshestCRL: found it in a delta CRL"],
    );
}

#[test]
fn issuing_distribution_points() {
    let point = |critical, value: &str| extension("551d1c", critical, &hex(value));
    let with = |value: &str| refusal(|p| p.extensions.push(point(true, value)));
    let users = accepted(|p| p.extensions.push(point(true, "30038101ff")));
    assert_eq!(users.scope().subjects(), Subjects::EndEntities);
    let attributes = accepted(|p| p.extensions.push(point(true, "30038501ff")));
    assert_eq!(attributes.scope().subjects(), Subjects::AttributeCertificates);
    says(
        &refusal(|p| p.extensions.push(point(false, "30038101ff"))),
        &["issuingDistributionPoint: found not critical, allowed: critical"],
    );
    says(&with("3000"), &["issuingDistributionPoint: found an empty one"]);
    says(&with("30038401ff"), &["issuingDistributionPoint: found indirectCRL"]);
    says(
        &with("30068101ff8201ff"),
        &["issuingDistributionPoint: found two of onlyContainsUserCerts"],
    );
    says(&with("3003810100"), &["issuingDistributionPoint: found another encoding than DER's"]);
    says(&with("3003810101"), &["issuingDistributionPoint: found"]);
    says(&with("3004a002a000"), &["issuingDistributionPoint: found an empty fullName"]);
    let relative = "300ea00ca10a300806035504030c0161";
    says(&with(relative), &["issuingDistributionPoint: found nameRelativeToCRLIssuer"]);
}

#[test]
fn truncated_trailing_indefinite_and_long_forms() {
    let der = Parts::right().der();
    for cut in 0..der.len() {
        assert!(CertificateList::from_der(&der[..cut]).is_err(), "{cut}");
    }
    let trailing = [&der[..], &[0]].concat();
    says(
        &CertificateList::from_der(trailing).unwrap_err().to_string(),
        &["CertificateList: found something else"],
    );
    // The outer SEQUENCE is long enough for an octet of length: 0x81 is its shortest form.
    assert_eq!(der[..2], [0x30, 0x81]);
    let long = [&[0x30, 0x82, 0, der[2]], &der[3..]].concat();
    assert!(CertificateList::from_der(long).is_err());
    let indefinite = [&[0x30, 0x80], &der[3..], &[0, 0]].concat();
    assert!(CertificateList::from_der(indefinite).is_err());
    let entry = raw_entry(&hex("020107"), &[]);
    let long_entry = [&[0x30, 0x81, entry[1]], &entry[2..]].concat();
    says(&refusal(|p| p.entries = sequence(&[&long_entry])), &["entry 1: the entry: found"]);
    let indefinite = [&[0x30, 0x80], &entry[2..], &[0, 0]].concat();
    says(&refusal(|p| p.entries = sequence(&[&indefinite])), &["entry 1: the entry: found"]);
    let cut = [&[0x30, entry[1] + 1], &entry[2..]].concat();
    says(&refusal(|p| p.entries = sequence(&[&cut])), &["entry 1: the entry: found"]);
    assert!(CertificateList::from_der(Vec::new()).is_err());
}

#[test]
fn a_list_past_the_bound_is_not_looked_at() {
    let error = CertificateList::from_der(vec![0x30; MAX_CRL_SIZE + 1]).unwrap_err();
    assert_eq!(error, CrlError::TooLarge { found: MAX_CRL_SIZE + 1 });
}
