//! Revocation as a part of a path.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::crl::{
    CertificateList, CrlBuilder, EntrySerial, RevocationReason, RevokedEntry, Scope, Subjects,
};
use crate::path::{Check, Extent, RevocationDemands};
use crate::plan::Request;
use crate::plan::tests::{Authority, issue, name, now, profile, server};
use crate::revocation::{RevocationAnswer, RevocationSources};

/// A root, an issuing CA and a leaf.
struct World {
    root: Authority,
    issuing: Authority,
    leaf: Certificate,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("p256");
        let issuing = Authority::below(&root, "ml-dsa-44");
        let leaf = issue(profile("tls-server"), server("p256"), &issuing);
        Self { root, issuing, leaf }
    }

    fn demands(lists: Vec<CertificateList>) -> RevocationDemands {
        let sources = Arc::new(RevocationSources::new(lists, Vec::new()));
        RevocationDemands { sources, extent: Extent::Chain, allow_unknown: false }
    }

    fn verify(&self, demands: RevocationDemands) -> Outcome {
        let options = Options { revocation: Some(demands), ..Options::at(now()) };
        let (issuing, root) = (&self.issuing.certificate, &self.root.certificate);
        verify_path(&self.leaf, std::slice::from_ref(issuing), std::slice::from_ref(root), &options)
    }

    /// The lists of both, of which each revokes these.
    fn lists(&self, by_root: &[&Certificate], by_issuing: &[&Certificate]) -> Vec<CertificateList> {
        vec![list(&self.root, by_root), list(&self.issuing, by_issuing)]
    }
}

fn builder(authority: &Authority, made: Timestamp) -> CrlBuilder<'_> {
    let due = made + SignedDuration::from_hours(24);
    CrlBuilder::new(&authority.certificate, 7.into(), made, due).unwrap()
}

fn signed(builder: &CrlBuilder<'_>, by: &Authority, revoked: &[&Certificate]) -> CertificateList {
    let entries = revoked.iter().map(|certificate| RevokedEntry {
        reason: RevocationReason::KeyCompromise,
        ..RevokedEntry::new(EntrySerial::of(certificate).unwrap(), now())
    });
    let mut der = Vec::new();
    builder.sign(entries, &by.signer, &mut der).unwrap();
    CertificateList::from_der(der).unwrap()
}

fn list(authority: &Authority, revoked: &[&Certificate]) -> CertificateList {
    signed(&builder(authority, now()), authority, revoked)
}

/// What was found of each certificate, from the anchor on.
fn answers(outcome: &Outcome) -> Vec<(Verdict, RevocationAnswer)> {
    let steps = outcome.steps.iter().filter(|step| step.check == Check::Revocation);
    steps.map(|step| (step.verdict, step.revocation.as_ref().unwrap().answer.clone())).collect()
}

