//! One method for each route of the API.

use reqwest::Method;
use serde::Serialize;
use url::Url;

use crate::error::ClientError;
use crate::export::Export;
use crate::http::{Call, Client, JSON};
use crate::idempotency_key::IdempotencyKey;
use crate::listing::Listing;
use crate::v1::{
    AlgorithmList, AuditEvent, AuditPage, Authority, AuthorityList, Certificate, CertificatePage,
    CheckedCertificate, CreateToken, Health, IssueCertificate, PageParameters, ProfileList,
    Readiness, RenewCertificate, RevocationList, RevokeCertificate, SearchAudit,
    SearchCertificates, Token, TokenPage,
};

/// A method and a path of the API, with a place in braces.
#[derive(Debug)]
pub(crate) struct Route {
    method: Method,
    path: &'static str,
}

macro_rules! routes {
    ($($name:ident $method:ident $path:literal;)*) => {
        $(static $name: Route = Route { method: Method::$method, path: $path };)*

        // A route that no method of the client uses is dead code, which the build refuses.
        #[cfg(test)]
        static ROUTES: &[&Route] = &[$(&$name),*];
    };
}

routes! {
    ISSUE POST "/v1/certificates";
    SEARCH GET "/v1/certificates";
    SHOW GET "/v1/certificates/{serial}";
    RENEW POST "/v1/certificates/{serial}/renew";
    REVOKE POST "/v1/certificates/{serial}/revoke";
    CHECK POST "/v1/certificates:check";
    AUTHORITIES GET "/v1/authorities";
    AUTHORITY GET "/v1/authorities/{name}";
    REVOCATION_LIST GET "/v1/authorities/{name}/crl";
    PROFILES GET "/v1/profiles";
    ALGORITHMS GET "/v1/algorithms";
    CREATE_TOKEN POST "/v1/tokens";
    TOKENS GET "/v1/tokens";
    REVOKE_TOKEN DELETE "/v1/tokens/{id}";
    AUDIT GET "/v1/audit";
    EXPORT GET "/v1/ledger/export";
    HEALTH GET "/healthz";
    READINESS GET "/readyz";
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What the server says of it, with the certificate and its chain in PEM.
    pub certificate: Certificate,
    /// Whether it was issued for an earlier request with the same key.
    pub replayed: bool,
}

