//! Certificate policies (RFC 5280 section 6.1, as RFC 9618 rewrites it).
//!
//! The initial inputs are those of RFC 5280 for a verifier that asks for no policy: any policy is
//! acceptable, none is required until a certificate requires one. Then all that counts in the end
//! is whether the last level of the policy graph is empty, so only that level is kept: no tree
//! that grows by powers (CVE-2023-0464).

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier;

use super::outcome::{Fault, Reason};
use crate::certificate::Certificate;
use crate::extensions::oid;

const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");
/// The two qualifiers of RFC 5280 section 4.2.1.4: a CPS pointer and a user notice.
const KNOWN_QUALIFIERS: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.2"),
];

/// Policies of one level: each valid policy with those that may follow it.
type Level = BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>;

/// The state of policy processing between two certificates.
pub(super) struct Policies {
    level: Level,
    explicit_policy: usize,
    policy_mapping: usize,
    inhibit_any: usize,
}

impl Policies {
    /// The state below the trust anchor of a path with `length` certificates besides it.
    pub(super) fn new(length: usize) -> Self {
        Self {
            level: Level::from([(ANY_POLICY, BTreeSet::from([ANY_POLICY]))]),
            explicit_policy: length + 1,
            policy_mapping: length + 1,
            inhibit_any: length + 1,
        }
    }

    /// Steps (d) to (f) of section 6.1.3, for every certificate.
    pub(super) fn enter(
        &mut self,
        certificate: &Certificate,
        is_last: bool,
        self_issued: bool,
    ) -> Result<(), Fault> {
        self.level = match certificate.extensions().certificate_policies() {
            Some(policies) => {
                let named = named_policies(certificate)?;
                let any_counts = self.inhibit_any > 0 || (!is_last && self_issued);
                let any = policies.0.iter().any(|one| one.policy_identifier == ANY_POLICY);
                self.next_level(&named, any && any_counts)
            }
            None => Level::new(),
        };
        self.require(self.explicit_policy > 0)
    }

    fn next_level(&self, named: &BTreeSet<ObjectIdentifier>, any: bool) -> Level {
        let expected: BTreeSet<_> = self.level.values().flatten().copied().collect();
        let any_above = self.level.contains_key(&ANY_POLICY);
        let follow = named.iter().filter(|policy| any_above || expected.contains(*policy));
        let mut level: Level = follow.map(|policy| (*policy, BTreeSet::from([*policy]))).collect();
        if any {
            for policy in expected {
                level.entry(policy).or_insert_with(|| BTreeSet::from([policy]));
            }
        }
        level
    }

    fn require(&self, satisfied: bool) -> Result<(), Fault> {
        if satisfied || !self.level.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            Reason::CertificatePolicy,
            "certificatePolicies",
            "no policy that the whole path shares",
            "at least one, since an issuer requires an explicit policy",
        ))
    }

    /// Steps (a), (b) and (h) to (j) of section 6.1.4, for every certificate but the last.
    pub(super) fn leave(
        &mut self,
        certificate: &Certificate,
        self_issued: bool,
    ) -> Result<(), Fault> {
        let extensions = certificate.extensions();
        if let Some(mappings) = extensions.policy_mappings() {
            let mut targets: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for mapping in &mappings.0 {
                let (from, to) = (mapping.issuer_domain_policy, mapping.subject_domain_policy);
                if from == ANY_POLICY || to == ANY_POLICY {
                    let allowed = "mappings between named policies";
                    return Err(Fault::new(
                        Reason::CertificatePolicy,
                        "policyMappings",
                        "anyPolicy",
                        allowed,
                    ));
                }
                targets.entry(from).or_default().insert(to);
            }
            self.map(targets);
        }
        if !self_issued {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            self.policy_mapping = self.policy_mapping.saturating_sub(1);
            self.inhibit_any = self.inhibit_any.saturating_sub(1);
        }
        let lower = |state: &mut usize, value: Option<u32>| {
            if let Some(value) = value {
                *state = (*state).min(usize::try_from(value).unwrap_or(usize::MAX));
            }
        };
        let constraints = extensions.policy_constraints();
        lower(&mut self.explicit_policy, constraints.and_then(|one| one.require_explicit_policy));
        lower(&mut self.policy_mapping, constraints.and_then(|one| one.inhibit_policy_mapping));
        lower(&mut self.inhibit_any, extensions.inhibit_any_policy().map(|one| one.0));
        Ok(())
    }

    fn map(&mut self, targets: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>) {
        let any_here = self.level.contains_key(&ANY_POLICY);
        for (from, to) in targets {
            if self.policy_mapping == 0 {
                self.level.remove(&from);
            } else if let Some(expected) = self.level.get_mut(&from) {
                *expected = to;
            } else if any_here {
                self.level.insert(from, to);
            }
        }
    }

    /// Section 6.1.5, after the last certificate.
    pub(super) fn finish(mut self, certificate: &Certificate) -> Result<String, Fault> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        let constraints = certificate.extensions().policy_constraints();
        if constraints.and_then(|one| one.require_explicit_policy) == Some(0) {
            self.explicit_policy = 0;
        }
        self.require(self.explicit_policy > 0)?;
        Ok(if self.explicit_policy == 0 { "required, and shared" } else { "none required" }.into())
    }
}

/// The policies but anyPolicy; none twice, and no qualifier that a critical extension would make
/// us understand.
fn named_policies(certificate: &Certificate) -> Result<BTreeSet<ObjectIdentifier>, Fault> {
    let extensions = certificate.extensions();
    let refuse = |found: String, allowed: &str| {
        Err(Fault::new(Reason::CertificatePolicy, "certificatePolicies", found, allowed))
    };
    let mut all = BTreeSet::new();
    let policies = extensions.certificate_policies().map(|policies| policies.0.as_slice());
    for policy in policies.unwrap_or_default() {
        if !all.insert(policy.policy_identifier) {
            return refuse(format!("{} twice", policy.policy_identifier), "each policy once");
        }
        let unknown = policy
            .policy_qualifiers
            .iter()
            .flatten()
            .find(|one| !KNOWN_QUALIFIERS.contains(&one.policy_qualifier_id));
        if let Some(unknown) = unknown.filter(|_| extensions.is_critical(oid::CERTIFICATE_POLICIES))
        {
            let found = format!("qualifier {}", unknown.policy_qualifier_id);
            return refuse(
                found,
                "a CPS pointer or a user notice, since the extension is critical",
            );
        }
    }
    if all.is_empty() {
        return refuse("an empty list".into(), "at least one policy");
    }
    all.remove(&ANY_POLICY);
    Ok(all)
}
