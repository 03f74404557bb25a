//! Making lists (RFC 5280 section 5): entries come one by one and go straight into DER.

use std::io;

use der::asn1::OctetString;
use der::{Encode, Header, Length, Tag, TagNumber};
use jiff::Timestamp;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlDistributionPoints, KeyUsages};

use super::MAX_CRL_SIZE;
use super::buffer::Buffer;
use super::entry::RevokedEntry;
use super::error::Fault;
use super::extension::{CRL_NUMBER, DELTA_CRL_INDICATOR, FRESHEST_CRL, ISSUING_DISTRIBUTION_POINT};
use super::instant::{self, Dates};
use super::number::CrlNumber;
use super::scope::{InvalidPlaces, Scope, Subjects, names_of};
use super::serial::EntrySerial;
use crate::certificate::Certificate;
use crate::extensions::oid;
use crate::general_name::AbsoluteUri;
use crate::plan::encode::{raw_extension, tlv};
use crate::sign::{SignError, Signer};

/// The longest header of a TLV up to [`MAX_CRL_SIZE`]: a tag, a length of lengths, four octets.
const MAX_HEADER: usize = 6;
/// Where the fields of a list of 16 MiB and more start in the buffer: behind the headers of
/// CertificateList and TBSCertList, as in a file. The first of these is written from elsewhere, but from equal places
/// in their pages a file takes the octets in half the time: no load has to wait for a store whose
/// address looks like its own.
const HEAD: usize = 2 * MAX_HEADER;
/// The most that any entry takes while it is written.
const MAX_ENTRY: usize = RevokedEntry::MAX_DER;
/// What the signature, the outer header and the extensions may take beside the entries.
const MAX_AROUND: usize = 256 * 1024;

/// What a list will say, apart from its entries.
///
/// A full list needs no more than [`CrlBuilder::new`]; [`CrlBuilder::delta`] and
/// [`CrlBuilder::scope`] make the other kinds. An authority with an alternative key signs lists by
/// its first key alone.
#[derive(Clone, Debug)]
pub struct CrlBuilder<'a> {
    issuer: &'a Certificate,
    key_identifier: &'a [u8],
    number: CrlNumber,
    this_update: Timestamp,
    next_update: Timestamp,
    base: Option<CrlNumber>,
    scope: Scope,
    /// The places of the delta.
    freshest: Vec<GeneralName>,
}

