//! What a policy's objects have, and what they should have.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use policy::{Census, Choice, Decision, Mode, Read, bucket};

use super::choosing::{Ruling, Verdict, Wanting};
use super::inventory::{Begun, End, Held, Inventory, Try};
use super::known::{Known, Labels, Policies};
use crate::certificate::Certificate;
use crate::context::Context;
use crate::kinds::{IssuerRef, PublishedRoot};
use crate::metrics::PolicyCounts;
use crate::serving::Standing;

/// Objects that are named in a status.
pub const NAMED: usize = 10;
/// Tries on the way forth that have failed for so long count as a failure: an authority that never answers is none.
const PATIENCE: SignedDuration = SignedDuration::from_secs(120);
/// What has been issued for so long and was not tried waits for an approver, or for cert-manager: it holds up nobody.
const UNTRIED: SignedDuration = SignedDuration::from_mins(10);
/// After such a time an object that failed on the way forth is tried again, after twice as long the next time.
const AGAIN_FORTH: SignedDuration = SignedDuration::from_mins(10);
/// After such a time one that failed on the way back is: there is nowhere else to go.
const AGAIN_BACK: SignedDuration = SignedDuration::from_secs(15);
/// After such a time one is tried again that failed by its own fault.
const AGAIN_ITS_OWN: SignedDuration = SignedDuration::from_hours(1);
/// The longest such time.
const LONGEST: SignedDuration = SignedDuration::from_hours(8);
/// Objects that are looked at between two looks at everything else.
const AT_A_TIME: usize = 256;

/// What a policy's objects have, and what they should have.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Objects that it decides for; of an audit, those that it selects.
    pub in_scope: u32,
    /// Those that have what the policy wants in the end.
    pub adopted: u32,
    /// How many certificates of each mode and algorithm.
    pub holdings: BTreeMap<(Mode, String), u32>,
    /// How many objects other policies decide for, by their names.
    pub overruled: BTreeMap<String, u32>,
    /// How many objects there are of each decision.
    pub decisions: HashMap<Decision, u32>,
    /// The way forth of today: of canaries, or of all.
    pub forth: Census,
    /// The same as the pace judges it.
    pub judged: Census,
    /// The way back.
    pub back: Census,
    /// Objects whose last try failed and that were not issued since, also while they are tried again.
    pub failing: u32,
    /// Those to begin with: those of the way back first, the others in the order of their hundredths.
    pub waiting: Vec<Start>,
    /// The first of them by name, or of those that can't be begun with, and why.
    pub first_failure: Option<Named>,
    /// The first that have not what the policy wants in the end, by name, and why.
    pub not_compliant: BTreeMap<String, String>,
    /// Issuers that this process has not looked at since they changed.
    pub unchecked: u32,
    /// The first issuer, by name, that can't be used or does not serve the policy, and why.
    pub not_serving: Option<Named>,
    /// Since when the roots of its authorities are published.
    pub roots: BTreeSet<PublishedRoot>,
    /// The way forth of each namespace.
    pub namespaces: BTreeMap<String, Census>,
    /// How many of each namespace were issued by whom the policy chose, since it became what it is.
    pub issued: BTreeMap<String, u32>,
}

/// A name and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Who.
    pub name: String,
    /// What is said.
    pub words: String,
}

/// An object to begin with.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its Certificate as it was looked at.
    pub certificate: Arc<Certificate>,
    /// The authorities that shall sign, by their names.
    pub by: Vec<String>,
}

/// Where an object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forth,
    Back,
}

/// How far an object is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// It has what it should.
    Done,
    /// It is being issued.
    Moving,
    /// Its last try failed, by its authority.
    Failed(String),
    /// It can be begun with.
    Waiting,
    /// It can't, and no authority is to blame; why, where that is known.
    Blocked(Option<String>),
    /// It has no certificate yet: it is cert-manager's to begin with.
    New,
}

