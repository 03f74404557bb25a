#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::str::FromStr;

use der::Decode;
use der::asn1::{Ia5String, OctetString};

use super::*;

fn dns(text: &str) -> GeneralName {
    GeneralName::DnsName(Ia5String::new(text).unwrap())
}

fn email(text: &str) -> GeneralName {
    GeneralName::Rfc822Name(Ia5String::new(text).unwrap())
}

fn uri(text: &str) -> GeneralName {
    GeneralName::UniformResourceIdentifier(Ia5String::new(text).unwrap())
}

fn ip(octets: &[u8]) -> GeneralName {
    GeneralName::IpAddress(OctetString::new(octets).unwrap())
}

fn directory(text: &str) -> GeneralName {
    GeneralName::DirectoryName(text.parse().unwrap())
}

fn subtree(base: GeneralName) -> GeneralSubtree {
    GeneralSubtree { base, minimum: 0, maximum: None }
}

fn judge(
    permitted: &[GeneralName],
    excluded: &[GeneralName],
    name: &GeneralName,
) -> Result<(), Fault> {
    let list = |bases: &[GeneralName]| {
        (!bases.is_empty()).then(|| bases.iter().cloned().map(subtree).collect())
    };
    let set =
        NameConstraints { permitted_subtrees: list(permitted), excluded_subtrees: list(excluded) };
    Constraints { sets: vec![&set], comparisons: &mut 0 }.check_name(name)
}

fn permits(base: GeneralName, name: GeneralName) -> bool {
    judge(&[base], &[], &name).is_ok()
}

fn excludes(base: GeneralName, name: GeneralName) -> bool {
    judge(&[], &[base], &name).is_err()
}

#[test]
fn a_domain_covers_itself_and_what_is_below() {
    assert!(permits(dns("example.com"), dns("a.b.EXAMPLE.com")));
    assert!(permits(dns("example.com"), dns("example.com")));
    assert!(!permits(dns("example.com"), dns("notexample.com")));
    assert!(!permits(dns("example.com"), dns("com")));
    assert!(permits(dns(""), dns("anything")));
}

#[test]
fn a_wildcard_is_judged_by_all_that_it_stands_for() {
    assert!(permits(dns("example.com"), dns("*.example.com")));
    assert!(!permits(dns("foo.example.com"), dns("*.example.com")));
    assert!(excludes(dns("bar.example.com"), dns("*.example.com")));
    assert!(excludes(dns("example.com"), dns("*.example.com")));
    assert!(!excludes(dns("x.bar.example.com"), dns("*.example.com")));
}

#[test]
fn mailboxes_hosts_and_domains() {
    assert!(permits(email("a@example.com"), email("a@EXAMPLE.com")));
    assert!(!permits(email("a@example.com"), email("A@example.com")));
    assert!(permits(email("example.com"), email("a@example.com")));
    assert!(!permits(email("example.com"), email("a@b.example.com")));
    assert!(permits(email(".example.com"), email("a@b.example.com")));
    assert!(!permits(email(".example.com"), email("a@example.com")));
    assert!(!permits(email("*@example.com"), email("user@example.com")));
}

#[test]
fn a_uri_is_judged_by_its_host() {
    assert!(permits(uri("example.com"), uri("https://example.com/a")));
    assert!(!permits(uri("example.com"), uri("https://b.example.com/a")));
    assert!(permits(uri(".example.com"), uri("https://b.example.com/a")));
    // Without a host, or with an address, a constrained URI is refused, even by an exclusion.
    assert!(excludes(uri("example.com"), uri("urn:a:b")));
    assert!(excludes(uri("example.com"), uri("https://192.0.2.1/")));
}

#[test]
fn addresses_and_masks() {
    let net = || ip(&[192, 0, 2, 0, 255, 255, 255, 0]);
    assert!(permits(net(), ip(&[192, 0, 2, 77])));
    assert!(!permits(net(), ip(&[192, 0, 3, 77])));
    assert!(excludes(net(), ip(&[192, 0, 2, 77])));
    assert!(!permits(net(), ip(&[0; 16])), "an IPv6 address is no IPv4 address");
    assert_eq!(range_text(&[192, 0, 2, 0, 255, 255, 255, 0]), Some("192.0.2.0/24".into()));
}

#[test]
fn directory_names_are_prefixes() {
    assert!(permits(directory("O=Example"), directory("CN=a,O=example")));
    assert!(!permits(directory("O=Example"), directory("CN=a,O=Other")));
    assert!(excludes(directory("O=Example"), directory("CN=a,O=EXAMPLE")));
}

#[test]
fn a_string_type_does_not_leave_an_excluded_subtree() {
    let leaf = Name::from_str("O=Example").unwrap();
    let mut der = leaf.to_der().unwrap();
    // SEQUENCE, SET, SEQUENCE headers and a 3-octet identifier stand before the UTF8String.
    assert_eq!(der[9..12], [4, 10, 0x0c]);
    der[11] = 0x14;
    let teletex = GeneralName::DirectoryName(Name::from_der(&der).unwrap());
    assert!(excludes(directory("O=Example"), teletex));
}

#[test]
fn a_form_that_is_not_understood_only_matters_where_it_occurs() {
    let registered = GeneralName::RegisteredId(ObjectIdentifier::new_unwrap("1.2.3"));
    assert!(excludes(registered.clone(), registered.clone()));
    assert!(!permits(registered.clone(), registered.clone()));
    assert!(permits(registered, dns("example.com")));
}

#[test]
fn malformed_constraints_are_refused() {
    let bad = [
        dns(".example.com"),
        dns("*.example.com"),
        email("a@b@example.com"),
        uri("https://example.com"),
        ip(&[192, 0, 2, 1]),
        ip(&[192, 0, 2, 0, 255, 0, 255, 0]),
        ip(&[192, 0, 2, 0, 255, 254, 255, 0]),
    ];
    for base in bad {
        let fault = check_syntax(&subtree(base.clone())).unwrap_err();
        assert_eq!(fault.field, "nameConstraints", "{base:?}");
    }
    let ranged = GeneralSubtree { minimum: 1, ..subtree(dns("example.com")) };
    assert!(check_syntax(&ranged).is_err());
    check_syntax(&subtree(dns("example.com"))).unwrap();
}

#[test]
fn comparisons_are_bounded() {
    let bases: Vec<_> = (0..600).map(|index| dns(&format!("a{index}.example"))).collect();
    let excluded = Some(bases.into_iter().map(subtree).collect());
    let set = NameConstraints { permitted_subtrees: None, excluded_subtrees: excluded };
    let mut constraints = Constraints { sets: vec![&set], comparisons: &mut 0 };
    let fault = (0..1000).find_map(|_| constraints.check_name(&dns("b.example")).err()).unwrap();
    assert_eq!(fault.reason, Reason::TooMuchWork);
}
