//! Examples: DER, fields, keys.

use super::examples::*;
use super::*;

pub(super) fn all() -> Vec<Example> {
    [reading(), structure(), keys(), kem_and_hash_keys(), rsa_keys(), authorities()]
        .into_iter()
        .flatten()
        .collect()
}

fn reading() -> Vec<Example> {
    let leaf = leaf_plan();
    let der = encoded(&leaf);
    let truncated = der[..der.len() - 1].to_vec();
    // The version: version 1, which is the default, spelt out.
    let version = der.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
    let mut spelt = der.clone();
    spelt[version + 4] = 0;
    // The outer algorithm stands behind the TBS: Ed25519, 1.3.101.112.
    let outer = der.windows(3).rposition(|window| window == [0x2b, 0x65, 0x70]).unwrap();
    let mut other = der.clone();
    other[outer + 2] = 0x71;
    [
        ders("certificate_readable", vec![der.clone()], vec![truncated]),
        ders("canonical_der", vec![der.clone()], vec![spelt]),
        ders("signature_algorithms_equal", vec![der], vec![other]),
        both("extensions_readable", &leaf, |plan| {
            set(plan, oid::KEY_USAGE, true, Some(vec![5, 0]));
        }),
        both("extensions_once", &leaf, |plan| {
            let all = plan.fields.extensions.as_mut().unwrap();
            all.push(all.last().unwrap().clone());
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn identifier(oid: &str, parameters: Option<Any>) -> Option<AlgorithmIdentifierOwned> {
    Some(AlgorithmIdentifierOwned { oid: oid.parse().unwrap(), parameters })
}

fn structure() -> Vec<Example> {
    let leaf = leaf_plan();
    let (algorithm, tbs) = (leaf.scheme.to_identifier(), leaf.fields.to_der().unwrap());
    let algorithm = algorithm.to_der().unwrap();
    let (right, short) = (signed(&tbs, &algorithm, 64), signed(&tbs, &algorithm, 63));
    [
        both("version_is_3", &leaf, |plan| plan.fields.version = Version::V1),
        both("serial_positive_and_bounded", &leaf, |plan| {
            plan.fields.serial_number = Int::new(&[0x80; 20]).unwrap();
        }),
        both("serial_positive_and_bounded", &leaf, |plan| {
            plan.fields.serial_number = Int::new(&[1; 21]).unwrap();
        }),
        both("serial_positive_and_bounded", &leaf, |plan| {
            plan.fields.serial_number = Int::new(&[0]).unwrap();
        }),
        both("serial_holds_64_random_bits", &leaf, |plan| {
            plan.fields.serial_number = Int::new(&[1; 7]).unwrap();
        }),
        planned("serial_is_20_positive_octets", &leaf, |plan| {
            plan.fields.serial_number = Int::new(&[1; 19]).unwrap();
        }),
        both("signature_not_forgeable", &leaf, |plan| {
            plan.fields.signature = identifier("1.2.840.113549.1.1.5", Some(Any::null()));
        }),
        both("signature_parameters", &leaf, |plan| {
            plan.fields.signature = identifier(&plan.scheme.oid().to_string(), Some(Any::null()));
        }),
        planned("signature_parameters", &leaf, |plan| plan.fields.signature = None),
        both("signature_algorithm_known", &leaf, |plan| {
            plan.fields.signature = identifier("1.2.3.4", None);
        }),
        planned("signature_as_planned", &leaf, |plan| {
            plan.fields.signature = identifier("2.16.840.1.101.3.4.3.17", None);
        }),
        ders("signature_length", vec![right], vec![short]),
        both("issuer_is_named", &leaf, |plan| plan.fields.issuer = Name::default()),
        planned("root_names_itself", &root_plan(), |plan| {
            plan.fields.issuer = name("CN=Other").as_name().clone();
        }),
        both("validity_time_types", &leaf, |plan| {
            let time =
                GeneralizedTime::from_date_time(plan.fields.validity.not_after.to_date_time());
            plan.fields.validity.not_after = Time::GeneralTime(time);
        }),
        both("validity_ordered", &leaf, |plan| {
            let validity = &mut plan.fields.validity;
            std::mem::swap(&mut validity.not_before, &mut validity.not_after);
        }),
        both("tls_server_validity_short", &leaf, |plan| {
            plan.fields.validity.not_after = utc(2029);
        }),
        planned("validity_as_planned", &leaf, |plan| {
            plan.fields.validity.not_after = plan.fields.validity.not_before;
        }),
        planned("subject_key_as_planned", &leaf, |plan| {
            let key = root().signer.public_key();
            plan.fields.subject_public_key_info = Any::from_der(key.spki_der()).unwrap();
        }),
        both("no_unique_identifiers", &leaf, |plan| {
            plan.fields.subject_unique_id = Some(BitString::from_bytes(&[1]).unwrap());
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn utc(year: u16) -> Time {
    let date = der::DateTime::new(year, 1, 1, 0, 0, 0).unwrap();
    Time::UtcTime(UtcTime::from_date_time(date).unwrap())
}

const ML_DSA_44: &str = "2.16.840.1.101.3.4.3.17";

fn keys() -> Vec<Example> {
    let leaf = leaf_plan();
    [
        read("key_readable", &leaf, |plan| {
            plan.fields.subject_public_key_info = Any::new(Tag::Sequence, [5, 0]).unwrap();
        }),
        read("key_parameters", &leaf, |plan| {
            let key = plan.public_key.key_bytes().to_vec();
            set_spki(plan, ML_DSA_44, Some(Any::null()), &key);
        }),
        read("key_length", &leaf, |plan| set_spki(plan, ML_DSA_44, None, &[7; 1311])),
        read("key_algorithm_known", &leaf, |plan| set_spki(plan, "1.2.3.4", None, &[7])),
        both("point_on_curve", &leaf_with(p256_key()), |plan| {
            let mut bent = plan.public_key.key_bytes().to_vec();
            *bent.last_mut().unwrap() ^= 1;
            set_key(plan, PublicKey::from_raw(plan.public_key.kind(), &bent).unwrap());
        }),
        both("point_on_curve", &leaf, |plan| {
            let mut neutral = [0; 32];
            neutral[0] = 1;
            let kind = KeyKind::Classical(ClassicalKey::Ed25519);
            set_key(plan, PublicKey::from_raw(kind, &neutral).unwrap());
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A leaf of a KEM key, as RFC 9935 wants it.
fn kem_plan() -> Plan {
    let mut plan = leaf_plan();
    let kind = KeyKind::MlKem(MlKem::MlKem512);
    set_key(&mut plan, PublicKey::from_raw(kind, &[0; 800]).unwrap());
    set(&mut plan, oid::KEY_USAGE, true, usages(KeyUsages::KeyEncipherment.into()));
    plan
}

fn leaf_with_any(key: PublicKey) -> Plan {
    let mut plan = leaf_plan();
    set_key(&mut plan, key);
    plan
}

fn kem_and_hash_keys() -> Vec<Example> {
    let leaf = kem_plan();
    let kind = KeyKind::SlhDsa(SlhDsa::Sha2_128s);
    let hash_based = leaf_with_any(PublicKey::from_raw(kind, &[7; 32]).unwrap());
    [
        both("key_usage_fits_key", &hash_based, |plan| {
            let both = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
            set(plan, oid::KEY_USAGE, true, usages(both));
        }),
        read("key_length", &hash_based, |plan| {
            set_spki(plan, "2.16.840.1.101.3.4.3.20", None, &[7; 31]);
        }),
        read("key_parameters", &hash_based, |plan| {
            set_spki(plan, "2.16.840.1.101.3.4.3.20", Some(Any::null()), &[7; 32]);
        }),
        both("ml_kem_coefficients", &leaf, |plan| {
            set_key(plan, PublicKey::from_raw(plan.public_key.kind(), &[0xff; 800]).unwrap());
        }),
        both("key_usage_fits_key", &leaf, |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::DigitalSignature.into()));
        }),
        read("key_length", &leaf, |plan| {
            set_spki(plan, "2.16.840.1.101.3.4.4.1", None, &[0; 799]);
        }),
        read("key_parameters", &leaf, |plan| {
            set_spki(plan, "2.16.840.1.101.3.4.4.1", Some(Any::null()), &[0; 800]);
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn rsa_keys() -> Vec<Example> {
    let leaf = leaf_with(rsa(moduli::NORMAL, &[1, 0, 1]));
    [
        both("rsa_size", &leaf, |plan| {
            let half = format!("{}1", &moduli::NORMAL[..255]);
            set_key(plan, rsa(&half, &[1, 0, 1]));
        }),
        read("rsa_exponent", &leaf, |plan| {
            let modulus = crate::fingerprint::hex_octets(moduli::NORMAL).unwrap();
            let (modulus, exponent) =
                (UintRef::new(&modulus).unwrap(), UintRef::new(&[1]).unwrap());
            let key = RsaPublicKey { modulus, exponent }.to_der().unwrap();
            set_spki(plan, "1.2.840.113549.1.1.1", Some(Any::null()), &key);
        }),
        both("rsa_exponent_not_small", &leaf, |plan| set_key(plan, rsa(moduli::NORMAL, &[3]))),
        both("rsa_no_small_factor", &leaf, |plan| {
            set_key(plan, rsa(moduli::SMALL_FACTOR, &[1, 0, 1]));
        }),
        both("rsa_not_roca", &leaf, |plan| set_key(plan, rsa(moduli::ROCA, &[1, 0, 1]))),
        both("rsa_primes_apart", &leaf, |plan| set_key(plan, rsa(moduli::CLOSE_LATER, &[1, 0, 1]))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn authorities() -> Vec<Example> {
    let (leaf, authority) = (leaf_plan(), authority_plan());
    [
        planned("basic_constraints_match_kind", &leaf, |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, true, constraints(true, None));
        }),
        planned("basic_constraints_match_kind", &authority, |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, true, None);
        }),
        both("basic_constraints_critical", &authority, |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, false, constraints(true, None));
        }),
        both("path_length_only_in_authorities", &leaf, |plan| {
            set(plan, oid::BASIC_CONSTRAINTS, true, constraints(false, Some(1)));
        }),
        both("key_cert_sign_matches_kind", &leaf, |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::KeyCertSign.into()));
        }),
        both("key_cert_sign_matches_kind", &authority, |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::CRLSign.into()));
        }),
        both("authority_is_named", &authority, |plan| plan.fields.subject = Name::default()),
        both("leaf_is_not_self_issued", &leaf, |plan| {
            plan.fields.issuer = plan.fields.subject.clone();
        }),
        both("extensions_only_in_authorities", &leaf, |plan| {
            set(plan, oid::NAME_CONSTRAINTS, true, Some(SUBTREE.to_vec()));
        }),
        both("authority_signs_crls", &authority, |plan| {
            set(plan, oid::KEY_USAGE, true, usages(KeyUsages::KeyCertSign.into()));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
