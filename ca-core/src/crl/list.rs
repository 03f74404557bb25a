//! Reading lists (RFC 5280 section 5.1).

use std::ops::Range;

use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlDistributionPoints};
use x509_cert::name::Name;

use super::MAX_CRL_SIZE;
use super::entry::{Entries, RevokedEntry};
use super::error::{CrlError, Fault};
use super::extension::{
    CRL_NUMBER, DELTA_CRL_INDICATOR, FRESHEST_CRL, ISSUER_ALT_NAME, ISSUING_DISTRIBUTION_POINT,
    RawExtension, read_all,
};
use super::instant;
use super::number::CrlNumber;
use super::scope::Scope;
use super::serial::EntrySerial;
use crate::certificate::{CertificateError, Outer};
use crate::extensions::oid;
use crate::name::MAX_DER;
use crate::well_formed::malformed_attribute;

const EXTENSIONS: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

/// A list whose every octet was checked; its signature was not (see [`Self::verify`]).
///
/// It is held as the octets that came, so that it takes little more memory than they do.
#[derive(Clone, Debug)]
pub struct CertificateList {
    der: Vec<u8>,
    tbs: Range<usize>,
    /// What stands inside revokedCertificates.
    entries: Range<usize>,
    count: usize,
    issuer: Name,
    this_update: Timestamp,
    next_update: Timestamp,
    extensions: ListExtensions,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
}

#[derive(Clone, Debug)]
struct ListExtensions {
    authority_key_identifier: AuthorityKeyIdentifier,
    number: CrlNumber,
    base_number: Option<CrlNumber>,
    scope: Scope,
    freshest: Option<CrlDistributionPoints>,
}

impl CertificateList {
    /// Reads one DER list, in time that grows with its length. Octets that are given away are kept
    /// as they are, borrowed ones are copied.
    ///
    /// What RFC 5280 asks of issuers is asked for here: version 2, nextUpdate,
    /// authorityKeyIdentifier and cRLNumber must be there, and each extension critical or not as
    /// it says. Critical extensions that are not understood, and indirect lists, are refused.
    ///
    /// # Errors
    /// `CrlError` names the field, what was found and what is allowed.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, CrlError> {
        let der = der.into();
        if der.len() > MAX_CRL_SIZE {
            return Err(CrlError::TooLarge { found: der.len() });
        }
        let outer = read_outer(&der)?;
        let tbs = read_tbs(&der[outer.tbs.clone()])?;
        if tbs.algorithm != outer.signature_algorithm.to_der().map_err(Fault::der("signature"))? {
            let found = "another algorithm or other parameters than in signatureAlgorithm";
            return Err(Fault::new("signature", found, "the same in both places").into());
        }
        let issuer = read_issuer(tbs.issuer)?;
        let this_update = instant::read("thisUpdate", tbs.this_update)?;
        let next_update = instant::read("nextUpdate", tbs.next_update)?;
        if next_update < this_update {
            let found = format!("{next_update}, before thisUpdate");
            return Err(Fault::new("nextUpdate", found, "thisUpdate or later").into());
        }
        let extensions = ListExtensions::read(tbs.extensions)?;
        let count = check_entries(tbs.entries, extensions.base_number.is_some())?;
        let entries = outer.tbs.start + tbs.entries_at;
        let entries = entries..entries + tbs.entries.len();
        Ok(Self {
            tbs: outer.tbs,
            entries,
            count,
            issuer,
            this_update,
            next_update,
            extensions,
            signature_algorithm: outer.signature_algorithm,
            signature: outer.signature,
            der,
        })
    }

    /// The list's DER, as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The DER of TBSCertList, which the signature covers.
    pub fn tbs_der(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// Who signed it, and whose certificates it revokes.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next one is due, at the latest; it says nothing after that second.
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// Its number.
    pub fn number(&self) -> CrlNumber {
        self.extensions.number
    }

    /// The number of the complete list that it changes; none for a complete list.
    pub fn base_number(&self) -> Option<CrlNumber> {
        self.extensions.base_number
    }

    /// Whether it only tells what changed since a complete list.
    pub fn is_delta(&self) -> bool {
        self.extensions.base_number.is_some()
    }

    /// Which certificates it speaks of.
    pub fn scope(&self) -> &Scope {
        &self.extensions.scope
    }

    /// Which key signed it.
    pub fn authority_key_identifier(&self) -> &AuthorityKeyIdentifier {
        &self.extensions.authority_key_identifier
    }

    /// Where the delta to this list is published.
    pub fn freshest_crl(&self) -> impl Iterator<Item = &str> {
        let points = self.extensions.freshest.iter().flat_map(|points| &points.0);
        let names = points.filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        });
        names.flatten().filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
            _ => None,
        })
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The entries, in the order of the list.
    pub fn entries(&self) -> Entries<'_> {
        Entries::new(&self.der[self.entries.clone()], self.is_delta())
    }

    /// The entry with this serial number: it walks over all entries. In a delta it may be a
    /// removal. Whether a certificate is revoked, [`super::check_crls`] says.
    pub fn find(&self, serial: &EntrySerial) -> Option<RevokedEntry> {
        self.entries().find(serial)
    }

    /// The AlgorithmIdentifier of the signature.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// The signature's octets.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

