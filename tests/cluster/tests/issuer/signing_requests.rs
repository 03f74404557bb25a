//! Kubernetes' own CertificateSigningRequests: cert-manager's conformance cases for them, who may name
//! which issuer, and what is refused, waits or is left alone.

use std::fs;

use base64ct::{Base64, Encoding as _};
use interop::peers::{self, tried};
use serde_json::{Value, json};
use test_cluster::{Issuer, Namespace, Pair, Record, SYSTEM, Stand, Wanted, decoded};

use crate::conformance::{More, go_finds_it_good, is_as_asked};

const DURATION: &str = "experimental.cert-manager.io/request-duration";
const IS_CA: &str = "experimental.cert-manager.io/request-is-ca";
const PROFILE: &str = "espalier.dev/profile";
const HOUR: i64 = 3600;

/// What a TLS server asks for by habit.
const SERVER: &[&str] = &["digital signature", "key encipherment", "server auth"];
/// All purposes of the profile `as-asked`.
const ALL: &[&str] = &["digital signature", "server auth", "client auth", "code signing"];

/// A case: its name, how its CSR is made, its duration by annotation and in seconds, and what the
/// certificate must have.
struct Case {
    name: &'static str,
    csr: &'static str,
    duration: Option<&'static str>,
    seconds: Option<i64>,
    names: &'static [&'static str],
    more: More,
}

/// A case that asks for no duration.
const fn case(
    name: &'static str,
    csr: &'static str,
    names: &'static [&'static str],
    more: More,
) -> Case {
    Case { name, csr, duration: None, seconds: None, names, more }
}

/// A case about its duration.
const fn lasting(
    name: &'static str,
    duration: Option<&'static str>,
    seconds: Option<i64>,
    wanted: i64,
) -> Case {
    let (csr, names) = ("--algorithm p256 --dns long.example.com", &["DNS:long.example.com"]);
    Case { name, csr, duration, seconds, names, more: More::Seconds(wanted) }
}

const LABEL: &str = "--algorithm p256 --dns a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23.example.com";

