//! Issuers that can be used, as they are known in this process.
//!
//! The controllers of issuers write here, everybody else reads. An issuer counts only for the
//! generation of its spec that was checked.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use client::Client;
use client::v1::Profile;
use jiff::Timestamp;
use policy::{Offer, Offers};

use crate::certificate_request::PROFILE_ANNOTATION;
use crate::kinds::{Edition, IssuerRef, IssuerSpec};

/// An authority whose chain was checked.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its name at the server.
    pub name: String,
    /// Its certificate.
    pub certificate: Certificate,
    /// Its certificate and those above it without the root, in PEM: what follows a leaf. Nothing
    /// where it is a root itself.
    pub intermediates: String,
    /// The root in PEM.
    pub root: String,
    /// The root's fingerprint.
    pub root_digest: Fingerprint,
}

impl Authority {
    /// Whether it signed what was signed by a key of this identifier.
    #[must_use]
    pub fn signed(&self, signer: &[u8]) -> bool {
        let own = self.certificate.extensions().subject_key_identifier();
        own.is_some_and(|own| own == signer)
    }
}

/// An issuer that can be used.
pub struct Serving {
    /// Which one.
    pub reference: IssuerRef,
    /// The spec that was checked.
    pub spec: IssuerSpec,
    /// Asks its server, with its credential.
    pub client: Client,
    /// The authority that signs where no policy chooses another.
    pub authority: Authority,
    /// Those that policies may choose, and that can be used.
    pub others: Vec<Authority>,
    /// What they offer to policies.
    pub offers: Offers,
    /// The profiles that requests may have, as its server describes them.
    pub profiles: Vec<Profile>,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Serving").field(&self.reference).finish_non_exhaustive()
    }
}

impl Serving {
    /// Every authority that can be used, the one first that signs where no policy chooses.
    pub fn authorities(&self) -> impl Iterator<Item = &Authority> {
        std::iter::once(&self.authority).chain(&self.others)
    }

    /// The authority of an offer.
    #[must_use]
    pub fn of(&self, offer: &Offer) -> Option<&Authority> {
        self.authorities().find(|one| one.name == offer.authority())
    }

    /// The profile of a request that chooses this one, or none.
    ///
    /// # Errors
    /// For a profile that the issuer does not allow: what was found and what is allowed.
    pub fn profile(&self, chosen: Option<&str>) -> Result<&Profile, String> {
        let name = chosen.unwrap_or(&self.spec.profile);
        self.profiles.iter().find(|one| one.name == name).ok_or_else(|| {
            let found: String = name.chars().take(64).collect();
            let mut allowed = vec![self.spec.profile.as_str()];
            allowed.extend(self.spec.allowed_profiles.iter().map(String::as_str));
            format!(
                "annotation {PROFILE_ANNOTATION}: found {found:?}, allowed by {}: {}",
                self.reference,
                allowed.join(", ")
            )
        })
    }

    /// How long a request is tried, where the issuer narrows it.
    #[must_use]
    pub fn limit(&self, otherwise: Duration) -> Duration {
        let own = self.spec.retry.and_then(|retry| retry.limit_seconds);
        own.map_or(otherwise, |seconds| otherwise.min(Duration::from_secs(seconds.into())))
    }
}

/// What is known of an issuer.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It can be used.
    Ready(Arc<Serving>),
    /// It can't, and why.
    NotReady(String),
    /// It is there, and this process has not looked at it yet.
    Unchecked,
}

impl Standing {
    /// Whether it can be used.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }

    /// Whether those who wait are told the same by both.
    fn tells_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::NotReady(one), Self::NotReady(other)) => one == other,
            // A policy may have waited for one of its authorities.
            (Self::Ready(one), Self::Ready(other)) => one.offers == other.offers,
            _ => self.is_ready() == other.is_ready(),
        }
    }
}

/// What a request found wrong with its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub words: String,
    /// When.
    pub at: Timestamp,
    /// Complaints in a row.
    pub number: u32,
}

