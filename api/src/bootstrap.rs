//! Authorities as a plan says, made where they are missing. It may be cut off anywhere and run
//! again: what is there stays, what was begun is completed, nothing is replaced.
//!
//! In Kubernetes keys may go into Secrets, one for each authority. A Secret is made before the ledger
//! learns of the authority, so that no ledger ever waits for a key that nobody has.

mod in_cluster;
mod lost;
mod plan;

use std::collections::BTreeMap;

use ca_core::algorithm::Algorithm;
use ca_core::pem::{self, Label};
use ca_core::public_key::PublicKey;
use ledger::Ledger;

pub use in_cluster::{ApiServer, InClusterOptions};
pub use plan::{InKubernetes, Plan, PlannedAuthority, Trust};

use crate::authority::{self, ALT_KEY, Authority, Founding, KEY, Protection, begin};
use crate::cli::{CliError, Context};
use crate::data_folder::{DataFolder, ledger_failed, make_folder, write_file};
use crate::input::{self, Source};
use crate::output::Content;
use crate::passphrase::PassphraseOptions;
use in_cluster::{Creation, SecretFiles};

/// What became of each authority, in the plan's order.
pub type Outcomes = Vec<(String, Outcome)>;

/// What became of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there, as the plan says.
    Kept,
    /// It was made.
    Made,
}

/// Whom it concerns: the place of keys, the ledger, and Kubernetes where the plan speaks of it.
pub struct Bootstrap<'a> {
    /// The data folder, which gets the keys.
    pub folder: &'a DataFolder,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// How the files of keys are protected.
    pub protection: Protection<'a>,
    /// The API server, and how the names of Secrets of keys begin.
    pub key_secrets: Option<(&'a ApiServer, &'a str)>,
    /// The API server, and where certificates are published.
    pub published: Option<(&'a ApiServer, &'a Trust)>,
}

/// Opens the ledger of a data folder, or makes it where nothing is there yet.
///
/// # Errors
/// `CliError` with exit code 3 when it can't be opened, or when there are keys without a ledger: it
/// was lost, and a new one would know nothing of what they signed.
pub async fn open_or_create(folder: &DataFolder) -> Result<Ledger, CliError> {
    if folder.has_ledger()? {
        return folder.open_ledger().await;
    }
    if folder.path().join("authorities").exists() {
        let message =
            format!("{}: there are authorities in it, but no ledger", folder.path().display());
        return Err(CliError::environment(message).with_hint(
            "bring ledger.sqlite back from a backup: a new one would know nothing of what these keys signed",
        ));
    }
    folder.create_ledger().await
}

