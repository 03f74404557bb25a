#![allow(clippy::unwrap_used)] // a panic is the failure report

mod built;
mod properties;
mod refused;
mod signed;
mod status;
mod values;

use der::{Encode, Tag, TagNumber};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::certificate::Certificate;
use crate::general_name::AbsoluteUri;
use crate::plan::encode::{signed as signed_der, tlv};
use crate::plan::tests::{Authority, at, issue, now, profile, server};
use crate::serial::SerialNumber;
use crate::sign::Signer;

/// When lists of tests are made.
fn made() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

/// When the next one is due.
fn due() -> Timestamp {
    made() + SignedDuration::from_hours(24)
}

/// When certificates of tests were revoked.
fn then() -> Timestamp {
    at("2026-05-31T08:09:10Z")
}

fn full(root: &Authority, number: u64) -> CrlBuilder<'_> {
    CrlBuilder::new(&root.certificate, number.into(), made(), due()).unwrap()
}

fn list(builder: &CrlBuilder<'_>, root: &Authority, entries: &[RevokedEntry]) -> CertificateList {
    let mut der = Vec::new();
    let signed = builder.sign(entries.iter().copied(), &root.signer, &mut der).unwrap();
    assert_eq!((signed.entries, signed.octets), (entries.len(), der.len()));
    CertificateList::from_der(der).unwrap()
}

fn leaf(root: &Authority) -> Certificate {
    issue(profile("tls-server"), server("p256"), root)
}

fn entry(certificate: &Certificate, reason: RevocationReason) -> RevokedEntry {
    let serial = EntrySerial::of(certificate).unwrap();
    RevokedEntry { reason, ..RevokedEntry::new(serial, then()) }
}

/// Some entry of another certificate.
fn other_entry() -> RevokedEntry {
    RevokedEntry::new(EntrySerial::from_integer_octets(&[0x55; 7]).unwrap(), then())
}

fn uri(text: &str) -> AbsoluteUri {
    AbsoluteUri::new(text).unwrap()
}

/// The certificate with other extensions, signed again; an extension without a value is removed.
fn changed(
    certificate: &Certificate,
    signer: &Signer,
    oid: const_oid::ObjectIdentifier,
    value: Option<Vec<u8>>,
) -> Certificate {
    let mut fields = certificate.tbs_fields().clone();
    let extensions = fields.extensions.as_mut().unwrap();
    extensions.retain(|extension| extension.extn_id != oid);
    if let Some(value) = value {
        extensions.push(crate::plan::encode::raw_extension(oid, false, value).unwrap());
    }
    let tbs = fields.to_der().unwrap();
    let algorithm = certificate.signature_algorithm().to_der().unwrap();
    let signature = signer.sign(&tbs).unwrap();
    Certificate::from_der(&signed_der(&tbs, &algorithm, &signature).unwrap()).unwrap()
}

/// A list put together from parts, so that each can be wrong.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) version: Vec<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) this_update: Vec<u8>,
    pub(crate) next_update: Vec<u8>,
    /// revokedCertificates with its header.
    pub(crate) entries: Vec<u8>,
    /// Complete extensions.
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) outer_algorithm: Vec<u8>,
    pub(crate) unused_bits: u8,
}

impl Parts {
    /// A list that is right, but for its signature.
    pub(crate) fn right() -> Self {
        // ecdsa-with-SHA256
        let algorithm = hex("300a06082a8648ce3d040302");
        Self {
            version: hex("020101"),
            algorithm: algorithm.clone(),
            // CN=a
            issuer: hex("300c310a300806035504030c0161"),
            this_update: time(0x17, "260601120000Z"),
            next_update: time(0x17, "260602120000Z"),
            entries: sequence(&[&raw_entry(&hex("020107"), &[])]),
            extensions: vec![
                extension("551d23", false, &hex("300480020102")),
                extension("551d14", false, &hex("020101")),
            ],
            outer_algorithm: algorithm,
            unused_bits: 0,
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let extensions: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        let extensions = match extensions.is_empty() {
            true => Vec::new(),
            false => tagged(0, &sequence(&extensions)),
        };
        let fields: [&[u8]; 7] = [
            &self.version,
            &self.algorithm,
            &self.issuer,
            &self.this_update,
            &self.next_update,
            &self.entries,
            &extensions,
        ];
        let bits = [0x03, 3, self.unused_bits, 1, 0];
        sequence(&[&sequence(&fields), &self.outer_algorithm, &bits])
    }

    fn read(&self) -> Result<CertificateList, CrlError> {
        CertificateList::from_der(self.der())
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    crate::fingerprint::hex_octets(text).unwrap()
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(Tag::Sequence, parts).unwrap()
}

pub(crate) fn tagged(number: u32, content: &[u8]) -> Vec<u8> {
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(number) };
    tlv(tag, &[content]).unwrap()
}

pub(crate) fn time(tag: u8, text: &str) -> Vec<u8> {
    [&[tag, text.len() as u8], text.as_bytes()].concat()
}

/// An extension by the content of its object identifier.
pub(crate) fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 1, 0xff] } else { &[] };
    let value = tlv(Tag::OctetString, &[value]).unwrap();
    let oid = tlv(Tag::ObjectIdentifier, &[&hex(oid)]).unwrap();
    sequence(&[&oid, critical, &value])
}

/// An entry of a complete INTEGER and complete extensions.
pub(crate) fn raw_entry(serial: &[u8], extensions: &[&[u8]]) -> Vec<u8> {
    let extensions = if extensions.is_empty() { Vec::new() } else { sequence(extensions) };
    sequence(&[serial, &time(0x17, "260531080910Z"), &extensions])
}
