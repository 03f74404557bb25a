#![allow(clippy::unwrap_used)] // a panic is the failure report

use der::{Decode, Encode};
use proptest::prelude::*;

use super::*;

/// Each name and a twin that is wrong in one place.
const TWINS: [(&str, &str, &str); 23] = [
    ("DNS:demo.example.com", "DNS:demo..example.com", "DNS:demo.example.com"),
    ("demo.localhost", "demo_1.localhost", "DNS:demo.localhost"),
    ("DNS:localhost", "DNS:localhost.", "DNS:localhost"),
    ("dns:Demo.Example.com", "dns:-demo.example.com", "DNS:demo.example.com"),
    ("*.example.com", "a.*.example.com", "DNS:*.example.com"),
    ("DNS:*.a.b", "DNS:*a.a.b", "DNS:*.a.b"),
    ("DNS:*.cluster.local", "DNS:*.local", "DNS:*.cluster.local"),
    ("DNS:xn--mller-kva.example", "DNS:xn--mller-kv!.example", "DNS:xn--mller-kva.example"),
    ("DNS:xn--bcher-kva.example", "DNS:bücher.example", "DNS:xn--bcher-kva.example"),
    ("DNS:1.2.3.4a", "DNS:1.2.3.4", "DNS:1.2.3.4a"),
    ("192.0.2.1", "IP:192.0.2.256", "IP:192.0.2.1"),
    ("[2001:db8::1]", "IP:2001:db8:::1", "IP:2001:db8::1"),
    ("ip:2001:DB8:0::1", "ip:2001:db8", "IP:2001:db8::1"),
    ("a.b+c@example.com", "a..b@example.com", "email:a.b+c@example.com"),
    ("email:a@example.com", "email:a@*.example.com", "email:a@example.com"),
    (
        "URI:https://example.com/a%20b",
        "URI:https://example.com/a%2",
        "URI:https://example.com/a%20b",
    ),
    ("urn://host/x", "//host/x", "URI:urn://host/x"),
    ("URI:urn:uuid:1", "URI:urn:", "URI:urn:uuid:1"),
    (
        "https://[2001:db8::1]:8443/",
        "https://[2001:db8::1]:84430/",
        "URI:https://[2001:db8::1]:8443/",
    ),
    ("https://a.b:80/", "https://a.b:+80/", "URI:https://a.b:80/"),
    ("spiffe://example.org/ns/a", "spiffe://example.org/ns/../a", "URI:spiffe://example.org/ns/a"),
    ("spiffe://example.org", "spiffe://Example.org", "URI:spiffe://example.org"),
    ("UPN:jö@corp.example", "UPN:jö@corp@example", "UPN:jö@corp.example"),
];

#[test]
fn names_are_read_and_their_twins_are_not() {
    for (right, wrong, printed) in TWINS {
        let name = AltName::parse(right).unwrap_or_else(|error| panic!("{right}: {error}"));
        assert_eq!(name.to_string(), printed);
        assert_eq!(AltName::parse(printed).unwrap(), name);
        let encoded = name.to_general_name().unwrap();
        assert_eq!(AltName::from_general_name(&encoded).unwrap(), name);
        let error = AltName::parse(wrong).expect_err(wrong).to_string();
        assert!(error.contains("found") && error.contains("allowed"), "{error}");
    }
}

#[test]
fn each_refusal_has_its_reason() {
    type Check = fn(&AltNameError) -> bool;
    let long_label = format!("{}.com", "a".repeat(64));
    let long_name = vec!["a"; 128].join(".");
    let cases: [(&str, Check); 18] = [
        ("DNS:", |e| matches!(e, AltNameError::DnsEmpty)),
        (&long_name, |e| matches!(e, AltNameError::DnsLength { found: 255 })),
        (&long_label, |e| matches!(e, AltNameError::DnsLabel { .. })),
        ("DNS:.", |e| matches!(e, AltNameError::DnsLabel { .. })),
        ("a b.example", |e| matches!(e, AltNameError::DnsLabel { label, .. } if label == "a b")),
        ("bücher.example", |e| matches!(e, AltNameError::DnsUnicode { .. })),
        ("ab--cd.example", |e| matches!(e, AltNameError::DnsALabel { .. })),
        ("xn--abc-.example", |e| matches!(e, AltNameError::DnsLabel { .. })),
        ("xn--99999999.example", |e| matches!(e, AltNameError::DnsALabel { .. })),
        ("*", |e| matches!(e, AltNameError::DnsWildcard { .. })),
        ("DNS:10.0.0.1", |e| matches!(e, AltNameError::DnsNumeric { .. })),
        ("IP:demo", |e| matches!(e, AltNameError::IpAddress { .. })),
        ("\"a b\"@example.com", |e| matches!(e, AltNameError::Email { .. })),
        ("URI:demo", |e| matches!(e, AltNameError::Uri { .. })),
        ("https://a_b/", |e| matches!(e, AltNameError::Uri { .. })),
        ("spiffe://a/b?c", |e| {
            matches!(e, AltNameError::Spiffe { reason: SpiffeError::Query, .. })
        }),
        ("spiffe://a:8/b", |e| {
            matches!(e, AltNameError::Spiffe { reason: SpiffeError::TrustDomain, .. })
        }),
        ("spiffe://a/b/", |e| matches!(e, AltNameError::Spiffe { reason: SpiffeError::Path, .. })),
    ];
    for (text, check) in cases {
        let error = AltName::parse(text).unwrap_err();
        assert!(check(&error), "{text}: {error:?}");
    }
}

