//! A small certificate authority in memory, on ca-core alone: what Espalier issues, without ledger and files.
//!
//! Its keys are throw-away ones. They are made once per process and kind, since RSA primes take seconds to find.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ca_core::algorithm::{Algorithm, KeyKind, SignatureScheme};
use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::lint::lint;
use ca_core::name::DistinguishedName;
use ca_core::plan::{IssuerIdentity, Request, plan};
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;
use getrandom::SysRng;
use jiff::Timestamp;
use rand_core::UnwrapErr;

/// The DNS name of every leaf.
pub const LEAF_NAME: &str = "leaf.test";

/// The machine's clock, which the peers go by as well.
#[expect(
    clippy::disallowed_methods,
    reason = "peers judge by the machine's clock, so must these tests"
)]
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The system's generator.
#[must_use]
pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Whose key it is; no two of a chain are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The root's.
    Root,
    /// The issuing authority's.
    Issuing,
    /// The end entity's.
    Leaf,
    /// The OCSP responder's.
    Responder,
}

/// The key of this kind and role, always the same one within a process.
///
/// # Panics
/// When it can't be made.
#[must_use]
pub fn key(algorithm: &Algorithm, role: Role) -> PrivateKey {
    PrivateKey::from_der(&pkcs8(algorithm, role)).expect("what ca-core wrote, it reads")
}

/// The same key as [`key`] gives, as ca-core writes it.
///
/// # Panics
/// When it can't be made.
#[must_use]
pub fn pkcs8(algorithm: &Algorithm, role: Role) -> Vec<u8> {
    type Slots = HashMap<(KeyKind, Role), Arc<OnceLock<Vec<u8>>>>;
    static SLOTS: OnceLock<Mutex<Slots>> = OnceLock::new();
    let slots = SLOTS.get_or_init(Mutex::default);
    // The lock is held for the look-up only: other threads don't wait for the primes of this key.
    let slot = {
        let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((algorithm.key(), role)).or_default())
    };
    let made = slot.get_or_init(|| {
        let key = PrivateKey::generate(algorithm, &mut rng()).expect("a key can be made");
        key.to_pkcs8_der().expect("a key can be encoded").to_vec()
    });
    made.clone()
}

/// A key and how it signs.
#[derive(Debug)]
pub struct SigningKey {
    /// The key.
    pub key: PrivateKey,
    /// How it signs.
    pub scheme: SignatureScheme,
}

impl SigningKey {
    /// The key of this role, signing as the algorithm says.
    #[must_use]
    pub fn of(algorithm: &Algorithm, role: Role) -> Self {
        Self { key: key(algorithm, role), scheme: algorithm.scheme() }
    }

    /// Signs, as ca-core does it: checked by the second implementation.
    ///
    /// # Panics
    /// When it can't be signed.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signer = self.key.signer(self.scheme).expect("the scheme fits the key");
        signer.sign(message).expect("both implementations agree")
    }
}

/// An authority: a certificate and the keys that sign for it.
#[derive(Debug)]
pub struct Authority {
    /// Its certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: SigningKey,
    /// Its second key, for alternative signatures.
    pub alternative: Option<SigningKey>,
}

impl Authority {
    /// A self-signed root; with an alternative signature if there is a second algorithm.
    #[must_use]
    pub fn root(algorithm: &Algorithm, alternative: Option<&Algorithm>) -> Self {
        let (key, alternative) = signing_keys(algorithm, alternative, Role::Root);
        let request = request_for("CN=Espalier Interop Root", &[], &key, alternative.as_ref());
        let certificate = issued(shipped("root"), request, None, &key, alternative.as_ref());
        Self { certificate, key, alternative }
    }

    /// An issuing authority below this one.
    #[must_use]
    pub fn issuing(&self, algorithm: &Algorithm, alternative: Option<&Algorithm>) -> Self {
        let (key, alternative) = signing_keys(algorithm, alternative, Role::Issuing);
        let request =
            request_for("CN=Espalier Interop Issuing CA", &[], &key, alternative.as_ref());
        Self { certificate: self.issue("issuing-ca", request), key, alternative }
    }

    /// Issues what a shipped profile makes of the request.
    ///
    /// # Panics
    /// When ca-core refuses it.
    #[must_use]
    pub fn issue(&self, profile: &str, request: Request) -> Certificate {
        issued(
            shipped(profile),
            request,
            Some(&self.certificate),
            &self.key,
            self.alternative.as_ref(),
        )
    }

    /// Issues what a profile of one's own makes of the request.
    ///
    /// # Panics
    /// When ca-core refuses it.
    #[must_use]
    pub fn issue_by(&self, profile: &Profile, request: Request) -> Certificate {
        issued(profile, request, Some(&self.certificate), &self.key, self.alternative.as_ref())
    }
}

