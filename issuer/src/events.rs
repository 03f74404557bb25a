//! Tells people what happened, by events of `events.k8s.io/v1`.
//!
//! Events are told by a task of their own, one after the other: no certificate waits for one. Those
//! that say no more than their object does wait behind all others and are told in measure, as each
//! costs the API server more than half of what the certificate's own status does (ADR 0172). What
//! finds no place to wait is dropped and counted.
//!
//! Of one object, events of one reason are told in measure as well: whatever is wrong and told at each
//! try must not fill the API server.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tokio::sync::mpsc;

use crate::metrics::Metrics;
use crate::plan::Notice;

/// Who reports.
pub const CONTROLLER: &str = "espalier.dev/issuer";
/// Events that may wait.
pub const PLACES: usize = 2048;
/// Of those that can wait, so many are told at once after a rest.
const BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// So many of them are told in a second.
const A_SECOND: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// Of one object, so many events of one reason are told at once.
const BURST_OF_ONE: NonZeroU32 = NonZeroU32::new(3).unwrap();
/// And one more after each such time, as with Kubernetes' own recorders.
const PAUSE_OF_ONE: Duration = Duration::from_secs(300);
/// How often objects are forgotten of which nothing was told for long.
const SWEEP: Duration = Duration::from_secs(60);
/// So many of them wait: those of one minute. The time of an event is that at which it is told, and an
/// event that is told much later would mislead.
pub const PATIENT_PLACES: usize = 60;

type Told = (Notice, ObjectReference);
/// By UID and reason.
type Measures = DefaultKeyedRateLimiter<(String, &'static str)>;

/// How often each object may tell the same reason.
fn measures() -> Measures {
    // A time above zero makes a quota.
    let quota = Quota::with_period(PAUSE_OF_ONE).unwrap_or(Quota::per_hour(BURST_OF_ONE));
    RateLimiter::keyed(quota.allow_burst(BURST_OF_ONE))
}

/// Takes events that shall be told.
#[derive(Clone, Debug)]
pub struct Events {
    prompt: mpsc::Sender<Told>,
    patient: mpsc::Sender<Told>,
    of_one: Arc<Measures>,
    metrics: Metrics,
}

impl Events {
    /// Two queues, and the task that empties them until they are dropped.
    pub fn new(
        client: Client,
        instance: String,
        metrics: Metrics,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (prompt, mut told_prompt) = mpsc::channel::<Told>(PLACES);
        let (patient, mut told_patient) = mpsc::channel::<Told>(PATIENT_PLACES);
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance: Some(instance) };
        let of_one = Arc::new(measures());
        let swept = Arc::clone(&of_one);
        let task = async move {
            let mut sweep = tokio::time::interval(SWEEP);
            let measure = RateLimiter::direct(Quota::per_second(A_SECOND).allow_burst(BURST));
            let mut next = None;
            loop {
                let told = tokio::select! {
                    biased;
                    _ = sweep.tick() => {
                        swept.retain_recent();
                        None
                    }
                    told = told_prompt.recv() => match told {
                        Some(told) => Some(told),
                        None => break,
                    },
                    () = measure.until_ready(), if next.is_some() => next.take(),
                    Some(told) = told_patient.recv(), if next.is_none() => {
                        next = Some(told);
                        None
                    }
                };
                if let Some((notice, object)) = told {
                    publish((&client, &reporter), notice, &object).await;
                }
            }
            // The program ends: what may be told now is told, and nobody waits for more.
            while measure.check().is_ok()
                && let Some((notice, object)) = next.take().or_else(|| told_patient.try_recv().ok())
            {
                publish((&client, &reporter), notice, &object).await;
            }
        };
        (Self { prompt, patient, of_one, metrics }, task)
    }

    /// Tells what happened to an object; whether it will be told.
    pub fn tell<K: Resource<DynamicType = ()>>(&self, object: &K, notice: Notice) -> bool {
        let queue = if notice.can_wait { &self.patient } else { &self.prompt };
        let Ok(place) = queue.try_reserve() else {
            self.metrics.event_dropped();
            return false;
        };
        // What finds no place takes nothing of the measure.
        let uid = object.meta().uid.clone().unwrap_or_default();
        if self.of_one.check_key(&(uid, notice.reason)).is_err() {
            return false;
        }
        place.send((notice, object.object_ref(&())));
        true
    }
}

/// Tells one event. Each is an object of its own: a recorder that knows earlier ones joins those of the
/// same reason, and keeps the words of the first.
async fn publish(
    (client, reporter): (&Client, &Reporter),
    notice: Notice,
    object: &ObjectReference,
) {
    let event = event(notice);
    let recorder = Recorder::new(client.clone(), reporter.clone());
    if let Err(error) = recorder.publish(&event, object).await {
        tracing::warn!(reason = event.reason, %error, "an event was not taken");
    }
}

fn event(notice: Notice) -> Event {
    Event {
        type_: if notice.warning { EventType::Warning } else { EventType::Normal },
        reason: notice.reason.to_owned(),
        note: Some(notice.note),
        action: "Issuing".to_owned(),
        secondary: None,
    }
}
