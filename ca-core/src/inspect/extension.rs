//! Extensions by name, decoded.

use const_oid::ObjectIdentifier;
use der::flagset::FlagSet;
use serde::Serialize;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, KeyUsage, KeyUsages};

use super::names::{general_name, general_names, hex, string_or_hex};
use crate::extensions::{Extension, Extensions, oid};

/// Octets of an unknown extension that are shown.
const SHOWN: usize = 32;

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExtensionReport {
    /// Its name, or `unknown`.
    pub name: &'static str,
    /// Its identifier.
    pub oid: String,
    /// Whether a verifier that does not know it must refuse.
    pub critical: bool,
    /// Octets of its value.
    pub size_octets: usize,
    /// What it says.
    pub value: ExtensionValue,
}

/// What an extension says. In JSON the fields stand alone: the extension's `name` tells which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ExtensionValue {
    /// basicConstraints.
    BasicConstraints {
        /// Whether the subject is an authority.
        ca: bool,
        /// How many intermediates may follow.
        path_length: Option<u8>,
    },
    /// keyUsage.
    KeyUsage {
        /// The names of RFC 5280.
        usages: Vec<&'static str>,
    },
    /// extendedKeyUsage.
    ExtendedKeyUsage {
        /// Each purpose.
        purposes: Vec<NamedOid>,
    },
    /// subjectAltName.
    SubjectAltName {
        /// In `DNS:` form.
        names: Vec<String>,
    },
    /// subjectKeyIdentifier.
    SubjectKeyIdentifier {
        /// In hexadecimal.
        key_identifier: String,
    },
    /// authorityKeyIdentifier.
    AuthorityKeyIdentifier {
        /// The issuer's key, in hexadecimal.
        authority_key_identifier: Option<String>,
        /// The issuer's issuer.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        issuer: Vec<String>,
        /// The serial number of the issuer's certificate, in hexadecimal.
        #[serde(skip_serializing_if = "Option::is_none")]
        serial: Option<String>,
    },
    /// nameConstraints.
    NameConstraints {
        /// Subtrees that are allowed.
        permitted: Vec<String>,
        /// Subtrees that are forbidden.
        excluded: Vec<String>,
    },
    /// certificatePolicies.
    CertificatePolicies {
        /// Each policy.
        policies: Vec<PolicyReport>,
    },
    /// policyMappings.
    PolicyMappings {
        /// Each pair.
        mappings: Vec<PolicyMappingReport>,
    },
    /// policyConstraints.
    PolicyConstraints {
        /// After how many certificates a policy is needed.
        require_explicit_policy: Option<u32>,
        /// After how many certificates mapping ends.
        inhibit_policy_mapping: Option<u32>,
    },
    /// inhibitAnyPolicy.
    InhibitAnyPolicy {
        /// After how many certificates anyPolicy counts no more.
        skip_certificates: u32,
    },
    /// cRLDistributionPoints.
    CrlDistributionPoints {
        /// Each point.
        points: Vec<RevocationPointReport>,
    },
    /// authorityInfoAccess.
    AuthorityInfoAccess {
        /// Each method and place.
        access: Vec<AccessReport>,
    },
    /// relatedCert: another certificate of the same holder.
    RelatedCertificate {
        /// The hash, by name, or by identifier where it is not known.
        hash: String,
        /// The digest of the other certificate, in hexadecimal.
        digest: String,
    },
    /// subjectAltPublicKeyInfo; the key stands among the certificate's `alternative`.
    AltPublicKey {
        /// The key's algorithm.
        algorithm: String,
        /// Octets of the key.
        key_octets: usize,
    },
    /// altSignatureAlgorithm.
    AltSignatureAlgorithm {
        /// The identifier.
        algorithm_oid: String,
    },
    /// altSignatureValue.
    AltSignatureValue {
        /// Octets of the signature.
        signature_octets: usize,
    },
    /// An extension that is not known here.
    Unknown {
        /// Its first 32 octets, in hexadecimal.
        hex_prefix: String,
    },
}

/// An identifier and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedOid {
    /// The identifier.
    pub oid: String,
    /// Its name, when it is known.
    pub name: Option<&'static str>,
}

