//! From YAML's fields to a profile: every value checked, once.

use const_oid::ObjectIdentifier;
use der::asn1::{Ia5String, Null};
use der::flagset::FlagSet;
use x509_cert::ext::Extension as EncodedExtension;
use x509_cert::ext::pkix::constraints::NameConstraints;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, KeyUsages, certpolicy::PolicyInformation,
};

use super::config::{
    FamilyConfig, KeyReuseConfig, KindConfig, NamesConfig, ProfileConfig, RelatedConfig,
};
use super::usage::{extended_key_usage_named, key_usage_named};
use super::{
    Copies, KeyReuse, KeyRule, NameRule, Profile, ProfileError, ProfileKind, RelatedRule,
    SubjectRule, ValidityRule,
};
use crate::algorithm::{Family, KeyAlgorithm};
use crate::extensions::oid;
use crate::general_name::{AbsoluteUri, DnsName, MAX_NAMES, NameKind, NameSubtree};
use crate::lint::{LintOverride, LintOverrides};
use crate::name::AttributeType;
use crate::plan::encode;

const ACCESS_OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const ACCESS_CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");
/// A hundred years; longer is a mistake in the unit.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;
/// The longest backdating, one day.
const MAX_BACKDATE: u64 = 86_400;

/// The profile's name travels with every error.
struct Checker {
    profile: String,
}

pub(super) fn profile(config: ProfileConfig) -> Result<Profile, ProfileError> {
    let checker = Checker { profile: config.name.chars().take(64).collect() };
    let kind = match config.kind {
        KindConfig::Root => ProfileKind::Root,
        KindConfig::Issuing => ProfileKind::Issuing,
        KindConfig::Cross => ProfileKind::Cross,
        KindConfig::Leaf => ProfileKind::Leaf,
    };
    checker.name(&config.name)?;
    let key_usages = checker.key_usages(&config, kind)?;
    let extended_key_usages = checker.extended_key_usages(&config)?;
    let extended_key_usage = match extended_key_usages.is_empty() {
        true => None,
        false => Some(checker.encoded(encode::extension_of(
            oid::EXTENDED_KEY_USAGE,
            false,
            &extended_key_usages,
        ))?),
    };
    checker.authority_fields(&config, kind)?;
    Ok(Profile {
        kind,
        keys: checker.keys(&config, kind)?,
        names: checker.names(&config.names)?,
        subject: checker.subject(&config)?,
        validity: checker.validity(&config)?,
        path_length: config.path_length,
        copies: checker.copies(&config)?,
        related: checker.related(&config, kind)?,
        key_reuse: checker.key_reuse(&config, kind)?,
        fixed: checker.fixed_extensions(&config)?,
        lints: checker.lints(&config)?,
        crl_places: config.crl_distribution_points,
        key_usages,
        extended_key_usages,
        extended_key_usage,
        name: config.name,
        description: config.description,
    })
}

impl Checker {
    fn value(
        &self,
        field: &'static str,
        found: impl ToString,
        allowed: impl Into<String>,
    ) -> ProfileError {
        let found = found.to_string().chars().take(100).collect();
        ProfileError::Value { profile: self.profile.clone(), field, found, allowed: allowed.into() }
    }

    fn contradiction(&self, reason: &'static str) -> ProfileError {
        ProfileError::Contradiction { profile: self.profile.clone(), reason }
    }

    fn encoded<T>(&self, result: Result<T, der::Error>) -> Result<T, ProfileError> {
        result.map_err(|_| self.contradiction("its extensions are too large for DER"))
    }

