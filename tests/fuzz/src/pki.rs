//! A small PKI whose keys are always the same: what mutated certificates are made from.

use std::convert::Infallible;

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::key::PrivateKey;
use ca_core::sign::Signer;
use der::Encode as _;
use jiff::Timestamp;
use rand_core::{TryCryptoRng, TryRng};

use crate::choices::Choices;
use crate::parts::{
    bits, boolean, common_name, context, context_of, dns, extension, integer, name, oid, sequence,
    tag, text,
};
use crate::tree::Node;

/// The instant at which everything is verified, 2026-06-01T12:00:00Z.
#[must_use]
pub fn verified_at() -> Timestamp {
    Timestamp::from_second(1_780_315_200).expect("a year of four digits")
}

/// RSA primes can't be drawn from a seed, so that these keys are files.
const RSA_KEYS: [&[u8]; 3] = [
    include_bytes!("../data/rsa-2048-root.der"),
    include_bytes!("../data/rsa-2048-issuing.der"),
    include_bytes!("../data/rsa-2048-leaf.der"),
];

/// The families that OpenSSL knows as well, by the names of `espalier algorithms`.
pub const FAMILIES: [&str; 7] =
    ["ECDSA-P256", "Ed25519", "ML-DSA-44", "RSA-2048", "ECDSA-P384", "ML-DSA-65", "RSA-2048-PSS"];

/// A family that OpenSSL knows as well, and that takes too long to sign for a fuzzer: all the
/// parameter sets of SLH-DSA do, and this one signs fastest.
pub const SLOW_FAMILY: &str = "SLH-DSA-SHA2-128f";

/// Who has a key.
#[derive(Debug)]
pub struct Party {
    /// Its key.
    pub signer: Signer,
    /// Its SubjectPublicKeyInfo.
    pub spki: Node,
    /// How it is named by others.
    pub key_identifier: [u8; 20],
}

/// A root, an authority below it and an end entity, all of one family.
#[derive(Debug)]
pub struct Pki {
    /// The family's name.
    pub family: &'static str,
    /// The AlgorithmIdentifier of its signatures.
    pub algorithm: Node,
    /// The trust anchor.
    pub root: Party,
    /// The root's certificate.
    pub root_certificate: Certificate,
    /// The authority.
    pub issuing: Party,
    /// The authority's certificate.
    pub issuing_certificate: Certificate,
    /// The end entity.
    pub leaf: Party,
}

/// What certificates are mutated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A TLS server's, below the issuing authority.
    Leaf,
    /// An authority's with every limit that there is, below the issuing authority.
    Authority,
    /// The issuing authority's own, below the root.
    Issuing,
}

impl Pki {
    /// The PKI of one of [`FAMILIES`], or of [`SLOW_FAMILY`]; always the same one.
    ///
    /// # Panics
    /// When the family is another one.
    #[must_use]
    pub fn new(family: &'static str) -> Self {
        let algorithm = Algorithm::named(family).expect("a known family");
        let [root, issuing, leaf] = [0, 1, 2].map(|role| Party::new(algorithm, role));
        let identifier = algorithm.scheme().to_identifier().to_der().expect("it can be encoded");
        let algorithm = Node::parse(&identifier).expect("it is DER");
        let names = [common_name("Fuzzed Root"), common_name(ISSUING)];
        let [root_name, issuing_name] = &names;
        let tbs = tbs(&algorithm, root_name, root_name, &root.spki, authority(&root, &root));
        let root_certificate = read(&signed(&tbs, &algorithm, &root.signer));
        let tbs = self::tbs(
            &algorithm,
            root_name,
            issuing_name,
            &issuing.spki,
            authority(&issuing, &root),
        );
        let issuing_certificate = read(&signed(&tbs, &algorithm, &root.signer));
        Self { family, algorithm, root, root_certificate, issuing, issuing_certificate, leaf }
    }

