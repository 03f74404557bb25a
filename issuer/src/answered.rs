//! Whether a certificate that the server answers has nothing that was not asked for.

use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::general_name::{AltName, DnsName};
use ca_core::path::same_name;
use jiff::Timestamp;

use crate::signing::Wish;
use crate::usages;

/// By how many seconds a profile may let a validity begin before now, at most (docs/profiles.md).
const LONGEST_BACKDATING: i64 = 86_400;

/// Checks subject, names, length of validity, and purposes. Less than was asked for is the profile's choice,
/// and told by notes; more is nobody's.
///
/// # Errors
/// Which field, what was found, what is allowed.
pub(crate) fn check(
    leaf: &Certificate,
    csr: &CertificateRequest,
    wish: &Wish<'_>,
) -> Result<(), String> {
    if !same_name(leaf.subject(), csr.subject().as_name()) {
        let allowed = csr.subject();
        return Err(format!(
            "subject: found {}, allowed is the request's: {allowed}",
            leaf.subject()
        ));
    }
    names(leaf, csr)?;
    if let Some(seconds) = wish.seconds {
        lifetime(leaf, seconds)?;
    }
    usages::answered(wish.usages, leaf)
}

/// Now is in its validity. Another one would break whoever has a good one still; and for one that has ended
/// cert-manager would ask anew at once, and again.
///
/// # Errors
/// What was found and what is allowed.
pub(crate) fn valid_at(leaf: &Certificate, now: Timestamp) -> Result<(), String> {
    let (begins, ends) = (leaf.validity().not_before(), leaf.validity().not_after());
    let found = match () {
        () if now < begins => format!("one that begins at {begins}"),
        () if now > ends => format!("one that has ended at {ends}"),
        () => return Ok(()),
    };
    // Without what time it is now: the same words are told once.
    Err(format!(
        "validity: found {found}, allowed is one that is valid now; the clock of the server or of this program is wrong"
    ))
}

/// Each name is one of the request's, or its common name, which a profile may take for a name.
fn names(leaf: &Certificate, csr: &CertificateRequest) -> Result<(), String> {
    let found = leaf.extensions().subject_alt_name();
    let common = csr.subject().common_name().and_then(|name| DnsName::new(name).ok());
    let common = common.map(AltName::Dns);
    for name in found.into_iter().flat_map(|found| &found.0) {
        let name = AltName::from_general_name(name)
            .map_err(|error| format!("subject alternative name: {error}"))?;
        if !csr.names().contains(&name) && common.as_ref() != Some(&name) {
            let mut allowed: Vec<String> =
                csr.names().iter().chain(&common).map(ToString::to_string).collect();
            allowed.dedup();
            let allowed = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
            return Err(format!(
                "subject alternative name: found {name}, allowed are the request's: {allowed}"
            ));
        }
    }
    Ok(())
}

/// It is valid for no longer than was asked for. The clocks of controller and server may differ, so that the
/// length is looked at and not the end.
fn lifetime(leaf: &Certificate, seconds: u64) -> Result<(), String> {
    let validity = leaf.validity();
    let found = validity.not_after().duration_since(validity.not_before()).as_secs();
    let most = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(LONGEST_BACKDATING);
    if found > most {
        return Err(format!(
            "validity: found {found} s, allowed are the {seconds} s that were asked for, and {LONGEST_BACKDATING} s before"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::algorithm::Algorithm;
    use interop::issue::{Authority, LEAF_NAME, Role, SigningKey, csr, request_for};

    use super::*;

    /// What is said of a certificate by this profile with this subject and these names, when the request was
    /// for [`LEAF_NAME`], for these usages and so many seconds.
    fn told(
        (profile, subject, names): (&str, &str, &[&str]),
        usages: &[&str],
        seconds: Option<u64>,
    ) -> Result<(), String> {
        let algorithm = Algorithm::named("p256").unwrap();
        let key = SigningKey::of(algorithm, Role::Leaf);
        let mut wanted = request_for(subject, names, &key, None);
        wanted.validity_seconds = Some(7 * 86_400);
        let leaf = Authority::root(algorithm, None).issue(profile, wanted);
        let usages: Vec<String> = usages.iter().map(|one| (*one).to_owned()).collect();
        let wish = Wish {
            csr: &[],
            key: "u-1".into(),
            profile: None,
            seconds,
            is_ca: false,
            is_ca_field: "spec.isCA",
            usages: &usages,
            clock: || Timestamp::UNIX_EPOCH,
        };
        check(&leaf, &csr(&key), &wish)
    }

    #[test]
    fn the_first_and_the_last_second_are_taken_and_those_beside_them_are_not() {
        let algorithm = Algorithm::named("p256").unwrap();
        let key = SigningKey::of(algorithm, Role::Leaf);
        let leaf = Authority::root(algorithm, None)
            .issue("tls-server", request_for(OWN, &[&format!("DNS:{LEAF_NAME}")], &key, None));
        let (begins, ends) = (leaf.validity().not_before(), leaf.validity().not_after());
        let second = jiff::SignedDuration::from_secs(1);
        valid_at(&leaf, begins).unwrap();
        valid_at(&leaf, ends).unwrap();
        let early = valid_at(&leaf, begins - second).unwrap_err();
        assert!(
            early.starts_with(&format!("validity: found one that begins at {begins}, allowed is"))
        );
        let late = valid_at(&leaf, ends + second).unwrap_err();
        assert!(
            late.starts_with(&format!("validity: found one that has ended at {ends}, allowed is"))
        );
    }

    const OWN: &str = "CN=leaf.test";

    #[test]
    fn what_was_asked_for_or_less_is_taken() {
        let name = format!("DNS:{LEAF_NAME}");
        let both = ["digital signature", "server auth", "client auth"];
        told(("tls-server", OWN, &[&name]), &[], None).unwrap();
        told(("tls-server", OWN, &[&name]), &["server auth"], Some(7 * 86_400)).unwrap();
        told(("tls-server", OWN, &[&name]), &both, Some(30 * 86_400)).unwrap();
        told(("tls-client", OWN, &[]), &["client auth"], None).unwrap();
        // Without purposes every one is asked for.
        told(("tls-peer", OWN, &[&name]), &["digital signature"], None).unwrap();
    }

    #[test]
    fn more_than_was_asked_for_is_refused_with_what_is_allowed() {
        let name = format!("DNS:{LEAF_NAME}");
        let named = |text| ["DNS:leaf.test", text];
        for (made, usages, seconds, words) in [
            (
                ("tls-server", OWN, &named("DNS:other.test")[..]),
                &[][..],
                None,
                "subject alternative name: found DNS:other.test, allowed are the request's: DNS:leaf.test",
            ),
            (
                ("tls-server", "CN=other.test", &[&name[..]]),
                &[],
                None,
                "subject: found CN=other.test, allowed is the request's: CN=leaf.test",
            ),
            (
                ("tls-peer", OWN, &[&name]),
                &["server auth"],
                None,
                "extended key usage: found client_auth, server_auth, allowed by spec.usages: server_auth",
            ),
            (
                ("tls-server", OWN, &[&name]),
                &[],
                Some(5 * 86_400),
                "validity: found 605099 s, allowed are the 432000 s",
            ),
        ] {
            let found = told(made, usages, seconds).unwrap_err();
            assert!(found.starts_with(words), "{found}");
        }
    }
}