#[rustfmt::skip] // a row is a line, or two
const CASES: &[Case] = &[
    case("rsa-dns", "--algorithm rsa2048 --dns rsa.example.com", &["DNS:rsa.example.com"], More::Nothing),
    case("ecdsa-dns", "--algorithm p256 --dns ecdsa.example.com", &["DNS:ecdsa.example.com"], More::Nothing),
    case("ed25519-dns", "--algorithm ed25519 --dns ed25519.example.com", &["DNS:ed25519.example.com"], More::Nothing),
    // Whoever asks for no name gets the common name as one.
    case("rsa-cn", "--algorithm rsa2048 --subject CN=rsa.example.com",
        &["DNS:rsa.example.com"], More::Subject("CN=rsa.example.com")),
    case("ecdsa-cn", "--algorithm p256 --subject CN=ecdsa.example.com",
        &["DNS:ecdsa.example.com"], More::Subject("CN=ecdsa.example.com")),
    case("ed25519-cn", "--algorithm ed25519 --subject CN=ed25519.example.com",
        &["DNS:ed25519.example.com"], More::Subject("CN=ed25519.example.com")),
    case("other-name-and-email", "--algorithm p256 --upn ann@corp.example.com --email ann@example.com",
        &["otherName:UPN=ann@corp.example.com", "email:ann@example.com"], More::Nothing),
    case("literal-subject", "--algorithm p256 --subject CN=literal.example.com,OU=Shop,O=Example,C=CH --dns literal.example.com",
        &["DNS:literal.example.com"], More::Subject("CN=literal.example.com,OU=Shop,O=Example,C=CH")),
    case("ip", "--algorithm p256 --ip 192.0.2.1", &["IP:192.0.2.1"], More::Nothing),
    case("dns-and-ip", "--algorithm p256 --dns both.example.com --ip 2001:db8::1",
        &["DNS:both.example.com", "IP:2001:db8::1"], More::Nothing),
    case("cn-and-ip", "--algorithm p256 --subject CN=cn.example.com --ip 192.0.2.2",
        &["IP:192.0.2.2"], More::Subject("CN=cn.example.com")),
    case("email", "--algorithm p256 --email bob@example.com", &["email:bob@example.com"], More::Nothing),
    case("cn-and-uri", "--algorithm p256 --subject CN=uri.example.com --uri spiffe://cluster.local/ns/shop/sa/web",
        &["URI:spiffe://cluster.local/ns/shop/sa/web"], More::Subject("CN=uri.example.com")),
    case("uri-only", "--algorithm p256 --uri spiffe://cluster.local/ns/shop/sa/api",
        &["URI:spiffe://cluster.local/ns/shop/sa/api"], More::Subject("")),
    case("two-dns-and-cn-of-one", "--algorithm p256 --subject CN=one.example.com --dns one.example.com --dns two.example.com",
        &["DNS:one.example.com", "DNS:two.example.com"], More::Subject("CN=one.example.com")),
    case("dns-and-another-cn", "--algorithm p256 --subject CN=cn.example.com --dns dns.example.com",
        &["DNS:dns.example.com"], More::Subject("CN=cn.example.com")),
    lasting("duration", Some("896h"), None, 896 * HOUR),
    lasting("seconds", None, Some(333 * HOUR), 333 * HOUR),
    lasting("duration-before-seconds", Some("896h"), Some(333 * HOUR), 896 * HOUR),
    lasting("no-duration", None, None, 90 * 24 * HOUR),
    lasting("shortest-duration", Some("10m"), None, 600),
    case("wildcard", "--algorithm p256 --dns *.example.com", &["DNS:*.example.com"], More::Nothing),
    case("wildcard-and-apex", "--algorithm p256 --dns *.example.com --dns example.com",
        &["DNS:*.example.com", "DNS:example.com"], More::Nothing),
    case("longest-label", LABEL,
        &["DNS:a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23.example.com"], More::Nothing),
];

/// Cases of that suite that are not here as a row of [`CASES`], and why.
const SKIPPED: &[(&str, &str)] = &[
    (
        "a CA by its annotation",
        "`espalier serve` takes no profile of an authority, which its operators make; the refusal is a row below",
    ),
    ("key usages as asked", "a test of its own, as they stand in the CSR as well"),
];

/// A request, its name without what stands before it.
struct Order<'a> {
    name: &'a str,
    signer: &'a str,
    usages: &'a [&'a str],
    annotations: &'a [(&'a str, &'a str)],
    seconds: Option<i64>,
}

impl<'a> Order<'a> {
    /// A server's, to this signer.
    fn of(name: &'a str, signer: &'a str) -> Self {
        Self { name, signer, usages: SERVER, annotations: &[], seconds: None }
    }

    /// The manifest, with this CSR in Base64.
    fn manifest(&self, shop: &Namespace<'_>, csr: &str) -> String {
        let annotations: Value =
            self.annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let mut spec = json!({ "signerName": self.signer, "request": csr, "usages": self.usages });
        if let Some(seconds) = self.seconds {
            spec["expirationSeconds"] = json!(seconds);
        }
        json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": { "name": named(shop, self.name), "annotations": annotations },
            "spec": spec,
        })
        .to_string()
    }
}

/// Requests are the whole cluster's: their names begin with the namespace of their test.
fn named(shop: &Namespace<'_>, name: &str) -> String {
    format!("{}-{name}", shop.name())
}

/// The same, as kubectl names an object.
fn object(shop: &Namespace<'_>, name: &str) -> String {
    format!("csr/{}", named(shop, name))
}

/// The signer name of an issuer in this namespace.
fn signer(shop: &Namespace<'_>, issuer: &str) -> String {
    format!("pqissuers.espalier.dev/{}.{issuer}", shop.name())
}

