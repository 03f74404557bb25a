//! Requests: built, read, refused.

use super::*;

fn serial(octets: &[u8]) -> EntrySerial {
    EntrySerial::from_integer_octets(octets).unwrap()
}

#[test]
fn what_is_built_is_read_and_names_its_issuer() {
    let world = World::new();
    let issuer = &world.issuer.certificate;
    let other = Authority::root("p256").certificate;
    for hash in CertIdHash::ALL {
        let nonce = Nonce::generate(&mut rng());
        let cert_ids = [
            CertId::of(&world.leaf, issuer, hash).unwrap(),
            CertId::new(&other, &serial(&[7]), hash),
        ];
        let built = OcspRequest::build(&cert_ids, Some(&nonce)).unwrap();
        let found = OcspRequest::from_der(built.der()).unwrap();
        assert_eq!(found.cert_ids(), cert_ids);
        assert_eq!(found.nonce(), Some(&nonce));
        assert_eq!(nonce.as_bytes().len(), 32);
        assert!(!found.is_signed());
        assert!(found.check_signature().unwrap().is_none());
        let [first, second] = found.cert_ids() else { panic!() };
        assert!(first.is_of(&world.leaf, issuer) && first.is_issued_by(issuer));
        assert!(!first.is_of(&world.delegate, issuer) && !first.is_issued_by(&other));
        assert!(second.is_issued_by(&other) && !second.is_same(first));
        assert_eq!(found.serials_of(issuer), [EntrySerial::of(&world.leaf).unwrap()]);
        assert_eq!((first.hash(), first.issuer_name_hash().len()), (hash, hash.size()));
        assert_eq!(first.issuer_key_hash().len(), hash.size());
        assert_eq!(CertIdHash::named(&hash.to_string().to_lowercase()), Some(hash));
    }
    let bare = OcspRequest::build(&[world.cert_id()], None).unwrap();
    assert_eq!(bare.nonce(), None);
    assert_eq!(CertIdHash::named("md5"), None);
}

/// The digests that OpenSSL makes: of the name as it is encoded, and of the key without its header.
#[test]
fn digests_are_those_of_rfc_6960() {
    let world = World::new();
    let issuer = &world.issuer.certificate;
    let name = issuer.subject().to_der().unwrap();
    let sha1 = |octets: &[u8]| {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, octets)
    };
    let cert_id = world.cert_id();
    assert_eq!(cert_id.issuer_name_hash(), sha1(&name).as_ref());
    assert_eq!(cert_id.issuer_key_hash(), sha1(issuer.public_key().key_bytes()).as_ref());
    // FIPS 180 example: SHA-1 of "abc".
    assert_eq!(CertIdHash::Sha1.digest(b"abc"), hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
}

#[test]
fn one_to_a_hundred_certificates_are_asked_about() {
    let cert_id = World::new().cert_id();
    let none = OcspRequest::build(&[], None).unwrap_err().to_string();
    assert_eq!(none, "OCSP: requestList: found 0, allowed are 1 to 100");
    let hundred = vec![cert_id; 100];
    assert_eq!(OcspRequest::build(&hundred, None).unwrap().cert_ids().len(), 100);
    let more = [&hundred[..], &hundred[..1]].concat();
    says(&OcspRequest::build(&more, None).unwrap_err().to_string(), &["found 101"]);
    let parts = Parts { list: vec![one_request(); 101].concat(), ..Parts::right() };
    says(&parts.refusal(), &["OCSP request: requestList: found more than 100 requests"]);
}

/// CertID of SHA-1 with these digests.
fn raw_cert_id(algorithm: &str, digest: &[u8], serial: &str) -> Vec<u8> {
    let digest = octet_string(digest);
    sequence(&[&hex(algorithm), &digest, &digest, &hex(serial)])
}

const SHA1: &str = "300906052b0e03021a0500";

fn one_request() -> Vec<u8> {
    sequence(&[&raw_cert_id(SHA1, &[7; 20], "020107")])
}

/// A request put together from parts, so that each can be wrong.
struct Parts {
    version: Vec<u8>,
    requestor: Vec<u8>,
    list: Vec<u8>,
    /// Complete extensions.
    extensions: Vec<Vec<u8>>,
    signature: Vec<u8>,
}

impl Parts {
    fn right() -> Self {
        Self {
            version: Vec::new(),
            requestor: Vec::new(),
            list: one_request(),
            extensions: Vec::new(),
            signature: Vec::new(),
        }
    }

