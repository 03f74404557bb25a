//! Looks at one `CertificateSigningRequest`, and does what is planned.

use std::sync::Arc;
use std::time::Duration;

use client::with_causes;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::PostParams;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, ResourceExt as _};

use super::plan::{self, SigningPlan};
use super::{IS_CA_FIELD, Stage, approved_at, is_ca, seconds, stage, uid};
use crate::apply::{ApplyError, Owned};
use crate::certificate_request::PROFILE_ANNOTATION;
use crate::config::Controller;
use crate::context::{Asker, Context};
use crate::fault::{Fault, in_time};
use crate::history::{History, elapsed};
use crate::kinds::{IssuerKind, IssuerRef};
use crate::places::IN_LINE;
use crate::plan::Outcome;
use crate::pq_policy::choosing::Signing;
use crate::serving::{Authority, Serving, Standing};
use crate::signing::{Signed, Wish, sign};

/// After this time a request that had changed is looked at again, if the watch did not tell before.
const STALE: Duration = Duration::from_secs(2);

/// Looks at one request, and does what is planned. Whatever happens in between, it may be called
/// again: the server issues one certificate for each UID.
///
/// # Errors
/// When the API server does not take what is planned.
#[tracing::instrument(name = "issuer.reconcile_csr", skip_all, fields(request = %request.name_any(), uid = uid(&request)))]
pub async fn reconcile(
    request: Arc<CertificateSigningRequest>,
    context: Arc<Context>,
) -> Result<Action, ApplyError> {
    let started = std::time::Instant::now();
    let issuer = match stage(&request) {
        Stage::Foreign | Stage::Unjudged => return Ok(Action::await_change()),
        Stage::Done => {
            context.histories.forget(uid(&request));
            return Ok(Action::await_change());
        }
        Stage::Open(issuer) => issuer,
    };
    let history = context.histories.of(uid(&request));
    if let Some(rest) = history.rest(context.now(), context.retry.longest) {
        // It may have been woken for a place that it does not take.
        context.wake_next(&issuer);
        return Ok(Action::requeue(rest));
    }
    let standing = context.standing(&issuer);
    if matches!(standing, Standing::Unchecked) {
        // It is woken when the issuer was looked at.
        return Ok(Action::await_change());
    }
    // Held until the result is written.
    let asker = Asker::SigningRequest(ObjectRef::from_obj(&*request));
    let Ok(_place) = context.place(&issuer, &asker) else {
        return Ok(Action::requeue(IN_LINE));
    };
    let (plan, history) = looked_at(&request, (&issuer, &standing), &context, &history).await;
    context.histories.put(uid(&request), history);
    if let Some(patch) = &plan.patch {
        let api: Api<CertificateSigningRequest> = Api::all(context.kube.clone());
        let version = request.resource_version().unwrap_or_default();
        match context.write_status(&api, &*request, &version, patch).await? {
            Owned::Applied(_) => context.histories.change(uid(&request), History::written),
            Owned::Gone => {
                context.histories.forget(uid(&request));
                return Ok(Action::await_change());
            }
            Owned::Stale => return Ok(Action::requeue(STALE)),
        }
    }
    if let Some(notice) = &plan.notice {
        if !context.events.tell(&*request, notice.clone()) {
            // Its status has no place for that: it is told at the next look.
            context.histories.change(uid(&request), History::not_told);
        }
        tracing::info!(outcome = plan.outcome.name(), words = notice.note, "looked at");
    }
    let issuer = Some(&issuer).filter(|issuer| context.is_there(issuer));
    let chosen = Controller::CertificateSigningRequests;
    context.metrics.request(chosen, issuer, plan.outcome, started.elapsed());
    if plan.outcome == Outcome::Issued
        && let Some(approved) = approved_at(&request)
    {
        context.metrics.issued_after(elapsed(approved, context.now()));
    }
    Ok(plan.again.map_or_else(Action::await_change, Action::requeue))
}

