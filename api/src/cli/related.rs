//! Related certificates (RFC 9763) at issuance: which one a CSR means, and whether that may be.

use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::csr::ProvenRequest;
use ca_core::pem;
use ca_core::profile::{Profile, RelatedRule};
use ca_core::related::{Binding, ProvenRelation, RelatedError};
use ledger::Ledger;

use super::{CliError, Context, Exit, exit_code};
use crate::authority::chain;
use crate::data_folder::ledger_failed;
use crate::input::Source;
use crate::standing;

/// How a wish to be bound to another certificate is judged.
#[derive(Debug, clap::Args)]
pub(super) struct RelatedOptions {
    /// The certificate that the CSR asks to be bound to (RFC 9763), with its chain; the one in the
    /// CSR itself by default
    #[arg(long, value_name = "FILE", requires = "csr")]
    related: Option<Source>,

    /// Trust these for the related certificate, beside this CA's own roots; may be given more than
    /// once
    #[arg(long, value_name = "FILE", requires = "csr")]
    related_trust: Vec<Source>,

    /// The greatest age of the wish, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    related_max_age_seconds: u32,
}

impl RelatedOptions {
    /// The certificate that the CSR asks to be bound to, checked; none when it asks for nothing,
    /// or the profile binds to nothing.
    pub(super) async fn prove(
        &self,
        csr: ProvenRequest<'_>,
        profile: &Profile,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Option<ProvenRelation>, CliError> {
        let request = csr.request().related_request();
        if profile.related() == RelatedRule::Ignore && self.related.is_none() {
            return Ok(None);
        }
        let Some(request) = request else {
            return match &self.related {
                Some(source) => Err(refused(source, &RelatedError::NoRequest)),
                None => Ok(None),
            };
        };
        let (subject, mut certificates) = match &self.related {
            Some(source) => (source.to_string(), read(source, context)?),
            None => {
                let der = request.inline_certificate().ok_or_else(|| {
                    CliError::usage(format!(
                        "related certificate: not in the request, which says it is at {}",
                        request.locations().join(", ")
                    ))
                    .with_hint("fetch it, and give it by --related")
                })?;
                let certificate = Certificate::from_der(&der).map_err(|error| {
                    CliError::of(exit_code::of_certificate(&error), "related certificate", &error)
                })?;
                ("related certificate in the request".to_owned(), vec![certificate])
            }
        };
        // The reader gives one certificate at least, or an error.
        let related = certificates.remove(0);
        let mut intermediates = certificates;
        let mut anchors = Vec::new();
        for authority in ledger.authorities().await.map_err(ledger_failed)? {
            let mut line = chain(ledger, &authority.content.name).await?;
            anchors.extend(line.pop());
            intermediates.append(&mut line);
        }
        let hint = "get a certificate by `espalier issue`, and make the request anew with that";
        standing::check(&related, "related certificate", hint, ledger).await?;
        let intermediates = standing::only_standing(intermediates, ledger).await?;
        let mut anchors = standing::only_standing(anchors, ledger).await?;
        for source in &self.related_trust {
            anchors.extend(read(source, context)?);
        }
        let binding = Binding {
            related: &related,
            intermediates: &intermediates,
            anchors: &anchors,
            now: context.now(),
            max_age: Duration::from_secs(self.related_max_age_seconds.into())
                .try_into()
                .map_err(|_| CliError::usage("--related-max-age-seconds: too long"))?,
        };
        let proven = binding.prove(csr).map_err(|error| refused(&subject, &error))?;
        Ok(Some(proven))
    }
}

fn refused(subject: impl std::fmt::Display, error: &RelatedError) -> CliError {
    let failure = CliError::of(Exit::Refused, subject, error);
    match error {
        RelatedError::Path(_) => failure.with_hint("give its root by --related-trust"),
        RelatedError::NotFresh { .. } => {
            failure.with_hint("make the request anew, or allow more by --related-max-age-seconds")
        }
        _ => failure,
    }
}

/// The certificates of a file; the first is the one that is meant.
pub(super) fn read(source: &Source, context: &mut Context) -> Result<Vec<Certificate>, CliError> {
    let octets = context.read(source)?;
    pem::read_certificates(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))
}
