//! What every request may use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ca_core::certificate::Certificate;
use ca_core::profile::{Profile, ProfileKind};
use ca_core::serial::SerialNumber;
use jiff::Timestamp;
use ledger::{Ledger, LedgerError, Tally};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::config::Limits;
use super::metrics::Metrics;
use super::public::lists::Lists;
use super::request_id::RequestId;
use super::signing::SigningPool;
use super::under_way::UnderWay;
use crate::auth::Authenticator;
use crate::authority::{Authority, chain_pem};
use crate::cli::Rng;
use crate::issuance::Clock;

/// The server's state; a clone is the same state.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    parts: Parts,
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    public_places: Arc<Semaphore>,
    readiness_places: Arc<Semaphore>,
    metrics_places: Arc<Semaphore>,
    /// Asked for by one at a time: whoever comes second gets what is known by then.
    tally: tokio::sync::Mutex<Tally>,
    under_way: UnderWay,
}

/// How many questions after the server's readiness are answered at once, and how many after its
/// metrics, however many requests there are: a server that has much to do must not be taken for a
/// broken one.
const HEALTH_PLACES: usize = 64;

/// Requests of different rooms don't take each other's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The API.
    Api,
    /// What everybody may fetch: who asks there shows nothing, and must not keep requesters out.
    Public,
    /// Questions whether the server can do its work.
    Readiness,
    /// Questions after its metrics.
    Metrics,
}

/// What [`App`] is made of.
pub struct Parts {
    /// What was issued.
    pub ledger: Ledger,
    /// Every authority of the ledger, by name.
    pub authorities: BTreeMap<String, Served>,
    /// What a new configuration replaces.
    pub policy: RwLock<Policy>,
    /// What is counted and measured.
    pub metrics: Metrics,
    /// The revocation lists that are handed out.
    pub lists: Lists,
    /// The threads that sign.
    pub signing: SigningPool,
    /// What bounds requests.
    pub limits: Limits,
    /// What tells the time.
    pub clock: Clock,
    /// Serial numbers and request ids come from here.
    pub rng: Mutex<Rng>,
}

/// Profiles by name.
pub type Profiles = BTreeMap<String, Arc<Profile>>;

/// What may be asked for, and by whom: a new configuration replaces it while requests run.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The profiles that may be asked for.
    pub profiles: Arc<Profiles>,
    /// Finds out who asks, and what they may.
    pub authenticator: Arc<Authenticator>,
}

/// An authority as the server knows it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The authority above it, where there is one.
    pub parent: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its key, where this server signs with it.
    pub signs: Option<Arc<Authority>>,
    /// Its own certificate first, each followed by its issuer's.
    pub chain: Vec<Certificate>,
    /// Its other certificates, the oldest first: cross certificates, and those that were renewed.
    pub others: Vec<Certificate>,
    /// Certificates of its root by other generations of that root.
    pub links: Vec<Certificate>,
}

impl Served {
    /// Whether its own certificate is one of the past.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.chain.first().is_some_and(|own| own.validity().not_after() < now)
    }

    /// A certificate of this authority with those above it, as TLS servers are given it.
    pub fn chain_pem(&self, leaf: &[u8]) -> String {
        chain_pem(leaf, &self.chain, &self.links)
    }
}

impl App {
    /// Joins the parts.
    pub fn new(parts: Parts, tasks: TaskTracker) -> Self {
        let places = Arc::new(Semaphore::new(parts.limits.requests));
        let public_places = Arc::new(Semaphore::new(parts.limits.requests));
        let readiness_places = Arc::new(Semaphore::new(HEALTH_PLACES));
        let metrics_places = Arc::new(Semaphore::new(HEALTH_PLACES));
        let tally = tokio::sync::Mutex::default();
        Self(Arc::new(Inner {
            parts,
            tasks,
            places,
            public_places,
            readiness_places,
            metrics_places,
            tally,
            under_way: UnderWay::default(),
        }))
    }

    /// A place for a request, kept until its work is done; none when all are taken.
    pub fn place(&self, room: Room) -> Option<OwnedSemaphorePermit> {
        let places = match room {
            Room::Api => &self.0.places,
            Room::Public => &self.0.public_places,
            Room::Readiness => &self.0.readiness_places,
            Room::Metrics => &self.0.metrics_places,
        };
        Arc::clone(places).try_acquire_owned().ok()
    }

    /// What was issued.
    pub fn ledger(&self) -> &Ledger {
        &self.0.parts.ledger
    }

    /// How much is in the ledger, after one more look at it.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn look_at_ledger(&self) -> Result<Tally, LedgerError> {
        let mut known = self.0.tally.lock().await;
        *known = self.ledger().tally(known.clone()).await?;
        Ok(known.clone())
    }

    /// The authorities by name.
    pub fn authorities(&self) -> &BTreeMap<String, Served> {
        &self.0.parts.authorities
    }

    /// The profiles by name.
    pub fn profiles(&self) -> Arc<Profiles> {
        self.policy().profiles
    }

    fn policy(&self) -> Policy {
        self.0.parts.policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another policy in force, for requests that come from now on.
    pub fn replace_policy(&self, policy: Policy) {
        *self.0.parts.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    /// What is counted and measured.
    pub fn metrics(&self) -> &Metrics {
        &self.0.parts.metrics
    }

    /// The revocation lists that are handed out.
    pub fn lists(&self) -> &Lists {
        &self.0.parts.lists
    }

    /// Who may ask.
    pub fn authenticator(&self) -> Arc<Authenticator> {
        self.policy().authenticator
    }

    /// The threads that sign.
    pub fn signing(&self) -> &SigningPool {
        &self.0.parts.signing
    }

    /// What bounds requests.
    pub fn limits(&self) -> &Limits {
        &self.0.parts.limits
    }

    /// What this server is recording and signing.
    pub fn under_way(&self) -> &UnderWay {
        &self.0.under_way
    }

    /// The requests that are under way.
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// What tells the time.
    pub fn clock(&self) -> Clock {
        self.0.parts.clock
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0.parts.clock)()
    }

    /// A new request id.
    pub fn request_id(&self) -> RequestId {
        self.with_rng(|rng| RequestId::generate(&mut **rng))
    }

    /// A new serial number.
    pub fn serial(&self) -> SerialNumber {
        self.with_rng(|rng| SerialNumber::generate(&mut **rng))
    }

    /// Draws from the random generator.
    pub fn with_rng<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.0.parts.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The shipped profiles that requesters may ask for: those of end entities.
pub fn shipped_for_requesters() -> impl Iterator<Item = &'static Profile> {
    Profile::all_shipped().iter().filter(|profile| profile.kind() == ProfileKind::Leaf)
}
