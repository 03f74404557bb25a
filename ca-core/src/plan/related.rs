//! Binding to another certificate of the holder (RFC 9763), where the profile does that.

use der::Encode as _;
use x509_cert::ext::Extension as EncodedExtension;

use super::{PlanError, PlanNote, Request};
use crate::extensions::{Extension, Extensions};
use crate::general_name::AltName;
use crate::profile::{Profile, RelatedRule};
use crate::related::{self, RelatedCertificate};

/// The extension, when there is a related certificate that was proven.
pub(super) fn planned(
    profile: &Profile,
    request: &Request,
    notes: &mut Vec<PlanNote>,
) -> Result<Option<EncodedExtension>, PlanError> {
    let name = || profile.name().to_owned();
    let missing = |rule| Err(PlanError::RelationMissing { profile: name(), rule });
    match (profile.related(), &request.related) {
        (RelatedRule::Ignore, Some(_)) => Err(PlanError::RelationNotAllowed { profile: name() }),
        (_, Some(related)) => {
            Ok(Some(RelatedCertificate::to(related.certificate())?.to_extension()?))
        }
        (RelatedRule::Require, None) => missing("requires one"),
        (RelatedRule::Allow, None) if request.asks_relation => {
            missing("binds what asks for it, as this request does")
        }
        (RelatedRule::Ignore, None) if request.asks_relation => {
            notes.push(PlanNote::RelationIgnored);
            Ok(None)
        }
        (_, None) => Ok(None),
    }
}

/// Both certificates must name the same holder, and the related one must have the usages that are
/// planned.
pub(super) fn check(
    request: &Request,
    names: &[AltName],
    planned: &[EncodedExtension],
) -> Result<(), PlanError> {
    let Some(related) = &request.related else { return Ok(()) };
    let related = related.certificate();
    let mut encoded = Vec::with_capacity(names.len());
    for name in names {
        encoded.push(name.to_general_name()?.to_der()?);
    }
    let subject = request.subject.as_name();
    related::check_names(subject, encoded, related).map_err(PlanError::Relation)?;
    // What was planned a moment ago can be read.
    let planned: Vec<Extension> = planned.iter().map(Extension::from).collect();
    let planned = Extensions::new(planned).map_err(|_| der::Error::from(der::ErrorKind::Failed))?;
    related::check_usages(&planned, related.extensions()).map_err(PlanError::Relation)
}
