//! One of several replicas does the work: whoever holds the Lease (coordination.k8s.io/v1).
//!
//! The Lease keeps two replicas from doing everything twice. It is not what keeps a request from
//! getting two certificates: a leader that was stopped for a minute does not know that another one
//! took over. For that there is the request's name at the server (ADR 0116).

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt as _};

use crate::apply::FIELD_MANAGER;
use crate::config::LeaderElection;
use crate::context::Clock;

/// Takes the Lease, keeps it, gives it back.
pub struct Election {
    api: Api<Lease>,
    settings: LeaderElection,
    identity: String,
    clock: Clock,
    seen: Option<Seen>,
}

/// What somebody else wrote into the Lease, and since when it stands there: by our own clock, as
/// theirs may be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    version: String,
    since: Instant,
}

/// What a look at the Lease leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is ours, to take or to keep.
    Ours,
    /// Somebody else has it.
    Theirs,
}

impl Election {
    /// Among all who know this Lease in this namespace.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        settings: LeaderElection,
        identity: String,
        clock: Clock,
    ) -> Self {
        let api = Api::namespaced(client, namespace);
        Self { api, settings, identity, clock, seen: None }
    }

    /// Waits until this replica leads. It goes on asking when the API server does not answer. `heard`
    /// is told whether the Lease could be looked at within its last duration: a replica that can't
    /// will never lead, and must not count as one that is ready to.
    pub async fn win(&mut self, heard: impl Fn(bool)) {
        let patience = Duration::from_secs(self.settings.lease_duration_seconds);
        let mut answered = Instant::now();
        loop {
            match self.try_once().await {
                Ok(true) => return,
                Ok(false) => {
                    answered = Instant::now();
                    heard(true);
                }
                Err(error) => {
                    tracing::warn!(error = told(&error), "the lease can't be looked at");
                    if answered.elapsed() > patience {
                        heard(false);
                    }
                }
            }
            tokio::time::sleep(self.period()).await;
        }
    }

    /// Keeps the Lease; done when that failed for so long that another replica may take over.
    pub async fn keep(&mut self) {
        let deadline = Duration::from_secs(self.settings.renew_deadline_seconds);
        let mut renewed = Instant::now();
        while renewed.elapsed() < deadline {
            tokio::time::sleep(self.period()).await;
            let left = deadline.saturating_sub(renewed.elapsed());
            let started = Instant::now();
            match tokio::time::timeout(left, self.try_once()).await {
                // Counted from before it was asked for: that is when the others begin to count.
                Ok(Ok(true)) => renewed = started,
                Ok(Ok(false)) => {
                    tracing::warn!("another replica has the lease");
                    return;
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = told(&error), "the lease was not renewed");
                }
                Err(_) => tracing::warn!("the lease was not renewed in time"),
            }
        }
    }

    /// Gives the Lease back, so that the next one need not wait for its end.
    pub async fn release(&mut self) {
        let released = async {
            let Some(mut lease) = self.api.get_opt(&self.settings.lease_name).await? else {
                return Ok(());
            };
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(self.identity.as_str()) {
                spec.holder_identity = None;
                spec.lease_duration_seconds = Some(1);
                self.replace(&lease).await?;
            }
            Ok::<(), kube::Error>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(error = told(&error), "the lease was not given back");
        }
    }

    /// Takes or renews the Lease if that is possible; whether it is ours now.
    async fn try_once(&mut self) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.settings.lease_name).await? else {
            return self.create().await;
        };
        if self.turn(&lease, Instant::now()) == Turn::Theirs {
            return Ok(false);
        }
        let now = micro((self.clock)());
        let seconds = i32::try_from(self.settings.lease_duration_seconds).unwrap_or(i32::MAX);
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
            spec.holder_identity = Some(self.identity.clone());
            spec.acquire_time = now.clone();
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
        }
        spec.renew_time = now;
        spec.lease_duration_seconds = Some(seconds);
        self.replace(&lease).await
    }

    /// Whose turn it is: ours where nobody holds the Lease, or we do, or whoever does has not
    /// written for as long as it said.
    fn turn(&mut self, lease: &Lease, now: Instant) -> Turn {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return Turn::Ours;
        }
        let version = lease.resource_version().unwrap_or_default();
        let seen = self.seen.take().filter(|seen| seen.version == version);
        let seen = seen.unwrap_or(Seen { version, since: now });
        let theirs = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let theirs = theirs.unwrap_or(self.settings.lease_duration_seconds);
        let is_over = now.saturating_duration_since(seen.since) >= Duration::from_secs(theirs);
        self.seen = Some(seen);
        if is_over { Turn::Ours } else { Turn::Theirs }
    }

    async fn create(&self) -> Result<bool, kube::Error> {
        let now = micro((self.clock)());
        let seconds = i32::try_from(self.settings.lease_duration_seconds).unwrap_or(i32::MAX);
        let name = Some(self.settings.lease_name.clone());
        let lease = Lease {
            metadata: ObjectMeta { name, ..ObjectMeta::default() },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: Some(seconds),
                acquire_time: now.clone(),
                renew_time: now,
                lease_transitions: Some(0),
                ..LeaseSpec::default()
            }),
        };
        won(self.api.create(&parameters(), &lease).await)
    }

    /// Writes the Lease as it was read and changed: the API server refuses when somebody was faster.
    async fn replace(&self, lease: &Lease) -> Result<bool, kube::Error> {
        won(self.api.replace(&self.settings.lease_name, &parameters(), lease).await)
    }

    fn period(&self) -> Duration {
        Duration::from_secs(self.settings.retry_period_seconds)
    }
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// Whether a write was ours: 409 tells that somebody was faster.
fn won(written: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

fn micro(time: Timestamp) -> Option<MicroTime> {
    k8s_openapi::jiff::Timestamp::from_microsecond(time.as_microsecond()).ok().map(MicroTime)
}

fn told(error: &kube::Error) -> String {
    client::with_causes(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn election() -> Election {
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        let client = Client::try_from(config).unwrap();
        let clock: Clock = || Timestamp::UNIX_EPOCH;
        Election::new(client, "n", LeaderElection::default(), "me".into(), clock)
    }

    fn lease(holder: Option<&str>, version: &str) -> Lease {
        Lease {
            metadata: ObjectMeta {
                resource_version: Some(version.to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: holder.map(str::to_owned),
                lease_duration_seconds: Some(15),
                ..LeaseSpec::default()
            }),
        }
    }

    #[tokio::test]
    async fn a_lease_is_taken_when_it_is_free_ours_or_left_alone_for_its_time() {
        let mut election = election();
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(election.turn(&lease(None, "1"), now), Turn::Ours);
        assert_eq!(election.turn(&lease(Some("me"), "1"), now), Turn::Ours);
        assert_eq!(election.turn(&lease(Some("other"), "1"), now), Turn::Theirs);
        assert_eq!(election.turn(&lease(Some("other"), "1"), later(14)), Turn::Theirs);
        assert_eq!(election.turn(&lease(Some("other"), "2"), later(15)), Turn::Theirs, "renewed");
        assert_eq!(election.turn(&lease(Some("other"), "2"), later(29)), Turn::Theirs);
        assert_eq!(election.turn(&lease(Some("other"), "2"), later(30)), Turn::Ours);
    }
}