    fn tbs(&self) -> Vec<u8> {
        let extensions = match self.extensions.is_empty() {
            true => Vec::new(),
            false => tagged(2, &sequence(&[&self.extensions.concat()])),
        };
        sequence(&[&self.version, &self.requestor, &sequence(&[&self.list]), &extensions])
    }

    fn read(&self) -> Result<OcspRequest, OcspError> {
        OcspRequest::from_der(sequence(&[&self.tbs(), &self.signature]))
    }

    fn refusal(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

fn refusal_of_list(list: Vec<u8>) -> String {
    Parts { list, ..Parts::right() }.refusal()
}

fn refusal_of_extensions(extensions: &[Vec<u8>]) -> String {
    Parts { extensions: extensions.to_vec(), ..Parts::right() }.refusal()
}

#[test]
fn the_parts_unchanged_are_read() {
    let request = Parts::right().read().unwrap();
    assert_eq!(request.cert_ids()[0].serial().as_bytes(), [7]);
    // Parameters of a hash function may be NULL or absent, and come back as they came.
    for algorithm in [SHA1, "300706052b0e03021a"] {
        let cert_id = raw_cert_id(algorithm, &[7; 20], "020107");
        let parts = Parts { list: sequence(&[&cert_id]), ..Parts::right() };
        assert_eq!(parts.read().unwrap().cert_ids()[0].to_der().unwrap(), cert_id);
    }
}

#[test]
fn nonces_have_1_to_128_octets() {
    let nonce = |value: &[u8]| vec![extension(2, false, value)];
    for length in [1, 32, 128] {
        let extensions = nonce(&octet_string(&vec![5; length]));
        let request = Parts { extensions, ..Parts::right() }.read().unwrap();
        assert_eq!(request.nonce().unwrap().as_bytes(), vec![5; length]);
    }
    for (value, found) in [
        (octet_string(&[]), "nonce: found 0 octets"),
        (octet_string(&[5; 129]), "nonce: found 129 octets"),
        // As some clients had it before RFC 6960's nonce was an OCTET STRING of its own.
        (vec![5; 16], "nonce: found something else than an OCTET STRING"),
        (hex("0201050403"), "nonce: found something else"),
    ] {
        says(&refusal_of_extensions(&nonce(&value)), &[found, "1 to 128 octets (RFC 9654)"]);
    }
    assert_eq!(Nonce::new(&[]), Err(InvalidNonce { found: 0 }));
    assert_eq!(Nonce::new(&[5; 129]), Err(InvalidNonce { found: 129 }));
    let critical = vec![extension(2, true, &octet_string(&[5; 32]))];
    assert!(Parts { extensions: critical, ..Parts::right() }.read().is_ok());
}

#[test]
fn extensions_that_are_not_understood_may_not_be_critical() {
    let other = |critical| vec![extension(77, critical, &[5, 0])];
    assert!(Parts { extensions: other(false), ..Parts::right() }.read().is_ok());
    says(
        &refusal_of_extensions(&other(true)),
        &["requestExtensions: found critical extension 1.3.6.1.5.5.7.48.1.77"],
    );
    let twice = [other(false), other(false)].concat();
    says(&refusal_of_extensions(&twice), &["twice, allowed: each extension once"]);
    let single = |critical| {
        let extensions = tagged(0, &sequence(&[&extension(7, critical, &[0x30, 0])]));
        sequence(&[&raw_cert_id(SHA1, &[7; 20], "020107"), &extensions])
    };
    assert!(Parts { list: single(false), ..Parts::right() }.read().is_ok());
    says(&refusal_of_list(single(true)), &["singleRequestExtensions: found critical extension"]);
}

#[test]
fn a_client_must_take_basic_responses() {
    let types = |oid: &str| vec![extension(4, false, &sequence(&[&hex(oid)]))];
    let basic = "06092b0601050507300101";
    assert!(Parts { extensions: types(basic), ..Parts::right() }.read().is_ok());
    says(
        &refusal_of_extensions(&types("06092b0601050507300102")),
        &["acceptableResponses: found no id-pkix-ocsp-basic"],
    );
}

#[test]
fn structures_and_cert_ids() {
    let version = |octets: &str| Parts { version: hex(octets), ..Parts::right() }.refusal();
    says(&version("a003020100"), &["version: found another encoding than DER's"]);
    says(&version("a003020101"), &["version: found another one, allowed: v1"]);
    says(&refusal_of_list(Vec::new()), &["requestList: found an empty list"]);
    let cert_id = |algorithm: &str, length, serial: &str| {
        refusal_of_list(sequence(&[&raw_cert_id(algorithm, &vec![7; length], serial)]))
    };
    says(&cert_id("300c06082a864886f70d02050500", 16, "020107"), &["hashAlgorithm: found 1.2.840"]);
    says(&cert_id("300a06052b0e03021a020101", 20, "020107"), &["hashAlgorithm: found other param"]);
    says(&cert_id(SHA1, 19, "020107"), &["issuerNameHash: found 19 octets"]);
    says(
        &cert_id(SHA1, 20, "02020007"),
        &["serialNumber: found serial number: not DER's shortest"],
    );
    let long = format!("0215{}", "01".repeat(21));
    says(&cert_id(SHA1, 20, &long), &["serialNumber: found serial number: 21 octets"]);
    says(&cert_id(SHA1, 20, "040107"), &["serialNumber: found something else"]);
    let tail = sequence(&[&raw_cert_id(SHA1, &[7; 20], "020107"), &[5, 0]]);
    says(&refusal_of_list(tail), &["Request: found something else"]);
    let large = OcspRequest::from_der(vec![0x30; MAX_REQUEST_SIZE + 1]).unwrap_err();
    assert_eq!(large.to_string(), "OCSP request: 65537 octets, allowed are at most 65536");
}

/// A request that `signer` signed, with its certificate.
fn signed_parts(world: &World, algorithm: Option<&str>) -> Parts {
    // rfc822Name
    let mut parts = Parts {
        requestor: tagged(1, &hex("81036140 62".replace(' ', "").as_str())),
        ..Parts::right()
    };
    let signer = &world.delegate_signer;
    let own = || signer.scheme().to_identifier().to_der().unwrap();
    let algorithm = algorithm.map_or_else(own, hex);
    let bits = tlv(Tag::BitString, &[&[0], &signer.sign(&parts.tbs()).unwrap()]).unwrap();
    let certs = tagged(0, &sequence(&[world.delegate.der()]));
    parts.signature = tagged(0, &sequence(&[&algorithm, &bits, &certs]));
    parts
}

#[test]
fn a_signature_is_checked_by_the_certificate_that_comes_with_it() {
    let world = World::new();
    let parts = signed_parts(&world, None);
    let request = parts.read().unwrap();
    assert!(request.is_signed() && request.requestor_name().is_some());
    assert_eq!(request.check_signature().unwrap(), Some(&world.delegate));
    assert_eq!(request.tbs_der(), parts.tbs());
    // Another serial number than the one that was signed.
    let list = sequence(&[&raw_cert_id(SHA1, &[7; 20], "020108")]);
    let forged = Parts { list, ..signed_parts(&world, None) }.read().unwrap();
    let error = forged.check_signature().unwrap_err();
    assert_eq!(error.to_string(), "OCSP request: signature: does not match the message and key");
    // Nobody is answered by such a request.
    let answer = world.authority().respond(&forged, &window(), |_| CertStatus::Good).unwrap();
    assert_eq!(answer, OcspResponse::error_der(ErrorStatus::MalformedRequest));
}

#[test]
fn sha1_signs_no_request() {
    // ecdsa-with-SHA1
    let parts = signed_parts(&World::new(), Some("300906072a8648ce3d0401"));
    let error = parts.read().unwrap().check_signature().unwrap_err().to_string();
    says(&error, &["OCSP request: signature algorithm: found 1.2.840.10045.4.1", "can be forged"]);
}

#[test]
fn a_signed_request_says_who_asks_and_brings_its_certificate() {
    let world = World::new();
    let nameless = Parts { requestor: Vec::new(), ..signed_parts(&world, None) };
    says(&nameless.refusal(), &["requestorName: found none, allowed: the signer's name"]);
    let bits = hex("03020001");
    let algorithm = hex("300a06082a8648ce3d040302");
    let with = |certs: &[u8]| {
        let signature = tagged(0, &sequence(&[&algorithm, &bits, certs]));
        Parts { signature, ..signed_parts(&world, None) }.refusal()
    };
    says(&with(&[]), &["certs: found none, allowed: the signer's certificate"]);
    says(&with(&tagged(0, &sequence(&[]))), &["certs: found none"]);
    says(&with(&tagged(0, &sequence(&[&sequence(&[])]))), &["certs: found certificate:"]);
    let nine = sequence(&[&[world.leaf.der(); 9].concat()]);
    says(&with(&tagged(0, &nine)), &["certs: found more than 8 certificates"]);
}
