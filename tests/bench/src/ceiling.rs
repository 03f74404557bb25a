//! What the signer alone could do: signatures per second with their check by the second
//! implementation, on as many threads as the server signs with, and nothing else on the machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;

use crate::Failure;

/// Octets of a to-be-signed certificate beside its public key.
const TBS_OCTETS: usize = 500;

/// Signatures per second.
pub(crate) fn measure(algorithm: &'static Algorithm, time: Duration) -> Result<f64, Failure> {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let key = PrivateKey::generate(algorithm, &mut rng)?;
    let signer = key.signer(algorithm.scheme())?;
    let message = vec![0x5a; TBS_OCTETS + signer.public_key().spki_der().len()];
    let (threads, signed) = (std::thread::available_parallelism()?.get(), AtomicU64::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| {
        let sign = || -> Result<(), Failure> {
            while started.elapsed() < time {
                std::hint::black_box(signer.sign(&message)?);
                signed.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(sign)).collect();
        for thread in running {
            thread.join().map_err(|_| "signer: panicked")??;
        }
        Ok(signed.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
    })
}
