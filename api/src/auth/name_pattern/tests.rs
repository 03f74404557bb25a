#![allow(clippy::unwrap_used)] // a panic is the failure report

use proptest::prelude::*;

use super::*;

fn facts(pairs: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::default();
    pairs.iter().for_each(|(place, value)| facts.insert(*place, value));
    facts
}

fn covers(pattern: &str, name: &str) -> bool {
    NamePattern::parse(pattern).unwrap().covers(&AltName::parse(name).unwrap(), &Facts::default())
}

/// Pattern, names inside, names outside.
const COVERED: &[(&str, &[&str], &[&str])] = &[
    (
        "DNS:a.example.com",
        &["DNS:a.example.com", "DNS:A.example.COM"],
        &[
            "DNS:b.example.com",
            "DNS:x.a.example.com",
            "DNS:*.example.com",
            "DNS:xa.example.com",
            "URI:https://a.example.com",
            "email:a@a.example.com",
        ],
    ),
    (
        "DNS:*.example.com",
        &["DNS:a.example.com", "DNS:*.example.com"],
        &[
            "DNS:example.com",
            "DNS:a.b.example.com",
            "DNS:*.a.example.com",
            "DNS:aexample.com",
            "DNS:a.example.com.evil.org",
        ],
    ),
    (
        "DNS:**.example.com",
        &["DNS:a.example.com", "DNS:a.b.example.com", "DNS:*.example.com", "DNS:*.b.example.com"],
        &[
            "DNS:example.com",
            "DNS:badexample.com",
            "DNS:*.badexample.com",
            "DNS:example.com.evil.org",
        ],
    ),
    ("IP:10.1.2.3", &["IP:10.1.2.3"], &["IP:10.1.2.4", "IP:::ffff:10.1.2.3"]),
    (
        "IP:10.0.0.0/8",
        &["IP:10.0.0.0", "IP:10.255.255.255"],
        &["IP:11.0.0.0", "IP:9.255.255.255", "IP:a00::"],
    ),
    ("IP:0.0.0.0/0", &["IP:8.8.8.8"], &["IP:::1"]),
    ("IP:2001:db8::/32", &["IP:2001:db8::1"], &["IP:2001:db9::1", "IP:32.1.13.184"]),
    (
        "email:*@example.com",
        &["email:a@example.com", "email:a@EXAMPLE.com"],
        &["email:a@x.example.com", "email:a@example.org", "UPN:a@example.com"],
    ),
    (
        "email:Ann@example.com",
        &["email:Ann@example.com"],
        &["email:ann@example.com", "email:bob@example.com"],
    ),
    (
        "email:*@*.example.com",
        &["email:a@x.example.com"],
        &["email:a@example.com", "email:a@x.y.example.com"],
    ),
    (
        "UPN:*@example.com",
        &["UPN:ann@example.com"],
        &["email:ann@example.com", "UPN:ann@example.org"],
    ),
    (
        "URI:spiffe://td/ns/a/sa/b",
        &["URI:spiffe://td/ns/a/sa/b"],
        &["URI:spiffe://td/ns/a/sa/bc", "URI:spiffe://td/ns/a/sa/b/c"],
    ),
    (
        "URI:spiffe://td/ns/a/**",
        &["URI:spiffe://td/ns/a/b", "URI:spiffe://td/ns/a/b/c"],
        &["URI:spiffe://td/ns/ab", "URI:spiffe://td/ns/a", "URI:spiffe://other/ns/a/b"],
    ),
    (
        "URI:spiffe://td/ns/a/*",
        &["URI:spiffe://td/ns/a/b"],
        &["URI:spiffe://td/ns/a/b/c", "URI:spiffe://td/ns/b/b"],
    ),
    (
        "URI:https://h.example.com/**",
        &["URI:https://h.example.com/a/b"],
        &[
            "URI:https://h.example.com/a/../b",
            "URI:https://h.example.com/a%2fb",
            "URI:https://h.example.com/a?b",
            "URI:https://h.example.com.evil.org/a",
            "URI:https://h.example.com@evil.org/a",
            "URI:https://h.example.com//a",
        ],
    ),
    ("*", &["DNS:a", "IP:::1", "DNS:*.example.com", "URI:urn:x"], &[]),
];

#[test]
fn each_pattern_covers_its_names_and_not_their_neighbours() {
    for (pattern, inside, outside) in COVERED {
        for name in *inside {
            assert!(covers(pattern, name), "{pattern} should cover {name}");
        }
        for name in *outside {
            assert!(!covers(pattern, name), "{pattern} should not cover {name}");
        }
    }
}

