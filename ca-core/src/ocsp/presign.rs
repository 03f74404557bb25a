//! Responses for a whole authority before anybody asks (profile of RFC 5019).

use der::Tag;

use super::build::{OcspBuildError, UpdateWindow};
use super::cert_id::cert_id_der;
use super::hash::CertIdHash;
use super::responder::{Responder, check_status};
use super::single::CertStatus;
use crate::crl::EntrySerial;
use crate::plan::encode::tlv;

/// Signs one response for each serial number, without a nonce and without extensions, so that it
/// can be kept and handed out by anybody. What is the same for all of them is encoded once: a
/// response costs its signature and little more. It can be shared by threads.
#[derive(Debug)]
pub struct PreSigner<'a> {
    responder: &'a Responder<'a>,
    produced_at: Vec<u8>,
    /// The fields of CertID before the serial number.
    issuer: Vec<u8>,
    /// thisUpdate and nextUpdate.
    updates: Vec<u8>,
}

impl<'a> PreSigner<'a> {
    /// Responses by `responder`, all for the same period.
    ///
    /// # Errors
    /// `OcspBuildError` without nextUpdate (RFC 5019 section 2.2.4), for another hash function than
    /// SHA-1 or SHA-256, which clients of the profile don't send, or when the responder's
    /// certificate is not valid from producedAt to nextUpdate.
    pub fn new(
        responder: &'a Responder<'a>,
        window: &UpdateWindow,
        hash: CertIdHash,
    ) -> Result<Self, OcspBuildError> {
        if window.next_update().is_none() {
            let (found, allowed) = ("none".into(), "one in responses that are kept".into());
            return Err(OcspBuildError::Window { field: "nextUpdate", found, allowed });
        }
        if !matches!(hash, CertIdHash::Sha1 | CertIdHash::Sha256) {
            let (found, allowed) =
                (hash.to_string(), "SHA-1 or SHA-256 in responses that are kept");
            return Err(OcspBuildError::Status { field: "hashAlgorithm", found, allowed });
        }
        responder.check_window(window)?;
        Ok(Self {
            responder,
            produced_at: window.produced_at_der(),
            issuer: responder.issuer_digests(hash)?,
            updates: window.updates_der()?,
        })
    }

    /// The DER of the response for one certificate of the issuer. An invalidity date is left out.
    ///
    /// # Errors
    /// `OcspBuildError` for a certificate that is unknown or was never issued: nobody can list
    /// these; when the key can't sign or the second implementation refuses the signature.
    pub fn sign(
        &self,
        serial: &EntrySerial,
        status: CertStatus,
    ) -> Result<Vec<u8>, OcspBuildError> {
        if matches!(status, CertStatus::Unknown | CertStatus::NeverIssued) {
            let (found, allowed) =
                (status.to_string(), "good or revoked in responses that are kept");
            return Err(OcspBuildError::Status { field: "certStatus", found, allowed });
        }
        check_status(status)?;
        let cert_id = cert_id_der(&self.issuer, serial)?;
        let single = tlv(Tag::Sequence, &[&cert_id, &status.to_der()?, &self.updates])?;
        self.responder.finish(&self.produced_at, &single, &[])
    }

    /// The responses for all of these, one by one, as they are asked for.
    pub fn sign_all<I>(
        &self,
        statuses: I,
    ) -> impl Iterator<Item = Result<(EntrySerial, Vec<u8>), OcspBuildError>>
    where
        I: IntoIterator<Item = (EntrySerial, CertStatus)>,
    {
        let statuses = statuses.into_iter();
        statuses.map(|(serial, status)| Ok((serial, self.sign(&serial, status)?)))
    }
}
