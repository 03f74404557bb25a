//! Signing what was planned, and nothing else.
//!
//! A key is never handed out: it stands behind a gate that compares every message, octet for octet,
//! with what the confirmed plan has for this step, and refuses all else. It opens once.

use std::sync::Mutex;

use ca_core::algorithm::SignatureScheme;
use ca_core::certificate::Certificate;
use ca_core::crl::CertificateList;
use ca_core::key::{KeyError, PrivateKey};
use ca_core::pem::{self, Label};
use ca_core::public_key::PublicKey;
use ca_core::sign::{SignError, Signer, SigningBackend};
use ca_core::signature::{Implementation, verify_in_context};

use crate::planning::{Deed, Prepared};

/// What a step made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What it is.
    pub label: Label,
    /// Its DER.
    pub der: Vec<u8>,
}

impl Made {
    /// Its PEM, with a line before it that marks a rehearsal's (RFC 7468 section 2 allows text there).
    pub fn to_pem(&self, rehearsal: bool) -> String {
        let mark = if rehearsal { "REHEARSAL - NOT FOR USE\n" } else { "" };
        format!("{mark}{}", pem::encode(self.label, &self.der))
    }
}

/// Signs a step by its key: `planned` is what the confirmed plan has for it. The result is read again,
/// its signed octets are compared with the plan once more, and both implementations verify it.
///
/// # Errors
/// `SigningError::NotPlanned` when the step would sign other octets than the plan has; others when
/// the key does not fit or fails. Nothing is signed then, or it is dropped.
pub fn sign(prepared: Prepared, planned: &[u8], key: &PrivateKey) -> Result<Made, SigningError> {
    let Prepared { name, deed, .. } = prepared;
    let (made, scheme) = match deed {
        Deed::Certificate { linted, .. } => {
            let scheme = linted.scheme();
            if linted.issuer_key() != key.public_key() {
                return Err(SigningError::OtherKey { step: name });
            }
            let signer = gated(key, scheme, planned)?;
            let signed = linted.tbs_der().map(|tbs| signer.sign(tbs));
            let failed = |error: &dyn std::error::Error| SigningError::failed(&name, error);
            let signature = signed
                .map_err(|error| failed(&error))?
                .map_err(|error| SigningError::of(&name, error))?;
            let der = linted.assemble(&signature).map_err(|error| failed(&error))?.into_der();
            (Made { label: Label::Certificate, der }, scheme)
        }
        Deed::Crl(list) => {
            let scheme = list.scheme();
            let signer = gated(key, scheme, planned)?;
            let der = list.sign(&signer).map_err(|error| match error {
                ca_core::crl::CrlBuildError::Sign(error) => SigningError::of(&name, error),
                error => SigningError::failed(&name, &error),
            })?;
            (Made { label: Label::Crl, der }, scheme)
        }
        Deed::Destroy => return Err(SigningError::NothingToSign { step: name }),
    };
    check(&name, &made, planned, key.public_key(), scheme)?;
    Ok(made)
}

/// Checks what a step made: it has the planned octets, and the issuer's signature over them.
///
/// # Errors
/// `SigningError` says which of these is wrong.
pub fn check(
    step: &str,
    made: &Made,
    planned: &[u8],
    issuer: &PublicKey,
    scheme: SignatureScheme,
) -> Result<(), SigningError> {
    let (tbs, signature) = match made.label {
        Label::Crl => {
            let list = CertificateList::from_der(made.der.as_slice())
                .map_err(|error| SigningError::failed(step, &error))?;
            (list.tbs_der().to_vec(), list.signature().to_vec())
        }
        _ => {
            let certificate = Certificate::from_der(&made.der)
                .map_err(|error| SigningError::failed(step, &error))?;
            (certificate.tbs_der().to_vec(), certificate.signature().to_vec())
        }
    };
    if tbs != planned {
        let at = tbs.iter().zip(planned).position(|(a, b)| a != b);
        let at = at.unwrap_or(tbs.len().min(planned.len()));
        return Err(SigningError::NotPlanned { step: step.to_owned(), at });
    }
    for implementation in [Implementation::First, Implementation::Second] {
        verify_in_context(implementation, issuer, scheme, &tbs, b"", &signature)
            .map_err(|error| SigningError::failed(step, &error))?;
    }
    Ok(())
}

/// The key behind its gate.
fn gated(
    key: &PrivateKey,
    scheme: SignatureScheme,
    planned: &[u8],
) -> Result<Signer, SigningError> {
    let planned = Mutex::new(Some(planned.to_vec()));
    let gate = Gate { signer: key.signer(scheme)?, planned };
    let public_key = key.public_key().clone();
    Signer::new(public_key, scheme, Box::new(gate))
        .map_err(|error| SigningError::failed("key", &error))
}

struct Gate {
    signer: Signer,
    /// What may be signed; nothing once it was.
    planned: Mutex<Option<Vec<u8>>>,
}

/// What the gate says; [`SigningError::of`] makes an error of its own of it.
const CLOSED: &str = "the plan has other octets";

impl SigningBackend for Gate {
    fn make_signature(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        // A thread that panicked left nothing that could be signed twice.
        let planned = self.planned.lock().map(|mut planned| planned.take()).unwrap_or_default();
        match planned {
            Some(planned) if planned == message => self.signer.sign(message),
            planned => {
                let at = planned.map_or(0, |planned| {
                    let at = planned.iter().zip(message).position(|(a, b)| a != b);
                    at.unwrap_or(planned.len().min(message.len()))
                });
                Err(SignError::Backend { scheme, reason: format!("{CLOSED}, from octet {at}") })
            }
        }
    }
}

