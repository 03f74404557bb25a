//! Examples of lints: what trips each, and beside it what does not.

use super::*;

/// What is linted.
pub(super) enum Input {
    Plan(Box<Plan>),
    Certificates(Vec<Vec<u8>>, Option<Certificate>),
    Request(Vec<u8>),
    List(Vec<u8>, Option<Certificate>),
}

impl Input {
    /// The lints that find something, in the first object.
    pub(super) fn found(&self) -> Vec<Finding> {
        let none = LintOverrides::default();
        match self {
            Self::Plan(plan) => found_in((**plan).clone()),
            Self::Certificates(ders, issuer) => {
                let ders: Vec<&[u8]> = ders.iter().map(Vec::as_slice).collect();
                lint_certificates(&ders, issuer.as_ref(), &none).remove(0)
            }
            Self::Request(der) => lint_request(der, &none),
            Self::List(der, issuer) => lint_list(der, issuer.as_ref(), &none),
        }
    }
}

pub(super) struct Example {
    pub(super) id: &'static str,
    pub(super) clean: Input,
    pub(super) trips: Input,
}

pub(super) type Change = fn(&mut Plan);

/// A mistake that only a plan can have, since it is no mistake without the plan.
pub(super) fn planned(id: &'static str, base: &Plan, change: Change) -> Vec<Example> {
    let plan = |plan: &Plan| Input::Plan(Box::new(plan.clone()));
    vec![Example { id, clean: plan(base), trips: plan(&changed(base, change)) }]
}

/// A mistake that only a certificate can have that was read.
pub(super) fn read(id: &'static str, base: &Plan, change: Change) -> Vec<Example> {
    let certificate = |plan: &Plan| Input::Certificates(vec![encoded(plan)], None);
    vec![Example { id, clean: certificate(base), trips: certificate(&changed(base, change)) }]
}

/// The same mistake in a plan and in a certificate.
pub(super) fn both(id: &'static str, base: &Plan, change: Change) -> Vec<Example> {
    [planned(id, base, change), read(id, base, change)].into_iter().flatten().collect()
}

pub(super) fn ders(id: &'static str, clean: Vec<Vec<u8>>, trips: Vec<Vec<u8>>) -> Vec<Example> {
    let (clean, trips) = (Input::Certificates(clean, None), Input::Certificates(trips, None));
    vec![Example { id, clean, trips }]
}

fn changed(base: &Plan, change: Change) -> Plan {
    let mut plan = base.clone();
    change(&mut plan);
    plan
}

/// The plan as a certificate, with a signature of zeros.
pub(super) fn encoded(plan: &Plan) -> Vec<u8> {
    let mut fields = plan.fields.clone();
    if plan.alt_scheme.is_some() && value(plan, oid::ALT_SIGNATURE_ALGORITHM).is_some() {
        let bits = BitString::from_bytes(&[0; 40]).unwrap();
        let extension = encode::extension_of(oid::ALT_SIGNATURE_VALUE, false, &bits).unwrap();
        fields.extensions.as_mut().unwrap().push(extension);
    }
    let algorithm = fields.signature.clone().unwrap_or_else(|| plan.scheme.to_identifier());
    signed(&fields.to_der().unwrap(), &algorithm.to_der().unwrap(), 64)
}

pub(super) fn signed(tbs: &[u8], algorithm: &[u8], length: usize) -> Vec<u8> {
    encode::signed(tbs, algorithm, &vec![0; length]).unwrap()
}

/// Gives the plan another key, as a whole.
pub(super) fn set_key(plan: &mut Plan, key: PublicKey) {
    plan.fields.subject_public_key_info = Any::from_der(key.spki_der()).unwrap();
    plan.public_key = key;
}

pub(super) fn rsa(modulus: &str, exponent: &[u8]) -> PublicKey {
    let modulus = crate::fingerprint::hex_octets(modulus).unwrap();
    let (modulus, exponent) = (UintRef::new(&modulus).unwrap(), UintRef::new(exponent).unwrap());
    let der = RsaPublicKey { modulus, exponent }.to_der().unwrap();
    PublicKey::from_raw(KeyKind::Classical(ClassicalKey::Rsa { bits: 0 }), &der).unwrap()
}

/// A SubjectPublicKeyInfo that may be wrong in any way.
pub(super) fn set_spki(plan: &mut Plan, oid: &str, parameters: Option<Any>, key: &[u8]) {
    let algorithm = AlgorithmIdentifierOwned { oid: oid.parse().unwrap(), parameters };
    let subject_public_key = BitString::from_bytes(key).unwrap();
    let info = SubjectPublicKeyInfoOwned { algorithm, subject_public_key };
    plan.fields.subject_public_key_info = Any::from_der(&info.to_der().unwrap()).unwrap();
}
