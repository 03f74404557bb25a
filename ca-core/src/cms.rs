//! The parts of the Cryptographic Message Syntax (RFC 5652) that containers are made of.

use const_oid::ObjectIdentifier;
use der::Sequence;
use der::asn1::AnyRef;

/// id-data: an OCTET STRING (RFC 5652 section 4).
pub(crate) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// id-signedData (RFC 5652 section 5).
pub(crate) const SIGNED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// id-envelopedData (RFC 5652 section 6).
pub(crate) const ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
/// id-encryptedData (RFC 5652 section 8).
pub(crate) const ENCRYPTED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");

/// ContentInfo (RFC 5652 section 3).
#[derive(Clone, Copy, Debug, Sequence)]
pub(crate) struct ContentInfo<'a> {
    pub(crate) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(crate) content: AnyRef<'a>,
}

/// What a content type is called, for messages.
pub(crate) fn content_name(oid: ObjectIdentifier) -> String {
    match oid {
        DATA => "data".into(),
        SIGNED_DATA => "signedData".into(),
        ENVELOPED_DATA => "envelopedData (encrypted for a certificate's key)".into(),
        ENCRYPTED_DATA => "encryptedData".into(),
        other => format!("content of type {other}"),
    }
}
