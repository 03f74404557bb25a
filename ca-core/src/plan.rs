//! Planning: a profile and a request become the TBSCertificate that is linted, recorded and
//! signed (RFC 5280 section 4.1.2).

pub(crate) mod encode;
mod error;
mod extensions;
mod issuer;
mod names;
mod note;
mod period;
mod related;
mod request;

use der::Decode;
use der::asn1::{Any, Int};
use jiff::Timestamp;
use x509_cert::certificate::Version;

pub use error::PlanError;
pub use issuer::IssuerIdentity;
pub(crate) use issuer::IssuerLimits;
pub use note::PlanNote;
pub use request::Request;

use crate::algorithm::{KeyKind, SignatureScheme};
use crate::certificate::TbsFields;
use crate::csr::Possession;
use crate::general_name::AltName;
use crate::lint::LintOverrides;
use crate::name::DistinguishedName;
use crate::profile::{KeyReuse, Profile, ProfileKind};
use crate::public_key::PublicKey;
use crate::serial::SerialNumber;
use crate::validity::Validity;

/// A TBSCertificate that was planned and still has to pass the lints.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) fields: TbsFields,
    pub(crate) kind: ProfileKind,
    pub(crate) profile: String,
    pub(crate) subject: DistinguishedName,
    pub(crate) names: Vec<AltName>,
    pub(crate) public_key: PublicKey,
    pub(crate) alt_public_key: Option<PublicKey>,
    pub(crate) serial: SerialNumber,
    pub(crate) validity: Validity,
    /// The key that will sign.
    pub(crate) issuer_key: PublicKey,
    /// The issuer's own validity; `None` for a root.
    pub(crate) issuer_validity: Option<Validity>,
    /// What the issuer's certificate limits below it; nothing for a root.
    pub(crate) issuer_limits: IssuerLimits,
    pub(crate) scheme: SignatureScheme,
    pub(crate) alt_scheme: Option<SignatureScheme>,
    pub(crate) key_reuse: KeyReuse,
    /// The URIs of cRLDistributionPoints.
    pub(crate) crl_places: Vec<String>,
    pub(crate) notes: Vec<PlanNote>,
    /// Lints that the profile raises or lowers.
    pub(crate) lints: LintOverrides,
}

/// Plans the certificate that `profile` makes of `request`, to be signed by `issuer`.
///
/// The validity starts `backdate_seconds` before `now` and lasts from `now` as long as was asked
/// for, the last second included; both ends are moved into the issuer's own validity.
///
/// # Errors
/// `PlanError` names the field, what was found and what is allowed.
pub fn plan(
    profile: &Profile,
    request: Request,
    issuer: IssuerIdentity<'_>,
    serial: SerialNumber,
    now: Timestamp,
) -> Result<Plan, PlanError> {
    let mut notes = Vec::new();
    if let Some(Possession::Vouched(voucher)) = request.possession() {
        notes.push(PlanNote::PossessionVouched { voucher: voucher.clone() });
    }
    check_keys(profile, &request)?;
    issuer::check(profile, &request, &issuer, now)?;
    names::check_subject(profile, &request, &issuer)?;
    let names = names::planned(profile, &request, &mut notes)?;
    let validity = period::planned(profile, &request, &issuer, now, &mut notes)?;
    let extensions = extensions::planned(profile, &request, &issuer, &names, &mut notes)?;
    related::check(&request, &names, &extensions)?;
    let issuer_name = match issuer.certificate {
        Some(certificate) => certificate.subject().clone(),
        None => request.subject.as_name().clone(),
    };
    let fields = TbsFields {
        version: Version::V3,
        serial_number: Int::new(serial.as_bytes())?,
        signature: Some(issuer.scheme.to_identifier()),
        issuer: issuer_name,
        validity: period::encoded(validity)?,
        subject: request.subject.as_name().clone(),
        subject_public_key_info: Any::from_der(request.public_key.spki_der())?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    Ok(Plan {
        fields,
        kind: profile.kind(),
        profile: profile.name().to_owned(),
        subject: request.subject,
        names,
        public_key: request.public_key,
        alt_public_key: request.alt_public_key,
        serial,
        validity,
        issuer_key: issuer.public_key.clone(),
        issuer_validity: issuer.certificate.map(|certificate| certificate.validity()),
        issuer_limits: issuer.certificate.map(IssuerLimits::of).unwrap_or_default(),
        scheme: issuer.scheme,
        alt_scheme: issuer.alt_scheme,
        key_reuse: profile.key_reuse(),
        crl_places: profile.crl_places().to_vec(),
        notes,
        lints: profile.lints().clone(),
    })
}

/// The subject's keys: allowed, strong, and an alternative one only beside a classical one that is
/// no part of it.
fn check_keys(profile: &Profile, request: &Request) -> Result<(), PlanError> {
    let key = &request.public_key;
    key.check_strength().map_err(PlanError::WeakKey)?;
    if !profile.allows_key(key.kind()) {
        return Err(PlanError::Key {
            found: key.kind().to_string(),
            profile: profile.name().to_owned(),
            allowed: profile.allowed_keys(),
        });
    }
    let Some(alternative) = &request.alt_public_key else { return Ok(()) };
    alternative.check_strength().map_err(PlanError::WeakKey)?;
    let post_quantum = matches!(
        alternative.kind(),
        KeyKind::MlDsa(_) | KeyKind::SlhDsa(_) | KeyKind::Composite(_)
    );
    if !post_quantum || !matches!(key.kind(), KeyKind::Classical(_)) {
        return Err(PlanError::AltKeyKind {
            key: key.kind().to_string(),
            alternative: alternative.kind().to_string(),
        });
    }
    if alternative.shares_component(key) {
        return Err(PlanError::AltKeyShared { alternative: alternative.kind().to_string() });
    }
    Ok(())
}

impl Plan {
    /// What the plan changed in what was asked for, for people.
    pub fn notes(&self) -> &[PlanNote] {
        &self.notes
    }

    /// The planned validity.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The planned alternative names.
    pub fn names(&self) -> &[AltName] {
        &self.names
    }

    /// The serial number.
    pub fn serial(&self) -> SerialNumber {
        self.serial
    }
}

#[cfg(test)]
pub(crate) mod tests;
