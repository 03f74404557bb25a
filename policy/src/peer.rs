//! Software that must be able to verify.

use std::fmt;
use std::str::FromStr;

use ca_core::algorithm::{ClassicalScheme, SignatureScheme};

use crate::{Protection, Refusal};

/// The field of a policy.
const FIELD: &str = "peers";
/// Peers that a policy may have.
const MOST: usize = 32;
/// The longest name, in octets.
const LONGEST: usize = 32;

/// A library that verifies chains of certificates, and since which version it knows which signatures.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name in a policy.
    pub name: &'static str,
    /// The oldest version that is still about: what a name without a version stands for.
    pub oldest: Version,
    /// The version since which it verifies Ed25519 (RFC 8410).
    pub ed25519: Option<Version>,
    /// The version since which it verifies ML-DSA (RFC 9881).
    pub ml_dsa: Option<Version>,
    /// The version since which it verifies SLH-DSA (RFC 9909).
    pub slh_dsa: Option<Version>,
    /// The version since which it verifies composite ML-DSA.
    pub composite: Option<Version>,
}

/// A version: its first, second and third number. What is not said is 0.
pub type Version = [u16; 3];

impl Product {
    /// Every product that is known, by what its own path validation verifies as it is shipped. That a handshake's
    /// own signature is of the certificate's key, which may be another algorithm, is not asked here.
    ///
    /// A version is one of which it is known, by release notes or by our own tests; there is none where nobody is known
    /// to have succeeded. In detail:
    ///
    /// - Bouncy Castle: PKIX path validation. Our tests run 1.86, which has the 18 composites; ML-DSA is in 1.80
    ///   already. Its TLS negotiates ML-DSA only where it is told to.
    /// - GnuTLS: up to 3.8.13 it calls every ML-DSA signature invalid.
    /// - Go: ML-DSA since 1.27.
    /// - Java: ML-DSA is among its signatures since 24 (JEP 497); that a path of certificates was verified by it, let
    ///   alone within its TLS, is not known.
    /// - OpenSSL: both since 3.5. Where a distribution's own settings leave ML-DSA out, name a version before that.
    /// - rustls: with aws-lc-rs, whose provider has ML-DSA by default since 0.23.44; with ring never.
    pub const ALL: [Self; 6] = [
        Self {
            name: "bouncycastle",
            oldest: [1, 70, 0],
            ed25519: Some([1, 70, 0]),
            ml_dsa: Some([1, 80, 0]),
            slh_dsa: Some([1, 86, 0]),
            composite: Some([1, 86, 0]),
        },
        Self::without_post_quantum("gnutls", [3, 7, 0], [3, 6, 0]),
        Self {
            ml_dsa: Some([1, 27, 0]),
            ..Self::without_post_quantum("go", [1, 26, 0], [1, 13, 0])
        },
        Self::without_post_quantum("java", [8, 0, 0], [15, 0, 0]),
        Self {
            ml_dsa: Some([3, 5, 0]),
            slh_dsa: Some([3, 5, 0]),
            ..Self::without_post_quantum("openssl", [3, 0, 0], [1, 1, 1])
        },
        Self {
            ml_dsa: Some([0, 23, 44]),
            ..Self::without_post_quantum("rustls", [0, 23, 0], [0, 20, 0])
        },
    ];

    const fn without_post_quantum(name: &'static str, oldest: Version, ed25519: Version) -> Self {
        let ed25519 = Some(ed25519);
        Self { name, oldest, ed25519, ml_dsa: None, slh_dsa: None, composite: None }
    }
}

/// A product in a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    written: String,
    product: &'static Product,
    version: Version,
}

impl Peer {
    /// Whether it can verify the signature on a certificate that is protected like this. An alternative signature
    /// beside it hinders nobody.
    #[must_use]
    pub fn verifies(&self, protection: &Protection) -> bool {
        let since = match protection.scheme() {
            SignatureScheme::Classical(ClassicalScheme::Ed25519) => self.product.ed25519,
            SignatureScheme::Classical(_) => return true,
            SignatureScheme::MlDsa(_) => self.product.ml_dsa,
            SignatureScheme::SlhDsa(_) => self.product.slh_dsa,
            SignatureScheme::Composite(_) => self.product.composite,
        };
        since.is_some_and(|since| self.version >= since)
    }

