//! Octets from outside never panic, and a changed octet never verifies.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

/// A world, a request with a nonce, and a delegate's answer to it.
fn sample() -> &'static (World, Vec<u8>, Vec<u8>) {
    static SAMPLE: OnceLock<(World, Vec<u8>, Vec<u8>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let world = World::new();
        let nonce = Nonce::generate(&mut rng());
        let request = OcspRequest::build(&[world.cert_id()], Some(&nonce)).unwrap();
        let revoked = |_: &EntrySerial| CertStatus::revoked(then(), COMPROMISE);
        let response = world.delegated().respond(&request, &window(), revoked).unwrap();
        (world, request.der().to_vec(), response)
    })
}

#[test]
fn cut_short_or_too_long_nothing_is_read() {
    let (_, request, response) = sample();
    for length in 0..request.len() {
        OcspRequest::from_der(&request[..length]).unwrap_err();
    }
    for length in 0..response.len() {
        OcspResponse::from_der(&response[..length]).unwrap_err();
    }
    OcspRequest::from_der([request, &[0][..]].concat()).unwrap_err();
    OcspResponse::from_der([response, &[0][..]].concat()).unwrap_err();
}

/// Each bit of the response, one after the other: either it can't be read, or it does not verify,
/// or nothing that was signed changed.
#[test]
fn no_flipped_bit_changes_the_answer() {
    let (world, _, response) = sample();
    let original = read(response);
    let told = world.verify(&original, &expect()).unwrap().single.clone();
    for at in 0..response.len() {
        let mut twin = response.clone();
        twin[at] ^= 1 << (at % 8);
        let Ok(twin) = OcspResponse::from_der(twin) else { continue };
        if let Ok(verified) = world.verify(&twin, &expect()) {
            panic!("octet {at} flipped: {:?}, was {told:?}", verified.single);
        }
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = OcspRequest::from_der(octets.clone());
        let _ = OcspResponse::from_der(octets);
    }

    #[test]
    fn changed_octets_are_read_or_refused(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let (world, request, response) = sample();
        let change = |octets: &[u8]| {
            let mut changed = octets.to_vec();
            changed[at.index(octets.len())] = octet;
            changed
        };
        let _ = OcspRequest::from_der(change(request)).map(|request| {
            world.authority().respond(&request, &window(), |_| CertStatus::Good)
        });
        let _ = OcspResponse::from_der(change(response)).map(|response| world.status(&[response]));
    }

    #[test]
    fn what_is_built_is_read_again(
        serial in proptest::collection::vec(1_u8..0x80, 1..=20),
        revoked_at in 0_i64..4_000_000_000,
        reason in prop::sample::select(&RevocationReason::ALL[..7]),
        nonce in proptest::collection::vec(any::<u8>(), 1..=128),
        hash in prop::sample::select(&CertIdHash::ALL[..]),
    ) {
        let (world, _, _) = sample();
        let serial = EntrySerial::from_integer_octets(&serial).unwrap();
        let cert_id = CertId::new(&world.issuer.certificate, &serial, hash);
        let status = CertStatus::revoked(Timestamp::from_second(revoked_at).unwrap(), reason);
        let nonce = Nonce::new(&nonce).unwrap();
        let answer = Answer { cert_id: cert_id.clone(), status, archive_cutoff: None };
        let response = read(&world.authority().sign(&[answer], &window(), Some(&nonce)).unwrap());
        let basic = response.basic().unwrap();
        prop_assert_eq!(basic.nonce(), Some(&nonce));
        prop_assert_eq!(basic.singles()[0].cert_id(), &cert_id);
        prop_assert_eq!(basic.singles()[0].status(), status);
    }
}
