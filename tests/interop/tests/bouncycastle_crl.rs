//! Bouncy Castle: full, delta and sharded lists of every kind of signature, ours and its own.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use interop::bouncy_castle::signature_name;
use interop::crls::{Kind, OTHER_PLACE, World, judged, not_judged, twins};
use interop::issue::{Role, now, pkcs8};
use interop::judge::accepted_but_no_twin;
use interop::peers::{Harness, base64, harness, octets, tried};
use jiff::SignedDuration;
use serde_json::json;

const PEER: &str = "bouncycastle";

const ALGORITHMS: &[&str] = &[
    "ECDSA-P256",
    "ML-DSA-65",
    "MLDSA65-ECDSA-P256-SHA512",
    "MLDSA44-Ed25519-SHA512",
    "SLH-DSA-SHA2-128f",
];

fn path(
    bc: &mut Harness,
    world: &World,
    leaf: &Certificate,
    lists: &[&[u8]],
) -> Result<(), String> {
    let crls: Vec<String> = lists.iter().map(|der| base64(der)).collect();
    let issuer = base64(world.issuing.certificate.der());
    let fields = json!({ "cert": base64(leaf.der()), "issuer": issuer, "crls": crls });
    bc.call("pathCrl", fields).map(drop)
}

/// The good leaf passes, and the revoked one is refused for being revoked.
fn both(bc: &mut Harness, world: &World, lists: &[&[u8]]) -> Result<(), String> {
    path(bc, world, &world.good, lists)?;
    match path(bc, world, &world.revoked, lists) {
        Err(reason) if reason.to_lowercase().contains("revo") => Ok(()),
        other => Err(format!("the revoked leaf: {other:?}")),
    }
}

#[test]
fn it_judges_by_our_lists() {
    let Some(mut bc) = harness(PEER) else { return };
    for name in ALGORITHMS {
        let algorithm = Algorithm::named(name).unwrap();
        let world = World::of(algorithm);
        let now = now() - SignedDuration::from_mins(1);
        let revoked = [&world.revoked];
        let empty = world.list(Kind::Full, &[], now);
        for kind in Kind::ALL {
            let list = world.list(kind, &revoked, now);
            let what = format!("our {} {}", algorithm.family(), kind.name());
            accepted_but_no_twin(
                PEER,
                &format!("{what}, signature"),
                &list,
                &twins(&list),
                |der| {
                    let issuer = base64(world.issuing.certificate.der());
                    bc.call("checkCrl", json!({ "crl": base64(der), "issuer": issuer })).map(drop)
                },
            );
            let lists = kind.with_base(&empty, &list);
            both(&mut bc, &world, &lists).unwrap_or_else(|error| panic!("{name}, {what}: {error}"));
            tried(PEER, &format!("{what}, PKIX"), "good leaf accepted, revoked one refused");
        }
        let list = world.list(Kind::Full, &revoked, now);
        let mut refused = vec![
            ("other issuer", World::list_by(&world.root, Kind::Full, &revoked, now)),
            ("expired", world.list(Kind::Full, &revoked, now - SignedDuration::from_hours(48))),
            ("other shard", world.list(Kind::Shard(OTHER_PLACE), &revoked, now)),
        ];
        refused.extend(twins(&list));
        for (which, list) in refused {
            path(&mut bc, &world, &world.good, &[&list]).expect_err(which);
        }
        let what = format!("our {} CRL, PKIX", algorithm.family());
        tried(PEER, &what, "refused: flipped, expired, other issuer, other shard");
    }
}

#[test]
fn we_judge_by_its_lists() {
    let Some(mut bc) = harness(PEER) else { return };
    for name in ALGORITHMS {
        let algorithm = Algorithm::named(name).unwrap();
        let world = World::of(algorithm);
        let mut list = |kind, revoked: &[&Certificate]| {
            let revoked: Vec<String> = revoked.iter().map(|one| base64(one.der())).collect();
            let mut fields = json!({
                "issuerCert": base64(world.issuing.certificate.der()),
                "issuerKey": base64(&pkcs8(algorithm, Role::Issuing)),
                "number": 6,
                "revoked": revoked,
                "signatureAlgorithm": signature_name(algorithm),
            });
            match kind {
                Kind::Full => {}
                Kind::Delta => fields["base"] = 4.into(),
                Kind::Shard(place) => fields["place"] = place.into(),
            }
            octets(&bc.call("makeCrl", fields).unwrap(), "crl")
        };
        for kind in Kind::ALL {
            judged(PEER, algorithm, &world, kind, &list(kind, &[&world.revoked]));
        }
        not_judged(&world, &list(Kind::Shard(OTHER_PLACE), &[&world.revoked]));
    }
}