/// Looks at every object that a policy selects. `since` is when the policy became what it is: tries that began before
/// say nothing of it.
pub async fn survey(context: &Context, known: &Known, since: Timestamp, now: Timestamp) -> Survey {
    let mut survey = Survey::default();
    let objects = selected(context, known, &mut survey).await;
    // An issuer is judged once, however many objects it has.
    let mut standings: BTreeMap<String, Standing> = BTreeMap::new();
    for (_, issuer) in &objects {
        let standing = || context.standing(issuer);
        standings.entry(issuer.to_string()).or_insert_with(standing);
    }
    let rulings: HashMap<&str, Ruling<'_, '_>> = standings
        .iter()
        .filter_map(|(name, standing)| match standing {
            Standing::Ready(serving) => {
                let trusts = |offer: &_| context.trusts(serving, offer, now);
                Some((name.as_str(), Ruling::of(known, serving, trusts)))
            }
            _ => None,
        })
        .collect();
    survey.judge_issuers(&standings, &rulings);
    survey.roots = rulings.values().flat_map(|ruling| ruling.roots(context)).collect();
    let mut waiting = Vec::new();
    for (number, (certificate, issuer)) in objects.iter().enumerate() {
        if number % AT_A_TIME == AT_A_TIME - 1 {
            tokio::task::yield_now().await;
        }
        let ruling = rulings.get(issuer.to_string().as_str());
        let at = At { context, known, ruling, since, now };
        waiting.extend(survey.look(&at, certificate));
    }
    survey.forth = survey.namespaces.values().copied().fold(Census::default(), Census::and);
    let issued = |namespace| survey.issued.get(namespace).copied().unwrap_or_default();
    let namespaces = survey.namespaces.iter();
    let namespaces: Vec<(Census, u32)> =
        namespaces.map(|(namespace, census)| (*census, issued(namespace))).collect();
    survey.judged = Census::judged(&namespaces);
    waiting.sort_by(|(one, _), (other, _)| one.cmp(other));
    survey.waiting = waiting.into_iter().map(|(_, start)| start).collect();
    survey
}

/// The Certificates of our issuers that a policy decides for. Those that it selects and another one decides for are
/// counted.
async fn selected(
    context: &Context,
    known: &Known,
    survey: &mut Survey,
) -> Vec<(Arc<Certificate>, IssuerRef)> {
    let policies = context.policies();
    let mut namespaces: HashMap<String, Option<Labels>> = HashMap::new();
    let mut selected = Vec::new();
    for (number, certificate) in context.certificates.state().into_iter().enumerate() {
        if number % AT_A_TIME == AT_A_TIME - 1 {
            tokio::task::yield_now().await;
        }
        if certificate.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let (Some(issuer), Some(namespace)) = (certificate.issuer(), certificate.namespace())
        else {
            continue;
        };
        let labels = namespaces.entry(namespace).or_insert_with_key(|namespace| {
            let labels = || context.labels_of(namespace);
            if context.is_excluded(namespace) { None } else { labels() }
        });
        let Some(of_namespace) = labels else { continue };
        if !known.selects(of_namespace, certificate.labels()) {
            continue;
        }
        match decides(&policies, known, (of_namespace, certificate.labels())) {
            None => selected.push((certificate, issuer)),
            Some(other) => *survey.overruled.entry(other).or_default() += 1,
        }
    }
    selected
}

/// The name of the policy that decides instead of this one, if another does.
fn decides(
    policies: &Policies,
    known: &Known,
    (namespace, object): (&Labels, &Labels),
) -> Option<String> {
    if known.is_audit() {
        return None;
    }
    let governing = policies.governing(namespace, object)?;
    (governing.seniority != known.seniority).then(|| governing.name().to_owned())
}

/// A place in line: hundredth and name.
type Place = (u8, String);

/// With what an object is looked at.
struct At<'s, 'k, 'a> {
    context: &'s Context,
    known: &'k Known,
    /// None where the issuer can't be used.
    ruling: Option<&'s Ruling<'k, 'a>>,
    since: Timestamp,
    now: Timestamp,
}