#[test]
fn a_chain_with_current_lists_is_good_and_says_from_which() {
    let world = World::new();
    let outcome = world.verify(World::demands(world.lists(&[], &[])));
    assert_valid(&outcome);
    let good = (Verdict::Ok, RevocationAnswer::Good);
    assert_eq!(answers(&outcome), [good.clone(), good]);
    assert!(
        outcome.to_string().contains("ok   revocation            good, by CRL 7 ("),
        "{outcome}"
    );
    let json = serde_json::to_value(&outcome).unwrap();
    let last = json["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["check"], "revocation");
    let found = (&last["revocation"]["status"], &last["revocation"]["sources"][0]["number"]);
    assert_eq!(found, (&"good".into(), &"7".into()));
    // Where nobody asks, nothing is said.
    let options = Options::at(now());
    let pool = [world.issuing.certificate.clone()];
    let outcome =
        verify_path(&world.leaf, &pool, std::slice::from_ref(&world.root.certificate), &options);
    assert_valid(&outcome);
    assert_eq!(answers(&outcome), []);
}

#[test]
fn a_revoked_leaf_and_a_revoked_authority_are_refused() {
    let world = World::new();
    let leaf = world.verify(World::demands(world.lists(&[], &[&world.leaf])));
    assert_refused(&leaf, Reason::Revoked, "revocation");
    let error = leaf.error.as_ref().unwrap();
    assert_eq!(error.fingerprint, world.leaf.fingerprint().to_string());
    assert!(error.found.starts_with("revoked at") && error.found.contains("keyCompromise"));

    let lists = world.lists(&[&world.issuing.certificate], &[]);
    let authority = world.verify(World::demands(lists.clone()));
    assert_refused(&authority, Reason::Revoked, "revocation");
    let fingerprint = world.issuing.certificate.fingerprint().to_string();
    assert_eq!(authority.error.unwrap().fingerprint, fingerprint);
    // Nobody looks at it when only the leaf counts.
    let of_leaf = RevocationDemands { extent: Extent::Leaf, ..World::demands(lists) };
    let outcome = world.verify(of_leaf);
    assert_valid(&outcome);
    assert_eq!(answers(&outcome).len(), 1);
    // A revocation counts although unknown ones are allowed.
    let allowed = |lists| RevocationDemands { allow_unknown: true, ..World::demands(lists) };
    let only = world.verify(allowed(vec![list(&world.issuing, &[&world.leaf])]));
    assert_refused(&only, Reason::Revoked, "revocation");
    // The anchor is trusted, whatever it says of itself.
    let itself = list(&world.root, &[&world.root.certificate]);
    assert_valid(&world.verify(World::demands(vec![itself, list(&world.issuing, &[])])));
}

#[test]
fn what_nobody_can_tell_is_refused_with_the_reason_unless_it_is_allowed() {
    let world = World::new();
    let stranger = Authority::root("p256");
    let old = now() - SignedDuration::from_hours(25);
    let authorities = Scope::all().only(Subjects::Authorities);
    let of_authorities = builder(&world.issuing, now()).scope(authorities).unwrap();
    let by_other_key = Authority::below(&world.root, "ml-dsa-44");
    for (by_issuing, why) in [
        (vec![], "lists is by"),
        (vec![list(&stranger, &[])], "lists is by"),
        (vec![signed(&builder(&world.issuing, old), &world.issuing, &[])], "nextUpdate"),
        (vec![signed(&of_authorities, &world.issuing, &[])], "speak of other certificates"),
        (vec![list(&by_other_key, &[])], "authorityKeyIdentifier"),
    ] {
        let lists = [vec![list(&world.root, &[])], by_issuing].concat();
        let outcome = world.verify(World::demands(lists.clone()));
        assert_refused(&outcome, Reason::RevocationUnknown, "revocation");
        let found = &outcome.error.as_ref().unwrap().found;
        assert!(found.starts_with("unknown: ") && found.contains(why), "no {why:?} in {found}");
        let allowed = RevocationDemands { allow_unknown: true, ..World::demands(lists) };
        let outcome = world.verify(allowed);
        assert_valid(&outcome);
        assert_eq!(answers(&outcome)[1].0, Verdict::NotChecked);
    }
    let outcome = world.verify(World::demands(Vec::new()));
    assert_refused(&outcome, Reason::RevocationUnknown, "revocation");
    assert!(outcome.error.unwrap().found.contains("no revocation list and no OCSP response"));
}

#[test]
fn another_path_is_taken_around_a_revoked_certificate() {
    let world = World::new();
    // The issuing CA has two certificates by the root, of which one is revoked.
    let key = world.issuing.signer.public_key().clone();
    let request = Request::new(name("CN=Issuing ml-dsa-44,O=Example"), Vec::new(), key);
    let again = issue(profile("issuing-ca"), request, &world.root);
    let first = &world.issuing.certificate;
    assert_eq!(again.subject(), first.subject());
    let lists = world.lists(&[first], &[]);
    let verify = |pool: &[Certificate], lists: Vec<CertificateList>| {
        let options = Options { revocation: Some(World::demands(lists)), ..Options::at(now()) };
        verify_path(&world.leaf, pool, std::slice::from_ref(&world.root.certificate), &options)
    };
    let both = [first.clone(), again.clone()];
    assert_valid(&verify(&both, lists.clone()));
    assert_refused(&verify(&both[..1], lists), Reason::Revoked, "revocation");
    let lists = world.lists(&[first, &again], &[]);
    assert_refused(&verify(&both, lists), Reason::Revoked, "revocation");
}

#[test]
fn a_list_that_was_found_right_for_one_key_is_not_right_for_another() {
    let world = World::new();
    let sources = RevocationSources::new(vec![list(&world.issuing, &[])], Vec::new());
    let good = |issuer: &Certificate| {
        sources.judge(&world.leaf, issuer, now()).answer == RevocationAnswer::Good
    };
    assert!(good(&world.issuing.certificate));
    assert!(good(&world.issuing.certificate), "again, without checking the signature");
    let other = Authority::below(&world.root, "ml-dsa-44");
    assert_eq!(other.certificate.subject(), world.issuing.certificate.subject());
    assert!(!good(&other.certificate));
    // A bent signature stays wrong, however often it is asked for.
    let mut der = list(&world.issuing, &[]).der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let bent = RevocationSources::new(vec![CertificateList::from_der(der).unwrap()], Vec::new());
    for _ in 0..2 {
        let report = bent.judge(&world.leaf, &world.issuing.certificate, now());
        assert!(report.to_string().contains("signature"), "{report}");
        assert!(matches!(report.answer, RevocationAnswer::Unknown { .. }));
    }
}
