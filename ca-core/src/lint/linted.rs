//! A certificate that passed the lints and waits to be recorded and signed.

use der::Encode;
use der::asn1::BitStringRef;

use super::Finding;
use crate::algorithm::{KeyKind, SignatureScheme};
use crate::alt_signature::pre_tbs;
use crate::certificate::{Certificate, CertificateError, TbsFields};
use crate::extensions::oid;
use crate::fingerprint::Fingerprint;
use crate::plan::{Plan, PlanNote, encode};
use crate::profile::{KeyReuse, ProfileKind};
use crate::public_key::PublicKey;
use crate::serial::SerialNumber;
use crate::validity::Validity;

/// Digests of the subject's keys, for the ledger: no key is certified for two holders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDigests {
    /// The SHA-256 of the SubjectPublicKeyInfo.
    pub whole: Fingerprint,
    /// The SHA-256 of each key that it is made of, as a SubjectPublicKeyInfo of its own: both
    /// halves of a composite, else the key itself; then those of the alternative key.
    pub components: Vec<Fingerprint>,
}

/// A TBSCertificate that passed the lints. It is encoded once, here, and never read again.
///
/// With an alternative scheme two signatures are made: first the alternative one, over
/// [`Self::pre_tbs_der`], which [`Self::with_alt_signature`] puts in; only then there is a
/// [`Self::tbs_der`] to sign. [`Self::record_digest`] is the same before and after, so that the
/// record is written before either signature.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))] // a copy outside tests would be a second signature for one record
pub struct Linted {
    fields: TbsFields,
    tbs: Vec<u8>,
    algorithm: Vec<u8>,
    /// What the alternative signature covers, as long as it is missing.
    pre_tbs: Option<Vec<u8>>,
    record_digest: Fingerprint,
    key_digests: KeyDigests,
    kind: ProfileKind,
    profile: String,
    subject: String,
    names: Vec<String>,
    serial: SerialNumber,
    validity: Validity,
    issuer_key: PublicKey,
    scheme: SignatureScheme,
    alt_scheme: Option<SignatureScheme>,
    key_reuse: KeyReuse,
    crl_places: Vec<String>,
    notes: Vec<PlanNote>,
    findings: Vec<Finding>,
}

impl Linted {
    pub(super) fn new(plan: Plan, findings: Vec<Finding>) -> Result<Self, der::Error> {
        let tbs = plan.fields.to_der()?;
        let pre_tbs = plan.alt_scheme.map(|_| pre_tbs(&plan.fields)).transpose()?;
        let whole = plan.public_key.fingerprint();
        let mut components = match plan.public_key.kind() {
            KeyKind::Composite(_) => plan.public_key.component_fingerprints(),
            _ => vec![whole],
        };
        components.extend(plan.alt_public_key.iter().flat_map(|key| key.component_fingerprints()));
        Ok(Self {
            // Without an alternative signature the plan holds no extension 2.5.29.74.
            record_digest: Fingerprint::of(&tbs),
            algorithm: plan.scheme.to_identifier().to_der()?,
            key_digests: KeyDigests { whole, components },
            kind: plan.kind,
            profile: plan.profile,
            subject: plan.subject.to_string(),
            names: plan.names.iter().map(ToString::to_string).collect(),
            serial: plan.serial,
            validity: plan.validity,
            issuer_key: plan.issuer_key,
            scheme: plan.scheme,
            alt_scheme: plan.alt_scheme,
            key_reuse: plan.key_reuse,
            crl_places: plan.crl_places,
            notes: plan.notes,
            fields: plan.fields,
            findings,
            pre_tbs,
            tbs,
        })
    }

    /// The DER of TBSCertificate, which the signature covers.
    ///
    /// # Errors
    /// `AssembleError::AltSignatureMissing` while the alternative signature is missing.
    pub fn tbs_der(&self) -> Result<&[u8], AssembleError> {
        match self.pre_tbs {
            None => Ok(&self.tbs),
            Some(_) => Err(AssembleError::AltSignatureMissing),
        }
    }

