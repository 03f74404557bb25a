//! Certificate extensions (RFC 5280 section 4.2), each known one parsed once.

use const_oid::ObjectIdentifier;
use der::{Decode, Tag, Tagged};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, InhibitAnyPolicy, KeyUsage, NameConstraints,
    PolicyConstraints, PolicyMappings, SubjectAltName, SubjectKeyIdentifier,
};

use crate::public_key::{PublicKey, PublicKeyError};
use crate::related::RelatedCertificate;
use crate::well_formed::is_well_formed_whole;

/// Object identifiers of the extensions that are understood.
pub mod oid {
    use super::ObjectIdentifier;

    /// subjectKeyIdentifier, RFC 5280 section 4.2.1.2.
    pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
    /// keyUsage, RFC 5280 section 4.2.1.3.
    pub const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
    /// subjectAltName, RFC 5280 section 4.2.1.6.
    pub const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
    /// basicConstraints, RFC 5280 section 4.2.1.9.
    pub const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
    /// nameConstraints, RFC 5280 section 4.2.1.10.
    pub const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
    /// cRLDistributionPoints, RFC 5280 section 4.2.1.13.
    pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
    /// certificatePolicies, RFC 5280 section 4.2.1.4.
    pub const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
    /// policyMappings, RFC 5280 section 4.2.1.5.
    pub const POLICY_MAPPINGS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.33");
    /// authorityKeyIdentifier, RFC 5280 section 4.2.1.1.
    pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("2.5.29.35");
    /// policyConstraints, RFC 5280 section 4.2.1.11.
    pub const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
    /// extendedKeyUsage, RFC 5280 section 4.2.1.12.
    pub const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
    /// inhibitAnyPolicy, RFC 5280 section 4.2.1.14.
    pub const INHIBIT_ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.54");
    /// subjectAltPublicKeyInfo, X.509 (10/2019) clause 9.8.
    pub const SUBJECT_ALT_PUBLIC_KEY_INFO: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("2.5.29.72");
    /// altSignatureAlgorithm, X.509 (10/2019) clause 9.8.
    pub const ALT_SIGNATURE_ALGORITHM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.73");
    /// altSignatureValue, X.509 (10/2019) clause 9.8.
    pub const ALT_SIGNATURE_VALUE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.74");
    /// id-pkix-ocsp-nocheck, RFC 6960 section 4.2.2.2.1.
    pub const OCSP_NO_CHECK: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
    /// authorityInfoAccess, RFC 5280 section 4.2.2.1.
    pub const AUTHORITY_INFO_ACCESS: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
    /// relatedCert, RFC 9763 section 4.1.
    pub const RELATED_CERTIFICATE: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.36");
}

/// One extension as it stands in a certificate or a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Which extension.
    pub oid: ObjectIdentifier,
    /// Whether a verifier that does not know it must refuse the certificate.
    pub critical: bool,
    /// The DER inside the OCTET STRING.
    pub value: Vec<u8>,
}

/// All extensions of a certificate or request; each known one parsed, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    all: Vec<Extension>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    subject_alt_name: Option<SubjectAltName>,
    name_constraints: Option<NameConstraints>,
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: Option<AuthorityKeyIdentifier>,
    certificate_policies: Option<CertificatePolicies>,
    policy_mappings: Option<PolicyMappings>,
    policy_constraints: Option<PolicyConstraints>,
    inhibit_any_policy: Option<InhibitAnyPolicy>,
    crl_distribution_points: Option<CrlDistributionPoints>,
    authority_info_access: Option<AuthorityInfoAccessSyntax>,
    alt_public_key: Option<PublicKey>,
    alt_signature_algorithm: Option<AlgorithmIdentifierOwned>,
    alt_signature_value: Option<Vec<u8>>,
    related: Option<RelatedCertificate>,
}

impl Extensions {
    /// The most extensions that a certificate may have here.
    pub const MAX: usize = 64;

    /// Parses every known extension.
    ///
    /// # Errors
    /// `ExtensionError` names the extension that stands twice, is malformed or goes past a bound.
    pub fn new(all: Vec<Extension>) -> Result<Self, ExtensionError> {
        let (extensions, errors) = Self::read_each(all);
        errors.into_iter().next().map_or(Ok(extensions), Err)
    }

