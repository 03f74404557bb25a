//! As whom an issuer asks its server, and whom it trusts: read from the cluster.

use std::time::Duration;

use client::{BearerToken, Client, ClientBuilder};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::Api;
use kube::api::PostParams;
use zeroize::Zeroizing;

use crate::audience::ApiAudiences;
use crate::fault::Fault;
use crate::kinds::{CaBundleRef, IssuerSpec, SourceKind};
use crate::signing::LONGEST_CALL;

/// How long a token of a service account shall last.
const TOKEN_SECONDS: i64 = 3600;
/// How often a call is sent again at once; whatever still fails is tried again later.
const RETRIES: usize = 1;
/// The largest answer that is read, in octets: whoever writes an issuer chooses its server, and answers
/// to many issuers are read at once. The chain of SLH-DSA authorities in PEM takes 80 kB of it.
const LONGEST_ANSWER: usize = 256 * 1024;
/// The label of what `espalier bootstrap` makes, and its value: its Secrets have the keys of
/// authorities, and are nobody's credential.
const MADE_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "espalier-bootstrap");

/// A client of an issuer's server.
#[derive(Debug)]
pub struct Credentialed {
    /// The client.
    pub client: Client,
    /// Until when its credential is good, where that is known.
    pub good_until: Option<Timestamp>,
}

/// Reads an issuer's Secrets, or has a token made, and makes a client of its server.
///
/// `namespace` is where they are: the issuer's own, or that of all cluster-wide issuers. Whoever
/// writes an issuer chooses what is sent where. So a token for the API server of Kubernetes is never
/// made, and a Secret with an authority's keys never used.
///
/// # Errors
/// [`Fault::Issuer`] names the object or entry that is missing or wrong; [`Fault::Transient`] when
/// the API server can't be asked.
pub async fn client(
    kube: &kube::Client,
    api_audiences: &ApiAudiences,
    namespace: &str,
    spec: &IssuerSpec,
) -> Result<Credentialed, Fault> {
    let source = Source { kube, api_audiences, namespace };
    let builder = Client::builder(spec.server.url.as_str())
        .timeout(LONGEST_CALL)
        .retries(RETRIES)
        .longest_answer(LONGEST_ANSWER);
    let builder = source.trust(builder, spec).await?;
    let (builder, good_until) = source.identity(builder, spec).await?;
    Ok(Credentialed { client: builder.build()?, good_until })
}

/// Where objects are read.
struct Source<'a> {
    kube: &'a kube::Client,
    api_audiences: &'a ApiAudiences,
    namespace: &'a str,
}