    /// What the alternative signature covers (X.509 (10/2019) clause 9.8); `None` when there is
    /// none to make, or it is there already.
    pub fn pre_tbs_der(&self) -> Option<&[u8]> {
        self.pre_tbs.as_deref()
    }

    /// Puts the alternative signature in, as the last extension.
    ///
    /// # Errors
    /// `AssembleError::NoAltSignature` when there is none to make, `AssembleError::EmptySignature`
    /// for an empty one.
    pub fn with_alt_signature(mut self, signature: &[u8]) -> Result<Self, AssembleError> {
        if self.pre_tbs.take().is_none() {
            return Err(AssembleError::NoAltSignature);
        }
        if signature.is_empty() {
            return Err(AssembleError::EmptySignature);
        }
        let value = BitStringRef::from_bytes(signature)?;
        let extension = encode::extension_of(oid::ALT_SIGNATURE_VALUE, false, &value)?;
        self.fields.extensions.get_or_insert_default().push(extension);
        self.tbs = self.fields.to_der()?;
        Ok(self)
    }

    /// Makes the certificate's DER by putting the signature behind the TBSCertificate.
    ///
    /// # Errors
    /// `AssembleError` when a signature is empty or the alternative one is missing.
    pub fn assemble(self, signature: &[u8]) -> Result<AssembledCertificate, AssembleError> {
        if signature.is_empty() {
            return Err(AssembleError::EmptySignature);
        }
        let der = encode::signed(self.tbs_der()?, &self.algorithm, signature)?;
        Ok(AssembledCertificate { der, serial: self.serial })
    }

    /// The key of the authority that it was planned for, which must sign it.
    pub fn issuer_key(&self) -> &PublicKey {
        &self.issuer_key
    }

    /// The SHA-256 over TBSCertificate without extension 2.5.29.74: what the ledger records
    /// before anything is signed, and [`Certificate::record_digest`] finds again.
    pub fn record_digest(&self) -> Fingerprint {
        self.record_digest
    }

    /// Digests of the subject's keys.
    pub fn key_digests(&self) -> &KeyDigests {
        &self.key_digests
    }

    /// The serial number.
    pub fn serial(&self) -> SerialNumber {
        self.serial
    }

    /// From when to when it will be valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The subject as RFC 4514 text; empty for an empty subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The alternative names as text, `DNS:demo.localhost` and so on.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The name of the profile.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// What kind of certificate it is.
    pub fn kind(&self) -> ProfileKind {
        self.kind
    }

    /// How it will be signed.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// How the alternative signature is made, if there is one.
    pub fn alt_scheme(&self) -> Option<SignatureScheme> {
        self.alt_scheme
    }

    /// Whether the subject's key may have been certified before.
    pub fn key_reuse(&self) -> KeyReuse {
        self.key_reuse
    }

    /// The URIs of cRLDistributionPoints.
    pub fn crl_places(&self) -> &[String] {
        &self.crl_places
    }

    /// What the plan changed in what was asked for.
    pub fn notes(&self) -> &[PlanNote] {
        &self.notes
    }

    /// Findings that do not stop the certificate.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// A certificate's DER, put together and not read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssembledCertificate {
    der: Vec<u8>,
    serial: SerialNumber,
}

impl AssembledCertificate {
    /// The certificate's DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate's DER, to keep.
    pub fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// The serial number.
    pub fn serial(&self) -> SerialNumber {
        self.serial
    }

    /// Reads the certificate in full, for those who want its fields.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn to_certificate(&self) -> Result<Certificate, CertificateError> {
        Certificate::from_der(&self.der)
    }
}

/// A signature that does not belong here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// The alternative signature comes first.
    #[error(
        "certificate: the alternative signature is missing; sign pre_tbs_der() with the alternative key first"
    )]
    AltSignatureMissing,
    /// No alternative signature belongs here.
    #[error("certificate: no alternative signature is due, allowed is only the signature")]
    NoAltSignature,
    /// A signature of no octets.
    #[error("signature: found no octets, allowed is at least one")]
    EmptySignature,
    /// Too large to encode.
    #[error("certificate: can't be encoded ({0})")]
    Encoding(#[from] der::Error),
}
