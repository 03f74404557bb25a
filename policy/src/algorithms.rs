//! The algorithms that a policy allows.

use ca_core::algorithm::{
    Algorithm, AlgorithmError, KeyAlgorithm, KeyKind, MlKem, SignatureScheme,
};

use crate::{Mode, Protection, Refusal};

/// Names that a policy may have.
const MOST: usize = 16;

/// The algorithms that a policy allows, of two sorts: by which certificates are signed (ML-DSA, SLH-DSA, and
/// composites of ML-DSA), and by which keys are established (ML-KEM).
///
/// A name of ML-DSA allows it alone and in every composite and alternative signature. The name of a
/// composite allows that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithms {
    signing: Vec<&'static Algorithm>,
    kems: Vec<MlKem>,
}

const FIELD: &str = "algorithms";

impl Algorithms {
    /// The algorithms that people name, by names of any age: `dilithium3` is ML-DSA-65, `kyber768` ML-KEM-768.
    ///
    /// # Errors
    /// For no name and for more than 16; for an unknown, a classical and a repeated one.
    pub fn named<S: AsRef<str>>(names: &[S]) -> Result<Self, Refusal> {
        if names.is_empty() || names.len() > MOST {
            return Err(Refusal::of(
                FIELD,
                format!("{} names", names.len()),
                format!("1 to {MOST}"),
            ));
        }
        let mut all = Self { signing: Vec::new(), kems: Vec::new() };
        for name in names.iter().map(AsRef::as_ref) {
            if !all.add(name)? {
                let allowed = "each algorithm once, by whichever of its names";
                return Err(Refusal::new(FIELD, name, allowed));
            }
        }
        Ok(all)
    }

    /// Adds an algorithm, and gives whether it is new.
    fn add(&mut self, name: &str) -> Result<bool, Refusal> {
        let unknown = |_: AlgorithmError| {
            Refusal::new(FIELD, name, "the names that `espalier algorithms` lists")
        };
        match KeyAlgorithm::named(name).map_err(unknown)? {
            KeyAlgorithm::Kem(kem) => {
                let is_new = !self.kems.contains(&kem);
                self.kems.push(kem);
                Ok(is_new)
            }
            KeyAlgorithm::Signing(one) if one.scheme().is_post_quantum() => {
                let is_new = !self.signing.contains(&one);
                self.signing.push(one);
                Ok(is_new)
            }
            KeyAlgorithm::Signing(_) => {
                let allowed = "ML-DSA, SLH-DSA, composites of ML-DSA, and ML-KEM; the classical algorithm is the authority's";
                Err(Refusal::new(FIELD, name, allowed))
            }
        }
    }

