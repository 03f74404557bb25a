//! Checks one issuer, and writes what it finds.

use std::sync::Arc;
use std::time::Duration;

use client::Client;
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use policy::{Offer, Offers};

use super::check::{Checked, check, check_of_mode};
use super::plan::{OfMode, Seen};
use super::{credential, plan};
use crate::apply::{ApplyError, Owned};
use crate::context::Context;
use crate::fault::{Fault, in_time};
use crate::kinds::{Authorities, Issuer, IssuerKind, IssuerRef, IssuerSpec};
use crate::serving::{Authority, Complaint, Serving, Standing};

/// After this time an issuer that had changed is looked at again, if the watch did not tell before.
const STALE: Duration = Duration::from_secs(2);
/// So long before the end of a credential it is made anew.
const CREDENTIAL_MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// A credential that is made too short is not made anew more often than this.
const SOONEST: Duration = Duration::from_secs(30);
/// So many checks in a row may fail for what passes before an issuer that could be used no longer can.
const CHECKS_THAT_MAY_FAIL: u32 = 3;

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
    let (reference, edition) = (issuer.reference(), issuer.edition());
    let generation = edition.generation;
    let now = context.now();
    let complaint = context.registry.complaint(&reference);
    let rest = complaint.as_ref().and_then(|one| rest(one, context.check_interval, now));
    let found = match rest.zip(complaint) {
        // A request found fault with it a moment ago: it rests, so that a fault that no check sees
        // leads to no flood of requests.
        Some((rest, complaint)) => Err((Fault::Issuer(complaint.words), Some(rest))),
        None => {
            let checked = checked(&*issuer, &reference, &context, now);
            in_time(checked).await.map_err(|fault| (fault, None))
        }
    };
    let failures = context.check_failed(&reference, found.is_err());
    if let Err((fault @ Fault::Transient { words, .. }, _)) = &found
        && failures < CHECKS_THAT_MAY_FAIL
        && context.registry.standing(&reference, &edition).is_some_and(|known| known.is_ready())
    {
        // The server is busy, say. Requests try it themselves, each with its own patience; that all
        // of them wait for a check would make it busier.
        tracing::warn!(words, "a check of the issuer failed, which may pass");
        return Ok(Action::requeue(plan::wait(fault, failures, context.check_interval)));
    }
    let standing = match &found {
        Ok(usable) => Standing::Ready(Arc::clone(&usable.serving)),
        Err((fault, _)) => Standing::NotReady(format!("{reference}: {fault}")),
    };
    let changed = context.registry.put(&reference, edition, standing);
    let before = issuer.status().cloned().unwrap_or_default();
    let result = found.as_ref().map(|usable| &usable.seen).map_err(|(fault, _)| fault);
    let planned = plan::plan(&before, generation, result, (failures, context.check_interval), now);
    // Requests that wait are woken before anything can fail here: to be sent, or to say why not.
    if changed {
        context.wake_requests(&reference);
    }
    if let Some(status) = &planned.status {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let api = K::api(context.kube.clone(), namespace);
        let version = issuer.resource_version().unwrap_or_default();
        let written = context.write_status(&api, &*issuer, &version, status).await?;
        if written == Owned::Stale {
            // Its spec was changed meanwhile, or the watch is late.
            return Ok(Action::requeue(STALE));
        }
    }
    for notice in planned.notices {
        tracing::info!(reason = notice.reason, note = notice.note, "the issuer changed");
        context.events.tell(&*issuer, notice);
    }
    context.metrics.reconciled("issuers", started.elapsed());
    let again = match found {
        Ok(usable) => until_credential_ends(usable.good_until, now).min(planned.again),
        Err((_, rest)) => rest.unwrap_or(planned.again),
    };
    Ok(Action::requeue(again))
}

/// How long an issuer rests after a complaint; none where it shall be checked now.
fn rest(complaint: &Complaint, interval: Duration, now: Timestamp) -> Option<Duration> {
    // The first complaint is checked at once: the credential may just have been changed.
    let doublings = complaint.number.checked_sub(2)?;
    let rest = Duration::from_secs(5).saturating_mul(1 << doublings.min(10)).min(interval);
    // A clock that was set back would have it rest until the clock has come back.
    let elapsed = Duration::try_from(now.duration_since(complaint.at)).ok()?;
    let left = rest.checked_sub(elapsed)?;
    (left > Duration::ZERO).then_some(left)
}

