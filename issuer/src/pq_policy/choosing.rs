//! Which authority of an issuer signs for an object, by the policy that decides for it.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use policy::{
    Choice, Decision, Holds, Mode, Offer, Progress, Service, Signers, Subject, Trust, decide, stay,
};

use super::inventory::{Held, owner};
use super::known::{EXCLUDED, Known, Labels};
use crate::certificate_request::CertificateRequest;
use crate::context::Context;
use crate::kinds::PublishedRoot;
use crate::serving::{Authority, Serving};

/// Who signs a request.
#[derive(Clone, Debug)]
pub enum Signing<'a> {
    /// This authority.
    By(&'a Authority),
    /// Nobody until the policy, or what it depends on, changes; and why.
    Nobody(String),
    /// Nobody until this process has read what decides.
    NotKnown(&'static str),
}

/// An object that wants a certificate.
#[derive(Clone, Debug)]
pub struct Wanting<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name; none where it stands for itself, as its name changes with each request.
    pub name: Option<&'a str>,
    /// Its labels.
    pub labels: &'a Labels,
    /// What it has, if that is known.
    pub held: Option<Arc<Held>>,
}

/// A policy as it rules for the objects of one issuer.
#[derive(Debug)]
pub struct Ruling<'k, 'a> {
    known: &'k Known,
    serving: &'a Serving,
    /// Which authorities serve it; none for one that can't be read.
    pub service: Option<Service<'a>>,
    progress: Progress,
    /// Who is trusted, of the authorities of other modes as well.
    trusted: Vec<&'a Offer>,
}

/// What a policy says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Whose signature it gets.
    pub choice: Choice<'a>,
    /// Why; none for a policy that can't be read.
    pub decision: Option<Decision>,
    /// Whether it has that signature.
    pub has_it: bool,
}

impl Verdict<'_> {
    /// The authorities that sign, by their names.
    #[must_use]
    pub fn by(&self) -> Vec<&str> {
        match &self.choice {
            Choice::By(signers) => signers.offers().map(Offer::authority).collect(),
            Choice::Wait | Choice::Refuse(_) => Vec::new(),
        }
    }
}

impl<'k, 'a> Ruling<'k, 'a> {
    /// How a policy rules at an issuer, of whose authorities everybody trusts some.
    #[must_use]
    pub fn of(known: &'k Known, serving: &'a Serving, trusts: impl Fn(&Offer) -> bool) -> Self {
        let service = known.rules.as_ref().ok().map(|rules| Service::of(rules, &serving.offers));
        let trusted: Vec<&Offer> = serving.offers.all().filter(|offer| trusts(offer)).collect();
        let trust = |signers: Option<Signers<'a>>| {
            let all = |signers: Signers<'a>| signers.offers().all(|one| trusted.contains(&one));
            if signers.is_some_and(all) { Trust::Published } else { Trust::Awaited }
        };
        let forth =
            trust(service.as_ref().and_then(|service| service.forth.as_ref().ok()).copied());
        let back = service.as_ref().and_then(|service| service.back.as_ref().ok());
        let back = trust(back.copied().map(Signers::One));
        let progress = Progress { rolled_back: known.rolled_back, forth, back };
        Self { known, serving, service, progress, trusted }
    }

    /// What it says of an object, which takes one certificate.
    #[must_use]
    pub fn verdict(&self, wanting: &Wanting<'_>, now: Timestamp) -> Verdict<'a> {
        let offers = &self.serving.offers;
        let holds = self.holds(wanting.held.as_deref());
        let (choice, decision) = match (&self.known.rules, &self.service) {
            (Ok(rules), Some(service)) => {
                let Wanting { namespace, name, labels, .. } = *wanting;
                let subject = Subject { namespace, name, labels, holds, takes_pair: false };
                let verdict = decide(rules, (offers, service), self.progress, &subject, now);
                (verdict.choice, Some(verdict.decision))
            }
            _ => (stay(offers, holds), None),
        };
        let has_it = matches!(&choice, Choice::By(signers) if holds == Holds::Of(*signers));
        Verdict { choice, decision, has_it }
    }

    /// What an object has of this issuer.
    fn holds(&self, held: Option<&Held>) -> Holds<'a> {
        let Some(held) = held else { return Holds::Nothing };
        let offers = &self.serving.offers;
        let has_signed = |offer: &&Offer| {
            self.serving.of(offer).is_some_and(|authority| authority.signed(&held.signer))
        };
        // Two authorities may have one key. What the policy chooses counts then.
        let chosen = self.chosen().into_iter().find(has_signed);
        let offer = chosen.or_else(|| offers.all().find(has_signed));
        match (offer, held.holding.as_ref().map(policy::Holding::mode)) {
            (Some(offer), _) => Holds::Of(Signers::One(offer)),
            (None, None | Some(Mode::Classical)) => Holds::Nothing,
            (None, Some(mode)) => {
                let like = offers.of(mode).filter(|offer| self.trusted.contains(offer));
                Holds::Lost(like.map(Signers::One))
            }
        }
    }

    /// The authorities that the policy chooses, forth and back.
    fn chosen(&self) -> Vec<&'a Offer> {
        let Some(Service { forth, back }) = &self.service else { return Vec::new() };
        let forth = forth.as_ref().ok().into_iter().flat_map(|signers| signers.offers());
        forth.chain(back.as_ref().ok().copied()).collect()
    }

    /// Since when the roots of the authorities that it chooses are published.
    pub(super) fn roots(&self, context: &Context) -> Vec<PublishedRoot> {
        let root = |offer: &Offer| {
            let root = self.serving.of(offer)?.root_digest;
            let since = context.published.since(&root)?;
            Some(PublishedRoot { fingerprint: root.to_string(), since })
        };
        self.chosen().into_iter().filter_map(root).collect()
    }

    fn signing(&self, wanting: &Wanting<'_>, now: Timestamp) -> Signing<'a> {
        let verdict = self.verdict(wanting, now);
        let because = |words: &str| format!("PQPolicy {}: {words}", self.known.name());
        match verdict.choice {
            // Of a pair's two the classical one; who takes one certificate is never given a pair.
            Choice::By(Signers::One(offer) | Signers::Pair { classical: offer, .. }) => {
                let gone = || Signing::Nobody(because("the authority that it chose is gone"));
                self.serving.of(offer).map_or_else(gone, Signing::By)
            }
            Choice::Wait => {
                let words = match verdict.decision {
                    Some(why @ (Decision::AwaitsTrust | Decision::Stopped)) => why.to_string(),
                    _ => "who signed its certificate is gone, and nobody is trusted who signs the like".to_owned(),
                };
                Signing::Nobody(because(&words))
            }
            Choice::Refuse(refusal) => Signing::Nobody(because(&refusal.to_string())),
        }
    }
}

