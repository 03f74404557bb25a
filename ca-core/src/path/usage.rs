//! What a key may be used for: keyUsage (RFC 5280 section 4.2.1.3) and extendedKeyUsage
//! (section 4.2.1.12).

use std::fmt;
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use der::flagset::FlagSet;
use serde::Serialize;
use x509_cert::ext::pkix::KeyUsages;

use super::outcome::{Fault, Reason, printable};
use crate::algorithm::KeyKind;
use crate::certificate::Certificate;
use crate::escape::quoted;

/// anyExtendedKeyUsage.
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// What a certificate is about to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// A TLS server's.
    ServerAuth,
    /// A TLS client's.
    ClientAuth,
    /// Signing code.
    CodeSigning,
    /// Signing or encrypting mail.
    EmailProtection,
    /// Signing time stamps.
    TimeStamping,
    /// Signing OCSP responses.
    OcspSigning,
}

impl Usage {
    /// Every usage.
    pub const ALL: [Self; 6] = [
        Self::ServerAuth,
        Self::ClientAuth,
        Self::CodeSigning,
        Self::EmailProtection,
        Self::TimeStamping,
        Self::OcspSigning,
    ];

    /// The object identifier in extendedKeyUsage.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::ServerAuth => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1") },
            Self::ClientAuth => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2") },
            Self::CodeSigning => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3") },
            Self::EmailProtection => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4") },
            Self::TimeStamping => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8") },
            Self::OcspSigning => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9") },
        }
    }

    /// Bits of keyUsage of which one must be set, if the extension is there.
    fn consistent_bits(self) -> FlagSet<KeyUsages> {
        use KeyUsages::{DigitalSignature, KeyAgreement, KeyEncipherment, NonRepudiation};
        match self {
            Self::ServerAuth => DigitalSignature | KeyEncipherment | KeyAgreement,
            Self::ClientAuth => DigitalSignature | KeyAgreement,
            Self::CodeSigning => DigitalSignature.into(),
            Self::EmailProtection => {
                DigitalSignature | NonRepudiation | KeyEncipherment | KeyAgreement
            }
            Self::TimeStamping | Self::OcspSigning => DigitalSignature | NonRepudiation,
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerAuth => "server-auth",
            Self::ClientAuth => "client-auth",
            Self::CodeSigning => "code-signing",
            Self::EmailProtection => "email-protection",
            Self::TimeStamping => "time-stamping",
            Self::OcspSigning => "ocsp-signing",
        })
    }
}

impl FromStr for Usage {
    type Err = UnknownUsage;

    fn from_str(text: &str) -> Result<Self, UnknownUsage> {
        let named = Self::ALL.into_iter().find(|usage| usage.to_string() == text);
        named.ok_or_else(|| UnknownUsage { found: printable(text, 40) })
    }
}

/// The text names no usage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "usage: found {found}, allowed are server-auth, client-auth, code-signing, email-protection, time-stamping, ocsp-signing", found = quoted(.found)
)]
pub struct UnknownUsage {
    /// What was found, cut after 40 characters.
    pub found: String,
}

/// Checks that an issuer's extendedKeyUsage, if it has one, covers `usage`. RFC 5280 leaves this
/// to the application; webpki, OpenSSL and the browsers do it.
pub(super) fn check_authority(certificate: &Certificate, usage: Usage) -> Result<String, Fault> {
    let Some(usages) = certificate.extensions().extended_key_usage() else {
        return Ok(format!("may issue for {usage}: not limited"));
    };
    if usages.0.contains(&usage.oid()) || usages.0.contains(&ANY_USAGE) {
        return Ok(format!("may issue for {usage}"));
    }
    Err(wrong_usage(&usages.0, format!("{usage} or anyExtendedKeyUsage in an issuer")))
}

