#![allow(clippy::unwrap_used)] // a panic is the failure report

use der::{Encode, Tag, Tagged};
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

#[test]
fn both_forms_give_the_same_name() {
    let rfc4514 = parse("CN=demo,OU=Lab,O=Example,C=DE");
    assert_eq!(rfc4514, parse("/C=DE/O=Example/OU=Lab/CN=demo"));
    assert_eq!(rfc4514, parse(" CN = demo , OU=Lab, O=Example , c=DE "));
    assert_ne!(rfc4514, parse("/CN=demo/OU=Lab/O=Example/C=DE"));
    assert_eq!(rfc4514.to_string(), "CN=demo,OU=Lab,O=Example,C=DE");
    assert_eq!(rfc4514.common_name(), Some("demo"));
}

#[test]
fn the_most_general_attribute_is_encoded_first() {
    let name = parse("CN=demo,C=DE");
    let tags: Vec<Tag> = name.as_name().iter().map(|part| part.value.tag()).collect();
    assert_eq!(tags, [Tag::PrintableString, Tag::Utf8String]);
    assert_eq!(
        name.as_name().to_der().unwrap(),
        [
            &[0x30, 0x1c, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02][..],
            b"DE",
            &[0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x04],
            b"demo",
        ]
        .concat()
    );
}

#[test]
fn attributes_are_taken_as_they_are() {
    let common_name = AttributeType::named("CN").unwrap();
    let organization = AttributeType::named("O").unwrap();
    let pair = [(organization, "Comma, Inc."), (common_name, "a+b\\")];
    let name = DistinguishedName::of(&pair).unwrap();
    assert_eq!(name, parse("CN=a\\+b\\\\,O=Comma\\, Inc."));
    let long = "x".repeat(65);
    assert!(DistinguishedName::of(&[(common_name, &long)]).is_err());
}

#[test]
fn the_empty_name_is_empty() {
    assert!(parse("").is_empty());
    assert_eq!(parse("").to_string(), "");
    assert!(!parse("CN=a").is_empty());
}

