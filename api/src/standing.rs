//! What this ledger says of a certificate that somebody shows: it binds, vouches or answers for
//! others only while it stands.

use ca_core::certificate::Certificate;
use ca_core::csr::Standing;
use ca_core::path::same_name;
use ledger::{Entry, Ledger};

use crate::authority::certificates;
use crate::cli::CliError;
use crate::data_folder::ledger_failed;

/// What the ledger knows of a certificate.
///
/// # Errors
/// `CliError` with exit code 3 where the ledger can't be read.
pub(crate) async fn standing(
    certificate: &Certificate,
    ledger: &Ledger,
) -> Result<Standing, CliError> {
    let fingerprint = certificate.fingerprint();
    let entry = ledger.get_by_fingerprint(fingerprint).await.map_err(ledger_failed)?;
    let mut authorities = Vec::new();
    for authority in ledger.authorities().await.map_err(ledger_failed)? {
        authorities.extend(certificates(&authority)?);
    }
    Ok(judged(certificate, entry.as_ref(), &authorities))
}

/// The same, of what was read from the ledger before: the entry of the certificate's serial number
/// or fingerprint, and every certificate of its authorities. A certificate that names one of them
/// as its issuer should be in the ledger; of what others issued nothing is known.
pub(crate) fn judged(
    certificate: &Certificate,
    entry: Option<&Entry>,
    authorities: &[Certificate],
) -> Standing {
    let entry = entry.filter(|entry| stored(entry).as_ref() == Some(certificate));
    if let Some(entry) = entry {
        return match &entry.revocation {
            Some(revocation) => Standing::Revoked { at: revocation.revoked_at },
            None => Standing::Good,
        };
    }
    let is_authority = authorities.contains(certificate);
    let is_ours = authorities.iter().any(|one| same_name(one.subject(), certificate.issuer()));
    if is_ours && !is_authority { Standing::NotIssued } else { Standing::Unknown }
}

/// Those that stand: what is revoked, or should be in the ledger and is not, vouches for nothing
/// below it.
///
/// # Errors
/// `CliError` with exit code 3 where the ledger can't be read.
pub(crate) async fn only_standing(
    certificates: Vec<Certificate>,
    ledger: &Ledger,
) -> Result<Vec<Certificate>, CliError> {
    let mut authorities = Vec::new();
    for authority in ledger.authorities().await.map_err(ledger_failed)? {
        authorities.extend(self::certificates(&authority)?);
    }
    let mut standing = Vec::new();
    for certificate in certificates {
        let fingerprint = certificate.fingerprint();
        let entry = ledger.get_by_fingerprint(fingerprint).await.map_err(ledger_failed)?;
        match judged(&certificate, entry.as_ref(), &authorities) {
            Standing::Good | Standing::Unknown => standing.push(certificate),
            Standing::Revoked { .. } | Standing::NotIssued => {}
        }
    }
    Ok(standing)
}

/// The certificate of an entry.
pub(crate) fn stored(entry: &Entry) -> Option<Certificate> {
    let certificate = entry.certificate.as_ref()?;
    Certificate::from_der(&certificate.der).ok()
}

/// Refuses a certificate that does not stand; `subject` says which it is, `hint` what to do.
///
/// # Errors
/// `CliError` with exit code 1 where it is revoked, or where the ledger should have it and does
/// not; 3 where the ledger can't be read.
pub(crate) async fn check(
    certificate: &Certificate,
    subject: &str,
    hint: &str,
    ledger: &Ledger,
) -> Result<(), CliError> {
    let message = match standing(certificate, ledger).await? {
        Standing::Good | Standing::Unknown => return Ok(()),
        Standing::Revoked { at } => {
            format!("{subject}: found it revoked since {at}, allowed is one that is not")
        }
        Standing::NotIssued => format!(
            "{subject}: found that it names {} as its issuer, which is an authority of this ledger, but is not in the ledger; allowed is one that the ledger has",
            ca_core::name::to_text(certificate.issuer())
        ),
    };
    Err(CliError::refused(message).with_hint(hint))
}
