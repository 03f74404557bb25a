//! Why the two may differ: each class has a reason and a predicate over both verdicts.

use ca_core::algorithm::{ClassicalKey, KeyKind};
use ca_core::certificate::{Certificate, CertificateError};
use ca_core::extensions::ExtensionError;
use ca_core::path::{PathError, Reason};
use ca_core::public_key::PublicKeyError;
use const_oid::ObjectIdentifier;
use der::{ErrorKind, Tag, Tagged as _};
use fuzzing::pki::verified_at;
use fuzzing::strict_der;
use fuzzing::tree::Node;
use x509_cert::ext::pkix::name::GeneralName;

use super::theirs::Theirs;
use super::{Case, Ours};

/// A kind of difference.
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Why it is right as it is.
    pub why: &'static str,
    /// Whether it explains the case.
    pub explains: fn(&Case) -> bool,
}

/// All of them; the first that explains a case counts. In those that start with "we accept",
/// OpenSSL refuses; in all others it accepts.
pub const CLASSES: [Class; 35] = [
    Class {
        name: "not DER",
        why: "OpenSSL reads BER in many places, and stops at the end of the outermost value; RFC 5280 section 4.1 \
              wants DER and nothing behind it",
        explains: |case| {
            matches!(case.ours, Ours::Unreadable(_))
                && strict_der::check_certificate(&case.der).is_err()
        },
    },
    Class {
        name: "defaults spelt out",
        why: "DER leaves out a value that is the default (X.690 clause 11.5)",
        explains: |case| matches!(case.ours, Ours::Unreadable(CertificateError::NotCanonical)),
    },
    Class {
        name: "extension twice",
        why: "RFC 5280 section 4.2 forbids it; OpenSSL looks only at some extensions for it",
        explains: |case| {
            let twice = |error: &_| matches!(error, ExtensionError::Duplicate { .. });
            matches!(&case.ours, Ours::Unreadable(CertificateError::Extension(error)) if twice(error))
        },
    },
    Class {
        name: "extension of another structure",
        why: "we read every extension that we know; OpenSSL reads authorityInfoAccess and names only when asked, and \
              takes integers and bits past what RFC 5280 defines",
        explains: |case| malformed_extension(case).is_some_and(|oid| LAZILY_READ.contains(&oid)),
    },
    Class {
        name: "version",
        why: "RFC 5280 section 4.1.2.1: 1 to 3, and extensions need 3; -x509_strict does not look at a leaf's",
        explains: |case| match &case.ours {
            Ours::Unreadable(CertificateError::Version { .. }) => true,
            Ours::Unreadable(CertificateError::Malformed(_)) => has_unknown_version(&case.der),
            _ => false,
        },
    },
    Class {
        name: "key that nobody should use",
        why: "RFC 3279 section 2.3.1 wants NULL as parameters of an RSA key, and its numbers are positive and odd",
        explains: |case| {
            let Ours::Unreadable(CertificateError::PublicKey(error)) = &case.ours else {
                return false;
            };
            match error {
                PublicKeyError::Parameters { .. }
                | PublicKeyError::RsaModulus
                | PublicKeyError::RsaExponent
                | PublicKeyError::UnusedBits => true,
                PublicKeyError::Malformed(_) => case.family.starts_with("RSA"),
                _ => false,
            }
        },
    },
    Class {
        name: "identifiers with arcs past 32 bits",
        why: "no identifier that anybody registered has one; our decoder refuses them",
        explains: |case| {
            let error = match &case.ours {
                Ours::Unreadable(CertificateError::Malformed(error)) => Some(error),
                Ours::Unreadable(CertificateError::Extension(ExtensionError::Malformed {
                    reason,
                    ..
                })) => reason.as_ref(),
                _ => None,
            };
            error.is_some_and(|error| error.kind() == ErrorKind::OidMalformed)
        },
    },
    Class {
        name: "empty parts of names",
        why: "RFC 5280 section 4.1.2.4: at least one attribute in each part; OpenSSL reads none as well",
        explains: |case| matches!(case.ours, Ours::Unreadable(CertificateError::NamePart { .. })),
    },
    Class {
        name: "serial number",
        why: "RFC 5280 section 4.1.2.2: positive, and 20 octets at most",
        explains: |case| refused(case, Reason::Field, "serialNumber"),
    },
    Class {
        name: "dates",
        why: "RFC 5280 section 4.1.2.5: UTCTime through 2049, no fractions of a second; and we read no certificate               from before 1970",
        explains: |case| {
            refused(case, Reason::Field, "notBefore")
                || refused(case, Reason::Field, "notAfter")
                || (matches!(case.ours, Ours::Unreadable(CertificateError::Malformed(_)))
                    && dates(&case.der).iter().any(is_odd_date))
        },
    },
    Class {
        name: "critical or not",
        why: "RFC 5280 section 4.2.1 says MUST for nameConstraints, policyConstraints and inhibitAnyPolicy",
        explains: |case| {
            error(case).is_some_and(|error| {
                error.reason == Reason::Extension
                    && ["critical", "not critical"].contains(&&*error.allowed)
            })
        },
    },
    Class {
        name: "limits in an end entity",
        why: "RFC 5280 sections 4.2.1.5, 4.2.1.10, 4.2.1.11 and 4.2.1.14: only CA certificates have them",
        explains: |case| allowed(case, Reason::Extension, "only in CA certificates"),
    },
    Class {
        name: "alternative names",
        why: "RFC 5280 section 4.2.1.6: host names by the preferred syntax, addresses of 4 or 16 octets, absolute \
              URIs, no empty names; OpenSSL looks only at what it compares",
        explains: |case| refused(case, Reason::Extension, "subjectAltName"),
    },
    Class {
        name: "empty lists",
        why: "RFC 5280 section 4.2.1 wants at least one usage, bit, policy, mapping or subtree",
        explains: |case| {
            let words = [
                "at least one usage",
                "at least one bit",
                "at least one policy",
                "at least one subtree",
                "at least one mapping",
                "at least one of",
                "at least one point",
            ];
            error(case)
                .is_some_and(|error| words.iter().any(|word| error.allowed.starts_with(word)))
        },
    },
    Class {
        name: "half an issuer",
        why: "RFC 5280 section 4.2.1.1: authorityCertIssuer and authorityCertSerialNumber together, or neither",
        explains: |case| allowed(case, Reason::KeyIdentifier, "together, or neither"),
    },
    Class {
        name: "key usage of ML-DSA and SLH-DSA",
        why: "RFC 9881 section 5, RFC 9909 section 6: keys that sign encipher nothing",
        explains: |case| {
            allowed(case, Reason::KeyUsage, "(RFC 9881)")
                || allowed(case, Reason::KeyUsage, "(RFC 9909)")
        },
    },
    Class {
        name: "common name",
        why: "RFC 9525 section 2: a common name is no host name; OpenSSL takes it where there is no other",
        explains: |case| {
            case.as_server
                && error(case).is_some_and(|error| {
                    error.reason == Reason::Name && !error.found.contains("DNS:")
                })
        },
    },
    Class {
        name: "server gated cryptography",
        why: "OpenSSL takes Netscape's and Microsoft's old usages for a server's; nobody else does",
        explains: |case| {
            case.as_server
                && error(case).is_some_and(|error| {
                    error.reason == Reason::ExtendedKeyUsage
                        && error.found.contains("2.16.840.1.113730.4.1")
                })
        },
    },
    Class {
        name: "odd constraints",
        why: "a constraint that is no host name is refused (ADR 0020); OpenSSL takes it as text",
        explains: |case| refused(case, Reason::NameConstraint, "nameConstraints"),
    },
    Class {
        name: "parameters of a signature algorithm",
        why: "RFC 5758, RFC 8410 and RFC 9881 want none, RFC 4055 NULL; OpenSSL does not look at them",
        explains: |case| {
            refused(case, Reason::Signature, "signatureAlgorithm")
                && error(case).is_some_and(|error| error.found.starts_with("other parameters of"))
        },
    },
    Class {
        name: "unknown qualifier in a critical extension",
        why: "RFC 5280 section 4.2.1.4: a critical extension must be understood, its qualifiers included",
        explains: |case| {
            refused(case, Reason::CertificatePolicy, "certificatePolicies")
                && error(case).is_some_and(|error| error.found.starts_with("qualifier "))
        },
    },
    Class {
        name: "critical extensions that OpenSSL knows beside ours",
        why: "OCSP no check, Netscape's type and the like mean nothing to a path; critical, they are refused here",
        explains: |case| {
            let known = ["1.3.6.1.5.5.7.48.1.5,", "2.16.840.1.113730.1.1,"];
            error(case).is_some_and(|error| {
                error.reason == Reason::UnknownCriticalExtension
                    && known.iter().any(|oid| error.found.contains(oid))
            })
        },
    },
    Class {
        name: "points of small order",
        why: "anybody can sign for an EdDSA key of small order (ADR 0020)",
        explains: |case| {
            case.family == "Ed25519" && allowed(case, Reason::WeakKey, "points of large order")
        },
    },
    Class {
        name: "RSA keys that can be broken",
        why: "a small factor or a known pattern in the modulus; OpenSSL asks for its length alone",
        explains: |case| {
            case.family.starts_with("RSA") && refused(case, Reason::WeakKey, "subjectPublicKeyInfo")
        },
    },
    Class {
        name: "key identifiers before version 3",
        why: "who has no extensions can't name the issuer's key; below an issuer that is refused here (ADR 0020)",
        explains: |case| {
            refused(case, Reason::KeyIdentifier, "authorityKeyIdentifier")
                && Certificate::from_der(&case.der)
                    .is_ok_and(|mutant| mutant.extensions().all().is_empty())
        },
    },
    Class {
        name: "we accept: any usage in an issuer",
        why: "RFC 5280 section 4.2.1.12: anyExtendedKeyUsage limits nothing; OpenSSL wants a server's by name",
        explains: |case| {
            let any = |one: &_| ObjectIdentifier::to_string(one) == "2.5.29.37.0";
            case.between
                && case.theirs.only(&[26])
                && mutant(case).is_some_and(|mutant| {
                    mutant
                        .extensions()
                        .extended_key_usage()
                        .is_some_and(|usages| usages.0.iter().any(any))
                })
        },
    },
    Class {
        name: "we accept: characters that stand for nothing",
        why: "RFC 4518 section 2.2 leaves control characters out before names are compared; OpenSSL compares them",
        explains: |case| {
            case.theirs.only(&[20])
                && mutant(case).is_some_and(|mutant| {
                    let names = [mutant.issuer(), mutant.subject()];
                    let mut values =
                        names.into_iter().flat_map(|name| name.iter()).map(|one| one.value.value());
                    values.any(|value| value.iter().any(u8::is_ascii_control))
                })
        },
    },
    Class {
        name: "we accept: the last second",
        why: "RFC 5280 section 4.1.2.5 includes notAfter; OpenSSL does not",
        explains: |case| {
            case.theirs.only(&[10])
                && mutant(case).is_some_and(|mutant| mutant.validity().not_after() == verified_at())
        },
    },
    Class {
        name: "we accept: an authority that issues nothing here",
        why: "-x509_strict asks what RFC 5280 section 4.2.1 asks of issuers (critical basicConstraints, keyUsage, \
              subjectKeyIdentifier) of every CA certificate; here it is judged at the end of a path, where it issues nothing",
        explains: |case| {
            !case.between
                && mutant(case).is_some_and(|mutant| {
                    let extensions = mutant.extensions();
                    let is_authority = extensions.basic_constraints().is_some_and(|one| one.ca);
                    // 42 beside a mapping: one to or from anyPolicy, which would count below it.
                    let maps = extensions.policy_mappings().is_some();
                    let errors = [81, 86, 89, 92, 42];
                    is_authority && case.theirs.only(if maps { &errors } else { &errors[..4] })
                })
        },
    },
    Class {
        name: "we accept: an issuer without keyUsage",
        why: "RFC 5280 section 6.1.4 (n) looks at keyUsage where it is present, and x509-limbo accepts issuers without",
        explains: |case| {
            case.between
                && case.theirs.only(&[92])
                && mutant(case).is_some_and(|mutant| mutant.extensions().key_usage().is_none())
        },
    },
    Class {
        name: "we accept: Netscape's certificate type",
        why: "a relic that says nothing under RFC 5280; OpenSSL still obeys it",
        explains: |case| {
            case.as_server
                && case.theirs.only(&[26])
                && mutant(case).is_some_and(|mutant| {
                    mutant
                        .extensions()
                        .all()
                        .iter()
                        .any(|one| one.oid.to_string() == "2.16.840.1.113730.1.1")
                })
        },
    },
    Class {
        name: "we accept: qualifiers of policies",
        why: "qualifiers are for people and decide nothing; OpenSSL refuses the extension when one is malformed",
        explains: |case| {
            case.theirs.only(&[42])
                && mutant(case).is_some_and(|mutant| {
                    let policies = mutant.extensions().certificate_policies();
                    policies
                        .is_some_and(|all| all.0.iter().any(|one| one.policy_qualifiers.is_some()))
                })
        },
    },
    Class {
        name: "we accept: other types of values in a name",
        why: "X.501 leaves the type of an attribute's value to the attribute; OpenSSL reads strings only, and finds no \
              issuer of a certificate with an extension that it can't read",
        explains: |case| {
            (case.theirs == Theirs::Unreadable || case.theirs.only(&[20]))
                && mutant(case).is_some_and(|mutant| {
                    let alternative = mutant.extensions().subject_alt_name();
                    let directories = alternative.iter().flat_map(|names| &names.0);
                    let directories = directories.filter_map(|name| match name {
                        GeneralName::DirectoryName(name) => Some(name),
                        _ => None,
                    });
                    let names = [mutant.issuer(), mutant.subject()].into_iter().chain(directories);
                    let mut values = names.flat_map(|name| name.iter()).map(|one| one.value.tag());
                    values.any(|tag| !STRINGS.contains(&tag))
                })
        },
    },
    Class {
        name: "we accept: proxy certificates",
        why: "RFC 3820's extension is not known here, which RFC 5280 allows where it is not critical; OpenSSL refuses \
              proxies unless asked for them",
        explains: |case| {
            case.theirs.only(&[20, 40])
                && mutant(case).is_some_and(|mutant| {
                    mutant
                        .extensions()
                        .all()
                        .iter()
                        .any(|one| one.oid.to_string() == "1.3.6.1.5.5.7.1.14")
                })
        },
    },
    Class {
        name: "we accept: a subject's key that is not known or no point",
        why: "the subject's key signs nothing in this path; whoever uses it learns what it is worth. OpenSSL asks for \
              its strength",
        explains: |case| {
            !case.between
                && case.theirs.only(&[66])
                && mutant(case).is_some_and(|mutant| {
                    let kind = mutant.public_key().kind();
                    matches!(kind, KeyKind::Other(_) | KeyKind::Classical(ClassicalKey::Ec(_)))
                })
        },
    },
];

