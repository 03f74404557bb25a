//! Rules of RFC 5280 section 4 that concern one certificate, or it and its issuer.

use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::time::Time;

use super::outcome::{Fault, Reason};
use crate::algorithm::KeyKind;
use crate::certificate::Certificate;
use crate::extensions::oid;
use crate::public_key::{PublicKey, PublicKeyError};

/// DSA's key identifier (RFC 3279). FIPS 186-5 dropped it.
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");

/// Octets that a serial number has at most (RFC 5280 section 4.1.2.2).
const MAX_SERIAL_OCTETS: usize = 20;

/// Extensions that are understood, and so may be critical. cRLDistributionPoints are among them:
/// revocation is another step (RFC 5280 section 6.3). So is id-pkix-ocsp-nocheck, which better is not
/// critical (RFC 6960 section 4.2.2.2.1).
const UNDERSTOOD: [ObjectIdentifier; 17] = [
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::POLICY_CONSTRAINTS,
    oid::EXTENDED_KEY_USAGE,
    oid::INHIBIT_ANY_POLICY,
    oid::SUBJECT_ALT_PUBLIC_KEY_INFO,
    oid::ALT_SIGNATURE_ALGORITHM,
    oid::ALT_SIGNATURE_VALUE,
    oid::AUTHORITY_INFO_ACCESS,
    oid::OCSP_NO_CHECK,
];

