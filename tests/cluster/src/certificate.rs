//! What cert-manager is asked for.

use std::fmt::Write as _;

/// A `Certificate`'s manifest.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its name, and its Secret's.
    pub name: &'a str,
    /// Kind and name of the issuer.
    pub issuer: (&'a str, &'a str),
    /// The rest of its spec, in YAML, each line at the beginning of it.
    pub spec: &'a str,
}

impl Wanted<'_> {
    /// In YAML.
    #[must_use]
    pub fn manifest(&self) -> String {
        let Self { name, issuer: (kind, issuer), spec } = self;
        let mut text = format!(
            "\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: {name}}}\nspec:\n  secretName: {name}\n  \
             issuerRef: {{group: espalier.dev, kind: {kind}, name: {issuer}}}\n"
        );
        for line in spec.lines() {
            let _ = writeln!(text, "  {line}"); // a String takes everything
        }
        text
    }
}
