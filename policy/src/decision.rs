//! What an object gets now, and who signs that.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::rules::Enforcement;
use crate::{Mode, Offers, Refusal, Rules, Service, Signers};

/// An object that wants a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s, 'a> {
    /// Its namespace.
    pub namespace: &'s str,
    /// Its name: a Certificate's, not that of one of its requests, which changes with each. None for a request that
    /// stands for itself: by no share is it among the canaries, before everybody is.
    pub name: Option<&'s str>,
    /// Its labels.
    pub labels: &'s BTreeMap<String, String>,
    /// What it has.
    pub holds: Holds<'a>,
    /// Whether it takes two certificates that are bound to each other. cert-manager's objects take one.
    pub takes_pair: bool,
}

/// What an object has of its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds<'a> {
    /// No certificate, one that is not known, or a classical one of somebody whom the issuer does not name.
    Nothing,
    /// One of these authorities.
    Of(Signers<'a>),
    /// One that is not classical, of an authority that the issuer does not name any more. With it the authority of the
    /// same mode, if the issuer has one that everybody trusts.
    Lost(Option<Signers<'a>>),
}

impl Holds<'_> {
    fn is_classical(&self) -> bool {
        matches!(self, Self::Of(Signers::One(offer)) if offer.mode() == Mode::Classical)
    }
}

/// How far a policy is, for one issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whether too much failed under the policy, for whatever issuer, and it went back by itself. It stays so until a
    /// person changes it.
    pub rolled_back: bool,
    /// Whether everybody trusts the authority of its mode; of a pair's two, both.
    pub forth: Trust,
    /// Whether everybody trusts the authority of the way back.
    pub back: Trust,
}

/// Whether everybody trusts an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its root has been published for long enough.
    Published,
    /// It has not.
    Awaited,
}

/// What an object gets, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The policy is an audit: what there would be without it.
    Audited,
    /// `active` is false: a classical certificate.
    Inactive,
    /// The policy went back by itself: a classical certificate.
    RolledBack,
    /// It should go back, and can't: nobody serves the way back, or not everybody trusts who does. It stays.
    CannotGoBack,
    /// It should go back, and past the deadline there is no way: it stays, and nobody is moved until a person acts.
    Stopped,
    /// Others go first: it stays.
    NotYet,
    /// The issuer's authorities don't serve the policy: it stays.
    NotServed,
    /// The policy wants pairs, and it takes one certificate: it stays.
    TakesNoPair,
    /// Not everybody trusts the authority of the mode, or that of the way back: it stays.
    AwaitsTrust,
    /// What the policy wants.
    Moved,
}

/// Whose signature an object gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// This authority's, or those of a pair.
    By(Signers<'a>),
    /// Nobody's yet: who could sign is not trusted, or is gone.
    Wait,
    /// Nobody's.
    Refuse(Refusal),
}

/// What is decided for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Why.
    pub decision: Decision,
    /// Who signs.
    pub choice: Choice<'a>,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audited => "enforcement is Audit, which changes nothing",
            Self::Inactive => "active is false",
            Self::RolledBack => "the policy went back by itself",
            Self::CannotGoBack => {
                "it should go back, but the issuer names no classical authority that fits and whose root is published"
            }
            Self::Stopped => {
                "it should go back, but past the deadline there is no way: it waits for a change of the policy"
            }
            Self::NotYet => "it is not among the canaries",
            Self::NotServed => "the issuer's authorities don't serve the policy forth and back",
            Self::TakesNoPair => {
                "mode Dual is for PQCertificates with dual: true, and it takes one certificate"
            }
            Self::AwaitsTrust => {
                "the roots of the new authority and of the way back have not both been published for long enough"
            }
            Self::Moved => "the policy chooses its mode",
        })
    }
}