impl Survey {
    fn judge_issuers(
        &mut self,
        standings: &BTreeMap<String, Standing>,
        rulings: &HashMap<&str, Ruling<'_, '_>>,
    ) {
        for (name, standing) in standings {
            let words = match standing {
                Standing::Unchecked => {
                    self.unchecked += 1;
                    continue;
                }
                Standing::NotReady(words) => Some(words.clone()),
                Standing::Ready(_) => {
                    let service = rulings.get(name.as_str()).and_then(|one| one.service.as_ref());
                    let refusal = service.and_then(|service| service.forth.as_ref().err());
                    refusal.map(|refusal| format!("{name}: {refusal}"))
                }
            };
            if let (None, Some(words)) = (&self.not_serving, words) {
                self.not_serving = Some(Named { name: name.clone(), words });
            }
        }
    }

    /// Looks at one object. Gives it with its place in line, if it waits.
    fn look(
        &mut self,
        at: &At<'_, '_, '_>,
        certificate: &Arc<Certificate>,
    ) -> Option<(Place, Start)> {
        self.in_scope += 1;
        let namespace = certificate.namespace().unwrap_or_default();
        let name = certificate.name_any();
        let full_name = format!("{namespace}/{name}");
        let held = at.context.inventory.held(certificate);
        let labels = certificate.labels();
        let wanting =
            Wanting { namespace: &namespace, name: Some(&name), labels, held: held.clone() };
        let verdict = at.ruling.map(|ruling| ruling.verdict(&wanting, at.now));
        self.count(&full_name, &at.known.rules, held.as_deref(), verdict.as_ref());
        let Some(verdict) = verdict else {
            // Its issuer can't be used: nobody knows what it should have.
            if held.is_some() {
                self.census(Way::Forth, &namespace).blocked += 1;
            }
            return None;
        };
        let way = way(&verdict)?;
        let last = at.context.inventory.last(certificate);
        let is_proof = |last: &Try| last.end == End::Issued && last.began >= at.since;
        if verdict.has_it && way == Way::Forth && last.as_ref().is_some_and(is_proof) {
            *self.issued.entry(namespace.clone()).or_default() += 1;
        }
        if let Some(last) = last.as_ref().filter(|last| is_failing(certificate, last, at.since)) {
            self.failing += 1;
            self.hindered(&full_name, &last.words);
        }
        let tries = Tries {
            inventory: &at.context.inventory,
            failing_since: last
                .as_ref()
                .and_then(|last| at.context.histories.of(&last.uid).failing_since),
            last,
            since: at.since,
            now: at.now,
        };
        let stage = stage(&tries, certificate, held.is_some(), &verdict, way);
        let waits = stage == Stage::Waiting;
        self.tally(way, stage, &namespace, &full_name);
        waits.then(|| {
            // Those of the way back come before all hundredths.
            let place = if way == Way::Back { 0 } else { 1 + bucket(&namespace, &name) };
            let by = verdict.by().into_iter().map(ToOwned::to_owned).collect();
            ((place, full_name), Start { certificate: Arc::clone(certificate), by })
        })
    }

    fn census(&mut self, way: Way, namespace: &str) -> &mut Census {
        match way {
            Way::Forth => self.namespaces.entry(namespace.to_owned()).or_default(),
            Way::Back => &mut self.back,
        }
    }

    fn tally(&mut self, way: Way, stage: Stage, namespace: &str, name: &str) {
        let census = self.census(way, namespace);
        match stage {
            Stage::New => {}
            Stage::Done => census.done += 1,
            Stage::Moving => census.moving += 1,
            Stage::Waiting => census.waiting += 1,
            Stage::Blocked(words) => {
                census.blocked += 1;
                if let Some(words) = words {
                    self.hindered(name, &words);
                }
            }
            Stage::Failed(words) => {
                census.failed += 1;
                self.hindered(name, &words);
            }
        }
    }

