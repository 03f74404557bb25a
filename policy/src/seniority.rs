//! Which of two policies counts.

use jiff::Timestamp;

use crate::{Enforcement, Refusal, Rules};

/// What decides between two policies that select the same object: the one that is older, and of two of one
/// second the one whose name comes first. It is the order of the Gateway API: what works already goes on, whatever
/// is added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seniority {
    /// When it was made.
    pub created: Timestamp,
    /// Its name.
    pub name: String,
}

/// A policy as it was read.
pub type Read = Result<Rules, Refusal>;

/// The policy that decides for an object, of those that select it. An audit decides nothing and stands in nobody's
/// way. One that is not active decides, as it brings back. One that can't be read decides as well, that everybody stays
/// ([`stay`](crate::stay)): a slip of the pen must not hand its objects to another policy, or to none.
#[must_use]
pub fn governing<'a>(
    policies: impl IntoIterator<Item = (&'a Seniority, &'a Read)>,
) -> Option<(&'a Seniority, &'a Read)> {
    let is_audit =
        |read: &Read| read.as_ref().is_ok_and(|rules| rules.enforcement() == Enforcement::Audit);
    let acting = policies.into_iter().filter(|(_, read)| !is_audit(read));
    acting.min_by_key(|(seniority, _)| *seniority)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::Written;

    fn rules(enforcement: Enforcement, active: bool) -> Read {
        let algorithms = vec!["dilithium3".to_owned()];
        Rules::read(Written { algorithms, enforcement, active, ..Written::default() })
    }

    fn policy(created: &str, name: &str) -> Seniority {
        Seniority { created: created.parse().unwrap(), name: name.to_owned() }
    }

    #[test]
    fn the_older_counts_and_then_the_first_name() {
        let (monday, tuesday) = ("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
        let all = [policy(tuesday, "a"), policy(monday, "c"), policy(monday, "b")];
        let warn = rules(Enforcement::Warn, true);
        let first = |of: &[Seniority]| {
            let found = governing(of.iter().map(|one| (one, &warn)));
            found.map(|(seniority, _)| seniority.name.clone())
        };
        assert_eq!(first(&all).as_deref(), Some("b"));
        assert_eq!(first(&all[..2]).as_deref(), Some("c"));
        assert_eq!(first(&all[..1]).as_deref(), Some("a"));
        assert_eq!(first(&[]), None);
    }

    #[test]
    fn an_audit_stands_in_nobodys_way_and_all_others_decide() {
        let [older, younger] =
            ["2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"].map(|at| policy(at, at));
        let enforced = rules(Enforcement::Enforce, true);
        for (first, wanted) in [
            (rules(Enforcement::Audit, true), &younger),
            (rules(Enforcement::Warn, true), &older),
            (rules(Enforcement::Warn, false), &older),
            (Rules::read(Written::default()), &older),
        ] {
            let found = governing([(&older, &first), (&younger, &enforced)]).unwrap();
            assert_eq!(found.0, wanted);
        }
    }
}
