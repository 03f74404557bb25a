//! Lints of the subject's key: form, and known ways for it to be weak.

use der::Decode;

use super::subject::Claims;
use super::{Check, Lint};
use crate::algorithm::{ClassicalKey, KeyKind};
use crate::public_key::{PublicKey, PublicKeyError, RsaPublicKey};

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "key_readable",
        "RFC 5280 section 4.1.2.7",
        "The subject's key is a SubjectPublicKeyInfo in DER.",
        Check::Claims(|claims| {
            fault(claims, |error| {
                matches!(error, PublicKeyError::Malformed(_) | PublicKeyError::UnusedBits)
            })
        }),
    ),
    Lint::fixed(
        "key_parameters",
        "RFC 3279 section 2.3, RFC 5480, RFC 8410 section 3, RFC 9881 section 2, RFC 9909 section 3, RFC 9935 section 3, composite draft section 5",
        "The key's algorithm has the parameters that its RFC asks for: a named curve for EC, NULL for RSA, none for all others.",
        Check::Claims(|claims| {
            fault(claims, |error| matches!(error, PublicKeyError::Parameters { .. }))
        }),
    ),
    Lint::fixed(
        "key_length",
        "RFC 5480 section 2.2, RFC 9881 section 4, RFC 9909 section 5, RFC 9935 section 4, composite draft section 4",
        "The key has the length and form of its algorithm: an uncompressed point, all octets of ML-DSA, ML-KEM or SLH-DSA, the RSA size that a composite names.",
        Check::Claims(|claims| {
            fault(claims, |error| {
                use PublicKeyError::{CompositeRsaBits, CompressedPoint, Length};
                matches!(error, Length { .. } | CompressedPoint { .. } | CompositeRsaBits { .. })
            })
        }),
    ),
    Lint::warning(
        "key_algorithm_known",
        "Espalier, `espalier algorithms`",
        "The key's algorithm is one that Espalier knows.",
        Check::Claims(|claims| match claims.key.ok()?.kind() {
            KeyKind::Other(oid) => Some(format!(
                "public key: found algorithm {oid}, better are the rows of `espalier algorithms`"
            )),
            _ => None,
        }),
    ),
    Lint::fixed(
        "rsa_size",
        "NIST SP 800-131A, CA/Browser Forum BR section 6.1.5",
        "An RSA modulus has 2048 to 8192 bits in whole octets.",
        Check::Claims(|claims| {
            fault(claims, |error| matches!(error, PublicKeyError::RsaBits { .. }))
        }),
    ),
    Lint::fixed(
        "rsa_exponent",
        "RFC 8017 section 3.1, CA/Browser Forum BR section 6.1.6",
        "An RSA exponent is an odd number from 3 to 2^33.",
        Check::Claims(|claims| fault(claims, |error| matches!(error, PublicKeyError::RsaExponent))),
    ),
    Lint::error(
        "rsa_exponent_not_small",
        "CA/Browser Forum BR section 6.1.6, NIST FIPS 186-5 section 5.1",
        "An RSA exponent is 65537 or more.",
        Check::Claims(small_exponent),
    ),
    Lint::fixed(
        "rsa_no_small_factor",
        "NIST SP 800-89 section 5.3.3, CA/Browser Forum BR section 6.1.6",
        "An RSA modulus is odd and no prime up to 751 divides it.",
        Check::Claims(|claims| {
            fault(claims, |error| {
                matches!(error, PublicKeyError::RsaModulus | PublicKeyError::RsaSmallFactor { .. })
            })
        }),
    ),
    Lint::fixed(
        "rsa_not_roca",
        "CVE-2017-15361, CA/Browser Forum BR section 6.1.1.3",
        "An RSA modulus has not the form of the library whose keys can be factored (ROCA).",
        Check::Claims(|claims| fault(claims, |error| matches!(error, PublicKeyError::RsaRoca))),
    ),
    Lint::fixed(
        "rsa_primes_apart",
        "CVE-2022-26320, CA/Browser Forum BR section 6.1.1.3",
        "100 rounds of Fermat's method do not factor an RSA modulus.",
        Check::Claims(|claims| {
            fault(claims, |error| matches!(error, PublicKeyError::RsaClosePrimes { .. }))
        }),
    ),
    Lint::fixed(
        "point_on_curve",
        "NIST SP 800-56A section 5.6.2.3, RFC 8032 section 5.1.7",
        "An EC key is a point of its curve, an EdDSA key one of large order.",
        Check::Claims(|claims| {
            fault(claims, |error| matches!(error, PublicKeyError::WeakPoint { .. }))
        }),
    ),
    Lint::fixed(
        "ml_kem_coefficients",
        "FIPS 203 section 7.2, RFC 9935 section 4",
        "The coefficients of an ML-KEM key are below the modulus.",
        Check::Claims(|claims| {
            fault(claims, |error| matches!(error, PublicKeyError::Coefficient { .. }))
        }),
    ),
];

/// What is wrong with the key or, where it holds one, with the alternative key.
fn fault(claims: &Claims<'_>, of_this_lint: fn(&PublicKeyError) -> bool) -> Option<String> {
    let own = claims.key_fault().filter(|error| of_this_lint(error)).map(ToString::to_string);
    own.or_else(|| {
        let error = claims.extensions.alt_public_key()?.check_strength().err()?;
        of_this_lint(&error).then(|| format!("subjectAltPublicKeyInfo: {error}"))
    })
}

fn small_exponent(claims: &Claims<'_>) -> Option<String> {
    let key = claims.key.ok()?;
    let rsa = RsaPublicKey::from_der(rsa_octets(key)?).ok()?;
    let exponent =
        rsa.exponent.as_bytes().iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
    (exponent < 65_537).then(|| {
        format!("public key: found the RSA exponent {exponent}, allowed are 65537 and more")
    })
}

/// The RSAPublicKey, alone or in a composite.
fn rsa_octets(key: &PublicKey) -> Option<&[u8]> {
    match (key.kind(), key.composite_halves()) {
        (KeyKind::Classical(ClassicalKey::Rsa { .. }), _) => Some(key.key_bytes()),
        (KeyKind::Composite(composite), Some(halves)) => {
            matches!(composite.classical_key(), ClassicalKey::Rsa { .. })
                .then_some(halves.classical)
        }
        _ => None,
    }
}
