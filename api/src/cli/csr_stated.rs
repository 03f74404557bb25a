//! Requests for keys that can't sign, signed by the key of a signature certificate (RFC 9883).

use std::ffi::OsString;

use ca_core::algorithm::Algorithm;
use ca_core::csr::{CertificateRequest, CsrError, SignatureCertificate};
use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use ca_core::public_key::PublicKey;

use super::{CliError, Context, Exit, exit_code};
use crate::input::Source;
use crate::key_file;
use crate::passphrase::PassphraseOptions;
use crate::possession::read_certificates;

/// By whom possession of a key that can't sign is stated.
#[derive(Debug, clap::Args)]
pub(super) struct StatementOptions {
    /// For an ML-KEM key: the signature certificate of the same subject, which vouches (RFC 9883)
    #[arg(long, value_name = "FILE", requires = "possession_key")]
    pub(super) possession_certificate: Option<Source>,

    /// The private key of that certificate, which signs the request
    #[arg(long, value_name = "FILE", requires = "possession_certificate")]
    possession_key: Option<Source>,

    /// Read the passphrase of that key from this file
    #[arg(long, value_name = "FILE", requires = "possession_key")]
    #[arg(conflicts_with = "possession_passphrase_env")]
    possession_passphrase_file: Option<Source>,

    /// Read the passphrase of that key from the environment variable of this name
    #[arg(long, value_name = "NAME", requires = "possession_key")]
    possession_passphrase_env: Option<OsString>,

    /// Name that certificate without including it: for an authority that issued it
    #[arg(long, requires = "possession_certificate")]
    name_only: bool,
}

impl StatementOptions {
    /// Makes the request for `public_key`.
    pub(super) fn build(
        &self,
        subject: &DistinguishedName,
        names: &[AltName],
        public_key: &PublicKey,
        context: &mut Context,
    ) -> Result<CertificateRequest, CliError> {
        let kind = public_key.kind();
        let (Some(certificate), Some(key)) = (&self.possession_certificate, &self.possession_key)
        else {
            return Err(CliError::refused(format!(
                "private key: {kind} can't sign, so that nothing would prove who holds it"
            ))
            .with_hint(
                "sign with the key of a certificate of the same subject: give \
                 --possession-certificate and --possession-key (RFC 9883)",
            ));
        };
        let certificate = read_certificates(certificate, context)?.remove(0);
        let passphrase = PassphraseOptions {
            passphrase_file: self.possession_passphrase_file.clone(),
            passphrase_env: self.possession_passphrase_env.clone(),
        };
        let signing = key_file::load(key, &passphrase, context)?;
        let signing_kind = signing.public_key().kind();
        let algorithm = Algorithm::of_key(signing_kind, false).ok_or_else(|| {
            CliError::refused(format!("{key}: {signing_kind} is not an algorithm to sign with"))
        })?;
        let signer = signing
            .signer(algorithm.scheme())
            .map_err(|error| CliError::of(Exit::Fault, "private key", &error))?;
        let by = SignatureCertificate {
            certificate: &certificate,
            signer: &signer,
            included: !self.name_only,
        };
        CertificateRequest::build_stated(subject, names, &[], public_key, by).map_err(
            |error: CsrError| CliError::new(exit_code::of_request(&error), error.to_string()),
        )
    }
}
