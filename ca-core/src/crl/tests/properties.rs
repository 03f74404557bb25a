//! Properties over arbitrary input.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::root("ed25519"));

/// Seconds from 1950 to 2100, across both turns of the encoding.
fn instants() -> impl Strategy<Value = Timestamp> {
    (-631_152_000_i64..4_102_444_800).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn serials() -> impl Strategy<Value = EntrySerial> {
    vec(any::<u8>(), 1..=20).prop_filter_map("the shortest form of an INTEGER", |octets| {
        EntrySerial::from_integer_octets(&octets).ok()
    })
}

fn entries() -> impl Strategy<Value = RevokedEntry> {
    let reasons = proptest::sample::select(&RevocationReason::ALL[..]);
    (serials(), instants(), reasons, proptest::option::of(instants())).prop_map(
        |(serial, revoked_at, reason, invalidity_date)| RevokedEntry {
            serial,
            revoked_at,
            reason,
            invalidity_date,
        },
    )
}

proptest! {
    #[test]
    fn what_is_built_is_read_again(
        entries in vec(entries(), 0..20),
        first in instants(),
        number in 1_u64..,
        last in 1_i64..1_000_000_000,
    ) {
        let due = first + SignedDuration::from_secs(last);
        let builder = CrlBuilder::new(&ROOT.certificate, number.into(), first, due).unwrap();
        let builder = builder.delta((number - 1).into()).unwrap();
        let list = list(&builder, &ROOT, &entries);
        prop_assert_eq!(list.entries().collect::<Vec<_>>(), entries);
        prop_assert_eq!((list.this_update(), list.next_update()), (first, due));
        prop_assert_eq!(list.number(), number.into());
        prop_assert!(list.verify(&ROOT.certificate).is_ok());
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in vec(any::<u8>(), 0..400)) {
        prop_assert!(CertificateList::from_der(octets).is_err());
    }

    /// What is read in spite of a change is judged without a panic, and never passes for signed.
    #[test]
    fn a_changed_octet_is_noticed(at in any::<proptest::sample::Index>(), change in 1_u8..) {
        static DER: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let builder = full(&ROOT, 7).delta(6.into()).unwrap();
            let scope = Scope::shard(&[uri("http://crl.example/1.crl")]).unwrap();
            let builder = builder.scope(scope.only(Subjects::EndEntities)).unwrap();
            let date = Some(then());
            let reason = RevocationReason::KeyCompromise;
            let entry = RevokedEntry { reason, invalidity_date: date, ..other_entry() };
            list(&builder, &ROOT, &[other_entry(), entry]).der().to_vec()
        });
        let mut der = DER.clone();
        let at = at.index(der.len());
        der[at] ^= change;
        if let Ok(list) = CertificateList::from_der(der) {
            prop_assert_eq!(list.entries().count(), list.len());
            prop_assert!(list.verify(&ROOT.certificate).is_err());
        }
    }

    #[test]
    fn numbers_keep_their_order(left in any::<u64>(), right in any::<u64>()) {
        let (a, b) = (CrlNumber::from(left), CrlNumber::from(right));
        prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        prop_assert_eq!(CrlNumber::from_integer_octets(a.integer_octets()), Ok(a));
    }
}
