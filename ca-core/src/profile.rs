//! Profiles: what a certificate may look like (docs/profiles.md).
//!
//! A profile is read once from YAML, checked, and from then on has no impossible state.

mod check;
mod config;
mod error;
mod shipped;
mod usage;

use const_oid::ObjectIdentifier;
use der::flagset::FlagSet;
use x509_cert::ext::Extension as EncodedExtension;
use x509_cert::ext::pkix::KeyUsages;

pub use error::ProfileError;
pub use shipped::SHIPPED_NAMES;
pub(crate) use usage::key_usage_text;
pub use usage::{
    extended_key_usage_extension, extended_key_usage_name, extended_key_usage_named,
    key_usage_extension, key_usage_name, key_usage_named,
};

use crate::algorithm::{ClassicalKey, Curve, Family, KeyAlgorithm, KeyKind};
use crate::general_name::{AltName, NameKind};
use crate::lint::LintOverrides;
use crate::name::AttributeType;

/// The largest YAML text that is read as a profile, in octets.
pub const MAX_PROFILE_SIZE: usize = 64 * 1024;

/// What kind of certificate a profile makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileKind {
    /// A self-signed authority.
    Root,
    /// An authority below another.
    Issuing,
    /// A certificate for another authority's existing name and key.
    Cross,
    /// An end entity.
    Leaf,
}

impl ProfileKind {
    /// Whether the certificate may sign others.
    pub fn is_authority(self) -> bool {
        self != Self::Leaf
    }
}

impl std::fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Issuing => "issuing",
            Self::Cross => "cross",
            Self::Leaf => "leaf",
        })
    }
}

/// Whether the key of an earlier certificate may be certified again.
///
/// Never for one that is only a part of the key: a component key belongs to one whole key for ever
/// (draft-ietf-lamps-pq-composite-sigs, "Key Reuse").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyReuse {
    /// The same whole key, as in a renewal.
    #[default]
    SameKey,
    /// No key that any certificate had before.
    Refused,
}

/// A checked profile.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    description: String,
    kind: ProfileKind,
    keys: KeyRule,
    key_usages: FlagSet<KeyUsages>,
    extended_key_usages: Vec<ObjectIdentifier>,
    names: NameRule,
    subject: SubjectRule,
    validity: ValidityRule,
    path_length: Option<u8>,
    copies: Copies,
    related: RelatedRule,
    key_reuse: KeyReuse,
    /// The URIs of cRLDistributionPoints.
    crl_places: Vec<String>,
    /// Extensions that are the same in every certificate, encoded once, in their final order.
    fixed: Vec<EncodedExtension>,
    /// The encoded extendedKeyUsage, unless the profile has none.
    extended_key_usage: Option<EncodedExtension>,
    lints: LintOverrides,
}

/// Which subject keys are allowed.
#[derive(Clone, Debug)]
struct KeyRule {
    families: Vec<Family>,
    algorithms: Vec<KeyAlgorithm>,
}

/// Which alternative names are allowed.
#[derive(Clone, Debug)]
pub(crate) struct NameRule {
    pub(crate) required: bool,
    pub(crate) kinds: Vec<NameKind>,
    pub(crate) max: usize,
    pub(crate) wildcards: bool,
    pub(crate) dns_suffixes: Vec<String>,
    pub(crate) email_domains: Vec<String>,
    pub(crate) uri_prefixes: Vec<String>,
    pub(crate) from_common_name: bool,
}

/// Which subject attributes are allowed.
#[derive(Clone, Debug)]
pub(crate) struct SubjectRule {
    pub(crate) allowed: Vec<AttributeType>,
    pub(crate) required: Vec<AttributeType>,
}

/// How long certificates last, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidityRule {
    /// When the request asks for nothing.
    pub default_seconds: u64,
    /// The most that a request may ask for.
    pub max_seconds: u64,
    /// How far notBefore lies in the past, for clocks that run late.
    pub backdate_seconds: u64,
}

/// Whether a certificate is bound to another one of its holder (RFC 9763), when a request asks for
/// that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelatedRule {
    /// The wish has no effect.
    #[default]
    Ignore,
    /// It is bound when the request asks for it.
    Allow,
    /// Only what is bound is issued.
    Require,
}

/// Which extensions of a request are honoured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    pub(crate) subject_alt_name: bool,
    pub(crate) key_usage: bool,
    pub(crate) extended_key_usage: bool,
    pub(crate) others: Vec<ObjectIdentifier>,
}

impl Profile {
    /// Reads a profile from YAML (docs/profiles.md says which fields there are).
    ///
    /// # Errors
    /// `ProfileError` names the field, what was found and what is allowed; unknown fields are
    /// refused.
    pub fn from_yaml(text: &str) -> Result<Self, ProfileError> {
        check::profile(config::ProfileConfig::from_yaml(text)?)
    }

