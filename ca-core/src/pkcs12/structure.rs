//! The structures of RFC 7292, with their fields as they stand in the file.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use spki::AlgorithmIdentifierRef;

use crate::cms::ContentInfo;

/// Identifiers of bags and attributes (RFC 7292 section 4.2, appendix D; RFC 2985).
pub(super) mod oid {
    use const_oid::ObjectIdentifier;

    pub(in super::super) const KEY_BAG: ObjectIdentifier = bag("1.2.840.113549.1.12.10.1.1");
    pub(in super::super) const SHROUDED_KEY_BAG: ObjectIdentifier =
        bag("1.2.840.113549.1.12.10.1.2");
    pub(in super::super) const CERT_BAG: ObjectIdentifier = bag("1.2.840.113549.1.12.10.1.3");
    pub(in super::super) const CRL_BAG: ObjectIdentifier = bag("1.2.840.113549.1.12.10.1.4");
    pub(in super::super) const SECRET_BAG: ObjectIdentifier = bag("1.2.840.113549.1.12.10.1.5");
    pub(in super::super) const SAFE_CONTENTS_BAG: ObjectIdentifier =
        bag("1.2.840.113549.1.12.10.1.6");
    pub(in super::super) const X509_CERTIFICATE: ObjectIdentifier = bag("1.2.840.113549.1.9.22.1");
    pub(in super::super) const FRIENDLY_NAME: ObjectIdentifier = bag("1.2.840.113549.1.9.20");
    pub(in super::super) const LOCAL_KEY_ID: ObjectIdentifier = bag("1.2.840.113549.1.9.21");
    /// Java takes a certificate without a key for trusted only when it has this attribute.
    pub(in super::super) const TRUSTED_KEY_USAGE: ObjectIdentifier =
        bag("2.16.840.1.113894.746875.1.1");
    pub(in super::super) const ANY_USAGE: ObjectIdentifier = bag("2.5.29.37.0");

    const fn bag(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }
}

/// PFX (section 4).
#[derive(Sequence)]
pub(super) struct Pfx<'a> {
    pub(super) version: u8,
    pub(super) auth_safe: ContentInfo<'a>,
    #[asn1(optional = "true")]
    pub(super) mac: Option<MacData<'a>>,
}

/// MacData (section 4).
#[derive(Clone, Sequence)]
pub(super) struct MacData<'a> {
    pub(super) mac: DigestInfo<'a>,
    pub(super) salt: &'a OctetStringRef,
    #[asn1(default = "one")]
    pub(super) iterations: u32,
}

fn one() -> u32 {
    1
}

/// DigestInfo (RFC 8017 section 9.2): the MAC and how it was made.
#[derive(Clone, Sequence)]
pub(super) struct DigestInfo<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) digest: &'a OctetStringRef,
}

/// PBMAC1-params (RFC 8018 appendix A.5).
#[derive(Sequence)]
pub(super) struct Pbmac1Parameters<'a> {
    pub(super) derivation: AlgorithmIdentifierRef<'a>,
    pub(super) scheme: AlgorithmIdentifierRef<'a>,
}

/// EncryptedData (RFC 5652 section 8).
#[derive(Sequence)]
pub(super) struct EncryptedData<'a> {
    pub(super) version: u8,
    pub(super) content: EncryptedContentInfo<'a>,
}

/// EncryptedContentInfo (RFC 5652 section 6.1). The content is [0] IMPLICIT OCTET STRING, which
/// in BER may come in pieces.
#[derive(Sequence)]
pub(super) struct EncryptedContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) encrypted: AnyRef<'a>,
}

/// The tag of the encrypted content.
pub(super) const fn encrypted_tag(in_pieces: bool) -> Tag {
    Tag::ContextSpecific { constructed: in_pieces, number: TagNumber(0) }
}

/// EncryptedPrivateKeyInfo (RFC 5958 section 3).
#[derive(Sequence)]
pub(super) struct EncryptedKey<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) encrypted: &'a OctetStringRef,
}

/// SafeBag (section 4.2). The attributes are a SET OF, in the order in which they came.
#[derive(Clone, Sequence)]
pub(super) struct SafeBag<'a> {
    pub(super) kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
    pub(super) attributes: Option<AnyRef<'a>>,
}

/// PKCS12Attribute (section 4.2).
#[derive(Sequence)]
pub(super) struct BagAttribute<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) values: AnyRef<'a>,
}

/// CertBag (section 4.2.3).
#[derive(Sequence)]
pub(super) struct CertBag<'a> {
    pub(super) kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
}

/// Reads every element of a SEQUENCE OF or SET OF of this tag.
pub(super) fn elements<'a, T: Decode<'a, Error = der::Error>>(
    der: &'a [u8],
    tag: Tag,
) -> der::Result<Vec<T>> {
    let mut outer = SliceReader::new(der)?;
    let any = AnyRef::decode(&mut outer)?;
    outer.finish()?;
    values(any, tag)
}

/// As [`elements`], of a value that was read.
pub(super) fn values<'a, T: Decode<'a, Error = der::Error>>(
    any: AnyRef<'a>,
    tag: Tag,
) -> der::Result<Vec<T>> {
    any.tag().assert_eq(tag)?;
    let mut reader = SliceReader::new(any.value())?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        all.push(T::decode(&mut reader)?);
    }
    Ok(all)
}
