//! What certificates objects have, and how their last tries went.
//!
//! It is read from their CertificateRequests, which this program watches anyway: no right to read Secrets is needed.
//! A request belongs to the Certificate of its namespace that controls it, by UID: whoever may write requests there can
//! tell what they like of the Certificates of that namespace, and of no others. cert-manager removes old requests, by
//! default as soon as the next one is there, so what was seen is remembered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ca_core::certificate::Certificate as X509;
use ca_core::pem;
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use policy::Holding;

use super::bundle::instant;
use crate::certificate::Certificate;
use crate::certificate_request::{CertificateRequest, DENIED, INVALID_REQUEST, READY, Stage};
use crate::condition::{Condition, find};

/// By which annotation a request says for which revision of its Certificate it is.
const REVISION: &str = "cert-manager.io/certificate-revision";
/// Revisions of one Certificate that are remembered: the one that counts, and those that may count next.
const MOST_REVISIONS: usize = 4;
/// A request may be for a revision that is so far ahead of its Certificate's: the next one, and one more as the watch of
/// Certificates may be late. Other numbers were made up.
const AHEAD: u64 = 2;
/// The longest words that are kept of a failure, in characters.
const LONGEST_WORDS: usize = 200;
/// For so long a certificate that is not known may still become known: the watches of Certificates and of their
/// requests have no order between them.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// What an object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What protects it; none where that is not known here.
    pub holding: Option<Holding>,
    /// The key identifier of whoever signed it.
    pub signer: Vec<u8>,
    /// Octets of its chain in DER, without the root.
    pub chain_bytes: usize,
}

/// The last try to have an object's certificate issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// When it began.
    pub began: Timestamp,
    /// How it ended.
    pub end: End,
    /// What is said of it.
    pub words: String,
    /// The UID of its request.
    pub uid: String,
    revision: u64,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Open,
    /// With a certificate.
    Issued,
    /// With a failure.
    Failed,
    /// With a failure that no authority is to blame for: it was denied, or can't be fulfilled by anyone.
    OfItsOwn,
}

/// A certificate that was begun to be issued anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// By which authorities, by their names.
    pub by: Vec<String>,
    /// How often in a row by these.
    pub times: u32,
    /// The revision that it had.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
    /// Why the API server took no word of it, if so.
    pub refused: Option<String>,
}

/// What objects have.
#[derive(Debug, Default)]
pub struct Inventory(Mutex<HashMap<Key, Entry>>);

/// A Certificate: its namespace and its UID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: String,
    uid: String,
}

impl Key {
    fn of(certificate: &Certificate) -> Self {
        let namespace = certificate.namespace().unwrap_or_default();
        Self { namespace, uid: certificate.uid().unwrap_or_default() }
    }
}

#[derive(Debug, Default)]
struct Entry {
    held: BTreeMap<u64, Brought>,
    last: Option<Try>,
    begun: Option<Begun>,
    unknown: Option<(u64, Timestamp)>,
    is_gone: bool,
}

/// What a request brought.
#[derive(Debug)]
struct Brought {
    began: Timestamp,
    uid: String,
    held: Arc<Held>,
}

impl Inventory {
    /// Takes a request that was seen. `revision_of` gives the revision of a Certificate, if that is known.
    pub fn saw(
        &self,
        request: &CertificateRequest,
        revision_of: impl FnOnce(&ObjectRef<Certificate>) -> Option<u64>,
    ) {
        let Some((name, uid)) = owner(request).filter(|_| request.issuer().is_some()) else {
            return;
        };
        let Some(revision) = revision(request) else { return };
        let namespace = request.namespace().unwrap_or_default();
        let current = revision_of(&ObjectRef::new(name).within(&namespace));
        let key = Key { namespace, uid: uid.to_owned() };
        if current.is_some_and(|current| revision > current.saturating_add(AHEAD)) {
            return;
        }
        let seen = tried(request, revision);
        // Chains are read before anybody has to wait for it.
        let is_known = |entry: &Entry| {
            entry.held.get(&revision).is_some_and(|brought| brought.uid == seen.uid)
        };
        let is_known = self.all().get(&key).is_some_and(is_known);
        let held = if is_known { None } else { held(request) };
        let mut all = self.all();
        let entry = all.entry(key).or_default();
        if let Some(held) = held {
            entry.brought(revision, &seen, held, current);
        }
        let order = |one: &Try| (one.began, one.revision);
        if entry.last.as_ref().is_none_or(|last| order(last) <= order(&seen)) {
            entry.last = Some(seen);
        }
    }

    /// What an object has now, if that is known.
    #[must_use]
    pub fn held(&self, certificate: &Certificate) -> Option<Arc<Held>> {
        let all = self.all();
        let brought = all.get(&Key::of(certificate))?.held.get(&certificate.revision()?)?;
        Some(Arc::clone(&brought.held))
    }

