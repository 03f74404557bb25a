//! Certificates: what is stored after the signature.

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;

use crate::{Entry, LedgerError, encoding};

/// A signed certificate on its way into the ledger. Its digests are made here, from its own bytes,
/// so that they can't disagree with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificate {
    pub(crate) serial: SerialNumber,
    pub(crate) der: Vec<u8>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) tbs_digest: Fingerprint,
    pub(crate) stored_at: Timestamp,
}

impl NewCertificate {
    /// Takes the DER of the certificate for the record of `serial`; `stored_at` is now, kept to
    /// the microsecond.
    ///
    /// # Errors
    /// [`LedgerError::MalformedCertificate`] when the bytes are not a certificate's outer
    /// structure, [`LedgerError::SerialMismatch`] when they name another serial.
    pub fn new(
        serial: SerialNumber,
        der: Vec<u8>,
        stored_at: Timestamp,
    ) -> Result<Self, LedgerError> {
        let parts = encoding::certificate_parts(&der)
            .map_err(|reason| LedgerError::MalformedCertificate { serial, reason })?;
        if parts.serial != serial.as_bytes() {
            let found = hex(parts.serial);
            return Err(LedgerError::SerialMismatch { recorded: serial, found });
        }
        let tbs_digest = encoding::record_digest(&der, parts.tbs);
        let fingerprint = Fingerprint::of(&der);
        let stored_at = crate::record::whole_microseconds(stored_at);
        Ok(Self { serial, der, fingerprint, tbs_digest, stored_at })
    }

    /// The same certificate when it is stored in the record's entry; `None` when it may be stored
    /// now.
    ///
    /// # Errors
    /// `TbsMismatch`, `RevokedBeforeStored`, `AlreadyStored`: it must not be released.
    pub(crate) fn earlier_in(&self, entry: &Entry) -> Result<Option<Certificate>, LedgerError> {
        let serial = self.serial;
        let recorded = entry.record.content.tbs_digest;
        if recorded != self.tbs_digest {
            return Err(LedgerError::TbsMismatch { serial, recorded, found: self.tbs_digest });
        }
        if let Some(revocation) = &entry.revocation {
            let revoked_at = revocation.revoked_at;
            return Err(LedgerError::RevokedBeforeStored { serial, revoked_at });
        }
        match &entry.certificate {
            None => Ok(None),
            Some(stored) if stored.der == self.der => Ok(Some(stored.clone())),
            Some(stored) => {
                let (stored, refused) = (stored.fingerprint, self.fingerprint);
                Err(LedgerError::AlreadyStored { serial, stored, refused })
            }
        }
    }

    /// As it is once it is in the ledger.
    pub(crate) fn stored(self) -> Certificate {
        let Self { der, fingerprint, stored_at, .. } = self;
        Certificate { der, fingerprint, stored_at }
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// SHA-256 of the TBSCertificate inside, which must be the recorded one.
    pub fn tbs_digest(&self) -> Fingerprint {
        self.tbs_digest
    }
}

/// A stored certificate. `der` is what was released, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The DER of the certificate.
    pub der: Vec<u8>,
    /// SHA-256 of `der`, as the ledger has it; [`crate::check()`] compares the two.
    pub fingerprint: Fingerprint,
    /// When it was stored, to the microsecond.
    pub stored_at: Timestamp,
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
