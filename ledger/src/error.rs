//! What can go wrong, told to the person who has to mend it.

use std::{fmt, sync::Arc, time::Duration};

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;

use crate::RevocationReason;

/// Why the ledger refused or failed. After any of these nothing of the request is in the ledger,
/// but for [`LedgerError::OutcomeUnknown`], [`LedgerError::Database`] and [`LedgerError::Closed`],
/// where the commit may have gone through unseen: look the serial up before anything else, and sign nothing.
///
/// The causes are shared, so that one failed commit can answer every request in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// A field can't be kept.
    #[error("{field}: found {found}; allowed: {allowed}")]
    InvalidField {
        /// Which field.
        field: &'static str,
        /// What it held.
        found: String,
        /// What it may hold.
        allowed: String,
    },
    /// The ledger has no authority of this name.
    #[error("authority {name:?} is not in this ledger; add it first, or correct the name")]
    UnknownAuthority {
        /// The name that was asked for.
        name: String,
    },
    /// The name is taken by an authority with another key, algorithm or parent.
    #[error(
        "authority {name:?} is in this ledger with algorithm {algorithm} and key {key_digest}; \
         authorities never change: choose another name"
    )]
    AuthorityConflict {
        /// The name.
        name: String,
        /// Algorithm of the authority in the ledger.
        algorithm: String,
        /// Key digest of the authority in the ledger.
        key_digest: Fingerprint,
    },
    /// The serial number is in the ledger.
    #[error("serial {serial} is taken; a serial is never used twice: draw another")]
    SerialTaken {
        /// The serial number.
        serial: SerialNumber,
    },
    /// The requester used this idempotency key for another request.
    #[error(
        "idempotency key {key:?} of {requester} belongs to another request (serial {serial}); \
         send the same body again, or choose a new key"
    )]
    IdempotencyConflict {
        /// Who asked.
        requester: String,
        /// The key.
        key: String,
        /// Serial number of the record that has the key.
        serial: SerialNumber,
    },
    /// No record has this serial number.
    #[error("serial {serial} is not in this ledger")]
    UnknownSerial {
        /// The serial number.
        serial: SerialNumber,
    },
    /// The bytes are not a certificate.
    #[error("the certificate for serial {serial} is not a DER Certificate")]
    MalformedCertificate {
        /// The serial number it was meant for.
        serial: SerialNumber,
        /// What is wrong with the bytes.
        #[source]
        reason: der::Error,
    },
    /// The certificate names another serial number than its record.
    #[error("serialNumber: found {found} in the certificate; recorded is {recorded}")]
    SerialMismatch {
        /// The record's serial number.
        recorded: SerialNumber,
        /// The certificate's, in hexadecimal.
        found: String,
    },
    /// What was signed is not what was recorded.
    #[error(
        "tbsCertificate of serial {serial}: found digest {found}; recorded before signing is \
         {recorded}: this certificate must not be released"
    )]
    TbsMismatch {
        /// The serial number.
        serial: SerialNumber,
        /// The recorded digest.
        recorded: Fingerprint,
        /// The digest of the TBS in the certificate.
        found: Fingerprint,
    },
    /// Another certificate is stored for this serial number.
    #[error("serial {serial} has a certificate, fingerprint {stored}; it can't have {refused} too")]
    AlreadyStored {
        /// The serial number.
        serial: SerialNumber,
        /// Fingerprint of the stored certificate.
        stored: Fingerprint,
        /// Fingerprint of the refused one.
        refused: Fingerprint,
    },
    /// The record was revoked before its certificate came.
    #[error(
        "serial {serial} was revoked at {revoked_at}, before its certificate was stored; \
         this certificate must not be released"
    )]
    RevokedBeforeStored {
        /// The serial number.
        serial: SerialNumber,
        /// When it was revoked.
        revoked_at: Timestamp,
    },
    /// The record has a certificate, and only one without was to be revoked.
    #[error("serial {serial} has a certificate; only a record without one was to be revoked")]
    HasCertificate {
        /// The serial number.
        serial: SerialNumber,
    },
    /// It is revoked already.
    #[error("serial {serial} is revoked since {revoked_at}")]
    AlreadyRevoked {
        /// The serial number.
        serial: SerialNumber,
        /// When it was revoked.
        revoked_at: Timestamp,
    },
    /// A key that was blocked is not certified again.
    #[error(
        "{field}: found {digest}, which is blocked since {blocked_at} ({reason}); \
         allowed: keys that are not blocked: make a new one"
    )]
    KeyBlocked {
        /// Which key: the whole one or a component.
        field: &'static str,
        /// Its digest.
        digest: Fingerprint,
        /// When it was blocked.
        blocked_at: Timestamp,
        /// Why.
        reason: RevocationReason,
    },
    /// The key of the authority that would sign is blocked.
    #[error(
        "authority {name:?}: its key {digest} is blocked since {blocked_at}; \
         it issues nothing any more: use another authority"
    )]
    AuthorityKeyBlocked {
        /// Name of the authority.
        name: String,
        /// Digest of its blocked key.
        digest: Fingerprint,
        /// When it was blocked.
        blocked_at: Timestamp,
    },
    /// Somebody has the key already.
    #[error("{field}: found {digest}, which {holder} has; allowed: {allowed}; make a new key")]
    KeyTaken {
        /// Which key: the whole one or a component.
        field: &'static str,
        /// Its digest.
        digest: Fingerprint,
        /// Who has it.
        holder: Box<KeyHolder>,
        /// What is allowed.
        allowed: &'static str,
    },
    /// No such number was reserved.
    #[error("CRL number {number} of authority {authority:?} was not reserved in this ledger")]
    UnknownCrl {
        /// Name of the authority.
        authority: String,
        /// The number.
        number: u64,
    },
    /// What was signed is not what was reserved.
    #[error(
        "CRL number {number} of authority {authority:?}: {field}: found {found}; reserved: \
         {reserved}: this list must not be published"
    )]
    CrlMismatch {
        /// Name of the authority.
        authority: String,
        /// The number.
        number: u64,
        /// The field, as RFC 5280 names it.
        field: &'static str,
        /// What the list has.
        found: Box<str>,
        /// What was reserved.
        reserved: Box<str>,
    },
    /// Another list is stored under this number.
    #[error(
        "CRL number {number} of authority {authority:?} is stored with fingerprint {stored}, \
         another list than this one, which must not be published"
    )]
    CrlAlreadyStored {
        /// Name of the authority.
        authority: String,
        /// The number.
        number: u64,
        /// Fingerprint of the stored list.
        stored: Fingerprint,
    },
    /// Another token has this id, or the same secret.
    #[error("token {id:?}: its id or secret is taken; tokens never change: draw both anew")]
    TokenTaken {
        /// Id of the refused token.
        id: String,
    },
    /// Another token has the name, which the request did not reckon with.
    #[error(
        "name: found that of token {id}, allowed: one that no token has, or one that is taken over \
         with all of its tokens in view"
    )]
    TokenNameTaken {
        /// Id of the last token of this name.
        id: String,
    },
    /// There is no token of this id.
    #[error("token {id:?} is not in this ledger")]
    UnknownToken {
        /// The id.
        id: String,
    },
    /// The token is revoked already.
    #[error("token {id:?} is revoked since {revoked_at}")]
    TokenAlreadyRevoked {
        /// The id.
        id: String,
        /// When it was revoked.
        revoked_at: Timestamp,
    },
    /// A constraint or trigger of the database refused the row.
    #[error("the ledger's database refused {transaction}: {message}")]
    Refused {
        /// Name of the transaction.
        transaction: &'static str,
        /// The database's message.
        message: String,
    },
    /// A row that no release of Espalier writes.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
    /// Somebody else held the database for too long.
    #[error(
        "the ledger {location} was locked for {waited:?} by another process (an espalier, a backup \
         or an open sqlite3 shell); end it or wait, then try again (`fuser {location}` names it)"
    )]
    Busy {
        /// Which ledger.
        location: String,
        /// How long was waited.
        waited: Duration,
    },
    /// Another server's transaction took too long, or was in the way of this one time after time.
    #[error(
        "the ledger {location} was held for {waited:?} by another transaction; nothing was written: \
         try again (pg_stat_activity in the database names who holds it)"
    )]
    Contended {
        /// Which ledger.
        location: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The database can't be reached, or went away before the commit.
    #[error(
        "the ledger {location} can't be reached; nothing of the request was written: check the \
         address, the role and its password, and that the database runs"
    )]
    Unavailable {
        /// Which ledger.
        location: String,
        /// What the connection or the server said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The connection was lost between the commit and its answer.
    #[error(
        "the ledger {location} did not answer the commit of {transaction}: whether it was written is \
         unknown; look it up, or repeat the request with the same idempotency key, and sign nothing \
         before"
    )]
    OutcomeUnknown {
        /// Which ledger.
        location: String,
        /// Name of the transaction.
        transaction: &'static str,
        /// What the connection or the server said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The database would lose what it answered, or keep it wrongly.
    #[error(
        "the ledger {location} would not keep what it answers: {setting} is {found}; allowed: \
         {allowed}: change it for the role or the database (ALTER ROLE, ALTER DATABASE) or the server"
    )]
    Unsafe {
        /// Which ledger.
        location: String,
        /// Which setting of the database.
        setting: &'static str,
        /// Its value.
        found: String,
        /// The values that are safe.
        allowed: &'static str,
    },
    /// The server is a standby: it only reads.
    #[error(
        "the ledger {location} is on a standby, which can't write; connect to the primary, or promote \
         the standby"
    )]
    Standby {
        /// Which ledger.
        location: String,
    },
    /// The server lacks transactions that this process was answered: it is not the primary, or no
    /// longer.
    #[error(
        "the ledger {location} is at turn {found} of its writers, and this process was answered up to \
         turn {known}: this is a primary from before a failover, a standby that was promoted without \
         all that was committed, or an old backup; connect to the server that has the rest. When \
         there is none, rows are lost: bring them back before anything is written, or start every \
         espalier again to go on without them"
    )]
    Behind {
        /// Which ledger.
        location: String,
        /// How many transactions the server has.
        found: i64,
        /// How many this process was answered.
        known: i64,
    },
    /// The database role may not do that.
    #[error(
        "the ledger {location} refuses its role something that it needs; as the owner, run what \
         `espalier ledger grants --role NAME` prints"
    )]
    Forbidden {
        /// Which ledger.
        location: String,
        /// The database's message.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// No room for another row.
    #[error(
        "the disk under the ledger {location} is full; nothing was written: free some space, then \
         try again"
    )]
    Full {
        /// Which ledger.
        location: String,
    },
    /// The file or its folder can't be written.
    #[error(
        "the ledger {location} is read-only for this process; the file and its folder must be \
         writable (SQLite keeps {location}-wal and {location}-shm beside it)"
    )]
    ReadOnly {
        /// Which ledger.
        location: String,
    },
    /// The file can't be opened.
    #[error(
        "the ledger {location} can't be opened; this process needs to read and write the file and \
         its folder"
    )]
    CannotOpen {
        /// Which ledger.
        location: String,
        /// The system's reason.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The file is something else.
    #[error("{location} is not a ledger of Espalier: {found}; check the path")]
    NotALedger {
        /// Which file.
        location: String,
        /// What it is.
        found: String,
    },
    /// There is no file.
    #[error(
        "there is no ledger at {location}; create one first (`espalier init`), or check the path"
    )]
    NotFound {
        /// Which file.
        location: String,
    },
    /// The folder for a new ledger is missing.
    #[error("the folder {folder} does not exist; create it first")]
    FolderMissing {
        /// Which folder.
        folder: String,
    },
    /// A new ledger would replace a file.
    #[error("{location} exists; a ledger is never overwritten: open it, or choose another path")]
    AlreadyExists {
        /// Which file.
        location: String,
    },
    /// The file could not be created.
    #[error("the ledger {location} can't be created")]
    Create {
        /// Which file.
        location: String,
        /// The system's reason.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A newer release wrote this ledger.
    #[error(
        "the ledger {location} has schema {found}, this program knows up to {known}; \
         use the newer Espalier that wrote it"
    )]
    NewerSchema {
        /// Which ledger.
        location: String,
        /// The ledger's schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// An older release wrote this ledger.
    #[error(
        "the ledger {location} has schema {found}, this program needs {known}; \
         make a backup, then run `espalier ledger migrate`"
    )]
    OlderSchema {
        /// Which ledger.
        location: String,
        /// The ledger's schema version.
        found: i64,
        /// What this program needs.
        known: i64,
    },
    /// A migration failed; the schema is what it was.
    #[error("the schema of the ledger {location} can't be brought up to date")]
    Migration {
        /// Which ledger.
        location: String,
        /// The cause.
        #[source]
        source: Arc<sqlx::migrate::MigrateError>,
    },
    /// The database file is damaged.
    #[error(
        "the ledger {location} is damaged; stop every espalier that uses it, keep a copy of the \
         file as it is, and restore the last backup"
    )]
    Corrupt {
        /// Which ledger.
        location: String,
        /// The database's message.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// Too many requests wait to be written.
    #[error("the ledger's queue of {capacity} was full for {waited:?}; try again later")]
    Overloaded {
        /// Most requests that may wait.
        capacity: usize,
        /// How long was waited for a place.
        waited: Duration,
    },
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
    /// Any other failure of the database.
    #[error("the ledger {location} failed in transaction {transaction}")]
    Database {
        /// Which ledger.
        location: String,
        /// Name of the transaction.
        transaction: &'static str,
        /// The cause.
        #[source]
        source: Arc<sqlx::Error>,
    },
}