/// A certificate policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyReport {
    /// The identifier.
    pub oid: String,
    /// Its name, when it is known.
    pub name: Option<&'static str>,
    /// Qualifiers as `CPS:` addresses or in hexadecimal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub qualifiers: Vec<String>,
}

/// A pair of policies that are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyMappingReport {
    /// The issuer's policy.
    pub issuer: String,
    /// The subject's policy.
    pub subject: String,
}

/// Where a revocation list stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevocationPointReport {
    /// Addresses of the list.
    pub names: Vec<String>,
    /// Who signs the list, when it is not the issuer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crl_issuer: Vec<String>,
    /// Whether the list has only some reasons.
    pub only_some_reasons: bool,
}

/// Where to learn more of the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessReport {
    /// `OCSP`, `CA issuers` or an identifier.
    pub method: String,
    /// The place.
    pub location: String,
}

/// Describes all extensions, in their order.
pub(super) fn reports(extensions: &Extensions) -> Vec<ExtensionReport> {
    extensions.all().iter().map(|extension| report(extensions, extension)).collect()
}

/// Whether a critical one is among them that is not known here.
pub(super) fn unknown_critical(reports: &[ExtensionReport]) -> impl Iterator<Item = &str> {
    let unknown = |report: &&ExtensionReport| {
        report.critical && matches!(report.value, ExtensionValue::Unknown { .. })
    };
    reports.iter().filter(unknown).map(|report| report.oid.as_str())
}

fn report(all: &Extensions, extension: &Extension) -> ExtensionReport {
    let value = known_value(all, extension.oid).unwrap_or_else(|| {
        let shown = &extension.value[..extension.value.len().min(SHOWN)];
        ExtensionValue::Unknown { hex_prefix: hex(shown) }
    });
    ExtensionReport {
        name: name_of(&EXTENSIONS, extension.oid).unwrap_or("unknown"),
        oid: extension.oid.to_string(),
        critical: extension.critical,
        size_octets: extension.value.len(),
        value,
    }
}

fn known_value(all: &Extensions, oid: ObjectIdentifier) -> Option<ExtensionValue> {
    use ExtensionValue as Value;
    Some(match oid {
        oid::BASIC_CONSTRAINTS => {
            let constraints = all.basic_constraints()?;
            let path_length = constraints.path_len_constraint;
            Value::BasicConstraints { ca: constraints.ca, path_length }
        }
        oid::KEY_USAGE => Value::KeyUsage { usages: usages(*all.key_usage()?) },
        oid::EXTENDED_KEY_USAGE => Value::ExtendedKeyUsage {
            purposes: all
                .extended_key_usage()?
                .0
                .iter()
                .map(|oid| named(&PURPOSES, *oid))
                .collect(),
        },
        oid::SUBJECT_ALT_NAME => {
            Value::SubjectAltName { names: general_names(&all.subject_alt_name()?.0) }
        }
        oid::SUBJECT_KEY_IDENTIFIER => {
            Value::SubjectKeyIdentifier { key_identifier: hex(all.subject_key_identifier()?) }
        }
        oid::AUTHORITY_KEY_IDENTIFIER => authority(all.authority_key_identifier()?),
        oid::NAME_CONSTRAINTS => {
            let constraints = all.name_constraints()?;
            Value::NameConstraints {
                permitted: subtrees(constraints.permitted_subtrees.as_deref()),
                excluded: subtrees(constraints.excluded_subtrees.as_deref()),
            }
        }
        oid::CRL_DISTRIBUTION_POINTS => Value::CrlDistributionPoints {
            points: all.crl_distribution_points()?.0.iter().map(point).collect(),
        },
        oid::AUTHORITY_INFO_ACCESS => Value::AuthorityInfoAccess { access: access(all)? },
        oid::RELATED_CERTIFICATE => {
            let related = all.related()?;
            let named = related.hash().map(|hash| hash.to_string());
            Value::RelatedCertificate {
                hash: named.unwrap_or_else(|| related.hash_oid().to_string()),
                digest: hex(related.value()),
            }
        }
        oid::SUBJECT_ALT_PUBLIC_KEY_INFO => {
            let key = all.alt_public_key()?;
            Value::AltPublicKey {
                algorithm: key.kind().to_string(),
                key_octets: key.key_bytes().len(),
            }
        }
        oid::ALT_SIGNATURE_ALGORITHM => Value::AltSignatureAlgorithm {
            algorithm_oid: all.alt_signature_algorithm()?.oid.to_string(),
        },
        oid::ALT_SIGNATURE_VALUE => {
            Value::AltSignatureValue { signature_octets: all.alt_signature_value()?.len() }
        }
        _ => return policy_value(all, oid),
    })
}

