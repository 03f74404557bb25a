//! OCSP responses that are signed beforehand: how many a second, beside the bare primitives over
//! the same octets.

use ca_core::algorithm::Algorithm;
use ca_core::crl::{EntrySerial, RevocationReason};
use ca_core::ocsp::{CertIdHash, CertStatus, OcspResponse, PreSigner, Responder, UpdateWindow};
use interop::issue::Authority;
use jiff::SignedDuration;

use super::{BOUNDS, Failure, ROUNDS, in_turn, now, primitives, serial};

/// Prints the figures and tells whether they keep the bounds of certificates.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub(super) fn run() -> Result<bool, Failure> {
    println!(
        "\none core; OCSP responses signed beforehand per second; medians of {ROUNDS} rounds\n"
    );
    println!(
        "{:<28} {:>10} {:>12} {:>7} {:>7}",
        "algorithm", "responses", "primitives", "share", "bound"
    );
    let mut all_hold = true;
    for (name, bound) in BOUNDS {
        let algorithm = Algorithm::named(name)?;
        let authority = Authority::root(algorithm, None).issuing(algorithm, None);
        let signer = authority.key.key.signer(authority.key.scheme)?;
        let responder = Responder::authority(&authority.certificate, &signer)?;
        let made = now();
        let window = UpdateWindow::new(made, made, Some(made + SignedDuration::from_hours(24)))?;
        let signer = PreSigner::new(&responder, &window, CertIdHash::Sha1)?;
        let mut statuses = std::iter::repeat_with(|| EntrySerial::from(&serial())).zip(
            [CertStatus::Good, CertStatus::revoked(made, RevocationReason::KeyCompromise)]
                .into_iter()
                .cycle(),
        );
        let mut responses = signer.sign_all(&mut statuses);
        let first = responses.next().ok_or("an endless list ended")??.1;
        let mut bare =
            primitives(algorithm, OcspResponse::from_der(first)?.basic()?.tbs_der().to_vec())?;
        let mut ours = || {
            std::hint::black_box(responses.next().ok_or("an endless list ended")??);
            Ok(())
        };
        let (ours, bare) = in_turn(ROUNDS, &mut ours, &mut *bare)?;
        let share = bare.as_secs_f64() / ours.as_secs_f64();
        let holds = share >= bound;
        all_hold &= holds;
        println!(
            "{:<28} {:>10.0} {:>12.0} {:>6.1}% {:>6.0}%{}",
            algorithm.name(),
            1.0 / ours.as_secs_f64(),
            1.0 / bare.as_secs_f64(),
            share * 100.0,
            bound * 100.0,
            if holds { "" } else { "  too slow" }
        );
    }
    Ok(all_hold)
}
