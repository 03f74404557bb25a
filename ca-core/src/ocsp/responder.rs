//! Making responses (RFC 6960 section 4.2).

use der::{Encode, Tag};
use jiff::Timestamp;

use super::build::{OcspBuildError, UpdateWindow};
use super::cert_id::CertId;
use super::delegate::{check_delegate, check_issuer};
use super::error::ErrorStatus;
use super::fields::context;
use super::nonce::Nonce;
use super::request::OcspRequest;
use super::response::{OcspResponse, ResponderId};
use super::single::{CertStatus, extended_revoke, extensions_der};
use super::{BASIC, MAX_RESPONSE_SIZE, MAX_SINGLE_RESPONSES};
use crate::certificate::Certificate;
use crate::crl::EntrySerial;
use crate::crl::error::Fault;
use crate::plan::encode::{signed, tlv};
use crate::sign::Signer;

/// Who answers for an issuer: what all its responses have in common.
#[derive(Debug)]
pub struct Responder<'a> {
    issuer: &'a Certificate,
    certificate: &'a Certificate,
    signer: &'a Signer,
    id: Vec<u8>,
    algorithm: Vec<u8>,
    /// The field certs, header included; empty without certificates.
    certs: Vec<u8>,
}

/// What is said of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which certificate.
    pub cert_id: CertId,
    /// What is said.
    pub status: CertStatus,
    /// From when on expired certificates are remembered (RFC 6960 section 4.4.4).
    pub archive_cutoff: Option<Timestamp>,
}

impl<'a> Responder<'a> {
    /// The issuer itself, by its own key.
    ///
    /// # Errors
    /// `OcspBuildError` when its keyUsage has no digitalSignature, or the key is not its.
    pub fn authority(issuer: &'a Certificate, signer: &'a Signer) -> Result<Self, OcspBuildError> {
        check_issuer(issuer)?;
        Self::new(issuer, issuer, signer, Vec::new())
    }

    /// A delegate: its certificate, which goes with every response, was issued by `issuer` for
    /// OCSPSigning.
    ///
    /// # Errors
    /// `OcspBuildError` names the field of the certificate that forbids it; also when the key is
    /// not its.
    pub fn delegate(
        issuer: &'a Certificate,
        delegate: &'a Certificate,
        signer: &'a Signer,
    ) -> Result<Self, OcspBuildError> {
        check_delegate(delegate, issuer)?;
        let certs = tlv(context(0), &[&tlv(Tag::Sequence, &[delegate.der()])?])?;
        Self::new(issuer, delegate, signer, certs)
    }

    fn new(
        issuer: &'a Certificate,
        certificate: &'a Certificate,
        signer: &'a Signer,
        certs: Vec<u8>,
    ) -> Result<Self, OcspBuildError> {
        if signer.public_key() != certificate.public_key() {
            return Err(OcspBuildError::SignerMismatch);
        }
        let id = ResponderId::key_of(certificate).to_der()?;
        let algorithm = signer.scheme().to_identifier().to_der()?;
        Ok(Self { issuer, certificate, signer, id, algorithm, certs })
    }

    /// Names the responder by its subject. Otherwise it is named by the hash of its key, which is
    /// shorter and can't be empty.
    ///
    /// # Errors
    /// `OcspBuildError::Encoding` when the name can't be encoded again.
    pub fn named(self) -> Result<Self, OcspBuildError> {
        Ok(Self { id: ResponderId::name_of(self.certificate).to_der()?, ..self })
    }

