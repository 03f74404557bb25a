//! Requests for keys that can't sign, and who vouches for them (RFC 9883).

use jiff::Timestamp;

use super::super::statement as wire;
use super::*;
use crate::algorithm::{KeyAlgorithm, MlKem};
use crate::certificate::Certificate;
use crate::path::{Options, verify_path};
use crate::plan::tests::{Authority, at, issue, now, profile, serial};
use crate::plan::{PlanError, Request, plan};
use crate::signature::{self, SignatureError};

const SUBJECT: &str = "CN=Alice,O=Example";
const NAMES: [&str; 2] = ["email:alice@example.com", "DNS:alice.example.com"];

/// Someone with a signature certificate who wants an ML-KEM one.
struct Alice {
    root: Authority,
    signer: Signer,
    certificate: Certificate,
    kem: PublicKey,
}

fn kem(set: MlKem) -> PublicKey {
    let key = PrivateKey::generate_for(KeyAlgorithm::Kem(set), &mut UnwrapErr(getrandom::SysRng));
    key.unwrap().public_key().clone()
}

/// A signature certificate for `subject`; by the profile for mail and names, or one's own text.
fn certified(root: &Authority, signer: &Signer, subject_text: &str, usages: &str) -> Certificate {
    let text = format!(
        "{{version: 1, name: person, description: d, kind: leaf, \
         subject_keys: {{families: [classical, post-quantum, composite, kem]}}, key_usages: [{usages}], \
         names: {{kinds: [email, dns]}}, subject: {{allowed: [CN, O]}}, \
         validity_days: 30, max_validity_days: 30}}"
    );
    let profile = crate::profile::Profile::from_yaml(&text).unwrap();
    let key = signer.public_key().clone();
    issue(&profile, Request::new(subject(subject_text), names(&NAMES), key), root)
}

impl Alice {
    fn new(algorithm: &str, set: MlKem) -> Self {
        let (root, signer) = (Authority::root("p256"), signer(algorithm));
        let certificate = certified(&root, &signer, SUBJECT, "digital_signature");
        Self { root, signer, certificate, kem: kem(set) }
    }

    fn vouching<'a>(&'a self, standing: &'a dyn Fn(&Certificate) -> Standing) -> Vouching<'a> {
        Vouching {
            known: std::slice::from_ref(&self.certificate),
            presented: None,
            anchors: std::slice::from_ref(&self.root.certificate),
            intermediates: &[],
            at: now(),
            standing,
        }
    }

    fn request(&self, subject_text: &str, wanted: &[&str], included: bool) -> CertificateRequest {
        let by =
            SignatureCertificate { certificate: &self.certificate, signer: &self.signer, included };
        let subject = subject(subject_text);
        CertificateRequest::build_stated(&subject, &names(wanted), &[], &self.kem, by).unwrap()
    }

    /// A request with this statement's attribute, signed by Alice or somebody else.
    fn by_hand(&self, attributes: &[u8], signer: &Signer) -> Result<CertificateRequest, CsrError> {
        let name = subject(SUBJECT).as_name().to_der().unwrap();
        let attributes = encode::tlv(read::ATTRIBUTES, &[attributes]).unwrap();
        let parts = [&0_u8.to_der().unwrap()[..], &name, self.kem.spki_der(), &attributes];
        let info = encode::tlv(Tag::Sequence, &parts).unwrap();
        let algorithm = signer.scheme().to_identifier().to_der().unwrap();
        let signature = signer.sign(&info).unwrap();
        CertificateRequest::from_der(&encode::signed(&info, &algorithm, &signature).unwrap())
    }

    fn refused(&self, csr: &CertificateRequest) -> CsrError {
        csr.verify_statement(&self.vouching(&good)).unwrap_err()
    }
}

fn good(_: &Certificate) -> Standing {
    Standing::Good
}