/// Extensions of which OpenSSL takes other values than RFC 5280's, or none at all.
const LAZILY_READ: [&str; 10] = [
    "2.5.29.33",
    "2.5.29.19",
    "1.3.6.1.5.5.7.1.1",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.36",
    "2.5.29.54",
];

/// The fields of TBSCertificate, as far as it can be taken apart.
fn fields(der: &[u8]) -> Vec<Node> {
    let tree = Node::parse(der);
    tree.and_then(|tree| tree.at(&[0]).map(|tbs| tbs.children().to_vec())).unwrap_or_default()
}

fn has_unknown_version(der: &[u8]) -> bool {
    let version = fields(der).into_iter().find(|field| field.tag == 0xa0);
    version.is_some_and(|version| !matches!(version.to_der()[..], [0xa0, 3, 2, 1, 0..=2]))
}

/// The dates of the validity: tags and text.
fn dates(der: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let texts = fields(der).into_iter().flat_map(|field| field.children().to_vec());
    let texts = texts.filter(|node| matches!(node.tag, 0x17 | 0x18));
    texts.map(|node| (node.tag, node.to_der()[2..].to_vec())).collect()
}

/// A fraction of a second, or a year before 1970.
fn is_odd_date((tag, text): &(u8, Vec<u8>)) -> bool {
    let year = text.get(..if *tag == 0x17 { 2 } else { 4 }).unwrap_or_default();
    let years: (&[u8], &[u8]) = if *tag == 0x17 { (b"50", b"69") } else { (b"0000", b"1969") };
    text.contains(&b'.') || (!year.is_empty() && years.0 <= year && year <= years.1)
}

