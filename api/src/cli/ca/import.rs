//! `espalier ca import`.

use std::ffi::OsString;
use std::path::PathBuf;

use ca_core::escape::quoted;
use ceremony::audit::{Report, audit};
use ceremony::digest::Digest;
use ceremony::folder::Folder;
use ledger::Ledger;
use serde::Serialize;

use crate::authority::{Importing, Protection, import};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, DataOptions};
use crate::input::Source;
use crate::key_file;
use crate::passphrase::{NewPassphraseOptions, PassphraseOptions};

/// Take an authority over from an offline ceremony, once its transcript is checked; cut off, the same
/// command goes on
///
/// Everything in the ceremony's folder is checked as `espalier-ceremony verify-transcript` does, and the
/// head of its transcript must be the one that people have on paper. What the authority's issuer signed
/// in the ceremony is recorded in the ledger. A root is imported first, without a key: that stays under
/// its shares.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ca import root-2026 --ceremony root-2026 --step root --head \"$HEAD\" --new
  espalier ca import west --parent root-2026 --ceremony root-2026 --step west --head \"$HEAD\" --key west.key")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// Its name in the ledger: a-z, 0-9, `-`, `_` and `.`
    #[arg(value_name = "NAME")]
    name: String,

    /// The folder of the ceremony
    #[arg(long, value_name = "FOLDER")]
    ceremony: PathBuf,

    /// The step of the ceremony that made its certificate
    #[arg(long, value_name = "STEP")]
    step: String,

    /// The head of the transcript from paper: 64 hexadecimal digits, or its 24 words
    #[arg(long, value_name = "DIGEST")]
    head: String,

    /// The authority in the ledger that signed its certificate; none for a root
    #[arg(long, value_name = "NAME")]
    parent: Option<String>,

    /// Its private key, where it shall sign here
    #[arg(long, value_name = "FILE")]
    key: Option<Source>,

    /// Do without the signature of this witness, whom the definition of the ceremony names; once for
    /// each
    #[arg(long, value_name = "NAME")]
    without_signature_of: Vec<String>,

    /// Take over what a rehearsal made, which is marked in its names: for drills
    #[arg(long)]
    rehearsal: bool,

    /// Make the data folder, where there is none
    #[arg(long)]
    new: bool,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,

    /// Read the passphrase of --key from this file, where it is another
    #[arg(long, value_name = "FILE", conflicts_with = "key_passphrase_env")]
    key_passphrase_file: Option<Source>,

    /// Read the passphrase of --key from the environment variable of this name
    #[arg(long, value_name = "NAME")]
    key_passphrase_env: Option<OsString>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Imported<'a> {
    name: &'a str,
    ceremony: String,
    fingerprint_sha256: String,
    certificate: PathBuf,
    chain: PathBuf,
    key: Option<PathBuf>,
    /// The witnesses who signed the head, each with the fingerprint of their key.
    signed_by: Vec<SignedBy<'a>>,
    /// Those who did not, and were done without.
    without_signature_of: Vec<&'a str>,
}

#[derive(Serialize)]
struct SignedBy<'a> {
    name: &'a str,
    key: &'a str,
}

impl Options {
    /// The ledger; a new one where that was asked for and the ceremony is right.
    ///
    /// # Errors
    /// `CliError` with exit code 1 when the ceremony is not right, 3 when the ledger can't be opened.
    pub(super) async fn ledger(&self, folder: &DataFolder) -> Result<Ledger, CliError> {
        if !self.new || folder.has_ledger()? {
            return folder.open_ledger().await;
        }
        // Nothing is made for a ceremony that is not right.
        self.audited()?;
        folder.create_ledger().await
    }

    /// What the ceremony made, once everything in its folder is checked.
    fn audited(&self) -> Result<Report, CliError> {
        let head = Digest::from_paper(&self.head).ok_or_else(|| {
            let found = quoted(self.head.chars().take(80).collect::<String>());
            CliError::usage(format!(
                "--head: found {found}, allowed are the 64 hexadecimal digits of the head, or its 24 words"
            ))
        })?;
        let subject = self.ceremony.display();
        let report = audit(&Folder::new(&self.ceremony))
            .map_err(|error| CliError::of(Exit::Refused, &subject, &error))?;
        if head != report.head {
            let message = format!(
                "{subject}: head of the transcript: found {}, allowed is what --head says, from paper",
                report.head
            );
            return Err(CliError::refused(message));
        }
        if report.rehearsal != self.rehearsal {
            let (found, allowed) = match report.rehearsal {
                true => ("a rehearsal", "a ceremony; with --rehearsal a rehearsal, for drills"),
                false => ("a ceremony", "a rehearsal, as --rehearsal says"),
            };
            let message = format!("{subject}: found {found}, allowed is {allowed}");
            return Err(CliError::refused(message));
        }
        self.check_signed(&report)?;
        Ok(report)
    }

