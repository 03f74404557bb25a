//! Reports as text for people.

mod ocsp;

use std::fmt;

use super::Report;
use super::certificate::{AlternativeReport, CertificateReport, Mode, SignatureReport};
use super::encrypted::{EncryptedKeyReport, KdfReport};
use super::extension::{ExtensionReport, ExtensionValue as Value};
use super::key::{Half, KeyFamily, KeyReport};
use super::private::{Container, PrivateForm, PrivateKeyReport};
use super::request::RequestReport;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(report) => report.fmt(f),
            Self::CertificateRequest(report) => report.fmt(f),
            Self::Crl(report) => report.fmt(f),
            Self::PublicKey(report) => {
                writeln!(f, "Public key")?;
                write_key(f, "  ", report)
            }
            Self::PrivateKey(report) => report.fmt(f),
            Self::EncryptedPrivateKey(report) => report.fmt(f),
            Self::Pkcs12(report) => report.fmt(f),
            Self::Pkcs7(report) => report.fmt(f),
            Self::OcspRequest(report) => report.fmt(f),
            Self::OcspResponse(report) => report.fmt(f),
        }
    }
}

impl fmt::Display for CertificateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Certificate")?;
        row(f, "  ", "Subject", or_none(&self.subject))?;
        let note = if self.self_issued { " (the subject itself)" } else { "" };
        row(f, "  ", "Issuer", format_args!("{}{note}", or_none(&self.issuer)))?;
        row(f, "  ", "Serial number", colons(&self.serial))?;
        row(f, "  ", "Valid from", self.validity.not_before)?;
        let lasts = duration(self.validity.duration_seconds);
        row(f, "  ", "Valid until", format_args!("{} ({lasts})", self.validity.not_after))?;
        match self.mode {
            Mode::Catalyst => {
                let main = family_name(self.signature.family);
                row(
                    f,
                    "  ",
                    "Mode",
                    format_args!("catalyst ({main} with an alternative signature)"),
                )?;
            }
            mode => row(f, "  ", "Mode", mode)?,
        }
        row(f, "  ", "X.509 version", self.x509_version)?;
        writeln!(f, "  Public key")?;
        write_key(f, "    ", &self.public_key)?;
        writeln!(f, "  Signature")?;
        write_signature(f, &self.signature)?;
        if let Some(alternative) = &self.alternative {
            write_alternative(f, alternative)?;
        }
        write_extensions(f, "Extensions", &self.extensions)?;
        let size = &self.size;
        row(f, "  ", "Size", octets(size.total_octets))?;
        write_parts(
            f,
            [
                size.tbs_octets,
                size.public_key_octets,
                size.extension_value_octets,
                size.signature_octets,
            ],
        )?;
        row(f, "  ", "SHA-256", colons(&self.sha256))?;
        write_warnings(f, "  ", &self.warnings)
    }
}

impl fmt::Display for RequestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Certificate request (its signature is not checked here)")?;
        row(f, "  ", "Subject", or_none(&self.subject))?;
        writeln!(f, "  Public key")?;
        write_key(f, "    ", &self.public_key)?;
        writeln!(f, "  Signature")?;
        write_signature(f, &self.signature)?;
        write_extensions(f, "Requested extensions", &self.extensions)?;
        if let Some(related) = &self.related {
            writeln!(f, "  Asks to be bound to (its signature is not checked here)")?;
            row(f, "    ", "issuer", or_none(&related.issuer))?;
            row(f, "    ", "serial", colons(&related.serial))?;
            row(f, "    ", "made", related.time)?;
            related.locations.iter().try_for_each(|place| row(f, "    ", "place", place))?;
        }
        if let Some(statement) = &self.statement_of_possession {
            writeln!(f, "  Possession is stated by the holder of (RFC 9883)")?;
            row(f, "    ", "issuer", or_none(&statement.issuer))?;
            row(f, "    ", "serial", colons(&statement.serial))?;
            let included = statement.certificate_sha256.as_deref().map(colons);
            row(f, "    ", "SHA-256", included.unwrap_or_else(|| "not included".into()))?;
        }
        if !self.ignored_attributes.is_empty() {
            row(f, "  ", "Ignored", self.ignored_attributes.join(", "))?;
        }
        let size = &self.size;
        row(f, "  ", "Size", octets(size.total_octets))?;
        write_parts(
            f,
            [
                size.signed_octets,
                size.public_key_octets,
                size.extension_value_octets,
                size.signature_octets,
            ],
        )?;
        row(f, "  ", "SHA-256", colons(&self.sha256))
    }
}