/// A CSR with a new key, in Base64.
fn csr(stand: &Stand, shop: &Namespace<'_>, name: &str, options: &str) -> String {
    let file = named(shop, name);
    let words = format!("csr create --no-passphrase --key-out {file}.key --out {file}.csr");
    stand.server.done(&format!("{words} {options}"));
    Base64::encode_string(&fs::read(stand.server.file(&format!("{file}.csr"))).unwrap())
}

/// A CSR for a server's name.
fn server_csr(stand: &Stand, shop: &Namespace<'_>, name: &str) -> String {
    csr(stand, shop, name, "--algorithm p256 --dns web.example.com")
}

/// `kubectl certificate approve` or `deny`, by the administrator.
fn judge(shop: &Namespace<'_>, verb: &str, names: &[&str]) {
    let names: Vec<String> = names.iter().map(|name| named(shop, name)).collect();
    let mut words = vec!["certificate", verb];
    words.extend(names.iter().map(String::as_str));
    shop.kubectl().run(&words).ok();
}

fn issued(shop: &Namespace<'_>, name: &str) {
    shop.wait(&object(shop, name), "jsonpath={.status.certificate}");
}

/// The request failed for good, with this reason and these words, also in an event; it has no
/// certificate, and what its approver said still stands.
fn failed(stand: &Stand, shop: &Namespace<'_>, name: &str, (reason, words): (&str, &str)) {
    let object = object(shop, name);
    shop.wait(&object, "condition=Failed");
    let found = shop.condition(&object, "Failed");
    let message = found["message"].as_str().unwrap();
    assert_eq!(found["reason"], reason, "{name}: {message}");
    assert!(message.contains(words), "{name}: no {words:?} in {message}");
    assert_eq!(shop.get(&object)["status"]["certificate"], Value::Null, "{name}");
    assert_eq!(shop.condition(&object, "Approved")["status"], "True", "{name}");
    // Events about what has no namespace are in this one.
    stand.cluster.namespaced("default").event(&object, message);
    let described = shop.kubectl().run(&["describe", &object]).ok();
    assert!(described.contains(words), "{name}: no {words:?} in {described}");
}

#[test]
fn requests_of_kubernetes_get_what_they_ask_for() {
    let Some(stand) = Stand::shared() else { return };
    let mut go = peers::harness("go");
    for authority in ["classical", "composite"] {
        let shop = stand.namespace("signer");
        let issuer = stand.issuer(&Issuer::by_token("issuer", authority));
        shop.apply(&issuer.replace("profile: tls-server", "profile: as-asked"));
        let signer = signer(&shop, "issuer");
        let manifest = |case: &Case| {
            let annotation = case.duration.map(|text| (DURATION, text));
            let annotations = annotation.as_slice();
            let Case { name, seconds, .. } = *case;
            let order = Order { annotations, seconds, usages: ALL, ..Order::of(name, &signer) };
            order.manifest(&shop, &csr(stand, &shop, name, case.csr))
        };
        let manifests: Vec<String> = CASES.iter().map(manifest).collect();
        shop.apply(&manifests.join("\n---\n"));
        judge(&shop, "approve", &CASES.iter().map(|case| case.name).collect::<Vec<_>>());
        let root = stand.server.certificate(&format!("{authority}-root"));
        for case in CASES {
            issued(&shop, case.name);
            let status = shop.get(&object(&shop, case.name))["status"].clone();
            let chain = decoded(&status["certificate"]);
            let pair = Pair { chain, key: String::new(), root: root.clone() };
            is_as_asked((case.name, case.names, &case.more), &pair.inspected(&stand.server)[0]);
            let ran = pair.verified(&stand.server, authority, "");
            assert_eq!(ran.code, Some(0), "{}: {}", case.name, ran.text);
            if let (Some(go), "classical") = (&mut go, authority) {
                go_finds_it_good(go, &pair);
            }
        }
        tried("kubernetes", &format!("certificatesigningrequests: {authority}"), "as asked");
    }
    for (case, reason) in SKIPPED {
        let what = format!("certificatesigningrequests: {case}");
        tried("kubernetes", &what, &format!("skipped: {reason}"));
    }
}

