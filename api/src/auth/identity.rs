//! Who a credential names, before any rule was asked what they may.

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AltName;
use ca_core::name::to_text;
use serde_json::Value;

use super::error::CredentialKind;
use super::facts::Facts;
use super::jwt::Claims;
use super::quoted::is_plain;

/// The longest name of a requester, in characters, as the ledger keeps it.
const MAX_NAME: usize = 512;

/// Who a credential names.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    /// The subject of a token of an OpenID Connect issuer.
    Jwt { issuer: String, claims: Box<Claims> },
    /// A service account of a cluster.
    ServiceAccount { cluster: String, namespace: String, name: String },
    /// The holder of a client certificate.
    Certificate(Box<CertificateHolder>),
}

/// The holder of a certificate that a trust of the configuration vouches for.
#[derive(Clone, Debug)]
pub(super) struct CertificateHolder {
    pub(super) trust: String,
    pub(super) fingerprint: Fingerprint,
    /// RFC 4514.
    pub(super) subject: String,
    /// The subject alternative names, those of kinds that are certified here.
    pub(super) names: Vec<AltName>,
}

impl CertificateHolder {
    pub(super) fn new(trust: &str, certificate: &Certificate) -> Self {
        let names = certificate.extensions().subject_alt_name();
        let names = names.iter().flat_map(|names| &names.0);
        Self {
            trust: trust.to_owned(),
            fingerprint: certificate.fingerprint(),
            subject: to_text(certificate.subject()),
            names: names.filter_map(|name| AltName::from_general_name(name).ok()).collect(),
        }
    }
}

impl Identity {
    pub(super) fn kind(&self) -> CredentialKind {
        match self {
            Self::Jwt { .. } => CredentialKind::Jwt,
            Self::ServiceAccount { .. } => CredentialKind::ServiceAccount,
            Self::Certificate(_) => CredentialKind::ClientCertificate,
        }
    }

    /// The name in the ledger. A certificate goes by what a rule knew it by, `known_by`, so that
    /// its holder is the same after a renewal; else by its fingerprint.
    pub(super) fn requester(&self, known_by: Option<&str>) -> String {
        match self {
            Self::Jwt { issuer, claims } => format!("jwt:{issuer}#{}", claims.subject()),
            Self::ServiceAccount { cluster, namespace, name } => {
                format!("sa:{cluster}/{namespace}/{name}")
            }
            Self::Certificate(holder) => {
                let known = known_by.map(|known| format!("cert:{}/{known}", holder.trust));
                let fits = |name: &String| name.chars().count() <= MAX_NAME && is_plain(name);
                known.filter(fits).unwrap_or_else(|| format!("cert:{}", holder.fingerprint))
            }
        }
    }

    /// What fills the places of patterns.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        match self {
            Self::Jwt { claims, .. } => {
                facts.insert("subject", claims.subject());
                for (name, value) in claims.all() {
                    if let Value::String(text) = value {
                        facts.insert(format!("claims.{name}"), text);
                    }
                }
            }
            Self::ServiceAccount { namespace, name, .. } => {
                facts.insert("namespace", namespace);
                facts.insert("serviceaccount", name);
            }
            Self::Certificate(_) => {}
        }
        facts
    }
}
