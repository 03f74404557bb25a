//! How it is proven that whoever made a request holds the private key.
//!
//! A key that signs proves itself: the request is signed by it. ML-KEM keys can't sign. For them
//! somebody has to vouch: the holder of a signature certificate for the same subject, by signing
//! the request with that certificate's key (RFC 9883). See ADR 0007.

use std::fmt;

use jiff::Timestamp;

use super::statement::Named;
use super::{CertificateRequest, CsrError};
use crate::algorithm::KeyKind;
use crate::certificate::Certificate;
use crate::crl::EntrySerial;
use crate::fingerprint::Fingerprint;
use crate::general_name::AltName;
use crate::name::to_text;
use crate::path::{Options, same_name, verify_path};
use crate::profile::key_usage_text;
use crate::signature;

/// What is known of the revocation of a certificate that vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not revoked.
    Good,
    /// It is revoked, or on hold.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// It names an issuer whose records are at hand, and they do not have it.
    NotIssued,
    /// Nobody can tell.
    Unknown,
}

/// By what a request for a key that can't sign is judged.
#[derive(Clone, Copy)]
pub struct Vouching<'a> {
    /// Certificates at hand that a statement may name without including them.
    pub known: &'a [Certificate],
    /// The signature certificate that the requester showed beside the request. It vouches for a
    /// request without a statement; where there is a statement, it must be the one that is named.
    pub presented: Option<&'a Certificate>,
    /// Whom to trust.
    pub anchors: &'a [Certificate],
    /// Certificates that may stand between.
    pub intermediates: &'a [Certificate],
    /// Now.
    pub at: Timestamp,
    /// What is known of a certificate's revocation.
    pub standing: &'a dyn Fn(&Certificate) -> Standing,
}

impl fmt::Debug for Vouching<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vouching({} known, {} anchors)", self.known.len(), self.anchors.len())
    }
}

/// How possession was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Possession {
    /// By a signature of the key itself.
    OwnSignature,
    /// By the holder of a signature certificate for the same subject, who says so.
    Vouched(Voucher),
}

/// The certificate that vouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Its issuer, RFC 4514.
    pub issuer: String,
    /// Its serial number.
    pub serial: EntrySerial,
    /// The SHA-256 of the whole.
    pub fingerprint: Fingerprint,
    /// Whether the request itself names it (RFC 9883), or it was presented beside the request.
    pub stated: bool,
    /// Whether it is known that it is not revoked.
    pub known_good: bool,
}

