//! What a requester may: roles, bound to authorities, profiles and names.
//!
//! Every rule of the configuration that a requester matches is one [`Grant`]. Each stands for
//! itself: a certificate is allowed when one grant allows all of it, so that the names of one
//! grant never mix with the profile of another.

use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use ledger::Reach;
use serde::{Deserialize, Serialize};

use super::denied::{Denied, listed};
use super::facts::Facts;
use super::name_pattern::{NamePattern, PatternError};
use super::quoted::quoted;
use super::role::Role;

/// The most entries of each list of a grant.
const MAX_ENTRIES: usize = 200;

/// A grant as it stands in the configuration, and as the scope of an API token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantConfig {
    /// What it may do at all.
    pub roles: Vec<Role>,
    /// Names of authorities, or `*` for all.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Names of profiles, or `*` for all.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Patterns of names, for requesters.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether wildcard names may be asked for.
    #[serde(default)]
    pub wildcards: bool,
    /// What the subject may say.
    #[serde(default)]
    pub subject: SubjectRule,
}

/// What the subject of a certificate may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectRule {
    /// Nothing, or one common name that is among the certificate's names.
    #[default]
    Names,
    /// Whatever the profile allows.
    Any,
}

/// A grant that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    roles: Vec<Role>,
    authorities: Vec<String>,
    profiles: Vec<String>,
    names: Vec<NamePattern>,
    wildcards: bool,
    subject: SubjectRule,
}

/// Everything that a requester may, and what fills the places of its patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    pub(super) all: Vec<Grant>,
    pub(super) facts: Facts,
}

/// A certificate that someone asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The authority that shall sign.
    pub authority: &'a str,
    /// The profile.
    pub profile: &'a str,
    /// The subject that the certificate will have.
    pub subject: &'a DistinguishedName,
    /// The names that the certificate will have.
    pub names: &'a [AltName],
}

impl Grant {
    /// Checks a grant.
    ///
    /// # Errors
    /// `GrantError` with the field, what was found and what is allowed.
    pub fn new(config: &GrantConfig) -> Result<Self, GrantError> {
        if config.roles.is_empty() {
            let allowed = "at least one of requester, revoker, auditor and admin".into();
            return Err(GrantError::Value { field: "roles", found: "none".into(), allowed });
        }
        plain("authorities", &config.authorities)?;
        plain("profiles", &config.profiles)?;
        bounded("names", &config.names)?;
        Ok(Self {
            roles: config.roles.clone(),
            authorities: config.authorities.clone(),
            profiles: config.profiles.clone(),
            names: config
                .names
                .iter()
                .map(|name| NamePattern::parse(name))
                .collect::<Result<_, _>>()?,
            wildcards: config.wildcards,
            subject: config.subject,
        })
    }

    /// The first field in which `wanted` reaches further than this grant, if one does.
    fn exceeded_by(&self, wanted: &Self) -> Option<&'static str> {
        let within = |own: &[String], wanted: &[String]| {
            wanted.iter().all(|item| own.iter().any(|own| own == "*" || own == item))
        };
        let named =
            |pattern: &NamePattern| self.names.iter().any(|own| own.is_any() || own == pattern);
        let fields = [
            ("roles", wanted.roles.iter().all(|role| self.has(*role))),
            ("authorities", within(&self.authorities, &wanted.authorities)),
            ("profiles", within(&self.profiles, &wanted.profiles)),
            ("names", wanted.names.iter().all(named)),
            ("wildcards", self.wildcards || !wanted.wildcards),
            ("subject", self.subject == SubjectRule::Any || wanted.subject == SubjectRule::Names),
        ];
        fields.into_iter().find(|(_, holds)| !holds).map(|(field, _)| field)
    }

    /// What it takes in of certificates.
    fn reach(&self) -> Reach {
        let names = |list: &[String]| (!list.iter().any(|item| item == "*")).then(|| list.to_vec());
        Reach { authorities: names(&self.authorities), profiles: names(&self.profiles) }
    }

    fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|own| own.covers(role))
    }

    fn covers_name(&self, name: &AltName, facts: &Facts) -> bool {
        let wildcard = matches!(name, AltName::Dns(name) if name.is_wildcard());
        (self.wildcards || !wildcard)
            && self.names.iter().any(|pattern| pattern.covers(name, facts))
    }

    fn covers_subject(&self, subject: &DistinguishedName, names: &[AltName]) -> bool {
        if self.subject == SubjectRule::Any || subject.is_empty() {
            return true;
        }
        let one = subject.attribute_types().count() == 1;
        let common_name = subject.common_name();
        one && common_name.is_some_and(|text| names.iter().any(|name| says(text, name)))
    }
}

/// Whether a common name says the same as a name of the certificate.
fn says(text: &str, name: &AltName) -> bool {
    match name {
        AltName::Dns(name) => text.eq_ignore_ascii_case(name.as_str()),
        name => text == name.value(),
    }
}

fn any_or_named(list: &[String], name: &str) -> bool {
    list.iter().any(|item| item == "*" || item == name)
}

impl Grants {
    /// Whether it has the role in any grant.
    pub fn has(&self, role: Role) -> bool {
        self.all.iter().any(|grant| grant.has(role))
    }

