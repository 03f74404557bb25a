//! TLS: whom the client trusts, and the certificate that it shows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::ClientError;

/// Certificates that a server's own must lead to: those in `ca_file`, or those that the system
/// trusts.
///
/// # Errors
/// `ClientError::Config` when the file can't be read, or has no certificate.
pub fn trusted_roots(ca_file: Option<&Path>) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca_file else {
        // Those that can't be read are left out; without any, every connection fails and says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let failed = |found: String| unusable(&format!("CA file {}", path.display()), found);
    for certificate in certificates(path, "CA file")? {
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    Ok(roots)
}

/// Every certificate of a file, one at least.
fn certificates(path: &Path, field: &str) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let failed = |found: String| unusable(&format!("{field} {}", path.display()), found);
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    certificates_in(&text, &format!("{field} {}", path.display()))
}

/// Every certificate of a text, one at least.
fn certificates_in(text: &[u8], field: &str) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let read = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let all = read.map_err(|error| unusable(field, error.to_string()))?;
    if all.is_empty() { Err(unusable(field, "no certificate".into())) } else { Ok(all) }
}

fn unusable(field: &str, found: String) -> ClientError {
    ClientError::config(field, found, "certificates in PEM, one at least")
}

/// Whom the client trusts.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// What the system trusts.
    System,
    /// The certificates in this file.
    File(PathBuf),
    /// These certificates, in PEM.
    Text(Vec<u8>),
}

impl Trust {
    fn roots(&self) -> Result<RootCertStore, ClientError> {
        match self {
            Self::System => trusted_roots(None),
            Self::File(path) => trusted_roots(Some(path)),
            Self::Text(text) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates_in(text, "CA certificates")? {
                    let added = roots.add(certificate);
                    added.map_err(|error| unusable("CA certificates", error.to_string()))?;
                }
                Ok(roots)
            }
        }
    }
}

/// A certificate with those above it, and its key, which is not encrypted.
#[derive(Clone)]
pub(crate) enum Identity {
    /// In files.
    Files { chain: PathBuf, key: PathBuf },
    /// As text in PEM.
    Text { chain: Vec<u8>, key: Zeroizing<Vec<u8>> },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { chain, .. } => f.debug_tuple("Identity").field(chain).finish(),
            Self::Text { .. } => f.write_str("Identity(…)"),
        }
    }
}

impl Identity {
    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ClientError> {
        let (chain, key) = match self {
            Self::Files { chain, key } => {
                (certificates(chain, "client certificate")?, PrivateKeyDer::from_pem_file(key))
            }
            Self::Text { chain, key } => {
                (certificates_in(chain, "client certificate")?, PrivateKeyDer::from_pem_slice(key))
            }
        };
        Ok((chain, key.map_err(|error| self.no_key(error.to_string()))?))
    }

    fn no_key(&self, found: String) -> ClientError {
        let field = match self {
            Self::Files { key, .. } => format!("client key {}", key.display()),
            Self::Text { .. } => "client key".to_owned(),
        };
        let allowed = "the certificate's private key in PEM, not encrypted";
        ClientError::config(field, found, allowed)
    }
}

/// TLS 1.3 and 1.2, X25519MLKEM768 first.
pub(crate) fn config(
    trust: &Trust,
    identity: Option<&Identity>,
) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::config("TLS", error.to_string(), "TLS 1.3 and 1.2"))?
        .with_root_certificates(trust.roots()?);
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = identity.read()?;
    let with_identity = builder.with_client_auth_cert(chain, key);
    with_identity.map_err(|error| identity.no_key(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(trusted_roots(Some(&path)).is_err(), "no such file");
        std::fs::write(&path, "nothing").unwrap();
        let error = trusted_roots(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("ca.pem: found no certificate, allowed"), "{error}");
    }
    #[test]
    fn text_is_held_to_the_same_and_shows_no_key() {
        let error = Trust::Text(b"nothing".to_vec()).roots().unwrap_err().to_string();
        assert!(error.starts_with("CA certificates: found no certificate"), "{error}");
        let key = Zeroizing::new(b"secret".to_vec());
        let identity = Identity::Text { chain: b"nothing".to_vec(), key };
        assert!(!format!("{identity:?}").contains("secret"));
        let error = identity.read().unwrap_err().to_string();
        assert!(error.starts_with("client certificate: found no certificate"), "{error}");
    }
}
