//! Whether a list is its issuer's, and current (RFC 5280 section 6.3.3 (a), (f), (g)).

use std::fmt;

use jiff::Timestamp;
use x509_cert::ext::pkix::KeyUsages;

use super::error::CrlError;
use super::list::CertificateList;
use crate::algorithm::SignatureScheme;
use crate::certificate::Certificate;
use crate::name::to_text;
use crate::signature::verify;

impl CertificateList {
    /// Checks that the key of `issuer` signed the list and may: name, key identifier, keyUsage,
    /// algorithm, signature. The issuer's own certificate must have been validated before.
    ///
    /// Names are compared octet by octet: RFC 5280 section 4.1.2.4 makes an authority write its
    /// name in the same way everywhere. An alternative signature is not looked at.
    ///
    /// # Errors
    /// `CrlError` says which of these is wrong.
    pub fn verify(&self, issuer: &Certificate) -> Result<SignatureScheme, CrlError> {
        self.check_issuer(issuer)?;
        let scheme = SignatureScheme::from_identifier(self.signature_algorithm())?;
        verify(issuer.public_key(), scheme, self.tbs_der(), self.signature())?;
        Ok(scheme)
    }

    /// Checks that the list is current at `at`: from thisUpdate to nextUpdate, both seconds
    /// included.
    ///
    /// # Errors
    /// `CrlError::NotYetValid` and `CrlError::Expired`.
    pub fn check_time(&self, at: Timestamp) -> Result<(), CrlError> {
        let (this_update, next_update) = (self.this_update(), self.next_update());
        if at.as_second() < this_update.as_second() {
            return Err(CrlError::NotYetValid { this_update, at });
        }
        if at.as_second() > next_update.as_second() {
            return Err(CrlError::Expired { next_update, at });
        }
        Ok(())
    }

    /// What of the issuer can be checked without the signature's cost.
    pub(super) fn check_issuer(&self, issuer: &Certificate) -> Result<(), CrlError> {
        if self.issuer() != issuer.subject() {
            let (found, allowed) = (to_text(self.issuer()), to_text(issuer.subject()));
            return Err(CrlError::Issuer { found, allowed });
        }
        self.check_key_identifier(issuer)?;
        let usages = issuer.extensions().key_usage();
        if usages.is_some_and(|usages| !usages.0.contains(KeyUsages::CRLSign)) {
            return Err(CrlError::KeyUsage);
        }
        Ok(())
    }

    fn check_key_identifier(&self, issuer: &Certificate) -> Result<(), CrlError> {
        let identifier = self.authority_key_identifier();
        let wanted = identifier.key_identifier.as_ref().map(|octets| octets.as_bytes());
        if let (Some(wanted), Some(present)) =
            (wanted, issuer.extensions().subject_key_identifier())
            && wanted != present
        {
            let (found, allowed) = (Hex(wanted).to_string(), Hex(present).to_string());
            return Err(CrlError::KeyIdentifier { found, allowed });
        }
        if let Some(serial) = &identifier.authority_cert_serial_number
            && serial.as_bytes() != issuer.serial_octets()
        {
            let found = format!("serial number {}", Hex(serial.as_bytes()));
            let allowed = format!("serial number {}", Hex(issuer.serial_octets()));
            return Err(CrlError::KeyIdentifier { found, allowed });
        }
        Ok(())
    }
}

/// The first octets, in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::fingerprint::write_hex(f, &self.0[..self.0.len().min(32)])
    }
}