impl Source<'_> {
    async fn trust(
        &self,
        builder: ClientBuilder,
        spec: &IssuerSpec,
    ) -> Result<ClientBuilder, Fault> {
        let server = &spec.server;
        match (&server.ca_bundle, &server.ca_bundle_ref) {
            (None, None) => Ok(builder),
            (Some(text), None) => {
                let quoted = serde_json::Value::String(text.clone());
                let octets: ByteString = serde_json::from_value(quoted).map_err(|error| {
                    Fault::Issuer(format!(
                        "spec.server.caBundle: found no Base64 ({error}), allowed is PEM in Base64"
                    ))
                })?;
                Ok(builder.ca_certificates(octets.0))
            }
            (None, Some(reference)) => Ok(builder.ca_certificates(self.bundle(reference).await?)),
            (Some(_), Some(_)) => Err(Fault::Issuer(
                "spec.server: found caBundle and caBundleRef, allowed is one of them".into(),
            )),
        }
    }

    async fn bundle(&self, reference: &CaBundleRef) -> Result<Vec<u8>, Fault> {
        let CaBundleRef { kind, name, key } = reference;
        match kind {
            SourceKind::Secret => {
                let secret = self.secret("spec.server.caBundleRef", name).await?;
                Ok(self.entry("spec.server.caBundleRef", &secret, name, key)?.to_vec())
            }
            SourceKind::ConfigMap => {
                let field = "spec.server.caBundleRef";
                let api: Api<ConfigMap> = Api::namespaced(self.kube.clone(), self.namespace);
                let found = api.get_opt(name).await.map_err(|error| unread(field, &error))?;
                let map = found.ok_or_else(|| self.missing(field, "ConfigMap", name))?;
                let text = map.data.unwrap_or_default().remove(key);
                let text =
                    text.ok_or_else(|| self.missing(field, &format!("{key} in ConfigMap"), name))?;
                Ok(text.into_bytes())
            }
        }
    }

    /// The credential, and until when it is good.
    async fn identity(
        &self,
        builder: ClientBuilder,
        spec: &IssuerSpec,
    ) -> Result<(ClientBuilder, Option<Timestamp>), Fault> {
        let auth = &spec.auth;
        match (&auth.service_account, &auth.client_certificate, &auth.token) {
            (Some(account), None, None) => {
                let audience = account.audience.as_deref().unwrap_or(&spec.server.url);
                let (token, good_until) = self.minted(&account.name, audience).await?;
                Ok((builder.token(token), good_until))
            }
            (None, Some(certificate), None) => {
                let field = "spec.auth.clientCertificate.secretRef";
                let name = &certificate.secret_ref.name;
                let secret = self.secret(field, name).await?;
                let chain = self.entry(field, &secret, name, "tls.crt")?.to_vec();
                let key = self.entry(field, &secret, name, "tls.key")?;
                Ok((builder.client_identity(chain, key), None))
            }
            (None, None, Some(token)) => {
                let field = "spec.auth.token.secretRef";
                let name = &token.secret_ref.name;
                let secret = self.secret(field, name).await?;
                let octets = self.entry(field, &secret, name, &token.key)?;
                let text = std::str::from_utf8(&octets).map_err(|_| {
                    Fault::Issuer(format!(
                        "{field}: found octets of no text in Secret {name}, allowed is a token"
                    ))
                })?;
                Ok((builder.token(BearerToken::new(text)?), None))
            }
            _ => Err(Fault::Issuer(
                "spec.auth: allowed is exactly one of serviceAccount, clientCertificate and token"
                    .into(),
            )),
        }
    }

    /// A token that Kubernetes makes for a service account.
    async fn minted(
        &self,
        name: &str,
        audience: &str,
    ) -> Result<(BearerToken, Option<Timestamp>), Fault> {
        let field = "spec.auth.serviceAccount";
        if self.api_audiences.include(audience) {
            return Err(Fault::Issuer(format!(
                "{field}.audience: found {audience:?}, which is the API server of Kubernetes, allowed is one that only the Espalier server accepts, such as \"espalier\""
            )));
        }
        let api: Api<ServiceAccount> = Api::namespaced(self.kube.clone(), self.namespace);
        let asked = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: Some(vec![audience.to_owned()]),
                expiration_seconds: Some(TOKEN_SECONDS),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let made = api.create_token_request(name, &PostParams::default(), &asked).await;
        let made = made.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 404 => {
                self.missing(field, "service account", name)
            }
            other => unread(field, &other),
        })?;
        let (token, ends) = made
            .status
            .and_then(|status| Some((Zeroizing::new(status.token?), status.expiration_timestamp)))
            .ok_or_else(|| Fault::Transient {
                words: format!("{field}: the API server made no token for {name}"),
                after: None,
            })?;
        // Kubernetes' library has a version of its own of the library for time.
        let ends = ends.and_then(|time| Timestamp::from_second(time.0.as_second()).ok());
        Ok((BearerToken::new(&token)?, ends))
    }

    async fn secret(&self, field: &str, name: &str) -> Result<Secret, Fault> {
        let api: Api<Secret> = Api::namespaced(self.kube.clone(), self.namespace);
        let found = api.get_opt(name).await.map_err(|error| unread(field, &error))?;
        let secret = found.ok_or_else(|| self.missing(field, "Secret", name))?;
        let (label, ours) = MADE_BY;
        let labels = secret.metadata.labels.as_ref();
        if labels.and_then(|labels| labels.get(label)).is_some_and(|value| value == ours) {
            return Err(Fault::Issuer(format!(
                "{field}: found Secret {name}, which has the keys of an authority (label {label}: {ours}), allowed is one with a credential for the server"
            )));
        }
        Ok(secret)
    }

    fn entry(
        &self,
        field: &str,
        secret: &Secret,
        name: &str,
        key: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let found = secret.data.as_ref().and_then(|data| data.get(key));
        let found = found.ok_or_else(|| self.missing(field, &format!("{key} in Secret"), name))?;
        Ok(Zeroizing::new(found.0.clone()))
    }

    fn missing(&self, field: &str, what: &str, name: &str) -> Fault {
        let namespace = self.namespace;
        Fault::Issuer(format!("{field}: found no {what} {name} in namespace {namespace}"))
    }
}

/// The API server did not let us read something. What it forbids is for whoever set the rights up.
fn unread(field: &str, error: &kube::Error) -> Fault {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403 | 422) => {
            Fault::Issuer(format!("{field}: the API server refuses: {}", status.message))
        }
        other => Fault::Transient {
            words: format!("{field}: the API server can't be asked: {other}"),
            after: Some(Duration::from_secs(5)),
        },
    }
}