#[test]
fn upn_is_encoded_as_active_directory_writes_it() {
    let der = AltName::parse("UPN:a@b").unwrap().to_general_name().unwrap().to_der().unwrap();
    let mut expected = vec![0xa0, 0x13, 0x06, 0x0a, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3];
    expected.extend([0xa0, 0x05, 0x0c, 0x03]);
    expected.extend(b"a@b");
    assert_eq!(der, expected);
    // Another string type, and another otherName.
    let mut other_tag = expected.clone();
    other_tag[16] = 0x16;
    let name = GeneralName::from_der(&other_tag).unwrap();
    let error = AltName::from_general_name(&name).unwrap_err();
    assert_eq!(error, AltNameError::UpnType { found: Tag::Ia5String });
    let mut other_type = expected;
    other_type[13] = 4;
    let name = GeneralName::from_der(&other_type).unwrap();
    let error = AltName::from_general_name(&name).unwrap_err();
    assert!(matches!(error, AltNameError::OtherName { .. }), "{error}");
}

#[test]
fn a_principal_name_shows_all_of_itself() {
    for hidden in ["UPN:a\u{202e}b@corp", "UPN:a\u{200b}@corp"] {
        let error = AltName::parse(hidden).unwrap_err();
        assert!(matches!(error, AltNameError::Upn { .. }), "{error}");
    }
}

#[test]
fn kinds_that_are_not_certified_are_refused() {
    let registered = GeneralName::RegisteredId(UPN_OID);
    let error = AltName::from_general_name(&registered).unwrap_err();
    assert_eq!(error, AltNameError::Kind { found: "registeredID" });
    for octets in [&[127, 0, 0][..], &[0; 8], &[0; 32]] {
        let name = GeneralName::IpAddress(OctetString::new(octets).unwrap());
        let error = AltName::from_general_name(&name).unwrap_err();
        assert_eq!(error, AltNameError::IpLength { found: octets.len() });
    }
}

#[test]
fn suffixes_match_whole_labels() {
    let name = |text| DnsName::new(text).unwrap();
    assert!(name("a.example.com").is_within("example.com"));
    assert!(name("a.example.com").is_within(".Example.com"));
    assert!(name("example.com").is_within("example.com"));
    assert!(!name("badexample.com").is_within("example.com"));
    assert!(!name("com").is_within("example.com"));
}

#[test]
fn constraints_are_read_and_their_twins_are_not() {
    let twins = [
        ("DNS:example.com", "DNS:*.example.com"),
        ("IP:10.0.0.0/8", "IP:10.0.0.1/8"),
        ("IP:0.0.0.0/0", "IP:0.0.0.0/33"),
        ("IP:2001:db8::/32", "IP:2001:db8::/129"),
        ("email:.example.com", "email:a b"),
        ("URI:.example.com", "URI:"),
        ("email:example.com", "UPN:example.com"),
    ];
    for (right, wrong) in twins {
        assert_eq!(NameSubtree::parse(right).unwrap().as_str(), right);
        NameSubtree::parse(wrong).expect_err(wrong);
    }
    let GeneralName::IpAddress(network) =
        NameSubtree::parse("IP:10.0.0.0/8").unwrap().to_subtree().base
    else {
        panic!("not an address");
    };
    assert_eq!(network.as_bytes(), [10, 0, 0, 0, 255, 0, 0, 0]);
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_accepted_survives_printing(
        text in "((DNS|IP|email|URI|UPN|spiffe):)?(//)?[ -~ä-ü]{0,40}",
    ) {
        if let Ok(name) = AltName::parse(&text) {
            prop_assert_eq!(&AltName::parse(&name.to_string()).unwrap(), &name);
            let encoded = name.to_general_name().unwrap();
            prop_assert_eq!(&AltName::from_general_name(&encoded).unwrap(), &name);
        }
        let _ = NameSubtree::parse(&text);
    }

    #[test]
    fn no_a_label_panics(text in "xn--[a-z0-9-]{0,59}") {
        let _ = DnsName::new(&text);
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(name) = GeneralName::from_der(&octets) {
            let _ = AltName::from_general_name(&name);
        }
    }
}