impl Context {
    /// Who signs a request of cert-manager's. It is told by the Certificate that controls the request; what nobody
    /// controls stands for itself.
    pub async fn signs_request<'a>(
        &self,
        serving: &'a Serving,
        request: &CertificateRequest,
        now: Timestamp,
    ) -> Signing<'a> {
        let policies = self.policies();
        let namespace = request.namespace().unwrap_or_default();
        if policies.is_empty() || self.is_excluded(&namespace) {
            return Signing::By(&serving.authority);
        }
        let Some((name, uid)) = owner(request) else {
            let labels = request.labels();
            let wanting = Wanting { namespace: &namespace, name: None, labels, held: None };
            return self.signs(serving, &wanting, now).await;
        };
        let certificate = self.certificates.get(&ObjectRef::new(name).within(&namespace));
        let Some(certificate) = certificate.filter(|found| found.uid().as_deref() == Some(uid))
        else {
            return Signing::NotKnown("the Certificate that it is for is not known yet");
        };
        let labels = certificate.labels();
        let held = self.inventory.held(&certificate);
        let wanting = Wanting { namespace: &namespace, name: Some(name), labels, held };
        self.signs(serving, &wanting, now).await
    }

    /// Who signs a request of Kubernetes' own. It counts in the namespace of its issuer. An issuer of the cluster
    /// has none, and no policy decides.
    pub async fn signs_signing_request<'a>(
        &self,
        serving: &'a Serving,
        request: &CertificateSigningRequest,
        now: Timestamp,
    ) -> Signing<'a> {
        let namespace = serving.reference.namespace.as_deref();
        let namespace = namespace.filter(|namespace| !self.is_excluded(namespace));
        let Some(namespace) = namespace.filter(|_| !self.policies().is_empty()) else {
            return Signing::By(&serving.authority);
        };
        let labels = request.labels();
        let wanting = Wanting { namespace, name: None, labels, held: None };
        self.signs(serving, &wanting, now).await
    }

    async fn signs<'a>(
        &self,
        serving: &'a Serving,
        wanting: &Wanting<'_>,
        now: Timestamp,
    ) -> Signing<'a> {
        let Some(of_namespace) = self.labels_of(wanting.namespace) else {
            return Signing::NotKnown("its namespace is not known yet");
        };
        self.bundle_was_tried().await;
        // They may have changed meanwhile.
        let policies = self.policies();
        let Some(known) = policies.governing(&of_namespace, wanting.labels) else {
            return Signing::By(&serving.authority);
        };
        let trusts = |offer: &Offer| self.trusts(serving, offer, now);
        Ruling::of(known, serving, trusts).signing(wanting, now)
    }

    /// The labels of a namespace; none where it is not known.
    #[must_use]
    pub fn labels_of(&self, namespace: &str) -> Option<Labels> {
        let found = self.namespaces.get(&ObjectRef::new(namespace))?;
        Some(found.metadata.labels.clone().unwrap_or_default())
    }

    /// Whether no policy decides in a namespace.
    #[must_use]
    pub fn is_excluded(&self, namespace: &str) -> bool {
        EXCLUDED.contains(&namespace) || namespace == self.cluster_resource_namespace
    }

    /// Whether everybody trusts an authority: its root is published, or it is the one that signs without any policy.
    pub(super) fn trusts(&self, serving: &Serving, offer: &Offer, now: Timestamp) -> bool {
        let is_published = |authority: &Authority| {
            let root = &authority.root_digest;
            self.published.trust(root, self.rollout.trust_wait, now) == Trust::Published
        };
        offer == serving.offers.own() || serving.of(offer).is_some_and(is_published)
    }
}

#[cfg(test)]
mod tests;