/// The CSR of a Certificate names its usages itself, and this profile takes them over.
#[test]
fn usages_that_stand_in_the_csr_too_are_exactly_those_of_the_certificate() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("usages");
    let issuer = stand.issuer(&Issuer::by_token("issuer", "classical"));
    shop.apply(&issuer.replace("profile: tls-server", "profile: as-asked"));
    let spec = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}\n\
                usages: [digital signature, client auth]";
    shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec }.manifest());
    let request = shop.get(&shop.request_of("web"));
    let csr = request["spec"]["request"].as_str().unwrap();
    let signer = signer(&shop, "issuer");
    let asking = |name, usages| Order { usages, ..Order::of(name, &signer) }.manifest(&shop, csr);
    shop.apply(&asking("client", &["digital signature", "client auth"]));
    shop.apply(&asking("both", &["digital signature", "client auth", "server auth"]));
    judge(&shop, "approve", &["client", "both"]);
    issued(&shop, "client");
    let chain = decoded(&shop.get(&object(&shop, "client"))["status"]["certificate"]);
    let pair = Pair { chain, key: String::new(), root: String::new() };
    let more = More::Usages(&["digitalSignature"], &["clientAuth"]);
    is_as_asked(("client", &["DNS:web.example.com"], &more), &pair.inspected(&stand.server)[0]);
    let words = "found client_auth, server_auth, allowed by the profile as-asked with this CSR is what the certificate will have: client_auth";
    failed(stand, &shop, "both", ("InvalidRequest", words));
}

/// Of usages that stand in the CSR as well the server tells, as of those of a CertificateRequest.
#[test]
fn a_usage_beside_the_csr_that_the_certificate_lacks_is_told_by_an_event() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("lacks");
    let issuer = stand.issuer(&Issuer::by_token("issuer", "composite"));
    shop.apply(&issuer.replace("profile: tls-server", "profile: as-asked"));
    let signer = signer(&shop, "issuer");
    let usages = &[ALL, &["key encipherment"]].concat();
    for (name, algorithm) in [("curve", "p256"), ("rsa", "rsa2048")] {
        let options = format!("--algorithm {algorithm} --dns web.example.com");
        let order = Order { usages, ..Order::of(name, &signer) };
        shop.apply(&order.manifest(&shop, &csr(stand, &shop, name, &options)));
    }
    judge(&shop, "approve", &["curve", "rsa"]);
    let words = "otherwise than asked for: spec.usages: left out key_encipherment, as";
    let events = stand.cluster.namespaced("default");
    events.event(&object(&shop, "curve"), words);
    issued(&shop, "rsa");
    events.event(&object(&shop, "rsa"), "issued");
    let notes = events.notes(&object(&shop, "rsa"));
    assert!(notes.iter().all(|note| !note.contains("left out")), "{notes:?}");
}

