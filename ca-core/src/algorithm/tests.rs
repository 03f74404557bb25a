#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

#[test]
fn every_row_is_found_by_name_alias_and_identifier_in_any_case() {
    for row in Algorithm::all() {
        assert_eq!(Algorithm::named(row.name()), Ok(row));
        for alias in row.aliases() {
            assert_eq!(Algorithm::named(&alias.to_uppercase()), Ok(row), "{alias}");
        }
    }
    assert_eq!(Algorithm::all().len(), 4 + 6 + 3 + 12 + 18);
}

#[test]
fn names_of_any_age_lead_to_the_same_row() {
    for (alias, name) in [
        ("dilithium3", "ML-DSA-65"),
        ("Dilithium2", "ML-DSA-44"),
        ("hybrid", "MLDSA65-ECDSA-P256-SHA512"),
        ("id-MLDSA65-ECDSA-P256-SHA512", "MLDSA65-ECDSA-P256-SHA512"),
        ("1.3.6.1.5.5.7.6.54", "MLDSA87-ECDSA-P521-SHA512"),
        ("secp384r1", "ECDSA-P384"),
        ("SPHINCS+-SHA2-128s-simple", "SLH-DSA-SHA2-128s"),
        ("sphincsshake256fsimple", "SLH-DSA-SHAKE-256f"),
        ("slhdsasha2192s", "SLH-DSA-SHA2-192s"),
        ("id-slh-dsa-shake-128f", "SLH-DSA-SHAKE-128f"),
        ("2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s"),
        ("2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f"),
    ] {
        assert_eq!(Algorithm::named(alias).unwrap().name(), name);
    }
    assert_eq!(Algorithm::hybrid().name(), "MLDSA65-ECDSA-P256-SHA512");
}

#[test]
fn unknown_and_too_weak_names_are_refused() {
    for name in ["", "rsa-1024", "rsa1024", "sha1", "dilithium4", "1.3.6.1.5.5.7.6.55", "kyber4"]
        // HashSLH-DSA is another algorithm, and no parameter set has 160 bits or is robust.
        .into_iter()
        .chain(["2.16.840.1.101.3.4.3.35", "slh-dsa-sha2-160s", "sphincs+-sha2-128s-robust"])
    {
        let error = Algorithm::named(name).unwrap_err();
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
}

#[test]
fn ml_kem_is_named_for_keys_and_never_to_sign() {
    for (text, name) in [
        ("ML-KEM-512", "ML-KEM-512"),
        ("kyber512", "ML-KEM-512"),
        ("Kyber768", "ML-KEM-768"),
        ("id-alg-ml-kem-768", "ML-KEM-768"),
        ("kyber1024", "ML-KEM-1024"),
        ("2.16.840.1.101.3.4.4.3", "ML-KEM-1024"),
    ] {
        let found = KeyAlgorithm::named(text).unwrap();
        assert_eq!((found.name(), found.family()), (name, Family::Kem));
        assert_eq!(KeyAlgorithm::of_key(found.key()), Some(found));
        let error = Algorithm::named(text).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("can't sign"), "{error}");
        assert_eq!(Algorithm::of_key(found.key(), false), None);
    }
    let row = KeyAlgorithm::named("dilithium3").unwrap();
    assert_eq!(row, KeyAlgorithm::Signing(Algorithm::named("ml-dsa-65").unwrap()));
    let error = KeyAlgorithm::named("kyber4").unwrap_err();
    assert_eq!(error, AlgorithmError::Unknown { found: "kyber4".into() });
}

#[test]
fn ml_kem_has_the_sizes_of_fips_203() {
    let sizes = |set: MlKem| {
        (set.public_key_size(), set.expanded_key_size(), set.ciphertext_size(), set.nist_level())
    };
    assert_eq!(
        MlKem::ALL.map(sizes),
        [(800, 1632, 768, 1), (1184, 2400, 1088, 3), (1568, 3168, 1568, 5)]
    );
}

#[test]
fn identifiers_survive_a_round_trip() {
    for row in Algorithm::all() {
        let identifier = row.scheme().to_identifier();
        assert_eq!(SignatureScheme::from_identifier(&identifier), Ok(row.scheme()), "{row}");
    }
}

/// RFC 9881, RFC 9909 and the composite draft: absent, not NULL.
#[test]
fn post_quantum_identifiers_are_written_without_parameters() {
    for row in Algorithm::all().iter().filter(|row| row.family() != Family::Classical) {
        assert_eq!(row.scheme().to_identifier().parameters, None, "{row}");
    }
}

#[test]
fn null_parameters_are_refused_where_none_belong() {
    for row in Algorithm::all() {
        let mut identifier = row.scheme().to_identifier();
        if identifier.parameters.is_none() {
            identifier.parameters = Some(der::asn1::Any::null());
            let error = SignatureScheme::from_identifier(&identifier).unwrap_err();
            assert!(error.to_string().contains("allowed: none"), "{error}");
        }
    }
}

#[test]
fn sha1_is_refused_by_name() {
    for oid in ["1.2.840.113549.1.1.5", "1.2.840.10045.4.1"] {
        let identifier = spki::AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap(oid),
            parameters: None,
        };
        let error = SignatureScheme::from_identifier(&identifier).unwrap_err();
        assert!(error.to_string().contains("SHA-1"), "{error}");
    }
}

#[test]
fn pss_parameters_with_another_salt_are_refused() {
    let mut identifier =
        SignatureScheme::Classical(ClassicalScheme::RsaPss(Hash::Sha256)).to_identifier();
    let mut parameters = identifier.parameters.clone().unwrap().value().to_vec();
    *parameters.last_mut().unwrap() = 20;
    identifier.parameters = Some(der::asn1::Any::new(der::Tag::Sequence, parameters).unwrap());
    assert!(matches!(
        SignatureScheme::from_identifier(&identifier),
        Err(SchemeError::Parameters { .. })
    ));
}

#[test]
fn sizes_are_the_documented_ones() {
    let size = |name| {
        let row = Algorithm::named(name).unwrap();
        (row.public_key_size(), row.signature_size())
    };
    assert_eq!(size("p256"), (65, 72));
    assert_eq!(size("p521"), (133, 139));
    assert_eq!(size("rsa3072"), (398, 384));
    assert_eq!(size("ML-DSA-65"), (1952, 3309));
    assert_eq!(size("SLH-DSA-SHA2-128s"), (32, 7856));
    assert_eq!(size("SLH-DSA-SHAKE-192f"), (48, 35664));
    assert_eq!(size("SLH-DSA-SHA2-256f"), (64, 49856));
    assert_eq!(size("hybrid"), (1952 + 65, 3309 + 72));
}
