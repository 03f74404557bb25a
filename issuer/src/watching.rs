//! Which objects are watched, and who looks at them when they change.

use std::fmt::Debug;
use std::sync::Arc;

use client::with_causes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt as _, predicates};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::apply::ApplyError;
use crate::config::Controller as Chosen;
use crate::context::Context;
use crate::issuer;
use crate::kinds::{Issuer, StoredPolicy};
use crate::pq_policy;

/// Objects of one kind: as they change, and as they are.
pub(crate) struct Watched<K: Resource<DynamicType = ()> + 'static> {
    changes: BoxStream<'static, Result<K, watcher::Error>>,
    pub(crate) store: Store<K>,
    /// Is cancelled when everything that is there was read once. The store's own word for it wakes
    /// one waiter alone, and that is its controller.
    pub(crate) read: CancellationToken,
}

impl<K> Watched<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// All that there are, without what nobody reads.
    pub(crate) fn of(client: &Client, shed: impl Fn(&mut K) + Send + 'static) -> Self {
        let (reader, writer) = store();
        let read = CancellationToken::new();
        let done = read.clone();
        let changes = watcher(Api::<K>::all(client.clone()), watcher::Config::default())
            .default_backoff()
            .modify(move |object| {
                object.meta_mut().managed_fields = None;
                shed(object);
            })
            .reflect(writer)
            .inspect(move |event| match event {
                Ok(watcher::Event::InitDone) => done.cancel(),
                // Nobody has an object of a kind that the API server does not know. The watch goes on: it may be
                // defined later.
                Err(error) if is_unknown(error) => done.cancel(),
                _ => {}
            })
            .applied_objects()
            .boxed();
        Self { changes, store: reader, read }
    }
}

/// Whether the API server says that it does not know the kind.
fn is_unknown(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source)) =
        error
    else {
        return false;
    };
    matches!(source, kube::Error::Api(status) if status.code == 404)
}

/// The controller of one kind of issuers, until `ending`.
pub(crate) async fn of_issuers<K: Issuer>(
    watched: Watched<K>,
    woken: mpsc::UnboundedReceiver<ObjectRef<K>>,
    (context, ending): (Arc<Context>, CancellationToken),
) {
    // Our own status is no reason to look again.
    let changes =
        watched.changes.predicate_filter(predicates::generation, PredicateConfig::default());
    Controller::for_stream(changes, watched.store)
        .with_config(controller::Config::default().concurrency(16))
        .reconcile_on(stream_of(woken))
        .graceful_shutdown_on(ending.cancelled_owned())
        .run(
            issuer::reconcile,
            |_, error, context| {
                context.metrics.failed("issuers");
                Action::requeue(issuer::wait_after_error(error))
            },
            context,
        )
        .for_each(tell)
        .await;
}

/// The controller of policies, until `ending`.
pub(crate) async fn of_policies(
    watched: Watched<StoredPolicy>,
    (context, ending): (Arc<Context>, CancellationToken),
) {
    // Our own status is no reason to look again.
    let changes =
        watched.changes.predicate_filter(predicates::generation, PredicateConfig::default());
    Controller::for_stream(changes, watched.store)
        .graceful_shutdown_on(ending.cancelled_owned())
        .run(
            pq_policy::reconcile,
            |_, error, context| {
                context.metrics.failed("policies");
                Action::requeue(issuer::wait_after_error(error))
            },
            context,
        )
        .for_each(tell)
        .await;
}

/// Keeps a store as it is at the API server, until `ending`; others look into it.
pub(crate) async fn kept<K>(watched: Watched<K>, ending: CancellationToken)
where
    K: Resource<DynamicType = ()> + 'static,
{
    let kept = watched.changes.for_each(async |change| {
        if let Err(error) = change {
            tracing::warn!(kind = %K::kind(&()), error = with_causes(&error), "a watch failed");
        }
    });
    tokio::select! {
        () = kept => {}
        () = ending.cancelled() => {}
    }
}

/// What looks at one object.
pub(crate) type Look<K, F> = fn(Arc<K>, Arc<Context>) -> F;

/// One of the controllers of requests, until `ending`; it begins when the issuers are read, as none
/// would be found before.
pub(crate) async fn of_requests<K, F>(
    (watched, woken): (Watched<K>, mpsc::UnboundedReceiver<ObjectRef<K>>),
    (chosen, look): (Chosen, Look<K, F>),
    (concurrency, issuers_are_read): (u16, [CancellationToken; 3]),
    (context, ending): (Arc<Context>, CancellationToken),
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    F: Future<Output = Result<Action, ApplyError>> + Send + 'static,
{
    for read in issuers_are_read {
        tokio::select! {
            () = read.cancelled() => {}
            () = ending.cancelled() => return,
        }
    }
    Controller::for_stream(watched.changes, watched.store)
        .with_config(controller::Config::default().concurrency(concurrency))
        .reconcile_on(stream_of(woken))
        .graceful_shutdown_on(ending.cancelled_owned())
        .run(
            look,
            move |request, _, context: Arc<Context>| {
                context.metrics.failed(chosen.name());
                let uid = request.meta().uid.as_deref().unwrap_or_default();
                Action::requeue(context.wait_after_error(uid))
            },
            context,
        )
        .for_each(tell)
        .await;
}

/// What is sent through a channel, as a stream.
fn stream_of<T: Send + 'static>(
    mut queue: mpsc::UnboundedReceiver<T>,
) -> impl Stream<Item = T> + Send {
    stream::poll_fn(move |context| queue.poll_recv(context))
}

/// Logs what went wrong with one object, or with the watch of all.
async fn tell<K, E>(result: Result<(ObjectRef<K>, Action), controller::Error<E, watcher::Error>>)
where
    K: Resource<DynamicType = ()>,
    E: std::error::Error + 'static,
{
    match result {
        Ok(_) => {}
        // It was deleted before anybody looked at it.
        Err(controller::Error::ObjectNotFound(_)) => {}
        Err(error) => tracing::warn!(error = with_causes(&error), "a look failed"),
    }
}
