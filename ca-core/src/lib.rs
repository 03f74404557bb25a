//! The pure core of Espalier: algorithms, keys, certificates, profiles, lints and verification.
//!
//! Nothing here reads a clock or opens a file or socket: time, randomness and signers are
//! arguments. The one exception is what stays inside AWS-LC: it draws RSA primes, ECDSA nonces, PSS
//! salts and ML-DSA's hedging from its own generator. See `docs/architecture.md` for who may use
//! what.

pub mod algorithm;
pub mod alt_signature;
mod aws_lc;
mod ber;
pub mod certificate;
mod cms;
pub mod crl;
pub mod csr;
pub mod escape;
pub mod extensions;
pub mod fingerprint;
pub mod general_name;
pub mod inspect;
pub mod key;
pub mod lint;
pub mod name;
pub mod ocsp;
pub mod path;
pub mod pem;
pub mod pkcs12;
pub mod pkcs7;
pub mod plan;
pub mod profile;
pub mod public_key;
pub mod related;
pub mod revocation;
mod secret;
pub mod serial;
pub mod sign;
pub mod signature;
pub mod validity;
mod well_formed;