/// String types that OpenSSL reads in names.
const STRINGS: [Tag; 6] = [
    Tag::Utf8String,
    Tag::PrintableString,
    Tag::TeletexString,
    Tag::Ia5String,
    Tag::BmpString,
    Tag::NumericString,
];

fn malformed_extension(case: &Case) -> Option<&'static str> {
    let Ours::Unreadable(CertificateError::Extension(ExtensionError::Malformed { oid, .. })) =
        &case.ours
    else {
        return None;
    };
    let oid = oid.to_string();
    LAZILY_READ.into_iter().find(|known| *known == oid)
}

fn error(case: &Case) -> Option<&PathError> {
    match &case.ours {
        Ours::Refuses(error) => Some(error),
        Ours::Accepts | Ours::Unreadable(_) => None,
    }
}

fn refused(case: &Case, reason: Reason, field: &str) -> bool {
    error(case).is_some_and(|error| error.reason == reason && error.field == field)
}

fn allowed(case: &Case, reason: Reason, words: &str) -> bool {
    error(case).is_some_and(|error| error.reason == reason && error.allowed.contains(words))
}

/// The certificate, where we accept.
fn mutant(case: &Case) -> Option<Certificate> {
    match case.ours {
        Ours::Accepts => Certificate::from_der(&case.der).ok(),
        Ours::Unreadable(_) | Ours::Refuses(_) => None,
    }
}