impl Client {
    /// Asks for a certificate. Sent again, with the same key, it gets the same certificate.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn issue(
        &self,
        order: &IssueCertificate,
        key: &IdempotencyKey,
    ) -> Result<Issued, ClientError> {
        self.issued(&ISSUE, None, order, key).await
    }

    /// What would be issued; nothing is recorded.
    ///
    /// # Errors
    /// `ClientError`, as [`Self::issue`] would.
    pub async fn check(&self, order: &IssueCertificate) -> Result<CheckedCertificate, ClientError> {
        let call = self.call(&CHECK, None)?.body(order);
        self.json(self.send(&call).await?).await
    }

    /// Asks for a certificate once more, by its serial number or fingerprint.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn renew(
        &self,
        which: &str,
        order: &RenewCertificate,
        key: &IdempotencyKey,
    ) -> Result<Issued, ClientError> {
        self.issued(&RENEW, Some(which), order, key).await
    }

    /// Revokes a certificate, by its serial number or fingerprint. When the answer is lost, the
    /// next one is `already-revoked`.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn revoke(
        &self,
        which: &str,
        why: &RevokeCertificate,
    ) -> Result<Certificate, ClientError> {
        let call = self.call(&REVOKE, Some(which))?.body(why);
        self.json(self.send(&call).await?).await
    }

    /// A certificate, by its serial number or fingerprint.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn certificate(&self, which: &str) -> Result<Certificate, ClientError> {
        let call = self.call(&SHOW, Some(which))?;
        self.json(self.send(&call).await?).await
    }

    /// One page of the certificates that fit.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn certificates(
        &self,
        search: &SearchCertificates,
    ) -> Result<CertificatePage, ClientError> {
        self.page(&SEARCH, search).await
    }

    /// Every certificate that fits, the newest first.
    pub fn all_certificates(&self, search: SearchCertificates) -> Listing<Certificate> {
        Listing::new(self.clone(), &SEARCH, search)
    }

    /// The authorities.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn authorities(&self) -> Result<Vec<Authority>, ClientError> {
        let call = self.call(&AUTHORITIES, None)?;
        let list: AuthorityList = self.json(self.send(&call).await?).await?;
        Ok(list.authorities)
    }

    /// An authority, by its name.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn authority(&self, name: &str) -> Result<Authority, ClientError> {
        let call = self.call(&AUTHORITY, Some(name))?;
        self.json(self.send(&call).await?).await
    }

    /// The newest complete revocation list of an authority.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn revocation_list(&self, authority: &str) -> Result<RevocationList, ClientError> {
        let call = self.call(&REVOCATION_LIST, Some(authority))?;
        self.json(self.send(&call).await?).await
    }

    /// The profiles that may be asked for.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn profiles(&self) -> Result<ProfileList, ClientError> {
        let call = self.call(&PROFILES, None)?;
        self.json(self.send(&call).await?).await
    }

    /// The algorithms that keys can be of.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn algorithms(&self) -> Result<AlgorithmList, ClientError> {
        let call = self.call(&ALGORITHMS, None)?;
        self.json(self.send(&call).await?).await
    }

    /// Makes a token; the answer has its secret, this once.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn create_token(&self, order: &CreateToken) -> Result<Token, ClientError> {
        let call = self.call(&CREATE_TOKEN, None)?.body(order);
        self.json(self.send(&call).await?).await
    }

    /// One page of the tokens.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn tokens(&self, page: &PageParameters) -> Result<TokenPage, ClientError> {
        self.page(&TOKENS, page).await
    }

    /// Every token, the newest first.
    pub fn all_tokens(&self) -> Listing<Token> {
        Listing::new(self.clone(), &TOKENS, PageParameters::default())
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn revoke_token(&self, id: &str) -> Result<Token, ClientError> {
        let call = self.call(&REVOKE_TOKEN, Some(id))?;
        self.json(self.send(&call).await?).await
    }

    /// One page of the audit events that fit.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn audit(&self, search: &SearchAudit) -> Result<AuditPage, ClientError> {
        self.page(&AUDIT, search).await
    }

    /// Every audit event that fits, the newest first.
    pub fn all_audit_events(&self, search: SearchAudit) -> Listing<AuditEvent> {
        Listing::new(self.clone(), &AUDIT, search)
    }

    /// Every record that the caller may see, line by line.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn export(&self) -> Result<Export, ClientError> {
        let call = Call { accept: "application/x-ndjson", ..self.call(&EXPORT, None)? };
        Ok(Export::new(self.clone(), self.send(&call).await?))
    }

    /// Whether the server answers, and its version.
    ///
    /// # Errors
    /// `ClientError`.
    pub async fn health(&self) -> Result<Health, ClientError> {
        let call = self.call(&HEALTH, None)?;
        self.json(self.send(&call).await?).await
    }

    /// Whether the server can do its work, and what it lacks.
    ///
    /// # Errors
    /// `ClientError`; a server that is not ready answers all the same.
    pub async fn readiness(&self) -> Result<Readiness, ClientError> {
        let call = self.call(&READINESS, None)?;
        self.json(self.send_expecting(&call, &[200, 503]).await?).await
    }

    async fn issued(
        &self,
        route: &Route,
        place: Option<&str>,
        order: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<Issued, ClientError> {
        let call = Call { key: Some(key), ..self.call(route, place)?.body(order) };
        let answer = self.send(&call).await?;
        let replayed = answer.headers().get("idempotency-replayed").is_some();
        Ok(Issued { certificate: self.json(answer).await?, replayed })
    }

    pub(crate) async fn page<T: serde::de::DeserializeOwned>(
        &self,
        route: &Route,
        parameters: &impl Serialize,
    ) -> Result<T, ClientError> {
        let call = self.call(route, None)?.query(parameters);
        self.json(self.send(&call).await?).await
    }

    fn call(&self, route: &Route, place: Option<&str>) -> Result<Call<'static>, ClientError> {
        let url = route.url(self.server(), place)?;
        Ok(Call { method: route.method.clone(), url, accept: JSON, body: None, key: None })
    }
}