#[test]
fn a_signature_certificate_vouches_and_the_ml_kem_key_is_certified() {
    for (algorithm, set) in
        ["p256", "ml-dsa-44", "MLDSA44-Ed25519-SHA512"].into_iter().zip(MlKem::ALL)
    {
        let alice = Alice::new(algorithm, set);
        for included in [true, false] {
            let csr = alice.request(SUBJECT, &NAMES, included);
            let statement = csr.statement().unwrap();
            assert!(statement.names(&alice.certificate));
            assert_eq!(statement.certificate(), Some(&alice.certificate).filter(|_| included));
            assert!(csr.ignored_attributes().is_empty());
            let proven = csr.verify_statement(&alice.vouching(&good)).unwrap();
            let Possession::Vouched(voucher) = proven.possession() else { panic!("{algorithm}") };
            assert_eq!(voucher.fingerprint, alice.certificate.fingerprint());
            assert!(voucher.stated && voucher.known_good);

            let kem_profile = profile("kem-recipient");
            let request = Request::from_csr(proven);
            let planned =
                plan(kem_profile, request.clone(), alice.root.identity(), serial(), now()).unwrap();
            let note = planned.notes()[0].to_string();
            assert!(note.contains("possession: stated by the holder of certificate"), "{note}");
            let leaf = issue(kem_profile, request, &alice.root);
            assert_eq!(leaf.public_key(), &alice.kem);
            // BIT STRING 001, five unused bits: keyEncipherment alone.
            assert_eq!(leaf.extensions().get(oid::KEY_USAGE).unwrap().value, [3, 2, 5, 0x20]);
            let anchors = [alice.root.certificate.clone()];
            let outcome = verify_path(&leaf, &[], &anchors, &Options::at(now()));
            assert!(outcome.valid, "{algorithm}: {outcome}");
        }
    }
}

#[test]
fn without_anybody_who_vouches_it_is_refused_with_what_to_do() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let csr = alice.request(SUBJECT, &NAMES, true);
    // Whoever asks for the key's own signature gets no proof of a statement.
    let error = csr.verify_possession().unwrap_err();
    assert!(matches!(error, CsrError::StatementNotJudged { .. }), "{error}");
    let bare = alice.by_hand(&[], &alice.signer).unwrap();
    for error in [bare.verify_possession().unwrap_err(), alice.refused(&bare)] {
        assert_eq!(error, CsrError::NoStatement { found: "ML-KEM-768".into() });
        assert!(error.to_string().contains("--possession-certificate"), "{error}");
    }
    // The same request by whoever showed the certificate beside it.
    let shown = Vouching { presented: Some(&alice.certificate), ..alice.vouching(&good) };
    let proven = bare.verify_statement(&shown).unwrap();
    let Possession::Vouched(voucher) = proven.possession() else { panic!() };
    assert!(!voucher.stated);
}

#[test]
fn a_key_that_can_sign_proves_itself_and_needs_no_statement() {
    let alice = Alice::new("p256", MlKem::MlKem512);
    let by = SignatureCertificate {
        certificate: &alice.certificate,
        signer: &alice.signer,
        included: false,
    };
    let other = signer("p256");
    let build = |key| CertificateRequest::build_stated(&subject(SUBJECT), &[], &[], key, by);
    let error = build(other.public_key()).unwrap_err();
    assert!(matches!(error, CsrError::VoucherNotDue { .. }), "{error}");
    build(&alice.kem).unwrap();
    let strange = SignatureCertificate { signer: &other, ..by };
    let error = CertificateRequest::build_stated(&subject(SUBJECT), &[], &[], &alice.kem, strange);
    assert_eq!(error.unwrap_err(), CsrError::VoucherKey);

    let statement = wire::attribute(&alice.certificate, true).unwrap();
    let csr = with_attributes(&other, &[&statement]).unwrap();
    for error in [csr.verify_possession().unwrap_err(), alice.refused(&csr)] {
        assert_eq!(error, CsrError::StatementNotDue { found: "ECDSA P-256".into() });
    }
    let own = with_attributes(&other, &[]).unwrap();
    let proven = own.verify_statement(&alice.vouching(&good)).unwrap();
    assert_eq!(proven.possession(), &Possession::OwnSignature);
}

