//! The cases of cert-manager's own conformance suite, which can't be imported: what is asked for is
//! what is issued, for a classical authority, whose chain Go must find good, and for a composite one.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding as _};
use interop::peers::{self, Harness, tried};
use serde_json::{Value, json};
use test_cluster::{Issuer, Pair, Stand, Wanted};

/// A case: its name, the spec, and what the certificate must have.
struct Case {
    name: &'static str,
    spec: &'static str,
    names: &'static [&'static str],
    more: More,
}

/// What else it must have.
pub(crate) enum More {
    Nothing,
    /// This subject.
    Subject(&'static str),
    /// So many seconds of life, from its start on or from now.
    Seconds(i64),
    /// Exactly these key usages and purposes.
    Usages(&'static [&'static str], &'static [&'static str]),
}

const EC: &str = "privateKey: {algorithm: ECDSA, size: 256}";

/// Whoever asks for no purpose gets those of the profile.
const PURPOSES: &[&str] = &["serverAuth", "clientAuth", "codeSigning"];

const CASES: &[Case] = &[
    Case {
        name: "rsa-dns",
        spec: "privateKey: {algorithm: RSA, size: 2048}\ndnsNames: [rsa.example.com]",
        names: &["DNS:rsa.example.com"],
        more: More::Usages(&["digitalSignature", "keyEncipherment"], PURPOSES),
    },
    Case {
        name: "ecdsa-dns",
        spec: "dnsNames: [ecdsa.example.com]",
        names: &["DNS:ecdsa.example.com"],
        // An EC key can't encipher: the usage that cert-manager asks for by default is dropped.
        more: More::Usages(&["digitalSignature"], PURPOSES),
    },
    Case {
        name: "ed25519-dns",
        spec: "privateKey: {algorithm: Ed25519}\ndnsNames: [ed25519.example.com]",
        names: &["DNS:ed25519.example.com"],
        more: More::Nothing,
    },
    Case {
        name: "rsa-cn",
        spec: "privateKey: {algorithm: RSA, size: 2048}\ncommonName: rsa.example.com",
        // Whoever asks for no name gets the common name as one.
        names: &["DNS:rsa.example.com"],
        more: More::Subject("CN=rsa.example.com"),
    },
    Case {
        name: "ecdsa-cn",
        spec: "commonName: ecdsa.example.com",
        // Whoever asks for no name gets the common name as one.
        names: &["DNS:ecdsa.example.com"],
        more: More::Subject("CN=ecdsa.example.com"),
    },
    Case {
        name: "ed25519-cn",
        spec: "privateKey: {algorithm: Ed25519}\ncommonName: ed25519.example.com",
        // Whoever asks for no name gets the common name as one.
        names: &["DNS:ed25519.example.com"],
        more: More::Subject("CN=ed25519.example.com"),
    },
    Case {
        name: "other-name-and-email",
        spec: "otherNames: [{oid: 1.3.6.1.4.1.311.20.2.3, utf8Value: ann@corp.example.com}]\nemailAddresses: [ann@example.com]",
        names: &["otherName:UPN=ann@corp.example.com", "email:ann@example.com"],
        more: More::Nothing,
    },
    Case {
        name: "literal-subject",
        spec: "literalSubject: \"CN=literal.example.com,OU=Shop,O=Example,C=CH\"\ndnsNames: [literal.example.com]",
        names: &["DNS:literal.example.com"],
        more: More::Subject("CN=literal.example.com,OU=Shop,O=Example,C=CH"),
    },
    Case {
        name: "ip",
        spec: "ipAddresses: [192.0.2.1]",
        names: &["IP:192.0.2.1"],
        more: More::Nothing,
    },
    Case {
        name: "dns-and-ip",
        spec: "dnsNames: [both.example.com]\nipAddresses: [\"2001:db8::1\"]",
        names: &["DNS:both.example.com", "IP:2001:db8::1"],
        more: More::Nothing,
    },
    Case {
        name: "cn-and-ip",
        spec: "commonName: cn.example.com\nipAddresses: [192.0.2.2]",
        names: &["IP:192.0.2.2"],
        more: More::Subject("CN=cn.example.com"),
    },
    Case {
        name: "email",
        spec: "emailAddresses: [bob@example.com]",
        names: &["email:bob@example.com"],
        more: More::Nothing,
    },
    Case {
        name: "cn-and-uri",
        spec: "commonName: uri.example.com\nuris: [\"spiffe://cluster.local/ns/shop/sa/web\"]",
        names: &["URI:spiffe://cluster.local/ns/shop/sa/web"],
        more: More::Subject("CN=uri.example.com"),
    },
    Case {
        name: "uri-only",
        spec: "uris: [\"spiffe://cluster.local/ns/shop/sa/api\"]",
        names: &["URI:spiffe://cluster.local/ns/shop/sa/api"],
        more: More::Subject(""),
    },
    Case {
        name: "two-dns-and-cn-of-one",
        spec: "commonName: one.example.com\ndnsNames: [one.example.com, two.example.com]",
        names: &["DNS:one.example.com", "DNS:two.example.com"],
        more: More::Subject("CN=one.example.com"),
    },
    Case {
        name: "dns-and-another-cn",
        spec: "commonName: cn.example.com\ndnsNames: [dns.example.com]",
        names: &["DNS:dns.example.com"],
        more: More::Subject("CN=cn.example.com"),
    },
    Case {
        name: "duration",
        spec: "dnsNames: [long.example.com]\nduration: 896h",
        names: &["DNS:long.example.com"],
        more: More::Seconds(896 * 3600),
    },
    Case {
        name: "wildcard",
        spec: "dnsNames: [\"*.example.com\"]",
        names: &["DNS:*.example.com"],
        more: More::Nothing,
    },
    Case {
        name: "wildcard-and-apex",
        spec: "dnsNames: [\"*.example.com\", example.com]",
        names: &["DNS:*.example.com", "DNS:example.com"],
        more: More::Nothing,
    },
    Case {
        name: "usages",
        spec: "privateKey: {algorithm: RSA, size: 2048}\ndnsNames: [usages.example.com]\n\
               usages: [digital signature, data encipherment, server auth, client auth, code signing]",
        names: &["DNS:usages.example.com"],
        more: More::Usages(
            &["digitalSignature", "dataEncipherment"],
            &["serverAuth", "clientAuth", "codeSigning"],
        ),
    },
    Case {
        name: "longest-label",
        spec: "dnsNames: [a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23.example.com]",
        names: &["DNS:a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23.example.com"],
        more: More::Nothing,
    },
];