    /// Whether certificates of a mode can be signed by any of them.
    ///
    /// # Errors
    /// When the mode needs an algorithm of a sort that was not named.
    pub fn serve(&self, mode: Mode) -> Result<(), Refusal> {
        let allowed = match mode {
            Mode::Classical => return Ok(()),
            Mode::Composite => "an ML-DSA or a composite of it",
            Mode::Catalyst => "an ML-DSA, SLH-DSA or composite",
            Mode::Dual | Mode::PostQuantum => "an ML-DSA or SLH-DSA",
        };
        let serves = |one: &'static Algorithm| match one.key() {
            KeyKind::MlDsa(_) => true,
            KeyKind::SlhDsa(_) => mode != Mode::Composite,
            KeyKind::Composite(_) => matches!(mode, Mode::Composite | Mode::Catalyst),
            _ => false,
        };
        if self.signing.iter().copied().any(serves) {
            return Ok(());
        }
        let found = format!("{} beside mode {mode}", self.names().join(", "));
        Err(Refusal::of(FIELD, found, format!("{allowed} among them")))
    }

    /// Whether the post-quantum signatures of a certificate are all among what is allowed.
    ///
    /// # Errors
    /// For a signature that is not among them, and for none that is post-quantum.
    pub fn admit(&self, protection: &Protection) -> Result<(), Refusal> {
        let mut signatures = protection.post_quantum().peekable();
        let all = signatures.peek().is_some() && signatures.all(|scheme| self.has(scheme));
        if all { Ok(()) } else { Err(Refusal::of(FIELD, protection, self.names().join(", "))) }
    }

    fn has(&self, scheme: SignatureScheme) -> bool {
        let is_named = |wanted| self.signing.iter().any(|one| one.scheme() == wanted);
        match scheme {
            SignatureScheme::Composite(composite) => {
                is_named(scheme) || is_named(SignatureScheme::MlDsa(composite.ml_dsa()))
            }
            scheme => is_named(scheme),
        }
    }

    /// Whether keys that establish keys may be of this set. Where a policy names none, it says nothing of them.
    ///
    /// # Errors
    /// For a set that is not among those that are named.
    pub fn admit_kem(&self, kem: MlKem) -> Result<(), Refusal> {
        if self.kems.is_empty() || self.kems.contains(&kem) {
            return Ok(());
        }
        let named: Vec<&str> = self.kems.iter().map(|kem| kem.name()).collect();
        Err(Refusal::of(FIELD, kem.name(), named.join(", ")))
    }

    /// Their names as they are shown, FIPS's or the draft's: first what establishes keys, then what signs.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let kems = self.kems.iter().map(|kem| kem.name());
        kems.chain(self.signing.iter().map(|one| one.name())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::offer::tests::algorithm;

    fn named(names: &[&str]) -> Algorithms {
        Algorithms::named(names).unwrap()
    }

    fn refused(names: &[&str]) -> String {
        Algorithms::named(names).unwrap_err().to_string()
    }

    #[test]
    fn names_of_any_age_are_shown_as_they_are_today() {
        let shown = named(&["kyber768", "Dilithium3", "hybrid"]).names().join(" ");
        assert_eq!(shown, "ML-KEM-768 ML-DSA-65 MLDSA65-ECDSA-P256-SHA512");
    }

    #[test]
    fn what_is_no_algorithm_of_a_policy_is_refused() {
        assert_eq!(refused(&[]), "algorithms: found 0 names, allowed: 1 to 16");
        assert!(refused(&["dilithium3"; 17]).starts_with("algorithms: found 17 names"));
        for (names, start) in [
            (&["dilithium4"][..], "algorithms: found \"dilithium4\", allowed: the names that"),
            (
                &["dilithium3", "p256"],
                "algorithms: found \"p256\", allowed: ML-DSA, SLH-DSA, composites",
            ),
            (
                &["dilithium3", "ml-dsa-65"],
                "algorithms: found \"ml-dsa-65\", allowed: each algorithm once",
            ),
            (
                &["kyber768", "ml-kem-768"],
                "algorithms: found \"ml-kem-768\", allowed: each algorithm once",
            ),
        ] {
            let refusal = refused(names);
            assert!(refusal.starts_with(start), "{refusal}");
        }
    }

    #[test]
    fn a_name_that_a_parser_trims_is_told_no_longer_than_any_other() {
        let padded = format!("p256{}", "\n".repeat(100_000));
        let refusal = refused(&[&padded]);
        assert!(refusal.len() < 1_200 && !refusal.contains('\n'), "{}", refusal.len());
    }

    #[test]
    fn a_mode_needs_an_algorithm_of_its_sort() {
        for (names, mode, serves) in [
            (&["dilithium3"][..], Mode::Composite, true),
            (&["dilithium3"], Mode::Catalyst, true),
            (&["dilithium3"], Mode::PostQuantum, true),
            (&["hybrid"], Mode::Composite, true),
            (&["hybrid"], Mode::PostQuantum, false),
            (&["slh-dsa-sha2-128s"], Mode::PostQuantum, true),
            (&["slh-dsa-sha2-128s"], Mode::Composite, false),
            (&["slh-dsa-sha2-128s"], Mode::Catalyst, true),
            (&["hybrid"], Mode::Catalyst, true),
            (&["hybrid"], Mode::Dual, false),
            (&["kyber768"], Mode::Composite, false),
            (&["kyber768"], Mode::Classical, true),
        ] {
            assert_eq!(named(names).serve(mode).is_ok(), serves, "{names:?} {mode}");
        }
        let refusal = named(&["kyber768"]).serve(Mode::Composite).unwrap_err().to_string();
        let words = "algorithms: found ML-KEM-768 beside mode Composite, allowed: an ML-DSA or a composite of it among them";
        assert_eq!(refusal, words);
    }

    #[test]
    fn signatures_are_admitted_by_what_no_quantum_computer_forges() {
        let by = |name: &str| Protection::single(algorithm(name).scheme());
        let beside = |name: &str| by("p256").with_alternative(algorithm(name).scheme());
        let three = named(&["dilithium3"]);
        for (protection, is_admitted) in [
            (by("ml-dsa-65"), true),
            (by("ml-dsa-87"), false),
            (by("hybrid"), true),
            (by("MLDSA44-ECDSA-P256-SHA256"), false),
            (beside("ml-dsa-65"), true),
            (beside("ml-dsa-44"), false),
            // Both are looked at.
            (by("ml-dsa-65").with_alternative(algorithm("ml-dsa-44").scheme()), false),
            (by("p256"), false),
        ] {
            assert_eq!(three.admit(&protection).is_ok(), is_admitted, "{protection}");
        }
        let one = named(&["hybrid"]);
        assert!(one.admit(&by("hybrid")).is_ok());
        let refusal = one.admit(&by("MLDSA65-ECDSA-P384-SHA512")).unwrap_err().to_string();
        let words =
            "algorithms: found MLDSA65-ECDSA-P384-SHA512, allowed: MLDSA65-ECDSA-P256-SHA512";
        assert_eq!(refusal, words);
    }

    #[test]
    fn keys_that_establish_keys_are_of_the_sets_that_are_named() {
        assert_eq!(named(&["dilithium3"]).admit_kem(MlKem::MlKem512), Ok(()), "none is named");
        let one = named(&["dilithium3", "kyber768"]);
        assert_eq!(one.admit_kem(MlKem::MlKem768), Ok(()));
        let refusal = one.admit_kem(MlKem::MlKem512).unwrap_err().to_string();
        assert_eq!(refusal, "algorithms: found ML-KEM-512, allowed: ML-KEM-768");
    }
}