#[test]
fn what_is_asked_for_beyond_the_rules_fails_and_says_so() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("rules");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let signer = signer(&shop, "issuer");
    let good = |name| Order::of(name, &signer);
    let peer: &[&str] = &["digital signature", "server auth", "client auth"];
    let invalid = "InvalidRequest";
    let refused = [
        (
            Order { annotations: &[(DURATION, "9m59s")], ..good("too-short") },
            (invalid, "request-duration: found 599 s, allowed are 600 s and more"),
        ),
        (
            Order { annotations: &[(DURATION, "soon")], ..good("no-duration") },
            (invalid, "request-duration: found \"soon\""),
        ),
        (Order { seconds: Some(2 * 365 * 24 * HOUR), ..good("too-long") }, ("Refused", "validity")),
        (
            Order { usages: &["digital signature", "client auth"], ..good("client") },
            (
                invalid,
                "spec.usages: found \"client auth\", allowed by the profile tls-server: server_auth",
            ),
        ),
        (
            Order { usages: &["cert sign"], ..good("sign") },
            (
                invalid,
                "spec.usages: found \"cert sign\", allowed by the profile tls-server: digital_signature",
            ),
        ),
        (
            Order { annotations: &[(PROFILE, "tls-peer")], ..good("half-peer") },
            (invalid, "what the certificate will have: client_auth, server_auth"),
        ),
        (
            Order { annotations: &[(PROFILE, "code-signing")], ..good("profile") },
            (
                invalid,
                "annotation espalier.dev/profile: found \"code-signing\", allowed by PQIssuer",
            ),
        ),
        (
            Order { annotations: &[(IS_CA, "true")], ..good("ca") },
            ("Refused", "request-is-ca: found true, allowed by the profile tls-server is false"),
        ),
    ];
    let accepted = [
        good("server"),
        Order { annotations: &[(PROFILE, "tls-peer")], usages: peer, ..good("peer") },
        Order { annotations: &[(IS_CA, "false")], ..good("no-ca") },
    ];
    let all = || refused.iter().map(|(order, _)| order).chain(&accepted);
    let manifests: Vec<String> =
        all().map(|order| order.manifest(&shop, &server_csr(stand, &shop, order.name))).collect();
    shop.apply(&manifests.join("\n---\n"));
    judge(&shop, "approve", &all().map(|order| order.name).collect::<Vec<_>>());
    for (order, told) in &refused {
        failed(stand, &shop, order.name, *told);
    }
    for order in &accepted {
        issued(&shop, order.name);
    }
    let export = stand.server.run("ledger export");
    assert_eq!(export.code, Some(0), "{}", export.text);
    let records = Record::all(&export.text);
    let count = |order: &Order<'_>| {
        let request = shop.get(&object(&shop, order.name));
        let uid = request["metadata"]["uid"].as_str();
        records.iter().filter(|record| record.uid() == uid).count()
    };
    for (order, _) in &refused {
        assert_eq!(count(order), 0, "{}: nobody would get the certificate", order.name);
    }
    for order in &accepted {
        assert_eq!(count(order), 1, "{}", order.name);
    }
    // The API server refuses shorter ones than ours by itself.
    let short = Order { seconds: Some(599), ..good("short") };
    let refusal = shop.refused(&short.manifest(&shop, &server_csr(stand, &shop, "short")));
    assert!(refusal.contains("expirationSeconds"), "{refusal}");
}

/// Whoever made a request must be allowed to name an issuer of a namespace; those of the cluster are
/// for everybody.
#[test]
fn who_has_no_role_may_name_no_issuer_of_a_namespace() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, other) = (stand.namespace("roles"), stand.namespace("roles"));
    stand.credentials_of_cluster_issuers();
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    other.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let wide = named(&shop, "wide");
    let kind = "PQClusterIssuer";
    shop.apply(&stand.issuer(&Issuer { kind, ..Issuer::by_token(&wide, "composite") }));
    let user = |name: &str| named(&shop, name);
    let users = ["ann", "bob", "carol"].map(user);
    // Anybody may make requests; bob may name one issuer here, carol each.
    let asks = named(&shop, "asks");
    let resource = "--resource=certificatesigningrequests.certificates.k8s.io";
    shop.kubectl().run(&["create", "clusterrole", &asks, "--verb=create", resource]).ok();
    let names: Vec<String> = users.iter().map(|name| format!("--user={name}")).collect();
    let asks = asks.as_str();
    let mut words = vec!["create", "clusterrolebinding", asks, "--clusterrole", asks];
    words.extend(names.iter().map(String::as_str));
    shop.kubectl().run(&words).ok();
    shop.apply(&[role("one", "issuer", &users[1]), role("all", "*", &users[2])].join("\n---\n"));
    let here = signer(&shop, "issuer");
    let absent = signer(&shop, "absent");
    let there = signer(&other, "issuer");
    let nowhere = signer(&other, "absent");
    let cluster = format!("pqclusterissuers.espalier.dev/{wide}");
    let denied = "DeniedReference";
    for (user, name, signer, wanted) in [
        (&users[0], "none", &here, Some(&users[0])),
        (&users[0], "wide", &cluster, None),
        (&users[1], "named", &here, None),
        (&users[1], "unnamed", &absent, Some(&users[1])),
        (&users[1], "there", &there, Some(&users[1])),
        (&users[2], "each", &here, None),
        (&users[2], "nowhere", &nowhere, Some(&users[2])),
    ] {
        let order = Order::of(name, signer);
        let manifest = order.manifest(&shop, &server_csr(stand, &shop, name));
        shop.kubectl().with(&["--as", user]).run_on(&["create", "-f", "-"], &manifest).ok();
        judge(&shop, "approve", &[name]);
        match wanted {
            None => issued(&shop, name),
            // Of another namespace nobody learns which issuers it has.
            Some(user) => {
                let words =
                    format!("found {signer:?}, allowed to {user:?} are issuers of namespace");
                failed(stand, &shop, name, (denied, &words));
            }
        }
    }
}

