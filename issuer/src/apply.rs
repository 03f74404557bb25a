//! The one way in which status is written: server-side apply under our own name.

use std::fmt;

use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::plan::Notice;

/// Under which name we own fields.
pub const FIELD_MANAGER: &str = "espalier-issuer";

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    /// It is written, and the object has this version now.
    Applied(String),
    /// The object is not there any more.
    Gone,
    /// The object is another one than was looked at: it changed, or was deleted and made again.
    Stale,
}

/// The API server did not take a write.
#[derive(Debug, thiserror::Error)]
#[error("status of {object}: the API server did not take it")]
pub struct ApplyError {
    /// The object.
    pub object: String,
    /// What it says.
    pub source: Box<kube::Error>,
}

impl ApplyError {
    /// Whether we may not write it, in words: the status can't tell that, so an event does.
    #[must_use]
    pub fn forbidden(&self) -> Option<Notice> {
        match &*self.source {
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
                let words = format!("{self}: {}", status.message);
                Some(Notice::warning("NotWritten", &words))
            }
            _ => None,
        }
    }
}

/// Writes the status of an object: all that we own of it, each time. Fields that we wrote before and
/// leave out now are taken away; those of others stay.
///
/// The UID and the version that was looked at go along: an object that was deleted and made again
/// under the same name does not get the other one's status, and whoever looks at an old copy can't
/// take back what was written since, such as a certificate.
///
/// # Errors
/// `ApplyError` when the API server can't be reached or refuses.
pub async fn status<K, S>(
    api: &Api<K>,
    object: &K,
    version: &str,
    status: &S,
) -> Result<Owned, ApplyError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug,
    S: Serialize,
{
    let name = object.name_any();
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": name, "uid": object.uid(), "resourceVersion": version},
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(&name, &parameters, &Patch::Apply(&patch)).await {
        Ok(after) => Ok(Owned::Applied(after.resource_version().unwrap_or_default())),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Owned::Gone),
        // With force, no field is in conflict: it is the version or the UID.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Owned::Stale),
        Err(error) => {
            let object = format!("{} {name}", K::kind(&()));
            Err(ApplyError { object, source: Box::new(error) })
        }
    }
}
