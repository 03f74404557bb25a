//! A policy over two namespaces with a hundred certificates each.

use std::time::Instant;

use interop::peers::tried;
use policy::bucket;
use serde_json::{Value, json};
use test_cluster::{Namespace, Stand};

use super::{of_labelled, shop_at, signed_by, status_of};

/// Certificates of each namespace.
const EACH: usize = 100;

/// How many certificates of a mode the policy counts.
fn of_mode(status: &Value, mode: &str) -> u64 {
    let modes = status["modes"].as_array().cloned().unwrap_or_default();
    let counts = modes.iter().filter(|one| one["mode"] == mode);
    counts.map(|one| one["certificates"].as_u64().unwrap()).sum()
}

#[test]
fn two_hundred_certificates_of_two_namespaces_go_in_steps_and_come_back() {
    let Some(stand) = Stand::shared() else { return };
    let shops: Vec<Namespace<'_>> =
        ["east", "west"].map(|name| shop_at(stand, name, EACH, &stand.server.url())).into();
    let policy = shops[0].name().to_owned();
    for shop in &shops {
        let label = format!("policy={policy}");
        shop.kubectl().run(&["label", "--overwrite", "namespace", shop.name(), &label]).ok();
    }
    let among = |shop: &Namespace<'_>, percent: usize| {
        let places = (0..EACH).map(|number| bucket(shop.name(), &format!("web-{number}")));
        places.filter(|place| usize::from(*place) < percent).count()
    };
    let example = json!({
        "algorithms": ["kyber768", "dilithium3"], "hybrid": true, "rollback": "enabled",
    });
    for percent in [10, 50, 100] {
        let started = Instant::now();
        let mut spec = example.clone();
        spec["canary"] = json!({ "percent": percent });
        shops[0].apply(&of_labelled(&policy, &spec));
        let wanted: usize = shops.iter().map(|shop| among(shop, percent)).sum();
        status_of(&shops[0], &policy, |status| {
            of_mode(status, "Composite") == u64::try_from(wanted).unwrap()
        });
        for shop in &shops {
            let hybrid = signed_by(stand, shop, "composite", "hybrid");
            assert_eq!(hybrid, among(shop, percent), "{percent} %");
        }
        println!("{percent} %: {wanted} of {} in {:?}", 2 * EACH, started.elapsed());
    }
    let whole = status_of(&shops[0], &policy, |status| status["adoptedPercent"] == 100);
    assert_eq!(whole["notCompliant"], Value::Null);
    assert_eq!(whole["inScope"], 2 * EACH);
    let started = Instant::now();
    let mut off = example;
    off["active"] = json!(false);
    shops[0].apply(&of_labelled(&policy, &off));
    let back = status_of(&shops[0], &policy, |status| {
        of_mode(status, "Classical") == u64::try_from(2 * EACH).unwrap()
    });
    assert_eq!(back["adoptedPercent"], 0);
    for shop in &shops {
        assert_eq!(signed_by(stand, shop, "classical", "any"), EACH);
    }
    println!("all back in {:?}", started.elapsed());
    tried("kubernetes", "PQPolicy", "200 certificates go in canary steps and come back");
}
