//! rustls-webpki, the verifier of rustls: our pure and classical chains.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::time::Duration;

use ca_core::algorithm::{Algorithm, Family};
use interop::issue::{Chain, LEAF_NAME, now};
use interop::judge;
use interop::peers::tried;
use interop::slh_dsa::{is_slh_dsa, takes_long};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

const PEER: &str = "rustls-webpki";

fn verdict(leaf: &[u8], issuing: &[u8], root: &[u8], name: &str) -> Result<(), String> {
    let (leaf, root) = (CertificateDer::from(leaf), CertificateDer::from(root));
    let anchors = [anchor_from_trusted_cert(&root).map_err(|error| error.to_string())?];
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(now().as_second()).unwrap();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &[CertificateDer::from(issuing)],
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        KeyUsage::server_auth(),
        None,
        None,
    )
    .map_err(|error| error.to_string())?;
    let name = ServerName::try_from(name).unwrap();
    leaf.verify_is_valid_for_subject_name(&name).map_err(|error| error.to_string())
}

#[test]
fn it_accepts_our_chains() {
    // Composites with RSA are left out: their primes take long, and no composite is known here. Neither is SLH-DSA.
    let left_out = |row: &Algorithm| {
        row.family() == Family::Composite && row.name().contains("RSA") || takes_long(row)
    };
    for algorithm in Algorithm::all().iter().filter(|row| !left_out(row)) {
        let chain = Chain::of(algorithm);
        let [leaf, issuing, root] = chain.ders();
        if algorithm.family() == Family::Composite || is_slh_dsa(algorithm) {
            verdict(leaf, issuing, root, LEAF_NAME).unwrap_err();
            let what = if is_slh_dsa(algorithm) { "SLH-DSA" } else { "composites" };
            tried(
                PEER,
                &format!("our {} leaf", algorithm.family()),
                &format!("can't: knows no {what}"),
            );
            continue;
        }
        let what = |kind: &str| format!("our {} {kind}", algorithm.family());
        let named = |verdict: Result<(), String>| {
            verdict.map_err(|reason| format!("{algorithm}: {reason}"))
        };
        judge::certificate(PEER, &what("leaf"), leaf, |cert| {
            named(verdict(cert, issuing, root, LEAF_NAME))
        });
        judge::certificate(PEER, &what("issuing CA"), issuing, |cert| {
            named(verdict(leaf, cert, root, LEAF_NAME))
        });
        let misnamed = verdict(leaf, issuing, root, "other.test").unwrap_err();
        assert!(misnamed.contains("CertNotValidForName"), "{algorithm}: {misnamed}");
        tried(PEER, &what("leaf, another name"), "refused");
    }
}
