//! Name constraints (RFC 5280 section 4.2.1.10).
//!
//! Constraints only ever narrow: each issuer's set is kept as it is, and a name must satisfy all
//! of them. That is the intersection of RFC 5280 section 6.1.4 (g) without computing it.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use der::Encode;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{NameConstraints, SubjectAltName};
use x509_cert::name::Name;

use super::distinguished_name::{has_prefix, text_of};
use super::outcome::{Fault, Reason};
use super::server_name::{describe, is_host_name, mailbox, uri_host};
use crate::certificate::Certificate;

/// Comparisons of a name with a constraint that the search for a path may cost, all paths together. Names and constraints multiply;
/// webpki has the same bound.
const MAX_COMPARISONS: usize = 250_000;

/// Octets of names that make a comparison count once more.
const OCTETS_PER_COMPARISON: usize = 64;

/// emailAddress in a distinguished name (RFC 2985).
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// The constraints of the issuers that were passed so far.
pub(super) struct Constraints<'a, 'c> {
    sets: Vec<&'a NameConstraints>,
    comparisons: &'c mut usize,
}

impl<'a, 'c> Constraints<'a, 'c> {
    /// None yet; `comparisons` counts on from where it stands.
    pub(super) fn new(comparisons: &'c mut usize) -> Self {
        Self { sets: Vec::new(), comparisons }
    }

    /// Takes up the constraints of an issuer, after checking their syntax.
    pub(super) fn add(&mut self, certificate: &'a Certificate) -> Result<(), Fault> {
        let Some(set) = certificate.extensions().name_constraints() else { return Ok(()) };
        let lists = [&set.permitted_subtrees, &set.excluded_subtrees];
        let empty = |list: &Option<Vec<GeneralSubtree>>| list.as_ref().is_some_and(Vec::is_empty);
        if lists.iter().all(|list| list.is_none()) || lists.iter().any(|list| empty(list)) {
            return Err(malformed("an empty list".into(), "at least one subtree"));
        }
        subtrees(&set.permitted_subtrees)
            .chain(subtrees(&set.excluded_subtrees))
            .try_for_each(check_syntax)?;
        self.sets.push(set);
        Ok(())
    }

    /// Whether no issuer has constraints.
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Checks every name of a certificate against every set.
    pub(super) fn check(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        self.check_names(certificate.subject(), certificate.extensions().subject_alt_name())
    }

    fn check_names(
        &mut self,
        subject: &Name,
        alternative: Option<&SubjectAltName>,
    ) -> Result<(), Fault> {
        if self.sets.is_empty() {
            return Ok(());
        }
        if !subject.is_empty() {
            self.check_name(&GeneralName::DirectoryName(subject.clone()))?;
        }
        match alternative {
            Some(names) => names.0.iter().try_for_each(|name| self.check_name(name)),
            None => self.check_subject_mailboxes(subject),
        }
    }

    /// Without a subjectAltName, the mailboxes of the subject are constrained.
    fn check_subject_mailboxes(&mut self, subject: &Name) -> Result<(), Fault> {
        for attribute in subject.iter().filter(|one| one.oid == EMAIL_ADDRESS) {
            let text = text_of(&attribute.value).unwrap_or_default();
            let name = der::asn1::Ia5String::new(&text).map(GeneralName::Rfc822Name);
            let name = name.map_err(|_| {
                malformed("an emailAddress in the subject that is not ASCII".into(), "ASCII")
            })?;
            self.check_name(&name)?;
        }
        Ok(())
    }

    fn check_name(&mut self, name: &GeneralName) -> Result<(), Fault> {
        for set in &self.sets {
            let excluded =
                subtrees(&set.excluded_subtrees).filter(|one| same_form(&one.base, name));
            for subtree in excluded {
                count(self.comparisons, &subtree.base, name)?;
                if covers(&subtree.base, name, Reading::Excluded)? {
                    let allowed = format!("names outside {}", describe(&subtree.base));
                    return Err(refused(name, allowed));
                }
            }
            let limits = subtrees(&set.permitted_subtrees).filter(|one| same_form(&one.base, name));
            let mut permitted = None;
            for subtree in limits.clone() {
                count(self.comparisons, &subtree.base, name)?;
                permitted = Some(covers(&subtree.base, name, Reading::Permitted)?);
                if permitted == Some(true) {
                    break;
                }
            }
            // Without a constraint of its form a name is free.
            if permitted == Some(false) {
                let shown: Vec<String> = limits.take(4).map(|one| describe(&one.base)).collect();
                return Err(refused(name, format!("names within {}", shown.join(" or "))));
            }
        }
        Ok(())
    }
}

