//! Which certificate is meant (RFC 6960 section 4.1.1, CertID).

use std::fmt;

use const_oid::ObjectIdentifier;
use der::asn1::Null;
use der::{Decode, Encode, Tag};

use super::fields::Fields;
use super::hash::CertIdHash;
use crate::certificate::Certificate;
use crate::crl::error::Fault;
use crate::crl::{EntrySerial, InvalidEntrySerial};
use crate::fingerprint::write_hex;
use crate::plan::encode::tlv;

const FIELD: &str = "certID";

/// An issuer by the digests of its name and key, and a serial number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertId {
    issuer: IssuerDigests,
    serial: EntrySerial,
}

/// What the CertIDs of all certificates of one issuer have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct IssuerDigests {
    hash: CertIdHash,
    /// Whether the hash function's parameters are NULL; absent otherwise. A responder repeats
    /// what it was asked, since some clients compare octets.
    null_parameters: bool,
    name: Vec<u8>,
    key: Vec<u8>,
}

impl CertId {
    /// The certificate's, which `issuer` issued. Responders of the profile of RFC 5019 want SHA-1.
    ///
    /// # Errors
    /// `InvalidEntrySerial` when its serial number has more than 20 octets.
    pub fn of(
        certificate: &Certificate,
        issuer: &Certificate,
        hash: CertIdHash,
    ) -> Result<Self, InvalidEntrySerial> {
        Ok(Self::new(issuer, &EntrySerial::of(certificate)?, hash))
    }

    /// That of the certificate with this serial number, which `issuer` issued.
    pub fn new(issuer: &Certificate, serial: &EntrySerial, hash: CertIdHash) -> Self {
        Self { issuer: IssuerDigests::of(issuer, hash), serial: *serial }
    }

    /// Whether it means `certificate`, issued by `issuer`.
    pub fn is_of(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.serial.as_bytes() == certificate.serial_octets() && self.is_issued_by(issuer)
    }

    /// Whether its issuer is this one: the digests of the name, as it is encoded, and of the key.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let wanted = IssuerDigests::of(issuer, self.issuer.hash);
        self.issuer.name == wanted.name && self.issuer.key == wanted.key
    }

    /// Whether it means the same certificate, and names the issuer by the same hash function.
    pub fn is_same(&self, other: &Self) -> bool {
        let (one, two) = (&self.issuer, &other.issuer);
        self.serial == other.serial
            && (one.hash, &one.name, &one.key) == (two.hash, &two.name, &two.key)
    }

    /// How it names the issuer.
    pub fn hash(&self) -> CertIdHash {
        self.issuer.hash
    }

    /// The digest of the issuer's name.
    pub fn issuer_name_hash(&self) -> &[u8] {
        &self.issuer.name
    }

    /// The digest of the issuer's key: of the BIT STRING's octets.
    pub fn issuer_key_hash(&self) -> &[u8] {
        &self.issuer.key
    }

    /// The serial number.
    pub fn serial(&self) -> &EntrySerial {
        &self.serial
    }

    pub(super) fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        cert_id_der(&self.issuer.to_der()?, &self.serial)
    }

    pub(super) fn read(der: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields::of(FIELD, der)?;
        let (hash, null_parameters) = read_hash(fields.next_der("hashAlgorithm")?)?;
        let mut digest = |field| {
            let octets = fields.next(field, Tag::OctetString)?;
            if octets.len() == hash.size() {
                return Ok(octets.to_vec());
            }
            let found = format!("{} octets", octets.len());
            Err(Fault::new(field, found, "as many octets as hashAlgorithm makes"))
        };
        let (name, key) = (digest("issuerNameHash")?, digest("issuerKeyHash")?);
        let serial = fields.next("serialNumber", Tag::Integer)?;
        let serial = EntrySerial::from_integer_octets(serial).map_err(|error| {
            let allowed = "an INTEGER of 1 to 20 octets in its shortest form";
            Fault::new("serialNumber", error.to_string(), allowed)
        })?;
        fields.finish()?;
        Ok(Self { issuer: IssuerDigests { hash, null_parameters, name, key }, serial })
    }
}

impl IssuerDigests {
    pub(super) fn of(issuer: &Certificate, hash: CertIdHash) -> Self {
        // A name that was read is one that can be encoded: its certificate was compared with it.
        let name = issuer.subject().to_der().unwrap_or_default();
        Self {
            hash,
            // As RFC 5754 section 2 has SHA-2, and as everybody writes SHA-1.
            null_parameters: hash == CertIdHash::Sha1,
            name: hash.digest(&name),
            key: hash.digest(issuer.public_key().key_bytes()),
        }
    }

    /// The fields of CertID before the serial number.
    pub(super) fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        let parameters = if self.null_parameters { Null.to_der()? } else { Vec::new() };
        let mut der = tlv(Tag::Sequence, &[&self.hash.oid().to_der()?, &parameters])?;
        der.extend(tlv(Tag::OctetString, &[&self.name])?);
        der.extend(tlv(Tag::OctetString, &[&self.key])?);
        Ok(der)
    }
}

/// A CertID of the fields that its issuer decides, and a serial number.
pub(super) fn cert_id_der(issuer: &[u8], serial: &EntrySerial) -> Result<Vec<u8>, der::Error> {
    let octets = serial.as_bytes();
    // At most twenty octets: one octet of length.
    tlv(Tag::Sequence, &[issuer, &[0x02, octets.len() as u8], octets])
}

/// The hash function, and whether its parameters are NULL: RFC 5754 section 2 makes everybody read
/// both.
fn read_hash(der: &[u8]) -> Result<(CertIdHash, bool), Fault> {
    let field = "hashAlgorithm";
    let mut fields = Fields::of(field, der)?;
    let oid = ObjectIdentifier::from_der(fields.next_der(field)?).map_err(Fault::der(field))?;
    let hash = CertIdHash::from_oid(oid).ok_or_else(|| {
        Fault::new(field, oid.to_string(), "SHA-1 (as an identifier), SHA-256, SHA-384, SHA-512")
    })?;
    if fields.is_finished() {
        return Ok((hash, false));
    }
    if fields.next_der(field)? != [0x05, 0] {
        return Err(Fault::new(field, "other parameters", "NULL or none"));
    }
    fields.finish()?;
    Ok((hash, true))
}

impl fmt::Display for CertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of issuer key {} ", self.serial, self.issuer.hash)?;
        write_hex(f, &self.issuer.key)
    }
}

impl fmt::Debug for CertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertId({self})")
    }
}
