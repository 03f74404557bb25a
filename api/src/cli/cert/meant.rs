//! Which certificate a person means: by its serial number, its fingerprint, or a file with it.

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::name;
use ca_core::pem;
use ca_core::serial::SerialNumber;

use crate::cli::{CliError, Context, exit_code};
use crate::input::Source;

/// What was named.
pub(super) enum Meant {
    /// A serial number or a fingerprint, in lower case without colons.
    Number(String),
    /// A file; this is the fingerprint of its certificate.
    File(String),
}

impl Meant {
    /// Reads what was named. A file may have the certificates above it as well, each followed by its
    /// issuer's, as servers are given them: the first is meant.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for what is neither a number nor a file with a certificate, and
    /// for several certificates that are no chain.
    pub(super) fn read(source: &Source, context: &mut Context) -> Result<Self, CliError> {
        let text = source.to_string();
        if SerialNumber::from_hex(&text).is_ok() || Fingerprint::from_hex(&text).is_some() {
            return Ok(Self::Number(text.replace(':', "").to_lowercase()));
        }
        let octets = context.read(source).map_err(|error| {
            CliError::new(error.exit(), error.message()).with_hint(
                "name a serial number of 40 hexadecimal digits, a fingerprint of 64, or a file with a certificate",
            )
        })?;
        Ok(Self::File(first_of_chain(source, &octets)?.fingerprint().to_string()))
    }

    /// Its serial number or fingerprint.
    pub(super) fn into_number(self) -> String {
        match self {
            Self::Number(number) | Self::File(number) => number,
        }
    }
}

fn first_of_chain(source: &Source, octets: &[u8]) -> Result<Certificate, CliError> {
    let mut chain = pem::read_certificates(octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?;
    for (number, pair) in (2..).zip(chain.windows(2)) {
        let [one, above] = pair else { continue };
        if one.issuer() != above.subject() {
            let (found, allowed) = (name::to_text(above.subject()), name::to_text(one.issuer()));
            return Err(CliError::usage(format!(
                "{source}: certificate {number}: found {found}, allowed is the issuer of the one before, {allowed}"
            ))
            .with_hint("name a file for each certificate; only a chain may follow it"));
        }
    }
    // There is at least one, or they could not be read.
    Ok(chain.swap_remove(0))
}
