//! What is done for a policy, decided without asking anybody.

use std::time::Duration;

use jiff::Timestamp;
use policy::{Census, Decision, Enforcement, Mode, Pace, Refusal, Rules, Step};

use super::survey::{Start, Survey};
use crate::condition::{Condition, FALSE, TRUE, find, whole};
use crate::kinds::{LastRollback, ModeCount, NotCompliant, Overruling, PolicyStatus, Why};
use crate::plan::Notice;

/// The condition that says whether a policy can be read and its issuers serve it.
pub const READY: &str = "Ready";
/// The condition that says whether objects move, or wait to.
pub const PROGRESSING: &str = "Progressing";
/// The condition that says whether some failed, or can't follow.
pub const DEGRADED: &str = "Degraded";
/// The condition that says whether the policy went back.
pub const ROLLED_BACK: &str = "RolledBack";

/// Roots that are told in a status.
const MOST_ROOTS: usize = 16;
/// How often a policy is looked at whose objects move.
const WHILE_MOVING: Duration = Duration::from_secs(1);
/// How often one is looked at whose objects rest: trust grows, deadlines pass.
const AT_REST: Duration = Duration::from_secs(15);

/// How fast policies move their objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// How many at once, and how many may fail.
    pub pace: Pace,
    /// How many are begun with in a second.
    pub a_second: u32,
}

impl Speed {
    /// The same where a look comes only once in this time, if that is more than a second.
    #[must_use]
    pub fn over(self, time: Duration) -> Self {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1);
        Self { a_second: self.a_second.saturating_mul(seconds), ..self }
    }
}

/// What shall be done for a policy.
#[derive(Clone, Debug)]
pub struct PolicyPlan {
    /// Its status; none where it says so already.
    pub status: Option<PolicyStatus>,
    /// The objects whose certificate is issued anew.
    pub start: Vec<Start>,
    /// What people are told.
    pub notices: Vec<Notice>,
    /// When it is looked at again.
    pub again: Duration,
}

/// Whether a policy of this generation went back by itself.
#[must_use]
pub fn is_rolled_back(status: &PolicyStatus, generation: i64) -> bool {
    status.last_rollback.as_ref().is_some_and(|last| last.generation == generation)
}

/// When a policy of this generation became what it is.
#[must_use]
pub fn since(status: &PolicyStatus, generation: i64, now: Timestamp) -> Timestamp {
    let known = status.since.filter(|_| status.observed_generation == Some(generation));
    known.unwrap_or(whole(now))
}

/// The plan for a policy that can't be read: whoever it selects stays.
#[must_use]
pub fn unreadable(
    before: &PolicyStatus,
    generation: i64,
    refusal: &Refusal,
    now: Timestamp,
) -> PolicyPlan {
    let words = refusal.to_string();
    let ready = Condition::after(&before.conditions, (READY, FALSE), "Invalid", &words, now);
    let status = PolicyStatus {
        conditions: vec![ready.of_generation(generation)],
        observed_generation: Some(generation),
        last_rollback: before.last_rollback.clone(),
        roots: before.roots.clone(),
        next: Some("nothing: it can't be read, and whoever it selects stays".to_owned()),
        ..PolicyStatus::default()
    };
    planned(before, status, Vec::new(), AT_REST)
}

/// The plan for a policy whose objects are as they are. `waits_for` says why nothing can be published, if so.
#[must_use]
pub fn plan(
    before: &PolicyStatus,
    (generation, rules): (i64, &Rules),
    survey: &Survey,
    speed: Speed,
    waits_for: Option<&str>,
    now: Timestamp,
) -> PolicyPlan {
    let went_back = is_rolled_back(before, generation);
    let forth = speed.pace.step(survey.judged);
    let goes_back = forth == Step::GoBack && !went_back;
    let (mut last_rollback, mut since) =
        (before.last_rollback.clone(), since(before, generation, now));
    if goes_back {
        let why = why_it_goes_back(survey);
        last_rollback = Some(LastRollback { time: whole(now), generation, why });
        since = whole(now);
    }
    let start = starts(survey, forth, speed);
    let look = Look {
        before,
        survey,
        rules,
        moves: survey.forth.moving + survey.back.moving > 0 || !start.is_empty(),
        rolled_back: went_back || goes_back,
        waits_for,
        now,
    };
    let conditions = [look.ready(), look.progressing(), look.degraded(), look.rolled_back()];
    let status = PolicyStatus {
        conditions: conditions.into_iter().map(|one| one.of_generation(generation)).collect(),
        observed_generation: Some(generation),
        mode: Some(rules.mode()),
        algorithms: rules.algorithms().names().into_iter().map(ToOwned::to_owned).collect(),
        in_scope: Some(survey.in_scope),
        adopted_percent: Some(survey.adopted_percent()),
        modes: modes(survey),
        overruled_by: overruled(survey),
        not_compliant: (survey.not_adopted() > 0).then(|| not_compliant(survey)),
        roots: survey.roots.iter().take(MOST_ROOTS).cloned().collect(),
        next: Some(look.next()),
        since: Some(since),
        last_rollback,
    };
    let again =
        if look.moves || goes_back || survey.unchecked > 0 { WHILE_MOVING } else { AT_REST };
    let planned = planned(before, status, start, again);
    // Some issuer was not looked at yet, as after a start: what was said before is nearer to the truth.
    if survey.unchecked > 0 && before.observed_generation == Some(generation) && !goes_back {
        return PolicyPlan { status: None, notices: Vec::new(), ..planned };
    }
    planned
}

