//! Who signs OCSP responses: the authority itself, or a delegate.

use ca_core::certificate::Certificate;
use ca_core::ocsp::{OcspBuildError, Responder, UpdateWindow};
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;

use crate::authority::{Authority, chain};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::DataFolder;
use crate::delegate::Delegate;
pub(super) use crate::delegate::cert_status;
use crate::input::Source;
use crate::passphrase::PassphraseOptions;

/// Who signs, and how long the answer is good.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ResponderOptions {
    /// The authority whose certificates are asked about
    #[arg(long, value_name = "NAME")]
    pub(super) authority: String,

    /// The certificate of a delegate that signs instead of the authority, as `espalier issue
    /// --profile ocsp-responder` makes it
    #[arg(long, value_name = "FILE", requires = "responder_key")]
    responder_cert: Option<Source>,

    /// The delegate's private key
    #[arg(long, value_name = "FILE", requires = "responder_cert")]
    responder_key: Option<Source>,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    /// For how many hours a response is good
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=8_784))]
    hours: i64,
}

/// Keys and certificates of a responder.
pub(super) struct Loaded {
    issuer: Certificate,
    signing: Signing,
}

enum Signing {
    Authority(Box<Authority>),
    Delegate(Box<Delegate>),
}

impl ResponderOptions {
    /// Loads the authority, or the delegate: then the authority's key is left alone.
    ///
    /// # Errors
    /// As [`Authority::load`]; exit code 2 for a delegate's file that can't be read, 1 for a
    /// delegate that is revoked, or that the ledger should have and does not.
    pub(super) async fn load(
        &self,
        folder: &DataFolder,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Loaded, CliError> {
        let (Some(certificate), Some(key)) = (&self.responder_cert, &self.responder_key) else {
            let mut ask = |context: &mut Context| folder.passphrase(&self.passphrase, context);
            let authority =
                Authority::load(folder, ledger, &self.authority, &mut ask, context).await?;
            let issuer = authority.certificate().cloned().ok_or_else(|| self.no_certificate())?;
            return Ok(Loaded { issuer, signing: Signing::Authority(Box::new(authority)) });
        };
        crate::cli::ca::find(ledger, &self.authority).await?;
        let chain = chain(ledger, &self.authority).await?;
        let issuer = chain.into_iter().next().ok_or_else(|| self.no_certificate())?;
        let delegate = Delegate::load(certificate, key, &self.passphrase, ledger, context).await?;
        Ok(Loaded { issuer, signing: Signing::Delegate(Box::new(delegate)) })
    }

    /// From now on, for the hours that were asked for.
    ///
    /// # Errors
    /// `CliError` with exit code 2 when the end is past what a timestamp holds.
    pub(super) fn window(&self, now: Timestamp) -> Result<UpdateWindow, CliError> {
        let next = now.checked_add(SignedDuration::from_hours(self.hours));
        let next = next.map_err(|error| CliError::usage(format!("--hours: {error}")))?;
        UpdateWindow::new(now, now, Some(next)).map_err(refused)
    }

    fn no_certificate(&self) -> CliError {
        CliError::environment(format!("authority {}: it has no certificate yet", self.authority))
    }
}

impl Loaded {
    /// The authority's own certificate.
    pub(super) fn issuer(&self) -> &Certificate {
        &self.issuer
    }

    /// The responder.
    ///
    /// # Errors
    /// `CliError` with exit code 1 when the certificate may not answer for the authority.
    pub(super) fn responder(&self) -> Result<Responder<'_>, CliError> {
        let responder = match &self.signing {
            Signing::Authority(authority) => Responder::authority(&self.issuer, authority.signer()),
            Signing::Delegate(delegate) => {
                Responder::delegate(&self.issuer, &delegate.certificate, &delegate.signer)
            }
        };
        responder.map_err(refused)
    }
}

pub(super) fn refused(error: OcspBuildError) -> CliError {
    let exit = match error {
        OcspBuildError::Sign(_) | OcspBuildError::Encoding(_) => Exit::Fault,
        _ => Exit::Refused,
    };
    CliError::new(exit, error.to_string())
}