/// What shall be done with a request, and what is remembered of it. Whether its author may name the
/// issuer is asked before anything else: to others nothing is told of it, not even whether it is
/// there.
async fn looked_at(
    request: &CertificateSigningRequest,
    (issuer, standing): (&IssuerRef, &Standing),
    context: &Context,
    history: &History,
) -> (SigningPlan, History) {
    let mut rules = context.retry;
    let result = match may_name(request, issuer, context).await {
        Err(words) => return plan::not_judged(request, &words, history, &rules, context.now()),
        Ok(false) => {
            let plan = plan::denied_reference(request, issuer, context.now());
            return (plan, history.decided());
        }
        Ok(true) => match standing {
            Standing::Ready(serving) => {
                rules.limit = serving.limit(rules.limit);
                match context.signs_signing_request(serving, request, context.now()).await {
                    Signing::By(authority) => {
                        let by = (&**serving, authority);
                        context.heard(by, signed(request, by, context).await)
                    }
                    Signing::Nobody(why) => return plan::waiting(&why, history),
                    Signing::NotKnown(why) => return plan::waiting(why, history),
                }
            }
            Standing::NotReady(why) => return plan::waiting(why, history),
            Standing::Unchecked => return plan::waiting("it was not looked at yet", history),
        },
    };
    plan::concluded(request, &result, history, &rules, context.now())
}

async fn signed(
    request: &CertificateSigningRequest,
    (serving, authority): (&Serving, &Authority),
    context: &Context,
) -> Result<Signed, Fault> {
    let wish = Wish {
        csr: &request.spec.request.0,
        key: uid(request).to_owned(),
        profile: request.annotations().get(PROFILE_ANNOTATION).map(String::as_str),
        seconds: seconds(request).map_err(Fault::BadRequest)?,
        is_ca: is_ca(request),
        is_ca_field: IS_CA_FIELD,
        usages: request.spec.usages.as_deref().unwrap_or_default(),
        clock: context.clock,
    };
    in_time(sign(serving, authority, &wish)).await
}

/// Whether whoever made the request may name this issuer. Those of the cluster are for everybody,
/// those of a namespace for whom a role lets `reference` them: cert-manager's own rule and words, so
/// that one role serves for its issuers and ours.
async fn may_name(
    request: &CertificateSigningRequest,
    issuer: &IssuerRef,
    context: &Context,
) -> Result<bool, String> {
    if issuer.kind == IssuerKind::Cluster {
        return Ok(true);
    }
    let api: Api<SubjectAccessReview> = Api::all(context.kube.clone());
    for name in [issuer.name.as_str(), "*"] {
        let review = review(request, issuer, name);
        let answer = api.create(&PostParams::default(), &review).await.map_err(|error| {
            format!("the API server does not say who may name the issuer: {}", with_causes(&error))
        })?;
        if answer.status.is_some_and(|status| status.allowed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The question whether the author of a request may `reference` an issuer of this name. The API
/// server itself wrote down who the author is, and lets nobody change it.
fn review(
    request: &CertificateSigningRequest,
    issuer: &IssuerRef,
    name: &str,
) -> SubjectAccessReview {
    let spec = &request.spec;
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: spec.username.clone(),
            groups: spec.groups.clone(),
            uid: spec.uid.clone(),
            extra: spec.extra.clone(),
            resource_attributes: Some(ResourceAttributes {
                group: Some("cert-manager.io".into()),
                resource: Some("signers".into()),
                verb: Some("reference".into()),
                namespace: issuer.namespace.clone(),
                name: Some(name.into()),
                version: Some("*".into()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::{Value, json};

    use super::super::signer;
    use super::super::tests::request;
    use super::*;

    /// A role may be bound to a group, and a webhook may go by the other words.
    #[test]
    fn the_api_server_is_asked_with_all_that_it_knows_of_the_author() {
        let mut asked = request(&["Approved"]);
        asked.spec.groups = Some(vec!["shop-team".into()]);
        asked.spec.uid = Some("u-1".into());
        asked.spec.extra = Some([("scopes".to_owned(), vec!["a".to_owned()])].into());
        let issuer = signer(&asked.spec.signer_name).unwrap();
        let question: Value = serde_json::to_value(review(&asked, &issuer, &issuer.name)).unwrap();
        let wanted = json!({
            "user": "ann", "groups": ["shop-team"], "uid": "u-1", "extra": {"scopes": ["a"]},
            "resourceAttributes": {
                "group": "cert-manager.io", "resource": "signers", "verb": "reference",
                "namespace": "shop", "name": "hybrid", "version": "*",
            },
        });
        assert_eq!(question["spec"], wanted);
    }
}
