//! Tells people what happened, by events of `events.k8s.io/v1`.
//!
//! Events are told by a task of their own, one after the other: no certificate waits for one. When
//! more wait than [`PLACES`], the newest is dropped and counted; the condition says the same.

use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tokio::sync::mpsc;

use crate::metrics::Metrics;
use crate::plan::Notice;

/// Who reports.
pub const CONTROLLER: &str = "espalier.dev/issuer";
/// Events that may wait.
pub const PLACES: usize = 2048;

type Told = (Notice, k8s_openapi::api::core::v1::ObjectReference);

/// Takes events that shall be told.
#[derive(Clone, Debug)]
pub struct Events {
    queue: mpsc::Sender<Told>,
    metrics: Metrics,
}

impl Events {
    /// A queue, and the task that empties it until the queue is dropped.
    pub fn new(
        client: Client,
        instance: String,
        metrics: Metrics,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, mut waiting) = mpsc::channel::<Told>(PLACES);
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance: Some(instance) };
        let recorder = Recorder::new(client, reporter);
        let task = async move {
            while let Some((notice, object)) = waiting.recv().await {
                let event = event(notice);
                if let Err(error) = recorder.publish(&event, &object).await {
                    tracing::warn!(reason = event.reason, %error, "an event was not taken");
                }
            }
        };
        (Self { queue, metrics }, task)
    }

    /// Tells what happened to an object.
    pub fn tell<K: Resource<DynamicType = ()>>(&self, object: &K, notice: Notice) {
        if self.queue.try_send((notice, object.object_ref(&()))).is_err() {
            self.metrics.event_dropped();
        }
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
