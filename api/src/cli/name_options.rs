//! Subject alternative names on the command line.

use ca_core::general_name::{AltName, AltNameError, NameKind};

/// Subject alternative names.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct NameOptions {
    /// A host name, perhaps with a wildcard; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = dns)]
    dns: Vec<AltName>,

    /// An IPv4 or IPv6 address; may be given more than once
    #[arg(long, value_name = "ADDRESS", value_parser = ip)]
    ip: Vec<AltName>,

    /// An e-mail address; may be given more than once
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    email: Vec<AltName>,

    /// A URI, such as a SPIFFE ID; may be given more than once
    #[arg(long, value_name = "URI", value_parser = uri)]
    uri: Vec<AltName>,

    /// A user principal name (otherName), as Windows logs on with; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = upn)]
    upn: Vec<AltName>,
}

impl NameOptions {
    /// All of them, kind by kind.
    pub(super) fn all(&self) -> Vec<AltName> {
        [&self.dns, &self.ip, &self.email, &self.uri, &self.upn]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

fn dns(text: &str) -> Result<AltName, AltNameError> {
    AltName::of_kind(NameKind::Dns, text)
}

fn ip(text: &str) -> Result<AltName, AltNameError> {
    AltName::of_kind(NameKind::Ip, text)
}

fn email(text: &str) -> Result<AltName, AltNameError> {
    AltName::of_kind(NameKind::Email, text)
}

fn uri(text: &str) -> Result<AltName, AltNameError> {
    AltName::of_kind(NameKind::Uri, text)
}

fn upn(text: &str) -> Result<AltName, AltNameError> {
    AltName::of_kind(NameKind::Upn, text)
}
