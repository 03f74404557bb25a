//! The statement of possession (RFC 9883): who vouches that the requester holds a key that can't
//! sign.
//!
//! ```text
//! PrivateKeyPossessionStatement ::= SEQUENCE {
//!   signer  IssuerAndSerialNumber,
//!   cert    Certificate OPTIONAL }
//! ```

use std::fmt;

use const_oid::ObjectIdentifier;
use der::{Decode, Encode, Reader, SliceReader, Tag};
use x509_cert::name::Name;

use super::CsrError;
use crate::certificate::Certificate;
use crate::crl::EntrySerial;
use crate::escape::quoted;
use crate::name::{MAX_DER, to_text};
use crate::path::same_name;
use crate::plan::encode;
use crate::well_formed::malformed_attribute;

/// id-at-statementOfPossession (RFC 9883 section 3).
pub(super) const STATEMENT_OF_POSSESSION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.22112.2.1");

/// Names the signature certificate whose key signed a request for a key that can't sign. It proves
/// nothing by itself: [`CertificateRequest::verify_statement`](super::CertificateRequest::verify_statement)
/// does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossessionStatement {
    issuer: Name,
    serial: EntrySerial,
    certificate: Option<Certificate>,
}

impl PossessionStatement {
    /// Who issued the signature certificate.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Its serial number.
    pub fn serial(&self) -> EntrySerial {
        self.serial
    }

    /// The certificate, where it is included; it is the one that issuer and serial number name.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Whether issuer and serial number are those of `certificate`.
    pub fn names(&self, certificate: &Certificate) -> bool {
        certificate.serial_octets() == self.serial.as_bytes()
            && same_name(certificate.issuer(), &self.issuer)
    }

    /// Reads what stands inside the attribute's SET of values.
    pub(super) fn read(values: &[u8]) -> Result<Self, CsrError> {
        let mut reader = SliceReader::new(values)?;
        let mut all = Vec::new();
        while !reader.is_finished() {
            all.push(reader.tlv_bytes()?);
        }
        let [value] = all[..] else {
            return Err(CsrError::StatementValues { found: all.len() });
        };
        let (signer, certificate) = statement(value)?;
        let (issuer, serial) = issuer_and_serial(signer)?;
        let certificate = certificate
            .map(Certificate::from_der)
            .transpose()
            .map_err(|error| CsrError::StatementCertificate(Box::new(error)))?;
        let statement = Self { issuer, serial, certificate };
        if let Some(included) = &statement.certificate
            && !statement.names(included)
        {
            return Err(CsrError::StatementNamesAnother {
                found: Named::of(included).to_string(),
                allowed: statement.to_string(),
            });
        }
        Ok(statement)
    }
}

/// The issuer and serial number, for messages.
impl fmt::Display for PossessionStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial {} of {}", self.serial, quoted(to_text(&self.issuer)))
    }
}

/// A certificate by issuer and serial number, for messages.
pub(super) struct Named<'a>(&'a Certificate);

impl<'a> Named<'a> {
    pub(super) fn of(certificate: &'a Certificate) -> Self {
        Self(certificate)
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("serial ")?;
        crate::fingerprint::write_hex(f, self.0.serial_octets())?;
        write!(f, " of {}", quoted(to_text(self.0.issuer())))
    }
}

/// The parts of the statement, not yet read.
fn statement(der: &[u8]) -> Result<(&[u8], Option<&[u8]>), der::Error> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|reader| {
        let signer = reader.tlv_bytes()?;
        let certificate = if reader.is_finished() { None } else { Some(reader.tlv_bytes()?) };
        Ok::<_, der::Error>((signer, certificate))
    })?;
    reader.finish()?;
    Ok(parts)
}

/// IssuerAndSerialNumber (RFC 5652 section 10.2.4).
fn issuer_and_serial(der: &[u8]) -> Result<(Name, EntrySerial), CsrError> {
    let mut reader = SliceReader::new(der)?;
    let (issuer, serial) = reader.sequence(|reader| {
        let issuer = reader.tlv_bytes()?;
        Ok::<_, der::Error>((issuer, der::asn1::Int::decode(reader)?))
    })?;
    reader.finish()?;
    if issuer.len() > MAX_DER {
        return Err(CsrError::StatementIssuerTooLarge { found: issuer.len() });
    }
    let name = Name::from_der(issuer)?;
    // Reading sorts each SET, writing shows whether it was.
    if name.to_der()? != issuer || malformed_attribute(&name).is_some() {
        return Err(CsrError::NotCanonical { field: "the issuer in the statement of possession" });
    }
    let serial = EntrySerial::from_integer_octets(serial.as_bytes());
    Ok((name, serial.map_err(CsrError::StatementSerial)?))
}

/// The attribute that names `certificate`, and holds it where `included`.
pub(super) fn attribute(certificate: &Certificate, included: bool) -> Result<Vec<u8>, der::Error> {
    let serial = encode::tlv(Tag::Integer, &[certificate.serial_octets()])?;
    let signer = encode::tlv(Tag::Sequence, &[&certificate.issuer().to_der()?, &serial])?;
    let certificate = if included { certificate.der() } else { &[] };
    let statement = encode::tlv(Tag::Sequence, &[&signer, certificate])?;
    let values = encode::tlv(Tag::Set, &[&statement])?;
    encode::tlv(Tag::Sequence, &[&STATEMENT_OF_POSSESSION.to_der()?, &values])
}
