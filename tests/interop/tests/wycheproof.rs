//! Project Wycheproof's ML-DSA files: every case by both implementations.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{KeyKind, MlDsa, SignatureScheme};
use ca_core::key::PrivateKey;
use ca_core::public_key::PublicKey;
use ca_core::signature::{Implementation, verify_in_context};
use interop::vectors::{json, judged, vectors};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: Option<String>,
    private_seed: Option<String>,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: usize,
    comment: String,
    /// Absent where only FIPS 204's internal `mu` is given.
    msg: Option<String>,
    ctx: Option<String>,
    sig: Option<String>,
    result: String,
}

fn octets(hex: &str) -> Vec<u8> {
    base16ct::mixed::decode_vec(hex).unwrap()
}

fn accepted(set: MlDsa, key: Option<&PublicKey>, case: &Case) -> [bool; 2] {
    [Implementation::First, Implementation::Second].map(|implementation| {
        let (Some(key), Some(message), Some(sig)) = (key, &case.msg, &case.sig) else {
            return false;
        };
        let context = octets(case.ctx.as_deref().unwrap_or_default());
        let (message, scheme) = (octets(message), SignatureScheme::MlDsa(set));
        verify_in_context(implementation, key, scheme, &message, &context, &octets(sig)).is_ok()
    })
}

#[test]
fn signatures_are_judged_as_wycheproof_does() {
    for (set, number) in MlDsa::ALL.into_iter().zip(["44", "65", "87"]) {
        let Some(path) = vectors(&format!("wycheproof/mldsa_{number}_verify_test.json")) else {
            return;
        };
        let file: File = json(&path);
        let mut judged_cases = 0;
        for group in &file.test_groups {
            let key = octets(group.public_key.as_deref().unwrap());
            let key = PublicKey::from_raw(KeyKind::MlDsa(set), &key).ok();
            for case in &group.tests {
                let expected = [case.result == "valid"; 2];
                let found = accepted(set, key.as_ref(), case);
                assert_eq!(found, expected, "{set} case {}: {}", case.tc_id, case.comment);
                judged_cases += 1;
            }
        }
        assert_eq!(judged_cases, file.number_of_tests);
        judged(&format!("Wycheproof {set} verify"), judged_cases, "judged by both implementations");
    }
}

#[test]
fn seeds_give_the_keys_and_signatures_that_wycheproof_names() {
    for (set, number) in MlDsa::ALL.into_iter().zip(["44", "65", "87"]) {
        let Some(path) = vectors(&format!("wycheproof/mldsa_{number}_sign_seed_test.json")) else {
            return;
        };
        let file: File = json(&path);
        let mut judged_cases = 0;
        let mut internal = 0;
        for group in &file.test_groups {
            let seed = octets(group.private_seed.as_deref().unwrap());
            let key = PrivateKey::from_der(&pkcs8(set, &seed)).ok();
            check_key(group, key.as_ref());
            for case in &group.tests {
                judged_cases += 1;
                let is_valid = case.result == "valid";
                if is_valid && case.msg.is_none() {
                    // Only mu is given: FIPS 204's internal interface, which X.509 never uses.
                    // The key was checked above.
                    internal += 1;
                    continue;
                }
                let public = key.as_ref().map(PrivateKey::public_key);
                let found = accepted(set, public, case);
                assert_eq!(found, [is_valid; 2], "{set} case {}: {}", case.tc_id, case.comment);
            }
        }
        assert_eq!(judged_cases, file.number_of_tests);
        let how = format!("judged ({internal} by their key alone)");
        judged(&format!("Wycheproof {set} sign"), judged_cases, &how);
    }
}

/// PKCS#8 around a seed of any length, so that wrong lengths reach the parser.
fn pkcs8(set: MlDsa, seed: &[u8]) -> Vec<u8> {
    let length = u8::try_from(seed.len()).unwrap();
    let oid = set.oid();
    let inner = [&[0x04, length + 2, 0x80, length][..], seed].concat();
    let identifier = [&[0x30, 11, 0x06, 9][..], oid.as_bytes()].concat();
    let body = [&[0x02, 1, 0][..], &identifier, &inner].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat()
}

/// A seed of the right length gives the group's public key and signs; any other is refused.
fn check_key(group: &Group, key: Option<&PrivateKey>) {
    let Some(expected) = group.public_key.as_deref().filter(|hex| !hex.is_empty()) else {
        assert!(key.is_none(), "a seed of the wrong length is no key");
        return;
    };
    let key = key.unwrap();
    assert_eq!(key.public_key().key_bytes(), octets(expected));
    let KeyKind::MlDsa(set) = key.public_key().kind() else { panic!("an ML-DSA key") };
    key.signer(SignatureScheme::MlDsa(set)).unwrap().sign(b"again").unwrap();
}
