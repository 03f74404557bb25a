//! The syntax of the names in a subjectAltName (RFC 5280 section 4.2.1.6).

use x509_cert::ext::pkix::name::GeneralName;

use super::outcome::{Fault, Reason};
use super::server_name::{describe, is_host_name, mailbox, uri_host};
use crate::certificate::Certificate;
use crate::extensions::oid;
use crate::well_formed::malformed_attribute;

/// Names that a certificate may carry here at most; it bounds the work of one path.
const MAX_NAMES: usize = 4096;

/// Checks every name's syntax, and that there is a critical subjectAltName where the subject is
/// empty.
pub(super) fn check(certificate: &Certificate) -> Result<(), Fault> {
    let extensions = certificate.extensions();
    let Some(names) = extensions.subject_alt_name() else {
        if certificate.subject().is_empty() {
            let allowed = "a subject, or a critical subjectAltName";
            return Err(Fault::new(Reason::Field, "subject", "an empty name", allowed));
        }
        return Ok(());
    };
    if certificate.subject().is_empty() && !extensions.is_critical(oid::SUBJECT_ALT_NAME) {
        let allowed = "critical, since the subject is empty";
        return Err(Fault::new(Reason::Extension, "subjectAltName", "not critical", allowed));
    }
    if names.0.is_empty() || names.0.len() > MAX_NAMES {
        let found = format!("{} names", names.0.len());
        let allowed = format!("1 to {MAX_NAMES}");
        return Err(Fault::new(Reason::Extension, "subjectAltName", found, allowed));
    }
    names.0.iter().try_for_each(check_name)
}

fn check_name(name: &GeneralName) -> Result<(), Fault> {
    let (fine, allowed) = match name {
        GeneralName::DnsName(text) => (is_presented_host(text.as_str()), DNS_RULE),
        GeneralName::Rfc822Name(text) => (mailbox(text.as_str()).is_some(), "local@host"),
        GeneralName::UniformResourceIdentifier(text) => {
            (uri_host(text.as_str()).is_some(), "an absolute URI")
        }
        GeneralName::IpAddress(octets) => {
            (matches!(octets.as_bytes().len(), 4 | 16), "4 or 16 octets")
        }
        GeneralName::DirectoryName(name) => {
            let allowed = "a name that is not empty, with values as their tags say";
            (!name.is_empty() && malformed_attribute(name).is_none(), allowed)
        }
        GeneralName::OtherName(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => {
            (true, "")
        }
    };
    if fine {
        return Ok(());
    }
    Err(Fault::new(Reason::Extension, "subjectAltName", describe(name), allowed))
}

const DNS_RULE: &str =
    "letters, digits and hyphens in labels of 1 to 63, an asterisk only as the whole first label";

/// A host name, or `*.` before one. What a wildcard covers is decided where names are compared.
fn is_presented_host(text: &str) -> bool {
    is_host_name(text.strip_prefix("*.").unwrap_or(text))
}
