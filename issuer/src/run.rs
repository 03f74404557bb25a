//! From a configuration to controllers that work, and their orderly end.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::audience::ApiAudiences;
use crate::certificate::Certificate;
use crate::certificate_request::{self, CertificateRequest};
use crate::config::{Config, Controller as Chosen};
use crate::context::{Clock, Context, Histories, Wakers};
use crate::events::Events;
use crate::kinds::{PQClusterIssuer, PQIssuer, StoredPolicy};
use crate::leader::Election;
use crate::listener::{self, Health, Phase};
use crate::metrics::Metrics;
use crate::places::Places;
use crate::pq_policy::bundle::{self, Published};
use crate::pq_policy::gone;
use crate::pq_policy::inventory::Inventory;
use crate::pq_policy::known::{News, Readings};
use crate::serving::Registry;
use crate::signing_request;
use crate::watching::{Watched, kept, of_issuers, of_policies, of_requests};

/// So many issuers may have all their places taken before the requests of others wait.
const SLOW_ISSUERS: u16 = 8;
/// How long one answer of the API server may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a watch may be silent: longer than it lasts, which is 290 s. Without this a list that is never
/// answered would be waited for until TCP gives up.
const WATCH: Duration = Duration::from_secs(330);

/// How often what belongs to objects that are gone is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Why the program ended otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nobody says which cluster, or what says so can't be read.
    #[error(
        "cluster: found no configuration that can be used, allowed is a pod's service account or KUBECONFIG"
    )]
    Cluster(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address can't be had.
    #[error("listen: {address} can't be had")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Signals can't be received.
    #[error("signals can't be received")]
    Signals(#[source] std::io::Error),
    /// Another replica may lead: this one must not go on.
    #[error("the lease was lost; another replica may lead, and this one starts anew")]
    LeaseLost,
    /// A controller ended, which it never should.
    #[error("a controller ended early")]
    Ended,
}

/// Runs the controllers until SIGTERM or SIGINT.
///
/// # Errors
/// `RunError`.
pub async fn run(config: &Config, clock: Clock) -> Result<(), RunError> {
    // The first one counts, and there is no other in this program.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let stop = told_to_end()?;
    let Clients { watching, asking, api_audiences } = clients().await?;
    let socket = TcpListener::bind(config.listen)
        .await
        .map_err(|source| RunError::Listen { address: config.listen, source })?;
    let address = socket.local_addr().unwrap_or(config.listen);
    tracing::info!(%address, "health and metrics are served");
    let metrics = Metrics::default();
    let health = Health::new(metrics.clone());
    let serving = tokio::spawn(axum::serve(socket, listener::router(health.clone())).into_future());
    let pod = std::env::var("POD_NAMESPACE").ok();
    let namespace = config.namespace(pod.clone());
    let instance = instance(clock);
    let mut election = config.leader_election.enabled.then(|| {
        let settings = config.leader_election.clone();
        let namespace = config.lease_namespace(pod);
        Election::new(asking.clone(), &namespace, settings, instance.clone(), clock)
    });
    if let Some(election) = &mut election {
        let heard = |heard| health.is(if heard { Phase::Standby } else { Phase::Starting });
        tokio::select! {
            () = election.win(heard) => {}
            () = stop.cancelled() => {
                serving.abort();
                return Ok(());
            }
        }
    }
    health.is(Phase::Reading);
    let parts =
        Parts { config, watching, asking, api_audiences, namespace, instance, metrics, clock };
    let result = work(parts, &stop, &health, election.as_mut()).await;
    // After the last write, so that the next one finds nothing half done. Where the lease was lost,
    // work goes on until this process ends, and there is nothing to give back.
    if let (Some(election), false) = (&mut election, matches!(result, Err(RunError::LeaseLost))) {
        election.release().await;
    }
    serving.abort();
    tracing::info!("ended");
    result
}

/// What the work is made of.
struct Parts<'a> {
    config: &'a Config,
    watching: Client,
    asking: Client,
    api_audiences: ApiAudiences,
    namespace: String,
    instance: String,
    metrics: Metrics,
    clock: Clock,
}