impl fmt::Display for PrivateKeyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Private key (its secret is not shown)")?;
        let container = match self.container {
            Container::Pkcs8 => "PKCS#8",
            Container::Sec1 => "SEC1",
            Container::Pkcs1 => "PKCS#1",
        };
        row(f, "  ", "Container", format_args!("{container}, {}", octets(self.size_octets)))?;
        if let Some(form) = self.form {
            row(
                f,
                "  ",
                "Form",
                match form {
                    PrivateForm::Seed => "seed",
                    PrivateForm::ExpandedKey => "expandedKey (without its seed)",
                    PrivateForm::Both => "both (seed and expandedKey; they agree)",
                },
            )?;
        }
        writeln!(f, "  Public key")?;
        write_key(f, "    ", &self.public_key)
    }
}

impl fmt::Display for EncryptedKeyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Encrypted private key (only its passphrase tells which key)")?;
        row(f, "  ", "Scheme", format_args!("{} ({})", self.scheme, self.scheme_oid))?;
        match &self.kdf {
            Some(KdfReport::Pbkdf2 { prf, iterations, salt_octets }) => {
                row(f, "  ", "Key derivation", format_args!("PBKDF2 with {prf}"))?;
                row(f, "    ", "iterations", iterations)?;
                row(f, "    ", "salt", octets(*salt_octets))?;
            }
            Some(KdfReport::Scrypt {
                cost,
                block_size,
                parallelization,
                memory_octets,
                salt_octets,
            }) => {
                row(f, "  ", "Key derivation", "scrypt")?;
                let parameters = format_args!("N {cost}, r {block_size}, p {parallelization}");
                row(f, "    ", "parameters", parameters)?;
                row(f, "    ", "memory", format_args!("{memory_octets} octets"))?;
                row(f, "    ", "salt", octets(*salt_octets))?;
            }
            Some(KdfReport::Unknown { oid }) => {
                row(f, "  ", "Key derivation", format_args!("unknown ({oid})"))?;
            }
            None => {}
        }
        if let Some((cipher, oid)) = self.cipher.as_ref().zip(self.cipher_oid.as_ref()) {
            row(f, "  ", "Cipher", format_args!("{cipher} ({oid})"))?;
        }
        row(f, "  ", "Encrypted", octets(self.ciphertext_octets))?;
        row(f, "  ", "Size", octets(self.size_octets))?;
        write_warnings(f, "  ", &self.warnings)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classical => "classical",
            Self::Composite => "composite",
            Self::Catalyst => "catalyst",
            Self::PostQuantum => "post-quantum",
            Self::Unknown => "unknown",
        })
    }
}

/// A name, a colon, and a value in its column.
pub(super) fn row(
    f: &mut fmt::Formatter<'_>,
    indent: &str,
    name: &str,
    value: impl fmt::Display,
) -> fmt::Result {
    let width = 18_usize.saturating_sub(indent.len()).max(name.len() + 2);
    writeln!(f, "{indent}{:<width$}{value}", format!("{name}:"))
}

fn write_key(f: &mut fmt::Formatter<'_>, indent: &str, key: &KeyReport) -> fmt::Result {
    row(f, indent, "algorithm", format_args!("{} ({})", key.algorithm, key.oid))?;
    row(f, indent, "strength", strength(key.family, key.nist_level))?;
    row(f, indent, "size", octets(key.size_octets))?;
    write_halves(f, indent, &key.halves)?;
    row(f, indent, "SHA-256", colons(&key.sha256))?;
    row(f, indent, "key id", colons(&key.key_identifier))?;
    write_warnings(f, indent, &key.warnings)
}