    fn name(&self, name: &str) -> Result<(), ProfileError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
            return Ok(());
        }
        Err(self.value("name", name, "1 to 64 of a to z, 0 to 9 and hyphen"))
    }

    fn lints(&self, config: &ProfileConfig) -> Result<LintOverrides, ProfileError> {
        let refuse = |reason| ProfileError::Lint { profile: self.profile.clone(), reason };
        let all = config
            .lints
            .iter()
            .map(|lint| LintOverride::new(&lint.id, &lint.severity, &lint.reason).map_err(refuse));
        LintOverrides::new(all.collect::<Result<_, _>>()?).map_err(refuse)
    }

    fn keys(&self, config: &ProfileConfig, kind: ProfileKind) -> Result<KeyRule, ProfileError> {
        let families = config.subject_keys.families.iter().map(|family| match family {
            FamilyConfig::Classical => Family::Classical,
            FamilyConfig::PostQuantum => Family::PostQuantum,
            FamilyConfig::Composite => Family::Composite,
            FamilyConfig::Kem => Family::Kem,
        });
        let algorithms = config.subject_keys.algorithms.iter().map(|text| {
            KeyAlgorithm::named(text).map_err(|error| {
                self.value(
                    "subject_keys.algorithms",
                    error.found(),
                    "the names that `espalier algorithms` lists",
                )
            })
        });
        let rule = KeyRule {
            families: families.collect(),
            algorithms: algorithms.collect::<Result<_, _>>()?,
        };
        if rule.families.is_empty() && rule.algorithms.is_empty() {
            return Err(self.contradiction(
                "subject_keys allows nothing; allowed is at least one of families (classical, post-quantum, composite, kem) or algorithms",
            ));
        }
        let mut algorithms = rule.algorithms.iter().map(|algorithm| algorithm.family());
        let establishes =
            rule.families.contains(&Family::Kem) || algorithms.any(|family| family == Family::Kem);
        if establishes && kind.is_authority() {
            return Err(self.contradiction(
                "subject_keys allows ML-KEM, which can't sign; allowed only when kind is leaf",
            ));
        }
        Ok(rule)
    }

    fn key_usages(
        &self,
        config: &ProfileConfig,
        kind: ProfileKind,
    ) -> Result<FlagSet<KeyUsages>, ProfileError> {
        let mut usages = FlagSet::default();
        for text in &config.key_usages {
            usages |= key_usage_named(text).ok_or_else(|| {
                self.value("key_usages", text, "digital_signature, non_repudiation, key_encipherment, data_encipherment, key_agreement, key_cert_sign, crl_sign, encipher_only and decipher_only")
            })?;
        }
        if kind.is_authority() != usages.contains(KeyUsages::KeyCertSign) {
            return Err(self.contradiction(
                "key_usages must hold key_cert_sign exactly when kind is root, issuing or cross",
            ));
        }
        if usages.is_empty() {
            return Err(self.value("key_usages", "empty", "at least one usage"));
        }
        Ok(usages)
    }

    fn extended_key_usages(
        &self,
        config: &ProfileConfig,
    ) -> Result<Vec<ObjectIdentifier>, ProfileError> {
        let mut usages = Vec::new();
        for text in &config.extended_key_usages {
            let usage = extended_key_usage_named(text).ok_or_else(|| {
                self.value("extended_key_usages", text, "server_auth, client_auth, code_signing, email_protection, time_stamping, ocsp_signing, smartcard_logon and dotted identifiers")
            })?;
            if usages.contains(&usage) {
                return Err(self.value("extended_key_usages", text, "each usage once"));
            }
            usages.push(usage);
        }
        Ok(usages)
    }

    fn authority_fields(
        &self,
        config: &ProfileConfig,
        kind: ProfileKind,
    ) -> Result<(), ProfileError> {
        let constraints = &config.name_constraints;
        let constrained = !constraints.permitted.is_empty() || !constraints.excluded.is_empty();
        if !kind.is_authority() && (config.path_length.is_some() || constrained) {
            return Err(self.contradiction(
                "path_length and name_constraints are allowed only when kind is root, issuing or cross",
            ));
        }
        if kind.is_authority() && !config.names.kinds.is_empty() {
            return Err(self.contradiction("names.kinds must be empty unless kind is leaf"));
        }
        Ok(())
    }

    fn names(&self, config: &NamesConfig) -> Result<NameRule, ProfileError> {
        let kind = |text: &String| {
            let wrong = || self.value("names.kinds", text, "dns, ip, email, uri and upn");
            NameKind::named(text).ok_or_else(wrong)
        };
        let kinds = config.kinds.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
        let max = config.max.unwrap_or(MAX_NAMES);
        if !(1..=MAX_NAMES).contains(&max) {
            return Err(self.value("names.max", max, "1 to 100"));
        }
        if config.required && kinds.is_empty() {
            return Err(self.contradiction("names.required needs at least one of names.kinds"));
        }
        if config.from_common_name && !kinds.contains(&NameKind::Dns) {
            return Err(self.contradiction("names.from_common_name needs dns in names.kinds"));
        }
        let is_domain = |text| DnsName::new(text).is_ok_and(|name| !name.is_wildcard());
        for suffix in &config.dns_suffixes {
            if !is_domain(suffix.strip_prefix('.').unwrap_or(suffix)) {
                let allowed = "a DNS name such as example.com";
                return Err(self.value("names.dns_suffixes", suffix, allowed));
            }
        }
        // An address is in a domain or not: nothing is below it, so that a dot would match none.
        for domain in &config.email_domains {
            if !is_domain(domain) {
                let allowed = "a DNS name such as example.com, without a dot in front";
                return Err(self.value("names.email_domains", domain, allowed));
            }
        }
        // A prefix must end its host, or https://example.com would allow https://example.com.evil.
        for prefix in &config.uri_prefixes {
            let ended = prefix
                .split_once("://")
                .map_or(prefix.contains(':'), |(_, rest)| rest.is_empty() || rest.contains('/'));
            if !ended {
                let allowed = "a scheme with :// alone, or with a host and a slash after it";
                return Err(self.value("names.uri_prefixes", prefix, allowed));
            }
        }
        Ok(NameRule {
            required: config.required,
            kinds,
            max,
            wildcards: config.wildcards,
            dns_suffixes: config.dns_suffixes.clone(),
            email_domains: config.email_domains.clone(),
            uri_prefixes: config.uri_prefixes.clone(),
            from_common_name: config.from_common_name,
        })
    }

    fn subject(&self, config: &ProfileConfig) -> Result<SubjectRule, ProfileError> {
        let read = |field: &'static str, list: &[String]| {
            let types = list.iter().map(|text| {
                let allowed = "CN, O, OU, C, ST, L and the others of docs/profiles.md";
                AttributeType::named(text).map_err(|_| self.value(field, text, allowed))
            });
            types.collect::<Result<Vec<_>, _>>()
        };
        let allowed = read("subject.allowed", &config.subject.allowed)?;
        let required = read("subject.required", &config.subject.required)?;
        if required.iter().any(|needed| !allowed.contains(needed)) {
            return Err(self.contradiction("subject.required must be part of subject.allowed"));
        }
        Ok(SubjectRule { allowed, required })
    }

    fn validity(&self, config: &ProfileConfig) -> Result<ValidityRule, ProfileError> {
        let default_seconds = self.seconds(
            config.validity_days,
            config.validity_seconds,
            "exactly one of validity_days and validity_seconds must stand",
        )?;
        let max_seconds = self.seconds(
            config.max_validity_days,
            config.max_validity_seconds,
            "exactly one of max_validity_days and max_validity_seconds must stand",
        )?;
        if default_seconds > max_seconds {
            return Err(self.contradiction("the default validity is longer than max_validity"));
        }
        if config.backdate_seconds > MAX_BACKDATE {
            return Err(self.value("backdate_seconds", config.backdate_seconds, "0 to 86400"));
        }
        let backdate_seconds = config.backdate_seconds;
        Ok(ValidityRule { default_seconds, max_seconds, backdate_seconds })
    }

    fn seconds(
        &self,
        days: Option<u64>,
        seconds: Option<u64>,
        exactly_one: &'static str,
    ) -> Result<u64, ProfileError> {
        let found = match (days, seconds) {
            (Some(days), None) => days.saturating_mul(86_400),
            (None, Some(seconds)) => seconds,
            _ => return Err(self.contradiction(exactly_one)),
        };
        if (1..=MAX_SECONDS).contains(&found) {
            return Ok(found);
        }
        Err(self.value("a validity in seconds", found, "1 second to 100 years"))
    }

    fn key_reuse(
        &self,
        config: &ProfileConfig,
        kind: ProfileKind,
    ) -> Result<KeyReuse, ProfileError> {
        match (config.key_reuse, kind.is_authority()) {
            (KeyReuseConfig::SameKey, _) => Ok(KeyReuse::SameKey),
            (KeyReuseConfig::Refused, false) => Ok(KeyReuse::Refused),
            (KeyReuseConfig::Refused, true) => Err(self.contradiction(
                "key_reuse: refused is allowed only when kind is leaf: an authority keeps its key",
            )),
        }
    }

    fn related(
        &self,
        config: &ProfileConfig,
        kind: ProfileKind,
    ) -> Result<RelatedRule, ProfileError> {
        let rule = match config.related_certificate {
            RelatedConfig::Ignore => RelatedRule::Ignore,
            RelatedConfig::Allow => RelatedRule::Allow,
            RelatedConfig::Require => RelatedRule::Require,
        };
        if rule != RelatedRule::Ignore && kind != ProfileKind::Leaf {
            return Err(self.contradiction("related_certificate is for leaf profiles"));
        }
        Ok(rule)
    }

    fn copies(&self, config: &ProfileConfig) -> Result<Copies, ProfileError> {
        let mut copies = Copies::default();
        for text in &config.copy_extensions {
            match text.as_str() {
                "subject_alt_name" => copies.subject_alt_name = true,
                "key_usage" => copies.key_usage = true,
                "extended_key_usage" => copies.extended_key_usage = true,
                other => copies.others.push(self.copied(other)?),
            }
        }
        Ok(copies)
    }

    /// An extension that a stranger may choose: none that says what the certificate may do.
    fn copied(&self, text: &str) -> Result<ObjectIdentifier, ProfileError> {
        // The whole of id-ce (2.5.29) and of id-pe's authorityInfoAccess is the CA's to set.
        let ours = [oid::AUTHORITY_INFO_ACCESS, oid::OCSP_NO_CHECK, oid::RELATED_CERTIFICATE];
        let identifier = text.parse::<ObjectIdentifier>().ok();
        let allowed = "subject_alt_name, key_usage, extended_key_usage and dotted identifiers outside 2.5.29 that the authority does not set itself";
        identifier
            // The identifier as it prints: the text may hold leading zeros.
            .filter(|oid| !ours.contains(oid) && !oid.to_string().starts_with("2.5.29."))
            .ok_or_else(|| self.value("copy_extensions", text, allowed))
    }

    /// The rest of crypto.md's order: name constraints, policies, where the CRL, OCSP and issuer
    /// are, and OCSP's no-check.
    fn fixed_extensions(
        &self,
        config: &ProfileConfig,
    ) -> Result<Vec<EncodedExtension>, ProfileError> {
        let all = [
            self.name_constraints(config)?,
            self.policies(config)?,
            self.crl_distribution_points(config)?,
            self.authority_info_access(config)?,
        ];
        let mut all: Vec<EncodedExtension> = all.into_iter().flatten().collect();
        if config.ocsp_no_check {
            all.push(self.encoded(encode::extension_of(oid::OCSP_NO_CHECK, false, &Null))?);
        }
        Ok(all)
    }

    fn name_constraints(
        &self,
        config: &ProfileConfig,
    ) -> Result<Option<EncodedExtension>, ProfileError> {
        let subtrees = |field: &'static str, list: &[String]| {
            let all = list.iter().map(|text| {
                let subtree = NameSubtree::parse(text).map(|subtree| subtree.to_subtree());
                subtree.map_err(|error| self.value(field, text, error.to_string()))
            });
            all.collect::<Result<Vec<_>, _>>().map(|all| (!all.is_empty()).then_some(all))
        };
        let constraints = &config.name_constraints;
        let constraints = NameConstraints {
            permitted_subtrees: subtrees("name_constraints.permitted", &constraints.permitted)?,
            excluded_subtrees: subtrees("name_constraints.excluded", &constraints.excluded)?,
        };
        if constraints.permitted_subtrees.is_none() && constraints.excluded_subtrees.is_none() {
            return Ok(None);
        }
        let encoded = encode::extension_of(oid::NAME_CONSTRAINTS, true, &constraints);
        self.encoded(encoded).map(Some)
    }

    fn policies(&self, config: &ProfileConfig) -> Result<Option<EncodedExtension>, ProfileError> {
        let policy = |text: &String| {
            let wrong = |_| self.value("policies", text, "a dotted identifier");
            let policy_identifier = text.parse().map_err(wrong)?;
            Ok(PolicyInformation { policy_identifier, policy_qualifiers: None })
        };
        let policies = config.policies.iter().map(policy).collect::<Result<Vec<_>, _>>()?;
        // RFC 5280 section 4.2.1.4: a policy must not stand twice.
        let mut rest = &policies[..];
        while let Some((first, others)) = rest.split_first() {
            if others.iter().any(|one| one.policy_identifier == first.policy_identifier) {
                return Err(self.value("policies", first.policy_identifier, "each policy once"));
            }
            rest = others;
        }
        if policies.is_empty() {
            return Ok(None);
        }
        let encoded = encode::extension_of(oid::CERTIFICATE_POLICIES, false, &policies);
        self.encoded(encoded).map(Some)
    }

    fn crl_distribution_points(
        &self,
        config: &ProfileConfig,
    ) -> Result<Option<EncodedExtension>, ProfileError> {
        let point = |url: &String| {
            let name = self.url("crl_distribution_points", url)?;
            Ok(DistributionPoint {
                distribution_point: Some(DistributionPointName::FullName(vec![name])),
                reasons: None,
                crl_issuer: None,
            })
        };
        let points: Vec<DistributionPoint> =
            config.crl_distribution_points.iter().map(point).collect::<Result<_, _>>()?;
        if points.is_empty() {
            return Ok(None);
        }
        let encoded = encode::extension_of(oid::CRL_DISTRIBUTION_POINTS, false, &points);
        self.encoded(encoded).map(Some)
    }

    fn authority_info_access(
        &self,
        config: &ProfileConfig,
    ) -> Result<Option<EncodedExtension>, ProfileError> {
        let ocsp = config.ocsp_urls.iter().map(|url| ("ocsp_urls", ACCESS_OCSP, url));
        let issuers =
            config.ca_issuers_urls.iter().map(|url| ("ca_issuers_urls", ACCESS_CA_ISSUERS, url));
        let descriptions = ocsp.chain(issuers).map(|(field, access_method, url)| {
            let access_location = self.url(field, url)?;
            Ok(AccessDescription { access_method, access_location })
        });
        let descriptions = descriptions.collect::<Result<Vec<_>, _>>()?;
        if descriptions.is_empty() {
            return Ok(None);
        }
        let access = AuthorityInfoAccessSyntax(descriptions);
        let encoded = encode::extension_of(oid::AUTHORITY_INFO_ACCESS, false, &access);
        self.encoded(encoded).map(Some)
    }

    /// A place to fetch from. Plain HTTP, since checking a TLS server's certificate could need
    /// what is fetched (RFC 5280 section 8).
    fn url(&self, field: &'static str, url: &str) -> Result<GeneralName, ProfileError> {
        let wrong = || self.value(field, url, "an http:// URL (not https, RFC 5280 section 8)");
        let checked = AbsoluteUri::new(url).ok().filter(|url| url.as_str().starts_with("http://"));
        let name = checked.and_then(|url| Ia5String::new(url.as_str()).ok());
        name.map(GeneralName::UniformResourceIdentifier).ok_or_else(wrong)
    }
}