/// Decides for one object. What brings back comes first, then what holds back; whoever has moved goes on.
#[must_use]
pub fn decide<'a>(
    rules: &Rules,
    (offers, service): (&'a Offers, &Service<'a>),
    progress: Progress,
    subject: &Subject<'_, 'a>,
    now: Timestamp,
) -> Verdict<'a> {
    let decision = decision(rules, service, progress, subject, now);
    let own = Signers::One(offers.own());
    let choice = match (decision, &service.forth, &service.back) {
        (Decision::Audited, ..) => Choice::By(own),
        (Decision::Moved, Ok(signers), _) => Choice::By(*signers),
        // Who is classical already needs nothing to go back.
        (Decision::Inactive | Decision::RolledBack, _, Ok(offer))
            if !subject.holds.is_classical() =>
        {
            Choice::By(Signers::One(offer))
        }
        _ => stay(offers, subject.holds),
    };
    let choice = past_the_deadline(rules, service, (decision, choice), subject.holds, now);
    Verdict { decision, choice }
}

/// Whose signature an object gets that stays where it is, also where its policy can't be read: the same as before, the
/// like where who signed that is gone, and the issuer's own where it has none.
#[must_use]
pub fn stay<'a>(offers: &'a Offers, holds: Holds<'a>) -> Choice<'a> {
    match holds {
        Holds::Nothing => Choice::By(Signers::One(offers.own())),
        Holds::Of(signers) | Holds::Lost(Some(signers)) => Choice::By(signers),
        // Another one would be weaker, or not trusted: what it has is good until it ends.
        Holds::Lost(None) => Choice::Wait,
    }
}

fn decision(
    rules: &Rules,
    service: &Service<'_>,
    progress: Progress,
    subject: &Subject<'_, '_>,
    now: Timestamp,
) -> Decision {
    if rules.enforcement() == Enforcement::Audit {
        return Decision::Audited;
    }
    let (past, has_way_back) = (rules.is_past_deadline(now), rules.has_way_back(now));
    let back = match (rules.is_active(), progress.rolled_back) {
        (false, _) => Some(Decision::Inactive),
        (true, true) => Some(Decision::RolledBack),
        (true, false) => None,
    };
    if let Some(back) = back {
        let can = service.back.is_ok() && progress.back == Trust::Published;
        return match (has_way_back, can || subject.holds.is_classical()) {
            (false, _) => Decision::Stopped,
            (true, true) => back,
            (true, false) => Decision::CannotGoBack,
        };
    }
    if let (Holds::Of(holds), Ok(signers)) = (subject.holds, &service.forth)
        && holds == *signers
    {
        return Decision::Moved;
    }
    let Subject { namespace, name, labels, .. } = *subject;
    if !past && !rules.canary().includes(namespace, name, labels) {
        return Decision::NotYet;
    }
    if rules.mode() == Mode::Dual && !subject.takes_pair {
        return Decision::TakesNoPair;
    }
    // Before the deadline nobody is moved whom nothing could bring back.
    if service.forth.is_err() || (!past && service.back.is_err()) {
        return Decision::NotServed;
    }
    if progress.forth == Trust::Awaited || (!past && progress.back == Trust::Awaited) {
        return Decision::AwaitsTrust;
    }
    Decision::Moved
}

/// Past the deadline, under Enforce, no classical certificate is made any more, but for whom should go back.
fn past_the_deadline<'a>(
    rules: &Rules,
    service: &Service<'a>,
    (decision, choice): (Decision, Choice<'a>),
    holds: Holds<'_>,
    now: Timestamp,
) -> Choice<'a> {
    let has_ended = rules.enforcement() == Enforcement::Enforce && rules.is_past_deadline(now);
    let Choice::By(Signers::One(offer)) = &choice else { return choice };
    if !has_ended || offer.mode() != Mode::Classical {
        return choice;
    }
    let refuse = |change| {
        let found = format!("the classical authority {} past the deadline", offer.authority());
        Choice::Refuse(Refusal::of("deadline", found, rules.mode()).but_for(change))
    };
    match (decision, &service.forth) {
        (Decision::AwaitsTrust, _) => Choice::Wait,
        // There is no way back any more, for nobody who was not there already.
        (Decision::Stopped, _) if !holds.is_classical() => Choice::Wait,
        (Decision::TakesNoPair, _) => refuse(None),
        (Decision::NotServed, Err(why)) => refuse(why.change()),
        // It goes back, or should.
        _ => choice,
    }
}

#[cfg(test)]
mod tests;