#[test]
fn escapes_are_read_and_written() {
    let cases = [
        (r"CN=a\,b", "a,b"),
        (r"CN=\#a", "#a"),
        (r"CN=\ a\ ", " a "),
        (r"CN=a\+b\=c", "a+b=c"),
        (r"CN=M\C3\BCller", "Müller"),
        (r#"CN=\"a\";O=b"#, ""),
        ("/CN=a\\/b", "a/b"),
        ("/CN=a,b;c", "a,b;c"),
    ];
    for (text, wanted) in cases {
        match DistinguishedName::parse(text) {
            Ok(name) => {
                assert_eq!(name.common_name(), Some(wanted), "{text}");
                assert_eq!(parse(&name.to_string()), name, "{text}");
            }
            Err(error) => {
                assert!(wanted.is_empty(), "{text}: {error}");
                assert!(matches!(error, NameError::Unescaped { found: ';', .. }), "{error}");
            }
        }
    }
}

#[test]
fn multi_valued_parts_stay_together() {
    let name = parse("CN=a+UID=b,O=c");
    assert_eq!(name.as_name().iter_rdn().count(), 2);
    assert_eq!(parse(&name.to_string()), name);
    assert_ne!(name, parse("CN=a,UID=b,O=c"));
}

#[test]
fn hexadecimal_values_and_dotted_types_are_read() {
    let name = parse("1.2.3.4=#0c0161,CN=#0c0162");
    assert_eq!(name.to_string(), "1.2.3.4=#0c0161,CN=b");
    for (text, field) in [("CN=#0c01", "CN"), ("CN=#0c0161ff", "CN"), ("CN=#zz", "CN")] {
        let error = DistinguishedName::parse(text).unwrap_err();
        assert!(matches!(error, NameError::Hexadecimal { .. }), "{error}");
        assert!(error.to_string().contains(field));
    }
    // NULL is DER, but no string.
    let error = DistinguishedName::parse("CN=#0500").unwrap_err();
    assert!(matches!(error, NameError::StringType { found: Tag::Null, .. }), "{error}");
}

#[test]
fn upper_bounds_hold() {
    for (label, allowed) in [("CN", 64), ("O", 64), ("OU", 64), ("L", 128), ("ST", 128)] {
        parse(&format!("{label}={}", "ü".repeat(allowed)));
        let error = DistinguishedName::parse(&format!("{label}={}", "ü".repeat(allowed + 1)));
        let error = error.unwrap_err();
        let expected =
            format!("name: {label} has {} characters, allowed are at most {allowed}", allowed + 1);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn each_refusal_has_its_reason() {
    type Check = fn(&NameError) -> bool;
    let cases: [(&str, Check); 14] = [
        ("demo", |error| matches!(error, NameError::NoEquals { .. })),
        ("CN=a,,O=b", |error| matches!(error, NameError::NoEquals { .. })),
        ("/CN=a//O=b", |error| matches!(error, NameError::NoEquals { .. })),
        ("XX=a", |error| matches!(error, NameError::UnknownAttribute { found } if found == "XX")),
        ("CN=", |error| matches!(error, NameError::Empty { .. })),
        ("CN=  ,O=a", |error| matches!(error, NameError::Empty { .. })),
        (r"CN=a\z", |error| matches!(error, NameError::Escape { .. })),
        (r"CN=\FF", |error| matches!(error, NameError::Escape { .. })),
        ("CN=a\\", |error| matches!(error, NameError::Escape { .. })),
        ("CN=<a>", |error| matches!(error, NameError::Unescaped { found: '<', .. })),
        ("C=DEU", |error| matches!(error, NameError::Country { found } if found == "DEU")),
        ("C=de", |error| matches!(error, NameError::Country { .. })),
        ("serialNumber=a@b", |error| matches!(error, NameError::Character { found: '@', .. })),
        ("DC=müller", |error| matches!(error, NameError::Character { found: 'ü', .. })),
    ];
    for (text, check) in cases {
        let error = DistinguishedName::parse(text).unwrap_err();
        assert!(check(&error), "{text}: {error:?}");
    }
}

#[test]
fn control_characters_and_floods_are_refused() {
    let error = DistinguishedName::parse(r"CN=a\00b").unwrap_err();
    assert!(matches!(error, NameError::Character { found: '\0', .. }), "{error}");
    // A right-to-left override, a zero-width space and a tag character; a joiner is a letter's.
    for found in ['\u{202e}', '\u{200b}', '\u{e0041}'] {
        let error = DistinguishedName::parse(&format!("CN=a{found}b")).unwrap_err();
        assert!(matches!(error, NameError::Character { found: f, .. } if f == found), "{error}");
    }
    parse("CN=نامه\u{200c}ای");
    let many = |count: usize| vec!["OU=a"; count].join(",");
    parse(&many(MAX_ATTRIBUTES));
    let error = DistinguishedName::parse(&many(MAX_ATTRIBUTES + 1)).unwrap_err();
    assert_eq!(error, NameError::TooManyAttributes { found: 33 });
    let error = DistinguishedName::parse(&"a".repeat(MAX_TEXT + 1)).unwrap_err();
    assert_eq!(error, NameError::TextTooLong { found: 4097 });
}

#[test]
fn other_string_types_in_a_request_are_refused() {
    let with_tag = |tag: u8| {
        let der = [&[0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 3, 0x55, 4, 3, tag, 1][..], b"a"];
        DistinguishedName::from_name(Name::from_der(&der.concat()).unwrap())
    };
    with_tag(0x0c).unwrap();
    with_tag(0x13).unwrap();
    for tag in [0x14, 0x16, 0x04] {
        let error = with_tag(tag).unwrap_err();
        assert!(error.to_string().contains("CN"), "{error}");
        assert!(matches!(error, NameError::StringType { .. }), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_accepted_survives_printing(text in "\\PC{0,60}") {
        if let Ok(name) = DistinguishedName::parse(&text) {
            prop_assert_eq!(parse(&name.to_string()), name);
        }
    }

    #[test]
    fn texts_like_names_survive_printing(
        values in proptest::collection::vec("[ -~ä-ü\\\\]{1,12}", 1..4),
        slashes: bool,
    ) {
        let joined = if slashes {
            values.iter().map(|value| format!("/OU={value}")).collect::<String>()
        } else {
            values.iter().map(|value| format!("CN={value}")).collect::<Vec<_>>().join(",")
        };
        if let Ok(name) = DistinguishedName::parse(&joined) {
            prop_assert_eq!(parse(&name.to_string()), name);
        }
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(name) = Name::from_der(&octets) {
            let _ = to_text(&name);
            let _ = DistinguishedName::from_name(name);
        }
    }
}