    /// The peers that people name.
    ///
    /// # Errors
    /// For a name that is not known, and for more than 32.
    pub fn named<S: AsRef<str>>(names: &[S]) -> Result<Vec<Self>, Refusal> {
        if names.len() > MOST {
            let found = format!("{} names", names.len());
            return Err(Refusal::of(FIELD, found, format!("at most {MOST}")));
        }
        names.iter().map(|name| name.as_ref().parse()).collect()
    }
}

impl FromStr for Peer {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refusal = || {
            let names = Product::ALL.map(|product| product.name).join(", ");
            let example = "each also with a version behind it, as openssl3.5";
            Refusal::new(FIELD, text, format!("{names}, {example}"))
        };
        if text.len() > LONGEST {
            return Err(refusal());
        }
        let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (name, version) = text.split_at(digits);
        let product = Product::ALL.iter().find(|product| product.name == name);
        let product = product.ok_or_else(refusal)?;
        let version = match version {
            "" => product.oldest,
            version => self::version(version).ok_or_else(refusal)?,
        };
        Ok(Self { written: text.to_owned(), product, version })
    }
}

/// One to three numbers with dots between.
fn version(text: &str) -> Option<Version> {
    let mut version = Version::default();
    let mut parts = text.split('.');
    for place in &mut version {
        let Some(part) = parts.next() else { break };
        if !part.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(version)
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::offer::tests::algorithm;

    fn signed_by(name: &str) -> Protection {
        Protection::single(algorithm(name).scheme())
    }

    #[test]
    fn each_peer_verifies_what_its_version_knows_and_nothing_more() {
        for (peer, of, verifies) in [
            ("go", "p256", true),
            ("go", "ed25519", true),
            ("go", "ml-dsa-65", false),
            ("go1.26", "ml-dsa-65", false),
            ("go1.27", "ml-dsa-65", true),
            ("go1.27", "slh-dsa-sha2-128s", false),
            ("openssl", "ml-dsa-65", false),
            ("openssl3.4.9", "ml-dsa-65", false),
            ("openssl3.5", "ml-dsa-65", true),
            ("openssl3.5", "slh-dsa-sha2-128s", true),
            ("openssl3.5", "hybrid", false),
            ("rustls0.23.43", "ml-dsa-65", false),
            ("rustls0.23.44", "ml-dsa-65", true),
            ("java", "ed25519", false),
            ("java15", "ed25519", true),
            ("java24", "ml-dsa-65", false),
            ("gnutls3.8.13", "ml-dsa-65", false),
            ("bouncycastle1.80", "ml-dsa-65", true),
            ("bouncycastle1.86", "hybrid", true),
            ("bouncycastle1.80", "hybrid", false),
        ] {
            let found: Peer = peer.parse().unwrap();
            assert_eq!(found.verifies(&signed_by(of)), verifies, "{peer} {of}");
        }
    }

    #[test]
    fn an_alternative_signature_hinders_nobody_and_helps_nobody() {
        let second = algorithm("ml-dsa-65").scheme();
        for product in &Product::ALL {
            let peer: Peer = product.name.parse().unwrap();
            assert!(peer.verifies(&signed_by("p256").with_alternative(second)), "{peer}");
            assert!(!peer.verifies(&signed_by("hybrid").with_alternative(second)), "{peer}");
        }
    }

    #[test]
    fn what_is_no_peer_is_refused_by_its_name() {
        let long = "openssl3.50000000000000000000000000000000";
        for text in [
            "",
            "3.5",
            "opensssl3.5",
            "openssl3.5-fips",
            "openssl3.5.0.1",
            "go1.",
            "go99999",
            "OpenSSL3.5",
            long,
        ] {
            let refusal = text.parse::<Peer>().unwrap_err().to_string();
            let start = format!("peers: found \"{text}\", allowed: bouncycastle, gnutls, go");
            assert!(refusal.starts_with(&start), "{refusal}");
        }
        let shown = Peer::named(&["go", "rustls0.23.44", "java21"]).unwrap();
        let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["go", "rustls0.23.44", "java21"]);
        assert!(Peer::named(&["go"; 32]).is_ok());
        let refusal = Peer::named(&["go"; 33]).unwrap_err().to_string();
        assert_eq!(refusal, "peers: found 33 names, allowed: at most 32");
    }
}