impl<'a> CrlBuilder<'a> {
    /// A full list. Fractions of a second are cut off.
    ///
    /// # Errors
    /// `CrlBuildError` when the issuer's certificate may not sign lists (keyUsage without cRLSign,
    /// an empty subject, no subjectKeyIdentifier), or nextUpdate is not after thisUpdate.
    pub fn new(
        issuer: &'a Certificate,
        number: CrlNumber,
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<Self, CrlBuildError> {
        let refuse = |found, allowed| Err(CrlBuildError::Issuer { found, allowed });
        if issuer.subject().is_empty() {
            return refuse("an empty subject", "a name");
        }
        let usages = issuer.extensions().key_usage();
        if usages.is_some_and(|usages| !usages.0.contains(KeyUsages::CRLSign)) {
            return refuse("keyUsage without cRLSign", "keyUsage with cRLSign");
        }
        let Some(key_identifier) = issuer.extensions().subject_key_identifier() else {
            return refuse("no subjectKeyIdentifier", "one, for the list's authorityKeyIdentifier");
        };
        instant::check("thisUpdate", this_update)?;
        if next_update.as_second() <= this_update.as_second() {
            return Err(CrlBuildError::Period { this_update, next_update });
        }
        Ok(Self {
            issuer,
            key_identifier,
            number,
            this_update,
            next_update,
            base: None,
            scope: Scope::all(),
            freshest: Vec::new(),
        })
    }

    /// Only what changed since the complete list of number `base`.
    ///
    /// # Errors
    /// `CrlBuildError` unless `base` is below the list's own number, or when the place of a delta
    /// was set, which a delta can't have.
    pub fn delta(self, base: CrlNumber) -> Result<Self, CrlBuildError> {
        if base >= self.number {
            return Err(CrlBuildError::BaseNumber { found: base, number: self.number });
        }
        if !self.freshest.is_empty() {
            return Err(CrlBuildError::FreshestInDelta);
        }
        Ok(Self { base: Some(base), ..self })
    }

    /// Only these certificates. The entries must be chosen by the same rule.
    ///
    /// # Errors
    /// `CrlBuildError` for attribute certificates, which this CA does not issue.
    pub fn scope(self, scope: Scope) -> Result<Self, CrlBuildError> {
        if scope.subjects() == Subjects::AttributeCertificates {
            return Err(CrlBuildError::AttributeCertificates);
        }
        Ok(Self { scope, ..self })
    }

    /// Where the delta to this list is published (freshestCRL).
    ///
    /// # Errors
    /// `CrlBuildError` in a delta, or unless there are 1 to 100 places.
    pub fn freshest_crl(self, places: &[AbsoluteUri]) -> Result<Self, CrlBuildError> {
        if self.base.is_some() {
            return Err(CrlBuildError::FreshestInDelta);
        }
        Ok(Self { freshest: names_of(places)?, ..self })
    }

    /// Starts a list that is filled entry by entry.
    ///
    /// # Errors
    /// `CrlBuildError::SignerMismatch` when the key is not the issuer's, `CrlBuildError::Memory`.
    pub fn begin<'s>(&self, signer: &'s Signer) -> Result<UnsignedCrl<'s>, CrlBuildError> {
        if signer.public_key() != self.issuer.public_key() {
            return Err(CrlBuildError::SignerMismatch);
        }
        let algorithm = signer.scheme().to_identifier().to_der()?;
        let mut head = vec![0x02, 0x01, 0x01];
        head.extend_from_slice(&algorithm);
        head.extend_from_slice(&self.issuer.subject().to_der()?);
        instant::push(&mut head, self.this_update);
        instant::push(&mut head, self.next_update);
        let tail = self.extensions()?;
        let before = HEAD + head.len() + MAX_HEADER;
        let mut buffer = Buffer::new().map_err(CrlBuildError::Memory)?;
        buffer.extend_from_slice(&vec![0; before]);
        let in_delta = self.base.is_some();
        let dates = Dates::default();
        Ok(UnsignedCrl { signer, head, tail, algorithm, buffer, dates, count: 0, in_delta })
    }

    /// Makes the list of these entries, signs it and writes its DER to `out`.
    ///
    /// The entries stay in memory only as DER, about 39 octets each, 53 with a reason; that is
    /// all the memory it takes. An authority must not put a serial number in twice: nobody looks
    /// for that here. Where entries come from something that can fail, use [`Self::begin`], so
    /// that no short list is signed.
    ///
    /// # Errors
    /// As [`UnsignedCrl::push`] and [`UnsignedCrl::sign`].
    pub fn sign(
        &self,
        entries: impl IntoIterator<Item = RevokedEntry>,
        signer: &Signer,
        out: &mut dyn io::Write,
    ) -> Result<SignedCrl, CrlBuildError> {
        let mut list = self.begin(signer)?;
        for entry in entries {
            list.push(&entry)?;
        }
        list.sign(out)
    }

    /// The field crlExtensions.
    fn extensions(&self) -> Result<Vec<u8>, der::Error> {
        let key = AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(self.key_identifier)?),
            ..AuthorityKeyIdentifier::default()
        };
        let mut all = vec![
            raw_extension(oid::AUTHORITY_KEY_IDENTIFIER, false, key.to_der()?)?,
            raw_extension(CRL_NUMBER, false, self.number.to_der())?,
        ];
        if let Some(base) = self.base {
            all.push(raw_extension(DELTA_CRL_INDICATOR, true, base.to_der())?);
        }
        if let Some(scope) = self.scope.to_der()? {
            all.push(raw_extension(ISSUING_DISTRIBUTION_POINT, true, scope)?);
        }
        if !self.freshest.is_empty() {
            all.push(raw_extension(FRESHEST_CRL, false, distribution_point(&self.freshest)?)?);
        }
        let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        tlv(tag, &[&all.to_der()?])
    }
}

/// One distribution point with all these names.
fn distribution_point(names: &[GeneralName]) -> Result<Vec<u8>, der::Error> {
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(names.to_vec())),
        reasons: None,
        crl_issuer: None,
    };
    CrlDistributionPoints(vec![point]).to_der()
}

/// A list that is being filled.
#[derive(Debug)]
pub struct UnsignedCrl<'s> {
    signer: &'s Signer,
    /// The fields before revokedCertificates.
    head: Vec<u8>,
    /// The fields behind it.
    tail: Vec<u8>,
    algorithm: Vec<u8>,
    /// Room for the headers and `head`, whose lengths are known at the end; then the entries.
    buffer: Buffer,
    dates: Dates,
    count: usize,
    in_delta: bool,
}

/// What was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedCrl {
    /// How many entries it has.
    pub entries: usize,
    /// How many octets were written.
    pub octets: usize,
}

