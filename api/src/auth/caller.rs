//! Someone who is known, and what they may.

use ledger::Visible;

use super::denied::Denied;
use super::error::CredentialKind;
use super::grants::{Asked, Grant, Grants};
use super::role::Role;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) name: String,
    pub(super) credential: CredentialKind,
    pub(super) rules: Vec<String>,
    pub(super) grants: Grants,
}

impl Caller {
    /// The name in the ledger: `token:NAME`, `jwt:ISSUER#SUBJECT`, `sa:CLUSTER/NAMESPACE/NAME`, or
    /// `cert:TRUST/NAME`. At most 512 characters, none of them a control character.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What showed who it is.
    pub fn credential(&self) -> CredentialKind {
        self.credential
    }

    /// The rules of the configuration that matched, for the log; none for an API token.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Every role that it has.
    pub fn roles(&self) -> Vec<Role> {
        self.grants.roles()
    }

    /// Whether it has the role at all.
    pub fn has(&self, role: Role) -> bool {
        self.grants.has(role)
    }

    /// Checks that it has the role at all; what it reaches is the other methods' to say.
    ///
    /// # Errors
    /// `Denied`.
    pub fn require(&self, role: Role) -> Result<(), Denied> {
        self.grants.require(&self.name, role)
    }

    /// Checks that it may have this certificate: role requester, and one grant with the authority,
    /// the profile, every name and the subject.
    ///
    /// # Errors
    /// `Denied` with the field, what was found and what this caller may.
    pub fn may_issue(&self, asked: Asked<'_>) -> Result<(), Denied> {
        self.grants.may_issue(&self.name, asked)
    }

    /// Checks that it may give this grant to somebody, as a token: one of its own grants with role
    /// admin has all of it.
    ///
    /// # Errors
    /// `Denied` names the field.
    pub fn may_give(&self, wanted: &Grant) -> Result<(), Denied> {
        self.grants.may_give(&self.name, wanted)
    }

    /// Checks that it may act in this role on certificates of this authority and profile: one
    /// grant has the role and both.
    ///
    /// # Errors
    /// `Denied` with the field, what was found and what this caller may.
    pub fn may_act(&self, role: Role, authority: &str, profile: &str) -> Result<(), Denied> {
        self.grants.may_act(&self.name, role, authority, profile)
    }

    /// The certificates that it may see, as [`Self::may_read`] says it of one.
    pub fn visible(&self) -> Visible {
        Visible {
            requester: self.has(Role::Requester).then(|| self.name.clone()),
            reaches: self.grants.reaches(&[Role::Auditor, Role::Revoker]),
        }
    }

    /// Checks that it may see a certificate of this authority and profile that `requester` asked
    /// for: its own, or with role auditor or revoker those that its grants reach.
    ///
    /// # Errors
    /// `Denied`.
    pub fn may_read(&self, authority: &str, profile: &str, requester: &str) -> Result<(), Denied> {
        if self.name == requester && self.grants.has(Role::Requester) {
            return Ok(());
        }
        let auditor = self.may_act(Role::Auditor, authority, profile);
        auditor
            .or_else(|denied| self.may_act(Role::Revoker, authority, profile).map_err(|_| denied))
    }
}
