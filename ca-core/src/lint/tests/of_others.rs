//! Examples: requests and revocation lists.

use super::examples::*;
use super::*;
use crate::crl::tests::{Parts, extension, hex, raw_entry, sequence, time};
use crate::crl::{CrlBuilder, RevokedEntry};
use crate::csr::{CertificateRequest, CsrError};
use crate::profile::key_usage_extension;

pub(super) fn all() -> Vec<Example> {
    [requests(), lists(), lists_and_their_issuers()].into_iter().flatten().collect()
}

fn requests() -> Vec<Example> {
    let signer = signer("ed25519");
    let build = |extra: &[Extension]| {
        let names = names(&["demo.example"]);
        CertificateRequest::build(&name("CN=demo"), &names, extra, &signer).unwrap().der().to_vec()
    };
    let plain = build(&[]);
    let truncated = plain[..plain.len() - 1].to_vec();
    let mut bent = plain.clone();
    *bent.last_mut().unwrap() ^= 1;
    let outer = plain.windows(3).rposition(|window| window == [0x2b, 0x65, 0x70]).unwrap();
    let mut unknown = plain.clone();
    unknown[outer + 2] = 0x7f;
    let mut bad_name = plain.clone();
    let at = plain.windows(12).position(|window| window == b"demo.example").unwrap();
    bad_name[at] = b'_';
    let usages = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
    let authority = Extension {
        oid: oid::BASIC_CONSTRAINTS,
        critical: true,
        value: constraints(true, None).unwrap(),
    };
    let with = |oid: &str| {
        let attribute = sequence(&[
            &oid.parse::<ObjectIdentifier>().unwrap().to_der().unwrap(),
            &hex("3103130161"),
        ]);
        let attributes = crate::crl::tests::tagged(0, &attribute);
        let subject = name("CN=demo").as_name().to_der().unwrap();
        let key = signer.public_key().spki_der();
        let info = sequence(&[&hex("020100"), &subject, key, &attributes]);
        let algorithm = signer.scheme().to_identifier().to_der().unwrap();
        encode::signed(&info, &algorithm, &signer.sign(&info).unwrap()).unwrap()
    };
    let example = |id, trips| Example {
        id,
        clean: Input::Request(plain.clone()),
        trips: Input::Request(trips),
    };
    vec![
        example("request_readable", truncated),
        example("request_proves_possession", bent),
        example("request_signature_not_forgeable", unknown),
        example("request_usages_fit_key", build(&[key_usage_extension(usages).unwrap()])),
        example("request_asks_for_no_authority", build(&[authority])),
        example("request_without_password", with("1.2.840.113549.1.9.7")),
        example("request_attributes_have_effect", with("1.2.3.4")),
        // What a request claims is judged as in a certificate.
        example("alternative_names_valid", bad_name),
    ]
}

type ListChange = fn(&mut Parts);

