//! TLS: whom the client trusts, and the certificate that it shows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

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
    let failed = |found: String| unusable("CA file", path, found);
    for certificate in certificates(path, "CA file")? {
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    Ok(roots)
}

/// Every certificate of a file, one at least.
fn certificates(path: &Path, field: &str) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let failed = |found: String| unusable(field, path, found);
    let read = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    let all = read.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.to_string()))?;
    if all.is_empty() { Err(failed("no certificate".into())) } else { Ok(all) }
}

fn unusable(field: &str, path: &Path, found: String) -> ClientError {
    let field = format!("{field} {}", path.display());
    ClientError::config(field, found, "certificates in PEM, one at least")
}

/// A certificate with those above it, and its key, which is not encrypted.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) chain_file: PathBuf,
    pub(crate) key_file: PathBuf,
}

/// TLS 1.3 and 1.2, X25519MLKEM768 first.
pub(crate) fn config(
    ca_file: Option<&Path>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::config("TLS", error.to_string(), "TLS 1.3 and 1.2"))?
        .with_root_certificates(trusted_roots(ca_file)?);
    let Some(Identity { chain_file, key_file }) = identity else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(chain_file, "client certificate")?;
    let failed = |found: String| {
        let field = format!("client key {}", key_file.display());
        ClientError::config(field, found, "the certificate's private key in PEM, not encrypted")
    };
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| failed(error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| failed(error.to_string()))
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
}