/// Lets a user name an issuer of the namespace, as cert-manager wants it for its own.
fn role(name: &str, issuer: &str, user: &str) -> String {
    let group = "rbac.authorization.k8s.io";
    let rule = json!({
        "apiGroups": ["cert-manager.io"], "resources": ["signers"], "verbs": ["reference"],
        "resourceNames": [issuer],
    });
    let role = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": { "name": name },
        "rules": [rule],
    });
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": name },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    });
    format!("{role}\n---\n{binding}")
}

#[test]
fn a_request_that_is_not_approved_or_not_ours_is_left_alone() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("left");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let (here, absent) = (signer(&shop, "issuer"), signer(&shop, "absent"));
    let foreign = format!("example.com/{}.issuer", shop.name());
    let orders = [
        Order::of("open", &here),
        Order::of("denied", &here),
        Order::of("foreign", &foreign),
        Order::of("absent", &absent),
        Order::of("last", &here),
    ];
    for order in &orders {
        shop.apply(&order.manifest(&shop, &server_csr(stand, &shop, order.name)));
    }
    judge(&shop, "deny", &["denied"]);
    judge(&shop, "approve", &["foreign", "absent"]);
    // It waits, and says for what: its issuer may still come.
    let everywhere = stand.cluster.namespaced("default");
    everywhere.event(&object(&shop, "absent"), "absent: found none of this name");
    assert_eq!(shop.condition(&object(&shop, "absent"), "Failed"), Value::Null);
    shop.apply(&stand.issuer(&Issuer::by_token("absent", "catalyst")));
    issued(&shop, "absent");
    // Whoever came last has a certificate: the others were seen before.
    judge(&shop, "approve", &["last"]);
    issued(&shop, "last");
    for name in ["open", "denied", "foreign"] {
        let object = object(&shop, name);
        assert_eq!(shop.get(&object)["status"]["certificate"], Value::Null, "{name}");
        assert_eq!(shop.condition(&object, "Failed"), Value::Null, "{name}");
    }
    // Nor could the issuer: the API server takes its certificates only for names of ours.
    let account = format!("system:serviceaccount:{SYSTEM}:espalier-issuer");
    let certificate = Base64::encode_string(stand.server.certificate("composite").as_bytes());
    let patched = |name: &str| {
        let manifest = json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": { "name": named(&shop, name) }, "status": { "certificate": certificate },
        });
        let words =
            ["apply", "--server-side", "--subresource=status", "--validate=false", "-f", "-"];
        let kubectl = shop.kubectl().with(&["--as", &account]);
        kubectl.run_on(&words, &manifest.to_string())
    };
    let refusal = patched("foreign").refusal();
    assert!(refusal.contains("not permitted to sign requests with signerName"), "{refusal}");
    patched("open").ok();
}