    /// The shipped profile of this name.
    pub fn shipped(name: &str) -> Option<&'static Self> {
        Self::all_shipped().iter().find(|profile| profile.name == name)
    }

    /// Every shipped profile, authorities first.
    pub fn all_shipped() -> &'static [Self] {
        shipped::all()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for, in a sentence.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What kind of certificate it makes.
    pub fn kind(&self) -> ProfileKind {
        self.kind
    }

    /// Whether a subject key of this kind is allowed. Ed448 and brainpool never are: they stand
    /// only inside composites.
    pub fn allows_key(&self, key: KeyKind) -> bool {
        let family = match key {
            KeyKind::MlDsa(_) | KeyKind::SlhDsa(_) => Family::PostQuantum,
            KeyKind::Composite(_) => Family::Composite,
            KeyKind::MlKem(_) => Family::Kem,
            KeyKind::Classical(
                ClassicalKey::Ec(Curve::P256 | Curve::P384 | Curve::P521)
                | ClassicalKey::Ed25519
                | ClassicalKey::Rsa { .. },
            ) => Family::Classical,
            KeyKind::Classical(_) | KeyKind::Other(_) => return false,
        };
        self.keys.families.contains(&family)
            || self.keys.algorithms.iter().any(|algorithm| algorithm.key() == key)
    }

    /// The allowed subject keys as text, for messages.
    pub fn allowed_keys(&self) -> String {
        let families = self.keys.families.iter().map(|family| format!("every {family} key"));
        let algorithms = self.keys.algorithms.iter().map(|algorithm| algorithm.name().to_owned());
        families.chain(algorithms).collect::<Vec<_>>().join(", ")
    }

    /// Key usages, before they are fitted to the subject key.
    pub fn key_usages(&self) -> FlagSet<KeyUsages> {
        self.key_usages
    }

    /// Extended key usages; empty for authorities without a limit.
    pub fn extended_key_usages(&self) -> &[ObjectIdentifier] {
        &self.extended_key_usages
    }

    /// Kinds of alternative names that are allowed.
    pub fn name_kinds(&self) -> &[NameKind] {
        &self.names.kinds
    }

    /// How long certificates last.
    pub fn validity(&self) -> ValidityRule {
        self.validity
    }

    /// Whether certificates are bound to another one of their holder.
    pub fn related(&self) -> RelatedRule {
        self.related
    }

    /// The path length constraint of an authority.
    pub fn path_length(&self) -> Option<u8> {
        self.path_length
    }

    /// Lints that it raises or lowers.
    pub fn lints(&self) -> &LintOverrides {
        &self.lints
    }

    /// The extensions that a certificate takes from its request, as `copy_extensions` names them.
    pub fn copied_extensions(&self) -> Vec<String> {
        let named = [
            ("subject_alt_name", self.copies.subject_alt_name),
            ("key_usage", self.copies.key_usage),
            ("extended_key_usage", self.copies.extended_key_usage),
        ];
        let named = named.into_iter().filter(|(_, copied)| *copied);
        let others = self.copies.others.iter().map(ToString::to_string);
        named.map(|(name, _)| name.to_owned()).chain(others).collect()
    }

    /// Whether the key of an earlier certificate may be certified again.
    pub fn key_reuse(&self) -> KeyReuse {
        self.key_reuse
    }

    /// Where the CRLs for its certificates are, as cRLDistributionPoints names it.
    pub fn crl_places(&self) -> &[String] {
        &self.crl_places
    }

    pub(crate) fn names(&self) -> &NameRule {
        &self.names
    }

    pub(crate) fn subject(&self) -> &SubjectRule {
        &self.subject
    }

    pub(crate) fn copies(&self) -> &Copies {
        &self.copies
    }

    pub(crate) fn fixed_extensions(&self) -> &[EncodedExtension] {
        &self.fixed
    }

    pub(crate) fn extended_key_usage(&self) -> Option<&EncodedExtension> {
        self.extended_key_usage.as_ref()
    }
}

impl NameRule {
    /// Why the rule refuses `name`: what is allowed instead.
    pub(crate) fn refuses(&self, name: &AltName) -> Option<String> {
        if !self.kinds.contains(&name.kind()) {
            let kinds: Vec<String> = self.kinds.iter().map(ToString::to_string).collect();
            return Some(match kinds.is_empty() {
                true => "no names".to_owned(),
                false => format!("names of the kinds {}", kinds.join(", ")),
            });
        }
        let (fits, allowed) = match name {
            AltName::Dns(dns) if dns.is_wildcard() && !self.wildcards => {
                return Some("names without a wildcard".to_owned());
            }
            AltName::Dns(dns) => {
                (any(&self.dns_suffixes, |suffix| dns.is_within(suffix)), &self.dns_suffixes)
            }
            AltName::Email(email) => {
                let domain = email.as_str().rsplit('@').next().unwrap_or_default();
                let within = |allowed: &str| domain.eq_ignore_ascii_case(allowed);
                (any(&self.email_domains, within), &self.email_domains)
            }
            AltName::Uri(uri) => (
                any(&self.uri_prefixes, |prefix| uri.as_str().starts_with(prefix)),
                &self.uri_prefixes,
            ),
            AltName::Ip(_) | AltName::Upn(_) => return None,
        };
        (!fits).then(|| format!("names under {}", allowed.join(", ")))
    }
}

/// Whether the list is empty, which means no limit, or one of it fits.
fn any(list: &[String], fits: impl Fn(&str) -> bool) -> bool {
    list.is_empty() || list.iter().any(|item| fits(item))
}

#[cfg(test)]
mod tests;