#[derive(Debug)]
struct Entry {
    edition: Edition,
    standing: Standing,
    complaint: Option<Complaint>,
}

/// Every issuer that was looked at.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<IssuerRef, Entry>>);

impl Registry {
    /// What is known of an issuer in this edition; none where that was not checked.
    #[must_use]
    pub fn standing(&self, issuer: &IssuerRef, edition: &Edition) -> Option<Standing> {
        let entries = self.entries();
        let entry = entries.get(issuer).filter(|entry| entry.edition == *edition)?;
        Some(entry.standing.clone())
    }

    /// Takes what a check found, and gives whether that changes anything for those who wait: that they
    /// go on, or what they wait for. A complaint stays counted until a certificate was issued.
    pub fn put(&self, issuer: &IssuerRef, edition: Edition, standing: Standing) -> bool {
        let mut entries = self.entries();
        let before = entries.remove(issuer);
        let was = before.as_ref().filter(|entry| entry.edition == edition);
        let changed = was.is_none_or(|entry| !entry.standing.tells_as(&standing));
        let complaint = before.and_then(|entry| entry.complaint);
        entries.insert(issuer.clone(), Entry { edition, standing, complaint });
        changed
    }

    /// A request could not be sent for a reason that lies with its issuer: nobody uses it until it
    /// was checked again.
    pub fn complain(&self, issuer: &IssuerRef, words: &str, now: Timestamp) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(issuer) else { return };
        // Requests that were under way together complain once.
        if !entry.standing.is_ready() {
            return;
        }
        entry.standing = Standing::NotReady(format!("{issuer}: {words}"));
        let number = entry.complaint.as_ref().map_or(0, |old| old.number).saturating_add(1);
        entry.complaint = Some(Complaint { words: words.to_owned(), at: now, number });
    }

    /// A certificate was issued: what was wrong is right again.
    pub fn content(&self, issuer: &IssuerRef) {
        if let Some(entry) = self.entries().get_mut(issuer) {
            entry.complaint = None;
        }
    }

    /// The last complaint, if no certificate was issued since.
    #[must_use]
    pub fn complaint(&self, issuer: &IssuerRef) -> Option<Complaint> {
        self.entries().get(issuer).and_then(|entry| entry.complaint.clone())
    }

    /// Forgets the issuers that are gone.
    pub fn retain(&self, is_there: impl Fn(&IssuerRef) -> bool) {
        self.entries().retain(|issuer, _| is_there(issuer));
    }

    /// How many can be used, and how many can't.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let entries = self.entries();
        let ready = entries.values().filter(|one| one.standing.is_ready()).count();
        (ready, entries.len() - ready)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<IssuerRef, Entry>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::kinds::IssuerKind;

    #[test]
    fn an_issuer_counts_for_the_edition_that_was_checked() {
        let registry = Registry::default();
        let issuer =
            IssuerRef { kind: IssuerKind::Cluster, namespace: None, name: "hybrid".into() };
        let edition = |uid: &str, generation| Edition { uid: uid.into(), generation };
        let not_ready = || Standing::NotReady("no token".into());
        let otherwise = || Standing::NotReady("no authority".into());
        assert!(registry.standing(&issuer, &edition("a", 1)).is_none());
        assert!(registry.put(&issuer, edition("a", 1), not_ready()), "it was not known before");
        assert!(!registry.put(&issuer, edition("a", 1), not_ready()), "nothing changed");
        assert!(registry.put(&issuer, edition("a", 1), otherwise()), "the reason changed");
        let known = registry.standing(&issuer, &edition("a", 1));
        assert!(matches!(known, Some(Standing::NotReady(_))));
        assert!(registry.standing(&issuer, &edition("a", 2)).is_none(), "its spec was changed");
        assert!(registry.standing(&issuer, &edition("b", 1)).is_none(), "it was made anew");
        assert!(registry.put(&issuer, edition("b", 1), not_ready()), "it was made anew");
        registry.retain(|_| false);
        assert!(registry.standing(&issuer, &edition("b", 1)).is_none());
    }
}
