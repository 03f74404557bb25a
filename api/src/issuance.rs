//! Issuance, from a request to a released certificate, top to bottom.
//!
//! Each step consumes the proof of the one before it: [`Linted`] -> [`Recorded`] -> [`Signed`] ->
//! [`Stored`]. There is no way to sign what was not recorded, to sign one record twice, or to
//! release what was not stored. A crash between two steps leaves a record without a certificate,
//! which `espalier ledger check` lists, or a stored certificate.

use std::future::Future;
use std::time::{Duration, Instant};

use ca_core::algorithm::Algorithm;
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AltName;
use ca_core::lint::{AssembleError, LintError, Linted, lint};
use ca_core::name::{AttributeType, DistinguishedName};
use ca_core::plan::{PlanError, Request, plan};
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;
use ca_core::sign::SignError;
use jiff::Timestamp;
use ledger::{
    Certificate, Entry, Idempotency, Ledger, LedgerError, NewCertificate, NewRecord, NewRevocation,
    Record, Recording, RevocationReason, Revoking, Status,
};
use rand_core::CryptoRng;
use tracing::Instrument as _;

use crate::authority::Authority;

/// Tells the time.
pub type Clock = fn() -> Timestamp;

/// What issuance takes of the world.
pub trait World {
    /// What tells the time.
    fn clock(&self) -> Clock;
    /// The cryptographic random generator, for serial numbers.
    fn rng(&mut self) -> &mut (dyn CryptoRng + Send);
}

/// Who asks, and whether the same request may come again.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Who asks, authenticated.
    pub requester: String,
    /// The requester's name for this request, with the digest of its body.
    pub idempotency: Option<Idempotency>,
}

impl Asker {
    /// The person at this machine's command line, known by the user id of the process.
    pub fn local(idempotency: Option<Idempotency>) -> Self {
        let requester = format!("local-uid:{}", rustix::process::getuid().as_raw());
        Self { requester, idempotency }
    }

    /// The same, named by the certificate as well that vouches for a key that can't sign: its
    /// holder is who asks. `stated` when the request itself names it.
    #[must_use]
    pub fn vouched(mut self, voucher: Fingerprint, stated: bool) -> Self {
        let how = if stated { "stated" } else { "shown" };
        self.requester.push_str(&format!(" possession-{how}-by-certificate:{voucher}"));
        self
    }
}

/// The requester's name for a request, with the digest of `parts`: everything that decides on the
/// certificate, so that the same name with another request is a conflict.
pub fn idempotency(key: Option<&String>, parts: &[Fingerprint]) -> Option<Idempotency> {
    let octets: Vec<u8> = parts.iter().flat_map(|part| *part.as_bytes()).collect();
    Some(Idempotency { key: key?.clone(), body_digest: Fingerprint::of(&octets) })
}

/// A certificate that may leave the process: it is in the ledger.
#[derive(Clone, Debug)]
pub struct Issued {
    record: Box<Record>,
    certificate: Certificate,
    notes: Vec<String>,
    repeated: bool,
}

impl Issued {
    /// Its serial number.
    pub fn serial(&self) -> SerialNumber {
        self.record.content.serial
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate.der
    }

    /// What was recorded before it was signed.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The certificate as the ledger has it.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Whether it was issued for an earlier request with the same idempotency key.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// What it has otherwise than the request asked for, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Issues one certificate: plan, lint, record, sign, store, release.
///
/// A request whose idempotency key was used before gets the bytes of the first time.
///
/// # Errors
/// `IssueError`; after a refusal by plan or lint the ledger is as it was.
pub async fn issue(
    ledger: &Ledger,
    authority: &Authority,
    profile: &Profile,
    request: Request,
    asker: Asker,
    world: &mut impl World,
) -> Result<Issued, IssueError> {
    let (clock, serial) = (world.clock(), SerialNumber::generate(world.rng()));
    let prepared = prepare(authority, profile, request, serial, clock())?;
    complete(ledger, authority, prepared, asker, clock).await
}

/// A certificate that was planned and passed the lints, and what there is to say of it.
#[derive(Debug)]
pub struct Prepared {
    linted: Linted,
    algorithm: String,
    subject: DistinguishedName,
    names: Vec<AltName>,
    notes: Vec<String>,
}

impl Prepared {
    /// The subject that the certificate will have.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The names that the certificate will have.
    pub fn names(&self) -> &[AltName] {
        &self.names
    }

    /// What will be signed.
    pub fn linted(&self) -> &Linted {
        &self.linted
    }

