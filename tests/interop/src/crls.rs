//! Revocation lists of an authority in memory: full, delta and sharded, and our verdict by them.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::crl::{
    CertificateList, CrlBuilder, EntrySerial, RevocationReason, RevocationStatus, RevokedEntry,
    Scope, check_crls,
};
use ca_core::general_name::AbsoluteUri;
use ca_core::plan::Request;
use ca_core::profile::Profile;
use jiff::{SignedDuration, Timestamp};

use crate::issue::{Authority, Role, SigningKey, now, request_for};
use crate::judge::accepted_but_no_twin;

/// Where the shard is published that speaks of the leaf.
pub const PLACE: &str = "http://crl.test/shard-1.crl";
/// Another shard.
pub const OTHER_PLACE: &str = "http://crl.test/shard-2.crl";

const PROFILE: &str = "version: 1
name: sharded
description: A TLS server whose revocation stands in one shard.
kind: leaf
subject_keys: {families: [classical, post-quantum, composite]}
key_usages: [digital_signature]
extended_key_usages: [server_auth]
names: {required: true, kinds: [dns]}
subject: {allowed: [CN]}
validity_days: 20
max_validity_days: 30
backdate_seconds: 300
crl_distribution_points: [\"http://crl.test/shard-1.crl\"]
";

/// A list's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everything; it says that there are deltas.
    Full,
    /// What changed since the list of number 4.
    Delta,
    /// The shard of a place.
    Shard(&'static str),
}

impl Kind {
    /// Of each kind one; the shard is the leaf's.
    pub const ALL: [Self; 3] = [Self::Full, Self::Delta, Self::Shard(PLACE)];

    /// What a verifier needs to judge by this list: a delta changes `base`.
    #[must_use]
    pub fn with_base<'a>(self, base: &'a [u8], list: &'a [u8]) -> Vec<&'a [u8]> {
        if self == Self::Delta { vec![base, list] } else { vec![list] }
    }

    /// For the table of what was tried.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "CRL",
            Self::Delta => "delta CRL",
            Self::Shard(_) => "sharded CRL",
        }
    }
}

/// Two leaves, one of which is revoked, below one authority.
#[derive(Debug)]
pub struct World {
    /// The trust anchor.
    pub root: Authority,
    /// Who issued the leaves and signs the lists.
    pub issuing: Authority,
    /// The one that is revoked.
    pub revoked: Certificate,
    /// The one that is not.
    pub good: Certificate,
}

impl World {
    /// All of one algorithm.
    ///
    /// # Panics
    /// When ca-core can't make it.
    #[must_use]
    pub fn of(algorithm: &Algorithm) -> Self {
        let root = Authority::root(algorithm, None);
        let issuing = root.issuing(algorithm, None);
        let profile = Profile::from_yaml(PROFILE).expect("a well-formed profile");
        let key = SigningKey::of(algorithm, Role::Leaf);
        let request = |name: &str| -> Request {
            request_for(&format!("CN={name}"), &[&format!("DNS:{name}")], &key, None)
        };
        let revoked = issuing.issue_by(&profile, request("revoked.test"));
        let good = issuing.issue_by(&profile, request("good.test"));
        Self { root, issuing, revoked, good }
    }

    /// A list by the issuing authority, made at `at` for a day, of number 5 (a delta: 6).
    ///
    /// # Panics
    /// When ca-core can't make it.
    #[must_use]
    pub fn list(&self, kind: Kind, revoked: &[&Certificate], at: Timestamp) -> Vec<u8> {
        Self::list_by(&self.issuing, kind, revoked, at)
    }

