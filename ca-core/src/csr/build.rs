//! Making requests.

use der::{Encode, Tag};

use super::read::{ATTRIBUTES, EXTENSION_REQUEST};
use super::{CertificateRequest, CsrError};
use crate::extensions::Extension;
use crate::general_name::AltName;
use crate::name::DistinguishedName;
use crate::plan::encode;
use crate::related::RelatedRequest;
use crate::sign::Signer;

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
        let info = info(subject, names, extra, related, signer)?;
        let signature = signer.sign(&info)?;
        let algorithm = signer.scheme().to_identifier().to_der()?;
        Self::from_der(&encode::signed(&info, &algorithm, &signature)?)
    }
}

fn info(
    subject: &DistinguishedName,
    names: &[AltName],
    extra: &[Extension],
    related: Option<&RelatedRequest>,
    signer: &Signer,
) -> Result<Vec<u8>, CsrError> {
    let mut extensions = Vec::with_capacity(extra.len() + 1);
    if !names.is_empty() {
        extensions.push(encode::subject_alt_name(names, subject.is_empty())?);
    }
    for extension in extra {
        extensions.push(encode::extension(extension)?);
    }
    let mut attributes = Vec::new();
    if !extensions.is_empty() {
        let values = encode::tlv(Tag::Set, &[&extensions.to_der()?])?;
        attributes.push(encode::tlv(Tag::Sequence, &[&EXTENSION_REQUEST.to_der()?, &values])?);
    }
    if let Some(related) = related {
        attributes.push(related.to_attribute()?);
    }
    // A SET OF stands in the order of its encodings.
    attributes.sort();
    let attributes = encode::tlv(ATTRIBUTES, &[&attributes.concat()])?;
    let name = subject.as_name().to_der()?;
    let key = signer.public_key().spki_der();
    Ok(encode::tlv(Tag::Sequence, &[&0_u8.to_der()?, &name, key, &attributes])?)
}
