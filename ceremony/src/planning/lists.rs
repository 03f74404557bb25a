//! Planning revocation lists.
//!
//! ca-core makes a list in one go with a signer. Here the signer is one that writes down what it is
//! asked to sign, and refuses: so the plan has the octets, without a key.

use std::sync::{Arc, Mutex, PoisonError};

use ca_core::algorithm::SignatureScheme;
use ca_core::certificate::Certificate;
use ca_core::crl::{CrlBuildError, CrlBuilder, EntrySerial, RevokedEntry};
use ca_core::lint::{Finding, LintOverrides, Severity, lint_list};
use ca_core::pem;
use ca_core::sign::{SignError, Signer, SigningBackend};
use der::asn1::{Any, BitString};
use der::{Encode as _, Tag};
use jiff::Timestamp;

use super::{Materials, PlanningError, PreparedCrl};
use crate::definition::{CrlStep, RevocationTarget};

pub(super) fn prepare<'c>(
    name: &str,
    step: &CrlStep,
    at: Timestamp,
    (issuer, scheme): (&Certificate, SignatureScheme),
    certificate: impl Fn(&str) -> Option<&'c Certificate>,
    materials: &Materials,
) -> Result<PreparedCrl, PlanningError> {
    let mut entries = match &step.previous {
        Some(path) => previous(name, path, step, (issuer, at), materials)?,
        None => Vec::new(),
    };
    for revocation in &step.revoked {
        let serial = match &revocation.target {
            RevocationTarget::Serial(serial) => *serial,
            RevocationTarget::Certificate(target) => {
                let found = certificate(target).ok_or_else(|| PlanningError::Unknown {
                    what: "certificate",
                    found: target.clone(),
                })?;
                check_issued(name, target, found, issuer)?;
                EntrySerial::of(found).map_err(|error| PlanningError::at(name, &error))?
            }
        };
        if entries.iter().any(|entry: &RevokedEntry| entry.serial == serial) {
            return Err(PlanningError::Field {
                place: name.to_owned(),
                field: "revoked",
                found: format!("serial number {serial} twice"),
                allowed: "each once, those of the previous list among them".into(),
            });
        }
        let revoked_at = revocation.revoked_at.unwrap_or(at);
        let reason = revocation.reason;
        entries.push(RevokedEntry { serial, revoked_at, reason, invalidity_date: None });
    }
    let mut made = PreparedCrl {
        issuer: issuer.clone(),
        number: step.number,
        this_update: at,
        next_update: step.next_update,
        entries,
        scheme,
        tbs: Vec::new(),
        findings: Vec::new(),
    };
    made.tbs = made.written_down().map_err(|error| PlanningError::at(name, &error))?;
    let preview = made.preview().map_err(|error| PlanningError::at(name, &error))?;
    // Without the issuer its signature is not looked at: it is of zeros.
    made.findings = lint_list(&preview, None, &LintOverrides::default());
    let errors = made.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    if errors.is_empty() {
        return Ok(made);
    }
    let message = format!("lint: {}", errors.join("; "));
    Err(PlanningError::Refused { place: name.to_owned(), message })
}

/// A certificate that the issuer of the list signed, or will.
fn check_issued(
    place: &str,
    target: &str,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<(), PlanningError> {
    if certificate.issuer() == issuer.subject() {
        return Ok(());
    }
    Err(PlanningError::Field {
        place: place.to_owned(),
        field: "revoked",
        found: format!("{target}, issued by {}", ca_core::name::to_text(certificate.issuer())),
        allowed: format!(
            "certificates that the list's own issuer issued, {}",
            ca_core::name::to_text(issuer.subject())
        ),
    })
}

/// The entries of the list before this one, whose signature and order are checked.
fn previous(
    place: &str,
    path: &str,
    step: &CrlStep,
    (issuer, at): (&Certificate, Timestamp),
    materials: &Materials,
) -> Result<Vec<RevokedEntry>, PlanningError> {
    let failed = |error: &dyn std::error::Error| PlanningError::at(path, error);
    let list = pem::read_one_crl(materials.input(path)?).map_err(|error| failed(&error))?;
    list.verify(issuer).map_err(|error| failed(&error))?;
    let refuse = |field, found: String, allowed: String| {
        Err(PlanningError::Field { place: place.to_owned(), field, found, allowed })
    };
    if list.is_delta() {
        return refuse("previous", "a delta list".into(), "a complete list".into());
    }
    if list.number() >= step.number {
        let allowed = format!("more than {}, the number of {path}", list.number());
        return refuse("number", step.number.to_string(), allowed);
    }
    if list.this_update() > at {
        let allowed = format!("not later than the ceremony, {at}");
        return refuse("previous", format!("a list of {}", list.this_update()), allowed);
    }
    Ok(list.entries().collect())
}

impl PreparedCrl {
    /// Makes the list by this signer, which must be the issuer's key.
    ///
    /// # Errors
    /// `CrlBuildError` when the signer refuses.
    pub fn sign(&self, signer: &Signer) -> Result<Vec<u8>, CrlBuildError> {
        let mut der = Vec::new();
        let builder =
            CrlBuilder::new(&self.issuer, self.number, self.this_update, self.next_update)?;
        builder.sign(self.entries.iter().copied(), signer, &mut der)?;
        Ok(der)
    }

    /// How it is signed.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// What it revokes.
    pub fn entries(&self) -> &[RevokedEntry] {
        &self.entries
    }

    /// What the lints say that does not stop it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The list as it will be, but for the signature, which is zeros.
    fn preview(&self) -> Result<Vec<u8>, der::Error> {
        let algorithm = self.scheme.to_identifier().to_der()?;
        let signature = BitString::from_bytes(&super::zeros(self.scheme))?.to_der()?;
        let content = [&self.tbs[..], &algorithm, &signature].concat();
        Any::new(Tag::Sequence, content)?.to_der()
    }

    /// TBSCertList, by a signer that writes down what it is asked to sign, and refuses.
    fn written_down(&self) -> Result<Vec<u8>, CrlBuildError> {
        let seen = Arc::new(Mutex::new(None));
        let pen = Box::new(Pen { seen: Arc::clone(&seen) });
        let key = self.issuer.public_key().clone();
        let refused = |error: ca_core::signature::SignatureError| {
            let reason = error.to_string();
            CrlBuildError::Sign(SignError::Backend { scheme: self.scheme, reason })
        };
        let signer = Signer::new(key, self.scheme, pen).map_err(refused)?;
        let error = match self.sign(&signer) {
            Err(error) => error,
            // The pen never signs.
            Ok(_) => return Err(refused(ca_core::signature::SignatureError::Invalid)),
        };
        seen.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(error)
    }
}

/// Writes down what it is asked to sign.
struct Pen {
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl SigningBackend for Pen {
    fn make_signature(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some(message.to_vec());
        Err(SignError::Backend { scheme, reason: "a plan has no key".into() })
    }
}
