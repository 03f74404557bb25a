//! Certificates mutated by structure: the fuzzer's octets choose what is changed.

use std::sync::LazyLock;

use ca_core::certificate::Certificate;
use ca_core::path::{Options, SecurityPolicy, ServerName, Usage, Verdict, verify_path};

use super::{harmless, refusal, refused};
use crate::choices::Choices;
use crate::mutation::mutant;
use crate::pki::{FAMILIES, Kind, LEAF_NAME, Pki, verified_at};

static PKIS: LazyLock<Vec<Pki>> = LazyLock::new(|| FAMILIES.map(Pki::new).into());

/// Mutates a certificate as the octets choose, and judges its path.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let mut choices = Choices::from_octets(octets);
    let pki = &PKIS[choices.below(PKIS.len())];
    let kind = choices.pick(&[Kind::Leaf, Kind::Authority, Kind::Issuing]);
    let mut options = Options::at(verified_at());
    if choices.one_in(2) {
        options.usage = Some(Usage::ServerAuth);
        options.name = ServerName::dns(LEAF_NAME).ok();
    }
    let mutant = mutant(pki, kind, &mut choices);
    let certificate = match Certificate::from_der(&mutant.der) {
        Ok(certificate) => certificate,
        Err(error) => return refused(&error),
    };
    super::certificate::holds(&certificate, &mutant.der);
    let between = std::slice::from_ref(&pki.issuing_certificate);
    let anchors = std::slice::from_ref(&pki.root_certificate);
    let outcome = verify_path(&certificate, between, anchors, &options);
    harmless(&outcome.to_string());
    assert_eq!(outcome.valid, outcome.error.is_none());
    outcome.error.iter().for_each(|error| refusal(error));
    if !outcome.valid {
        return true;
    }
    assert!(outcome.steps.iter().all(|step| step.verdict != Verdict::Failed), "{outcome}");
    assert!(certificate.validity().contains(verified_at()), "{outcome}");
    assert_eq!(certificate.tbs_der(), mutant.covered, "accepted what nobody signed: {outcome}");
    let is_post_quantum = pki.family.starts_with("ML-DSA");
    let options = Options { policy: SecurityPolicy::PostQuantum, ..options };
    let strict = verify_path(&certificate, between, anchors, &options);
    assert_eq!(strict.valid, is_post_quantum, "{strict}");
    true
}