    fn hindered(&mut self, name: &str, words: &str) {
        if self.first_failure.as_ref().is_none_or(|first| name < first.name.as_str()) {
            self.first_failure = Some(Named { name: name.to_owned(), words: words.to_owned() });
        }
    }

    /// Counts what an object has, and whether that is what the policy wants in the end.
    fn count(
        &mut self,
        name: &str,
        rules: &Read,
        held: Option<&Held>,
        verdict: Option<&Verdict<'_>>,
    ) {
        let holding = held.and_then(|held| held.holding.as_ref());
        if let Some(holding) = holding {
            let key = (holding.mode(), holding.to_string());
            *self.holdings.entry(key).or_default() += 1;
        }
        let decision = verdict.and_then(|verdict| verdict.decision);
        if let Some(decision) = decision {
            *self.decisions.entry(decision).or_default() += 1;
        }
        let refusal = match (holding, rules) {
            (None, _) => Some("it has no certificate that is known".to_owned()),
            (Some(holding), Ok(rules)) => rules.admit(holding).err().map(|why| why.to_string()),
            (Some(_), Err(_)) => Some("the policy can't be read".to_owned()),
        };
        let Some(refusal) = refusal else {
            self.adopted += 1;
            return;
        };
        let words = match (verdict.map(|verdict| &verdict.choice), decision) {
            (None, _) => "its issuer can't be used".to_owned(),
            (Some(Choice::Refuse(refusal)), _) => refusal.to_string(),
            (Some(_), None | Some(Decision::Moved | Decision::Audited)) => refusal,
            (Some(_), Some(decision)) => decision.to_string(),
        };
        self.not_compliant.insert(name.to_owned(), words);
        if self.not_compliant.len() > NAMED {
            self.not_compliant.pop_last();
        }
    }

    /// How many objects have not what the policy wants in the end.
    #[must_use]
    pub fn not_adopted(&self) -> u32 {
        self.in_scope - self.adopted
    }

    /// What is counted for metrics.
    #[must_use]
    pub fn counts(&self) -> PolicyCounts {
        let Self { forth, back, .. } = self;
        PolicyCounts {
            adopted: self.adopted,
            not_adopted: self.not_adopted(),
            moving: forth.moving + forth.waiting + back.moving + back.waiting,
            failed: self.failing,
        }
    }

    /// How many objects there are of these decisions.
    #[must_use]
    pub fn decided(&self, decisions: &[Decision]) -> u32 {
        decisions.iter().filter_map(|decision| self.decisions.get(decision)).sum()
    }

    /// Percent of the objects that have what the policy wants in the end, rounded down: 100 means all.
    #[must_use]
    pub fn adopted_percent(&self) -> u8 {
        let percent = (u64::from(self.adopted) * 100).checked_div(u64::from(self.in_scope));
        percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(0)
    }
}

/// Where an object goes; none where it stays.
fn way(verdict: &Verdict<'_>) -> Option<Way> {
    match (verdict.decision?, &verdict.choice) {
        (Decision::Moved, Choice::By(_)) => Some(Way::Forth),
        (Decision::Inactive | Decision::RolledBack, Choice::By(_)) => Some(Way::Back),
        _ => None,
    }
}

/// Whether the last try of an object failed since the policy became what it is, and nothing was issued since.
fn is_failing(certificate: &Certificate, last: &Try, since: Timestamp) -> bool {
    let has_failed = certificate.failed_at().is_some() || last.end == End::Failed;
    has_failed && last.began >= since && !matches!(last.end, End::Issued | End::OfItsOwn)
}

/// By what it is judged how far an object is.
struct Tries<'a> {
    inventory: &'a Inventory,
    /// The last try, and since when the server was asked in vain for it.
    last: Option<Try>,
    failing_since: Option<Timestamp>,
    /// Since when the policy is what it is.
    since: Timestamp,
    now: Timestamp,
}

