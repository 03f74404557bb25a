//! Verdicts on certificates.

use der::Encode;
use x509_cert::ext::pkix::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::dp::{DistributionPoint, ReasonFlags, Reasons};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use super::*;
use crate::extensions::oid;

const HOLD: RevocationReason = RevocationReason::CertificateHold;
const COMPROMISE: RevocationReason = RevocationReason::KeyCompromise;
const REMOVE: RevocationReason = RevocationReason::RemoveFromCrl;

struct World {
    root: Authority,
    leaf: Certificate,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("p256");
        let leaf = leaf(&root);
        Self { root, leaf }
    }

    fn full(&self, number: u64, reason: Option<RevocationReason>) -> CertificateList {
        self.list(full(&self.root, number), reason)
    }

    fn delta(&self, base: u64, number: u64, reason: Option<RevocationReason>) -> CertificateList {
        self.list(full(&self.root, number).delta(base.into()).unwrap(), reason)
    }

    fn scoped(
        &self,
        number: u64,
        scope: Scope,
        reason: Option<RevocationReason>,
    ) -> CertificateList {
        self.list(full(&self.root, number).scope(scope).unwrap(), reason)
    }

    /// A list with another certificate's entry, and the leaf's when there is a reason.
    fn list(&self, builder: CrlBuilder<'_>, reason: Option<RevocationReason>) -> CertificateList {
        let own = reason.map(|reason| entry(&self.leaf, reason));
        let entries: Vec<_> = own.into_iter().chain([other_entry()]).collect();
        list(&builder, &self.root, &entries)
    }

    fn status(&self, crls: &[CertificateList]) -> RevocationStatus {
        check_crls(&self.leaf, &self.root.certificate, crls, now())
    }

    fn at_place(mut self, place: &str, reasons: Option<ReasonFlags>) -> Self {
        let name =
            GeneralName::UniformResourceIdentifier(der::asn1::Ia5String::new(place).unwrap());
        let point = DistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![name])),
            reasons,
            crl_issuer: None,
        };
        let value = CrlDistributionPoints(vec![point]).to_der().unwrap();
        let oid = oid::CRL_DISTRIBUTION_POINTS;
        self.leaf = changed(&self.leaf, &self.root.signer, oid, Some(value));
        self
    }
}

fn revoked(reason: RevocationReason) -> RevocationStatus {
    RevocationStatus::Revoked { reason, at: then(), invalidity_date: None }
}

#[track_caller]
fn unknown(status: RevocationStatus) -> UnknownRevocation {
    match status {
        RevocationStatus::Unknown { why } => why,
        other => panic!("{other}"),
    }
}

#[test]
fn on_the_list_or_not() {
    let world = World::new();
    assert_eq!(world.status(&[world.full(1, None)]), RevocationStatus::Good);
    assert_eq!(world.status(&[world.full(1, Some(COMPROMISE))]), revoked(COMPROMISE));
    let plain = world.status(&[world.full(1, Some(RevocationReason::Unspecified))]);
    assert_eq!(plain.to_string(), "revoked at 2026-05-31T08:09:10Z: unspecified");
}

#[test]
fn nobody_knows_without_a_list_that_can_be_trusted() {
    let world = World::new();
    let none = unknown(world.status(&[]));
    assert_eq!(
        none.to_string(),
        "none of 0 lists is by CN=Root p256,O=Example; give its current list"
    );
    let other = Authority::root("ed25519");
    let foreign = list(&full(&other, 1), &other, &[entry(&world.leaf, COMPROMISE)]);
    let why = unknown(world.status(std::slice::from_ref(&foreign)));
    assert!(matches!(why, UnknownRevocation::NoList { given: 1, .. }), "{why}");
    // The same serial number on another issuer's list means nothing.
    assert_eq!(world.status(&[foreign, world.full(1, None)]), RevocationStatus::Good);
    let why = unknown(check_crls(&world.leaf, &other.certificate, &[world.full(1, None)], now()));
    assert!(matches!(why, UnknownRevocation::IssuerMismatch { .. }), "{why}");
}