    /// Parses every known extension that can be, and tells of each other one why it can't. Past
    /// the bound nothing is parsed.
    pub(crate) fn read_each(all: Vec<Extension>) -> (Self, Vec<ExtensionError>) {
        let (mut parsed, mut errors) = (Self::default(), Vec::new());
        if all.len() > Self::MAX {
            return (parsed, vec![ExtensionError::TooMany { found: all.len() }]);
        }
        for (index, extension) in all.iter().enumerate() {
            if all[..index].iter().any(|earlier| earlier.oid == extension.oid) {
                errors.push(ExtensionError::Duplicate { oid: extension.oid });
            } else if let Err(error) = parsed.read(extension) {
                errors.push(error);
            }
        }
        parsed.all = all;
        (parsed, errors)
    }

    fn read(&mut self, extension: &Extension) -> Result<(), ExtensionError> {
        match extension.oid {
            oid::BASIC_CONSTRAINTS => self.basic_constraints = Some(decode(extension)?),
            oid::KEY_USAGE => self.key_usage = Some(decode(extension)?),
            oid::EXTENDED_KEY_USAGE => self.extended_key_usage = Some(decode(extension)?),
            oid::SUBJECT_ALT_NAME => self.subject_alt_name = Some(decode(extension)?),
            oid::NAME_CONSTRAINTS => self.name_constraints = Some(decode(extension)?),
            oid::SUBJECT_KEY_IDENTIFIER => {
                let identifier: SubjectKeyIdentifier = decode(extension)?;
                self.subject_key_identifier = Some(identifier.0.as_bytes().to_vec());
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier = Some(decode(extension)?);
            }
            oid::CERTIFICATE_POLICIES => self.certificate_policies = Some(decode(extension)?),
            oid::POLICY_MAPPINGS => self.policy_mappings = Some(decode(extension)?),
            oid::POLICY_CONSTRAINTS => self.policy_constraints = Some(decode(extension)?),
            oid::INHIBIT_ANY_POLICY => self.inhibit_any_policy = Some(decode(extension)?),
            oid::CRL_DISTRIBUTION_POINTS => self.crl_distribution_points = Some(decode(extension)?),
            oid::AUTHORITY_INFO_ACCESS => self.authority_info_access = Some(decode(extension)?),
            oid::RELATED_CERTIFICATE => self.related = Some(decode(extension)?),
            oid::SUBJECT_ALT_PUBLIC_KEY_INFO => {
                let key = PublicKey::from_spki(&extension.value);
                self.alt_public_key = Some(key.map_err(ExtensionError::AltPublicKey)?);
            }
            oid::ALT_SIGNATURE_ALGORITHM => {
                self.alt_signature_algorithm = Some(decode(extension)?);
            }
            oid::ALT_SIGNATURE_VALUE => {
                let bits: der::asn1::BitString = decode(extension)?;
                let octets = bits.as_bytes().ok_or_else(|| malformed(extension, None))?;
                self.alt_signature_value = Some(octets.to_vec());
            }
            _ => {}
        }
        Ok(())
    }

    /// All of them, in the order in which they stand.
    pub fn all(&self) -> &[Extension] {
        &self.all
    }

    /// The extension with this identifier.
    pub fn get(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.all.iter().find(|extension| extension.oid == oid)
    }

    /// Whether the extension stands there and is critical.
    pub fn is_critical(&self, oid: ObjectIdentifier) -> bool {
        self.get(oid).is_some_and(|extension| extension.critical)
    }

    /// relatedCert: the digest of another certificate of the same holder.
    pub fn related(&self) -> Option<&RelatedCertificate> {
        self.related.as_ref()
    }

    /// basicConstraints.
    pub fn basic_constraints(&self) -> Option<&BasicConstraints> {
        self.basic_constraints.as_ref()
    }

    /// keyUsage.
    pub fn key_usage(&self) -> Option<&KeyUsage> {
        self.key_usage.as_ref()
    }

    /// extendedKeyUsage.
    pub fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage> {
        self.extended_key_usage.as_ref()
    }

    /// subjectAltName.
    pub fn subject_alt_name(&self) -> Option<&SubjectAltName> {
        self.subject_alt_name.as_ref()
    }

    /// nameConstraints.
    pub fn name_constraints(&self) -> Option<&NameConstraints> {
        self.name_constraints.as_ref()
    }

