//! The API server of the cluster that this pod runs in: Secrets of keys, and the ConfigMap and the
//! ClusterTrustBundle of certificates.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::body::Bytes;
use base64ct::{Base64, Encoding as _};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::plan::ClusterTrustBundle;
use crate::auth::fetch::Fetcher;
use crate::cli::{CliError, Exit};

/// The largest answer, in octets: Kubernetes keeps no object of more than 1.5 MiB.
const MOST: usize = 2 * 1024 * 1024;
/// Who owns the fields that are applied.
const MANAGER: &str = "espalier-bootstrap";

/// Where the API server is, and who we are there.
#[derive(Clone, Debug, clap::Args)]
pub struct InClusterOptions {
    /// The API server of Kubernetes; by default the one that the pod's environment names
    #[arg(long, value_name = "URL")]
    api_server: Option<String>,

    /// The folder with the service account's `token`, `ca.crt` and `namespace`
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount"
    )]
    service_account: PathBuf,
}

/// The API server, for one namespace.
pub struct ApiServer {
    fetcher: Fetcher,
    base: Url,
    namespace: String,
}

/// Files of a Secret by their names.
pub(super) type SecretFiles = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// What became of a Secret that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is there now.
    Made,
    /// There is one of this name.
    Taken,
}

/// Only the values, which are borrowed: no copy of a key stays behind.
#[derive(Deserialize)]
struct SecretData<'a> {
    #[serde(borrow, default)]
    data: BTreeMap<&'a str, &'a str>,
}

/// The texts of a ConfigMap.
#[derive(Deserialize)]
struct ConfigMapData {
    #[serde(default)]
    data: BTreeMap<String, String>,
}

/// What the API server says when it refuses.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

impl InClusterOptions {
    /// The API server and the namespace of this pod.
    ///
    /// # Errors
    /// `CliError` with exit code 3 outside of a pod, or where the service account's files can't be
    /// read.
    pub fn open(&self) -> Result<ApiServer, CliError> {
        let base = match &self.api_server {
            Some(url) => url.clone(),
            None => of_environment()?,
        };
        let base = crate::auth::fetch::checked_url(&base)
            .map_err(|why| CliError::usage(format!("--api-server: {why}")))?;
        let file = |name: &str| self.service_account.join(name);
        let namespace = file("namespace");
        let read = std::fs::read_to_string(&namespace);
        let read = read
            .map_err(|error| CliError::of(Exit::Environment, namespace.display(), &error))
            .map_err(|error| error.with_hint(NO_TOKEN))?;
        let fetcher = Fetcher::new(Some(&file("ca.crt")), Some(&file("token")));
        let fetcher =
            fetcher.map_err(|error| CliError::of(Exit::Environment, "service account", &error))?;
        Ok(ApiServer { fetcher, base, namespace: read.trim().to_owned() })
    }
}

const NO_TOKEN: &str = "a pod has them where automountServiceAccountToken is true";

fn of_environment() -> Result<String, CliError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT")) {
        (Some(host), Some(port)) if host.contains(':') => Ok(format!("https://[{host}]:{port}")),
        (Some(host), Some(port)) => Ok(format!("https://{host}:{port}")),
        _ => Err(CliError::environment(
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: not set, as they are in each pod",
        )
        .with_hint("elsewhere name the API server by --api-server and --service-account")),
    }
}

impl ApiServer {
    /// The files of a Secret; none where there is no such Secret.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when the API server can't be asked or refuses.
    pub async fn secret(&self, name: &str) -> Result<Option<SecretFiles>, CliError> {
        let url = self.url("secrets", Some(name))?;
        let (status, answer) = self.ask(Method::GET, &url, None).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.check(status, &answer, &[StatusCode::OK], &self.place(name))?;
        let place = || format!("Secret {}", self.place(name));
        let found: SecretData<'_> = serde_json::from_slice(&answer)
            .map_err(|error| CliError::of(Exit::Environment, place(), &error))?;
        let mut files = SecretFiles::new();
        for (file, text) in found.data {
            let octets = Base64::decode_vec(text).map_err(|_| {
                CliError::environment(format!("{}: {file}: found no base64", place()))
            })?;
            files.insert(file.to_owned(), Zeroizing::new(octets));
        }
        Ok(Some(files))
    }