    /// The certificate of this kind before it is mutated: what is signed.
    #[must_use]
    pub fn tbs(&self, kind: Kind) -> Node {
        let issuer = common_name(ISSUING);
        match kind {
            Kind::Leaf => {
                let subject = name(&[(10, tag::UTF8, "Fuzzed"), (3, tag::UTF8, LEAF_NAME)]);
                let extensions = end_entity(&self.leaf, &self.issuing);
                tbs(&self.algorithm, &issuer, &subject, &self.leaf.spki, extensions)
            }
            Kind::Authority => {
                let mut extensions = authority(&self.leaf, &self.issuing);
                extensions.extend(limits());
                tbs(&self.algorithm, &issuer, &common_name("Sub CA"), &self.leaf.spki, extensions)
            }
            Kind::Issuing => {
                let mut extensions = authority(&self.issuing, &self.root);
                extensions.extend(limits());
                let root = common_name("Fuzzed Root");
                tbs(&self.algorithm, &root, &issuer, &self.issuing.spki, extensions)
            }
        }
    }

    /// A certificate that the issuer of this kind signs, as it is.
    ///
    /// # Panics
    /// When the issuer's key can't sign, which its tests rule out.
    #[must_use]
    pub fn signed(&self, kind: Kind, tbs: &Node) -> Vec<u8> {
        signed(tbs, &self.algorithm, &self.issuer(kind).signer)
    }

    /// Who signs certificates of this kind.
    #[must_use]
    pub fn issuer(&self, kind: Kind) -> &Party {
        match kind {
            Kind::Leaf | Kind::Authority => &self.issuing,
            Kind::Issuing => &self.root,
        }
    }
}

/// The serial number of every certificate before it is mutated.
pub(crate) const SERIAL: [u8; 16] = *b"QRSTUVWXYZabcdef";

/// The subject of the issuing authority.
const ISSUING: &str = "Fuzzed Issuing CA";
/// The name of the TLS server.
pub const LEAF_NAME: &str = "leaf.test";

impl Party {
    fn new(algorithm: &Algorithm, role: usize) -> Self {
        let key = if algorithm.name().starts_with("RSA") {
            PrivateKey::from_der(RSA_KEYS[role])
        } else {
            let name = algorithm
                .name()
                .bytes()
                .fold(0_u64, |sum, octet| sum.wrapping_mul(31).wrapping_add(octet.into()));
            let seed = name.wrapping_add(role as u64);
            PrivateKey::generate(algorithm, &mut Repeatable::seeded(seed))
        };
        let key = key.expect("the keys of this crate are right");
        let signer = key.signer(algorithm.scheme()).expect("the scheme fits its own key");
        let spki = Node::parse(key.public_key().spki_der()).expect("a key is DER");
        Self { signer, spki, key_identifier: key.public_key().key_identifier() }
    }
}

/// Draws the same keys each time.
pub(crate) struct Repeatable(Choices<'static>);

impl Repeatable {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Choices::seeded(seed))
    }
}

impl TryRng for Repeatable {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(std::array::from_fn(|_| self.0.octet())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(std::array::from_fn(|_| self.0.octet())))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        octets.fill_with(|| self.0.octet());
        Ok(())
    }
}

// Of throw-away keys that everyone knows; `PrivateKey::generate` takes no other generator.
impl TryCryptoRng for Repeatable {}

/// TBSCertificate, valid for 2026.
fn tbs(
    algorithm: &Node,
    issuer: &Node,
    subject: &Node,
    spki: &Node,
    extensions: Vec<Node>,
) -> Node {
    let date = |text: &str| Node::octets(tag::UTC_TIME, text.as_bytes());
    sequence(vec![
        context_of(0, vec![integer(&[2])]),
        integer(&SERIAL),
        algorithm.clone(),
        issuer.clone(),
        sequence(vec![date("260101000000Z"), date("270101000000Z")]),
        subject.clone(),
        spki.clone(),
        context_of(3, vec![sequence(extensions)]),
    ])
}

/// A certificate around what is signed.
#[must_use]
pub fn certificate(tbs: &Node, algorithm: &Node, signature: &[u8]) -> Node {
    let mut bits = vec![0];
    bits.extend_from_slice(signature);
    sequence(vec![tbs.clone(), algorithm.clone(), Node::octets(tag::BIT_STRING, bits)])
}

fn signed(tbs: &Node, algorithm: &Node, signer: &Signer) -> Vec<u8> {
    let signature = signer.sign(&tbs.to_der()).expect("both implementations agree");
    certificate(tbs, algorithm, &signature).to_der()
}

fn read(der: &[u8]) -> Certificate {
    Certificate::from_der(der).expect("certificates that were not mutated are right")
}

