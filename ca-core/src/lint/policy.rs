//! Lints of certificate policies.

use const_oid::ObjectIdentifier;

use super::extension::repeated;
use super::{Check, Lint, Subject};
use crate::extensions::oid;

const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");
const CPS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.1");
const USER_NOTICE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.2");

pub(super) static LINTS: &[Lint] = &[
    Lint::error(
        "policies_once",
        "RFC 5280 section 4.2.1.4",
        "No policy stands twice.",
        Check::Certificate(|subject| {
            let all = &subject.extensions().certificate_policies()?.0;
            let twice = repeated(all.iter().map(|one| one.policy_identifier))?;
            Some(format!("certificatePolicies: found {twice} twice, allowed is each policy once"))
        }),
    ),
    Lint::warning(
        "policy_qualifiers_known",
        "RFC 5280 section 4.2.1.4",
        "Policies are qualified by a CPS pointer or a user notice, if at all.",
        Check::Certificate(|subject| {
            let all = &subject.extensions().certificate_policies()?.0;
            let qualifiers =
                all.iter().flat_map(|policy| policy.policy_qualifiers.iter().flatten());
            let mut identifiers = qualifiers.map(|one| one.policy_qualifier_id);
            let other = identifiers.find(|found| *found != CPS && *found != USER_NOTICE)?;
            Some(format!(
                "certificatePolicies: found qualifier {other}, better are CPS pointers and user notices"
            ))
        }),
    ),
    Lint::error(
        "any_policy_not_mapped",
        "RFC 5280 section 4.2.1.5",
        "policyMappings map no policy to or from anyPolicy.",
        Check::Certificate(|subject| {
            let all = &subject.extensions().policy_mappings()?.0;
            let any = all.iter().any(|one| {
                one.issuer_domain_policy == ANY_POLICY || one.subject_domain_policy == ANY_POLICY
            });
            any.then(|| "policyMappings: found anyPolicy, allowed are other policies".into())
        }),
    ),
    Lint::warning(
        "policy_mappings_critical",
        "RFC 5280 section 4.2.1.5",
        "policyMappings are critical.",
        Check::Certificate(|subject| {
            subject.extensions().policy_mappings()?;
            (!subject.extensions().is_critical(oid::POLICY_MAPPINGS))
                .then(|| "policyMappings: found not critical, better is critical".into())
        }),
    ),
    Lint::warning(
        "any_policy_not_in_leaves",
        "RFC 5280 section 4.2.1.4",
        "An end entity's certificate names the policies that it was issued under.",
        Check::Certificate(any_policy_in_leaf),
    ),
];

fn any_policy_in_leaf(subject: &Subject<'_>) -> Option<String> {
    let all = &subject.extensions().certificate_policies().filter(|_| !subject.is_authority())?.0;
    all.iter()
        .any(|one| one.policy_identifier == ANY_POLICY)
        .then(|| "certificatePolicies: found anyPolicy, better are single policies".into())
}