    /// For whom it answers.
    pub fn issuer(&self) -> &'a Certificate {
        self.issuer
    }

    /// Answers a request by what `status_of` says of each of the issuer's serial numbers; gives
    /// the DER of the response.
    ///
    /// Certificates of other issuers are unknown here; a request for nothing else is unauthorized
    /// (RFC 5019 section 2.2.3). A request whose signature is wrong is malformed. The nonce is
    /// repeated.
    ///
    /// # Errors
    /// As [`Self::sign`]. A server says internalError or tryLater then.
    pub fn respond(
        &self,
        request: &OcspRequest,
        window: &UpdateWindow,
        mut status_of: impl FnMut(&EntrySerial) -> CertStatus,
    ) -> Result<Vec<u8>, OcspBuildError> {
        let refused = |status| Ok(OcspResponse::error_der(status).to_vec());
        if request.check_signature().is_err() {
            return refused(ErrorStatus::MalformedRequest);
        }
        let mut any = false;
        let mut answer = |cert_id: &CertId| {
            let ours = cert_id.is_issued_by(self.issuer);
            any |= ours;
            let status = if ours { status_of(cert_id.serial()) } else { CertStatus::Unknown };
            Answer { cert_id: cert_id.clone(), status, archive_cutoff: None }
        };
        let answers: Vec<Answer> = request.cert_ids().iter().map(&mut answer).collect();
        if !any {
            return refused(ErrorStatus::Unauthorized);
        }
        self.sign(&answers, window, request.nonce())
    }

    /// Signs a response with these answers, in their order; gives its DER.
    ///
    /// # Errors
    /// `OcspBuildError` unless there are 1 to 1000 answers that a response can hold and the
    /// responder's certificate is valid from producedAt to nextUpdate; when the key can't sign or
    /// the second implementation refuses the signature.
    pub fn sign(
        &self,
        answers: &[Answer],
        window: &UpdateWindow,
        nonce: Option<&Nonce>,
    ) -> Result<Vec<u8>, OcspBuildError> {
        if !(1..=MAX_SINGLE_RESPONSES).contains(&answers.len()) {
            let (field, found) = ("responses", answers.len());
            return Err(OcspBuildError::Count { field, found, allowed: MAX_SINGLE_RESPONSES });
        }
        self.check_window(window)?;
        let updates = window.updates_der()?;
        let mut singles = Vec::new();
        for Answer { cert_id, status, archive_cutoff } in answers {
            check_status(*status)?;
            let extensions = extensions_der(*status, *archive_cutoff)?;
            let parts = [&cert_id.to_der()?[..], &status.to_der()?, &updates, &extensions];
            singles.extend(tlv(Tag::Sequence, &parts)?);
        }
        let mut extensions = Vec::new();
        if let Some(nonce) = nonce {
            extensions.push(nonce.to_extension()?);
        }
        if answers.iter().any(|answer| answer.status == CertStatus::NeverIssued) {
            extensions.push(extended_revoke()?);
        }
        let extensions = match extensions.is_empty() {
            true => Vec::new(),
            false => tlv(context(1), &[&extensions.to_der()?])?,
        };
        self.finish(&window.produced_at_der(), &singles, &extensions)
    }

    /// Whether the responder's certificate is valid as long as the response is meant to be used.
    pub(super) fn check_window(&self, window: &UpdateWindow) -> Result<(), OcspBuildError> {
        let validity = self.certificate.validity();
        let allowed = || {
            let (first, last) = (validity.not_before(), validity.not_after());
            format!("{first} to {last}, while the responder's certificate is valid")
        };
        let instants =
            [("producedAt", Some(window.produced_at())), ("nextUpdate", window.next_update())];
        let outside = |instant: Timestamp| !validity.contains(instant);
        match instants.into_iter().find(|(_, instant)| instant.is_some_and(outside)) {
            Some((field, Some(found))) => {
                let found = found.to_string();
                Err(OcspBuildError::Window { field, found, allowed: allowed() })
            }
            _ => Ok(()),
        }
    }

    /// Signs what is put together: the field producedAt, the content of responses, the field
    /// responseExtensions.
    pub(super) fn finish(
        &self,
        produced_at: &[u8],
        singles: &[u8],
        extensions: &[u8],
    ) -> Result<Vec<u8>, OcspBuildError> {
        let singles = tlv(Tag::Sequence, &[singles])?;
        let tbs = tlv(Tag::Sequence, &[&self.id, produced_at, &singles, extensions])?;
        let signature = self.signer.sign(&tbs)?;
        let basic = self.basic(&tbs, &signature)?;
        let response = tlv(Tag::OctetString, &[&basic])?;
        let bytes = tlv(Tag::Sequence, &[&BASIC.to_der()?, &response])?;
        let bytes = tlv(context(0), &[&bytes])?;
        let der = tlv(Tag::Sequence, &[&[0x0a, 1, 0], &bytes])?;
        if der.len() > MAX_RESPONSE_SIZE {
            return Err(OcspBuildError::TooLarge { found: der.len() });
        }
        Ok(der)
    }

    fn basic(&self, tbs: &[u8], signature: &[u8]) -> Result<Vec<u8>, der::Error> {
        if self.certs.is_empty() {
            return signed(tbs, &self.algorithm, signature);
        }
        let bits = tlv(Tag::BitString, &[&[0], signature])?;
        tlv(Tag::Sequence, &[tbs, &self.algorithm, &bits, &self.certs])
    }

    /// The fields of every CertID that the issuer decides.
    pub(super) fn issuer_digests(
        &self,
        hash: super::CertIdHash,
    ) -> Result<Vec<u8>, OcspBuildError> {
        Ok(super::cert_id::IssuerDigests::of(self.issuer, hash).to_der()?)
    }
}

pub(super) fn check_status(status: CertStatus) -> Result<(), OcspBuildError> {
    status.check().map_err(|Fault { field, found, allowed }| OcspBuildError::Status {
        field,
        found,
        allowed,
    })
}