pub(super) fn write_signature(
    f: &mut fmt::Formatter<'_>,
    signature: &SignatureReport,
) -> fmt::Result {
    let indent = "    ";
    row(f, indent, "algorithm", format_args!("{} ({})", signature.algorithm, signature.oid))?;
    row(f, indent, "strength", strength(signature.family, signature.nist_level))?;
    row(f, indent, "size", octets(signature.size_octets))?;
    write_halves(f, indent, &signature.halves)?;
    write_warnings(f, indent, &signature.warnings)
}

fn write_alternative(f: &mut fmt::Formatter<'_>, alternative: &AlternativeReport) -> fmt::Result {
    if let Some(key) = &alternative.public_key {
        writeln!(f, "  Alternative public key")?;
        write_key(f, "    ", key)?;
    }
    if let Some(signature) = &alternative.signature {
        writeln!(f, "  Alternative signature")?;
        write_signature(f, signature)?;
    }
    Ok(())
}

/// Octets of the signed part, the key, the extensions and the signature.
fn write_parts(f: &mut fmt::Formatter<'_>, counts: [usize; 4]) -> fmt::Result {
    let names = ["signed part", "public key", "extensions", "signature"];
    let parts = names.into_iter().zip(counts);
    parts.into_iter().try_for_each(|(name, count)| row(f, "    ", name, octets(count)))
}

fn write_halves(f: &mut fmt::Formatter<'_>, indent: &str, halves: &[Half]) -> fmt::Result {
    for half in halves {
        let strength = strength(half.family, half.nist_level);
        let size = octets(half.size_octets);
        row(f, indent, "half", format_args!("{}, {size}, {strength}", half.algorithm))?;
    }
    Ok(())
}

fn write_warnings(f: &mut fmt::Formatter<'_>, indent: &str, warnings: &[String]) -> fmt::Result {
    warnings.iter().try_for_each(|warning| row(f, indent, "Warning", warning))
}

/// Writes a heading and every extension.
fn write_extensions(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    extensions: &[ExtensionReport],
) -> fmt::Result {
    if extensions.is_empty() {
        return row(f, "  ", heading, "none");
    }
    writeln!(f, "  {heading}")?;
    for extension in extensions {
        let critical = if extension.critical { ", critical" } else { "" };
        let oid = match extension.name {
            "unknown" => format!(" {}", extension.oid),
            _ => String::new(),
        };
        writeln!(f, "    {}{oid}{critical}", extension.name)?;
        for line in lines(extension) {
            writeln!(f, "      {line}")?;
        }
    }
    Ok(())
}

