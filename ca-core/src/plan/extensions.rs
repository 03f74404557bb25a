//! The extensions of a certificate, in the order that every known verifier can re-encode.

use const_oid::ObjectIdentifier;
use der::asn1::{OctetString, OctetStringRef};
use der::flagset::FlagSet;
use x509_cert::ext::Extension as EncodedExtension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsages};

use super::{IssuerIdentity, PlanError, PlanNote, Request, encode, related};
use crate::algorithm::{ClassicalKey, KeyKind};
use crate::extensions::oid;
use crate::general_name::AltName;
use crate::profile::{Profile, extended_key_usage_name};

/// basicConstraints, subjectAltName, both key identifiers, both usages, the rest, then the
/// alternative key and algorithm; the alternative signature comes last, when it was made
/// (wolfSSL re-encodes in this order before it checks).
pub(super) fn planned(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
    names: &[AltName],
    notes: &mut Vec<PlanNote>,
) -> Result<Vec<EncodedExtension>, PlanError> {
    let fixed = profile.fixed_extensions();
    let (crossed_usage, crossed_limits) = crossed_limits(profile, request)?;
    let mut all = Vec::with_capacity(fixed.len() + 10);
    all.push(basic_constraints(profile, request, issuer, notes)?);
    if !names.is_empty() {
        all.push(encode::subject_alt_name(names, request.subject.is_empty())?);
    }
    all.push(subject_key_identifier(request)?);
    all.push(authority_key_identifier(issuer)?);
    let usages = key_usages(profile, request, notes)?;
    all.push(encode::extension_of(oid::KEY_USAGE, true, &usages)?);
    match crossed_usage {
        Some(usage) => all.push(usage),
        None => all.extend(extended_key_usage(profile, request, notes)?),
    }
    all.extend_from_slice(fixed);
    all.extend(crossed_limits);
    all.extend(copied(profile, request, notes)?);
    all.extend(related::planned(profile, request, notes)?);
    if let Some(key) = &request.alt_public_key {
        let spki = key.spki_der().to_vec();
        all.push(encode::raw_extension(oid::SUBJECT_ALT_PUBLIC_KEY_INFO, false, spki)?);
    }
    if let Some(scheme) = issuer.alt_scheme {
        let identifier = scheme.to_identifier();
        all.push(encode::extension_of(oid::ALT_SIGNATURE_ALGORITHM, false, &identifier)?);
    }
    Ok(all)
}

fn basic_constraints(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
    notes: &mut Vec<PlanNote>,
) -> Result<EncodedExtension, PlanError> {
    let ca = profile.kind().is_authority();
    if !ca && request.extensions.basic_constraints().is_some_and(|asked| asked.ca) {
        return Err(PlanError::AuthorityRequested { profile: profile.name().to_owned() });
    }
    let constraints =
        BasicConstraints { ca, path_len_constraint: path_length(profile, request, issuer, notes) };
    Ok(encode::extension_of(oid::BASIC_CONSTRAINTS, true, &constraints)?)
}

/// The least of what profile, crossed authority and issuer allow.
fn path_length(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
    notes: &mut Vec<PlanNote>,
) -> Option<u8> {
    if !profile.kind().is_authority() {
        return None;
    }
    let issuer = issuer.certificate.and_then(|issuer| issuer.extensions().basic_constraints());
    // A path length of 0 was refused before.
    let below = issuer.and_then(|issuer| issuer.path_len_constraint).map(|n| n.saturating_sub(1));
    let crossed = request.cross.as_ref().and_then(|cross| cross.path_length);
    let set = [profile.path_length(), below, crossed].into_iter().flatten().min();
    if let Some(set) = set.filter(|_| set != profile.path_length()) {
        notes.push(PlanNote::PathLength { set });
    }
    set
}

/// The limits of a crossed authority, unchanged: its extendedKeyUsage, which has a place of its own,
/// and the others. A profile that sets the same extension is refused, since one of the two would be
/// lost.
fn crossed_limits(
    profile: &Profile,
    request: &Request,
) -> Result<(Option<EncodedExtension>, Vec<EncodedExtension>), PlanError> {
    let limits = request.cross.iter().flat_map(|cross| &cross.limits);
    let (mut usage, mut others) = (None, Vec::new());
    for limit in limits {
        let own = profile.fixed_extensions().iter().chain(profile.extended_key_usage());
        if own.into_iter().any(|own| own.extn_id == limit.oid) {
            let profile = profile.name().to_owned();
            return Err(PlanError::CrossLimit { found: limit_name(limit.oid), profile });
        }
        let encoded = encode::extension(limit)?;
        if limit.oid == oid::EXTENDED_KEY_USAGE {
            usage = Some(encoded)
        } else {
            others.push(encoded)
        }
    }
    Ok((usage, others))
}

/// What RFC 5280 calls an extension that limits authorities.
fn limit_name(oid: ObjectIdentifier) -> &'static str {
    match oid {
        oid::NAME_CONSTRAINTS => "nameConstraints",
        oid::EXTENDED_KEY_USAGE => "extendedKeyUsage",
        oid::POLICY_CONSTRAINTS => "policyConstraints",
        _ => "inhibitAnyPolicy",
    }
}

/// A crossed authority keeps the identifier that the certificates below it point to.
fn subject_key_identifier(request: &Request) -> Result<EncodedExtension, PlanError> {
    let existing = request.cross.as_ref().and_then(|cross| cross.key_identifier.as_deref());
    let computed = request.public_key.key_identifier();
    let identifier = OctetStringRef::new(existing.unwrap_or(&computed))?;
    Ok(encode::extension_of(oid::SUBJECT_KEY_IDENTIFIER, false, &identifier)?)
}