#[test]
fn malformed_patterns_are_refused_with_what_is_allowed() {
    for (text, allowed) in [
        ("example.com", "DNS:host"),
        ("", "DNS:host"),
        ("dNSName:a", "DNS:host"),
        ("DNS:", "found nothing"),
        ("DNS:a.*.example.com", "a * only as the whole first label"),
        ("DNS:***.example.com", "a * only as the whole first label"),
        ("DNS:a*.example.com", "a * only as the whole first label"),
        ("DNS:*", "a * only as the whole first label"),
        ("DNS:-a.example.com", "no hyphen at either end"),
        ("DNS:{namespace.example.com", "a } behind every {"),
        ("DNS:namespace}.example.com", "a { before every }"),
        ("DNS:}{namespace}.example.com", "the places {namespace}"),
        ("DNS:{name}.example.com", "the places {namespace}"),
        ("DNS:{claims.}.example.com", "the places {namespace}"),
        ("IP:10.0.0.1/8", "no bit outside the mask"),
        ("IP:10.0.0.0/33", "no bit outside the mask"),
        ("IP:10.0.0.0/+8", "no bit outside the mask"),
        ("IP:10.0.0.0/", "no bit outside the mask"),
        ("IP:::/129", "no bit outside the mask"),
        ("IP:{namespace}", "no bit outside the mask"),
        ("email:example.com", "local@domain"),
        ("email:a*@example.com", "* only as the whole local part"),
        ("URI:spiffe://*", "before /* or /**"),
        ("URI:spiffe:/**", "before /* or /**"),
        ("URI:https:///**", "after // stands a host name"),
        ("URI:https://h?x/**", "before /* or /**"),
        ("URI:spiffe://td/*/x", "segments of letters"),
        ("URI:spiffe://TD/x", "the trust domain"),
    ] {
        let error = NamePattern::parse(text).unwrap_err().to_string();
        assert!(error.contains(allowed), "{text}: {error}");
    }
    assert!(NamePattern::parse(&format!("DNS:{}", "a".repeat(3_000))).is_err());
}

#[test]
fn places_are_filled_by_strict_values_only() {
    let dns = NamePattern::parse("DNS:{serviceaccount}.{namespace}.svc").unwrap();
    let uri = NamePattern::parse("URI:spiffe://td/ns/{namespace}/sa/{serviceaccount}").unwrap();
    let name = |text: &str| AltName::parse(text).unwrap();
    let web = facts(&[("namespace", "shop"), ("serviceaccount", "web")]);
    assert!(dns.covers(&name("DNS:web.shop.svc"), &web));
    assert!(!dns.covers(&name("DNS:web.shop2.svc"), &web));
    assert!(!dns.covers(&name("DNS:web.shop.svc"), &Facts::default()));
    assert!(uri.covers(&name("URI:spiffe://td/ns/shop/sa/web"), &web));
    assert!(!uri.covers(&name("URI:spiffe://td/ns/shop/sa/web2"), &web));
    // A dot in a label would reach into another namespace; a slash into another path.
    let dotted = facts(&[("namespace", "shop"), ("serviceaccount", "web.other")]);
    assert!(!dns.covers(&name("DNS:web.other.shop.svc"), &dotted));
    assert!(uri.covers(&name("URI:spiffe://td/ns/shop/sa/web.other"), &dotted));
    for hostile in ["a/b", "..", ".", "", "*", "a%2fb", "{namespace}", "a b", "Ä"] {
        let facts = facts(&[("namespace", "shop"), ("serviceaccount", hostile)]);
        assert!(!uri.covers(&name("URI:spiffe://td/ns/shop/sa/b"), &facts), "{hostile}");
        assert!(!uri.covers(&name("URI:spiffe://td/ns/shop/sa/a/b"), &facts), "{hostile}");
    }
    let mail = NamePattern::parse("email:{claims.login}@example.com").unwrap();
    let ann = facts(&[("claims.login", "ann")]);
    assert!(mail.covers(&name("email:ann@example.com"), &ann));
    assert!(!mail.covers(&name("email:bob@example.com"), &ann));
    let evil = facts(&[("claims.login", "*")]);
    assert!(!mail.covers(&name("email:bob@example.com"), &evil));
}

#[test]
fn texts_are_exact_or_a_start() {
    let exact = TextPattern::parse("repo:a").unwrap();
    assert!(exact.covers("repo:a") && !exact.covers("repo:ab") && !exact.covers("repo:"));
    let start = TextPattern::parse("repo:a/*").unwrap();
    assert!(start.covers("repo:a/b") && start.covers("repo:a/") && !start.covers("repo:a"));
    for wrong in ["", "a*b", "**", "*a*"] {
        assert!(TextPattern::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_pattern_or_refused(text in "\\PC{0,60}", name in "[a-z*.]{1,30}") {
        if let (Ok(pattern), Ok(name)) = (NamePattern::parse(&text), AltName::parse(&name)) {
            let _ = pattern.covers(&name, &Facts::default());
        }
    }

    /// Only what ends in the suffix is ever covered.
    #[test]
    fn a_suffix_binds(name in "[a-z]{1,5}(\\.[a-z]{1,5}){0,4}", stars in "\\*{1,2}") {
        let pattern = NamePattern::parse(&format!("DNS:{stars}.b.c")).unwrap();
        let name = AltName::parse(&format!("DNS:{name}")).unwrap();
        let text = name.value();
        let labels = text.matches('.').count() + 1;
        let expected = text.ends_with(".b.c") && (stars == "**" || labels == 3);
        prop_assert_eq!(pattern.covers(&name, &Facts::default()), expected);
    }
}
