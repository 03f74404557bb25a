//! Which certificates a list speaks of (RFC 5280 section 5.2.5).

use der::Encode;
use der::asn1::Ia5String;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::crl::dp::{
    DistributionPoint, IssuingDistributionPoint, ReasonFlags, Reasons,
};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use super::error::Fault;
use super::extension::RawExtension;
use crate::certificate::Certificate;
use crate::general_name::AbsoluteUri;

const FIELD: &str = "issuingDistributionPoint";

/// Names of a distribution point at most.
const MAX_NAMES: usize = 100;

/// Which certificates of its issuer a list speaks of: all, a shard named by the places where it is
/// published, or those of one kind. Anything but all stands in issuingDistributionPoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    names: Vec<GeneralName>,
    subjects: Subjects,
    reasons: Option<ReasonFlags>,
}

/// Whose certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    /// Everyone's.
    #[default]
    All,
    /// Those of end entities alone (onlyContainsUserCerts).
    EndEntities,
    /// Those of CAs alone (onlyContainsCACerts).
    Authorities,
    /// Attribute certificates (onlyContainsAttributeCerts): none that is known here. Read, never
    /// made.
    AttributeCertificates,
}

impl Scope {
    /// Every certificate of the issuer.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those whose cRLDistributionPoints name one of these places, octet by octet.
    ///
    /// # Errors
    /// `InvalidPlaces` unless there are 1 to 100: without a place it would be all certificates.
    pub fn shard(places: &[AbsoluteUri]) -> Result<Self, InvalidPlaces> {
        Ok(Self { names: names_of(places)?, ..Self::default() })
    }

    /// Of these, only the certificates of `subjects`.
    pub fn only(self, subjects: Subjects) -> Self {
        Self { subjects, ..self }
    }

    /// Whose certificates.
    pub fn subjects(&self) -> Subjects {
        self.subjects
    }

    /// The places that name the shard; none means every certificate.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
            _ => None,
        })
    }

    /// The same with names of other kinds, as `inspect` shows them.
    pub(crate) fn names(&self) -> &[GeneralName] {
        &self.names
    }

    /// Whether the list tells of all reasons; otherwise a certificate that is not on it may still
    /// be revoked for another one.
    pub fn has_all_reasons(&self) -> bool {
        self.reasons.is_none_or(|reasons| reasons.contains(all_reasons()))
    }

    /// The extension's value; none for every certificate, whose list goes without.
    pub(super) fn to_der(&self) -> Result<Option<Vec<u8>>, der::Error> {
        if *self == Self::default() {
            return Ok(None);
        }
        let names = (!self.names.is_empty()).then(|| self.names.clone());
        let point = IssuingDistributionPoint {
            distribution_point: names.map(DistributionPointName::FullName),
            only_contains_user_certs: self.subjects == Subjects::EndEntities,
            only_contains_ca_certs: self.subjects == Subjects::Authorities,
            only_some_reasons: self.reasons,
            indirect_crl: false,
            only_contains_attribute_certs: self.subjects == Subjects::AttributeCertificates,
        };
        point.to_der().map(Some)
    }

    pub(super) fn read(extension: &RawExtension<'_>) -> Result<Self, Fault> {
        extension.expect_critical(FIELD, true)?;
        let point: IssuingDistributionPoint = extension.decode(FIELD)?;
        if point.indirect_crl {
            let allowed = "lists that revoke only their own issuer's certificates";
            return Err(Fault::new(FIELD, "indirectCRL", allowed));
        }
        let scope = Self {
            subjects: subjects(&point)?,
            reasons: point.only_some_reasons,
            names: names(point)?,
        };
        if scope == Self::default() {
            return Err(Fault::new(FIELD, "an empty one", "at least one field, or no extension"));
        }
        Ok(scope)
    }

    /// For which reasons the list tells of the certificate; none when it does not speak of it
    /// (RFC 5280 section 6.3.3 (b) (2) and (d)).
    pub(super) fn reasons_for(&self, certificate: &Certificate) -> Option<ReasonFlags> {
        let constraints = certificate.extensions().basic_constraints();
        let is_authority = constraints.is_some_and(|constraints| constraints.ca);
        let speaks = match self.subjects {
            Subjects::All => true,
            Subjects::EndEntities => !is_authority,
            Subjects::Authorities => is_authority,
            Subjects::AttributeCertificates => false,
        };
        let at_places = if self.names.is_empty() {
            Some(all_reasons())
        } else {
            self.reasons_at_places(certificate)
        };
        let own = self.reasons.unwrap_or_else(all_reasons);
        at_places.filter(|_| speaks).map(|reasons| reasons & own)
    }

    /// The reasons of those of the certificate's distribution points that name one of the list's
    /// places. The issuer's own name is a place as well: RFC 5280 section 6.3.3 assumes such a
    /// distribution point at the end.
    fn reasons_at_places(&self, certificate: &Certificate) -> Option<ReasonFlags> {
        let issuer = GeneralName::DirectoryName(certificate.issuer().clone());
        if self.names.contains(&issuer) {
            return Some(all_reasons());
        }
        let points = certificate.extensions().crl_distribution_points()?;
        let is_here = |point: &&DistributionPoint| {
            // With cRLIssuer it is the place of another issuer's list.
            let direct = point.crl_issuer.as_ref().is_none_or(|names| names.contains(&issuer));
            let Some(DistributionPointName::FullName(names)) = &point.distribution_point else {
                return false;
            };
            direct && names.iter().any(|name| self.names.contains(name))
        };
        let here = points.0.iter().filter(is_here);
        here.map(|point| point.reasons.unwrap_or_else(all_reasons))
            .reduce(|all, reasons| all | reasons)
    }
}