fn identifiers(subject: &Party, issuer: &Party) -> [Node; 2] {
    let own = Node::octets(tag::OCTET_STRING, subject.key_identifier);
    let above = sequence(vec![context(0, issuer.key_identifier)]);
    [extension("2.5.29.14", false, own), extension("2.5.29.35", false, above)]
}

fn authority(subject: &Party, issuer: &Party) -> Vec<Node> {
    let mut all = vec![
        extension("2.5.29.19", true, sequence(vec![boolean(true)])),
        extension("2.5.29.15", true, bits(&[0, 5, 6])),
    ];
    all.extend(identifiers(subject, issuer));
    all
}

/// What limits an authority, without forbidding the leaf.
fn limits() -> Vec<Node> {
    let subtree = |base: Node| sequence(vec![base]);
    let permitted = vec![
        subtree(dns("test")),
        subtree(context(7, [10, 0, 0, 0, 255, 0, 0, 0])),
        subtree(context(1, *b"test")),
    ];
    let excluded = vec![subtree(dns("forbidden.test"))];
    vec![
        extension(
            "2.5.29.30",
            true,
            sequence(vec![context_of(0, permitted), context_of(1, excluded)]),
        ),
        extension("2.5.29.32", false, sequence(vec![policy("2.5.29.32.0"), policy(POLICY)])),
        extension("2.5.29.36", true, sequence(vec![context(1, [3])])),
        extension("2.5.29.54", true, integer(&[3])),
        extension("2.5.29.37", false, sequence(vec![oid(SERVER_AUTH), oid(CLIENT_AUTH)])),
    ]
}

const POLICY: &str = "1.3.6.1.4.1.55555.1.1";
const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

fn policy(identifier: &str) -> Node {
    sequence(vec![oid(identifier)])
}

fn end_entity(subject: &Party, issuer: &Party) -> Vec<Node> {
    let point = |place: &str| {
        let names = context_of(0, vec![context(6, place.as_bytes())]);
        sequence(vec![context_of(0, vec![names])])
    };
    let names = vec![
        dns(LEAF_NAME),
        dns("*.leaf.test"),
        context(7, [10, 1, 2, 3]),
        context(1, *b"leaf@test"),
        context(6, *b"https://leaf.test/"),
        context_of(4, vec![name(&[(10, tag::UTF8, "Fuzzed")])]),
    ];
    let access = sequence(vec![oid("1.3.6.1.5.5.7.48.1"), context(6, *b"http://ocsp.test/")]);
    let qualifier = sequence(vec![oid("1.3.6.1.5.5.7.2.1"), text(tag::IA5, "http://cps.test/")]);
    let policies = vec![sequence(vec![oid(POLICY), sequence(vec![qualifier])])];
    let mut all = vec![
        extension("2.5.29.19", true, sequence(Vec::new())),
        extension("2.5.29.15", true, bits(&[0])),
        extension("2.5.29.37", false, sequence(vec![oid(SERVER_AUTH)])),
        extension("2.5.29.17", false, sequence(names)),
        extension("2.5.29.31", false, sequence(vec![point("http://crl.test/1.crl")])),
        extension("1.3.6.1.5.5.7.1.1", false, sequence(vec![access])),
        extension("2.5.29.32", false, sequence(policies)),
    ];
    all.extend(identifiers(subject, issuer));
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::path::{Options, verify_path};

    use super::*;

    #[test]
    fn what_was_not_mutated_is_valid_and_always_the_same() {
        for family in FAMILIES.into_iter().chain([SLOW_FAMILY]) {
            let pki = Pki::new(family);
            assert_eq!(pki.leaf.spki, Pki::new(family).leaf.spki);
            for kind in [Kind::Leaf, Kind::Authority, Kind::Issuing] {
                let issuer = &pki.issuer(kind).signer;
                let der = signed(&pki.tbs(kind), &pki.algorithm, issuer);
                let outcome = verify_path(
                    &Certificate::from_der(&der).unwrap(),
                    std::slice::from_ref(&pki.issuing_certificate),
                    std::slice::from_ref(&pki.root_certificate),
                    &Options::at(verified_at()),
                );
                assert!(outcome.valid, "{family} {kind:?}: {outcome}");
            }
        }
    }
}