/// Runs the controllers until it is told to end, or must.
async fn work(
    parts: Parts<'_>,
    stop: &CancellationToken,
    health: &Health,
    election: Option<&mut Election>,
) -> Result<(), RunError> {
    let Parts { config, watching, asking, api_audiences, namespace, instance, metrics, clock } =
        parts;
    let (events, telling) = Events::new(asking.clone(), instance, metrics.clone());
    let telling = tokio::spawn(telling);
    let issuers = Watched::<PQIssuer>::of(&watching, |_| ());
    let cluster_issuers = Watched::<PQClusterIssuer>::of(&watching, |_| ());
    let inventory = Arc::new(Inventory::default());
    let seen = Arc::clone(&inventory);
    let certificates = Watched::<Certificate>::of(&watching, Certificate::shed);
    let owners = certificates.store.clone();
    let requests = Watched::<CertificateRequest>::of(&watching, move |request| {
        seen.saw(request, |owner| owners.get(owner).and_then(|owner| owner.revision()));
        request.shed();
    });
    let policies = Watched::<StoredPolicy>::of(&watching, |_| ());
    let namespaces = Watched::<Namespace>::of(&watching, |_| ());
    let signing_requests =
        Watched::<CertificateSigningRequest>::of(&watching, signing_request::shed);
    let (wake_requests, woken_requests) = mpsc::unbounded_channel();
    let (wake_signing_requests, woken_signing_requests) = mpsc::unbounded_channel();
    let (wake_issuers, woken_issuers) = mpsc::unbounded_channel();
    let (wake_cluster_issuers, woken_cluster_issuers) = mpsc::unbounded_channel();
    // What decides which authority signs is read before anything is signed.
    let issuers_are_read =
        [issuers.read.clone(), cluster_issuers.read.clone(), policies.read.clone()];
    let requests_are_read = [requests.read.clone(), signing_requests.read.clone()];
    let objects_are_read =
        [certificates.read.clone(), namespaces.read.clone(), requests.read.clone()];
    let context = Arc::new(Context {
        kube: asking,
        clock,
        events,
        metrics,
        registry: Registry::default(),
        issuers: issuers.store.clone(),
        cluster_issuers: cluster_issuers.store.clone(),
        requests: requests.store.clone(),
        signing_requests: signing_requests.store.clone(),
        certificates: certificates.store.clone(),
        namespaces: namespaces.store.clone(),
        policy_store: policies.store.clone(),
        readings: Readings::default(),
        news: News::default(),
        inventory,
        bundle: config.policies.trust_bundle.clone(),
        published: Published::default(),
        rollout: config.policies.rollout(),
        surveyed: issuers_are_read.iter().chain(&objects_are_read).cloned().collect(),
        wakers: Wakers {
            requests: wake_requests,
            signing_requests: wake_signing_requests,
            issuers: wake_issuers,
            cluster_issuers: wake_cluster_issuers,
        },
        places: Places::new(config.concurrent_requests),
        histories: Histories::default(),
        check_failures: Mutex::default(),
        retry: config.retry_rules(),
        check_interval: Duration::from_secs(config.issuer_check_interval_seconds),
        cluster_resource_namespace: namespace,
        api_audiences,
    });
    health.works_with(&context);
    let ending = CancellationToken::new();
    let (tasks, early) = (TaskTracker::new(), CancellationToken::new());
    let with = || (Arc::clone(&context), ending.clone());
    let guard = || early.clone().drop_guard();
    tasks.spawn(telling_its_end(guard(), of_issuers(issuers, woken_issuers, with())));
    let controller = of_issuers(cluster_issuers, woken_cluster_issuers, with());
    tasks.spawn(telling_its_end(guard(), controller));
    if config.runs(Chosen::CertificateRequests) {
        tasks.spawn(telling_its_end(guard(), of_policies(policies, with())));
    } else {
        // Without requests nobody knows what Certificates have: policies choose who signs, and move nothing.
        tasks.spawn(telling_its_end(guard(), kept(policies, ending.clone())));
    }
    tasks.spawn(telling_its_end(guard(), bundle::kept(Arc::clone(&context), ending.clone())));
    tasks.spawn(telling_its_end(guard(), kept(certificates, ending.clone())));
    tasks.spawn(telling_its_end(guard(), kept(namespaces, ending.clone())));
    let all = config.concurrent_requests.saturating_mul(SLOW_ISSUERS);
    let how = || (all, issuers_are_read.clone());
    let chosen = Chosen::CertificateRequests;
    if config.runs(chosen) {
        let look = (chosen, certificate_request::reconcile as fn(_, _) -> _);
        let controller = of_requests((requests, woken_requests), look, how(), with());
        tasks.spawn(telling_its_end(guard(), controller));
    } else {
        requests_are_read[0].cancel();
    }
    let chosen = Chosen::CertificateSigningRequests;
    if config.runs(chosen) {
        let look = (chosen, signing_request::reconcile as fn(_, _) -> _);
        let watched = (signing_requests, woken_signing_requests);
        let controller = of_requests(watched, look, how(), with());
        tasks.spawn(telling_its_end(guard(), controller));
    } else {
        requests_are_read[1].cancel();
    }
    tasks.close();
    let all_is_read = async {
        for read in issuers_are_read.iter().chain(&requests_are_read) {
            read.cancelled().await;
        }
        health.is(Phase::Working);
        std::future::pending::<()>().await;
    };
    let keep = async {
        match election {
            Some(election) => election.keep().await,
            None => std::future::pending().await,
        }
    };
    let mut keep = std::pin::pin!(keep);
    let swept = sweep(&context, &objects_are_read);
    let result = tokio::select! {
        () = all_is_read => Ok(()),
        () = swept => Ok(()),
        () = stop.cancelled() => Ok(()),
        () = &mut keep => Err(RunError::LeaseLost),
        () = early.cancelled() => Err(RunError::Ended),
    };
    health.is(Phase::Ending);
    ending.cancel();
    if matches!(result, Err(RunError::LeaseLost)) {
        // Another replica may lead: what is under way is cut off with this process.
        return result;
    }
    // The lease is kept until the last write.
    tokio::select! {
        () = drain(&tasks, config) => {}
        () = &mut keep => return Err(RunError::LeaseLost),
    }
    drop(context);
    // The last events; nobody waits long for them.
    let _ = tokio::time::timeout(Duration::from_secs(2), telling).await;
    result
}

