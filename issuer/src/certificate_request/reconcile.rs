//! Looks at one `CertificateRequest`, and does what is planned.

use std::sync::Arc;
use std::time::Duration;

use kube::Api;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;

use super::plan::{self, RequestPlan};
use super::{CertificateRequest, CertificateRequestStatus, Stage};
use crate::apply::{ApplyError, Owned};
use crate::config::Controller;
use crate::context::{Asker, Context};
use crate::fault::{Fault, in_time};
use crate::go_duration;
use crate::history::{History, RetryRules};
use crate::kinds::IssuerRef;
use crate::places::{IN_LINE, Turn};
use crate::plan::{Outcome, Plan};
use crate::pq_policy::choosing::Signing;
use crate::serving::{Authority, Serving, Standing};
use crate::signing::{Signed, Wish, sign};

/// After this time a request that is being signed says so: cert-manager makes a temporary
/// certificate only beside a request that has a `Ready` condition.
const SAYS_SO_AFTER: Duration = Duration::from_secs(1);

/// After this time a request that had changed is looked at again, if the watch did not tell before.
const STALE: Duration = Duration::from_secs(2);

/// Looks at one request, and does what is planned. Whatever happens in between, it may be called
/// again: the server issues one certificate for each UID.
///
/// # Errors
/// When the API server does not take what is planned.
#[tracing::instrument(name = "issuer.reconcile", skip_all, fields(request = %request.name_any(), namespace = request.namespace().unwrap_or_default(), uid = request.uid()))]
pub async fn reconcile(
    request: Arc<CertificateRequest>,
    context: Arc<Context>,
) -> Result<Action, ApplyError> {
    let started = std::time::Instant::now();
    let now = context.now();
    let mut version = request.resource_version().unwrap_or_default();
    // Held until the result is written.
    let place;
    let (issuer, plan) = match request.stage() {
        Stage::Foreign | Stage::Unjudged => return Ok(Action::await_change()),
        Stage::Done => {
            context.histories.forget(request.uid());
            return Ok(Action::await_change());
        }
        Stage::Denied => (request.issuer(), plan::denied(&request, now)),
        Stage::FailedWithoutTime => (request.issuer(), plan::completed(&request, now)),
        Stage::Open(issuer) => {
            let rest = context.histories.of(request.uid()).rest(now, context.retry.longest);
            let plan = match (context.standing(&issuer), rest) {
                (Standing::Unchecked, _) => plan::unchecked(&request, &issuer, now),
                (Standing::NotReady(why), _) => {
                    context.histories.change(request.uid(), History::waiting_for_issuer);
                    plan::waiting(&request, &why, now)
                }
                (Standing::Ready(_), Some(rest)) => {
                    // It may have been woken for a place that it does not take.
                    context.wake_next(&issuer);
                    return Ok(Action::requeue(rest));
                }
                (Standing::Ready(serving), None) => {
                    place = context.place(&issuer, &Asker::Request(ObjectRef::from_obj(&*request)));
                    match place {
                        Ok(_) => open(&request, &serving, &context, &mut version).await?,
                        // It may be its turn soon: a flood writes no status for each that joins.
                        Err(Turn::Joins) => return Ok(Action::requeue(IN_LINE)),
                        Err(_) => plan::in_line(&request, &issuer, now),
                    }
                }
            };
            (Some(issuer), plan)
        }
    };
    if let Some(patch) = &plan.patch {
        match written(&request, &context, &version, patch).await? {
            Owned::Applied(_) => context.histories.change(request.uid(), History::written),
            // It was deleted: nobody waits for this answer.
            Owned::Gone => {
                context.histories.forget(request.uid());
                return Ok(Action::await_change());
            }
            // It is looked at again as it is now; that comes by itself, unless the watch is late.
            Owned::Stale => return Ok(Action::requeue(STALE)),
        }
    }
    if let Some(notice) = &plan.notice {
        context.events.tell(&*request, notice.clone());
    }
    count(&request, issuer.as_ref(), &plan, &context, started.elapsed());
    Ok(plan.again.map_or_else(Action::await_change, Action::requeue))
}

