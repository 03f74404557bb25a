//! Looks at one policy, and does what is planned.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::{Api, ResourceExt as _};
use tokio_util::sync::CancellationToken;

use super::{moving, plan, survey};
use crate::apply::{ApplyError, Owned};
use crate::context::Context;
use crate::kinds::StoredPolicy;
use crate::metrics::PolicyCounts;
use crate::plan::Notice;

/// After this time a policy that had changed is looked at again, if the watch did not tell before.
const STALE: Duration = Duration::from_secs(2);
/// After this time a policy is looked at again where not everything was read yet.
const NOT_READ: Duration = Duration::from_secs(1);
/// After this time certificates are begun with again where the API server refused all of them.
const REFUSED: Duration = Duration::from_secs(30);
/// The longest time over which those of one look are spread, so that cert-manager and the server see no wave.
const MOST_SPREAD: Duration = Duration::from_millis(900);
/// Of the time, looks at one policy take no more than a quarter, however many objects it has.
const REST: u32 = 4;

/// Looks at one policy, and does what is planned. Whatever happens in between, it may be called again: what was begun
/// with is found moving.
///
/// # Errors
/// When the API server does not take the status.
#[tracing::instrument(name = "policy.reconcile", skip_all, fields(policy = %policy.name_any()))]
pub async fn reconcile(
    policy: Arc<StoredPolicy>,
    context: Arc<Context>,
) -> Result<Action, ApplyError> {
    if !context.surveyed.iter().all(CancellationToken::is_cancelled) {
        return Ok(Action::requeue(NOT_READ));
    }
    let started = std::time::Instant::now();
    let now = context.now();
    let (name, generation) = (policy.name_any(), policy.metadata.generation.unwrap_or_default());
    let before = policy.read_status();
    let known = context.readings.of(&policy);
    context.bundle_was_tried().await;
    if context.is_news(&policy, now) {
        context.wake_all();
    }
    let since = plan::since(&before, generation, now);
    let planned = match &known.rules {
        Err(refusal) => {
            context.metrics.policy(&name, PolicyCounts::default());
            plan::unreadable(&before, generation, refusal, now)
        }
        Ok(rules) => {
            let mut survey = survey::survey(&context, &known, since, now).await;
            // An issuer that rests for a moment must not have them forgotten.
            let known = before.roots.iter().filter(|root| context.is_published(root));
            survey.roots.extend(known.cloned());
            context.metrics.policy(&name, survey.counts());
            let waits_for = context.bundle_fault();
            let waits_for = waits_for.as_deref();
            let speed = context.rollout.speed.over(started.elapsed() * REST);
            plan::plan(&before, (generation, rules), &survey, speed, waits_for, now)
        }
    };
    let took = started.elapsed();
    if let Some(status) = &planned.status {
        let api: Api<StoredPolicy> = Api::all(context.kube.clone());
        let version = policy.resource_version().unwrap_or_default();
        let written = context.write_status(&api, &*policy, &version, status).await?;
        if written == Owned::Stale {
            // It was changed meanwhile, or the watch is late.
            return Ok(Action::requeue(STALE));
        }
    }
    for notice in planned.notices {
        tracing::info!(reason = notice.reason, note = notice.note, "the policy changed");
        context.events.tell(&*policy, notice);
    }
    context.metrics.reconciled("policies", took);
    let again = planned.again.max(took * REST);
    // Those of one look are spread by chance over the time until the next.
    let spread = again.saturating_sub(took).min(MOST_SPREAD);
    match moving::start(&context, &planned.start, (&name, spread), now).await {
        None => Ok(Action::requeue(again.saturating_sub(started.elapsed()))),
        Some(refused) => {
            tracing::warn!(refused, "certificates could not be begun with");
            context.events.tell(&*policy, Notice::warning("NotStarted", &refused));
            Ok(Action::requeue(REFUSED))
        }
    }
}
