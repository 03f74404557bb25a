//! Whether the ledger is the one that the keys and the trust of this cluster belong to.
//!
//! A new ledger looks like one that was lost, or like that of another database. Authorities that are
//! founded in it a second time, with the keys of the first, would forget every revocation and count
//! their lists from 1 again. So what Kubernetes still has of the first ones is looked at before
//! anything is made.

use std::collections::HashSet;

use ca_core::certificate::Certificate;
use ca_core::pem;
use ledger::Authority;

use super::{Bootstrap, PlannedAuthority};
use crate::cli::{CliError, Exit};
use crate::data_folder::ledger_failed;

/// What to do about it.
const BRING_BACK: &str = "the ledger was lost, or this is another one: name the right one, or bring it back from a backup";

impl Bootstrap<'_> {
    /// Refuses to found authorities of which Kubernetes has more than a run leaves that was cut off.
    ///
    /// Such a run leaves at most the keys of the first authority that the ledger has not, as each is
    /// completed before the next is begun, and certificates are published when all are.
    ///
    /// # Errors
    /// `CliError` with exit code 3 that names the Secret or ConfigMap, and what the ledger does not
    /// know.
    pub(super) async fn refuse_another_ledger(
        &self,
        planned: &[PlannedAuthority],
    ) -> Result<(), CliError> {
        let known = self.ledger.authorities().await.map_err(ledger_failed)?;
        let missing: Vec<&PlannedAuthority> =
            planned.iter().filter(|one| !is_complete(&known, &one.founding.name)).collect();
        let Some((first, later)) = missing.split_first() else { return Ok(()) };
        for one in later {
            self.refuse_keys(&one.founding.name, &first.founding.name).await?;
        }
        // An authority below one that is there belongs to its hierarchy; a root begins another.
        match missing.iter().find(|one| one.parent.is_none()) {
            Some(root) => self.refuse_trust(&known, &root.founding.name).await,
            None => Ok(()),
        }
    }

    /// Keys of an authority before which another one is missing.
    async fn refuse_keys(&self, name: &str, first: &str) -> Result<(), CliError> {
        let Some((server, prefix)) = self.key_secrets else { return Ok(()) };
        let secret = format!("{prefix}{name}");
        if server.secret(&secret).await?.is_none() {
            return Ok(());
        }
        let message = format!(
            "Secret {secret}: found the keys of {name}, allowed are none while the ledger does not know {first}, which stands before it in the plan"
        );
        Err(CliError::environment(message).with_hint(BRING_BACK))
    }

    /// Certificates that another ledger published.
    async fn refuse_trust(&self, known: &[Authority], root: &str) -> Result<(), CliError> {
        let Some((server, trust)) = self.published else { return Ok(()) };
        let map = &trust.config_map;
        let Some(files) = server.config_map(map).await? else { return Ok(()) };
        let ours: HashSet<&[u8]> = known
            .iter()
            .flat_map(|one| one.certificates.iter().map(|found| found.der.as_slice()))
            .collect();
        let place = |file: &str| format!("ConfigMap {map}: {file}");
        for file in trust.files.keys() {
            let text = files.get(file).map(|text| text.trim()).unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            let certificates: Vec<Certificate> = pem::read_certificates(text.as_bytes())
                .map_err(|error| CliError::of(Exit::Environment, place(file), &error))?;
            if let Some(foreign) = certificates.iter().find(|one| !ours.contains(one.der())) {
                let message = format!(
                    "{}: found a certificate of {} that the ledger does not know, allowed are its own where the root {root} is to be made",
                    place(file),
                    foreign.subject(),
                );
                return Err(CliError::environment(message).with_hint(format!(
                    "{BRING_BACK}; only where nothing relies on that certificate any more, delete the ConfigMap"
                )));
            }
        }
        Ok(())
    }
}

fn is_complete(known: &[Authority], name: &str) -> bool {
    known.iter().any(|one| one.content.name == name && !one.certificates.is_empty())
}
