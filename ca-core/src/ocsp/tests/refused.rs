//! Responses that are not read, each one change away from one that is.

use super::*;

/// A response put together from parts, so that each can be wrong.
struct Parts {
    status: Vec<u8>,
    response_type: Vec<u8>,
    version: Vec<u8>,
    responder: Vec<u8>,
    produced_at: Vec<u8>,
    cert_status: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    single_extensions: Vec<u8>,
    /// All of responses; none for the one single response of the fields above.
    singles: Option<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
    bits: Vec<u8>,
    certs: Vec<u8>,
    /// What stands behind responseStatus; none for the answer.
    bytes: Option<Vec<u8>>,
}

impl Parts {
    fn right() -> Self {
        Self {
            status: hex("0a0100"),
            response_type: hex("06092b0601050507300101"),
            version: Vec::new(),
            responder: tagged(2, &octet_string(&[3; 20])),
            produced_at: time("20260601120000Z"),
            cert_status: hex("8000"),
            this_update: time("20260601120000Z"),
            next_update: tagged(0, &time("20260602120000Z")),
            single_extensions: Vec::new(),
            singles: None,
            extensions: Vec::new(),
            bits: hex("03020001"),
            certs: Vec::new(),
            bytes: None,
        }
    }

    fn single(&self) -> Vec<u8> {
        let digest = octet_string(&[7; 20]);
        let cert_id = sequence(&[&hex("300906052b0e03021a0500"), &digest, &digest, &hex("020107")]);
        sequence(&[
            &cert_id,
            &self.cert_status,
            &self.this_update,
            &self.next_update,
            &self.single_extensions,
        ])
    }

    fn der(&self) -> Vec<u8> {
        let singles = sequence(&[&self.singles.clone().unwrap_or_else(|| self.single())]);
        let extensions = match self.extensions.is_empty() {
            true => Vec::new(),
            false => tagged(1, &sequence(&[&self.extensions.concat()])),
        };
        let parts = [&self.version[..], &self.responder, &self.produced_at, &singles, &extensions];
        let algorithm = hex("300a06082a8648ce3d040302");
        let basic = sequence(&[&sequence(&parts), &algorithm, &self.bits, &self.certs]);
        let bytes = || tagged(0, &sequence(&[&self.response_type, &octet_string(&basic)]));
        sequence(&[&self.status, &self.bytes.clone().unwrap_or_else(bytes)])
    }

    fn read(&self) -> Result<OcspResponse, OcspError> {
        OcspResponse::from_der(self.der())
    }
}

fn refusal(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::right();
    change(&mut parts);
    parts.read().unwrap_err().to_string()
}

fn accepted(change: impl FnOnce(&mut Parts)) -> BasicResponse {
    let mut parts = Parts::right();
    change(&mut parts);
    parts.read().unwrap().basic().unwrap().clone()
}

#[test]
fn the_parts_unchanged_are_read() {
    let basic = accepted(|_| {});
    assert_eq!(basic.singles()[0].status(), CertStatus::Good);
    assert_eq!(*basic.responder_id(), ResponderId::Key([3; 20]));
}

#[test]
fn statuses_and_types() {
    for code in ["0a0104", "0a0107", "0a01ff"] {
        let text = refusal(|p| (p.status, p.bytes) = (hex(code), Some(Vec::new())));
        says(&text, &["OCSP response: responseStatus: found", "allowed: 0 to 3, 5 or 6"]);
    }
    says(&refusal(|p| p.status = hex("0a020000")), &["responseStatus: found 2 octets"]);
    says(&refusal(|p| p.status = hex("020100")), &["responseStatus: found something else"]);
    says(
        &refusal(|p| p.status = hex("0a0103")),
        &["responseBytes: found an answer beside an error"],
    );
    says(&refusal(|p| p.bytes = Some(Vec::new())), &["responseBytes: found none"]);
    let other = hex("06092b0601050507300102");
    says(&refusal(|p| p.response_type = other), &["responseType: found 1.3.6.1.5.5.7.48.1.2"]);
    let large = OcspResponse::from_der(vec![0x30; MAX_RESPONSE_SIZE + 1]).unwrap_err();
    assert_eq!(large.to_string(), "OCSP response: 262145 octets, allowed are at most 262144");
}

#[test]
fn versions_responders_and_signatures() {
    says(&refusal(|p| p.version = hex("a003020100")), &["version: found another encoding"]);
    says(&refusal(|p| p.version = hex("a003020101")), &["version: found another one"]);
    let short = tagged(2, &octet_string(&[3; 19]));
    says(&refusal(|p| p.responder = short), &["responderID: found a key hash of 19 octets"]);
    let sha256 = tagged(2, &octet_string(&[3; 32]));
    says(&refusal(|p| p.responder = sha256), &["or 20 octets of SHA-1"]);
    says(&refusal(|p| p.responder = hex("a3020500")), &["responderID: found something else"]);
    let named = accepted(|p| p.responder = tagged(1, &hex("300c310a300806035504030c0161")));
    assert_eq!(named.responder_id().to_string(), "CN=a");
    let unsorted = tagged(1, &hex("30163114300806035504030c0162300806035504030c0161"));
    says(&refusal(|p| p.responder = unsorted), &["responderID: found"]);
    let long = tagged(1, &sequence(&[&vec![0x31; 9000]]));
    says(&refusal(|p| p.responder = long), &["responderID: found 9004 octets"]);
    says(&refusal(|p| p.bits = hex("03020180")), &["signature: found unused bits"]);
    says(&refusal(|p| p.certs = tagged(0, &sequence(&[&hex("0500")]))), &["certs: found cert"]);
    says(&refusal(|p| p.certs = hex("0500")), &["BasicOCSPResponse: found something else"]);
}