#[test]
fn the_subject_and_every_name_must_be_the_vouchers() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let error = alice.refused(&alice.request("CN=Mallory,O=Example", &NAMES, true));
    let CsrError::VoucherSubject { found, allowed } = &error else { panic!("{error}") };
    assert_eq!((&found[..], &allowed[..]), ("CN=Mallory,O=Example", SUBJECT));
    // The names are compared as RFC 5280 section 7.1 says.
    let csr = alice.request("CN=alice,O=example", &NAMES[..1], true);
    csr.verify_statement(&alice.vouching(&good)).unwrap();
    let error = alice.refused(&alice.request(SUBJECT, &["email:mallory@example.com"], true));
    assert!(matches!(error, CsrError::VoucherName { .. }), "{error}");
    assert!(error.to_string().contains("email:mallory@example.com, allowed"), "{error}");
    let error = alice.refused(&alice.request(SUBJECT, &["DNS:*.example.com"], true));
    assert!(matches!(error, CsrError::VoucherName { .. }), "{error}");
    let error = alice.refused(&alice.request("", &NAMES, true));
    assert!(matches!(error, CsrError::VoucherSubject { .. }), "{error}");
}

#[test]
fn only_a_valid_unrevoked_certificate_that_may_sign_vouches() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let csr = alice.request(SUBJECT, &NAMES, true);
    csr.verify_statement(&alice.vouching(&good)).unwrap();
    let at_time = |at: Timestamp| {
        let vouching = Vouching { at, ..alice.vouching(&good) };
        csr.verify_statement(&vouching).unwrap_err().to_string()
    };
    for (instant, wanted) in
        [("2026-08-01T00:00:00Z", "notAfter"), ("2026-01-01T00:00:00Z", "notBefore")]
    {
        let error = at_time(at(instant));
        assert!(error.contains("certificate that vouches") && error.contains(wanted), "{error}");
    }
    let other = Authority::root("p256");
    let vouching =
        Vouching { anchors: std::slice::from_ref(&other.certificate), ..alice.vouching(&good) };
    let error = csr.verify_statement(&vouching).unwrap_err();
    assert!(matches!(error, CsrError::VoucherPath { .. }), "{error}");

    let revoked = |_: &Certificate| Standing::Revoked { at: now() };
    let error = csr.verify_statement(&alice.vouching(&revoked)).unwrap_err();
    assert!(matches!(error, CsrError::VoucherRevoked { .. }), "{error}");
    assert!(error.to_string().contains("2026-06-01T12:00:00Z"), "{error}");
    let forged = |_: &Certificate| Standing::NotIssued;
    let error = csr.verify_statement(&alice.vouching(&forged)).unwrap_err();
    assert!(matches!(error, CsrError::VoucherNotIssued { .. }), "{error}");
    let unknown = |_: &Certificate| Standing::Unknown;
    let proven = csr.verify_statement(&alice.vouching(&unknown)).unwrap();
    let Possession::Vouched(voucher) = proven.possession() else { panic!() };
    assert!(!voucher.known_good);

    // A certificate for non-repudiation alone, and one whose key can't sign either.
    let certificate = certified(&alice.root, &alice.signer, SUBJECT, "non_repudiation");
    let alice = Alice { certificate, ..alice };
    let error = alice.refused(&alice.request(SUBJECT, &NAMES, true));
    assert!(matches!(error, CsrError::VoucherKeyUsage { .. }), "{error}");
    assert!(error.to_string().contains("non_repudiation"), "{error}");
}

#[test]
fn a_certificate_whose_key_can_not_sign_vouches_for_nothing() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let request = Request::new(subject(SUBJECT), names(&NAMES), kem(MlKem::MlKem512));
    let encrypting = issue(profile("kem-recipient"), request, &alice.root);
    let statement = wire::attribute(&encrypting, true).unwrap();
    let csr = alice.by_hand(&statement, &alice.signer).unwrap();
    let error = alice.refused(&csr);
    assert!(matches!(error, CsrError::VoucherKeyUsage { .. }), "{error}");
    assert!(error.to_string().contains("key_encipherment"), "{error}");
}