/// Cases of that suite that are not here as a row of [`CASES`], and why.
const SKIPPED: &[(&str, &str)] = &[
    (
        "a CA by isCA",
        "`espalier serve` takes no profile of an authority, which its operators make; `requests.rs` shows the refusal",
    ),
    ("a CertificateRequest from an HTTP-01 or DNS-01 order", "of ACME issuers alone"),
];

#[test]
fn what_is_asked_for_is_what_is_issued() {
    let Some(stand) = Stand::shared() else { return };
    let mut go = peers::harness("go");
    for authority in ["classical", "composite"] {
        let shop = stand.namespace("conformance");
        let issuer = stand.issuer(&Issuer::by_token("issuer", authority));
        shop.apply(&issuer.replace("profile: tls-server", "profile: as-asked"));
        let manifests: Vec<String> = CASES.iter().map(manifest).collect();
        shop.apply(&manifests.join("---\n"));
        for case in CASES {
            shop.wait(&format!("certificate/{}", case.name), "condition=Ready");
            let pair = Pair::of(&shop, case.name);
            is_as_asked((case.name, case.names, &case.more), &pair.inspected(&stand.server)[0]);
            let ran = pair.verified(&stand.server, authority, "");
            assert_eq!(ran.code, Some(0), "{}: {}", case.name, ran.text);
            if let (Some(go), "classical") = (&mut go, authority) {
                go_finds_it_good(go, &pair);
            }
            tried("kubernetes", &format!("conformance: {authority}"), "as asked");
        }
    }
    for (case, reason) in SKIPPED {
        tried("kubernetes", &format!("conformance: {case}"), &format!("skipped: {reason}"));
    }
}

fn manifest(case: &Case) -> String {
    let key = if case.spec.contains("privateKey") { "" } else { EC };
    let spec = format!("{}\n{key}", case.spec);
    Wanted { name: case.name, issuer: ("PQIssuer", "issuer"), spec: spec.trim_end() }.manifest()
}

/// Whether a certificate has these names and no others, and what else its case says.
pub(crate) fn is_as_asked((name, names, more): (&str, &[&str], &More), found: &Value) {
    let extension = |name: &str| {
        let all = found["extensions"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).map_or(Value::Null, |one| one["value"].clone())
    };
    let set = |values: &Value, field: &str| -> BTreeSet<String> {
        let text = |value: &Value| {
            let value = if field.is_empty() { value } else { &value[field] };
            value.as_str().unwrap().to_owned()
        };
        values.as_array().map(|all| all.iter().map(text).collect()).unwrap_or_default()
    };
    let wanted = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(set(&extension("subjectAltName")["names"], ""), wanted(names), "{name}");
    assert_eq!(extension("basicConstraints")["ca"], false, "{name}");
    match more {
        More::Nothing => {}
        More::Subject(subject) => assert_eq!(found["subject"], *subject, "{name}"),
        More::Seconds(seconds) => {
            assert_eq!(found["validity"]["duration_seconds"], *seconds, "{name}");
        }
        More::Usages(usages, purposes) => {
            assert_eq!(set(&extension("keyUsage")["usages"], ""), wanted(usages), "{name}");
            let found = set(&extension("extKeyUsage")["purposes"], "name");
            assert_eq!(found, wanted(purposes), "{name}");
        }
    }
}

