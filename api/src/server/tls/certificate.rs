//! A certificate of the server with its key.

use std::path::Path;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Input, Label};
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::config::{ALGORITHMS, FilesConfig};
use crate::cli::{CliError, Exit};
use crate::input::{self, Source};
use crate::key_file;

/// A certificate with the chain that clients get, and its key in the TLS library.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    leaf: Certificate,
    certified: Arc<CertifiedKey>,
}

impl ServerCertificate {
    /// Joins chain and key; `place` stands in messages.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where they don't belong together, the certificate is not valid
    /// now, or the library has no use for the key.
    pub fn new(
        place: &str,
        chain: Vec<Certificate>,
        key: &PrivateKey,
        now: Timestamp,
    ) -> Result<Self, CliError> {
        let refused = |what: String| Err(CliError::usage(format!("{place}: {what}")));
        let Some(leaf) = chain.first().cloned() else {
            return refused("found no certificate, allowed is a chain".to_owned());
        };
        if leaf.public_key() != key.public_key() {
            return refused("the key is not that of the first certificate".to_owned());
        }
        let validity = leaf.validity();
        if !validity.contains(now) {
            let (from, to) = (validity.not_before(), validity.not_after());
            return refused(format!(
                "found a certificate that is valid from {from} to {to}, allowed is one that is valid now, at {now}"
            ));
        }
        let pkcs8 = key.to_pkcs8_der();
        let pkcs8 = pkcs8.map_err(|error| CliError::of(Exit::Fault, "private key", &error))?;
        let loaded = any_supported_type(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()).into());
        let Ok(loaded) = loaded else {
            let (found, allowed) = (key.public_key().kind(), ALGORITHMS.join(", "));
            return refused(format!("found a key of {found}, allowed are {allowed} and RSA"));
        };
        let chain = chain.iter().map(|one| CertificateDer::from(one.der().to_vec())).collect();
        Ok(Self { leaf, certified: Arc::new(CertifiedKey::new(chain, loaded)) })
    }

    /// Reads chain and key from their files, which are below `base`.
    ///
    /// # Errors
    /// As [`Self::new`], and where a file can't be read.
    pub fn from_files(files: &FilesConfig, base: &Path, now: Timestamp) -> Result<Self, CliError> {
        let (chain_file, key_file) = (base.join(&files.chain_file), base.join(&files.key_file));
        let place = format!("tls: {} and {}", chain_file.display(), key_file.display());
        let chain = read_chain(&chain_file)?;
        Self::new(&place, chain, &read_key(&key_file)?, now)
    }

    /// The certificate itself.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The name of its key's algorithm.
    pub fn algorithm(&self) -> String {
        let kind = self.leaf.public_key().kind();
        let row = ca_core::algorithm::Algorithm::of_key(kind, false);
        row.map_or_else(|| kind.to_string(), |row| row.name().to_owned())
    }

    /// What the TLS library takes.
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}

/// Reads the certificates of a file; a key may stand beside them.
///
/// # Errors
/// `CliError` with exit code 2 where it can't be read.
pub(super) fn read_chain(file: &Path) -> Result<Vec<Certificate>, CliError> {
    let octets = input::read(&Source::File(file.to_owned()))?;
    let failed = |error: &dyn std::error::Error| CliError::of(Exit::Usage, file.display(), error);
    let one = |der: &[u8]| Certificate::from_der(der).map_err(|error| failed(&error));
    match pem::read(&octets).map_err(|error| failed(&error))? {
        Input::Der(der) => Ok(vec![one(&der)?]),
        Input::Pem(blocks) => {
            let certificates = blocks.iter().filter(|block| block.label() == Label::Certificate);
            certificates.map(|block| one(block.der())).collect()
        }
    }
}

/// Reads the key of a file, which has no passphrase.
///
/// # Errors
/// `CliError` with exit code 2 where it can't be read.
pub(super) fn read_key(file: &Path) -> Result<PrivateKey, CliError> {
    let octets = input::read(&Source::File(file.to_owned()))?;
    let name = file.display().to_string();
    key_file::read(&name, &octets, || {
        let message = format!("{name}: found a key under a passphrase, allowed is one without");
        Err(CliError::usage(message)
            .with_hint("the server starts without a person; keep the file to its user, mode 0600"))
    })
}
