//! Which exit code an object that is not accepted gives: 2 where it can't be read as what it
//! should be, 1 where it can, but breaks a rule.

use ca_core::certificate::CertificateError;
use ca_core::crl::CrlError;
use ca_core::csr::CsrError;
use ca_core::inspect::{ContentError, EncryptedKeyError, InspectError};
use ca_core::key::KeyError;
use ca_core::ocsp::OcspError;
use ca_core::pem::ReadError;
use ca_core::pkcs7::Pkcs7Error;
use ca_core::pkcs12::Pkcs12Error;
use ca_core::public_key::PublicKeyError;
use ca_core::sign::SignError;

use super::error::Exit;

/// Exit 2 when it is unreadable, 1 otherwise.
fn unreadable(is: bool) -> Exit {
    if is { Exit::Usage } else { Exit::Refused }
}

pub(super) fn of_certificate(error: &CertificateError) -> Exit {
    use CertificateError::{Malformed, NotCanonical, PublicKey, TooLarge};
    match error {
        Malformed(_) | NotCanonical | TooLarge { .. } => Exit::Usage,
        PublicKey(error) => of_public_key(error),
        _ => Exit::Refused,
    }
}

pub(super) fn of_request(error: &CsrError) -> Exit {
    use CsrError::{Malformed, NotCanonical, PublicKey, Sign, TooLarge};
    match error {
        Malformed(_) | NotCanonical { .. } | TooLarge { .. } => Exit::Usage,
        PublicKey(error) => of_public_key(error),
        Sign(SignError::CrossCheck { .. } | SignError::Backend { .. }) => Exit::Fault,
        _ => Exit::Refused,
    }
}

fn of_crl(error: &CrlError) -> Exit {
    unreadable(error.is_malformed())
}

fn of_ocsp(error: &OcspError) -> Exit {
    unreadable(error.is_malformed())
}

pub(super) fn of_read(error: &ReadError) -> Exit {
    match error {
        ReadError::Certificate { error, .. } => of_certificate(error),
        ReadError::Request { error, .. } => of_request(error),
        ReadError::Crl { error, .. } => of_crl(error),
        ReadError::Ocsp { error, .. } => of_ocsp(error),
        ReadError::PublicKey { error, .. } => of_public_key(error),
        ReadError::Bag { error, .. } => of_pkcs7(error),
        ReadError::Pem(_)
        | ReadError::WrongLabel { .. }
        | ReadError::NotOne { .. }
        | ReadError::Mislabelled { .. }
        | ReadError::NotPrivateKey { .. } => Exit::Usage,
    }
}

pub(super) fn of_inspect(error: &InspectError) -> Exit {
    let InspectError::Content { error, .. } = error else { return Exit::Usage };
    match error {
        ContentError::Certificate(error) => of_certificate(error),
        ContentError::Request(error) => of_request(error),
        ContentError::Crl(error) => of_crl(error),
        ContentError::Ocsp(error) => of_ocsp(error),
        ContentError::PublicKey(error) => of_public_key(error),
        ContentError::PrivateKey(error) => of_private_key(error),
        ContentError::EncryptedKey(error) => {
            unreadable(matches!(error, EncryptedKeyError::Malformed(_)))
        }
        ContentError::Pkcs12(error) => of_pkcs12(error),
        ContentError::Pkcs7(error) => of_pkcs7(error),
        ContentError::Scheme(_) => Exit::Refused,
        ContentError::Unknown | ContentError::WrongLabel { .. } => Exit::Usage,
    }
}

/// A wrong password is exit 2, as for keys.
pub(super) fn of_pkcs12(error: &Pkcs12Error) -> Exit {
    use Pkcs12Error::{Certificate, Key, KeyMismatch, Name, Refused, Twice};
    match error {
        Certificate { error, .. } => of_certificate(error),
        Key { error, .. } => of_private_key(error),
        KeyMismatch { .. } | Name { .. } | Twice { .. } => Exit::Refused,
        Refused => Exit::Fault,
        error => unreadable(!error.is_outdated()),
    }
}

pub(super) fn of_pkcs7(error: &Pkcs7Error) -> Exit {
    match error {
        Pkcs7Error::Certificate { error, .. } => of_certificate(error),
        Pkcs7Error::List { .. } => Exit::Refused,
        _ => Exit::Usage,
    }
}

fn of_public_key(error: &PublicKeyError) -> Exit {
    unreadable(matches!(error, PublicKeyError::Malformed(_)))
}

fn of_private_key(error: &KeyError) -> Exit {
    match error {
        KeyError::Malformed(_) | KeyError::TooLarge { .. } | KeyError::Encrypted => Exit::Usage,
        KeyError::PublicKey(error) => of_public_key(error),
        _ => Exit::Refused,
    }
}
