//! PKCS#7 bags of certificates and revocation lists: SignedData without content and without
//! signatures (RFC 2315 section 9.1, RFC 5652 section 5), as `.p7b` and `.p7c` files hold them.
//!
//! A bag proves nothing; each certificate must be verified by itself. The order is kept, though a
//! SET OF has none: readers take the first certificate for the leaf's, and OpenSSL keeps it too.

use der::asn1::AnyRef;
use der::{Decode, Encode, Sequence, SliceReader, Tag, TagNumber, Tagged};

use crate::ber::{self, BerError};
use crate::certificate::{Certificate, CertificateError};
use crate::cms::{self, ContentInfo, content_name};
use crate::crl::{CertificateList, CrlError};

/// The largest bag that is read, in octets.
pub const MAX_SIZE: usize = crate::pem::MAX_FILE_SIZE;

/// The most certificates, and the most lists, that one bag may hold.
pub const MAX_ELEMENTS: usize = 200;

/// Certificates and revocation lists in one structure.
#[derive(Clone, Debug)]
pub struct CertificateBag {
    certificates: Vec<Certificate>,
    lists: Vec<CertificateList>,
}

/// SignedData (RFC 5652 section 5.1), its SETs as they stand.
#[derive(Sequence)]
struct SignedData<'a> {
    version: u8,
    digest_algorithms: AnyRef<'a>,
    content: EncapsulatedContent<'a>,
    /// Certificates, lists and signers: two of the three are optional, their tags tell which.
    first: AnyRef<'a>,
    second: Option<AnyRef<'a>>,
    third: Option<AnyRef<'a>>,
}

/// EncapsulatedContentInfo (RFC 5652 section 5.2).
#[derive(Sequence)]
struct EncapsulatedContent<'a> {
    content_type: const_oid::ObjectIdentifier,
    content: Option<AnyRef<'a>>,
}

const CERTIFICATES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
const LISTS: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };

impl CertificateBag {
    /// A bag of these.
    ///
    /// # Errors
    /// `Pkcs7Error` when there is nothing in it, or too much.
    pub fn new(
        certificates: Vec<Certificate>,
        lists: Vec<CertificateList>,
    ) -> Result<Self, Pkcs7Error> {
        if certificates.is_empty() && lists.is_empty() {
            return Err(Pkcs7Error::Empty);
        }
        for (what, found) in [("certificates", certificates.len()), ("lists", lists.len())] {
            if found > MAX_ELEMENTS {
                return Err(Pkcs7Error::TooMany { what });
            }
        }
        Ok(Self { certificates, lists })
    }

    /// Reads a bag in BER or DER.
    ///
    /// # Errors
    /// `Pkcs7Error` names the field, what was found and what is allowed. What is signed is refused:
    /// nobody here checks those signatures.
    pub fn from_der(octets: &[u8]) -> Result<Self, Pkcs7Error> {
        if octets.len() > MAX_SIZE {
            return Err(Pkcs7Error::TooLarge { found: octets.len() });
        }
        let der = ber::to_der(octets)?;
        let info = ContentInfo::from_der(&der)?;
        if info.content_type != cms::SIGNED_DATA {
            let found = content_name(info.content_type);
            return Err(Pkcs7Error::Field { field: "contentType", found, allowed: "signedData" });
        }
        let signed: SignedData<'_> = info.content.decode_as()?;
        signed.digest_algorithms.tag().assert_eq(Tag::Set)?;
        if signed.content.content.is_some() {
            return Err(Pkcs7Error::Field {
                field: "encapContentInfo",
                found: content_name(signed.content.content_type),
                allowed: "no content, only certificates and lists",
            });
        }
        signed.read()
    }

    /// Writes DER, but for the order of the sets (see above).
    ///
    /// # Errors
    /// `Pkcs7Error::TooLarge` when it would not be read again.
    pub fn to_der(&self) -> Result<Vec<u8>, Pkcs7Error> {
        let certificates: Vec<&[u8]> = self.certificates.iter().map(Certificate::der).collect();
        let lists: Vec<&[u8]> = self.lists.iter().map(CertificateList::der).collect();
        let (certificates, lists) = (certificates.concat(), lists.concat());
        let mut sets = Vec::new();
        for (tag, content) in [(CERTIFICATES, &certificates), (LISTS, &lists)] {
            if !content.is_empty() {
                sets.push(AnyRef::new(tag, content)?);
            }
        }
        let empty = AnyRef::new(Tag::Set, &[])?;
        sets.push(empty);
        let mut sets = sets.into_iter();
        let signed = SignedData {
            version: 1,
            digest_algorithms: empty,
            content: EncapsulatedContent { content_type: cms::DATA, content: None },
            first: sets.next().unwrap_or(empty),
            second: sets.next(),
            third: sets.next(),
        };
        let signed = signed.to_der()?;
        let content = AnyRef::from_der(&signed)?;
        let der = ContentInfo { content_type: cms::SIGNED_DATA, content }.to_der()?;
        if der.len() > MAX_SIZE {
            return Err(Pkcs7Error::TooLarge { found: der.len() });
        }
        Ok(der)
    }

