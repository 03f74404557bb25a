//! The file of saved contexts: servers by name, and which one is asked unless another is named.
//!
//! It holds no secret: tokens and keys stand in files of their own, which it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use client::{Client, ClientError};
use etcetera::BaseStrategy as _;
use etcetera::base_strategy::Xdg;
use serde::{Deserialize, Serialize};

use crate::cli::{CliError, Exit};
use crate::output::{Content, Target};

/// The largest file that is read, in octets.
const MOST: u64 = 256 * 1024;
/// The version of this format.
const VERSION: u32 = 1;

/// A server, and how it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// Its URL.
    pub(crate) server: String,
    /// The file with the certificates that its own must lead to; otherwise those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The file with the token that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
    /// The file with the client certificate that is shown, and those above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_certificate_file: Option<PathBuf>,
    /// The file with its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_key_file: Option<PathBuf>,
}

impl Endpoint {
    /// A client that asks it; nothing is sent yet.
    ///
    /// # Errors
    /// `ClientError` for a URL that is not allowed, and files that can't be used.
    pub(crate) fn client(&self) -> Result<Client, ClientError> {
        let mut builder = Client::builder(&self.server);
        if let Some(path) = &self.ca_file {
            builder = builder.ca_file(path);
        }
        if let Some(path) = &self.token_file {
            builder = builder.token_file(path);
        }
        if let (Some(chain), Some(key)) = (&self.client_certificate_file, &self.client_key_file) {
            builder = builder.client_certificate(chain, key);
        }
        builder.build()
    }
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The version of this format: 1.
    version: u32,
    /// The context that is used unless another is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// The contexts by name.
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Endpoint>,
}

impl Default for Contexts {
    fn default() -> Self {
        Self { version: VERSION, current: None, contexts: BTreeMap::new() }
    }
}

/// Where the file is: `espalier/contexts.yaml` in the user's configuration folder (XDG).
///
/// # Errors
/// `CliError` with exit code 3 where the user has no home.
pub(crate) fn place() -> Result<PathBuf, CliError> {
    let base = Xdg::new().map_err(|error| {
        CliError::of(Exit::Environment, "contexts", &error).with_hint("set XDG_CONFIG_HOME")
    })?;
    Ok(base.config_dir().join("espalier").join("contexts.yaml"))
}

impl Contexts {
    /// Reads the file; empty where there is none.
    ///
    /// # Errors
    /// `CliError` with exit code 2 that names the file and what is wrong in it.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let failed =
            |error: &dyn std::error::Error| CliError::of(Exit::Usage, path.display(), error);
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(failed(&error)),
            Ok(metadata) if metadata.len() > MOST => {
                let found = metadata.len();
                let message = format!("{}: found {found} octets, allowed: {MOST}", path.display());
                return Err(CliError::usage(message));
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        Self::from_yaml(&text)
            .map_err(|reason| CliError::usage(format!("{}: {reason}", path.display())))
    }

    /// Reads its text.
    fn from_yaml(text: &str) -> Result<Self, String> {
        let read: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if read.version != VERSION {
            return Err(format!("version: found {}, allowed: {VERSION}", read.version));
        }
        if let Some(bad) = read.contexts.keys().find(|name| !is_name(name)) {
            return Err(format!("contexts: found {bad:?}, allowed: {NAMES}"));
        }
        match read.current.as_ref().filter(|name| !read.contexts.contains_key(*name)) {
            Some(name) => Err(format!("current: found {name:?}, allowed: {}", read.names())),
            None => Ok(read),
        }
    }

    /// Writes the file, mode 0600, whole or not at all.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when it can't be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), CliError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| crate::output::failed(folder.display(), &error))?;
        }
        let text = serde_saphyr::to_string(self)
            .map_err(|error| CliError::fault(format!("contexts: {error}")))?;
        Target::File(path.to_owned()).write(Content::Secret, text.as_bytes(), true)
    }

    /// A context.
    ///
    /// # Errors
    /// `CliError` with exit code 2 and the names that there are.
    pub(crate) fn find(&self, name: &str) -> Result<&Endpoint, CliError> {
        self.contexts.get(name).ok_or_else(|| {
            CliError::usage(format!("context: found {name:?}, allowed: {}", self.names()))
                .with_hint("`espalier context add` saves another")
        })
    }

    fn names(&self) -> String {
        match self.contexts.is_empty() {
            true => "none, as none is saved".to_owned(),
            false => self.contexts.keys().cloned().collect::<Vec<_>>().join(", "),
        }
    }
}

/// What a context may be called.
pub(crate) const NAMES: &str = "1 to 64 letters, digits, hyphens, dots and underscores";

/// Whether a context may be called so.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_unknown_is() {
        let endpoint = Endpoint {
            server: "https://ca.example".into(),
            token_file: Some("/run/token".into()),
            ..Endpoint::default()
        };
        let contexts = BTreeMap::from([("prod".to_owned(), endpoint)]);
        let file = Contexts { current: Some("prod".into()), contexts, ..Contexts::default() };
        let text = serde_saphyr::to_string(&file).unwrap();
        assert_eq!(Contexts::from_yaml(&text).unwrap(), file);
        for (from, to, words) in [
            ("version: 1", "version: 2", "version: found 2, allowed: 1"),
            ("token_file", "token", "unknown field"),
            ("current: prod", "current: test", "current: found \"test\", allowed: prod"),
            ("  prod:", "  a b:", "contexts: found \"a b\""),
        ] {
            assert!(text.contains(from), "{text}");
            let error = Contexts::from_yaml(&text.replace(from, to)).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