fn read_outer(der: &[u8]) -> Result<Outer, CrlError> {
    let field = "CertificateList";
    Outer::read(der).map_err(|error| match error {
        CertificateError::Malformed(error) => Fault::der(field)(error).into(),
        CertificateError::SignatureUnusedBits => {
            Fault::new("signatureValue", "unused bits", "whole octets").into()
        }
        _ => Fault::not_canonical(field).into(),
    })
}

/// The parts of TBSCertList, not yet read.
struct Tbs<'a> {
    algorithm: &'a [u8],
    issuer: &'a [u8],
    this_update: AnyRef<'a>,
    next_update: AnyRef<'a>,
    /// What stands inside revokedCertificates, and where in TBSCertList.
    entries: &'a [u8],
    entries_at: usize,
    extensions: &'a [u8],
}

fn read_tbs(der: &[u8]) -> Result<Tbs<'_>, Fault> {
    let refused = Fault::der("tbsCertList");
    let mut outer = SliceReader::new(der).map_err(&refused)?;
    let content = AnyRef::decode(&mut outer).map_err(&refused)?;
    content.tag().assert_eq(Tag::Sequence).map_err(&refused)?;
    let content = content.value();
    let mut reader = SliceReader::new(content).map_err(&refused)?;
    read_version(&mut reader)?;
    let algorithm = reader.tlv_bytes().map_err(&refused)?;
    let issuer = reader.tlv_bytes().map_err(&refused)?;
    let this_update = AnyRef::decode(&mut reader).map_err(&refused)?;
    let next_update = AnyRef::decode(&mut reader).map_err(&refused)?;
    if !matches!(next_update.tag(), Tag::UtcTime | Tag::GeneralizedTime) {
        return Err(Fault::new("nextUpdate", "none", "a time, UTCTime or GeneralizedTime"));
    }
    let (entries, entries_at) = if reader.peek_byte() == Some(0x30) {
        let list = AnyRef::decode(&mut reader).map_err(&refused)?.value();
        if list.is_empty() {
            let allowed = "at least one entry, or no field";
            return Err(Fault::new("revokedCertificates", "an empty list", allowed));
        }
        // The reader stands behind the list, whose content ends there.
        let end = usize::try_from(reader.offset()).map_err(&refused)?;
        (list, der.len() - content.len() + end - list.len())
    } else {
        (&[][..], der.len())
    };
    let extensions = read_extensions_field(&mut reader)?;
    reader.finish().map_err(&refused)?;
    Ok(Tbs { algorithm, issuer, this_update, next_update, entries, entries_at, extensions })
}

fn read_version(reader: &mut SliceReader<'_>) -> Result<(), Fault> {
    let refuse = |found: String| Err(Fault::new("version", found, "1 (v2)"));
    if reader.peek_byte() != Some(0x02) {
        return refuse("none (v1)".into());
    }
    match u8::decode(reader) {
        Ok(1) => Ok(()),
        Ok(other) => refuse(other.to_string()),
        Err(error) => refuse(format!("something else ({error})")),
    }
}

fn read_extensions_field<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Fault> {
    let field = "crlExtensions";
    if reader.is_finished() {
        return Err(Fault::new(field, "none", "authorityKeyIdentifier and cRLNumber at least"));
    }
    let any = AnyRef::decode(reader).map_err(Fault::der(field))?;
    any.tag().assert_eq(EXTENSIONS).map_err(Fault::der(field))?;
    Ok(any.value())
}