/// Extensions that must be critical or must not be, where RFC 5280 says MUST for every place in
/// a path.
const CRITICALITY: [(ObjectIdentifier, &str, bool); 6] = [
    (oid::AUTHORITY_KEY_IDENTIFIER, "authorityKeyIdentifier", false),
    (oid::SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier", false),
    (oid::AUTHORITY_INFO_ACCESS, "authorityInfoAccess", false),
    (oid::NAME_CONSTRAINTS, "nameConstraints", true),
    (oid::POLICY_CONSTRAINTS, "policyConstraints", true),
    (oid::INHIBIT_ANY_POLICY, "inhibitAnyPolicy", true),
];

/// Extensions that only a CA may have.
const AUTHORITY_ONLY: [(ObjectIdentifier, &str); 4] = [
    (oid::NAME_CONSTRAINTS, "nameConstraints"),
    (oid::POLICY_MAPPINGS, "policyMappings"),
    (oid::POLICY_CONSTRAINTS, "policyConstraints"),
    (oid::INHIBIT_ANY_POLICY, "inhibitAnyPolicy"),
];

/// Checks the subject's key, and its alternative key.
pub(super) fn check_key(certificate: &Certificate) -> Result<String, Fault> {
    let keys = [Some(certificate.public_key()), certificate.extensions().alt_public_key()];
    for key in keys.into_iter().flatten() {
        if let Err(error) = key.check_strength() {
            return Err(weak_key("subjectPublicKeyInfo", key, &error));
        }
        if key.kind() == KeyKind::Other(DSA) {
            let allowed = "ECDSA, EdDSA, RSA, ML-DSA, SLH-DSA";
            return Err(Fault::new(Reason::WeakKey, "subjectPublicKeyInfo", "DSA", allowed));
        }
    }
    Ok(certificate.public_key().kind().to_string())
}

/// A key that `error` says is too weak, in a certificate's `field`.
pub(super) fn weak_key(field: &str, key: &PublicKey, error: &PublicKeyError) -> Fault {
    let (found, allowed) = match error {
        PublicKeyError::WeakPoint { .. } => {
            (format!("{} with a point of small order", key.kind()), "points of large order")
        }
        _ => (
            key.kind().to_string(),
            "RSA with 2048 to 8192 bits in whole octets, or another family",
        ),
    };
    Fault::new(Reason::WeakKey, field, found, allowed)
}

/// Checks the validity period. The words do not name the instant, which stands in the outcome: who asks again
/// and again is told the same.
pub(super) fn check_validity(certificate: &Certificate, at: Timestamp) -> Result<String, Fault> {
    let validity = certificate.validity();
    let (first, last) = (validity.not_before(), validity.not_after());
    if validity.contains(at) {
        return Ok(format!("{first} to {last}"));
    }
    let allowed = format!("instants from {first} to {last}");
    if at.as_second() > last.as_second() {
        let found = format!("it expired at {last}");
        Err(Fault::new(Reason::Expired, "notAfter", found, allowed))
    } else {
        let found = format!("it is not valid before {first}");
        Err(Fault::new(Reason::NotYetValid, "notBefore", found, allowed))
    }
}

/// Checks the serial number, the issuer's name and the types of the dates.
pub(super) fn check_fields(certificate: &Certificate) -> Result<(), Fault> {
    let serial = certificate.serial_octets();
    let refuse = |field: &str, found: String, allowed: &str| {
        Err(Fault::new(Reason::Field, field, found, allowed))
    };
    // A positive INTEGER may start with an octet of zero for its sign.
    let magnitude = serial.strip_prefix(&[0]).unwrap_or(serial);
    if serial.first().is_some_and(|octet| octet & 0x80 != 0) {
        return refuse("serialNumber", "a negative number".into(), "positive numbers");
    }
    if magnitude.is_empty() {
        return refuse("serialNumber", "zero".into(), "positive numbers");
    }
    if serial.len() > MAX_SERIAL_OCTETS {
        return refuse("serialNumber", format!("{} octets", serial.len()), "at most 20 octets");
    }
    if certificate.issuer().is_empty() {
        return refuse("issuer", "an empty name".into(), "a name that is not empty");
    }
    // UTCTime ends in 2049, so that only the reverse can be wrong.
    let validity = &certificate.tbs_fields().validity;
    for (field, time) in [("notBefore", &validity.not_before), ("notAfter", &validity.not_after)] {
        let year = time.to_date_time().year();
        if matches!(time, Time::GeneralTime(_)) && year < 2050 {
            let found = format!("a GeneralizedTime in the year {year}");
            return refuse(field, found, "UTCTime through 2049 (RFC 5280 section 4.1.2.5)");
        }
    }
    Ok(())
}

/// A critical extension that is not understood.
pub(crate) fn unknown_critical(certificate: &Certificate) -> Option<ObjectIdentifier> {
    let mut all = certificate.extensions().all().iter();
    all.find(|one| one.critical && !UNDERSTOOD.contains(&one.oid)).map(|one| one.oid)
}

/// Checks that no critical extension is unknown, and what RFC 5280 says on criticality.
pub(super) fn check_extensions(certificate: &Certificate) -> Result<String, Fault> {
    let extensions = certificate.extensions();
    if let Some(unknown) = unknown_critical(certificate) {
        return Err(Fault::new(
            Reason::UnknownCriticalExtension,
            "extensions",
            format!("critical extension {unknown}, which is not understood"),
            "critical extensions of RFC 5280 section 4.2 and X.509 clause 9.8",
        ));
    }
    for (oid, name, critical) in CRITICALITY {
        if extensions.get(oid).is_some_and(|extension| extension.critical != critical) {
            let words =
                if critical { ["not critical", "critical"] } else { ["critical", "not critical"] };
            return Err(Fault::new(Reason::Extension, name, words[0], words[1]));
        }
    }
    check_not_empty(certificate)?;
    check_authority_only(certificate)?;
    Ok(format!("{}, all critical ones understood", extensions.all().len()))
}

/// Checks lists that RFC 5280 gives at least one member.
fn check_not_empty(certificate: &Certificate) -> Result<(), Fault> {
    let extensions = certificate.extensions();
    let usages = extensions.extended_key_usage().is_some_and(|usages| usages.0.is_empty());
    let mappings = extensions.policy_mappings().is_some_and(|mappings| mappings.0.is_empty());
    let constraints = extensions.policy_constraints().is_some_and(|one| {
        one.require_explicit_policy.is_none() && one.inhibit_policy_mapping.is_none()
    });
    let points = extensions.crl_distribution_points().is_some_and(|points| {
        let says_nothing = |point: &DistributionPoint| {
            point.distribution_point.is_none() && point.crl_issuer.is_none()
        };
        points.0.is_empty() || points.0.iter().any(says_nothing)
    });
    let empty = [
        (points, "cRLDistributionPoints", "at least one point, each with a place or an issuer"),
        (usages, "extendedKeyUsage", "at least one usage"),
        (mappings, "policyMappings", "at least one mapping"),
        (constraints, "policyConstraints", "at least one of its two fields"),
    ];
    match empty.into_iter().find(|(is_empty, ..)| *is_empty) {
        Some((_, field, allowed)) => {
            Err(Fault::new(Reason::Extension, field, "an empty list", allowed))
        }
        None => Ok(()),
    }
}

fn check_authority_only(certificate: &Certificate) -> Result<(), Fault> {
    let extensions = certificate.extensions();
    let constraints = extensions.basic_constraints();
    if constraints.is_some_and(|constraints| constraints.ca) {
        return Ok(());
    }
    let found = AUTHORITY_ONLY.iter().find(|(oid, _)| extensions.get(*oid).is_some());
    if let Some((_, name)) = found {
        let allowed = "it only in CA certificates";
        return Err(Fault::new(Reason::Extension, *name, "it in an end entity", allowed));
    }
    if constraints.is_some_and(|constraints| constraints.path_len_constraint.is_some()) {
        let found = "pathLenConstraint without cA";
        let allowed = "pathLenConstraint only in CA certificates";
        return Err(Fault::new(Reason::Extension, "basicConstraints", found, allowed));
    }
    Ok(())
}

/// Checks the authority key identifier against the issuer, or against the certificate itself when
/// there is no issuer above. Only an anchor may go without: nobody looks for its issuer (RFC 5280
/// section 4.2.1.1 says so of self-signed ones).
pub(super) fn check_key_identifiers(
    certificate: &Certificate,
    issuer: Option<&Certificate>,
) -> Result<(), Fault> {
    let refuse = |found: String, allowed: &str| {
        Err(Fault::new(Reason::KeyIdentifier, "authorityKeyIdentifier", found, allowed))
    };
    let Some(identifier) = certificate.extensions().authority_key_identifier() else {
        if issuer.is_none() {
            return Ok(());
        }
        return refuse("none".into(), "the issuer's key identifier, but in trust anchors");
    };
    if identifier.key_identifier.is_none() {
        return refuse("no keyIdentifier".into(), "the issuer's key identifier");
    }
    let (names, serial) =
        (&identifier.authority_cert_issuer, &identifier.authority_cert_serial_number);
    if names.is_some() != serial.is_some() {
        let allowed = "authorityCertIssuer and authorityCertSerialNumber together, or neither";
        return refuse("one of issuer and serial number".into(), allowed);
    }
    let signer = match issuer {
        Some(issuer) => issuer,
        None if certificate.is_self_issued() => certificate,
        None => return Ok(()),
    };
    check_identifier_of(certificate, signer)
}

/// Checks that an authority key identifier, where there is one, names `signer`.
pub(super) fn check_identifier_of(
    certificate: &Certificate,
    signer: &Certificate,
) -> Result<(), Fault> {
    let Some(identifier) = certificate.extensions().authority_key_identifier() else {
        return Ok(());
    };
    let refuse = |found: String, allowed: String| {
        Err(Fault::new(Reason::KeyIdentifier, "authorityKeyIdentifier", found, allowed))
    };
    let wanted = identifier.key_identifier.as_ref().map(|octets| octets.as_bytes());
    let present = signer.extensions().subject_key_identifier();
    if let (Some(wanted), Some(present)) = (wanted, present)
        && wanted != present
    {
        return refuse(hex(wanted), format!("{}, the issuer's subjectKeyIdentifier", hex(present)));
    }
    if let Some(serial) = &identifier.authority_cert_serial_number
        && serial.as_bytes() != signer.serial_octets()
    {
        let allowed = format!("{}, the issuer's serial number", hex(signer.serial_octets()));
        return refuse(format!("serial number {}", hex(serial.as_bytes())), allowed);
    }
    Ok(())
}

/// Checks that a certificate that issues others is a CA's, apart from its path length.
pub(super) fn check_authority(certificate: &Certificate) -> Result<(), Fault> {
    let extensions = certificate.extensions();
    let refuse = |field: &str, found: &str, allowed: &str| {
        Err(Fault::new(Reason::NotAnAuthority, field, found, allowed))
    };
    match extensions.basic_constraints() {
        None => return refuse("basicConstraints", "none", "cA TRUE in an issuer"),
        Some(constraints) if !constraints.ca => {
            return refuse("basicConstraints", "cA FALSE", "cA TRUE in an issuer");
        }
        Some(_) if !extensions.is_critical(oid::BASIC_CONSTRAINTS) => {
            return refuse("basicConstraints", "not critical", "critical in an issuer");
        }
        Some(_) => {}
    }
    if certificate.subject().is_empty() {
        return refuse("subject", "an empty name", "a name that is not empty in an issuer");
    }
    Ok(())
}

/// Checks that an intermediate names its key (RFC 5280 section 4.2.1.2). Anchors may go without:
/// they are trusted by their key, and roots of several makers lack the extension.
pub(super) fn check_has_key_identifier(certificate: &Certificate) -> Result<(), Fault> {
    if certificate.extensions().subject_key_identifier().is_some() {
        return Ok(());
    }
    let allowed = "a key identifier in an issuer";
    Err(Fault::new(Reason::KeyIdentifier, "subjectKeyIdentifier", "none", allowed))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().take(32).map(|octet| format!("{octet:02x}")).collect()
}