/// When a check makes the credential anew at the latest.
fn until_credential_ends(good_until: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(end) = good_until else { return Duration::MAX };
    let left = end.duration_since(now) - CREDENTIAL_MARGIN;
    Duration::try_from(left).unwrap_or_default().max(SOONEST)
}

/// An issuer that can be used.
struct Usable {
    serving: Arc<Serving>,
    seen: Seen,
    /// Until when its credential is good, where that is known.
    good_until: Option<Timestamp>,
}

/// The authority as its server shows it, with a client that may be used for requests.
async fn checked<K: Issuer>(
    issuer: &K,
    reference: &IssuerRef,
    context: &Context,
    now: Timestamp,
) -> Result<Usable, Fault> {
    let spec = issuer.spec();
    let namespace = match K::KIND {
        IssuerKind::Namespaced => reference.namespace.as_deref().unwrap_or_default(),
        IssuerKind::Cluster => &context.cluster_resource_namespace,
    };
    let made = credential::client(&context.kube, &context.api_audiences, namespace, spec).await?;
    let shown = made.client.authority(&spec.authority).await?;
    let profiles = made.client.profiles().await?;
    let Checked { authority, facts, offer } =
        check(spec, &shown, &profiles.profiles, now).map_err(Fault::Issuer)?;
    let before = match context.standing(reference) {
        Standing::Ready(serving) => Some(serving),
        _ => None,
    };
    let ForPolicies { usable: others, offers, told } =
        for_policies(spec, &made.client, before.as_deref(), now).await;
    let allowed = profiles.profiles.into_iter().filter(|one| spec.allows_profile(&one.name));
    let profiles = allowed.collect();
    let serving = Serving {
        reference: reference.clone(),
        spec: spec.clone(),
        client: made.client,
        authority,
        others,
        offers: Offers::new(offer, offers),
        profiles,
    };
    let seen = Seen { own: facts, others: told };
    Ok(Usable { serving: Arc::new(serving), seen, good_until: made.good_until })
}

/// Authorities that policies may choose.
#[derive(Default)]
struct ForPolicies {
    /// Those that can be used.
    usable: Vec<Authority>,
    /// What they offer.
    offers: Vec<Offer>,
    /// What is told of each.
    told: Vec<OfMode>,
}

/// The authorities that policies may choose. That one of them can't be used stops no request that doesn't ask for
/// it. One that can't be looked at for what may pass stays what it was.
async fn for_policies(
    spec: &IssuerSpec,
    client: &Client,
    before: Option<&Serving>,
    now: Timestamp,
) -> ForPolicies {
    let mut all = ForPolicies::default();
    for (mode, field, name) in spec.authorities.iter().flat_map(Authorities::named) {
        let found = match client.authority(name).await.map_err(Fault::from) {
            Ok(shown) => check_of_mode((field, mode), &shown, now),
            Err(fault) => {
                if let (Fault::Transient { .. }, Some(before)) = (&fault, before)
                    && let Some(one) = before.others.iter().find(|one| one.name == name)
                    && let Some(offer) = before.offers.all().find(|o| o.authority() == name)
                {
                    all.usable.push(one.clone());
                    all.offers.push(offer.clone());
                }
                Err(format!("{field}: {fault}"))
            }
        };
        let found = found.map(|Checked { authority, facts, offer }| {
            all.usable.push(authority);
            all.offers.push(offer);
            facts
        });
        all.told.push(OfMode { mode, authority: name.to_owned(), found });
    }
    all
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
    fn a_credential_is_made_anew_before_it_ends() {
        let now: Timestamp = "2026-11-27T05:00:00Z".parse().unwrap();
        let lasting = |seconds| Some(now + SignedDuration::from_secs(seconds));
        assert_eq!(until_credential_ends(lasting(3600), now), Duration::from_secs(3000));
        assert_eq!(until_credential_ends(lasting(60), now), SOONEST);
        assert_eq!(until_credential_ends(lasting(-60), now), SOONEST);
        assert_eq!(until_credential_ends(None, now), Duration::MAX);
    }

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
        assert_eq!(rests(40, -1), None, "the clock was set back");
    }
}