    /// The certificates, in the order of the file.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The revocation lists, in the order of the file.
    pub fn lists(&self) -> &[CertificateList] {
        &self.lists
    }
}

impl SignedData<'_> {
    fn read(&self) -> Result<CertificateBag, Pkcs7Error> {
        let (mut certificates, mut lists) = (Vec::new(), Vec::new());
        let mut sets: Vec<AnyRef<'_>> =
            [Some(self.first), self.second, self.third].into_iter().flatten().collect();
        let signers = sets.pop().filter(|last| last.tag() == Tag::Set);
        let signers = signers.ok_or_else(|| order("signerInfos"))?;
        if !signers.value().is_empty() {
            return Err(Pkcs7Error::Field {
                field: "signerInfos",
                found: "signatures".into(),
                allowed: "none; take the certificates out by `openssl pkcs7 -print_certs`",
            });
        }
        for (place, set) in sets.iter().enumerate() {
            match set.tag() {
                CERTIFICATES if place == 0 => certificates = read_certificates(set.value())?,
                LISTS if place + 1 == sets.len() => lists = read_lists(set.value())?,
                _ => return Err(order("certificates and crls")),
            }
        }
        CertificateBag::new(certificates, lists)
    }
}

fn order(field: &'static str) -> Pkcs7Error {
    let found = "another field in its place".into();
    Pkcs7Error::Field { field, found, allowed: "certificates, crls, signerInfos in this order" }
}

fn read_certificates(set: &[u8]) -> Result<Vec<Certificate>, Pkcs7Error> {
    read_set(set, "certificates", |position, der| {
        Certificate::from_der(der)
            .map_err(|error| Pkcs7Error::Certificate { position, error: error.into() })
    })
}

fn read_lists(set: &[u8]) -> Result<Vec<CertificateList>, Pkcs7Error> {
    read_set(set, "lists", |position, der| {
        CertificateList::from_der(der)
            .map_err(|error| Pkcs7Error::List { position, error: error.into() })
    })
}

fn read_set<T>(
    set: &[u8],
    what: &'static str,
    read: impl Fn(usize, &[u8]) -> Result<T, Pkcs7Error>,
) -> Result<Vec<T>, Pkcs7Error> {
    use der::Reader as _;
    let mut reader = SliceReader::new(set)?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        if all.len() == MAX_ELEMENTS {
            return Err(Pkcs7Error::TooMany { what });
        }
        let tag = Tag::peek(&reader)?;
        let der = reader.tlv_bytes()?;
        if tag != Tag::Sequence {
            // Attribute certificates and other formats (RFC 5652 section 10.2.2).
            let found = format!("an element tagged {tag}");
            return Err(Pkcs7Error::Field { field: what, found, allowed: "X.509 alone" });
        }
        all.push(read(all.len() + 1, der)?);
    }
    Ok(all)
}

/// A bag that can't be read, or not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs7Error {
    /// Past the bound.
    #[error("PKCS#7: {found} octets, allowed are at most {MAX_SIZE}")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not BER, or nested too deep.
    #[error("PKCS#7: {0}")]
    Encoding(#[from] BerError),
    /// Not SignedData.
    #[error("PKCS#7: not of the structure of RFC 5652 ({0})")]
    Malformed(#[from] der::Error),
    /// A field has a value that is not read.
    #[error("PKCS#7: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Nothing in it.
    #[error("PKCS#7: empty, allowed is at least one certificate or revocation list")]
    Empty,
    /// More than the bound.
    #[error("PKCS#7: more than {MAX_ELEMENTS} {what}, allowed are at most {MAX_ELEMENTS}")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// A certificate is refused.
    #[error("PKCS#7: certificate {position}: {error}")]
    Certificate {
        /// Which, counted from 1.
        position: usize,
        /// What is wrong.
        error: Box<CertificateError>,
    },
    /// A revocation list is refused.
    #[error("PKCS#7: list {position}: {error}")]
    List {
        /// Which, counted from 1.
        position: usize,
        /// What is wrong.
        error: Box<CrlError>,
    },
}

#[cfg(test)]
mod tests;