/// The issuer's own identifier, as its certificate has it. A root points to itself, which RFC
/// 5280 section 4.2.1.1 allows and the CA/Browser Forum (BR 7.1.2.1.2) recommends.
fn authority_key_identifier(issuer: &IssuerIdentity<'_>) -> Result<EncodedExtension, PlanError> {
    let computed = issuer.public_key.key_identifier();
    let own = issuer.certificate.and_then(|issuer| issuer.extensions().subject_key_identifier());
    let value = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(own.unwrap_or(&computed))?),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    Ok(encode::extension_of(oid::AUTHORITY_KEY_IDENTIFIER, false, &value)?)
}

/// What a kind of key can do at all: ML-DSA, SLH-DSA and composites only sign (RFC 9881 section
/// 5, RFC 9909 section 6, the composite draft), as do Ed25519 and Ed448 (RFC 8410 section 5); EC
/// keys agree too (RFC 5480 section 3, RFC 8813); RSA keys encipher (RFC 3279 section 2.3.1);
/// ML-KEM keys do nothing but keyEncipherment (RFC 9935 section 5).
pub(crate) fn possible_usages(key: KeyKind) -> FlagSet<KeyUsages> {
    let signing = KeyUsages::DigitalSignature
        | KeyUsages::NonRepudiation
        | KeyUsages::KeyCertSign
        | KeyUsages::CRLSign;
    match key {
        KeyKind::Classical(ClassicalKey::Ec(_)) => {
            signing | KeyUsages::KeyAgreement | KeyUsages::EncipherOnly | KeyUsages::DecipherOnly
        }
        KeyKind::Classical(ClassicalKey::Rsa { .. }) => {
            signing | KeyUsages::KeyEncipherment | KeyUsages::DataEncipherment
        }
        KeyKind::MlKem(_) => KeyUsages::KeyEncipherment.into(),
        _ => signing,
    }
}

fn key_usages(
    profile: &Profile,
    request: &Request,
    notes: &mut Vec<PlanNote>,
) -> Result<FlagSet<KeyUsages>, PlanError> {
    let key = request.public_key.kind();
    let possible = possible_usages(key);
    let allowed = profile.key_usages() & possible;
    let asked = request.extensions.key_usage().map(|usage| usage.0);
    let wrong = |found| PlanError::KeyUsage {
        found,
        profile: profile.name().to_owned(),
        key: key.to_string(),
        allowed,
    };
    let Some(asked) = asked else {
        return if allowed.is_empty() { Err(wrong(profile.key_usages())) } else { Ok(allowed) };
    };
    let dropped = asked - possible;
    if !dropped.is_empty() {
        notes.push(PlanNote::KeyUsageDropped { dropped, key: key.to_string() });
    }
    let kept = asked & possible;
    if profile.copies().key_usage {
        let fits = !kept.is_empty() && (kept - allowed).is_empty();
        return if fits { Ok(kept) } else { Err(wrong(asked)) };
    }
    if allowed.is_empty() {
        return Err(wrong(asked));
    }
    if kept != allowed {
        notes.push(PlanNote::KeyUsageSet { asked: kept, set: allowed });
    }
    Ok(allowed)
}

fn extended_key_usage(
    profile: &Profile,
    request: &Request,
    notes: &mut Vec<PlanNote>,
) -> Result<Option<EncodedExtension>, PlanError> {
    let Some(usages) = request.extensions.extended_key_usage() else {
        return Ok(profile.extended_key_usage().cloned());
    };
    // Each once, in the order in which they were asked for.
    let mut asked: Vec<ObjectIdentifier> = Vec::with_capacity(usages.0.len());
    for usage in &usages.0 {
        if !asked.contains(usage) {
            asked.push(*usage);
        }
    }
    let allowed = profile.extended_key_usages();
    if profile.copies().extended_key_usage {
        if let Some(found) = asked.iter().find(|usage| !allowed.contains(usage)) {
            return Err(PlanError::ExtendedKeyUsage {
                found: extended_key_usage_name(*found),
                profile: profile.name().to_owned(),
                allowed: allowed
                    .iter()
                    .map(|usage| extended_key_usage_name(*usage))
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
        if !asked.is_empty() {
            return Ok(Some(encode::extension_of(oid::EXTENDED_KEY_USAGE, false, &asked)?));
        }
    }
    let same = asked.len() == allowed.len() && asked.iter().all(|usage| allowed.contains(usage));
    if !same {
        notes.push(PlanNote::ExtendedKeyUsageSet { asked, set: allowed.to_vec() });
    }
    Ok(profile.extended_key_usage().cloned())
}

/// Requested extensions that the profile copies; the others are noted.
fn copied(
    profile: &Profile,
    request: &Request,
    notes: &mut Vec<PlanNote>,
) -> Result<Vec<EncodedExtension>, PlanError> {
    let mut all = Vec::new();
    for extension in request.extensions.all() {
        let oid = extension.oid;
        if profile.copies().others.contains(&oid) {
            all.push(encode::extension(extension)?);
        } else if !is_considered(oid) {
            notes.push(PlanNote::ExtensionIgnored { oid });
        }
    }
    Ok(all)
}

/// Extensions that the rest of this file looks at, or that every certificate gets anyway.
fn is_considered(oid: ObjectIdentifier) -> bool {
    [
        oid::SUBJECT_ALT_NAME,
        oid::KEY_USAGE,
        oid::EXTENDED_KEY_USAGE,
        oid::BASIC_CONSTRAINTS,
        oid::SUBJECT_KEY_IDENTIFIER,
    ]
    .contains(&oid)
}
