//! A certificate's life after it was issued: renewed on demand, with the same key or another, and
//! made anew when its spec changes.

use test_cluster::{Issuer, Namespace, Pair, Stand, Wanted, found};

const SPEC: &str = "dnsNames: [web.example.com]\n\
                    privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}";

fn start<'a>(stand: &'a Stand, name: &str, spec: &str) -> (Namespace<'a>, Pair) {
    let shop = stand.namespace(name);
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    shop.apply(&wanted(spec));
    shop.wait("certificate/web", "condition=Ready");
    let pair = Pair::of(&shop, "web");
    (shop, pair)
}

fn wanted(spec: &str) -> String {
    Wanted { name: "web", issuer: ("PQIssuer", "issuer"), spec }.manifest()
}

/// Waits for another certificate than this one.
fn replaced(shop: &Namespace<'_>, before: &Pair) -> Pair {
    let other = || Some(Pair::of(shop, "web")).filter(|pair| pair.chain != before.chain);
    let pair = found(other, || shop.kubectl().run(&["describe", "certificate/web"]).text());
    shop.wait("certificate/web", "condition=Ready");
    pair
}

/// What `cmctl renew` does: it sets the condition `Issuing`.
fn renew(shop: &Namespace<'_>) {
    let patch = r#"{"status": {"conditions": [{"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
        "message": "renewed by hand", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}"#;
    let words =
        ["patch", "certificate/web", "--subresource=status", "--type=merge", "--patch", patch];
    shop.kubectl().run(&words).ok();
}

#[test]
fn renewed_on_demand_it_has_another_certificate_and_key() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, first) = start(stand, "renewal", SPEC);
    renew(&shop);
    let second = replaced(&shop, &first);
    assert_ne!(second.key, first.key);
    let ran = second.verified(&stand.server, "composite", "--policy hybrid");
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    assert_eq!(shop.get("certificate/web")["status"]["revision"], 2);
}

#[test]
fn renewed_on_demand_it_keeps_its_key_where_that_is_wanted() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, first) = start(stand, "same-key", &SPEC.replace("Always", "Never"));
    renew(&shop);
    let second = replaced(&shop, &first);
    assert_eq!(second.key, first.key);
}

#[test]
fn another_spec_makes_another_certificate() {
    let Some(stand) = Stand::shared() else { return };
    let (shop, first) = start(stand, "respec", SPEC);
    let before = first.verified(&stand.server, "composite", "--hostname api.example.com");
    assert_eq!(before.code, Some(1), "{}", before.text);
    shop.apply(&wanted(&SPEC.replace("[web", "[api.example.com, web")));
    let second = replaced(&shop, &first);
    let after = second.verified(&stand.server, "composite", "--hostname api.example.com");
    assert_eq!(after.code, Some(0), "{}", after.text);
    // Another issuer, and with it another authority.
    shop.apply(&stand.issuer(&Issuer::by_token("other", "catalyst")));
    shop.apply(&Wanted { name: "web", issuer: ("PQIssuer", "other"), spec: SPEC }.manifest());
    let third = replaced(&shop, &second);
    let ran = third.verified(&stand.server, "catalyst", "--policy hybrid");
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    assert_eq!(first.verified(&stand.server, "catalyst", "").code, Some(1));
}