    /// A list by another authority.
    ///
    /// # Panics
    /// When ca-core can't make it.
    #[must_use]
    pub fn list_by(
        authority: &Authority,
        kind: Kind,
        revoked: &[&Certificate],
        at: Timestamp,
    ) -> Vec<u8> {
        let number: u64 = if kind == Kind::Delta { 6 } else { 5 };
        let until = at + SignedDuration::from_hours(24);
        let builder = CrlBuilder::new(&authority.certificate, number.into(), at, until);
        let builder = builder.expect("the authority may sign lists");
        let place = |text: &str| AbsoluteUri::new(text).expect("a URI");
        let builder = match kind {
            Kind::Full => builder.freshest_crl(&[place("http://crl.test/delta.crl")]),
            Kind::Delta => builder.delta(4_u64.into()),
            Kind::Shard(at) => builder.scope(Scope::shard(&[place(at)]).expect("one place")),
        };
        let entries = revoked.iter().map(|certificate| {
            let serial = EntrySerial::of(certificate).expect("a serial number of ours");
            let mut entry = RevokedEntry::new(serial, at);
            entry.reason = RevocationReason::KeyCompromise;
            entry
        });
        let signer = authority.key.key.signer(authority.key.scheme).expect("the scheme fits");
        let mut der = Vec::new();
        let signed = builder.expect("a list of this kind").sign(entries, &signer, &mut der);
        signed.expect("a list can be signed");
        der
    }

    /// Our verdict on a leaf by these lists: good, revoked, or why it is unknown.
    #[must_use]
    pub fn verdict(&self, leaf: &Certificate, lists: &[&[u8]], at: Timestamp) -> String {
        let lists: Result<Vec<_>, _> =
            lists.iter().map(|der| CertificateList::from_der(*der)).collect();
        match lists {
            Ok(lists) => match check_crls(leaf, &self.issuing.certificate, &lists, at) {
                RevocationStatus::Good => "good".into(),
                RevocationStatus::Revoked { reason, .. } => format!("revoked: {reason}"),
                RevocationStatus::Unknown { why } => why.to_string(),
            },
            Err(error) => error.to_string(),
        }
    }

    /// [`Self::verdict`], demanded: the revoked leaf is revoked and the good one good by these
    /// lists.
    ///
    /// # Errors
    /// What was said instead.
    pub fn both_right(&self, lists: &[&[u8]]) -> Result<(), String> {
        let revoked = self.verdict(&self.revoked, lists, now());
        let good = self.verdict(&self.good, lists, now());
        let right = revoked.starts_with("revoked") && good == "good";
        if right { Ok(()) } else { Err(format!("revoked leaf: {revoked}; good leaf: {good}")) }
    }
}

/// Demands that we judge by a list on which the revoked leaf stands as its maker meant it, and by
/// none of its twins; and by no list past its date.
///
/// # Panics
/// When we do otherwise.
pub fn judged(peer: &str, algorithm: &Algorithm, world: &World, kind: Kind, theirs: &[u8]) {
    // The base, one number below the delta's.
    let empty = world.list(Kind::Full, &[], now());
    let what = format!("its {} {}", algorithm.family(), kind.name());
    accepted_but_no_twin(peer, &what, theirs, &twins(theirs), |der| {
        let read = CertificateList::from_der(der).map_err(|error| error.to_string())?;
        read.verify(&world.issuing.certificate).map_err(|error| error.to_string())?;
        world.both_right(&kind.with_base(&empty, der))
    });
    if kind != Kind::Delta {
        let late = now() + SignedDuration::from_hours(48);
        let verdict = world.verdict(&world.good, &[theirs], late);
        assert!(verdict.contains("nextUpdate"), "{algorithm}, {what}: {verdict}");
        // Another authority's certificate is not judged by it.
        let verdict = world.verdict(&world.root.certificate, &[theirs], now());
        assert!(verdict != "good", "{algorithm}, {what}: {verdict}");
    }
}

/// Demands that we judge nobody by a list of [`OTHER_PLACE`].
///
/// # Panics
/// When we do.
pub fn not_judged(world: &World, other: &[u8]) {
    let verdict = world.verdict(&world.good, &[other], now());
    assert!(verdict.contains("speak of other certificates"), "{verdict}");
}

/// Copies of a list with one bit flipped: in the first half of the signature, in its last octets,
/// and right before it, in the extensions.
///
/// # Panics
/// When it is no list.
#[must_use]
pub fn twins(der: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let list = CertificateList::from_der(der).expect("a list");
    let tbs = list.tbs_der().as_ptr() as usize - list.der().as_ptr() as usize;
    let places = [
        ("the signature's first half", der.len() - list.signature().len() + 8),
        ("the signature's last octets", der.len() - 9),
        ("the extensions", tbs + list.tbs_der().len() - 1),
    ];
    places.map(|(field, at)| (field, crate::judge::flipped(der, at))).to_vec()
}