    /// Every role that it has in any grant, admin's included.
    pub fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| self.has(*role)).collect()
    }

    /// Checks that it has the role.
    ///
    /// # Errors
    /// `Denied` names the roles that it has.
    pub(super) fn require(&self, who: &str, role: Role) -> Result<(), Denied> {
        if self.has(role) {
            return Ok(());
        }
        let roles = Role::ALL.into_iter().filter(|role| self.has(*role));
        let found = format!("a request that needs {role}");
        Err(Denied { who: who.to_owned(), field: "role", found, allowed: listed(roles) })
    }

    /// Checks that one of its grants with role admin has all of `wanted`: nobody gives away more
    /// than they have.
    ///
    /// # Errors
    /// `Denied` names the field.
    pub(super) fn may_give(&self, who: &str, wanted: &Grant) -> Result<(), Denied> {
        let mut exceeded = "role";
        for grant in self.all.iter().filter(|grant| grant.has(Role::Admin)) {
            match grant.exceeded_by(wanted) {
                None => return Ok(()),
                Some(field) => exceeded = field,
            }
        }
        let found = "a grant that reaches further than yours".to_owned();
        let allowed = "what one of your own grants with role admin has".to_owned();
        Err(Denied { who: who.to_owned(), field: exceeded, found, allowed })
    }

    /// What those of its grants take in that have one of the roles.
    pub(super) fn reaches(&self, roles: &[Role]) -> Vec<Reach> {
        let fits = |grant: &&Grant| roles.iter().any(|role| grant.has(*role));
        self.all.iter().filter(fits).map(Grant::reach).collect()
    }

    /// The grants with the role that reach the authority and the profile.
    fn reaching(
        &self,
        who: &str,
        role: Role,
        authority: &str,
        profile: &str,
    ) -> Result<Vec<&Grant>, Denied> {
        self.require(who, role)?;
        let refuse = |field, found: &str, allowed| {
            let found = quoted(found);
            Denied { who: who.to_owned(), field, found, allowed }
        };
        let with_role: Vec<_> = self.all.iter().filter(|grant| grant.has(role)).collect();
        let near: Vec<_> = with_role
            .iter()
            .copied()
            .filter(|grant| any_or_named(&grant.authorities, authority))
            .collect();
        if near.is_empty() {
            let allowed = listed(with_role.iter().flat_map(|grant| &grant.authorities));
            return Err(refuse("authority", authority, allowed));
        }
        let fitting: Vec<_> =
            near.iter().copied().filter(|grant| any_or_named(&grant.profiles, profile)).collect();
        if fitting.is_empty() {
            let allowed = listed(near.iter().flat_map(|grant| &grant.profiles));
            return Err(refuse("profile", profile, allowed));
        }
        Ok(fitting)
    }

    pub(super) fn may_act(
        &self,
        who: &str,
        role: Role,
        authority: &str,
        profile: &str,
    ) -> Result<(), Denied> {
        self.reaching(who, role, authority, profile).map(drop)
    }

    pub(super) fn may_issue(&self, who: &str, asked: Asked<'_>) -> Result<(), Denied> {
        let grants = self.reaching(who, Role::Requester, asked.authority, asked.profile)?;
        let refuse = |field, found, allowed| Denied { who: who.to_owned(), field, found, allowed };
        for name in asked.names {
            if !grants.iter().any(|grant| grant.covers_name(name, &self.facts)) {
                let wildcard = matches!(name, AltName::Dns(name) if name.is_wildcard());
                let mut allowed = listed(grants.iter().flat_map(|grant| &grant.names));
                if wildcard && !grants.iter().any(|grant| grant.wildcards) {
                    allowed.push_str(", and no wildcards");
                }
                return Err(refuse("names", name.to_string(), allowed));
            }
        }
        let covers =
            |grant: &&&Grant| asked.names.iter().all(|name| grant.covers_name(name, &self.facts));
        let whole: Vec<_> = grants.iter().filter(covers).collect();
        if whole.is_empty() {
            let found = format!("{} together", listed(asked.names));
            let allowed =
                "each, but not in one certificate: they belong to different grants".into();
            return Err(refuse("names", found, allowed));
        }
        if whole.iter().any(|grant| grant.covers_subject(asked.subject, asked.names)) {
            return Ok(());
        }
        let allowed = "nothing, or one common name that is among the names".into();
        Err(refuse("subject", asked.subject.to_string(), allowed))
    }
}

fn bounded(field: &'static str, list: &[String]) -> Result<(), GrantError> {
    if list.len() <= MAX_ENTRIES {
        return Ok(());
    }
    let allowed = format!("at most {MAX_ENTRIES}");
    Err(GrantError::Value { field, found: format!("{} entries", list.len()), allowed })
}

/// Names of authorities and profiles.
fn plain(field: &'static str, list: &[String]) -> Result<(), GrantError> {
    bounded(field, list)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let wrong = list
        .iter()
        .find(|text| *text != "*" && !((1..=64).contains(&text.len()) && text.bytes().all(fits)));
    match wrong {
        None => Ok(()),
        Some(text) => {
            let allowed = "*, or 1 to 64 letters, digits, hyphens, dots and underscores".into();
            let found = quoted(text);
            Err(GrantError::Value { field, found, allowed })
        }
    }
}

/// A grant that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A field's value.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A pattern of names.
    #[error("names: {0}")]
    Pattern(#[from] PatternError),
}

#[cfg(test)]
mod tests;