    /// The last try of an object.
    #[must_use]
    pub fn last(&self, certificate: &Certificate) -> Option<Try> {
        self.all().get(&Key::of(certificate))?.last.clone()
    }

    /// Whether what an object has of this revision may still become known.
    #[must_use]
    pub fn may_be_late(&self, certificate: &Certificate, revision: u64, now: Timestamp) -> bool {
        let mut all = self.all();
        let entry = all.entry(Key::of(certificate)).or_default();
        match entry.unknown {
            Some((known, since)) if known == revision => now.duration_since(since) < LATE,
            _ => {
                entry.unknown = Some((revision, now));
                true
            }
        }
    }

    /// A certificate is begun to be issued anew by these authorities; or it was not, as the API server refused.
    pub fn begin(
        &self,
        certificate: &Certificate,
        by: &[String],
        refused: Option<String>,
        at: Timestamp,
    ) {
        let mut all = self.all();
        let entry = all.entry(Key::of(certificate)).or_default();
        let before = entry.begun.as_ref().filter(|begun| begun.by == by);
        let times = before.map_or(0, |begun| begun.times).saturating_add(1);
        let revision = certificate.revision().unwrap_or_default();
        entry.begun = Some(Begun { by: by.to_vec(), times, revision, at, refused });
    }

    /// What was begun with last.
    #[must_use]
    pub fn begun(&self, certificate: &Certificate) -> Option<Begun> {
        self.all().get(&Key::of(certificate))?.begun.clone()
    }

    /// Forgets those that are gone, and were the last time: a request may be seen before its Certificate is.
    pub fn retain(&self, there: &[Arc<Certificate>]) {
        let there: HashSet<Key> = there.iter().map(|one| Key::of(one)).collect();
        self.all().retain(|key, entry| {
            let was_gone = std::mem::replace(&mut entry.is_gone, !there.contains(key));
            !(was_gone && entry.is_gone)
        });
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Of two requests of one revision the later one counts: cert-manager makes another where the first was for a spec
    /// that changed.
    fn brought(&mut self, revision: u64, seen: &Try, held: Held, current: Option<u64>) {
        if self.held.get(&revision).is_some_and(|known| known.began > seen.began) {
            return;
        }
        let brought = Brought { began: seen.began, uid: seen.uid.clone(), held: Arc::new(held) };
        self.held.insert(revision, brought);
        while self.held.len() > MOST_REVISIONS {
            // Never the one that counts now.
            let others = self.held.iter().filter(|(revision, _)| Some(**revision) != current);
            let oldest = others.min_by_key(|(revision, brought)| (brought.began, **revision));
            let Some(oldest) = oldest.map(|(revision, _)| *revision) else { return };
            self.held.remove(&oldest);
        }
    }
}

/// The name and UID of the Certificate that controls a request.
#[must_use]
pub fn owner(request: &CertificateRequest) -> Option<(&str, &str)> {
    let owners = request.metadata.owner_references.iter().flatten();
    let mut owners = owners.filter(|owner| {
        owner.controller == Some(true)
            && owner.kind == "Certificate"
            && owner.api_version.starts_with("cert-manager.io/")
    });
    owners.next().map(|owner| (owner.name.as_str(), owner.uid.as_str()))
}

fn revision(request: &CertificateRequest) -> Option<u64> {
    request.annotations().get(REVISION)?.parse().ok()
}

fn tried(request: &CertificateRequest, revision: u64) -> Try {
    let holds = |kind| find(request.conditions(), kind).is_some_and(Condition::holds);
    let end = match request.stage() {
        _ if holds(READY) => End::Issued,
        _ if holds(DENIED) || holds(INVALID_REQUEST) => End::OfItsOwn,
        Stage::Done | Stage::FailedWithoutTime => End::Failed,
        _ => End::Open,
    };
    let words = find(request.conditions(), READY).map_or("", |ready| ready.message.as_str());
    Try {
        began: request.metadata.creation_timestamp.as_ref().and_then(instant).unwrap_or_default(),
        end,
        words: words.chars().take(LONGEST_WORDS).collect(),
        uid: request.uid().to_owned(),
        revision,
    }
}

/// What a request brought, once it was issued.
fn held(request: &CertificateRequest) -> Option<Held> {
    let is_issued = find(request.conditions(), READY).is_some_and(Condition::holds);
    let chain = request.status.as_ref()?.certificate.as_ref().filter(|_| is_issued)?;
    let chain: Vec<X509> = pem::read_certificates(&chain.0).ok()?;
    let key = chain.first()?.extensions().authority_key_identifier();
    let signer = key.and_then(|key| key.key_identifier.as_ref());
    Some(Held {
        holding: Holding::one(&chain).ok(),
        signer: signer.map(|octets| octets.as_bytes().to_vec()).unwrap_or_default(),
        chain_bytes: chain.iter().map(|one| one.der().len()).sum(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;
    use crate::certificate_request::tests::request;

    const OTHER: &str = include_str!("../../../ca-core/tests/data/inspect/chain.pem");
    const CERTIFICATE: &str = include_str!("../../../api/tests/auth/root.pem");
    const APPROVED: [&str; 3] = ["Approved", "True", ""];
    const ISSUED: [&str; 3] = ["Ready", "True", "Issued"];

    /// A request of the Certificate with this UID, for a revision.
    fn of(uid: &str, revision: u64, conditions: &[[&str; 3]]) -> CertificateRequest {
        let mut request = request(conditions);
        request.annotations_mut().insert(REVISION.to_owned(), revision.to_string());
        request.metadata.uid = Some(format!("{uid}-{revision}"));
        let owner = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web", "uid": uid,
            "controller": true,
        });
        request.metadata.owner_references = Some(vec![serde_json::from_value(owner).unwrap()]);
        if conditions.contains(&ISSUED) {
            let chain = ByteString(CERTIFICATE.as_bytes().to_vec());
            request.status.as_mut().unwrap().certificate = Some(chain);
        }
        request
    }

    /// The Certificate with this UID, at a revision.
    fn certificate(uid: &str, revision: u64) -> Certificate {
        in_namespace("shop", uid, revision)
    }

    fn in_namespace(namespace: &str, uid: &str, revision: u64) -> Certificate {
        serde_json::from_value(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": {"name": "web", "namespace": namespace, "uid": uid},
            "spec": {"secretName": "web", "issuerRef": {"name": "hybrid"}},
            "status": {"revision": revision},
        }))
        .unwrap()
    }

