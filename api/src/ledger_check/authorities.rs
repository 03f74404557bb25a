//! The authorities of a ledger: their keys, and whether their certificates hang together.

use ca_core::algorithm::Algorithm;
use ca_core::alt_signature::verify_alt_signature;
use ca_core::certificate::Certificate;
use ca_core::name;
use ledger::{Authority, Ledger, LedgerError};

use super::{CertificateFinding, Report};
use crate::authority::verify_signature;

/// An authority, with the certificate that says by which keys it signs.
pub(super) struct Known<'a> {
    recorded: &'a Authority,
    certificates: Vec<Certificate>,
}

/// How many signatures were right, and what was wrong.
type Judgement = (u64, Vec<(CertificateFinding, String)>);

impl<'a> Known<'a> {
    /// Reads its certificates; what can't be read is told and left out.
    pub(super) fn new(recorded: &'a Authority, report: &mut Report) -> Self {
        let name = &recorded.content.name;
        let mut certificates = Vec::new();
        for stored in &recorded.certificates {
            match Certificate::from_der(&stored.der) {
                Ok(certificate) => certificates.push(certificate),
                Err(error) => {
                    let kind = CertificateFinding::UnreadableCertificate;
                    let message = format!("certificate of the authority: {error}");
                    report.add_about(kind, name, None, message);
                }
            }
        }
        Self { recorded, certificates }
    }

    pub(super) fn name(&self) -> &str {
        &self.recorded.content.name
    }

    /// A certificate with its recorded key. All such have the same keys.
    fn identity(&self) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| self.has_recorded_key(certificate))
    }

    fn has_recorded_key(&self, certificate: &Certificate) -> bool {
        certificate.public_key().fingerprint() == self.recorded.content.key_digest
    }

    /// Verifies what this authority should have signed.
    pub(super) fn judge(&self, certificate: &Certificate) -> Judgement {
        // A root that was cut off has signed its own certificate, and has no other yet.
        let itself = Some(certificate).filter(|itself| self.has_recorded_key(itself));
        match self.identity().or(itself) {
            Some(issuer) => judge_link(certificate, issuer, self.name()),
            None => {
                let message = "no certificate of its authority has the recorded key".to_owned();
                (0, vec![(CertificateFinding::Signature, message)])
            }
        }
    }

    fn is_named_issuer(&self, certificate: &Certificate) -> bool {
        self.identity().is_some_and(|identity| identity.subject() == certificate.issuer())
    }
}

fn judge_link(certificate: &Certificate, issuer: &Certificate, name: &str) -> Judgement {
    let (mut right, mut wrong) = (0, Vec::new());
    if certificate.issuer() != issuer.subject() {
        let message = format!(
            "issuer: found {:?} in the certificate, allowed is {:?}, the subject of {name}",
            name::to_text(certificate.issuer()),
            name::to_text(issuer.subject())
        );
        wrong.push((CertificateFinding::Issuer, message));
    }
    match verify_signature(certificate, issuer.public_key()) {
        Ok(()) => right += 1,
        Err(error) => {
            let message = format!("{error}; allowed is one by the key of {name}");
            wrong.push((CertificateFinding::Signature, message));
        }
    }
    let Some(alternative) = issuer.extensions().alt_public_key() else { return (right, wrong) };
    match verify_alt_signature(certificate, alternative) {
        Ok(_) => right += 1,
        Err(error) => {
            let message = format!("{error}; allowed is one by the alternative key of {name}");
            wrong.push((CertificateFinding::AlternativeSignature, message));
        }
    }
    (right, wrong)
}

/// Checks the certificates of an authority: its key, its signers, and that one leads to its
/// parent.
pub(super) async fn check(
    authority: &Known<'_>,
    all: &[Known<'_>],
    ledger: &Ledger,
    report: &mut Report,
) -> Result<(), LedgerError> {
    let content = &authority.recorded.content;
    let name = authority.name();
    if authority.recorded.certificates.is_empty() {
        let message = format!(
            "begun at {} and never finished: run the same `espalier ca create` again, or leave it",
            content.created_at
        );
        report.add_about(CertificateFinding::UnfinishedAuthority, name, None, message);
        return Ok(());
    }
    let parent = content.parent.as_deref().unwrap_or(name);
    let mut leads_to_parent = false;
    for certificate in &authority.certificates {
        check_keys(authority, certificate, report);
        let Some(signer) = signer(certificate, parent, all) else {
            report.issued_elsewhere += 1;
            continue;
        };
        let (right, wrong) = signer.judge(certificate);
        report.signatures += right;
        leads_to_parent |= wrong.is_empty() && signer.name() == parent;
        for (kind, message) in wrong {
            report.add_about(kind, name, None, format!("certificate of the authority: {message}"));
        }
        if ledger.get_by_fingerprint(certificate.fingerprint()).await?.is_none() {
            let message = format!(
                "certificate of the authority, fingerprint {}: {} signed it, and it has no record",
                certificate.fingerprint(),
                signer.name()
            );
            report.add_about(CertificateFinding::Unrecorded, name, None, message);
        }
    }
    if !leads_to_parent {
        let message = format!("none of its certificates is rightly signed by {parent}");
        report.add_about(CertificateFinding::Chain, name, None, message);
    }
    Ok(())
}

/// Who should have signed it: the parent where it bears the parent's name, else another authority
/// of this ledger with the issuer's name.
fn signer<'a, 'b>(
    certificate: &Certificate,
    parent: &str,
    all: &'a [Known<'b>],
) -> Option<&'a Known<'b>> {
    let mut named: Vec<_> = all.iter().filter(|it| it.is_named_issuer(certificate)).collect();
    named.sort_by_key(|it| it.name() != parent);
    // Two authorities may have one name: the one whose signature it is.
    let right = named.iter().find(|it| it.judge(certificate).1.is_empty());
    right.or(named.first()).copied()
}

fn check_keys(authority: &Known<'_>, certificate: &Certificate, report: &mut Report) {
    let (content, key) = (&authority.recorded.content, certificate.public_key());
    if !authority.has_recorded_key(certificate) {
        let message = format!(
            "public key: found {} in a certificate of the authority, recorded {}",
            key.fingerprint(),
            content.key_digest
        );
        report.add_about(CertificateFinding::Key, authority.name(), None, message);
    }
    let recorded = Algorithm::named(&content.algorithm).map(Algorithm::key);
    if recorded.as_ref() != Ok(&key.kind()) {
        let message = format!(
            "algorithm: found a key of {} in a certificate of the authority, recorded {:?}",
            key.kind(),
            content.algorithm
        );
        report.add_about(CertificateFinding::Algorithm, authority.name(), None, message);
    }
}