/// Something that was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// Not what was planned.
    #[error(
        "{step}: octet {at} is not the one of the plan; allowed is what was planned and confirmed, nothing was released"
    )]
    NotPlanned {
        /// Which step.
        step: String,
        /// The first octet that differs, from 0.
        at: usize,
    },
    /// A key that is not the issuer's.
    #[error(
        "{step}: the key is not that of the issuer whom the plan names; allowed is the key that the plan has for the step"
    )]
    OtherKey {
        /// Which step.
        step: String,
    },
    /// A step that destroys.
    #[error("{step}: it signs nothing; allowed are steps that make a certificate or a list")]
    NothingToSign {
        /// Which step.
        step: String,
    },
    /// The library refuses.
    #[error("{step}: {message}")]
    Failed {
        /// Which step.
        step: String,
        /// What it says.
        message: String,
    },
    /// The key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SigningError {
    fn failed(step: &str, error: &dyn std::error::Error) -> Self {
        Self::Failed { step: step.to_owned(), message: error.to_string() }
    }

    /// What a signer says; the gate's refusal is told as such.
    fn of(step: &str, error: SignError) -> Self {
        if let SignError::Backend { reason, .. } = &error
            && let Some(rest) = reason.strip_prefix(CLOSED)
        {
            let at = rest.rsplit(' ').next().and_then(|at| at.parse().ok()).unwrap_or(0);
            return Self::NotPlanned { step: step.to_owned(), at };
        }
        Self::failed(step, &error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::planning::prepare;
    use crate::planning::tests::{Example, example};

    #[test]
    fn what_was_planned_is_signed_and_verifies() {
        let Example { definition, materials, keys, .. } = example(false);
        let mut certificates = std::collections::BTreeMap::new();
        let prepared = prepare(&definition, &materials).unwrap();
        for step in prepared.into_iter().filter(|step| !matches!(step.deed, Deed::Destroy)) {
            let (name, planned, key) = (step.name.clone(), step.tbs().to_vec(), &keys[&step.key]);
            let made = sign(step, &planned, key).unwrap();
            if made.label == Label::Certificate {
                certificates.insert(name, Certificate::from_der(&made.der).unwrap());
            } else {
                let list = CertificateList::from_der(made.der.as_slice()).unwrap();
                list.verify(&certificates["root"]).unwrap();
                assert_eq!(list.len(), 2);
            }
        }
        // Both links, each by the other key over the same name.
        let (next, link) = (&certificates["next"], &certificates["next-with-root"]);
        assert_eq!(link.public_key(), next.public_key());
        assert_eq!(certificates["root-with-next"].public_key(), certificates["root"].public_key());
        assert!(link.is_self_issued());
    }

    #[test]
    fn one_bit_that_was_not_planned_closes_the_gate() {
        let Example { definition, materials, keys, .. } = example(false);
        let count = prepare(&definition, &materials).unwrap().len();
        for at in 0..count {
            // Prepared anew each time: what is prepared is signed once.
            let step = prepare(&definition, &materials).unwrap().swap_remove(at);
            if matches!(step.deed, Deed::Destroy) {
                let error = sign(step, &[], &keys["next"]).unwrap_err();
                assert!(matches!(error, SigningError::NothingToSign { .. }), "{error}");
                continue;
            }
            let (mut planned, place) = (step.tbs().to_vec(), step.tbs().len() / 2);
            planned[place] ^= 1;
            let (name, key) = (step.name.clone(), &keys[&step.key]);
            match sign(step, &planned, key).unwrap_err() {
                SigningError::NotPlanned { step, at } => assert_eq!((step, at), (name, place)),
                other => panic!("{name}: {other}"),
            }
        }
    }

    #[test]
    fn another_key_does_not_sign() {
        let Example { definition, materials, keys, .. } = example(false);
        let step = prepare(&definition, &materials).unwrap().swap_remove(0);
        let planned = step.tbs().to_vec();
        let error = sign(step, &planned, &keys["next"]).unwrap_err();
        assert!(matches!(error, SigningError::OtherKey { .. }), "{error}");
        let list = prepare(&definition, &materials).unwrap().swap_remove(5);
        let planned = list.tbs().to_vec();
        let error = sign(list, &planned, &keys["next"]).unwrap_err().to_string();
        assert!(error.contains("scheme") || error.contains("key"), "{error}");
    }

    #[test]
    fn the_gate_opens_once() {
        let Example { keys, materials, definition, .. } = example(false);
        let step = prepare(&definition, &materials).unwrap().swap_remove(0);
        let signer = gated(&keys["root"], step.scheme().unwrap(), step.tbs()).unwrap();
        signer.sign(step.tbs()).unwrap();
        signer.sign(step.tbs()).unwrap_err();
    }

    #[test]
    fn a_rehearsal_is_marked_and_still_pem() {
        let made = Made { label: Label::Certificate, der: vec![0x30, 0] };
        let marked = made.to_pem(true);
        assert!(marked.starts_with("REHEARSAL - NOT FOR USE\n-----BEGIN CERTIFICATE-----\n"));
        assert!(made.to_pem(false).starts_with("-----BEGIN CERTIFICATE-----\n"));
        pem::read(marked.as_bytes()).unwrap();
    }
}
