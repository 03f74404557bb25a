//! What every controller works with.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::apply::{self, ApplyError, Owned};
use crate::audience::ApiAudiences;
use crate::certificate::Certificate;
use crate::certificate_request::{CertificateRequest, Stage};
use crate::config::{Rollout, TrustBundle};
use crate::events::Events;
use crate::fault::Fault;
use crate::history::{History, RetryRules};
use crate::kinds::{
    Edition, Issuer as _, IssuerKind, IssuerRef, PQClusterIssuer, PQIssuer, StoredPolicy,
};
use crate::metrics::Metrics;
use crate::places::{Places, Turn};
use crate::pq_policy::bundle::Published;
use crate::pq_policy::inventory::Inventory;
use crate::pq_policy::known::{News, Readings};
use crate::serving::{Authority, Registry, Serving, Standing};
use crate::signing_request;

/// Wakes the objects of a controller.
pub type Waker<K> = mpsc::UnboundedSender<ObjectRef<K>>;

/// Who knows the time. The composition root chooses it.
pub type Clock = fn() -> Timestamp;

/// What every controller works with.
pub struct Context {
    /// The API server.
    pub kube: Client,
    /// Who knows the time.
    pub clock: Clock,
    /// What people are told.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// The issuers that were checked.
    pub registry: Registry,
    /// Issuers of a namespace, as they are stored.
    pub issuers: Store<PQIssuer>,
    /// Issuers of the cluster, as they are stored.
    pub cluster_issuers: Store<PQClusterIssuer>,
    /// cert-manager's requests, as they are stored.
    pub requests: Store<CertificateRequest>,
    /// Kubernetes' own requests, as they are stored.
    pub signing_requests: Store<CertificateSigningRequest>,
    /// cert-manager's Certificates, as they are stored.
    pub certificates: Store<Certificate>,
    /// Namespaces, as they are stored.
    pub namespaces: Store<Namespace>,
    /// Policies, as they are stored.
    pub policy_store: Store<StoredPolicy>,
    /// Policies as they were read.
    pub readings: Readings,
    /// What of policies requests were woken for.
    pub news: News,
    /// What objects have.
    pub inventory: Arc<Inventory>,
    /// Where the published roots are.
    pub bundle: Option<TrustBundle>,
    /// Which roots are published.
    pub published: Published,
    /// How policies move certificates.
    pub rollout: Rollout,
    /// What must have been read before a policy's objects are looked at.
    pub surveyed: Vec<CancellationToken>,
    /// Who is woken.
    pub wakers: Wakers,
    /// Which requests are worked on, and which wait for others of their issuer.
    pub places: Places<Asker>,
    /// What is remembered of requests between two tries, by UID.
    pub histories: Histories,
    /// Checks of issuers that failed in a row.
    pub check_failures: Mutex<HashMap<IssuerRef, u32>>,
    /// How they are tried again.
    pub retry: RetryRules,
    /// How often each issuer is checked.
    pub check_interval: Duration,
    /// Where the Secrets of a `PQClusterIssuer` are.
    pub cluster_resource_namespace: String,
    /// For whom no token is made.
    pub api_audiences: ApiAudiences,
}

/// A request of either kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// One of cert-manager's.
    Request(ObjectRef<CertificateRequest>),
    /// One of Kubernetes' own.
    SigningRequest(ObjectRef<CertificateSigningRequest>),
}

/// Who is woken when something changes that an object does not show.
#[derive(Clone, Debug)]
pub struct Wakers {
    /// cert-manager's requests, when their issuer changed.
    pub requests: Waker<CertificateRequest>,
    /// Kubernetes' own requests, likewise.
    pub signing_requests: Waker<CertificateSigningRequest>,
    /// Issuers of a namespace, when a request found fault with them.
    pub issuers: Waker<PQIssuer>,
    /// Issuers of the cluster, likewise.
    pub cluster_issuers: Waker<PQClusterIssuer>,
}

impl Context {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Writes a status as [`apply::status`] does. Where the API server forbids it, an event says so, as nothing
    /// else can.
    ///
    /// # Errors
    /// As [`apply::status`].
    pub async fn write_status<K, S>(
        &self,
        api: &Api<K>,
        object: &K,
        version: &str,
        status: &S,
    ) -> Result<Owned, ApplyError>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
        S: Serialize,
    {
        let written = apply::status(api, object, version, status).await;
        if let Some(notice) = written.as_ref().err().and_then(ApplyError::forbidden) {
            self.events.tell(object, notice);
        }
        written
    }

