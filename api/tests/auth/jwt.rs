//! Tokens against a key set, without a network.

use espalier::auth::{Compact, Expected, JwtAlgorithm, KeySet};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{Forge, NOW, base64, claims, key_set, message, signed_by_hmac, with};

const ISSUER: &str = "https://issuer.example.com";

/// Verifies a token against keys, as of NOW.
fn verify(keys: &str, token: &str) -> Result<String, String> {
    verify_with(keys, token, &[])
}

fn verify_with(keys: &str, token: &str, algorithms: &[JwtAlgorithm]) -> Result<String, String> {
    let audiences = ["espalier".to_owned(), "espalier-next".to_owned()];
    let expected = Expected {
        issuer: ISSUER,
        audiences: &audiences,
        now: Timestamp::from_second(NOW).unwrap(),
        leeway_seconds: 30,
        max_lifetime_seconds: 3_600,
    };
    let keys = KeySet::parse(keys.as_bytes(), algorithms).map_err(|error| error.to_string())?;
    let token = Compact::parse(token).map_err(|error| error.to_string())?;
    let claims = keys.verify(&token, &expected).map_err(|error| error.to_string())?;
    Ok(claims.subject().to_owned())
}

#[track_caller]
fn refused(keys: &str, token: &str, words: &str) {
    let error = verify(keys, token).unwrap_err();
    assert!(error.contains(words), "no {words:?} in {error}");
}

#[test]
fn every_algorithm_is_verified_and_one_changed_bit_is_not() {
    for forge in [Forge::p256(), Forge::p384(), Forge::ed25519(), Forge::rsa()] {
        let keys = key_set(&[forge.jwk("k1")]);
        let token = forge.token("k1", &claims(ISSUER));
        assert_eq!(verify(&keys, &token).unwrap(), "repo:shop/web");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut octets = base64ct_decode(signature);
        for index in [0, octets.len() / 2, octets.len() - 1] {
            octets[index] ^= 1;
            refused(
                &keys,
                &format!("{signed}.{}", base64(&octets)),
                "token: signature: found another",
            );
            octets[index] ^= 1;
        }
        octets.pop();
        refused(&keys, &format!("{signed}.{}", base64(&octets)), "token: signature: found another");
        // The claims are changed, the signature is kept.
        let header = signed.split_once('.').unwrap().0;
        let other =
            base64(with(claims(ISSUER), "sub", json!("repo:evil/web")).to_string().as_bytes());
        refused(&keys, &format!("{header}.{other}.{signature}"), "token: signature: found another");
        // Another key of the same kind, under the same id.
        let stranger = match forge {
            Forge::P256(_) => Forge::p256(),
            Forge::P384(_) => Forge::p384(),
            Forge::Ed25519(_) => Forge::ed25519(),
            Forge::Rsa(_) => Forge::rsa(),
        };
        refused(&keys, &stranger.token("k1", &claims(ISSUER)), "token: signature: found another");
    }
}

fn base64ct_decode(text: &str) -> Vec<u8> {
    use base64ct::Encoding as _;
    base64ct::Base64UrlUnpadded::decode_vec(text).unwrap()
}

#[test]
fn no_header_talks_the_verifier_into_another_algorithm() {
    let rsa = Forge::rsa();
    let keys = key_set(&[rsa.jwk("k1")]);
    let body = claims(ISSUER).to_string();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": alg, "kid": "k1" }).to_string();
        refused(&keys, &format!("{}.", message(&header, &body)), "token: signature: found nothing");
        let words = format!("token: alg: found {alg:?}, allowed: RS256, the key's");
        refused(&keys, &format!("{}.AA", message(&header, &body)), &words);
    }
    // HS256 keyed with what everybody knows.
    let header = json!({ "alg": "HS256", "kid": "k1" }).to_string();
    let modulus = base64ct_decode(rsa.jwk("k1")["n"].as_str().unwrap());
    for secret in [modulus.as_slice(), keys.as_bytes(), rsa.jwk("k1").to_string().as_bytes()] {
        refused(&keys, &signed_by_hmac(&header, &body, secret), "token: alg: found \"HS256\"");
    }
    // The same key, PSS instead of PKCS #1, whatever the header says.
    let pss = json!({ "alg": "PS256", "kid": "k1" }).to_string();
    refused(&keys, &rsa.signed_by_pss(&pss, &body), "token: alg: found \"PS256\", allowed: RS256");
    let lying = json!({ "alg": "RS256", "kid": "k1" }).to_string();
    refused(&keys, &rsa.signed_by_pss(&lying, &body), "token: signature: found another");
    // A PSS key takes PSS and not PKCS #1.
    let pss_keys = key_set(&[with(rsa.jwk("k1"), "alg", json!("PS256"))]);
    verify(&pss_keys, &rsa.signed_by_pss(&pss, &body)).unwrap();
    refused(&pss_keys, &rsa.token("k1", &claims(ISSUER)), "token: alg: found \"RS256\"");
    refused(&pss_keys, &rsa.signed(&pss, &body), "token: signature: found another");
    let missing = json!({ "kid": "k1" }).to_string();
    refused(&keys, &rsa.signed(&missing, &body), "token: alg: found no text");
    let number = json!({ "alg": 256, "kid": "k1" }).to_string();
    refused(&keys, &rsa.signed(&number, &body), "token: alg: found no text");
}

