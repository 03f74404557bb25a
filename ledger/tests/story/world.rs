//! What every telling starts from: two authorities, keys, profiles, and a ledger that knows the
//! authorities.

use std::{path::Path, sync::Arc};

use ca_core::{
    algorithm::Algorithm,
    certificate::Certificate,
    crl::{Scope, Subjects},
    general_name::{AbsoluteUri, AltName},
    key::PrivateKey,
    lint::{Linted, lint},
    name::DistinguishedName,
    plan::{IssuerIdentity, Request, plan},
    profile::Profile,
    public_key::PublicKey,
    serial::SerialNumber,
    sign::Signer,
};
use jiff::Timestamp;
use ledger::{Ledger, NewAuthority, NewCertificate, NewRecord, sqlite::SqliteStore};
use rand_core::UnwrapErr;

/// Where the two shards of every authority are published.
const SHARDS: [&str; 2] = ["http://a.test/1.crl", "http://a.test/2.crl"];
/// Keys of subjects; few, so that they are certified again.
pub(crate) const KEYS: usize = 8;

pub(crate) struct World {
    pub(crate) authorities: Vec<Authority>,
    pub(crate) keys: Vec<PublicKey>,
    /// All, each shard, and the end entities.
    pub(crate) scopes: Vec<Scope>,
    /// One for each shard.
    profiles: Vec<Profile>,
    /// The octets of a ledger that knows the authorities.
    template: Vec<u8>,
}

pub(crate) struct Authority {
    pub(crate) name: &'static str,
    pub(crate) signer: Signer,
    pub(crate) certificate: Certificate,
}

/// 2026-01-01T00:00:00Z.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

fn generated(algorithm: &str) -> PrivateKey {
    let algorithm = Algorithm::named(algorithm).unwrap();
    PrivateKey::generate(algorithm, &mut UnwrapErr(getrandom::SysRng)).unwrap()
}

fn serial() -> SerialNumber {
    SerialNumber::generate(&mut UnwrapErr(getrandom::SysRng))
}

fn profile(shard: usize) -> Profile {
    let text = format!(
        "version: 1\nname: shard-{shard}\ndescription: Leaves of a shard.\nkind: leaf\n\
         subject_keys: {{families: [classical]}}\nkey_usages: [digital_signature]\n\
         extended_key_usages: [server_auth]\nnames: {{required: true, kinds: [dns]}}\n\
         validity_seconds: 600\nmax_validity_seconds: 7200\n\
         crl_distribution_points: ['{}']\n",
        SHARDS[shard]
    );
    Profile::from_yaml(&text).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let roots = [("one", "ed25519"), ("two", "p256")].map(|(name, key)| root(name, key));
        let place = |text: &&str| AbsoluteUri::new(text).unwrap();
        let shard = |text| Scope::shard(&[place(text)]).unwrap();
        let template = template(&roots);
        Self {
            authorities: roots.into_iter().map(|(authority, _)| authority).collect(),
            keys: (0..KEYS).map(|_| generated("ed25519").public_key().clone()).collect(),
            scopes: vec![
                Scope::all(),
                shard(&SHARDS[0]),
                shard(&SHARDS[1]),
                Scope::all().only(Subjects::EndEntities),
            ],
            profiles: (0..SHARDS.len()).map(profile).collect(),
            template,
        }
    }

    /// Whether a scope speaks of the leaves of a shard.
    pub(crate) fn speaks_of(&self, scope: usize, shard: usize) -> bool {
        matches!(scope, 0 | 3) || scope == shard + 1
    }

    /// A ledger of its own.
    pub(crate) fn make_ledger(&self, path: &Path) {
        std::fs::write(path, &self.template).unwrap();
    }

    /// Plans a leaf.
    pub(crate) fn planned(
        &self,
        (authority, key, shard): (usize, usize, usize),
        serial: SerialNumber,
        validity_seconds: u64,
        now: Timestamp,
    ) -> Linted {
        let names = vec![AltName::parse("a.test").unwrap()];
        let key = self.keys[key].clone();
        let mut request = Request::new(DistinguishedName::default(), names, key);
        request.validity_seconds = Some(validity_seconds);
        let issuer = &self.authorities[authority];
        let identity = IssuerIdentity {
            certificate: Some(&issuer.certificate),
            public_key: issuer.signer.public_key(),
            scheme: issuer.signer.scheme(),
            alt_scheme: None,
        };
        lint(plan(&self.profiles[shard], request, identity, serial, now).unwrap()).unwrap()
    }
}

/// What is recorded of a certificate before it is signed.
pub(crate) fn record_of(linted: &Linted, authority: &str, now: Timestamp) -> NewRecord {
    NewRecord {
        authority: authority.into(),
        serial: linted.serial(),
        profile: linted.profile().into(),
        requester: "user:alice".into(),
        idempotency: None,
        tbs_digest: linted.record_digest(),
        subject: linted.subject().into(),
        names: linted.names().to_vec(),
        algorithm: "Ed25519".into(),
        key_digest: linted.key_digests().whole,
        component_digests: linted.key_digests().components.clone(),
        for_authority: linted.kind().is_authority(),
        key_reuse: linted.key_reuse(),
        crl_places: linted.crl_places().to_vec(),
        validity: linted.validity(),
        recorded_at: now,
    }
}

/// Signs what was recorded.
pub(crate) fn signed(linted: Linted, signer: &Signer) -> Vec<u8> {
    let signature = signer.sign(linted.tbs_der().unwrap()).unwrap();
    linted.assemble(&signature).unwrap().into_der()
}

/// An authority and the record of its own certificate.
fn root(name: &'static str, algorithm: &str) -> (Authority, NewRecord) {
    let signer = generated(algorithm);
    let scheme = Algorithm::named(algorithm).unwrap().scheme();
    let signer = signer.signer(scheme).unwrap();
    let subject = DistinguishedName::parse(&format!("CN={name}")).unwrap();
    let request = Request::new(subject, Vec::new(), signer.public_key().clone());
    let identity = IssuerIdentity {
        certificate: None,
        public_key: signer.public_key(),
        scheme: signer.scheme(),
        alt_scheme: None,
    };
    let profile = Profile::shipped("root").unwrap();
    let linted = lint(plan(profile, request, identity, serial(), start()).unwrap()).unwrap();
    let record = record_of(&linted, name, start());
    let certificate = Certificate::from_der(&signed(linted, &signer)).unwrap();
    (Authority { name, signer, certificate }, record)
}

/// Makes a ledger with the authorities in it and reads its file.
fn template(roots: &[(Authority, NewRecord)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ledger: Ledger = Arc::new(SqliteStore::create(&path).await.unwrap());
        for (authority, record) in roots {
            let key = authority.signer.public_key();
            let new = NewAuthority {
                name: authority.name.into(),
                algorithm: record.algorithm.clone(),
                key_digest: key.fingerprint(),
                component_digests: key.component_fingerprints(),
                parent: None,
                created_at: start(),
            };
            ledger.add_authority(new).await.unwrap();
            let (serial, der) = (record.serial, authority.certificate.der().to_vec());
            ledger.record(record.clone()).await.unwrap();
            let certificate = NewCertificate::new(serial, der.clone(), start()).unwrap();
            ledger.store(certificate).await.unwrap();
            ledger.add_authority_certificate(authority.name, der, start()).await.unwrap();
        }
        ledger.close().await.unwrap();
    });
    std::fs::read(&path).unwrap()
}
