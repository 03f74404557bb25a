//! Responses of our making, and what is expected of those that others make.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::crl::{RevocationReason, RevocationStatus};
use ca_core::ocsp::{
    Answer, CertId, CertIdHash, CertStatus, Expectation, ExpectedNonce, Nonce, OcspResponse,
    Responder, UpdateWindow, check_responses_as,
};
use jiff::{SignedDuration, Timestamp};

use crate::issue::{Chain, Role, SigningKey, now, request_for};
use crate::judge::flipped;

/// Who signs a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The issuing authority.
    Authority,
    /// A delegate of it.
    Delegate,
}

impl By {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Authority, Self::Delegate];

    /// For the table of what was tried.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Authority => "by the CA",
            Self::Delegate => "by a delegate",
        }
    }
}

/// A chain whose issuing authority has a delegate.
#[derive(Debug)]
pub struct Answering {
    /// Root, issuing authority, leaf.
    pub chain: Chain,
    /// The delegate's certificate.
    pub delegate: Certificate,
    delegate_key: SigningKey,
}

impl Answering {
    /// Every key of the same algorithm.
    #[must_use]
    pub fn of(algorithm: &Algorithm) -> Self {
        let chain = Chain::of(algorithm);
        let delegate_key = SigningKey::of(algorithm, Role::Responder);
        let request = request_for("CN=Espalier Interop OCSP", &[], &delegate_key, None);
        let delegate = chain.issuing.issue("ocsp-responder", request);
        Self { chain, delegate, delegate_key }
    }

    /// The issuing authority's certificate.
    #[must_use]
    pub fn issuer(&self) -> &Certificate {
        &self.chain.issuing.certificate
    }

    /// The certificate and the role of the key that sign.
    #[must_use]
    pub fn responder(&self, by: By) -> (&Certificate, Role) {
        match by {
            By::Authority => (self.issuer(), Role::Issuing),
            By::Delegate => (&self.delegate, Role::Responder),
        }
    }

    /// Our response about `certificate`, good for a day from now on.
    ///
    /// # Panics
    /// When ca-core refuses it.
    #[must_use]
    pub fn answer(
        &self,
        by: By,
        certificate: &Certificate,
        status: CertStatus,
        nonce: Option<&Nonce>,
    ) -> Vec<u8> {
        let issuer = self.issuer();
        let key = match by {
            By::Authority => &self.chain.issuing.key,
            By::Delegate => &self.delegate_key,
        };
        let signer = key.key.signer(key.scheme).expect("the scheme fits the key");
        let responder = match by {
            By::Authority => Responder::authority(issuer, &signer),
            By::Delegate => Responder::delegate(issuer, &self.delegate, &signer),
        };
        let cert_id = CertId::of(certificate, issuer, CertIdHash::Sha1);
        let cert_id = cert_id.expect("our serial numbers have 20 octets");
        let answer = Answer { cert_id, status, archive_cutoff: None };
        let responder = responder.expect("they may answer");
        responder.sign(&[answer], &window(), nonce).expect("a response can be made")
    }

    /// Our verdict on a response about the leaf.
    ///
    /// # Errors
    /// What it says, unless that is `wanted`.
    pub fn judge(
        &self,
        response: &[u8],
        nonce: Option<&Nonce>,
        wanted: &str,
    ) -> Result<(), String> {
        let response = OcspResponse::from_der(response).map_err(|error| error.to_string())?;
        let nonce = nonce.map_or(ExpectedNonce::Any, ExpectedNonce::Same);
        let expected = Expectation { nonce, ..Expectation::at(now()) };
        let status = check_responses_as(&self.chain.leaf, self.issuer(), &[response], &expected);
        let found = match &status {
            RevocationStatus::Good => "good",
            RevocationStatus::Revoked { .. } => "revoked",
            RevocationStatus::Unknown { .. } => "unknown",
        };
        if found == wanted { Ok(()) } else { Err(status.to_string()) }
    }
}

/// From a minute ago to tomorrow.
fn window() -> UpdateWindow {
    let made = now() - SignedDuration::from_secs(60);
    let due = made + SignedDuration::from_hours(24);
    UpdateWindow::new(made, made, Some(due)).expect("an ordered window")
}

/// Revoked a day ago, since its key is known to others.
#[must_use]
pub fn revoked() -> CertStatus {
    let at: Timestamp = now() - SignedDuration::from_hours(24);
    CertStatus::revoked(at, RevocationReason::KeyCompromise)
}

/// Copies of a response with one bit flipped: in both ends of the signature and in what it covers.
///
/// # Panics
/// When it is no response.
#[must_use]
pub fn twins(der: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let response = OcspResponse::from_der(der).expect("a response");
    let basic = response.basic().expect("an answer");
    let find = |part: &[u8]| {
        let at = der.windows(part.len()).position(|window| window == part);
        at.expect("the part stands in it")
    };
    let (signature, tbs) = (find(basic.signature()), find(basic.tbs_der()));
    let serial = find(basic.singles()[0].cert_id().serial().as_bytes());
    let places = [
        ("the signature's first half", signature + 8),
        ("the signature's last octets", signature + basic.signature().len() - 9),
        ("the serial number", serial + 9),
        // nextUpdate's seconds, or an extension behind it.
        ("the last octets that are signed", tbs + basic.tbs_der().len() - 2),
    ];
    places.map(|(field, at)| (field, flipped(der, at))).to_vec()
}
