//! Checks one issuer, and writes what it finds.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::runtime::controller::Action;

use super::check::{Checked, check};
use super::{credential, plan};
use crate::apply::{self, ApplyError, Owned};
use crate::context::Context;
use crate::fault::Fault;
use crate::history::elapsed;
use crate::kinds::{Issuer, IssuerKind, IssuerRef};
use crate::serving::{Complaint, Serving, Standing};

/// After this time an issuer that had changed is looked at again, if the watch did not tell before.
const STALE: Duration = Duration::from_secs(2);
/// Before the end of a credential it is made anew.
const CREDENTIAL_MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// Checks one issuer: reads its credential, asks its server for the authority and the profiles, and
/// says in its status what it finds. Everything is read anew each time, so that a Secret that was
/// changed counts from the next check on.
///
/// # Errors
/// When the API server does not take the status.
#[tracing::instrument(name = "issuer.check", skip_all, fields(issuer = %issuer.reference()))]
pub async fn reconcile<K: Issuer>(
    issuer: Arc<K>,
    context: Arc<Context>,
) -> Result<Action, ApplyError> {
    let started = std::time::Instant::now();
    let (reference, generation) = (issuer.reference(), issuer.generation());
    let now = context.now();
    let complaint = context.registry.complaint(&reference);
    let rest = complaint.as_ref().and_then(|one| rest(one, context.check_interval, now));
    let found = match rest.zip(complaint) {
        // A request found fault with it a moment ago: it rests, so that a fault that no check sees
        // leads to no flood of requests.
        Some((rest, complaint)) => Err((Fault::Issuer(complaint.words), Some(rest))),
        None => checked(&*issuer, &reference, &context, now).await.map_err(|fault| (fault, None)),
    };
    let was_ready = is_ready(&context, &reference, generation);
    let standing = match &found {
        Ok((serving, _)) => Standing::Ready(Arc::clone(serving)),
        Err((fault, _)) => Standing::NotReady(format!("{reference}: {fault}")),
    };
    let is_ready_now = matches!(standing, Standing::Ready(_));
    context.registry.put(&reference, generation, standing);
    let failures = context.check_failed(&reference, found.is_err());
    let before = issuer.status().cloned().unwrap_or_default();
    let result = found.as_ref().map(|(_, checked)| &checked.facts).map_err(|(fault, _)| fault);
    let planned = plan::plan(&before, generation, result, (failures, context.check_interval), now);
    // Requests that wait are woken before anything can fail here: to be sent, or to say why not.
    if was_ready != Some(is_ready_now) {
        context.wake_requests(&reference);
    }
    if let Some(status) = &planned.status {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let api = K::api(context.kube.clone(), namespace);
        let version = issuer.resource_version().unwrap_or_default();
        if apply::status(&api, &*issuer, &version, status).await? == Owned::Stale {
            // Its spec was changed meanwhile, or the watch is late.
            return Ok(Action::requeue(STALE));
        }
    }
    for notice in planned.notices {
        tracing::info!(reason = notice.reason, note = notice.note, "the issuer changed");
        context.events.tell(&*issuer, notice);
    }
    context.metrics.reconciled("issuers", started.elapsed());
    context.sweep();
    let again = found.err().and_then(|(_, rest)| rest).unwrap_or(planned.again);
    Ok(Action::requeue(again))
}

/// How long an issuer rests after a complaint; none where it shall be checked now.
fn rest(complaint: &Complaint, interval: Duration, now: Timestamp) -> Option<Duration> {
    // The first complaint is checked at once: the credential may just have been changed.
    let doublings = complaint.number.checked_sub(2)?;
    let rest = Duration::from_secs(5).saturating_mul(1 << doublings.min(10)).min(interval);
    let left = rest.checked_sub(elapsed(complaint.at, now))?;
    (left > Duration::ZERO).then_some(left)
}

/// Whether an issuer can be used; none where this process does not know.
fn is_ready(context: &Context, reference: &IssuerRef, generation: i64) -> Option<bool> {
    let standing = context.registry.standing(reference, generation)?;
    Some(matches!(standing, Standing::Ready(_)))
}

/// The authority as its server shows it, with a client that may be used for requests.
async fn checked<K: Issuer>(
    issuer: &K,
    reference: &IssuerRef,
    context: &Context,
    now: Timestamp,
) -> Result<(Arc<Serving>, Checked), Fault> {
    let spec = issuer.spec();
    let namespace = match K::KIND {
        IssuerKind::Namespaced => reference.namespace.as_deref().unwrap_or_default(),
        IssuerKind::Cluster => &context.cluster_resource_namespace,
    };
    let made = credential::client(&context.kube, namespace, spec).await?;
    let shown = made.client.authority(&spec.authority).await?;
    let profiles = made.client.profiles().await?;
    let checked = check(spec, &shown, &profiles.profiles, now).map_err(Fault::Issuer)?;
    if let Some(end) = made.good_until
        && end.duration_since(now) < CREDENTIAL_MARGIN
    {
        tracing::warn!(%end, "the credential ends soon after it was made");
    }
    let serving = Serving {
        reference: reference.clone(),
        spec: spec.clone(),
        client: made.client,
        authority: checked.authority.clone(),
    };
    Ok((Arc::new(serving), checked))
}

/// When a look is repeated whose result the API server did not take.
#[must_use]
pub fn wait_after_error(error: &ApplyError) -> Duration {
    match &*error.source {
        // The right was taken from us, or the status is refused: somebody has to act.
        kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429 => {
            Duration::from_secs(30)
        }
        _ => Duration::from_secs(5),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn the_first_complaint_is_checked_at_once_and_later_ones_rest() {
        let at: Timestamp = "2026-11-27T05:00:00Z".parse().unwrap();
        let interval = Duration::from_secs(60);
        let rests = |number, seconds| {
            let complaint = Complaint { words: "403".into(), at, number };
            rest(&complaint, interval, at + SignedDuration::from_secs(seconds))
        };
        assert_eq!(rests(1, 0), None);
        assert_eq!(rests(2, 0), Some(Duration::from_secs(5)));
        assert_eq!(rests(2, 5), None);
        assert_eq!(rests(4, 5), Some(Duration::from_secs(15)));
        assert_eq!(rests(40, 0), Some(interval));
    }
}
