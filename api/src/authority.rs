//! Authorities of this machine: a key, its certificate, and the chain above it.

mod chain;
mod found;
mod import;
pub mod link;

use std::path::Path;

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Label};
use ca_core::plan::IssuerIdentity;
use ca_core::sign::Signer;
use ledger::Ledger;

pub use chain::{LinkError, Mode, certificates, chain, others, verify_signature};
pub use found::{Begun, Founding, Protection, begin, found};
pub use import::{Importing, import};

use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, ledger_failed};
use crate::input::Source;
use crate::key_file;
use crate::passphrase::Passphrase;

/// The file of an authority's key, in its folder.
pub(crate) const KEY: &str = "key.pem";
/// The file of the key of its alternative signatures.
pub(crate) const ALT_KEY: &str = "alt-key.pem";

/// An authority whose key is loaded.
#[derive(Debug)]
pub struct Authority {
    name: String,
    algorithm: &'static Algorithm,
    signer: Signer,
    alt_signer: Option<Signer>,
    /// Its own certificate first, each followed by its issuer's; empty while a root is made.
    chain: Vec<Certificate>,
    /// Certificates of its root by other generations of that root.
    links: Vec<Certificate>,
}

impl Authority {
    /// Joins the parts.
    pub fn new(
        name: String,
        algorithm: &'static Algorithm,
        signer: Signer,
        alt_signer: Option<Signer>,
        chain: Vec<Certificate>,
    ) -> Self {
        Self { name, algorithm, signer, alt_signer, chain, links: Vec::new() }
    }

    /// Loads an authority: its keys from the data folder, its chain from the ledger.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for an unknown name or a wrong passphrase, 3 where files or
    /// ledger can't be read.
    pub async fn load(
        folder: &DataFolder,
        ledger: &Ledger,
        name: &str,
        ask: &mut dyn FnMut(&mut Context) -> Result<Passphrase, CliError>,
        context: &mut Context,
    ) -> Result<Self, CliError> {
        let recorded = ledger.authority(name).await.map_err(ledger_failed)?;
        let algorithm = recorded.ok_or_else(|| unknown(name))?.content.algorithm;
        let algorithm = Algorithm::named(&algorithm)
            .map_err(|error| CliError::of(Exit::Environment, "authority", &error))?;
        let chain = chain(ledger, name).await?;
        let certificate = chain.first().ok_or_else(|| no_certificate(name))?;
        let keys = AuthorityKeys::load(&folder.authority(name), ask, context)?;
        keys.check_belong_to(certificate, &folder.authority(name))?;
        let (signer, alt_signer) = keys.signers(algorithm)?;
        let links = match chain.last() {
            Some(root) => link::links(ledger, root, name, context.now()).await?,
            None => Vec::new(),
        };
        Ok(Self { links, ..Self::new(name.to_owned(), algorithm, signer, alt_signer, chain) })
    }

    /// Its name in the ledger.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn algorithm(&self) -> &'static Algorithm {
        self.algorithm
    }

    /// Its key.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Its second key, where it makes alternative signatures (X.509 (10/2019) clause 9.8).
    pub fn alt_signer(&self) -> Option<&Signer> {
        self.alt_signer.as_ref()
    }

    /// Its own certificate; none while a root is made.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.chain.first()
    }

    /// Its own certificate and those above it.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// What planning needs to know.
    pub fn identity(&self) -> IssuerIdentity<'_> {
        IssuerIdentity {
            certificate: self.certificate(),
            public_key: self.signer.public_key(),
            scheme: self.signer.scheme(),
            alt_scheme: self.alt_signer.as_ref().map(Signer::scheme),
        }
    }

    /// A certificate of this authority with the chain up to, but without, the root: what a TLS
    /// server is given. Where the root has another generation, its link certificate comes last.
    pub fn chain_pem(&self, leaf: &[u8]) -> String {
        chain_pem(leaf, &self.chain, &self.links)
    }

    /// Certificates of its root by other generations of that root.
    pub fn links(&self) -> &[Certificate] {
        &self.links
    }
}

