//! How the errors of the crates below become problems.

use ca_core::csr::CsrError;
use ca_core::pem::ReadError;
use ledger::{LedgerError, Status};

use super::*;
use crate::issuance::IssueError;
use crate::renewal::RenewalError;
use crate::server::signing::{Full, Lost};
use client::with_causes;

impl From<Full> for Refusal {
    fn from(error: Full) -> Self {
        Self::new(OVERLOADED, format!("signing queue: {error}"))
    }
}

impl From<Lost> for Refusal {
    fn from(error: Lost) -> Self {
        internal().with_cause(error)
    }
}

/// Something that should not happen; the cause goes to the log.
pub(crate) fn internal() -> Refusal {
    Refusal::new(INTERNAL, "the server could not carry the request out; its log has the cause")
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        use LedgerError::{
            AlreadyRevoked, AuthorityConflict, AuthorityKeyBlocked, Behind, Busy, CannotOpen,
            Closed, Contended, Corrupt, Database, Full, IdempotencyConflict, InvalidField,
            KeyBlocked, KeyTaken, OutcomeUnknown, Overloaded, ReadOnly, Standby,
            TokenAlreadyRevoked, TokenNameTaken, Unavailable, UnknownAuthority, UnknownCrl,
            UnknownSerial, UnknownToken,
        };
        let kind = match &error {
            InvalidField { .. } | TokenNameTaken { .. } => INVALID_FIELD,
            UnknownAuthority { .. }
            | UnknownSerial { .. }
            | UnknownCrl { .. }
            | UnknownToken { .. } => NOT_FOUND,
            IdempotencyConflict { .. } => IDEMPOTENCY_CONFLICT,
            AlreadyRevoked { .. } | TokenAlreadyRevoked { .. } => ALREADY_REVOKED,
            KeyBlocked { .. } | AuthorityKeyBlocked { .. } => KEY_BLOCKED,
            KeyTaken { .. } => KEY_TAKEN,
            Overloaded { .. } => OVERLOADED,
            AuthorityConflict { .. } => INTERNAL,
            // Where the ledger is and what ails it is for the administrator.
            Busy { .. }
            | Full { .. }
            | ReadOnly { .. }
            | CannotOpen { .. }
            | Corrupt { .. }
            | Database { .. }
            | Contended { .. }
            | Unavailable { .. }
            | Standby { .. }
            | Behind { .. }
            | OutcomeUnknown { .. }
            | Closed => {
                let detail =
                    "the ledger can't be used now; send the request again after Retry-After";
                return Self::new(LEDGER_UNAVAILABLE, detail).with_cause(with_causes(&error));
            }
            _ => return internal().with_cause(with_causes(&error)),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<IssueError> for Refusal {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Plan(error) => Self::new(CERTIFICATE_REFUSED, error.to_string()),
            IssueError::Lint(error) => Self::new(CERTIFICATE_REFUSED, error.to_string()),
            IssueError::Ledger(error) => error.into(),
            IssueError::NotStored { serial, source } => {
                let detail = format!(
                    "certificate {serial}: the ledger did not take it, so it was not released"
                );
                Self::new(NOT_STORED, detail).with_cause(with_causes(&source))
            }
            IssueError::NotRepeatable { serial, status: Status::Orphan, .. } => Self::new(
                REQUEST_UNDER_WAY,
                format!(
                    "Idempotency-Key: found that of record {serial}, which has no certificate yet; allowed is to wait for it, or another key"
                ),
            ),
            IssueError::NotRepeatable { serial, abandoned: true, .. } => Self::new(
                REQUEST_ABANDONED,
                format!(
                    "Idempotency-Key: found that of record {serial}, which was revoked before it had a certificate; allowed is another key"
                ),
            ),
            IssueError::NotRepeatable { serial, .. } => Self::new(
                NOT_ISSUED,
                format!(
                    "Idempotency-Key: found that of record {serial}, which is revoked; allowed is another key"
                ),
            ),
            error @ (IssueError::Assemble(_)
            | IssueError::PlannedForAnother { .. }
            | IssueError::Lost { .. }
            | IssueError::Sign { .. }
            | IssueError::OtherAuthority { .. }) => internal().with_cause(with_causes(&error)),
        }
    }
}

impl From<RenewalError> for Refusal {
    fn from(error: RenewalError) -> Self {
        match error {
            RenewalError::Revoked { .. }
            | RenewalError::NoCertificate { .. }
            | RenewalError::Ended { .. }
            | RenewalError::Differs { .. } => Self::new(CERTIFICATE_REFUSED, error.to_string()),
            RenewalError::Unreadable { .. } => internal().with_cause(error),
        }
    }
}

/// A request that was read from an octet string.
impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        let detail = format!("csr: {}", with_causes(&error));
        match error {
            ReadError::Request { error, .. } => Self::from(error).with_detail(detail),
            _ => Self::new(CSR_MALFORMED, detail),
        }
    }
}

impl From<CsrError> for Refusal {
    fn from(error: CsrError) -> Self {
        use ca_core::public_key::PublicKeyError;
        let detail = format!("csr: {}", with_causes(&error));
        match error {
            CsrError::Malformed(_)
            | CsrError::NotCanonical { .. }
            | CsrError::TooLarge { .. }
            | CsrError::PublicKey(PublicKeyError::Malformed(_)) => Self::new(CSR_MALFORMED, detail),
            _ => Self::new(CSR_REFUSED, detail),
        }
    }
}

impl Refusal {
    fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }
}