#[test]
fn a_refused_list_counts_for_nothing_and_is_told() {
    let world = World::new();
    let good = world.full(1, None);
    let judge =
        |lists: &[CertificateList], at| check_crls(&world.leaf, &world.root.certificate, lists, at);
    let late = due() + SignedDuration::from_secs(1);
    let why = unknown(judge(std::slice::from_ref(&good), late));
    assert!(matches!(why, UnknownRevocation::Refused(CrlError::Expired { .. })), "{why}");
    let early = made() - SignedDuration::from_secs(1);
    let why = unknown(judge(std::slice::from_ref(&good), early));
    assert!(matches!(why, UnknownRevocation::Refused(CrlError::NotYetValid { .. })), "{why}");
    let mut der = good.der().to_vec();
    let at = der.windows(7).position(|window| window == [0x55; 7]).unwrap();
    der[at] ^= 1;
    let forged = CertificateList::from_der(der).unwrap();
    let why = unknown(world.status(std::slice::from_ref(&forged)));
    assert!(matches!(why, UnknownRevocation::Refused(CrlError::Signature(_))), "{why}");
    // Beside one that is right it does no harm.
    assert_eq!(world.status(&[forged, good.clone()]), RevocationStatus::Good);
    let no_usage =
        changed(&world.root.certificate, &world.root.signer, oid::KEY_USAGE, Some(hex("03020204")));
    let why = unknown(check_crls(&world.leaf, &no_usage, &[good], now()));
    assert_eq!(why, UnknownRevocation::Refused(CrlError::KeyUsage));
}

#[test]
fn the_newest_complete_list_counts() {
    let world = World::new();
    let lists = [world.full(8, Some(HOLD)), world.full(9, None)];
    assert_eq!(world.status(&lists), RevocationStatus::Good);
    let lists = [world.full(9, Some(HOLD)), world.full(8, None)];
    assert_eq!(world.status(&lists), revoked(HOLD));
}

#[test]
fn a_delta_adds_and_takes_back_holds() {
    let world = World::new();
    let status = |base, delta| world.status(&[delta, base]);
    assert_eq!(
        status(world.full(5, None), world.delta(5, 6, Some(COMPROMISE))),
        revoked(COMPROMISE)
    );
    assert_eq!(status(world.full(5, None), world.delta(5, 6, None)), RevocationStatus::Good);
    assert_eq!(
        status(world.full(5, Some(HOLD)), world.delta(5, 6, Some(REMOVE))),
        RevocationStatus::Good
    );
    assert_eq!(status(world.full(5, Some(HOLD)), world.delta(5, 6, None)), revoked(HOLD));
    assert_eq!(
        status(world.full(5, Some(HOLD)), world.delta(5, 6, Some(COMPROMISE))),
        revoked(COMPROMISE)
    );
    // A base that is newer than the delta's own base joins as well.
    assert_eq!(
        status(world.full(5, Some(HOLD)), world.delta(3, 6, Some(REMOVE))),
        RevocationStatus::Good
    );
}

#[test]
fn no_list_takes_back_what_is_for_ever() {
    let world = World::new();
    let lists = [world.full(5, Some(COMPROMISE)), world.delta(5, 6, Some(REMOVE))];
    assert_eq!(world.status(&lists), revoked(COMPROMISE));
    // Neither does a newer complete list, while the older one is current.
    let lists = [world.full(5, Some(COMPROMISE)), world.full(6, None)];
    assert_eq!(world.status(&lists), revoked(COMPROMISE));
    let unspecified = RevocationReason::Unspecified;
    let lists = [world.full(5, Some(unspecified)), world.full(6, Some(HOLD))];
    assert_eq!(world.status(&lists), revoked(unspecified));
}

