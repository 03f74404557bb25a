//! The bundle of roots that everybody in the cluster reads: which are in it, and since when.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ca_core::fingerprint::Fingerprint;
use ca_core::pem::{self, Input};
use client::with_causes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::certificates::v1::ClusterTrustBundle;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Api;
use policy::Trust;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::condition::whole;
use crate::config::TrustBundle;
use crate::context::Context;
use crate::kinds::PublishedRoot;

/// How often the bundle is read while there are policies.
const PAUSE: Duration = Duration::from_secs(5);

/// What is known of the bundle. Since when a root is in it stands in the status of each policy that depends on it; for
/// one of which no policy tells it counts since the last change of the object that has it, which was never before
/// the root came into it.
#[derive(Debug, Default)]
pub struct Published {
    known: Mutex<Known>,
    /// Whether it was ever tried to read it.
    tried: OnceCell<()>,
}

#[derive(Debug, Default)]
struct Known {
    since: HashMap<Fingerprint, Timestamp>,
    was_read: bool,
    fault: Option<String>,
}

impl Published {
    /// Takes the roots of the bundle as they are now; those that are new count since `changed`. Those that are gone are
    /// no longer trusted. What was `recorded` before this process began counts once, when it reads for the first time.
    pub fn take(
        &self,
        roots: &[Fingerprint],
        changed: Timestamp,
        recorded: &HashMap<Fingerprint, Timestamp>,
    ) {
        let mut known = self.known();
        known.fault = None;
        known.since.retain(|root, _| roots.contains(root));
        let is_first = !std::mem::replace(&mut known.was_read, true);
        for root in roots {
            let recorded = recorded.get(root).copied().filter(|_| is_first);
            let since = recorded.map_or(changed, |since| since.min(changed));
            known.since.entry(*root).or_insert(whole(since));
        }
    }

    /// The bundle could not be read, or has no root. Where it could not be read, what was known stays.
    pub fn not_read(&self, words: String) {
        self.known().fault = Some(words);
    }