    /// What is known of an issuer. This alone decides which authority answers a request, and
    /// whether it is answered now.
    #[must_use]
    pub fn standing(&self, issuer: &IssuerRef) -> Standing {
        let Some(edition) = self.edition(issuer) else {
            return Standing::NotReady(format!("{issuer}: found none of this name"));
        };
        let known = self.registry.standing(issuer, &edition);
        known.unwrap_or(Standing::Unchecked)
    }

    /// The edition of an issuer that is there.
    fn edition(&self, issuer: &IssuerRef) -> Option<Edition> {
        match issuer.kind {
            IssuerKind::Namespaced => Some(self.issuers.get(&namespaced(issuer))?.edition()),
            IssuerKind::Cluster => {
                Some(self.cluster_issuers.get(&ObjectRef::new(&issuer.name))?.edition())
            }
        }
    }

    /// Whether an issuer is there.
    #[must_use]
    pub fn is_there(&self, issuer: &IssuerRef) -> bool {
        self.edition(issuer).is_some()
    }

    /// An issuer changed: whatever waits for it is looked at again.
    pub fn wake_requests(&self, issuer: &IssuerRef) {
        for request in self.requests.state() {
            if matches!(request.stage(), Stage::Open(named) if named == *issuer) {
                // Nobody listens any more only while the program ends.
                let _ = self.wakers.requests.send(ObjectRef::from_obj(&*request));
            }
        }
        for request in self.signing_requests.state() {
            if is_open(&request, Some(issuer)) {
                // As above.
                let _ = self.wakers.signing_requests.send(ObjectRef::from_obj(&*request));
            }
        }
    }

    /// Policies, or whom they trust, changed: whatever is open is looked at again.
    pub fn wake_all(&self) {
        for request in self.requests.state().iter().filter(|request| request.is_open()) {
            // Nobody listens any more only while the program ends.
            let _ = self.wakers.requests.send(ObjectRef::from_obj(&**request));
        }
        for request in self.signing_requests.state().iter().filter(|one| is_open(one, None)) {
            // As above.
            let _ = self.wakers.signing_requests.send(ObjectRef::from_obj(&**request));
        }
    }