/// Work whose end is told, also when it panics: a replica that leads with one controller fewer would
/// look well, and what that one does would never be done.
async fn telling_its_end(_told_when_dropped: DropGuard, work: impl Future<Output = ()>) {
    work.await;
}

/// Forgets what belongs to objects that are gone, now and then and without end.
async fn sweep(context: &Context, objects_are_read: &[CancellationToken]) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        context.sweep();
        // Before, nobody knows which Certificates are gone.
        if objects_are_read.iter().all(CancellationToken::is_cancelled) {
            gone::sweep(context);
        }
    }
}

async fn drain(tasks: &TaskTracker, config: &Config) {
    let patience = Duration::from_secs(config.drain_timeout_seconds);
    if tokio::time::timeout(patience, tasks.wait()).await.is_err() {
        // Whatever is cut off is done again by the next one, under the same name at the server.
        tracing::warn!(seconds = config.drain_timeout_seconds, "work was cut off");
    }
}

/// Done when the process is told to end. From here on signals no longer end it by themselves.
fn told_to_end() -> Result<CancellationToken, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "ending: what is under way is finished");
        told.cancel();
    });
    Ok(token)
}

/// Two clients of the API server: one that watches, and one whose answers have a shorter limit. With them
/// the audiences of the token that they show.
struct Clients {
    watching: Client,
    asking: Client,
    api_audiences: ApiAudiences,
}

async fn clients() -> Result<Clients, RunError> {
    let found = kube::Config::infer().await;
    let mut config = found.map_err(|error| RunError::Cluster(Box::new(error)))?;
    let made =
        |config| Client::try_from(config).map_err(|error| RunError::Cluster(Box::new(error)));
    config.read_timeout = Some(WATCH);
    // A connection that was idle for a while has its whole time for the next answer.
    config.reset_reader_on_write = true;
    let watching = made(config.clone())?;
    let api_audiences = ApiAudiences::of_file(config.auth_info.token_file.as_ref().map(Path::new));
    config.read_timeout = Some(ANSWER);
    Ok(Clients { watching, asking: made(config)?, api_audiences })
}

/// The name of this replica: its pod, and what tells it from the one before of the same name.
fn instance(clock: Clock) -> String {
    let host = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    let host = host.unwrap_or_else(|_| "espalier-issuer".to_owned());
    format!("{host}_{}_{}", std::process::id(), clock().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That it panics as well is what this is about: its task is gone without a word.
    #[tokio::test]
    async fn the_end_of_one_controller_is_told_while_others_work() {
        for panics in [true, false] {
            let (tasks, early) = (TaskTracker::new(), CancellationToken::new());
            tasks.spawn(telling_its_end(early.clone().drop_guard(), std::future::pending()));
            tokio::task::yield_now().await;
            assert!(!early.is_cancelled());
            let work = async move { assert!(!panics, "on purpose") };
            tasks.spawn(telling_its_end(early.clone().drop_guard(), work));
            tokio::time::timeout(Duration::from_secs(10), early.cancelled()).await.unwrap();
            assert_eq!(tasks.len(), 1, "the other one goes on");
        }
    }
}