/// Go's own path building, which the suite demands; with a bit of the leaf's signature flipped it
/// finds it bad.
pub(crate) fn go_finds_it_good(go: &mut Harness, pair: &Pair) {
    let certificates = |text: &str| -> Vec<String> {
        let end = "-----END CERTIFICATE-----";
        let bodies = text.split(end).filter_map(|one| one.split_once("CERTIFICATE-----"));
        bodies.map(|(_, body)| body.split_whitespace().collect()).collect()
    };
    let chain = certificates(&pair.chain);
    let anchors = certificates(&pair.root);
    go.call("path", json!({ "certs": chain, "anchors": anchors })).expect("Go finds it good");
    let mut leaf = Base64::decode_vec(&chain[0]).unwrap();
    *leaf.last_mut().unwrap() ^= 1;
    let bent = [vec![peers::base64(&leaf)], chain[1..].to_vec()].concat();
    go.call("path", json!({ "certs": bent, "anchors": anchors })).expect_err("a bit is wrong");
}

#[test]
fn a_certificate_that_was_deleted_comes_again_with_its_key() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("again");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let spec = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Never}";
    let wanted = Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec }.manifest();
    shop.apply(&wanted);
    shop.wait("certificate/web", "condition=Ready");
    let first = Pair::of(&shop, "web");
    // Its Secret stays: cert-manager leaves it unless it is told otherwise.
    shop.kubectl().run(&["delete", "certificate/web"]).ok();
    shop.kubectl()
        .run(&["annotate", "secret/web", "cert-manager.io/issuer-name=other", "--overwrite"])
        .ok();
    shop.apply(&wanted);
    shop.wait("certificate/web", "condition=Ready");
    let second = Pair::of(&shop, "web");
    assert_eq!(second.key, first.key);
    assert_ne!(second.chain, first.chain);
}

#[test]
fn an_ingress_and_a_gateway_get_their_certificates_by_annotations() {
    let Some(stand) = Stand::shared() else { return };
    for object in [ingress as fn(&str, &str) -> Value, gateway] {
        let shop = stand.namespace("annotated");
        shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
        shop.apply(&object("web", "PQIssuer").to_string());
        shop.apply(&object("lost", "PQClusterIssuer").to_string());
        shop.wait("certificate/web-tls", "create");
        shop.wait("certificate/web-tls", "condition=Ready");
        let pair = Pair::of(&shop, "web-tls");
        let ran = pair.verified(&stand.server, "composite", "--hostname web.example.com");
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        // There is no cluster-wide issuer of this name.
        assert!(shop.kubectl().run(&["get", "secret/lost-tls"]).refusal().contains("NotFound"));
        let kind = object("web", "PQIssuer")["kind"].take();
        tried("kubernetes", "annotations of our issuer", kind.as_str().unwrap());
    }
}

/// The annotations by which cert-manager's shims learn whom to ask.
fn annotated(name: &str, kind: &str) -> Value {
    json!({ "name": name, "annotations": {
        "cert-manager.io/issuer": "issuer", "cert-manager.io/issuer-kind": kind,
        "cert-manager.io/issuer-group": "espalier.dev",
    } })
}

fn ingress(name: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": annotated(name, kind),
        "spec": {
            "tls": [{ "hosts": ["web.example.com"], "secretName": format!("{name}-tls") }],
            "rules": [{ "host": "web.example.com", "http": { "paths": [{
                "path": "/", "pathType": "Prefix",
                "backend": { "service": { "name": "web", "port": { "number": 80 } } },
            }] } }],
        },
    })
}

fn gateway(name: &str, kind: &str) -> Value {
    let references = [json!({ "name": format!("{name}-tls") })];
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": annotated(name, kind),
        "spec": { "gatewayClassName": "any", "listeners": [{
            "name": "https", "hostname": "web.example.com", "port": 443, "protocol": "HTTPS",
            "tls": { "mode": "Terminate", "certificateRefs": references },
        }] },
    })
}
