//! Records and certificates for tests.

use ca_core::{
    crl::{CertificateList, CrlNumber, RevokedEntry, Scope, Subjects},
    fingerprint::Fingerprint,
    profile::KeyReuse,
    serial::SerialNumber,
    validity::Validity,
};
use jiff::Timestamp;
use ledger::{
    AuditOutcome, Crl, Idempotency, Ledger, NewAuditEvent, NewAuthority, NewCertificate, NewCrl,
    NewRecord, NewRevocation, NewToken, NewTokenRevocation, Record, Recording, RevocationReason,
    Revoking,
};

/// The authority that most tests use.
pub const AUTHORITY: &str = "hybrid-issuing";

/// 2026-01-01T00:00:00Z and `seconds` later.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

/// The serial number of this name: equal names, equal serials.
pub fn serial(name: u64) -> SerialNumber {
    let mut octets: [u8; 20] =
        Fingerprint::of(&name.to_be_bytes()).as_bytes()[..20].try_into().unwrap();
    octets[0] = octets[0] & 0x3f | 0x40;
    SerialNumber::from_bytes(&octets).unwrap()
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [header, content.to_vec()].concat()
}

/// A TBSCertificate as far as the ledger reads it, with something inside that `variant` changes.
pub fn tbs(serial: SerialNumber, variant: u8) -> Vec<u8> {
    let version = tlv(0xa0, &[0x02, 0x01, 0x02]);
    let serial = tlv(0x02, serial.as_bytes());
    let rest = tlv(0x04, &[variant; 300]);
    tlv(0x30, &[version, serial, rest].concat())
}

/// A certificate over that TBS; `signature` tells two of them apart.
pub fn der(serial: SerialNumber, variant: u8, signature: u8) -> Vec<u8> {
    let signature = tlv(0x03, &[0, signature]);
    tlv(0x30, &[tbs(serial, variant), tlv(0x30, &[]), signature].concat())
}

/// The certificate that belongs to `record(name)`.
pub fn certificate(name: u64) -> NewCertificate {
    NewCertificate::new(serial(name), der(serial(name), 0, 1), time(60)).unwrap()
}

/// A record of this name, all of its values made from it.
pub fn record(name: u64) -> NewRecord {
    let serial = serial(name);
    let digest = |what: &str| Fingerprint::of(format!("{what} {name}").as_bytes());
    NewRecord {
        authority: AUTHORITY.into(),
        serial,
        profile: "tls-server".into(),
        requester: "user:alice".into(),
        idempotency: None,
        tbs_digest: Fingerprint::of(&tbs(serial, 0)),
        subject: format!("CN=demo-{name}"),
        names: vec![format!("DNS:demo-{name}.localhost"), "DNS:shared.localhost".into()],
        algorithm: "MLDSA65-ECDSA-P256-SHA512".into(),
        key_digest: digest("whole key"),
        component_digests: vec![digest("ML-DSA half"), digest("ECDSA half")],
        for_authority: false,
        key_reuse: KeyReuse::SameKey,
        crl_places: Vec::new(),
        validity: Validity::new(time(0), time(86_399)).unwrap(),
        recorded_at: time(1),
    }
}

/// The same record with an idempotency key and the digest of this body.
pub fn keyed(name: u64, key: &str, body: &str) -> NewRecord {
    let body_digest = Fingerprint::of(body.as_bytes());
    NewRecord { idempotency: Some(Idempotency { key: key.into(), body_digest }), ..record(name) }
}

/// A revocation of the record of this name.
pub fn revocation(name: u64) -> NewRevocation {
    NewRevocation { serial: serial(name), only_orphan: false, revocation: revoking(time(120)) }
}

/// What is said of something revoked at this time.
pub fn revoking(revoked_at: Timestamp) -> Revoking {
    Revoking {
        reason: RevocationReason::KEY_COMPROMISE,
        invalidity_date: None,
        revoked_at,
        revoked_by: "user:oscar".into(),
    }
}

/// A complete list of [`AUTHORITY`], or a delta to this one.
pub fn new_crl(base: Option<u64>) -> NewCrl {
    NewCrl {
        authority: AUTHORITY.into(),
        scope: Scope::all(),
        base,
        this_update: time(200),
        next_update: time(300),
    }
}