    /// Makes a Secret that can't be changed afterwards, unless there is one of this name.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub async fn create_secret(
        &self,
        name: &str,
        files: &SecretFiles,
    ) -> Result<Creation, CliError> {
        let head = json!({
            "name": name,
            "labels": labels(),
            "annotations": {"espalier.dev/holds": "the keys of an authority: without them nothing can be issued or revoked"},
        });
        // Written by hand into memory that wipes itself: a tree of JSON values would leave the key behind.
        let sizes: usize = files.values().map(|octets| octets.len() * 2 + 64).sum();
        let mut body = Zeroizing::new(String::with_capacity(sizes + 1024));
        body.push_str("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"immutable\":true,\"type\":\"Opaque\",\"metadata\":");
        body.push_str(&head.to_string());
        body.push_str(",\"data\":{");
        for (index, (file, octets)) in files.iter().enumerate() {
            body.push_str(if index == 0 { "" } else { "," });
            body.push_str(&json!(file).to_string());
            body.push_str(":\"");
            body.push_str(&Zeroizing::new(Base64::encode_string(octets)));
            body.push('"');
        }
        body.push_str("}}");
        let url = self.url("secrets", None)?;
        let body = ("application/json", Zeroizing::new(body.as_bytes().to_vec()));
        let (status, answer) = self.ask(Method::POST, &url, Some(body)).await?;
        if status == StatusCode::CONFLICT {
            return Ok(Creation::Taken);
        }
        self.check(status, &answer, &[StatusCode::CREATED], &self.place(name))?;
        Ok(Creation::Made)
    }

    /// The files of a ConfigMap; none where there is no such ConfigMap.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub async fn config_map(
        &self,
        name: &str,
    ) -> Result<Option<BTreeMap<String, String>>, CliError> {
        let url = self.url("configmaps", Some(name))?;
        let (status, answer) = self.ask(Method::GET, &url, None).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.check(status, &answer, &[StatusCode::OK], &self.place(name))?;
        let found: ConfigMapData = serde_json::from_slice(&answer).map_err(|error| {
            let place = format!("ConfigMap {}", self.place(name));
            CliError::of(Exit::Environment, place, &error)
        })?;
        Ok(Some(found.data))
    }

    /// Makes a ConfigMap have these files, by server-side apply; those of others stay.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub async fn apply_config_map(
        &self,
        name: &str,
        files: &BTreeMap<&str, String>,
    ) -> Result<(), CliError> {
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": labels()},
            "data": files,
        });
        self.apply(self.url("configmaps", Some(name))?, &object, &self.place(name)).await
    }

    /// Makes a ClusterTrustBundle (certificates.k8s.io) have these certificates in PEM, by server-side
    /// apply. It belongs to no signer and to no namespace.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub async fn apply_trust_bundle(
        &self,
        bundle: &ClusterTrustBundle,
        certificates: &str,
    ) -> Result<(), CliError> {
        let (name, group) = (bundle.name.as_str(), "certificates.k8s.io");
        let version = bundle.version.as_str();
        let object = json!({
            "apiVersion": format!("{group}/{version}"),
            "kind": "ClusterTrustBundle",
            "metadata": {"name": name, "labels": labels()},
            "spec": {"trustBundle": certificates},
        });
        let url = self.at(&["apis", group, version, "clustertrustbundles", name])?;
        self.apply(url, &object, name).await
    }

    async fn apply(&self, mut url: Url, object: &Value, place: &str) -> Result<(), CliError> {
        url.query_pairs_mut().append_pair("fieldManager", MANAGER).append_pair("force", "true");
        let body = Zeroizing::new(object.to_string().into_bytes());
        let body = Some(("application/apply-patch+yaml", body));
        let (status, answer) = self.ask(Method::PATCH, &url, body).await?;
        self.check(status, &answer, &[StatusCode::OK, StatusCode::CREATED], place)
    }

    /// What an object of the pod's namespace is called in messages.
    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace)
    }

    /// An object of the pod's namespace.
    fn url(&self, kind: &str, name: Option<&str>) -> Result<Url, CliError> {
        let mut path = vec!["api", "v1", "namespaces", &self.namespace, kind];
        path.extend(name);
        self.at(&path)
    }

    fn at(&self, segments: &[&str]) -> Result<Url, CliError> {
        let mut url = self.base.clone();
        let wrong = |()| {
            CliError::usage(format!(
                "--api-server: found {}, allowed is a URL with a host",
                self.base
            ))
        };
        let mut path = url.path_segments_mut().map_err(wrong)?;
        path.pop_if_empty().extend(segments);
        drop(path);
        Ok(url)
    }

    async fn ask(
        &self,
        method: Method,
        url: &Url,
        body: Option<(&'static str, Zeroizing<Vec<u8>>)>,
    ) -> Result<(StatusCode, Zeroizing<Vec<u8>>), CliError> {
        let mut request = self.fetcher.request(method, url);
        if let Some((kind, octets)) = body {
            let body = Bytes::from_owner(octets);
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(kind)).body(body);
        }
        let answered = self.fetcher.exchange(url, request, MOST).await;
        let (status, answer) = answered
            .map_err(|error| CliError::of(Exit::Environment, "API server of Kubernetes", &error))?;
        Ok((status, Zeroizing::new(answer)))
    }

    /// What the API server says is repeated when it refuses; a refusal has no secret in it.
    fn check(
        &self,
        status: StatusCode,
        answer: &[u8],
        allowed: &[StatusCode],
        place: &str,
    ) -> Result<(), CliError> {
        if allowed.contains(&status) {
            return Ok(());
        }
        let said = serde_json::from_slice(answer).map(|status: Status| status.message);
        let said = said.unwrap_or_else(|_| "it says no more".to_owned());
        let message = format!("API server of Kubernetes: {place}: found status {status}: {said}");
        let failure = CliError::environment(message);
        Err(match status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => failure.with_hint(
                "the chart's roles RELEASE-espalier-bootstrap have the rights that it takes",
            ),
            _ => failure,
        })
    }
}

/// Kubernetes calls them labels; they tell people where an object comes from.
fn labels() -> impl Serialize {
    BTreeMap::from([
        ("app.kubernetes.io/managed-by", MANAGER),
        ("app.kubernetes.io/part-of", "espalier"),
    ])
}