fn signing_keys(
    algorithm: &Algorithm,
    alternative: Option<&Algorithm>,
    role: Role,
) -> (SigningKey, Option<SigningKey>) {
    (SigningKey::of(algorithm, role), alternative.map(|second| SigningKey::of(second, role)))
}

/// What is asked for in the name of `key`, whose holder is known already.
///
/// # Panics
/// When the subject or a name is malformed.
#[must_use]
pub fn request_for(
    subject: &str,
    names: &[&str],
    key: &SigningKey,
    alternative: Option<&SigningKey>,
) -> Request {
    let subject = DistinguishedName::parse(subject).expect("a well-formed subject");
    let mut request = Request::new(subject, alt_names(names), key.key.public_key().clone());
    request.alt_public_key = alternative.map(|second| second.key.public_key().clone());
    request
}

fn alt_names(names: &[&str]) -> Vec<AltName> {
    names.iter().map(|name| AltName::parse(name).expect("a well-formed name")).collect()
}

fn shipped(name: &str) -> &'static Profile {
    Profile::shipped(name).expect("a profile of this name is shipped")
}

/// The way of every certificate: plan, lint, alternative signature, signature.
fn issued(
    profile: &Profile,
    request: Request,
    issuer: Option<&Certificate>,
    key: &SigningKey,
    alternative: Option<&SigningKey>,
) -> Certificate {
    let identity = IssuerIdentity {
        certificate: issuer,
        public_key: key.key.public_key(),
        scheme: key.scheme,
        alt_scheme: alternative.map(|second| second.scheme),
    };
    let serial = SerialNumber::generate(&mut rng());
    let planned = plan(profile, request, identity, serial, now())
        .unwrap_or_else(|error| panic!("profile {}: {error}", profile.name()));
    let mut linted = lint(planned).unwrap_or_else(|error| panic!("{}: {error}", profile.name()));
    if let Some(second) = alternative {
        let message = linted.pre_tbs_der().expect("an alternative signature is due");
        let signature = second.sign(message);
        linted = linted.with_alt_signature(&signature).expect("the alternative signature fits");
    }
    let signature = key.sign(linted.tbs_der().expect("nothing but the signature is missing"));
    let assembled = linted.assemble(&signature).expect("the signature fits");
    assembled.to_certificate().expect("what ca-core made, it reads")
}

/// Root, issuing authority and leaf of one algorithm, and the request that the leaf was made of.
#[derive(Debug)]
pub struct Chain {
    /// The trust anchor.
    pub root: Authority,
    /// Below it.
    pub issuing: Authority,
    /// A TLS server's certificate for [`LEAF_NAME`].
    pub leaf: Certificate,
    /// The leaf's key.
    pub leaf_key: SigningKey,
    /// What asked for the leaf.
    pub request: CertificateRequest,
}

impl Chain {
    /// Every key of the same algorithm.
    #[must_use]
    pub fn of(algorithm: &Algorithm) -> Self {
        Self::new(algorithm, None)
    }

    /// With alternative signatures: every subject has a second key, every certificate a second signature.
    #[must_use]
    pub fn with_alternative(algorithm: &Algorithm, alternative: &Algorithm) -> Self {
        Self::new(algorithm, Some(alternative))
    }

    fn new(algorithm: &Algorithm, alternative: Option<&Algorithm>) -> Self {
        let root = Authority::root(algorithm, alternative);
        let issuing = root.issuing(algorithm, alternative);
        let (leaf_key, second) = signing_keys(algorithm, alternative, Role::Leaf);
        let request = csr(&leaf_key);
        let proven = request.verify_possession().expect("a request signed by its own key");
        let mut wanted = Request::from_csr(proven);
        wanted.alt_public_key = second.map(|second| second.key.public_key().clone());
        Self { leaf: issuing.issue("tls-server", wanted), root, issuing, leaf_key, request }
    }

    /// The certificates that a peer needs beside the leaf, and the leaf: leaf, issuing authority, root.
    #[must_use]
    pub fn ders(&self) -> [&[u8]; 3] {
        [self.leaf.der(), self.issuing.certificate.der(), self.root.certificate.der()]
    }
}

/// A request for [`LEAF_NAME`], signed by its key.
///
/// # Panics
/// When ca-core can't make it.
#[must_use]
pub fn csr(key: &SigningKey) -> CertificateRequest {
    let subject = DistinguishedName::parse("CN=leaf.test").expect("a well-formed subject");
    let signer = key.key.signer(key.scheme).expect("the scheme fits the key");
    CertificateRequest::build(&subject, &alt_names(&[LEAF_NAME]), &[], &signer)
        .expect("a request can be made")
}
