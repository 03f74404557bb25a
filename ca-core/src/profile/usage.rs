//! Key usages and extended key usages by name (RFC 5280 sections 4.2.1.3 and 4.2.1.12).

use const_oid::ObjectIdentifier;
use der::Encode;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::KeyUsages;

use crate::extensions::{Extension, oid};

const KEY_USAGES: [(&str, KeyUsages); 9] = [
    ("digital_signature", KeyUsages::DigitalSignature),
    ("non_repudiation", KeyUsages::NonRepudiation),
    ("key_encipherment", KeyUsages::KeyEncipherment),
    ("data_encipherment", KeyUsages::DataEncipherment),
    ("key_agreement", KeyUsages::KeyAgreement),
    ("key_cert_sign", KeyUsages::KeyCertSign),
    ("crl_sign", KeyUsages::CRLSign),
    ("encipher_only", KeyUsages::EncipherOnly),
    ("decipher_only", KeyUsages::DecipherOnly),
];

const EXTENDED_KEY_USAGES: [(&str, &str); 8] = [
    ("server_auth", "1.3.6.1.5.5.7.3.1"),
    ("client_auth", "1.3.6.1.5.5.7.3.2"),
    ("code_signing", "1.3.6.1.5.5.7.3.3"),
    ("email_protection", "1.3.6.1.5.5.7.3.4"),
    ("time_stamping", "1.3.6.1.5.5.7.3.8"),
    ("ocsp_signing", "1.3.6.1.5.5.7.3.9"),
    ("smartcard_logon", "1.3.6.1.4.1.311.20.2.2"),
    ("any", "2.5.29.37.0"),
];

/// The key usage of this name: `digital_signature`, or as cert-manager and RFC 5280 write it
/// (`digital signature`, `digitalSignature`).
pub fn key_usage_named(text: &str) -> Option<KeyUsages> {
    let wanted = plain(text);
    // X.509's later editions renamed nonRepudiation.
    let wanted = if wanted == "contentcommitment" { "nonrepudiation".into() } else { wanted };
    KEY_USAGES.into_iter().find(|(name, _)| plain(name) == wanted).map(|(_, usage)| usage)
}

/// The name of a key usage, as profiles write it.
pub fn key_usage_name(usage: KeyUsages) -> &'static str {
    // The table holds every variant.
    KEY_USAGES.into_iter().find(|(_, known)| *known == usage).map_or("", |(name, _)| name)
}

/// The extended key usage of this name (`server_auth`, `server auth`, `serverAuth`) or dotted
/// identifier.
pub fn extended_key_usage_named(text: &str) -> Option<ObjectIdentifier> {
    let wanted = plain(text);
    let row = EXTENDED_KEY_USAGES.into_iter().find(|(name, _)| plain(name) == wanted);
    let dotted = row.map_or(text.trim(), |(_, dotted)| dotted);
    dotted.parse().ok()
}

/// The name of an extended key usage as profiles write it, or its dotted identifier.
pub fn extended_key_usage_name(oid: ObjectIdentifier) -> String {
    let dotted = oid.to_string();
    let row = EXTENDED_KEY_USAGES.into_iter().find(|(_, known)| *known == dotted);
    row.map_or(dotted, |(name, _)| name.to_owned())
}

/// keyUsage for a request, critical as RFC 5280 wants it.
///
/// # Errors
/// `der::Error` from the encoder; nine bits always fit.
pub fn key_usage_extension(usages: FlagSet<KeyUsages>) -> Result<Extension, der::Error> {
    Ok(Extension { oid: oid::KEY_USAGE, critical: true, value: usages.to_der()? })
}

/// extendedKeyUsage for a request.
///
/// # Errors
/// `der::Error` from the encoder.
pub fn extended_key_usage_extension(usages: &[ObjectIdentifier]) -> Result<Extension, der::Error> {
    let value = usages.to_vec().to_der()?;
    Ok(Extension { oid: oid::EXTENDED_KEY_USAGE, critical: false, value })
}

/// Usages as text, for messages and notes.
pub(crate) fn key_usage_text(usages: FlagSet<KeyUsages>) -> String {
    let names: Vec<&str> = usages.into_iter().map(key_usage_name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|character| !matches!(character, ' ' | '_' | '-'))
        .map(|character| character.to_ascii_lowercase())
        .collect()
}
