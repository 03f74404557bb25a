//! Who answers OCSP requests instead of an authority.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::ocsp::CertStatus;
use ca_core::pem;
use ca_core::sign::Signer;
use ledger::{Ledger, SerialStatus};

use crate::cli::{CliError, Context, Exit};
use crate::input::Source;
use crate::key_file;
use crate::passphrase::PassphraseOptions;
use crate::standing;

/// A delegate whose key is loaded.
#[derive(Debug)]
pub struct Delegate {
    /// Its certificate, for OCSPSigning.
    pub certificate: Certificate,
    /// Its key.
    pub signer: Signer,
}

impl Delegate {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for a file that can't be read, 1 for a delegate that is revoked,
    /// or that the ledger should have and does not.
    pub async fn load(
        certificate: &Source,
        key: &Source,
        passphrase: &PassphraseOptions,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Self, CliError> {
        let octets = context.read(certificate)?;
        let delegate = pem::read_one_certificate(&octets)
            .map_err(|error| CliError::of(Exit::Usage, certificate, &error))?;
        let subject = format!("{certificate}: delegate");
        let hint = "issue another delegate by `espalier issue --profile ocsp-responder`, or let the authority answer itself";
        standing::check(&delegate, &subject, hint, ledger).await?;
        let private = key_file::load(key, passphrase, context)?;
        let kind = private.public_key().kind();
        let scheme = Algorithm::of_key(kind, false).map(Algorithm::scheme).ok_or_else(|| {
            CliError::usage(format!("{key}: found a key of {kind}, allowed is one that signs"))
        })?;
        let signer = private.signer(scheme);
        let signer = signer.map_err(|error| CliError::of(Exit::Usage, key, &error))?;
        Ok(Self { certificate: delegate, signer })
    }
}

/// What the ledger says, as a response has it.
pub fn cert_status(status: &SerialStatus) -> CertStatus {
    match status {
        SerialStatus::Good => CertStatus::Good,
        SerialStatus::Revoked { reason, revoked_at, invalidity_date } => CertStatus::Revoked {
            at: *revoked_at,
            reason: (*reason).into(),
            invalidity_date: *invalidity_date,
        },
        SerialStatus::Unknown => CertStatus::Unknown,
    }
}
