//! What is asked for.

use const_oid::ObjectIdentifier;

use super::PlanError;
use crate::certificate::Certificate;
use crate::csr::{Possession, ProvenRequest};
use crate::extensions::{Extension, Extensions, oid};
use crate::general_name::AltName;
use crate::name::DistinguishedName;
use crate::public_key::PublicKey;
use crate::related::ProvenRelation;

/// What a certificate is asked to hold. A CSR becomes one only with its proof of possession.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom it names.
    pub subject: DistinguishedName,
    /// Alternative names.
    pub names: Vec<AltName>,
    /// The subject's key.
    pub public_key: PublicKey,
    /// Extensions that the request asks for; the profile says which have an effect.
    pub extensions: Extensions,
    /// How long it shall be valid from now, in seconds; the profile's default otherwise.
    pub validity_seconds: Option<u64>,
    /// The subject's alternative key (X.509 (10/2019) clause 9.8), which must be post-quantum and
    /// stand beside a classical one.
    pub alt_public_key: Option<PublicKey>,
    /// A certificate that the requester holds too, and that this one shall be bound to (RFC 9763).
    pub related: Option<ProvenRelation>,
    /// Whether the CSR asks for a binding.
    pub(super) asks_relation: bool,
    pub(super) cross: Option<CrossTarget>,
    possession: Option<Possession>,
}

/// Extensions that limit what an authority may issue (RFC 5280 section 4.2.1).
const LIMITS: [ObjectIdentifier; 4] = [
    oid::NAME_CONSTRAINTS,
    oid::EXTENDED_KEY_USAGE,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
];

/// Extensions that say what a key may be used for.
const USAGES: [ObjectIdentifier; 2] = [oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE];

/// What a cross certificate takes over from the certificate that exists.
#[derive(Clone, Debug)]
pub(super) struct CrossTarget {
    pub(super) key_identifier: Option<Vec<u8>>,
    pub(super) path_length: Option<u8>,
    /// The extensions that limit what stands below it, as they are.
    pub(super) limits: Vec<Extension>,
}

impl Request {
    /// A request that no CSR brought, for a key that was made here.
    pub fn new(subject: DistinguishedName, names: Vec<AltName>, public_key: PublicKey) -> Self {
        Self {
            subject,
            names,
            public_key,
            extensions: Extensions::default(),
            validity_seconds: None,
            alt_public_key: None,
            related: None,
            asks_relation: false,
            cross: None,
            possession: None,
        }
    }

    /// How the CSR proved that its sender holds the key; none for a request that no CSR brought.
    pub fn possession(&self) -> Option<&Possession> {
        self.possession.as_ref()
    }

    /// What a CSR asks for, once it proved to come from whoever holds the key.
    ///
    /// A CSR that was only read is not enough:
    ///
    /// ```compile_fail,E0308
    /// fn plan(csr: &ca_core::csr::CertificateRequest) -> ca_core::plan::Request {
    ///     ca_core::plan::Request::from_csr(csr)
    /// }
    /// ```
    ///
    /// ```
    /// use ca_core::csr::{CertificateRequest, CsrError};
    ///
    /// fn plan(csr: &CertificateRequest) -> Result<ca_core::plan::Request, CsrError> {
    ///     Ok(ca_core::plan::Request::from_csr(csr.verify_possession()?))
    /// }
    /// ```
    pub fn from_csr(csr: ProvenRequest<'_>) -> Self {
        let possession = Some(csr.possession().clone());
        let csr = csr.request();
        Self {
            possession,
            extensions: csr.extensions().clone(),
            asks_relation: csr.related_request().is_some(),
            ..Self::new(csr.subject().clone(), csr.names().to_vec(), csr.public_key().clone())
        }
    }

    /// What an end entity's certificate holds, once more: the same subject, names, key, alternative
    /// key and usages. Whether they are still allowed is for the profile to say; whether the holder
    /// still is who it was, for the caller.
    ///
    /// # Errors
    /// `PlanError::RenewalOfAuthority` when the certificate is an authority's,
    /// `PlanError::RenewalName` when it has a name of a kind that is not issued here.
    pub fn renewal(certificate: &Certificate) -> Result<Self, PlanError> {
        let extensions = certificate.extensions();
        if extensions.basic_constraints().is_some_and(|constraints| constraints.ca) {
            return Err(PlanError::RenewalOfAuthority);
        }
        let names = extensions.subject_alt_name().map(|names| names.0.as_slice());
        let names = names.unwrap_or_default().iter().map(AltName::from_general_name);
        let names = names.collect::<Result<_, _>>().map_err(PlanError::RenewalName)?;
        let usages = extensions.all().iter().filter(|extension| USAGES.contains(&extension.oid));
        let subject = DistinguishedName::as_found(certificate.subject().clone());
        Ok(Self {
            // They were read from the certificate by the same function.
            extensions: Extensions::new(usages.cloned().collect()).unwrap_or_default(),
            alt_public_key: extensions.alt_public_key().cloned(),
            ..Self::new(subject, names, certificate.public_key().clone())
        })
    }

    /// The same for the key of a CSR, with its proof of possession. A CSR has no alternative key.
    #[must_use]
    pub fn with_key_of(self, csr: &ProvenRequest<'_>) -> Self {
        Self {
            public_key: csr.request().public_key().clone(),
            alt_public_key: None,
            possession: Some(csr.possession().clone()),
            ..self
        }
    }

    /// A cross certificate for the authority that `certificate` names: the same subject, key,
    /// alternative key and key identifier, no longer a path below it, and the same
    /// nameConstraints, extendedKeyUsage, policyConstraints and inhibitAnyPolicy: crossing must not
    /// free an authority from the limits that it was given.
    ///
    /// # Errors
    /// `PlanError::CrossNotAuthority` when the certificate is not an authority's.
    pub fn cross(certificate: &Certificate) -> Result<Self, PlanError> {
        let extensions = certificate.extensions();
        let constraints = extensions.basic_constraints().filter(|constraints| constraints.ca);
        let constraints = constraints.ok_or(PlanError::CrossNotAuthority)?;
        let subject = DistinguishedName::as_found(certificate.subject().clone());
        Ok(Self {
            alt_public_key: extensions.alt_public_key().cloned(),
            cross: Some(CrossTarget {
                key_identifier: extensions.subject_key_identifier().map(<[u8]>::to_vec),
                path_length: constraints.path_len_constraint,
                limits: extensions
                    .all()
                    .iter()
                    .filter(|extension| LIMITS.contains(&extension.oid))
                    .cloned()
                    .collect(),
            }),
            ..Self::new(subject, Vec::new(), certificate.public_key().clone())
        })
    }
}