fn why_it_goes_back(survey: &Survey) -> String {
    let counts = format!("{} of {} failed", survey.forth.failed, survey.forth.all());
    match &survey.first_failure {
        Some(first) => format!("{counts}, the first {}: {}", first.name, first.words),
        None => counts,
    }
}

/// Those of the way back stand first.
fn starts(survey: &Survey, forth: Step, speed: Speed) -> Vec<Start> {
    let count = |step| if let Step::Start(count) = step { count } else { 0 };
    let count = count(survey.back.step_back()).saturating_add(count(forth)).min(speed.a_second);
    survey.waiting.iter().take(count as usize).cloned().collect()
}

fn modes(survey: &Survey) -> Vec<ModeCount> {
    let count = |((mode, algorithm), count): (&(Mode, String), &u32)| ModeCount {
        mode: *mode,
        algorithm: algorithm.clone(),
        certificates: *count,
    };
    survey.holdings.iter().map(count).collect()
}

fn overruled(survey: &Survey) -> Vec<Overruling> {
    let overruling = |(policy, count): (&String, &u32)| Overruling {
        policy: policy.clone(),
        certificates: *count,
    };
    survey.overruled.iter().map(overruling).collect()
}

fn not_compliant(survey: &Survey) -> NotCompliant {
    let why = |(certificate, why): (&String, &String)| Why {
        certificate: certificate.clone(),
        why: why.clone(),
    };
    NotCompliant {
        certificates: survey.not_adopted(),
        first: survey.not_compliant.iter().map(why).collect(),
    }
}

/// What was seen, as conditions say it.
struct Look<'a> {
    before: &'a PolicyStatus,
    survey: &'a Survey,
    rules: &'a Rules,
    moves: bool,
    rolled_back: bool,
    waits_for: Option<&'a str>,
    now: Timestamp,
}

