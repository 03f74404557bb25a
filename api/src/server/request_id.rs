//! Names of requests.

use std::fmt;

use rand_core::CryptoRng;

/// Names a request in answers, logs and the audit trail: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u128);

impl RequestId {
    /// Draws a new one.
    pub fn generate(rng: &mut (dyn CryptoRng + Send)) -> Self {
        let mut octets = [0; 16];
        rng.fill_bytes(&mut octets);
        Self(u128::from_be_bytes(octets))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