#[test]
fn what_is_for_ever_needs_no_base_and_no_current_list() {
    let world = World::new();
    let delta = || world.delta(5, 6, Some(COMPROMISE));
    assert_eq!(world.status(&[delta()]), revoked(COMPROMISE));
    // Made before the base, or of another scope.
    assert_eq!(world.status(&[world.full(7, None), delta()]), revoked(COMPROMISE));
    let users = Scope::all().only(Subjects::EndEntities);
    let other = full(&world.root, 6).delta(5.into()).unwrap().scope(users).unwrap();
    let other = world.list(other, Some(COMPROMISE));
    assert_eq!(world.status(&[world.full(5, None), other]), revoked(COMPROMISE));
    // A list past its date revokes, and says nothing else.
    let late = due() + SignedDuration::from_secs(1);
    let judge = |list, at| check_crls(&world.leaf, &world.root.certificate, &[list], at);
    assert_eq!(judge(world.full(1, Some(COMPROMISE)), late), revoked(COMPROMISE));
    assert_eq!(judge(delta(), late), revoked(COMPROMISE));
    for reason in [None, Some(HOLD)] {
        let why = unknown(judge(world.full(1, reason), late));
        assert!(matches!(why, UnknownRevocation::Refused(CrlError::Expired { .. })), "{why}");
    }
    // One of tomorrow does not, and neither does one with another signature.
    let early = made() - SignedDuration::from_secs(1);
    let why = unknown(judge(world.full(1, Some(COMPROMISE)), early));
    assert!(matches!(why, UnknownRevocation::Refused(CrlError::NotYetValid { .. })), "{why}");
    let mut der = world.full(1, Some(COMPROMISE)).der().to_vec();
    let at = der.windows(7).position(|window| window == [0x55; 7]).unwrap();
    der[at] ^= 1;
    let why = unknown(judge(CertificateList::from_der(der).unwrap(), late));
    assert!(matches!(why, UnknownRevocation::Refused(CrlError::Expired { .. })), "{why}");
}

#[test]
fn numbers_decide_whether_a_delta_applies() {
    let world = World::new();
    let status = |base, delta| world.status(&[base, delta]);
    // Made before the base, or with it.
    assert_eq!(status(world.full(6, None), world.delta(4, 5, Some(HOLD))), RevocationStatus::Good);
    assert_eq!(status(world.full(6, None), world.delta(4, 6, Some(HOLD))), RevocationStatus::Good);
    assert_eq!(status(world.full(6, Some(HOLD)), world.delta(4, 6, Some(REMOVE))), revoked(HOLD));
    // It starts after the base: removals do not join, revocations count.
    assert_eq!(status(world.full(5, Some(HOLD)), world.delta(6, 7, Some(REMOVE))), revoked(HOLD));
    assert_eq!(status(world.full(5, None), world.delta(6, 7, Some(HOLD))), revoked(HOLD));
    // Of two deltas the newer one decides.
    let lists =
        [world.full(5, None), world.delta(5, 6, Some(HOLD)), world.delta(5, 7, Some(REMOVE))];
    assert_eq!(world.status(&lists), RevocationStatus::Good);
    let lists =
        [world.full(5, None), world.delta(5, 7, Some(HOLD)), world.delta(5, 6, Some(REMOVE))];
    assert_eq!(world.status(&lists), revoked(HOLD));
}

#[test]
fn a_delta_alone_or_of_another_scope_is_not_enough() {
    let world = World::new();
    for reason in [None, Some(HOLD), Some(REMOVE)] {
        let why = unknown(world.status(&[world.delta(5, 6, reason)]));
        assert_eq!(why, UnknownRevocation::NoBase);
    }
    let users = Scope::all().only(Subjects::EndEntities);
    let delta = full(&world.root, 6).delta(5.into()).unwrap().scope(users).unwrap();
    let delta = world.list(delta, Some(REMOVE));
    assert_eq!(world.status(&[world.full(5, Some(HOLD)), delta]), revoked(HOLD));
    let late = [world.full(5, Some(HOLD)), world.expired_delta()];
    assert_eq!(world.status(&late), revoked(HOLD));
}

impl World {
    /// A removal that is no longer current.
    fn expired_delta(&self) -> CertificateList {
        let (first, last) =
            (made() - SignedDuration::from_hours(9), made() - SignedDuration::from_hours(1));
        let builder = CrlBuilder::new(&self.root.certificate, 6.into(), first, last).unwrap();
        self.list(builder.delta(5.into()).unwrap(), Some(REMOVE))
    }
}

