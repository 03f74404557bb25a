//! URLs of revocation lists that this server hands out.

use ca_core::general_name::AbsoluteUri;
use serde::Deserialize;

/// `http://HOST/crl/NAME.crl`: as certificates and lists name it, and the name of the file here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ListUrl {
    uri: AbsoluteUri,
    name: String,
}

/// A URL that does not lead here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "found {found:?}, allowed is http://HOST/crl/NAME.crl, NAME of 1 to 64 letters, digits, hyphens and underscores"
)]
pub struct NoListUrl {
    found: String,
}

impl ListUrl {
    /// All of it.
    pub fn uri(&self) -> &AbsoluteUri {
        &self.uri
    }

    /// The file's name without `.crl`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl TryFrom<String> for ListUrl {
    type Error = NoListUrl;

    fn try_from(text: String) -> Result<Self, NoListUrl> {
        let rest = text.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        let name = rest.and_then(|(_, path)| path.strip_prefix("crl/")?.strip_suffix(".crl"));
        let name = name.filter(|name| is_plain(name)).map(str::to_owned);
        match (AbsoluteUri::new(&text), name) {
            (Ok(uri), Some(name)) => Ok(Self { uri, name }),
            _ => Err(NoListUrl { found: text }),
        }
    }
}

fn is_plain(name: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_url_leads_to_one_file_of_this_server() {
        let read = |text: &str| ListUrl::try_from(text.to_owned());
        let url = read("http://pki.example/crl/issuing-1.crl").unwrap();
        assert_eq!(
            (url.name(), url.uri().as_str()),
            ("issuing-1", "http://pki.example/crl/issuing-1.crl")
        );
        assert_eq!(read("http://pki.example:8480/crl/A_b.crl").unwrap().name(), "A_b");
        for text in [
            "https://pki.example/crl/a.crl",
            "http://pki.example/a.crl",
            "http://pki.example/x/crl/a.crl",
            "http://pki.example/crl/a.pem",
            "http://pki.example/crl/.crl",
            "http://pki.example/crl/..crl",
            "http://pki.example/crl/a/b.crl",
            "http://pki.example/crl/a%2e.crl",
            "http://pki.example/crl/a.crl?x",
            "http:///crl/a.crl",
            "",
        ] {
            let refusal = read(text).unwrap_err().to_string();
            assert!(refusal.contains(&format!("{text:?}")), "{refusal}");
        }
    }
}
