//! Making requests.

use der::{Encode, Tag};

use super::read::{ATTRIBUTES, EXTENSION_REQUEST};
use super::{CertificateRequest, CsrError, statement};
use crate::algorithm::KeyKind;
use crate::certificate::Certificate;
use crate::extensions::Extension;
use crate::general_name::AltName;
use crate::name::DistinguishedName;
use crate::plan::encode;
use crate::public_key::PublicKey;
use crate::related::RelatedRequest;
use crate::sign::Signer;

/// The signature certificate that vouches for a key which can't sign (RFC 9883).
#[derive(Clone, Copy, Debug)]
pub struct SignatureCertificate<'a> {
    /// The certificate, of the same subject as the request.
    pub certificate: &'a Certificate,
    /// Its key.
    pub signer: &'a Signer,
    /// Whether the request holds the certificate, for an authority that may not know it.
    pub included: bool,
}

impl CertificateRequest {
    /// Makes a request for the signer's key, with `names` as subjectAltName and `extra` in
    /// extensionRequest, such as keyUsage from [`crate::profile::key_usage_extension`].
    ///
    /// # Errors
    /// `CsrError`: too many names, an extension twice, a request of more than 64 KiB, or a
    /// signature that failed.
    pub fn build(
        subject: &DistinguishedName,
        names: &[AltName],
        extra: &[Extension],
        signer: &Signer,
    ) -> Result<Self, CsrError> {
        Self::build_related(subject, names, extra, None, signer)
    }

    /// As [`Self::build`], with the wish to be bound to another certificate.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_related(
        subject: &DistinguishedName,
        names: &[AltName],
        extra: &[Extension],
        related: Option<&RelatedRequest>,
        signer: &Signer,
    ) -> Result<Self, CsrError> {
        let mut attributes: Vec<Vec<u8>> =
            extension_request(subject, names, extra)?.into_iter().collect();
        if let Some(related) = related {
            attributes.push(related.to_attribute()?);
        }
        // DER sorts a SET OF by its encodings.
        attributes.sort_unstable();
        signed(subject, signer.public_key(), attributes, signer)
    }

    /// Makes a request for an ML-KEM key, with a statement of possession (RFC 9883) by a signature
    /// certificate; otherwise as [`Self::build`].
    ///
    /// # Errors
    /// As [`Self::build`]; `CsrError::VoucherNotDue` for a key that can sign,
    /// `CsrError::VoucherKey` when the signer's key is not the certificate's.
    pub fn build_stated(
        subject: &DistinguishedName,
        names: &[AltName],
        extra: &[Extension],
        public_key: &PublicKey,
        by: SignatureCertificate<'_>,
    ) -> Result<Self, CsrError> {
        let KeyKind::MlKem(_) = public_key.kind() else {
            return Err(CsrError::VoucherNotDue { found: public_key.kind().to_string() });
        };
        if by.signer.public_key() != by.certificate.public_key() {
            return Err(CsrError::VoucherKey);
        }
        let mut attributes: Vec<Vec<u8>> =
            extension_request(subject, names, extra)?.into_iter().collect();
        attributes.push(statement::attribute(by.certificate, by.included)?);
        // DER sorts a SET OF by its encodings.
        attributes.sort_unstable();
        signed(subject, public_key, attributes, by.signer)
    }
}

/// The extensionRequest attribute; none where nothing is asked for.
fn extension_request(
    subject: &DistinguishedName,
    names: &[AltName],
    extra: &[Extension],
) -> Result<Option<Vec<u8>>, CsrError> {
    let mut extensions = Vec::with_capacity(extra.len() + 1);
    if !names.is_empty() {
        extensions.push(encode::subject_alt_name(names, subject.is_empty())?);
    }
    for extension in extra {
        extensions.push(encode::extension(extension)?);
    }
    if extensions.is_empty() {
        return Ok(None);
    }
    let values = encode::tlv(Tag::Set, &[&extensions.to_der()?])?;
    Ok(Some(encode::tlv(Tag::Sequence, &[&EXTENSION_REQUEST.to_der()?, &values])?))
}

fn signed(
    subject: &DistinguishedName,
    public_key: &PublicKey,
    attributes: Vec<Vec<u8>>,
    signer: &Signer,
) -> Result<CertificateRequest, CsrError> {
    let attributes = encode::tlv(ATTRIBUTES, &[&attributes.concat()])?;
    let name = subject.as_name().to_der()?;
    let parts = [&0_u8.to_der()?, &name, public_key.spki_der(), &attributes];
    let info = encode::tlv(Tag::Sequence, &parts)?;
    let signature = signer.sign(&info)?;
    let algorithm = signer.scheme().to_identifier().to_der()?;
    CertificateRequest::from_der(&encode::signed(&info, &algorithm, &signature)?)
}
