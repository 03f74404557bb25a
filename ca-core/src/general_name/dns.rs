//! Syntax of DNS names (RFC 1034 section 3.5, RFC 1123 section 2.1, RFC 5890, RFC 9525).

use super::{AltNameError, punycode, shortened};

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Checks a DNS name and gives it in lower case.
pub(super) fn check(text: &str) -> Result<String, AltNameError> {
    let name = || shortened(text);
    if text.is_empty() {
        return Err(AltNameError::DnsEmpty);
    }
    if text.len() > MAX_NAME {
        return Err(AltNameError::DnsLength { found: text.len() });
    }
    if !text.is_ascii() {
        return Err(AltNameError::DnsUnicode { name: name() });
    }
    if text.ends_with('.') && text.len() > 1 {
        return Err(AltNameError::DnsTrailingDot { name: name() });
    }
    let host = text.strip_prefix("*.").unwrap_or(text);
    // Verifiers don't match a wildcard right below a top-level domain.
    if host.contains('*') || (host.len() < text.len() && !host.contains('.')) {
        return Err(AltNameError::DnsWildcard { name: name() });
    }
    let lower = text.to_ascii_lowercase();
    for label in lower[text.len() - host.len()..].split('.') {
        check_label(text, label)?;
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AltNameError::DnsNumeric { name: name() });
    }
    Ok(lower)
}

fn check_label(name: &str, label: &str) -> Result<(), AltNameError> {
    let characters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let length = (1..=MAX_LABEL).contains(&label.len());
    if !characters || !length || label.starts_with('-') || label.ends_with('-') {
        return Err(AltNameError::DnsLabel { name: shortened(name), label: shortened(label) });
    }
    let reserved = label.get(2..4) == Some("--");
    let a_label = || label.strip_prefix("xn--").is_some_and(punycode::is_valid);
    if reserved && !a_label() {
        return Err(AltNameError::DnsALabel { name: shortened(name), label: shortened(label) });
    }
    Ok(())
}