    /// subjectKeyIdentifier's octets.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.subject_key_identifier.as_deref()
    }

    /// authorityKeyIdentifier.
    pub fn authority_key_identifier(&self) -> Option<&AuthorityKeyIdentifier> {
        self.authority_key_identifier.as_ref()
    }

    /// certificatePolicies.
    pub fn certificate_policies(&self) -> Option<&CertificatePolicies> {
        self.certificate_policies.as_ref()
    }

    /// policyMappings.
    pub fn policy_mappings(&self) -> Option<&PolicyMappings> {
        self.policy_mappings.as_ref()
    }

    /// policyConstraints.
    pub fn policy_constraints(&self) -> Option<&PolicyConstraints> {
        self.policy_constraints.as_ref()
    }

    /// inhibitAnyPolicy.
    pub fn inhibit_any_policy(&self) -> Option<&InhibitAnyPolicy> {
        self.inhibit_any_policy.as_ref()
    }

    /// cRLDistributionPoints.
    pub fn crl_distribution_points(&self) -> Option<&CrlDistributionPoints> {
        self.crl_distribution_points.as_ref()
    }

    /// The names that the points of cRLDistributionPoints have in full: where lists are.
    pub fn crl_places(&self) -> impl Iterator<Item = &GeneralName> {
        let points = self.crl_distribution_points.iter().flat_map(|points| &points.0);
        let names = points.filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        });
        names.flatten()
    }

    /// authorityInfoAccess.
    pub fn authority_info_access(&self) -> Option<&AuthorityInfoAccessSyntax> {
        self.authority_info_access.as_ref()
    }

    /// The key of subjectAltPublicKeyInfo.
    pub fn alt_public_key(&self) -> Option<&PublicKey> {
        self.alt_public_key.as_ref()
    }

    /// altSignatureAlgorithm.
    pub fn alt_signature_algorithm(&self) -> Option<&AlgorithmIdentifierOwned> {
        self.alt_signature_algorithm.as_ref()
    }

    /// The octets of altSignatureValue.
    pub fn alt_signature_value(&self) -> Option<&[u8]> {
        self.alt_signature_value.as_deref()
    }
}

/// An extension that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionError {
    /// More extensions than the bound.
    #[error("extensions: found {found}, allowed are at most 64")]
    TooMany {
        /// How many were found.
        found: usize,
    },
    /// The same extension stands twice (RFC 5280 section 4.2).
    #[error("extension {oid}: found twice, allowed is once")]
    Duplicate {
        /// Which one.
        oid: ObjectIdentifier,
    },
    /// The extension's value is not what its RFC says.
    #[error("extension {oid}: its value is malformed{}", reason.map(|reason| format!(" ({reason})")).unwrap_or_default())]
    Malformed {
        /// Which one.
        oid: ObjectIdentifier,
        /// What the DER decoder said.
        reason: Option<der::Error>,
    },
    /// subjectAltPublicKeyInfo holds no usable key.
    #[error("extension subjectAltPublicKeyInfo: {0}")]
    AltPublicKey(PublicKeyError),
}

fn decode<'a, T: Decode<'a, Error = der::Error>>(
    extension: &'a Extension,
) -> Result<T, ExtensionError> {
    let value = T::from_der(&extension.value).map_err(|error| malformed(extension, Some(error)))?;
    // Decoding takes an OBJECT IDENTIFIER whose arcs are not in their shortest form.
    if !is_well_formed_whole(&extension.value) {
        return Err(malformed(extension, None));
    }
    Ok(value)
}

fn malformed(extension: &Extension, reason: Option<der::Error>) -> ExtensionError {
    ExtensionError::Malformed { oid: extension.oid, reason }
}

/// Whether a DER value is an empty SEQUENCE, which RFC 5280 forbids for most extensions.
pub(crate) fn is_empty_sequence(der: &[u8]) -> bool {
    der::asn1::AnyRef::try_from(der)
        .is_ok_and(|any| any.tag() == Tag::Sequence && any.value().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alternative_key_is_refused_by_its_own_reason() {
        let extension =
            Extension { oid: oid::SUBJECT_ALT_PUBLIC_KEY_INFO, critical: false, value: vec![5, 0] };
        let error = Extensions::new(vec![extension]).map(|_| ()).map_err(|error| error.to_string());
        let wanted = "extension subjectAltPublicKeyInfo: public key: not a DER";
        assert!(error.is_err_and(|error| error.starts_with(wanted)));
    }
}
