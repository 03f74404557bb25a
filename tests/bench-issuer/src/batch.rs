//! Requests of one namespace, made and approved before anything is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use issuer::apply::{self, Owned};
use issuer::certificate_request::{
    CertificateRequest, CertificateRequestSpec, CertificateRequestStatus, ObjectReference, READY,
};
use issuer::kinds::GROUP;
use k8s_openapi::ByteString;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::task::JoinSet;

use crate::Failure;
use crate::ground::issuer;

/// How many are made at once.
const AT_ONCE: usize = 16;

/// Approved requests of one namespace.
pub(crate) struct Batch {
    pub(crate) namespace: String,
    /// As they were when they were approved.
    requests: Arc<Vec<CertificateRequest>>,
}

impl Batch {
    /// Makes a request of each of these certification requests, and approves it.
    pub(crate) async fn make(
        client: &Client,
        namespace: String,
        (authority, csrs): (&str, Vec<Vec<u8>>),
    ) -> Result<Self, Failure> {
        let api = Api::namespaced(client.clone(), &namespace);
        let requests = stream::iter(csrs.into_iter().enumerate())
            .map(|(number, csr)| approved(&api, number, (authority, csr)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self { namespace, requests: Arc::new(requests) })
    }

    /// How many there are.
    pub(crate) fn number(&self) -> usize {
        self.requests.len()
    }

    /// Writes this status to each of them as the issuer program writes it, so many at once.
    pub(crate) async fn write(
        &self,
        client: &Client,
        status: &CertificateRequestStatus,
        at_once: usize,
    ) -> Result<(), Failure> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut writers = JoinSet::new();
        for _ in 0..at_once {
            let (requests, next) = (Arc::clone(&self.requests), Arc::clone(&next));
            let api = Api::namespaced(client.clone(), &self.namespace);
            let status = status.clone();
            writers.spawn(async move {
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let version = request.resource_version().unwrap_or_default();
                    match apply::status(&api, request, &version, &status).await? {
                        Owned::Applied(_) => {}
                        other => {
                            let name = request.name_any();
                            return Err(
                                format!("{name}: found {other:?}, allowed is Applied").into()
                            );
                        }
                    }
                }
                Ok::<(), Failure>(())
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// The issuer's part of the status that the first of them has now.
    pub(crate) async fn status(
        &self,
        client: &Client,
    ) -> Result<CertificateRequestStatus, Failure> {
        let first = self.requests.first().ok_or("there are no requests")?;
        let api: Api<CertificateRequest> = Api::namespaced(client.clone(), &self.namespace);
        let mut status = api.get_status(&first.name_any()).await?.status.unwrap_or_default();
        status.conditions.retain(|condition| condition.kind == READY);
        Ok(status)
    }

    /// Deletes them.
    pub(crate) async fn delete(self, client: &Client) -> Result<(), Failure> {
        let api: Api<CertificateRequest> = Api::namespaced(client.clone(), &self.namespace);
        api.delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
        Ok(())
    }
}

async fn approved(
    api: &Api<CertificateRequest>,
    number: usize,
    (authority, csr): (&str, Vec<u8>),
) -> Result<CertificateRequest, Failure> {
    let issuer_ref = ObjectReference {
        name: issuer(authority),
        kind: "PQClusterIssuer".to_owned(),
        group: GROUP.to_owned(),
    };
    let spec = CertificateRequestSpec {
        usages: Vec::new(),
        duration: Some("24h".to_owned()),
        issuer_ref,
        request: ByteString(csr),
        is_ca: false,
    };
    let name = format!("r{number}");
    api.create(&PostParams::default(), &CertificateRequest::new(&name, spec)).await?;
    let approval = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest", "metadata": { "name": name },
        "status": { "conditions": [{
            "type": "Approved", "status": "True", "reason": "bench", "message": "approved by the bench",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }] },
    });
    Ok(api.patch_status(&name, &PatchParams::apply("bench"), &Patch::Apply(&approval)).await?)
}
