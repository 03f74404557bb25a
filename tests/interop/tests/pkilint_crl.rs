//! pkilint's linter of revocation lists on ours.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use interop::crls::{Kind, PLACE, World};
use interop::issue::now;
use interop::peers::{self, Peer, tried};
use jiff::SignedDuration;

const ALGORITHMS: &[&str] = &["ECDSA-P256", "ML-DSA-65", "MLDSA65-ECDSA-P256-SHA512"];

#[test]
fn it_finds_nothing_in_our_lists() {
    let Peer::Present(pkilint) = peers::peer("pkilint") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.der");
    let lint = |der: &[u8]| {
        std::fs::write(&file, der).unwrap();
        let mut findings = peers::findings(&pkilint, "crl", &file);
        findings.retain(|finding| !matches!(finding.severity.as_str(), "INFO" | "DEBUG"));
        findings
    };
    for name in ALGORITHMS {
        let algorithm = Algorithm::named(name).unwrap();
        let world = World::of(algorithm);
        let made = now() - SignedDuration::from_mins(1);
        for kind in [Kind::Full, Kind::Delta, Kind::Shard(PLACE)] {
            let list = world.list(kind, &[&world.revoked], made);
            assert_eq!(lint(&list), [], "{name}: {}", kind.name());
            // The twin: cRLNumber, whose identifier ends in 0x14, becomes an extension nobody knows.
            let at = list.windows(3).rposition(|run| run == [0x55, 0x1d, 0x14]).unwrap();
            let mut twin = list.clone();
            twin[at + 2] = 0x7f;
            assert_ne!(lint(&twin), [], "{name}: {} without a number", kind.name());
            let what = format!("our {} {}", algorithm.family(), kind.name());
            tried("pkilint", &what, "no finding; a list without a number found");
        }
    }
}