fn subjects(point: &IssuingDistributionPoint) -> Result<Subjects, Fault> {
    let kinds = [
        (point.only_contains_user_certs, Subjects::EndEntities),
        (point.only_contains_ca_certs, Subjects::Authorities),
        (point.only_contains_attribute_certs, Subjects::AttributeCertificates),
    ];
    let mut set = kinds.into_iter().filter(|(is_set, _)| *is_set);
    let first = set.next().map_or(Subjects::All, |(_, subjects)| subjects);
    if set.next().is_some() {
        let found = "two of onlyContainsUserCerts, onlyContainsCACerts, onlyContainsAttributeCerts";
        return Err(Fault::new(FIELD, found, "at most one of them"));
    }
    Ok(first)
}

fn names(point: IssuingDistributionPoint) -> Result<Vec<GeneralName>, Fault> {
    match point.distribution_point {
        None => Ok(Vec::new()),
        Some(DistributionPointName::FullName(names)) if names.is_empty() => {
            Err(Fault::new(FIELD, "an empty fullName", "at least one name"))
        }
        Some(DistributionPointName::FullName(names)) if names.len() > MAX_NAMES => {
            Err(Fault::new(FIELD, format!("{} names", names.len()), "at most 100 names"))
        }
        Some(DistributionPointName::FullName(names)) => Ok(names),
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
            Err(Fault::new(FIELD, "nameRelativeToCRLIssuer", "fullName"))
        }
    }
}

/// Places as they are encoded.
pub(super) fn names_of(places: &[AbsoluteUri]) -> Result<Vec<GeneralName>, InvalidPlaces> {
    if !(1..=MAX_NAMES).contains(&places.len()) {
        return Err(InvalidPlaces::Count { found: places.len() });
    }
    let name = |uri: &AbsoluteUri| {
        Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(uri.as_str())?))
    };
    places.iter().map(name).collect()
}

/// Places that can't name a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlaces {
    /// None, or too many.
    #[error("places of a CRL: found {found}, allowed are 1 to 100 URIs")]
    Count {
        /// How many were found.
        found: usize,
    },
    /// Characters that an IA5String can't hold.
    #[error("places of a CRL: a URI is not ASCII ({0})")]
    Characters(#[from] der::Error),
}

/// Every reason for which a certificate can be revoked.
pub(super) fn all_reasons() -> ReasonFlags {
    FlagSet::full() - Reasons::Unused
}
