//! When requests became Issued, as the API server tells whoever watches.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::{Stream, TryStreamExt as _};
use issuer::certificate_request::{CertificateRequest, READY};
use issuer::condition::{Condition, find};
use kube::api::{WatchEvent, WatchParams};
use kube::core::Request;
use kube::{Client, Resource as _};
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The instants of the first and the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) first: Instant,
    last: Instant,
    number: usize,
}

impl Span {
    /// Requests per second between the first and the last: the first itself is not counted, as
    /// what came before it is not.
    pub(crate) fn rate(&self) -> f64 {
        (self.number - 1) as f64 / (self.last - self.first).as_secs_f64()
    }
}

/// A watch on the requests of a namespace.
pub(crate) struct Watching(JoinHandle<Result<Span, Failure>>);

/// Of a request, no more than what counts: the watch shall cost little.
#[derive(Clone, Deserialize)]
struct Seen {
    metadata: Named,
    #[serde(default)]
    status: Judged,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    name: String,
    resource_version: String,
}

#[derive(Clone, Default, Deserialize)]
struct Judged {
    #[serde(default)]
    conditions: Vec<Condition>,
}

impl Watching {
    /// Begins to watch, and returns once it knows all of the namespace's requests.
    pub(crate) async fn begin(
        client: &Client,
        namespace: &str,
        number: usize,
    ) -> Result<Self, Failure> {
        let (known, all_known) = oneshot::channel();
        let (client, namespace) = (client.clone(), namespace.to_owned());
        let task = tokio::spawn(watch(client, namespace, number, known));
        match all_known.await {
            Ok(()) => Ok(Self(task)),
            // It ended before it knew them: it says why.
            Err(_) => task.await?.and(Err("the watch ended early".into())),
        }
    }

    /// Waits until the last of them is Issued.
    pub(crate) async fn all_ready(self) -> Result<Span, Failure> {
        self.0.await?
    }
}

async fn watch(
    client: Client,
    namespace: String,
    number: usize,
    known: oneshot::Sender<()>,
) -> Result<Span, Failure> {
    let mut seen = Tally::default();
    let mut known = Some(known);
    loop {
        let path = CertificateRequest::url_path(&(), Some(&namespace));
        let request = Request::new(path).watch(&WatchParams::default(), &seen.version)?;
        let mut events = Box::pin(client.request_events::<Seen>(request).await?);
        // The API server may end a watch at any time, one that is slow to read above all: it goes on
        // where it was.
        while let Some(event) = next(&mut events, || seen.ready.len()).await? {
            seen.add(event)?;
            if seen.there.len() == number
                && let Some(known) = known.take()
            {
                // Nobody waits any more only when all of it was given up.
                let _ = known.send(());
            }
            if let Some((first, last)) = seen.span.filter(|_| seen.ready.len() == number) {
                return Ok(Span { first, last, number });
            }
        }
    }
}

/// The next event; none at the end of this watch.
async fn next<E>(
    events: &mut (impl Stream<Item = Result<WatchEvent<Seen>, E>> + Unpin),
    ready: impl Fn() -> usize,
) -> Result<Option<WatchEvent<Seen>>, Failure>
where
    Failure: From<E>,
{
    match tokio::time::timeout(PATIENCE, events.try_next()).await {
        Ok(event) => Ok(event?),
        Err(_) => Err(format!("{} are issued, and for {PATIENCE:?} none was", ready()).into()),
    }
}

/// What a watch has told.
struct Tally {
    /// Where another watch goes on.
    version: String,
    there: HashSet<String>,
    ready: HashSet<String>,
    /// When the first and the last became Issued.
    span: Option<(Instant, Instant)>,
}

impl Default for Tally {
    fn default() -> Self {
        let (there, ready) = (HashSet::new(), HashSet::new());
        // What there is, and then what changes.
        Self { version: "0".to_owned(), there, ready, span: None }
    }
}

impl Tally {
    fn add(&mut self, event: WatchEvent<Seen>) -> Result<(), Failure> {
        let Seen { metadata, status } = match event {
            WatchEvent::Added(seen) | WatchEvent::Modified(seen) => seen,
            WatchEvent::Bookmark(mark) => {
                self.version = mark.metadata.resource_version;
                return Ok(());
            }
            WatchEvent::Deleted(seen) => {
                return Err(format!("{}: was deleted", seen.metadata.name).into());
            }
            WatchEvent::Error(status) => return Err(status.message.into()),
        };
        let is_ready = find(&status.conditions, READY).is_some_and(Condition::holds);
        if is_ready && self.ready.insert(metadata.name.clone()) {
            let now = Instant::now();
            self.span = Some((self.span.map_or(now, |(first, _)| first), now));
        }
        self.version = metadata.resource_version;
        self.there.insert(metadata.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::json;

    use super::*;

    #[test]
    fn the_rate_is_of_those_after_the_first() {
        let first = Instant::now();
        let span = Span { first, last: first + Duration::from_secs(4), number: 1_001 };
        assert!((span.rate() - 250.0).abs() < 1e-9);
    }

    #[test]
    fn a_request_counts_when_it_is_ready_and_once() {
        let event = |version: &str, ready: &str| -> WatchEvent<Seen> {
            serde_json::from_value(json!({ "type": "MODIFIED", "object": {
                "metadata": { "name": "r1", "resourceVersion": version }, "spec": {},
                "status": { "certificate": "", "conditions": [
                    { "type": "Approved", "status": "True" }, { "type": "Ready", "status": ready },
                ] },
            } }))
            .unwrap()
        };
        let mut tally = Tally::default();
        tally.add(event("7", "False")).unwrap();
        assert_eq!((tally.there.len(), tally.ready.len(), tally.span), (1, 0, None));
        tally.add(event("8", "True")).unwrap();
        let span = tally.span;
        assert!(tally.ready.len() == 1 && span.is_some());
        tally.add(event("9", "True")).unwrap();
        assert_eq!((tally.span, tally.version.as_str()), (span, "9"));
        let bare = json!({ "type": "DELETED", "object": { "metadata": { "name": "r1", "resourceVersion": "10" } } });
        assert!(tally.add(serde_json::from_value(bare).unwrap()).is_err());
    }
}