    /// The name of its key's algorithm.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// What it will have otherwise than the request asked for, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Takes over notes of whoever made the request.
    pub fn note(&mut self, notes: &mut Vec<String>) {
        self.notes.append(notes);
    }
}

/// Plans and lints. It takes the time of a CPU and waits for nothing.
///
/// # Errors
/// `IssueError::Plan`, `IssueError::Lint`.
pub fn prepare(
    authority: &Authority,
    profile: &Profile,
    request: Request,
    serial: SerialNumber,
    now: Timestamp,
) -> Result<Prepared, IssueError> {
    let algorithm = algorithm_name(&request);
    let subject = request.subject.clone();
    let planned = plan(profile, request, authority.identity(), serial, now)?;
    let names = planned.names().to_vec();
    let mut notes: Vec<String> = planned.notes().iter().map(ToString::to_string).collect();
    let linted = lint(planned)?;
    // What the profile made of a lint is told with its reason; `espalier lint` tells the others.
    let changed = linted.findings().iter().filter(|finding| finding.changed.is_some());
    notes.extend(changed.map(|finding| format!("lint: {finding}")));
    Ok(Prepared { linted, algorithm, subject, names, notes })
}

/// A step that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Checking the request, planning and linting.
    Prepare,
    /// Writing down what will be signed, with the commit.
    Record,
    /// Signing, and verifying by the second implementation.
    Sign,
    /// Storing the certificate, with the commit.
    Store,
}

/// Who signs, and where: on this thread, or on threads kept for it.
pub trait Signatory: Send + Sync {
    /// The authority that signs.
    fn authority(&self) -> &Authority;

    /// Is told how long a step took.
    fn took(&self, _step: Step, _time: Duration) {}

    /// Signs as [`sign`] does.
    ///
    /// # Errors
    /// As [`sign`].
    fn sign(&self, ready: ReadyToSign) -> impl Future<Output = Result<Signed, IssueError>> + Send;
}

/// On this thread, as commands do.
impl Signatory for &Authority {
    fn authority(&self) -> &Authority {
        self
    }

    async fn sign(&self, ready: ReadyToSign) -> Result<Signed, IssueError> {
        sign(ready, self)
    }
}

/// Records, signs, stores and releases what was prepared.
///
/// # Errors
/// `IssueError`; what stays in the ledger is said at each variant.
pub async fn complete(
    ledger: &Ledger,
    signatory: impl Signatory,
    prepared: Prepared,
    asker: Asker,
    clock: Clock,
) -> Result<Issued, IssueError> {
    let Prepared { linted, algorithm, notes, .. } = prepared;
    let authority = signatory.authority();
    let started = Instant::now();
    let recording = record(ledger, linted, authority, algorithm, asker, clock());
    let recorded = match recording.instrument(tracing::info_span!("ledger.record")).await? {
        Recorded::New(recorded) => recorded,
        Recorded::Repeated(entry) => return repeated(*entry),
    };
    signatory.took(Step::Record, started.elapsed());
    let started = Instant::now();
    let serial = recorded.serial();
    let signing = signatory.sign(*recorded);
    let signed = signing.instrument(tracing::info_span!("ca.sign", %serial)).await?;
    signatory.took(Step::Sign, started.elapsed());
    let started = Instant::now();
    let storing = store(ledger, signed, clock());
    let stored = storing.instrument(tracing::info_span!("ledger.store", %serial)).await?;
    signatory.took(Step::Store, started.elapsed());
    Ok(Issued { notes, ..release(stored) })
}

/// The answer to a request that came before with the same idempotency key, if it did: whatever has
/// an age or an end since then is not asked for again.
///
/// # Errors
/// `IssueError::Ledger` where the key belongs to another request, `IssueError::NotRepeatable`.
pub async fn answered(ledger: &Ledger, asker: &Asker) -> Result<Option<Issued>, IssueError> {
    let Some(idempotency) = asker.idempotency.clone() else { return Ok(None) };
    let entry = ledger.earlier(asker.requester.clone(), idempotency).await?;
    entry.map(repeated).transpose()
}

/// The reason of a record that is ended because it was cut off: none of RFC 5280 says that.
const ABANDONED: RevocationReason = RevocationReason::UNSPECIFIED;