#[test]
fn the_request_is_signed_by_the_voucher_to_the_last_bit() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let statement = wire::attribute(&alice.certificate, true).unwrap();
    let csr = alice.by_hand(&statement, &alice.signer).unwrap();
    csr.verify_statement(&alice.vouching(&good)).unwrap();
    let csr = alice.by_hand(&statement, &signer("p256")).unwrap();
    let error = alice.refused(&csr);
    let CsrError::VoucherSignature { reason: SignatureError::Invalid, .. } = error else {
        panic!("{error}")
    };
    let csr = alice.by_hand(&statement, &signer("ed25519")).unwrap();
    let error = alice.refused(&csr);
    assert!(error.to_string().contains("the key is ECDSA P-256"), "{error}");

    // A bit of the key to certify, which stands in what is signed.
    let csr = alice.request(SUBJECT, &NAMES, true);
    let mut der = csr.der().to_vec();
    let key = alice.kem.key_bytes();
    let at = der.windows(key.len()).position(|window| window == key).unwrap();
    der[at + key.len() - 1] ^= 1;
    let flipped = CertificateRequest::from_der(&der).unwrap();
    let error = alice.refused(&flipped);
    assert!(matches!(error, CsrError::VoucherSignature { .. }), "{error}");
    // A coefficient past the modulus is refused before anything else.
    der[at] = 0xff;
    der[at + 1] = 0xff;
    let error = alice.refused(&CertificateRequest::from_der(&der).unwrap());
    assert!(matches!(error, CsrError::WeakKey(_)), "{error}");
}

#[test]
fn the_statement_names_one_certificate_and_holds_no_other() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let twin = certified(&alice.root, &alice.signer, SUBJECT, "digital_signature");
    let with_serial = |included: bool| {
        let mut statement = wire::attribute(&alice.certificate, included).unwrap();
        let serial = alice.certificate.serial_octets();
        let at = statement.windows(serial.len()).position(|window| window == serial).unwrap();
        statement[at + serial.len() - 1] ^= 1;
        alice.by_hand(&statement, &alice.signer)
    };
    let error = with_serial(true).unwrap_err();
    assert!(matches!(error, CsrError::StatementNamesAnother { .. }), "{error}");
    let error = alice.refused(&with_serial(false).unwrap());
    assert!(matches!(error, CsrError::VoucherUnknown { .. }), "{error}");
    assert!(error.to_string().contains("include it"), "{error}");

    // Another certificate beside the request than the one that it names.
    let csr = alice.request(SUBJECT, &NAMES, false);
    let shown = Vouching { presented: Some(&twin), ..alice.vouching(&good) };
    let error = csr.verify_statement(&shown).unwrap_err();
    assert!(matches!(error, CsrError::StatementNamesAnother { .. }), "{error}");
    let shown = Vouching { presented: Some(&alice.certificate), known: &[], ..shown };
    csr.verify_statement(&shown).unwrap();
}

#[test]
fn malformed_statements_are_refused() {
    let alice = Alice::new("p256", MlKem::MlKem512);
    let oid = "1.3.6.1.4.1.22112.2.1";
    let by_values = |values: &[&[u8]]| alice.by_hand(&attribute(oid, values), &alice.signer);
    let serial = encode::tlv(Tag::Integer, &[alice.certificate.serial_octets()]).unwrap();
    let issuer = alice.certificate.issuer().to_der().unwrap();
    let signer = encode::tlv(Tag::Sequence, &[&issuer, &serial]).unwrap();
    let right = encode::tlv(Tag::Sequence, &[&signer]).unwrap();
    by_values(&[&right]).unwrap().verify_statement(&alice.vouching(&good)).unwrap();
    for values in [&[][..], &[&right[..], &right[..]]] {
        let error = by_values(values).unwrap_err();
        assert_eq!(error, CsrError::StatementValues { found: values.len() });
    }
    let error = by_values(&[&encode::tlv(Tag::Sequence, &[]).unwrap()]).unwrap_err();
    assert!(matches!(error, CsrError::Malformed(_)), "{error}");
    let null = encode::tlv(Tag::Sequence, &[&signer, &[5, 0]]).unwrap();
    let error = by_values(&[&null]).unwrap_err();
    assert!(matches!(error, CsrError::StatementCertificate(_)), "{error}");
    let third = encode::tlv(Tag::Sequence, &[&signer, alice.certificate.der(), &[5, 0]]).unwrap();
    let error = by_values(&[&third]).unwrap_err();
    assert!(matches!(error, CsrError::Malformed(_)), "{error}");
    let long = encode::tlv(Tag::Integer, &[&[1; 21]]).unwrap();
    let long = encode::tlv(Tag::Sequence, &[&issuer, &long]).unwrap();
    let error = by_values(&[&encode::tlv(Tag::Sequence, &[&long]).unwrap()]).unwrap_err();
    assert!(matches!(error, CsrError::StatementSerial(_)), "{error}");
    let twice = [wire::attribute(&alice.certificate, false).unwrap(), attribute(oid, &[&right])];
    let error = alice.by_hand(&twice.concat(), &alice.signer).unwrap_err();
    assert!(matches!(error, CsrError::DuplicateAttribute { .. }), "{error}");
}