impl Tries<'_> {
    /// How far an object is that is being issued.
    fn of_issuing(&self, way: Way, issuing_since: Timestamp) -> Stage {
        let (now, last) = (self.now, self.last.as_ref().filter(|last| last.end == End::Open));
        let over = |since: Timestamp, long| now.duration_since(since.max(self.since)) >= long;
        match (last, self.failing_since, way) {
            (Some(last), Some(failing), Way::Forth) if over(failing, PATIENCE) => {
                Stage::Failed(last.words.clone())
            }
            (last, None, _) if over(issuing_since, UNTRIED) => {
                let words = last.map_or("cert-manager made no request", |last| &last.words);
                let words = if words.is_empty() { "its request was not approved" } else { words };
                Stage::Blocked(Some(words.to_owned()))
            }
            _ => Stage::Moving,
        }
    }

    /// How far an object is that never had a certificate; none where it is not tried.
    fn of_new(&self, certificate: &Certificate, way: Way) -> Option<Stage> {
        match certificate.issuing_since() {
            Some(since) => Some(self.of_issuing(way, since)),
            None => self.of_failed(certificate, way, false),
        }
    }

    /// How far an object is whose last try failed a while ago; none where it may be tried again.
    fn of_failed(&self, certificate: &Certificate, way: Way, is_begun: bool) -> Option<Stage> {
        let failed = certificate.failed_at()?;
        let last = self.last.as_ref().filter(|last| last.began >= self.since);
        let rests = |base| self.now.duration_since(failed) < doubled(base, certificate.failures());
        match last.map(|last| (last.end, &last.words)) {
            Some((End::Failed, words)) if rests(again(way)) => Some(Stage::Failed(words.clone())),
            Some((End::OfItsOwn, words)) if rests(AGAIN_ITS_OWN) => {
                Some(Stage::Blocked(Some(words.clone())))
            }
            // cert-manager failed before it asked anybody.
            None if is_begun && rests(again(way)) => Some(Stage::Blocked(None)),
            _ => None,
        }
    }
}

/// A time, twice as long after each failure but the first.
fn doubled(base: SignedDuration, failures: u32) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    base.checked_mul(1 << doublings).map_or(LONGEST, |time| time.min(LONGEST))
}

fn again(way: Way) -> SignedDuration {
    match way {
        Way::Forth => AGAIN_FORTH,
        Way::Back => AGAIN_BACK,
    }
}

/// How far an object is. That it is being issued comes first: what it has then is what it had before.
fn stage(
    tries: &Tries<'_>,
    certificate: &Certificate,
    is_known: bool,
    verdict: &Verdict<'_>,
    way: Way,
) -> Stage {
    let (inventory, now) = (tries.inventory, tries.now);
    let Some(revision) = certificate.revision() else {
        return match tries.of_new(certificate, way) {
            Some(failed @ Stage::Failed(_)) => failed,
            _ => Stage::New,
        };
    };
    if let Some(since) = certificate.issuing_since() {
        return match tries.of_issuing(way, since) {
            // It is renewed, as every certificate is.
            Stage::Moving | Stage::Blocked(_) if verdict.has_it => Stage::Done,
            stage => stage,
        };
    }
    if verdict.has_it {
        return Stage::Done;
    }
    let begun = inventory.begun(certificate).filter(|begun| {
        let rests = now.duration_since(begun.at) < doubled(again(way), begun.times);
        rests && begun.at >= tries.since && verdict.by().iter().eq(begun.by.iter())
    });
    if let Some(stage) = tries.of_failed(certificate, way, begun.is_some()) {
        return stage;
    }
    if !is_known && inventory.may_be_late(certificate, revision, now) {
        return Stage::Moving;
    }
    match begun {
        Some(Begun { refused: Some(words), .. }) => Stage::Blocked(Some(words)),
        Some(begun) if revision > begun.revision => {
            Stage::Failed("it was issued anew, and not by whom the policy chose".to_owned())
        }
        _ => Stage::Waiting,
    }
}

#[cfg(test)]
mod tests;