impl Look<'_> {
    fn condition(&self, kind: &str, holds: bool, reason: &str, words: &str) -> Condition {
        let status = if holds { TRUE } else { FALSE };
        Condition::after(&self.before.conditions, (kind, status), reason, words, self.now)
    }

    fn brings_back(&self) -> bool {
        self.rolled_back || !self.rules.is_active()
    }

    fn ready(&self) -> Condition {
        let Survey { in_scope, overruled, not_serving, unchecked, .. } = self.survey;
        let others: Vec<&str> = overruled.keys().map(String::as_str).collect();
        match not_serving {
            _ if *unchecked > 0 => {
                let words = format!("{unchecked} issuers were not checked yet");
                self.condition(READY, false, "Checking", &words)
            }
            Some(one) => self.condition(READY, false, "NotServed", &one.words),
            None if *in_scope == 0 && !others.is_empty() => {
                let words = format!("older policies decide: {}", others.join(", "));
                self.condition(READY, false, "Overruled", &words)
            }
            None if self.rules.enforcement() == Enforcement::Audit => {
                let words = format!("it counts {in_scope} certificates and changes nothing");
                self.condition(READY, true, "Audits", &words)
            }
            None => {
                let words = format!("it decides for {in_scope} certificates");
                self.condition(READY, true, "Served", &words)
            }
        }
    }

    fn progressing(&self) -> Condition {
        let awaiting = self.survey.decided(&[Decision::AwaitsTrust]);
        let (holds, reason) = match (self.moves, self.brings_back()) {
            (true, true) => (true, "MovingBack"),
            (true, false) => (true, "Moving"),
            (false, _) if awaiting > 0 => (true, "AwaitsTrust"),
            (false, true) if self.not_back() > 0 => (false, "NotAllBack"),
            (false, true) => (false, "BroughtBack"),
            (false, false) if self.survey.not_adopted() == 0 => (false, "Complete"),
            (false, false) => (false, "AtRest"),
        };
        self.condition(PROGRESSING, holds, reason, &self.next())
    }

    /// Those that should be back, are not, and don't move.
    fn not_back(&self) -> u32 {
        let stuck = self.survey.decided(&[Decision::CannotGoBack, Decision::Stopped]);
        let Census { failed, blocked, .. } = self.survey.back;
        stuck.saturating_add(failed).saturating_add(blocked)
    }

    fn degraded(&self) -> Condition {
        let Survey { failing, first_failure, .. } = self.survey;
        let stuck = self.survey.decided(&[Decision::CannotGoBack, Decision::Stopped]);
        match first_failure {
            Some(first) if *failing > 0 => {
                let words = format!("{failing} failed, the first {}: {}", first.name, first.words);
                self.condition(DEGRADED, true, "Failed", &words)
            }
            _ if stuck > 0 => {
                let words = format!("{stuck} should go back and can't");
                self.condition(DEGRADED, true, "CannotGoBack", &words)
            }
            Some(first) => {
                let words = format!("{}: {}", first.name, first.words);
                self.condition(DEGRADED, true, "Hindered", &words)
            }
            None => self.condition(DEGRADED, false, "NoneFailed", "none failed"),
        }
    }

    fn rolled_back(&self) -> Condition {
        let back = &self.survey.back;
        let words = format!(
            "{} are back, {} on the way, {} can't",
            back.done,
            back.moving + back.waiting,
            self.not_back(),
        );
        match (self.rolled_back, self.rules.is_active()) {
            (true, _) => self.condition(ROLLED_BACK, true, "TooManyFailed", &words),
            (false, false) => self.condition(ROLLED_BACK, true, "Inactive", &words),
            (false, true) => self.condition(ROLLED_BACK, false, "Active", "it is active"),
        }
    }

    fn next(&self) -> String {
        let Survey { forth, back, not_compliant, in_scope, .. } = self.survey;
        let awaiting = self.survey.decided(&[Decision::AwaitsTrust]);
        match (self.moves, self.brings_back()) {
            _ if *in_scope == 0 => "nothing: it decides for no certificate".to_owned(),
            _ if self.rules.enforcement() == Enforcement::Audit => {
                let others = self.survey.not_adopted();
                format!("nothing, as it is an audit: {others} would have to change")
            }
            (true, true) => format!("{} are brought back", back.moving + back.waiting),
            (true, false) => format!("{} are moved", forth.moving + forth.waiting),
            (false, false) if awaiting > 0 => match self.waits_for {
                Some(why) => format!("{awaiting} wait: {why}"),
                None => format!("{awaiting} wait: {}", Decision::AwaitsTrust),
            },
            (false, true) if self.not_back() > 0 => {
                format!("{} can't go back, or not yet", self.not_back())
            }
            (false, true) => "nothing: everything is back".to_owned(),
            (false, false) => match not_compliant.first_key_value() {
                None => "nothing: all have it".to_owned(),
                Some((name, why)) => format!("nothing until something changes: {name}: {why}"),
            },
        }
    }
}

fn planned(
    before: &PolicyStatus,
    after: PolicyStatus,
    start: Vec<Start>,
    again: Duration,
) -> PolicyPlan {
    let is_new = |kind: &str| {
        let of = |status: &PolicyStatus| {
            find(&status.conditions, kind).map(|one| (one.status.clone(), one.reason.clone()))
        };
        of(before) != of(&after)
    };
    let mut notices = Vec::new();
    for condition in after.conditions.iter().filter(|condition| is_new(&condition.kind)) {
        let Condition { reason, message, .. } = condition;
        notices.extend(match (condition.kind.as_str(), condition.holds()) {
            (READY, false) if reason != "Checking" => Some(Notice::warning("NotReady", message)),
            (PROGRESSING, true) => Some(Notice::normal("Progressing", message)),
            (PROGRESSING, false) if reason == "Complete" => {
                Some(Notice::normal("Complete", message))
            }
            (DEGRADED, true) => Some(Notice::warning("Degraded", message)),
            (ROLLED_BACK, true) if reason == "TooManyFailed" => {
                let why = after.last_rollback.as_ref().map_or("", |last| last.why.as_str());
                Some(Notice::warning("RolledBack", why))
            }
            (ROLLED_BACK, true) => Some(Notice::normal("RolledBack", message)),
            _ => None,
        });
    }
    PolicyPlan { status: (after != *before).then_some(after), start, notices, again }
}

#[cfg(test)]
mod tests;
