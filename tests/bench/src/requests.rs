//! Certification requests, made before they are needed: distinct names, a few keys.

use std::ops::Range;

use ca_core::algorithm::Algorithm;
use ca_core::csr::CertificateRequest;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::sign::Signer;

use crate::Failure;

/// How many keys the requests share.
const KEYS: usize = 8;

/// Makes requests whose keys are of one algorithm.
pub(crate) struct Requests {
    signers: Vec<Signer>,
    made: usize,
}

impl Requests {
    pub(crate) fn new(algorithm: &'static Algorithm) -> Result<Self, Failure> {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let signer = |_| -> Result<Signer, Failure> {
            Ok(PrivateKey::generate(algorithm, &mut rng)?.signer(algorithm.scheme())?)
        };
        Ok(Self { signers: (0..KEYS).map(signer).collect::<Result<_, _>>()?, made: 0 })
    }

    /// The next ones, in DER, made on every core.
    pub(crate) fn make(&mut self, number: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let cores = std::thread::available_parallelism()?.get();
        let (from, to) = (self.made, self.made + number);
        self.made = to;
        let share = number.div_ceil(cores).max(1);
        let parts = (from..to).step_by(share).map(|start| start..(start + share).min(to));
        let this = &*self;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                parts.map(|part| scope.spawn(move || this.make_part(part))).collect();
            let mut all = Vec::with_capacity(number);
            for thread in threads {
                all.extend(thread.join().map_err(|_| "requests: making them panicked")??);
            }
            Ok(all)
        })
    }

    fn make_part(&self, numbers: Range<usize>) -> Result<Vec<Vec<u8>>, Failure> {
        numbers.map(|number| self.make_one(number)).collect()
    }

    fn make_one(&self, number: usize) -> Result<Vec<u8>, Failure> {
        let name = format!("host-{number}.bench.example");
        let subject = DistinguishedName::parse(&format!("CN={name}"))?;
        let names = [AltName::parse(&format!("DNS:{name}"))?];
        let signer = &self.signers[number % self.signers.len()];
        Ok(CertificateRequest::build(&subject, &names, &[], signer)?.der().to_vec())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_request_is_made_twice() {
        let mut requests = Requests::new(Algorithm::named("ECDSA-P256").unwrap()).unwrap();
        let all =
            [requests.make(11).unwrap(), requests.make(3).unwrap(), requests.make(0).unwrap()];
        let different: BTreeSet<Vec<u8>> = all.into_iter().flatten().collect();
        assert_eq!(different.len(), 14);
        for octets in different {
            CertificateRequest::from_der(&octets).unwrap().verify_possession().unwrap();
        }
    }
}