/// Ends a record that has no certificate, for whoever asks for it again: from then on the ledger
/// takes none for it, also from a process that was only slow (ADR 0170). One that got its
/// certificate meanwhile, or was revoked, stays as it is.
///
/// # Errors
/// `IssueError::Ledger`.
pub async fn abandon(
    ledger: &Ledger,
    serial: SerialNumber,
    asker: &Asker,
    now: Timestamp,
) -> Result<(), IssueError> {
    let revocation = Revoking {
        reason: ABANDONED,
        invalidity_date: None,
        revoked_at: now,
        revoked_by: asker.requester.clone(),
    };
    match ledger.revoke(NewRevocation { serial, only_orphan: true, revocation }).await {
        Ok(_) => tracing::warn!(%serial, "a record without a certificate was given up"),
        Err(LedgerError::HasCertificate { .. } | LedgerError::AlreadyRevoked { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Plans and lints as [`issue`] does, and leaves no trace: for who must know that it will be
/// allowed before writing anything else.
///
/// # Errors
/// `IssueError::Plan`, `IssueError::Lint`.
pub fn rehearse(
    authority: &Authority,
    profile: &Profile,
    request: Request,
    world: &mut impl World,
) -> Result<(), IssueError> {
    let (clock, serial) = (world.clock(), SerialNumber::generate(world.rng()));
    prepare(authority, profile, request, serial, clock()).map(drop)
}

/// The subject of a certificate for which only names are asked: the first of them as common name,
/// for people who read lists of subjects; nothing where it can't be one.
pub fn subject_of(names: &[AltName]) -> DistinguishedName {
    let first = names.first().map(AltName::value).unwrap_or_default();
    let common_name = AttributeType::named("CN");
    let subject = common_name.and_then(|name| DistinguishedName::of(&[(name, &first)]));
    subject.unwrap_or_default()
}

/// What the ledger answered when a certificate was about to be signed.
#[derive(Debug)]
pub enum Recorded {
    /// The record is new and committed.
    New(Box<ReadyToSign>),
    /// The same request came before; nothing is signed.
    Repeated(Box<Entry>),
}

/// A linted certificate whose record is committed; [`sign`] takes it.
#[derive(Debug)]
pub struct ReadyToSign {
    linted: Linted,
    record: Box<Record>,
}

impl ReadyToSign {
    /// The record's serial number.
    pub fn serial(&self) -> SerialNumber {
        self.record.content.serial
    }
}

/// Writes down what is about to be signed, and waits for the commit.
///
/// # Errors
/// `IssueError::PlannedForAnother` when the certificate names another issuer's key,
/// `IssueError::Ledger`; nothing was signed then.
pub async fn record(
    ledger: &Ledger,
    linted: Linted,
    authority: &Authority,
    algorithm: String,
    asker: Asker,
    now: Timestamp,
) -> Result<Recorded, IssueError> {
    if linted.issuer_key() != authority.signer().public_key() {
        return Err(IssueError::PlannedForAnother { found: authority.name().to_owned() });
    }
    let new = NewRecord {
        authority: authority.name().to_owned(),
        serial: linted.serial(),
        profile: linted.profile().to_owned(),
        requester: asker.requester,
        idempotency: asker.idempotency,
        tbs_digest: linted.record_digest(),
        subject: linted.subject().to_owned(),
        names: linted.names().to_vec(),
        algorithm,
        key_digest: linted.key_digests().whole,
        component_digests: linted.key_digests().components.clone(),
        for_authority: linted.kind().is_authority(),
        key_reuse: linted.key_reuse(),
        crl_places: linted.crl_places().to_vec(),
        validity: linted.validity(),
        recorded_at: now,
    };
    Ok(match ledger.record(new).await? {
        Recording::New(record) => Recorded::New(Box::new(ReadyToSign { linted, record })),
        Recording::Repeated(entry) => Recorded::Repeated(entry),
    })
}

/// A signed certificate, checked by the second implementation, not yet stored.
#[derive(Debug)]
pub struct Signed {
    record: Box<Record>,
    der: Vec<u8>,
}

/// Signs, the alternative signature first where there is one.
///
/// # Errors
/// `IssueError::OtherAuthority` when the record names another one, `IssueError::Sign`; the record
/// stays behind as an orphan, which `espalier ledger check` lists.
pub fn sign(ready: ReadyToSign, authority: &Authority) -> Result<Signed, IssueError> {
    let serial = ready.record.content.serial;
    let failed = |source| IssueError::Sign { serial, source };
    let recorded = &ready.record.content.authority;
    if recorded != authority.name() {
        let (recorded, found) = (recorded.clone(), authority.name().to_owned());
        return Err(IssueError::OtherAuthority { serial, recorded, found });
    }
    let mut linted = ready.linted;
    if let Some(signer) = authority.alt_signer() {
        let covered = linted.pre_tbs_der().ok_or(AssembleError::NoAltSignature)?;
        let alternative = signer.sign(covered).map_err(failed)?;
        linted = linted.with_alt_signature(&alternative)?;
    }
    let signature = authority.signer().sign(linted.tbs_der()?).map_err(failed)?;
    Ok(Signed { record: ready.record, der: linted.assemble(&signature)?.into_der() })
}

/// A certificate that is in the ledger.
#[derive(Debug)]
pub struct Stored {
    record: Box<Record>,
    certificate: Certificate,
}

/// Stores the certificate, and waits for the commit. The ledger compares its TBS with the record.
///
/// # Errors
/// `IssueError::NotStored`; the certificate must not be released then, and is dropped here.
pub async fn store(ledger: &Ledger, signed: Signed, now: Timestamp) -> Result<Stored, IssueError> {
    let serial = signed.record.content.serial;
    let not_stored = |source| IssueError::NotStored { serial, source };
    let certificate = NewCertificate::new(serial, signed.der, now).map_err(not_stored)?;
    let certificate = ledger.store(certificate).await.map_err(not_stored)?;
    Ok(Stored { record: signed.record, certificate })
}

/// Hands the certificate out.
pub fn release(stored: Stored) -> Issued {
    let Stored { record, certificate } = stored;
    Issued { record, certificate, notes: Vec::new(), repeated: false }
}

/// Answers a repeated request with what the first one got.
fn repeated(entry: Entry) -> Result<Issued, IssueError> {
    let (serial, status) = (entry.serial(), entry.status());
    match (status, entry.certificate) {
        (Status::Stored, Some(certificate)) => {
            let notes = vec!["the same request was answered before, with this certificate".into()];
            let record = Box::new(entry.record);
            Ok(Issued { record, certificate, notes, repeated: true })
        }
        (status, certificate) => {
            let recorded = entry.record.content;
            let by_asker = entry.revocation.is_some_and(|revocation| {
                revocation.reason == ABANDONED && revocation.revoked_by == recorded.requester
            });
            let (recorded_at, abandoned) =
                (recorded.recorded_at, certificate.is_none() && by_asker);
            Err(IssueError::NotRepeatable { serial, status, recorded_at, abandoned })
        }
    }
}

/// The name of the subject key's algorithm.
fn algorithm_name(request: &Request) -> String {
    let kind = request.public_key.kind();
    Algorithm::of_key(kind, false).map_or_else(|| kind.to_string(), |row| row.name().to_owned())
}

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The profile does not allow what was asked for.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The planned certificate breaks a rule.
    #[error(transparent)]
    Lint(#[from] LintError),
    /// The certificate can't be put together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The ledger refused or failed; nothing was signed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The certificate was planned for another authority than the one that should sign it.
    #[error("authority {found}: its key is not that of the issuer whom the certificate names")]
    PlannedForAnother {
        /// Who should sign.
        found: String,
    },
    /// The ledger did not take the certificate, which was dropped.
    #[error(
        "{source}; the certificate was dropped, and the record {serial} stays without one, as `espalier ledger check` tells"
    )]
    NotStored {
        /// The record that stays behind.
        serial: SerialNumber,
        /// What the ledger said.
        source: LedgerError,
    },
    /// The signing thread died.
    #[error(
        "the signing thread ended before it signed; the record {serial} stays without a certificate"
    )]
    Lost {
        /// The record that stays behind.
        serial: SerialNumber,
    },
    /// The key did not sign, or the second implementation refuses the signature.
    #[error("{source}; the record {serial} stays without a certificate")]
    Sign {
        /// The record that stays behind.
        serial: SerialNumber,
        /// What happened.
        source: SignError,
    },
    /// The authority that was to sign is not the one in the record.
    #[error(
        "the record {serial} is of authority {recorded:?}, found {found:?}, which must not sign it"
    )]
    OtherAuthority {
        /// The record that stays behind.
        serial: SerialNumber,
        /// The authority in the record.
        recorded: String,
        /// The one that was to sign.
        found: String,
    },
    /// The same request came before, and there is no certificate that could be given again.
    #[error("the same request was recorded before as {serial}, and is {}; wait if it is under way, otherwise ask with another idempotency key", status_text(*.status))]
    NotRepeatable {
        /// The record of the first time.
        serial: SerialNumber,
        /// What became of it.
        status: Status,
        /// When it was recorded.
        recorded_at: Timestamp,
        /// Whether it was ended by [`abandon`]: nobody but its requester wanted that, and nobody
        /// speaks against another certificate.
        abandoned: bool,
    },
}

fn status_text(status: Status) -> &'static str {
    match status {
        Status::Stored => "stored",
        Status::Orphan => "without a certificate yet",
        Status::Revoked => "revoked",
    }
}
