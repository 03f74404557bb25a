//! Profiles as they stand in YAML.

use serde::Deserialize;

use super::{MAX_PROFILE_SIZE, ProfileError};
use crate::escape::{escaped, quoted, shortened};

/// The file's top level.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileConfig {
    /// Read before all others, as [`VersionOnly`].
    #[serde(rename = "version")]
    pub(super) _version: u32,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) kind: KindConfig,
    pub(super) subject_keys: SubjectKeysConfig,
    pub(super) key_usages: Vec<String>,
    #[serde(default)]
    pub(super) extended_key_usages: Vec<String>,
    #[serde(default)]
    pub(super) names: NamesConfig,
    #[serde(default)]
    pub(super) subject: SubjectConfig,
    #[serde(default)]
    pub(super) validity_seconds: Option<u64>,
    #[serde(default)]
    pub(super) validity_days: Option<u64>,
    #[serde(default)]
    pub(super) max_validity_seconds: Option<u64>,
    #[serde(default)]
    pub(super) max_validity_days: Option<u64>,
    #[serde(default)]
    pub(super) backdate_seconds: u64,
    #[serde(default)]
    pub(super) path_length: Option<u8>,
    #[serde(default)]
    pub(super) name_constraints: NameConstraintsConfig,
    #[serde(default)]
    pub(super) policies: Vec<String>,
    #[serde(default)]
    pub(super) crl_distribution_points: Vec<String>,
    #[serde(default)]
    pub(super) ocsp_urls: Vec<String>,
    #[serde(default)]
    pub(super) ca_issuers_urls: Vec<String>,
    #[serde(default = "subject_alt_name_only")]
    pub(super) copy_extensions: Vec<String>,
    #[serde(default)]
    pub(super) ocsp_no_check: bool,
    #[serde(default)]
    pub(super) lints: Vec<LintConfig>,
    #[serde(default)]
    pub(super) key_reuse: KeyReuseConfig,
    #[serde(default)]
    pub(super) related_certificate: RelatedConfig,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
pub(super) enum RelatedConfig {
    #[default]
    Ignore,
    Allow,
    Require,
}

/// A lint that is more or less severe than by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LintConfig {
    pub(super) id: String,
    pub(super) severity: String,
    pub(super) reason: String,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyReuseConfig {
    #[default]
    SameKey,
    Refused,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum KindConfig {
    Root,
    Issuing,
    Cross,
    Leaf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectKeysConfig {
    #[serde(default)]
    pub(super) families: Vec<FamilyConfig>,
    #[serde(default)]
    pub(super) algorithms: Vec<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FamilyConfig {
    Classical,
    PostQuantum,
    Composite,
    Kem,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesConfig {
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) kinds: Vec<String>,
    #[serde(default)]
    pub(super) max: Option<usize>,
    #[serde(default)]
    pub(super) wildcards: bool,
    #[serde(default)]
    pub(super) dns_suffixes: Vec<String>,
    #[serde(default)]
    pub(super) email_domains: Vec<String>,
    #[serde(default)]
    pub(super) uri_prefixes: Vec<String>,
    #[serde(default)]
    pub(super) from_common_name: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectConfig {
    #[serde(default)]
    pub(super) allowed: Vec<String>,
    #[serde(default)]
    pub(super) required: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct NameConstraintsConfig {
    #[serde(default)]
    pub(super) permitted: Vec<String>,
    #[serde(default)]
    pub(super) excluded: Vec<String>,
}

fn subject_alt_name_only() -> Vec<String> {
    vec!["subject_alt_name".to_owned()]
}

/// Only the version, read first so that a file of a later version is refused by its version and
/// not by the first field that this one does not know.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl ProfileConfig {
    pub(super) fn from_yaml(text: &str) -> Result<Self, ProfileError> {
        if text.len() > MAX_PROFILE_SIZE {
            return Err(ProfileError::TooLarge { found: text.len() });
        }
        let version = serde_saphyr::from_str::<VersionOnly>(text)
            .map_err(|error| yaml(text, &error))?
            .version;
        if version != 1 {
            return Err(ProfileError::Version { found: version });
        }
        serde_saphyr::from_str(text).map_err(|error| yaml(text, &error))
    }
}

/// Characters of the parser's reason that are told: an unknown field is told with all known ones.
const LONGEST_REASON: usize = 1000;
/// Characters of the line that are told.
const LONGEST_LINE: usize = 100;

/// The parser's reason, and the line that it stumbled over: it names no field for a value of the
/// wrong type. Both hold text of the file.
fn yaml(text: &str, error: &serde_saphyr::Error) -> ProfileError {
    let reason = shortened(&escaped(&error.without_snippet().to_string()), LONGEST_REASON);
    let line = error.location().and_then(|location| {
        let index = usize::try_from(location.line()).ok()?.checked_sub(1)?;
        text.lines().nth(index)
    });
    let found = line.map(|line| quoted(shortened(&escaped(line.trim()), LONGEST_LINE)));
    ProfileError::Yaml {
        reason: match found {
            Some(found) => format!("{reason}, found {found}"),
            None => reason,
        },
    }
}