#[test]
fn a_secret_in_the_set_never_verifies() {
    let secret =
        json!({ "kty": "oct", "kid": "k1", "alg": "HS256", "k": base64(b"0123456789abcdef") });
    let header = json!({ "alg": "HS256", "kid": "k1" }).to_string();
    let token = signed_by_hmac(&header, &claims(ISSUER).to_string(), b"0123456789abcdef");
    refused(&key_set(std::slice::from_ref(&secret)), &token, "found no key for signatures by");
    let both = key_set(&[secret, Forge::p256().jwk("k2")]);
    refused(&both, &token, "token: kid: found \"k1\"");
}

#[test]
fn the_key_is_the_one_of_the_id() {
    let (one, two) = (Forge::p256(), Forge::p256());
    let keys = key_set(&[one.jwk("k1"), two.jwk("k2")]);
    verify(&keys, &one.token("k1", &claims(ISSUER))).unwrap();
    verify(&keys, &two.token("k2", &claims(ISSUER))).unwrap();
    refused(&keys, &two.token("k1", &claims(ISSUER)), "token: signature: found another");
    refused(&keys, &one.token("k3", &claims(ISSUER)), "token: kid: found \"k3\"");
    let body = claims(ISSUER).to_string();
    // Without an id there must be no choice.
    refused(&keys, &one.signed(r#"{"alg":"ES256"}"#, &body), "token: kid: found none");
    let single = key_set(&[one.jwk("k1"), Forge::ed25519().jwk("k2")]);
    verify(&single, &one.signed(r#"{"alg":"ES256"}"#, &body)).unwrap();
    refused(&single, &two.signed(r#"{"alg":"ES256"}"#, &body), "token: signature: found another");
    for id in [json!(1), json!(null), json!("k".repeat(300))] {
        let header = json!({ "alg": "ES256", "kid": id }).to_string();
        refused(&keys, &one.signed(&header, &body), "token: kid: found no short text");
    }
    // A key that the token brings along is nobody's.
    let own = json!({ "alg": "ES256", "kid": "k1", "jwk": two.jwk("k1"),
        "jku": "https://evil.example.com/jwks", "x5u": "https://evil.example.com/cert" });
    refused(&keys, &two.signed(&own.to_string(), &body), "token: signature: found another");
    verify(&keys, &one.signed(&own.to_string(), &body)).unwrap();
}

#[test]
fn headers_that_change_the_meaning_are_refused() {
    let forge = Forge::p256();
    let keys = key_set(&[forge.jwk("k1")]);
    let body = claims(ISSUER).to_string();
    let header = |extra: &str| format!(r#"{{"alg":"ES256","kid":"k1"{extra}}}"#);
    verify(&keys, &forge.signed(&header(""), &body)).unwrap();
    verify(&keys, &forge.signed(&header(r#","typ":"at+JWT","x":1"#), &body)).unwrap();
    for (extra, words) in [
        (r#","crit":["exp"]"#, "token: header: found \"crit\""),
        (r#","crit":[]"#, "token: header: found \"crit\""),
        (r#","b64":false"#, "token: header: found \"b64\""),
        (r#","b64":true"#, "token: header: found \"b64\""),
        (r#","zip":"DEF"#, "token: header: found EOF"),
        (r#","zip":"DEF""#, "token: header: found \"zip\""),
        (r#","enc":"A128GCM""#, "token: header: found \"enc\""),
        (r#","alg":"ES256""#, "token: header: found member \"alg\" twice"),
        (r#","kid":"k2""#, "token: header: found member \"kid\" twice"),
        (r#","typ":"logout+jwt""#, "token: typ: found \"logout+jwt\""),
        (r#","typ":7"#, "token: typ: found no text"),
    ] {
        refused(&keys, &forge.signed(&header(extra), &body), words);
    }
}

#[test]
fn claims_that_do_not_fit_are_refused_though_the_signature_is_right() {
    let forge = Forge::p256();
    let keys = key_set(&[forge.jwk("k1")]);
    for (name, value, words) in [
        ("iss", json!("https://issuer.example.com/"), "token: iss: found"),
        (
            "iss",
            json!("https://evil.example.com"),
            "token: iss: found \"https://evil.example.com\"",
        ),
        ("iss", Value::Null, "token: iss: found no text"),
        ("iss", json!(["https://issuer.example.com"]), "token: iss: found no text"),
        ("aud", json!("other"), "token: aud: found \"other\", allowed: espalier or espalier-next"),
        ("aud", json!("Espalier"), "token: aud: found \"Espalier\""),
        ("aud", json!([]), "token: aud: found \"\""),
        ("aud", json!(["a", "b"]), "token: aud: found \"a, b\""),
        ("aud", json!(["espalier", 7]), "token: aud: found an array with something else"),
        ("aud", json!(vec!["espalier"; 40]), "token: aud: found 40 audiences"),
        ("aud", json!({ "espalier": 1 }), "token: aud: found neither text nor array"),
        ("aud", Value::Null, "token: aud: found none"),
        ("sub", json!(""), "token: sub: found \"\""),
        ("sub", json!("a\nb"), "token: sub: found \"a\\0Ab\""),
        ("sub", json!("a".repeat(256)), "token: sub: found"),
        ("sub", json!(7), "token: sub: found no text"),
        ("sub", Value::Null, "token: sub: found no text"),
        (
            "exp",
            json!(NOW - 30),
            "token: exp: found 2026-11-18T11:06:10Z, allowed: an instant to come, by the server's clock",
        ),
        ("exp", json!(NOW + 4_000), "token: exp: found a life of 4010 s, allowed: at most 3600 s"),
        ("exp", json!("1795000300"), "token: exp: found no time"),
        ("exp", json!(-1), "token: exp: found no time"),
        ("exp", json!(1e300), "token: exp: found no time"),
        ("exp", json!(u64::MAX), "token: exp: found no time"),
        ("exp", Value::Null, "token: exp: found none"),
        ("nbf", json!(NOW + 31), "token: nbf: found"),
        ("nbf", json!("x"), "token: nbf: found no time"),
        ("iat", json!(NOW + 31), "token: iat: found"),
        ("iat", json!(true), "token: iat: found no time"),
    ] {
        let changed = with(claims(ISSUER), name, value);
        refused(&keys, &forge.token("k1", &changed), words);
    }
    for (name, value) in [
        ("aud", json!(["other", "espalier-next"])),
        ("exp", json!(NOW - 29)),
        ("exp", json!(f64::from(1_795_000_300) + 0.5)),
        ("nbf", json!(NOW + 30)),
        ("nbf", Value::Null),
        ("iat", Value::Null),
        ("iat", json!(NOW + 30)),
    ] {
        let changed = with(claims(ISSUER), name, value);
        verify(&keys, &forge.token("k1", &changed)).unwrap();
    }
    // Without iat, what is left of its life must not be too long.
    let endless = with(with(claims(ISSUER), "iat", Value::Null), "exp", json!(NOW + 3_700));
    refused(&keys, &forge.token("k1", &endless), "token: exp: found a life of 3700 s");
}

#[test]
fn claims_are_strict_json() {
    let forge = Forge::p256();
    let keys = key_set(&[forge.jwk("k1")]);
    let header = r#"{"alg":"ES256","kid":"k1"}"#;
    let body = claims(ISSUER).to_string();
    let open = body.strip_suffix('}').unwrap();
    let escaped = format!(r#"{open},"\u0061ud":"other"}}"#);
    for (text, words) in [
        (format!(r#"{open},"aud":"other"}}"#), "token: claims: found member \"aud\" twice"),
        (escaped, "token: claims: found member \"aud\" twice"),
        (format!("{body}{body}"), "token: claims: found trailing characters"),
        ("[]".into(), "token: claims: found another kind of value"),
        (String::new(), "token: claims: found EOF"),
        (
            format!("{open},\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200)),
            "token: claims: found recursion limit",
        ),
    ] {
        refused(&keys, &forge.signed(header, &text), words);
    }
}

#[test]
fn texts_that_are_no_tokens_are_refused() {
    let forge = Forge::p256();
    let keys = key_set(&[forge.jwk("k1")]);
    let token = forge.token("k1", &claims(ISSUER));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for (text, words) in [
        (String::new(), "token: form: found 1 parts"),
        ("a.b".into(), "token: form: found 2 parts"),
        (format!("{token}."), "token: form: found 4 parts"),
        (format!(".{token}"), "token: form: found 4 parts"),
        ("..".into(), "token: header: found EOF"),
        (format!("{token}="), "token: signature: found other characters"),
        (format!("{signed}.{signature} "), "token: signature: found other characters"),
        (format!("{signed}.+{}", &signature[1..]), "token: signature: found other characters"),
        (format!(" {token}"), "token: header: found other characters"),
        (token.replacen("eyJ", "eyJ\n", 1), "token: header: found other characters"),
        ("a".repeat(20_000), "token: length: found 20000 octets, allowed: at most 16384"),
    ] {
        refused(&keys, &text, words);
    }
    // The last character has bits that mean nothing: one spelling only.
    let last = signature.chars().last().unwrap();
    let twin = char::from(last as u8 + 1);
    if twin.is_ascii_alphanumeric() {
        let twin = format!("{signed}.{}{twin}", &signature[..signature.len() - 1]);
        assert!(verify(&keys, &twin).is_err());
    }
}

#[test]
fn key_sets_are_read_strictly_and_bounded() {
    let forge = Forge::p256();
    let good = forge.jwk("k1");
    let parse = |text: &str| KeySet::parse(text.as_bytes(), &[]).map(drop);
    parse(&key_set(std::slice::from_ref(&good))).unwrap();
    for (text, words) in [
        (String::new(), "EOF"),
        ("{}".into(), "keys is not an array"),
        (key_set(&[]), "found no key"),
        (json!({ "keys": ["a"] }).to_string(), "key 0 is no object"),
        (key_set(&vec![good.clone(); 65]), "found 65 keys"),
        (key_set(&[with(good.clone(), "x", Value::Null)]), "key 0: x is missing"),
        (key_set(&[with(good.clone(), "x", json!("AAAA"))]), "key 0: x has 3 octets"),
        (key_set(&[with(good.clone(), "x", json!("A+=="))]), "key 0: x is not base64url"),
        (key_set(&[with(good.clone(), "alg", json!("RS256"))]), "alg RS256 does not fit"),
        (key_set(&[with(good.clone(), "alg", json!("ES384"))]), "alg ES384 does not fit"),
        (key_set(&[with(good.clone(), "use", json!("enc"))]), "found no key"),
        (key_set(&[with(good.clone(), "key_ops", json!(["sign"]))]), "found no key"),
        (key_set(&[with(good.clone(), "kty", json!("XYZ"))]), "found no key"),
        (key_set(&[with(good.clone(), "crv", json!("secp256k1"))]), "found no key"),
        (key_set(&[with(good.clone(), "alg", json!("HS256"))]), "found no key"),
        (
            key_set(&[with(Forge::rsa().jwk("k"), "n", json!(base64(&[0xff; 128])))]),
            "n has 1024 bits",
        ),
        (r#"{"keys":[],"keys":[]}"#.into(), "member \"keys\" twice"),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    // Keys of unknown kinds and other uses stand beside good ones.
    let strange = json!({ "kty": "AKP", "alg": "ML-DSA-65", "pub": "AA", "kid": "pq" });
    let encryption = with(Forge::rsa().jwk("k9"), "use", json!("enc"));
    let keys = key_set(&[strange, encryption, good]);
    verify(&keys, &forge.token("k1", &claims(ISSUER))).unwrap();
}

#[test]
fn the_configuration_narrows_the_algorithms() {
    let (ec, rsa) = (Forge::p256(), Forge::rsa());
    let unnamed = with(rsa.jwk("k2"), "alg", Value::Null);
    let keys = key_set(&[ec.jwk("k1"), unnamed]);
    let (by_ec, by_rsa) = (ec.token("k1", &claims(ISSUER)), rsa.token("k2", &claims(ISSUER)));
    verify(&keys, &by_ec).unwrap();
    verify(&keys, &by_rsa).unwrap();
    verify_with(&keys, &by_ec, &[JwtAlgorithm::ES256]).unwrap();
    let error = verify_with(&keys, &by_rsa, &[JwtAlgorithm::ES256]).unwrap_err();
    assert!(error.contains("token: kid: found \"k2\""), "{error}");
    // An RSA key that names no algorithm has the one of the configuration, and no other.
    let error = verify_with(&keys, &by_rsa, &[JwtAlgorithm::PS256]).unwrap_err();
    assert!(error.contains("token: alg: found \"RS256\", allowed: PS256"), "{error}");
    let header = json!({ "alg": "PS256", "kid": "k2" }).to_string();
    let by_pss = rsa.signed_by_pss(&header, &claims(ISSUER).to_string());
    verify_with(&keys, &by_pss, &[JwtAlgorithm::PS256]).unwrap();
    let error = verify_with(&keys, &by_ec, &[JwtAlgorithm::EdDsa]).unwrap_err();
    assert!(error.contains("found no key for signatures by EdDSA"), "{error}");
}

#[test]
fn every_changed_character_is_noticed() {
    let forge = Forge::p256();
    let keys = key_set(&[forge.jwk("k1")]);
    let token = forge.token("k1", &claims(ISSUER));
    verify(&keys, &token).unwrap();
    for index in 0..token.len() {
        for other in [b'A', b'B', b'.', b'=', b'-'] {
            let mut octets = token.clone().into_bytes();
            if octets[index] != other {
                octets[index] = other;
                let changed = String::from_utf8(octets).unwrap();
                assert!(verify(&keys, &changed).is_err(), "character {index}: {changed}");
            }
        }
        assert!(verify(&keys, &token[..index]).is_err());
    }
}

#[test]
fn debug_forms_show_no_token() {
    let token = Forge::p256().token("k1", &claims(ISSUER));
    let compact = format!("{:?}", Compact::parse(&token).unwrap());
    assert_eq!(compact, "Compact { alg: \"ES256\", kid: Some(\"k1\") }");
    let peer = "192.0.2.7:1".parse().unwrap();
    let chain = [vec![1, 2, 3]];
    let presented =
        espalier::auth::Presented { bearer: Some(&token), client_certificates: Some(&chain), peer };
    let shown = format!("{presented:?}");
    assert!(!shown.contains(&token[..20]), "{shown}");
}

/// A refusal names something, fits a line of a log, and drives no terminal.
fn harmless(error: &impl std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.chars().count() < 1_000, "{text}");
    assert_eq!(ca_core::escape::escaped(&text), text);
}

proptest! {
    /// Whatever comes is refused or taken apart, and never verified by a key that did not sign it.
    #[test]
    fn any_text_is_refused_or_read(header in ".{0,80}", body in ".{0,80}", signature in "[A-Za-z0-9_-]{0,90}") {
        let keys = KeySet::parse(key_set(&[fixed()]).as_bytes(), &[]).unwrap();
        let texts = [header.clone(), format!("{header}.{body}.{signature}"),
            format!("{}.{signature}", message(&header, &body))];
        for text in texts {
            match Compact::parse(&text) {
                Err(error) => harmless(&error),
                Ok(token) => {
                    let audiences = ["espalier".to_owned()];
                    let expected = Expected {
                        issuer: ISSUER,
                        audiences: &audiences,
                        now: Timestamp::UNIX_EPOCH,
                        leeway_seconds: 0,
                        max_lifetime_seconds: 1,
                    };
                    harmless(&keys.verify(&token, &expected).unwrap_err());
                }
            }
        }
    }

    /// The same of JSON that nearly is a header, claims or a key set.
    #[test]
    fn any_json_is_refused_or_read(
        alg in "ES256|none|HS256|\\PC{0,9}", name in "[a-z]{1,5}|\\PC{1,5}",
        value in "\\PC{0,20}", number in any::<i64>(),
    ) {
        let header = json!({ "alg": alg, "kid": "k1", name.clone(): value.clone() });
        let body = json!({ "iss": ISSUER, "exp": number, "aud": [value.clone()], name.clone(): number });
        let token = format!("{}.AAAA", message(&header.to_string(), &body.to_string()));
        if let Err(error) = Compact::parse(&token) {
            harmless(&error);
        }
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", name: value }, header] });
        if let Err(error) = KeySet::parse(keys.to_string().as_bytes(), &[]) {
            harmless(&error);
        }
    }
}

/// The public key of RFC 7517 appendix A.1.
fn fixed() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": "k1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" })
}
