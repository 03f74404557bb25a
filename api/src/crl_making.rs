//! Making a revocation list from the ledger, top to bottom.
//!
//! The number is reserved and committed, the entries are streamed, the list is signed and read back,
//! the ledger compares it with what was reserved, and only then is it published. A crash between two
//! steps costs a number, never a list that lacks a revocation.

use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::crl::{CertificateList, CrlBuildError, CrlBuilder, CrlNumber};
use ca_core::general_name::AbsoluteUri;
use jiff::Timestamp;
use ledger::{Crl, CrlKind, Ledger, NewCrl, NewCrlList};

use crate::authority::Authority;
use crate::cli::{CliError, Exit, Terminal};
use crate::data_folder::ledger_failed;
use crate::output::failed;
use crate::progress::Progress;

/// Entries that are read at once.
const PAGE: u32 = 1000;

/// A signed list that the ledger does not know as stored yet.
#[derive(Debug)]
pub struct MadeCrl {
    reserved: Crl,
    list: CertificateList,
}

/// Checks all that can be checked before a number is spent.
///
/// # Errors
/// `CliError` with exit code 1 when the authority may not sign such a list.
pub fn rehearse(
    authority: &Authority,
    new: &NewCrl,
    freshest: &[AbsoluteUri],
) -> Result<(), CliError> {
    let number = new.base.map_or(1, |base| base.saturating_add(1));
    builder(issuer(authority)?, new, number, freshest).map(drop).map_err(refused)
}

/// Reserves the number, streams the entries and signs.
///
/// The entries take memory as DER alone, about 40 octets each, once; what was signed goes by way
/// of a file in `folder` that has no name.
///
/// # Errors
/// `CliError`; the number is spent then, and there is no list.
pub async fn make(
    ledger: &Ledger,
    authority: &Authority,
    new: NewCrl,
    freshest: &[AbsoluteUri],
    folder: &Path,
    terminal: Terminal,
) -> Result<MadeCrl, CliError> {
    let reserved = ledger.reserve_crl(new).await.map_err(ledger_failed)?;
    let signed = sign(ledger, authority, &reserved, freshest, folder, terminal).await;
    let list = signed.map_err(|error| {
        let message = format!("CRL number {}: not made: {}", reserved.number, error.message());
        let hint = "the number is spent; mend what is wrong and make the list again";
        CliError::new(error.exit(), message).with_hint(error.hint().unwrap_or(hint))
    })?;
    Ok(MadeCrl { reserved, list })
}

async fn sign(
    ledger: &Ledger,
    authority: &Authority,
    reserved: &Crl,
    freshest: &[AbsoluteUri],
    folder: &Path,
    terminal: Terminal,
) -> Result<CertificateList, CliError> {
    let (name, number) = (&reserved.content.authority, reserved.number);
    let builder =
        builder(issuer(authority)?, &reserved.content, number, freshest).map_err(refused)?;
    let mut list = builder.begin(authority.signer()).map_err(refused)?;
    let shown = Progress::start(terminal, "reading revocations", None);
    let mut after = Some(0);
    while let Some(position) = after {
        // A page that can't be read ends here: no shorter list is signed.
        let page = ledger.revoked(name, number, position, PAGE).await.map_err(ledger_failed)?;
        page.entries.iter().try_for_each(|entry| list.push(entry)).map_err(refused)?;
        shown.set(list.len() as u64);
        after = page.next;
    }
    drop(shown);
    let _shown = Progress::start(terminal, "signing the list", None);
    let fail = |error: io::Error| failed(folder.display(), &error);
    let mut file = tempfile::tempfile_in(folder).map_err(fail)?;
    let mut buffered = io::BufWriter::new(&mut file);
    let signed = list.sign(&mut buffered).map_err(refused)?;
    buffered.flush().map_err(fail)?;
    drop(buffered);
    let mut der = Vec::with_capacity(signed.octets);
    file.rewind().and_then(|()| file.read_to_end(&mut der)).map_err(fail)?;
    CertificateList::from_der(der).map_err(|error| CliError::of(Exit::Fault, "the list", &error))
}

impl MadeCrl {
    /// The list; it may not leave before it is stored.
    pub fn list(&self) -> &CertificateList {
        &self.list
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.reserved.number
    }

    /// Tells the ledger that the list is signed and on the disk, which compares it with what was
    /// reserved. After that it may be published, unless another process was faster with a higher
    /// number: whoever has that list must not be given this one.
    ///
    /// # Errors
    /// `CliError`; the list must not be published then.
    pub async fn store(&self, ledger: &Ledger, now: Timestamp) -> Result<(), CliError> {
        let NewCrl { authority, scope, base, .. } = &self.reserved.content;
        let new = NewCrlList::new(authority, &self.list, now).map_err(ledger_failed)?;
        ledger.store_crl(new).await.map_err(ledger_failed)?;
        let kind = if base.is_some() { CrlKind::Delta } else { CrlKind::Complete };
        let newest = ledger.newest_crl(authority, scope, kind).await.map_err(ledger_failed)?;
        match newest.filter(|newest| newest.number > self.number()) {
            None => Ok(()),
            Some(newer) => Err(CliError::refused(format!(
                "CRL number: found number {} of the same scope, stored meanwhile; allowed is the highest",
                newer.number
            ))
            .with_hint("the other list has all of this one; publish that, or make another")),
        }
    }
}

fn issuer(authority: &Authority) -> Result<&Certificate, CliError> {
    authority.certificate().ok_or_else(|| {
        CliError::environment(format!("authority {}: no certificate", authority.name()))
    })
}

fn builder<'a>(
    issuer: &'a Certificate,
    new: &NewCrl,
    number: u64,
    freshest: &[AbsoluteUri],
) -> Result<CrlBuilder<'a>, CrlBuildError> {
    let number = CrlNumber::from(number);
    let mut builder = CrlBuilder::new(issuer, number, new.this_update, new.next_update)?
        .scope(new.scope.clone())?;
    if let Some(base) = new.base {
        builder = builder.delta(base.into())?;
    }
    if freshest.is_empty() { Ok(builder) } else { builder.freshest_crl(freshest) }
}

fn refused(error: CrlBuildError) -> CliError {
    let exit = match error {
        CrlBuildError::Write(_) | CrlBuildError::Memory(_) => Exit::Environment,
        CrlBuildError::Sign(_) | CrlBuildError::Encoding(_) | CrlBuildError::SignerMismatch => {
            Exit::Fault
        }
        _ => Exit::Refused,
    };
    match std::error::Error::source(&error) {
        Some(source) => CliError::of(exit, &error, source),
        None => CliError::new(exit, error.to_string()),
    }
}