/// The four extensions about policies.
fn policy_value(all: &Extensions, oid: ObjectIdentifier) -> Option<ExtensionValue> {
    Some(match oid {
        oid::CERTIFICATE_POLICIES => {
            ExtensionValue::CertificatePolicies { policies: policies(all)? }
        }
        oid::POLICY_MAPPINGS => {
            let pair = |pair: &x509_cert::ext::pkix::PolicyMapping| PolicyMappingReport {
                issuer: pair.issuer_domain_policy.to_string(),
                subject: pair.subject_domain_policy.to_string(),
            };
            let mappings = all.policy_mappings()?.0.iter().map(pair).collect();
            ExtensionValue::PolicyMappings { mappings }
        }
        oid::POLICY_CONSTRAINTS => {
            let constraints = all.policy_constraints()?;
            ExtensionValue::PolicyConstraints {
                require_explicit_policy: constraints.require_explicit_policy,
                inhibit_policy_mapping: constraints.inhibit_policy_mapping,
            }
        }
        oid::INHIBIT_ANY_POLICY => {
            ExtensionValue::InhibitAnyPolicy { skip_certificates: all.inhibit_any_policy()?.0 }
        }
        _ => return None,
    })
}

fn usages(usage: KeyUsage) -> Vec<&'static str> {
    let names = [
        (KeyUsages::DigitalSignature, "digitalSignature"),
        (KeyUsages::NonRepudiation, "nonRepudiation"),
        (KeyUsages::KeyEncipherment, "keyEncipherment"),
        (KeyUsages::DataEncipherment, "dataEncipherment"),
        (KeyUsages::KeyAgreement, "keyAgreement"),
        (KeyUsages::KeyCertSign, "keyCertSign"),
        (KeyUsages::CRLSign, "cRLSign"),
        (KeyUsages::EncipherOnly, "encipherOnly"),
        (KeyUsages::DecipherOnly, "decipherOnly"),
    ];
    let set: FlagSet<KeyUsages> = usage.0;
    names.into_iter().filter(|(bit, _)| set.contains(*bit)).map(|(_, name)| name).collect()
}

fn authority(identifier: &AuthorityKeyIdentifier) -> ExtensionValue {
    let key = identifier.key_identifier.as_ref();
    let serial = identifier.authority_cert_serial_number.as_ref();
    ExtensionValue::AuthorityKeyIdentifier {
        authority_key_identifier: key.map(|octets| hex(octets.as_bytes())),
        issuer: general_names(identifier.authority_cert_issuer.as_deref().unwrap_or_default()),
        serial: serial.map(|serial| hex(serial.as_bytes())),
    }
}

fn subtrees(subtrees: Option<&[GeneralSubtree]>) -> Vec<String> {
    let text = |subtree: &GeneralSubtree| {
        let base = general_name(&subtree.base, true);
        // RFC 5280 allows only a minimum of 0 and no maximum: anything else is shown.
        match (subtree.minimum, subtree.maximum) {
            (0, None) => base,
            (minimum, None) => format!("{base} (minimum {minimum})"),
            (minimum, Some(maximum)) => format!("{base} (minimum {minimum}, maximum {maximum})"),
        }
    };
    subtrees.unwrap_or_default().iter().map(text).collect()
}

fn point(point: &DistributionPoint) -> RevocationPointReport {
    let names = match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => general_names(names),
        Some(DistributionPointName::NameRelativeToCRLIssuer(rdn)) => {
            vec![format!("relative:{}", crate::escape::escaped(&rdn.to_string()))]
        }
        None => Vec::new(),
    };
    RevocationPointReport {
        names,
        crl_issuer: general_names(point.crl_issuer.as_deref().unwrap_or_default()),
        only_some_reasons: point.reasons.is_some(),
    }
}

