//! One link: the signatures of a certificate by the key, or keys, of its issuer.

use super::SecurityPolicy;
use super::certificate_rules::weak_key;
use super::outcome::{Check, Fault, Reason, Step, Verdict};
use crate::algorithm::{SchemeError, SignatureScheme};
use crate::alt_signature::{AltSignatureError, verify_alt_signature};
use crate::certificate::Certificate;
use crate::extensions::oid;
use crate::signature::{SignatureError, verify};

/// Signatures that were found right.
#[derive(Clone, Debug)]
pub(super) struct Link {
    scheme: SignatureScheme,
    alternative: Alternative,
}

#[derive(Clone, Debug)]
enum Alternative {
    Absent,
    /// There, but nobody here can tell whether it is right.
    NotChecked(String),
    Valid(SignatureScheme),
}

/// Checks the signature of `certificate` by `issuer`, and its alternative signature.
///
/// An alternative signature that can be checked must be right under every policy: nobody makes a
/// wrong one but by an attack or a fault.
pub(super) fn check(
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Link, (Check, Fault)> {
    let scheme = check_signature(certificate, issuer).map_err(|fault| (Check::Signature, fault))?;
    let alternative = check_alternative(certificate, issuer)
        .map_err(|fault| (Check::AlternativeSignature, fault))?;
    Ok(Link { scheme, alternative })
}

fn check_signature(
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<SignatureScheme, Fault> {
    let scheme =
        SignatureScheme::from_identifier(certificate.signature_algorithm()).map_err(unaccepted)?;
    let key = issuer.public_key();
    match verify(key, scheme, certificate.tbs_der(), certificate.signature()) {
        Ok(()) => Ok(scheme),
        Err(SignatureError::WeakKey(error)) => {
            Err(weak_key("the issuer's subjectPublicKeyInfo", key, &error))
        }
        Err(error) => {
            let found = match error {
                SignatureError::Invalid => format!("a wrong {scheme} signature"),
                other => other.to_string(),
            };
            let allowed = format!("a signature by the {} key of the issuer", key.kind());
            Err(Fault::new(Reason::Signature, "signatureValue", found, allowed))
        }
    }
}

fn unaccepted(error: SchemeError) -> Fault {
    let (found, allowed) = match error {
        SchemeError::Unknown { oid } => {
            (format!("{oid}, which is not known"), "the rows of `espalier algorithms`")
        }
        SchemeError::Broken { oid } => {
            (format!("{oid}, which uses MD5 or SHA-1 and can be forged"), "SHA-256 and better")
        }
        SchemeError::Parameters { oid, allowed } => (format!("other parameters of {oid}"), allowed),
    };
    Fault::new(Reason::Signature, "signatureAlgorithm", found, allowed)
}

fn check_alternative(
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Alternative, Fault> {
    let extensions = certificate.extensions();
    let is_there = extensions.get(oid::ALT_SIGNATURE_ALGORITHM).is_some()
        || extensions.get(oid::ALT_SIGNATURE_VALUE).is_some();
    if !is_there {
        return Ok(Alternative::Absent);
    }
    let not_checkable = |why: String| {
        let critical = extensions.is_critical(oid::ALT_SIGNATURE_ALGORITHM)
            || extensions.is_critical(oid::ALT_SIGNATURE_VALUE);
        if critical {
            let allowed = "one that can be checked, since it is critical";
            return Err(Fault::new(
                Reason::AlternativeSignature,
                "altSignatureValue",
                why,
                allowed,
            ));
        }
        Ok(Alternative::NotChecked(why))
    };
    let Some(key) = issuer.extensions().alt_public_key() else {
        return not_checkable("the issuer has no subjectAltPublicKeyInfo".into());
    };
    match verify_alt_signature(certificate, key) {
        Ok(scheme) => Ok(Alternative::Valid(scheme)),
        Err(AltSignatureError::Scheme(SchemeError::Unknown { oid })) => {
            not_checkable(format!("algorithm {oid} is not known"))
        }
        Err(error) => {
            let allowed = format!("a right one by the issuer's {} key, or none", key.kind());
            let found = error.to_string();
            Err(Fault::new(Reason::AlternativeSignature, "altSignatureValue", found, allowed))
        }
    }
}

impl Link {
    /// What was checked, for the report.
    pub(super) fn steps(&self, certificate: &Certificate) -> Vec<Step> {
        let step = |check, verdict, detail: String| Step::new(certificate, check, verdict, detail);
        let mut steps = vec![step(Check::Signature, Verdict::Ok, self.scheme.to_string())];
        let check = Check::AlternativeSignature;
        match &self.alternative {
            Alternative::Absent => {}
            Alternative::NotChecked(why) => {
                steps.push(step(check, Verdict::NotChecked, why.clone()));
            }
            Alternative::Valid(scheme) => {
                steps.push(step(check, Verdict::Ok, scheme.to_string()));
            }
        }
        steps
    }

    /// Whether the signatures are of the kinds that the policy asks for.
    pub(super) fn satisfies(&self, policy: SecurityPolicy) -> Result<String, Fault> {
        let alternative = match self.alternative {
            Alternative::Valid(scheme) => Some(scheme),
            Alternative::Absent | Alternative::NotChecked(_) => None,
        };
        let schemes = || [Some(self.scheme), alternative].into_iter().flatten();
        let post_quantum = schemes().any(|scheme| scheme.is_post_quantum());
        let classical = schemes().any(|scheme| scheme.has_classical_part());
        let (satisfied, allowed) = match policy {
            SecurityPolicy::Any => (true, ""),
            SecurityPolicy::PostQuantum => (
                post_quantum,
                "ML-DSA, SLH-DSA, a composite, or a checked alternative signature of these",
            ),
            SecurityPolicy::Hybrid => (
                post_quantum && classical,
                "a composite, or a classical signature and a checked post-quantum one beside it",
            ),
        };
        let found = match alternative {
            Some(alternative) => format!("{} and {alternative}", self.scheme),
            None => format!("{} alone", self.scheme),
        };
        if satisfied {
            return Ok(format!("{policy}: {found}"));
        }
        Err(Fault::new(Reason::SecurityPolicy, "signature", found, allowed))
    }
}