/// The request of RFC 9883 section 5's example, for an ECDH key, which we do not certify: its
/// statement is read. Its signature does not hold under the certificate in it (pyca/cryptography
/// says the same): the RFC shows the structure.
#[test]
fn the_statement_in_the_example_of_rfc_9883_is_read() {
    let csr = pem::read_one_request(include_bytes!("rfc9883.pem")).unwrap();
    let statement = csr.statement().unwrap();
    let certificate = statement.certificate().unwrap();
    assert!(statement.names(certificate));
    assert_eq!(statement.serial().to_string(), "7f74a3fc036ce214785c59614e6f8df24c47a879");
    assert_eq!(crate::name::to_text(statement.issuer()), "CN=ca.example,O=Example CA,C=US");
    let key = certificate.public_key();
    let verdict = signature::verify(key, csr.scheme(), csr.info_der(), csr.signature());
    assert_eq!(verdict, Err(SignatureError::Invalid));
    let error = csr.verify_possession().unwrap_err();
    assert!(matches!(error, CsrError::KeyCannotSign { .. }), "{error}");
}

#[test]
fn an_ml_kem_key_makes_no_authority_and_needs_its_usage() {
    let alice = Alice::new("p256", MlKem::MlKem768);
    let request = |key: &PublicKey| Request::new(subject(SUBJECT), Vec::new(), key.clone());
    let (issuer, key) = (alice.root.identity(), &alice.kem);
    let refused = |name: &str, request: Request| {
        plan(profile(name), request, issuer, serial(), now()).unwrap_err()
    };
    let error = refused("issuing-ca", request(key));
    assert!(matches!(error, PlanError::Key { .. }), "{error}");
    let mut server = request(key);
    server.names = names(&["alice.example.com"]);
    assert!(matches!(refused("tls-server", server), PlanError::Key { .. }));
    // Signing is not what it can do, and what is asked for is dropped with a note.
    let mut asking = request(key);
    let usages = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
    let extension = key_usage_extension(usages).unwrap();
    asking.extensions = Extensions::new(vec![extension]).unwrap();
    let planned = plan(profile("kem-recipient"), asking, issuer, serial(), now()).unwrap();
    let notes: Vec<String> = planned.notes().iter().map(ToString::to_string).collect();
    assert!(notes[0].contains("dropped digital_signature"), "{notes:?}");
    // A profile without keyEncipherment makes nothing of it.
    let text = "{version: 1, name: a, description: d, kind: leaf, subject_keys: {families: [kem]}, \
                key_usages: [digital_signature], subject: {allowed: [CN, O]}, \
                validity_days: 1, max_validity_days: 1}";
    let signing = crate::profile::Profile::from_yaml(text).unwrap();
    let error = plan(&signing, request(key), issuer, serial(), now()).unwrap_err();
    assert!(matches!(error, PlanError::KeyUsage { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_statement_panics(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = PossessionStatement::read(&octets);
    }

    /// Any flipped bit is refused, by the reader or by the proof.
    #[test]
    fn a_flipped_bit_is_never_proven(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        static ALICE: std::sync::LazyLock<(Alice, Vec<u8>)> = std::sync::LazyLock::new(|| {
            let alice = Alice::new("p256", MlKem::MlKem512);
            let der = alice.request(SUBJECT, &NAMES, true).der().to_vec();
            (alice, der)
        });
        let (alice, der) = &*ALICE;
        let mut flipped = der.clone();
        flipped[at.index(der.len())] ^= 1 << bit;
        if let Ok(csr) = CertificateRequest::from_der(&flipped) {
            prop_assert!(csr.verify_statement(&alice.vouching(&good)).is_err());
        }
    }
}