fn lists() -> Vec<Example> {
    let reason = |code: &str| extension("551d15", false, &hex(&format!("0a01{code}")));
    let with_entry = |serial: &str, extensions: &[Vec<u8>]| {
        let extensions: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
        let mut parts = Parts::right();
        parts.entries = sequence(&[&raw_entry(&hex(serial), &extensions)]);
        parts.der()
    };
    let mut twice = Parts::right();
    let entry = raw_entry(&hex("020107"), &[]);
    twice.entries = sequence(&[&entry, &entry]);
    let mut truncated = Parts::right().der();
    truncated.pop();
    let large: Vec<Vec<u8>> =
        (0..50_000_u32).map(|n| raw_entry(&hex(&format!("020441{n:06x}")), &[])).collect();
    let large: Vec<&[u8]> = large.iter().map(Vec::as_slice).collect();
    let mut sharded = Parts::right();
    sharded.entries = sequence(&large);
    let changes: [(&str, ListChange); 9] = [
        ("list_next_update_present", |p| p.next_update = Vec::new()),
        ("list_number_present", |p| drop(p.extensions.remove(1))),
        ("list_authority_key_identifier_present", |p| drop(p.extensions.remove(0))),
        ("list_distribution_point_valid", |p| {
            p.extensions.push(extension("551d1c", false, &hex("30038101ff")));
        }),
        ("list_extensions_known", |p| {
            p.extensions.push(extension("551d63", true, &hex("0500")));
        }),
        ("list_signature_not_forgeable", |p| {
            let sha1 = hex("300906072a8648ce3d0401");
            (p.algorithm, p.outer_algorithm) = (sha1.clone(), sha1);
        }),
        ("list_signature_parameters", |p| {
            let null = hex("300c06082a8648ce3d0403020500");
            (p.algorithm, p.outer_algorithm) = (null.clone(), null);
        }),
        ("list_lasts_at_most_a_year", |p| p.next_update = time(0x17, "280601120000Z")),
        ("list_dates_in_the_past", |p| p.this_update = time(0x17, "260101120000Z")),
    ];
    let example = |id, trips| Example {
        id,
        clean: Input::List(Parts::right().der(), None),
        trips: Input::List(trips, None),
    };
    let changed = changes.into_iter().map(|(id, change)| {
        let mut parts = Parts::right();
        change(&mut parts);
        example(id, parts.der())
    });
    let others = [
        example("list_readable", truncated),
        example("list_reason_codes_valid", with_entry("020107", &[reason("07")])),
        example("list_entries_valid", with_entry("02020007", &[])),
        example("list_serials_once", twice.der()),
        example("list_serials_positive", with_entry("0201ff", &[])),
        example("list_without_holds", with_entry("020107", &[reason("06")])),
        example("list_is_small", sharded.der()),
    ];
    changed.chain(others).collect()
}

fn lists_and_their_issuers() -> Vec<Example> {
    let made = now();
    let due = made + std::time::Duration::from_secs(86_400);
    let builder = CrlBuilder::new(&root().certificate, 1_u64.into(), made, due).unwrap();
    let mut der = Vec::new();
    builder.sign(std::iter::empty::<RevokedEntry>(), &root().signer, &mut der).unwrap();
    let mut bent = der.clone();
    *bent.last_mut().unwrap() ^= 1;
    let list = |der: &[u8], issuer: &Certificate| Input::List(der.to_vec(), Some(issuer.clone()));
    let other = Authority::root("p384").certificate;
    let clean = || list(&der, &root().certificate);
    vec![
        Example { id: "list_issuer_may_sign", clean: clean(), trips: list(&der, &other) },
        Example {
            id: "list_signature_verifies",
            clean: clean(),
            trips: list(&bent, &root().certificate),
        },
    ]
}

/// Nobody can sign for such a key here, so the request bears a signature of zeros: the key is looked
/// at first.
#[test]
fn a_request_for_a_key_that_can_be_factored_is_refused() {
    for (modulus, id) in [
        (moduli::ROCA, "rsa_not_roca"),
        (moduli::CLOSE, "rsa_primes_apart"),
        (moduli::SMALL_FACTOR, "rsa_no_small_factor"),
    ] {
        let key = rsa(modulus, &[1, 0, 1]);
        let subject = name("CN=demo").as_name().to_der().unwrap();
        let info = sequence(&[&hex("020100"), &subject, key.spki_der(), &hex("a000")]);
        let sha256 = hex("300d06092a864886f70d01010b0500");
        let der = encode::signed(&info, &sha256, &[0; 256]).unwrap();
        let error = CertificateRequest::from_der(&der).unwrap().verify_possession().unwrap_err();
        assert_eq!(error, CsrError::WeakKey(key.check_strength().unwrap_err()));
        let found = lint_request(&der, &LintOverrides::default());
        assert!(found.iter().any(|finding| finding.id == id), "{id}: {found:?}");
        let request = Request::new(name("CN=demo"), names(&["a.b"]), key);
        let planned = plan(profile("tls-server"), request, root().identity(), serial(), now());
        assert!(matches!(planned, Err(crate::plan::PlanError::WeakKey(_))), "{id}");
    }
}