fn access(all: &Extensions) -> Option<Vec<AccessReport>> {
    let report = |description: &x509_cert::ext::pkix::AccessDescription| AccessReport {
        method: name_of(&METHODS, description.access_method)
            .map_or_else(|| description.access_method.to_string(), Into::into),
        location: general_name(&description.access_location, false),
    };
    Some(all.authority_info_access()?.0.iter().map(report).collect())
}

fn policies(all: &Extensions) -> Option<Vec<PolicyReport>> {
    let qualifier = |qualifier: &x509_cert::ext::pkix::certpolicy::PolicyQualifierInfo| {
        let value = qualifier.qualifier.as_ref().map(string_or_hex).unwrap_or_default();
        match qualifier.policy_qualifier_id.to_string().as_str() {
            CPS => format!("CPS:{value}"),
            USER_NOTICE => format!("userNotice:{value}"),
            oid => format!("{oid}:{value}"),
        }
    };
    let report = |policy: &x509_cert::ext::pkix::certpolicy::PolicyInformation| PolicyReport {
        oid: policy.policy_identifier.to_string(),
        name: name_of(&POLICIES, policy.policy_identifier),
        qualifiers: policy.policy_qualifiers.iter().flatten().map(qualifier).collect(),
    };
    Some(all.certificate_policies()?.0.iter().map(report).collect())
}

type Names<const COUNT: usize> = [(&'static str, &'static str); COUNT];

fn name_of<const COUNT: usize>(
    names: &Names<COUNT>,
    oid: ObjectIdentifier,
) -> Option<&'static str> {
    let oid = oid.to_string();
    names.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

fn named<const COUNT: usize>(names: &Names<COUNT>, oid: ObjectIdentifier) -> NamedOid {
    NamedOid { oid: oid.to_string(), name: name_of(names, oid) }
}

const CPS: &str = "1.3.6.1.5.5.7.2.1";
const USER_NOTICE: &str = "1.3.6.1.5.5.7.2.2";

/// Extensions by name; those that are not decoded here are still named.
const EXTENSIONS: Names<26> = [
    ("2.5.29.9", "subjectDirectoryAttributes"),
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.16", "privateKeyUsagePeriod"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.18", "issuerAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.33", "policyMappings"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.36", "policyConstraints"),
    ("2.5.29.37", "extKeyUsage"),
    ("2.5.29.46", "freshestCRL"),
    ("2.5.29.54", "inhibitAnyPolicy"),
    ("2.5.29.72", "subjectAltPublicKeyInfo"),
    ("2.5.29.73", "altSignatureAlgorithm"),
    ("2.5.29.74", "altSignatureValue"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ("1.3.6.1.5.5.7.1.36", "relatedCertificate"),
    ("1.3.6.1.5.5.7.1.11", "subjectInfoAccess"),
    ("1.3.6.1.5.5.7.1.24", "tlsFeature"),
    ("1.3.6.1.5.5.7.48.1.5", "ocspNoCheck"),
    ("1.3.6.1.4.1.11129.2.4.2", "signedCertificateTimestamps"),
    ("2.16.840.1.113730.1.13", "netscapeComment"),
];

const PURPOSES: Names<9> = [
    ("2.5.29.37.0", "anyExtendedKeyUsage"),
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
    ("1.3.6.1.5.2.3.5", "pkinitKDC"),
    ("1.3.6.1.4.1.311.20.2.2", "smartcardLogon"),
];

const METHODS: Names<2> = [("1.3.6.1.5.5.7.48.1", "OCSP"), ("1.3.6.1.5.5.7.48.2", "CA issuers")];

const POLICIES: Names<5> = [
    ("2.5.29.32.0", "anyPolicy"),
    ("2.23.140.1.1", "extended-validation"),
    ("2.23.140.1.2.1", "domain-validated"),
    ("2.23.140.1.2.2", "organization-validated"),
    ("2.23.140.1.2.3", "individual-validated"),
];