#[test]
fn times() {
    for wrong in ["202606011200Z", "20260601120000", "20260601120000.5Z", "20260631120000Z"] {
        let allowed = "allowed: GeneralizedTime as YYYYMMDDhhmmssZ";
        says(&refusal(|p| p.produced_at = time(wrong)), &["producedAt: found", allowed]);
        says(&refusal(|p| p.this_update = time(wrong)), &["thisUpdate: found", allowed]);
        let next = tagged(0, &time(wrong));
        says(&refusal(|p| p.next_update = next), &["nextUpdate: found", allowed]);
    }
    // UTCTime, which lists have.
    let utc = [&[0x17, 13][..], b"260601120000Z"].concat();
    says(&refusal(|p| p.this_update = utc), &["thisUpdate: found UTCTime"]);
    let before = tagged(0, &time("20260601115959Z"));
    says(&refusal(|p| p.next_update = before), &["nextUpdate: found 2026-06-01T11:59:59Z, before"]);
    accepted(|p| p.next_update = tagged(0, &time("20260601120000Z")));
    assert_eq!(accepted(|p| p.next_update = Vec::new()).singles()[0].next_update(), None);
}

#[test]
fn statuses_of_certificates() {
    let revoked = |rest: &[u8]| tagged(1, &[&time("20260531080910Z")[..], rest].concat());
    let plain = accepted(|p| p.cert_status = revoked(&[])).singles()[0].status();
    assert_eq!(plain, CertStatus::revoked(then(), RevocationReason::Unspecified));
    let explicit = revoked(&hex("a0030a0100"));
    assert_eq!(accepted(|p| p.cert_status = explicit).singles()[0].status(), plain);
    let unknown = accepted(|p| p.cert_status = hex("8200")).singles()[0].status();
    assert_eq!(unknown, CertStatus::Unknown);
    for code in ["a0030a0107", "a0030a010b", "a003020101", "a0040a020001"] {
        let status = revoked(&hex(code));
        says(&refusal(|p| p.cert_status = status), &["revocationReason: found"]);
    }
    let removed = revoked(&hex("a0030a0108"));
    says(&refusal(|p| p.cert_status = removed), &["revocationReason: found removeFromCRL"]);
    says(&refusal(|p| p.cert_status = hex("800105")), &["certStatus: found a value in good"]);
    says(&refusal(|p| p.cert_status = hex("8300")), &["certStatus: found"]);
    says(&refusal(|p| p.cert_status = hex("a100")), &["revocationTime: found"]);
    let tail = revoked(&hex("0500"));
    says(&refusal(|p| p.cert_status = tail), &["revoked: found something else"]);
    says(&refusal(|p| p.singles = Some(Vec::new())), &["responses: found an empty list"]);
    let many = vec![Parts::right().single(); 1001].concat();
    says(&refusal(|p| p.singles = Some(many)), &["responses: found more than 1000"]);
}

#[test]
fn extensions_of_responses() {
    let nonce = |value: &[u8]| vec![extension(2, false, value)];
    let found = accepted(|p| p.extensions = nonce(&octet_string(&[5; 128])));
    assert_eq!(found.nonce().unwrap().as_bytes(), [5; 128]);
    says(
        &refusal(|p| p.extensions = nonce(&octet_string(&[5; 129]))),
        &["nonce: found 129 octets"],
    );
    says(&refusal(|p| p.extensions = nonce(&octet_string(&[]))), &["nonce: found 0 octets"]);
    let other = |critical| vec![extension(77, critical, &[5, 0])];
    accepted(|p| p.extensions = other(false));
    says(
        &refusal(|p| p.extensions = other(true)),
        &["responseExtensions: found critical extension"],
    );
    let wrong = vec![extension(9, false, &[0x30, 0])];
    says(&refusal(|p| p.extensions = wrong), &["extendedRevoke: found another value"]);
    let single = |critical| tagged(1, &sequence(&[&extension(77, critical, &[5, 0])]));
    accepted(|p| p.single_extensions = single(false));
    says(&refusal(|p| p.single_extensions = single(true)), &["singleExtensions: found critical"]);
    let cutoff = |value: &[u8]| tagged(1, &sequence(&[&extension(6, false, value)]));
    let found = accepted(|p| p.single_extensions = cutoff(&time("20250101000000Z")));
    assert_eq!(found.singles()[0].archive_cutoff(), Some(at("2025-01-01T00:00:00Z")));
    says(&refusal(|p| p.single_extensions = cutoff(&[5, 0])), &["archiveCutoff: found NULL"]);
}
