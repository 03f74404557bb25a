//! Has certificates issued anew.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::survey::Start;
use crate::apply::{Owned, status};
use crate::certificate::{Certificate, ISSUING};
use crate::condition::{Condition, TRUE};
use crate::context::Context;
use crate::history::chance;

/// Has cert-manager issue these anew, as `cmctl renew` does: by the condition `Issuing`. Only what is as it was looked
/// at is begun with: whoever changed meanwhile is found by the next look, and nothing is issued twice. Gives why the
/// API server refused all of them, if it did.
pub(super) async fn start(
    context: &Context,
    objects: &[Start],
    (policy, spread): (&str, Duration),
    now: Timestamp,
) -> Option<String> {
    let words = format!("PQPolicy {policy} has another authority sign it");
    let condition = Condition::after(&[], (ISSUING, TRUE), "PQPolicy", &words, now);
    let refused = Mutex::new(Vec::new());
    // All of them wait for their moment at the same time.
    stream::iter(objects)
        .for_each_concurrent(None, async |object| {
            let uid = object.certificate.metadata.uid.as_deref().unwrap_or_default();
            let chance = chance(uid, now.as_second().unsigned_abs());
            tokio::time::sleep(spread.mul_f64(chance)).await;
            if let Some(words) = issue(context, object, &condition, now).await {
                refused.lock().unwrap_or_else(PoisonError::into_inner).push(words);
            }
        })
        .await;
    let mut refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
    if refused.len() < objects.len() { None } else { refused.pop() }
}

/// Begins with one object; gives why that was refused, if so.
async fn issue(
    context: &Context,
    Start { certificate, by }: &Start,
    condition: &Condition,
    now: Timestamp,
) -> Option<String> {
    let namespace = certificate.namespace().unwrap_or_default();
    let api: Api<Certificate> = Api::namespaced(context.kube.clone(), &namespace);
    let version = certificate.resource_version().unwrap_or_default();
    let patch = json!({ "conditions": [condition] });
    let refused = match status(&api, &**certificate, &version, &patch).await {
        Ok(Owned::Applied(_)) => None,
        Ok(Owned::Gone | Owned::Stale) => return None,
        Err(error) => Some(client::with_causes(&error)),
    };
    context.inventory.begin(certificate, by, refused.clone(), now);
    refused
}
