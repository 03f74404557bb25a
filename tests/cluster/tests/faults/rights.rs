//! Rights of the issuer program are taken away while it runs: it says so where it still can, asks seldom,
//! and goes on by itself once it has them again.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use test_cluster::{Issuer, Namespace, SYSTEM, Stand, until};

use crate::{ready, stand, told, uid, wanted};

/// Where the chart puts what the program may do in every namespace.
const EVERYWHERE: &str = "clusterrole/espalier-system:espalier-issuer";
/// Where the owner of a namespace puts what it may do there, if that is not given everywhere; and the chart what
/// it may do in its own.
const HERE: &str = "role/espalier-issuer";

/// Rights that were taken away.
#[must_use]
struct Taken {
    namespace: String,
    role: &'static str,
    rules: Value,
}

impl Taken {
    /// Takes away those for one resource.
    fn away(shop: &Namespace<'_>, role: &'static str, resource: &str) -> Self {
        let rules = shop.get(role)["rules"].clone();
        let mut left = rules.clone();
        let names = |rule: &Value| rule["resources"].as_array().unwrap().contains(&resource.into());
        left.as_array_mut().unwrap().retain(|rule| !names(rule));
        assert_ne!(left, rules, "no rule for {resource}");
        put(shop, role, &left);
        Self { namespace: shop.name().to_owned(), role, rules }
    }

    fn back(self, stand: &Stand) {
        put(&stand.cluster.namespaced(&self.namespace), self.role, &self.rules);
    }
}

fn put(shop: &Namespace<'_>, role: &str, rules: &Value) {
    let patch = json!({ "rules": rules }).to_string();
    shop.kubectl().run(&["patch", role, "--type=merge", "--patch", &patch]).ok();
}

#[test]
fn without_the_right_to_write_a_status_an_event_says_so() {
    let Some(stand) = stand() else { return };
    let shop = ready(&stand, "no-status");
    let taken = Taken::away(&shop, EVERYWHERE, "certificaterequests/status");
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    shop.event(&request, "the API server did not take it");
    shop.event(&request, "cannot patch resource");
    // No hot loop: each try asks the server, which gives the same certificate again.
    let asked = || stand.server.log().matches("/v1/certificates").count();
    let before = asked();
    std::thread::sleep(Duration::from_secs(4));
    let often = asked() - before;
    // Each is two words of the log, its path and its route.
    assert!(often <= 12, "{often} words of the log");
    assert!(shop.notes(&request).len() <= 5, "{:?}", shop.notes(&request));
    assert_eq!(told(&shop, &request).0, Value::Null);
    taken.back(&stand);
    shop.wait("certificate/web", "condition=Ready");
    assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
}

#[test]
fn without_the_right_to_write_an_issuers_status_an_event_says_so() {
    let Some(stand) = stand() else { return };
    let shop = stand.namespace("no-issuer-status");
    let taken = Taken::away(&shop, EVERYWHERE, "pqissuers/status");
    let manifest = stand.issuer(&Issuer::by_token("issuer", "composite"));
    shop.apply(&manifest);
    shop.event("pqissuer/issuer", "cannot patch resource");
    // It is good all the same, and serves.
    shop.apply(&wanted("web"));
    shop.wait("certificate/web", "condition=Ready");
    assert_eq!(told(&shop, "pqissuer/issuer").0, Value::Null);
    taken.back(&stand);
    // Whatever changes is written, as it is looked at again in any case.
    shop.kubectl()
        .run(&[
            "patch",
            "pqissuer/issuer",
            "--type=merge",
            "--patch",
            r#"{"spec": {"caInStatus": false}}"#,
        ])
        .ok();
    shop.wait("pqissuer/issuer", "condition=Ready");
}

#[test]
fn without_the_right_to_read_credentials_the_issuer_says_so() {
    let Some(stand) = stand() else { return };
    let shop = ready(&stand, "no-secrets");
    let is_given_here = !shop.kubectl().run(&["get", HERE]).text().contains("NotFound");
    let taken = Taken::away(&shop, if is_given_here { HERE } else { EVERYWHERE }, "secrets");
    // At its next check.
    shop.wait("pqissuer/issuer", "condition=Ready=False");
    let (ready, message) = told(&shop, "pqissuer/issuer");
    assert_eq!(ready["reason"], "Misconfigured");
    assert!(
        message.contains("the API server refuses") && message.contains("forbidden"),
        "{message}"
    );
    shop.event("pqissuer/issuer", &message);
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    shop.wait(&request, "condition=Ready=False");
    assert_eq!(told(&shop, &request).0["reason"], "Pending");
    assert!(told(&shop, &request).1.contains("the API server refuses"));
    taken.back(&stand);
    shop.wait("certificate/web", "condition=Ready");
    assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
}

#[test]
fn without_the_right_to_read_requests_the_program_is_not_ready() {
    let Some(mut stand) = stand() else { return };
    let name = ready(&stand, "no-requests").name().to_owned();
    stand.controllers.end(Signal::TERM);
    let taken = Taken::away(&stand.cluster.namespaced(&name), EVERYWHERE, "certificaterequests");
    stand.controllers.start();
    stand.cluster.namespaced(&name).apply(&wanted("web"));
    let words = "certificaterequests.cert-manager.io is forbidden";
    until("told", || stand.controllers.running().log().contains(words));
    assert_eq!(stand.controllers.answers("/readyz").0, 503);
    taken.back(&stand);
    until("ready", || stand.controllers.answers("/readyz").0 == 200);
    let shop = stand.cluster.namespaced(&name);
    shop.wait("certificate/web", "condition=Ready");
    assert_eq!(stand.server.issued(&uid(&shop, &shop.request_of("web"))), 1);
}

#[test]
fn without_the_right_to_the_lease_the_program_ends_and_works_again_once_it_has_it() {
    let Some(mut stand) = stand() else { return };
    let name = ready(&stand, "no-lease").name().to_owned();
    let taken = Taken::away(&stand.cluster.namespaced(SYSTEM), HERE, "leases");
    // Another replica might take the lease that this one can't renew.
    let ended = stand.controllers.ends();
    assert_eq!(ended.code(), Some(3), "{ended:?}");
    // As a kubelet would.
    stand.controllers.start();
    let looks = "the lease can't be looked at";
    until("told", || stand.controllers.running().log().contains(looks));
    assert!(stand.controllers.running().log().contains("the lease was lost"));
    let shop = stand.cluster.namespaced(&name);
    shop.apply(&wanted("web"));
    let request = shop.request_of("web");
    // For longer than a lease lasts here.
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(stand.controllers.answers("/readyz").0, 503);
    assert_eq!(told(&shop, &request).0, Value::Null);
    taken.back(&stand);
    until("ready", || stand.controllers.answers("/readyz").0 == 200);
    shop.wait("certificate/web", "condition=Ready");
    assert_eq!(stand.server.issued(&uid(&shop, &request)), 1);
}
