//! A request that came from outside, and whether whoever made it holds the key in it.

use ca_core::algorithm::KeyKind;
use ca_core::certificate::Certificate;
use ca_core::csr::{CertificateRequest, CsrError, ProvenRequest, Vouching};
use ca_core::pem;
use jiff::Timestamp;
use ledger::Ledger;

use super::{CliError, Context, Exit, exit_code};
use crate::input::Source;
use crate::issuance::Asker;
use crate::possession::{PossessionOptions, Voucherage};

/// Who may vouch for an ML-KEM key.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct VoucherOptions {
    #[command(flatten)]
    possession: PossessionOptions,

    /// For an ML-KEM key: trust the certificate that vouches (RFC 9883) also when it was issued
    /// below one of these, beside the roots of this ledger; may be given more than once
    #[arg(long, value_name = "FILE")]
    possession_trust: Vec<Source>,
}

impl VoucherOptions {
    /// As [`PossessionOptions::check_unused`].
    ///
    /// # Errors
    /// `CliError` with exit code 2 where a certificate that vouches, or whom to trust for one, is
    /// given.
    pub(super) fn check_unused(&self, shown: &str) -> Result<(), CliError> {
        self.possession.check_unused(&self.possession_trust, shown)
    }
}

/// A CSR and where it was read.
pub(super) struct Found<'a> {
    source: &'a Source,
    csr: CertificateRequest,
}

/// Reads a CSR; nothing of it is judged.
///
/// # Errors
/// `CliError` with exit code 2 where there is none.
pub(super) fn read_request<'a>(
    source: &'a Source,
    context: &mut Context,
) -> Result<Found<'a>, CliError> {
    let octets = context.read(source)?;
    let csr = pem::read_one_request(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?;
    Ok(Found { source, csr })
}

impl<'a> Found<'a> {
    /// The CSR.
    pub(super) fn csr(&self) -> &CertificateRequest {
        &self.csr
    }

    /// Checks that the key in the CSR signed it.
    ///
    /// # Errors
    /// `CliError` with exit code 1.
    pub(super) fn signed(&self) -> Result<ProvenRequest<'_>, CliError> {
        self.csr.verify_possession().map_err(|error| self.refused(&error))
    }

    /// Joins the CSR with what is at hand to judge who vouches for a key that can't sign.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where a certificate that vouches is given and none is needed,
    /// or a file can't be read, 3 where the ledger can't.
    pub(super) async fn asked(
        self,
        options: &VoucherOptions,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Asked<'a>, CliError> {
        let kind = self.csr.public_key().kind();
        let KeyKind::MlKem(_) = kind else {
            options.check_unused(&format!("{}: its {kind} key signs for itself", self.source))?;
            return Ok(Asked { found: self, voucherage: None });
        };
        let (shown, trust) = (&options.possession, &options.possession_trust);
        let voucherage = Voucherage::of_ledger(ledger, &self.csr, shown, trust, context).await?;
        Ok(Asked { found: self, voucherage: Some(voucherage) })
    }

    fn refused(&self, error: &CsrError) -> CliError {
        CliError::of(Exit::Refused, self.source, error)
    }
}

/// A CSR, and what is at hand to judge it.
pub(super) struct Asked<'a> {
    found: Found<'a>,
    voucherage: Option<Voucherage>,
}

impl Asked<'_> {
    /// Where the CSR was read.
    pub(super) fn source(&self) -> &Source {
        self.found.source
    }

    /// The CSR.
    pub(super) fn csr(&self) -> &CertificateRequest {
        &self.found.csr
    }

    /// Who asks, named by the certificate that vouches as well, before anything of it is judged: a
    /// request that came before is answered when that certificate has ended meanwhile.
    ///
    /// # Errors
    /// `CliError` with exit code 1 where nobody vouches for a key that can't sign.
    pub(super) fn asker(&self, asker: Asker, now: Timestamp) -> Result<Asker, CliError> {
        self.with_vouching(now, |vouching| {
            let Some(vouching) = vouching else { return Ok(asker) };
            let voucher = self.csr().signature_certificate(vouching)?.fingerprint();
            Ok(asker.vouched(voucher, self.csr().statement().is_some()))
        })
    }

    /// Checks that whoever made the CSR has the private key: by its signature, or by what the
    /// holder of a signature certificate states (RFC 9883).
    ///
    /// # Errors
    /// `CliError` with exit code 1.
    pub(super) fn proven(&self, now: Timestamp) -> Result<ProvenRequest<'_>, CliError> {
        self.with_vouching(now, |vouching| match vouching {
            None => self.csr().verify_possession(),
            Some(vouching) => self.csr().verify_statement(vouching),
        })
    }

    fn with_vouching<T>(
        &self,
        now: Timestamp,
        judge: impl FnOnce(Option<&Vouching<'_>>) -> Result<T, CsrError>,
    ) -> Result<T, CliError> {
        let result = match &self.voucherage {
            None => judge(None),
            Some(voucherage) => {
                let standing = |certificate: &Certificate| voucherage.standing(certificate);
                judge(Some(&voucherage.vouching(now, &standing)))
            }
        };
        result.map_err(|error| self.found.refused(&error))
    }
}
