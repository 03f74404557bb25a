//! A certificate against its record.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AltName;
use ca_core::name;
use ledger::NewRecord;

use super::CertificateFinding;

/// Each thing that the certificate has otherwise than its record. The serial number and the
/// digest of the whole are compared by the check of the rows.
pub(super) fn differences(
    record: &NewRecord,
    certificate: &Certificate,
) -> Vec<(CertificateFinding, String)> {
    let kind = certificate.public_key().kind();
    let algorithm = Algorithm::of_key(kind, false);
    let algorithm = algorithm.map_or_else(|| kind.to_string(), |found| found.name().to_owned());
    let validity = certificate.validity();
    let validity = (validity.not_before(), validity.not_after());
    let recorded = (record.validity.not_before(), record.validity.not_after());
    let key = certificate.public_key().fingerprint();
    let compared = [
        differ(
            CertificateFinding::Subject,
            "subject",
            &name::to_text(certificate.subject()),
            &record.subject,
        ),
        differ(CertificateFinding::Names, "subjectAltName", &names(certificate), &record.names),
        differ(CertificateFinding::Key, "public key", &key, &record.key_digest),
        differ(
            CertificateFinding::Key,
            "component keys",
            &components(certificate),
            &record.component_digests,
        ),
        differ(CertificateFinding::Algorithm, "algorithm", &algorithm, &record.algorithm),
        differ(CertificateFinding::Validity, "validity", &validity, &recorded),
    ];
    compared.into_iter().flatten().collect()
}

/// Debug text: what came from the ledger can't drive a terminal by control characters.
fn differ<T: PartialEq + std::fmt::Debug>(
    kind: CertificateFinding,
    field: &str,
    found: &T,
    recorded: &T,
) -> Option<(CertificateFinding, String)> {
    let message = || format!("{field}: found {found:?} in the certificate, recorded {recorded:?}");
    (found != recorded).then(|| (kind, message()))
}

/// The alternative names as records have them.
fn names(certificate: &Certificate) -> Vec<String> {
    let names = certificate.extensions().subject_alt_name();
    let names = names.iter().flat_map(|names| &names.0);
    let text = |name| match AltName::from_general_name(name) {
        Ok(name) => name.to_string(),
        Err(error) => error.to_string(),
    };
    names.map(text).collect()
}

/// The digests of the keys that the certificate's keys are made of, as records have them.
fn components(certificate: &Certificate) -> Vec<Fingerprint> {
    let mut digests = certificate.public_key().component_fingerprints();
    let alternative = certificate.extensions().alt_public_key();
    digests.extend(alternative.iter().flat_map(|key| key.component_fingerprints()));
    digests
}
