//! OCSP requests and responses as text for people.

use std::fmt;

use super::super::ocsp::{
    CertIdReport, IncludedReport, OcspAnswerReport, OcspRequestReport, OcspResponseReport,
    SingleResponseReport,
};
use super::{colons, octets, or_none, row, write_signature};

impl fmt::Display for OcspRequestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "OCSP request (its signature is not checked here)")?;
        if let Some(requestor) = &self.requestor {
            row(f, "  ", "Requestor", requestor)?;
        }
        row(f, "  ", "Nonce", self.nonce.as_deref().map_or("none".into(), colons))?;
        for certificate in &self.certificates {
            write_cert_id(f, certificate)?;
        }
        match &self.signature {
            Some(signature) => {
                writeln!(f, "  Signature")?;
                write_signature(f, signature)?;
            }
            None => row(f, "  ", "Signature", "none")?,
        }
        self.included.iter().try_for_each(|one| write_included(f, one))?;
        row(f, "  ", "Size", octets(self.size_octets))?;
        row(f, "  ", "SHA-256", colons(&self.sha256))
    }
}

impl fmt::Display for OcspResponseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "OCSP response (neither its signature nor who made it is checked here)")?;
        row(f, "  ", "Response status", self.response_status)?;
        if let Some(answer) = &self.answer {
            write_answer(f, answer)?;
        }
        row(f, "  ", "Size", octets(self.size_octets))?;
        row(f, "  ", "SHA-256", colons(&self.sha256))
    }
}

fn write_answer(f: &mut fmt::Formatter<'_>, answer: &OcspAnswerReport) -> fmt::Result {
    row(f, "  ", "Responder", or_none(&answer.responder))?;
    row(f, "  ", "Produced at", answer.produced_at)?;
    row(f, "  ", "Nonce", answer.nonce.as_deref().map_or("none".into(), colons))?;
    answer.certificates.iter().try_for_each(|single| write_single(f, single))?;
    writeln!(f, "  Signature")?;
    write_signature(f, &answer.signature)?;
    answer.included.iter().try_for_each(|one| write_included(f, one))
}

fn write_single(f: &mut fmt::Formatter<'_>, single: &SingleResponseReport) -> fmt::Result {
    write_cert_id(f, &single.certificate)?;
    let indent = "    ";
    row(f, indent, "status", single.status)?;
    if let Some(at) = single.revoked_at {
        row(f, indent, "revoked at", at)?;
    }
    if let Some(reason) = single.reason {
        row(f, indent, "reason", reason)?;
    }
    if let Some(date) = single.invalidity_date {
        row(f, indent, "invalid since", date)?;
    }
    row(f, indent, "this update", single.this_update)?;
    match single.next_update {
        Some(next) => row(f, indent, "next update", next)?,
        None => row(f, indent, "next update", "none, newer ones are there all the time")?,
    }
    match single.archive_cutoff {
        Some(cutoff) => row(f, indent, "archive cutoff", cutoff),
        None => Ok(()),
    }
}

fn write_cert_id(f: &mut fmt::Formatter<'_>, certificate: &CertIdReport) -> fmt::Result {
    let indent = "    ";
    row(f, "  ", "Certificate", colons(&certificate.serial))?;
    row(f, indent, "hash", &certificate.hash)?;
    row(f, indent, "issuer name", colons(&certificate.issuer_name_hash))?;
    row(f, indent, "issuer key", colons(&certificate.issuer_key_hash))
}

fn write_included(f: &mut fmt::Formatter<'_>, included: &IncludedReport) -> fmt::Result {
    row(f, "  ", "Included", or_none(&included.subject))?;
    row(f, "    ", "issuer", or_none(&included.issuer))?;
    row(f, "    ", "SHA-256", colons(&included.sha256))
}
