//! What the ledger and the core know, as the REST API tells it: for the server's answers, and for
//! commands, which show the same whether they ask a ledger or a server.

use ca_core::algorithm::{Algorithm, Family, MlKem};
use ca_core::certificate::Certificate;
use ca_core::name;
use ca_core::pem::{self, Label};
use ca_core::profile::{Profile, extended_key_usage_name, key_usage_name};
use client::v1;
use jiff::Timestamp;
use ledger::{AuditOutcome, Entry, Record};

use crate::auth::GrantConfig;

/// A record, without what became of it.
pub fn recorded(record: &Record) -> v1::Certificate {
    let content = &record.content;
    v1::Certificate {
        serial: content.serial.to_string(),
        status: v1::Status::Orphan,
        authority: content.authority.clone(),
        profile: content.profile.clone(),
        requester: content.requester.clone(),
        subject: content.subject.clone(),
        names: content.names.clone(),
        algorithm: content.algorithm.clone(),
        not_before: content.validity.not_before(),
        not_after: content.validity.not_after(),
        recorded_at: content.recorded_at,
        fingerprint_sha256: None,
        certificate: None,
        chain: None,
        revocation: None,
        notes: Vec::new(),
    }
}

/// The same with its certificate, without its chain.
pub fn with_certificate(
    shown: v1::Certificate,
    certificate: &ledger::Certificate,
) -> v1::Certificate {
    v1::Certificate {
        status: v1::Status::Stored,
        fingerprint_sha256: Some(certificate.fingerprint.to_string()),
        certificate: Some(pem::encode(Label::Certificate, &certificate.der)),
        ..shown
    }
}

/// An entry, without its chain.
pub fn certificate(entry: &Entry) -> v1::Certificate {
    let mut shown = recorded(&entry.record);
    if let Some(certificate) = &entry.certificate {
        shown = with_certificate(shown, certificate);
    }
    if let Some(revocation) = &entry.revocation {
        shown.status = v1::Status::Revoked;
        shown.revocation = Some(v1::Revocation {
            revoked_at: revocation.revoked_at,
            reason: revocation.reason.to_string(),
            invalidity_date: revocation.invalidity_date,
            revoked_by: revocation.revoked_by.clone(),
        });
    }
    shown
}

/// An authority with its chain, its own certificate first, and its other certificates; none while it
/// has no certificate.
pub fn authority(
    name: &str,
    parent: Option<String>,
    created_at: Timestamp,
    signs: bool,
    chain: &[Certificate],
    others: &[Certificate],
) -> Option<v1::Authority> {
    let own = chain.first()?;
    let pem = |certificate: &Certificate| pem::encode(Label::Certificate, certificate.der());
    let kind = own.public_key().kind();
    let algorithm = Algorithm::of_key(kind, false);
    Some(v1::Authority {
        name: name.to_owned(),
        parent,
        created_at,
        signs,
        subject: name::to_text(own.subject()),
        algorithm: algorithm.map_or_else(|| kind.to_string(), |row| row.name().to_owned()),
        not_before: own.validity().not_before(),
        not_after: own.validity().not_after(),
        fingerprint_sha256: own.fingerprint().to_string(),
        certificate: pem(own),
        chain: chain.iter().map(pem).collect(),
        other_certificates: others.iter().map(pem).collect(),
    })
}

/// A profile.
pub fn profile(profile: &Profile) -> v1::Profile {
    let extended = profile.extended_key_usages();
    v1::Profile {
        name: profile.name().to_owned(),
        description: profile.description().to_owned(),
        kind: profile.kind().to_string(),
        key_usages: profile
            .key_usages()
            .into_iter()
            .map(|one| key_usage_name(one).into())
            .collect(),
        extended_key_usages: extended.iter().map(|one| extended_key_usage_name(*one)).collect(),
        copied_extensions: profile.copied_extensions(),
        keys: profile.allowed_keys(),
        name_kinds: profile.name_kinds().iter().map(ToString::to_string).collect(),
        default_validity_seconds: profile.validity().default_seconds,
        max_validity_seconds: profile.validity().max_seconds,
    }
}

/// Every algorithm; those that establish keys last.
pub fn algorithms() -> Vec<v1::Algorithm> {
    let signing = Algorithm::all().iter().map(|row| {
        let oid = row.oid().to_string();
        let aliases = row.aliases().iter().filter(|alias| **alias != oid).cloned();
        v1::Algorithm {
            name: row.name().to_owned(),
            family: row.family().to_string(),
            nist_level: row.nist_level(),
            can_be_alternative: row.can_be_alternative(),
            public_key_bytes: row.public_key_size(),
            signature_bytes: Some(row.signature_size()),
            ciphertext_bytes: None,
            aliases: aliases.collect(),
            oid,
        }
    });
    let kem = MlKem::ALL.into_iter().map(|set| v1::Algorithm {
        name: set.name().to_owned(),
        oid: set.oid().to_string(),
        family: Family::Kem.to_string(),
        nist_level: Some(set.nist_level()),
        can_be_alternative: false,
        public_key_bytes: set.public_key_size(),
        signature_bytes: None,
        ciphertext_bytes: Some(set.ciphertext_size()),
        aliases: set.aliases().iter().map(ToString::to_string).collect(),
    });
    signing.chain(kem).collect()
}

/// A token, without its secret.
///
/// # Errors
/// When what it may can't be read.
pub fn token(token: &ledger::Token) -> Result<v1::Token, serde_json::Error> {
    let content = &token.content;
    Ok(v1::Token {
        id: content.id.clone(),
        name: content.name.clone(),
        grant: serde_json::from_str(&content.scope)?,
        created_at: content.created_at,
        expires_at: content.expires_at,
        created_by: content.created_by.clone(),
        revoked_at: token.revocation.as_ref().map(|revocation| revocation.revoked_at),
        revoked_by: token.revocation.as_ref().map(|revocation| revocation.revoked_by.clone()),
        secret: None,
    })
}

/// A grant as authentication reads it; nothing of it is checked.
///
/// # Errors
/// When a member has a word that is none of its own.
pub fn grant(asked: &v1::TokenGrant) -> Result<GrantConfig, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(asked)?)
}

/// An audit event.
pub fn audit_event(event: ledger::AuditEvent) -> v1::AuditEvent {
    let ledger::AuditEvent { content, position } = event;
    v1::AuditEvent {
        position,
        at: content.at,
        request_id: content.request_id,
        actor: content.actor,
        action: content.action,
        subject: content.subject,
        address: content.address,
        problem: match content.outcome {
            AuditOutcome::Done => None,
            AuditOutcome::Refused { problem } => Some(problem),
        },
    }
}