impl CertificateRequest {
    /// Checks that the holder of a signature certificate for the same subject vouches for the
    /// possession of a key that can't sign (RFC 9883 section 4):
    ///
    /// - the certificate that the statement names, or that was presented, has a valid path to an
    ///   anchor, may sign, and is not known to be revoked;
    /// - its subject is the request's, and it has every name that the request asks for;
    /// - the request is signed by its key;
    /// - the key to certify is an ML-KEM key that passes FIPS 203's check.
    ///
    /// # Errors
    /// `CsrError`: every refusal is its own variant.
    pub fn verify_statement(&self, vouching: &Vouching<'_>) -> Result<ProvenRequest<'_>, CsrError> {
        let KeyKind::MlKem(_) = self.public_key.kind() else {
            return self.verify_possession();
        };
        self.public_key.check_strength().map_err(CsrError::WeakKey)?;
        let certificate = self.signature_certificate(vouching)?;
        check_certificate(certificate, vouching)?;
        self.check_same_holder(certificate)?;
        let key = certificate.public_key();
        signature::verify(key, self.scheme, self.info_der(), &self.signature).map_err(
            |reason| CsrError::VoucherSignature {
                certificate: Named::of(certificate).to_string(),
                reason,
            },
        )?;
        Ok(ProvenRequest {
            request: self,
            possession: Possession::Vouched(Voucher {
                issuer: to_text(certificate.issuer()),
                serial: EntrySerial::of(certificate).map_err(CsrError::StatementSerial)?,
                fingerprint: certificate.fingerprint(),
                stated: self.statement.is_some(),
                known_good: (vouching.standing)(certificate) == Standing::Good,
            }),
        })
    }

    /// The certificate whose key should have signed the request. Nothing of it is judged: that is
    /// for [`Self::verify_statement`].
    ///
    /// # Errors
    /// `CsrError` when the request needs none, or when the one that it names is not at hand.
    pub fn signature_certificate<'a>(
        &'a self,
        vouching: &Vouching<'a>,
    ) -> Result<&'a Certificate, CsrError> {
        let Some(statement) = &self.statement else {
            let key = self.public_key.kind();
            return vouching.presented.ok_or(CsrError::NoStatement { found: key.to_string() });
        };
        if let Some(presented) = vouching.presented
            && !statement.names(presented)
        {
            return Err(CsrError::StatementNamesAnother {
                found: Named::of(presented).to_string(),
                allowed: statement.to_string(),
            });
        }
        let mut at_hand = vouching.presented.into_iter().chain(vouching.known);
        let found = statement.certificate().or_else(|| at_hand.find(|one| statement.names(one)));
        found.ok_or_else(|| CsrError::VoucherUnknown { found: statement.to_string() })
    }

    /// The request may ask for nothing that the certificate does not have already (RFC 9883
    /// section 4): whoever vouches must be who asks.
    fn check_same_holder(&self, certificate: &Certificate) -> Result<(), CsrError> {
        if !same_name(self.subject.as_name(), certificate.subject()) {
            return Err(CsrError::VoucherSubject {
                found: self.subject.to_string(),
                allowed: to_text(certificate.subject()),
            });
        }
        let own = certificate.extensions().subject_alt_name();
        let own: Vec<AltName> = own
            .iter()
            .flat_map(|names| &names.0)
            .filter_map(|name| AltName::from_general_name(name).ok())
            .collect();
        match self.names.iter().find(|name| !own.contains(name)) {
            None => Ok(()),
            Some(found) => {
                let allowed: Vec<String> = own.iter().map(ToString::to_string).collect();
                let allowed = if own.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                Err(CsrError::VoucherName { found: found.clone(), allowed })
            }
        }
    }
}

/// The path of the certificate, its right to sign, and its revocation.
fn check_certificate(certificate: &Certificate, vouching: &Vouching<'_>) -> Result<(), CsrError> {
    let named = || Named::of(certificate).to_string();
    let options = Options::at(vouching.at);
    let outcome = verify_path(certificate, vouching.intermediates, vouching.anchors, &options);
    if let Some(error) = outcome.error {
        let reason = error.to_string();
        return Err(CsrError::VoucherPath { certificate: named(), reason });
    }
    // Without keyUsage everything is allowed (RFC 5280 section 4.2.1.3).
    let usage = certificate.extensions().key_usage();
    if usage.is_some_and(|usage| !usage.digital_signature()) {
        let found = usage.map_or_else(String::new, |usage| key_usage_text(usage.0));
        return Err(CsrError::VoucherKeyUsage { certificate: named(), found });
    }
    match (vouching.standing)(certificate) {
        Standing::Revoked { at } => Err(CsrError::VoucherRevoked { certificate: named(), at }),
        Standing::NotIssued => Err(CsrError::VoucherNotIssued { certificate: named() }),
        Standing::Good | Standing::Unknown => Ok(()),
    }
}

/// A request of which [`CertificateRequest::verify_possession`] or
/// [`CertificateRequest::verify_statement`] showed that whoever made it holds the private key.
/// There is no other way to one, so that nothing is planned from a request that was only read.
#[derive(Clone, Debug)]
pub struct ProvenRequest<'a> {
    request: &'a CertificateRequest,
    possession: Possession,
}

impl<'a> ProvenRequest<'a> {
    /// For a request whose own signature was verified.
    pub(super) fn by_own_signature(request: &'a CertificateRequest) -> Self {
        Self { request, possession: Possession::OwnSignature }
    }

    /// The request.
    pub fn request(&self) -> &'a CertificateRequest {
        self.request
    }

    /// How possession was proven.
    pub fn possession(&self) -> &Possession {
        &self.possession
    }
}