/// What the extension says, line by line.
fn lines(extension: &ExtensionReport) -> Vec<String> {
    let count = |name: &str, value: &Option<u32>| {
        value.map(|value| format!("{name} after {value} certificates"))
    };
    match &extension.value {
        Value::BasicConstraints { ca: true, path_length: Some(length) } => {
            vec![format!("CA, path length {length}")]
        }
        Value::BasicConstraints { ca: true, path_length: None } => {
            vec!["CA, any path length".into()]
        }
        Value::BasicConstraints { ca: false, .. } => vec!["not a CA".into()],
        Value::KeyUsage { usages } => vec![usages.join(", ")],
        Value::ExtendedKeyUsage { purposes } => {
            let text = |purpose: &super::NamedOid| purpose.name.unwrap_or(&purpose.oid).to_owned();
            vec![purposes.iter().map(text).collect::<Vec<_>>().join(", ")]
        }
        Value::SubjectAltName { names } => names.clone(),
        Value::SubjectKeyIdentifier { key_identifier } => vec![colons(key_identifier)],
        Value::AuthorityKeyIdentifier { authority_key_identifier, issuer, serial } => {
            let key = authority_key_identifier.as_deref().map(colons);
            let serial = serial.as_deref().map(|serial| format!("serial {}", colons(serial)));
            key.into_iter().chain(issuer.clone()).chain(serial).collect()
        }
        Value::NameConstraints { permitted, excluded } => {
            let permitted = permitted.iter().map(|name| format!("permitted {name}"));
            permitted.chain(excluded.iter().map(|name| format!("excluded {name}"))).collect()
        }
        Value::CertificatePolicies { policies } => policies.iter().map(policy).collect(),
        Value::PolicyMappings { mappings } => {
            mappings.iter().map(|pair| format!("{} = {}", pair.issuer, pair.subject)).collect()
        }
        Value::PolicyConstraints { require_explicit_policy, inhibit_policy_mapping } => {
            let require = count("a policy is required", require_explicit_policy);
            let inhibit = count("mapping ends", inhibit_policy_mapping);
            require.into_iter().chain(inhibit).collect()
        }
        Value::InhibitAnyPolicy { skip_certificates } => {
            vec![format!("after {skip_certificates} certificates")]
        }
        Value::CrlDistributionPoints { points } => points.iter().map(point).collect(),
        Value::AuthorityInfoAccess { access } => {
            access.iter().map(|entry| format!("{} {}", entry.method, entry.location)).collect()
        }
        Value::RelatedCertificate { hash, digest } => vec![format!("{hash} {}", colons(digest))],
        Value::AltPublicKey { algorithm, key_octets } => {
            vec![format!("{algorithm}, {}", octets(*key_octets))]
        }
        Value::AltSignatureAlgorithm { algorithm_oid } => vec![algorithm_oid.clone()],
        Value::AltSignatureValue { signature_octets } => vec![octets(*signature_octets)],
        Value::Unknown { hex_prefix } => {
            let more = if extension.size_octets * 2 > hex_prefix.len() { "…" } else { "" };
            vec![format!("{}, {}{more}", octets(extension.size_octets), colons(hex_prefix))]
        }
    }
}

fn policy(policy: &super::PolicyReport) -> String {
    let name = policy.name.map(|name| format!(" ({name})")).unwrap_or_default();
    let qualifiers: String = policy.qualifiers.iter().map(|text| format!(", {text}")).collect();
    format!("{}{name}{qualifiers}", policy.oid)
}

fn point(point: &super::RevocationPointReport) -> String {
    let issuer: String = point.crl_issuer.iter().map(|name| format!(", issuer {name}")).collect();
    let some = if point.only_some_reasons { ", only some reasons" } else { "" };
    format!("{}{issuer}{some}", point.names.join(", "))
}

fn strength(family: KeyFamily, nist_level: Option<u8>) -> String {
    let name = family_name(family);
    match (family, nist_level) {
        (_, Some(level)) => format!("{name}, NIST level {level}"),
        (KeyFamily::Classical, None) => "classical, no NIST level".into(),
        (_, None) => name.into(),
    }
}

fn family_name(family: KeyFamily) -> &'static str {
    match family {
        KeyFamily::Classical => "classical",
        KeyFamily::PostQuantum => "post-quantum",
        KeyFamily::Composite => "composite",
        KeyFamily::Unknown => "unknown",
    }
}

pub(super) fn octets(count: usize) -> String {
    if count == 1 { "1 octet".into() } else { format!("{count} octets") }
}

pub(super) fn or_none(name: &str) -> &str {
    if name.is_empty() { "(none)" } else { name }
}

/// `aabb` as `aa:bb`.
pub(super) fn colons(hex: &str) -> String {
    let pairs: Vec<&str> = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect();
    pairs.join(":")
}

/// Days, hours, minutes and seconds, those that are not zero.
fn duration(seconds: u64) -> String {
    let units = [
        (seconds / 86_400, "day"),
        (seconds / 3600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let parts = units.into_iter().filter(|(count, _)| *count > 0);
    let text = |(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    parts.map(text).collect::<Vec<String>>().join(" ")
}
