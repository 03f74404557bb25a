//! For whom a service account's token must not be: the API server of Kubernetes, where whoever holds it may do what the
//! account may.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest token that is looked at, in octets.
const LONGEST: usize = 64 * 1024;

/// The audiences of the API server, as far as they are known here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiAudiences(Vec<String>);

/// The claim of a token (RFC 7519 section 4.1.3) that says for whom it is.
#[derive(Deserialize)]
struct Claims {
    aud: OneOrSeveral,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

impl ApiAudiences {
    /// Those of the token that this program itself shows the API server, from its file. None are
    /// known where it has none, or one that is no JWT.
    #[must_use]
    pub fn of_file(token: Option<&Path>) -> Self {
        let read = token.and_then(|path| std::fs::read_to_string(path).ok());
        read.map_or_else(Self::default, |text| Self::of_token(&Zeroizing::new(text)))
    }

    /// Those of a token for the API server. Who signed it does not matter: it only adds what is
    /// refused.
    #[must_use]
    pub fn of_token(token: &str) -> Self {
        let token = token.trim();
        let claims = token.split('.').nth(1).filter(|_| token.len() <= LONGEST);
        let octets = claims.and_then(|claims| Base64UrlUnpadded::decode_vec(claims).ok());
        let claims = octets.and_then(|octets| serde_json::from_slice::<Claims>(&octets).ok());
        Self(match claims.map(|claims| claims.aud) {
            None => Vec::new(),
            Some(OneOrSeveral::One(audience)) => vec![audience],
            Some(OneOrSeveral::Several(audiences)) => audiences,
        })
    }

    /// Whether this is one of them: one that is known, or a name by which every cluster knows its
    /// API server, with or without a scheme, port and path.
    #[must_use]
    pub fn include(&self, audience: &str) -> bool {
        if self.0.iter().any(|known| known == audience) {
            return true;
        }
        let lower = audience.trim().to_ascii_lowercase();
        let bare = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
        let host = bare.split(['/', ':', '?', '#']).next().unwrap_or_default();
        let host = host.trim_end_matches('.');
        matches!(host, "" | "kubernetes" | "kubernetes.default" | "kubernetes.default.svc")
            || host.starts_with("kubernetes.default.svc.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token whose claims are these.
    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", Base64UrlUnpadded::encode_string(claims.as_bytes()))
    }

    #[test]
    fn every_cluster_knows_its_api_server_by_these_names() {
        let unknown = ApiAudiences::default();
        for audience in [
            "https://kubernetes.default.svc",
            "https://kubernetes.default.svc.cluster.local",
            "https://kubernetes.default.svc.k8s.example:443/",
            "HTTPS://Kubernetes.default.svc.",
            "kubernetes.default.svc",
            "kubernetes.default",
            "kubernetes",
            "https://",
            "",
        ] {
            assert!(unknown.include(audience), "{audience}");
        }
        for audience in [
            "espalier",
            "https://espalier-server.ca.svc:8440",
            "https://kubernetes.default.example.com",
            "https://ca.example.com/kubernetes.default.svc",
            "kubernetes-ca",
        ] {
            assert!(!unknown.include(audience), "{audience}");
        }
    }

    #[test]
    fn another_name_is_known_by_our_own_token() {
        let several =
            ApiAudiences::of_token(&token(r#"{"aud":["https://oidc.example.com/7","api"]}"#));
        assert!(several.include("https://oidc.example.com/7") && several.include("api"));
        assert!(!several.include("https://oidc.example.com/8"));
        assert!(ApiAudiences::of_token(&token(r#"{"aud":"api"}"#)).include("api"));
        for nothing in
            [token("{}"), token(r#"{"aud":7}"#), "api".into(), "a.%.c".into(), String::new()]
        {
            assert_eq!(ApiAudiences::of_token(&nothing), ApiAudiences::default(), "{nothing}");
        }
        assert_eq!(ApiAudiences::of_file(None), ApiAudiences::default());
        assert_eq!(ApiAudiences::of_file(Some(Path::new("none"))), ApiAudiences::default());
    }
}
