//! `openssl verify`: its options, and its verdicts on many files.

use std::collections::HashMap;

use crate::openssl::{OpenSsl, ended};

/// OpenSSL's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Theirs {
    /// OK.
    Accepts,
    /// It can't load the certificate.
    Unreadable,
    /// What it holds against the path: numbers of `X509_V_ERR_…` and the depth, 0 for the leaf.
    Refuses(Vec<(u32, u32)>),
}

impl Theirs {
    /// Whether it refuses for nothing but these errors.
    #[must_use]
    pub fn only(&self, errors: &[u32]) -> bool {
        match self {
            Self::Refuses(found) => {
                !found.is_empty() && found.iter().all(|(error, _)| errors.contains(error))
            }
            Self::Accepts | Self::Unreadable => false,
        }
    }
}

/// Judges files of its folder. Every file gets a verdict.
///
/// # Panics
/// When it can't be run, or says nothing of a file.
pub(super) fn verify(openssl: &OpenSsl, options: &str, files: &[String]) -> Vec<Theirs> {
    let mut command = openssl.command(&format!("verify {options}"));
    let child = command.args(files).spawn().expect("openssl starts");
    let output = ended(child);
    let good = String::from_utf8_lossy(&output.octets).into_owned();
    let mut verdicts: HashMap<&str, Theirs> = good
        .lines()
        .filter_map(|line| Some((line.strip_suffix(": OK")?, Theirs::Accepts)))
        .collect();
    let mut errors = Vec::new();
    for line in output.error.lines() {
        if let Some(error) = numbered(line) {
            errors.push(error);
        } else if let Some(rest) = line.strip_prefix("error ")
            && let Some(file) = rest.strip_suffix(": verification failed")
        {
            verdicts.insert(file, Theirs::Refuses(std::mem::take(&mut errors)));
        } else if line.starts_with("Could not")
            && let Some((_, file)) = line.split_once(" from ")
        {
            verdicts.insert(file.trim(), Theirs::Unreadable);
            errors.clear();
        }
    }
    let verdict = |file: &String| {
        let found = verdicts.get(file.as_str()).cloned();
        found.unwrap_or_else(|| panic!("openssl says nothing of {file}:\n{}", output.error))
    };
    files.iter().map(verdict).collect()
}

/// `error 20 at 0 depth lookup: unable to get local issuer certificate`.
fn numbered(line: &str) -> Option<(u32, u32)> {
    let (error, rest) = line.strip_prefix("error ")?.split_once(" at ")?;
    let (depth, _) = rest.split_once(" depth lookup")?;
    Some((error.parse().ok()?, depth.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_their_depth() {
        let line = "error 20 at 0 depth lookup: unable to get local issuer certificate";
        assert_eq!(numbered(line), Some((20, 0)));
        assert_eq!(numbered("error leaf.pem: verification failed"), None);
    }

    #[test]
    fn a_set_of_errors_explains_only_when_there_is_no_other() {
        let refused = Theirs::Refuses(vec![(92, 0), (85, 1)]);
        assert!(refused.only(&[85, 92]) && !refused.only(&[85]));
        assert!(!Theirs::Refuses(Vec::new()).only(&[85]) && !Theirs::Accepts.only(&[85]));
    }
}