    fn saw(inventory: &Inventory, request: &CertificateRequest) {
        inventory.saw(request, |_| None);
    }

    fn later(mut request: CertificateRequest, second: i64) -> CertificateRequest {
        let time = k8s_openapi::jiff::Timestamp::from_second(second).unwrap();
        request.metadata.creation_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(time));
        request.metadata.uid = Some(format!("later-{second}"));
        request
    }

    #[test]
    fn what_a_certificate_has_is_what_its_own_request_of_that_revision_brought() {
        let inventory = Inventory::default();
        saw(&inventory, &of("a", 3, &[APPROVED, ISSUED]));
        assert!(inventory.held(&certificate("a", 3)).unwrap().holding.is_some());
        assert_eq!(
            inventory.held(&certificate("a", 4)),
            None,
            "it is not issued yet, or not seen yet"
        );
        assert_eq!(inventory.held(&certificate("b", 3)), None);
        // The next request is there, and cert-manager has removed the last one: that is remembered.
        saw(&inventory, &of("a", 4, &[APPROVED]));
        assert!(
            inventory.held(&certificate("a", 3)).is_some()
                && inventory.held(&certificate("a", 4)).is_none()
        );
        // An annotation alone makes nobody its Certificate.
        let mut alone = of("b", 3, &[APPROVED, ISSUED]);
        alone.metadata.owner_references = None;
        saw(&inventory, &alone);
        assert_eq!(inventory.held(&certificate("b", 3)), None);
        // Neither does another issuer's certificate count.
        let mut foreign = of("b", 3, &[APPROVED, ISSUED]);
        foreign.spec.issuer_ref.group = "cert-manager.io".into();
        saw(&inventory, &foreign);
        assert_eq!(inventory.held(&certificate("b", 3)), None);
        inventory.retain(&[Arc::new(certificate("b", 1))]);
        assert!(
            inventory.held(&certificate("a", 3)).is_some(),
            "its Certificate may not have been seen yet"
        );
        inventory.retain(&[Arc::new(certificate("b", 1))]);
        assert_eq!(inventory.held(&certificate("a", 3)), None);
    }

    #[test]
    fn revisions_that_are_made_up_count_for_nothing() {
        let inventory = Inventory::default();
        let issued = |revision| of("a", revision, &[APPROVED, ISSUED]);
        inventory.saw(&issued(5), |certificate| {
            assert_eq!(*certificate, ObjectRef::new("web").within("shop"));
            Some(5)
        });
        for revision in 1_000..1_010 {
            inventory.saw(&issued(revision), |_| Some(5));
        }
        inventory.saw(&issued(7), |_| Some(5));
        assert!(
            inventory.held(&certificate("a", 5)).is_some()
                && inventory.held(&certificate("a", 7)).is_some()
        );
        assert_eq!(inventory.held(&certificate("a", 1_000)), None);
        assert_ne!(inventory.last(&certificate("a", 1)).unwrap().uid, "a-1009");
    }

    #[test]
    fn of_two_requests_of_one_revision_the_later_counts() {
        let inventory = Inventory::default();
        let first = later(of("a", 2, &[APPROVED, ISSUED]), 10);
        let mut second = later(of("a", 2, &[APPROVED, ISSUED]), 20);
        let chain = ByteString(OTHER.as_bytes().to_vec());
        second.status.as_mut().unwrap().certificate = Some(chain);
        saw(&inventory, &first);
        let before = inventory.held(&certificate("a", 2)).unwrap();
        saw(&inventory, &second);
        let after = inventory.held(&certificate("a", 2)).unwrap();
        assert_ne!(before, after);
        saw(&inventory, &first);
        assert_eq!(inventory.held(&certificate("a", 2)).unwrap(), after);
        assert_eq!(inventory.last(&certificate("a", 1)).unwrap().uid, "later-20");
        // A Certificate that was reset counts from the start.
        saw(&inventory, &later(of("a", 1, &[APPROVED]), 30));
        assert_eq!(inventory.last(&certificate("a", 1)).unwrap().uid, "later-30");
    }

    #[test]
    fn nobody_tells_of_certificates_of_other_namespaces() {
        let inventory = Inventory::default();
        let mut forged = of("a", 3, &[APPROVED, ISSUED]);
        forged.metadata.namespace = Some("elsewhere".into());
        saw(&inventory, &forged);
        assert_eq!(inventory.held(&certificate("a", 3)), None);
        assert_eq!(inventory.last(&certificate("a", 3)), None);
        assert!(inventory.held(&in_namespace("elsewhere", "a", 3)).is_some());
    }

    #[test]
    fn of_many_revisions_the_last_are_remembered_in_whichever_order_they_come() {
        // As a list has them, by their names.
        let inventory = Inventory::default();
        for revision in [10, 11, 12, 8, 9] {
            let began = i64::try_from(revision).unwrap();
            inventory.saw(&later(of("a", revision, &[APPROVED, ISSUED]), began), |_| Some(12));
        }
        assert!(inventory.held(&certificate("a", 12)).is_some());
        assert!(inventory.held(&certificate("a", 9)).is_some());
        assert_eq!(inventory.held(&certificate("a", 8)), None);
        let inventory = Inventory::default();
        for revision in 1..=9 {
            let began = i64::try_from(revision).unwrap();
            saw(&inventory, &later(of("a", revision, &[APPROVED, ISSUED]), began));
        }
        assert_eq!(
            (1..=9).filter(|one| inventory.held(&certificate("a", *one)).is_some()).count(),
            4
        );
        assert!(inventory.held(&certificate("a", 9)).is_some());
    }

    #[test]
    fn a_try_ends_by_whoever_is_to_blame() {
        let failed = ["Ready", "False", "Failed"];
        for (conditions, end) in [
            (&[APPROVED][..], End::Open),
            (&[APPROVED, ["Ready", "False", "Pending"]], End::Open),
            (&[APPROVED, ISSUED], End::Issued),
            (&[APPROVED, failed], End::Failed),
            (&[APPROVED, failed, ["InvalidRequest", "True", ""]], End::OfItsOwn),
            (&[["Denied", "True", ""]], End::OfItsOwn),
        ] {
            let inventory = Inventory::default();
            saw(&inventory, &of("a", 1, conditions));
            assert_eq!(inventory.last(&certificate("a", 1)).unwrap().end, end, "{conditions:?}");
        }
        let inventory = Inventory::default();
        saw(&inventory, &of("a", 2, &[APPROVED]));
        saw(&inventory, &of("a", 1, &[APPROVED, failed]));
        assert_eq!(
            inventory.last(&certificate("a", 1)).unwrap().end,
            End::Open,
            "an older one tells nothing new"
        );
    }

    #[test]
    fn it_is_counted_how_often_the_same_was_begun_with() {
        let (inventory, certificate) = (Inventory::default(), certificate("a", 2));
        let begin = |by: &str| {
            inventory.begin(&certificate, &[by.to_owned()], None, Timestamp::UNIX_EPOCH);
            let begun = inventory.begun(&certificate).unwrap();
            (begun.times, begun.revision)
        };
        assert_eq!([begin("x"), begin("x"), begin("y")], [(1, 2), (2, 2), (1, 2)]);
    }

    #[test]
    fn what_is_not_known_may_be_late_for_a_while() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let inventory = Inventory::default();
        assert!(
            inventory.may_be_late(&certificate("a", 1), 1, at(0))
                && inventory.may_be_late(&certificate("a", 1), 1, at(29))
        );
        assert!(!inventory.may_be_late(&certificate("a", 1), 1, at(30)));
        assert!(
            inventory.may_be_late(&certificate("a", 2), 2, at(30)),
            "another revision is waited for anew"
        );
    }
}
