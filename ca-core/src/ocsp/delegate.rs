//! Who may answer for an issuer (RFC 6960 section 4.2.2.2): itself, or a delegate whose
//! certificate it issued for that.

use jiff::Timestamp;
use x509_cert::ext::pkix::KeyUsages;

use super::error::OcspError;
use super::{NO_CHECK, OCSP_SIGNING};
use crate::algorithm::SignatureScheme;
use crate::certificate::Certificate;
use crate::crl::{CertificateList, RevocationStatus, check_crls};
use crate::name::to_text;
use crate::path::unknown_critical;
use crate::signature::verify;

fn refuse(field: &'static str, found: String, allowed: String) -> Result<(), OcspError> {
    Err(OcspError::Delegate { field, found, allowed })
}

/// Whether keyUsage, where there is one, lets the key sign something else than certificates and
/// lists (RFC 5280 section 4.2.1.3).
fn may_sign(certificate: &Certificate) -> bool {
    let usages = certificate.extensions().key_usage();
    usages.is_none_or(|usages| usages.0.contains(KeyUsages::DigitalSignature))
}

/// Whether the issuer may answer by its own key.
pub(super) fn check_issuer(issuer: &Certificate) -> Result<(), OcspError> {
    if may_sign(issuer) { Ok(()) } else { Err(OcspError::IssuerKeyUsage) }
}

/// Whether the key of `issuer` made `delegate` a responder. Neither time nor revocation is looked
/// at.
pub(super) fn check_delegate(
    delegate: &Certificate,
    issuer: &Certificate,
) -> Result<(), OcspError> {
    if delegate.issuer() != issuer.subject() {
        let (found, allowed) = (to_text(delegate.issuer()), to_text(issuer.subject()));
        return refuse("issuer", found, allowed);
    }
    let usages = delegate.extensions().extended_key_usage();
    if !usages.is_some_and(|usages| usages.0.contains(&OCSP_SIGNING)) {
        // anyExtendedKeyUsage is not enough: the right to answer is given by name alone.
        let found = if usages.is_some() { "no OCSPSigning" } else { "none" };
        return refuse("extendedKeyUsage", found.into(), "OCSPSigning".into());
    }
    // In a CA's certificate the extension limits what lies below, and was seldom meant as a right to
    // un-revoke its siblings.
    if delegate.extensions().basic_constraints().is_some_and(|constraints| constraints.ca) {
        return refuse("basicConstraints", "a CA".into(), "an end entity".into());
    }
    if !may_sign(delegate) {
        let allowed = "digitalSignature, or no keyUsage at all";
        return refuse("keyUsage", "no digitalSignature".into(), allowed.into());
    }
    if let Some(oid) = unknown_critical(delegate) {
        let found = format!("critical extension {oid}, which is not understood");
        return refuse("extensions", found, "critical extensions of RFC 5280 section 4.2".into());
    }
    // Names can be borrowed; the signature, which costs most, comes last.
    let signed = SignatureScheme::from_identifier(delegate.signature_algorithm());
    let checked = signed.map_err(|error| error.to_string()).and_then(|scheme| {
        let (tbs, signature) = (delegate.tbs_der(), delegate.signature());
        verify(issuer.public_key(), scheme, tbs, signature).map_err(|error| error.to_string())
    });
    let allowed = format!("one by the key of {}", to_text(issuer.subject()));
    checked.or_else(|found| refuse("signature", found, allowed))
}

/// Whether the delegate stands at this instant: valid, and not revoked.
///
/// id-pkix-ocsp-nocheck says that nobody needs to ask (RFC 6960 section 4.2.2.2.1). Without it the
/// issuer's lists must say that it is good; a revocation on one of them counts in any case.
pub(super) fn check_standing(
    delegate: &Certificate,
    issuer: &Certificate,
    crls: &[CertificateList],
    at: Timestamp,
) -> Result<(), OcspError> {
    let validity = delegate.validity();
    if !validity.contains(at) {
        let found = format!("{} to {}", validity.not_before(), validity.not_after());
        return refuse("validity", found, format!("a period with {at}, the instant asked for"));
    }
    let no_check = delegate.extensions().get(NO_CHECK).is_some();
    if crls.is_empty() && no_check {
        return Ok(());
    }
    match check_crls(delegate, issuer, crls, at) {
        RevocationStatus::Good => Ok(()),
        RevocationStatus::Unknown { .. } if no_check => Ok(()),
        status => {
            let allowed = "good by the issuer's CRL, or id-pkix-ocsp-nocheck".into();
            refuse("revocation", status.to_string(), allowed)
        }
    }
}
