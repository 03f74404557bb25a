#![allow(clippy::unwrap_used)] // a panic is the failure report

use proptest::prelude::*;
use rand_core::UnwrapErr;

use super::*;

fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn names(count: u8) -> Vec<String> {
    (1..=count).map(|at| format!("custodian {at}")).collect()
}

struct Dealt {
    key: KeyEncryptionKey,
    set: ShareSet,
    shares: Vec<Share>,
}

fn dealt(threshold: u8, count: u8) -> Dealt {
    let rng = &mut rng();
    let (key, ceremony) = (KeyEncryptionKey::generate(rng), CeremonyId::generate(rng));
    let (set, shares) =
        ShareSet::deal(&key, ceremony, false, threshold, &names(count), rng).unwrap();
    Dealt { key, set, shares }
}

fn copy(share: &Share) -> Share {
    Share::new(share.header(), share.value().clone())
}

fn chosen(shares: &[Share], indices: &[usize]) -> Vec<Share> {
    indices.iter().map(|at| copy(&shares[*at])).collect()
}

#[test]
fn all_ten_triples_recover_and_no_pair_does() {
    let Dealt { key, set, shares } = dealt(3, 5);
    for a in 0..5 {
        for b in a + 1..5 {
            let error = set.recover(&chosen(&shares, &[a, b])).unwrap_err();
            assert_eq!(error.to_string(), "shares: found 2, allowed are 3 or more");
            for c in b + 1..5 {
                let found = set.recover(&chosen(&shares, &[b, c, a])).unwrap();
                assert_eq!(found.as_bytes(), key.as_bytes());
            }
        }
    }
    assert_eq!(set.test(&shares), Ok(10));
    assert_eq!(set.test(&shares[1..]), Ok(4));
    assert_eq!(set.test(&shares[3..]), Err(CustodyError::TooFew { found: 2, allowed: 3 }));
}

#[test]
fn a_changed_share_is_named_whichever_bit_it_is() {
    let Dealt { set, shares, .. } = dealt(2, 3);
    for bit in 0..256 {
        let mut value = shares[1].value().clone();
        value[bit / 8] ^= 1 << (bit % 8);
        let changed = Share::new(shares[1].header(), value);
        let error = set.recover(&[copy(&shares[0]), changed]).unwrap_err();
        let custodian = "custodian 2".to_owned();
        assert_eq!(error, CustodyError::Wrong { index: 2, custodian });
    }
    set.recover(&chosen(&shares, &[0, 1])).unwrap();
}

#[test]
fn foreign_and_misnamed_shares_are_named() {
    let Dealt { set, shares, .. } = dealt(2, 3);
    let other = dealt(2, 3);
    let error = set.recover(&[copy(&shares[0]), copy(&other.shares[1])]).unwrap_err();
    let (found, allowed) = (other.set.ceremony(), set.ceremony());
    assert_eq!(error, CustodyError::Foreign { found, allowed });
    let with = |header: ShareHeader| Share::new(header, shares[0].value().clone());
    let header = shares[0].header();
    let refused = |header| set.check(&with(header)).unwrap_err();
    assert_eq!(
        refused(ShareHeader { rehearsal: true, ..header }).to_string(),
        "share: found one of a rehearsal, allowed is one of a real ceremony"
    );
    let threshold = refused(ShareHeader { threshold: 3, ..header });
    assert_eq!(threshold, CustodyError::Threshold { found: 3, allowed: 2 });
    let index = refused(ShareHeader { index: 4, ..header });
    assert_eq!(index, CustodyError::Index { found: 4, allowed: 3 });
    // The value of one share under the number of another.
    let wrong = refused(ShareHeader { index: 2, ..header });
    assert!(matches!(wrong, CustodyError::Wrong { index: 2, .. }), "{wrong}");
    let twice = set.recover(&chosen(&shares, &[0, 0])).unwrap_err();
    assert!(matches!(twice, CustodyError::Twice { index: 1, .. }), "{twice}");
}

#[test]
fn names_of_custodians_are_different_and_plain() {
    let deal = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (rng, key) = (&mut rng(), KeyEncryptionKey::generate(&mut rng()));
        ShareSet::deal(&key, CeremonyId::generate(rng), false, 2, &names, rng).map(|_| ())
    };
    deal(&["Ana", "Božena", "李"]).unwrap();
    for wrong in ["", " Ana", "A\u{1b}[31m", &"a".repeat(65)] {
        let error = deal(&["Ben", wrong]).unwrap_err();
        assert!(matches!(error, CustodyError::Label { .. }), "{wrong:?}: {error}");
    }
    let error = deal(&["Ben", "Ana", "Ben"]).unwrap_err().to_string();
    assert_eq!(error, "custodian: found Ben twice, allowed are different names");
    let error = deal(&["Ben"]).unwrap_err().to_string();
    assert!(error.contains("found 2 of 1 shares"), "{error}");
}

#[test]
fn the_file_of_a_set_is_read_strictly() {
    let Dealt { set, shares, .. } = dealt(2, 3);
    let text = serde_json::to_string(&set).unwrap();
    let read: ShareSet = serde_json::from_str(&text).unwrap();
    assert_eq!(read, set);
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        serde_json::from_str::<ShareSet>(&text.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert!(changed("\"version\":1", "\"version\":2").contains("version: found 2, allowed is 1"));
    assert!(changed("\"version\":1", "\"vers\":1").contains("unknown field"));
    assert!(changed("\"index\":2", "\"index\":3").contains("index: found 3, allowed is 2"));
    assert!(changed("\"threshold\":2", "\"threshold\":4").contains("found 4 of 3"));
    assert!(changed("custodian 2", "custodian 1").contains("twice"));
    // A name that was changed no longer fits the share.
    let renamed = text.replacen("custodian 2", "custodian X", 1);
    let renamed: ShareSet = serde_json::from_str(&renamed).unwrap();
    let error = renamed.check(&shares[1]).unwrap_err();
    assert!(error.to_string().starts_with("share 2, of custodian X"), "{error}");
    // Nor does the key fit when its commitment is another's.
    let other = Commitment { salt: set.key.digest, ..set.key };
    let changed = ShareSet { key: other, ..set.clone() };
    assert_eq!(changed.recover(&shares).unwrap_err(), CustodyError::Key);
    assert_eq!(changed.test(&shares).unwrap_err(), CustodyError::Key);
}

#[test]
fn nothing_public_has_a_secret() {
    let Dealt { key, set, shares } = dealt(2, 2);
    let public = serde_json::to_string(&set).unwrap() + &format!("{set:?} {key:?} {shares:?}");
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    for secret in [key.as_bytes(), &**shares[0].value(), &**shares[1].value()] {
        assert!(!public.contains(&hex(secret)));
        assert!(!public.contains(&format!("{secret:?}")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_quorum_recovers_and_one_fewer_is_refused(
        (count, threshold) in (2u8..=16).prop_flat_map(|count| (Just(count), 2..=count)),
        order in any::<[u32; 16]>(),
    ) {
        let Dealt { key, set, shares } = dealt(threshold, count);
        let mut indices: Vec<usize> = (0..usize::from(count)).collect();
        indices.sort_by_key(|at| order[*at]);
        let (enough, short) = (&indices[..threshold.into()], &indices[1..threshold.into()]);
        let found = set.recover(&chosen(&shares, enough)).unwrap();
        prop_assert_eq!(found.as_bytes(), key.as_bytes());
        let error = set.recover(&chosen(&shares, short)).unwrap_err();
        prop_assert_eq!(error, CustodyError::TooFew { found: short.len(), allowed: threshold });
    }
}