/// Tries to have a request signed.
async fn open(
    request: &CertificateRequest,
    serving: &Serving,
    context: &Context,
    version: &mut String,
) -> Result<RequestPlan, ApplyError> {
    let history = context.histories.of(request.uid());
    let authority = match context.signs_request(serving, request, context.now()).await {
        Signing::By(authority) => authority,
        Signing::Nobody(why) => {
            context.histories.change(request.uid(), History::waiting_for_issuer);
            return Ok(plan::waiting(request, &why, context.now()));
        }
        Signing::NotKnown(why) => return Ok(plan::not_known(request, why, context.now())),
    };
    let result = signed(request, (serving, authority), context, version).await?;
    let result = context.heard((serving, authority), result);
    let rules = RetryRules { limit: serving.limit(context.retry.limit), ..context.retry };
    let at = (context.now(), serving.spec.ca_in_status);
    let (plan, history) = plan::concluded(request, &result, &history, &rules, at);
    context.histories.put(request.uid(), history);
    Ok(plan)
}

/// Asks for the certificate; meanwhile, where that takes its time, the request says so.
async fn signed(
    request: &CertificateRequest,
    (serving, authority): (&Serving, &Authority),
    context: &Context,
    version: &mut String,
) -> Result<Result<Signed, Fault>, ApplyError> {
    let seconds = request.spec.duration.as_deref().map(go_duration::seconds).transpose();
    let seconds = match seconds {
        Ok(seconds) => seconds,
        Err(words) => return Ok(Err(Fault::BadRequest(format!("spec.duration: {words}")))),
    };
    let wish = Wish {
        csr: &request.spec.request.0,
        key: request.uid().to_owned(),
        profile: request.profile(),
        seconds,
        is_ca: request.spec.is_ca,
        is_ca_field: "spec.isCA",
        usages: &request.spec.usages,
        clock: context.clock,
    };
    let mut asked = std::pin::pin!(in_time(sign(serving, authority, &wish)));
    if let Ok(result) = tokio::time::timeout(SAYS_SO_AFTER, &mut asked).await {
        return Ok(result);
    }
    if let Some(status) = plan::signing(request, context.now())
        && let Owned::Applied(after) = written(request, context, version, &status).await?
    {
        *version = after;
    }
    Ok(asked.await)
}

async fn written(
    request: &CertificateRequest,
    context: &Context,
    version: &str,
    status: &CertificateRequestStatus,
) -> Result<Owned, ApplyError> {
    // A CertificateRequest always has a namespace.
    let namespace = request.namespace().unwrap_or_default();
    let api = Api::namespaced(context.kube.clone(), &namespace);
    context.write_status(&api, request, version, status).await
}

fn count<P>(
    request: &CertificateRequest,
    issuer: Option<&IssuerRef>,
    plan: &Plan<P>,
    context: &Context,
    took: Duration,
) {
    // Only issuers that are there have a series: whoever writes requests can name any other.
    let issuer = issuer.filter(|issuer| context.is_there(issuer));
    let words = plan.notice.as_ref().map_or("", |notice| notice.note.as_str());
    match plan.outcome {
        Outcome::WaitingForIssuer | Outcome::Retried => {
            tracing::debug!(outcome = plan.outcome.name(), words, "looked at");
        }
        Outcome::Issued | Outcome::Denied => {
            tracing::info!(outcome = plan.outcome.name(), words, "concluded");
        }
        _ => tracing::warn!(outcome = plan.outcome.name(), words, "concluded"),
    }
    context.metrics.request(Controller::CertificateRequests, issuer, plan.outcome, took);
    if plan.outcome == Outcome::Issued
        && let Some(approved) = request.approved_at()
    {
        context.metrics.issued_after(crate::history::elapsed(approved, context.now()));
    }
}