/// A row that no release of Espalier writes: the database was changed by other means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{table}.{column} of row {id}: found {found}, which Espalier never writes; \
     run `espalier ledger check`"
)]
pub struct Inconsistent {
    /// Which table.
    pub table: &'static str,
    /// Which column.
    pub column: &'static str,
    /// The row's id.
    pub id: i64,
    /// What it held.
    pub found: String,
}

/// Who has a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyHolder {
    /// The record of this serial number.
    Record(SerialNumber),
    /// The authority of this name.
    Authority(String),
}

impl fmt::Display for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(serial) => write!(f, "the record of serial {serial}"),
            Self::Authority(name) => write!(f, "authority {name:?}"),
        }
    }
}

impl LedgerError {
    /// Whether the request alone is refused; otherwise the whole transaction is lost.
    pub(crate) fn concerns_one_request(&self) -> bool {
        match self {
            Self::InvalidField { .. }
            | Self::UnknownAuthority { .. }
            | Self::AuthorityConflict { .. }
            | Self::SerialTaken { .. }
            | Self::IdempotencyConflict { .. }
            | Self::UnknownSerial { .. }
            | Self::MalformedCertificate { .. }
            | Self::SerialMismatch { .. }
            | Self::TbsMismatch { .. }
            | Self::AlreadyStored { .. }
            | Self::RevokedBeforeStored { .. }
            | Self::HasCertificate { .. }
            | Self::AlreadyRevoked { .. }
            | Self::KeyBlocked { .. }
            | Self::AuthorityKeyBlocked { .. }
            | Self::KeyTaken { .. }
            | Self::UnknownCrl { .. }
            | Self::CrlMismatch { .. }
            | Self::CrlAlreadyStored { .. }
            | Self::TokenTaken { .. }
            | Self::TokenNameTaken { .. }
            | Self::UnknownToken { .. }
            | Self::TokenAlreadyRevoked { .. }
            | Self::Refused { .. }
            | Self::Inconsistent(_) => true,
            Self::Busy { .. }
            | Self::Contended { .. }
            | Self::Unavailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Unsafe { .. }
            | Self::Standby { .. }
            | Self::Behind { .. }
            | Self::Forbidden { .. }
            | Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::CannotOpen { .. }
            | Self::NotALedger { .. }
            | Self::NotFound { .. }
            | Self::FolderMissing { .. }
            | Self::AlreadyExists { .. }
            | Self::Create { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::Migration { .. }
            | Self::Corrupt { .. }
            | Self::Overloaded { .. }
            | Self::Closed
            | Self::Database { .. } => false,
        }
    }
}
