#![allow(clippy::unwrap_used)] // a panic is the failure report

mod built;
mod judged;
mod properties;
mod refused;
mod requests;
mod responders;

use const_oid::ObjectIdentifier;
use der::{Encode, Tag};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::certificate::Certificate;
use crate::crl::{EntrySerial, RevocationReason, RevocationStatus, UnknownRevocation};
use crate::plan::Request;
use crate::plan::encode::{raw_extension, signed, tlv};
use crate::plan::tests::{Authority, at, issue, name, now, profile, rng, server, signer};
use crate::sign::Signer;

const COMPROMISE: RevocationReason = RevocationReason::KeyCompromise;
const HOLD: RevocationReason = RevocationReason::CertificateHold;

/// When responses of tests are made.
fn made() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

/// Until when they are right.
fn due() -> Timestamp {
    made() + SignedDuration::from_hours(24)
}

/// When certificates of tests were revoked.
fn then() -> Timestamp {
    at("2026-05-31T08:09:10Z")
}

fn window() -> UpdateWindow {
    UpdateWindow::new(made(), made(), Some(due())).unwrap()
}

/// An authority that may answer, a delegate of it and a leaf.
struct World {
    issuer: Authority,
    delegate: Certificate,
    delegate_signer: Signer,
    leaf: Certificate,
}

impl World {
    fn new() -> Self {
        Self::of("p256")
    }

    fn of(algorithm: &str) -> Self {
        let issuer = Authority::below(&Authority::root("p256"), algorithm);
        let delegate_signer = signer(algorithm);
        let delegate = delegate(&issuer, &delegate_signer);
        let leaf = issue(profile("tls-server"), server("p256"), &issuer);
        Self { issuer, delegate, delegate_signer, leaf }
    }

    fn authority(&self) -> Responder<'_> {
        Responder::authority(&self.issuer.certificate, &self.issuer.signer).unwrap()
    }

    fn delegated(&self) -> Responder<'_> {
        let issuer = &self.issuer.certificate;
        Responder::delegate(issuer, &self.delegate, &self.delegate_signer).unwrap()
    }

    fn cert_id(&self) -> CertId {
        CertId::of(&self.leaf, &self.issuer.certificate, CertIdHash::Sha1).unwrap()
    }

    fn answer(&self, status: CertStatus) -> Answer {
        Answer { cert_id: self.cert_id(), status, archive_cutoff: None }
    }

    /// A response by the authority itself.
    fn says(&self, status: CertStatus) -> OcspResponse {
        self.says_in(status, &window())
    }

    fn says_in(&self, status: CertStatus, window: &UpdateWindow) -> OcspResponse {
        read(&self.authority().sign(&[self.answer(status)], window, None).unwrap())
    }

    fn verify<'r>(
        &self,
        response: &'r OcspResponse,
        expected: &Expectation<'_>,
    ) -> Result<Verified<'r>, OcspError> {
        response.basic()?.verify(&self.leaf, &self.issuer.certificate, expected)
    }

    fn status(&self, responses: &[OcspResponse]) -> RevocationStatus {
        check_responses(&self.leaf, &self.issuer.certificate, responses, made())
    }
}

fn delegate(issuer: &Authority, signer: &Signer) -> Certificate {
    let key = signer.public_key().clone();
    issue(profile("ocsp-responder"), Request::new(name("CN=OCSP"), Vec::new(), key), issuer)
}

/// The certificate with other extensions, signed again by `signer`; an extension without a value
/// is removed.
fn changed(
    certificate: &Certificate,
    signer: &Signer,
    oid: ObjectIdentifier,
    value: Option<(bool, Vec<u8>)>,
) -> Certificate {
    let mut fields = certificate.tbs_fields().clone();
    let extensions = fields.extensions.as_mut().unwrap();
    extensions.retain(|extension| extension.extn_id != oid);
    if let Some((critical, value)) = value {
        extensions.push(raw_extension(oid, critical, value).unwrap());
    }
    let tbs = fields.to_der().unwrap();
    let algorithm = certificate.signature_algorithm().to_der().unwrap();
    let signature = signer.sign(&tbs).unwrap();
    Certificate::from_der(&signed(&tbs, &algorithm, &signature).unwrap()).unwrap()
}

fn read(der: &[u8]) -> OcspResponse {
    OcspResponse::from_der(der).unwrap()
}

fn expect() -> Expectation<'static> {
    Expectation::at(made())
}

fn hex(text: &str) -> Vec<u8> {
    crate::fingerprint::hex_octets(text).unwrap()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(Tag::Sequence, parts).unwrap()
}

fn octet_string(content: &[u8]) -> Vec<u8> {
    tlv(Tag::OctetString, &[content]).unwrap()
}

fn tagged(number: u32, content: &[u8]) -> Vec<u8> {
    tlv(fields::context(number), &[content]).unwrap()
}

fn time(text: &str) -> Vec<u8> {
    [&[0x18, text.len() as u8], text.as_bytes()].concat()
}

/// An extension by the number behind id-pkix-ocsp.
fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 1, 0xff] } else { &[] };
    let oid = [&hex("06092b0601050507300100")[..10], &[number]].concat();
    sequence(&[&oid, critical, &octet_string(value)])
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}
