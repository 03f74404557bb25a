//! What protects a certificate.

use std::fmt;

use ca_core::algorithm::{Algorithm, KeyKind, SchemeError, SignatureScheme};
use ca_core::certificate::Certificate;

use crate::Mode;

/// The signatures that an issuer puts on a certificate: by their algorithms, not by the certificate's own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    scheme: SignatureScheme,
    alternative: Option<SignatureScheme>,
}

/// Why it can't be said what protects a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownProtection {
    /// The authority's key can't sign, or is not known here.
    #[error(
        "key of the authority: found {found}, allowed are those of `espalier algorithms` that sign"
    )]
    Key {
        /// Which kind.
        found: KeyKind,
    },
    /// The signature's algorithm.
    #[error("{field}: can't be read")]
    Scheme {
        /// Which of the two.
        field: &'static str,
        /// Why.
        source: SchemeError,
    },
}

impl Protection {
    /// What an authority gives to the certificates that it signs, by its certificate's keys. An RSA key signs by
    /// PKCS#1 v1.5 or by PSS: the first is named here, and nothing here depends on it.
    ///
    /// # Errors
    /// [`UnknownProtection::Key`] for a key that can't sign.
    pub fn by(authority: &Certificate) -> Result<Self, UnknownProtection> {
        let scheme = |found: KeyKind| {
            let algorithm = Algorithm::of_key(found, false);
            algorithm.map(Algorithm::scheme).ok_or(UnknownProtection::Key { found })
        };
        let alternative = authority.extensions().alt_public_key();
        Ok(Self {
            scheme: scheme(authority.public_key().kind())?,
            alternative: alternative.map(|key| scheme(key.kind())).transpose()?,
        })
    }

    /// What a certificate has, by what it says of its signatures. That they are right is for who verifies.
    ///
    /// # Errors
    /// [`UnknownProtection::Scheme`] for an algorithm that is not known here.
    pub fn of(certificate: &Certificate) -> Result<Self, UnknownProtection> {
        let scheme = |field, identifier| {
            SignatureScheme::from_identifier(identifier)
                .map_err(|source| UnknownProtection::Scheme { field, source })
        };
        let extensions = certificate.extensions();
        // An algorithm without a signature protects nothing.
        let alternative =
            extensions.alt_signature_value().and(extensions.alt_signature_algorithm());
        Ok(Self {
            scheme: scheme("signatureAlgorithm", certificate.signature_algorithm())?,
            alternative: alternative
                .map(|identifier| scheme("altSignatureAlgorithm", identifier))
                .transpose()?,
        })
    }

    /// One signature.
    #[must_use]
    pub fn single(scheme: SignatureScheme) -> Self {
        Self { scheme, alternative: None }
    }

    /// A signature with an alternative one beside it.
    #[must_use]
    pub fn with_alternative(self, alternative: SignatureScheme) -> Self {
        Self { alternative: Some(alternative), ..self }
    }

    /// The mode of a certificate that stands alone; half of a pair is [`Mode::Classical`] or [`Mode::PostQuantum`].
    #[must_use]
    pub fn mode(&self) -> Mode {
        let beside = self.alternative.is_some_and(|alternative| alternative.is_post_quantum());
        match self.scheme {
            SignatureScheme::Composite(_) => Mode::Composite,
            SignatureScheme::MlDsa(_) | SignatureScheme::SlhDsa(_) => Mode::PostQuantum,
            SignatureScheme::Classical(_) if beside => Mode::Catalyst,
            SignatureScheme::Classical(_) => Mode::Classical,
        }
    }

    /// The certificate's own signature: whoever checks the certificate at all must be able to check this one.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The signatures that a quantum computer can't forge.
    pub fn post_quantum(&self) -> impl Iterator<Item = SignatureScheme> {
        [Some(self.scheme), self.alternative]
            .into_iter()
            .flatten()
            .filter(SignatureScheme::is_post_quantum)
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scheme.fmt(f)?;
        match self.alternative {
            Some(alternative) => write!(f, " with {alternative} beside it"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use interop::issue::{Authority, LEAF_NAME, Role, SigningKey, request_for};

    use super::*;
    use crate::offer::tests::algorithm;

    /// An authority of these algorithms, and a leaf that it signed.
    fn pair(of: &str, alternative: Option<&str>) -> (Certificate, Certificate) {
        let authority = Authority::root(algorithm(of), alternative.map(algorithm));
        let key = SigningKey::of(algorithm("p256"), Role::Leaf);
        let names = [&*format!("DNS:{LEAF_NAME}")];
        let leaf = authority.issue("tls-server", request_for("CN=leaf.test", &names, &key, None));
        (authority.certificate, leaf)
    }

    #[test]
    fn what_an_authority_gives_is_what_its_certificates_have() {
        for (of, alternative, mode, post_quantum) in [
            ("p256", None, Mode::Classical, ""),
            ("p256", Some("ml-dsa-65"), Mode::Catalyst, "ML-DSA-65"),
            ("hybrid", None, Mode::Composite, "MLDSA65-ECDSA-P256-SHA512"),
            ("ml-dsa-44", None, Mode::PostQuantum, "ML-DSA-44"),
        ] {
            let (authority, leaf) = pair(of, alternative);
            let (given, had) =
                (Protection::by(&authority).unwrap(), Protection::of(&leaf).unwrap());
            assert_eq!(given, had, "{of}");
            assert_eq!(had.mode(), mode, "{of}");
            let found: Vec<String> = had.post_quantum().map(|scheme| scheme.to_string()).collect();
            assert_eq!(found.join(" "), post_quantum, "{of}");
        }
    }

    #[test]
    fn a_key_that_can_not_sign_gives_nothing() {
        let kem = include_bytes!("../../ca-core/tests/data/inspect/composite-kem.der");
        let kem = Certificate::from_der(kem).unwrap();
        let error = Protection::by(&kem).unwrap_err().to_string();
        assert!(error.starts_with("key of the authority: found unknown key"), "{error}");
        // The twin: what signed it can be told.
        assert_eq!(Protection::of(&kem).unwrap().mode(), Mode::PostQuantum);
    }
}
