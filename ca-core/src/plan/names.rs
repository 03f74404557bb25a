//! Subject and alternative names under a profile's rules.

use super::{IssuerIdentity, PlanError, PlanNote, Request};
use crate::general_name::{AltName, DnsName};
use crate::path::same_name;
use crate::profile::{Profile, ProfileKind};

/// The subject's attributes. A cross certificate repeats a subject that exists, so that only the
/// rules of RFC 5280 are left.
pub(super) fn check_subject(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
) -> Result<(), PlanError> {
    let subject = &request.subject;
    if profile.kind().is_authority() && subject.is_empty() {
        return Err(PlanError::EmptySubject);
    }
    if profile.kind() == ProfileKind::Cross {
        return Ok(());
    }
    if issuer.certificate.is_some_and(|issuer| same_name(issuer.subject(), subject.as_name())) {
        return Err(PlanError::SubjectIsIssuer { found: subject.to_string() });
    }
    let rule = profile.subject();
    let other = subject.attribute_types().find(|found| !rule.allowed.contains(found));
    if let Some(found) = other {
        let allowed: Vec<String> = rule.allowed.iter().map(ToString::to_string).collect();
        let allowed = if allowed.is_empty() { "no subject".into() } else { allowed.join(", ") };
        return Err(PlanError::Attribute { found, profile: profile.name().to_owned(), allowed });
    }
    let missing = |needed: &&_| !subject.attribute_types().any(|found| found == **needed);
    match rule.required.iter().find(missing) {
        Some(missing) => Err(PlanError::AttributeMissing {
            missing: *missing,
            profile: profile.name().to_owned(),
        }),
        None => Ok(()),
    }
}

/// The names that the certificate gets, each once, in the order in which they were asked for.
pub(super) fn planned(
    profile: &Profile,
    request: &Request,
    notes: &mut Vec<PlanNote>,
) -> Result<Vec<AltName>, PlanError> {
    let rule = profile.names();
    let mut names: Vec<AltName> = Vec::with_capacity(request.names.len());
    if profile.copies().subject_alt_name {
        for name in &request.names {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    } else if !request.names.is_empty() {
        notes.push(PlanNote::NamesIgnored { count: request.names.len() });
    }
    if names.is_empty() && rule.from_common_name {
        let dns = request.subject.common_name().and_then(|name| DnsName::new(name).ok());
        if let Some(name) = dns.map(AltName::Dns) {
            notes.push(PlanNote::NameFromCommonName { name: name.clone() });
            names.push(name);
        }
    }
    let profile_name = || profile.name().to_owned();
    if names.len() > rule.max {
        let (found, allowed) = (names.len(), rule.max);
        return Err(PlanError::TooManyNames { found, profile: profile_name(), allowed });
    }
    for name in &names {
        if let Some(allowed) = rule.refuses(name) {
            return Err(PlanError::Name { found: name.clone(), profile: profile_name(), allowed });
        }
    }
    if names.is_empty() && rule.required {
        return Err(PlanError::NoNames { profile: profile_name() });
    }
    if names.is_empty() && request.subject.is_empty() {
        return Err(PlanError::NoIdentity);
    }
    Ok(names)
}
