//! Examples: what an issuer allows, signatures, chains.

use super::examples::*;
use super::*;

pub(super) fn all() -> Vec<Example> {
    [with_plans(), with_certificates(), chains()].into_iter().flatten().collect()
}

fn with_plans() -> Vec<Example> {
    let (leaf, authority) = (leaf_plan(), authority_plan());
    [
        planned("signature_fits_issuer_key", &leaf, |plan| {
            plan.issuer_key = plan.public_key.clone();
        }),
        planned("authority_key_identifier_matches", &leaf, |plan| {
            set(plan, oid::AUTHORITY_KEY_IDENTIFIER, false, Some(vec![0x30, 3, 0x80, 1, 7]));
        }),
        planned("validity_inside_issuers", &leaf, |plan| {
            let hour = std::time::Duration::from_secs(3600);
            let (first, last) = (plan.validity.not_before(), plan.validity.not_after());
            let narrow = crate::validity::Validity::new(first + hour, last).unwrap();
            plan.issuer_validity = Some(narrow);
        }),
        planned("path_length_left", &authority, |plan| plan.issuer_limits.path_length = Some(0)),
        planned("key_is_not_issuers", &leaf, |plan| set_key(plan, plan.issuer_key.clone())),
        planned("names_inside_issuers_constraints", &leaf, |plan| {
            plan.issuer_limits.names = Some(Decode::from_der(&SUBTREE).unwrap());
        }),
        planned("usages_inside_issuers", &leaf, |plan| {
            let client = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
            plan.issuer_limits.usages = Some(x509_cert::ext::pkix::ExtendedKeyUsage(vec![client]));
        }),
        planned("chain_fits_first_flight", &leaf, |plan| plan.issuer_limits.chain_size = 9_000),
        planned("size_bounded", &leaf, |plan| {
            let large = vec![0; crate::certificate::MAX_CERTIFICATE_SIZE];
            set(plan, ObjectIdentifier::new_unwrap("1.2.3.4"), false, Some(large));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Certificates that are really signed, below this issuer and below another.
fn with_certificates() -> Vec<Example> {
    let leaf = issue(profile("tls-server"), server("p256"), root());
    let other = Authority::root("ed25519").certificate;
    let twofold = issue_twofold();
    let of =
        |der: Vec<u8>, issuer: &Certificate| Input::Certificates(vec![der], Some(issuer.clone()));
    let example = |id, clean, trips| Example { id, clean, trips };
    let good = || of(leaf.der().to_vec(), &root().certificate);
    let bent = |der: &[u8], from_end: usize| {
        let mut der = der.to_vec();
        let at = der.len() - from_end;
        der[at] ^= 1;
        der
    };
    let stranger = issue(profile("tls-server"), server("p256"), twofold_root_of_p256());
    let twofold_issuer = &twofold_root().certificate;
    let value = twofold.extensions().alt_signature_value().unwrap();
    let at = twofold.der().windows(64).position(|window| window == &value[..64]).unwrap();
    let mut bent_alternative = twofold.der().to_vec();
    bent_alternative[at] ^= 1;
    vec![
        example("issuer_name_matches", good(), of(stranger.der().to_vec(), &root().certificate)),
        example("issuer_is_authority", good(), of(stranger.der().to_vec(), &leaf)),
        example("signature_fits_issuer_key", good(), of(leaf.der().to_vec(), &stranger)),
        example("signature_verifies", good(), of(bent(leaf.der(), 1), &root().certificate)),
        // Another root of the same name.
        example("signature_verifies", good(), of(leaf.der().to_vec(), &other)),
        example("authority_key_identifier_matches", good(), of(leaf.der().to_vec(), &other)),
        example(
            "alternative_signature_verifies",
            of(twofold.der().to_vec(), twofold_issuer),
            of(bent_alternative, twofold_issuer),
        ),
        example(
            "alternative_signature_complete",
            of(twofold.der().to_vec(), twofold_issuer),
            of(without_value(&twofold), twofold_issuer),
        ),
    ]
}

fn twofold_root_of_p256() -> &'static Authority {
    static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::root("p256"));
    &ROOT
}

fn issue_twofold() -> Certificate {
    let mut request = server("p256");
    request.alt_public_key = Some(signer("mldsa44").public_key().clone());
    issue(profile("tls-server"), request, twofold_root())
}

fn without_value(certificate: &Certificate) -> Vec<u8> {
    let mut fields = certificate.tbs_fields().clone();
    let all = fields.extensions.as_mut().unwrap();
    all.retain(|extension| extension.extn_id != oid::ALT_SIGNATURE_VALUE);
    let algorithm = certificate.signature_algorithm().to_der().unwrap();
    signed(&fields.to_der().unwrap(), &algorithm, 64)
}

fn chains() -> Vec<Example> {
    let issuing = Authority::below(root(), "mldsa87");
    let leaf = issue(profile("tls-server"), server("mldsa87"), &issuing);
    let (leaf, issuing) = (leaf.der().to_vec(), issuing.certificate.der().to_vec());
    let small = issue(profile("tls-server"), server("p256"), root()).der().to_vec();
    let root = root().certificate.der().to_vec();
    [
        ders(
            "chain_in_order",
            vec![leaf.clone(), issuing.clone(), root.clone()],
            vec![leaf.clone(), root.clone(), issuing.clone()],
        ),
        // The root is not sent: alone with it a leaf is small.
        ders("chain_fits_first_flight", vec![small, root.clone()], vec![leaf, issuing, root]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn an_issuers_limits_hold_below_it() {
    let limited = Profile::from_yaml(
        &include_str!("../../../profiles/issuing-ca.yaml").replace(
            "path_length: 0",
            "path_length: 0\nextended_key_usages: [server_auth]\nname_constraints: {permitted: ['DNS:localhost']}",
        ),
    );
    let signer = signer("ed25519");
    let request = Request::new(name("CN=Limited"), Vec::new(), signer.public_key().clone());
    let certificate = issue(&limited.unwrap(), request, root());
    let issuing = Authority { signer, alt_signer: None, certificate };
    let ask = |profile_name: &str, asked: &str| {
        let mut request = server("ed25519");
        request.names = names(&[asked]);
        plan(profile(profile_name), request, issuing.identity(), serial(), now()).unwrap()
    };
    let errors = |plan: Plan| {
        let issuer = Some(&issuing.certificate);
        let read = lint_certificates(&[&encoded(&plan)], issuer, &LintOverrides::default());
        let planned = found_in(plan);
        // The signature of zeros is another matter.
        let read: Vec<Finding> =
            read[0].iter().filter(|one| one.id != "signature_verifies").cloned().collect();
        let severe = |all: Vec<Finding>| -> Vec<Finding> {
            all.into_iter().filter(|one| one.severity == Severity::Error).collect()
        };
        let (planned, read) = (severe(planned), severe(read));
        assert_eq!(planned, read, "the plan and the certificate are judged alike");
        planned
    };
    assert_eq!(errors(ask("tls-server", "demo.localhost")), []);
    let findings = errors(ask("tls-server", "demo.example"));
    assert_eq!(findings[0].id, "names_inside_issuers_constraints");
    let wanted = "subject or subjectAltName: found DNS:demo.example, allowed are names within";
    assert!(findings[0].detail.starts_with(wanted), "{findings:?}");
    let findings = errors(ask("tls-peer", "demo.localhost"));
    assert_eq!(findings[0].id, "usages_inside_issuers");
    assert!(findings[0].detail.contains("client_auth"), "{findings:?}");
}

/// A link certificate (RFC 4210 section 4.4) has the name of its issuer and another key.
#[test]
fn a_link_certificate_is_held_against_the_key_that_signed_it() {
    let (old, new) = (root(), Authority::root("ed25519"));
    let request = Request::cross(&new.certificate).unwrap();
    let link = issue(profile("cross-ca"), request, old);
    assert!(link.is_self_issued());
    let found = |behind: &[&[u8]], issuer: Option<&Certificate>| -> Vec<&'static str> {
        let chain = [&[link.der()], behind].concat();
        let findings = lint_certificates(&chain, issuer, &LintOverrides::default()).remove(0);
        findings.iter().map(|finding| finding.id).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(found(&[], None), none, "without its issuer nothing is said of the signature");
    assert_eq!(found(&[], Some(&old.certificate)), none);
    assert_eq!(found(&[old.certificate.der()], None), none);
    let wrong = ["authority_key_identifier_matches", "signature_verifies"];
    assert_eq!(found(&[], Some(&new.certificate)), wrong);
    assert_eq!(found(&[new.certificate.der()], None), wrong);
}
