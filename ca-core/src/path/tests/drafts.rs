//! Certificates for the tests: drafts with sensible extensions that a test bends, then signs.

use const_oid::ObjectIdentifier;
use der::asn1::{Any, BitString, Ia5String, Int, OctetString};
use der::{Decode, Encode};
use rand_core::UnwrapErr;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::time::Time;

use crate::algorithm::Algorithm;
use crate::alt_signature::pre_tbs;
use crate::certificate::{Certificate, TbsFields, ValidityFields};
use crate::extensions::oid;
use crate::key::PrivateKey;
use crate::sign::Signer;

/// A name with its key, and with an alternative key.
pub(super) struct Party {
    name: String,
    key: Signer,
    alternative: Option<Signer>,
}

fn signer(algorithm: &str) -> Signer {
    let algorithm = Algorithm::named(algorithm).unwrap();
    let key = PrivateKey::generate(algorithm, &mut UnwrapErr(getrandom::SysRng)).unwrap();
    key.signer(algorithm.scheme()).unwrap()
}

impl Party {
    pub(super) fn new(name: &str, algorithm: &str) -> Self {
        Self { name: name.into(), key: signer(algorithm), alternative: None }
    }

    pub(super) fn with_alternative(name: &str, algorithm: &str, alternative: &str) -> Self {
        Self { alternative: Some(signer(alternative)), ..Self::new(name, algorithm) }
    }

    /// The same key under another name.
    pub(super) fn renamed(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// A CA certificate by itself.
    pub(super) fn root(&self) -> Certificate {
        self.authority().sign(self)
    }

    pub(super) fn authority(&self) -> Draft {
        let mut draft = Draft::new(self);
        let constraints = BasicConstraints { ca: true, path_len_constraint: None };
        draft.set(oid::BASIC_CONSTRAINTS, true, &constraints);
        draft.set(oid::KEY_USAGE, true, &KeyUsage(KeyUsages::KeyCertSign.into()));
        draft
    }

    /// An end entity's, for `example.com`.
    pub(super) fn leaf(&self) -> Draft {
        let mut draft = Draft::new(self);
        let names = vec![GeneralName::DnsName(Ia5String::new("example.com").unwrap())];
        draft.set(oid::SUBJECT_ALT_NAME, false, &SubjectAltName(names));
        draft.set(oid::KEY_USAGE, true, &KeyUsage(KeyUsages::DigitalSignature.into()));
        draft
    }

    fn identifier(&self) -> OctetString {
        OctetString::new(self.key.public_key().key_identifier()).unwrap()
    }
}

/// A certificate that lacks its issuer and signature.
#[derive(Clone)]
pub(super) struct Draft {
    fields: TbsFields,
}

impl Draft {
    fn new(subject: &Party) -> Self {
        let fields = TbsFields {
            version: Version::V3,
            serial_number: Int::new(&[0x40, 1]).unwrap(),
            signature: None,
            issuer: subject.name.parse().unwrap(),
            validity: ValidityFields {
                not_before: time("2026-01-01"),
                not_after: time("2027-01-01"),
            },
            subject: subject.name.parse().unwrap(),
            subject_public_key_info: Any::from_der(subject.key.public_key().spki_der()).unwrap(),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: None,
        };
        let mut draft = Self { fields };
        let identifier = SubjectKeyIdentifier(subject.identifier());
        draft.set(oid::SUBJECT_KEY_IDENTIFIER, false, &identifier);
        if let Some(alternative) = &subject.alternative {
            let key = Any::from_der(alternative.public_key().spki_der()).unwrap();
            draft.set(oid::SUBJECT_ALT_PUBLIC_KEY_INFO, false, &key);
        }
        draft
    }

    /// Adds an extension, or puts it in the other one's place.
    pub(super) fn set(&mut self, oid: ObjectIdentifier, critical: bool, value: &impl Encode) {
        self.remove(oid);
        let extn_value = OctetString::new(value.to_der().unwrap()).unwrap();
        let extension = Extension { extn_id: oid, critical, extn_value };
        self.fields.extensions.get_or_insert_default().push(extension);
    }

    pub(super) fn with(
        mut self,
        oid: ObjectIdentifier,
        critical: bool,
        value: &impl Encode,
    ) -> Self {
        self.set(oid, critical, value);
        self
    }

    pub(super) fn remove(&mut self, oid: ObjectIdentifier) {
        self.fields.extensions.iter_mut().for_each(|all| all.retain(|one| one.extn_id != oid));
    }