    /// A place to work on a request of this issuer. While others of the issuer have all it is none, and
    /// the request is woken when its turn comes.
    ///
    /// # Errors
    /// The request's turn, where it has no place.
    pub fn place(&self, issuer: &IssuerRef, asker: &Asker) -> Result<Place<'_>, Turn> {
        match self.places.take(issuer, asker) {
            Turn::Taken => Ok(Place { context: self, issuer: issuer.clone() }),
            turn => Err(turn),
        }
    }

    /// Wakes the request that has waited longest for a place, if one is free.
    pub fn wake_next(&self, issuer: &IssuerRef) {
        let is_open = |asker: &Asker| match asker {
            Asker::Request(request) => {
                self.requests.get(request).is_some_and(|request| request.is_open())
            }
            Asker::SigningRequest(request) => {
                self.signing_requests.get(request).is_some_and(|request| is_open(&request, None))
            }
        };
        // As above.
        let _ = match self.places.next(issuer, is_open) {
            Some(Asker::Request(next)) => self.wakers.requests.send(next).is_ok(),
            Some(Asker::SigningRequest(next)) => self.wakers.signing_requests.send(next).is_ok(),
            None => false,
        };
    }

    /// What a try tells of its issuer: that all is well, or a fault, in the words with which every request
    /// will wait for it. A fault of an authority that a policy chose is that authority's alone: requests of the
    /// others go on, and the policy sees that it fails.
    ///
    /// # Errors
    /// The fault of the try.
    pub fn heard<T>(
        &self,
        (serving, authority): (&Serving, &Authority),
        result: Result<T, Fault>,
    ) -> Result<T, Fault> {
        let issuer = &serving.reference;
        match result {
            Err(Fault::Issuer(words)) if authority.name != serving.authority.name => {
                let words = format!("{issuer}: authority {}: {words}", authority.name);
                Err(Fault::Transient { words, after: None })
            }
            Err(Fault::Issuer(words)) => {
                self.complain(issuer, &words);
                Err(Fault::Issuer(format!("{issuer}: {words}")))
            }
            Ok(done) if authority.name == serving.authority.name => {
                self.registry.content(issuer);
                Ok(done)
            }
            other => other,
        }
    }

    /// A request found fault with its issuer: that is checked again.
    fn complain(&self, issuer: &IssuerRef, words: &str) {
        self.registry.complain(issuer, words, self.now());
        // As above.
        let _ = match issuer.kind {
            IssuerKind::Namespaced => self.wakers.issuers.send(namespaced(issuer)).is_ok(),
            IssuerKind::Cluster => {
                self.wakers.cluster_issuers.send(ObjectRef::new(&issuer.name)).is_ok()
            }
        };
    }

    /// Counts checks of an issuer that failed in a row: those before this one.
    #[must_use]
    pub fn check_failed(&self, issuer: &IssuerRef, failed: bool) -> u32 {
        // Nothing between lock and unlock can leave the map half changed.
        let mut failures = self.check_failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            failures.remove(issuer);
            return 0;
        }
        let number = failures.entry(issuer.clone()).or_default();
        let before = *number;
        *number = number.saturating_add(1);
        before
    }

    /// The wait of a request whose result the API server did not take: it is tried again, ever later.
    #[must_use]
    pub fn wait_after_error(&self, uid: &str) -> Duration {
        let history = self.histories.of(uid).not_written();
        let wait = history.wait(uid, &self.retry, None);
        self.histories.put(uid, history.resting(wait, self.now()));
        wait
    }

    /// Forgets what belongs to objects that are gone.
    pub fn sweep(&self) {
        self.registry.retain(|issuer| self.is_there(issuer));
        self.places.retain(|issuer| self.is_there(issuer));
        let mut failures = self.check_failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|issuer, _| self.is_there(issuer));
        drop(failures);
        self.metrics.retain(|issuer| self.is_there(issuer));
        let there = self.requests.state();
        let signing = self.signing_requests.state();
        let uids = there.iter().map(|request| request.uid());
        let uids = uids.chain(signing.iter().map(|request| signing_request::uid(request)));
        self.histories.retain(&uids.collect());
    }

    /// Requests that are approved and have no certificate.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let waiting = self.requests.state().iter().filter(|request| request.is_open()).count();
        let signing = self.signing_requests.state();
        waiting + signing.iter().filter(|request| is_open(request, None)).count()
    }
}

/// Whether a request of Kubernetes' own shall be signed, by this issuer if one is named.
fn is_open(request: &CertificateSigningRequest, by: Option<&IssuerRef>) -> bool {
    match signing_request::stage(request) {
        signing_request::Stage::Open(named) => by.is_none_or(|issuer| named == *issuer),
        _ => false,
    }
}

/// A place that a request of an issuer has while it is worked on. It is given to the next one also when
/// the work is cut off.
pub struct Place<'a> {
    context: &'a Context,
    issuer: IssuerRef,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.context.places.leave(&self.issuer);
        self.context.wake_next(&self.issuer);
    }
}

fn namespaced(issuer: &IssuerRef) -> ObjectRef<PQIssuer> {
    ObjectRef::new(&issuer.name).within(issuer.namespace.as_deref().unwrap_or_default())
}

/// What is remembered of requests between two tries, by UID.
#[derive(Debug, Default)]
pub struct Histories(Mutex<HashMap<String, History>>);

impl Histories {
    /// What is remembered of a request.
    #[must_use]
    pub fn of(&self, uid: &str) -> History {
        self.all().get(uid).cloned().unwrap_or_default()
    }

    /// Remembers it; nothing of a request that is done.
    pub fn put(&self, uid: &str, history: History) {
        let mut all = self.all();
        if history == History::default() {
            all.remove(uid);
        } else {
            all.insert(uid.to_owned(), history);
        }
    }

    /// Changes what is remembered of a request, if anything is.
    pub fn change(&self, uid: &str, change: impl FnOnce(&History) -> History) {
        let changed = change(&self.of(uid));
        self.put(uid, changed);
    }

    /// Forgets a request.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    /// Forgets the requests that are gone.
    fn retain(&self, there: &HashSet<&str>) {
        self.all().retain(|uid, _| there.contains(uid.as_str()));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, History>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