    /// Every witness whom the definition names signed the head, but those who are done without.
    fn check_signed(&self, report: &Report) -> Result<(), CliError> {
        let known = |name: &String| report.witnesses.iter().any(|witness| witness.name == *name);
        if let Some(name) = self.without_signature_of.iter().find(|name| !known(name)) {
            let names = report.witnesses.iter().map(|witness| witness.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            let message = format!(
                "--without-signature-of: found {}, allowed are witnesses of the definition: {}",
                quoted(name),
                if names.is_empty() { "it has none" } else { &names }
            );
            return Err(CliError::usage(message));
        }
        let unsigned = report.unsigned().into_iter().map(|witness| witness.name.as_str());
        let missing: Vec<&str> = unsigned
            .filter(|name| !self.without_signature_of.iter().any(|of| of == name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{}: found no signature over the head by {}, allowed is one of each witness of the definition; `espalier-ceremony witness add` adds them, --without-signature-of does without one",
            self.ceremony.display(),
            missing.join(", ")
        );
        Err(CliError::refused(message))
    }

    /// Where the passphrase of the key comes from, when it is another.
    fn key_passphrase(&self) -> PassphraseOptions {
        PassphraseOptions {
            passphrase_file: self.key_passphrase_file.clone(),
            passphrase_env: self.key_passphrase_env.clone(),
        }
    }
}

/// The witnesses who signed the head.
fn signed_by(report: &Report) -> Vec<SignedBy<'_>> {
    let signed = report.signed().into_iter();
    signed.map(|witness| SignedBy { name: &witness.name, key: &witness.key }).collect()
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let report = options.audited()?;
    let (mut key, mut passphrase) = (None, None);
    if let Some(source) = &options.key {
        passphrase = folder.new_passphrase(&options.passphrase, context)?;
        let octets = context.read(source)?;
        key = Some(key_file::read(&source.to_string(), &octets, || {
            folder.passphrase_beside_new(&options.key_passphrase(), passphrase.as_ref(), context)
        })?);
    }
    let importing = Importing {
        name: options.name.clone(),
        step: options.step.clone(),
        parent: options.parent.clone(),
        key,
    };
    let protection = Protection {
        passphrase: passphrase.as_ref(),
        derivation: options.passphrase.key_derivation(),
    };
    let chain = import(folder, ledger, &report, importing, protection, context).await?;
    let place = folder.authority(&options.name);
    let own = chain.first().ok_or_else(|| CliError::fault("certificate: found none"))?;
    let printed = Imported {
        name: &options.name,
        ceremony: report.ceremony.to_string(),
        fingerprint_sha256: own.fingerprint().to_string(),
        certificate: place.join("certificate.pem"),
        chain: place.join("chain.pem"),
        key: options.key.is_some().then(|| place.join("key.pem")),
        signed_by: signed_by(&report),
        without_signature_of: report.unsigned().iter().map(|one| one.name.as_str()).collect(),
    };
    if options.json {
        return context.print_json(&printed);
    }
    let key = printed.key.as_ref().map_or_else(
        || "none here: it stays where the ceremony left it".to_owned(),
        |path| path.display().to_string(),
    );
    let mut signed = String::new();
    for SignedBy { name, key } in &printed.signed_by {
        signed += &format!("signed by    {name}, {key}\n");
    }
    for name in &printed.without_signature_of {
        signed += &format!("not signed   by {name}\n");
    }
    context.print(&format!(
        "authority    {}\nceremony     {}\nfingerprint  {}\ncertificate  {}\nchain        {}\nkey          {key}\n{signed}",
        printed.name,
        printed.ceremony,
        printed.fingerprint_sha256,
        printed.certificate.display(),
        printed.chain.display(),
    ))
}
