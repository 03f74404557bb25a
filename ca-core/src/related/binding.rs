//! Checking a request before issuance, and a pair after it.

use der::Encode as _;
use jiff::{SignedDuration, Timestamp};
use x509_cert::name::Name;

use super::error::{BindingError, RelatedError};
use super::{RelatedCertificate, RelatedRequest, digest};
use crate::algorithm::{Algorithm, Hash, SignatureScheme};
use crate::certificate::Certificate;
use crate::csr::ProvenRequest;
use crate::escape::{escaped, quoted};
use crate::extensions::Extensions;
use crate::name::to_text;
use crate::path::{self, Options, same_name};
use crate::profile::{extended_key_usage_name, key_usage_text};
use crate::signature;

/// Clocks that run this much ahead are forgiven.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What a relatedCertRequest is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The certificate that the requester holds already.
    pub related: &'a Certificate,
    /// What may stand between it and an anchor.
    pub intermediates: &'a [Certificate],
    /// Which authorities are known.
    pub anchors: &'a [Certificate],
    /// Now.
    pub now: Timestamp,
    /// How old the request may be.
    pub max_age: SignedDuration,
}

/// A related certificate of which [`Binding::prove`] showed that it is valid and that whoever made
/// the request holds its key. There is no other way to one.
#[derive(Clone, Debug)]
pub struct ProvenRelation(Certificate);

impl ProvenRelation {
    /// The related certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0
    }
}

impl Binding<'_> {
    /// Checks all of RFC 9763 section 3.2: the request names this certificate, is fresh and signed
    /// by its key; the certificate is an end entity's with another key, and valid now.
    ///
    /// # Errors
    /// `RelatedError` for the first that is not so.
    pub fn prove(&self, csr: ProvenRequest<'_>) -> Result<ProvenRelation, RelatedError> {
        let request = csr.request().related_request().ok_or(RelatedError::NoRequest)?;
        let related = self.related;
        if !request.names(related) {
            return Err(other_certificate(request, related));
        }
        let (earliest, latest) = (self.now - self.max_age, self.now + SKEW);
        let found = request.time();
        if !(earliest..=latest).contains(&found) {
            return Err(RelatedError::NotFresh { found, earliest, latest });
        }
        if related.public_key() == csr.request().public_key() {
            return Err(RelatedError::SameKey);
        }
        let constraints = related.extensions().basic_constraints();
        if constraints.is_some_and(|constraints| constraints.ca) {
            return Err(RelatedError::Authority);
        }
        if !is_signed(request, related) {
            return Err(RelatedError::Signature);
        }
        let options = Options::at(self.now);
        let outcome = path::verify_path(related, self.intermediates, self.anchors, &options);
        match outcome.error {
            Some(error) => Err(RelatedError::Path(error.into())),
            None => Ok(ProvenRelation(related.clone())),
        }
    }
}

/// The attribute names no algorithm; it is one that the key signs certificates with.
fn is_signed(request: &RelatedRequest, related: &Certificate) -> bool {
    let key = related.public_key();
    let schemes = Algorithm::all().iter().filter(|row| row.key() == key.kind());
    let mut schemes: Vec<SignatureScheme> = schemes.map(Algorithm::scheme).collect();
    schemes.dedup();
    let (signed, signature) = (request.signed(), request.signature());
    schemes.iter().any(|scheme| signature::verify(key, *scheme, signed, signature).is_ok())
}

fn other_certificate(request: &RelatedRequest, related: &Certificate) -> RelatedError {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect();
    RelatedError::OtherCertificate {
        found: hex(request.serial()),
        found_issuer: escaped(&to_text(request.issuer())),
        allowed: hex(related.serial_octets()),
        allowed_issuer: escaped(&to_text(related.issuer())),
    }
}

/// Whether two certificates are bound: one has the extension with the digest of the other, both
/// have the same names and other keys, and the one with the extension has no usage that the other
/// lacks. Their paths are verified apart. Gives the one that has the extension.
///
/// # Errors
/// `BindingError` for the first that is not so.
pub fn check_binding<'a>(
    one: &'a Certificate,
    other: &'a Certificate,
) -> Result<&'a Certificate, BindingError> {
    let (bound, related) = match (one.extensions().related(), other.extensions().related()) {
        (Some(extension), _) => {
            check_hash(extension, other)?;
            (one, other)
        }
        (None, Some(extension)) => {
            check_hash(extension, one)?;
            (other, one)
        }
        (None, None) => return Err(BindingError::Absent),
    };
    if bound.public_key() == related.public_key() {
        return Err(BindingError::SameKey);
    }
    check_names(bound.subject(), alt_names(bound), related)?;
    check_usages(bound.extensions(), related.extensions())?;
    Ok(bound)
}

fn check_hash(extension: &RelatedCertificate, other: &Certificate) -> Result<(), BindingError> {
    let Some(hash) = extension.hash() else {
        return Err(BindingError::UnknownHash { found: extension.hash_oid().to_string() });
    };
    if extension.matches(other) {
        return Ok(());
    }
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Err(BindingError::Hash {
        hash: Hash::to_string(&hash),
        found: hex(extension.value()),
        allowed: hex(&digest(hash, other.der())),
    })
}

/// That a certificate with this subject and these encoded names names the holder of `related`.
pub(crate) fn check_names(
    subject: &Name,
    mut names: Vec<Vec<u8>>,
    related: &Certificate,
) -> Result<(), BindingError> {
    names.sort();
    let other = alt_names(related);
    if same_name(subject, related.subject()) && names == other {
        return Ok(());
    }
    let shown = |subject: &Name, count: usize| {
        let names = if count == 1 { "name" } else { "names" };
        format!("subject {} and {count} {names}", quoted(to_text(subject)))
    };
    Err(BindingError::Names {
        found: shown(subject, names.len()),
        other: shown(related.subject(), other.len()),
    })
}

/// The encoded alternative names, sorted.
fn alt_names(certificate: &Certificate) -> Vec<Vec<u8>> {
    let names = certificate.extensions().subject_alt_name();
    let names = names.into_iter().flat_map(|names| &names.0);
    // What was read can be written; what could not would be left out on both sides alike.
    let mut all: Vec<Vec<u8>> = names.filter_map(|name| name.to_der().ok()).collect();
    all.sort();
    all
}

/// RFC 9763 section 4.1: the related certificate has at least the usages of the one that is bound
/// to it. Without the extension it has all.
pub(crate) fn check_usages(bound: &Extensions, related: &Extensions) -> Result<(), BindingError> {
    if let (Some(bound), Some(related)) = (bound.key_usage(), related.key_usage()) {
        let more = bound.0 - related.0;
        if !more.is_empty() {
            return Err(BindingError::Usages { found: key_usage_text(more) });
        }
    }
    let Some(related) = related.extended_key_usage() else { return Ok(()) };
    let Some(bound) = bound.extended_key_usage() else {
        return Err(BindingError::Usages { found: "any extended key usage".into() });
    };
    let more = bound.0.iter().find(|usage| !related.0.contains(usage));
    match more {
        Some(usage) => Err(BindingError::Usages { found: extended_key_usage_name(*usage) }),
        None => Ok(()),
    }
}