fn read_issuer(der: &[u8]) -> Result<Name, Fault> {
    // Bounded before it is decoded: decoding a SET sorts it, by the square of its members.
    if der.len() > MAX_DER {
        return Err(Fault::new("issuer", format!("{} octets", der.len()), "at most 8192 octets"));
    }
    let name = Name::from_der(der).map_err(Fault::der("issuer"))?;
    if name.to_der().map_err(Fault::der("issuer"))? != der {
        return Err(Fault::not_canonical("issuer"));
    }
    if let Some(attribute) = malformed_attribute(&name) {
        let found = format!("a value of attribute {attribute} that is not what its tag says");
        return Err(Fault::new("issuer", found, "text in the encoding of its string type"));
    }
    if name.is_empty() {
        return Err(Fault::new("issuer", "an empty name", "a name that is not empty"));
    }
    Ok(name)
}

/// Reads every entry once; tells how many there are.
fn check_entries(content: &[u8], in_delta: bool) -> Result<usize, CrlError> {
    let mut entries = Entries::new(content, in_delta);
    let mut count = 0;
    while let Some(entry) = entries.read_next() {
        count += 1;
        entry.map_err(|fault| fault.in_entry(count))?;
    }
    Ok(count)
}

impl ListExtensions {
    fn read(der: &[u8]) -> Result<Self, Fault> {
        let (mut key, mut number, mut base, mut scope, mut freshest) =
            (None, None, None, None, None);
        for extension in read_all("crlExtensions", der)? {
            match extension.oid {
                oid::AUTHORITY_KEY_IDENTIFIER => key = Some(read_key_identifier(&extension)?),
                CRL_NUMBER => number = Some(read_number("cRLNumber", &extension, false)?),
                DELTA_CRL_INDICATOR => {
                    base = Some(read_number("deltaCRLIndicator", &extension, true)?);
                }
                ISSUING_DISTRIBUTION_POINT => scope = Some(Scope::read(&extension)?),
                FRESHEST_CRL => {
                    extension.expect_critical("freshestCRL", false)?;
                    freshest = Some(extension.decode::<CrlDistributionPoints>("freshestCRL")?);
                }
                // It repeats the issuer in other words; nothing is decided by it.
                ISSUER_ALT_NAME => {}
                oid if extension.critical => {
                    let found = format!("critical extension {oid}, which is not understood");
                    let allowed = "critical extensions that RFC 5280 section 5.2 names";
                    return Err(Fault::new("crlExtensions", found, allowed));
                }
                _ => {}
            }
        }
        let key = key.ok_or_else(|| missing("authorityKeyIdentifier"))?;
        let number = number.ok_or_else(|| missing("cRLNumber"))?;
        if base.is_some_and(|base| base >= number) {
            let allowed = "a number below the list's own cRLNumber";
            return Err(Fault::new("deltaCRLIndicator", "the list's number or more", allowed));
        }
        if base.is_some() && freshest.is_some() {
            return Err(Fault::new("freshestCRL", "it in a delta CRL", "it only in complete CRLs"));
        }
        let scope = scope.unwrap_or_default();
        Ok(Self { authority_key_identifier: key, number, base_number: base, scope, freshest })
    }
}

fn missing(field: &'static str) -> Fault {
    Fault::new(field, "none", "one in every CRL (RFC 5280 section 5.2)")
}

fn read_key_identifier(extension: &RawExtension<'_>) -> Result<AuthorityKeyIdentifier, Fault> {
    let field = "authorityKeyIdentifier";
    extension.expect_critical(field, false)?;
    let identifier: AuthorityKeyIdentifier = extension.decode(field)?;
    if identifier.key_identifier.is_none() {
        return Err(Fault::new(field, "no keyIdentifier", "the issuer's key identifier"));
    }
    Ok(identifier)
}

fn read_number(
    field: &'static str,
    extension: &RawExtension<'_>,
    critical: bool,
) -> Result<CrlNumber, Fault> {
    extension.expect_critical(field, critical)?;
    let octets = extension.primitive(field, Tag::Integer)?;
    CrlNumber::from_integer_octets(octets).map_err(|error| {
        Fault::new(field, error.to_string(), "0 to 2^159 - 1 as an INTEGER in its shortest form")
    })
}
