//! Who signs, and whether it may.

use jiff::Timestamp;
use x509_cert::ext::pkix::{ExtendedKeyUsage, NameConstraints};

use super::{PlanError, Request};
use crate::algorithm::SignatureScheme;
use crate::certificate::Certificate;
use crate::profile::{Profile, ProfileKind};
use crate::public_key::PublicKey;
use crate::signature::check_fit;

/// The authority that will sign.
#[derive(Clone, Copy, Debug)]
pub struct IssuerIdentity<'a> {
    /// Its certificate; `None` makes a self-signed root.
    pub certificate: Option<&'a Certificate>,
    /// Its signing key.
    pub public_key: &'a PublicKey,
    /// How it signs.
    pub scheme: SignatureScheme,
    /// How it makes the alternative signature, if it does.
    pub alt_scheme: Option<SignatureScheme>,
}

/// Extensions of the issuer's certificate by which every verifier judges what is below it.
#[derive(Clone, Debug, Default)]
pub(crate) struct IssuerLimits {
    pub(crate) names: Option<NameConstraints>,
    pub(crate) usages: Option<ExtendedKeyUsage>,
    /// How many authorities may follow.
    pub(crate) path_length: Option<u8>,
    pub(crate) key_identifier: Option<Vec<u8>>,
    /// What a server sends beside its own certificate, in octets; nothing for a root.
    pub(crate) chain_size: usize,
}

impl IssuerLimits {
    pub(super) fn of(certificate: &Certificate) -> Self {
        let extensions = certificate.extensions();
        let constraints = extensions.basic_constraints();
        Self {
            names: extensions.name_constraints().cloned(),
            usages: extensions.extended_key_usage().cloned(),
            path_length: constraints.and_then(|constraints| constraints.path_len_constraint),
            key_identifier: extensions.subject_key_identifier().map(<[u8]>::to_vec),
            chain_size: if certificate.is_self_issued() { 0 } else { certificate.der().len() },
        }
    }
}

pub(super) fn check(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
    now: Timestamp,
) -> Result<(), PlanError> {
    let refuse = |allowed| PlanError::Issuer {
        profile: profile.name().to_owned(),
        kind: profile.kind(),
        allowed,
    };
    let refuse_cross = |allowed| PlanError::Cross {
        profile: profile.name().to_owned(),
        kind: profile.kind(),
        allowed,
    };
    match (profile.kind(), &request.cross) {
        (ProfileKind::Cross, None) => {
            return Err(refuse_cross("a request made of another authority's certificate"));
        }
        (ProfileKind::Cross, Some(_)) | (_, None) => {}
        (_, Some(_)) => {
            return Err(refuse_cross(
                "a profile of kind cross for another authority's certificate",
            ));
        }
    }
    match (profile.kind(), issuer.certificate) {
        (ProfileKind::Root, None) => check_root(request, issuer)?,
        (ProfileKind::Root, Some(_)) => return Err(refuse("no issuer: a root signs itself")),
        (_, Some(certificate)) => check_certificate(profile, request, issuer, certificate, now)?,
        (_, None) => return Err(refuse("an issuer with a certificate")),
    }
    check_fit(issuer.public_key, issuer.scheme).map_err(PlanError::SchemeMismatch)?;
    check_alternative(request, issuer)
}

fn check_root(request: &Request, issuer: &IssuerIdentity<'_>) -> Result<(), PlanError> {
    if request.public_key == *issuer.public_key { Ok(()) } else { Err(PlanError::RootKey) }
}

fn check_certificate(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), PlanError> {
    if certificate.public_key() != issuer.public_key {
        return Err(PlanError::IssuerKey);
    }
    let extensions = certificate.extensions();
    let missing = |missing| PlanError::IssuerNotAuthority { missing };
    let constraints = extensions.basic_constraints().filter(|constraints| constraints.ca);
    let constraints = constraints.ok_or_else(|| missing("basicConstraints with CA:TRUE"))?;
    // Without keyUsage everything is allowed (RFC 5280 section 4.2.1.3).
    if extensions.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
        return Err(missing("keyCertSign in its keyUsage"));
    }
    let validity = certificate.validity();
    if now.as_second() > validity.not_after().as_second() {
        return Err(PlanError::IssuerExpired { not_after: validity.not_after(), now });
    }
    if now.as_second() < validity.not_before().as_second() {
        return Err(PlanError::IssuerNotYetValid { not_before: validity.not_before(), now });
    }
    if profile.kind().is_authority() && constraints.path_len_constraint == Some(0) {
        return Err(PlanError::PathLength);
    }
    let mut own = [Some(issuer.public_key), extensions.alt_public_key()].into_iter().flatten();
    let asked = [Some(&request.public_key), request.alt_public_key.as_ref()];
    if own.any(|own| asked.into_iter().flatten().any(|asked| asked.shares_component(own))) {
        return Err(PlanError::KeyIsIssuers);
    }
    Ok(())
}

fn check_alternative(request: &Request, issuer: &IssuerIdentity<'_>) -> Result<(), PlanError> {
    let Some(alternative) = issuer.alt_scheme else {
        let own = issuer.certificate.and_then(|issuer| issuer.extensions().alt_public_key());
        if let Some(own) = own {
            return Err(PlanError::AltSignerMissing { own: own.kind().to_string() });
        }
        return match request.alt_public_key {
            Some(_) => Err(PlanError::AltKeyUnprotected),
            None => Ok(()),
        };
    };
    if !alternative.is_post_quantum() || issuer.scheme.is_post_quantum() {
        return Err(PlanError::AltScheme { scheme: issuer.scheme, alternative });
    }
    let key = match issuer.certificate {
        Some(certificate) => certificate.extensions().alt_public_key(),
        None => request.alt_public_key.as_ref(),
    };
    check_fit(key.ok_or(PlanError::IssuerHasNoAltKey)?, alternative)
        .map_err(PlanError::AltSchemeMismatch)
}
