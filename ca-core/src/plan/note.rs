//! What a plan changed, for people.

use std::fmt;

use const_oid::ObjectIdentifier;
use der::flagset::FlagSet;
use jiff::Timestamp;
use x509_cert::ext::pkix::KeyUsages;

use crate::csr::Voucher;
use crate::escape::quoted;
use crate::general_name::AltName;
use crate::profile::{extended_key_usage_name, key_usage_text};

/// Something that the certificate has otherwise than the request asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanNote {
    /// Key usages that the subject's kind of key can't have (RFC 9881 section 5, RFC 9935 section
    /// 5, RFC 8410, RFC 8813, RFC 3279).
    KeyUsageDropped {
        /// What was dropped.
        dropped: FlagSet<KeyUsages>,
        /// The kind of key.
        key: String,
    },
    /// The profile sets the key usages, not the request.
    KeyUsageSet {
        /// What was asked for.
        asked: FlagSet<KeyUsages>,
        /// What stands in the certificate.
        set: FlagSet<KeyUsages>,
    },
    /// The profile sets the extended key usages, not the request.
    ExtendedKeyUsageSet {
        /// What was asked for.
        asked: Vec<ObjectIdentifier>,
        /// What stands in the certificate.
        set: Vec<ObjectIdentifier>,
    },
    /// The profile honours no requested names.
    NamesIgnored {
        /// How many.
        count: usize,
    },
    /// The common name became a DNS name, since no name was asked for.
    NameFromCommonName {
        /// The name.
        name: AltName,
    },
    /// A signature certificate vouched for a key that can't sign (RFC 9883).
    PossessionVouched {
        /// Which one.
        voucher: Voucher,
    },
    /// A requested extension has no effect.
    ExtensionIgnored {
        /// Which one.
        oid: ObjectIdentifier,
    },
    /// The request asks to be bound to another certificate, which the profile does not do.
    RelationIgnored,
    /// The validity ends with the issuer's.
    EndsWithIssuer {
        /// What was asked for, or the profile's default.
        asked: Timestamp,
        /// When the certificate ends.
        set: Timestamp,
    },
    /// The path length was shortened to fit below the issuer or the crossed authority.
    PathLength {
        /// What stands in the certificate.
        set: u8,
    },
}

impl fmt::Display for PlanNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyUsageDropped { dropped, key } => {
                write!(
                    f,
                    "keyUsage: dropped {}, which a key of {key} can't do",
                    key_usage_text(*dropped)
                )
            }
            Self::KeyUsageSet { asked, set } => write!(
                f,
                "keyUsage: asked for {}, the profile sets {}",
                key_usage_text(*asked),
                key_usage_text(*set)
            ),
            Self::ExtendedKeyUsageSet { asked, set } => write!(
                f,
                "extendedKeyUsage: asked for {}, the profile sets {}",
                extended_key_usages(asked),
                extended_key_usages(set)
            ),
            Self::NamesIgnored { count } => {
                write!(
                    f,
                    "subjectAltName: {count} names were asked for, the profile takes none from a request"
                )
            }
            Self::NameFromCommonName { name } => {
                write!(f, "subjectAltName: {name} was taken from the common name")
            }
            Self::PossessionVouched { voucher } => {
                let doubt = if voucher.known_good { "" } else { ", whose revocation is not known" };
                write!(
                    f,
                    "possession: stated by the holder of certificate {} of {}{doubt}",
                    voucher.serial,
                    quoted(&voucher.issuer)
                )
            }
            Self::ExtensionIgnored { oid } => {
                write!(f, "extension {oid}: asked for, but the profile does not copy it")
            }
            Self::RelationIgnored => f.write_str(
                "relatedCertRequest: asked for, but the profile binds to no other certificate",
            ),
            Self::EndsWithIssuer { asked, set } => {
                write!(f, "notAfter: {set}, where the issuer ends, instead of {asked}")
            }
            Self::PathLength { set } => {
                write!(f, "path length: {set}, which the issuer or the crossed authority leaves")
            }
        }
    }
}

fn extended_key_usages(usages: &[ObjectIdentifier]) -> String {
    let names: Vec<String> = usages.iter().map(|oid| extended_key_usage_name(*oid)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
