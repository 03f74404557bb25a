//! What a certification request rests on beside its own signature, read from the ledger before a
//! signing thread judges it: who vouches for a key that can't sign (RFC 9883), and the certificate
//! that the new one shall be bound to (RFC 9763).

use ca_core::algorithm::KeyKind;
use ca_core::certificate::Certificate;
use ca_core::csr::{CertificateRequest, ProvenRequest};
use ca_core::profile::{Profile, RelatedRule};
use ca_core::related::{Binding, ProvenRelation};
use jiff::{SignedDuration, Timestamp};

use crate::cli::{CliError, Exit};
use crate::possession::Voucherage;
use crate::server::body::shortened;
use crate::server::problem::{CSR_REFUSED, LEDGER_UNAVAILABLE, Refusal};
use crate::server::state::App;
use crate::standing;

/// The greatest age of the wish to be bound to another certificate.
const GREATEST_AGE: SignedDuration = SignedDuration::from_hours(1);

/// What was read; nothing where the request needs nothing.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    voucherage: Option<Voucherage>,
    related: Option<Related>,
}

/// A certificate that the new one shall be bound to.
#[derive(Debug)]
struct Related {
    certificate: Certificate,
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
}

impl Evidence {
    /// Whether the request rests on something that only the ledger can tell.
    pub(super) fn is_needed(csr: &CertificateRequest, profile: &Profile) -> bool {
        needs_voucher(csr) || wants_binding(csr, profile)
    }

    /// Reads it. Certificates of this ledger's authorities are trusted, and no others.
    ///
    /// # Errors
    /// `csr-refused` for a related certificate that is not in the request, or does not stand;
    /// `ledger-unavailable`.
    pub(super) async fn gather(
        app: &App,
        csr: &CertificateRequest,
        profile: &Profile,
    ) -> Result<Self, Refusal> {
        let mut evidence = Self::default();
        if needs_voucher(csr) {
            let known = Voucherage::known_to(app.ledger(), csr, None, Vec::new(), Vec::new());
            evidence.voucherage = Some(known.await.map_err(refused)?);
        }
        if wants_binding(csr, profile) {
            evidence.related = Some(related(app, csr).await?);
        }
        Ok(evidence)
    }

    /// Checks that whoever made the request has the private key.
    ///
    /// # Errors
    /// `csr-refused` says why not.
    pub(super) fn proven<'a>(
        &self,
        csr: &'a CertificateRequest,
        now: Timestamp,
    ) -> Result<ProvenRequest<'a>, Refusal> {
        let Some(voucherage) = &self.voucherage else { return Ok(csr.verify_possession()?) };
        let standing = |certificate: &Certificate| voucherage.standing(certificate);
        Ok(csr.verify_statement(&voucherage.vouching(now, &standing))?)
    }

    /// Checks that its holder wants the binding; none where none is asked for.
    ///
    /// # Errors
    /// `csr-refused` says why not.
    pub(super) fn relation(
        &self,
        csr: ProvenRequest<'_>,
        now: Timestamp,
    ) -> Result<Option<ProvenRelation>, Refusal> {
        let Some(Related { certificate, anchors, intermediates }) = &self.related else {
            return Ok(None);
        };
        let binding =
            Binding { related: certificate, intermediates, anchors, now, max_age: GREATEST_AGE };
        let proven = binding.prove(csr);
        proven.map(Some).map_err(|error| Refusal::new(CSR_REFUSED, format!("csr: {error}")))
    }
}

fn needs_voucher(csr: &CertificateRequest) -> bool {
    matches!(csr.public_key().kind(), KeyKind::MlKem(_))
}

fn wants_binding(csr: &CertificateRequest, profile: &Profile) -> bool {
    profile.related() != RelatedRule::Ignore && csr.related_request().is_some()
}

async fn related(app: &App, csr: &CertificateRequest) -> Result<Related, Refusal> {
    let inline = csr.related_request().and_then(|request| request.inline_certificate());
    let der = inline.ok_or_else(|| {
        let places = csr.related_request().map(|request| request.locations().join(", "));
        let places = shortened(&places.unwrap_or_default());
        let detail = format!("csr: relatedCertRequest: locationInfo: found {places:?}, allowed: the certificate itself, as a data: URL");
        Refusal::new(CSR_REFUSED, detail)
    })?;
    let certificate = Certificate::from_der(&der)
        .map_err(|error| Refusal::new(CSR_REFUSED, format!("csr: related certificate: {error}")))?;
    let hint = "get a certificate first, and make the request anew with that";
    let subject = "csr: related certificate";
    standing::check(&certificate, subject, hint, app.ledger()).await.map_err(refused)?;
    let (mut anchors, mut intermediates) = (Vec::new(), Vec::new());
    for served in app.authorities().values() {
        if let Some((root, others)) = served.chain.split_last() {
            anchors.push(root.clone());
            intermediates.extend_from_slice(others);
        }
    }
    // An authority that is revoked binds nobody.
    let ledger = app.ledger();
    let anchors = standing::only_standing(anchors, ledger).await.map_err(refused)?;
    let intermediates = standing::only_standing(intermediates, ledger).await.map_err(refused)?;
    Ok(Related { certificate, anchors, intermediates })
}

/// A certificate that does not stand is the requester's fault, all else the ledger's.
fn refused(error: CliError) -> Refusal {
    if error.exit() == Exit::Refused {
        return Refusal::new(CSR_REFUSED, error.message().to_owned());
    }
    let detail = "the ledger can't be used now; send the request again after Retry-After";
    Refusal::new(LEDGER_UNAVAILABLE, detail).with_cause(error.message().to_owned())
}
