//! Making requests.

use der::{Encode, Tag};

use super::read::{ATTRIBUTES, EXTENSION_REQUEST};
use super::{CertificateRequest, CsrError};
use crate::extensions::Extension;
use crate::general_name::AltName;
use crate::name::DistinguishedName;
use crate::plan::encode;
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
        let info = info(subject, names, extra, signer)?;
        let signature = signer.sign(&info)?;
        let algorithm = signer.scheme().to_identifier().to_der()?;
        Self::from_der(&encode::signed(&info, &algorithm, &signature)?)
    }
}

fn info(
    subject: &DistinguishedName,
    names: &[AltName],
    extra: &[Extension],
    signer: &Signer,
) -> Result<Vec<u8>, CsrError> {
    let mut extensions = Vec::with_capacity(extra.len() + 1);
    if !names.is_empty() {
        extensions.push(encode::subject_alt_name(names, subject.is_empty())?);
    }
    for extension in extra {
        extensions.push(encode::extension(extension)?);
    }
    let attributes = match extensions.is_empty() {
        true => Vec::new(),
        false => {
            let values = encode::tlv(Tag::Set, &[&extensions.to_der()?])?;
            encode::tlv(Tag::Sequence, &[&EXTENSION_REQUEST.to_der()?, &values])?
        }
    };
    let attributes = encode::tlv(ATTRIBUTES, &[&attributes])?;
    let name = subject.as_name().to_der()?;
    let key = signer.public_key().spki_der();
    Ok(encode::tlv(Tag::Sequence, &[&0_u8.to_der()?, &name, key, &attributes])?)
}
