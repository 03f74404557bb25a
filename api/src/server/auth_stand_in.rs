//! Who asks: API tokens that live as long as this process.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AltName;
use ca_core::name::DistinguishedName;
use jiff::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// What someone may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asks for certificates, and sees those that it asked for.
    Requester,
    /// Revokes certificates.
    Revoker,
    /// Sees certificates, requesters and the audit log.
    Auditor,
    /// Makes tokens, and everything else.
    Admin,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Requester => "requester",
            Self::Revoker => "revoker",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        })
    }
}

/// What came with a request.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The token in `Authorization: Bearer`.
    pub bearer: Option<&'a str>,
    /// The client's certificates in DER, its own first.
    pub client_certificates: Option<&'a [Vec<u8>]>,
    /// From where it came.
    pub peer: SocketAddr,
}

/// A certificate that someone asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The authority that shall sign.
    pub authority: &'a str,
    /// The profile.
    pub profile: &'a str,
    /// The subject that the certificate will have.
    pub subject: &'a DistinguishedName,
    /// The names that the certificate will have.
    pub names: &'a [AltName],
}

/// Nobody is known to have asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no credential.
    #[error("credential: found none, allowed: a bearer token in Authorization")]
    Missing,
    /// It is wrong.
    #[error("credential: found an unknown token, allowed: a token of this server")]
    Refused,
}

/// Someone who is known may not do what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, allowed for {who}: {allowed}")]
pub struct Denied {
    /// Who asked.
    pub who: String,
    /// The field at fault.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// Who asks, authenticated.
#[derive(Clone, Debug)]
pub struct Caller {
    name: String,
    roles: Vec<Role>,
}

impl Caller {
    /// Who it is, such as `token:ci`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role) || self.roles.contains(&Role::Admin)
    }

    /// Checks that it has the role.
    ///
    /// # Errors
    /// `Denied` names the roles that it has.
    pub fn require(&self, role: Role) -> Result<(), Denied> {
        if self.has(role) {
            return Ok(());
        }
        let roles: Vec<String> = self.roles.iter().map(ToString::to_string).collect();
        Err(Denied {
            who: self.name.clone(),
            field: "role",
            found: format!("a request that needs {role}"),
            allowed: roles.join(", "),
        })
    }

    /// Checks that it may do this with certificates of the authority and profile.
    ///
    /// # Errors
    /// `Denied`.
    pub fn may_act(&self, role: Role, _authority: &str, _profile: &str) -> Result<(), Denied> {
        self.require(role)
    }

    /// Checks that it may have the certificate.
    ///
    /// # Errors
    /// `Denied`.
    pub fn may_issue(&self, _asked: Asked<'_>) -> Result<(), Denied> {
        self.require(Role::Requester)
    }
}

/// Finds out who asks.
#[derive(Debug, Default)]
pub struct Authenticator {
    tokens: Mutex<HashMap<Fingerprint, Arc<Caller>>>,
}

impl Authenticator {
    /// Makes a token that may do everything.
    pub fn first_admin_token(&self, rng: &mut (dyn CryptoRng + Send)) -> Zeroizing<String> {
        let mut octets = Zeroizing::new([0; 32]);
        rng.fill_bytes(octets.as_mut_slice());
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let text = Zeroizing::new(format!("espalier_{digits}"));
        let caller = Caller { name: "token:first-admin".into(), roles: vec![Role::Admin] };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(Fingerprint::of(text.as_bytes()), Arc::new(caller));
        text
    }

    /// Finds out who asks.
    ///
    /// # Errors
    /// `AuthError`.
    pub async fn authenticate(
        &self,
        presented: Presented<'_>,
        _now: Timestamp,
    ) -> Result<Caller, AuthError> {
        let bearer = presented.bearer.ok_or(AuthError::Missing)?;
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = tokens.get(&Fingerprint::of(bearer.as_bytes())).ok_or(AuthError::Refused)?;
        Ok(Caller::clone(caller))
    }
}
