//! Certificates for these tests, made by ca-core without a ledger.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::crl::{CrlBuilder, EntrySerial, RevocationReason, RevokedEntry};
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::lint::lint;
use ca_core::name::DistinguishedName;
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;
use jiff::{SignedDuration, Timestamp};

/// Everything here is valid from about then on.
pub(crate) const MADE: &str = "2030-01-01T00:00:00Z";

/// A root.
pub(crate) struct Authority {
    key: PrivateKey,
    algorithm: &'static Algorithm,
    certificate: Certificate,
    der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(algorithm: &str) -> Self {
        let algorithm = Algorithm::named(algorithm).unwrap();
        let key = generate(algorithm);
        let subject = DistinguishedName::parse("CN=Test Root").unwrap();
        let request = Request::new(subject, Vec::new(), key.public_key().clone());
        let der = sign("root", request, None, &key, algorithm);
        let certificate = Certificate::from_der(&der).unwrap();
        Self { key, algorithm, certificate, der }
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// A complete list of these serial numbers, good for a day.
    pub(crate) fn crl(&self, number: u64, revoked: &[EntrySerial]) -> Vec<u8> {
        let made: Timestamp = MADE.parse().unwrap();
        let due = made + SignedDuration::from_hours(24);
        let list = CrlBuilder::new(&self.certificate, number.into(), made, due).unwrap();
        let mut der = Vec::new();
        let reason = RevocationReason::KeyCompromise;
        let entries = revoked.iter().map(|serial| RevokedEntry {
            reason,
            ..RevokedEntry::new(*serial, made - SignedDuration::from_hours(1))
        });
        list.sign(entries, &self.key.signer(self.algorithm.scheme()).unwrap(), &mut der).unwrap();
        der
    }
}

/// A TLS server's certificate for `demo.test`.
pub(crate) fn leaf(root: &Authority, algorithm: &str) -> Vec<u8> {
    leaf_and_key(root, algorithm).0
}

/// The same, and its key.
pub(crate) fn leaf_and_key(root: &Authority, algorithm: &str) -> (Vec<u8>, PrivateKey) {
    let key = generate(Algorithm::named(algorithm).unwrap());
    let names = vec![AltName::parse("DNS:demo.test").unwrap()];
    let request = Request::new(DistinguishedName::default(), names, key.public_key().clone());
    (sign("tls-server", request, Some(&root.certificate), &root.key, root.algorithm), key)
}

fn generate(algorithm: &Algorithm) -> PrivateKey {
    PrivateKey::generate(algorithm, &mut rand_core::UnwrapErr(getrandom::SysRng)).unwrap()
}

fn sign(
    profile: &str,
    request: Request,
    issuer: Option<&Certificate>,
    key: &PrivateKey,
    algorithm: &Algorithm,
) -> Vec<u8> {
    let made: Timestamp = MADE.parse().unwrap();
    let serial = SerialNumber::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let identity = IssuerIdentity {
        certificate: issuer,
        public_key: key.public_key(),
        scheme: algorithm.scheme(),
        alt_scheme: None,
    };
    let profile = Profile::shipped(profile).unwrap();
    let linted = lint(plan(profile, request, identity, serial, made).unwrap()).unwrap();
    let signer = key.signer(algorithm.scheme()).unwrap();
    let signature = signer.sign(linted.tbs_der().unwrap()).unwrap();
    linted.assemble(&signature).unwrap().into_der()
}
