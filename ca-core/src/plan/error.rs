//! Why nothing is planned.

use der::flagset::FlagSet;
use jiff::Timestamp;
use x509_cert::ext::pkix::KeyUsages;

use crate::algorithm::SignatureScheme;
use crate::escape::quoted;
use crate::general_name::{AltName, AltNameError};
use crate::name::AttributeType;
use crate::profile::{ProfileKind, key_usage_text};
use crate::public_key::PublicKeyError;
use crate::related::BindingError;
use crate::signature::SignatureError;
use crate::validity::InvalidValidity;

/// A request that a profile or an issuer does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The subject's key is too weak.
    #[error(transparent)]
    WeakKey(PublicKeyError),
    /// Authorities are not renewed as end entities are.
    #[error(
        "basicConstraints: found a certificate of an authority, allowed to renew are those of end entities"
    )]
    RenewalOfAuthority,
    /// The certificate to be renewed has a name that no profile allows.
    #[error("subjectAltName of the certificate to be renewed: {0}")]
    RenewalName(AltNameError),
    /// The profile does not allow the subject's kind of key.
    #[error("public key: found {found}, profile {profile} allows {allowed}")]
    Key {
        /// The kind found.
        found: String,
        /// The profile.
        profile: String,
        /// What it allows.
        allowed: String,
    },
    /// The alternative key or the key beside it is of the wrong family.
    #[error(
        "alternative public key: found {alternative} beside {key}, allowed is ML-DSA, SLH-DSA or a composite beside a classical key"
    )]
    AltKeyKind {
        /// The key.
        key: String,
        /// The alternative key.
        alternative: String,
    },
    /// The alternative key is a composite of the key beside it.
    #[error(
        "alternative public key: found a {alternative} whose classical half is the key beside it, allowed are keys that share nothing"
    )]
    AltKeyShared {
        /// The alternative key.
        alternative: String,
    },
    /// An alternative key, but no alternative signature to protect it.
    #[error(
        "alternative public key: found one, but the issuer makes no alternative signature, which alone would protect it; allowed is none, or an issuer with an alternative key"
    )]
    AltKeyUnprotected,
    /// The issuer has an alternative key, but would not sign with it.
    #[error(
        "alternative signature: found no alternative key to sign with, but the issuer's certificate holds one ({own}, extension 2.5.29.72); allowed is signing with both keys, since verifiers that ask for the alternative signature refuse a certificate without it"
    )]
    AltSignerMissing {
        /// The kind of the issuer's alternative key.
        own: String,
    },
    /// The schemes of an alternative signature and of the signature beside it.
    #[error(
        "alternative signature: found {alternative} beside {scheme}, allowed is a post-quantum one beside a classical one"
    )]
    AltScheme {
        /// The scheme.
        scheme: SignatureScheme,
        /// The alternative scheme.
        alternative: SignatureScheme,
    },
    /// The issuer has no alternative key.
    #[error(
        "alternative signature: the issuer has no alternative public key (extension 2.5.29.72), allowed is an issuer that was made with one"
    )]
    IssuerHasNoAltKey,
    /// The issuer's alternative key can't make the alternative signature.
    #[error("alternative {0}")]
    AltSchemeMismatch(SignatureError),
    /// A root profile with an issuer, or another one without.
    #[error("profile {profile} is of kind {kind}, allowed is {allowed}")]
    Issuer {
        /// The profile.
        profile: String,
        /// Its kind.
        kind: ProfileKind,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The signer's key is not the one that the issuer's certificate holds.
    #[error(
        "issuer: the signing key is not the key in the issuer's certificate, allowed is only that one"
    )]
    IssuerKey,
    /// A root must be signed by its own key.
    #[error("root: the signing key is not the subject's key, allowed is only that one")]
    RootKey,
    /// The issuer's key can't sign by the scheme.
    #[error(transparent)]
    SchemeMismatch(SignatureError),
    /// The issuer may not issue.
    #[error("issuer: its certificate has no {missing}, so that it can't issue certificates")]
    IssuerNotAuthority {
        /// What its certificate lacks.
        missing: &'static str,
    },
    /// The issuer expired.
    #[error("issuer: expired at {not_after}, it is {now} now; renew the authority")]
    IssuerExpired {
        /// The issuer's last second.
        not_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The issuer is not valid yet.
    #[error("issuer: not valid before {not_before}, it is {now} now; check the clock")]
    IssuerNotYetValid {
        /// The issuer's first second.
        not_before: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The issuer's path length leaves no room for another authority.
    #[error(
        "path length: the issuer allows no authority below it (pathLenConstraint 0), allowed are leaf profiles"
    )]
    PathLength,
    /// The subject has the issuer's name.
    #[error("subject: found {found}, the issuer's own name, allowed is another one", found = quoted(.found))]
    SubjectIsIssuer {
        /// The name.
        found: String,
    },
    /// The subject has the issuer's key, its alternative key or a half of either.
    #[error("public key: found the issuer's own key or a half of it, allowed is another one")]
    KeyIsIssuers,
    /// A cross profile without the other authority's certificate, or the reverse.
    #[error("profile {profile} is of kind {kind}, allowed is {allowed}")]
    Cross {
        /// The profile.
        profile: String,
        /// Its kind.
        kind: ProfileKind,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The certificate to cross is not an authority's.
    #[error(
        "cross certificate: the certificate is not an authority's (basicConstraints), allowed are authorities"
    )]
    CrossNotAuthority,
    /// The profile and the crossed certificate both limit the same thing.
    #[error(
        "{found}: found in the crossed certificate and in profile {profile}, allowed is one of both; cross with a profile that leaves it out, and the crossed authority keeps its own"
    )]
    CrossLimit {
        /// The extension.
        found: &'static str,
        /// The profile.
        profile: String,
    },
    /// No subject and no names.
    #[error("subject: empty, and there are no names; allowed is a subject, a name or both")]
    NoIdentity,
    /// An authority without a subject.
    #[error("subject: empty, allowed for an authority is at least one attribute")]
    EmptySubject,
    /// A subject attribute that the profile does not allow.
    #[error("subject: found {found}, profile {profile} allows {allowed}")]
    Attribute {
        /// The attribute found.
        found: AttributeType,
        /// The profile.
        profile: String,
        /// What it allows.
        allowed: String,
    },
    /// A subject attribute that the profile wants.
    #[error("subject: found no {missing}, profile {profile} requires it")]
    AttributeMissing {
        /// The attribute.
        missing: AttributeType,
        /// The profile.
        profile: String,
    },
    /// A name that the profile does not allow.
    #[error("subjectAltName: found {found}, profile {profile} allows {allowed}")]
    Name {
        /// The name found.
        found: AltName,
        /// The profile.
        profile: String,
        /// What it allows.
        allowed: String,
    },
    /// Too many names.
    #[error("subjectAltName: found {found} names, profile {profile} allows at most {allowed}")]
    TooManyNames {
        /// How many were found.
        found: usize,
        /// The profile.
        profile: String,
        /// How many it allows.
        allowed: usize,
    },
    /// No names.
    #[error("subjectAltName: found no names, profile {profile} requires at least one")]
    NoNames {
        /// The profile.
        profile: String,
    },
    /// Longer than the profile allows, or nothing.
    #[error("validity: found {found} seconds, profile {profile} allows 1 to {allowed}")]
    ValidityLength {
        /// Seconds found.
        found: u64,
        /// The profile.
        profile: String,
        /// Seconds allowed.
        allowed: u64,
    },
    /// Dates that a certificate can't name.
    #[error(transparent)]
    Validity(#[from] InvalidValidity),
    /// Key usages that the profile does not allow.
    #[error(
        "keyUsage: found {}, profile {profile} allows for a key of {key} only {}",
        key_usage_text(*.found),
        key_usage_text(*.allowed)
    )]
    KeyUsage {
        /// Usages found.
        found: FlagSet<KeyUsages>,
        /// The profile.
        profile: String,
        /// The kind of key.
        key: String,
        /// Usages allowed.
        allowed: FlagSet<KeyUsages>,
    },
    /// An extended key usage that the profile does not allow.
    #[error("extendedKeyUsage: found {found}, profile {profile} allows {allowed}")]
    ExtendedKeyUsage {
        /// The usage found.
        found: String,
        /// The profile.
        profile: String,
        /// What it allows.
        allowed: String,
    },
    /// A profile that binds, and a request that does not prove what it is to be bound to.
    #[error(
        "related certificate: found none that was proven, profile {profile} {rule}; give the related certificate, or a request without relatedCertRequest where the profile allows it"
    )]
    RelationMissing {
        /// The profile.
        profile: String,
        /// What it says.
        rule: &'static str,
    },
    /// A binding that the profile does not make.
    #[error(
        "related certificate: found one, profile {profile} binds to none; allowed are profiles with related_certificate: allow or require"
    )]
    RelationNotAllowed {
        /// The profile.
        profile: String,
    },
    /// The pair would not be one holder's.
    #[error("related certificate: {0}")]
    Relation(BindingError),
    /// A request for an authority under a profile for end entities.
    #[error(
        "basicConstraints: found CA:TRUE, profile {profile} is of kind leaf; allowed is CA:FALSE, or an issuing profile"
    )]
    AuthorityRequested {
        /// The profile.
        profile: String,
    },
    /// Too large to encode.
    #[error("certificate: can't be encoded ({0})")]
    Encoding(#[from] der::Error),
}
