//! What belongs to objects that are gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::runtime::reflector::ObjectRef;

use super::known::Known;
use crate::context::Context;
use crate::kinds::{IssuerKind, IssuerRef};
use crate::plan::Notice;
use crate::serving::{Serving, Standing};

/// Forgets what belongs to Certificates and policies that are gone. What a policy leaves behind is told: its
/// certificates stay as they are until they are renewed, and nothing else would say that.
pub fn sweep(context: &Context) {
    context.inventory.retain(&context.certificates.state());
    let is_there = |name: &str| context.policy_store.get(&ObjectRef::new(name)).is_some();
    context.news.retain(is_there);
    context.metrics.retain_policies(is_there);
    let gone = context.readings.forget(is_there);
    if !gone.is_empty() {
        context.wake_all();
    }
    for policy in gone.iter().filter(|policy| !policy.is_audit()) {
        tell(context, policy);
    }
}

/// Tells the issuers of a policy that is gone what becomes of its certificates.
fn tell(context: &Context, policy: &Known) {
    for (issuer, (serving, left)) in left_behind(context, policy) {
        let words = format!(
            "PQPolicy {} is gone: {left} certificates stay as they are, and are signed by the authority {} when they are renewed",
            policy.name(),
            serving.authority.name,
        );
        tracing::warn!(issuer = %issuer, words, "a policy is gone");
        let notice = Notice::warning("PolicyGone", &words);
        match issuer.kind {
            IssuerKind::Namespaced => {
                let namespace = issuer.namespace.as_deref().unwrap_or_default();
                let found = context.issuers.get(&ObjectRef::new(&issuer.name).within(namespace));
                told(context, found.as_deref(), notice);
            }
            IssuerKind::Cluster => {
                let found = context.cluster_issuers.get(&ObjectRef::new(&issuer.name));
                told(context, found.as_deref(), notice);
            }
        }
    }
}

fn told<K: Resource<DynamicType = ()>>(context: &Context, issuer: Option<&K>, notice: Notice) {
    if let Some(issuer) = issuer {
        context.events.tell(issuer, notice);
    }
}

/// How many certificates of each issuer a policy selected that are not of the issuer's own authority, and for which no
/// other policy decides.
fn left_behind(context: &Context, policy: &Known) -> BTreeMap<IssuerRef, (Arc<Serving>, u32)> {
    let policies = context.policies();
    let mut left = BTreeMap::new();
    for certificate in context.certificates.state() {
        let Some(issuer) = certificate.issuer() else { continue };
        let namespace = certificate.metadata.namespace.clone().unwrap_or_default();
        let Some(of_namespace) =
            context.labels_of(&namespace).filter(|_| !context.is_excluded(&namespace))
        else {
            continue;
        };
        let labels = kube::ResourceExt::labels(&*certificate);
        let is_its = policy.selects(&of_namespace, labels)
            && policies.governing(&of_namespace, labels).is_none();
        let Some(held) = context.inventory.held(&certificate).filter(|_| is_its) else { continue };
        let Standing::Ready(serving) = context.standing(&issuer) else { continue };
        if !serving.authority.signed(&held.signer) {
            left.entry(issuer).or_insert((serving, 0)).1 += 1;
        }
    }
    left
}