impl Bootstrap<'_> {
    /// Makes what is missing of the plan.
    ///
    /// # Errors
    /// `CliError` with exit code 1 when a profile refuses, 2 when an authority is there and not what
    /// the plan says, 3 where files, ledger or Kubernetes can't be had, or where Kubernetes has keys
    /// or certificates of a ledger that is not this one.
    pub async fn run(
        &self,
        authorities: Vec<PlannedAuthority>,
        context: &mut Context,
    ) -> Result<Outcomes, CliError> {
        self.refuse_another_ledger(&authorities).await?;
        let mut outcomes = Outcomes::new();
        for planned in authorities {
            let name = planned.founding.name.clone();
            let outcome = match self.is_there(&planned).await? {
                true => Outcome::Kept,
                false => {
                    self.make(planned, context).await?;
                    Outcome::Made
                }
            };
            outcomes.push((name, outcome));
        }
        Ok(outcomes)
    }

    /// Whether the authority is there with a certificate, and is what the plan says.
    async fn is_there(&self, planned: &PlannedAuthority) -> Result<bool, CliError> {
        let Founding { name, algorithm, alt_algorithm, .. } = &planned.founding;
        let known = self.ledger.authority(name).await.map_err(ledger_failed)?;
        let Some(known) = known.filter(|known| !known.certificates.is_empty()) else {
            return Ok(false);
        };
        let chain = authority::chain(self.ledger, name).await?;
        let alternative = chain.first().and_then(|own| own.extensions().alt_public_key());
        let kind = |kind: Option<String>| kind.unwrap_or_else(|| "none".to_owned());
        let fields = [
            ("algorithm", known.content.algorithm, algorithm.name().to_owned()),
            (
                "alt_algorithm",
                kind(alternative.map(PublicKey::kind).map(|found| found.to_string())),
                kind(alt_algorithm.map(Algorithm::key).map(|wanted| wanted.to_string())),
            ),
            ("parent", kind(known.content.parent), kind(planned.parent.clone())),
        ];
        match fields.into_iter().find(|(_, found, planned)| found != planned) {
            None => Ok(true),
            Some((field, found, planned)) => Err(CliError::usage(format!(
                "authority {name}: its {field} is {found} in the ledger, and {planned} in the plan"
            ))
            .with_hint("an authority is never replaced: plan another by another name")),
        }
    }

    async fn make(&self, planned: PlannedAuthority, context: &mut Context) -> Result<(), CliError> {
        let parent = match &planned.parent {
            Some(name) => Some(self.parent(name, context).await?),
            None => None,
        };
        let name = planned.founding.name.clone();
        let has_secret = self.fetch_keys(&name).await?;
        let (folder, ledger) = (self.folder, self.ledger);
        let begun =
            begin(folder, ledger, planned.founding, parent.as_ref(), self.protection, context)
                .await?;
        if !has_secret {
            self.keep_keys(&name).await?;
        }
        begun.complete(ledger, parent.as_ref(), context).await.map(|_| ())
    }

    /// The authority that signs for another. Its key may have come into a Secret in an earlier run.
    async fn parent(&self, name: &str, context: &mut Context) -> Result<Authority, CliError> {
        if !self.folder.authority(name).join(KEY).exists() {
            self.fetch_keys(name).await?;
        }
        let protection = self.protection;
        let mut ask = |context: &mut Context| {
            let named = PassphraseOptions::default();
            self.folder.passphrase_beside_new(&named, protection.passphrase, context)
        };
        Authority::load(self.folder, self.ledger, name, &mut ask, context).await
    }

    /// Brings an authority's keys from its Secret into the folder, and says whether there is one.
    async fn fetch_keys(&self, name: &str) -> Result<bool, CliError> {
        let Some((server, prefix)) = self.key_secrets else { return Ok(false) };
        let Some(files) = server.secret(&format!("{prefix}{name}")).await? else {
            return Ok(false);
        };
        let place = self.folder.authority(name);
        make_folder(&place)?;
        for file in [KEY, ALT_KEY] {
            if let Some(octets) = files.get(file).filter(|_| !place.join(file).exists()) {
                write_file(place.join(file), Content::Secret, octets)?;
            }
        }
        Ok(true)
    }

    /// Puts an authority's keys from the folder into a new Secret.
    async fn keep_keys(&self, name: &str) -> Result<(), CliError> {
        let Some((server, prefix)) = self.key_secrets else { return Ok(()) };
        let place = self.folder.authority(name);
        let mut files = SecretFiles::new();
        for file in [KEY, ALT_KEY] {
            let path = place.join(file);
            if path.exists() {
                files.insert(file.to_owned(), input::read(&Source::File(path))?);
            }
        }
        let secret = format!("{prefix}{name}");
        match server.create_secret(&secret, &files).await? {
            Creation::Made => Ok(()),
            Creation::Taken => {
                let message = format!("Secret {secret}: somebody else made it a moment ago");
                Err(CliError::environment(message).with_hint(
                    "run this again in an empty data folder: it takes the keys that are there",
                ))
            }
        }
    }
}

/// Publishes the certificates that the plan names. Where the ClusterTrustBundle can't be had people are
/// told, and that is all: an API server without its kind keeps no CA from being started.
///
/// # Errors
/// `CliError` with exit code 3 where ledger or API server can't be asked.
pub async fn publish(
    trust: &Trust,
    ledger: &Ledger,
    server: &ApiServer,
    context: &Context,
) -> Result<(), CliError> {
    let mut files = BTreeMap::new();
    for (file, names) in &trust.files {
        let mut text = String::new();
        for name in names {
            let chain = authority::chain(ledger, name).await?;
            let own = chain.first().map(|own| pem::encode(Label::Certificate, own.der()));
            text.push_str(&own.unwrap_or_default());
        }
        files.insert(file.as_str(), text);
    }
    server.apply_config_map(&trust.config_map, &files).await?;
    if let Some(bundle) = &trust.cluster_trust_bundle {
        let certificates = files.get(bundle.file.as_str()).map_or("", String::as_str);
        if let Err(error) = server.apply_trust_bundle(bundle, certificates).await {
            context.note(&format!("no ClusterTrustBundle is published: {}", error.message()));
        }
    }
    Ok(())
}