/// A certificate with those above it up to, but without, the root, and the links of the root last.
pub fn chain_pem(leaf: &[u8], above: &[Certificate], links: &[Certificate]) -> String {
    let above = above.iter().filter(|certificate| !certificate.is_self_issued());
    let above = above.chain(links).map(Certificate::der);
    let ders = std::iter::once(leaf).chain(above);
    ders.map(|der| pem::encode(Label::Certificate, der)).collect()
}

/// The keys of an authority, as its folder holds them.
pub struct AuthorityKeys {
    /// The key that signs.
    pub key: PrivateKey,
    /// The key of the alternative signature.
    pub alt_key: Option<PrivateKey>,
}

impl AuthorityKeys {
    /// Reads `key.pem` and, where there is one, `alt-key.pem`. The passphrase is asked for once.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when a file can't be read, else as [`key_file::read`].
    pub fn load(
        folder: &Path,
        ask: &mut dyn FnMut(&mut Context) -> Result<Passphrase, CliError>,
        context: &mut Context,
    ) -> Result<Self, CliError> {
        let mut asked = None;
        let mut load = |name: &str| {
            let source = Source::File(folder.join(name));
            let octets = context.read(&source).map_err(|error| {
                CliError::environment(error.message()).with_hint(
                    "an authority signs only with its key: bring the file back from where it is kept",
                )
            })?;
            key_file::read(&source.to_string(), &octets, || match &asked {
                Some(passphrase) => Ok(Passphrase::clone(passphrase)),
                None => Ok(asked.insert(ask(context)?).clone()),
            })
        };
        let key = load(KEY)?;
        let has_alternative = folder.join(ALT_KEY).exists();
        let alt_key = if has_alternative { Some(load(ALT_KEY)?) } else { None };
        Ok(Self { key, alt_key })
    }

    fn check_belong_to(&self, certificate: &Certificate, place: &Path) -> Result<(), CliError> {
        let alternative = self.alt_key.as_ref().map(PrivateKey::public_key);
        let wrong = if self.key.public_key() != certificate.public_key() {
            KEY
        } else if alternative != certificate.extensions().alt_public_key() {
            ALT_KEY
        } else {
            return Ok(());
        };
        let message = format!(
            "{}: not the key of this authority's certificate in the ledger",
            place.join(wrong).display()
        );
        Err(CliError::environment(message)
            .with_hint("key files and ledger belong together; restore both from the same backup"))
    }

    /// Loads both into the library that signs; the first signs by this algorithm.
    ///
    /// # Errors
    /// `CliError` with exit code 3 when the key is of another kind, 4 when the library refuses it.
    pub fn signers(&self, algorithm: &Algorithm) -> Result<(Signer, Option<Signer>), CliError> {
        let alternative = self.alt_key.as_ref().map(|key| {
            let algorithm = Algorithm::of_key(key.public_key().kind(), false);
            signer(key, algorithm.unwrap_or(Algorithm::hybrid()))
        });
        Ok((signer(&self.key, algorithm)?, alternative.transpose()?))
    }
}

fn signer(key: &PrivateKey, algorithm: &Algorithm) -> Result<Signer, CliError> {
    let failed = |error| CliError::of(Exit::Environment, "authority key", &error);
    key.signer(algorithm.scheme()).map_err(failed)
}

pub(crate) fn unknown(name: &str) -> CliError {
    CliError::usage(format!("authority {name:?}: not in this ledger"))
        .with_hint("`espalier ca list` names those that are")
}

fn no_certificate(name: &str) -> CliError {
    CliError::environment(format!("authority {name}: it has no certificate yet"))
        .with_hint("it was cut off while it was made; run the same `espalier ca create` again")
}