    /// Why the bundle could not be read the last time.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.known().fault.clone()
    }

    /// Since when a root is published.
    #[must_use]
    pub fn since(&self, root: &Fingerprint) -> Option<Timestamp> {
        self.known().since.get(root).copied()
    }

    /// Whether a root has been published for so long.
    #[must_use]
    pub fn trust(&self, root: &Fingerprint, wait: SignedDuration, now: Timestamp) -> Trust {
        match self.since(root) {
            Some(since) if now.duration_since(since) >= wait => Trust::Published,
            _ => Trust::Awaited,
        }
    }

    /// The roots that have been published for so long, in an order.
    #[must_use]
    pub fn trusted(&self, wait: SignedDuration, now: Timestamp) -> Vec<[u8; 32]> {
        let known = self.known();
        let trusted = known.since.iter().filter(|(_, since)| now.duration_since(**since) >= wait);
        let mut trusted: Vec<[u8; 32]> = trusted.map(|(root, _)| *root.as_bytes()).collect();
        trusted.sort_unstable();
        trusted
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing between lock and unlock can leave the map half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the bundle again and again while there are policies, until `ending`.
pub async fn kept(context: Arc<Context>, ending: CancellationToken) {
    let mut ticks = tokio::time::interval(PAUSE);
    let keep = async {
        loop {
            ticks.tick().await;
            if !context.policies().is_empty() {
                context.read_bundle().await;
                // It may have been tried before.
                let _ = context.published.tried.set(());
            }
        }
    };
    tokio::select! {
        () = keep => {}
        () = ending.cancelled() => {}
    }
}

impl Context {
    /// Done when it was tried to read the bundle: before, nobody is known to be trusted.
    pub async fn bundle_was_tried(&self) {
        self.published.tried.get_or_init(|| self.read_bundle()).await;
    }

    async fn read_bundle(&self) {
        let Some(bundle) = &self.bundle else { return };
        let now = self.now();
        let (roots, changed, fault) = match self.text(bundle).await {
            Ok(Some((text, changed))) => {
                let roots = roots(&text);
                let fault =
                    roots.is_empty().then_some("found no certificate, allowed are roots in PEM");
                (roots, changed.unwrap_or(now).min(now), fault)
            }
            Ok(None) => (Vec::new(), now, Some("found none, allowed is one with roots in PEM")),
            Err(words) => {
                let words = format!("{bundle}: {words}");
                tracing::warn!(words, "the bundle of roots can't be read");
                return self.published.not_read(words);
            }
        };
        self.published.take(&roots, changed, &self.recorded());
        if let Some(words) = fault {
            self.published.not_read(format!("{bundle}: {words}"));
        }
    }

    /// Since when roots are published, as policies say in their status.
    fn recorded(&self) -> HashMap<Fingerprint, Timestamp> {
        let policies = self.policy_store.state();
        let roots = policies.iter().flat_map(|policy| policy.read_status().roots);
        let mut recorded = HashMap::new();
        for (root, since) in
            roots.filter_map(|root| Some((Fingerprint::from_hex(&root.fingerprint)?, root.since)))
        {
            let earliest = recorded.entry(root).or_insert(since);
            *earliest = since.min(*earliest);
        }
        recorded
    }

    /// Whether a root is published, and since then.
    #[must_use]
    pub fn is_published(&self, root: &PublishedRoot) -> bool {
        let since = Fingerprint::from_hex(&root.fingerprint);
        since.and_then(|root| self.published.since(&root)) == Some(root.since)
    }

    /// Why nobody knows which roots are published, if so.
    #[must_use]
    pub fn bundle_fault(&self) -> Option<String> {
        match self.bundle {
            Some(_) => self.published.fault(),
            None => Some(
                "policies.trust_bundle: found none, allowed is where roots are published".into(),
            ),
        }
    }

    /// The bundle's text, and when its object changed last; none where there is none.
    async fn text(
        &self,
        bundle: &TrustBundle,
    ) -> Result<Option<(String, Option<Timestamp>)>, String> {
        let words = |error: kube::Error| with_causes(&error);
        let (metadata, text) = match bundle {
            TrustBundle::ConfigMap(map) => {
                let api: Api<ConfigMap> = Api::namespaced(self.kube.clone(), &map.namespace);
                let Some(found) = api.get_opt(&map.name).await.map_err(words)? else {
                    return Ok(None);
                };
                let text = found.data.and_then(|mut data| data.remove(&map.key));
                (found.metadata, text.unwrap_or_default())
            }
            TrustBundle::ClusterTrustBundle(name) => {
                let api: Api<ClusterTrustBundle> = Api::all(self.kube.clone());
                let Some(found) = api.get_opt(name).await.map_err(words)? else {
                    return Ok(None);
                };
                (found.metadata, found.spec.trust_bundle)
            }
        };
        Ok(Some((text, changed(&metadata))))
    }
}

/// When anybody changed an object last.
fn changed(metadata: &ObjectMeta) -> Option<Timestamp> {
    let fields = metadata.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
    fields.chain(&metadata.creation_timestamp).filter_map(instant).max()
}

/// Kubernetes' times are whole seconds, of another version of the same library.
pub(super) fn instant(time: &Time) -> Option<Timestamp> {
    Timestamp::from_second(time.0.as_second()).ok()
}

/// The roots in a bundle, block by block: one that can't be read makes none of the others less trusted. Certificates
/// are only compared, so those that this program does not know count as well.
fn roots(text: &str) -> Vec<Fingerprint> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let blocks = text.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{rest}"));
    let read = |block: String| match pem::read(block.as_bytes()) {
        Ok(Input::Pem(blocks)) => blocks.first().map(|block| Fingerprint::of(block.der())),
        _ => None,
    };
    blocks.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

    use super::*;

    const ROOT: &str = include_str!("../../../api/tests/auth/root.pem");
    const WAIT: SignedDuration = SignedDuration::from_secs(300);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_root_is_trusted_when_it_has_been_there_for_long_enough() {
        let published = Published::default();
        let [one, other] = [b"one", b"two"].map(|octets| Fingerprint::of(octets));
        let none = HashMap::new();
        published.take(&[one], at(0), &none);
        published.take(&[one, other], at(100), &none);
        let trust = |root, second| published.trust(root, WAIT, at(second));
        assert_eq!(trust(&one, 299), Trust::Awaited);
        assert_eq!(trust(&one, 300), Trust::Published, "a later change takes nothing from it");
        assert_eq!(trust(&other, 399), Trust::Awaited);
        let trusted = published.trusted(WAIT, at(400)).len();
        assert_eq!((trust(&other, 400), trusted), (Trust::Published, 2));
        published.not_read("no such ConfigMap".into());
        assert_eq!(trust(&one, 400), Trust::Published, "nobody took it out");
        assert_eq!(published.fault().as_deref(), Some("no such ConfigMap"));
        published.take(&[other], at(500), &none);
        assert_eq!(trust(&one, 500), Trust::Awaited, "it was taken out");
        assert_eq!(published.fault(), None);
        // Whatever was recorded once.
        let recorded = HashMap::from([(one, at(0))]);
        published.take(&[one, other], at(600), &recorded);
        assert_eq!(trust(&one, 899), Trust::Awaited, "its time begins anew");
    }

    #[test]
    fn what_was_recorded_before_a_restart_counts() {
        let [one, other] = [b"one", b"two"].map(|octets| Fingerprint::of(octets));
        let recorded = HashMap::from([(one, at(0))]);
        let published = Published::default();
        // Somebody changed the object a moment before.
        published.take(&[one, other], at(1_000), &recorded);
        let trust = |root| published.trust(root, WAIT, at(1_001));
        assert_eq!((trust(&one), trust(&other)), (Trust::Published, Trust::Awaited));
        // It is not there any more, whatever was recorded.
        let published = Published::default();
        published.take(&[other], at(1_000), &recorded);
        assert_eq!(published.trust(&one, WAIT, at(2_000)), Trust::Awaited);
    }

    #[test]
    fn a_change_is_that_of_whoever_changed_it_last() {
        let time = |second| {
            let second = at(second).as_second();
            Some(Time(k8s_openapi::jiff::Timestamp::from_second(second).unwrap()))
        };
        let entry = |second| ManagedFieldsEntry { time: time(second), ..Default::default() };
        let metadata = ObjectMeta {
            creation_timestamp: time(0),
            managed_fields: Some(vec![entry(7), entry(3)]),
            ..ObjectMeta::default()
        };
        assert_eq!(changed(&metadata), Some(at(7)));
        assert_eq!(changed(&ObjectMeta::default()), None);
    }

    #[test]
    fn a_bundle_is_read_by_its_blocks() {
        let known = pem::read_one_certificate(ROOT.as_bytes()).unwrap().fingerprint();
        let unknown = pem::encode(pem::Label::Certificate, &[0x30, 0]);
        let odd = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        let found = roots(&format!("# ours\n{ROOT}\n{odd}# theirs\n{unknown}"));
        assert_eq!(found, [known, Fingerprint::of(&[0x30, 0])]);
        // More than a file of certificates may have.
        assert_eq!(roots(&ROOT.repeat(150)).len(), 150);
        for text in ["", "no PEM", &ROOT[..200]] {
            assert!(roots(text).is_empty(), "{text}");
        }
    }
}
