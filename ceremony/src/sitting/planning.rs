//! Making the plan.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use ca_core::public_key::PublicKey;
use ca_core::serial::SerialNumber;

use super::{MAX_INPUT, Sitting, SittingError};
use crate::definition::Definition;
use crate::digest::Digest;
use crate::folder::{self, Folder, FolderError};
use crate::plan::{self, Plan, Setting, draw_serials};
use crate::planning::{Materials, Prepared};
use crate::transcript::{Event, KeyReady};

/// The files that a definition names.
pub(crate) fn inputs(
    folder: &Folder,
    definition: &Definition,
) -> Result<BTreeMap<String, Vec<u8>>, FolderError> {
    let read = |path: &str| Ok((path.to_owned(), folder.read(path, MAX_INPUT)?));
    definition.inputs().into_iter().map(read).collect()
}

/// The public keys that a transcript has.
pub(crate) fn public_keys(keys: &[KeyReady]) -> Option<BTreeMap<String, PublicKey>> {
    let read = |key: &KeyReady| {
        let der = Base64::decode_vec(&key.public_key).ok()?;
        Some((key.name.clone(), PublicKey::from_spki(&der).ok()?))
    };
    keys.iter().map(read).collect()
}

/// What the digest of the plan is called, on screens and on paper.
pub(super) const PLAN: &str = "Digest of the plan";

impl Sitting<'_> {
    /// Makes the plan, shows it, and writes it. An earlier plan is replaced as long as nothing was
    /// signed by it.
    ///
    /// # Errors
    /// `SittingError` when the keys are not there, the definition can't be planned, or something was
    /// signed.
    pub(super) fn make_plan(&mut self) -> Result<(), SittingError> {
        if !self.walk.signing.is_empty() || !self.walk.destroying.is_empty() {
            let message =
                "plan: something was signed already, by the plan that is there; go on with `run`";
            return Err(SittingError::State { message: message.into() });
        }
        let serials = draw_serials(&self.definition, self.world.rng);
        let (plan, prepared) = self.planned(serials)?;
        self.table.show(&plan::to_text(&plan, &prepared, &self.definition.witnesses))?;
        let file = plan.to_json();
        self.folder.write(folder::PLAN, &file)?;
        let digest = Digest::of(&file);
        self.table.note(PLAN, digest)?;
        self.record(Event::Planned { plan: digest })
    }

    /// The plan that definition, inputs and keys give with these serial numbers.
    pub(super) fn planned(
        &self,
        serials: BTreeMap<String, SerialNumber>,
    ) -> Result<(Plan, Vec<Prepared>), SittingError> {
        let (_, share_set_file) = self.kept()?;
        let public_keys = public_keys(&self.walk.keys).ok_or_else(|| SittingError::State {
            message: "transcript: keys_ready: a public key can't be read".into(),
        })?;
        let inputs = inputs(&self.folder, &self.definition)?;
        let materials = Materials { public_keys, inputs, serials, rehearsal: self.rehearsal };
        let setting = Setting {
            ceremony: self.ceremony,
            definition_file: &self.definition_file,
            share_set_file: &share_set_file,
        };
        Ok(Plan::new(&self.definition, setting, &materials)?)
    }
}