/// Whether the names of a certificate that is about to be issued lie within the constraints of its
/// issuer; otherwise the field, what was found and what is allowed.
pub(crate) fn check_planned(
    constraints: &NameConstraints,
    subject: &Name,
    alternative: Option<&SubjectAltName>,
) -> Result<(), String> {
    let mut all = Constraints { sets: vec![constraints], comparisons: &mut 0 };
    all.check_names(subject, alternative).map_err(|fault| {
        format!("{}: found {}, allowed are {}", fault.field, fault.found, fault.allowed)
    })
}

/// How a name that stands for several (a wildcard) is read: an exclusion strikes it when any of
/// them is covered, a permission needs all of them to be.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Permitted,
    Excluded,
}

/// Counts a comparison by how much there is to compare.
fn count(comparisons: &mut usize, base: &GeneralName, name: &GeneralName) -> Result<(), Fault> {
    let size = |name: &GeneralName| {
        name.encoded_len().map_or(usize::MAX, |length| u32::from(length) as usize)
    };
    let octets = size(base).saturating_add(size(name));
    *comparisons = comparisons.saturating_add(1 + octets / OCTETS_PER_COMPARISON);
    if *comparisons <= MAX_COMPARISONS {
        return Ok(());
    }
    let found = "more names times constraints than the bound";
    let allowed = format!(
        "at most {MAX_COMPARISONS} comparisons in all paths, {OCTETS_PER_COMPARISON} octets each"
    );
    Err(Fault::new(Reason::TooMuchWork, "nameConstraints", found, allowed))
}

fn subtrees(list: &Option<Vec<GeneralSubtree>>) -> impl Iterator<Item = &GeneralSubtree> + Clone {
    list.iter().flatten()
}

fn malformed(found: String, allowed: &str) -> Fault {
    Fault::new(Reason::NameConstraint, "nameConstraints", found, allowed)
}

fn refused(name: &GeneralName, allowed: String) -> Fault {
    Fault::new(Reason::NameConstraint, "subject or subjectAltName", describe(name), allowed)
}

fn same_form(left: &GeneralName, right: &GeneralName) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

fn check_syntax(subtree: &GeneralSubtree) -> Result<(), Fault> {
    if subtree.minimum != 0 || subtree.maximum.is_some() {
        return Err(malformed("a minimum or maximum".into(), "minimum 0, no maximum"));
    }
    let host_or_all = |text: &str| text.is_empty() || is_host_name(text);
    let (fine, allowed) = match &subtree.base {
        GeneralName::DnsName(text) => {
            (host_or_all(text.as_str()), "a host name without leading dot or asterisk")
        }
        GeneralName::Rfc822Name(text) => {
            let text = text.as_str();
            let host = text.strip_prefix('.').unwrap_or(text);
            (mailbox(text).is_some() || is_host_name(host), "a mailbox, a host or .domain")
        }
        GeneralName::UniformResourceIdentifier(text) => {
            let text = text.as_str();
            (is_host_name(text.strip_prefix('.').unwrap_or(text)), "a host or .domain")
        }
        GeneralName::IpAddress(octets) => {
            (address_range(octets.as_bytes()).is_some(), "an address and a contiguous mask")
        }
        _ => (true, ""),
    };
    if fine { Ok(()) } else { Err(malformed(describe(&subtree.base), allowed)) }
}