/// Checks that the certificate at the end may be used for `usage`. anyExtendedKeyUsage alone is
/// not enough: RFC 5280 section 4.2.1.12 lets an application refuse it, and webpki does.
pub(super) fn check_leaf(certificate: &Certificate, usage: Usage) -> Result<String, Fault> {
    let extensions = certificate.extensions();
    // RFC 5280 asks for consistent bits only where both extensions are there.
    let Some(usages) = extensions.extended_key_usage() else {
        return Ok(format!("may be used for {usage}: not limited"));
    };
    if !usages.0.contains(&usage.oid()) {
        return Err(wrong_usage(&usages.0, usage.to_string()));
    }
    let bits = usage.consistent_bits();
    if let Some(found) = extensions.key_usage()
        && (found.0 & bits).is_empty()
    {
        let allowed = format!("one of {} for {usage}", bit_names(bits));
        return Err(Fault::new(Reason::KeyUsage, "keyUsage", bit_names(found.0), allowed));
    }
    Ok(format!("may be used for {usage}"))
}

fn wrong_usage(found: &[ObjectIdentifier], allowed: String) -> Fault {
    let named = |oid: &ObjectIdentifier| match Usage::ALL.iter().find(|usage| usage.oid() == *oid) {
        Some(usage) => usage.to_string(),
        None if *oid == ANY_USAGE => "anyExtendedKeyUsage".into(),
        None => oid.to_string(),
    };
    let found: Vec<String> = found.iter().take(8).map(named).collect();
    Fault::new(Reason::ExtendedKeyUsage, "extendedKeyUsage", found.join(", "), allowed)
}

/// Checks that keyUsage fits the kind of key and basicConstraints.
pub(super) fn check_consistency(certificate: &Certificate) -> Result<(), Fault> {
    let extensions = certificate.extensions();
    let Some(usage) = extensions.key_usage() else { return Ok(()) };
    if usage.0.is_empty() {
        return Err(Fault::new(Reason::Extension, "keyUsage", "no bit", "at least one bit"));
    }
    let is_authority = extensions.basic_constraints().is_some_and(|constraints| constraints.ca);
    if usage.key_cert_sign() && !is_authority {
        let allowed = "keyCertSign only where basicConstraints says CA";
        return Err(Fault::new(Reason::KeyUsage, "keyUsage", bit_names(usage.0), allowed));
    }
    let kind = certificate.public_key().kind();
    let (possible, source) = match kind {
        KeyKind::MlDsa(_) => (signing_bits(), "RFC 9881"),
        KeyKind::SlhDsa(_) => (signing_bits(), "RFC 9909"),
        KeyKind::Composite(_) => (signing_bits(), "the composite draft"),
        KeyKind::MlKem(_) => (KeyUsages::KeyEncipherment.into(), "RFC 9935"),
        KeyKind::Classical(_) | KeyKind::Other(_) => return Ok(()),
    };
    if !(usage.0 - possible).is_empty() {
        let allowed = format!("only {} for {kind} ({source})", bit_names(possible));
        return Err(Fault::new(Reason::KeyUsage, "keyUsage", bit_names(usage.0), allowed));
    }
    Ok(())
}

/// Checks that an issuer may sign certificates.
pub(super) fn check_may_sign(certificate: &Certificate) -> Result<(), Fault> {
    match certificate.extensions().key_usage() {
        Some(usage) if !usage.key_cert_sign() => {
            let found = bit_names(usage.0);
            Err(Fault::new(Reason::KeyUsage, "keyUsage", found, "keyCertSign in an issuer"))
        }
        _ => Ok(()),
    }
}

fn signing_bits() -> FlagSet<KeyUsages> {
    KeyUsages::DigitalSignature
        | KeyUsages::NonRepudiation
        | KeyUsages::KeyCertSign
        | KeyUsages::CRLSign
}

fn bit_names(bits: FlagSet<KeyUsages>) -> String {
    let names: Vec<&str> = bits
        .into_iter()
        .map(|bit| match bit {
            KeyUsages::DigitalSignature => "digitalSignature",
            KeyUsages::NonRepudiation => "nonRepudiation",
            KeyUsages::KeyEncipherment => "keyEncipherment",
            KeyUsages::DataEncipherment => "dataEncipherment",
            KeyUsages::KeyAgreement => "keyAgreement",
            KeyUsages::KeyCertSign => "keyCertSign",
            KeyUsages::CRLSign => "cRLSign",
            KeyUsages::EncipherOnly => "encipherOnly",
            KeyUsages::DecipherOnly => "decipherOnly",
        })
        .collect();
    if names.is_empty() { "no bit".into() } else { names.join(", ") }
}
