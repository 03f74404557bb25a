//! Lints of certificate requests. What a request claims of its subject is judged by the same lints
//! as in a certificate; these are of the request itself.

use const_oid::ObjectIdentifier;
use x509_cert::name::Name;

use super::subject::Claims;
use super::usage::usages_fit;
use super::{Check, Lint, Object};
use crate::csr::{CertificateRequest, CsrError, RequestParts};
use crate::public_key::{PublicKey, PublicKeyError};

const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "request_readable",
        "RFC 2986 section 4",
        "The request can be read; found only when no other lint says why it can't.",
        Check::Unreadable(Object::Request),
    ),
    Lint::fixed(
        "request_proves_possession",
        "RFC 2986 section 3, note 2",
        "The request is signed by the key that it asks to certify; for ML-KEM, which can't sign, it names who vouches (RFC 9883).",
        Check::Request(|request| {
            let error = request.strict.as_ref().ok()?.verify_possession().err()?;
            // Whether a certificate may vouch (RFC 9883) depends on whom one trusts.
            if matches!(error, CsrError::StatementNotJudged { .. }) {
                return None;
            }
            // A weak key is another lint's.
            (!matches!(error, CsrError::WeakKey(_))).then(|| error.to_string())
        }),
    ),
    Lint::fixed(
        "request_signature_not_forgeable",
        "RFC 6151, RFC 9155",
        "The request's signature uses no MD5 and no SHA-1, and an algorithm that is known.",
        Check::Request(|request| match request.strict.as_ref().err()? {
            CsrError::Scheme(error) => Some(error.to_string()),
            _ => None,
        }),
    ),
    Lint::warning(
        "request_usages_fit_key",
        "RFC 9881 section 5, RFC 9909 section 6, RFC 9935 section 5, composite draft section 5.2, RFC 8410 section 5, RFC 8813, RFC 3279",
        "The request asks for no key usage that its key can't have; Espalier drops those.",
        Check::Request(|request| {
            let claims = request.claims()?;
            usages_fit(claims.extensions.key_usage()?.0, claims.key.ok()?.kind())
        }),
    ),
    Lint::notice(
        "request_asks_for_no_authority",
        "RFC 5280 section 4.2.1.9, Espalier, docs/profiles.md",
        "The request asks for an end entity's certificate; one that asks for CA:TRUE is refused by profiles of leaves.",
        Check::Request(|request| {
            let constraints = request.parts.as_ref()?.extensions.basic_constraints()?;
            constraints
                .ca
                .then(|| "basicConstraints: found CA:TRUE, better is CA:FALSE or none".into())
        }),
    ),
    Lint::warning(
        "request_without_password",
        "RFC 2985 section 5.4.1",
        "The request holds no challengePassword, which everyone who sees the request can read.",
        Check::Request(|request| {
            let ignored = request.strict.as_ref().ok()?.ignored_attributes();
            ignored
                .contains(&CHALLENGE_PASSWORD)
                .then(|| "attributes: found challengePassword in the clear, better is none".into())
        }),
    ),
    Lint::notice(
        "request_attributes_have_effect",
        "RFC 2986 section 4.1",
        "The request holds no attribute that has no effect.",
        Check::Request(|request| {
            let ignored = request.strict.as_ref().ok()?.ignored_attributes();
            let other = ignored.iter().find(|found| **found != CHALLENGE_PASSWORD)?;
            Some(format!("attributes: found {other}, which has no effect; better is none"))
        }),
    ),
];

/// A request, each part read as far as it goes.
pub(super) struct Requested {
    /// The strict reader's word.
    pub(super) strict: Result<CertificateRequest, CsrError>,
    parts: Option<RequestParts>,
}

impl Requested {
    pub(super) fn read(der: &[u8]) -> Self {
        Self { strict: CertificateRequest::from_der(der), parts: RequestParts::read(der).ok() }
    }

    pub(super) fn claims(&self) -> Option<Claims<'_>> {
        let parts = self.parts.as_ref()?;
        let key: Result<&PublicKey, &PublicKeyError> = parts.key.as_ref();
        let subject: &Name = &parts.subject;
        Some(Claims::new(subject, key, &parts.extensions, &parts.unreadable))
    }
}