impl Call<'_> {
    // Structs of strings, numbers and lists are always JSON.
    fn body(self, body: &impl Serialize) -> Self {
        Self { body: Some(serde_json::to_vec(body).unwrap_or_default()), ..self }
    }

    fn query(mut self, parameters: &impl Serialize) -> Self {
        if let Ok(serde_json::Value::Object(members)) = serde_json::to_value(parameters) {
            for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.url.query_pairs_mut().append_pair(&name, &text);
            }
        }
        self
    }
}

impl Route {
    /// The address, with `place` where the path has braces.
    fn url(&self, base: &Url, place: Option<&str>) -> Result<Url, ClientError> {
        let mut url = base.clone();
        let refused = |found: &str| {
            let found = format!("{:?}", found.chars().take(100).collect::<String>());
            ClientError::config("name", found, "1 to 200 characters, not . or ..")
        };
        if let Some(place) = place
            && (place.is_empty() || place.len() > 200 || matches!(place, "." | ".."))
        {
            return Err(refused(place));
        }
        // Only a URL without host has none.
        let mut segments = url.path_segments_mut().map_err(|()| refused(base.as_str()))?;
        segments.pop_if_empty();
        for segment in self.path.split('/').skip(1) {
            segments.push(if segment.starts_with('{') {
                place.unwrap_or_default()
            } else {
                segment
            });
        }
        drop(segments);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use std::collections::BTreeSet;

    use super::*;

    const DESCRIPTION: &str = include_str!("../../docs/reference/openapi.json");

    /// The operations below `/v1` that `routes` leaves out, and those that it invents.
    fn differences(description: &str, routes: &[&Route]) -> Vec<String> {
        let description: serde_json::Value = serde_json::from_str(description).unwrap();
        let mut described = BTreeSet::new();
        for (path, operations) in description["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let known: BTreeSet<String> =
            routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let missing = described.difference(&known).filter(|one| one.contains(" /v1/"));
        missing.chain(known.difference(&described)).cloned().collect()
    }

    #[test]
    fn every_route_has_a_method_and_no_method_is_without_a_route() {
        assert_eq!(differences(DESCRIPTION, ROUTES), [""; 0]);
        assert_eq!(differences(DESCRIPTION, &ROUTES[1..]), ["POST /v1/certificates"]);
        let more = DESCRIPTION.replacen("\"/v1/audit\"", "\"/v1/more\"", 1);
        assert_eq!(differences(&more, ROUTES), ["GET /v1/more", "GET /v1/audit"]);
    }

    #[test]
    fn a_place_in_a_path_stays_one_segment() {
        let base = Url::parse("https://ca.example/espalier/").unwrap();
        let shown = |place| SHOW.url(&base, Some(place)).map(|url| url.to_string());
        assert_eq!(shown("4f").unwrap(), "https://ca.example/espalier/v1/certificates/4f");
        let odd = shown("a/../b?c#d").unwrap();
        assert_eq!(odd, "https://ca.example/espalier/v1/certificates/a%2F..%2Fb%3Fc%23d");
        assert_eq!(CHECK.url(&base, None).unwrap().path(), "/espalier/v1/certificates:check");
        for bad in ["", ".", "..", &"x".repeat(201)] {
            assert!(shown(bad).unwrap_err().to_string().contains("allowed: 1 to 200"), "{bad}");
        }
    }

    #[test]
    fn a_query_has_what_is_asked_and_nothing_else() {
        let base = Url::parse("http://127.0.0.1:1").unwrap();
        let search = SearchCertificates {
            name: Some("DNS:a&b=c".into()),
            limit: Some(7),
            ..SearchCertificates::default()
        };
        let client = Client::builder(base.as_str()).build().unwrap();
        let call = client.call(&SEARCH, None).unwrap().query(&search);
        let pairs: Vec<_> = call.url.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("limit".into(), "7".into()), ("name".into(), "DNS:a&b=c".into())]);
    }
}
