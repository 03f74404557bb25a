//! Who may vouch for a key that can't sign (RFC 9883): what this ledger and the command line say of
//! signature certificates.

use ca_core::certificate::Certificate;
use ca_core::csr::{CertificateRequest, Standing, Vouching};
use ca_core::pem;
use ca_core::serial::SerialNumber;
use jiff::Timestamp;
use ledger::{Entry, Ledger};

use crate::authority::certificates;
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::ledger_failed;
use crate::input::Source;
use crate::standing::{judged, only_standing, stored};

/// The signature certificate that vouches for an ML-KEM key.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PossessionOptions {
    /// The requester's signature certificate, whose key signed a request for an ML-KEM key; others
    /// behind it in the same file serve as intermediates
    #[arg(long, value_name = "FILE")]
    pub possession_certificate: Option<Source>,
}

impl PossessionOptions {
    /// Refuses what would be ignored: nobody vouches where possession is shown otherwise.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where a certificate that vouches, or whom to trust for one, is
    /// given.
    pub(crate) fn check_unused(&self, trust: &[Source], shown: &str) -> Result<(), CliError> {
        let option = match (&self.possession_certificate, trust) {
            (Some(_), _) => "--possession-certificate",
            (None, [_, ..]) => "--possession-trust",
            (None, []) => return Ok(()),
        };
        Err(CliError::usage(format!(
            "{option}: found beside {shown}; allowed is a request for an ML-KEM key"
        ))
        .with_hint(format!("leave out {option}")))
    }

    /// The certificate that was presented, and those behind it.
    ///
    /// # Errors
    /// `CliError` with exit code 2 when the file can't be read.
    pub fn read(
        &self,
        context: &mut Context,
    ) -> Result<(Option<Certificate>, Vec<Certificate>), CliError> {
        let Some(source) = &self.possession_certificate else { return Ok((None, Vec::new())) };
        let mut all = read_certificates(source, context)?;
        // The reader gives one certificate at least, or an error.
        let presented = all.remove(0);
        Ok((Some(presented), all))
    }
}

/// Every certificate of a file.
///
/// # Errors
/// `CliError` with exit code 2 when it can't be read.
pub fn read_certificates(
    source: &Source,
    context: &mut Context,
) -> Result<Vec<Certificate>, CliError> {
    let octets = context.read(source)?;
    pem::read_certificates(&octets).map_err(|error| CliError::of(Exit::Usage, source, &error))
}

/// Certificates that decide on a statement of possession.
#[derive(Debug, Default)]
pub struct Voucherage {
    /// Certificates that a statement may name without including them.
    pub known: Vec<Certificate>,
    /// The one that the requester showed.
    pub presented: Option<Certificate>,
    /// Whom to trust.
    pub anchors: Vec<Certificate>,
    /// Certificates that may stand between.
    pub intermediates: Vec<Certificate>,
    /// Where there is a ledger: its authorities, and what it says of the certificate.
    pub(crate) ledger: Option<Said>,
}

/// What a ledger says of one serial number.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) authorities: Vec<Certificate>,
    entry: Option<Entry>,
}

impl Voucherage {
    /// What is known beside a ledger's authorities: their roots are trusted, and `trust` as well.
    /// A certificate that the statement names by serial number alone is looked up.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where a file can't be read, 3 where the ledger can't.
    pub async fn of_ledger(
        ledger: &Ledger,
        csr: &CertificateRequest,
        options: &PossessionOptions,
        trust: &[Source],
        context: &mut Context,
    ) -> Result<Self, CliError> {
        let (presented, intermediates) = options.read(context)?;
        let mut trusted = Vec::new();
        for source in trust {
            trusted.extend(read_certificates(source, context)?);
        }
        Self::known_to(ledger, csr, presented, trusted, intermediates).await
    }

    /// The same with what was read already: the certificate that the requester showed, whom to trust
    /// beside the ledger's roots, and what may stand between.
    ///
    /// # Errors
    /// `CliError` with exit code 3 where the ledger can't be read.
    pub async fn known_to(
        ledger: &Ledger,
        csr: &CertificateRequest,
        presented: Option<Certificate>,
        trusted: Vec<Certificate>,
        mut intermediates: Vec<Certificate>,
    ) -> Result<Self, CliError> {
        let mut anchors = Vec::new();
        let mut said = Said::default();
        for authority in ledger.authorities().await.map_err(ledger_failed)? {
            let own = certificates(&authority)?;
            said.authorities.extend(own.iter().cloned());
            let is_root = authority.content.parent.is_none();
            let (roots, others): (Vec<_>, Vec<_>) =
                own.into_iter().partition(|one| is_root && one.is_self_issued());
            anchors.extend(roots);
            intermediates.extend(others);
        }
        let intermediates = only_standing(intermediates, ledger).await?;
        let mut anchors = only_standing(anchors, ledger).await?;
        anchors.extend(trusted);
        let named = csr.statement().map(|statement| statement.serial().as_bytes().to_vec());
        let shown = presented.as_ref().map(|shown| shown.serial_octets().to_vec());
        let serial = named.or(shown).and_then(|octets| SerialNumber::from_bytes(&octets).ok());
        if let Some(serial) = serial {
            said.entry = ledger.get_by_serial(serial).await.map_err(ledger_failed)?;
        }
        let known = said.entry.iter().filter_map(stored).collect();
        Ok(Self { known, presented, anchors, intermediates, ledger: Some(said) })
    }

    /// What ca-core asks for.
    pub fn vouching<'a>(
        &'a self,
        at: Timestamp,
        standing: &'a dyn Fn(&Certificate) -> Standing,
    ) -> Vouching<'a> {
        Vouching {
            known: &self.known,
            presented: self.presented.as_ref(),
            anchors: &self.anchors,
            intermediates: &self.intermediates,
            at,
            standing,
        }
    }

    /// What the ledger knows of a certificate: revoked, good, or one that it should know and does
    /// not. Nothing of what others issued.
    pub fn standing(&self, certificate: &Certificate) -> Standing {
        let Some(said) = &self.ledger else { return Standing::Unknown };
        judged(certificate, said.entry.as_ref(), &said.authorities)
    }
}