#[test]
fn kinds_of_subjects_are_told_apart() {
    let world = World::new();
    let users = |reason| world.scoped(1, Scope::all().only(Subjects::EndEntities), reason);
    let authorities = |reason| world.scoped(1, Scope::all().only(Subjects::Authorities), reason);
    assert_eq!(world.status(&[users(None)]), RevocationStatus::Good);
    assert_eq!(world.status(&[users(Some(COMPROMISE))]), revoked(COMPROMISE));
    assert_eq!(
        unknown(world.status(&[authorities(Some(COMPROMISE))])),
        UnknownRevocation::OutOfScope
    );
    let below = Authority::below(&world.root, "p256").certificate;
    let judge = |list| check_crls(&below, &world.root.certificate, &[list], now());
    assert_eq!(judge(authorities(None)), RevocationStatus::Good);
    assert_eq!(unknown(judge(users(None))), UnknownRevocation::OutOfScope);
}

#[test]
fn a_shard_speaks_of_the_certificates_that_name_it() {
    let world = World::new().at_place("http://crl.example/3.crl", None);
    let shard = |place: &str, reason| world.scoped(1, Scope::shard(&[uri(place)]).unwrap(), reason);
    assert_eq!(world.status(&[shard("http://crl.example/3.crl", None)]), RevocationStatus::Good);
    assert_eq!(world.status(&[shard("http://crl.example/3.crl", Some(HOLD))]), revoked(HOLD));
    let other = shard("http://crl.example/4.crl", Some(HOLD));
    assert_eq!(unknown(world.status(std::slice::from_ref(&other))), UnknownRevocation::OutOfScope);
    // A list of everything covers it too, and each scope has its own newest list.
    assert_eq!(world.status(&[other, world.full(1, None)]), RevocationStatus::Good);
    let both = [world.full(9, None), shard("http://crl.example/3.crl", Some(HOLD))];
    assert_eq!(world.status(&both), revoked(HOLD));
    // Without distribution points in the certificate no shard speaks of it.
    let bare = World { leaf: leaf(&world.root), root: world.root };
    let shard = bare.scoped(1, Scope::shard(&[uri("http://crl.example/3.crl")]).unwrap(), None);
    assert_eq!(unknown(bare.status(&[shard])), UnknownRevocation::OutOfScope);
}

#[test]
fn some_reasons_are_not_all() {
    let some: ReasonFlags = Reasons::KeyCompromise | Reasons::CaCompromise;
    let world = World::new().at_place("http://crl.example/3.crl", Some(some));
    let place = [uri("http://crl.example/3.crl")];
    let shard = |reason| world.scoped(1, Scope::shard(&place).unwrap(), reason);
    assert_eq!(unknown(world.status(&[shard(None)])), UnknownRevocation::PartialReasons);
    assert_eq!(world.status(&[shard(Some(COMPROMISE))]), revoked(COMPROMISE));
    assert_eq!(world.status(&[shard(None), world.full(1, None)]), RevocationStatus::Good);
}

#[test]
fn lists_of_some_reasons_add_up() {
    let world = World::new();
    let with_reasons = |number: u64, flags: ReasonFlags| {
        let point = x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint {
            distribution_point: None,
            only_contains_user_certs: false,
            only_contains_ca_certs: false,
            only_some_reasons: Some(flags),
            indirect_crl: false,
            only_contains_attribute_certs: false,
        };
        let mut parts = Parts::right();
        let key = world.root.certificate.extensions().subject_key_identifier().unwrap();
        let key = sequence(&[&[&[0x80, key.len() as u8], key].concat()]);
        parts.issuer = world.root.certificate.subject().to_der().unwrap();
        parts.extensions = vec![
            extension("551d23", false, &key),
            extension("551d14", false, &[2, 1, number as u8]),
            extension("551d1c", true, &point.to_der().unwrap()),
        ];
        let unsigned = parts.read().unwrap();
        let signature = world.root.signer.sign(unsigned.tbs_der()).unwrap();
        let der = signed_der(unsigned.tbs_der(), &parts.algorithm, &signature).unwrap();
        CertificateList::from_der(der).unwrap()
    };
    let compromise: ReasonFlags = Reasons::KeyCompromise | Reasons::CaCompromise;
    let others = ReasonFlags::full() - compromise - Reasons::Unused;
    let first = with_reasons(1, compromise);
    assert!(!first.scope().has_all_reasons());
    assert_eq!(
        unknown(world.status(std::slice::from_ref(&first))),
        UnknownRevocation::PartialReasons
    );
    assert_eq!(world.status(&[first, with_reasons(2, others)]), RevocationStatus::Good);
}