/// Whether the subtree at `base` covers `name`, which is of the same form.
fn covers(base: &GeneralName, name: &GeneralName, reading: Reading) -> Result<bool, Fault> {
    match (base, name) {
        (GeneralName::DnsName(base), GeneralName::DnsName(name)) => {
            Ok(dns_covers(base.as_str(), name.as_str(), reading))
        }
        (GeneralName::Rfc822Name(base), GeneralName::Rfc822Name(name)) => {
            mailbox_covers(base.as_str(), name.as_str())
        }
        (
            GeneralName::UniformResourceIdentifier(base),
            GeneralName::UniformResourceIdentifier(name),
        ) => uri_covers(base.as_str(), name.as_str()),
        (GeneralName::IpAddress(base), GeneralName::IpAddress(name)) => {
            Ok(address_covers(base.as_bytes(), name.as_bytes()))
        }
        (GeneralName::DirectoryName(base), GeneralName::DirectoryName(name)) => {
            Ok(has_prefix(name, base))
        }
        // RFC 5280 section 4.2.1.10: process the constraint or reject the certificate.
        _ => Err(Fault::new(
            Reason::NameConstraint,
            "nameConstraints",
            format!("a constraint on {}", describe(base)),
            "such constraints only where no certificate below has a name of this form",
        )),
    }
}

/// A subtree of the domain name system: the base and everything below it.
fn dns_within(base: &str, name: &str) -> bool {
    let Some(start) = name.len().checked_sub(base.len()) else { return false };
    let (left, right) = name.as_bytes().split_at(start);
    base.is_empty()
        || (right.eq_ignore_ascii_case(base.as_bytes())
            && (left.is_empty() || left.ends_with(b".")))
}

fn dns_covers(base: &str, name: &str, reading: Reading) -> bool {
    let Some(parent) = name.strip_prefix("*.") else { return dns_within(base, name) };
    // All names below `parent` by one label. One of them is excluded as well when the base is
    // itself such a name (CVE-2025-61727).
    let one_below = base.split_once('.').map(|(_, rest)| rest);
    dns_within(base, parent)
        || (reading == Reading::Excluded
            && one_below.is_some_and(|rest| rest.eq_ignore_ascii_case(parent)))
}

/// A mailbox stands for itself, a host for its mailboxes, `.domain` for those of hosts below it.
fn mailbox_covers(base: &str, name: &str) -> Result<bool, Fault> {
    let Some((local, host)) = mailbox(name) else {
        return Err(malformed("a malformed mailbox".into(), "local@host"));
    };
    Ok(match mailbox(base) {
        Some((base_local, base_host)) => {
            base_local == local && base_host.eq_ignore_ascii_case(host)
        }
        None => host_covers(base, host),
    })
}

/// `.domain` covers the hosts below it, anything else only itself.
fn host_covers(base: &str, host: &str) -> bool {
    match base.strip_prefix('.') {
        Some(domain) => dns_within(domain, host) && !domain.eq_ignore_ascii_case(host),
        None => base.eq_ignore_ascii_case(host),
    }
}

/// RFC 5280: a URI whose host is absent or an address must be rejected where a constraint applies.
fn uri_covers(base: &str, name: &str) -> Result<bool, Fault> {
    match uri_host(name).flatten() {
        Some(host) if is_host_name(host) => Ok(host_covers(base, host)),
        _ => Err(Fault::new(
            Reason::NameConstraint,
            "subjectAltName",
            "a URI without a host name",
            "URIs with a host name, since an issuer constrains URIs",
        )),
    }
}

/// The address and mask of a constraint.
fn address_range(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    if !matches!(octets.len(), 8 | 32) {
        return None;
    }
    let (address, mask) = octets.split_at(octets.len() / 2);
    let ones: u32 = mask.iter().map(|octet| octet.leading_ones()).sum();
    let set: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading = mask.iter().position(|octet| *octet != 0xff).unwrap_or(mask.len());
    let contiguous = ones == set && mask.iter().skip(leading + 1).all(|octet| *octet == 0);
    contiguous.then_some((address, mask))
}

fn address_covers(base: &[u8], address: &[u8]) -> bool {
    let Some((network, mask)) = address_range(base) else { return false };
    network.len() == address.len()
        && network
            .iter()
            .zip(mask)
            .zip(address)
            .all(|((net, mask), octet)| net & mask == octet & mask)
}

/// The text of an address constraint, for people.
pub(super) fn range_text(octets: &[u8]) -> Option<String> {
    let (address, mask) = address_range(octets)?;
    let bits: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let address = match <[u8; 4]>::try_from(address) {
        Ok(octets) => IpAddr::from(octets),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
    };
    Some(format!("{address}/{bits}"))
}

#[cfg(test)]
mod tests;