impl UnsignedCrl<'_> {
    /// Appends an entry.
    ///
    /// # Errors
    /// `CrlBuildError` when the list may not have it (removeFromCRL in a complete list, a date
    /// before 1950), or it would grow past [`MAX_CRL_SIZE`].
    #[inline]
    pub fn push(&mut self, entry: &RevokedEntry) -> Result<(), CrlBuildError> {
        entry.check(self.in_delta).map_err(|fault| CrlBuildError::Entry {
            serial: entry.serial,
            field: fault.field,
            found: fault.found,
            allowed: fault.allowed,
        })?;
        if self.buffer.left() < MAX_ENTRY + MAX_AROUND {
            return Err(CrlBuildError::TooLarge { entries: self.count });
        }
        self.buffer.extend(|room| entry.write_der(room, &mut self.dates));
        self.count += 1;
        Ok(())
    }

    /// How many entries it has so far.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no entries so far.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Fills the buffer with nothing, as if entries stood there.
    #[cfg(test)]
    pub(super) fn grow_to(&mut self, octets: usize) {
        let more = octets - self.buffer.len();
        self.buffer.extend(|_| more);
    }

    /// Signs the list and writes its DER to `out`, without a copy of the entries. What stands before
    /// the signature is written while the second implementation checks it.
    ///
    /// # Errors
    /// `CrlBuildError::Sign` when the key can't sign or the second implementation refuses the
    /// signature, which was not written then; `CrlBuildError::Write` when `out` fails. What was
    /// written is of no use, and the number is spent.
    pub fn sign(mut self, out: &mut dyn io::Write) -> Result<SignedCrl, CrlBuildError> {
        let start = self.close()?;
        let tbs = &self.buffer[start..];
        let write_tbs = |signature: usize| {
            let bits = Header::new(Tag::BitString, Length::try_from(signature + 1)?).to_der()?;
            let length = tbs.len() + self.algorithm.len() + bits.len() + 1 + signature;
            let header = Header::new(Tag::Sequence, Length::try_from(length)?).to_der()?;
            for part in [&header, tbs, &self.algorithm, &bits, &[0]] {
                out.write_all(part).map_err(CrlBuildError::Write)?;
            }
            Ok::<_, CrlBuildError>(header.len() + length)
        };
        let (signature, written) = self.signer.sign_after(tbs, write_tbs)?;
        let octets = written?;
        out.write_all(&signature).map_err(CrlBuildError::Write)?;
        Ok(SignedCrl { entries: self.count, octets })
    }

    /// Puts the headers and the first fields before the entries, the last ones behind; tells where
    /// TBSCertList starts.
    fn close(&mut self) -> Result<usize, CrlBuildError> {
        let mut start = HEAD + self.head.len() + MAX_HEADER;
        if self.count > 0 {
            start = self.prepend_header(start, self.buffer.len() - start)?;
        }
        start -= self.head.len();
        self.buffer[start..start + self.head.len()].copy_from_slice(&self.head);
        if self.buffer.left() < self.tail.len() {
            return Err(CrlBuildError::TooLarge { entries: self.count });
        }
        self.buffer.extend_from_slice(&self.tail);
        self.prepend_header(start, self.buffer.len() - start)
    }

    fn prepend_header(&mut self, at: usize, length: usize) -> Result<usize, CrlBuildError> {
        let header = Header::new(Tag::Sequence, Length::try_from(length)?).to_der()?;
        let start = at - header.len();
        self.buffer[start..at].copy_from_slice(&header);
        Ok(start)
    }
}

/// A list that was not made.
#[derive(Debug, thiserror::Error)]
pub enum CrlBuildError {
    /// The issuer's certificate may not sign lists.
    #[error("CRL: the issuer's certificate: found {found}, allowed: {allowed}")]
    Issuer {
        /// What was found.
        found: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The key is not the issuer's.
    #[error(
        "CRL: the signer's key is not the one of the issuer's certificate; both must be the same"
    )]
    SignerMismatch,
    /// The list would never be current.
    #[error("CRL: nextUpdate: found {next_update}, allowed: later than thisUpdate, {this_update}")]
    Period {
        /// When the list is made.
        this_update: Timestamp,
        /// When the next one would be due.
        next_update: Timestamp,
    },
    /// A date that a list can't name.
    #[error("CRL: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// The field, as RFC 5280 names it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A delta to a list that is not older.
    #[error(
        "CRL: deltaCRLIndicator: found {found}, allowed: below {number}, the list's own number"
    )]
    BaseNumber {
        /// The base's number that was asked for.
        found: CrlNumber,
        /// The list's number.
        number: CrlNumber,
    },
    /// A delta that names the place of a delta.
    #[error("CRL: freshestCRL: found it in a delta CRL, allowed: it only in complete CRLs")]
    FreshestInDelta,
    /// Places that can't be named.
    #[error("CRL: freshestCRL: {0}")]
    Places(#[from] InvalidPlaces),
    /// A list of attribute certificates.
    #[error(
        "CRL: issuingDistributionPoint: found onlyContainsAttributeCerts, allowed: the certificates that this CA issues"
    )]
    AttributeCertificates,
    /// An entry that the list may not have.
    #[error("CRL: the entry of serial number {serial}: {field}: found {found}, allowed: {allowed}")]
    Entry {
        /// Which certificate.
        serial: EntrySerial,
        /// The field, as RFC 5280 names it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Past the bound.
    #[error(
        "CRL: more than {MAX_CRL_SIZE} octets after {entries} entries, allowed are fewer; shard the list by distribution point"
    )]
    TooLarge {
        /// How many entries there were.
        entries: usize,
    },
    /// A part can't be encoded.
    #[error("CRL: can't be encoded ({0})")]
    Encoding(#[from] der::Error),
    /// No signature was made.
    #[error("CRL: {0}")]
    Sign(#[from] SignError),
    /// The system gave no memory.
    #[error("CRL: no memory for the list")]
    Memory(#[source] io::Error),
    /// The list could not be written.
    #[error("CRL: writing the signed list failed; make a new one with the next number")]
    Write(#[source] io::Error),
}

impl From<Fault> for CrlBuildError {
    fn from(fault: Fault) -> Self {
        let Fault { field, found, allowed } = fault;
        Self::Field { field, found, allowed }
    }
}