    pub(super) fn without(mut self, oid: ObjectIdentifier) -> Self {
        self.remove(oid);
        self
    }

    pub(super) fn path_length(self, length: u8) -> Self {
        let constraints = BasicConstraints { ca: true, path_len_constraint: Some(length) };
        self.with(oid::BASIC_CONSTRAINTS, true, &constraints)
    }

    pub(super) fn names(self, names: Vec<GeneralName>) -> Self {
        self.with(oid::SUBJECT_ALT_NAME, false, &SubjectAltName(names))
    }

    /// Days as `2026-01-01`.
    pub(super) fn valid(mut self, first: &str, last: &str) -> Self {
        self.fields.validity = ValidityFields { not_before: time(first), not_after: time(last) };
        self
    }

    /// The last day as GeneralizedTime, whatever the year.
    pub(super) fn valid_until_general(mut self, last: &str) -> Self {
        let date = time(last).to_date_time();
        let date = der::asn1::GeneralizedTime::from_date_time(date);
        self.fields.validity.not_after = Time::GeneralTime(date);
        self
    }

    /// Puts another key in, as DER SubjectPublicKeyInfo.
    pub(super) fn public_key(mut self, spki: &[u8]) -> Self {
        self.fields.subject_public_key_info = Any::from_der(spki).unwrap();
        self
    }

    pub(super) fn serial(mut self, octets: &[u8]) -> Self {
        self.fields.serial_number = Int::new(octets).unwrap();
        self
    }

    /// Signs, with the issuer's alternative key as well if it has one.
    pub(super) fn sign(&self, issuer: &Party) -> Certificate {
        self.sign_bending(issuer, |_| ())
    }

    /// Signs, but changes the octets of the alternative signature before the other one is made.
    pub(super) fn sign_bending(&self, issuer: &Party, bend: impl Fn(&mut [u8])) -> Certificate {
        let mut draft = self.clone();
        draft.fields.issuer = issuer.name.parse().unwrap();
        let keyed = draft.fields.extensions.iter().flatten();
        // A test that puts its own authority key identifier keeps it.
        if !keyed.into_iter().any(|one| one.extn_id == oid::AUTHORITY_KEY_IDENTIFIER) {
            let identifier = AuthorityKeyIdentifier {
                key_identifier: Some(issuer.identifier()),
                ..AuthorityKeyIdentifier::default()
            };
            draft.set(oid::AUTHORITY_KEY_IDENTIFIER, false, &identifier);
        }
        if let Some(alternative) = &issuer.alternative {
            let identifier = alternative.scheme().to_identifier();
            draft.set(oid::ALT_SIGNATURE_ALGORITHM, false, &identifier);
            let mut value = alternative.sign(&pre_tbs(&draft.fields).unwrap()).unwrap();
            bend(&mut value);
            let value = BitString::from_bytes(&value).unwrap();
            draft.set(oid::ALT_SIGNATURE_VALUE, false, &value);
        }
        draft.sign_as_it_is(issuer)
    }

    /// Signs without touching the extensions.
    pub(super) fn sign_as_it_is(mut self, issuer: &Party) -> Certificate {
        self.fields.issuer = issuer.name.parse().unwrap();
        let algorithm = issuer.key.scheme().to_identifier();
        self.fields.signature = Some(algorithm.clone());
        let tbs = self.fields.to_der().unwrap();
        let signature = BitString::from_bytes(&issuer.key.sign(&tbs).unwrap()).unwrap();
        let parts = [tbs, algorithm.to_der().unwrap(), signature.to_der().unwrap()].concat();
        let certificate = Any::new(der::Tag::Sequence, parts).unwrap();
        Certificate::from_der(&certificate.to_der().unwrap()).unwrap()
    }
}

fn time(day: &str) -> Time {
    let at: jiff::Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
    let seconds = std::time::Duration::from_secs(at.as_second().unsigned_abs());
    der::asn1::UtcTime::from_unix_duration(seconds).map(Time::UtcTime).unwrap_or_else(|_| {
        Time::GeneralTime(der::asn1::GeneralizedTime::from_unix_duration(seconds).unwrap())
    })
}

/// The certificate with one bit of its signature flipped.
pub(super) fn with_wrong_signature(certificate: &Certificate) -> Certificate {
    let mut der = certificate.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    Certificate::from_der(&der).unwrap()
}