/// An event of this name.
pub fn event(name: u64) -> NewAuditEvent {
    NewAuditEvent {
        at: time(10),
        request_id: format!("request-{name}"),
        actor: "user:alice".into(),
        action: "certificate.issue".into(),
        subject: Some(format!("serial:{}", serial(name))),
        address: Some("127.0.0.1".into()),
        outcome: AuditOutcome::Done,
    }
}

/// A token of this name.
pub fn token(name: u64) -> NewToken {
    NewToken {
        id: format!("token-{name}"),
        name: "build server".into(),
        secret_digest: Fingerprint::of(format!("secret {name}").as_bytes()),
        scope: r#"{"roles": ["requester"], "profiles": ["tls-server"]}"#.into(),
        created_at: time(0),
        expires_at: time(3_600),
        created_by: "user:alice".into(),
    }
}

/// The revocation of the token of this name.
pub fn token_revocation(name: u64) -> NewTokenRevocation {
    let (id, revoked_by) = (format!("token-{name}"), "user:oscar".into());
    NewTokenRevocation { id, revoked_at: time(60), revoked_by }
}

/// An authority of this name without parent.
pub fn authority(name: &str) -> NewAuthority {
    NewAuthority {
        name: name.into(),
        algorithm: "MLDSA65-ECDSA-P256-SHA512".into(),
        key_digest: Fingerprint::of(name.as_bytes()),
        component_digests: vec![Fingerprint::of(format!("half of {name}").as_bytes())],
        parent: None,
        created_at: time(0),
    }
}

/// The ledger with [`AUTHORITY`] in it.
pub async fn with_authority(ledger: &Ledger) {
    ledger.add_authority(authority(AUTHORITY)).await.unwrap();
}

/// What was newly recorded.
pub fn new_record(recording: Recording) -> Record {
    match recording {
        Recording::New(record) => *record,
        Recording::Repeated(entry) => panic!("repeated: {entry:?}"),
    }
}

/// A list that says what was reserved, with these entries and no signature to speak of.
pub fn crl_list(crl: &Crl, entries: &[RevokedEntry]) -> CertificateList {
    let date = |at: Timestamp| tlv(0x17, at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes());
    let entry = |entry: &RevokedEntry| {
        tlv(0x30, &[tlv(0x02, entry.serial.as_bytes()), date(entry.revoked_at)].concat())
    };
    let number = |number: u64| tlv(0x02, CrlNumber::from(number).integer_octets());
    let extension = |oid: u8, critical: &[u8], value: Vec<u8>| {
        let parts = [&[0x06, 3, 0x55, 0x1d, oid], critical, &tlv(0x04, &value)];
        tlv(0x30, &parts.concat())
    };
    let critical = [0x01, 1, 0xff];
    let mut extensions = vec![
        extension(0x23, &[], vec![0x30, 4, 0x80, 2, 1, 2]),
        extension(0x14, &[], number(crl.number)),
    ];
    if let Some(base) = crl.content.base {
        extensions.push(extension(0x1b, &critical, number(base)));
    }
    match crl.content.scope.subjects() {
        Subjects::EndEntities => {
            extensions.push(extension(0x1c, &critical, vec![0x30, 3, 0x81, 1, 0xff]));
        }
        Subjects::Authorities => {
            extensions.push(extension(0x1c, &critical, vec![0x30, 3, 0x82, 1, 0xff]));
        }
        _ => {}
    }
    // ecdsa-with-SHA256, CN=a
    let algorithm = [0x30, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let issuer = [0x30, 12, 0x31, 10, 0x30, 8, 0x06, 3, 0x55, 4, 3, 0x0c, 1, 0x61];
    let entries: Vec<u8> = entries.iter().flat_map(entry).collect();
    let entries = if entries.is_empty() { entries } else { tlv(0x30, &entries) };
    let content = &crl.content;
    let tbs = [
        vec![0x02, 1, 1],
        algorithm.to_vec(),
        issuer.to_vec(),
        date(content.this_update),
        date(content.next_update),
        entries,
        tlv(0xa0, &tlv(0x30, &extensions.concat())),
    ];
    let signed = [tlv(0x30, &tbs.concat()), algorithm.to_vec(), vec![0x03, 2, 0, 1]];
    CertificateList::from_der(tlv(0x30, &signed.concat())).unwrap()
}
